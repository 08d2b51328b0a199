package clean

import (
	"bytes"
	"encoding/binary"
	"html"
	"unicode/utf16"
	"unicode/utf8"
)

// Documents' XML is edited where it stands: what no rule touches stays octet for octet.

// tag is one tag of an XML document.
type tag struct {
	start, end int    // with its angle brackets
	prefix     []byte // of the namespace
	name       []byte // local
	attrs      []byte // the text between the name and the end
	closing    bool   // </name>
	empty      bool   // <name/>
}

// markup reads the tags of an XML document.
type markup struct {
	b   []byte
	at  int
	tag tag
	bad bool // the document is not well formed here, or has what Office does not write
}

// next moves to the next tag. It is false at the end, and where the document is bad.
func (m *markup) next() bool {
	for !m.bad {
		i := bytes.IndexByte(m.b[m.at:], '<')
		if i < 0 {
			return false
		}
		start := m.at + i
		rest := m.b[start:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			m.skip(start, "-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			m.skip(start, "]]>")
		case bytes.HasPrefix(rest, []byte("<?")):
			m.skip(start, "?>")
		case bytes.HasPrefix(rest, []byte("<!")):
			m.declaration(start)
		default:
			return m.read(start)
		}
	}
	return false
}

// skip moves behind the end of what begins at start.
func (m *markup) skip(start int, end string) {
	i := bytes.Index(m.b[start:], []byte(end))
	m.bad = i < 0
	m.at = start + i + len(end)
}

// declaration passes over a DOCTYPE. One with declarations of its own could hide anything behind entities.
func (m *markup) declaration(start int) {
	i := bytes.IndexAny(m.b[start:], "[>")
	m.bad = i < 0 || m.b[start+i] == '['
	m.at = start + i + 1
}

// read reads the tag at start.
func (m *markup) read(start int) bool {
	end, quote := start+1, byte(0)
	for ; end < len(m.b); end++ {
		c := m.b[end]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			continue
		case c == '"' || c == '\'':
			quote = c
			continue
		case c != '>' && c != '<':
			continue
		}
		break
	}
	if end >= len(m.b) || m.b[end] != '>' {
		m.bad = true
		return false
	}
	t := tag{start: start, end: end + 1}
	inner := m.b[start+1 : end]
	if t.closing = bytes.HasPrefix(inner, []byte("/")); t.closing {
		inner = inner[1:]
	} else if t.empty = bytes.HasSuffix(inner, []byte("/")); t.empty {
		inner = inner[:len(inner)-1]
	}
	n := bytes.IndexAny(inner, " \t\r\n")
	if n < 0 {
		n = len(inner)
	}
	t.name, t.attrs = inner[:n], inner[n:]
	if i := bytes.IndexByte(t.name, ':'); i >= 0 {
		t.prefix, t.name = t.name[:i], t.name[i+1:]
	}
	m.tag, m.at = t, end+1
	m.bad = len(t.name) == 0
	return !m.bad
}

// is tells whether a tag has one of some local names.
func (t *tag) is(names ...string) bool {
	for _, n := range names {
		if string(t.name) == n {
			return true
		}
	}
	return false
}

// attribute is one attribute of a tag; its value stands at [start, end) of the tag's attrs.
type attribute struct {
	prefix, name string
	value        string // with its references resolved
	start, end   int
}

