package apart

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"tegami/wire/mime"
)

var little = binary.LittleEndian

// Signatures and lengths of the records of a zip (APPNOTE.TXT §4.3).
const (
	zipLocal       = 0x04034b50
	zipCentral     = 0x02014b50
	zipEnd         = 0x06054b50
	zipEnd64       = 0x06064b50
	zipEnd64Loc    = 0x07064b50
	zipDescriptor  = 0x08074b50
	zipLocalSize   = 30
	zipCentralSize = 46
	zipEndSize     = 22
)

// maxZipTail is how far from its end a zip's end record is looked for: a comment of 65,535 octets and what was appended.
const maxZipTail = zipEndSize + 1<<16 + 1<<10

// maxZipDirectory is the longest directory of a zip that is read, in octets.
const maxZipDirectory = 16 << 20

// A zipFile is a zip's directory.
type zipFile struct {
	entries []zipEntry
	broken  bool // the directory can't be read: entries were found by their local headers
	base    int64
}

// A zipEntry is a member of a zip, as its directory or its local header has it.
type zipEntry struct {
	raw            []byte // name
	name           string
	flags, method  uint16
	packed, size   int64 // octets; < 0 for unknown
	local          int64 // offset of the local header
	data           int64 // offset of the data; 0 for not yet known
	folder, hidden bool
}

func (e *zipEntry) encrypted() bool { return e.flags&(1|1<<6|1<<13) != 0 || e.method == 99 }

// readZip reads a zip's directory; where there is none that can be read, the local headers.
func readZip(w *walk, r io.ReaderAt, size int64) (*zipFile, error) {
	z, err := readZipDirectory(w, r, size)
	if err == nil && len(z.entries) > 0 {
		z.findHidden(w, r, size)
		return z, nil
	}
	if w.alive() != nil {
		return nil, errStop
	}
	found := &zipFile{broken: err != nil}
	found.scan(w, r, 0, size)
	if len(found.entries) == 0 && err != nil {
		return nil, trouble(Damaged)
	}
	return found, nil
}

// readZipDirectory reads the directory the end record points to.
func readZipDirectory(w *walk, r io.ReaderAt, size int64) (*zipFile, error) {
	at, end := findZipEnd(r, size)
	if end == nil {
		return nil, trouble(Damaged)
	}
	count, length, offset := int64(little.Uint16(end[10:])), int64(little.Uint32(end[12:])), int64(little.Uint32(end[16:]))
	stop := at
	if c, l, o, begin, ok := readZipEnd64(r, at); ok {
		count, length, offset, stop = c, l, o, begin
	}
	if length > maxZipDirectory || length < 0 || length > stop {
		return nil, trouble(Damaged)
	}
	z := &zipFile{base: max(0, stop-length-offset)} // what stands before the zip: a program that unpacks it
	dir := make([]byte, length)
	if n, _ := r.ReadAt(dir, stop-length); n < len(dir) {
		return nil, trouble(Damaged)
	}
	for len(dir) >= zipCentralSize && little.Uint32(dir) == zipCentral {
		e, n := parseZipCentral(dir, z.base)
		if n == 0 {
			return z, trouble(Damaged)
		}
		z.entries = append(z.entries, e)
		dir = dir[n:]
		if len(z.entries) > w.lim.Members {
			return z, nil
		}
	}
	if int64(len(z.entries)) < count && count != math.MaxUint16 {
		z.broken = true
	}
	return z, nil
}

// findZipEnd looks for the end record from behind.
func findZipEnd(r io.ReaderAt, size int64) (int64, []byte) {
	tail := make([]byte, min(size, maxZipTail))
	from := size - int64(len(tail))
	n, _ := r.ReadAt(tail, from)
	tail = tail[:n]
	for i := len(tail) - zipEndSize; i >= 0; i-- {
		if tail[i] == 'P' && little.Uint32(tail[i:]) == zipEnd {
			return from + int64(i), tail[i:]
		}
	}
	return 0, nil
}

// readZipEnd64 reads the end record of zip64, which stands before the one at an offset (APPNOTE.TXT §4.3.14).
func readZipEnd64(r io.ReaderAt, at int64) (count, length, offset, begin int64, ok bool) {
	loc := make([]byte, 20)
	if n, _ := r.ReadAt(loc, max(0, at-20)); n < 20 || little.Uint32(loc) != zipEnd64Loc {
		return
	}
	b := make([]byte, 56)
	for _, begin := range []int64{int64(little.Uint64(loc[8:])), at - 20 - 56} {
		if begin < 0 {
			continue
		}
		if n, _ := r.ReadAt(b, begin); n == len(b) && little.Uint32(b) == zipEnd64 {
			return int64(little.Uint64(b[32:])), int64(little.Uint64(b[40:])), int64(little.Uint64(b[48:])), begin, true
		}
	}
	return
}

// parseZipCentral reads one record of the directory; n is 0 when it is cut.
func parseZipCentral(b []byte, base int64) (e zipEntry, n int) {
	nameLen, extraLen, commentLen := int(little.Uint16(b[28:])), int(little.Uint16(b[30:])), int(little.Uint16(b[32:]))
	n = zipCentralSize + nameLen + extraLen + commentLen
	if n > len(b) {
		return e, 0
	}
	e = zipEntry{
		raw: b[zipCentralSize : zipCentralSize+nameLen], flags: little.Uint16(b[8:]), method: little.Uint16(b[10:]),
		packed: int64(little.Uint32(b[20:])), size: int64(little.Uint32(b[24:])), local: int64(little.Uint32(b[42:])),
	}
	e.extra(b[zipCentralSize+nameLen : zipCentralSize+nameLen+extraLen])
	e.local += base
	return e, n
}

