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
	To   []Reply // one for each recipient, in their order
	Data Reply   // to the body; zero when it was not sent
}

// Send gives a message to the server: the envelope with the parameters the server
// understands, pipelined where it allows that, then the body of size octets (under
// 0: not known). A body that is BINARYMIME goes by BDAT, all others by DATA.
//
// An envelope that the server can't take (SMTPUTF8, REQUIRETLS, BINARYMIME not offered)
// gives NotFound with the key "smtp.extension.missing" before anything is sent. After any
// other error it is not known whether the server took the message.
func (c *Client) Send(ctx context.Context, env mail.Envelope, size int64, body io.Reader) (Sent, error) {
	sent := Sent{To: make([]Reply, len(env.To))}
	if err := c.check(env, size); err != nil {
		return sent, err
	}
	binary := env.Opts.Body == mail.BodyBinaryMIME
	commands, replies := c.envelope(env, size, &sent)
	var start Reply // the answer to DATA
	if !binary {
		commands, replies = append(commands, "DATA"), append(replies, &start)
	}
	for _, line := range commands {
		if !isText(line) {
			return sent, mail.E("smtp.Send", mail.Invalid, "smtp.syntax")
		}
	}
	if err := c.exchange(ctx, commands, replies); err != nil {
		return sent, err
	}
	accepted := false
	for _, r := range sent.To {
		accepted = accepted || r.OK()
	}
	var err error
	switch {
	case binary && accepted:
		sent.Data, err = c.sendChunk(ctx, size, body)
	case binary:
	case !start.More():
		sent.Data = start
	case !accepted: // a server that wants a body for nobody gets an empty one (RFC 2920 §3.1)
		sent.Data, err = c.sendBody(ctx, strings.NewReader(""))
	default:
		sent.Data, err = c.sendBody(ctx, body)
	}
	return sent, err
}

// check refuses an envelope that asks for what the server doesn't offer.
func (c *Client) check(env mail.Envelope, size int64) error {
	const op = "smtp.Send"
	needs := map[string]bool{
		"SMTPUTF8":   env.Opts.UTF8 || !isASCII(env.From.Local),
		"REQUIRETLS": env.Opts.RequireTLS,
		"BINARYMIME": env.Opts.Body == mail.BodyBinaryMIME,
		"CHUNKING":   env.Opts.Body == mail.BodyBinaryMIME,
	}
	for _, to := range env.To {
		needs["SMTPUTF8"] = needs["SMTPUTF8"] || !isASCII(to.Local)
	}
	for name, needed := range needs {
		if _, ok := c.Extension(name); needed && !ok {
			return mail.E(op, mail.NotFound, "smtp.extension.missing", name)
		}
	}
	if env.Opts.Body == mail.BodyBinaryMIME && size < 0 || len(env.To) == 0 {
		return mail.E(op, mail.Invalid, "smtp.syntax")
	}
	return nil
}

// envelope writes the commands, and says where each reply goes.
func (c *Client) envelope(env mail.Envelope, size int64, sent *Sent) (commands []string, replies []*Reply) {
	commands = append(commands, "MAIL FROM:<"+env.From.String()+">"+c.mailParams(env, size))
	replies = append(replies, &sent.From)
	for i, to := range env.To {
		commands = append(commands, "RCPT TO:<"+to.Address.String()+">"+c.rcptParams(to))
		replies = append(replies, &sent.To[i])
	}
	return commands, replies
}

// mailParams writes the parameters of MAIL that the server understands.
func (c *Client) mailParams(env mail.Envelope, size int64) string {
	var b strings.Builder
	add := func(ext, text string, wanted bool) {
		if _, ok := c.Extension(ext); ok && wanted {
			b.WriteString(" " + text)
		}
	}
	o := env.Opts
	utf8 := o.UTF8 || !isASCII(env.From.Local)
	for _, to := range env.To {
		utf8 = utf8 || !isASCII(to.Local)
	}
	add("SIZE", "SIZE="+strconv.FormatInt(size, 10), size >= 0)
	add("8BITMIME", "BODY=8BITMIME", o.Body == mail.Body8BitMIME)
	add("BINARYMIME", "BODY=BINARYMIME", o.Body == mail.BodyBinaryMIME)
	add("SMTPUTF8", "SMTPUTF8", utf8)
	add("DSN", "RET=FULL", o.Ret == mail.RetFull)
	add("DSN", "RET=HDRS", o.Ret == mail.RetHeaders)
	add("DSN", "ENVID="+EncodeXtext(o.EnvID), o.EnvID != "")
	add("REQUIRETLS", "REQUIRETLS", o.RequireTLS)
	return b.String()
}

// notifyWords are the words of NOTIFY in the order of their bits.
var notifyWords = [...]string{"NEVER", "SUCCESS", "FAILURE", "DELAY"}

// rcptParams writes the parameters of RCPT that the server understands.
func (c *Client) rcptParams(to mail.Recipient) string {
	if _, ok := c.Extension("DSN"); !ok {
		return ""
	}
	var words []string
	for i, word := range notifyWords {
		if to.Notify&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	out := ""
	if len(words) > 0 {
		out = " NOTIFY=" + strings.Join(words, ",")
	}
	if kind, addr, ok := strings.Cut(to.Orcpt, ";"); ok {
		out += " ORCPT=" + kind + ";" + EncodeXtext(addr)
	}
	return out
}

// exchange sends commands and reads as many replies, in windows where the server pipelines.
func (c *Client) exchange(ctx context.Context, commands []string, replies []*Reply) error {
	step := 1
	if _, ok := c.Extension("PIPELINING"); ok {
		step = window
	}
	for len(commands) > 0 {
		n := min(step, len(commands))
		for _, line := range commands[:n] {
			if err := c.put(ctx, line); err != nil {
				return err
			}
		}
		for i := range n {
			var err error
			if *replies[i], err = c.flush(ctx, patience(commands[i])); err != nil {
				return fmt.Errorf("smtp: reply to %.4s: %w", commands[i], err)
			}
		}
		commands, replies = commands[n:], replies[n:]
	}
	return nil
}

// patience is how long a command may take.
func patience(command string) time.Duration {
	if command == "DATA" {
		return waitData
	}
	return waitCommand
}

// sendBody sends the body after 354.
func (c *Client) sendBody(ctx context.Context, body io.Reader) (Reply, error) {
	w := NewDotWriter(c.w)
	if err := c.copy(ctx, w, body); err != nil {
		return Reply{}, err
	}
	stop := c.within(ctx, waitBlock)
	err := w.Close()
	stop()
	if err != nil {
		return Reply{}, err
	}
	return c.flush(ctx, waitEnd)
}

// sendChunk sends the body as one chunk, octet for octet (RFC 3030).
func (c *Client) sendChunk(ctx context.Context, size int64, body io.Reader) (Reply, error) {
	if err := c.put(ctx, "BDAT "+strconv.FormatInt(size, 10)+" LAST"); err != nil {
		return Reply{}, err
	}
	counted := &io.LimitedReader{R: body, N: size}
	if err := c.copy(ctx, c.w, counted); err != nil {
		return Reply{}, err
	}
	if counted.N > 0 {
		return Reply{}, io.ErrUnexpectedEOF
	}
	return c.flush(ctx, waitEnd)
}

// copy sends body to w, each block under its own deadline. A body that can't be read
// leaves the server waiting; the caller closes.
func (c *Client) copy(ctx context.Context, w io.Writer, body io.Reader) error {
	buf := make([]byte, copyBuffer)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			stop := c.within(ctx, waitBlock)
			_, werr := w.Write(buf[:n])
			stop()
			if werr != nil {
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
