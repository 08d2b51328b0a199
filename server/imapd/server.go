package imapd

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

// A Server answers IMAP on any number of listeners.
type Server struct {
	cfg   Config
	dir   *directory.Directory
	boxes *mailbox.Service
	words *i18n.Catalogue
	log   *slog.Logger

	mu       sync.Mutex
	sessions map[*session]struct{}
	byIP     map[netip.Addr]int
	byUser   map[mail.AccountID]int
	stopping bool
	running  sync.WaitGroup
}

// New makes a server. It opens nothing.
func New(cfg Config, dir *directory.Directory, boxes *mailbox.Service) *Server {
	cfg.Limits = cfg.Limits.orDefaults()
	return &Server{
		cfg: cfg, dir: dir, boxes: boxes, words: i18n.New(), log: obs.Named(cfg.Log, cfg.Name),
		sessions: map[*session]struct{}{}, byIP: map[netip.Addr]int{}, byUser: map[mail.AccountID]int{},
	}
}

// maxAcceptPause is the longest pause after an Accept that failed, as when there are no file descriptors left.
const maxAcceptPause = time.Second

// Serve answers connections of ln until ctx ends. Then it closes ln, says BYE to who waits,
// lets running commands end within Limits.Grace, and returns nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	// Commands outlive ctx by the grace, so they get a context of their own.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for pause := time.Duration(0); ; {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(work, conn)
		case ctx.Err() != nil:
			s.stop()
			return nil
		case errors.Is(err, net.ErrClosed):
			s.stop()
			return mail.Because("imapd.Serve", mail.Unavailable, "", err)
		default:
			pause = min(max(2*pause, 5*time.Millisecond), maxAcceptPause)
			s.log.Warn("accept failed", "error", err, "pause", pause)
			time.Sleep(pause)
		}
	}
}

// start gives a connection its goroutine, or refuses it where a limit is reached.
func (s *Server) start(ctx context.Context, conn net.Conn) {
	ss := newSession(s, conn)
	if key := s.admit(ss); key != "" {
		s.cfg.Metrics.Refused(s.cfg.Name, "BYE")
		go ss.turnAway(key)
		return
	}
	s.cfg.Metrics.Sessions(s.cfg.Name, 1)
	go func() {
		defer s.running.Done()
		defer s.leave(ss)
		ss.serve(ctx)
	}()
}

// admit counts a session in. It gives the key of the reason where it may not.
func (s *Server) admit(ss *session) (key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ip := ss.origin.Remote
	switch {
	case s.stopping:
		return "imap.stopping"
	case len(s.sessions) >= s.cfg.Limits.Connections,
		!ip.IsLoopback() && s.byIP[counted(ip)] >= s.cfg.Limits.PerAddress:
		return "imap.too_many_connections"
	}
	s.sessions[ss] = struct{}{}
	s.byIP[counted(ip)]++
	s.running.Add(1)
	return ""
}

// counted is what an address counts to: who has one IPv6 address has its whole /64.
func counted(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	network, _ := ip.WithZone("").Prefix(64) // 64 fits
	return network.Addr()
}

// admitAccount counts a session of an account. It is false where the account has too many.
func (s *Server) admitAccount(ss *session, id mail.AccountID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ss.origin.Remote.IsLoopback() && s.byUser[id] >= s.cfg.Limits.PerAccount {
		return false
	}
	s.byUser[id]++
	ss.counted = id
	return true
}

// leave counts a session out.
func (s *Server) leave(ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, ss)
	dropCount(s.byIP, counted(ss.origin.Remote))
	if !ss.counted.IsZero() {
		dropCount(s.byUser, ss.counted)
	}
	s.cfg.Metrics.Sessions(s.cfg.Name, -1)
}

func dropCount[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}

// stop says BYE to all sessions, each after the command it runs, and ends those that
// take longer than the grace.
func (s *Server) stop() {
	s.mu.Lock()
	s.stopping = true
	for ss := range s.sessions {
		ss.stopping.Store(true)
		ss.poke()
	}
	s.mu.Unlock()
	force := time.AfterFunc(s.cfg.Limits.Grace, s.closeAll)
	s.running.Wait()
	force.Stop()
}

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ss := range s.sessions {
		ss.raw.Close()
	}
}
