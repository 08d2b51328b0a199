package spam

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"tegami/wire/mime"
)

// Limits of what is read as words.
const (
	MaxTokens  = 4096      // tokens of a message
	maxText    = 256 << 10 // octets of one text that are read
	maxPaired  = 800       // words of a text that are paired with their neighbours
	maxWord    = 24        // letters of a word; longer ones are all alike
	pairWindow = 3         // how far apart the words of a pair may stand
)

// Kinds of tokens: the same word counts apart in each. A token's highest four bits are its kind.
const (
	inBody    = iota
	inPair    // two words of the body
	inSubject // with its pairs
	inName    // of the author, as shown
	inAuthor  // the author's address
	inLink
	inForm // traits of header and structure
	inMarkup
	inFile
	kinds

	kindShift = 60
)

// kindOf is a token's kind.
func kindOf(token uint64) uint8 { return uint8(token >> kindShift) }

// ofKind makes a token of a hash.
func ofKind(kind byte, h uint64) uint64 { return mixed(h)>>4 | uint64(kind)<<kindShift }

// fnv is FNV-1a of 64 bits: what is stored must be the same in every process and for all times.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hash(kind byte, word string) uint64 {
	h := (uint64(fnvOffset) ^ uint64(kind)) * fnvPrime
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * fnvPrime
	}
	return ofKind(kind, h)
}

// hashPair is the token of two words some words apart.
func hashPair(a, b uint64, apart int) uint64 {
	kind := kindOf(b)
	if kind == inBody {
		kind = inPair
	}
	return ofKind(kind, a*3+b*5+uint64(apart)*fnvPrime)
}

// mixed spreads a hash over all its bits (the finaliser of MurmurHash3).
func mixed(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// tokenSet holds each token once, in open addressing.
type tokenSet struct {
	slots []uint64
	n     int
}

func newTokenSet() *tokenSet { return &tokenSet{slots: make([]uint64, 2*MaxTokens)} }

// add tells whether the token is new.
func (s *tokenSet) add(token uint64) bool {
	if token == 0 || s.n >= MaxTokens {
		return false
	}
	for i := token; ; i++ {
		slot := &s.slots[i%uint64(len(s.slots))]
		switch *slot {
		case token:
			return false
		case 0:
			*slot = token
			s.n++
			return true
		}
	}
}

func (s *tokenSet) sorted() []uint64 {
	list := make([]uint64, 0, s.n)
	for _, t := range s.slots {
		if t != 0 {
			list = append(list, t)
		}
	}
	slices.Sort(list)
	return list
}

// reader makes tokens of texts.
type reader struct {
	tokens *tokenSet
	near   simhash
	last   [pairWindow]uint64 // words before, the last first
	paired int
	folded []byte
}

// text counts the words of a text and the pairs they make.
func (r *reader) text(kind byte, text string) {
	text = text[:min(len(text), maxText)]
	var fold mime.Folder
	r.folded = fold.Append(r.folded[:0], []byte(text), true)
	r.pause()
	r.paired = 0
	r.words(kind, r.folded)
}

// pause forgets the words before: what follows does not belong to them.
func (r *reader) pause() { clear(r.last[:]) }

// word counts one word; pairs are made of body and subject only.
func (r *reader) word(kind byte, h uint64) {
	r.tokens.add(h)
	if kind != inBody && kind != inSubject {
		return
	}
	if kind == inBody {
		r.near.add(h)
	}
	if r.paired++; r.paired <= maxPaired {
		for i, before := range r.last {
			if before != 0 {
				r.tokens.add(hashPair(before, h, i))
			}
		}
	}
	copy(r.last[1:], r.last[:pairWindow-1])
	r.last[0] = h
}

// words splits folded text: runs of letters of alphabets, numbers by their length, and scripts without spaces by characters.
func (r *reader) words(kind byte, b []byte) {
	for at := 0; at < len(b); {
		c := b[at]
		var n int
		switch {
		case 'a' <= c && c <= 'z':
			n = r.latin(kind, b[at:])
		case '0' <= c && c <= '9':
			n = r.number(kind, b[at:])
		case c == '$' || c == '%':
			r.word(kind, hash(kind, string(c)))
			n = 1
		case c == '!' && at+1 < len(b) && b[at+1] == '!':
			n = run(b[at:], '!')
			r.word(kind, hash(kind, "!!"))
		case c < utf8.RuneSelf:
			n = 1
		default:
			n = r.wide(kind, b[at:])
		}
		at += n
	}
}

func run(b []byte, c byte) (n int) {
	for n < len(b) && b[n] == c {
		n++
	}
	return n
}

// latin reads a word of ASCII letters with digits, apostrophes and hyphens inside, and letters of other alphabets that follow.
func (r *reader) latin(kind byte, b []byte) int {
	n, h := 0, (uint64(fnvOffset)^uint64(kind))*fnvPrime
	for n < len(b) {
		c := b[n]
		inner := (c == '\'' || c == '-') && n+1 < len(b) && 'a' <= b[n+1] && b[n+1] <= 'z'
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || inner) {
			break
		}
		h = (h ^ uint64(c)) * fnvPrime
		n++
	}
	switch {
	case n > maxWord:
		r.tokens.add(hash(kind, "long word"))
		r.pause()
	case n > 1:
		r.word(kind, ofKind(kind, h))
	}
	return n
}

