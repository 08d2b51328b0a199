package jmap

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A ResultReference takes the value of an argument from an earlier response (RFC 8620 §3.7). It stands under "#" and the argument's name.
type ResultReference struct {
	ResultOf string `json:"resultOf"`
	Name     string `json:"name"`
	Path     string `json:"path"`
}

const (
	// maxPath is the length of a path in octets.
	maxPath = 1024
	// maxSteps is how many steps it has: each may read all of the text again.
	maxSteps = 16
	// maxPicked is how many values a path with "*" gives at most.
	maxPicked = 100_000
)

// Select gives the value at a JSON pointer (RFC 6901) in text, which Check has passed. "*" maps the rest of the path over an array, and lists
// that come of it are joined (RFC 8620 §3.7). false where there is none.
func Select(text json.RawMessage, path string) (json.RawMessage, bool) {
	if len(path) > maxPath || strings.Count(path, "/") > maxSteps || path != "" && path[0] != '/' {
		return nil, false
	}
	if path == "" {
		return text, true
	}
	return selectAt(text, strings.Split(path[1:], "/"))
}

func selectAt(text json.RawMessage, path []string) (json.RawMessage, bool) {
	for i, step := range path {
		s := scanner{text: text}
		s.space()
		ok := false
		switch {
		case s.take('{'):
			text, ok = s.member(untilde.Replace(step))
		case s.take('[') && step == "*":
			return s.each(path[i+1:])
		case s.at > 0 && s.text[s.at-1] == '[':
			text, ok = s.element(step)
		}
		if !ok {
			return nil, false
		}
	}
	return text, true
}

// untilde takes the escapes of a pointer away (RFC 6901 §4).
var untilde = strings.NewReplacer("~1", "/", "~0", "~")

// member gives the value of a name in the object whose members come next.
func (s *scanner) member(want string) (json.RawMessage, bool) {
	for !s.take('}') {
		m, ok := s.pair()
		if !ok {
			return nil, false
		}
		if m.Name == want {
			return m.Value, true
		}
	}
	return nil, false
}

// pair gives the member of an object that comes next.
func (s *scanner) pair() (m Member, ok bool) {
	s.take(',')
	s.space()
	inner, escaped, err := s.quoted()
	if err != nil || !s.take(':') {
		return m, false
	}
	m.Name = plainName(inner, escaped)
	m.Value, ok = s.next()
	return m, ok
}

// next gives the value that comes next.
func (s *scanner) next() (json.RawMessage, bool) {
	s.space()
	begin := s.at
	err := s.value(0)
	return s.text[begin:s.at:s.at], err == nil
}

// element gives an element of the array whose elements come next.
func (s *scanner) element(step string) (json.RawMessage, bool) {
	n, err := strconv.Atoi(step)
	if err != nil || n < 0 || strconv.Itoa(n) != step {
		return nil, false
	}
	for ; !s.take(']'); n-- {
		s.take(',')
		value, ok := s.next()
		if !ok || n == 0 {
			return value, ok
		}
	}
	return nil, false
}

// each gives what stands at path in all elements of the array whose elements come next, as one array.
func (s *scanner) each(path []string) (json.RawMessage, bool) {
	out, picked := []byte{'['}, 0
	for !s.take(']') {
		s.take(',')
		value, ok := s.next()
		if !ok {
			return nil, false
		}
		if value, ok = selectAt(value, path); !ok {
			return nil, false
		}
		for _, v := range elements(value) {
			if picked++; picked > maxPicked {
				return nil, false
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, v...)
		}
	}
	return append(out, ']'), true
}

// elements gives the elements of an array, and any other value as it is.
func elements(value json.RawMessage) (list []json.RawMessage) {
	s := scanner{text: value}
	if !s.take('[') {
		return []json.RawMessage{value}
	}
	for !s.take(']') {
		s.take(',')
		v, ok := s.next()
		if !ok {
			return list
		}
		list = append(list, v)
	}
	return list
}
