package managesieve

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Kind is the kind of an argument.
type Kind uint8

// Kinds of arguments.
const (
	String Kind = iota + 1 // quoted or literal
	Number
	Word // anything else: no command takes one
)

// Arg is an argument of a command.
type Arg struct {
	Kind   Kind
	Text   string // as the client meant it
	Number uint32 // of a Number (RFC 5804 §4: up to 4,294,967,295)
}

// Command is what a client asks for.
type Command struct {
	Verb string // in upper case
	Args []Arg
}

// Reader reads what the client says.
type Reader struct {
	in      *bufio.Reader
	line    []byte // of the command that is read, without its end
	at      int    // how far it is read
	literal int    // most octets of the literals of a command
	over    bool   // they were too long
	size    int    // of the command's literals so far
}

// NewReader reads from r, which ought to be buffered nowhere else. A command's literals have literal octets at most together.
func NewReader(r io.Reader, literal int) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, MaxLine), literal: literal}
}

// Reset forgets what was read ahead and goes on from r. After STARTTLS nothing that came in the clear may count as said under TLS.
func (r *Reader) Reset(from io.Reader) { r.in.Reset(from) }

// SetLiteral changes how many octets the literals of a command have at most.
func (r *Reader) SetLiteral(n int) { r.literal = n }

// Buffered is the number of octets that came and were not yet read.
func (r *Reader) Buffered() int { return r.in.Buffered() }

// ErrFatal ends the connection: what the client sends next cannot be told from the rest of what it sent.
var ErrFatal = errors.New("managesieve: a literal that is too long to be thrown away")

// Command reads a command. Errors of kind Invalid ("managesieve.syntax", "managesieve.line_too_long") and Full
// ("managesieve.too_big") leave the reader behind the bad command; ErrFatal and others end the connection.
func (r *Reader) Command() (Command, error) {
	const op = "managesieve.Command"
	if err := r.begin(); err != nil {
		return Command{}, err
	}
	verb, ok := r.word()
	if !ok {
		return Command{}, mail.E(op, mail.Invalid, "managesieve.syntax")
	}
	c := Command{Verb: strings.ToUpper(verb)}
	for !r.ended() {
		if !r.space() || len(c.Args) == MaxArgs {
			return c, mail.E(op, mail.Invalid, "managesieve.syntax")
		}
		a, err := r.arg()
		if err != nil {
			return c, err
		}
		c.Args = append(c.Args, a)
	}
	if r.over {
		return c, mail.E(op, mail.Full, "managesieve.too_big", r.literal>>10)
	}
	return c, nil
}

// String reads a line with one string: the client's part of a SASL exchange (RFC 5804 §2.1). Errors are those of Command.
func (r *Reader) String() (string, error) {
	const op = "managesieve.String"
	if err := r.begin(); err != nil {
		return "", err
	}
	a, err := r.arg()
	switch {
	case err != nil:
		return "", err
	case !r.ended():
		return "", mail.E(op, mail.Invalid, "managesieve.syntax")
	case r.over:
		return "", mail.E(op, mail.Full, "managesieve.too_big", r.literal>>10)
	case a.Kind != String && a.Text != "*": // what some clients send to cancel
		return "", mail.E(op, mail.Invalid, "managesieve.syntax")
	}
	return a.Text, nil
}

// begin reads the first line of a command.
func (r *Reader) begin() error {
	r.over, r.size = false, 0
	return r.readLine()
}

// readLine reads a line. One that is too long is read to its end and thrown away.
func (r *Reader) readLine() error {
	r.line, r.at = r.line[:0], 0
	long := false
	for {
		part, err := r.in.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !full {
			if err == io.EOF && len(r.line)+len(part) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if long = long || len(r.line)+len(part) > MaxLine; !long {
			r.line = append(r.line, part...)
		}
		if !full {
			break
		}
	}
	if long {
		return mail.E("managesieve.readLine", mail.Invalid, "managesieve.line_too_long", MaxLine)
	}
	r.line = r.line[:len(r.line)-1]
	if n := len(r.line); n > 0 && r.line[n-1] == '\r' {
		r.line = r.line[:n-1]
	}
	return nil
}

// ended tells whether the command has ended.
func (r *Reader) ended() bool { return r.at == len(r.line) }

// space passes over blanks.
func (r *Reader) space() (any bool) {
	for r.at < len(r.line) && r.line[r.at] == ' ' {
		r.at++
		any = true
	}
	return any
}

// word reads octets up to a blank.
func (r *Reader) word() (string, bool) {
	begin := r.at
	for r.at < len(r.line) && r.line[r.at] > ' ' && r.line[r.at] < 0x7f && r.line[r.at] != '"' && r.line[r.at] != '{' {
		r.at++
	}
	return string(r.line[begin:r.at]), r.at > begin
}

// arg reads an argument.
func (r *Reader) arg() (Arg, error) {
	syntax := mail.E("managesieve.arg", mail.Invalid, "managesieve.syntax")
	if r.ended() {
		return Arg{}, syntax
	}
	switch r.line[r.at] {
	case '"':
		text, ok := r.quoted()
		if !ok {
			return Arg{}, syntax
		}
		return Arg{Kind: String, Text: text}, nil
	case '{':
		text, err := r.readLiteral()
		return Arg{Kind: String, Text: text}, err
	}
	word, ok := r.word()
	if !ok {
		return Arg{}, syntax
	}
	if n, err := strconv.ParseUint(word, 10, 32); err == nil {
		return Arg{Kind: Number, Text: word, Number: uint32(n)}, nil
	}
	return Arg{Kind: Word, Text: word}, nil
}

// quoted reads a quoted string (RFC 5804 §4).
func (r *Reader) quoted() (string, bool) {
	var b []byte
	for i := r.at + 1; i < len(r.line); i++ {
		c := r.line[i]
		switch {
		case c == '"':
			r.at = i + 1
			return string(b), len(b) <= MaxQuoted && utf8.Valid(b)
		case c == '\\':
			if i++; i == len(r.line) || r.line[i] != '"' && r.line[i] != '\\' {
				return "", false
			}
			c = r.line[i]
		case c == 0 || c == '\r':
			return "", false
		}
		b = append(b, c)
	}
	return "", false
}

// readLiteral reads a literal and the line behind it. One that is too long is thrown away.
func (r *Reader) readLiteral() (string, error) {
	n, err := r.literalSize()
	if err != nil {
		return "", err
	}
	if r.size += n; r.size > r.literal {
		r.over = true
		if r.size > MaxSkipped {
			return "", ErrFatal
		}
		if _, err := io.CopyN(io.Discard, r.in, int64(n)); err != nil {
			return "", err
		}
		return "", r.readLine()
	}
	var b strings.Builder
	b.Grow(n)
	if _, err := io.CopyN(&b, r.in, int64(n)); err != nil {
		return "", err
	}
	return b.String(), r.readLine()
}

// literalSize reads "{n+}" at the end of a line.
func (r *Reader) literalSize() (int, error) {
	text, ok := strings.CutSuffix(string(r.line[r.at+1:]), "+}")
	n, err := strconv.ParseUint(text, 10, 31)
	if !ok || err != nil {
		return 0, mail.E("managesieve.literalSize", mail.Invalid, "managesieve.syntax")
	}
	return int(n), nil
}
