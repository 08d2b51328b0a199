// Package pop3d is the POP3 door (RFC 1939): an account's inbox as a numbered list,
// read and deleted by one session at a time.
//
// A session is a table of verbs with the states they are allowed in (verbs.go). A
// handler gives a reply or an error, and one place writes both (session.go). APOP
// does not exist here (ML-11): the greeting carries no timestamp.
package pop3d

import (
	"context"
	"net"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mailbox"
	"tegami/server/door"
)

// A Server answers POP3 on a listener.
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
		Limits: door.Limits{Connections: cfg.Limits.Connections, PerNetwork: cfg.Limits.PerAddress, Write: cfg.Limits.Write,
			Grace: cfg.Limits.Grace, Sweep: cfg.Limits.Sweep},
	}, protocol{s})
	return s
}

// Serve answers connections of ln until ctx ends. Then it closes ln, lets running commands
// end within Limits.Grace, and returns nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.door.Serve(ctx, ln) }

// protocol is the server as the door sees it.
type protocol struct{ *Server }

func (p protocol) Open(c *door.Conn) door.Session { return newSession(p.Server, c) }

func (p protocol) TurnAway(c *door.Conn, why error) {
	s := newSession(p.Server, c)
	s.refuse(why)
	s.out.Flush() // whether it hears that or not
}
