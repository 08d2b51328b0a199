package mime

import (
	"bytes"
	"io"

	"golang.org/x/text/transform"
)

// DecodedReader gives a part's content: raw, which reads the part's body, with its transfer
// encoding undone. It is lenient and never fails by itself: base64 passes over whatever is
// none, quoted-printable keeps what is malformed, and an encoding that is unknown is taken
// as none. That base64 is decoded at any price is on purpose: a scanner must see what a
// mail program might. The error is raw's.
func DecodedReader(p *Part, raw io.Reader) io.Reader {
	switch p.Encoding {
	case "base64":
		return transform.NewReader(raw, &base64Decoder{})
	case "quoted-printable":
		return transform.NewReader(raw, quotedDecoder{})
	case "x-uuencode":
		return transform.NewReader(raw, &uuDecoder{})
	}
	return raw
}

// base64Decoder decodes base64 (RFC 2045 §6.8). Padding ends a quantum wherever it stands.
type base64Decoder struct {
	bits uint32 // not written yet
	n    int    // how many characters they are
}

// base64Values gives the value of each octet, 0x40 for padding, 0x80 for what is passed over.
var base64Values = makeBase64Values()

func makeBase64Values() (t [256]byte) {
	for c := range t {
		t[c] = 0x80
		if v := base64Value(byte(c)); v >= 0 {
			t[c] = byte(v)
		}
	}
	t['='] = 0x40
	return t
}

// Reset implements transform.Transformer.
func (d *base64Decoder) Reset() { *d = base64Decoder{} }

// Transform implements transform.Transformer.
func (d *base64Decoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if len(dst)-nDst < 3 {
			return nDst, nSrc, transform.ErrShortDst
		}
		if d.n == 0 && len(src)-nSrc >= 4 {
			a, b, c, e := base64Values[src[nSrc]], base64Values[src[nSrc+1]], base64Values[src[nSrc+2]], base64Values[src[nSrc+3]]
			if a|b|c|e < 0x40 {
				v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(e)
				dst[nDst], dst[nDst+1], dst[nDst+2] = byte(v>>16), byte(v>>8), byte(v)
				nDst, nSrc = nDst+3, nSrc+4
				continue
			}
		}
		nDst += d.add(dst[nDst:], base64Values[src[nSrc]])
		nSrc++
	}
	if atEOF {
		if len(dst)-nDst < 3 {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += d.flush(dst[nDst:])
	}
	return nDst, nSrc, nil
}

// add takes the value of one octet and writes up to three octets when a quantum is complete.
func (d *base64Decoder) add(dst []byte, v byte) int {
	switch {
	case v < 0x40:
		d.bits, d.n = d.bits<<6|uint32(v), d.n+1
		if d.n == 4 {
			return d.flush(dst)
		}
	case v == 0x40:
		return d.flush(dst)
	}
	return 0
}

// flush writes the whole octets there are; a character alone is dropped.
func (d *base64Decoder) flush(dst []byte) int {
	v, n := d.bits<<(6*(4-d.n)), d.n
	*d = base64Decoder{}
	if n < 2 {
		return 0
	}
	dst[0], dst[1], dst[2] = byte(v>>16), byte(v>>8), byte(v)
	return n - 1
}

// quotedDecoder decodes quoted-printable (RFC 2045 §6.7).
type quotedDecoder struct{}

// maxQuotedSpace is how much white space is looked past for the end of its line, in octets.
const maxQuotedSpace = 512

// Reset implements transform.Transformer.
func (quotedDecoder) Reset() {}

// Transform implements transform.Transformer.
func (quotedDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		n := bytes.IndexAny(src[nSrc:], "= \t")
		if n < 0 {
			n = len(src) - nSrc
		}
		if n > 0 {
			m := copy(dst[nDst:], src[nSrc:nSrc+n])
			nDst, nSrc = nDst+m, nSrc+m
			if m < n {
				return nDst, nSrc, transform.ErrShortDst
			}
			continue
		}
		text, n, short := quotedUnit(src[nSrc:], atEOF)
		if short {
			return nDst, nSrc, transform.ErrShortSrc
		}
		if len(dst)-nDst < len(text) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copy(dst[nDst:], text)
		nSrc += n
	}
	return nDst, nSrc, nil
}

// quotedUnit reads what begins with "=" or white space: its text and its length in src.
// It is short when what follows decides but is not there.
func quotedUnit(src []byte, atEOF bool) (text []byte, n int, short bool) {
	if src[0] == '=' && len(src) > 2 {
		if hi, lo := unhex(src[1]), unhex(src[2]); hi >= 0 && lo >= 0 {
			return []byte{byte(hi<<4 | lo)}, 3, false
		}
	}
	end := 1
	for end < len(src) && end < maxQuotedSpace && (src[end] == ' ' || src[end] == '\t') {
		end++
	}
	rest := src[end:]
	if len(rest) < 2 && !atEOF && end < maxQuotedSpace && (len(rest) == 0 || rest[0] == '\r' || src[0] == '=' && end == 1) {
		return nil, 0, true
	}
	eol := 0
	switch {
	case len(rest) > 0 && rest[0] == '\n':
		eol = 1
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
		eol = 2
	case len(rest) == 0 && atEOF, len(rest) == 1 && rest[0] == '\r' && atEOF:
	default:
		return src[:end], end, false
	}
	if src[0] == '=' { // a soft line break
		return nil, end + eol, false
	}
	return rest[:eol], end + eol, false // white space at the end of a line is no text
}

// uuDecoder decodes what stands between "begin" and "end" lines.
type uuDecoder struct {
	inside bool
}

// Reset implements transform.Transformer.
func (d *uuDecoder) Reset() { *d = uuDecoder{} }

// Transform implements transform.Transformer.
func (d *uuDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		line := src[nSrc:]
		n := bytes.IndexByte(line, '\n') + 1
		if n == 0 {
			if !atEOF && len(line) < maxHeldLine {
				return nDst, nSrc, transform.ErrShortSrc
			}
			n = len(line)
		}
		line = bytes.TrimRight(line[:n], "\r\n")
		if len(dst)-nDst < maxUULine {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += d.line(dst[nDst:], line)
		nSrc += n
	}
	return nDst, nSrc, nil
}

// maxUULine is how many octets one line can stand for.
const maxUULine = 63

func (d *uuDecoder) line(dst, line []byte) int {
	switch {
	case !d.inside:
		d.inside = bytes.HasPrefix(line, []byte("begin "))
		return 0
	case string(line) == "end":
		d.inside = false
		return 0
	case len(line) == 0:
		return 0
	}
	want := int(line[0]-' ') & 0x3f
	n := 0
	for src := line[1:]; n < want; { // spaces lost at the end of a line are zeros
		var v uint32
		for i := range 4 {
			v <<= 6
			if i < len(src) {
				v |= uint32(src[i]-' ') & 0x3f
			}
		}
		src = src[min(4, len(src)):]
		for i := 16; i >= 0 && n < want; i -= 8 {
			dst[n] = byte(v >> i)
			n++
		}
	}
	return n
}
