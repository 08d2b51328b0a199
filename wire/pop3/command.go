package pop3

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Command is one line of the client.
type Command struct {
	Verb string // in upper case
	Args string // what follows the blank behind the verb, as it was sent; spaces in a PASS count (RFC 1939 §7)
}

// Reader reads what the client says.
type Reader struct{ in *bufio.Reader }

// NewReader reads from r.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReaderSize(r, MaxCommand)} }

// Reset forgets what was read ahead and goes on from r. After STLS nothing that
// came in the clear may count as said under TLS.
func (r *Reader) Reset(from io.Reader) { r.in.Reset(from) }

// Buffered is the number of octets that came and were not yet read: while it is
// above zero the client has sent more commands (PIPELINING, RFC 2449 §6.6).
func (r *Reader) Buffered() int { return r.in.Buffered() }

// Command reads a command. Errors of kind Invalid ("pop3.line_too_long",
// "pop3.syntax") leave the reader behind the bad line; others come from the connection.
func (r *Reader) Command() (Command, error) {
	line, err := r.Line(MaxCommand)
	if err != nil {
		return Command{}, err
	}
	verb, args, _ := strings.Cut(line, " ")
	if verb == "" || strings.IndexByte(line, 0) >= 0 || !utf8.ValidString(line) {
		return Command{}, mail.E("pop3.Command", mail.Invalid, "pop3.syntax")
	}
	return Command{strings.ToUpper(verb), args}, nil
}

// Line reads a line of at most max octets and gives it without its end, CRLF or LF. A longer one
// is read to its end and thrown away: Invalid "pop3.line_too_long".
func (r *Reader) Line(max int) (string, error) {
	var long []byte
	for {
		part, err := r.in.ReadSlice('\n')
		switch {
		case err == nil && len(long)+len(part) > max, errors.Is(err, bufio.ErrBufferFull) && len(long)+len(part) >= max:
			return "", r.skipLine(err != nil)
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case err != nil:
			return "", endOf(err, len(long)+len(part))
		case long != nil:
			part = append(long, part...)
		}
		return strings.TrimSuffix(string(part[:len(part)-1]), "\r"), nil
	}
}

// skipLine throws the rest of a line away, if there is any.
func (r *Reader) skipLine(more bool) error {
	for more {
		_, err := r.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		more = err != nil
	}
	return mail.E("pop3.Line", mail.Invalid, "pop3.line_too_long")
}

// endOf tells an end between lines from one within a line.
func endOf(err error, octets int) error {
	if err == io.EOF && octets > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
