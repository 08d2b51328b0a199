package sieve

import (
	"bytes"
	"strings"

	"golang.org/x/text/unicode/norm"

	"tegami/wire/mime"
)

// A comparator says when two strings are equal and which comes first (RFC 4790).
type comparator struct {
	name string
	// fold brings strings into the form in which they are compared octet by octet; nil where there is none, and
	// no part of a string can be compared.
	fold func(string) folded
	// compare tells which of two strings comes first.
	compare func(a, b string) int
	// caseless tells that regular expressions disregard case.
	caseless bool
}

// folded is a string in the form in which it is compared. at tells for each of its octets, and its end, where it came
// from; nil when they stand where they stood.
type folded struct {
	text string
	at   []int32
}

// origin gives the place in the original of a place in the folded string.
func (f folded) origin(i int) int {
	if f.at == nil {
		return i
	}
	return int(f.at[i])
}

// comparators are those that scripts may name with :comparator (RFC 5228 §2.7.3).
var comparators = []*comparator{asciiCasemap, octet, asciiNumeric, unicodeCasemap}

var (
	octet          = &comparator{name: "i;octet", fold: plain, compare: strings.Compare}
	asciiCasemap   = &comparator{name: "i;ascii-casemap", fold: foldASCII, compare: compareASCII, caseless: true}
	asciiNumeric   = &comparator{name: "i;ascii-numeric", compare: compareNumeric}
	unicodeCasemap = &comparator{name: "i;unicode-casemap", fold: foldUnicode, compare: compareUnicode, caseless: true}
)

func findComparator(name string) *comparator {
	for _, c := range comparators {
		if c.name == name {
			return c
		}
	}
	return nil
}

func plain(s string) folded { return folded{text: s} }

// foldASCII makes small letters of ASCII capitals (RFC 4790 §9.2 compares capitals, which is the same).
func foldASCII(s string) folded { return folded{text: lowerASCII(s)} }

// lowerASCII gives s itself when there is nothing to change.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return lowerFrom(s, i)
		}
	}
	return s
}

func lowerFrom(s string, i int) string {
	b := []byte(s)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - ('a' - 'A')
		}
		return r
	}, s)
}

func compareASCII(a, b string) int { return strings.Compare(lowerASCII(a), lowerASCII(b)) }

// compareNumeric compares the numbers strings begin with. A string that begins with none is more than every number
// (RFC 4790 §9.1).
func compareNumeric(a, b string) int {
	x, okX := leadingDigits(a)
	y, okY := leadingDigits(b)
	switch {
	case !okX && !okY:
		return 0
	case !okX:
		return 1
	case !okY:
		return -1
	case len(x) != len(y):
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}

// leadingDigits gives the digits s begins with, without zeros before them.
func leadingDigits(s string) (digits string, ok bool) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return strings.TrimLeft(s[:n], "0"), n > 0
}

// foldUnicode brings each character to title case and takes it apart (RFC 5051 §2): full-width letters and half-width
// katakana become the usual ones. What a wildcard stands for begins and ends where a character with its marks does.
func foldUnicode(s string) folded {
	if asciiOnly(s) {
		return folded{text: upperASCII(s)}
	}
	f := folded{at: make([]int32, 0, len(s)+1)}
	b := make([]byte, 0, len(s)+len(s)/2)
	for i := 0; i < len(s); {
		n := max(norm.NFKD.NextBoundaryInString(s[i:], true), 1)
		b = mime.AppendCasemap(b, s[i:i+n])
		for len(f.at) < len(b) {
			f.at = append(f.at, int32(i))
		}
		i += n
	}
	f.at = append(f.at, int32(len(s)))
	f.text = string(b)
	return f
}

func asciiOnly(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func compareUnicode(a, b string) int {
	return bytes.Compare(mime.AppendCasemap(nil, a), mime.AppendCasemap(nil, b))
}
