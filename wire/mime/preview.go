package mime

import (
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxPreview is how many characters a preview has at most (RFC 8970 §3.1 recommends 200).
	MaxPreview = 200
	// previewPlain and previewHTML are how many octets of a part are read for a preview: newsletters begin with
	// kilobytes of styles.
	previewPlain = 8 << 10
	previewHTML  = 64 << 10
	// previewParts is how many parts are looked at for one with text in it.
	previewParts = 4
)

// Preview gives the beginning of a message's text as a reader would see it (RFC 8970): of the first part that has any,
// without line ends, repeated white space, invisible characters and quoted lines. It is "" where there is no text. octets
// reads the message; the error is its.
func Preview(m *Message, octets io.ReaderAt) (string, error) {
	for _, p := range previewable(m.Root, nil) {
		raw, cut, err := previewOctets(p, octets)
		if err != nil {
			return "", err
		}
		if text := previewText(p, raw, cut); text != "" {
			return text, nil
		}
	}
	return "", nil
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

// previewOctets reads the beginning of a part; cut tells that there is more.
func previewOctets(p *Part, octets io.ReaderAt) (raw []byte, cut bool, err error) {
	limit := int64(previewPlain)
	if p.Subtype == "html" {
		limit = previewHTML
	}
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
	content := AppendDecoded(nil, p, raw)
	if cut {
		content = wholeLines(content)
	}
	text := AppendText(nil, p, content)
	if p.Subtype == "html" {
		text, _ = io.ReadAll(htmlWords(bytes.NewReader(text))) // reading memory does not fail
	}
	if p.Subtype == "plain" {
		if own := previewLine(unquoted(text)); own != "" {
			return own
		}
	}
	return previewLine(text)
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

// unquoted leaves out the lines that quote another message.
func unquoted(text []byte) []byte {
	var own []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte(">")) {
			own = append(own, line...)
		}
	}
	return own
}

// previewLine makes one line of text.
func previewLine(text []byte) string {
	var b strings.Builder
	spaced := false
	for n := 0; n < MaxPreview && len(text) > 0; {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case unicode.IsSpace(r):
			spaced = b.Len() > 0
			continue
		case !unicode.IsGraphic(r) || blank(r):
			continue
		}
		if spaced {
			b.WriteByte(' ')
			if n++; n == MaxPreview {
				break
			}
			spaced = false
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimRight(b.String(), " ")
}

// blank tells of characters that have a form but nothing to see: newsletters fill what shows in a list with them.
func blank(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0', utf8.RuneError:
		return true
	}
	return invisible(r)
}
