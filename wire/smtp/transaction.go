package smtp

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
)

// window is how many commands go out before their replies are read (RFC 2920): few
// enough that neither side's buffers fill up and both wait for each other.
const window = 100

// copyBuffer is how much of a body goes out under one deadline.
const copyBuffer = 32 << 10

// Sent is how a server answered to a transaction. A recipient's mail is the server's
// when its own reply and that of Data are OK; anything else leaves it with us.
type Sent struct {
	From Reply
	To   []Reply // one for each recipient, in their order; zero where the command was not sent
	Data Reply   // to the body, or to DATA where that was refused; zero when neither was sent
	// Ended: the body went out to its last octet. With an error beside it nobody knows whether the
	// server took the message; without Ended it did not.
	Ended bool
}

// Send gives a message to the server: the envelope with the parameters the server
// understands, pipelined where it allows that, then the body of size octets (under
// 0: not known). A body that is BINARYMIME goes by BDAT, all others by DATA. What a
// transaction before this one left open is reset.
//
// An envelope that the server can't take (SMTPUTF8, REQUIRETLS, BINARYMIME not offered)
// gives NotFound with the key "smtp.extension.missing" before anything is sent. After any
// other error the connection is of no more use; Sent says how far it came.
func (c *Client) Send(ctx context.Context, env mail.Envelope, size int64, body io.Reader) (Sent, error) {
	sent := Sent{To: make([]Reply, len(env.To))}
	if err := c.check(env, size); err != nil {
		return sent, err
	}
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(past) })
	defer func() { stop() }()
	t := transaction{c: c, env: env, size: size, sent: &sent, params: c.understood(env)}
	if err := t.exchange(ctx); err != nil {
		return sent, err
	}
	accepted := sent.accepted()
	binary := env.Opts.Body == mail.BodyBinaryMIME
	switch {
	case binary && accepted == 0 || !binary && !t.start.More():
		sent.Data = t.start
		return sent, nil
	case accepted == 0: // a server that wants a body for nobody gets an empty one (RFC 2920 §3.1)
		body, size = strings.NewReader(""), 0
	}
	var err error
	if binary {
		err = c.writeChunk(ctx, size, body)
	} else {
		err = c.writeBody(ctx, body)
	}
	if err != nil {
		return sent, err
	}
	stop()
	sent.Ended = true
	stop = context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Now().Add(c.waits.Grace)) })
	c.conn.SetDeadline(time.Now().Add(c.waits.End))
	if sent.Data, err = ReadReply(c.r); err == nil {
		c.open = false
	}
	return sent, err
}

// accepted counts the recipients the server takes.
func (s *Sent) accepted() (n int) {
	for i := range s.To {
		if s.To[i].OK() {
			n++
		}
	}
	return n
}

// check refuses an envelope that asks for what the server doesn't offer, or that would be
// another command.
func (c *Client) check(env mail.Envelope, size int64) error {
	const op = "smtp.Send"
	missing := func(name string) error { return mail.E(op, mail.NotFound, "smtp.extension.missing", name) }
	lacks := func(name string) bool { _, ok := c.ext[name]; return !ok }
	binary := env.Opts.Body == mail.BodyBinaryMIME
	switch {
	case needsUTF8(env) && lacks("SMTPUTF8"):
		return missing("SMTPUTF8")
	case env.Opts.RequireTLS && lacks("REQUIRETLS"):
		return missing("REQUIRETLS")
	case binary && lacks("BINARYMIME"):
		return missing("BINARYMIME")
	case binary && lacks("CHUNKING"):
		return missing("CHUNKING")
	case binary && size < 0, len(env.To) == 0, !isPath(env.From):
		return mail.E(op, mail.Invalid, "smtp.syntax")
	}
	for i := range env.To {
		if kind, _, _ := strings.Cut(env.To[i].Orcpt, ";"); !isPath(env.To[i].Address) || !isText(kind) || strings.IndexByte(kind, ' ') >= 0 {
			return mail.E(op, mail.Invalid, "smtp.syntax")
		}
	}
	return nil
}

// isPath tells whether an address can stand in a command: no control characters, and nothing
// in the domain that would end the path.
func isPath(a mail.Address) bool {
	return isText(a.Local) && isText(a.Domain) && !strings.ContainsAny(a.Domain, " <>")
}

