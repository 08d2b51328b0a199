package mime

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Names of the charsets that are told apart by more than a table, as they are reported.
const (
	UTF8      = "utf-8"
	ASCII     = "us-ascii"
	ISO2022JP = "iso-2022-jp"
	ShiftJIS  = "shift_jis"
	EUCJP     = "euc-jp"
)

// A charset is one way to write text.
type charset struct {
	name    string
	aliases string // other labels, separated by spaces, in the form of charsetKey
	decoder func() transform.Transformer
	// ascii tells that octets below 0x80 are ASCII and ESC means nothing, so that
	// ISO-2022-JP under this label can be recognised by its escape sequences.
	ascii bool
}

func of(e encoding.Encoding) func() transform.Transformer {
	return func() transform.Transformer { return e.NewDecoder() }
}

func newISO2022JP() transform.Transformer {
	return transform.Chain(&jisFilter{}, japanese.ISO2022JP.NewDecoder())
}

// charsets are the charsets under every label met in mail (§14.2). IANA's other names come from ianaindex.
var charsets = []charset{
	{UTF8, "utf8 unicode11utf8 unicode20utf8 xunicode20utf8 utf8mb4 cp65001 65001", of(unicode.UTF8), true},
	{ASCII, "ascii usascii ansix341968 ansix341986 iso646us iso646irv us ibm367 cp367 csascii 646 isoir6 ansi ascii7bit", nil, true},
	{ISO2022JP, "iso2022jp1 iso2022jp2 iso2022jp3 iso2022jpms cp50220 cp50221 cp50222 50220 50221 50222 jis csiso2022jp csiso2022jp2 iso2022jpcp932 jis7 jisencoding csjisencoding iso2022 xjis iso2022jp2004", newISO2022JP, false},
	{ShiftJIS, "shiftjis sjis xsjis mskanji cp932 windows31j ms932 xmscp932 csshiftjis cswindows31j shiftjis2004 shiftjisx0213 sjiswin 932 windows932 ibm932 ibm943 xshiftjis", of(japanese.ShiftJIS), true},
	{EUCJP, "xeucjp eucjpms eucjpwin cp51932 51932 ujis xujis cseucpkdfmtjapanese eucjp2004 eucjisx0213 extendedunixcodepackedformatforjapanese", of(japanese.EUCJP), true},
	{"utf-7", "unicode11utf7 csunicode11utf7 csutf7 xunicode20utf7 65000 cp65000", func() transform.Transformer { return &utf7Decoder{} }, false},
	{"utf-16", "csutf16 unicode iso10646ucs2 ucs2 csunicode", of(unicode.UTF16(unicode.BigEndian, unicode.UseBOM)), false},
	{"utf-16le", "unicodelittle", of(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)), false},
	{"utf-16be", "unicodefffe unicodebig", of(unicode.UTF16(unicode.BigEndian, unicode.UseBOM)), false},
	{"utf-32", "ucs4 iso10646ucs4", of(utf32.UTF32(utf32.BigEndian, utf32.UseBOM)), false},
	{"utf-32le", "", of(utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)), false},
	{"utf-32be", "", of(utf32.UTF32(utf32.BigEndian, utf32.UseBOM)), false},
	{"iso-8859-1", "latin1 l1 iso885911987 ibm819 cp819 csisolatin1 isoir100 88591 iso88591windows30latin1 iso8859 latin iso88591i", of(charmap.Windows1252), true},
	{"iso-8859-2", "latin2 l2 iso885921987 csisolatin2 isoir101 88592", of(charmap.ISO8859_2), true},
	{"iso-8859-3", "latin3 l3 iso885931988 csisolatin3 isoir109 88593", of(charmap.ISO8859_3), true},
	{"iso-8859-4", "latin4 l4 iso885941988 csisolatin4 isoir110 88594", of(charmap.ISO8859_4), true},
	{"iso-8859-5", "cyrillic iso885951988 csisolatincyrillic isoir144 88595", of(charmap.ISO8859_5), true},
	{"iso-8859-6", "arabic iso885961987 csisolatinarabic isoir127 asmo708 ecma114 iso88596e iso88596i 88596", of(charmap.ISO8859_6), true},
	{"iso-8859-7", "greek greek8 iso885971987 csisolatingreek isoir126 elot928 ecma118 88597", of(charmap.ISO8859_7), true},
	{"iso-8859-8", "hebrew iso885981988 csisolatinhebrew isoir138 iso88598i iso88598e logical visual 88598", of(charmap.ISO8859_8), true},
	{"iso-8859-9", "latin5 l5 iso885991989 csisolatin5 isoir148 88599", of(charmap.Windows1254), true},
	{"iso-8859-10", "latin6 l6 iso8859101992 csisolatin6 isoir157", of(charmap.ISO8859_10), true},
	{"iso-8859-13", "latin7 l7", of(charmap.ISO8859_13), true},
	{"iso-8859-14", "latin8 l8 isoceltic", of(charmap.ISO8859_14), true},
	{"iso-8859-15", "latin9 l9 csisolatin9", of(charmap.ISO8859_15), true},
	{"iso-8859-16", "latin10 l10", of(charmap.ISO8859_16), true},
	{"windows-874", "tis620 tis62025290 iso885911 cp874 dos874 thai 874", of(charmap.Windows874), true},
	{"windows-1250", "cp1250 xcp1250 1250 ansi1250", of(charmap.Windows1250), true},
	{"windows-1251", "cp1251 xcp1251 1251 win1251", of(charmap.Windows1251), true},
	{"windows-1252", "cp1252 xcp1252 1252 xansi ansi1252 win1252", of(charmap.Windows1252), true},
	{"windows-1253", "cp1253 xcp1253 1253", of(charmap.Windows1253), true},
	{"windows-1254", "cp1254 xcp1254 1254", of(charmap.Windows1254), true},
	{"windows-1255", "cp1255 xcp1255 1255", of(charmap.Windows1255), true},
	{"windows-1256", "cp1256 xcp1256 1256", of(charmap.Windows1256), true},
	{"windows-1257", "cp1257 xcp1257 1257", of(charmap.Windows1257), true},
	{"windows-1258", "cp1258 xcp1258 1258", of(charmap.Windows1258), true},
	{"koi8-r", "koi8 koi cskoi8r", of(charmap.KOI8R), true},
	{"koi8-u", "koi8ru", of(charmap.KOI8U), true},
	{"ibm866", "cp866 866 csibm866", of(charmap.CodePage866), true},
	{"ibm850", "cp850 850 cspc850multilingual", of(charmap.CodePage850), true},
	{"ibm437", "cp437 437 cspc8codepage437", of(charmap.CodePage437), true},
	{"macintosh", "mac xmacroman macroman csmacintosh", of(charmap.Macintosh), true},
	{"x-mac-cyrillic", "maccyrillic xmacukrainian", of(charmap.MacintoshCyrillic), true},
	{"gb18030", "gbk gb2312 gb231280 xgbk cp936 ms936 936 windows936 csgb2312 csiso58gb231280 chinese euccn xeuccn isoir58 54936 cngb gb180302000 gb180302005", of(simplifiedchinese.GB18030), true},
	{"hz-gb-2312", "hz hzgb 52936", of(simplifiedchinese.HZGB2312), false},
	{"iso-2022-cn", "iso2022cnext csiso2022cn", newISO2022Shift(simplifiedchinese.GBK), false},
	{"big5", "big5hkscs cnbig5 csbig5 xxbig5 cp950 ms950 950 windows950 big5eten", of(traditionalchinese.Big5), true},
	{"euc-kr", "ksc56011987 ksc56011989 ksc5601 korean cseuckr csksc56011987 cp949 ms949 949 windows949 uhc isoir149 xwindows949 ksx1001", of(korean.EUCKR), true},
	{"iso-2022-kr", "csiso2022kr 50225", newISO2022Shift(korean.EUCKR), false},
}

