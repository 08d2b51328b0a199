package sieve

import (
	"bytes"
	"io"
	"strings"

	"tegami/wire/mime"
)

// message is the message as the script sees it: as it came, or with the edits so far.
type message struct {
	original io.ReaderAt
	base     *Content    // what structure describes, made of the original; nil: it is the original
	octets   io.ReaderAt // of base
	root     *mime.Part
	size     int64
	heads    map[*mime.Part]*head
	edited   bool     // the root's head differs from the octets
	kept     *Content // the message as it stands; nil: not made since the last edit
	known    int      // fields in heads
}

// head is the header fields of one part.
type head struct {
	fields []*field
	tail   int64 // octets behind the fields up to the body: the empty line
}

// field is one header field. What it says is worked out when it is asked for.
type field struct {
	name string
	raw  string // the octets, line end included

	unfolded *string
	decoded  *string
	list     []mime.Address
	parsed   bool
}

// value is the value, unfolded and not decoded.
func (f *field) value() string {
	if f.unfolded == nil {
		_, v, _ := strings.Cut(f.raw, ":")
		v = mime.Unfold([]byte(v))
		f.unfolded = &v
	}
	return *f.unfolded
}

// text is the value as people read it.
func (f *field) text() string {
	if f.decoded == nil {
		s := strings.TrimSpace(mime.DecodeHeader(f.value()))
		f.decoded = &s
	}
	return *f.decoded
}

// addresses are those of the value.
func (f *field) addresses() []mime.Address {
	if !f.parsed {
		f.list, f.parsed = mime.ParseAddressList(f.value()), true
	}
	return f.list
}

func newMessage(in *Input) *message {
	m := &message{original: in.Octets, heads: map[*mime.Part]*head{}}
	if in.Structure != nil {
		m.root, m.size = in.Structure.Root, in.Structure.Size
	}
	if m.root == nil {
		m.root = &mime.Part{Type: "text", Subtype: "plain"}
	}
	if m.original == nil {
		m.original = bytes.NewReader(nil)
	}
	m.octets = m.original
	return m
}

// head reads the header of a part.
func (m *message) head(p *mime.Part) (*head, error) {
	if h := m.heads[p]; h != nil {
		return h, nil
	}
	raw, err := m.read(p.HeaderStart, min(p.BodyStart, p.HeaderStart+MaxHeader))
	if err != nil {
		return nil, err
	}
	h := &head{tail: p.BodyStart - p.HeaderStart}
	text := string(raw)
	for f := range mime.Header(raw).Fields() {
		if m.known++; m.known > MaxFields {
			break // what is behind stays as it is
		}
		h.tail -= int64(f.End - f.Start)
		h.fields = append(h.fields, &field{name: string(f.Name), raw: text[f.Start:f.End]})
	}
	m.heads[p] = h
	return h, nil
}

// read reads octets of the message.
func (m *message) read(start, end int64) ([]byte, error) {
	b := make([]byte, max(end-start, 0))
	n, err := m.octets.ReadAt(b, start)
	if n == len(b) {
		return b, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return nil, hostError(err)
}

// named gives the fields of a name.
func (h *head) named(name string) []*field {
	var found []*field
	for _, f := range h.fields {
		if len(f.name) == len(name) && strings.EqualFold(f.name, name) {
			found = append(found, f)
		}
	}
	return found
}

// content gives the message as it stands, nil when it is as it came.
func (m *message) content() *Content {
	switch {
	case m.kept != nil:
	case m.edited:
		m.kept = m.withHead()
	default:
		m.kept = m.base
	}
	return m.kept
}

// withHead is the content with the root's edited header in front of the body.
func (m *message) withHead() *Content {
	h := m.heads[m.root]
	var b bytes.Buffer
	for _, f := range h.fields {
		b.WriteString(f.raw)
	}
	if h.tail == 0 {
		b.WriteString("\r\n")
	}
	return newContent(append([]piece{{octets: b.Bytes()}}, m.cut(m.root.BodyStart-h.tail, m.size)...))
}

// cut gives the pieces that make a range of the octets.
func (m *message) cut(start, end int64) []piece {
	if m.base != nil {
		return m.base.cut(start, end)
	}
	return []piece{{start: start, end: end}}
}

// change makes the message another one: what pieces make is parsed anew.
func (m *message) change(pieces []piece) error {
	c := newContent(pieces)
	parsed, err := mime.Parse(c.Open(m.original), mime.Limits{})
	if err != nil {
		return hostError(err)
	}
	*m = message{
		original: m.original, base: c, octets: contentAt{c, m.original},
		root: parsed.Root, size: parsed.Size, heads: map[*mime.Part]*head{},
	}
	return nil
}
