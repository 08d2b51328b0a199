// Package pop3d is the POP3 door (RFC 1939): an account's inbox as a numbered list,
// read and deleted by one session at a time.
//
// A session is a table of verbs with the states they are allowed in (verbs.go). A
// handler gives a reply or an error, and one place writes both (session.go). APOP
// does not exist here (ML-11): the greeting carries no timestamp.
package pop3d

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
)

// A Server answers POP3 on a listener.
type Server struct {
	cfg   Config
	dir   *directory.Directory
	boxes *mailbox.Service
	words *i18n.Catalogue
	log   *slog.Logger

	mu       sync.Mutex
	sessions map[*session]struct{}
	byIP     map[netip.Addr]int
	stopping bool
	running  sync.WaitGroup
}

// New makes a server. It opens nothing.
func New(cfg Config, dir *directory.Directory, boxes *mailbox.Service) *Server {
	cfg.Limits = cfg.Limits.orDefaults()
	return &Server{cfg: cfg, dir: dir, boxes: boxes, words: i18n.New(), log: obs.Named(cfg.Log, cfg.Name),
		sessions: map[*session]struct{}{}, byIP: map[netip.Addr]int{}}
}

// acceptPause is how long Serve waits when the system has no room for a connection.
const acceptPause = 50 * time.Millisecond

// Serve answers connections of ln until ctx ends. Then it closes ln, lets running commands
// end within Limits.Grace, and returns nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	// Commands outlive ctx by the grace, so they get a context of their own.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			s.start(work, conn)
		case ctx.Err() != nil:
			s.stop()
			return nil
		case errors.Is(err, net.ErrClosed):
			s.stop()
			return mail.Because("pop3d.Serve", mail.Unavailable, "", err)
		default:
			s.log.Warn("accept failed", "err", err)
			time.Sleep(acceptPause)
		}
	}
}

// start gives a connection its goroutine, or turns it away where a limit is reached.
func (s *Server) start(ctx context.Context, conn net.Conn) {
	c := newSession(s, conn)
	if !s.admit(c) {
		s.cfg.Metrics.Refused(s.cfg.Name, "busy")
		conn.Close()
		return
	}
	s.cfg.Metrics.Sessions(s.cfg.Name, 1)
	go func() {
		defer s.running.Done()
		defer s.leave(c)
		c.serve(ctx)
	}()
}

// admit counts a session in, if the limits allow it.
func (s *Server) admit(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ip := c.origin.Remote
	if s.stopping || len(s.sessions) >= s.cfg.Limits.Connections ||
		!ip.IsLoopback() && s.byIP[counted(ip)] >= s.cfg.Limits.PerAddress {
		return false
	}
	s.sessions[c] = struct{}{}
	s.byIP[counted(ip)]++
	s.running.Add(1)
	return true
}

// counted is what an address counts to: who has one IPv6 address has its whole /64.
func counted(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	network, _ := ip.WithZone("").Prefix(64) // 64 fits
	return network.Addr()
}

// leave counts a session out.
func (s *Server) leave(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
	ip := counted(c.origin.Remote)
	if s.byIP[ip]--; s.byIP[ip] <= 0 {
		delete(s.byIP, ip)
	}
	s.cfg.Metrics.Sessions(s.cfg.Name, -1)
}

// await sets until when a session may hear something; while stopping it hears nothing more.
func (s *Server) await(c *session, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		c.socket.SetReadDeadline(until)
	}
}

// stop ends all sessions, each after the command it runs, and cuts those that take longer than the grace.
func (s *Server) stop() {
	s.mu.Lock()
	s.stopping = true
	for c := range s.sessions {
		c.socket.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	force := time.AfterFunc(s.cfg.Limits.Grace, s.cut)
	s.running.Wait()
	force.Stop()
}

func (s *Server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.socket.Close()
	}
}
