package imap

import (
	"io"
	"sync"
)

const (
	// writeBuffer is the size of a lent output buffer; what passes flushSize is written at once.
	writeBuffer = 80 << 10
	flushSize   = 64 << 10
)

var writeBuffers = sync.Pool{New: func() any { return new([writeBuffer]byte) }}

// A Writer gathers responses and writes many at once. It holds a lent buffer only while
// there is something in it. The first error stays, and later output is dropped.
//
// Responses are appended to a slice in place:
//
//	b := w.Begin()
//	b = append(b, "* OK …\r\n"...)
//	w.End(b)
type Writer struct {
	dst  io.Writer
	lent *[writeBuffer]byte
	buf  []byte
	err  error
}

// NewWriter makes a Writer to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Reset flushes nothing and writes to dst from now on.
func (w *Writer) Reset(dst io.Writer) { w.dst = dst }

// Err is the first error of the connection.
func (w *Writer) Err() error { return w.err }

// Buffered is the number of octets not written yet.
func (w *Writer) Buffered() int { return len(w.buf) }

// Begin gives the slice to append to; End must follow.
func (w *Writer) Begin() []byte {
	if w.buf == nil {
		w.lent = writeBuffers.Get().(*[writeBuffer]byte)
		w.buf = w.lent[:0]
	}
	return w.buf
}

// End takes the slice back and writes it when it has grown enough.
func (w *Writer) End(b []byte) {
	w.buf = b
	if len(b) >= flushSize {
		w.write()
	}
}

// Room gives the slice with space for n more octets, at most MaxRoom: what is in it is written first
// where it must be.
func (w *Writer) Room(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	w.buf = b
	w.write()
	return w.buf
}

// MaxRoom is how many octets Room is meant for; what is larger should go by Direct.
const MaxRoom = flushSize

// Write adds octets; large ones go straight to the connection.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) < flushSize/2 {
		w.End(append(w.Begin(), p...))
		return len(p), w.err
	}
	w.write()
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.dst.Write(p)
	w.err = err
	return n, err
}

// WriteString adds a string.
func (w *Writer) WriteString(s string) { w.End(append(w.Begin(), s...)) }

// Flush writes everything and gives the buffer back.
func (w *Writer) Flush() error {
	w.write()
	if w.lent != nil {
		writeBuffers.Put(w.lent)
	}
	w.lent, w.buf = nil, nil
	return w.err
}

// Direct flushes and gives the connection, for octets that should not pass the buffer.
func (w *Writer) Direct() (io.Writer, error) {
	w.write()
	return w.dst, w.err
}

func (w *Writer) write() {
	if len(w.buf) > 0 && w.err == nil {
		_, w.err = w.dst.Write(w.buf)
	}
	if w.lent != nil {
		w.buf = w.lent[:0]
	}
}
