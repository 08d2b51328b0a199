package mime

import (
	"bytes"
	"iter"
	"strings"
)

// A Header is the octets of one header block, with or without the blank line that
// ends it.
type Header []byte

// A Field is one header field, or one line that is none (Name nil): an mbox "From "
// line, a line without a colon, a continuation of nothing.
type Field struct {
	Name  []byte // as written, without white space before the colon
	Value []byte // the octets behind the colon without the final line end; still folded
	Start int    // offset of the field in the block
	End   int    // offset behind its line end
}

// Fields iterates over the fields in their order, up to the blank line.
func (h Header) Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for at := 0; at < len(h); {
			f, ok := h.field(at)
			if !ok || !yield(f) {
				return
			}
			at = f.End
		}
	}
}

// HeaderEnd gives the length of a message's header with the blank line behind it; 0 where it does not end within b.
func HeaderEnd(b []byte) int {
	if bytes.HasPrefix(b, []byte("\r\n")) {
		return 2
	}
	if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
		return i + 4
	}
	return 0
}

// Get gives the value of the first field of a name, unfolded, raw; "" when there is none.
func (h Header) Get(name string) string {
	v, _ := h.Lookup(name)
	return v
}

// Lookup is Get, and tells whether there is such a field. Names are compared without case.
func (h Header) Lookup(name string) (value string, ok bool) {
	for f := range h.Fields() {
		if foldEqual(f.Name, name) {
			return Unfold(f.Value), true
		}
	}
	return "", false
}

// All gives the values of all fields of a name, unfolded, raw, in their order.
func (h Header) All(name string) []string {
	var all []string
	for f := range h.Fields() {
		if foldEqual(f.Name, name) {
			all = append(all, Unfold(f.Value))
		}
	}
	return all
}

// field reads the field that begins at an offset. It is not ok at the blank line.
func (h Header) field(at int) (f Field, ok bool) {
	if blankLine(h[at:]) {
		return f, false
	}
	f.Start, f.End = at, fieldEnd(h, at)
	line := h[at:f.End]
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		f.Value = trimLineEnd(line)
		return f, true
	}
	name := trimRight(line[:colon])
	if at == 0 {
		name = bytes.TrimPrefix(name, bomUTF8)
	}
	if !fieldName(name) {
		f.Value = trimLineEnd(line)
		return f, true
	}
	f.Name, f.Value = name, trimLineEnd(line[colon+1:])
	return f, true
}

// fieldEnd is the offset behind the field that begins at an offset: the next line that is no continuation.
func fieldEnd(b []byte, at int) int {
	for {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return len(b)
		}
		at += i + 1
		if at == len(b) || b[at] != ' ' && b[at] != '\t' {
			return at
		}
	}
}

// fieldName tells whether b is a field name by RFC 5322 §3.6.8: printable, no colon, no space.
func fieldName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// blankLine tells whether b begins with an empty line.
func blankLine(b []byte) bool {
	return len(b) > 0 && (b[0] == '\n' || b[0] == '\r' && len(b) > 1 && b[1] == '\n')
}

func trimLineEnd(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
		if n > 1 && b[n-2] == '\r' {
			b = b[:n-2]
		}
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// foldEqual compares a field name without case; lower-case letters in s are expected but not needed.
func foldEqual(name []byte, s string) bool {
	if len(name) != len(s) {
		return false
	}
	for i, c := range name {
		if lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Unfold takes the line ends out of a field's value and trims it (RFC 5322 §2.2.3).
// A CR alone becomes a space and a NUL vanishes, as neither can stand in any protocol's text.
func Unfold(value []byte) string {
	s := strings.Trim(string(value), " \t\r\n")
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 && strings.IndexByte(s, 0) < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\r' && s[i+1] != '\n': // s ends in no CR: it is trimmed
			b.WriteByte(' ')
		case c != '\r' && c != '\n' && c != 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// A Range is the octets [Start, End) of the block it was asked for.
type Range struct{ Start, End int }

// HeaderFields gives the octets of a header block that IMAP's HEADER.FIELDS names, or
// with not set, HEADER.FIELDS.NOT (RFC 9051 §6.4.5): the ranges of the fields in their
// order, neighbours merged, and the blank line where the block has one. Lines that are
// no field belong to not.
func HeaderFields(raw []byte, names []string, not bool) []Range {
	var out []Range
	add := func(start, end int) {
		if n := len(out); n > 0 && out[n-1].End == start {
			out[n-1].End = end
			return
		}
		out = append(out, Range{start, end})
	}
	h, end := Header(raw), 0
	chosen := newNameSet(names)
	for f := range h.Fields() {
		if chosen.has(f.Name) != not {
			add(f.Start, f.End)
		}
		end = f.End
	}
	if blankLine(raw[end:]) {
		add(end, end+bytes.IndexByte(raw[end:], '\n')+1)
	}
	return out
}

// AppendHeaderFields appends the octets that HeaderFields names.
func AppendHeaderFields(dst, raw []byte, names []string, not bool) []byte {
	for _, r := range HeaderFields(raw, names, not) {
		dst = append(dst, raw[r.Start:r.End]...)
	}
	return dst
}

// fewNames is how many names are compared one by one. More are looked up: a client may ask for thousands, of a header of
// thousands of fields.
const fewNames = 16

// nameSet are names of fields.
type nameSet struct {
	few   []string
	many  map[string]bool // in small letters; nil while there are few
	small []byte          // scratch
}

func newNameSet(names []string) *nameSet {
	if len(names) <= fewNames {
		return &nameSet{few: names}
	}
	s := &nameSet{many: make(map[string]bool, len(names))}
	for _, n := range names {
		s.small = appendLower(s.small[:0], n)
		s.many[string(s.small)] = true
	}
	return s
}

func (s *nameSet) has(name []byte) bool {
	if s.many != nil {
		s.small = appendLower(s.small[:0], name)
		return s.many[string(s.small)]
	}
	for _, n := range s.few {
		if foldEqual(name, n) {
			return true
		}
	}
	return false
}

// appendLower appends a name in small letters of ASCII, as foldEqual compares.
func appendLower[S ~string | ~[]byte](dst []byte, name S) []byte {
	for i := range len(name) {
		dst = append(dst, lower(name[i]))
	}
	return dst
}
