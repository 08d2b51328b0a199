package sieve

import (
	"bytes"
	"io"
)

// Content is a message as a script edited it (RFC 5293, RFC 5703): octets of its own, and ranges of
// the message as it came. It never changes.
type Content struct {
	pieces []piece
	size   int64
}

// piece is octets of its own, or where octets is nil, the range [start, end) of the message as it came.
type piece struct {
	octets     []byte
	start, end int64
}

func (p piece) size() int64 {
	if p.octets != nil {
		return int64(len(p.octets))
	}
	return p.end - p.start
}

// newContent makes a content of pieces.
func newContent(pieces []piece) *Content {
	c := &Content{}
	for _, p := range pieces {
		if n := p.size(); n > 0 {
			c.pieces = append(c.pieces, p)
			c.size += n
		}
	}
	return c
}

// Size is the number of octets.
func (c *Content) Size() int64 { return c.size }

// Open reads the content; original is Input.Octets.
func (c *Content) Open(original io.ReaderAt) io.Reader {
	all := make([]io.Reader, len(c.pieces))
	for i, p := range c.pieces {
		all[i] = p.open(original)
	}
	return io.MultiReader(all...)
}

func (p piece) open(original io.ReaderAt) io.Reader {
	if p.octets != nil {
		return bytes.NewReader(p.octets)
	}
	return io.NewSectionReader(original, p.start, p.end-p.start)
}

// cut gives the pieces that make the range [start, end) of the content.
func (c *Content) cut(start, end int64) []piece {
	var out []piece
	at := int64(0)
	for _, p := range c.pieces {
		n := p.size()
		from, to := max(start-at, 0), min(end-at, n)
		at += n
		switch {
		case from >= to:
		case p.octets != nil:
			out = append(out, piece{octets: p.octets[from:to]})
		default:
			out = append(out, piece{start: p.start + from, end: p.start + to})
		}
	}
	return out
}

// contentAt reads a content at any place.
type contentAt struct {
	*Content
	original io.ReaderAt
}

// ReadAt reads like io.ReaderAt.
func (c contentAt) ReadAt(b []byte, off int64) (n int, err error) {
	for _, p := range c.cut(off, off+int64(len(b))) {
		m, err := io.ReadFull(p.open(c.original), b[n:n+int(p.size())])
		n += m
		if err != nil {
			return n, err
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
