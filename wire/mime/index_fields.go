package mime

import "bytes"

// EnvelopeField names one field of an ENVELOPE (RFC 9051 §7.5.2).
type EnvelopeField uint8

// Fields of an ENVELOPE, in their order.
const (
	FieldDate EnvelopeField = iota
	FieldSubject
	FieldFrom
	FieldSender
	FieldReplyTo
	FieldTo
	FieldCc
	FieldBcc
	FieldInReplyTo
	FieldMessageID
)

// EnvelopeField gives the text of one field of the ENVELOPE as IMAP has it: a string, a list of addresses or NIL. It is
// part of x and must not be changed. Reading one field this way costs a fraction of Decode.
func (x Index) EnvelopeField(f EnvelopeField) []byte {
	l, ok := x.layout()
	if !ok {
		return nil
	}
	head := l.section(x, sectionHead)
	switch f {
	case FieldDate:
		return nthField(head[min(1, len(head)):], 0)
	case FieldSubject:
		return nthField(head[min(1, len(head)):], 1)
	case FieldFrom:
		return trimField(head[l.from:])
	case FieldSender, FieldReplyTo:
		if own := l.section(x, sectionSender+int(f-FieldSender)); len(own) > 0 {
			return trimField(own)
		}
		return trimField(head[l.from:])
	}
	tail := l.section(x, sectionTail)
	return nthField(tail[min(1, len(tail)):], int(f-FieldTo))
}

func trimField(b []byte) []byte { return bytes.TrimPrefix(b, []byte(" ")) }

// nthField gives the n-th of values with spaces between them.
func nthField(b []byte, n int) []byte {
	t := imapText{b: b}
	for ; n > 0; n-- {
		t.skip()
		t.sp()
	}
	start := t.at
	t.skip()
	if t.bad {
		return nil
	}
	return b[start:t.at]
}

// skip passes over a string, a list or NIL.
func (t *imapText) skip() {
	depth := 0
	for !t.bad {
		switch t.peek() {
		case '(':
			depth++
			t.at++
		case ')':
			depth--
			t.at++
		case '"':
			t.skipQuoted()
		case '{':
			t.literal()
		case ' ':
			t.at++
		default:
			t.bad = !t.isNil() || t.bad
		}
		if depth <= 0 {
			t.bad = t.bad || depth < 0
			return
		}
	}
}

func (t *imapText) skipQuoted() {
	for t.at++; t.at < len(t.b) && t.b[t.at] != '"'; t.at++ {
		if t.b[t.at] == '\\' {
			t.at++
		}
	}
	t.expect('"')
}

// EnvelopeText gives a field of the ENVELOPE that is a string, as in the header; "" where it is missing.
func (x Index) EnvelopeText(f EnvelopeField) string {
	t := imapText{b: x.EnvelopeField(f)}
	return t.string()
}

// EnvelopeAddresses gives a field of the ENVELOPE that is a list of addresses. Sender and Reply-To default to From.
func (x Index) EnvelopeAddresses(f EnvelopeField) []Address {
	t := imapText{b: x.EnvelopeField(f)}
	return t.addresses()
}

// FirstAddress gives the first entry of a field of the ENVELOPE that is a list of addresses, without looking at the others;
// false where there is none.
func (x Index) FirstAddress(f EnvelopeField) (Address, bool) {
	t := imapText{b: x.EnvelopeField(f)}
	if t.peek() != '(' {
		return Address{}, false
	}
	t.at++
	a := t.address()
	return a, !t.bad
}

// References gives the message ids of References without their angle brackets, oldest first.
func (x Index) References() (ids []string) {
	l, ok := x.layout()
	if !ok {
		return nil
	}
	d := decoder{numbers: numbers{b: l.section(x, sectionStructure)}}
	d.numbers.int64() // lines of the message
	d.numbers.int64() // limited
	flags := d.numbers.int64()
	for range 4 { // gap, header, body, lines
		d.numbers.int64()
	}
	if flags&flagReferences == 0 {
		return nil
	}
	for n := d.numbers.int(); n > 0 && !d.numbers.bad; n-- {
		ids = append(ids, d.counted())
	}
	return ids
}