func newISO2022Shift(e encoding.Encoding) func() transform.Transformer {
	return func() transform.Transformer { return transform.Chain(&shiftFilter{}, e.NewDecoder()) }
}

// charsetByKey finds a charset by the key of any of its labels.
var charsetByKey = indexCharsets()

func indexCharsets() map[string]*charset {
	byKey := make(map[string]*charset)
	for i := range charsets {
		cs := &charsets[i]
		byKey[charsetKey(cs.name)] = cs
		for _, alias := range strings.Fields(cs.aliases) {
			byKey[alias] = cs
		}
	}
	return byKey
}

// charsetKey is a label without case, punctuation and white space.
func charsetKey(label string) string {
	var b strings.Builder
	for i := range len(label) {
		switch c := lower(label[i]); {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// findCharset finds the charset of a label, nil if the label says nothing: it is missing or unknown.
func findCharset(label string) *charset {
	key := charsetKey(label)
	if key == "" || len(label) > maxCharsetLabel {
		return nil
	}
	if cs := charsetByKey[key]; cs != nil {
		return cs
	}
	e, err := ianaindex.MIME.Encoding(strings.TrimSpace(label))
	if err != nil || e == nil {
		return nil
	}
	return &charset{name: strings.ToLower(strings.TrimSpace(label)), decoder: of(e)}
}

// maxCharsetLabel is the longest label that is looked up, in octets.
const maxCharsetLabel = 64

// CharsetName is the name under which a label's charset is reported, "" for a label that is unknown.
func CharsetName(label string) string {
	if cs := findCharset(label); cs != nil {
		return cs.name
	}
	return ""
}

// DecodeCharset gives octets as UTF-8. The label is what the message says, or "".
// Where the octets contradict it, what they are is guessed (§14.2): charset is then the
// guess and guessed is true. Octets that can't be decoded become U+FFFD.
func DecodeCharset(label string, b []byte) (text, charset string, guessed bool) {
	if isPlain(b) {
		if cs := findCharset(label); cs == nil || cs.ascii {
			return string(b), orASCII(cs), false
		}
	}
	cs, guessed := detect(label, b, true)
	return decodeAll(cs, b), cs.name, guessed
}

func orASCII(cs *charset) string {
	if cs == nil {
		return ASCII
	}
	return cs.name
}

// isPlain tells that b is ASCII without escape sequences.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c == esc {
			return false
		}
	}
	return true
}

func decodeAll(cs *charset, b []byte) string {
	if cs.decoder == nil || cs.name == UTF8 {
		return validUTF8(string(b))
	}
	dec := cs.decoder
	if cs.name == ISO2022JP && isRFC1468(b) {
		dec = of(japanese.ISO2022JP) // the common case of a header
	}
	out, _, err := transform.Bytes(dec(), b)
	if err != nil { // a truncated sequence that the decoder did not replace
		return validUTF8(string(out)) + string(utf8.RuneError)
	}
	return string(out)
}

func validUTF8(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }
