package pop3d

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/wire/pop3"
)

// session is one client.
type session struct {
	server *Server
	socket net.Conn  // the TCP connection; deadlines are set here
	tls    *tls.Conn // nil in the clear
	in     *pop3.Reader
	out    *pop3.Writer
	log    *slog.Logger
	origin mail.Origin
	lang   i18n.Lang

	state    state
	user     string // of USER
	failures int
	badLines int
	begun    time.Time

	account *mailbox.Account
	drop    *mailbox.Drop
	deleted map[int]bool // by message number
}

// state is a set of states, so that a verb can name those it is allowed in.
type state uint8

const (
	authorization state = 1 << iota // before signing in (RFC 1939 §4)
	transaction                     // with the box locked (RFC 1939 §5)
	over                            // nothing more is read
)

// reply is what a handler answers: +OK with a text, and behind it the lines of a multi-line reply.
type reply struct {
	text  string
	lines func(context.Context) error // nil: a single line
}

func newSession(s *Server, conn net.Conn) *session {
	c := &session{server: s, socket: conn, state: authorization, lang: i18n.English,
		begun: time.Now(), deleted: map[int]bool{}}
	c.origin = mail.Origin{Door: s.cfg.Name, Zone: s.cfg.Zone, Remote: remoteOf(conn),
		Session: obs.NewSessionID(), Received: c.begun}
	c.log = s.log.With("session", c.origin.Session, "remote", c.origin.Remote)
	c.use(conn)
	return c
}

// use goes on over conn, dropping what was read ahead.
func (c *session) use(conn net.Conn) {
	timed := patient{conn, c.socket, c.server.cfg.Limits.Write}
	if c.in == nil {
		c.in, c.out = pop3.NewReader(conn), pop3.NewWriter(timed)
		return
	}
	c.in.Reset(conn)
	c.out.Reset(timed)
}

// patient gives each write its own deadline, so that a slow client may take long for a large message but not forever.
type patient struct {
	net.Conn
	socket  net.Conn
	timeout time.Duration
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.socket.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

func remoteOf(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// serve holds the session from the greeting to its end.
func (c *session) serve(ctx context.Context) {
	defer c.end()
	if c.server.cfg.ImplicitTLS {
		if err := c.handshake(ctx); err != nil {
			c.log.Debug("TLS handshake", "err", err)
			return
		}
	}
	c.log.Debug("session begins", "door", c.origin.Door)
	err := c.out.OK(c.text("pop3.ready"))
	for err == nil && c.state != over {
		err = c.step(ctx)
	}
	if c.state == over {
		err = c.out.Flush()
	}
	c.log.Debug("session ends", "err", err, "seconds", time.Since(c.begun).Seconds())
}

// step reads a command and answers it. Replies to pipelined commands leave together:
// nothing is flushed while more commands are there (RFC 2449 §6.6).
func (c *session) step(ctx context.Context) error {
	if c.in.Buffered() == 0 {
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
	c.server.await(c, c.patience())
	cmd, err := c.in.Command()
	switch {
	case mail.Is(err, mail.Invalid):
		return c.badLine(err)
	case err != nil:
		return err
	}
	began := time.Now()
	known, err := c.dispatch(ctx, cmd)
	verb := "other"
	if known {
		verb = cmd.Verb
	}
	c.server.cfg.Metrics.CommandTime(c.origin.Door, verb, time.Since(began))
	return err
}

// patience is when the session ends if the client says nothing.
func (c *session) patience() time.Time {
	if c.state == authorization {
		return c.begun.Add(c.server.cfg.Limits.Login)
	}
	return time.Now().Add(c.server.cfg.Limits.Idle)
}

// dispatch runs the verb if the session's state allows it, and writes what comes of it. An
// error is one of the connection, after which nothing can be said.
func (c *session) dispatch(ctx context.Context, cmd pop3.Command) (known bool, err error) {
	v, known := verbs[cmd.Verb]
	switch {
	case !known:
		return false, c.badLine(mail.E("pop3d.dispatch", mail.Invalid, "pop3.unknown_command"))
	case v.allowed&c.state == 0:
		return true, c.refuse(mail.E("pop3d.dispatch", mail.Invalid, "pop3.not_now"))
	}
	c.badLines = 0
	if err := c.usable(ctx); err != nil {
		c.state = over
		return true, c.refuse(err)
	}
	r, err := v.run(c, ctx, cmd.Args)
	if err != nil {
		return true, c.refuse(err)
	}
	if r == nil {
		return true, nil
	}
	if err := c.out.OK(r.text); err != nil || r.lines == nil {
		return true, err
	}
	return true, r.lines(ctx)
}

// usable is Denied for a session whose account was suspended meanwhile, with all it had marked for deletion left.
func (c *session) usable(ctx context.Context) error {
	if c.account == nil {
		return nil
	}
	err := c.account.Usable(ctx)
	if !mail.Is(err, mail.Denied) {
		return nil // what else went wrong, the command itself will meet
	}
	return err
}

// badLine refuses a line that is no command, and ends a session that sends nothing else.
func (c *session) badLine(err error) error {
	if c.badLines++; c.badLines >= c.server.cfg.Limits.Errors {
		c.state = over
	}
	return c.refuse(err)
}

// text gives a text in the session's language (RFC 6856 §3).
func (c *session) text(key string, args ...any) string {
	return c.server.words.Text(c.lang, key, args...)
}

// refuse answers -ERR: the code from the error's kind, the text from its key, and the
// session's id, by which the operator finds the lines of the log.
func (c *session) refuse(err error) error {
	code := codeOf(err, c.drop != nil)
	level := slog.LevelDebug
	if kind := mail.KindOf(err); kind == mail.Other || kind == mail.Unavailable {
		level = slog.LevelError
	}
	c.log.Log(context.Background(), level, "refused", "code", string(code), "err", err)
	c.server.cfg.Metrics.Refused(c.origin.Door, string(code))
	return c.out.Err(code, c.server.words.Error(c.lang, err)+" ("+c.origin.Session+")")
}

// codeOf is the door's one table from errors to response codes (RFC 2449 §8, RFC 3206).
func codeOf(err error, signedIn bool) pop3.Code {
	if key, _ := mail.TextOf(err); key == "pop3.locked" {
		return pop3.InUse
	}
	switch kind := mail.KindOf(err); {
	case kind == mail.Denied && !signedIn:
		return pop3.Auth
	case kind == mail.Busy, kind == mail.Unavailable, kind == mail.Other:
		return pop3.SysTemp
	}
	return ""
}

// end closes the connection and gives back what the session holds; the box's lock ends with it. A panic
// ends this session and no other: it is a bug, and logged as one.
func (c *session) end() {
	if p := recover(); p != nil {
		c.log.Error("panic in a session", "panic", p, "stack", string(debug.Stack()))
	}
	c.unlock()
	c.socket.Close()
	if c.account != nil {
		c.account.Close()
	}
}

// unlock gives the box's lock back, if the session has it.
func (c *session) unlock() {
	if c.drop != nil {
		c.drop.Close()
	}
}

// protocol is what the directory is asked for.
func (c *session) protocol() directory.Protocol { return directory.Protocol(c.origin.Door) }