// number counts a number by how long it is: dates and sums differ from mail to mail.
func (r *reader) number(kind byte, b []byte) int {
	n, digits := 0, 0
	for n < len(b) && ('0' <= b[n] && b[n] <= '9' || (b[n] == ',' || b[n] == '.') && n+1 < len(b) && '0' <= b[n+1] && b[n+1] <= '9') {
		if b[n] >= '0' {
			digits++
		}
		n++
	}
	r.word(kind, hash(kind, "0000000000000"[:min(digits, 13)]))
	return n
}

// scripts of characters, as far as they are read differently.
const (
	scriptNone = iota
	scriptKana // hiragana
	scriptKata
	scriptHan
	scriptOther // alphabets beyond ASCII
)

func scriptOf(c rune) int {
	switch {
	case 0x3041 <= c && c <= 0x309f:
		return scriptKana
	case 0x30a0 <= c && c <= 0x30ff:
		return scriptKata
	case 0x4e00 <= c && c <= 0x9fff, c == '々', 0x3400 <= c && c <= 0x4dbf, 0xf900 <= c && c <= 0xfaff, 0xac00 <= c && c <= 0xd7a3:
		return scriptHan
	case unicode.IsLetter(c):
		return scriptOther
	}
	return scriptNone
}

// wide reads a run of characters of one script. Of Japanese, each two neighbours are a token, and the run is a word where it is no
// hiragana: these are mostly endings.
func (r *reader) wide(kind byte, b []byte) int {
	first, n := utf8.DecodeRune(b)
	script := scriptOf(first)
	if script == scriptNone {
		r.symbol(kind, first)
		return n
	}
	before, letters := first, 1
	for n < len(b) {
		c, size := utf8.DecodeRune(b[n:])
		if s := scriptOf(c); s != script && !(script == scriptOther && c < utf8.RuneSelf && unicode.IsLetter(c)) {
			if s != scriptNone && s != scriptOther && script != scriptOther {
				r.tokens.add(bigram(kind, before, c))
			}
			break
		}
		if script != scriptOther {
			r.tokens.add(bigram(kind, before, c))
		}
		before, n, letters = c, n+size, letters+1
	}
	switch {
	case letters > maxWord:
		r.pause()
	case script == scriptKana:
	default:
		r.word(kind, hash(kind, string(b[:n])))
	}
	return n
}

// symbol counts signs that speak: arrows, stars and squares of advertising, emoji.
func (r *reader) symbol(kind byte, c rune) {
	if unicode.IsSymbol(c) {
		r.tokens.add(bigram(kind, c, 0))
	}
}

func bigram(kind byte, a, b rune) uint64 {
	return ofKind(kind, uint64(a)<<24^uint64(b))
}
