package mime

import (
	"bytes"
	"encoding/binary"
)

// The form in which a structure is kept, version 2. All numbers are uvarints.
//
//	version             1 octet
//	size                octets of the message
//	header size         octets of the message's header block
//	from                offset of From's text in the envelope's head
//	7 lengths           of the sections that follow, but the last; version 1 has no row, and 6 lengths
//	envelope head       "(date subject from"
//	sender, reply-to    each " text", or nothing where it is From's text again
//	envelope tail       " to cc bcc in-reply-to message-id)"
//	body structure      BODYSTRUCTURE
//	cuts                where in it the extension data stands that BODY leaves out: pairs of a gap and a length
//	row                 flags, and the preview: what a list shows of a message and the envelope does not tell
//	structure           see structure.go: offsets, and what the texts do not tell
//
// The texts are what IMAP sends; Decode reads them back, so that nothing is kept twice.

// indexVersion is the first octet of an Index. What was kept in version 1 is read still.
const (
	indexVersion = 2
	firstVersion = 1
)

// An Index is the encoded structure of a message, from Encode. The zero Index and a
// damaged one answer with nothing: nil and 0.
type Index []byte

// Sections of an Index.
const (
	sectionHead = iota
	sectionSender
	sectionReplyTo
	sectionTail
	sectionBody
	sectionCuts
	sectionRow
	sectionStructure
	sections
)

// layout is where the sections of an Index stand.
type layout struct {
	size, header int64
	from         int
	at           [sections + 1]int
}

// layout reads the head of x.
func (x Index) layout() (l layout, ok bool) {
	if len(x) == 0 || x[0] < firstVersion || x[0] > indexVersion {
		return l, false
	}
	in := numbers{b: x, at: 1}
	l.size, l.header, l.from = in.int64(), in.int64(), in.int()
	for i := range sections - 1 {
		if i != sectionRow || x[0] > firstVersion {
			l.at[i+1] = in.int()
		}
	}
	l.at[0] = in.at
	for i := range sections - 1 {
		l.at[i+1] += l.at[i]
		if l.at[i+1] > len(x) {
			return l, false
		}
	}
	l.at[sections] = len(x)
	return l, !in.bad && l.from <= l.at[1]-l.at[0]
}

func (l *layout) section(x Index, i int) []byte { return x[l.at[i]:l.at[i+1]] }

// Size is the number of octets of the message.
func (x Index) Size() int64 {
	l, _ := x.layout()
	return l.size
}

// HeaderSize is the number of octets of the message's header block, the blank line included.
func (x Index) HeaderSize() int64 {
	l, _ := x.layout()
	return l.header
}

// AppendEnvelope appends the ENVELOPE text; see the function AppendEnvelope.
func (x Index) AppendEnvelope(dst []byte) []byte {
	l, ok := x.layout()
	if !ok {
		return dst
	}
	head := l.section(x, sectionHead)
	dst = append(dst, head...)
	for i := sectionSender; i <= sectionReplyTo; i++ {
		if text := l.section(x, i); len(text) > 0 {
			dst = append(dst, text...)
		} else {
			dst = append(dst, head[l.from:]...)
		}
	}
	return append(dst, l.section(x, sectionTail)...)
}

// AppendBodyStructure appends the BODYSTRUCTURE text; see the function AppendBodyStructure.
func (x Index) AppendBodyStructure(dst []byte) []byte { return append(dst, x.BodyStructure()...) }

// AppendBody appends the BODY text: BODYSTRUCTURE without extension data.
func (x Index) AppendBody(dst []byte) []byte {
	l, ok := x.layout()
	if !ok {
		return dst
	}
	text := l.section(x, sectionBody)
	in := numbers{b: l.section(x, sectionCuts)}
	for in.more() {
		keep, cut := in.int64(), in.int64()
		if in.bad || keep > int64(len(text)) || cut > int64(len(text))-keep {
			break
		}
		dst = append(dst, text[:keep]...)
		text = text[keep+cut:]
	}
	return append(dst, text...)
}

