package imap

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"tegami/mail"
)

const (
	opDecode = mail.Op("imap.Decode")
	// smallBuffer holds what a client sends at once most of the time. It is a part of the Decoder, so
	// that an idle connection holds no other.
	smallBuffer = 512
	// largeBuffer is borrowed while a client sends more.
	largeBuffer = 32 << 10
	// maxEmptyReads is how often a reader may give nothing and no error.
	maxEmptyReads = 100
)

// largeBuffers lends buffers of largeBuffer octets to all decoders.
var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// A Decoder reads the commands of one connection. Its methods take one element of
// the grammar each and return false when it is not there; the first error stays
// until the next command begins. Errors are of two sorts: a *mail.Error (Invalid:
// syntax; Full: over a limit) after which Discard finds the next command, and
// any other, which is the connection's.
type Decoder struct {
	// UTF8 tells that the client sends mailbox names in UTF-8 (RFC 9051 §5.1, RFC 6855
	// §3) and not in modified UTF-7.
	UTF8 bool
	// Stranger tells that the client has not signed in: its commands have at most MaxStranger octets.
	Stranger bool

	src    io.Reader
	accept func() error
	err    error
	broken error // of the connection, final

	r, w  int
	large *[largeBuffer]byte
	small [smallBuffer]byte

	token []byte // scratch
	line  int    // octets of this line
	size  int    // octets of this command
	depth int
	ended bool  // the command's last CRLF was taken
	asked bool  // a synchronising literal was announced and not accepted yet
	lit   int64 // octets of the open literal that were not taken yet
}

// NewDecoder makes a decoder of what src gives. accept is called when a
// synchronising literal may come: it sends the continuation request and flushes.
func NewDecoder(src io.Reader, accept func() error) *Decoder {
	return &Decoder{src: src, accept: accept, ended: true}
}

// Reset makes d read from another source, as after STARTTLS. What was buffered
// is dropped, so that nothing sent in plain text counts as sent in TLS (RFC 9051 §11.1).
func (d *Decoder) Reset(src io.Reader) {
	d.Release()
	d.src, d.r, d.w = src, 0, 0
}

// Unread gives the octets read from the source and not taken yet, and forgets them: those of another layer, behind a command
// that changes it.
func (d *Decoder) Unread() []byte {
	rest := bytes.Clone(d.buffer()[d.r:d.w])
	d.r = d.w
	return rest
}

// Feed makes octets the next to be taken, before what the source gives; they were read from below the source. Nothing may be
// buffered. What does not fit into a buffer is an error of the connection.
func (d *Decoder) Feed(first []byte) {
	if len(first) > smallBuffer && d.large == nil {
		d.large = largeBuffers.Get().(*[largeBuffer]byte)
	}
	if len(first) > len(d.buffer()) {
		d.broken = ErrTooMuch
		return
	}
	d.r, d.w = 0, copy(d.buffer(), first)
}

// Buffered is the number of octets read from the source and not taken yet.
func (d *Decoder) Buffered() int { return d.w - d.r }

// Release gives a borrowed buffer back when nothing is in it. Call it before a wait.
func (d *Decoder) Release() {
	if d.large != nil && d.r == d.w {
		largeBuffers.Put(d.large)
		d.large, d.r, d.w = nil, 0, 0
	}
	if cap(d.token) > smallBuffer {
		d.token = nil
	}
}

// Err is the first error of this command.
func (d *Decoder) Err() error {
	if d.broken != nil {
		return d.broken
	}
	return d.err
}

// Broken is the error of the connection, after which nothing more can be read.
func (d *Decoder) Broken() error { return d.broken }

// Wait blocks until there is something to read. It takes nothing.
func (d *Decoder) Wait() error {
	if d.r == d.w {
		d.Release()
		d.fill()
	}
	return d.broken
}

// Wake forgets an error of the connection that was none, as a read deadline that
// was used to interrupt Wait.
func (d *Decoder) Wake() { d.broken = nil }

func (d *Decoder) buffer() []byte {
	if d.large != nil {
		return d.large[:]
	}
	return d.small[:]
}

// fill reads more. The buffer is empty when it is called.
func (d *Decoder) fill() bool {
	if d.large == nil && d.w == smallBuffer {
		d.large = largeBuffers.Get().(*[largeBuffer]byte)
	}
	d.r, d.w = 0, 0
	for range maxEmptyReads {
		n, err := d.src.Read(d.buffer())
		if n > 0 {
			d.w = n
			return true
		}
		if err != nil {
			d.broken = err
			return false
		}
	}
	d.broken = io.ErrNoProgress
	return false
}

// peek shows the next octet.
func (d *Decoder) peek() (byte, bool) {
	if d.r < d.w && d.err == nil {
		return d.buffer()[d.r], true
	}
	if d.err != nil || d.broken != nil || !d.fill() {
		return 0, false
	}
	return d.buffer()[d.r], true
}

