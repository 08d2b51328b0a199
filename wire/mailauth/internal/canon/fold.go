package canon

import (
	"encoding/base64"
	"slices"
)

// Widths of what is written. White space stands only where it may become any other white space on the
// way, so that the relaxed form stays.
const (
	lineWidth = 78 // columns of a line without its CRLF (RFC 5322 §2.1.1)
	tabWidth  = 8  // columns of the tab at the beginning of a folded line
)

// A Folder writes a tag list as a header field, on lines that are not too long. Tags go between Start
// and End; one of them is Open until Fill.
type Folder struct {
	B        []byte
	Straight bool // no folds at all
	line     int  // columns of the current line
	tags     int  // how many were written
	hole     int  // offset in B where the value of b= belongs
	column   int  // its column
}

// Start begins a field.
func (w *Folder) Start(name string) {
	w.B = append(append(w.B, name...), ':')
	w.line, w.tags, w.hole = len(name)+1, 0, 0
}

// Tag writes one tag.
func (w *Folder) Tag(name, value string) {
	w.next()
	w.word(name + "=" + value)
}

// List writes a tag whose value is a list with colons, folded behind the colons where it is long.
func (w *Folder) List(name string, values []string) {
	w.next()
	text := append(make([]byte, 0, lineWidth), name+"="...)
	for i, v := range values {
		if i > 0 {
			text = append(text, ':')
			if w.line+1+len(text)+len(v)+1 >= lineWidth && !w.Straight {
				w.word(string(text))
				w.fold()
				text = text[:0]
			}
		}
		text = append(text, v...)
	}
	w.word(string(text))
}

// Open writes an empty b=. What follows it begins on a line of its own.
func (w *Folder) Open() {
	w.next()
	w.word("b=")
	w.hole, w.column = len(w.B), w.line
}

// Fill puts the value of b= into its place, folded anywhere, as white space in it is not signed
// (RFC 6376 §3.5).
func (w *Folder) Fill(value []byte) {
	text := base64.StdEncoding.AppendEncode(nil, value)
	if !w.Straight {
		folded := make([]byte, 0, len(text)+len(text)/16+8)
		for room := max(lineWidth-1-w.column, 0); len(text) > room; room = lineWidth - 1 - tabWidth {
			folded = append(append(folded, text[:room]...), "\r\n\t"...)
			text = text[room:]
		}
		text = append(folded, text...)
	}
	w.B = slices.Insert(w.B, w.hole, text...)
}

// End ends the field.
func (w *Folder) End() { w.B = append(w.B, '\r', '\n') }

// next ends the tag before.
func (w *Folder) next() {
	if w.tags++; w.tags == 1 {
		return
	}
	w.B = append(w.B, ';')
	w.line++
	if w.hole == len(w.B)-1 && !w.Straight {
		w.fold()
	}
}

// word writes something behind a space or on a new line, with room for a semicolon.
func (w *Folder) word(s string) {
	fresh := w.B[len(w.B)-1] == '\t'
	if !fresh && !w.Straight && w.line+1+len(s) >= lineWidth {
		w.fold()
		fresh = true
	}
	if !fresh {
		w.B = append(w.B, ' ')
		w.line++
	}
	w.B = append(w.B, s...)
	w.line += len(s)
}

// fold begins a new line.
func (w *Folder) fold() {
	w.B = append(w.B, "\r\n\t"...)
	w.line = tabWidth
}
