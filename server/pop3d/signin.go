package pop3d

import (
	"context"
	"encoding/base64"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/pop3"
	"tegami/wire/sasl"
)

// mayStartTLS tells whether STLS is offered now.
func (c *session) mayStartTLS() bool { return c.state == authorization && c.conn.CanStartTLS() }

// maySignIn tells whether credentials are taken now: under TLS, or where the listener allows it in the clear.
func (c *session) maySignIn() bool { return c.conn.IsTLS() || c.server.cfg.AllowPlainAuth }

// startTLS answers STLS (RFC 2595 §4). What the client sent behind it in the clear is thrown away.
func (c *session) startTLS(ctx context.Context, _ string) (*reply, error) {
	if !c.mayStartTLS() {
		return nil, mail.E("pop3d.startTLS", mail.Invalid, "pop3.no_stls")
	}
	if err := c.out.OK(c.text("pop3.begin_tls")); err != nil {
		return nil, nil // the connection's error comes back with the next write
	}
	if c.out.Flush() != nil {
		return nil, nil
	}
	if c.conn.StartTLS(ctx) != nil {
		c.state = over
		return nil, nil
	}
	c.in.Reset(c.conn)
	c.out.Reset(c.conn)
	c.user = ""
	return nil, nil
}

// userName answers USER. It says nothing about whether there is such a user.
func (c *session) userName(_ context.Context, name string) (*reply, error) {
	const op = "pop3d.userName"
	switch {
	case !c.maySignIn():
		return nil, needsTLS(op)
	case name == "":
		return nil, mail.E(op, mail.Invalid, "pop3.syntax")
	}
	c.user = name
	return &reply{text: c.text("pop3.password_please")}, nil
}

// password answers PASS, the end of a sign-in by USER.
func (c *session) password(ctx context.Context, password string) (*reply, error) {
	const op = "pop3d.password"
	switch {
	case !c.maySignIn():
		return nil, needsTLS(op)
	case c.user == "":
		return nil, mail.E(op, mail.Invalid, "pop3.user_first")
	}
	user := c.user
	c.user = ""
	id, err := c.server.dir.SignIn(ctx, c.conn.Origin, c.protocol(), user, password)
	if err != nil {
		return nil, c.failed(user, byUserPass, err)
	}
	return c.enter(ctx, id, byUserPass)
}

// auth answers AUTH (RFC 5034): the list of mechanisms, or an exchange.
func (c *session) auth(ctx context.Context, args string) (*reply, error) {
	const op = "pop3d.auth"
	if !c.maySignIn() {
		return nil, needsTLS(op)
	}
	if args == "" {
		return &reply{c.text("pop3.mechanisms"), c.listing(sasl.Mechanisms(c.verifier(), c.conn.Channel())...)}, nil
	}
	mechanism, initial, hasInitial := strings.Cut(args, " ")
	verifier := c.verifier()
	exchange, err := sasl.Start(mechanism, verifier, c.conn.Channel())
	if err != nil {
		return nil, err
	}
	var response []byte
	if hasInitial {
		if response, err = sasl.Decode([]byte(initial)); err != nil {
			return nil, err
		}
	}
	if err := c.exchange(ctx, exchange, response); err != nil {
		return nil, c.failed(exchange.User(), exchange.Name(), err)
	}
	return c.enter(ctx, verifier.Identity(), exchange.Name())
}

// verifier knows who may sign in to the session.
func (c *session) verifier() *directory.Verifier {
	return c.server.dir.Verifier(c.conn.Origin, c.protocol())
}

// exchange carries the messages of a mechanism to its end.
func (c *session) exchange(ctx context.Context, s sasl.Server, response []byte) error {
	for {
		challenge, done, err := s.Next(ctx, response)
		if err != nil || done {
			return err
		}
		if response, err = c.ask(challenge); err != nil {
			return err
		}
	}
}

// ask sends a challenge and reads the answer; "*" cancels (RFC 5034 §4).
func (c *session) ask(challenge []byte) ([]byte, error) {
	const op = "pop3d.ask"
	err := c.out.Challenge(base64.StdEncoding.EncodeToString(challenge))
	if err == nil {
		err = c.out.Flush()
	}
	var line string
	if err == nil {
		line, err = c.in.Line(pop3.MaxAuthLine)
	}
	switch {
	case mail.Is(err, mail.Invalid):
		return nil, err
	case err != nil: // the connection is gone
		c.state = over
		return nil, mail.Because(op, mail.Invalid, "auth.cancelled", err)
	case line == "*":
		return nil, mail.E(op, mail.Invalid, "auth.cancelled")
	case line == "":
		return []byte{}, nil
	}
	return sasl.Decode([]byte(line))
}

// byUserPass names the sign-in by USER and PASS, as the mechanism of one.
const byUserPass = "USER"

// failed counts a sign-in that was refused and ends a session with too many of them.
func (c *session) failed(user, mechanism string, err error) error {
	c.conn.SignInFailed(user, mechanism, err)
	if c.failures++; c.failures >= c.server.cfg.Limits.Failures {
		c.state = over
	}
	return err
}

// enter opens the box and takes its lock.
func (c *session) enter(ctx context.Context, id *directory.Identity, mechanism string) (*reply, error) {
	account, err := c.server.boxes.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	c.conn.SignedIn(id, mechanism) // any number: the lock lets in one at a time
	drop, err := account.LockDrop(ctx)
	if err != nil {
		c.conn.SignedOut()
		account.Close()
		return nil, err
	}
	c.account, c.drop, c.state = account, drop, transaction
	c.marked = nothingMarked(drop.Messages())
	c.log = c.log.With("account", id.Account().Address.String())
	n, octets := c.totals()
	return &reply{text: c.text("pop3.signed_in", n, octets)}, nil
}

func needsTLS(op mail.Op) error { return mail.E(op, mail.Denied, "auth.needs_tls") }
