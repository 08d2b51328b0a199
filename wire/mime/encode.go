package mime

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Sizes of what is written, in octets.
const (
	maxWord      = 75  // of an encoded word (RFC 2047 §2)
	firstLine    = 60  // of a header field's first line beside its name
	nextLine     = 76  // of its other lines (RFC 2047 §2)
	maxPlainWord = 900 // of a word that is written as it is: with the field's name it fits a line
	maxTextLine  = 998 // of a line of text without its end (RFC 5322 §2.1.1)
	base64Line   = 76  // of a line of base64 (RFC 2045 §6.8)
)

// EncodeHeader writes text as the value of an unstructured field: as it is when it is
// ASCII, else in encoded words in the given charset (RFC 2047, B encoding), folded with
// CRLF and a space. Words end at character boundaries. The charsets are UTF-8 and
// ISO-2022-JP; text that ISO-2022-JP lacks is written in UTF-8 as a whole (T3, T4), and so
// is text for any other charset. A word that no line can hold is encoded too. Line ends in text become spaces.
func EncodeHeader(text, charset string) string {
	text = cleanText(text)
	if plainASCII(text) && !strings.Contains(text, "=?") && longestWord(text) <= maxPlainWord {
		return foldASCII(text)
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	prefix := plainPrefix(text)
	name, encode := "UTF-8", encodeUTF8
	if CharsetName(charset) == ISO2022JP {
		if _, ok := encodeISO2022JP(text); ok {
			name, encode = "ISO-2022-JP", encodeISO2022JP
			text = text[:len(prefix)] + jisText(text[len(prefix):])
		}
	}
	words := splitWords(text[len(prefix):], name, firstLine-len(prefix), maxWord, encode)
	return prefix + strings.Join(words, "\r\n ")
}

// longestWord is the length of what stands longest without a space.
func longestWord(s string) (n int) {
	for w := range strings.SplitSeq(s, " ") {
		n = max(n, len(w))
	}
	return n
}

func encodeUTF8(s string) ([]byte, bool) { return []byte(s), true }

// plainPrefix is the ASCII words that text begins with, such as "Re: ", if they fit on the first line.
func plainPrefix(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r >= 0x7f })
	if i := strings.Index(text, "=?"); i >= 0 && (end < 0 || i < end) {
		end = i
	}
	if end < 0 {
		return ""
	}
	end = strings.LastIndexByte(text[:end], ' ') + 1
	if end == 0 || end > firstLine/2 || end > 1 && text[end-2] == ' ' || text[0] == ' ' {
		return ""
	}
	return text[:end]
}

// splitWords writes text as encoded words, the first of at most first octets and the others of at
// most size, each with as many characters as fit.
func splitWords(text, charset string, first, size int, encode func(string) ([]byte, bool)) []string {
	frame := len("=??B??=") + len(charset)
	room := (first - frame) / 4 * 3
	var words []string
	var whole []byte // text[:at] encoded
	at := 0
	put := func() {
		words = append(words, "=?"+charset+"?B?"+base64.StdEncoding.EncodeToString(whole)+"?=")
		text, at = text[at:], 0
		room = (size - frame) / 4 * 3
	}
	for at < len(text) {
		_, n := utf8.DecodeRuneInString(text[at:])
		more, _ := encode(text[:at+n])
		if len(more) > room && at > 0 {
			put()
			continue
		}
		whole, at = more, at+n
	}
	if at > 0 {
		put()
	}
	return words
}

// foldASCII folds at spaces so that lines keep to their length where words allow it.
func foldASCII(s string) string {
	if len(s) <= firstLine {
		return s
	}
	var b strings.Builder
	for limit := firstLine; len(s) > limit; limit = nextLine - 1 {
		i := strings.LastIndexByte(s[:limit+1], ' ')
		for i > 0 && s[i-1] == ' ' {
			i-- // a line of nothing but spaces would end the header for some
		}
		if i <= 0 { // a word longer than the line: fold behind it
			n := strings.IndexByte(s[limit:], ' ')
			if n < 0 {
				break
			}
			i = limit + n
		}
		if strings.TrimLeft(s[i:], " ") == "" {
			break
		}
		b.WriteString(s[:i])
		b.WriteString("\r\n")
		s = s[i:]
	}
	b.WriteString(s)
	return b.String()
}

// EncodeText writes text as the body of a text part and tells the charset and the
// transfer encoding that have to stand in its header. ASCII stays as it is ("7bit").
// ISO-2022-JP is "7bit" too if it was asked for and has all characters and no line is too long; all
// else is UTF-8 in base64. Lines end in CRLF.
func EncodeText(text, charset string) (body []byte, name, encoding string) {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	if asciiText(text) && shortLines([]byte(text)) {
		return []byte(text), ASCII, "7bit"
	}
	if CharsetName(charset) == ISO2022JP && !strings.ContainsRune(text, 0) {
		if b, ok := encodeISO2022JPLines(text); ok && shortLines(b) {
			return b, ISO2022JP, "7bit"
		}
	}
	return appendBase64Lines(nil, []byte(text)), UTF8, "base64"
}

