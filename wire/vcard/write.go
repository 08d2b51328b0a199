package vcard

import (
	"strings"
	"unicode/utf8"
)

// foldAt is how long a line is at most in octets, without its end (RFC 6350 §3.2).
const foldAt = 75

// String is the card as text, with CRLF.
func (v *VCard) String() string {
	var b strings.Builder
	b.WriteString("BEGIN:VCARD\r\nVERSION:" + v.Version + "\r\n")
	var line strings.Builder
	for i := range v.Properties {
		line.Reset()
		v.Properties[i].write(&line)
		fold(&b, line.String())
	}
	b.WriteString("END:VCARD\r\n")
	return b.String()
}

// write writes a property as one line.
func (p *Property) write(b *strings.Builder) {
	if p.Group != "" {
		b.WriteString(token(p.Group) + ".")
	}
	b.WriteString(token(p.Name))
	for _, q := range p.Params {
		if len(q.Values) == 0 {
			continue
		}
		b.WriteString(";" + token(q.Name) + "=")
		for i, v := range q.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(paramValue(v))
		}
	}
	b.WriteString(":")
	b.WriteString(printable(lineEnds.Replace(p.Value)))
}

// token leaves what a name may consist of (RFC 6350 §3.3).
func token(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}

// paramValue writes the value of a parameter (RFC 6868).
func paramValue(s string) string {
	quote := strings.ContainsAny(s, ",;:")
	if strings.ContainsAny(s, "^\"\r\n") {
		s = caretEncoder.Replace(s)
	}
	s = printable(s)
	if quote {
		return `"` + s + `"`
	}
	return s
}

var caretEncoder = strings.NewReplacer("^", "^^", "\r\n", "^n", "\n", "^n", "\r", "^n", `"`, "^'")

// fold writes a line, cut between letters where it is too long.
func fold(b *strings.Builder, s string) {
	for room := foldAt; len(s) > room; room = foldAt - 1 {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut])
		b.WriteString("\r\n ")
		s = s[cut:]
	}
	b.WriteString(s)
	b.WriteString("\r\n")
}
