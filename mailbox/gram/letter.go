package gram

import (
	"strings"
	"sync/atomic"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// letter is what of a character counts for finding it: the character without case, width, marks, with its weight.
type letter uint32

const (
	runeBits           = 21
	runeMask           = 1<<runeBits - 1
	weightShift        = runeBits
	han         letter = 1 << 23

	// Weights of letters. A gram weighs full.
	narrow, wide, full = 1, 2, 3
)

func (l letter) weight() int { return int(l>>weightShift) & 3 }

const (
	// several marks an entry that stands for more than one letter; the rest is the place of the list.
	several = 1 << 31
	pageLen = 256
	pages   = (unicode.MaxRune + 1) / pageLen
)

// page says what letters 256 characters give. An entry is a letter, 0 for none, or several with a place in lists.
type page struct {
	entries [pageLen]uint32
	lists   [][]letter
}

// table makes its pages when they are first needed.
type table [pages]atomic.Pointer[page]

var letters table

// of gives the entry of a character, and its page.
func (t *table) of(r rune) (uint32, *page) {
	if uint32(r) > unicode.MaxRune {
		return 0, nil
	}
	p := t[r/pageLen].Load()
	if p == nil {
		p = newPage(r / pageLen * pageLen)
		t[r/pageLen].Store(p)
	}
	return p.entries[r%pageLen], p
}

func newPage(first rune) *page {
	p := new(page)
	for i := range p.entries {
		switch list := lettersOf(first + rune(i)); len(list) {
		case 0:
		case 1:
			p.entries[i] = uint32(list[0])
		default:
			p.entries[i] = several | uint32(len(p.lists))
			p.lists = append(p.lists, list)
		}
	}
	return p
}

// lettersOf decomposes and folds a character and leaves out what has no shape of its own: white space,
// marks, controls. So the letters of a text do not depend on how it was normalized.
func lettersOf(r rune) []letter {
	s := string(r)
	if r == '\u301c' || r == '\uff5e' { // both are typed for the wave dash (DOMAIN.md §14.5)
		s = "~"
	}
	for range maxFolds {
		next := norm.NFKD.String(cases.Fold().String(norm.NFKD.String(s)))
		if next = norm.NFKD.String(strings.Map(firstOfCase, next)); next == s {
			break
		}
		s = next
	}
	var list []letter
	for _, r := range s {
		if !unicode.In(r, unicode.M, unicode.C, unicode.Z, unicode.White_Space) {
			list = append(list, letterOf(r))
		}
	}
	return list
}

// maxFolds is how often a character is folded until nothing changes; twice is enough for those there are.
const maxFolds = 4

// firstOfCase gives the lowest of the characters that differ in case only.
func firstOfCase(r rune) rune {
	first := r
	for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
		first = min(first, c)
	}
	return first
}

func letterOf(r rune) letter {
	l := letter(r)
	switch {
	case unicode.Is(unicode.Han, r):
		return l | wide<<weightShift | han
	case unicode.In(r, withoutSpaces...):
		return l | wide<<weightShift
	case r >= 0x2190 && unicode.In(r, unicode.So):
		return l | full<<weightShift // a picture says enough
	}
	return l | narrow<<weightShift
}

// withoutSpaces are scripts whose words have no spaces between them, or which have so many letters that two say as much as three
// of others.
var withoutSpaces = []*unicode.RangeTable{
	unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Yi,
	{R16: []unicode.Range16{{Lo: 0x3001, Hi: 0x303f, Stride: 1}, {Lo: 0x30fb, Hi: 0x30ff, Stride: 1}}},
}