// attributes reads the attributes of a tag, as far as they are well formed.
func (t *tag) attributes(yield func(attribute) bool) {
	b, at := t.attrs, 0
	for {
		for at < len(b) && space(b[at]) {
			at++
		}
		i := bytes.IndexByte(b[at:], '=')
		if i < 0 {
			return
		}
		name := bytes.TrimSpace(b[at : at+i])
		at += i + 1
		for at < len(b) && space(b[at]) {
			at++
		}
		if at >= len(b) || b[at] != '"' && b[at] != '\'' {
			return
		}
		end := bytes.IndexByte(b[at+1:], b[at])
		if end < 0 {
			return
		}
		a := attribute{name: string(name), start: at + 1, end: at + 1 + end}
		a.value = unescape(b[a.start:a.end])
		if j := bytes.IndexByte(name, ':'); j >= 0 {
			a.prefix, a.name = a.name[:j], a.name[j+1:]
		}
		if !yield(a) {
			return
		}
		at = a.end + 1
	}
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func unescape(b []byte) string {
	if bytes.IndexByte(b, '&') < 0 {
		return string(b)
	}
	return html.UnescapeString(string(b))
}

// attr gives the value of an attribute by its local name, and "" where there is none.
func (t *tag) attr(name string) (value string) {
	t.attributes(func(a attribute) bool {
		if a.name == name {
			value = a.value
		}
		return a.name != name
	})
	return value
}

// editor makes changed octets out of others.
type editor struct {
	b    []byte
	out  []byte
	kept int // up to here b is in out, or dropped
	done bool
}

// replace puts text in the place of [start, end), which must not lie before an earlier one.
func (e *editor) replace(start, end int, text string) {
	if start < e.kept {
		return // within what was dropped
	}
	e.out = append(append(e.out, e.b[e.kept:start]...), text...)
	e.kept, e.done = end, true
}

// bytes gives the result.
func (e *editor) bytes() []byte { return append(e.out, e.b[e.kept:]...) }

// set replaces the value of an attribute of a tag.
func (e *editor) set(t *tag, a attribute, value string) {
	base := t.end - 1 - len(t.attrs)
	if t.empty {
		base--
	}
	e.replace(base+a.start, base+a.end, html.EscapeString(value))
}

// deed is what becomes of an element.
type deed uint8

const (
	stays     deed = iota
	goes           // with all that is in it
	unwrapped      // its tags go, what is in it stays
)

// edit applies a rule to each opening tag. The rule may change attributes by the editor, or says what becomes of the element. The
// result is b itself where nothing changed.
func edit(b []byte, rule func(*editor, *tag) deed) ([]byte, error) {
	text, err := asUTF8(b)
	if err != nil {
		return nil, err
	}
	m, e := &markup{b: text}, &editor{b: text}
	var open []deed
	for m.next() {
		t := m.tag
		if t.closing {
			if len(open) == 0 {
				return nil, impossible("XML that is not well formed")
			}
			if open[len(open)-1] == unwrapped {
				e.replace(t.start, t.end, "")
			}
			open = open[:len(open)-1]
			continue
		}
		d := rule(e, &t)
		switch {
		case d == goes:
			if !t.empty && !m.element() {
				return nil, impossible("XML that is not well formed")
			}
			e.replace(t.start, m.at, "")
			continue
		case d == unwrapped:
			e.replace(t.start, t.end, "")
		}
		if !t.empty {
			open = append(open, d)
		}
	}
	if m.bad || len(open) > 0 {
		return nil, impossible("XML that is not well formed")
	}
	if !e.done {
		return b, nil
	}
	return e.bytes(), nil
}

// element moves behind the end of the element whose opening tag was read last.
func (m *markup) element() bool {
	for depth := 1; depth > 0; {
		if !m.next() {
			return false
		}
		switch {
		case m.tag.closing:
			depth--
		case !m.tag.empty:
			depth++
		}
	}
	return true
}

// asUTF8 gives XML in UTF-8: what is UTF-16 is written anew. Other charsets, which Office does not write, are ErrImpossible.
func asUTF8(b []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("<\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\xfe\xff")), bytes.HasPrefix(b, []byte("\x00<")):
		order = binary.BigEndian
	default:
		if name := declared(b); name != "" && name != "utf-8" && name != "us-ascii" {
			return nil, impossible("XML in a charset that is not known: " + name)
		}
		return b, nil
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	var out []byte
	for _, r := range utf16.Decode(units) {
		if r != 0xfeff {
			out = utf8.AppendRune(out, r)
		}
	}
	if i := bytes.Index(out, []byte("?>")); bytes.HasPrefix(out, []byte("<?xml")) && i > 0 {
		out = append([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`), out[i+2:]...)
	}
	return out, nil
}

// declared is the encoding that an XML declaration names, in lower case.
func declared(b []byte) string {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !bytes.HasPrefix(b, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(b, []byte("?>"))
	if end < 0 {
		return ""
	}
	t := tag{attrs: b[len("<?xml"):end]}
	return string(bytes.ToLower([]byte(t.attr("encoding"))))
}