// asciiText tells that s is ASCII that 7bit allows: no NUL, no CR without LF (RFC 2045 §2.7), no escapes.
func asciiText(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80 || c == 0 || c == esc:
			return false
		case c == '\r' && (i+1 == len(s) || s[i+1] != '\n'):
			return false
		}
	}
	return true
}

func shortLines(b []byte) bool {
	n := 0
	for _, c := range b {
		switch {
		case c == '\n':
			n = 0
		case c != '\r':
			if n++; n > maxTextLine {
				return false
			}
		}
	}
	return true
}

func appendBase64Lines(dst, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), base64Line/4*3)
		dst = base64.StdEncoding.AppendEncode(dst, b[:n])
		dst = append(dst, '\r', '\n')
		b = b[n:]
	}
	return dst
}

// encodeISO2022JPLines encodes lines one by one, so that each ends in ASCII (RFC 1468).
func encodeISO2022JPLines(text string) ([]byte, bool) {
	var out []byte
	for line := range strings.Lines(text) {
		content := strings.TrimSuffix(line, "\r\n")
		b, ok := encodeISO2022JP(content)
		if !ok || strings.IndexByte(content, '\r') >= 0 || strings.IndexByte(content, '\n') >= 0 {
			return nil, false
		}
		out = append(out, b...)
		out = append(out, line[len(content):]...)
	}
	return out, true
}

// encodeISO2022JP encodes text in ISO-2022-JP, ending in ASCII. It is not ok when RFC 1468
// lacks a character: then nothing is replaced, and the caller sends UTF-8.
func encodeISO2022JP(text string) ([]byte, bool) {
	if strings.IndexByte(text, esc) >= 0 {
		return nil, false
	}
	b, err := japanese.ISO2022JP.NewEncoder().Bytes([]byte(jisText(text)))
	if err != nil || !onlyJISX0208(b) {
		return nil, false
	}
	if i := strings.LastIndex(string(b), "\x1b"); i >= 0 && string(b[i:min(i+3, len(b))]) != toASCII {
		b = append(b, toASCII...)
	}
	return b, true
}

// onlyJISX0208 tells that b uses the sets of RFC 1468 only, without the vendors' rows:
// 13 and above 84, which many programs cannot read.
func onlyJISX0208(b []byte) bool {
	double := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == esc && i+2 < len(b):
			double = b[i+1] == '$'
			if double && b[i+2] != 'B' || !double && b[i+2] != 'B' && b[i+2] != 'J' {
				return false
			}
			i += 2
		case double:
			if row := int(b[i]) - 0x20; row == 13 || row > 84 {
				return false
			}
			i++
		}
	}
	return true
}

// jisMap are characters for which JIS X 0208 has another code point in the tables of
// today's programs (T4).
var jisMap = map[rune]rune{
	'\u301c': '\uff5e', // 〜 wave dash: full-width tilde
	'\u2212': '\uff0d', // − minus sign
	'\u2016': '\u2225', // ‖ double vertical line
	'\u00a2': '\uffe0', // ¢
	'\u00a3': '\uffe1', // £
	'\u00ac': '\uffe2', // ¬
	'\u2014': '\u2015', // — em dash
}

// jisText makes text fit for ISO-2022-JP: half-width kana become full-width (T3), the
// characters of jisMap what JIS has for them, and what macOS decomposed is composed.
func jisText(s string) string {
	if plainASCII(s) {
		return s
	}
	var b strings.Builder
	for s = norm.NFC.String(s); s != ""; {
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch {
		case '\uff61' <= r && r <= '\uff9f':
			r, n = wideKana(r, s)
			s = s[n:]
		case jisMap[r] != 0:
			r = jisMap[r]
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wideKana makes a half-width kana full-width, with the voicing mark that follows it; n is the mark's length.
func wideKana(r rune, rest string) (wide rune, n int) {
	switch r {
	case '\uff9e':
		return '\u309b', 0
	case '\uff9f':
		return '\u309c', 0
	}
	wide = width.LookupRune(r).Wide()
	if wide == 0 {
		return r, 0
	}
	mark, n := utf8.DecodeRuneInString(rest)
	switch mark {
	case '\uff9e':
		mark = '\u3099'
	case '\uff9f':
		mark = '\u309a'
	default:
		return wide, 0
	}
	composed := norm.NFC.String(string(wide) + string(mark))
	if c, size := utf8.DecodeRuneInString(composed); size == len(composed) {
		return c, n
	}
	return wide, 0
}
