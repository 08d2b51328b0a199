// Package canon has what DKIM and ARC share: tag lists, the canonical forms of header and
// body that are hashed, the choice of header fields, and the folding of what is written.
package canon

import (
	"encoding/base64"
	"strconv"
	"strings"

	"tegami/mail"
)

// Limits of a tag list. What is longer is Invalid "dkim.tags".
const (
	MaxTagList = 32 << 10 // octets
	MaxTags    = 64
)

// A Tag is one name=value of a tag list (RFC 6376 §3.2).
type Tag struct{ Name, Value string }

// Tags is a tag list in its order.
type Tags []Tag

// ParseTags reads a tag list, folded or not. An empty or doubled tag and a name or value with what cannot stand in it
// make the whole list Invalid "dkim.tags". UTF-8 may stand in values (RFC 8616 §4); which is not checked.
func ParseTags(list string) (Tags, error) {
	if len(list) > MaxTagList {
		return nil, badTags()
	}
	tags := make(Tags, 0, 12)
	for rest, more := list, true; more; {
		var spec string
		spec, rest, more = strings.Cut(rest, ";")
		if !more && len(tags) > 0 && trimFWS(spec) == "" {
			break // a semicolon at the end
		}
		name, value, ok := strings.Cut(spec, "=")
		tag := Tag{trimFWS(name), trimFWS(value)}
		if _, twice := tags.Get(tag.Name); !ok || twice || len(tags) == MaxTags || !tag.valid() {
			return nil, badTags()
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

func badTags() error { return mail.E("canon.ParseTags", mail.Invalid, "dkim.tags") }

// Get gives the value of a tag. Names have a case.
func (t Tags) Get(name string) (string, bool) {
	for i := range t {
		if t[i].Name == name {
			return t[i].Value, true
		}
	}
	return "", false
}

// Or gives the value of a tag, or a default where there is none.
func (t Tags) Or(name, without string) string {
	if v, ok := t.Get(name); ok {
		return v
	}
	return without
}

// Binary gives the octets of a base64 value, in which white space may stand anywhere. It is not ok where there is no such tag.
func (t Tags) Binary(name string) ([]byte, bool) {
	v, ok := t.Get(name)
	if !ok {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(dropFWS(v))
	return b, err == nil
}

// Number gives the value of a tag of decimal digits, or -1 where there is none. One too large for
// an int64 is the largest.
func (t Tags) Number(name string) (n int64, ok bool) {
	v, has := t.Get(name)
	if !has {
		return -1, true
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return 0, false
		}
	}
	u, err := strconv.ParseUint(v, 10, 63)
	if err != nil && (v == "" || len(v) > 76) { // RFC 6376 §3.5: up to 76 digits
		return 0, false
	}
	return int64(min(u, 1<<63-1)), true
}

// List gives the parts of a value between colons, without white space around them.
func (t Tags) List(name string) []string {
	v, ok := t.Get(name)
	if !ok {
		return nil
	}
	parts := strings.Split(v, ":")
	for i := range parts {
		parts[i] = trimFWS(parts[i])
	}
	return parts
}

// valid tells whether a tag has the form of RFC 6376 §3.2.
func (t Tag) valid() bool {
	if t.Name == "" || !alpha(t.Name[0]) {
		return false
	}
	for i := range len(t.Name) {
		if c := t.Name[i]; !alpha(c) && !(c >= '0' && c <= '9') && c != '_' {
			return false
		}
	}
	for i := range len(t.Value) {
		if c := t.Value[i]; c < ' ' && !isFWS(c) || c == 0x7f {
			return false
		}
	}
	return true
}

func alpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isFWS(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trimFWS(s string) string { return strings.Trim(s, " \t\r\n") }

// dropFWS takes all white space out.
func dropFWS(s string) string {
	if !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if !isFWS(s[i]) {
			b = append(b, s[i])
		}
	}
	return string(b)
}
