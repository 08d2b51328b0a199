package pop3d

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/pop3"
	"tegami/wire/sasl"
)

// handshakeTimeout is how long a TLS handshake may take.
const handshakeTimeout = 30 * time.Second

// handshake puts the session under TLS.
func (c *session) handshake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn := tls.Server(c.socket, c.server.cfg.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	state := conn.ConnectionState()
	c.tls = conn
	c.origin.TLS = tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
	c.use(conn)
	return nil
}

// mayStartTLS tells whether STLS is offered now.
func (c *session) mayStartTLS() bool {
	return c.state == authorization && c.tls == nil && c.server.cfg.TLS != nil
}

// maySignIn tells whether credentials are taken now: under TLS, or where the listener allows it in the clear.
func (c *session) maySignIn() bool { return c.tls != nil || c.server.cfg.AllowPlainAuth }

// channel is what SASL can bind to.
func (c *session) channel() sasl.Channel {
	if c.tls == nil {
		return sasl.Channel{}
	}
	state := c.tls.ConnectionState()
	return sasl.Channel{TLS: &state}
}

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
	if err := c.handshake(ctx); err != nil {
		c.log.Debug("TLS handshake", "err", err)
		c.state = over
		return nil, nil
	}
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
	id, err := c.server.dir.SignIn(ctx, c.origin, c.protocol(), user, password)
	if err != nil {
		return nil, c.failed(user, err)
	}
	return c.enter(ctx, id)
}

// auth answers AUTH (RFC 5034): the list of mechanisms, or an exchange.
func (c *session) auth(ctx context.Context, args string) (*reply, error) {
	const op = "pop3d.auth"
	if !c.maySignIn() {
		return nil, needsTLS(op)
	}
	if args == "" {
		return &reply{c.text("pop3.mechanisms"), c.listing(sasl.Mechanisms(c.channel())...)}, nil
	}
	mechanism, initial, hasInitial := strings.Cut(args, " ")
	verifier := c.server.dir.Verifier(c.origin, c.protocol())
	exchange, err := sasl.Start(mechanism, verifier, c.channel())
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
		return nil, c.failed(exchange.User(), err)
	}
	return c.enter(ctx, verifier.Identity())
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

// failed counts a sign-in that was refused and ends a session with too many of them.
func (c *session) failed(user string, err error) error {
	c.server.cfg.Metrics.SignIn(c.origin.Door, false)
	c.log.Info("sign-in failed", "user", user, "err", err)
	if c.failures++; c.failures >= c.server.cfg.Limits.Failures {
		c.state = over
	}
	return err
}

// enter opens the box and takes its lock.
func (c *session) enter(ctx context.Context, id *directory.Identity) (*reply, error) {
	account, err := c.server.boxes.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	drop, err := account.LockDrop(ctx)
	if err != nil {
		account.Close()
		return nil, err
	}
	c.account, c.drop, c.state = account, drop, transaction
	c.server.cfg.Metrics.SignIn(c.origin.Door, true)
	c.log = c.log.With("user", id.Account().Address.String())
	c.log.Info("signed in", "tls", c.origin.TLS)
	n, octets := c.totals()
	return &reply{text: c.text("pop3.signed_in", n, octets)}, nil
}

func needsTLS(op mail.Op) error { return mail.E(op, mail.Denied, "auth.needs_tls") }