// extra reads the extra fields: the sizes of zip64 (§4.5.3) and the name in Unicode (§4.6.9). It also names the entry.
func (e *zipEntry) extra(b []byte) {
	var unicodeName []byte
	for len(b) >= 4 {
		id, n := little.Uint16(b), int(little.Uint16(b[2:]))
		if n > len(b)-4 {
			break
		}
		field := b[4 : 4+n]
		switch {
		case id == 1:
			for _, v := range []*int64{&e.size, &e.packed, &e.local} {
				if *v == math.MaxUint32 && len(field) >= 8 {
					*v, field = int64(little.Uint64(field)), field[8:]
				}
			}
		case id == 0x7075 && n > 5:
			unicodeName = field[5:]
		}
		b = b[4+n:]
	}
	e.name = zipName(e.raw, e.flags, unicodeName)
	e.folder = len(e.name) > 0 && (e.name[len(e.name)-1] == '/' || e.name[len(e.name)-1] == '\\') && e.size <= 0
}

// zipName decodes a name: UTF-8 where the flag or a field says so or it is nothing else, what Windows in Japan writes otherwise.
func zipName(raw []byte, flags uint16, unicodeName []byte) string {
	switch {
	case len(unicodeName) > 0 && utf8.Valid(unicodeName):
		return string(unicodeName)
	case utf8.Valid(raw) || flags&(1<<11) != 0:
		return string(raw)
	}
	return japanese(raw)
}

// japanese decodes a name that is no UTF-8.
func japanese(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	name, _, _ := mime.DecodeCharset("windows-31j", raw)
	return name
}

// locate finds where an entry's data stand.
func (e *zipEntry) locate(r io.ReaderAt) bool {
	if e.data > 0 {
		return true
	}
	b := make([]byte, zipLocalSize)
	if n, _ := r.ReadAt(b, max(0, e.local)); n < len(b) || e.local < 0 || little.Uint32(b) != zipLocal {
		return false
	}
	e.data = e.local + zipLocalSize + int64(little.Uint16(b[26:])) + int64(little.Uint16(b[28:]))
	return true
}

// findHidden looks for members the directory does not name, in the gaps between those it names: scanners that believe the directory
// alone do not see them, some unpackers do.
func (z *zipFile) findHidden(w *walk, r io.ReaderAt, size int64) {
	spans := make([]span, 0, len(z.entries))
	for i := range z.entries {
		if e := &z.entries[i]; e.locate(r) && e.packed >= 0 && e.packed <= size {
			spans = append(spans, span{e.local, e.data + e.packed})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return int(max(-1, min(1, a.from-b.from))) })
	at := z.base
	if head := make([]byte, 4); z.base > 0 {
		if n, _ := r.ReadAt(head, 0); n == 4 && little.Uint32(head) == zipLocal { // what stands before it is a zip as well
			at = 0
		}
	}
	for _, s := range spans {
		if s.from-at > zipLocalSize {
			z.scan(w, r, at, s.from)
		}
		at = max(at, s.to)
	}
}

// scan walks local headers between two offsets.
func (z *zipFile) scan(w *walk, r io.ReaderAt, from, to int64) {
	for at := from; to-at >= zipLocalSize && len(z.entries) <= w.lim.Members && w.alive() == nil; {
		next, ok := findZipLocal(r, at, to)
		if !ok {
			return
		}
		e, ok := readZipLocal(r, next, to)
		if !ok {
			at = next + 4
			continue
		}
		z.entries = append(z.entries, e)
		at = e.data
		if e.packed > 0 {
			at += e.packed
		}
	}
}

// findZipLocal finds the next local header.
func findZipLocal(r io.ReaderAt, at, to int64) (int64, bool) {
	buf := make([]byte, 64<<10)
	for to-at >= zipLocalSize {
		n, _ := r.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
		if i := bytes.Index(buf[:n], []byte("PK\x03\x04")); i >= 0 {
			return at + int64(i), true
		}
		if n < 8 {
			return 0, false
		}
		at += int64(n - 3)
	}
	return 0, false
}

// readZipLocal reads a member by its local header. Sizes that stand behind the data are unknown here.
func readZipLocal(r io.ReaderAt, at, to int64) (e zipEntry, ok bool) {
	b := make([]byte, zipLocalSize)
	if n, _ := r.ReadAt(b, at); n < len(b) {
		return e, false
	}
	nameLen, extraLen := int64(little.Uint16(b[26:])), int64(little.Uint16(b[28:]))
	rest := make([]byte, nameLen+extraLen)
	if n, _ := r.ReadAt(rest, at+zipLocalSize); n < len(rest) || nameLen == 0 {
		return e, false
	}
	e = zipEntry{
		raw: rest[:nameLen], flags: little.Uint16(b[6:]), method: little.Uint16(b[8:]), packed: int64(little.Uint32(b[18:])), size: int64(little.Uint32(b[22:])),
		local: at, data: at + zipLocalSize + nameLen + extraLen, hidden: true,
	}
	local := e.local
	e.extra(rest[nameLen:])
	e.local = local
	if e.flags&8 != 0 && e.packed == 0 || e.packed > to-e.data {
		e.packed, e.size = -1, -1
	}
	return e, e.data <= to
}
