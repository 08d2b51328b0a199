package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/wire/sasl"
)

// A Conn is an accepted connection. Its session uses it from one goroutine; what other goroutines do with it goes
// through the Server.
type Conn struct {
	// Conn carries the octets: as accepted, or TLS over it from StartTLS on.
	net.Conn
	// Origin is where the session comes from.
	Origin mail.Origin
	// Log writes with the session's id and the peer's address.
	Log *slog.Logger

	server *Server
	socket net.Conn          // as accepted
	tls    *tls.Conn         // nil in the clear
	leaf   *x509.Certificate // the one the peer was shown
	cancel context.CancelFunc
	ending atomic.Pointer[ending]

	mu      sync.Mutex // guards what follows, which other goroutines look at
	busy    bool       // a read is none of a command's first octet: it is not interrupted
	who     *directory.Identity
	how     string // mechanism
	last    string // command
	lastAt  time.Time
	secured string // Origin.TLS
}

// ending is why a session has to end.
type ending struct{ why error }

// NewConn is what a session needs that somebody serves outside of Serve, such as a fuzzer: it counts for no limit.
func (s *Server) NewConn(conn net.Conn) *Conn {
	c := &Conn{Conn: conn, server: s, socket: conn}
	c.Origin = mail.Origin{Door: s.cfg.Name, Zone: s.cfg.Zone, Remote: remoteOf(conn), Session: obs.NewSessionID(), Received: time.Now()}
	c.Log = s.log.With("session", c.Origin.Session, "remote", c.Origin.Remote.String())
	return c
}

func remoteOf(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Ending says why the session has to end, with a key of the catalogue; nil while it may go on. Kind Busy when the server
// stops, Denied when the sign-in is no longer valid. It costs nothing to ask.
func (c *Conn) Ending() error {
	if e := c.ending.Load(); e != nil {
		return e.why
	}
	return nil
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// end asks the session to end, and ends its wait for a command. The first reason stays.
func (c *Conn) end(why error) {
	if !c.ending.CompareAndSwap(nil, &ending{why}) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		c.socket.SetReadDeadline(longAgo)
	}
}

// Await sets until when the next command must come. While the session has to end, reading fails at once.
func (c *Conn) Await(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if c.Ending() != nil {
		until = longAgo
	}
	c.socket.SetReadDeadline(until) // an error shows in the read
}

// Expect sets until when the next octets of something begun must come, such as a message. The end of the session
// waits for them.
func (c *Conn) Expect(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = true
	c.socket.SetReadDeadline(until) // an error shows in the read
}

// Write sends octets. Each write has the time of Limits.Write, so that a slow client may take long for
// a large message but not for ever.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.socket.SetWriteDeadline(time.Now().Add(c.server.cfg.Limits.Write)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// SignedIn notes who has signed in, and by what mechanism ("LOGIN", "SCRAM-SHA-256" …). From then on the session is asked after
// (Config.Current). It is false, and nothing is noted, where the account has too many sessions.
func (c *Conn) SignedIn(who *directory.Identity, mechanism string) bool {
	c.server.cfg.Metrics.SignIn(c.Origin.Door, true)
	a := who.Account()
	if !c.server.admitAccount(c, a.ID) {
		c.Log.Warn("too many sessions of an account", "account", a.Address.String())
		return false
	}
	c.Log.Info("signed in", "account", a.Address.String(), "protocol", c.Origin.Door, "mechanism", mechanism, "tls", c.Origin.TLS)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who, c.how = who, mechanism
	return true
}

// SignInFailed counts and logs a sign-in that was refused. Of a name that is too long for one, as anybody may send, the beginning
// is logged.
func (c *Conn) SignInFailed(user, mechanism string, why error) {
	user = strings.ToValidUTF8(user[:min(len(user), sasl.MaxUser)], "?")
	c.server.cfg.Metrics.SignIn(c.Origin.Door, false)
	c.Log.Info("sign-in failed", "user", user, "protocol", c.Origin.Door, "mechanism", mechanism, "err", why)
}

// SignedOut notes that nobody is signed in any more, as after UNAUTHENTICATE (RFC 8437).
func (c *Conn) SignedOut() {
	c.mu.Lock()
	who := c.who
	c.who, c.how = nil, ""
	c.mu.Unlock()
	if who != nil {
		c.server.leaveAccount(who.Account().ID)
	}
}

// Command notes which command came, by its name in the door's table, for who looks at the list of sessions.
func (c *Conn) Command(name string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.lastAt = name, at
}
