package mime

import (
	"strings"

	"tegami/mail"
)

// The structure section of an Index: the lines of the message and whether a limit cut its
// structure, then for each part, parents first
//
//	flags, gap, header, body, lines    numbers; gap is from the parent's body start or the sibling before
//	more                               what the flags say, in their order
//
// All else is read from the ENVELOPE and BODYSTRUCTURE texts.

// Flags of a part.
const (
	flagNoParams   = 1 << iota // the text shows a charset that is only assumed
	flagMessage                // message/rfc822 that shows as application/octet-stream
	flagGlobal                 // message/global that does
	flagSender                 // the envelope has a Sender of its own
	flagReplyTo                // the envelope has a Reply-To of its own
	flagReferences             // a count and as many strings follow
	flagMultipart              // id, description, encoding and MD5 of a multipart follow, as strings
)

// maxDecodeDepth bounds the recursion on damaged octets.
const maxDecodeDepth = 1000

func (m *Message) appendStructure(dst []byte) []byte {
	dst = appendNumber(dst, m.Lines)
	limited := int64(0)
	if m.Limited {
		limited = 1
	}
	dst = appendNumber(dst, limited)
	return appendPart(dst, m.Root, 0)
}

func appendPart(dst []byte, p *Part, from int64) []byte {
	flags := p.flags()
	dst = appendNumber(dst, int64(flags))
	dst = appendNumber(dst, p.HeaderStart-from)
	dst = appendNumber(dst, p.BodyStart-p.HeaderStart)
	dst = appendNumber(dst, p.BodyEnd-p.BodyStart)
	dst = appendNumber(dst, p.Lines)
	if flags&flagReferences != 0 {
		dst = appendNumber(dst, int64(len(p.Envelope.References)))
		for _, id := range p.Envelope.References {
			dst = appendCounted(dst, id)
		}
	}
	if flags&flagMultipart != 0 {
		for _, s := range [...]string{p.ID, p.Description, p.Encoding, p.MD5} {
			dst = appendCounted(dst, s)
		}
	}
	from = p.BodyStart
	for _, c := range p.Children {
		dst = appendPart(dst, c, from)
		from = c.BodyEnd
	}
	return dst
}

func appendCounted(dst []byte, s string) []byte {
	return append(appendNumber(dst, int64(len(s))), s...)
}

func (p *Part) flags() (flags int) {
	set := func(flag int, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagNoParams, p.assumesASCII())
	opaque := p.Type == "message" && len(p.Children) == 0
	set(flagMessage, opaque && p.Subtype == "rfc822")
	set(flagGlobal, opaque && p.Subtype == "global")
	if e := p.Envelope; e != nil {
		set(flagSender, len(e.Sender) > 0)
		set(flagReplyTo, len(e.ReplyTo) > 0)
		set(flagReferences, len(e.References) > 0)
	}
	set(flagMultipart, p.IsMultipart() && (p.ID != "" || p.Description != "" || p.MD5 != "" || p.Encoding != "7bit"))
	return flags
}

// Decode reads what Encode wrote. The error's kind is Invalid: another version, or damage.
func Decode(b []byte) (*Message, error) {
	const op = "mime.Decode"
	x := Index(b)
	l, ok := x.layout()
	if !ok {
		return nil, mail.E(op, mail.Invalid, "structure.malformed")
	}
	d := decoder{
		text:    imapText{b: l.section(x, sectionBody)},
		numbers: numbers{b: l.section(x, sectionStructure)},
	}
	m := &Message{Size: l.size}
	m.Lines = d.numbers.int64()
	m.Limited = d.numbers.int64() == 1
	m.readRow(l.section(x, sectionRow))
	env := imapText{b: x.AppendEnvelope(nil)}
	m.Root = d.part(env.envelope(), 0, 0)
	if d.text.bad || d.numbers.bad || env.bad || d.text.at != len(d.text.b) || m.Root == nil {
		return nil, mail.E(op, mail.Invalid, "structure.malformed")
	}
	return m, nil
}

