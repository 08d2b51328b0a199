// Package pop3d is the POP3 door (RFC 1939): an account's inbox as a numbered list,
// read and deleted by one session at a time.
//
// A session is a table of verbs with the states they are allowed in (verbs.go). A
// handler gives a reply or an error, and one place writes both (session.go). APOP
// does not exist here (ML-11): the greeting carries no timestamp.
package pop3d

import (
	"context"
	"crypto/tls"
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

// Config is what the door needs. Zero limits and times mean the defaults named here.
type Config struct {
	Directory *directory.Directory
	Mailbox   *mailbox.Service
	Words     *i18n.Catalogue
	Metrics   *obs.Metrics
	Log       *slog.Logger
	Hostname  string
	// MaxSessions is how many sessions may be open at once; default 10,000.
	MaxSessions int
	// MaxPerRemote is how many of them may come from one address; default 100. Loopback has no limit.
	MaxPerRemote int
	// IdleTimeout ends a signed-in session that says nothing; RFC 1939 §3 asks for 10 minutes at least, the default.
	IdleTimeout time.Duration
	// SignInTimeout ends a session that is not signed in; default 2 minutes in all.
	SignInTimeout time.Duration
	// WriteTimeout ends a session whose client takes nothing for so long; default 5 minutes.
	WriteTimeout time.Duration
}

// Listener is where sessions come in.
type Listener struct {
	net.Listener
	Zone mail.Zone
	// TLS is the configuration for POP3S and STLS; nil: neither is there.
	TLS *tls.Config
	// Implicit: TLS from the first octet (POP3S).
	Implicit bool
	// PlainAuth: signing in without TLS is allowed. For tests and demonstrations on loopback.
	PlainAuth bool
}

// door is the listener's name in origins, logs and figures.
func (l Listener) door() string {
	if l.Implicit {
		return "pop3s"
	}
	return "pop3"
}

// Server holds the open sessions. Make it with New.
type Server struct {
	config Config
	log    *slog.Logger
	ctx    context.Context // ends when sessions must
	cancel context.CancelFunc

	mu        sync.Mutex
	draining  bool
	listeners map[net.Listener]bool
	sessions  map[*session]bool
	remotes   map[netip.Addr]int
	done      sync.WaitGroup
}

// New makes the door. It serves nothing yet.
func New(c Config) *Server {
	c.MaxSessions = orDefault(c.MaxSessions, 10000)
	c.MaxPerRemote = orDefault(c.MaxPerRemote, 100)
	c.IdleTimeout = orDefault(c.IdleTimeout, 10*time.Minute)
	c.SignInTimeout = orDefault(c.SignInTimeout, 2*time.Minute)
	c.WriteTimeout = orDefault(c.WriteTimeout, 5*time.Minute)
	s := &Server{config: c, log: obs.Named(c.Log, "pop3d"),
		listeners: map[net.Listener]bool{}, sessions: map[*session]bool{}, remotes: map[netip.Addr]int{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// acceptPause is how long Serve waits when the system has no room for a connection.
const acceptPause = 50 * time.Millisecond

// Serve takes sessions from l until Shutdown, then returns nil.
func (s *Server) Serve(l Listener) error {
	if !s.listen(l) {
		return l.Close()
	}
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.begin(l, conn)
		case s.closing() || errors.Is(err, net.ErrClosed):
			return nil
		default:
			s.log.Error("accept", "err", err)
			time.Sleep(acceptPause)
		}
	}
}

func (s *Server) listen(l Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.listeners[l.Listener] = true
	}
	return !s.draining
}

func (s *Server) closing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// begin starts a session, or turns the connection away when there is no room.
func (s *Server) begin(l Listener, conn net.Conn) {
	c := newSession(s, l, conn)
	if !s.enter(c) {
		s.config.Metrics.Refused(c.origin.Door, "busy")
		conn.Close()
		return
	}
	go func() {
		defer s.leave(c)
		c.serve(s.ctx)
	}()
}

// enter counts a session in, if the limits allow it.
func (s *Server) enter(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	remote := c.origin.Remote
	if s.draining || len(s.sessions) >= s.config.MaxSessions ||
		!remote.IsLoopback() && s.remotes[remote] >= s.config.MaxPerRemote {
		return false
	}
	s.sessions[c] = true
	s.remotes[remote]++
	s.done.Add(1)
	s.config.Metrics.Sessions(c.origin.Door, 1)
	return true
}

func (s *Server) leave(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
	if s.remotes[c.origin.Remote]--; s.remotes[c.origin.Remote] <= 0 {
		delete(s.remotes, c.origin.Remote)
	}
	s.config.Metrics.Sessions(c.origin.Door, -1)
	s.done.Done()
}

// await sets the time by which a session must have heard something; not while closing, when it must hear nothing more.
func (s *Server) await(c *session, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		c.socket.SetReadDeadline(until)
	}
}

// Shutdown takes no new sessions, lets the command that runs in each end, and
// waits for that; when ctx ends first, the connections are cut and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	over := make(chan struct{})
	go func() { s.done.Wait(); close(over) }()
	defer s.cancel()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		s.cut()
		<-over
		return ctx.Err()
	}
}

func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.sessions {
		c.socket.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *Server) cut() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.socket.Close()
	}
}
