package text

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/transform"
)

// codePages are the code pages of Windows, DOS and the Macintosh in which Office documents hold text.
var codePages = map[int]encoding.Encoding{
	437: charmap.CodePage437, 850: charmap.CodePage850, 852: charmap.CodePage852, 855: charmap.CodePage855, 858: charmap.CodePage858,
	860: charmap.CodePage860, 862: charmap.CodePage862, 863: charmap.CodePage863, 865: charmap.CodePage865, 866: charmap.CodePage866,
	874: charmap.Windows874, 932: japanese.ShiftJIS, 936: simplifiedchinese.GBK, 949: korean.EUCKR, 950: traditionalchinese.Big5,
	1250: charmap.Windows1250, 1251: charmap.Windows1251, 1252: charmap.Windows1252, 1253: charmap.Windows1253, 1254: charmap.Windows1254,
	1255: charmap.Windows1255, 1256: charmap.Windows1256, 1257: charmap.Windows1257, 1258: charmap.Windows1258,
	10000: charmap.Macintosh, 10001: japanese.ShiftJIS, 10007: charmap.MacintoshCyrillic, 20932: japanese.EUCJP, 51932: japanese.EUCJP,
	50220: japanese.ISO2022JP, 20866: charmap.KOI8R, 54936: simplifiedchinese.GB18030, 28591: charmap.Windows1252, 65001: encoding.Nop,
}

// latin is the code page of documents that do not say.
const latin = 1252

// fontPages are the code pages of the character sets of Windows fonts.
var fontPages = map[int]int{
	0: latin, 77: 10000, 78: 10001, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256,
	186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}

// decoder decodes the text of one document.
type decoder struct {
	decoders map[int]*encoding.Decoder
	buf      []byte
}

// decode gives octets of a code page as UTF-8, valid up to the next call. An unknown code page is Latin.
func (d *decoder) decode(page int, b []byte) []byte {
	dec := d.decoders[page]
	if dec == nil {
		enc := codePages[page]
		if enc == nil {
			enc = codePages[latin]
		}
		dec = enc.NewDecoder()
		if d.decoders == nil {
			d.decoders = make(map[int]*encoding.Decoder)
		}
		d.decoders[page] = dec
	}
	d.buf, _, _ = transform.Append(dec, d.buf[:0], b) // decoders replace what is malformed; only a cut last character can fail
	return d.buf
}

// isLead tells whether an octet is the first of two in a code page of East Asia.
func isLead(page int, c byte) bool {
	switch page {
	case 932, 10001:
		return 0x81 <= c && c <= 0x9f || 0xe0 <= c && c <= 0xfc
	case 936, 949, 950, 54936, 51932, 20932:
		return 0x81 <= c && c <= 0xfe
	}
	return false
}

// appendUTF16 appends UTF-16 little endian as UTF-8.
func appendUTF16(dst, b []byte) []byte {
	for i := 0; i+1 < len(b); i += 2 {
		r := rune(b[i]) | rune(b[i+1])<<8
		if utf16.IsSurrogate(r) && i+3 < len(b) {
			if both := utf16.DecodeRune(r, rune(b[i+2])|rune(b[i+3])<<8); both != utf8.RuneError {
				r = both
				i += 2
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
