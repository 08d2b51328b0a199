package apart

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
)

// Numbers of cabinets ([MS-CAB] §2).
const (
	cabHeaderSize = 36
	cabReserved   = 4    // flag: there are reserved areas
	cabPrevious   = 1    // flag: another cabinet goes before
	cabNext       = 2    // flag: another one follows
	cabUTF        = 0x80 // attribute: the name is UTF-8
	cabWindow     = 32 << 10
	maxCabString  = 256
	cabStored     = 0
	cabMSZIP      = 1
)

// A cabinet is a cabinet's directory.
type cabinet struct {
	folders  []cabFolder
	files    []cabFile
	reserved int // octets between a block's header and its data
}

// A cabFolder is a run of blocks that are packed as one.
type cabFolder struct {
	at     int64 // of the first block
	blocks int
	method uint16
}

// A cabFile is a file in a folder.
type cabFile struct {
	name         string
	folder       int
	offset, size int64 // in the unpacked folder
}

// openCAB visits the files of a cabinet, folder by folder, each in the order in which they stand.
func openCAB(c *container) error {
	cab, err := c.readCabinet()
	if err != nil {
		return err
	}
	slices.SortStableFunc(cab.files, func(a, b cabFile) int {
		if a.folder != b.folder {
			return a.folder - b.folder
		}
		return int(max(-1, min(1, a.offset-b.offset)))
	})
	reader, at, folder := io.Reader(nil), int64(0), -1
	for _, f := range cab.files {
		if f.folder >= len(cab.folders) {
			if err := c.add(entry{name: f.name, size: f.size, problem: Unsupported}); err != nil {
				return err
			}
			continue
		}
		if method := cab.folders[f.folder].method & 15; method != cabStored && method != cabMSZIP {
			if err := c.add(entry{name: f.name, size: f.size, problem: Unsupported}); err != nil {
				return err
			}
			continue
		}
		if f.folder != folder || f.offset < at || reader == nil {
			reader, at, folder = c.cabReader(cab, f.folder), 0, f.folder
		}
		whole := reader
		skip := f.offset - at
		counted := &counter{r: io.LimitReader(whole, f.size)}
		err := c.add(entry{name: f.name, size: f.size, open: func() (io.Reader, error) {
			if err := c.skip(whole, skip); err != nil {
				return nil, trouble(Damaged)
			}
			return &exact{counted, f.size}, nil
		}})
		if err != nil {
			return err
		}
		if at = f.offset + counted.n; counted.n < f.size {
			reader = nil // what follows is read from the beginning again, and fails in its own name
		}
	}
	return nil
}

// readCabinet reads the directory.
func (c *container) readCabinet() (*cabinet, error) {
	b, err := c.bytes(0, cabHeaderSize)
	if err != nil {
		return nil, trouble(Damaged)
	}
	cab := &cabinet{}
	filesAt, folders, files, flags := int64(little.Uint32(b[16:])), int(little.Uint16(b[26:])), int(little.Uint16(b[28:])), little.Uint16(b[30:])
	at, folderSize := int64(cabHeaderSize), int64(8)
	if flags&cabReserved != 0 {
		b, err := c.bytes(at, 4)
		if err != nil {
			return nil, trouble(Damaged)
		}
		at += 4 + int64(little.Uint16(b))
		folderSize += int64(b[2])
		cab.reserved = int(b[3])
	}
	for _, flag := range []uint16{cabPrevious, cabPrevious, cabNext, cabNext} {
		if flags&flag != 0 {
			at += int64(len(c.cabString(at))) + 1
		}
	}
	for range folders {
		b, err := c.bytes(at, 8)
		if err != nil {
			return nil, trouble(Damaged)
		}
		cab.folders = append(cab.folders, cabFolder{at: int64(little.Uint32(b)), blocks: int(little.Uint16(b[4:])), method: little.Uint16(b[6:])})
		at += folderSize
	}
	return cab, c.cabFiles(cab, filesAt, files)
}

// cabFiles reads the list of files.
func (c *container) cabFiles(cab *cabinet, at int64, files int) error {
	for range files {
		b, err := c.bytes(at, 16)
		if err != nil {
			return trouble(Damaged)
		}
		raw := c.cabString(at + 16)
		name := japanese(raw)
		if little.Uint16(b[14:])&cabUTF != 0 {
			name = string(raw)
		}
		cab.files = append(cab.files, cabFile{name: name, folder: int(little.Uint16(b[8:])), offset: int64(little.Uint32(b[4:])), size: int64(little.Uint32(b))})
		at += 16 + int64(len(raw)) + 1
	}
	return nil
}

// cabString reads a string up to its zero.
func (c *container) cabString(at int64) []byte {
	b := make([]byte, maxCabString)
	n, _ := c.m.data.ReadAt(b, at)
	s, _, _ := bytes.Cut(b[:n], []byte{0})
	return s
}

// cabReader reads a folder from its beginning.
func (c *container) cabReader(cab *cabinet, folder int) io.Reader {
	return &cabBlocks{c: c, folder: cab.folders[folder], reserved: int64(cab.reserved)}
}

// cabBlocks reads the blocks of a folder.
type cabBlocks struct {
	c        *container
	folder   cabFolder
	reserved int64
	block    []byte // what is left of this block, unpacked
	window   []byte // the last octets of the blocks before
	inflater io.ReadCloser
}

// Read reads as io.Reader.
func (r *cabBlocks) Read(p []byte) (int, error) {
	for len(r.block) == 0 {
		if r.folder.blocks == 0 {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.block)
	r.block = r.block[n:]
	return n, nil
}

// next unpacks the next block ([MS-CAB] §2.4, [MS-MCI] §2).
func (r *cabBlocks) next() error {
	head, err := r.c.bytes(r.folder.at, 8)
	if err != nil {
		return trouble(Damaged)
	}
	packed, size := int64(little.Uint16(head[4:])), int64(little.Uint16(head[6:]))
	data, err := r.c.bytes(r.folder.at+8+r.reserved, packed)
	if err != nil || size > cabWindow {
		return trouble(Damaged)
	}
	r.folder.at += 8 + r.reserved + packed
	r.folder.blocks--
	if r.folder.method&15 == cabStored {
		r.block = data
		return nil
	}
	if !bytes.HasPrefix(data, []byte("CK")) {
		return trouble(Damaged)
	}
	return r.inflate(data[2:], size)
}

// inflate unpacks a block of MSZIP, whose matches reach back into the blocks before.
func (r *cabBlocks) inflate(data []byte, size int64) error {
	if r.inflater == nil {
		r.inflater = flate.NewReader(bytes.NewReader(data))
	} else if err := r.inflater.(flate.Resetter).Reset(bytes.NewReader(data), r.window); err != nil {
		return trouble(Damaged)
	}
	out := make([]byte, size)
	n, err := io.ReadFull(r.inflater, out)
	r.block = out[:n]
	r.window = append(r.window, out[:n]...)
	if over := len(r.window) - cabWindow; over > 0 {
		r.window = append(r.window[:0], r.window[over:]...)
	}
	if err != nil {
		return trouble(Damaged)
	}
	return nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

// Read reads as io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// exact is damaged where it ends too early.
type exact struct {
	c    *counter
	size int64
}

// Read reads as io.Reader.
func (e *exact) Read(p []byte) (int, error) {
	n, err := e.c.Read(p)
	if err == io.EOF && e.c.n < e.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
