package authres

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

const (
	// lineWidth is how long a folded line should be at most, without its CRLF (RFC 5322 §2.1.1).
	lineWidth = 78
	// tabWidth is what the tab at the beginning of a folded line counts.
	tabWidth = 8
	// maxValue is how much of a single value is written: a line of RFC 5322 has at most 998 octets.
	maxValue = 400
)

// Append appends the whole field, folded, with its final CRLF. Whatever its strings hold, it
// is one well-formed field.
func (f Field) Append(b []byte) []byte {
	w := newFolder(append(b, FieldName+":"...), len(FieldName)+1)
	return f.append(w)
}

// AppendARC appends the ARC-Authentication-Results field of an instance, folded, with its final CRLF (RFC 8617 §4.1.1).
func (f Field) AppendARC(b []byte, instance int) []byte {
	w := newFolder(append(b, FieldNameARC+":"...), len(FieldNameARC)+1)
	w.put("i=" + strconv.Itoa(instance) + ";")
	return f.append(w)
}

func (f Field) append(w *folder) []byte {
	w.put(quoteValue(f.Server) + ";")
	if len(f.Results) == 0 {
		w.put("none")
	}
	for i, r := range f.Results {
		w.fold()
		r.append(w)
		if i < len(f.Results)-1 {
			w.b = append(w.b, ';')
		}
	}
	return append(w.b, '\r', '\n')
}

func (r Result) append(w *folder) {
	w.put(keyword(r.Method) + "=" + keyword(r.Value))
	if r.Comment != "" {
		w.put("(" + escape(r.Comment, "()\\") + ")")
	}
	if r.Reason != "" {
		w.put(`reason="` + escape(r.Reason, `"\`) + `"`)
	}
	for _, p := range r.Props {
		name := keyword(p.Name)
		if p.Type != "" {
			name = keyword(p.Type) + "." + name
		}
		w.put(name + "=" + quoteValue(p.Value))
	}
}

// A folder puts words on lines that are not too long.
type folder struct {
	b    []byte
	line int // columns of the current line
}

func newFolder(b []byte, line int) *folder { return &folder{b, line} }

// put appends a word behind a space, or on a new line.
func (w *folder) put(word string) {
	if w.line > tabWidth && w.line+1+len(word) > lineWidth-1 { // a semicolon may follow
		w.fold()
	}
	if w.line != tabWidth || w.b[len(w.b)-1] != '\t' {
		w.b = append(w.b, ' ')
		w.line++
	}
	w.b = append(w.b, word...)
	w.line += len(word)
}

// fold begins a new line.
func (w *folder) fold() {
	w.b = append(w.b, "\r\n\t"...)
	w.line = tabWidth
}

// keyword keeps what a keyword can hold.
func keyword(s string) string {
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '.' {
			return strings.Map(func(r rune) rune {
				if r < 0x80 && (isWord(byte(r)) || r == '.') {
					return r
				}
				return '-'
			}, s)
		}
	}
	if s == "" {
		return "-"
	}
	return s
}

// quoteValue gives a value as it may stand in a field: bare where it is a token or an
// address, else as a quoted string (RFC 8601 §2.2, pvalue).
func quoteValue(s string) string {
	if isToken(s) || isAddress(s) {
		return s
	}
	return `"` + escape(s, `"\`) + `"`
}

// isToken tells whether s is a token of RFC 2045 §5.1.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return s != "" && len(s) <= maxValue
}

// isAddress tells whether s is "@domain" or an address that reads back as itself.
func isAddress(s string) bool {
	i := strings.LastIndexByte(s, '@')
	if i < 0 || !isToken(s[i+1:]) || len(s) > maxValue || strings.ContainsFunc(s, unprintable) {
		return false
	}
	if i == 0 {
		return true
	}
	a, err := mail.ParseAddress(s)
	return err == nil && strings.EqualFold(a.String(), s)
}

// unprintable tells whether r can stand in no header field.
func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }

// escape puts a backslash before each of the characters in special, takes out what can stand in no
// header field, and cuts what is too long.
func escape(s, special string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() > maxValue {
			break
		}
		switch {
		case unprintable(r):
			r = '?'
		case r < 0x80 && strings.IndexByte(special, byte(r)) >= 0:
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
