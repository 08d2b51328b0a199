package mime

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// DecodeHeader gives the text of an unstructured field value: unfolded, encoded words
// decoded (RFC 2047), in UTF-8, without control characters. It is lenient: adjacent
// words of one charset are joined before their octets are decoded, so that a character
// may be split between them; base64 may lack padding; words may stand next to other text;
// raw 8-bit and raw ISO-2022-JP text is recognised (T9, §14.2).
func DecodeHeader(raw string) string {
	if plainASCII(raw) && !strings.Contains(raw, "=?") {
		return raw
	}
	raw = Unfold([]byte(raw))
	var d wordDecoder
	for raw != "" {
		i := strings.Index(raw, "=?")
		if i < 0 {
			break
		}
		w, rest, ok := cutWord(raw[i:])
		if !ok {
			d.text(raw[:i+2])
			raw = raw[i+2:]
			continue
		}
		d.text(raw[:i])
		d.word(w)
		raw = rest
	}
	d.text(raw)
	return cleanText(d.finish())
}

// plainASCII tells that s is printable ASCII and tabs only.
func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// cleanText puts spaces for control characters, which encoded text could carry in.
func cleanText(s string) string {
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", " ")
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0:
			return -1
		case control(r):
			return ' '
		}
		return r
	}, s)
}

func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// word is one encoded word.
type word struct {
	charset string // without RFC 2231's language
	base64  bool
	text    string
}

// maxReadWord is the longest encoded word that is read, in octets. RFC 2047 allows 75; many
// programs write whole subjects as one.
const maxReadWord = 16 << 10

// cutWord takes an encoded word off s, which begins with "=?". The last of a field may lack its end.
func cutWord(s string) (w word, rest string, ok bool) {
	charset, rest, ok := strings.Cut(s[2:], "?")
	if !ok || len(rest) < 2 || rest[1] != '?' || charset == "" || strings.ContainsAny(charset, " \t\"=") {
		return w, "", false
	}
	switch rest[0] {
	case 'b', 'B':
		w.base64 = true
	case 'q', 'Q':
	default:
		return w, "", false
	}
	w.charset, _, _ = strings.Cut(charset, "*")
	rest = rest[2:]
	text := rest[:min(len(rest), maxReadWord)]
	if i := strings.Index(text, "?="); i >= 0 {
		w.text = text[:i]
		return w, rest[i+2:], true
	}
	if len(text) < len(rest) || strings.ContainsAny(text, " \t") {
		return w, "", false
	}
	w.text = strings.TrimSuffix(text, "?")
	return w, "", true
}

// wordDecoder gathers a field's text.
type wordDecoder struct {
	out     strings.Builder
	plain   []byte   // text since the last word, not written yet
	charset string   // of the words that are gathered
	octets  []byte   // theirs
	base64  []string // of theirs, what is not decoded yet
	words   bool     // something is gathered
}

// text adds text that is no word.
func (d *wordDecoder) text(s string) { d.plain = append(d.plain, s...) }

// word adds an encoded word. White space between two words is not text (RFC 2047 §6.2).
func (d *wordDecoder) word(w word) {
	if !d.words || len(bytes.Trim(d.plain, " \t")) > 0 {
		d.flush()
		d.flushPlain()
	}
	d.plain = d.plain[:0]
	if d.words && !strings.EqualFold(d.charset, w.charset) {
		d.flush()
	}
	d.words, d.charset = true, w.charset
	if !w.base64 {
		d.flushBase64()
		d.octets = appendQ(d.octets, w.text)
		return
	}
	d.base64 = append(d.base64, w.text)
}

// flushBase64 decodes words one by one, as is right. If that is not UTF-8 but should be, the
// encoder may have split its base64 anywhere: then they are decoded as one.
func (d *wordDecoder) flushBase64() {
	if len(d.base64) == 0 {
		return
	}
	n := len(d.octets)
	for _, w := range d.base64 {
		d.octets = appendBase64(d.octets, w)
	}
	if len(d.base64) > 1 && CharsetName(d.charset) == UTF8 && !utf8.Valid(d.octets) {
		joined := appendBase64(slices.Clone(d.octets[:n]), strings.Join(d.base64, ""))
		if utf8.Valid(joined) {
			d.octets = joined
		}
	}
	d.base64 = d.base64[:0]
}

// flush writes the words that are gathered.
func (d *wordDecoder) flush() {
	if !d.words {
		return
	}
	d.flushBase64()
	s, _, _ := DecodeCharset(d.charset, d.octets)
	d.out.WriteString(s)
	d.words, d.octets = false, d.octets[:0]
}

func (d *wordDecoder) flushPlain() {
	s, _, _ := DecodeCharset("", d.plain)
	d.out.WriteString(s)
	d.plain = d.plain[:0]
}

func (d *wordDecoder) finish() string {
	d.flush()
	d.flushPlain()
	return d.out.String()
}

// appendQ decodes the Q encoding (RFC 2047 §4.2); what is malformed stays as it is.
func appendQ(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			dst = append(dst, ' ')
		case c == '=' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			dst = append(dst, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendBase64 decodes base64 and passes over whatever is none; padding may stand
// anywhere or be missing, and a lone character at the end is dropped. The URL alphabet
// counts as well.
func appendBase64(dst []byte, src string) []byte {
	dst = slices.Grow(dst, len(src)/4*3+3)
	var d base64Decoder
	var out [3]byte
	for i := range len(src) {
		c := src[i]
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		if n := d.add(out[:], base64Values[c]); n > 0 {
			dst = append(dst, out[:n]...)
		}
	}
	return append(dst, out[:d.flush(out[:])]...)
}
