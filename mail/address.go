package mail

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address is a mail address. The zero Address is the null reverse-path.
//
// Local is kept raw and unquoted: `a..b` and `"a..b"` are the same address and
// are written in the quoted form where RFC 5321 needs it (addresses like
// a..b@docomo.ne.jp exist). Domain is in lower case, in A-label form, or an
// address literal such as [192.0.2.1].
type Address struct{ Local, Domain string }

// IsNull tells whether a is the null reverse-path.
func (a Address) IsNull() bool { return a.Local == "" && a.Domain == "" }

// String writes the address as RFC 5321 §4.1.2 Mailbox, quoting the local part where needed; "" for the null path.
func (a Address) String() string {
	if a.IsNull() {
		return ""
	}
	return QuoteLocal(a.Local) + "@" + a.Domain
}

// Key is the form in which addresses are compared and looked up: lower case, unquoted.
func (a Address) Key() string { return strings.ToLower(a.Local) + "@" + a.Domain }

// QuoteLocal writes a local part as a dot-string where it is one (RFC 5321 §4.1.2), else quoted.
func QuoteLocal(local string) string {
	if isDotString(local) {
		return local
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(local) {
		if local[i] == '"' || local[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(local[i])
	}
	b.WriteByte('"')
	return b.String()
}

// ParseAddress reads one addr-spec, leniently (spec: addresses that break RFCs):
// quoted local parts are unquoted, dots may stand anywhere in the local part,
// and an internationalised domain becomes its A-labels. Source routes, comments and
// display names are not accepted. The error's kind is Invalid.
func ParseAddress(s string) (Address, error) {
	const op = "mail.ParseAddress"
	bad := func() (Address, error) { return Address{}, E(op, Invalid, "address.malformed", s) }
	local, rest, ok := cutLocal(s)
	if !ok || local == "" || len(local) > MaxLongLocalPart || !utf8.ValidString(local) {
		return bad()
	}
	domain, ok := ParseDomain(rest)
	if !ok {
		return bad()
	}
	return Address{local, domain}, nil
}

// cutLocal takes the local part off s, unquoted, and the "@" behind it.
func cutLocal(s string) (local, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.LastIndexByte(s, '@')
		if i < 0 {
			return "", "", false
		}
		return s[:i], s[i+1:], isLenientDotString(s[:i])
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			rest, ok = strings.CutPrefix(s[i+1:], "@")
			return b.String(), rest, ok
		}
		if c == '\\' && i+1 < len(s) {
			i++
			c = s[i]
		}
		if c < ' ' || c == 0x7f { // also behind a backslash: it would end a line where the address is written
			return "", "", false
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// ParseDomain puts a domain into its canonical form: lower case, A-labels, no
// final dot; or an address literal in brackets as it is.
func ParseDomain(s string) (string, bool) {
	if strings.HasPrefix(s, "[") {
		return s, strings.HasSuffix(s, "]") && len(s) > 2 && !strings.ContainsAny(s, " \r\n<>")
	}
	s = strings.TrimSuffix(s, ".")
	if plain, ok := plainDomain(s); ok {
		return plain, true
	}
	d, err := idna.Lookup.ToASCII(s)
	if err != nil || !utf8.ValidString(s) || d == "" || d[0] == '.' || d[len(d)-1] == '.' || strings.Contains(d, "..") || len(d) > MaxDomain {
		return "", false
	}
	return strings.ToLower(d), true
}

// plainDomain is ParseDomain for the common case, without IDNA: letters, digits, inner hyphens, underscores.
func plainDomain(s string) (string, bool) {
	if s == "" || len(s) > MaxDomain {
		return "", false
	}
	upper, label := false, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.':
			if label == 0 || s[i-1] == '-' {
				return "", false
			}
			label = 0
			continue
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-' && label > 0:
		default:
			return "", false
		}
		if label++; label > 63 {
			return "", false
		}
	}
	if label == 0 || s[len(s)-1] == '-' || strings.Contains(s, "xn--") {
		return "", false
	}
	if upper {
		s = strings.ToLower(s)
	}
	return s, true
}

// isDotString tells whether s is a Dot-string of RFC 5321 §4.1.2, with RFC 6531's characters.
func isDotString(s string) bool {
	return isLenientDotString(s) && s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..")
}

// isLenientDotString allows dots anywhere.
func isLenientDotString(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c >= 0x80:
		case strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