// decoder reads the text and the structure side by side.
type decoder struct {
	text    imapText
	numbers numbers
}

// part reads one part, whose envelope is e if it is a message.
func (d *decoder) part(e *Envelope, from int64, depth int) *Part {
	if depth > maxDecodeDepth {
		d.text.bad = true
	}
	if d.text.bad || d.numbers.bad {
		return nil
	}
	p := &Part{Envelope: e, Encoding: "7bit"}
	flags := int(d.numbers.int64())
	p.HeaderStart = from + d.numbers.int64()
	p.BodyStart = p.HeaderStart + d.numbers.int64()
	p.BodyEnd = p.BodyStart + d.numbers.int64()
	p.Lines = d.numbers.int64()
	d.more(p, flags)
	d.text.expect('(')
	if d.text.peek() == '(' {
		d.multipart(p, depth)
	} else {
		d.leaf(p, depth)
	}
	d.text.expect(')')
	p.undress(flags)
	return p
}

// more reads what the flags say follows the numbers.
func (d *decoder) more(p *Part, flags int) {
	if e := p.Envelope; e != nil {
		if flags&flagSender == 0 {
			e.Sender = nil
		}
		if flags&flagReplyTo == 0 {
			e.ReplyTo = nil
		}
		if flags&flagReferences != 0 {
			for n := d.numbers.int(); n > 0 && !d.numbers.bad; n-- {
				e.References = append(e.References, d.counted())
			}
		}
	}
	if flags&flagMultipart != 0 {
		for _, s := range [...]*string{&p.ID, &p.Description, &p.Encoding, &p.MD5} {
			*s = d.counted()
		}
	}
}

func (d *decoder) counted() string {
	in := &d.numbers
	n := in.int()
	if in.bad || n > len(in.b)-in.at {
		in.bad = true
		return ""
	}
	in.at += n
	return string(in.b[in.at-n : in.at])
}

// undress takes back what the text shows for the clients' sake.
func (p *Part) undress(flags int) {
	switch {
	case flags&flagNoParams != 0:
		p.Params = nil
	case flags&flagMessage != 0:
		p.Type, p.Subtype = "message", "rfc822"
	case flags&flagGlobal != 0:
		p.Type, p.Subtype = "message", "global"
	}
}

func (d *decoder) multipart(p *Part, depth int) {
	from := p.BodyStart
	for d.text.peek() == '(' && !d.text.bad {
		c := d.part(nil, from, depth+1)
		if c == nil {
			return
		}
		p.Children = append(p.Children, c)
		from = c.BodyEnd
	}
	p.Type = "multipart"
	p.Subtype = d.text.sp().string()
	p.Params = d.text.sp().params()
	d.text.extension(p)
}

func (d *decoder) leaf(p *Part, depth int) {
	t := &d.text
	p.Type, p.Subtype = t.string(), t.sp().string()
	p.Params = t.sp().params()
	p.ID, p.Description, p.Encoding = t.sp().string(), t.sp().string(), t.sp().string()
	t.sp().number()
	if p.Type == "message" && (p.Subtype == "rfc822" || p.Subtype == "global") {
		e := t.sp().envelope()
		t.sp()
		if c := d.part(e, p.BodyStart, depth+1); c != nil {
			p.Children = []*Part{c}
		}
	}
	if p.IsText() || p.IsMessage() {
		t.sp().number()
	}
	p.MD5 = t.sp().string()
	t.extension(p)
}

// imapText reads the texts that imap.go writes. After an error it gives zero values.
type imapText struct {
	b   []byte
	at  int
	bad bool
}

// peek is the next octet, 0 at the end.
func (t *imapText) peek() byte {
	if t.at < len(t.b) {
		return t.b[t.at]
	}
	return 0
}

func (t *imapText) expect(c byte) {
	if t.bad || t.peek() != c {
		t.bad = true
		return
	}
	t.at++
}

func (t *imapText) sp() *imapText {
	t.expect(' ')
	return t
}

