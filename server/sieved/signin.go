package sieved

import (
	"context"
	"encoding/base64"
	"strings"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/managesieve"
	"tegami/wire/sasl"
)

// mayStartTLS tells whether STARTTLS is offered now.
func (c *session) mayStartTLS() bool { return c.state == greeted && c.conn.CanStartTLS() }

// maySignIn tells whether credentials are taken now: under TLS, or where the listener allows it in the clear.
func (c *session) maySignIn() bool { return c.conn.IsTLS() || c.server.cfg.AllowPlainAuth }

// startTLS answers STARTTLS (RFC 5804 §2.2). What the client sent behind it in the clear is thrown away, and the capabilities
// are told again.
func (c *session) startTLS(ctx context.Context, _ []managesieve.Arg) (*reply, error) {
	if !c.mayStartTLS() {
		return nil, mail.E("sieved.startTLS", mail.Invalid, "sieved.no_starttls")
	}
	c.out.OK("", c.text("sieved.begin_tls"))
	if c.out.Flush() != nil {
		return nil, nil // the connection's error comes back with the next write
	}
	if c.conn.StartTLS(ctx) != nil {
		c.state = over
		return nil, nil
	}
	c.in.Reset(c.conn)
	c.out.Reset(c.conn)
	c.listCapabilities()
	return &reply{text: c.text("sieved.secure")}, nil
}

// verifier knows who may sign in to the session.
func (c *session) verifier() *directory.Verifier {
	return c.server.dir.Verifier(c.conn.Origin, c.protocol())
}

// authenticate answers AUTHENTICATE (RFC 5804 §2.1).
func (c *session) authenticate(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	if !c.maySignIn() {
		return nil, mail.E("sieved.authenticate", mail.Denied, "auth.needs_tls")
	}
	verifier := c.verifier()
	exchange, err := sasl.Start(args[0].Text, verifier, c.conn.Channel())
	if err != nil {
		return nil, err
	}
	var response []byte
	if len(args) > 1 {
		if response, err = decode(args[1].Text); err != nil {
			return nil, err
		}
	}
	last, err := c.exchange(ctx, exchange, response)
	if err != nil {
		return nil, c.failed(exchange, err)
	}
	return c.enter(ctx, verifier.Identity(), exchange.Name(), last)
}

// exchange carries the messages of a mechanism to its end. last is what the mechanism says with its success.
func (c *session) exchange(ctx context.Context, s sasl.Server, response []byte) (last []byte, err error) {
	for {
		challenge, done, err := s.Next(ctx, response)
		if err != nil || done {
			return last, err
		}
		if isScram(s.Name()) && strings.HasPrefix(string(challenge), "v=") {
			// The server's signature goes with OK (RFC 5804 §2.1): one way there and back less.
			last, response = challenge, []byte{}
			continue
		}
		if response, err = c.ask(challenge); err != nil {
			return nil, err
		}
	}
}

func isScram(mechanism string) bool { return strings.HasPrefix(mechanism, "SCRAM-") }

// ask sends a challenge and reads the answer; "*" cancels.
func (c *session) ask(challenge []byte) ([]byte, error) {
	const op = "sieved.ask"
	err := c.out.Line("", base64.StdEncoding.EncodeToString(challenge))
	if err == nil {
		err = c.out.Flush()
	}
	var text string
	if err == nil {
		text, err = c.in.String()
	}
	switch {
	case mail.Is(err, mail.Invalid), mail.Is(err, mail.Full):
		return nil, err
	case err != nil: // the connection is gone
		c.state = over
		return nil, mail.Because(op, mail.Invalid, "auth.cancelled", err)
	case text == "*":
		return nil, mail.E(op, mail.Invalid, "auth.cancelled")
	}
	return decode(text)
}

// decode reads the client's part of an exchange; an empty string is an empty message.
func decode(text string) ([]byte, error) {
	if text == "" {
		return []byte{}, nil
	}
	return sasl.Decode([]byte(text))
}

// failed counts a sign-in that was refused and ends a session with too many of them.
func (c *session) failed(exchange sasl.Server, err error) error {
	c.conn.SignInFailed(exchange.User(), exchange.Name(), err)
	if c.failures++; c.failures >= c.server.cfg.Limits.Failures {
		c.state = over
	}
	return err
}

// enter opens the account of who signed in, and speaks its language from then on.
func (c *session) enter(ctx context.Context, id *directory.Identity, mechanism string, last []byte) (*reply, error) {
	account, err := c.server.boxes.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.conn.SignedIn(id, mechanism) {
		account.Close()
		return nil, mail.E("sieved.enter", mail.Busy, "sieved.too_many_sessions")
	}
	c.account, c.state = account, signedIn
	who := id.Account()
	if lang, ok := i18n.ParseLang(who.Lang); ok {
		c.lang = lang
	}
	c.log = c.log.With("account", who.Address.String())
	c.in.SetLiteral(mailbox.MaxScript + scriptSlack)
	r := &reply{text: c.text("sieved.signed_in")}
	if last != nil {
		r.code = managesieve.SASL(base64.StdEncoding.EncodeToString(last))
	}
	return r, nil
}
