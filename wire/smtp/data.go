package smtp

import (
	"bytes"
	"errors"
	"io"

	"tegami/mail"
)

// event is why scan.next stopped.
type event uint8

const (
	evMore event = iota // the window is used up
	evHold              // what follows may be the end; more is needed to tell
	evDot               // a stuffed dot follows, to be left out
	evEnd               // the terminator follows, 3 octets
)

// scan goes through the body of DATA in windows of any size (RFC 5321 §4.1.1.4,
// §4.5.2). Only CRLF ends a line and only <CRLF>.<CRLF> ends the body, or an end that
// another server doesn't see would let a second message be smuggled in.
//
// It visits every LF and counts the CRs beside: where there are more CRs than CRLFs, one was bare.
type scan struct {
	bol    bool // at the beginning of a line
	cr     bool // the octet before the window is a CR
	bareLF bool
	crs    int64 // CR seen
	crlfs  int64 // CRLF seen
}

// next gives how much of the window is content, and what comes behind that. The
// caller passes on from there, having told passed about the content.
func (s *scan) next(win []byte) (n int, ev event) {
	i := 0
	for {
		if s.bol {
			if i == len(win) {
				return i, evMore
			}
			if win[i] == '.' {
				return i, dotEvent(win[i:])
			}
			s.bol = false
		}
		j := bytes.IndexByte(win[i:], '\n')
		if j < 0 {
			return len(win), evMore
		}
		j += i
		if j > 0 && win[j-1] == '\r' || j == 0 && s.cr {
			s.crlfs++
			s.bol = true
		} else {
			s.bareLF = true
		}
		i = j + 1
	}
}

// dotEvent judges a line that begins with a dot.
func dotEvent(line []byte) event {
	switch {
	case len(line) >= 3 && line[1] == '\r' && line[2] == '\n':
		return evEnd
	case len(line) == 1 || len(line) == 2 && line[1] == '\r':
		return evHold
	}
	return evDot
}

// passed takes note of content.
func (s *scan) passed(content []byte) {
	if n := len(content); n > 0 {
		s.crs += int64(bytes.Count(content, cr))
		s.cr = content[n-1] == '\r'
	}
}

var cr = []byte{'\r'}

// passedDot takes note of a stuffed dot.
func (s *scan) passedDot() { s.bol, s.cr = false, false }

// bare tells whether a LF without CR, or a CR without LF, has passed (RFC 5321 §2.3.8).
func (s *scan) bare() bool { return s.bareLF || s.crs != s.crlfs }

// body is where content goes, until it is too much or the sink fails.
type body struct {
	dst   io.Writer
	limit int64
	size  int64 // of all content, stored or not
	err   error // of the sink
}

func (b *body) write(p []byte) error {
	b.size += int64(len(p))
	switch {
	case b.size > b.limit+MaxDrain:
		return ErrEndless
	case b.size > b.limit || b.err != nil || len(p) == 0:
		return nil
	}
	_, b.err = b.dst.Write(p)
	return nil
}

// verdict is nil for a body that is stored as a whole.
func (b *body) verdict(op mail.Op, bare bool) error {
	switch {
	case b.size > b.limit:
		return mail.E(op, mail.Full, "message.too_big", b.limit)
	case b.err != nil:
		return mail.Wrap(op, b.err)
	case bare:
		return mail.E(op, mail.Invalid, "message.bare_newline")
	}
	return nil
}

// Data reads the body that follows DATA up to its end and writes it to dst,
// without the stuffed dots, in as few pieces as it came. size counts the content as
// RFC 1870 §4 does: line ends included, terminator and stuffed dots not.
//
// The body is read to its end whatever it holds, so that a refusal is heard: over limit
// octets gives Full with the key "message.too_big", bare CR or LF Invalid with
// "message.bare_newline"; what dst returns is wrapped. None of these must be accepted.
func (r *Reader) Data(dst io.Writer, limit int64) (size int64, err error) {
	const op = "smtp.Data"
	r.grow()
	s, b := scan{bol: true}, body{dst: dst, limit: limit}
	for {
		n, ev := s.next(r.buf[r.r:r.w])
		content := r.buf[r.r : r.r+n]
		s.passed(content)
		if err := b.write(content); err != nil {
			return b.size, err
		}
		r.r += n
		switch ev {
		case evEnd:
			r.r += len(".\r\n")
			return b.size, b.verdict(op, s.bare())
		case evDot:
			r.r++
			s.passedDot()
		default:
			if err := r.fill(); err != nil {
				return b.size, noEOF(err)
			}
		}
	}
}

// Chunk reads the n octets of a BDAT chunk and writes them to dst (RFC 3030 §2).
// Over limit octets nothing more is stored, but all are read; the error is that of Data.
func (r *Reader) Chunk(dst io.Writer, n, limit int64) error {
	r.grow()
	b := body{dst: dst, limit: limit}
	for left := n; left > 0; {
		if r.Buffered() == 0 {
			if err := r.fill(); err != nil {
				return noEOF(err)
			}
		}
		k := min(int64(r.Buffered()), left)
		if err := b.write(r.buf[r.r : r.r+int(k)]); err != nil {
			return err
		}
		r.r += int(k)
		left -= k
	}
	return b.verdict("smtp.Chunk", false)
}

// noEOF: a connection that ends within a body did not end well.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// LineCheck passes chunks on and watches the line ends across them, for bodies that
// came by BDAT without BODY=BINARYMIME. The zero value passes on to nobody.
type LineCheck struct {
	Dst io.Writer
	s   scan
}

// Write implements io.Writer.
func (c *LineCheck) Write(p []byte) (int, error) {
	c.s.passedLines(p)
	if c.Dst == nil {
		return len(p), nil
	}
	return c.Dst.Write(p)
}

// Bare tells whether what was written has a bare CR or LF; ask at the end.
func (c *LineCheck) Bare() bool { return c.s.bare() }

// passedLines is next without dots: they mean nothing in a chunk.
func (s *scan) passedLines(p []byte) {
	for i := 0; ; {
		j := bytes.IndexByte(p[i:], '\n')
		if j < 0 {
			break
		}
		j += i
		if j > 0 && p[j-1] == '\r' || j == 0 && s.cr {
			s.crlfs++
		} else {
			s.bareLF = true
		}
		i = j + 1
	}
	s.passed(p)
}
