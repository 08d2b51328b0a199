package sasl

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"tegami/mail"
)

// Prepare is SASLprep (RFC 4013), which PLAIN (RFC 4616 §2) and SCRAM (RFC 5802
// §2.2) ask for: other spaces become a space, invisible characters go, the rest is
// put into form KC, so that full-width ｐａｓｓ and pass are one password. Whoever
// stores a secret must prepare the password in the same way. Preparing twice changes
// nothing.
//
// Text that is not UTF-8, or that has control, private or tagging characters, or
// that mixes directions against RFC 3454 §6, gives Invalid with the key "auth.malformed".
// Characters newer than Unicode 3.2 are allowed: RFC 3454 §7 calls this a query string.
func Prepare(s string) (string, error) {
	if isPlainASCII(s) {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", malformed("sasl.Prepare")
	}
	mapped := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case unicode.Is(otherSpaces, r):
			mapped = append(mapped, ' ')
		case !unicode.Is(mappedToNothing, r):
			mapped = append(mapped, r)
		}
	}
	out := norm.NFKC.String(string(mapped))
	if !isAllowed(out) || !isBidiClean(out) {
		return "", malformed("sasl.Prepare")
	}
	return out, nil
}

// prepareUser prepares a user name and checks its length.
func prepareUser(op mail.Op, s string) (string, error) {
	if len(s) > MaxUser {
		return "", tooLong(op)
	}
	user, err := Prepare(s)
	if err == nil && user == "" {
		err = malformed(op)
	}
	return user, err
}

// preparePassword prepares a password and checks its length.
func preparePassword(op mail.Op, s string) (string, error) {
	if len(s) > MaxPassword {
		return "", tooLong(op)
	}
	return Prepare(s)
}

// isPlainASCII is the common case: nothing to map, nothing forbidden.
func isPlainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isAllowed(s string) bool {
	for _, r := range s {
		if unicode.Is(prohibited, r) || unicode.IsControl(r) || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Noncharacter_Code_Point, r) {
			return false
		}
	}
	return true
}

// isBidiClean is RFC 3454 §6: text with a right-to-left letter has no left-to-right
// one, and begins and ends with a right-to-left one.
func isBidiClean(s string) bool {
	var left, right, first, last bool
	for i, r := range s {
		p, _ := bidi.LookupRune(r)
		last = p.Class() == bidi.R || p.Class() == bidi.AL
		left = left || p.Class() == bidi.L
		right = right || last
		first = first || i == 0 && last
	}
	return !right || first && last && !left
}

// Tables of RFC 3454 that RFC 4013 names and package unicode doesn't have.
var (
	// otherSpaces is C.1.2, mapped to SPACE (RFC 4013 §2.1).
	otherSpaces = &unicode.RangeTable{R16: []unicode.Range16{
		{Lo: 0x00a0, Hi: 0x00a0, Stride: 1}, {Lo: 0x1680, Hi: 0x1680, Stride: 1}, {Lo: 0x2000, Hi: 0x200b, Stride: 1},
		{Lo: 0x202f, Hi: 0x202f, Stride: 1}, {Lo: 0x205f, Hi: 0x205f, Stride: 1}, {Lo: 0x3000, Hi: 0x3000, Stride: 1},
	}, LatinOffset: 1}
	// mappedToNothing is B.1 (RFC 4013 §2.1).
	mappedToNothing = &unicode.RangeTable{R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1}, {Lo: 0x034f, Hi: 0x034f, Stride: 1}, {Lo: 0x1806, Hi: 0x1806, Stride: 1},
		{Lo: 0x180b, Hi: 0x180d, Stride: 1}, {Lo: 0x200c, Hi: 0x200d, Stride: 1}, {Lo: 0x2060, Hi: 0x2060, Stride: 1},
		{Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}, {Lo: 0xfeff, Hi: 0xfeff, Stride: 1},
	}, LatinOffset: 1}
	// prohibited is C.2.2 and C.5 to C.9 (RFC 4013 §2.3), without what IsControl, Co and Noncharacter_Code_Point hold.
	prohibited = &unicode.RangeTable{R16: []unicode.Range16{
		{Lo: 0x0340, Hi: 0x0341, Stride: 1}, {Lo: 0x06dd, Hi: 0x06dd, Stride: 1}, {Lo: 0x070f, Hi: 0x070f, Stride: 1}, {Lo: 0x180e, Hi: 0x180e, Stride: 1},
		{Lo: 0x200e, Hi: 0x200f, Stride: 1}, {Lo: 0x2028, Hi: 0x202e, Stride: 1}, {Lo: 0x2061, Hi: 0x2063, Stride: 1}, {Lo: 0x206a, Hi: 0x206f, Stride: 1},
		{Lo: 0x2ff0, Hi: 0x2ffb, Stride: 1}, {Lo: 0xfff9, Hi: 0xfffd, Stride: 1},
	}, R32: []unicode.Range32{
		{Lo: 0x1d173, Hi: 0x1d17a, Stride: 1}, {Lo: 0xe0001, Hi: 0xe0001, Stride: 1}, {Lo: 0xe0020, Hi: 0xe007f, Stride: 1},
	}}
)
