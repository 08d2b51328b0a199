package mime

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// EncodingKnown tells whether the part's transfer encoding can be undone.
func (p *Part) EncodingKnown() bool {
	switch p.Encoding {
	case "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode":
		return true
	}
	return false
}

// IsEncoded tells whether the part's octets are not its content: a transfer encoding has to be undone. A multipart and a message
// inside the message are never encoded (RFC 2046 §5), whatever they say.
func (p *Part) IsEncoded() bool {
	if p.IsMultipart() || p.IsMessage() {
		return false
	}
	switch p.Encoding {
	case "base64", "quoted-printable", "x-uuencode":
		return true
	}
	return false
}

// Content reads a part's content, with its transfer encoding undone; octets reads the message.
func (p *Part) Content(octets io.ReaderAt) io.Reader {
	raw := io.NewSectionReader(octets, p.BodyStart, p.Size())
	if !p.IsEncoded() {
		return raw
	}
	return DecodedReader(p, raw)
}

// base64Tail is how much of the end of a part in base64 is read to find its size, in octets: its last line, and the line end
// before it.
const base64Tail = 1024

// ContentSize gives the size of a part's content in octets, as Content gives it. For base64 in lines of one length, as all
// programs write it, it takes the first line and the last; anything else is decoded. The error is that of octets.
func ContentSize(p *Part, octets io.ReaderAt) (int64, error) {
	if !p.IsEncoded() {
		return p.Size(), nil
	}
	if p.Encoding == "base64" {
		if n, ok := base64Size(p, octets); ok {
			return n, nil
		}
	}
	return io.Copy(io.Discard, p.Content(octets))
}

// base64Size finds the size of a content in base64 from its shape; false where it has not the shape: lines of one length that
// is whole quanta, but the last, each ended by the same.
func base64Size(p *Part, octets io.ReaderAt) (size int64, ok bool) {
	var head, tail [base64Tail]byte
	first := head[:min(p.Size(), int64(len(head)))]
	if n, _ := octets.ReadAt(first, p.BodyStart); n < len(first) {
		return 0, false
	}
	end := bytes.IndexByte(first, '\n') + 1
	if end == 0 || p.Size() <= base64Tail {
		return 0, false // small: decoding it is as quick
	}
	line := int64(len(trimLineEnd(first[:end])))
	last := tail[:]
	if n, _ := octets.ReadAt(last, p.BodyEnd-base64Tail); n < len(last) {
		return 0, false
	}
	last = bytes.TrimRight(last, "\r\n")
	blank := base64Tail - len(last) // line ends behind the last line
	if i := bytes.LastIndexByte(last, '\n'); i >= 0 {
		last = last[i+1:]
	} else {
		return 0, false
	}
	before := p.Size() - int64(blank) - int64(len(last)) // octets of whole lines
	lines := before / int64(end)
	padding := int64(len(last) - len(bytes.TrimRight(last, "=")))
	if line%4 != 0 || before%int64(end) != 0 || lines != p.Lines-int64(bytes.Count(tail[base64Tail-blank:], []byte("\n"))) ||
		len(last)%4 != 0 || padding > 2 || !base64Only(first[:line]) || !base64Only(last[:len(last)-int(padding)]) {
		return 0, false
	}
	return (lines*line+int64(len(last)))/4*3 - padding, true
}

// base64Only tells that all octets stand for six bits each.
func base64Only(b []byte) bool {
	for _, c := range b {
		if base64Values[c] >= 0x40 {
			return false
		}
	}
	return true
}

// A Value is the text of a part as a mail program gets it (RFC 8621 §4.1.4).
type Value struct {
	Text      string // UTF-8; lines end in LF
	Problem   bool   // some of it could not be read: an unknown charset or encoding, or octets that are none of the charset's
	Truncated bool   // there is more of it
}

// ReadValue reads the text of a part of type text, in UTF-8 by TextReader, at most limit octets of it. It is cut between characters,
// and HTML outside of tags. The error is that of octets.
func ReadValue(p *Part, octets io.ReaderAt, limit int) (Value, error) {
	text := TextReader(p, p.Content(octets))
	room := min(int64(limit)+utf8.UTFMax, 3*p.Size()+1) // an octet becomes three at most: half-width kana
	b := make([]byte, 0, min(room, p.Size()+512))
	buf := bytes.NewBuffer(b)
	_, err := io.Copy(lineEnds{buf}, io.LimitReader(text, 2*int64(limit)+utf8.UTFMax))
	if err != nil {
		return Value{}, err
	}
	v := Value{Text: buf.String()}
	if len(v.Text) > limit {
		v.Text, v.Truncated = cutText(v.Text, limit, p.Subtype == "html"), true
	}
	label := p.Charset()
	v.Problem = !p.EncodingKnown() || label != "" && CharsetName(label) == "" && text.Charset != ASCII && text.Charset != UTF8 ||
		strings.ContainsRune(v.Text, utf8.RuneError)
	return v, nil
}

// lineEnds makes LF of CRLF.
type lineEnds struct{ to *bytes.Buffer }

// Write implements io.Writer. A CR whose LF comes with the next Write stays in the text until then.
func (l lineEnds) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			l.to.Write(rest)
			break
		}
		l.to.Write(rest[:i])
		if b := l.to.Bytes(); len(b) > 0 && b[len(b)-1] == '\r' {
			l.to.Truncate(len(b) - 1)
		}
		l.to.WriteByte('\n')
		rest = rest[i+1:]
	}
	return len(p), nil
}

// maxTag is how far before a cut the begin of a tag is looked for, in octets.
const maxTag = 4 << 10

// cutText cuts text to a length in octets.
func cutText(s string, limit int, html bool) string {
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	s = s[:limit]
	if html {
		near := max(len(s)-maxTag, 0)
		if i := strings.LastIndexByte(s[near:], '<'); i >= 0 && strings.IndexByte(s[near+i:], '>') < 0 {
			return s[:near+i]
		}
	}
	return s
}
