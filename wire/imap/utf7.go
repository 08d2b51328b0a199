package imap

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf7Base64 is the alphabet of modified UTF-7: "," in the place of "/", no padding.
var utf7Base64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// AppendUTF7 writes s in modified UTF-7 (RFC 3501 §5.1.3). Octets that are not
// UTF-8 become U+FFFD.
func AppendUTF7(dst []byte, s string) []byte {
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return !isDirect(r) })
		if n < 0 {
			return appendDirect(dst, s)
		}
		dst, s = appendDirect(dst, s[:n]), s[n:]
		n = strings.IndexFunc(s, isDirect)
		if n < 0 {
			n = len(s)
		}
		dst, s = appendShifted(dst, s[:n]), s[n:]
	}
	return dst
}

// isDirect tells whether r stands for itself; "&" nearly does.
func isDirect(r rune) bool { return r >= ' ' && r <= '~' }

func appendDirect(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, s[i])
		if s[i] == '&' {
			dst = append(dst, '-')
		}
	}
	return dst
}

func appendShifted(dst []byte, s string) []byte {
	wide := make([]byte, 0, 4*len(s))
	for _, u := range utf16.Encode([]rune(s)) {
		wide = append(wide, byte(u>>8), byte(u))
	}
	dst = append(dst, '&')
	dst = utf7Base64.AppendEncode(dst, wide)
	return append(dst, '-')
}

// DecodeUTF7 reads modified UTF-7. It is false where s is none: octets above 126, an
// open shift, half a character, a printable ASCII character in a shift.
func DecodeUTF7(s string) (string, bool) {
	if isPlainUTF7(s) {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isDirect(rune(c)) {
			return "", false
		}
		if c != '&' {
			b.WriteByte(c)
			continue
		}
		n := strings.IndexByte(s[i:], '-')
		if n < 0 || !writeShifted(&b, s[i+1:i+n]) {
			return "", false
		}
		i += n
	}
	return b.String(), true
}

// isPlainUTF7 tells whether s is its own decoded form.
func isPlainUTF7(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !isDirect(r) || r == '&' }) < 0
}

// writeShifted decodes what stands between "&" and "-"; nothing stands for "&".
func writeShifted(b *strings.Builder, s string) bool {
	if s == "" {
		b.WriteByte('&')
		return true
	}
	wide, err := utf7Base64.DecodeString(s)
	if err != nil || len(wide) == 0 || len(wide)%2 != 0 {
		return false
	}
	for i := 0; i < len(wide); i += 2 {
		r := rune(wide[i])<<8 | rune(wide[i+1])
		if utf16.IsSurrogate(r) {
			if i+3 >= len(wide) {
				return false
			}
			i += 2
			r = utf16.DecodeRune(r, rune(wide[i])<<8|rune(wide[i+1]))
			if r == utf8.RuneError {
				return false
			}
		}
		if isDirect(r) || r == 0 {
			return false
		}
		b.WriteRune(r)
	}
	return true
}
