package imapd

import (
	"io"
	"net"
	"time"
)

// link is a connection whose writes have a deadline, so that a client that reads nothing does not hold a session for ever.
type link struct {
	net.Conn
	limit time.Duration
}

// slowest is the slowest client we wait for, in octets a second, when much is sent at once.
const slowest = 4 << 10

func (l *link) expect(n int64) {
	l.SetWriteDeadline(time.Now().Add(l.limit + time.Duration(n/slowest)*time.Second))
}

func (l *link) Write(p []byte) (int, error) {
	l.expect(int64(len(p)))
	return l.Conn.Write(p)
}

// ReadFrom lets the kernel copy from a file where both ends allow it. The caller sets the deadline by expect.
func (l *link) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := l.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(onlyWriter{l}, r)
}

// onlyWriter hides ReadFrom, which io.Copy would call again.
type onlyWriter struct{ io.Writer }
