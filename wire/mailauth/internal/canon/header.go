package canon

import (
	"bytes"
	"strings"

	"tegami/wire/mime"
)

// A Header is the fields of a header block, for the choice of those that are signed.
type Header struct {
	Block  []byte
	Fields []mime.Field
}

// NewHeader finds the fields of a block.
func NewHeader(block []byte) Header {
	h := Header{Block: block, Fields: make([]mime.Field, 0, 32)}
	for f := range mime.Header(block).Fields() {
		if f.Name != nil {
			h.Fields = append(h.Fields, f)
		}
	}
	return h
}

// Raw gives the octets of a field with its line ends.
func (h Header) Raw(f mime.Field) []byte { return h.Block[f.Start:f.End] }

// Named gives the fields of a name in their order.
func (h Header) Named(name string) (all []mime.Field) {
	for _, f := range h.Fields {
		if Is(f, name) {
			all = append(all, f)
		}
	}
	return all
}

// Is tells whether a field has a name, without case.
func Is(f mime.Field, name string) bool {
	return len(f.Name) == len(name) && strings.EqualFold(string(f.Name), name)
}

// AppendSigned appends the canonical form of the fields a list of names chooses: of several with
// a name from the last to the first, and nothing for a name without a field left (RFC 6376 §5.4.2).
func (h Header) AppendSigned(dst []byte, names []string, relaxed bool) []byte {
	for i, name := range names {
		skip := 0 // how often the name was there before
		for _, before := range names[:i] {
			if strings.EqualFold(before, name) {
				skip++
			}
		}
		if f, ok := h.fromBottom(name, skip); ok {
			dst = h.AppendField(dst, f, relaxed)
		}
	}
	return dst
}

// fromBottom gives a field of a name, counted from the last.
func (h Header) fromBottom(name string, skip int) (mime.Field, bool) {
	for i := len(h.Fields) - 1; i >= 0; i-- {
		if !Is(h.Fields[i], name) {
			continue
		}
		if skip == 0 {
			return h.Fields[i], true
		}
		skip--
	}
	return mime.Field{}, false
}

// AppendField appends the canonical form of a field with its CRLF (RFC 6376 §3.4.1, §3.4.2).
func (h Header) AppendField(dst []byte, f mime.Field, relaxed bool) []byte {
	if relaxed {
		return append(AppendRelaxed(dst, f.Name, f.Value), '\r', '\n')
	}
	return append(append(dst, trimCRLF(h.Raw(f))...), '\r', '\n')
}

// AppendUnsigned appends the canonical form of a signature's own field: without the value of b=, and
// without CRLF (RFC 6376 §3.7).
func (h Header) AppendUnsigned(dst []byte, f mime.Field, relaxed bool) []byte {
	bare := withoutB(trimCRLF(h.Raw(f)))
	if relaxed {
		name, value, _ := bytes.Cut(bare, []byte(":"))
		return AppendRelaxed(dst, bytes.TrimRight(name, " \t"), value)
	}
	return append(dst, bare...)
}

// AppendRelaxed appends the relaxed form of a field without its CRLF: the name in lower case, the value
// unfolded, white space as one space or none (RFC 6376 §3.4.2).
func AppendRelaxed(dst, name, value []byte) []byte {
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = append(dst, ':')
	start, space := len(dst), false
	for i, c := range value {
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' && i+1 < len(value) && value[i+1] == '\n':
			space = space || c == ' ' || c == '\t'
		default:
			if space && len(dst) > start {
				dst = append(dst, ' ')
			}
			space = false
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendWritten appends the relaxed form of a field as a Folder has written it up to its open b=.
func AppendWritten(dst, field []byte) []byte {
	name, value, _ := bytes.Cut(field, []byte(":"))
	return AppendRelaxed(dst, name, value)
}

// withoutB gives a field with an empty value of b=.
func withoutB(field []byte) []byte {
	at := bytes.IndexByte(field, ':') + 1
	for at < len(field) {
		end := len(field)
		if i := bytes.IndexByte(field[at:], ';'); i >= 0 {
			end = at + i
		}
		name, _, ok := bytes.Cut(field[at:end], []byte("="))
		if ok && string(bytes.Trim(name, " \t\r\n")) == "b" {
			bare := append(make([]byte, 0, len(field)), field[:at+len(name)+1]...)
			return append(bare, field[end:]...)
		}
		at = end + 1
	}
	return field
}

func trimCRLF(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}
