package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"time"

	"tegami/mail"
)

// Waits are how long a client waits for a server; what is zero is as RFC 5321
// §4.5.3.2 wants it. An earlier deadline of the context wins.
type Waits struct {
	Greeting time.Duration // 5 minutes
	Command  time.Duration // for the answer to a command; 5 minutes
	Data     time.Duration // for 354; 2 minutes
	Block    time.Duration // for a part of the body to go out; 3 minutes
	End      time.Duration // for the answer to the body; 10 minutes
	// Grace is how long the answer to a body that went out is still waited for when the context has
	// ended: without it nobody knows whose the message is. 10 seconds.
	Grace time.Duration
	Quit  time.Duration // nobody needs that answer; 10 seconds
}

// filled gives the waits with the defaults.
func (w Waits) filled() Waits {
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	or(&w.Greeting, 5*time.Minute)
	or(&w.Command, 5*time.Minute)
	or(&w.Data, 2*time.Minute)
	or(&w.Block, 3*time.Minute)
	or(&w.End, 10*time.Minute)
	or(&w.Grace, 10*time.Second)
	or(&w.Quit, 10*time.Second)
	return w
}

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
	conn  net.Conn
	name  string // our own, for EHLO
	waits Waits
	r     *Reader
	w     *bufio.Writer
	ext   map[string]string // by upper-case name; nil: the server knows only HELO
	peer  [2]string         // what the server calls itself: in its greeting, in its answer to EHLO
	open  bool              // the server may still have a transaction in mind that RSET must end
	line  []byte            // the command that is being written
	block []byte            // a part of a body; made when the first body goes out
}

// NewClient speaks over conn and calls itself name, a domain. Call Greet first.
func NewClient(conn net.Conn, name string) *Client {
	return &Client{conn: conn, name: name, waits: Waits{}.filled(), r: NewReader(conn, nil), w: bufio.NewWriterSize(conn, writeBuffer)}
}

// SetWaits sets how long to wait. Before the first command only.
func (c *Client) SetWaits(w Waits) { c.waits = w.filled() }

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

// Named tells whether the server calls itself name, in its greeting or its answer to EHLO.
func (c *Client) Named(name string) bool {
	name = strings.TrimSuffix(name, ".")
	for _, p := range c.peer {
		if name != "" && strings.EqualFold(strings.TrimSuffix(p, "."), name) {
			return true
		}
	}
	return false
}

// calledItself gives the name at the beginning of a greeting or an answer to EHLO (RFC 5321 §4.2).
func calledItself(r Reply) string {
	name, _, _ := strings.Cut(r.Lines[0], " ")
	return name
}

// past is a deadline that ends all waiting.
var past = time.Unix(1, 0)

// within bounds what follows by the context and by a time; call what it returns afterwards.
func (c *Client) within(ctx context.Context, limit time.Duration) (stop func() bool) {
	stop = context.AfterFunc(ctx, func() { c.conn.SetDeadline(past) })
	c.until(ctx, limit)
	return stop
}

// until sets the deadline of what follows; the caller watches for the end of ctx. A deadline
// can only not be set on a closed connection, which the next read tells.
func (c *Client) until(ctx context.Context, limit time.Duration) {
	end := time.Now().Add(limit)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	c.conn.SetDeadline(end)
	if ctx.Err() != nil { // the watcher may have set its deadline before this one
		c.conn.SetDeadline(past)
	}
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
	defer c.within(ctx, c.waits.Command)()
	_, err := c.w.WriteString(line + "\r\n")
	return err
}

// Command sends one command and reads its reply.
func (c *Client) Command(ctx context.Context, line string) (Reply, error) {
	if err := c.put(ctx, line); err != nil {
		return Reply{}, err
	}
	return c.flush(ctx, c.waits.Command)
}

// Greet reads the greeting and says EHLO, or HELO where that isn't known. The reply
// is the last one; unless it is OK, the server won't talk.
func (c *Client) Greet(ctx context.Context) (Reply, error) {
	reply, err := c.flush(ctx, c.waits.Greeting)
	if err != nil || !reply.OK() {
		return reply, err
	}
	c.peer[0] = calledItself(reply)
	return c.hello(ctx)
}

func (c *Client) hello(ctx context.Context) (Reply, error) {
	c.ext = nil
	reply, err := c.Command(ctx, "EHLO "+c.name)
	switch {
	case err != nil:
		return reply, err
	case reply.Code/100 == 5:
		if reply, err = c.Command(ctx, "HELO "+c.name); err == nil && reply.OK() {
			c.peer[1] = calledItself(reply)
		}
		return reply, err
	case !reply.OK():
		return reply, nil
	}
	c.peer[1] = calledItself(reply)
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
	if err := c.handshake(ctx, config); err != nil {
		return Reply{}, err
	}
	return c.hello(ctx)
}

// Secure goes over to TLS without a word of SMTP before it, for port 465 (RFC 8314 §3.3). Call
// it before Greet.
func (c *Client) Secure(ctx context.Context, config *tls.Config) error {
	return c.handshake(ctx, config)
}

func (c *Client) handshake(ctx context.Context, config *tls.Config) error {
	conn := tls.Client(c.conn, config)
	c.conn, c.ext = conn, nil
	c.r.Reset(conn)
	c.w.Reset(conn)
	defer c.within(ctx, c.waits.Command)()
	return conn.HandshakeContext(ctx)
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
func (c *Client) Reset(ctx context.Context) (Reply, error) {
	reply, err := c.Command(ctx, "RSET")
	c.open = c.open && !reply.OK()
	return reply, err
}

// Leave takes leave and closes without waiting for an answer.
func (c *Client) Leave() error {
	c.conn.SetDeadline(time.Now().Add(c.waits.Quit))
	c.w.WriteString("QUIT\r\n") // the error comes again from Flush
	err := c.w.Flush()
	return errors.Join(err, c.conn.Close())
}

// Quit takes leave and closes. Errors don't matter any more, except to a log.
func (c *Client) Quit(ctx context.Context) error {
	defer c.conn.Close()
	if err := c.put(ctx, "QUIT"); err != nil {
		return err
	}
	_, err := c.flush(ctx, c.waits.Quit)
	return err
}
