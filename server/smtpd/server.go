package smtpd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/wire/smtp"
)

// A Server answers SMTP on one listener. Make it with New.
type Server struct {
	config   Config
	gate     Gate
	log      *slog.Logger
	blocks   *smtp.Blocks
	stopping atomic.Bool

	mu       sync.Mutex
	sessions map[*session]bool
	networks map[netip.Prefix]int
	bodies   map[netip.Prefix]int64 // octets on their way
	done     sync.WaitGroup
}

// keptBlocks is how many read buffers of smtp.BlockSize a server keeps for the next
// bodies: 16 MB at most.
const keptBlocks = 256

// New makes a server. It opens nothing.
func New(c Config, g Gate) *Server {
	c.Limits = c.Limits.withDefaults()
	return &Server{config: c, gate: g, log: obs.Named(c.Log, "smtpd"), blocks: smtp.NewBlocks(keptBlocks),
		sessions: map[*session]bool{}, networks: map[netip.Prefix]int{}, bodies: map[netip.Prefix]int64{}}
}

// acceptPause is how long Serve waits when the system has no room for a connection.
const acceptPause = 50 * time.Millisecond

// Serve answers connections of ln until ctx ends. Then it closes ln, says 421 to who
// waits, lets running commands end within Limits.Grace, and returns nil. Any other end
// is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	// Commands outlive ctx by the grace, so they get a context of their own.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			s.begin(work, conn)
		case ctx.Err() != nil:
			s.stop(cancel)
			return nil
		case errors.Is(err, net.ErrClosed):
			s.stop(cancel)
			return mail.Because("smtpd.Serve", mail.Unavailable, "", err)
		default:
			s.log.Error("accept failed", "door", s.config.Name, "err", err)
			time.Sleep(acceptPause)
		}
	}
}

// begin gives a connection its session, or turns it away.
func (s *Server) begin(ctx context.Context, conn net.Conn) {
	c := newSession(s, conn)
	if !s.enter(c) {
		s.config.Metrics.Refused(s.config.Name, "connections")
		go c.turnAway()
		return
	}
	go func() {
		defer s.leave(c)
		c.serve(ctx)
	}()
}

// networkOf is the source network a peer counts to; ok is false for those that
// aren't counted: loopback, and what has no address.
func networkOf(a netip.Addr) (network netip.Prefix, ok bool) {
	if !a.IsValid() || a.IsLoopback() {
		return network, false
	}
	bits := 64
	if a.Is4() {
		bits = 24
	}
	network, err := a.WithZone("").Prefix(bits)
	return network, err == nil
}

// enter counts a session in, if the limits allow.
func (s *Server) enter(c *session) bool {
	network, counted := networkOf(c.origin.Remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() || len(s.sessions) >= s.config.Limits.Connections ||
		counted && s.networks[network] >= s.config.Limits.ConnectionsPerNetwork {
		return false
	}
	if counted {
		s.networks[network]++
	}
	s.sessions[c] = true
	s.done.Add(1)
	s.config.Metrics.Sessions(s.config.Name, 1)
	return true
}

func (s *Server) leave(c *session) {
	network, counted := networkOf(c.origin.Remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
	if counted {
		if s.networks[network]--; s.networks[network] <= 0 {
			delete(s.networks, network)
		}
	}
	s.config.Metrics.Sessions(s.config.Name, -1)
	s.done.Done()
}

// hold counts octets of a body, if its network may have so many on their way.
func (s *Server) hold(c *session, octets int64) bool {
	network, counted := networkOf(c.origin.Remote)
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
	network, _ := networkOf(c.origin.Remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies[network] -= c.mail.held; s.bodies[network] <= 0 {
		delete(s.bodies, network)
	}
	c.mail.held = 0
}

// stop ends all sessions, each after the command it runs, and cuts those that take longer than the grace.
func (s *Server) stop(cancel context.CancelFunc) {
	s.stopping.Store(true)
	s.mu.Lock()
	for c := range s.sessions {
		c.wake()
	}
	s.mu.Unlock()
	force := time.AfterFunc(s.config.Limits.Grace, func() {
		cancel()
		s.cut()
	})
	s.done.Wait()
	force.Stop()
}

func (s *Server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Warn("sessions are cut", "door", s.config.Name, "sessions", len(s.sessions))
	for c := range s.sessions {
		c.socket.Close()
	}
}
