package smtp

import "strings"

// DecodeXtext undoes the xtext of RFC 3461 §4, "+" and two upper-case hex digits for
// an octet. What would decode to a control character, or to text that is not UTF-8, is refused.
func DecodeXtext(s string) (string, bool) {
	if strings.IndexByte(s, '+') < 0 {
		return s, strings.IndexByte(s, '=') < 0 && isText(s)
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '=':
			return "", false
		case c != '+':
			out = append(out, c)
		case i+2 >= len(s) || hexValue(s[i+1]) < 0 || hexValue(s[i+2]) < 0:
			return "", false
		default:
			out = append(out, byte(hexValue(s[i+1])<<4|hexValue(s[i+2])))
			i += 2
		}
	}
	return string(out), isText(string(out))
}

// EncodeXtext writes s as xtext.
func EncodeXtext(s string) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '+' && c != '=' {
			out = append(out, c)
		} else {
			out = append(out, '+', digits[c>>4], digits[c&15])
		}
	}
	return string(out)
}

// hexValue is that of an upper-case hex digit, -1 for anything else.
func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
