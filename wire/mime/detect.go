package mime

import (
	"bytes"
	"unicode/utf8"
)

// detect tells the charset of octets under a label, and whether the label had to be
// overruled (§14.2). final tells that b is all there is, not a sample that may end inside
// a character.
func detect(label string, b []byte, final bool) (cs *charset, guessed bool) {
	cs = findCharset(label)
	switch {
	case cs == nil || cs.name == ASCII:
		return detectUnlabelled(cs, b, final)
	case cs.name == UTF8:
		return overrule(cs, detectUTF8(b, final))
	case cs.name == ISO2022JP:
		return overrule(cs, detectISO2022JP(b, final))
	case hasEscape(b) && cs.ascii && is7bit(b):
		return charsetOf(ISO2022JP), true
	case cs.name == ShiftJIS:
		return overrule(cs, detectJapanese(b, final, ShiftJIS, EUCJP))
	case cs.name == EUCJP:
		return overrule(cs, detectJapanese(b, final, EUCJP, ShiftJIS))
	}
	return cs, false
}

// charsetOf gives a charset of the table by its name.
func charsetOf(name string) *charset { return charsetByKey[charsetKey(name)] }

// overrule puts the charset of a name in cs's place, if it is another.
func overrule(cs *charset, name string) (*charset, bool) {
	if name == "" || name == cs.name {
		return cs, false
	}
	return charsetOf(name), true
}

// detectUnlabelled is rule (a) and the rules for raw 8-bit text.
func detectUnlabelled(cs *charset, b []byte, final bool) (*charset, bool) {
	switch {
	case is7bit(b):
		if hasEscape(b) {
			return charsetOf(ISO2022JP), true
		}
		if cs == nil {
			cs = charsetOf(ASCII)
		}
		return cs, false
	case isUTF8(b, final):
		return charsetOf(UTF8), true
	case hasEscape(b):
		return charsetOf(ISO2022JP), true
	}
	return charsetOf(guess8bit(b, final)), true
}

// guess8bit chooses among the charsets of Japan, and windows-1252 where none fits.
func guess8bit(b []byte, final bool) string {
	sjis, euc := scoreShiftJIS(b, final), scoreEUCJP(b, final)
	switch {
	case sjis <= 0 && euc <= 0:
		return "windows-1252"
	case euc >= sjis:
		return EUCJP
	}
	return ShiftJIS
}

// detectUTF8 is rule (b).
func detectUTF8(b []byte, final bool) string {
	switch {
	case is7bit(b):
		if hasEscape(b) {
			return ISO2022JP
		}
		return UTF8
	case isUTF8(b, final) || mostlyUTF8(b) || cutUTF8(b):
		return UTF8
	}
	if g := guess8bit(b, final); g != "windows-1252" {
		return g
	}
	if multibyteUTF8(b) > 0 {
		return UTF8
	}
	return "windows-1252"
}

// detectISO2022JP is rule (c). 8-bit octets beside escape sequences are kana (T2).
func detectISO2022JP(b []byte, final bool) string {
	switch {
	case is7bit(b) || hasEscape(b):
		return ISO2022JP
	case isUTF8(b, final):
		return UTF8
	}
	if g := guess8bit(b, final); g != "windows-1252" {
		return g
	}
	return ISO2022JP
}

// detectJapanese is rule (d): the label stands unless its charset does not fit and another does.
func detectJapanese(b []byte, final bool, label, other string) string {
	score := map[string]int{ShiftJIS: scoreShiftJIS(b, final), EUCJP: scoreEUCJP(b, final)}
	switch {
	case is7bit(b):
		return label
	case isUTF8(b, final) && multibyteUTF8(b) >= 2 && score[label] < 2*multibyteUTF8(b):
		return UTF8
	case score[label] <= 0 && score[other] > 0:
		return other
	}
	return label
}

