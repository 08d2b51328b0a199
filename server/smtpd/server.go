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

	"tegami/obs"
	"tegami/wire/smtp"
)

// Server is one listener with its sessions. Make it with New.
type Server struct {
	config   Config
	gate     Gate
	log      *slog.Logger
	blocks   *smtp.Blocks
	ctx      context.Context // of all sessions; ends when they are cut
	cancel   context.CancelFunc
	stopping atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]bool
	sessions  map[*session]bool
	networks  map[netip.Prefix]int
	done      sync.WaitGroup
}

// keptBlocks is how many read buffers of smtp.BlockSize a server keeps for the next
// bodies: 16 MB at most.
const keptBlocks = 256

// New makes the door. It serves nothing yet.
func New(c Config, g Gate) *Server {
	c.Limits = c.Limits.withDefaults()
	s := &Server{config: c, gate: g, log: obs.Named(c.Log, "smtpd"), blocks: smtp.NewBlocks(keptBlocks),
		listeners: map[net.Listener]bool{}, sessions: map[*session]bool{}, networks: map[netip.Prefix]int{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// acceptPause is how long Serve waits when the system has no room for a connection.
const acceptPause = 50 * time.Millisecond

// Serve takes sessions from l until Shutdown, and returns nil then. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.listen(l) {
		return nil
	}
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.begin(conn)
		case s.stopping.Load():
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			s.log.Error("accept", "door", s.config.Name, "err", err)
			time.Sleep(acceptPause)
		}
	}
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.listeners[l] = true
	return true
}

// begin gives a connection its session, or turns it away.
func (s *Server) begin(conn net.Conn) {
	c := newSession(s, conn)
	if !s.enter(c) {
		s.config.Metrics.Refused(s.config.Name, "connections")
		go c.turnAway()
		return
	}
	go func() {
		defer s.leave(c)
		c.serve(s.ctx)
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

// Shutdown takes no new sessions, lets the command that runs in each end, says 421 and
// waits for that. When ctx ends first the connections are cut, and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	over := make(chan struct{})
	go func() {
		s.done.Wait()
		close(over)
	}()
	defer s.cancel()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	s.mu.Lock()
	for c := range s.sessions {
		c.socket.Close()
	}
	s.mu.Unlock()
	<-over
	return ctx.Err()
}

// stop closes the listeners and wakes the sessions that wait for a command.
func (s *Server) stop() {
	s.stopping.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.sessions {
		c.wake()
	}
}