// take takes the octet that peek showed.
func (d *Decoder) take() {
	d.r++
	d.line++
	d.size++
	if d.line > MaxLine || d.size > d.most() {
		d.fail(mail.E(opDecode, mail.Full, "imap.command_too_long"))
	}
}

// most is the size of a command, in octets.
func (d *Decoder) most() int {
	if d.Stranger {
		return MaxStranger
	}
	return MaxCommand
}

func (d *Decoder) fail(err error) bool {
	if d.err == nil {
		d.err = err
	}
	return false
}

// Expected records that something else than what was expected stands here, unless there is an error already. It returns false.
func (d *Decoder) Expected(what string) bool {
	return d.fail(mail.E(opDecode, mail.Invalid, "imap.syntax", what))
}

// IsNext tells whether c is the next octet.
func (d *Decoder) IsNext(c byte) bool {
	got, ok := d.peek()
	return ok && got == c
}

// Accept takes c if it is next.
func (d *Decoder) Accept(c byte) bool {
	if !d.IsNext(c) {
		return false
	}
	d.take()
	return true
}

// Special takes c, which must be next.
func (d *Decoder) Special(c byte) bool {
	return d.Accept(c) || d.Expected(string(rune(c)))
}

// SP takes a space, or several, which some clients send.
func (d *Decoder) SP() bool {
	if !d.Accept(' ') {
		return d.Expected("SP")
	}
	d.skipSpaces()
	return d.err == nil
}

func (d *Decoder) skipSpaces() {
	for d.Accept(' ') {
	}
}

// End takes the end of the command. A space before it and a bare LF are forgiven.
func (d *Decoder) End() bool {
	d.Accept(' ')
	d.Accept('\r')
	if !d.Accept('\n') {
		return d.Expected("CRLF")
	}
	d.ended = true
	return d.err == nil
}

// AtEnd tells whether only the end of the command is left.
func (d *Decoder) AtEnd() bool { return d.IsNext('\r') || d.IsNext('\n') }

// run takes octets while is allows them, and gives them in a buffer that the next call reuses.
func (d *Decoder) run(is func(byte) bool) []byte {
	d.token = d.token[:0]
	for {
		c, ok := d.peek()
		if !ok || !is(c) {
			return d.token
		}
		d.token = append(d.token, c)
		d.take()
	}
}

// Command begins the next command and takes its tag and name (RFC 9051 §2.2.1); the name
// is in upper case, with "UID " before it where that stands there. An empty line gives Invalid with an empty tag.
func (d *Decoder) Command() (tag, name string, err error) {
	d.err, d.line, d.size, d.depth = nil, 0, 0, 0
	d.ended, d.asked, d.lit = false, false, 0
	t := d.run(isTagChar)
	if len(t) == 0 || len(t) > MaxTag || !d.IsNext(' ') {
		d.Expected("tag")
		return "", "", d.Err()
	}
	tag = string(t)
	if !d.SP() || !d.Keyword(&name) {
		return tag, "", d.Err()
	}
	if name == "UID" {
		var of string
		if !d.SP() || !d.Keyword(&of) {
			return tag, name, d.Err()
		}
		name = "UID " + of
	}
	return tag, name, d.Err()
}

// Keyword takes an atom and puts it into upper case: names of commands, items, keys.
func (d *Decoder) Keyword(dst *string) bool {
	t := d.run(isAtomChar)
	for i, c := range t {
		if c >= 'a' && c <= 'z' {
			t[i] = c - 'a' + 'A'
		}
	}
	*dst = string(t)
	return len(t) > 0 && d.err == nil || d.Expected("atom")
}

// Atom takes an atom (RFC 9051 §9 atom).
func (d *Decoder) Atom(dst *string) bool {
	*dst = string(d.run(isAtomChar))
	return *dst != "" && d.err == nil || d.Expected("atom")
}

// AString takes an atom with "]" allowed, a quoted string or a literal (RFC 9051 §9 astring).
func (d *Decoder) AString(dst *string) bool {
	if c, ok := d.peek(); ok && (c == '"' || c == '{' || c == '~') {
		return d.String(dst)
	}
	*dst = string(d.run(isAStringChar))
	return *dst != "" && d.err == nil || d.Expected("astring")
}

// String takes a quoted string or a literal (RFC 9051 §9 string).
func (d *Decoder) String(dst *string) bool {
	if d.IsNext('"') {
		return d.quoted(dst)
	}
	if d.IsNext('{') || d.IsNext('~') {
		return d.literal(dst)
	}
	return d.Expected("string")
}

// NString takes a string or NIL, which sets isNil (RFC 9051 §9 nstring).
func (d *Decoder) NString(dst *string, isNil *bool) bool {
	if c, ok := d.peek(); ok && (c == '"' || c == '{' || c == '~') {
		return d.String(dst)
	}
	var word string
	*isNil = d.Keyword(&word) && word == "NIL"
	return *isNil || d.Expected("nstring")
}

