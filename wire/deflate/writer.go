package deflate

import (
	"compress/flate"
	"io"
	"sync"
)

// writers lends compressors, which take about a megabyte each.
var writers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails for an unknown level only
	return w
}}

// A Writer deflates a stream. Each Write is flushed, so that the other side can read all of it.
type Writer struct {
	dst  io.Writer
	lent *flate.Writer
}

// NewWriter makes a Writer to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Write sends octets, flushed.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.lent == nil {
		w.lent = writers.Get().(*flate.Writer)
		w.lent.Reset(w.dst)
	}
	n, err := w.lent.Write(p)
	if err == nil {
		err = w.lent.Flush()
	}
	return n, err
}

// Release gives the compressor back. What was written is flushed, and so whole octets and whole blocks: the next Write
// goes on with another compressor, which only does not know what was said before.
func (w *Writer) Release() {
	if w.lent != nil {
		w.lent.Reset(nil)
		writers.Put(w.lent)
		w.lent = nil
	}
}
