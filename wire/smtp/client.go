package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"strings"
	"time"

	"tegami/mail"
)

// How long the client waits for a server, RFC 5321 §4.5.3.2. An earlier deadline of
// the context wins.
const (
	waitGreeting = 5 * time.Minute
	waitCommand  = 5 * time.Minute
	waitData     = 2 * time.Minute  // for 354
	waitBlock    = 3 * time.Minute  // for a part of the body to go out
	waitEnd      = 10 * time.Minute // for the answer to the body
	waitQuit     = 10 * time.Second // nobody needs that answer
)

// writeBuffer is how much the client gathers before it writes, in octets.
const writeBuffer = 16 << 10

// maxExtensions is how many extensions of a server the client keeps.
const maxExtensions = 64

// maxAuthSteps is how many challenges an authentication exchange can have.
const maxAuthSteps = 8

// A Client speaks with one server. It is not safe for concurrent use. After an error
// that is not a *mail.Error the connection is of no more use; a refusal by the
// server is a Reply and no error.
type Client struct {
	conn net.Conn
	name string // our own, for EHLO
	r    *Reader
	w    *bufio.Writer
	ext  map[string]string // by upper-case name; nil: the server knows only HELO
}

// NewClient speaks over conn and calls itself name, a domain. Call Greet first.
func NewClient(conn net.Conn, name string) *Client {
	return &Client{conn: conn, name: name, r: NewReader(conn, nil), w: bufio.NewWriterSize(conn, writeBuffer)}
}

// Close ends the connection without a word.
func (c *Client) Close() error { return c.conn.Close() }

// TLS gives the state of the connection under TLS, nil without.
func (c *Client) TLS() *tls.ConnectionState {
	if t, ok := c.conn.(*tls.Conn); ok {
		s := t.ConnectionState()
		return &s
	}
	return nil
}

// Extension gives the parameters of an extension the server offers; ok tells whether it does.
func (c *Client) Extension(name string) (params string, ok bool) {
	params, ok = c.ext[strings.ToUpper(name)]
	return params, ok
}

// within bounds what follows by the context and by a time; call what it returns afterwards.
func (c *Client) within(ctx context.Context, limit time.Duration) (stop func() bool) {
	end := time.Now().Add(limit)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	c.conn.SetDeadline(end) // fails only on a closed connection, which the next read tells
	return context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
}

// flush sends what is written and reads a reply.
func (c *Client) flush(ctx context.Context, limit time.Duration) (Reply, error) {
	defer c.within(ctx, limit)()
	if err := c.w.Flush(); err != nil {
		return Reply{}, err
	}
	return ReadReply(c.r)
}

// put writes a command into the buffer. A control character in it would be another
// command: such an address is refused here at the latest.
func (c *Client) put(ctx context.Context, line string) error {
	if !isText(line) {
		return mail.E("smtp.Client", mail.Invalid, "smtp.syntax")
	}
	defer c.within(ctx, waitCommand)()
	_, err := c.w.WriteString(line + "\r\n")
	return err
}

// Command sends one command and reads its reply.
func (c *Client) Command(ctx context.Context, line string) (Reply, error) {
	if err := c.put(ctx, line); err != nil {
		return Reply{}, err
	}
	return c.flush(ctx, waitCommand)
}

// Greet reads the greeting and says EHLO, or HELO where that isn't known. The reply
// is the last one; unless it is OK, the server won't talk.
func (c *Client) Greet(ctx context.Context) (Reply, error) {
	reply, err := c.flush(ctx, waitGreeting)
	if err != nil || !reply.OK() {
		return reply, err
	}
	return c.hello(ctx)
}

func (c *Client) hello(ctx context.Context) (Reply, error) {
	c.ext = nil
	reply, err := c.Command(ctx, "EHLO "+c.name)
	switch {
	case err != nil:
		return reply, err
	case reply.Code/100 == 5:
		return c.Command(ctx, "HELO "+c.name)
	case !reply.OK():
		return reply, nil
	}
	c.ext = make(map[string]string)
	for _, line := range reply.Lines[1:] {
		name, params, _ := strings.Cut(line, " ")
		if len(c.ext) < maxExtensions {
			c.ext[strings.ToUpper(name)] = params
		}
	}
	return reply, nil
}

// StartTLS goes over to TLS and says EHLO again (RFC 3207). The reply is that of
// STARTTLS when it isn't OK, else that of EHLO. What the server sent in plain beyond
// its reply is dropped.
func (c *Client) StartTLS(ctx context.Context, config *tls.Config) (Reply, error) {
	if _, ok := c.Extension("STARTTLS"); !ok {
		return Reply{}, mail.E("smtp.StartTLS", mail.NotFound, "smtp.extension.missing", "STARTTLS")
	}
	reply, err := c.Command(ctx, "STARTTLS")
	if err != nil || !reply.OK() {
		return reply, err
	}
	conn := tls.Client(c.conn, config)
	c.conn, c.ext = conn, nil
	c.r.Reset(conn)
	c.w.Reset(conn)
	defer c.within(ctx, waitCommand)()
	if err := conn.HandshakeContext(ctx); err != nil {
		return Reply{}, err
	}
	return c.hello(ctx)
}

// Authenticator is the client's side of a SASL exchange; wire/sasl has them. Next answers
// a challenge, nil asks for the initial response; Verify tells whether the server proved itself.
type Authenticator interface {
	Mechanism() string
	Next(challenge []byte) (response []byte, err error)
	Verify() error
}

// Auth authenticates (RFC 4954). An error of the mechanism is returned after the
// exchange was cancelled.
func (c *Client) Auth(ctx context.Context, a Authenticator) (Reply, error) {
	response, err := a.Next(nil)
	if err != nil {
		return Reply{}, err
	}
	line := "AUTH " + a.Mechanism()
	if response != nil {
		line += " " + encodeResponse(response)
	}
	reply, err := c.Command(ctx, line)
	for steps := 0; err == nil && reply.More(); steps++ {
		var failure error
		response, failure = c.answer(a, reply)
		if failure != nil || steps == maxAuthSteps {
			reply, err = c.Command(ctx, "*")
			if err == nil {
				err = failure
			}
			return reply, err
		}
		reply, err = c.Command(ctx, base64.StdEncoding.EncodeToString(response))
	}
	if err == nil && reply.OK() {
		err = a.Verify()
	}
	return reply, err
}

// answer hands the challenge of a 334 to the mechanism.
func (c *Client) answer(a Authenticator, reply Reply) ([]byte, error) {
	challenge, err := base64.StdEncoding.DecodeString(reply.Lines[0])
	if err != nil {
		return nil, ErrReply
	}
	if challenge == nil {
		challenge = []byte{}
	}
	return a.Next(challenge)
}

// encodeResponse writes an initial response; "=" stands for an empty one (RFC 4954 §4).
func encodeResponse(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// Reset forgets the transaction.
func (c *Client) Reset(ctx context.Context) (Reply, error) { return c.Command(ctx, "RSET") }

// Quit takes leave and closes. Errors don't matter any more, except to a log.
func (c *Client) Quit(ctx context.Context) error {
	defer c.conn.Close()
	if err := c.put(ctx, "QUIT"); err != nil {
		return err
	}
	_, err := c.flush(ctx, waitQuit)
	return err
}
