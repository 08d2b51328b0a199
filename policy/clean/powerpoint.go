package clean

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
)

// Records of PowerPoint 97 and later ([MS-PPT] §2.13.24).
const (
	recExternalObject = 0x1011
	recVBAInfo        = 0x0400
	recInteractive    = 0x0ff3
)

// Actions of what can be clicked ([MS-PPT] §2.13.10).
const (
	actionNone    = 0
	actionMacro   = 1
	actionProgram = 2
)

// slides cleans a slide show in its place, as everything in it is found by offsets: the project's storage is emptied and the mark that
// there is one taken away, embedded objects are cleaned, clicks run nothing.
func (o *oleFile) slides(n *node, name string) error {
	return o.atoms(n.octets, name, 0)
}

// maxContainers is how deep records stand in each other.
const maxContainers = 64

// atoms cleans the records of a stretch.
func (o *oleFile) atoms(b []byte, name string, depth int) error {
	if depth > maxContainers {
		return impossible("records too deep in each other")
	}
	for len(b) >= 8 {
		version, typ, size := little.Uint16(b)&0xf, little.Uint16(b[2:]), int64(little.Uint32(b[4:]))
		if size > int64(len(b)-8) {
			if depth == 0 && typ == 0 {
				return nil // what fills up the stream
			}
			return impossible("a slide show that cannot be read")
		}
		body := b[8 : 8+size]
		var err error
		switch {
		case typ == recExternalObject:
			err = o.object(b[:8], body, name)
		case version == 0xf:
			err = o.atoms(body, name, depth+1)
		default:
			o.atom(typ, body, name)
		}
		if err != nil {
			return err
		}
		b = b[8+size:]
	}
	return nil
}

// atom cleans one record without records in it.
func (o *oleFile) atom(typ uint16, body []byte, name string) {
	switch {
	case typ == recVBAInfo && len(body) >= 8:
		if little.Uint32(body[4:]) != 0 || little.Uint32(body) != 0 {
			o.removed(VBA, name)
			clear(body[:8])
		}
	case typ == recInteractive && len(body) >= 9:
		switch body[8] {
		case actionMacro:
			o.removed(VBA, name)
			body[8] = actionNone
		case actionProgram:
			o.removed(Package, name)
			body[8] = actionNone
		}
	}
}

// object cleans an embedded compound file ([MS-PPT] §2.10.34), packed or not. What takes its place must have its size.
func (o *oleFile) object(head, body []byte, name string) error {
	packed := little.Uint16(head)>>4 == 1
	content := body
	if packed {
		if len(body) < 4 {
			return impossible("a slide show that cannot be read")
		}
		var err error
		if content, err = o.c.unpack(body[4:], int64(little.Uint32(body))); err != nil {
			return err
		}
	}
	if len(content) == 0 || !bytes.HasPrefix(content, []byte(oleMagic)) {
		return nil
	}
	var clean []byte
	if isProject(content) {
		o.removed(VBA, name)
	} else {
		out, err := o.c.within(content, o.depth)
		if err != nil || same(out, content) {
			return err
		}
		clean, o.changed = out, true
	}
	return fill(body, clean, packed)
}

// unpack inflates what zlib packed, which is size octets long. PowerPoint leaves out the checksum at its end now and then.
func (c *cleaner) unpack(b []byte, size int64) ([]byte, error) {
	bad := impossible("an object that cannot be read")
	if size > MaxPart {
		return nil, bad
	}
	if err := c.spend(size); err != nil {
		return nil, err
	}
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, bad
	}
	out, err := io.ReadAll(io.LimitReader(r, size+1))
	if int64(len(out)) != size || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, bad
	}
	return out, nil
}

// fill puts octets into a record's body, packed as the old ones were. nil is a compound file in which nothing is.
func fill(body, content []byte, packed bool) error {
	if content == nil {
		content = (&node{name: "Root Entry", typ: typeRoot}).bytes()
	}
	if packed {
		var b bytes.Buffer
		b.Write(little.AppendUint32(nil, uint32(len(content))))
		z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		if err != nil {
			return err
		}
		if _, err = z.Write(content); err == nil {
			err = z.Close()
		}
		if err != nil {
			return err
		}
		content = b.Bytes()
	}
	if len(content) > len(body) {
		return impossible("an object that became larger")
	}
	clear(body[copy(body, content):])
	return nil
}
