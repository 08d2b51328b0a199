package apart

import (
	"errors"
	"io"
	"strings"
)

// lhaWindows are the methods of LHA that are packed in one way, by the logarithm of their windows.
var lhaWindows = map[string]uint{"-lh4-": 12, "-lh5-": 13, "-lh6-": 15, "-lh7-": 16}

// lhaStored are the methods whose octets stand as they are.
var lhaStored = map[string]bool{"-lh0-": true, "-lz4-": true, "-pm0-": true}

// errLHAEnd is the end of an archive.
var errLHAEnd = errors.New("no more headers")

// An lhaHeader is what an archive of LHA says of a member.
type lhaHeader struct {
	method       string
	packed, size int64
	name, dir    []byte
	crc          uint16
	checked      bool  // there is a crc
	data         int64 // offset of the data
}

// openLHA visits the members of an archive of LHA.
func openLHA(c *container) error {
	for at := int64(0); at < c.m.length; {
		h, err := c.lhaHeader(at)
		switch {
		case errors.Is(err, errLHAEnd):
			return nil
		case err != nil:
			return trouble(Damaged)
		}
		if h.method == "-lhd-" {
			err = c.count()
		} else {
			err = c.add(c.lhaMember(h))
		}
		if err != nil {
			return err
		}
		at = h.data + h.packed
	}
	return nil
}

// lhaMember is what is given of a header.
func (c *container) lhaMember(h *lhaHeader) entry {
	e := entry{name: h.fullName(), size: h.size}
	data, ok := c.section(h.data, min(h.packed, max(0, c.m.length-h.data)))
	window := lhaWindows[h.method]
	switch {
	case !ok:
		e.problem = Damaged
	case lhaStored[h.method]:
		e.open = func() (io.Reader, error) { return h.check(io.LimitReader(data, h.size)), nil }
	case window > 0:
		e.open = func() (io.Reader, error) { return h.check(newLZH(data, window, h.size)), nil }
	default:
		e.problem = Unsupported
	}
	return e
}

// fullName joins folder and name. The folders' names are parted by octets 0xff, which no charset has that names are written in.
func (h *lhaHeader) fullName() string {
	dir := japanese([]byte(strings.ReplaceAll(string(h.dir), "\xff", "/")))
	if dir != "" && !strings.HasSuffix(dir, "/") {
		dir += "/"
	}
	return dir + japanese(h.name)
}

// lhaHeader reads the header at an offset, of level 0 to 3.
func (c *container) lhaHeader(at int64) (*lhaHeader, error) {
	b := make([]byte, 64<<10)
	n, _ := c.m.data.ReadAt(b[:min(int64(len(b)), c.m.length-at)], at)
	b = b[:n]
	if len(b) == 0 || b[0] == 0 && (len(b) < 24 || b[20] != 2) {
		return nil, errLHAEnd
	}
	if len(b) < 24 || b[2] != '-' || b[6] != '-' {
		return nil, trouble(Damaged)
	}
	h := &lhaHeader{method: string(b[2:7]), packed: int64(little.Uint32(b[7:])), size: int64(little.Uint32(b[11:]))}
	var err error
	switch b[20] {
	case 0, 1:
		err = h.early(b, at)
	case 2:
		h.crc, h.checked = little.Uint16(b[21:]), true
		h.data = at + int64(little.Uint16(b))
		_, err = h.extensions(b, 24, 2)
	case 3:
		if len(b) < 32 {
			return nil, trouble(Damaged)
		}
		h.crc, h.checked = little.Uint16(b[21:]), true
		h.data = at + int64(little.Uint32(b[24:]))
		_, err = h.extensions(b, 28, 4)
	default:
		return nil, trouble(Unsupported)
	}
	if err != nil || h.data <= at {
		return nil, trouble(Damaged)
	}
	return h, nil
}

// early reads what headers of level 0 and 1 have in their own way.
func (h *lhaHeader) early(b []byte, at int64) error {
	end, name := 2+int(b[0]), int(b[21])
	if end > len(b) || 22+name > end {
		return trouble(Damaged)
	}
	h.name = b[22 : 22+name]
	if i := strings.LastIndexAny(string(h.name), "\\/"); i > 0 && b[20] == 0 && string(h.name[i:i+1]) == "/" {
		h.dir, h.name = h.name[:i], h.name[i+1:]
	}
	if 22+name+2 <= end {
		h.crc, h.checked = little.Uint16(b[22+name:]), true
	}
	h.data = at + int64(end)
	if b[20] == 0 {
		return nil
	}
	n, err := h.extensions(b, end-2, 2)
	h.data += n
	h.packed -= n
	if h.packed < 0 {
		return trouble(Damaged)
	}
	return err
}

// extensions reads the chain of extended headers that begins with the length of the first, of width octets; n is how long they are.
func (h *lhaHeader) extensions(b []byte, at, width int) (n int64, err error) {
	for {
		if at < 0 || at+width > len(b) {
			return n, trouble(Damaged)
		}
		size := int(little.Uint16(b[at:]))
		if width == 4 {
			size = int(little.Uint32(b[at:]))
		}
		if size == 0 {
			return n, nil
		}
		at += width
		if size < width+1 || size > len(b)-at {
			return n, trouble(Damaged)
		}
		h.extension(b[at], b[at+1:at+size-width])
		at += size - width
		n += int64(size)
	}
}

// extension reads one extended header.
func (h *lhaHeader) extension(kind byte, data []byte) {
	switch {
	case kind == 1:
		h.name = data
	case kind == 2:
		h.dir = data
	case kind == 0x42 && len(data) >= 16:
		h.packed, h.size = int64(little.Uint64(data)), int64(little.Uint64(data[8:]))
		if h.packed < 0 || h.size < 0 {
			h.packed, h.size = 0, 0
		}
	}
}

// check gives the octets and at their end an error when their checksum is not the header's.
func (h *lhaHeader) check(r io.Reader) io.Reader {
	if !h.checked {
		return r
	}
	return &crcReader{r: r, want: h.crc}
}

// A crcReader checks the CRC-16 that LHA has (polynomial 0xA001).
type crcReader struct {
	r         io.Reader
	crc, want uint16
}

// Read reads as io.Reader.
func (c *crcReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for _, b := range p[:n] {
		c.crc = c.crc>>8 ^ crc16[byte(c.crc)^b]
	}
	if err == io.EOF && c.crc != c.want {
		err = trouble(Damaged)
	}
	return n, err
}

var crc16 = func() (table [256]uint16) {
	for i := range table {
		v := uint16(i)
		for range 8 {
			if v&1 != 0 {
				v = v>>1 ^ 0xa001
			} else {
				v >>= 1
			}
		}
		table[i] = v
	}
	return table
}()
