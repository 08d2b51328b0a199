package mime

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ShownText gives the text of an HTML document in UTF-8 that its reader sees: HTMLText without what stands in attributes and in
// the title.
func ShownText(document io.Reader) io.Reader { return htmlWords(document) }

// A Marker finds strings in text in the form of Searchable, without case, width and line ends, and shows where they stand. Use it
// from one goroutine.
type Marker struct {
	needles []string // in the form of Searchable
	fold    cases.Caser
}

// NewMarker makes a Marker for strings; what has nothing to look for in it is left out.
func NewMarker(texts []string) *Marker {
	m := &Marker{fold: cases.Fold()}
	for _, text := range texts {
		if needle := Searchable(text); needle != "" && !slices.Contains(m.needles, needle) {
			m.needles = append(m.needles, needle)
		}
	}
	return m
}

// Mark gives text as HTML, escaped, with "<mark>" and "</mark>" around each place where one of the strings stands; "" where none
// does.
func (m *Marker) Mark(text string) string {
	places := m.places(text)
	if len(places) == 0 {
		return ""
	}
	w := markWriter{left: math.MaxInt}
	w.write(text, places)
	return w.b.String()
}

// before is how many characters an Around shows before the first place, at most.
const before = 40

// Around is Mark for the part of a long text around the first place, on one line: as much as goes into limit octets.
func (m *Marker) Around(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.Map(shownRune, text)), " ")
	places := m.places(text)
	if len(places) == 0 {
		return ""
	}
	from := places[0].Start
	for range before {
		if from == 0 {
			break
		}
		_, n := utf8.DecodeLastRuneInString(text[:from])
		from -= n
	}
	if i := strings.IndexByte(text[from:places[0].Start], ' '); from > 0 && i >= 0 && i < before/2 {
		from += i + 1 // begin with a word
	}
	w := markWriter{left: limit}
	if from > 0 {
		w.put("…")
	}
	for i := range places {
		places[i].Start -= from
		places[i].End -= from
	}
	w.write(text[from:], places)
	return w.b.String()
}

// shownRune leaves control characters out, but for white space.
func shownRune(r rune) rune {
	if unicode.IsControl(r) && !unicode.IsSpace(r) {
		return -1
	}
	return r
}

// places finds where the strings stand, ascending, none over another.
func (m *Marker) places(text string) []Range {
	if len(m.needles) == 0 {
		return nil
	}
	form, at := m.form(text)
	var found []Range
	for _, needle := range m.needles {
		for from := 0; ; {
			i := strings.Index(form[from:], needle)
			if i < 0 {
				break
			}
			i += from
			last := at[i+len(needle)-1]
			found = append(found, Range{at[i].Start, last.End})
			from = i + len(needle)
		}
	}
	slices.SortFunc(found, func(a, b Range) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End)) })
	return joined(found)
}

// joined makes one of places that overlap.
func joined(list []Range) (out []Range) {
	for _, r := range list {
		if n := len(out); n > 0 && r.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	return out
}

// form brings text into the form of Searchable and tells for each octet of it which part of the text it stands for.
func (m *Marker) form(text string) (string, []Range) {
	var b strings.Builder
	var at []Range
	var it norm.Iter
	it.InitString(norm.NFKC, text)
	begun, compact := false, false
	space := Range{-1, 0}
	for !it.Done() {
		start := it.Pos()
		segment := norm.NFKC.String(m.fold.String(strings.Map(visible, string(it.Next()))))
		place := Range{start, it.Pos()}
		for _, r := range segment {
			if unicode.IsSpace(r) {
				space = place
				continue
			}
			now := compactRune(r)
			if space.Start >= 0 && begun && !compact && !now {
				b.WriteByte(' ')
				at = append(at, space)
			}
			space.Start, begun, compact = -1, true, now
			b.WriteRune(r)
			for range utf8.RuneLen(r) {
				at = append(at, place)
			}
		}
	}
	return b.String(), at
}

// markWriter writes HTML of a bounded length.
type markWriter struct {
	b    strings.Builder
	left int // octets
}

// put writes a whole, if it fits; false and nothing more behind it where it does not.
func (w *markWriter) put(s string) bool {
	if len(s) > w.left {
		w.left = 0
		return false
	}
	w.left -= len(s)
	w.b.WriteString(s)
	return true
}

const (
	markBegin = "<mark>"
	markEnd   = "</mark>"
)

// write writes text with marks around places. A mark that was begun is always ended.
func (w *markWriter) write(text string, places []Range) {
	at := 0
	for _, p := range places {
		if !w.text(text[at:p.Start]) || w.left < len(markBegin)+utf8.UTFMax+len(markEnd) {
			return
		}
		w.put(markBegin)
		w.left -= len(markEnd)
		whole := w.text(text[p.Start:p.End])
		w.left += len(markEnd)
		w.put(markEnd)
		if at = p.End; !whole {
			return
		}
	}
	w.text(text[at:])
}

// text writes text, escaped, character by character; false where not all of it fits.
func (w *markWriter) text(s string) bool {
	for _, r := range s {
		one := string(r) // U+FFFD for what is no UTF-8
		switch r {
		case '&':
			one = "&amp;"
		case '<':
			one = "&lt;"
		case '>':
			one = "&gt;"
		case '"':
			one = "&quot;"
		case '\'':
			one = "&#39;"
		}
		if !w.put(one) {
			return false
		}
	}
	return true
}
