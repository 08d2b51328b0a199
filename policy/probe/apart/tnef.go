package apart

import (
	"bytes"
	"unicode/utf16"
)

// Attributes of TNEF ([MS-OXTNEF] §2.1.3.3) and properties in them ([MS-OXPROPS]).
const (
	tnefAttachBegins = 0x9002
	tnefAttachTitle  = 0x8010
	tnefAttachData   = 0x800f
	tnefAttachProps  = 0x9005
	tnefMessageProps = 0x9003
	tnefBody         = 0x800c

	propBody         = 0x1000
	propRTF          = 0x1009
	propHTML         = 0x1013
	propAttachData   = 0x3701
	propShortName    = 0x3704
	propLongName     = 0x3707
	propMediaType    = 0x370e
	maxTNEFValues    = 10_000 // values of one property
	tnefHeader       = 9      // octets before an attribute's data
	tnefObjectHeader = 16     // octets of the class before an object's data
)

// A tnefAttachment is an attachment while its attributes are read.
type tnefAttachment struct {
	name, long, claimed string
	data                []byte
	begun               bool
}

// openTNEF visits the attachments of a winmail.dat, and the bodies it has.
func openTNEF(c *container) error {
	b, err := readAll(c.m.data, c.m.length, c.w.lim.Each)
	if err != nil || len(b) < 6 {
		return trouble(Damaged)
	}
	var a tnefAttachment
	for b = b[6:]; len(b) > 0; {
		if len(b) < tnefHeader+2 {
			return c.tnefEnd(&a, trouble(Damaged))
		}
		id, size := little.Uint16(b[1:]), int64(little.Uint32(b[5:]))
		if size > int64(len(b)-tnefHeader-2) {
			return c.tnefEnd(&a, trouble(Damaged))
		}
		data := b[tnefHeader : tnefHeader+size]
		b = b[tnefHeader+size+2:]
		if err := c.tnefAttribute(&a, id, data); err != nil {
			return err
		}
	}
	return c.tnefEnd(&a, nil)
}

// tnefEnd visits the last attachment and gives an error on.
func (c *container) tnefEnd(a *tnefAttachment, problem error) error {
	if err := c.tnefAttachment(a); err != nil {
		return err
	}
	return problem
}

// tnefAttribute reads one attribute.
func (c *container) tnefAttribute(a *tnefAttachment, id uint16, data []byte) error {
	switch id {
	case tnefAttachBegins:
		err := c.tnefAttachment(a)
		*a = tnefAttachment{begun: true}
		return err
	case tnefAttachTitle:
		a.name, a.begun = japanese(bytes.TrimRight(data, "\x00")), true
	case tnefAttachData:
		a.data, a.begun = data, true
	case tnefAttachProps:
		a.begun = true
		readProps(data, a.property)
	case tnefBody:
		return c.addBytes("body.txt", "text/plain", bytes.TrimRight(data, "\x00"))
	case tnefMessageProps:
		return c.tnefBodies(data)
	}
	return nil
}

// property takes what a property says of an attachment.
func (a *tnefAttachment) property(id, kind uint16, value []byte) {
	switch id {
	case propLongName:
		a.long = propText(kind, value)
	case propShortName:
		if a.name == "" {
			a.name = propText(kind, value)
		}
	case propMediaType:
		a.claimed = propText(kind, value)
	case propAttachData:
		if kind == 0x0d && len(value) > tnefObjectHeader { // an object: a message as TNEF again, or a compound file
			value = value[tnefObjectHeader:]
		}
		if len(value) > len(a.data) {
			a.data = value
		}
	}
}

// tnefAttachment visits an attachment that was read.
func (c *container) tnefAttachment(a *tnefAttachment) error {
	if !a.begun || len(a.data) == 0 {
		return nil
	}
	name := a.long
	if name == "" {
		name = a.name
	}
	return c.addBytes(name, a.claimed, a.data)
}

// tnefBodies visits the bodies among a message's properties.
func (c *container) tnefBodies(data []byte) (err error) {
	readProps(data, func(id, kind uint16, value []byte) {
		if err == nil {
			err = c.addBody(id, kind, value)
		}
	})
	return err
}

// addBody visits a property that is a body; others are none.
func (c *container) addBody(id, kind uint16, value []byte) error {
	switch id {
	case propBody:
		return c.addBytes("body.txt", "text/plain", []byte(propText(kind, value)))
	case propHTML:
		return c.addBytes("body.html", "text/html", value)
	case propRTF:
		rtf, ok := unpackRTF(value, c.w.lim.Each)
		if !ok {
			return c.add(entry{name: "body.rtf", claimed: "text/rtf", size: -1, problem: Damaged})
		}
		return c.addBytes("body.rtf", "text/rtf", rtf)
	}
	return nil
}

// addBytes visits octets that are in memory. Nothing is no member.
func (c *container) addBytes(name, claimed string, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	return c.add(entry{name: name, claimed: claimed, size: int64(len(data)), at: bytes.NewReader(data)})
}

// propText decodes a string of a property: kind 0x1f is UTF-16, others are of the writer's code page.
func propText(kind uint16, value []byte) string {
	if kind != 0x1f {
		return japanese(bytes.TrimRight(value, "\x00"))
	}
	units := make([]uint16, len(value)/2)
	for i := range units {
		units[i] = little.Uint16(value[2*i:])
	}
	return string(bytes.TrimRight([]byte(string(utf16.Decode(units))), "\x00"))
}

// readProps reads a list of properties ([MS-OXTNEF] §2.1.3.4), each value by itself. It ends where the list is damaged.
func readProps(b []byte, each func(id, kind uint16, value []byte)) {
	p := &propReader{b: b}
	for n := p.number(); n > 0 && !p.failed; n-- {
		head := p.take(4)
		if p.failed {
			return
		}
		kind, id := little.Uint16(head), little.Uint16(head[2:])
		if id >= 0x8000 {
			p.skipName()
		}
		p.values(kind, func(value []byte) { each(id, kind&^0x1000, value) })
	}
}

// A propReader reads properties.
type propReader struct {
	b      []byte
	failed bool
}

func (p *propReader) take(n int) []byte {
	if p.failed || n < 0 || n > len(p.b) {
		p.failed = true
		return nil
	}
	v := p.b[:n]
	p.b = p.b[n:]
	return v
}

func (p *propReader) number() int {
	b := p.take(4)
	if p.failed {
		return 0
	}
	return int(little.Uint32(b))
}

// padded takes n octets and those that fill up to four.
func (p *propReader) padded(n int) []byte {
	v := p.take(n)
	p.take(min(-n&3, len(p.b)))
	return v
}

// skipName passes over a property's name.
func (p *propReader) skipName() {
	p.take(16)
	if p.number() == 0 {
		p.take(4)
		return
	}
	p.padded(p.number())
}

// values reads a property's values.
func (p *propReader) values(kind uint16, each func([]byte)) {
	count := 1
	size := fixedSize(kind &^ 0x1000)
	if kind&0x1000 != 0 || size == 0 {
		count = p.number()
	}
	if count > maxTNEFValues {
		p.failed = true
	}
	for ; count > 0 && !p.failed; count-- {
		n := size
		if n == 0 {
			n = p.number()
		}
		if v := p.padded(n); !p.failed {
			each(v)
		}
	}
}

// fixedSize is how many octets a value of a type takes; 0 for those that say it themselves.
func fixedSize(kind uint16) int {
	switch kind {
	case 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x01:
		return 4
	case 0x05, 0x06, 0x07, 0x14, 0x40:
		return 8
	case 0x48:
		return 16
	}
	return 0
}
