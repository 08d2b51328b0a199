package apart

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/ulikunitz/xz"
)

func newBytes(b []byte) io.Reader { return bytes.NewReader(b) }

// openGzip visits what a gzip holds (RFC 1952), all its streams as one. Octets behind the last stream, as tapes and careless
// programs leave them, are no damage.
func openGzip(c *container) error {
	r, err := gzip.NewReader(bufio.NewReader(c.stream()))
	if err != nil {
		return trouble(Damaged)
	}
	name := latinName(r.Name)
	if name == "" {
		name = unpackedName(c.m.Name, ".gz")
	}
	return c.only(name, func() (io.Reader, error) { return lenient{r}, nil })
}

// lenient ends where what follows a gzip stream is no gzip.
type lenient struct{ r *gzip.Reader }

func (l lenient) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if errors.Is(err, gzip.ErrHeader) {
		err = io.EOF
	}
	return n, err
}

// latinName gives the octets back of which compress/gzip made ISO 8859-1, and reads them as Japanese programs mean them.
func latinName(name string) string {
	raw := make([]byte, 0, len(name))
	for _, r := range name {
		raw = append(raw, byte(r))
	}
	return japanese(raw)
}

func openBzip2(c *container) error {
	return c.only(unpackedName(c.m.Name, ".bz2"), func() (io.Reader, error) { return bzip2.NewReader(bufio.NewReader(c.stream())), nil })
}

func openXZ(c *container) error {
	return c.only(unpackedName(c.m.Name, ".xz"), func() (io.Reader, error) { return newXZ(io.NewSectionReader(c.m.data, 0, c.m.length)) })
}

// newXZ decodes xz. The first block's dictionary is looked at before it is allocated.
func newXZ(data *io.SectionReader) (io.Reader, error) {
	head := make([]byte, 12+64)
	n, _ := data.ReadAt(head, 0)
	if dict, ok := xzDictionary(head[:n]); ok && dict > maxDictionary {
		return nil, trouble(TooLarge)
	}
	r, err := xz.NewReader(bufio.NewReader(data))
	if err != nil {
		return nil, xzProblem(err)
	}
	return r, nil
}

// xzDictionary reads the size of the dictionary out of the first block's header (xz file format §3.1, §5.3.1).
func xzDictionary(b []byte) (int64, bool) {
	if len(b) < 12+8 || b[12] == 0 {
		return 0, false
	}
	end := min(len(b), 12+4*(int(b[12])+1))
	at := bytes.Index(b[14:end], []byte{0x21, 0x01})
	if at < 0 || 14+at+2 >= end {
		return 0, false
	}
	bits := b[14+at+2]
	if bits > 40 {
		return 1 << 32, true
	}
	return int64(2|bits&1) << (bits/2 + 11), true
}

// xzProblem tells filters that are not read from damage.
func xzProblem(err error) error {
	if strings.Contains(err.Error(), "filter") {
		return trouble(Unsupported)
	}
	return trouble(Damaged)
}

func openZstd(c *container) error {
	return c.only(unpackedName(c.m.Name, ".zst"), func() (io.Reader, error) { return newZstd(c.stream()) })
}

// openLZMA visits what an .lzma file holds.
func openLZMA(c *container) error {
	return c.only(unpackedName(c.m.Name, ".lzma"), func() (io.Reader, error) {
		head, err := c.bytes(0, 13)
		if err != nil {
			return nil, err
		}
		return newLZMA(head[:5], int64(little.Uint64(head[5:])), io.NewSectionReader(c.m.data, 13, c.m.length-13))
	})
}

// only visits the one member of a packed stream. Its problem is the container's as well.
func (c *container) only(name string, open func() (io.Reader, error)) error {
	return c.add(entry{name: name, size: -1, open: open})
}

// unpackedName is what a packed file is called without its packing.
func unpackedName(name, ext string) string {
	base := path.Base(strings.ReplaceAll(name, "\\", "/"))
	switch lower := strings.ToLower(base); {
	case strings.HasSuffix(lower, ext):
		return base[:len(base)-len(ext)]
	case strings.HasSuffix(lower, ".tgz"), strings.HasSuffix(lower, ".tbz"), strings.HasSuffix(lower, ".txz"):
		return base[:len(base)-4] + ".tar"
	}
	return base
}