// needsUTF8 tells whether the envelope needs SMTPUTF8 (RFC 6531 §3.4).
func needsUTF8(env mail.Envelope) bool {
	if env.Opts.UTF8 || !isASCII(env.From.Local) {
		return true
	}
	for i := range env.To {
		if !isASCII(env.To[i].Local) {
			return true
		}
	}
	return false
}

// understood is which parameters the server understands.
func (c *Client) understood(env mail.Envelope) (e Ext) {
	for _, x := range [...]struct {
		name string
		ext  Ext
	}{{"SIZE", ExtSize}, {"8BITMIME", Ext8BitMIME}, {"BINARYMIME", ExtBinaryMIME}, {"DSN", ExtDSN}, {"REQUIRETLS", ExtRequireTLS}} {
		if _, ok := c.ext[x.name]; ok {
			e |= x.ext
		}
	}
	if _, ok := c.ext["SMTPUTF8"]; ok && needsUTF8(env) {
		e |= ExtUTF8
	}
	return e
}

// transaction is one call of Send. Its commands are numbered: MAIL is 0, the recipients follow, DATA is last.
type transaction struct {
	c      *Client
	env    mail.Envelope
	size   int64
	params Ext
	sent   *Sent
	start  Reply // the answer to DATA
}

// exchange sends the envelope and reads the replies, in windows where the server pipelines. It stops
// where nothing that follows could succeed.
func (t *transaction) exchange(ctx context.Context) error {
	step := 1
	if _, ok := t.c.ext["PIPELINING"]; ok {
		step = window
	} else if t.c.open {
		if r, err := t.c.Reset(ctx); err != nil || !r.OK() {
			t.sent.From = r
			return err
		}
	}
	count := len(t.env.To) + 1
	if t.env.Opts.Body != mail.BodyBinaryMIME {
		count++
	}
	reset := t.c.open // pipelined before MAIL
	t.c.open = true
	for first := 0; first < count; first += step {
		last := min(first+step, count)
		if first > 0 && t.hopeless(first) {
			return nil
		}
		t.c.until(ctx, t.c.waits.Command)
		if err := t.write(first, last, reset && first == 0); err != nil {
			return err
		}
		if err := t.read(ctx, first, last, reset && first == 0); err != nil {
			return err
		}
	}
	return nil
}

// hopeless: MAIL was refused, or DATA is next and nobody accepted.
func (t *transaction) hopeless(next int) bool {
	return !t.sent.From.OK() || next == len(t.env.To)+1 && t.sent.accepted() == 0
}

// write sends the commands of a window.
func (t *transaction) write(first, last int, reset bool) error {
	w := t.c.w
	if reset {
		w.WriteString("RSET\r\n") // the error of a Writer stays: Flush gives it
	}
	for i := first; i < last; i++ {
		w.Write(t.command(i))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("smtp: sending %.4s: %w", t.command(first), err)
	}
	return nil
}

// read reads the replies of a window.
func (t *transaction) read(ctx context.Context, first, last int, reset bool) error {
	if reset {
		if _, err := ReadReply(t.c.r); err != nil { // a refusal comes again for MAIL
			return fmt.Errorf("smtp: reply to RSET: %w", err)
		}
	}
	for i := first; i < last; i++ {
		reply := t.reply(i)
		wait := t.c.waits.Command
		if reply == &t.start {
			wait = t.c.waits.Data
		}
		if i > first || wait != t.c.waits.Command {
			t.c.until(ctx, wait)
		}
		var err error
		if *reply, err = ReadReply(t.c.r); err != nil {
			return fmt.Errorf("smtp: reply to %.4s: %w", t.command(i), err)
		}
		reply.shorten()
	}
	return nil
}

// reply is where the answer to a command goes.
func (t *transaction) reply(i int) *Reply {
	switch {
	case i == 0:
		return &t.sent.From
	case i <= len(t.env.To):
		return &t.sent.To[i-1]
	}
	return &t.start
}

