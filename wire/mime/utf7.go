package mime

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// utf7Decoder decodes UTF-7 (RFC 2152).
type utf7Decoder struct {
	shifted bool   // inside +...-
	begun   bool   // something stood there
	bits    uint32 // not used yet
	n       int    // how many
	high    rune   // a high surrogate that waits for its other half
}

// Reset implements transform.Transformer.
func (d *utf7Decoder) Reset() { *d = utf7Decoder{} }

// Transform implements transform.Transformer.
func (d *utf7Decoder) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		if len(dst)-nDst < 2*utf8.UTFMax {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		v := base64Value(c)
		switch {
		case !d.shifted && c == '+':
			*d = utf7Decoder{shifted: true}
		case !d.shifted && c < 0x80:
			dst[nDst] = c
			nDst++
		case !d.shifted:
			nDst += utf8.EncodeRune(dst[nDst:], utf8.RuneError)
		case v >= 0:
			d.begun = true
			nDst += d.add(dst[nDst:], uint32(v))
		default:
			nDst += d.unshift(dst[nDst:], c)
		}
	}
	return nDst, nSrc, nil
}

// unshift ends a shifted run at c, which is itself text unless it is the hyphen.
func (d *utf7Decoder) unshift(dst []byte, c byte) int {
	n := 0
	if d.high != 0 {
		n = utf8.EncodeRune(dst, utf8.RuneError)
	}
	empty := !d.begun
	*d = utf7Decoder{}
	switch {
	case c == '-' && empty:
		dst[n] = '+'
	case c == '-':
		return n
	case c >= 0x80:
		return n + utf8.EncodeRune(dst[n:], utf8.RuneError)
	default:
		dst[n] = c
	}
	return n + 1
}

// add takes six bits and writes a character when there are enough.
func (d *utf7Decoder) add(dst []byte, v uint32) int {
	d.bits, d.n = d.bits<<6|v, d.n+6
	if d.n < 16 {
		return 0
	}
	d.n -= 16
	r := rune(d.bits >> d.n & 0xffff)
	d.bits &= 1<<d.n - 1
	switch high := d.high; {
	case high != 0:
		d.high = 0
		return utf8.EncodeRune(dst, utf16.DecodeRune(high, r))
	case utf16.IsSurrogate(r):
		d.high = r
		return 0
	}
	return utf8.EncodeRune(dst, r)
}

func base64Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
