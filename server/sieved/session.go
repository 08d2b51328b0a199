package sieved

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/door"
	"tegami/wire/managesieve"
	"tegami/wire/sieve"
)

// maxLiteral is how many octets of literals a command has before sign-in: those of an exchange.
const maxLiteral = 16 << 10

// scriptSlack is how much longer than a script may be a literal is read: its refusal then says which limit it passed.
const scriptSlack = 64 << 10

// session is one client.
type session struct {
	server *Server
	conn   *door.Conn
	in     *managesieve.Reader
	out    *managesieve.Writer
	log    *slog.Logger
	lang   i18n.Lang

	state    state
	failures int
	bad      int // malformed commands in a row

	account *mailbox.Account
}

// state is a set of states, so that a verb can name those it is allowed in.
type state uint8

const (
	greeted  state = 1 << iota // before signing in
	signedIn                   // with the account open
	over                       // nothing more is read
)

// reply ends a response with OK.
type reply struct {
	code managesieve.Code
	text string
}

func newSession(s *Server, conn *door.Conn) *session {
	return &session{server: s, conn: conn, in: managesieve.NewReader(conn, maxLiteral), out: managesieve.NewWriter(conn), log: conn.Log,
		state: greeted, lang: i18n.English}
}

// Serve holds the session from the greeting to its end.
func (c *session) Serve(ctx context.Context) {
	c.log.Debug("session begins")
	c.listCapabilities()
	err := c.out.OK("", c.text("sieved.ready"))
	for err == nil && c.state != over {
		err = c.step(ctx)
	}
	if why := c.conn.Ending(); why != nil {
		c.bye(why)
		c.state = over
	}
	if c.state == over {
		err = c.out.Flush()
	}
	c.log.Debug("session ends", "err", err, "seconds", time.Since(c.conn.Origin.Received).Seconds())
}

// step reads a command and answers it. Responses to pipelined commands leave together.
func (c *session) step(ctx context.Context) error {
	if c.in.Buffered() == 0 {
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
	c.conn.Await(c.patience())
	cmd, err := c.in.Command()
	switch {
	case mail.Is(err, mail.Invalid), mail.Is(err, mail.Full):
		return c.malformed(err)
	case errors.Is(err, managesieve.ErrFatal):
		c.state = over
		return c.out.Bye(managesieve.MaxSize, c.text("managesieve.too_big", managesieve.MaxSkipped>>10))
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
	if c.state == greeted {
		return c.conn.Origin.Received.Add(c.server.cfg.Limits.Login)
	}
	return time.Now().Add(c.server.cfg.Limits.Idle)
}

// dispatch runs the verb if the session's state allows it, and writes what comes of it. An
// error is one of the connection, after which nothing can be said.
func (c *session) dispatch(ctx context.Context, cmd managesieve.Command) (known bool, err error) {
	const op = "sieved.dispatch"
	v, known := verbs[cmd.Verb]
	switch {
	case !known:
		return false, c.malformed(mail.E(op, mail.Invalid, "sieved.unknown_command"))
	case !v.takes(cmd.Args):
		return true, c.malformed(mail.E(op, mail.Invalid, "sieved.arguments", cmd.Verb))
	case v.allowed&c.state == 0:
		return true, c.refuse(mail.E(op, mail.Invalid, "sieved.not_now"))
	}
	c.bad = 0
	if err := c.usable(ctx); err != nil {
		c.state = over
		return true, c.bye(err)
	}
	r, err := v.run(c, ctx, cmd.Args)
	if err != nil {
		return true, c.refuse(err)
	}
	if r == nil {
		return true, nil
	}
	return true, c.out.OK(r.code, r.text)
}

// usable is Denied for a session whose account was suspended meanwhile.
func (c *session) usable(ctx context.Context) error {
	if c.account == nil {
		return nil
	}
	return c.account.Usable(ctx)
}

// malformed refuses what is no command, and ends a session that sends nothing else.
func (c *session) malformed(err error) error {
	if c.bad++; c.bad >= c.server.cfg.Limits.Errors {
		c.state = over
		return c.bye(err)
	}
	return c.refuse(err)
}

// text gives a text in the session's language.
func (c *session) text(key string, args ...any) string {
	return c.server.words.Text(c.lang, key, args...)
}

// refuse answers NO: the code from the error, the text from its key, and the session's id, by which the operator finds
// the lines of the log.
func (c *session) refuse(err error) error {
	code := c.note(err)
	return c.out.No(code, c.explain(err))
}

// bye says why the session ends.
func (c *session) bye(err error) error {
	code := c.note(err)
	return c.out.Bye(code, c.explain(err))
}

// note logs and counts what is refused.
func (c *session) note(err error) managesieve.Code {
	code := codeOf(err)
	level := slog.LevelDebug
	if kind := mail.KindOf(err); kind == mail.Other || kind == mail.Unavailable {
		level = slog.LevelError
	}
	c.log.Log(context.Background(), level, "refused", "code", string(code), "err", err)
	c.server.cfg.Metrics.Refused(c.server.cfg.Name, string(code))
	return code
}

// explain is a refusal for people. What is wrong in a script is a list: each fault on a line, with the line it is about.
func (c *session) explain(err error) string {
	var wrong *sieve.SyntaxError
	if !errors.As(err, &wrong) {
		return c.server.words.Error(c.lang, err) + " (" + c.conn.Origin.Session + ")"
	}
	var b strings.Builder
	for _, f := range wrong.Faults {
		b.WriteString(c.text("sieved.fault", f.Line, c.text(f.Key, f.Args...)) + "\r\n")
	}
	return b.String()
}

// codes are the response codes of refusals, by their keys (RFC 5804 §1.3).
var codes = map[string]managesieve.Code{
	"script.unknown":      managesieve.NonExistent,
	"script.exists":       managesieve.AlreadyExists,
	"script.active":       managesieve.Active,
	"script.too_many":     managesieve.MaxScripts,
	"script.too_big":      managesieve.MaxSize,
	"script.no_room":      managesieve.Quota,
	"managesieve.too_big": managesieve.MaxSize,
	"auth.needs_tls":      managesieve.EncryptNeeded,
}

// codeOf is the door's one table from errors to response codes.
func codeOf(err error) managesieve.Code {
	key, _ := mail.TextOf(err)
	if code, ok := codes[key]; ok {
		return code
	}
	switch mail.KindOf(err) {
	case mail.Busy, mail.Unavailable, mail.Other:
		return managesieve.TryLater
	}
	return ""
}

// End gives back what the session holds.
func (c *session) End(bool) {
	if c.account != nil {
		c.account.Close()
	}
}

// protocol is what the directory is asked for.
func (c *session) protocol() directory.Protocol { return directory.Protocol(c.server.cfg.Name) }
