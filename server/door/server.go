// Package door is what the doors for mail software have in common, whatever they speak: a loop that accepts connections, limits on
// how many there are, the TLS handshake, a stop that lets running commands end, the end of a session that panics or whose
// sign-in was revoked, and a list of who is there.
//
// A door makes a Server with a Protocol, which opens a Session for each connection that found a place. The session talks
// through its Conn: reads with a deadline set by Await, so that the server can end its wait, and asks Ending between
// commands whether it has to take leave.
package door

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"tegami/mail"
	"tegami/obs"
)

// A Protocol is what a door speaks.
type Protocol interface {
	// Open makes the session of a connection. With ImplicitTLS the handshake is done.
	Open(*Conn) Session
	// TurnAway tells a peer why it gets no session: Busy "door.too_many_connections" or "door.stopping", or what
	// Config.Admit said. The connection is closed behind it.
	TurnAway(c *Conn, why error)
}

// A Session is one connection as its protocol serves it.
type Session interface {
	// Serve talks from the greeting to the end. It runs on a goroutine of its own. ctx ends when the
	// session has to end at once.
	Serve(ctx context.Context)
	// End gives back what the session holds. It is called once, behind Serve; broken tells that Serve panicked. The connection
	// is still open and is closed behind it.
	End(broken bool)
}

// A Server answers connections. Make it with New.
type Server struct {
	cfg      Config
	protocol Protocol
	log      *slog.Logger

	mu        sync.Mutex
	open      map[*Conn]struct{}
	byNetwork map[netip.Prefix]int
	byAccount map[mail.AccountID]int
	stopping  bool
	running   sync.WaitGroup
}

// New makes a server. It opens nothing.
func New(cfg Config, p Protocol) *Server {
	cfg.Limits = cfg.Limits.orDefaults()
	cfg.TLS = showing(cfg.TLS)
	return &Server{
		cfg: cfg, protocol: p, log: obs.Named(cfg.Log, cfg.Name),
		open: map[*Conn]struct{}{}, byNetwork: map[netip.Prefix]int{}, byAccount: map[mail.AccountID]int{},
	}
}

const (
	// minAcceptPause is the first pause after an Accept that failed, as when there are no file descriptors left; each next
	// one is twice as long.
	minAcceptPause = 5 * time.Millisecond
	// maxAcceptPause is the longest.
	maxAcceptPause = time.Second
)

// Serve answers connections of ln until ctx ends. Then it closes ln, lets running commands
// end within Limits.Grace, and returns nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	defer s.cfg.Sessions.add(s)()
	// Commands outlive ctx by the grace, so they get a context of their own.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer s.sweeping(ctx)()
	for pause := time.Duration(0); ; {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(work, conn)
		case ctx.Err() != nil:
			s.stop(cancel)
			return nil
		case errors.Is(err, net.ErrClosed):
			s.stop(cancel)
			return mail.Because("door.Serve", mail.Unavailable, "", err)
		default:
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			s.log.Warn("accept failed", "err", err, "pause", pause)
			time.Sleep(pause)
		}
	}
}

// start gives a connection its goroutine, or turns it away where there is no place for it.
func (s *Server) start(ctx context.Context, conn net.Conn) {
	c := s.NewConn(conn)
	if why := s.admit(c); why != nil {
		s.cfg.Metrics.Refused(s.cfg.Name, "connections")
		go s.turnAway(c, why)
		return
	}
	s.cfg.Metrics.Sessions(s.cfg.Name, 1)
	go func() {
		defer s.running.Done()
		defer s.leave(c)
		s.run(ctx, c)
	}()
}

// turnAwayTime is how long a peer that is turned away may take to hear why.
const turnAwayTime = 5 * time.Second

// turnAway tells a peer why it gets no session. Who waits for TLS would take it for garbage.
func (s *Server) turnAway(c *Conn, why error) {
	defer c.socket.Close()
	defer s.caught(c, nil)
	c.socket.SetDeadline(time.Now().Add(turnAwayTime))
	if !s.cfg.ImplicitTLS || c.tls != nil {
		s.protocol.TurnAway(c, why)
	}
}

// run is the life of an admitted connection.
func (s *Server) run(ctx context.Context, c *Conn) {
	ctx, c.cancel = context.WithCancel(ctx)
	defer c.cancel()
	defer c.socket.Close()
	if s.cfg.ImplicitTLS && c.StartTLS(ctx) != nil {
		return
	}
	if s.cfg.Admit != nil {
		if why := s.cfg.Admit(ctx, c.Origin); why != nil {
			c.Log.Info("connection refused", "err", why)
			s.cfg.Metrics.Refused(s.cfg.Name, "network")
			s.turnAway(c, why)
			return
		}
	}
	session := s.protocol.Open(c)
	defer s.caught(c, session)
	session.Serve(ctx)
	session.End(false)
}

// caught ends a panic: it ends this session and no other. It is a bug, and logged as one.
func (s *Server) caught(c *Conn, session Session) {
	p := recover()
	if p == nil {
		return
	}
	c.Log.Error("panic in a session", "panic", p, "stack", string(debug.Stack()))
	if session != nil {
		defer s.caught(c, nil) // End may stumble over the same
		session.End(true)
	}
}

// stop ends all sessions, each after the command it runs, and cuts those that take longer than the grace.
func (s *Server) stop(cancel context.CancelFunc) {
	why := mail.E("door.stop", mail.Busy, "door.stopping")
	s.mu.Lock()
	s.stopping = true
	for c := range s.open {
		c.end(why)
	}
	s.mu.Unlock()
	force := time.AfterFunc(s.cfg.Limits.Grace, func() {
		cancel()
		s.cut()
	})
	s.running.Wait()
	force.Stop()
}

// cut closes all connections.
func (s *Server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Warn("sessions are cut", "sessions", len(s.open))
	for c := range s.open {
		c.socket.Close()
	}
}
