package mime

import (
	"unicode"
	"unicode/utf8"
)

// Searchable gives the form in which a search string is looked for in text of the same form: Normalize, and no white
// space beside a character of a script that is written without it, so that 社 外 秘 and a word broken by a line
// end are found (§14.5). Between words of other scripts one space stays, as RFC 9051 §6.4.4 asks for a substring.
func Searchable(s string) string {
	var f Folder
	return string(f.Append(make([]byte, 0, len(s)), []byte(s), true))
}

// A Folder brings a text into the form of Searchable, portion by portion. The zero Folder is at a text's start.
type Folder struct {
	rest    []byte // octets that were taken but are not sure yet
	begun   bool   // something was written
	spaced  bool   // white space was taken since
	compact bool   // the last character written is of a script without spaces
}

// Reset begins another text.
func (f *Folder) Reset() { *f = Folder{rest: f.rest[:0]} }

// Append takes a portion of the text and appends its form to dst, as far as it is certain; last tells that nothing follows,
// and begins anew.
func (f *Folder) Append(dst, src []byte, last bool) []byte {
	if len(f.rest) > 0 {
		f.rest = append(f.rest, src...)
		src = f.rest
	}
	dst, n := f.simple(dst, src, last)
	for n < len(src) {
		end := hardEnd(src, n, last)
		if end == n {
			break
		}
		dst = f.hard(dst, src[n:end])
		var more int
		dst, more = f.simple(dst, src[end:], last)
		n = end + more
	}
	f.rest = append(f.rest[:0], src[n:]...)
	if last {
		f.Reset()
	}
	return dst
}

// simpleASCII is what an octet below 0x80 becomes.
var simpleASCII = makeSimpleASCII()

// asciiSpace stands in simpleASCII for white space.
const asciiSpace = 0xff

func makeSimpleASCII() (t [256]byte) {
	for c := range 0x80 {
		t[c] = lower(byte(c))
	}
	for _, c := range []byte("\t\n\v\f\r ") {
		t[c] = asciiSpace
	}
	return t
}

// simple writes characters as long as each stands for itself, and gives how many octets of src it took. A character
// before one that is not simple stays: they may belong together.
func (f *Folder) simple(dst, src []byte, last bool) ([]byte, int) {
	i := 0
	for i < len(src) {
		if src[i] >= utf8.RuneSelf {
			if !simpleAt(src[i:]) || !alone(src, i+3, last) {
				break
			}
			f.spaced, f.begun, f.compact = false, true, true
			dst = append(dst, src[i:i+3]...)
			i += 3
			continue
		}
		end := i + 1
		for end < len(src) && src[end] < utf8.RuneSelf {
			end++
		}
		whole := end
		if !alone(src, end, last) {
			whole--
		}
		dst = f.ascii(dst, src[i:whole])
		if i = whole; whole < end {
			break
		}
	}
	return dst, i
}

// alone tells whether no character at i can belong to the simple one before it.
func alone(src []byte, i int, last bool) bool {
	if i == len(src) {
		return last
	}
	return src[i] < utf8.RuneSelf || simpleAt(src[i:])
}

// ascii writes characters of ASCII.
func (f *Folder) ascii(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		if simpleASCII[src[i]] == asciiSpace {
			f.spaced = true
			continue
		}
		if f.spaced {
			dst = f.space(dst, false)
		}
		for ; i < len(src); i++ {
			c := simpleASCII[src[i]]
			if c == asciiSpace {
				f.spaced = true
				break
			}
			dst = append(dst, c)
		}
		f.begun, f.compact = true, false
	}
	return dst
}

// simpleAt tells whether b begins with a character of three octets that Normalize leaves as it is, whatever stands before:
// kana, ideographs and their punctuation.
func simpleAt(b []byte) bool {
	if len(b) < 3 || b[0] < 0xe3 || b[0] > 0xe9 || b[1]&0xc0 != 0x80 || b[2]&0xc0 != 0x80 {
		return false
	}
	r := rune(b[0]&0x0f)<<12 | rune(b[1]&0x3f)<<6 | rune(b[2]&0x3f)
	switch {
	case 0x4e00 <= r && r <= 0x9fff, 0x3041 <= r && r <= 0x3096, 0x30a1 <= r && r <= 0x30fe, 0x3001 <= r && r <= 0x3002, 0x300c <= r && r <= 0x300f:
		return true
	}
	return false
}

// space writes the white space before a character.
func (f *Folder) space(dst []byte, compact bool) []byte {
	f.spaced = false
	if f.begun && !f.compact && !compact {
		dst = append(dst, ' ')
	}
	return dst
}

// maxHard is how much text without a simple character is normalised at once, in octets. What is longer is cut.
const maxHard = 4 << 10

// hardEnd gives where the run ends whose characters have to be normalised together: one character and those behind it that are
// not simple. It is start where more of the text is needed to know.
func hardEnd(src []byte, start int, last bool) int {
	i := start
	for i < len(src) && i-start < maxHard {
		if i > start && (src[i] < utf8.RuneSelf || simpleAt(src[i:])) {
			return i
		}
		if !last && !utf8.FullRune(src[i:]) {
			return start
		}
		_, n := utf8.DecodeRune(src[i:])
		i += n
	}
	if i == len(src) && !last && i-start < maxHard {
		return start
	}
	return i
}

// hard writes a run that needs the tables of Unicode.
func (f *Folder) hard(dst, run []byte) []byte {
	for _, r := range foldText(string(run)) {
		if unicode.IsSpace(r) {
			f.spaced = true
			continue
		}
		compact := compactRune(r)
		if f.spaced {
			dst = f.space(dst, compact)
		}
		f.begun, f.compact = true, compact
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// compactRune tells of characters of scripts that are written without spaces: ideographs, kana, bopomofo and their punctuation.
func compactRune(r rune) bool {
	switch {
	case r < 0x3001:
		return false
	case r <= 0x312f, 0x31a0 <= r && r <= 0x4dbf, 0x4e00 <= r && r <= 0x9fff, 0xf900 <= r && r <= 0xfaff, 0x20000 <= r && r <= 0x3ffff:
		return true
	}
	return false
}
