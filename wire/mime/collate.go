package mime

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// AppendCasemap appends the form in which texts are compared octet by octet under i;unicode-casemap (RFC 5051 §2):
// title case, decomposed.
func AppendCasemap(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 0x80 {
			return norm.NFKD.AppendString(dst, strings.Map(unicode.ToTitle, s[i:]))
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
