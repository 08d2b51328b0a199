package deflate

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"
)

// compressor is what a Writer borrows: about a megabyte, most of it tables, and what comes out.
type compressor struct {
	w   *flate.Writer
	out bytes.Buffer
}

var compressors = sync.Pool{New: func() any {
	c := &compressor{}
	c.w, _ = flate.NewWriter(&c.out, flate.BestSpeed) // fails for an unknown level only
	return c
}}

// maxOut is the size in octets of the buffer that a compressor keeps.
const maxOut = 128 << 10

// A Writer deflates a stream. Each Write is flushed, so that the other side can read all of it, and is one Write below.
type Writer struct {
	dst  io.Writer
	lent *compressor
}

// NewWriter makes a Writer to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Write sends octets, flushed.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.lent == nil {
		w.lent = compressors.Get().(*compressor)
		w.lent.w.Reset(&w.lent.out)
	}
	c := w.lent
	c.out.Reset()
	c.w.Write(p) // into memory
	c.w.Flush()
	if _, err := w.dst.Write(c.out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Release gives the compressor back. What was written is flushed, and so whole octets and whole blocks: the next Write
// goes on with another compressor, which only does not know what was said before.
func (w *Writer) Release() {
	if w.lent == nil {
		return
	}
	if w.lent.out.Cap() <= maxOut {
		compressors.Put(w.lent)
	}
	w.lent = nil
}
