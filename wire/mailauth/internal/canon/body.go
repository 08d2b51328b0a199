package canon

import (
	"bytes"
	"crypto/sha256"
	"hash"
)

// blockSize is how much of a body is looked at at once.
const blockSize = 8 << 10

// A Body hashes what is written to it in a canonical form, with SHA-256. A line ends in CRLF; a CR or LF
// alone is an octet like any other.
type Body struct {
	hash    hash.Hash
	relaxed bool
	limit   int64 // how many canonical octets are hashed (l=); -1: all
	size    int64 // canonical octets so far

	// White space and a CR that wait for what comes behind them; only where relaxed.
	space, spaceCR bool
	// Empty lines, and a CR, that are nothing if they are the end.
	lines int64
	cr    bool
	some  bool // anything but empty lines was there

	buf []byte
}

// NewBody makes a hash of a body. limit is l=, or -1.
func NewBody(relaxed bool, limit int64) *Body {
	return &Body{hash: sha256.New(), relaxed: relaxed, limit: limit}
}

// Write takes the next octets of the body. It never fails.
func (b *Body) Write(p []byte) (int, error) {
	n := len(p)
	if !b.relaxed {
		b.tail(p)
		return n, nil
	}
	for len(p) > 0 {
		if b.space || b.spaceCR {
			p = b.settle(p)
			continue
		}
		block := p[:min(len(p), blockSize)]
		p = p[len(block):]
		b.relax(block)
	}
	return n, nil
}

// Sum ends the body and gives its hash and how many canonical octets it had.
func (b *Body) Sum() (sum []byte, size int64) {
	if b.spaceCR {
		b.space, b.spaceCR = false, false
		b.tail([]byte(" \r"))
	}
	if b.cr {
		b.flush()
	}
	if b.some || !b.relaxed { // an empty body is CRLF in the simple form, nothing in the relaxed
		b.put(crlf)
	}
	return b.hash.Sum(nil), b.size
}

// relax writes a block with its white space reduced (RFC 6376 §3.4.4). Most blocks have none to reduce, and pass as they are.
func (b *Body) relax(block []byte) {
	clean := bytes.TrimRight(block, " \t")
	b.space = len(clean) < len(block)
	if bytes.IndexByte(clean, '\t') < 0 && !bytes.Contains(clean, twoSpaces) && !bytes.Contains(clean, spaceCR) {
		b.tail(clean)
		return
	}
	if cap(b.buf) < len(clean) {
		b.buf = make([]byte, 0, len(clean))
	}
	out, from := b.buf[:0], 0 // never longer than the block
	for i := 0; i < len(clean); i++ {
		c := clean[i]
		if c > ' ' || c != ' ' && c != '\t' {
			continue
		}
		if c == ' ' && clean[i+1] > ' ' { // clean does not end in white space
			i++
			continue
		}
		end := i + 1
		for clean[end] == ' ' || clean[end] == '\t' {
			end++
		}
		out = append(out, clean[from:i]...)
		from, i = end, end
		switch {
		case clean[end] != '\r' || end+1 < len(clean) && clean[end+1] != '\n' || end+1 == len(clean) && b.space:
			out = append(out, ' ')
		case end+1 == len(clean):
			from, b.space, b.spaceCR = end+1, true, true
		}
	}
	out = append(out, clean[from:]...)
	b.buf = out
	b.tail(out)
}

// settle decides what becomes of white space at the end of the block before, by what follows it. It gives what is left.
func (b *Body) settle(p []byte) []byte {
	switch c := p[0]; {
	case b.spaceCR && c == '\n': // white space at the end of a line is dropped
		b.space, b.spaceCR = false, false
		b.tail(crlf)
		return p[1:]
	case b.spaceCR: // the CR was alone
		b.space, b.spaceCR = false, false
		b.tail(spaceCR)
		return p
	case c == ' ' || c == '\t':
		return p[1:]
	case c == '\r':
		b.spaceCR = true
		return p[1:]
	}
	b.space = false
	b.tail(oneSpace)
	return p
}

// tail hashes all but empty lines at the end (RFC 6376 §3.4.3), which wait for what follows them.
func (b *Body) tail(p []byte) {
	if b.cr && len(p) > 0 && p[0] == '\n' {
		b.cr = false
		b.lines++
		p = p[1:]
	}
	end := len(p)
	for end > 0 && (p[end-1] == '\r' || p[end-1] == '\n') {
		end--
	}
	if end > 0 {
		b.flush()
		b.put(p[:end])
	}
	for _, c := range p[end:] {
		switch {
		case c == '\r':
			if b.cr {
				b.flush()
			}
			b.cr = true
		case b.cr:
			b.cr = false
			b.lines++
		default: // a LF alone
			b.flush()
			b.put(lf)
		}
	}
}

// flush hashes the lines, and the CR alone, that turned out not to be the end.
func (b *Body) flush() {
	for ; b.lines > 0; b.lines-- {
		b.put(crlf)
	}
	if b.cr {
		b.cr = false
		b.put(crlf[:1])
	}
	b.some = true
}

// put hashes canonical octets up to the limit.
func (b *Body) put(p []byte) {
	left := int64(len(p))
	if b.limit >= 0 {
		left = min(left, max(0, b.limit-b.size))
	}
	b.size += int64(len(p))
	b.hash.Write(p[:left])
}

var (
	crlf      = []byte("\r\n")
	lf        = crlf[1:]
	oneSpace  = []byte(" ")
	twoSpaces = []byte("  ")
	spaceCR   = []byte(" \r")
)
