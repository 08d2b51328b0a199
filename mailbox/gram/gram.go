// Package gram cuts texts into grams for the full-text index: stretches so short that every text that contains
// a needle has all grams of the needle.
//
// A text is first read as letters (letter.go): characters without case, width and marks, compatibility forms
// undone, white space left out. Each character gives the same letters wherever it stands, so the letters of a part of
// a text are a part of its letters, whatever forms both are normalized to, and a word that a line end broke is whole.
//
// A gram is the shortest run of letters from some place on that weighs three: a letter of an alphabet weighs one, one
// of the scripts without spaces two, a picture three. So Latin text is cut into trigrams and Japanese into
// bigrams. Each kanji is a gram by itself as well: who looks for one character looks for a kanji.
//
// A gram becomes a number by a hash. Two that have the same one only let the index propose a message too many.
package gram

import (
	"math/rand/v2"
	"unicode/utf8"
)

// Set collects the grams of one message, each once. The zero value is empty. Use from one goroutine.
type Set struct {
	keys []uint32
	// seen is an open hash table of keys, of which those of an older age are not there.
	seen []slot
	age  uint32
	mix  uint64 // makes places of keys: random, so that no text can be written whose grams all want the same place

	a, b letter // the last two letters of this stretch, 0 where there were none
	tail []byte // the beginning of a character whose end did not come yet

	joined bool // kanji by themselves are left out
}

type slot struct{ age, key uint32 }

// firstSlots is how many slots a table has first. It doubles when half of them are taken.
const firstSlots = 1 << 12

// Reset empties the set, keeping its memory.
func (s *Set) Reset() {
	s.keys = s.keys[:0]
	if s.mix == 0 {
		s.mix = rand.Uint64() | 1
	}
	if s.age++; s.age == 0 || s.seen == nil {
		s.seen, s.age = make([]slot, max(firstSlots, len(s.seen))), 1
	}
	s.Cut()
}

// Len is how many grams there are.
func (s *Set) Len() int { return len(s.keys) }

// Keys gives the grams, in no order. They are the set's until Reset.
func (s *Set) Keys() []uint32 { return s.keys }

// Cut ends a stretch of text: nothing is looked for across it.
func (s *Set) Cut() { s.a, s.b, s.tail = 0, 0, s.tail[:0] }

// Write adds text in UTF-8, going on with the stretch. What is no UTF-8 is U+FFFD.
func (s *Set) Write(text []byte) (int, error) {
	n := len(text)
	if len(s.tail) > 0 {
		text = s.join(text)
	}
	for len(text) > 0 {
		if c := text[0]; c < utf8.RuneSelf {
			if l := ascii[c]; l != 0 {
				s.put(l)
			}
			text = text[1:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 && !utf8.FullRune(text) {
			s.tail = append(s.tail[:0], text...)
			break
		}
		s.rune(r)
		text = text[size:]
	}
	return n, nil
}

// join ends the character that was cut, and gives the text behind it.
func (s *Set) join(text []byte) []byte {
	for len(text) > 0 && !utf8.FullRune(s.tail) {
		s.tail = append(s.tail, text[0])
		text = text[1:]
	}
	if !utf8.FullRune(s.tail) {
		return nil
	}
	whole := s.tail
	s.tail = nil
	s.Write(whole)
	return text
}

// WriteString is Write for a string.
func (s *Set) WriteString(text string) {
	for _, r := range text {
		if r < utf8.RuneSelf {
			if l := ascii[r]; l != 0 {
				s.put(l)
			}
			continue
		}
		s.rune(r)
	}
}

func (s *Set) rune(r rune) {
	entry, page := letters.of(r)
	switch {
	case entry == 0:
	case entry&several == 0:
		s.put(letter(entry))
	default:
		for _, l := range page.lists[entry&^several] {
			s.put(l)
		}
	}
}

// put adds the grams that end with a letter.
func (s *Set) put(c letter) {
	a, b := s.a, s.b
	s.a, s.b = b, c
	wc := c.weight()
	if wc >= full || c&han != 0 && !s.joined {
		s.add(key(0, 0, c))
	}
	if b == 0 || b.weight() >= full {
		return
	}
	if b.weight()+wc >= full {
		s.add(key(0, b, c))
	}
	if a != 0 && a.weight()+b.weight() < full {
		s.add(key(a, b, c))
	}
}

// key is the hash of a gram of up to three letters.
func key(a, b, c letter) uint32 {
	x := uint64(a&runeMask)<<(2*runeBits) | uint64(b&runeMask)<<runeBits | uint64(c&runeMask)
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return uint32(x >> 32)
}

// add notes a gram.
func (s *Set) add(k uint32) {
	mask := uint32(len(s.seen) - 1)
	i := uint32(uint64(k)*s.mix>>32) & mask
	for s.seen[i].age == s.age {
		if s.seen[i].key == k {
			return
		}
		i = (i + 1) & mask
	}
	s.seen[i] = slot{s.age, k}
	if s.keys = append(s.keys, k); len(s.keys) > len(s.seen)/2 {
		s.grow()
	}
}

func (s *Set) grow() {
	keys := s.keys
	s.seen, s.age, s.keys = make([]slot, 2*len(s.seen)), 1, make([]uint32, 0, 2*len(keys))
	for _, k := range keys {
		s.add(k)
	}
}

// ascii are the letters of ASCII.
var ascii = makeASCII()

func makeASCII() (t [utf8.RuneSelf]letter) {
	for c := byte('!'); c < 0x7f; c++ {
		first := c
		if 'a' <= c && c <= 'z' {
			first -= 'a' - 'A'
		}
		t[c] = letter(first) | narrow<<weightShift
	}
	return t
}

// Needle gives the grams that every text containing the needle has, in the order in which they end, without those that
// follow from others. None if the needle is too short: three letters of an alphabet, two of Japanese or one kanji are enough.
func Needle(needle string) []uint32 {
	for _, joined := range []bool{true, false} {
		s := Set{joined: joined}
		s.Reset()
		if s.WriteString(needle); s.Len() > 0 {
			return s.Keys()
		}
	}
	return nil
}
