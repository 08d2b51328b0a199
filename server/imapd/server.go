package imapd

import (
	"context"
	"net"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mailbox"
	"tegami/server/door"
)

// A Server answers IMAP on any number of listeners.
type Server struct {
	cfg   Config
	dir   *directory.Directory
	boxes *mailbox.Service
	words *i18n.Catalogue
	door  *door.Server
}

// New makes a server. It opens nothing.
func New(cfg Config, dir *directory.Directory, boxes *mailbox.Service) *Server {
	cfg.Limits = cfg.Limits.orDefaults()
	s := &Server{cfg: cfg, dir: dir, boxes: boxes, words: i18n.New()}
	s.door = door.New(door.Config{
		Name: cfg.Name, Zone: cfg.Zone, ImplicitTLS: cfg.ImplicitTLS, TLS: cfg.TLS,
		Admit: dir.Reachable, Current: dir.StillValid, Sessions: cfg.Sessions, Log: cfg.Log, Metrics: cfg.Metrics,
		Limits: door.Limits{Connections: cfg.Limits.Connections, PerNetwork: cfg.Limits.PerAddress, PerAccount: cfg.Limits.PerAccount,
			Write: cfg.Limits.Command, Grace: cfg.Limits.Grace, Sweep: cfg.Limits.Sweep},
	}, protocol{s})
	return s
}

// Serve answers connections of ln until ctx ends. Then it closes ln, says BYE to who waits,
// lets running commands end within Limits.Grace, and returns nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.door.Serve(ctx, ln) }

// protocol is the server as the door sees it.
type protocol struct{ *Server }

func (p protocol) Open(c *door.Conn) door.Session { return openSession(p.Server, c) }

func (p protocol) TurnAway(c *door.Conn, why error) {
	s := openSession(p.Server, c)
	s.leave(why)
	s.out.Flush() // whether it hears that or not
}
