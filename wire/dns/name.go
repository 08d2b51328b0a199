package dns

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	miekg "github.com/miekg/dns"
)

// Sizes of names in their text form, without the final dot (RFC 1035 §2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

// ideographicDots are the other dots that people type between labels.
var ideographicDots = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

// canonical puts a name into the form in which it is asked for and cached: lower case, A-labels, with the final
// dot. It is false for what cannot be a name: an empty or long label, a blank, a control character, a backslash
// (names have no escapes here), an address. Other characters may stand in a name, as SPF's macros make such.
func canonical(name string) (string, bool) {
	s := strings.TrimSuffix(name, ".")
	if !isASCII(s) {
		var ok bool
		if s, ok = toASCII(s); !ok {
			return "", false
		}
	}
	if s == "" || len(s) > maxName || isAddress(s) {
		return "", false
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return "", false
			}
			label = 0
			continue
		case c <= ' ', c >= 0x7f, c == '\\', c == '"', c == '(', c == ')', c == ';':
			return "", false
		}
		if label++; label > maxLabel {
			return "", false
		}
	}
	if label == 0 {
		return "", false
	}
	return strings.ToLower(s) + ".", true
}

// toASCII makes A-labels of the labels that are not ASCII, and leaves the others: "_dmarc" is no host name.
func toASCII(s string) (string, bool) {
	if len(s) > 4*maxName || !utf8.ValidString(s) {
		return "", false
	}
	labels := strings.Split(ideographicDots.Replace(s), ".")
	for i, label := range labels {
		if isASCII(label) {
			continue
		}
		a, err := idna.Lookup.ToASCII(label)
		if err != nil {
			return "", false
		}
		labels[i] = a
	}
	return strings.Join(labels, "."), true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isAddress tells whether s is an IP address or an address literal: the DNS has no such names, though MX
// records point at them.
func isAddress(s string) bool {
	if s[0] == '[' {
		return true
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// reverse is the name of an address below in-addr.arpa or ip6.arpa (RFC 1035 §3.5, RFC 3596 §2.5).
func reverse(ip netip.Addr) (string, bool) {
	name, err := miekg.ReverseAddr(ip.Unmap().WithZone("").String())
	return name, err == nil
}

// host is a name out of a record as others see it: lower case, without the final dot; the root is ".".
func host(name string) string {
	if name == "." {
		return name
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// plain undoes the escapes in a name out of a record, such as "\@". A dot within a label is in no name of ours.
func plain(name string) string {
	if strings.Contains(name, `\.`) || strings.Contains(name, `\046`) {
		return ""
	}
	return unescape(name)
}

// unescape undoes the escapes miekg/dns puts into character-strings: \DDD for an octet, \X for X.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b = append(b, s[i])
		case i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]):
			b = append(b, (s[i+1]-'0')*100+(s[i+2]-'0')*10+(s[i+3]-'0'))
			i += 3
		default:
			b = append(b, s[i+1])
			i++
		}
	}
	return string(b)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
