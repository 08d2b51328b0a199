package authres

import (
	"strconv"
	"strings"

	"tegami/mail"
)

// Parse reads the value of an Authentication-Results field, folded or not. It takes what
// hosts write against RFC 8601 §2.2 without changing its meaning: no authserv-id (Server is ""), properties without
// a type, a semicolon at the end, values that should have been quoted. What it cannot make out is
// Invalid "authres.syntax", a version other than 1 Invalid "authres.version".
func Parse(value string) (Field, error) {
	s := scanner{in: value}
	return s.payload("authres.Parse")
}

// ParseARC reads the value of an ARC-Authentication-Results field with its instance (RFC 8617 §4.1.1).
// Errors are those of [Parse]; an instance that was read before the error is given, else 0.
func ParseARC(value string) (instance int, f Field, err error) {
	const op = "authres.ParseARC"
	s := scanner{in: value}
	s.space()
	name := s.word()
	s.space()
	if !strings.EqualFold(name, "i") || !s.take('=') {
		return 0, f, mail.E(op, mail.Invalid, "authres.syntax")
	}
	s.space()
	instance, err = strconv.Atoi(s.word())
	s.space()
	if err != nil || !s.take(';') {
		return 0, f, mail.E(op, mail.Invalid, "authres.syntax")
	}
	f, err = s.payload(op)
	return instance, f, err
}

// payload reads an authres-payload to the end.
func (s *scanner) payload(op mail.Op) (f Field, err error) {
	if len(s.in) > MaxField {
		return f, mail.E(op, mail.Invalid, "authres.too_long")
	}
	if err := s.server(op, &f); err != nil {
		return f, err
	}
	for {
		s.space()
		if s.err != nil {
			return f, mail.Because(op, mail.Invalid, "authres.syntax", s.err)
		}
		if s.end() || s.none() {
			return f, nil
		}
		if len(f.Results) == MaxResults {
			return f, mail.E(op, mail.Invalid, "authres.too_long")
		}
		r, ok := s.result()
		if !ok {
			return f, mail.E(op, mail.Invalid, "authres.syntax")
		}
		f.Results = append(f.Results, r)
	}
}

// server reads the authserv-id and the version, up to behind the semicolon.
func (s *scanner) server(op mail.Op, f *Field) error {
	s.space()
	start := s.at
	server, ok := s.value()
	switch {
	case !ok:
		return mail.E(op, mail.Invalid, "authres.syntax")
	case s.assigns(): // a result already: some hosts do not say who they are
		s.at = start
		return nil
	}
	f.Server = server
	s.space()
	if v := s.word(); v != "" && v != "1" {
		return mail.E(op, mail.Invalid, "authres.version")
	}
	s.space()
	if !s.end() && !s.take(';') {
		return mail.E(op, mail.Invalid, "authres.syntax")
	}
	return nil
}

// none reads "none" in place of results.
func (s *scanner) none() bool {
	start := s.at
	if strings.EqualFold(s.word(), "none") {
		s.space()
		if s.end() || s.take(';') && s.rest() {
			return true
		}
	}
	s.at = start
	return false
}

// rest tells whether nothing but space follows.
func (s *scanner) rest() bool {
	s.space()
	return s.end()
}

// result reads one resinfo up to behind its semicolon.
func (s *scanner) result() (r Result, ok bool) {
	r.Method = strings.ToLower(s.word())
	s.space()
	if s.take('/') { // a method's version; there is only one of each
		s.space()
		s.word()
		s.space()
	}
	if r.Method == "" || !s.take('=') {
		return r, false
	}
	s.space()
	if r.Value = strings.ToLower(s.word()); r.Value == "" {
		return r, false
	}
	s.comment = ""
	s.space()
	r.Comment = s.comment
	for !s.end() && !s.take(';') {
		if len(r.Props) == MaxProps || !s.prop(&r) {
			return r, false
		}
		s.space()
	}
	return r, s.err == nil
}

// prop reads a reason or a property into a result.
func (s *scanner) prop(r *Result) bool {
	p := Prop{Name: strings.ToLower(s.word())}
	s.space()
	if s.take('.') {
		s.space()
		p.Type, p.Name = p.Name, strings.ToLower(s.dotted())
		s.space()
	}
	if p.Name == "" || !s.take('=') {
		return false
	}
	s.space()
	var ok bool
	if p.Value, ok = s.value(); !ok && !s.end() && s.in[s.at] != ';' { // "smtp.mailfrom=" of a null sender is empty
		return false
	}
	if p.Type == "" && p.Name == "reason" {
		r.Reason = p.Value
		return true
	}
	r.Props = append(r.Props, p)
	return true
}
