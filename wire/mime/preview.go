package mime

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxPreview is how many characters a preview has at most (RFC 8970 §3.1 recommends 200).
	MaxPreview = 200
	// previewParts is how many parts are looked at for one with text in it.
	previewParts = 4
)

// previewPlain and previewHTML are how many octets of a part are read for a preview: at first, and where that did not fill
// it. Newsletters begin with kilobytes of styles.
var (
	previewPlain = [...]int64{2 << 10, 8 << 10}
	previewHTML  = [...]int64{8 << 10, 64 << 10}
)

// Preview gives the beginning of a message's text as a reader would see it (RFC 8970): of the first part that has any,
// without line ends, repeated white space, invisible characters and quoted lines. It is "" where there is no text. octets
// reads the message; the error is its.
func Preview(m *Message, octets io.ReaderAt) (string, error) {
	for _, p := range previewable(m.Root, nil) {
		text, err := previewPart(p, octets)
		if err != nil || text != "" {
			return text, err
		}
	}
	return "", nil
}

// preview notes the preview of a message that lies in memory.
func (m *Message) preview(chunks [][]byte) {
	m.Preview, _ = Preview(m, memory(chunks)) // reading memory does not fail
	m.Previewed = true
}

// previewable adds the text parts below p that are no attachments, in their order.
func previewable(p *Part, list []*Part) []*Part {
	switch {
	case len(list) == previewParts || p.Disposition == "attachment":
	case p.IsMultipart():
		for _, c := range p.Children {
			list = previewable(c, list)
		}
	case p.Type == "text" && (p.Subtype == "plain" || p.Subtype == "html" || p.Subtype == "enriched"):
		list = append(list, p)
	}
	return list
}

// previewPart makes the preview of a part out of as much of its beginning as that takes.
func previewPart(p *Part, octets io.ReaderAt) (text string, err error) {
	steps := previewPlain
	if p.Subtype == "html" {
		steps = previewHTML
	}
	for _, limit := range steps {
		raw, cut, err := previewOctets(p, octets, limit)
		if err != nil {
			return "", err
		}
		if text = previewText(p, raw, cut); !cut || utf8.RuneCountInString(text) >= MaxPreview-1 { // a space at its end is cut off
			return text, nil
		}
	}
	return text, nil
}

// previewOctets reads the beginning of a part; cut tells that there is more.
func previewOctets(p *Part, octets io.ReaderAt, limit int64) (raw []byte, cut bool, err error) {
	size := p.BodyEnd - p.BodyStart
	raw = make([]byte, min(size, limit))
	n, err := octets.ReadAt(raw, p.BodyStart)
	if n == len(raw) {
		err = nil
	}
	return raw[:n], size > limit, err
}

// previewText makes the preview of a part out of its beginning.
func previewText(p *Part, raw []byte, cut bool) string {
	content := raw
	if p.Encoding != "7bit" && p.Encoding != "8bit" {
		content = AppendDecoded(nil, p, raw)
	}
	if cut {
		content = wholeLines(content)
	}
	text := content
	if !plainOctets(p, content) {
		text = AppendText(nil, p, content)
	}
	var line previewLine
	if p.Subtype == "html" {
		line.html(text)
		return line.String()
	}
	if p.Subtype == "plain" {
		line.unquoted(text)
		if own := line.String(); own != "" {
			return own
		}
	}
	line = previewLine{}
	line.add(text)
	return line.String()
}

// plainOctets tells that a part's content is its text as well.
func plainOctets(p *Part, content []byte) bool {
	switch p.Charset() {
	case "", ASCII, UTF8:
		return isPlain(content)
	}
	return false
}

// memory reads octets that lie in memory in pieces.
type memory [][]byte

// ReadAt implements io.ReaderAt.
func (m memory) ReadAt(p []byte, off int64) (n int, err error) {
	for _, b := range m {
		if off >= int64(len(b)) {
			off -= int64(len(b))
			continue
		}
		n += copy(p[n:], b[off:])
		if off = 0; n == len(p) {
			return n, nil
		}
	}
	return n, io.EOF
}

// wholeLines leaves off a last line that was cut, which may end in the midst of a character, where there is one before it.
func wholeLines(content []byte) []byte {
	if i := bytes.LastIndexByte(content, '\n'); i > 0 {
		return content[:i]
	}
	for n := len(content); n > 0 && len(content)-n < utf8.UTFMax && content[n-1] >= utf8.RuneSelf; n-- {
		if r, size := utf8.DecodeLastRune(content[:n]); r != utf8.RuneError || size > 1 {
			return content[:n]
		}
	}
	return content
}

// previewLine gathers the one line that a preview is.
type previewLine struct {
	b      []byte
	n      int  // characters in b
	spaced bool // white space was taken since
}

func (l *previewLine) String() string { return strings.TrimRight(string(l.b), " ") }

// unquoted adds text without the lines that quote another message.
func (l *previewLine) unquoted(text []byte) {
	for line := range bytes.Lines(text) {
		if line[0] != '>' && l.add(line) {
			return
		}
	}
}

// html adds what is shown of a document in UTF-8.
func (l *previewLine) html(document []byte) {
	t := htmlWords(bytes.NewReader(document))
	for t.err == nil {
		t.out = nil
		t.token()
		if l.add(t.out) {
			return
		}
	}
}

// add takes text up to MaxPreview characters; full tells that there are so many.
func (l *previewLine) add(text []byte) (full bool) {
	l.b = slices.Grow(l.b, min(len(text), MaxPreview))
	for l.n < MaxPreview && len(text) > 0 {
		r, size := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text)
		}
		text = text[size:]
		switch {
		case unicode.IsSpace(r):
			l.spaced = len(l.b) > 0
			continue
		case r < ' ', r >= 0x7f && (!unicode.IsGraphic(r) || blank(r)):
			continue
		}
		if l.spaced {
			l.b, l.spaced = append(l.b, ' '), false
			if l.n++; l.n == MaxPreview {
				break
			}
		}
		l.b = utf8.AppendRune(l.b, r)
		l.n++
	}
	return l.n >= MaxPreview
}

// blank tells of characters that have a form but nothing to see: newsletters fill what shows in a list with them.
func blank(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0', utf8.RuneError:
		return true
	}
	return invisible(r)
}