// quoted takes a quoted string. Octets above 127 are allowed: they are UTF-8 in
// rev2, and old clients send them in rev1.
func (d *Decoder) quoted(dst *string) bool {
	d.take()
	d.token = d.token[:0]
	for {
		c, ok := d.peek()
		switch {
		case !ok:
			return false
		case c == '"':
			d.take()
			*dst = string(d.token)
			return d.err == nil
		case c == '\\':
			d.take()
			if c, ok = d.peek(); !ok || c != '"' && c != '\\' {
				return d.Expected("quoted-specials")
			}
		case c == '\r' || c == '\n' || c == 0:
			return d.Expected("DQUOTE")
		}
		d.token = append(d.token, c)
		d.take()
	}
}

// Text takes what is left of the line (RFC 9051 §9 text), without its end.
func (d *Decoder) Text(dst *string) bool {
	*dst = string(d.run(func(c byte) bool { return c != '\r' && c != '\n' }))
	return d.err == nil
}

// List takes a parenthesized list whose elements item takes. An empty list is fine, and so are
// spaces inside the parentheses, which some clients send.
func (d *Decoder) List(item func() bool) bool {
	if !d.Special('(') || !d.enter() {
		return false
	}
	d.skipSpaces()
	for !d.Accept(')') {
		if !item() || !d.Accept(' ') && !d.IsNext(')') {
			return d.Expected("list")
		}
		d.skipSpaces()
	}
	d.depth--
	return d.err == nil
}

func (d *Decoder) enter() bool {
	if d.depth++; d.depth > MaxDepth {
		return d.fail(mail.E(opDecode, mail.Full, "imap.too_deep"))
	}
	return true
}

// Line takes one line of at most max octets that is no command: DONE, a base64 answer. The line
// ends are stripped; the octets stay valid until the next call.
func (d *Decoder) Line(max int) ([]byte, error) {
	d.err, d.line, d.size, d.ended = nil, 0, 0, false
	t := d.run(func(c byte) bool { return c != '\n' })
	if d.Err() != nil {
		return nil, d.Err()
	}
	d.take()
	d.ended = true
	if len(t) > max {
		return nil, mail.E(opDecode, mail.Full, "imap.command_too_long")
	}
	return bytes.TrimSuffix(t, []byte("\r")), nil
}

// Discard reads what is left of a refused command, so that the next one can be
// read. Only an error of the connection is one, and ErrTooMuch.
func (d *Decoder) Discard() error {
	d.err = nil
	for left := int64(MaxDiscard); d.broken == nil; {
		if d.ended || d.asked {
			d.ended, d.asked = true, false
			return nil
		}
		if left -= d.lit; left < 0 {
			d.broken = ErrTooMuch
			break
		}
		d.skipLiteral()
		tail := d.skipLine(&left)
		if n, sync, ok := literalTail(tail); ok && !sync {
			d.lit = n
			continue
		}
		d.ended = true
	}
	return d.broken
}

// ErrTooMuch is Discard's error where more would have to be skipped than MaxDiscard octets. The connection can still be written to.
var ErrTooMuch = errors.New("imap: a refused command is too long to skip")

// skipLine reads to the end of the line and gives the last octets before it.
func (d *Decoder) skipLine(left *int64) (tail []byte) {
	const keep = 24 // "{18446744073709551615+}"
	d.token = d.token[:0]
	for *left > 0 {
		c, ok := d.peek()
		if !ok {
			return nil
		}
		d.r++
		*left--
		if c == '\n' {
			return bytes.TrimSuffix(d.token, []byte("\r"))
		}
		if len(d.token) == keep {
			copy(d.token, d.token[1:])
			d.token = d.token[:keep-1]
		}
		d.token = append(d.token, c)
	}
	d.broken = ErrTooMuch
	return nil
}

// IsAtom tells whether s can be written as an atom (RFC 9051 §9 ATOM-CHAR).
func IsAtom(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || !isAtomChar(byte(r)) }) < 0
}

// isAtomChar tells whether c is an ATOM-CHAR of RFC 9051 §9.
func isAtomChar(c byte) bool {
	switch c {
	case '(', ')', '{', ' ', '%', '*', '"', '\\', ']':
		return false
	}
	return c > ' ' && c < 0x7f
}

// isAStringChar allows "]" beside atom characters; octets above 127 too, since clients send raw UTF-8 names.
func isAStringChar(c byte) bool { return isAtomChar(c) || c == ']' || c >= 0x80 }

// isTagChar tells whether c may stand in a tag: any ASTRING-CHAR except "+".
func isTagChar(c byte) bool { return (isAtomChar(c) || c == ']') && c != '+' }
