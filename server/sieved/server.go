// Package sieved is the ManageSieve door (RFC 5804): users look after the scripts of their mail's filter.
//
// A session is a table of verbs with the states they are allowed in and the arguments they take (verbs.go). A handler gives a reply
// or an error, and one place writes both (session.go). What is wrong in a script is told in the user's
// language, each fault with its line.
package sieved

import (
	"context"
	"net"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mailbox"
	"tegami/server/door"
)

// A Server answers ManageSieve on a listener.
type Server struct {
	cfg   Config
	dir   *directory.Directory
	boxes *mailbox.Service
	words *i18n.Catalogue
	door  *door.Server
}

// New makes a server. It opens nothing.
func New(cfg Config, dir *directory.Directory, boxes *mailbox.Service) *Server {
	if cfg.Name == "" {
		cfg.Name = "sieve"
	}
	cfg.Limits = cfg.Limits.orDefaults()
	s := &Server{cfg: cfg, dir: dir, boxes: boxes, words: i18n.New()}
	s.door = door.New(door.Config{
		Name: cfg.Name, Zone: cfg.Zone, TLS: cfg.TLS,
		Admit: dir.Reachable, Current: dir.StillValid, Sessions: cfg.Sessions, Log: cfg.Log, Metrics: cfg.Metrics,
		Limits: door.Limits{Connections: cfg.Limits.Connections, PerNetwork: cfg.Limits.PerAddress, PerAccount: cfg.Limits.PerAccount,
			Write: cfg.Limits.Write, Grace: cfg.Limits.Grace, Sweep: cfg.Limits.Sweep},
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
	s.bye(why)
	s.out.Flush() // whether it hears that or not
}
