package mime

import (
	"golang.org/x/text/transform"
)

// jisFilter makes ISO-2022-JP as it is found in mail fit for x/text's decoder (T2): kana
// under SO and SI (CP50222) and as raw 8-bit octets become ESC ( I, a line that does not
// end in ASCII is ended, and ESC ( H, which old programs wrote, becomes ESC ( J.
type jisFilter struct {
	set  string // the escape sequence in force, "" for ASCII
	kana bool   // under SO
	out  string // the escape sequence in force in the output
}

const (
	toASCII = "\x1b(B"
	toKana  = "\x1b(I"
)

// jisEscapes are the escape sequences the filter knows.
var jisEscapes = [...]string{"\x1b$B", "\x1b$@", "\x1b(B", "\x1b(J", "\x1b(I", "\x1b$(D", "\x1b(H", "\x1b$(B", "\x1b$(@", "\x1b$(Q", "\x1b$(O"}

// isRFC1468 tells that b is one line that needs no jisFilter.
func isRFC1468(b []byte) bool {
	for i, c := range b {
		switch {
		case c >= 0x80, c == 0x0e, c == 0x0f, c == '\n', c == '\r':
			return false
		case c == esc && (len(b)-i < 3 || !knownEscape(string(b[i:i+3]))):
			return false
		}
	}
	return true
}

// knownEscape tells of the escape sequences of RFC 1468.
func knownEscape(e string) bool {
	return e == "\x1b$B" || e == "\x1b$@" || e == toASCII || e == "\x1b(J"
}

// Reset implements transform.Transformer.
func (f *jisFilter) Reset() { *f = jisFilter{} }

// Transform implements transform.Transformer.
func (f *jisFilter) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if len(dst)-nDst < len(toASCII)+2 {
			return nDst, nSrc, transform.ErrShortDst
		}
		switch c := src[nSrc]; {
		case c == esc:
			n, short := f.escape(src[nSrc:], atEOF)
			if short {
				return nDst, nSrc, transform.ErrShortSrc
			}
			if n > 0 {
				nSrc += n
				continue
			}
			nDst += f.put(dst[nDst:], f.set, c)
		case c == 0x0e:
			f.kana = true
		case c == 0x0f:
			f.kana = false
		case c == '\n' || c == '\r':
			f.set, f.kana = "", false
			nDst += f.put(dst[nDst:], "", c)
		case f.kana && 0x21 <= c && c <= 0x5f, 0xa1 <= c && c <= 0xdf && !f.double():
			nDst += f.put(dst[nDst:], toKana, c&0x7f)
		default:
			nDst += f.put(dst[nDst:], f.set, c)
		}
		nSrc++
	}
	return nDst, nSrc, nil
}

// double tells whether a set of two octets is in force.
func (f *jisFilter) double() bool { return len(f.set) > 1 && f.set[1] == '$' }

// escape takes an escape sequence; n is 0 for one that is unknown.
func (f *jisFilter) escape(src []byte, atEOF bool) (n int, short bool) {
	for _, e := range jisEscapes {
		if len(src) >= len(e) && string(src[:len(e)]) == e {
			f.set, f.kana = canonicalEscape(e), false
			return len(e), false
		}
	}
	return 0, len(src) < 4 && !atEOF
}

func canonicalEscape(e string) string {
	switch e {
	case toASCII:
		return ""
	case "\x1b(H":
		return "\x1b(J"
	case "\x1b$(B", "\x1b$(Q", "\x1b$(O": // the first plane of JIS X 0213 holds JIS X 0208
		return "\x1b$B"
	case "\x1b$(@":
		return "\x1b$@"
	}
	return e
}

// put writes an octet in a set, and the escape sequence to it if the set is not in force.
func (f *jisFilter) put(dst []byte, set string, c byte) int {
	n := 0
	if f.out != set {
		f.out = set
		if set == "" {
			set = toASCII
		}
		n = copy(dst, set)
	}
	dst[n] = c
	return n + 1
}

// shiftFilter makes EUC of ISO-2022-KR and ISO-2022-CN (RFC 1557, RFC 1922): octets under SO get their high bit.
type shiftFilter struct{ shifted bool }

// Reset implements transform.Transformer.
func (f *shiftFilter) Reset() { *f = shiftFilter{} }

// Transform implements transform.Transformer.
func (f *shiftFilter) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		switch {
		case c == esc && len(src)-nSrc < 4 && !atEOF:
			return nDst, nSrc, transform.ErrShortSrc
		case c == esc && len(src)-nSrc >= 4 && src[nSrc+1] == '$' && src[nSrc+2] == ')':
			nSrc += 3
			continue
		case c == 0x0e:
			f.shifted = true
			continue
		case c == 0x0f:
			f.shifted = false
			continue
		case c == '\n':
			f.shifted = false
		case f.shifted && c > ' ' && c < 0x7f:
			c |= 0x80
		}
		dst[nDst] = c
		nDst++
	}
	return nDst, nSrc, nil
}
