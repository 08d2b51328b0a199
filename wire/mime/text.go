package mime

import (
	"bytes"
	"io"
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// sniffSize is how much of a text is looked at to check its charset, in octets.
const sniffSize = 32 << 10

// A Text reads a part's text as UTF-8.
type Text struct {
	io.Reader
	Charset string // the text's charset in the message, by its usual name in lower case
	Guessed bool   // the message says nothing about it, or says something else
}

// TextReader gives a part's text as UTF-8. decoded reads the part's content, as
// DecodedReader gives it. The charset is that of the label, unless the first 32 KiB
// contradict it (§14.2); what can't be decoded becomes U+FFFD. The error of reading is decoded's.
func TextReader(p *Part, decoded io.Reader) *Text {
	sample := make([]byte, sniffSize)
	n, err := io.ReadFull(decoded, sample)
	sample = sample[:n]
	final := err == io.EOF || err == io.ErrUnexpectedEOF
	label := p.Charset()
	if label == "" && p.Subtype == "html" {
		label = metaCharset(sample)
	}
	cs, guessed := sniff(label, sample, final)
	rest := decoded
	switch {
	case final:
		rest = eofReader{}
	case err != nil:
		rest = errReader{err}
	}
	dec := cs.decoder
	if dec == nil || cs.name == UTF8 {
		dec = charsetOf(UTF8).decoder
	}
	if cs.name == UTF8 {
		sample = bytes.TrimPrefix(sample, bomUTF8)
	}
	r := transform.NewReader(io.MultiReader(bytes.NewReader(sample), rest), dec())
	return &Text{Reader: r, Charset: cs.name, Guessed: guessed}
}

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// sniff is detect, and heeds a byte order mark before the label.
func sniff(label string, sample []byte, final bool) (cs *charset, guessed bool) {
	name := ""
	switch {
	case bytes.HasPrefix(sample, bomUTF8):
		name = UTF8
	case bytes.HasPrefix(sample, bomUTF16LE):
		name = "utf-16le"
	case bytes.HasPrefix(sample, bomUTF16BE):
		name = "utf-16be"
	default:
		return detect(label, sample, final)
	}
	cs = charsetOf(name)
	said := findCharset(label)
	return cs, said == nil || said.name[:min(6, len(said.name))] != name[:min(6, len(name))]
}

var metaPattern = regexp.MustCompile(`(?i)<meta\s[^>]*charset\s*=\s*["']?\s*([a-z0-9_.:-]+)`)

// maxMeta is how far into a document its charset is looked for, in octets.
const maxMeta = 4096

// metaCharset is the charset an HTML document says of itself, or "".
func metaCharset(sample []byte) string {
	m := metaPattern.FindSubmatch(sample[:min(len(sample), maxMeta)])
	if m == nil {
		return ""
	}
	if cs := findCharset(string(m[1])); cs == nil || !cs.ascii {
		return "" // the words could be read, so it is neither UTF-16 nor unknown
	}
	return string(m[1])
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// AppendText appends a part's text as UTF-8; content is the part's, with its transfer encoding undone. It is TextReader for what
// is in memory.
func AppendText(dst []byte, p *Part, content []byte) []byte {
	sample := content[:min(len(content), sniffSize)]
	label := p.Charset()
	if label == "" && p.Subtype == "html" {
		label = metaCharset(sample)
	}
	cs, _ := sniff(label, sample, len(sample) == len(content))
	dec := cs.decoder
	if dec == nil || cs.name == UTF8 {
		content = bytes.TrimPrefix(content, bomUTF8)
		if utf8.Valid(content) {
			return append(dst, content...)
		}
		dec = charsetOf(UTF8).decoder
	}
	out, _, _ := transform.Append(dec(), dst, content) // decoders replace what is malformed; only a cut last character can fail
	return out
}

// AppendDecoded appends a part's content: raw, the part's body, with its transfer encoding undone. It is DecodedReader for
// what is in memory.
func AppendDecoded(dst []byte, p *Part, raw []byte) []byte {
	var t transform.Transformer
	switch p.Encoding {
	case "base64":
		t = &base64Decoder{}
	case "quoted-printable":
		t = quotedDecoder{}
	case "x-uuencode":
		t = &uuDecoder{}
	default:
		return append(dst, raw...)
	}
	out, _, _ := transform.Append(t, dst, raw) // these never fail
	return out
}
