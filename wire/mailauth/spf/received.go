package spf

import "strings"

// ReceivedSPF is the value of a Received-SPF field (RFC 7208 §9.1) without name and line end: the
// result, and what it was made from. receiver is our own host name.
func (r Result) ReceivedSPF(receiver string) string {
	var b strings.Builder
	b.WriteString(string(r.Status))
	identity := "mailfrom"
	if r.Scope == Helo {
		identity = "helo"
	}
	pairs := []struct{ key, value string }{
		{"receiver", receiver},
		{"identity", identity},
		{"client-ip", r.IP.String()},
		{"helo", r.Helo},
		{"envelope-from", r.From.String()},
		{"mechanism", r.Mechanism},
	}
	for i, p := range pairs {
		if p.value == "" && p.key == "mechanism" {
			continue
		}
		if i == 0 {
			b.WriteByte(' ')
		} else {
			b.WriteString("; ")
		}
		b.WriteString(p.key + "=" + pairValue(p.value))
	}
	return b.String()
}

// pairValue writes a value as a dot-atom or, where it is none, as a quoted string. What would end a line becomes "?".
func pairValue(s string) string {
	plain := s != "" && s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..")
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == 0x7f {
			c = '?'
		}
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0) {
			plain = false
		}
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	if plain {
		return b.String()
	}
	return `"` + b.String() + `"`
}