// command writes a command with its CRLF; valid until the next.
func (t *transaction) command(i int) []byte {
	b := t.c.line[:0]
	switch {
	case i == 0:
		b = appendPath(append(b, "MAIL FROM:"...), t.env.From)
		b = t.mailParams(b)
	case i <= len(t.env.To):
		b = appendPath(append(b, "RCPT TO:"...), t.env.To[i-1].Address)
		b = t.rcptParams(b, &t.env.To[i-1])
	default:
		b = append(b, "DATA"...)
	}
	t.c.line = append(b, '\r', '\n')
	return t.c.line
}

func appendPath(b []byte, a mail.Address) []byte {
	b = append(b, '<')
	if !a.IsNull() {
		b = append(b, mail.QuoteLocal(a.Local)...)
		b = append(b, '@')
		b = append(b, a.Domain...)
	}
	return append(b, '>')
}

// mailParams writes the parameters of MAIL that the server understands.
func (t *transaction) mailParams(b []byte) []byte {
	o := &t.env.Opts
	if t.params&ExtSize != 0 && t.size >= 0 {
		b = strconv.AppendInt(append(b, " SIZE="...), t.size, 10)
	}
	switch {
	case t.params&Ext8BitMIME != 0 && o.Body == mail.Body8BitMIME:
		b = append(b, " BODY=8BITMIME"...)
	case o.Body == mail.BodyBinaryMIME:
		b = append(b, " BODY=BINARYMIME"...)
	}
	if t.params&ExtUTF8 != 0 {
		b = append(b, " SMTPUTF8"...)
	}
	if t.params&ExtDSN != 0 {
		switch o.Ret {
		case mail.RetFull:
			b = append(b, " RET=FULL"...)
		case mail.RetHeaders:
			b = append(b, " RET=HDRS"...)
		}
		if o.EnvID != "" {
			b = append(append(b, " ENVID="...), EncodeXtext(o.EnvID)...)
		}
	}
	if o.RequireTLS {
		b = append(b, " REQUIRETLS"...)
	}
	return b
}

// notifyWords are the words of NOTIFY in the order of their bits.
var notifyWords = [...]string{"NEVER", "SUCCESS", "FAILURE", "DELAY"}

// rcptParams writes the parameters of RCPT that the server understands.
func (t *transaction) rcptParams(b []byte, to *mail.Recipient) []byte {
	if t.params&ExtDSN == 0 {
		return b
	}
	before := " NOTIFY="
	for i, word := range notifyWords {
		if to.Notify&(1<<i) != 0 {
			b = append(append(b, before...), word...)
			before = ","
		}
	}
	if kind, addr, ok := strings.Cut(to.Orcpt, ";"); ok {
		b = append(append(b, " ORCPT="...), kind...)
		b = append(append(b, ';'), EncodeXtext(addr)...)
	}
	return b
}

// writeBody sends the body after 354, and its end.
func (c *Client) writeBody(ctx context.Context, body io.Reader) error {
	w := NewDotWriter(c.w)
	if err := c.copy(ctx, w, body); err != nil {
		return err
	}
	c.until(ctx, c.waits.Block)
	if err := w.Close(); err != nil {
		return err
	}
	return c.w.Flush()
}

// writeChunk sends the body as one chunk, octet for octet (RFC 3030).
func (c *Client) writeChunk(ctx context.Context, size int64, body io.Reader) error {
	c.until(ctx, c.waits.Block)
	c.w.WriteString("BDAT " + strconv.FormatInt(size, 10) + " LAST\r\n") // Flush gives the error
	counted := &io.LimitedReader{R: body, N: size}
	if err := c.copy(ctx, c.w, counted); err != nil {
		return err
	}
	if counted.N > 0 {
		return io.ErrUnexpectedEOF
	}
	return c.w.Flush()
}

// copy sends body to w, each block under its own deadline. A body that can't be read
// leaves the server waiting; the caller closes.
func (c *Client) copy(ctx context.Context, w io.Writer, body io.Reader) error {
	if c.block == nil {
		c.block = make([]byte, copyBuffer)
	}
	for {
		n, err := body.Read(c.block)
		if n > 0 {
			c.until(ctx, c.waits.Block)
			if _, werr := w.Write(c.block[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("smtp: reading the body: %v", err) // whatever its kind, the stream is out of step
		}
	}
}
