package authres

import (
	"errors"
	"strings"
)

// A scanner reads the tokens of a field.
type scanner struct {
	in      string
	at      int
	comment string // the first comment since it was last emptied, without its brackets
	err     error  // a comment or quoted string without end, or nested too deeply
}

var (
	errUnclosed = errors.New("a comment or quoted string does not end")
	errNesting  = errors.New("comments within comments are too deep")
)

func (s *scanner) end() bool { return s.at >= len(s.in) }

// take goes past an octet that is expected.
func (s *scanner) take(c byte) bool {
	if s.end() || s.in[s.at] != c {
		return false
	}
	s.at++
	return true
}

// space goes past white space and comments (CFWS).
func (s *scanner) space() {
	for !s.end() && s.err == nil {
		switch s.in[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		case '(':
			s.skipComment()
		default:
			return
		}
	}
}

// skipComment goes past a comment and keeps the first one.
func (s *scanner) skipComment() {
	depth, start := 0, s.at+1
	for ; !s.end(); s.at++ {
		switch s.in[s.at] {
		case '\\':
			s.at++
		case '(':
			if depth++; depth > maxNesting {
				s.err = errNesting
				s.at = len(s.in)
				return
			}
		case ')':
			if depth--; depth == 0 {
				if s.comment == "" {
					s.comment = unescape(s.in[start:s.at])
				}
				s.at++
				return
			}
		}
	}
	s.err = errUnclosed
	s.at = len(s.in)
}

// unescape takes backslashes and line ends out of a comment or quoted string.
func unescape(t string) string {
	if !strings.ContainsAny(t, "\\\r\n") {
		return t
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '\r' || t[i] == '\n':
			continue
		case t[i] == '\\' && i+1 < len(t):
			i++
		}
		b.WriteByte(t[i])
	}
	return b.String()
}

// word reads a keyword: letters, digits, hyphens; and the underscores that some hosts use.
func (s *scanner) word() string {
	start := s.at
	for !s.end() && isWord(s.in[s.at]) {
		s.at++
	}
	return s.in[start:s.at]
}

// dotted reads a property's name: some have dots of their own.
func (s *scanner) dotted() string {
	start := s.at
	for !s.end() && (isWord(s.in[s.at]) || s.in[s.at] == '.') {
		s.at++
	}
	return s.in[start:s.at]
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// value reads a value: a quoted string, or what stands up to the next space, comment or semicolon. An
// address with a quoted local part stays as written.
func (s *scanner) value() (string, bool) {
	start := s.at
	if s.take('"') {
		text, ok := s.quoted()
		if !ok || s.end() || s.in[s.at] != '@' {
			return text, ok
		}
	}
	for !s.end() && strings.IndexByte(" \t\r\n;(\"", s.in[s.at]) < 0 {
		s.at++
	}
	return s.in[start:s.at], s.at > start
}

// quoted reads a quoted string behind its first quote, without the quotes.
func (s *scanner) quoted() (string, bool) {
	start := s.at
	for ; !s.end(); s.at++ {
		switch s.in[s.at] {
		case '\\':
			s.at++
		case '"':
			text := unescape(s.in[start:s.at])
			s.at++
			return text, true
		}
	}
	s.err, s.at = errUnclosed, len(s.in)
	return "", false
}

// assigns tells whether what was just read was the method of a result: it holds a "=" or one follows.
func (s *scanner) assigns() bool {
	start := s.at
	for start > 0 && strings.IndexByte(" \t\r\n;\"", s.in[start-1]) < 0 {
		start--
	}
	if strings.IndexByte(s.in[start:s.at], '=') >= 0 {
		return true
	}
	s.space()
	return !s.end() && s.in[s.at] == '='
}
