package pop3

import (
	"bufio"
	"bytes"
)

// Body stuffs the dots of a message on its way (RFC 1939 §3). It looks for line
// ends in whole blocks, so a large message costs one search.
//
// A dot behind a bare LF is stuffed too: the octets at rest may hold one (APPEND
// keeps what it was given), and a client that takes LF for a line end must not see the reply end early.
type Body struct {
	out  *bufio.Writer
	last [2]byte // the octets written last
}

var dotLine = []byte("\n.")

// Write sends octets of the message.
func (b *Body) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.last[1] == '\n' && p[0] == '.' {
		b.out.WriteByte('.')
	}
	rest := p
	for {
		i := bytes.Index(rest, dotLine)
		if i < 0 {
			break
		}
		b.out.Write(rest[:i+len(dotLine)])
		b.out.WriteByte('.')
		rest = rest[i+len(dotLine):]
	}
	n, err := b.out.Write(rest)
	b.remember(p)
	return len(p) - len(rest) + n, err
}

func (b *Body) remember(p []byte) {
	if len(p) == 1 {
		b.last = [2]byte{b.last[1], p[0]}
		return
	}
	b.last = [2]byte(p[len(p)-2:])
}

// Close ends the last line if the message did not, and writes the dot.
func (b *Body) Close() error {
	if b.last != [2]byte{'\r', '\n'} {
		b.out.WriteString("\r\n")
	}
	_, err := b.out.WriteString(".\r\n")
	return err
}

// Top cuts a message for TOP (RFC 1939 §7): the header, the empty line, and so many
// lines of the body. It is told the message in pieces.
type Top struct {
	lines  int  // of the body, still to come
	body   bool // the header is over
	column int  // octets of the line begun so far, CR not counted
}

// NewTop asks for the header and so many lines of the body.
func NewTop(lines int) *Top { return &Top{lines: lines} }

// Take tells how many octets of the next piece belong to the reply, and whether that was all.
func (t *Top) Take(piece []byte) (n int, done bool) {
	for {
		if t.body && t.lines == 0 {
			return n, true
		}
		end := bytes.IndexByte(piece[n:], '\n')
		if end < 0 {
			t.column += lineOctets(piece[n:])
			return len(piece), false
		}
		t.column += lineOctets(piece[n : n+end])
		switch {
		case t.body:
			t.lines--
		case t.column == 0:
			t.body = true
		}
		t.column = 0
		n += end + 1
	}
}

// lineOctets counts a part of a line: a lone CR makes no line.
func lineOctets(part []byte) int {
	if len(part) == 1 && part[0] == '\r' {
		return 0
	}
	return len(part)
}
