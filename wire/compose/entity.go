package compose

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"
)

// Entity is a part of a message, or the whole of what a message has (RFC 2045 §2.4).
type Entity struct {
	fields Header // Content-Type and its kin
	body   []byte
}

// Text makes a text/plain part: ASCII as it is where its lines are short, else UTF-8 in base64, so
// that no line is longer than 76 octets and no host on the way has a reason to change it. Lines
// may end in LF or CRLF. langs are the languages of the text, as tags (RFC 3282); none may be given.
func Text(text string, langs ...string) Entity {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	body := []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	e := Entity{body: body}
	if plain(body) {
		e.fields.Line("Content-Type", "text/plain; charset=us-ascii")
	} else {
		e.fields.Line("Content-Type", "text/plain; charset=utf-8")
		e.fields.Line("Content-Transfer-Encoding", "base64")
		e.body = wrap64(body)
	}
	if len(langs) > 0 {
		e.fields.Line("Content-Language", strings.Join(langs, ", "))
	}
	return e
}

// plain tells whether a body needs no encoding: ASCII in lines of at most 76 octets.
func plain(body []byte) bool {
	for line := range bytes.SplitSeq(body, []byte("\r\n")) {
		if len(line) > maxLine {
			return false
		}
	}
	return allows(body, func(c byte) bool { return c < 0x7f })
}

// wrap64 writes base64 in lines of 76 octets.
func wrap64(b []byte) []byte {
	const octets = maxLine / 4 * 3
	out := make([]byte, 0, len(b)/3*4+len(b)/octets*2+8)
	for len(b) > 0 {
		n := min(len(b), octets)
		out = base64.StdEncoding.AppendEncode(out, b[:n])
		out = append(out, '\r', '\n')
		b = b[n:]
	}
	return out
}

// Whole is a part that somebody else composed: its own fields about the content, each with its CRLF, and its body.
func Whole(fields, body []byte) Entity { return Entity{Header{b: fields}, body} }

// Quoted makes a part out of octets that may be anything: as they are where 7bit allows it, else quoted-printable. A
// CR or LF alone counts as a line end.
func Quoted(typ string, body []byte) Entity {
	if allows(body, func(c byte) bool { return c < 0x7f }) {
		return raw(typ, "7bit", body)
	}
	return quoted(typ, body)
}

// Eight is Quoted for types that are better not encoded (RFC 6533 §3): UTF-8 stays as it is, as 8bit.
func Eight(typ string, body []byte) Entity {
	switch {
	case allows(body, func(c byte) bool { return c < 0x7f }):
		return raw(typ, "7bit", body)
	case utf8.Valid(body) && allows(body, func(c byte) bool { return c != 0x7f }):
		return raw(typ, "8bit", body)
	}
	return quoted(typ, body)
}

func raw(typ, encoding string, body []byte) Entity {
	e := Entity{body: body}
	e.fields.Line("Content-Type", typ)
	if encoding != "7bit" {
		e.fields.Line("Content-Transfer-Encoding", encoding)
	}
	return e
}

func quoted(typ string, body []byte) Entity {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write(body) // into memory: it cannot fail
	w.Close()
	return raw(typ, "quoted-printable", b.Bytes())
}

// allows tells whether a body has no line over 998 octets (RFC 2045 §2.7, §2.8), no control characters and only octets that are good.
func allows(body []byte, good func(byte) bool) bool {
	for line := range bytes.SplitSeq(body, []byte("\r\n")) {
		if len(line) > maxRawLine {
			return false
		}
		for _, c := range line {
			if c < ' ' && c != '\t' || !good(c) {
				return false
			}
		}
	}
	return true
}

// maxRawLine is the length of a line that is not encoded, without its end.
const maxRawLine = 998

// Multipart puts parts together under a type, such as "multipart/report; report-type=delivery-status". The boundary is
// made from seed, so that the same message is made again with the same octets, and stands in none of the parts.
func Multipart(typ, seed string, parts ...Entity) Entity {
	boundary := freeBoundary(seed, parts)
	var e Entity
	e.fields.put("Content-Type", typ+";\r\n boundary=\""+boundary+"\"")
	for _, p := range parts {
		e.body = append(e.body, "--"+boundary+"\r\n"...)
		e.body = append(e.body, p.fields.b...)
		e.body = append(e.body, "\r\n"...)
		e.body = append(e.body, p.body...)
		e.body = append(e.body, "\r\n"...)
	}
	e.body = append(e.body, "--"+boundary+"--\r\n"...)
	if !allASCII(e.body) { // RFC 2045 §6.4: the whole says what its parts need
		e.fields.Line("Content-Transfer-Encoding", "8bit")
	}
	return e
}

// freeBoundary makes a boundary (RFC 2046 §5.1.1) that no part holds. "=_" cannot stand in base64 or quoted-printable.
func freeBoundary(seed string, parts []Entity) string {
	boundary := "=_" + strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '-' {
			return r
		}
		return -1
	}, Cut(seed, 40))
	for taken(boundary, parts) {
		boundary += "_"
	}
	return boundary
}

func allASCII(b []byte) bool {
	return bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func taken(boundary string, parts []Entity) bool {
	for _, p := range parts {
		if bytes.Contains(p.body, []byte(boundary)) {
			return true
		}
	}
	return false
}

// Message gives the octets of a message with this header and content. The header is not to be used again.
func (h *Header) Message(e Entity) []byte {
	h.put("MIME-Version", "1.0")
	b := append(h.b, e.fields.b...)
	b = append(b, '\r', '\n')
	return append(b, e.body...)
}
