package imap

import (
	"bytes"
	"io"
	"strconv"

	"tegami/mail"
)

// literal takes a literal into memory, asking for it first where it is a synchronising one. Only a literal8 holds NUL.
func (d *Decoder) literal(dst *string) bool {
	binary := d.IsNext('~')
	n, ok := d.literalHead()
	if !ok {
		return false
	}
	if n > MaxLiteral || d.size+int(n) > d.most() {
		return d.fail(mail.E(opDecode, mail.Full, "imap.command_too_long"))
	}
	d.size += int(n)
	var b bytes.Buffer
	b.Grow(int(n))
	if err := d.CopyLiteral(&b); err != nil {
		return d.fail(err)
	}
	*dst = b.String()
	if !binary && bytes.IndexByte(b.Bytes(), 0) >= 0 {
		return d.Expected("CHAR8")
	}
	return true
}

// OpenLiteral takes the head of a literal: {n}, {n+} (RFC 7888) or, for literal8, with "~"
// before it (RFC 3516 §3), up to its line end. A literal of more than max octets is
// refused with Full "message.too_big". Nothing is promised to the client yet: call CopyLiteral next, or
// Discard the command.
func (d *Decoder) OpenLiteral(max int64) (size int64, ok bool) {
	n, ok := d.literalHead()
	if ok && n > uint64(max) {
		return 0, d.fail(mail.E(opDecode, mail.Full, "message.too_big", (max+1<<20-1)>>20))
	}
	return int64(n), ok
}

// literalHead takes the head of a literal, whatever its size.
func (d *Decoder) literalHead() (size uint64, ok bool) {
	d.Accept('~')
	if !d.Special('{') {
		return 0, false
	}
	var n uint64
	if !d.Number64(&n) {
		return 0, false
	}
	nonSync := d.Accept('+')
	if !d.Special('}') {
		return 0, false
	}
	d.Accept('\r')
	if !d.Special('\n') {
		return 0, false
	}
	d.line = 0
	d.asked, d.lit = !nonSync, int64(n)
	return n, d.err == nil
}

// CopyLiteral asks for the open literal where that is needed and copies its octets to
// w. An error of w leaves the rest of it to Discard.
func (d *Decoder) CopyLiteral(w io.Writer) error {
	if d.asked {
		d.asked = false
		if err := d.accept(); err != nil {
			d.broken = err
			return err
		}
	}
	for d.lit > 0 {
		b := d.chunk()
		if d.broken != nil {
			return d.broken
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// chunk takes the next octets of the open literal, as many as there are at once.
func (d *Decoder) chunk() []byte {
	if d.r == d.w {
		if d.large == nil && d.lit > smallBuffer {
			d.large = largeBuffers.Get().(*[largeBuffer]byte)
		}
		if !d.fill() {
			return nil
		}
	}
	n := min(int64(d.w-d.r), d.lit)
	b := d.buffer()[d.r : d.r+int(n)]
	d.r += int(n)
	d.lit -= n
	return b
}

// skipLiteral reads the rest of the open literal and drops it.
func (d *Decoder) skipLiteral() {
	for d.lit > 0 && d.broken == nil {
		d.chunk()
	}
}

// literalTail reads the head of a literal at the end of a line.
func literalTail(line []byte) (n int64, sync, ok bool) {
	b, ok := bytes.CutSuffix(line, []byte("}"))
	i := bytes.LastIndexByte(b, '{')
	if !ok || i < 0 {
		return 0, false, false
	}
	b, nonSync := bytes.CutSuffix(b[i+1:], []byte("+"))
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, !nonSync, err == nil && n >= 0
}