func (t *imapText) number() (n int) {
	start := t.at
	for c := t.peek(); c >= '0' && c <= '9' && n < 1<<40; c = t.peek() {
		n = n*10 + int(c-'0')
		t.at++
	}
	t.bad = t.bad || t.at == start
	return n
}

// isNil takes a NIL.
func (t *imapText) isNil() bool {
	if t.bad || len(t.b)-t.at < 3 || string(t.b[t.at:t.at+3]) != "NIL" {
		return false
	}
	t.at += 3
	return true
}

// string reads a string or NIL, which is "".
func (t *imapText) string() string {
	s, _ := t.nstring()
	return s
}

// nstring reads a string; there is false for NIL.
func (t *imapText) nstring() (s string, there bool) {
	switch t.peek() {
	case 'N':
		t.bad = !t.isNil() || t.bad
		return "", false
	case '{':
		return t.literal(), true
	}
	t.expect('"')
	start, escaped := t.at, false
	for !t.bad && t.peek() != '"' {
		if t.peek() == '\\' {
			escaped = true
			t.at++
		}
		if t.at++; t.at >= len(t.b) {
			t.bad = true
			return "", false
		}
	}
	if t.bad {
		return "", false
	}
	s = string(t.b[start:t.at])
	t.at++
	if escaped {
		s = unescapeQuoted(s)
	}
	return s, true
}

func unescapeQuoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (t *imapText) literal() string {
	t.expect('{')
	n := t.number()
	t.expect('}')
	t.expect('\r')
	t.expect('\n')
	if t.bad || n > len(t.b)-t.at {
		t.bad = true
		return ""
	}
	t.at += n
	return string(t.b[t.at-n : t.at])
}

// list calls item for each thing of a parenthesised list, or not at all for NIL.
func (t *imapText) list(item func()) {
	if t.isNil() {
		return
	}
	t.expect('(')
	for !t.bad && t.peek() != ')' {
		if t.peek() == ' ' {
			t.at++
		}
		item()
	}
	t.expect(')')
}

func (t *imapText) params() (params []Param) {
	t.list(func() {
		p := Param{Name: t.string(), Raw: t.sp().string()}
		if n := len(p.Name); n > 1 && p.Name[n-1] == '*' {
			p.Name, p.Extended = p.Name[:n-1], true
		}
		p.Value = decodeParam(p)
		params = append(params, p)
	})
	return params
}

// extension reads disposition, language and location.
func (t *imapText) extension(p *Part) {
	if t.sp(); !t.isNil() {
		t.expect('(')
		p.Disposition = t.string()
		p.DispositionParams = t.sp().params()
		t.expect(')')
	}
	switch t.sp(); t.peek() {
	case '(':
		t.list(func() { p.Language = append(p.Language, t.string()) })
	default:
		if l, there := t.nstring(); there {
			p.Language = []string{l}
		}
	}
	p.Location = t.sp().string()
}

func (t *imapText) envelope() *Envelope {
	e := &Envelope{}
	text := func(s *string, has uint8) {
		var there bool
		if *s, there = t.nstring(); there {
			e.present |= has
		}
	}
	t.expect('(')
	text(&e.Date, hasDate)
	t.sp()
	text(&e.Subject, hasSubject)
	for _, list := range [...]*[]Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc} {
		*list = t.sp().addresses()
	}
	t.sp()
	text(&e.InReplyTo, hasInReplyTo)
	t.sp()
	text(&e.MessageID, hasMessageID)
	t.expect(')')
	return e
}

func (t *imapText) addresses() (list []Address) {
	t.list(func() { list = append(list, t.address()) })
	return list
}

func (t *imapText) address() Address {
	t.expect('(')
	display := t.string()
	t.sp().string() // the source route, which is never written
	local, isLocal := t.sp().nstring()
	domain, isDomain := t.sp().nstring()
	t.expect(')')
	switch {
	case !isLocal:
		return Address{Kind: GroupEnd}
	case !isDomain:
		return Address{Kind: GroupStart, Display: local}
	}
	return Address{Display: display, Local: local, Domain: domain}
}
