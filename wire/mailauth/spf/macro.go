package spf

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxExpansion bounds what macros may make of a text, in octets.
const maxExpansion = 4096

// expand fills the macros of a domain-spec, or of an explanation (RFC 7208 §7), where three more letters are known and
// spaces may stand. It is not ok if the text is malformed or grows too long.
func (e *evaluation) expand(spec string, explanation bool) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(spec, "%")
		b.WriteString(before)
		if !found {
			return b.String(), b.Len() <= maxExpansion
		}
		value, after, ok := e.macro(rest, explanation)
		if !ok || b.Len() > maxExpansion {
			return "", false
		}
		b.WriteString(value)
		spec = after
	}
}

// macro expands what stands behind a "%" and gives what follows it.
func (e *evaluation) macro(s string, explanation bool) (value, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	switch s[0] {
	case '%':
		return "%", s[1:], true
	case '_':
		return " ", s[1:], true
	case '-':
		return "%20", s[1:], true
	case '{':
		body, rest, closed := strings.Cut(s[1:], "}")
		if !closed || body == "" {
			return "", "", false
		}
		value, ok = e.letter(body[0], explanation)
		if !ok {
			return "", "", false
		}
		value, ok = transform(value, body[1:])
		if body[0] < 'a' {
			value = escapeURL(value)
		}
		return value, rest, ok
	}
	return "", "", false
}

// letter gives the value of a macro letter (RFC 7208 §7.2).
func (e *evaluation) letter(c byte, explanation bool) (string, bool) {
	switch c | 0x20 {
	case 's':
		return e.sender(), true
	case 'l':
		return strings.ReplaceAll(e.local, "@", "_"), true
	case 'o':
		return e.origin, true
	case 'd':
		return e.domain, true
	case 'i':
		return dotted(e.ip), true
	case 'p':
		return e.names.hostName(e.ctx, e.domain), true
	case 'v':
		if e.ip.Is4() {
			return "in-addr", true
		}
		return "ip6", true
	case 'h':
		return e.helo, true
	}
	if !explanation {
		return "", false
	}
	switch c | 0x20 {
	case 'c':
		return e.ip.String(), true
	case 'r':
		return unknownHost, true
	case 't':
		return strconv.FormatInt(time.Now().Unix(), 10), true
	}
	return "", false
}

// dotted writes an address as macro "i" has it: IPv6 as 32 nibbles (RFC 7208 §7.3), in upper case as the OpenSPF suite.
func dotted(ip netip.Addr) string {
	if ip.Is4() {
		return ip.String()
	}
	var parts []string
	for _, b := range ip.As16() {
		parts = append(parts, fmt.Sprintf("%X.%X", b>>4, b&15))
	}
	return strings.Join(parts, ".")
}

// transform takes a value apart, turns it around and keeps its right-hand parts, as the rest of a macro says:
// digits, "r", delimiters (RFC 7208 §7.1).
func transform(value, how string) (string, bool) {
	digits := len(how) - len(strings.TrimLeft(how, "0123456789"))
	keep := 0
	if digits > 0 {
		n, err := strconv.Atoi(how[:digits])
		if err != nil || n == 0 {
			return "", false
		}
		keep = n
	}
	delimiters := how[digits:]
	reverse := delimiters != "" && delimiters[0]|0x20 == 'r'
	if reverse {
		delimiters = delimiters[1:]
	}
	if strings.Trim(delimiters, ".-+,/_=") != "" {
		return "", false
	}
	if how == "" {
		return value, true
	}
	if delimiters == "" {
		delimiters = "."
	}
	parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(delimiters, r) })
	if reverse {
		slices.Reverse(parts)
	}
	if keep > 0 && keep < len(parts) {
		parts = parts[len(parts)-keep:]
	}
	return strings.Join(parts, "."), true
}

// escapeURL escapes all but the unreserved characters of RFC 3986 §2.3.
func escapeURL(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
