package apart

import (
	"io"
	"strings"
	"unicode/utf16"
)

// Numbers of the file systems of CDs (ECMA-119 §8, §9; Joliet).
const (
	isoSector  = 2048
	isoSystem  = 16 * isoSector // where the volume descriptors begin
	isoVolumes = 64             // volume descriptors that are looked at
	isoRecord  = 33             // octets of a directory's record before the name
	isoFolder  = 2              // flag: a folder
	maxISODir  = 4 << 20        // the longest directory that is read, in octets
)

// An iso is one tree of a CD: of its primary descriptor, or of Joliet's.
type iso struct {
	c      *container
	block  int64
	joliet bool
	seen   map[int64]bool // folders by where they stand
	files  map[int64]bool
}

// openISO visits the files of an image of a CD. Joliet's tree goes first, since its names are the better ones; files that only the
// primary tree names follow.
func openISO(c *container) error {
	primary, joliet := c.isoVolumes()
	if primary == nil && joliet == nil {
		return trouble(Unsupported) // UDF alone
	}
	files := make(map[int64]bool)
	for _, v := range [][]byte{joliet, primary} {
		if v == nil {
			continue
		}
		t := &iso{c: c, block: int64(little.Uint16(v[128:])), joliet: &v[0] == firstOf(joliet), seen: make(map[int64]bool), files: files}
		if t.block == 0 {
			t.block = isoSector
		}
		if err := t.folder("", v[156:156+34], 0); err != nil {
			return err
		}
	}
	return nil
}

func firstOf(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}

// isoVolumes finds the volume descriptors.
func (c *container) isoVolumes() (primary, joliet []byte) {
	for i := range int64(isoVolumes) {
		b, err := c.bytes(isoSystem+i*isoSector, isoSector)
		if err != nil || string(b[1:6]) != "CD001" || b[0] == 255 {
			return primary, joliet
		}
		switch escape := string(b[88:91]); {
		case b[0] == 1 && primary == nil:
			primary = b
		case b[0] == 2 && (escape == "%/@" || escape == "%/C" || escape == "%/E"):
			joliet = b
		}
	}
	return primary, joliet
}

// folder visits what stands in a folder. A folder that was seen is not entered again: some images make circles of them.
func (t *iso) folder(path string, record []byte, depth int) error {
	at, size := int64(little.Uint32(record[2:]))*t.block, int64(little.Uint32(record[10:]))
	if t.seen[at] || depth > t.c.w.lim.Depth {
		return nil
	}
	t.seen[at] = true
	if depth > 0 {
		if err := t.c.count(); err != nil {
			return err
		}
	}
	dir, err := t.c.bytes(at, min(size, maxISODir))
	if err != nil {
		return trouble(Damaged)
	}
	for i := 0; i+isoRecord < len(dir); {
		n := int(dir[i])
		if n == 0 { // records do not cross sectors
			i = (i/isoSector + 1) * isoSector
			continue
		}
		if n <= isoRecord || i+n > len(dir) || isoRecord+int(dir[i+32]) > n {
			return trouble(Damaged)
		}
		if err := t.record(path, dir[i:i+n], depth); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// record visits what one record stands for.
func (t *iso) record(path string, b []byte, depth int) error {
	raw := b[isoRecord : isoRecord+int(b[32])]
	if len(raw) == 1 && raw[0] <= 1 { // the folder itself and the one above
		return nil
	}
	name := path + t.name(raw, b)
	if b[25]&isoFolder != 0 {
		return t.folder(name+"/", b, depth+1)
	}
	at, size := int64(little.Uint32(b[2:]))*t.block, int64(little.Uint32(b[10:]))
	if t.files[at] && size > 0 {
		return nil
	}
	t.files[at] = true
	data, ok := t.c.section(at, size)
	if !ok {
		return t.c.add(entry{name: name, size: size, problem: Damaged})
	}
	return t.c.add(entry{name: name, size: size, at: io.ReaderAt(data)})
}

// name decodes a record's name, without its version.
func (t *iso) name(raw, record []byte) string {
	if t.joliet {
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		name, _, _ := strings.Cut(string(utf16.Decode(units)), ";")
		return name
	}
	if long := rockRidge(record[min(len(record), isoRecord+(len(raw)|1)):]); long != "" {
		return long
	}
	name, _, _ := strings.Cut(japanese(raw), ";")
	return strings.TrimSuffix(name, ".")
}

// rockRidge finds the name POSIX systems write behind a record (IEEE P1282 §4.1.4).
func rockRidge(b []byte) string {
	var name []byte
	for len(b) >= 5 {
		n := int(b[2])
		if n < 5 || n > len(b) {
			break
		}
		if string(b[:2]) == "NM" {
			name = append(name, b[5:n]...)
		}
		b = b[n:]
	}
	return japanese(name)
}
