package mime

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normalize gives the form in which text is searched and matched against rules (§14.5):
// NFKC, case folded, both wave dashes as "~", invisible characters left out, runs of white
// space as one space, none at the ends. Hiragana and katakana stay different.
func Normalize(s string) string {
	if plainASCII(s) {
		return strings.Join(strings.Fields(strings.ToLower(s)), " ")
	}
	return strings.Join(strings.Fields(foldText(s)), " ")
}

// foldText is Normalize, but for white space.
func foldText(s string) string {
	s = norm.NFKC.String(strings.Map(visible, s))
	return norm.NFKC.String(cases.Fold().String(s))
}

// NormalizeTight is Normalize without any white space, so that 社 外 秘 and a word broken
// by a line end are found (§14.5, second pass).
func NormalizeTight(s string) string { return strings.ReplaceAll(Normalize(s), " ", "") }

// visible drops what can't be seen, and makes one tilde of two wave dashes.
func visible(r rune) rune {
	switch {
	case r == '\u301c' || r == '\uff5e':
		return '~'
	case r < 0x80:
		return r
	case invisible(r):
		return -1
	}
	return r
}

// invisible tells of characters without a shape: zero width, soft hyphen, marks of
// direction, variation selectors.
func invisible(r rune) bool {
	switch {
	case r == '\u00ad', r == '\u034f', r == '\u180e', r == '\ufeff':
		return true
	case '\ufe00' <= r && r <= '\ufe0f', 0xe0000 <= r && r <= 0xe01ef:
		return true
	}
	return r >= 0x80 && unicode.Is(unicode.Cf, r)
}
