package smtp

import (
	"bytes"
	"io"
)

// A DotWriter writes a message as the body of DATA: dots stuffed (RFC 5321 §4.5.2),
// every line ended by CRLF. A stored message has its CRLFs already and passes unchanged. A
// bare LF becomes CRLF and a bare CR a space, for no server may see a line end where
// another sees none (§2.3.8).
type DotWriter struct {
	dst io.Writer
	in  bool  // within a line
	cr  bool  // a CR is held back
	err error // of dst
}

// What a DotWriter puts between the pieces it is given.
var (
	dotLine = []byte(".\r\n")
	space   = []byte{' '}
)

// NewDotWriter writes to dst, in small pieces: dst should be buffered.
func NewDotWriter(dst io.Writer) *DotWriter { return &DotWriter{dst: dst} }

// Write implements io.Writer.
func (w *DotWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && w.err == nil; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			w.text(rest)
			break
		}
		w.text(rest[:i])
		w.endLine()
		rest = rest[i+1:]
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// Close ends the body. It does not close the destination.
func (w *DotWriter) Close() error {
	if w.in || w.cr {
		w.endLine()
	}
	w.put(dotLine)
	return w.err
}

// text writes a part of a line. A CR at its end waits for what follows.
func (w *DotWriter) text(p []byte) {
	if len(p) == 0 {
		return
	}
	w.bareCR()
	if !w.in && p[0] == '.' {
		w.put(dotLine[:1])
	}
	w.in = true
	for {
		i := bytes.IndexByte(p, '\r')
		if i < 0 {
			w.put(p)
			return
		}
		w.put(p[:i])
		p = p[i+1:]
		w.cr = true
		if len(p) == 0 {
			return
		}
		w.bareCR()
	}
}

// bareCR writes a space for a CR that no LF followed.
func (w *DotWriter) bareCR() {
	if w.cr {
		w.put(space)
		w.cr, w.in = false, true
	}
}

func (w *DotWriter) endLine() {
	w.put(dotLine[1:])
	w.in, w.cr = false, false
}

func (w *DotWriter) put(p []byte) {
	if len(p) > 0 && w.err == nil {
		_, w.err = w.dst.Write(p)
	}
}
