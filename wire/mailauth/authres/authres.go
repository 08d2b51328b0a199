// Package authres reads and writes the header field Authentication-Results, RFC 8601:
// what a host found out about who sent a message, for programs behind it. The
// same text after an instance number is the ARC-Authentication-Results of RFC 8617 §4.1.1.
//
// Such a field is worth something only where nobody else could have written it: a host
// removes those that bear its own name before it adds its own ([Foreign]).
package authres

import (
	"tegami/mail"
	"tegami/wire/mime"
)

// A Field is the content of one Authentication-Results field. Without results it says "none":
// nothing was checked.
type Field struct {
	Server  string // authserv-id: the host, or the group of hosts, that checked (RFC 8601 §2.5)
	Results []Result
}

// A Result is what one method said.
type Result struct {
	Method  string // "dkim", "spf", "dmarc", "arc", "auth", "iprev", …
	Value   string // "pass", "fail", "none", "softfail", "neutral", "temperror", "permerror", "policy", …
	Comment string // a note for people, in round brackets behind the value: "2048-bit key"; may be empty
	Reason  string // why, for people; may be empty
	Props   []Prop
}

// A Prop is one property of the message that a result rests on: ptype.property=value.
type Prop struct {
	Type  string // "smtp", "header", "body", "policy"
	Name  string // "mailfrom", "d", "i", "from", …
	Value string // a domain, an address or any text; quoted as needed when written
}

// Append appends the whole field, folded, with its final CRLF.
func (f Field) Append(b []byte) []byte { return b }

// AppendARC appends the ARC-Authentication-Results field of an instance, folded, with its final CRLF (RFC 8617 §4.1.1).
func (f Field) AppendARC(b []byte, instance int) []byte { return b }

// Get gives the first result of a method.
func (f Field) Get(method string) (Result, bool) { return Result{}, false }

// Prop gives the value of a property, or "".
func (r Result) Prop(ptype, name string) string { return "" }

// Parse reads the value of an Authentication-Results field, folded or not. What it cannot
// make out is Invalid "authres.syntax".
func Parse(value string) (Field, error) {
	return Field{}, mail.E("authres.Parse", mail.Invalid, "authres.syntax")
}

// ParseARC reads the value of an ARC-Authentication-Results field with its instance (RFC 8617 §4.1.1).
func ParseARC(value string) (instance int, f Field, err error) {
	return 0, Field{}, mail.E("authres.ParseARC", mail.Invalid, "authres.syntax")
}

// Foreign gives the octets of the Authentication-Results fields of a header block that claim
// to be from one of our names, or that cannot be read: a host strips them before it adds
// its own, as it did not write them (RFC 8601 §5).
func Foreign(header []byte, names ...string) []mime.Range { return nil }
