package pop3d

import (
	"context"
	"log/slog"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/door"
	"tegami/wire/pop3"
)

// session is one client.
type session struct {
	server *Server
	conn   *door.Conn
	in     *pop3.Reader
	out    *pop3.Writer
	log    *slog.Logger
	lang   i18n.Lang

	state    state
	user     string // of USER
	failures int
	badLines int

	account *mailbox.Account
	drop    *mailbox.Drop
	marked  deletions
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

func newSession(s *Server, conn *door.Conn) *session {
	return &session{server: s, conn: conn, in: pop3.NewReader(conn), out: pop3.NewWriter(conn), log: conn.Log,
		state: authorization, lang: i18n.English}
}

// Serve holds the session from the greeting to its end.
func (c *session) Serve(ctx context.Context) {
	c.log.Debug("session begins")
	err := c.out.OK(c.text("pop3.ready"))
	for err == nil && c.state != over {
		err = c.step(ctx)
	}
	if why := c.conn.Ending(); mail.Is(why, mail.Denied) {
		c.refuse(why)
		c.state = over
	}
	if c.state == over {
		err = c.out.Flush()
	}
	c.log.Debug("session ends", "err", err, "seconds", time.Since(c.conn.Origin.Received).Seconds())
}

// step reads a command and answers it. Replies to pipelined commands leave together:
// nothing is flushed while more commands are there (RFC 2449 §6.6).
func (c *session) step(ctx context.Context) error {
	if c.in.Buffered() == 0 {
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
	c.conn.Await(c.patience())
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
	c.conn.Command(verb, began)
	c.server.cfg.Metrics.CommandTime(c.server.cfg.Name, verb, time.Since(began))
	return err
}

// patience is when the session ends if the client says nothing.
func (c *session) patience() time.Time {
	if c.state == authorization {
		return c.conn.Origin.Received.Add(c.server.cfg.Limits.Login)
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
	return c.account.Usable(ctx)
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
	c.server.cfg.Metrics.Refused(c.server.cfg.Name, string(code))
	return c.out.Err(code, c.server.words.Error(c.lang, err)+" ("+c.conn.Origin.Session+")")
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

// End gives back what the session holds; the box's lock ends with it.
func (c *session) End(bool) {
	c.unlock()
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
func (c *session) protocol() directory.Protocol { return directory.Protocol(c.server.cfg.Name) }
