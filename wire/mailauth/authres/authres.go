// Package authres reads and writes the header field Authentication-Results, RFC 8601:
// what a host found out about who sent a message, for programs behind it. The
// same text after an instance number is the ARC-Authentication-Results of RFC 8617 §4.1.1.
//
// Such a field is worth something only where nobody else could have written it: a host
// removes those that bear its own name before it adds its own ([Foreign]).
package authres

import (
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/mime"
)

// Limits of what is read. A field past them is Invalid "authres.too_long".
const (
	MaxField   = 32 << 10 // octets of a field
	MaxResults = 64       // results of a field
	MaxProps   = 32       // properties of a result
	maxNesting = 16       // comments within comments
)

// FieldName is the name of the header field.
const FieldName = "Authentication-Results"

// FieldNameARC is the name of the header field in a chain's set (RFC 8617 §4.1.1).
const FieldNameARC = "ARC-Authentication-Results"

// A Field is the content of one Authentication-Results field. Without results it says "none":
// nothing was checked.
type Field struct {
	Server  string // authserv-id: the host, or the group of hosts, that checked (RFC 8601 §2.5)
	Results []Result
}

// A Result is what one method said.
type Result struct {
	Method  string // "dkim", "spf", "dmarc", "arc", "auth", "iprev", …; in lower case when read
	Value   string // "pass", "fail", "none", "softfail", "neutral", "temperror", "permerror", "policy", …; in lower case when read
	Comment string // a note for people, in round brackets behind the value: "2048-bit key"; may be empty
	Reason  string // why, for people; may be empty
	Props   []Prop
}

// A Prop is one property of the message that a result rests on: ptype.property=value.
type Prop struct {
	Type  string // "smtp", "header", "body", "policy"; "" where somebody wrote none; in lower case when read
	Name  string // "mailfrom", "d", "i", "from", …; in lower case when read
	Value string // a domain, an address or any text; quoted as needed when written
}

// Get gives the first result of a method, whose name is in lower case.
func (f Field) Get(method string) (Result, bool) {
	for _, r := range f.Results {
		if r.Method == method {
			return r, true
		}
	}
	return Result{}, false
}

// Prop gives the value of a property, or "".
func (r Result) Prop(ptype, name string) string {
	for _, p := range r.Props {
		if p.Type == ptype && p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Foreign gives the octets of the Authentication-Results fields of a header block that claim
// to be from one of our names, or do not say legibly from whom they are. A host that has not written
// them strips them before it adds its own (RFC 8601 §5).
func Foreign(header []byte, names ...string) []mime.Range {
	ours := make([]string, len(names))
	for i, n := range names {
		ours[i] = canonical(n)
	}
	var out []mime.Range
	for f := range mime.Header(header).Fields() {
		if !strings.EqualFold(string(f.Name), FieldName) {
			continue
		}
		if server, ok := serverOf(string(f.Value)); !ok || slices.Contains(ours, canonical(server)) {
			out = append(out, mime.Range{Start: f.Start, End: f.End})
		}
	}
	return out
}

// canonical is the form in which names of servers are compared: A-labels in lower case where it is a domain.
func canonical(server string) string {
	if d, ok := mail.ParseDomain(server); ok {
		return d
	}
	return strings.ToLower(server)
}

// serverOf reads who wrote a field. It is not ok where the field names nobody.
func serverOf(value string) (string, bool) {
	s := scanner{in: value}
	s.space()
	server, ok := s.value()
	return server, ok && s.err == nil && !s.assigns()
}
