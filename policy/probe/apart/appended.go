package apart

import (
	"bytes"
	"io"
)

// maxStub is how far into a program an archive is looked for, in octets: programs that unpack themselves are short.
const maxStub = 1 << 20

// appended visits archives that stand in or behind what is something else: at the end of a program, a picture, a document.
func (w *walk) appended(m *Member) {
	switch {
	case m.data == nil || zips[m.Kind] || m.length < zipEndSize:
		return
	case m.Kind == PE || m.Kind == "dos" || m.Kind == "ne" || m.Kind == "elf" || m.Kind == "script":
		if at, kind := findStubbed(m); at > 0 {
			w.members(m, func(c *container) error { return c.rest(at, kind) })
			return
		}
	case openerOf(m.Kind) != nil:
		return
	}
	at, end := findZipEnd(m.data, m.length)
	if end == nil || little.Uint16(end[10:]) == 0 || int64(little.Uint32(end[12:])) > at {
		return
	}
	z, err := readZipDirectory(w, m.data, m.length)
	if err != nil || len(z.entries) == 0 || !z.entries[0].locate(m.data) {
		return
	}
	m.dir = z
	w.members(m, openZip)
}

// stubbed are archives that programs carry, with what tells them from the same octets in an unpacker's own code.
var stubbed = []struct {
	magic string
	kind  Kind
	fits  func(b []byte, left int64) bool // b begins with the magic octets; left is how much stands there
}{
	{"7z\xbc\xaf\x27\x1c\x00", SevenZip, func(b []byte, left int64) bool {
		at, size := little.Uint64(b[12:]), little.Uint64(b[20:])
		return at < uint64(left) && size < uint64(left) && size > 0
	}},
	{"Rar!\x1a\x07", RAR, func(b []byte, _ int64) bool { return b[6] == 0 && b[9] == 0x73 || b[6] == 1 && b[7] == 0 }},
	{"MSCF\x00\x00\x00\x00", CAB, func(b []byte, left int64) bool {
		return b[24] == 3 && b[25] == 1 && int64(little.Uint32(b[8:])) <= left && int64(little.Uint32(b[16:])) < left
	}},
}

// findStubbed looks for an archive in a program; at is 0 for none.
func findStubbed(m *Member) (at int64, kind Kind) {
	head, err := readAll(m.data, m.length, maxStub)
	if err != nil {
		return 0, ""
	}
	for _, k := range stubbed {
		for from := 1; from+32 < len(head); from++ {
			i := bytes.Index(head[from:], []byte(k.magic))
			if i < 0 || from+i+32 > len(head) {
				break
			}
			from += i
			if k.fits(head[from:], m.length-int64(from)) {
				if at == 0 || int64(from) < at {
					at, kind = int64(from), k.kind
				}
				break
			}
		}
	}
	return at, kind
}

// rest visits what stands from an offset on as a member of its own.
func (c *container) rest(at int64, kind Kind) error {
	size := c.m.length - at
	return c.add(entry{name: "archive." + string(kind), size: size, at: io.NewSectionReader(c.m.data, at, size)})
}