func is7bit(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// hasEscape tells whether b has an escape sequence of ISO-2022-JP (RFC 1468, RFC 1554, and kana).
func hasEscape(b []byte) bool {
	for {
		i := bytes.IndexByte(b, esc)
		if i < 0 || len(b)-i < 3 {
			return false
		}
		switch string(b[i+1 : i+3]) {
		case "$B", "$@", "$(", "(I", "(J":
			return true
		}
		b = b[i+1:]
	}
}

// isUTF8 tells whether b is UTF-8; a sample may end inside a character.
func isUTF8(b []byte, final bool) bool {
	if !final {
		for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
			if c := b[len(b)-i]; utf8.RuneStart(c) {
				if !utf8.FullRune(b[len(b)-i:]) {
					b = b[:len(b)-i]
				}
				break
			}
		}
	}
	return utf8.Valid(b)
}

// multibyteUTF8 counts the characters beyond ASCII that are well-formed UTF-8.
func multibyteUTF8(b []byte) (n int) {
	good, _ := countUTF8(b)
	return good
}

func countUTF8(b []byte) (good, bad int) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			good++
		}
		b = b[size:]
	}
	return good, bad
}

// mostlyUTF8 tells that b is UTF-8 with a few damaged characters, as a cut line leaves them.
func mostlyUTF8(b []byte) bool {
	good, bad := countUTF8(b)
	return good > 4*bad
}

// cutUTF8 tells that b is UTF-8 but for its last character, of which two octets or more are there.
func cutUTF8(b []byte) bool {
	return isUTF8(b, false) && len(b) > 1 && !utf8.RuneStart(b[len(b)-1])
}

// scoreShiftJIS is 0 or less if b is not Shift_JIS, else larger the more it looks like Japanese.
func scoreShiftJIS(b []byte, final bool) int {
	score := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
		case 0xa1 <= c && c <= 0xdf:
			// Half-width kana count for nothing: as a pair they may be anything of EUC-JP.
		case shiftLead(c) && i+1 < len(b):
			d := b[i+1]
			if d < 0x40 || d == 0x7f || d > 0xfc {
				return 0
			}
			score += shiftWeight(c, d)
			i++
		case shiftLead(c) && !final:
		default:
			return 0
		}
	}
	if score == 0 { // nothing but half-width kana, if anything
		return kanaOnly(b)
	}
	return score
}

// kanaOnly is 1 if b could be half-width kana in Shift_JIS: several together.
func kanaOnly(b []byte) int {
	run := 0
	for _, c := range b {
		if c < 0xa1 || c > 0xdf {
			run = 0
		} else if run++; run >= 3 {
			return 1
		}
	}
	return 0
}

// shiftWeight is how common a pair of Shift_JIS is: kana, then kanji of level 1. Rare kanji
// and the user's own area, which other charsets hit by chance, weigh against it.
func shiftWeight(c, d byte) int {
	switch {
	case c == 0x82 && d >= 0x9f && d <= 0xf1, c == 0x83 && d <= 0x96:
		return 3
	case c == 0x81, c == 0x82, c >= 0x88 && c <= 0x97:
		return 2
	case c <= 0x9f:
		return 1
	case c < 0xf0:
		return -1
	}
	return -3
}

// scoreEUCJP is 0 if b is not EUC-JP, else larger the more it looks like Japanese.
func scoreEUCJP(b []byte, final bool) int {
	score := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 0x80 {
			continue
		}
		n := 1
		switch {
		case c == 0x8f:
			n = 2
		case c == 0x8e, 0xa1 <= c && c <= 0xfe:
		default:
			return 0
		}
		if i+n >= len(b) {
			if final {
				return 0
			}
			break
		}
		for j := 1; j <= n; j++ {
			if d := b[i+j]; d < 0xa1 || d == 0xff {
				return 0
			}
		}
		score += eucWeight(c, b[i+1])
		i += n
	}
	return score
}

func eucWeight(c, d byte) int {
	switch {
	case c == 0xa4 && d <= 0xf3, c == 0xa5 && d <= 0xf6:
		return 3
	case c == 0xa1, c == 0xa3, c >= 0xb0 && c <= 0xcf:
		return 2
	case c >= 0xd0 && c <= 0xf4:
		return 1
	}
	return 0
}
