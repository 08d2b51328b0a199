package smtpd

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"tegami/server/door"
	"tegami/wire/smtp"
)

// A Server answers SMTP on one listener. Make it with New.
type Server struct {
	config Config
	gate   Gate
	door   *door.Server
	blocks *smtp.Blocks

	mu     sync.Mutex
	bodies map[netip.Prefix]int64 // octets on their way
}

const (
	// keptBlocks is how many read buffers of smtp.BlockSize a server keeps for the next
	// bodies: 16 MB at most.
	keptBlocks = 256
	// networkBits is how long the prefix of a network of IPv4 is: whoever sends spam has a /24 of it.
	networkBits = 24
)

// New makes a server. It opens nothing.
func New(c Config, g Gate) *Server {
	c.Limits = c.Limits.withDefaults()
	s := &Server{config: c, gate: g, blocks: smtp.NewBlocks(keptBlocks), bodies: map[netip.Prefix]int64{}}
	l := &c.Limits
	s.door = door.New(door.Config{
		Name: c.Name, Zone: c.Zone, ImplicitTLS: c.ImplicitTLS, TLS: c.TLS,
		Current: g.Current, Sessions: c.Sessions, Log: c.Log, Metrics: c.Metrics,
		Limits: door.Limits{Connections: l.Connections, PerNetwork: l.ConnectionsPerNetwork, IPv4Bits: networkBits,
			Handshake: l.HandshakeTimeout, Write: l.WriteTimeout, Grace: l.Grace, Sweep: l.Sweep},
	}, protocol{s})
	return s
}

// Serve answers connections of ln until ctx ends. Then it closes ln, says 421 to who
// waits, lets running commands end within Limits.Grace, and returns nil. Any other end
// is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.door.Serve(ctx, ln) }

// protocol is the server as the door sees it.
type protocol struct{ *Server }

func (p protocol) Open(c *door.Conn) door.Session { return newSession(p.Server, c) }

func (p protocol) TurnAway(c *door.Conn, _ error) {
	s := newSession(p.Server, c)
	s.put(sayTooManyConnections.reply())
	s.flush() // whether it hears that or not
}

// hold counts octets of a body, if its network may have so many on their way.
func (s *Server) hold(c *session, octets int64) bool {
	network, counted := door.NetworkOf(c.origin.Remote, networkBits)
	if !counted {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies[network]+octets > s.config.Limits.BodiesPerNetwork {
		return false
	}
	s.bodies[network] += octets
	c.mail.held += octets
	return true
}

// release gives back what hold counted.
func (s *Server) release(c *session) {
	if c.mail.held == 0 {
		return
	}
	network, _ := door.NetworkOf(c.origin.Remote, networkBits)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies[network] -= c.mail.held; s.bodies[network] <= 0 {
		delete(s.bodies, network)
	}
	c.mail.held = 0
}