// Envelope gives the ENVELOPE text in octets of its own. AppendEnvelope spares the allocation.
func (x Index) Envelope() []byte {
	if len(x) == 0 {
		return nil
	}
	return x.AppendEnvelope(make([]byte, 0, len(x)+len(x)/2))
}

// BodyStructure gives the BODYSTRUCTURE text. It is part of x and must not be changed.
func (x Index) BodyStructure() []byte {
	l, ok := x.layout()
	if !ok {
		return nil
	}
	return l.section(x, sectionBody)
}

// Body gives the BODY text in octets of its own. AppendBody spares the allocation.
func (x Index) Body() []byte {
	text := x.BodyStructure()
	if text == nil {
		return nil
	}
	return x.AppendBody(make([]byte, 0, len(text)))
}

// Encode appends the structure in the form of Index.
func (m *Message) Encode(dst []byte) []byte {
	var buf [1024]byte
	var lengths [sections - 1]int
	text, mark := buf[:0], 0
	done := func(section int) {
		lengths[section] = len(text) - mark
		mark = len(text)
	}
	e := m.Root.Envelope
	if e == nil {
		e = &Envelope{}
	}
	text = appendEnvelopeHead(text, e)
	done(sectionHead)
	from := fromText(text, e)
	text = appendUnlessFrom(text, e.Sender, from)
	done(sectionSender)
	text = appendUnlessFrom(text, e.ReplyTo, from)
	done(sectionReplyTo)
	text = appendEnvelopeTail(text, e)
	done(sectionTail)
	r := renderer{extended: true, noting: true}
	text = r.part(text, m.Root)
	start := mark
	done(sectionBody)
	text = appendCuts(text, r.notes, start)
	done(sectionCuts)
	text = m.appendRow(text)
	done(sectionRow)

	dst = append(dst, indexVersion)
	dst = appendNumber(dst, m.Size)
	dst = appendNumber(dst, m.Root.BodyStart)
	dst = appendNumber(dst, int64(lengths[sectionHead]-len(from)))
	for _, n := range lengths {
		dst = appendNumber(dst, int64(n))
	}
	dst = append(dst, text...)
	return m.appendStructure(dst)
}

// fromText is the end of an envelope's head: From with the space before it.
func fromText(head []byte, e *Envelope) []byte {
	n := len(appendAddresses(nil, e.From)) + 1
	return head[len(head)-n:]
}

// appendUnlessFrom appends an address list with a space before it, or nothing where it is From's text.
func appendUnlessFrom(dst []byte, list []Address, from []byte) []byte {
	if len(list) == 0 {
		return dst
	}
	mark := len(dst)
	dst = appendAddresses(append(dst, ' '), list)
	if bytes.Equal(dst[mark:], from) {
		return dst[:mark]
	}
	return dst
}

func appendCuts(dst []byte, notes []Range, start int) []byte {
	for _, n := range notes {
		dst = appendNumber(dst, int64(n.Start-start))
		dst = appendNumber(dst, int64(n.End-n.Start))
		start = n.End
	}
	return dst
}

func appendNumber(dst []byte, n int64) []byte { return binary.AppendUvarint(dst, uint64(n)) }

// numbers reads uvarints. After a bad one all are 0.
type numbers struct {
	b   []byte
	at  int
	bad bool
}

func (in *numbers) more() bool { return !in.bad && in.at < len(in.b) }

func (in *numbers) int64() int64 {
	if in.at < len(in.b) && in.b[in.at] < 0x80 {
		in.at++
		return int64(in.b[in.at-1])
	}
	v, n := binary.Uvarint(in.b[min(in.at, len(in.b)):])
	if n <= 0 || int64(v) < 0 {
		in.bad = true
		in.at = len(in.b)
		return 0
	}
	in.at += n
	return int64(v)
}

// int reads a number that counts octets of b, so can't be larger than it.
func (in *numbers) int() int {
	v := in.int64()
	if v > int64(len(in.b)) {
		in.bad = true
		return 0
	}
	return int(v)
}
