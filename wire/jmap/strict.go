package jmap

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Limits of the form of JSON.
const (
	// MaxDepth is how deep arrays and objects may lie in each other. A filter or a body of a message needs some ten.
	MaxDepth = 64
	// manyMembers is from how many members on an object's names are looked up in a table and not one by one.
	manyMembers = 16
)

// What is wrong with the form of JSON.
var (
	errSyntax = errors.New("no JSON")
	errUTF8   = errors.New("text that is no UTF-8")
	errTwice  = errors.New("a name that stands twice in an object")
	errDeep   = errors.New("too deep")
)

// Check tells whether text is I-JSON (RFC 7493 §2): UTF-8 without lone surrogates, and objects in which no name stands twice; not
// deeper than MaxDepth. It makes nothing of it.
func Check(text []byte) error {
	if !utf8.Valid(text) {
		return errUTF8
	}
	s := scanner{text: text}
	if err := s.value(0); err != nil {
		return err
	}
	if s.space(); s.at != len(text) {
		return errSyntax
	}
	return nil
}

// scanner reads JSON from the left to the right.
type scanner struct {
	text []byte
	at   int
}

// peek is the octet that comes next, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// space passes over white space.
func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// take passes over an octet, if it is the one that comes next.
func (s *scanner) take(c byte) bool {
	if s.space(); s.peek() != c {
		return false
	}
	s.at++
	return true
}

// value passes over a value.
func (s *scanner) value(depth int) error {
	s.space()
	switch c := s.peek(); {
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			return errDeep
		}
		s.at++
		if c == '[' {
			return s.array(depth + 1)
		}
		return s.object(depth + 1)
	case c == '"':
		_, _, err := s.quoted()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return s.word()
}

// array passes over the elements of an array and its end.
func (s *scanner) array(depth int) error {
	if s.take(']') {
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return errSyntax
		}
	}
}

// object passes over the members of an object and its end.
func (s *scanner) object(depth int) error {
	if s.take('}') {
		return nil
	}
	var names names
	for {
		s.space()
		name, escaped, err := s.quoted()
		if err != nil {
			return err
		}
		if !names.add(plainName(name, escaped)) {
			return errTwice
		}
		if !s.take(':') {
			return errSyntax
		}
		if err := s.value(depth); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return errSyntax
		}
	}
}

// quoted passes over a string and gives what stands between its quotes, and whether there are escapes in it.
func (s *scanner) quoted() (inner []byte, escaped bool, err error) {
	if s.peek() != '"' {
		return nil, false, errSyntax
	}
	s.at++
	for begin := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[begin : s.at-1], escaped, nil
		case c < ' ':
			return nil, false, errSyntax
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		}
	}
	return nil, false, errSyntax
}

// escape passes over an escape but for its last octet. A surrogate needs its other half (RFC 7493 §2.1).
func (s *scanner) escape() error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return errSyntax
	}
	r, ok := s.hex(s.at + 1)
	if !ok {
		return errSyntax
	}
	s.at += 4
	switch {
	case r >= 0xdc00 && r < 0xe000:
		return errUTF8
	case r < 0xd800 || r >= 0xe000:
		return nil
	}
	low, ok := rune(0), s.at+2 < len(s.text) && s.text[s.at+1] == '\\' && s.text[s.at+2] == 'u'
	if ok {
		low, ok = s.hex(s.at + 3)
	}
	if !ok || low < 0xdc00 || low >= 0xe000 {
		return errUTF8
	}
	s.at += 6
	return nil
}

// hex reads four hexadecimal digits.
func (s *scanner) hex(at int) (r rune, ok bool) {
	if at+4 > len(s.text) {
		return 0, false
	}
	for _, c := range s.text[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number passes over a number (RFC 8259 §6).
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return errSyntax
	}
	if s.peek() == '.' {
		if s.at++; !s.digits() {
			return errSyntax
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		if s.at++; s.peek() == '+' || s.peek() == '-' {
			s.at++
		}
		if !s.digits() {
			return errSyntax
		}
	}
	return nil
}

// digits passes over digits; false where there are none.
func (s *scanner) digits() bool {
	begin := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > begin
}

// word passes over true, false or null.
func (s *scanner) word() error {
	for _, w := range [...]string{"true", "false", "null"} {
		if s.at+len(w) <= len(s.text) && string(s.text[s.at:s.at+len(w)]) == w {
			s.at += len(w)
			return nil
		}
	}
	return errSyntax
}

// names are those of one object.
type names struct {
	few  [manyMembers]string
	n    int
	many map[string]struct{}
}

// add takes a name in; false for one that is there.
func (n *names) add(name string) bool {
	if n.many != nil {
		if _, ok := n.many[name]; ok {
			return false
		}
		n.many[name] = struct{}{}
		return true
	}
	for _, have := range n.few[:n.n] {
		if have == name {
			return false
		}
	}
	if n.n < manyMembers {
		n.few[n.n] = name
		n.n++
		return true
	}
	n.many = make(map[string]struct{}, 4*manyMembers)
	for _, have := range n.few {
		n.many[have] = struct{}{}
	}
	return n.add(name)
}

// plainName gives a name without escapes.
func plainName(inner []byte, escaped bool) string {
	if !escaped {
		return string(inner)
	}
	var plain string
	quoted := append(append([]byte{'"'}, inner...), '"')
	if json.Unmarshal(quoted, &plain) != nil {
		return string(inner) // it was checked
	}
	return plain
}
