package imapd

import (
	"io"
	"net"
	"time"

	"tegami/wire/deflate"
)

// link is a connection whose writes have a deadline, so that a client that reads nothing does not hold a session for ever. It may be
// compressed (RFC 4978).
type link struct {
	net.Conn
	limit time.Duration
	in    *deflate.Reader // nil while it is not compressed
	out   *deflate.Writer
	skip  bool // what the end of the client's compressed stream leaves
}

// slowest is the slowest client we wait for, in octets a second, when much is sent at once.
const slowest = 4 << 10

func (l *link) expect(n int64) {
	l.SetWriteDeadline(time.Now().Add(l.limit + time.Duration(n/slowest)*time.Second))
}

func (l *link) Read(p []byte) (int, error) {
	if l.in != nil {
		return l.in.Read(p)
	}
	for {
		n, err := l.Conn.Read(p)
		if !l.skip || n == 0 {
			return n, err
		}
		if text := withoutMarker(p[:n]); len(text) > 0 {
			l.skip = false
			return copy(p, text), err
		}
		if err != nil {
			return 0, err
		}
	}
}

// withoutMarker leaves out what a flush of DEFLATE ends with, where it came later than what it follows: octets no command
// begins with.
func withoutMarker(p []byte) []byte {
	for len(p) > 0 && (p[0] < '\t' || p[0] == 0xff) {
		p = p[1:]
	}
	return p
}

// Write sends octets. In a compressed connection each Write is flushed: what was said can be read.
func (l *link) Write(p []byte) (int, error) {
	if l.out != nil {
		return l.out.Write(p)
	}
	return below{l}.Write(p)
}

// ReadFrom lets the kernel copy from a file where both ends allow it. The caller sets the deadline by expect.
func (l *link) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := l.Conn.(io.ReaderFrom); ok && l.out == nil {
		return to.ReadFrom(r)
	}
	return io.Copy(onlyWriter{l}, r)
}

// onlyWriter hides ReadFrom, which io.Copy would call again.
type onlyWriter struct{ io.Writer }

// below is the link below its compression.
type below struct{ *link }

func (p below) Write(b []byte) (int, error) {
	p.expect(int64(len(b)))
	return p.Conn.Write(b)
}

// compress begins compression in both directions. first are the octets that were read behind the command.
func (l *link) compress(first []byte) {
	l.in, l.out = deflate.NewReader(l.Conn, first), deflate.NewWriter(below{l})
}

// decompress ends it, and gives the octets that were read behind the compressed ones.
func (l *link) decompress() ([]byte, error) {
	l.out.Release()
	rest, err := l.in.Rest()
	l.in, l.out = nil, nil
	rest = withoutMarker(rest)
	l.skip = len(rest) == 0
	return rest, err
}

// rest gives back the memory of compression that a silent connection does without.
func (l *link) rest() {
	if l.in != nil {
		l.in.Release()
		l.out.Release()
	}
}
