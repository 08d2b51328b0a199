package match

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"tegami/wire/mime"
)

// Needle is a string to look for.
type Needle struct {
	text    []byte
	Headers bool // it is looked for in header fields as well as in bodies

	ascii bool   // it can stand in a text that is ASCII
	probe []byte // the longest run of letters and digits of an ASCII needle: a text without it does not have the needle
	rare  int    // place of the rarest character in the probe
}

// Wanted is what is looked for in one place.
type Wanted struct {
	Phrase Needle
	Words  []Needle // where not the phrase, but all of these will do: its words
}

// NewNeedle makes a string ready to be looked for. It must be in the form of mime.Searchable.
func NewNeedle(text string) Needle {
	n := Needle{text: []byte(text), ascii: isASCII(text)}
	if !n.ascii {
		return n
	}
	for _, run := range bytes.FieldsFunc(n.text, func(r rune) bool { return !isLetterOrDigit(r) }) {
		if len(run) > len(n.probe) {
			n.probe = run
		}
	}
	for i, c := range n.probe {
		if rarity[c] > rarity[n.probe[n.rare]] {
			n.rare = i
		}
	}
	return n
}

func isLetterOrDigit(r rune) bool { return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' }

// rarity ranks characters by how seldom they are in mail; digits stand in the middle.
var rarity = makeRarity()

func makeRarity() (t [256]uint8) {
	for i, c := range []byte("etaoinsrhldcumfgpwybvk0123456789xjqz") {
		t[c] = uint8(i)
	}
	return t
}

// mayBeIn is false where the text of a header field, raw, cannot have what is wanted.
func (w *Wanted) mayBeIn(raw []byte) bool {
	if !plainHeader(raw) {
		return true
	}
	n := &w.Phrase
	return n.ascii && containsFold(raw, n.probe, n.rare)
}

// containsFold tells whether ASCII text has a string of small letters and digits, compared without case. rare is the place of
// a character in it that is seldom.
func containsFold(text, want []byte, rare int) bool {
	if len(want) == 0 {
		return true
	}
	small := want[rare]
	large := small
	if small >= 'a' {
		large -= 'a' - 'A'
	}
	nextSmall, nextLarge := -1, -1
	for at := rare; at <= len(text)-(len(want)-rare); at++ {
		if nextSmall < at {
			nextSmall = indexFrom(text, small, at)
		}
		if nextLarge < at {
			nextLarge = indexFrom(text, large, at)
		}
		if at = min(nextSmall, nextLarge); at > len(text)-(len(want)-rare) {
			return false
		}
		if equalFold(text[at-rare:at-rare+len(want)], want) {
			return true
		}
	}
	return false
}

// indexFrom gives the place of a character at or behind another place; the length of text where there is none.
func indexFrom(text []byte, c byte, at int) int {
	if i := bytes.IndexByte(text[at:], c); i >= 0 {
		return at + i
	}
	return len(text)
}

// equalFold compares text with a string of small letters and digits.
func equalFold(text, want []byte) bool {
	for i, c := range want {
		if t := text[i]; t != c && (c < 'a' || t != c-('a'-'A')) {
			return false
		}
	}
	return true
}

func isASCII[S ~string | ~[]byte](s S) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainText tells that octets are ASCII without escape sequences: text as it is in every charset that has ASCII.
func plainText(b []byte) bool {
	rest := b
	for ; len(rest) >= 8; rest = rest[8:] {
		if binary.LittleEndian.Uint64(rest)&0x8080808080808080 != 0 {
			return false
		}
	}
	return isASCII(rest) && bytes.IndexByte(b, 0x1b) < 0
}

// plainHeader tells that header text is as it is read: ASCII, without encoded words.
func plainHeader(raw []byte) bool { return plainText(raw) && !bytes.Contains(raw, encodedWord) }

var encodedWord = []byte("=?")

// Want makes what was asked for ready: text as it was written. With words, its words may stand anywhere.
func Want(text string, words bool) Wanted {
	form := mime.Searchable(text)
	w := Wanted{Phrase: NewNeedle(form)}
	if list := strings.Fields(form); words && len(list) > 1 {
		for _, word := range list {
			w.Words = append(w.Words, NewNeedle(word))
		}
	}
	return w
}
