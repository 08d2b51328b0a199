package smtp

import (
	"bytes"
	"errors"
	"io"

	"tegami/mail"
)

// A Reader reads the lines and bodies of a connection. It asks its source for more
// only when it has nothing left that it could work on; a door that flushes its
// replies inside its source's Read so answers a pipelined batch in one write (RFC 2920 §3.2).
type Reader struct {
	src    io.Reader
	blocks *Blocks
	buf    []byte // small, or a block
	r, w   int    // what is read and not yet used is buf[r:w]
	small  [smallBuffer]byte
}

// NewReader reads from src. blocks may be nil.
func NewReader(src io.Reader, blocks *Blocks) *Reader {
	r := &Reader{src: src, blocks: blocks}
	r.buf = r.small[:]
	return r
}

// Buffered is how many octets are read and not yet used.
func (r *Reader) Buffered() int { return r.w - r.r }

// Reset drops what is buffered, and reads from src from here on. After STARTTLS it
// keeps out what came in plain (RFC 3207 §4.2). It returns how much was dropped.
func (r *Reader) Reset(src io.Reader) (dropped int) {
	dropped = r.Buffered()
	r.src, r.r, r.w = src, 0, 0
	r.Release()
	return dropped
}

// Release gives the block back, if nothing is buffered. Readers do it themselves
// before they wait for a command; call it at the end of a connection.
func (r *Reader) Release() {
	if r.r == r.w && len(r.buf) == BlockSize {
		r.blocks.put(r.buf)
		r.buf, r.r, r.w = r.small[:], 0, 0
	}
}

// grow makes room for a body or a long line.
func (r *Reader) grow() {
	if len(r.buf) == BlockSize {
		return
	}
	block := r.blocks.get()
	r.w = copy(block, r.buf[r.r:r.w])
	r.buf, r.r = block, 0
}

// fill reads once from the source. There is always room: callers use up what is
// buffered, or give up, long before a block is full.
func (r *Reader) fill() error {
	switch {
	case r.w == len(r.buf) && len(r.buf) < BlockSize: // a full buffer means that more is coming: a long line or batch
		r.grow()
	case r.r == r.w:
		r.r, r.w = 0, 0
	case r.r > 0 && (r.w == len(r.buf) || r.Buffered() < len(r.buf)/8): // move a little rather than read a little
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	for range 100 { // like bufio: a source that gives neither octets nor errors is broken
		n, err := r.src.Read(r.buf[r.w:])
		if n > 0 {
			r.w += n
			return nil // an error will come again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// Line reads a line and returns it without its CRLF; it is valid until the next call.
// A line over max octets is skipped and gives Full with the key "smtp.line.too_long". A
// line that ends in a bare LF, or has a CR within, gives Invalid with the key
// "smtp.line.bare". io.EOF means that the peer closed between lines.
func (r *Reader) Line(max int) ([]byte, error) {
	line, err := r.shortLine(max)
	if err == errLong {
		return nil, r.skipLine()
	}
	return line, err
}

// errLong: no line end within max octets, and nothing taken.
var errLong = errors.New("smtp: line too long")

// shortLine is Line, but leaves a line that is too long where it is, with errLong.
func (r *Reader) shortLine(max int) ([]byte, error) {
	r.Release()
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.r+seen:r.w], '\n'); i >= 0 {
			line := r.buf[r.r : r.r+seen+i]
			r.r += seen + i + 1
			return checkLine(line, max)
		}
		seen = r.Buffered()
		if seen > max+1 { // one may be its CR
			return nil, errLong
		}
		if err := r.fill(); err != nil {
			if err == io.EOF && seen > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// checkLine takes the CR off a line without LF.
func checkLine(line []byte, max int) ([]byte, error) {
	const op = "smtp.Line"
	n := len(line) - 1
	switch {
	case n < 0 || line[n] != '\r' || bytes.IndexByte(line[:n], '\r') >= 0:
		return nil, mail.E(op, mail.Invalid, "smtp.line.bare")
	case n > max:
		return nil, mail.E(op, mail.Full, "smtp.line.too_long", max)
	}
	return line[:n], nil
}

// skipLine throws away the rest of a line that is too long.
func (r *Reader) skipLine() error {
	for skipped := 0; skipped < maxDrainLine; {
		if i := bytes.IndexByte(r.buf[r.r:r.w], '\n'); i >= 0 {
			r.r += i + 1
			return mail.E("smtp.Line", mail.Full, "smtp.line.too_long")
		}
		skipped += r.Buffered()
		r.r = r.w
		if err := r.fill(); err != nil {
			return err
		}
	}
	return ErrEndless
}
