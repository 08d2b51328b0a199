package pop3d

import (
	"context"
	"strings"

	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/sasl"
)

// verb is a command: where it is allowed, and what does it. A handler that has written its own
// reply, as STLS must, gives a nil reply.
type verb struct {
	allowed state
	run     func(c *session, ctx context.Context, args string) (*reply, error)
}

// verbs is what the door understands. APOP is not among them (ML-11).
var verbs = map[string]verb{
	"USER": {authorization, (*session).userName},
	"PASS": {authorization, (*session).password},
	"AUTH": {authorization, (*session).auth},
	"STLS": {authorization, (*session).startTLS},
	"UTF8": {authorization, (*session).utf8},
	"LANG": {authorization | transaction, (*session).language},
	"CAPA": {authorization | transaction, (*session).capabilities},
	"QUIT": {authorization | transaction, (*session).quit},
	"STAT": {transaction, (*session).stat},
	"LIST": {transaction, (*session).list},
	"UIDL": {transaction, (*session).uniqueIDs},
	"RETR": {transaction, (*session).retrieve},
	"TOP":  {transaction, (*session).top},
	"DELE": {transaction, (*session).delete},
	"NOOP": {transaction, (*session).noop},
	"RSET": {transaction, (*session).reset},
}

// capabilities answers CAPA (RFC 2449 §5): what can be used now.
func (c *session) capabilities(context.Context, string) (*reply, error) {
	list := []string{"TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE NEVER", "UTF8 USER", "LANG"}
	if c.maySignIn() {
		list = append(list, "USER", "SASL "+strings.Join(sasl.Mechanisms(c.verifier(), c.conn.Channel()), " "))
	}
	if c.mayStartTLS() {
		list = append(list, "STLS")
	}
	list = append(list, "IMPLEMENTATION Tegami")
	return &reply{c.text("pop3.capabilities"), c.listing(list...)}, nil
}

// listing writes lines and the dot behind them.
func (c *session) listing(lines ...string) func(context.Context) error {
	return func(context.Context) error {
		for _, line := range lines {
			if err := c.out.Line(line); err != nil {
				return err
			}
		}
		return c.out.End()
	}
}

// utf8 answers UTF8 (RFC 6856 §2.1). Messages are sent as they are, before and after.
func (c *session) utf8(context.Context, string) (*reply, error) {
	return &reply{text: c.text("pop3.utf8")}, nil
}

// language lists the languages or chooses one for the texts of replies (RFC 6856 §3).
func (c *session) language(_ context.Context, tag string) (*reply, error) {
	switch tag {
	case "":
		return &reply{c.text("pop3.languages"), c.listing("en English", "ja 日本語")}, nil
	case "*":
		tag = "en"
	}
	l, ok := i18n.ParseLang(tag)
	if !ok {
		return nil, mail.E("pop3d.language", mail.NotFound, "pop3.no_such_language", tag)
	}
	c.lang = l
	return &reply{text: string(l) + " " + c.text("pop3.language_set")}, nil
}

// quit ends the session. Signed in, it first deletes what was marked, all in one
// commit (RFC 1939 §6): either all of it is gone or none.
func (c *session) quit(ctx context.Context, _ string) (*reply, error) {
	var err error
	if c.state == transaction && c.marked.gone != nil {
		err = c.update(ctx)
	}
	c.unlock() // before the reply: the client may be back at once (RFC 1939 §6)
	c.state = over
	if err != nil {
		c.refuse(err)
		return nil, nil
	}
	return &reply{text: c.text("pop3.bye")}, nil
}
