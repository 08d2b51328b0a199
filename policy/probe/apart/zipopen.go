package apart

import (
	"compress/bzip2"
	"compress/flate"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"
)

// openZip visits the members of a zip.
func openZip(c *container) error {
	z, ok := c.m.dir.(*zipFile)
	if !ok {
		var err error
		if z, err = readZip(c.w, c.m.data, c.m.length); err != nil {
			return err
		}
	}
	damaged := z.broken
	for i := range z.entries {
		e := &z.entries[i]
		if e.folder {
			if err := c.count(); err != nil {
				return err
			}
			continue
		}
		if err := c.add(c.zipMember(e)); err != nil {
			return err
		}
	}
	if damaged {
		return trouble(Damaged)
	}
	return nil
}

// zipMember is what a zip says of a member.
func (c *container) zipMember(e *zipEntry) entry {
	out := entry{name: e.name, size: e.size}
	switch {
	case e.encrypted():
		out.problem = Encrypted
		return out
	case !e.locate(c.m.data) || e.data > c.m.length:
		out.problem = Damaged
		return out
	}
	packed := e.packed
	if packed < 0 || packed > c.m.length-e.data {
		packed = c.m.length - e.data
	}
	data, ok := c.section(e.data, packed)
	switch {
	case !ok:
		out.problem = Damaged
	case e.method == 0 && e.packed >= 0 && e.packed <= packed:
		out.at, out.size = data, packed
	default:
		out.open = func() (io.Reader, error) { return unzipper(e.method, data, e.size) }
	}
	return out
}

// unzipper gives the decoder of a method (APPNOTE.TXT §4.4.5).
func unzipper(method uint16, data *io.SectionReader, size int64) (io.Reader, error) {
	switch method {
	case 0:
		return data, nil
	case 8:
		return flate.NewReader(data), nil
	case 12:
		return bzip2.NewReader(data), nil
	case 14:
		return zipLZMA(data, size)
	case 20, 93:
		return newZstd(data)
	case 95:
		return newXZ(data)
	}
	return nil, trouble(Unsupported)
}

// zipLZMA decodes LZMA as zips have it: version, length of properties, properties (§5.8.8). The size is the directory's.
func zipLZMA(data *io.SectionReader, size int64) (io.Reader, error) {
	b := make([]byte, 9)
	if _, err := io.ReadFull(data, b); err != nil || little.Uint16(b[2:]) != 5 {
		return nil, trouble(Damaged)
	}
	return newLZMA(b[4:9], size, data)
}

// newLZMA decodes LZMA of five octets of properties; size < 0 is unknown: the end is marked.
func newLZMA(properties []byte, size int64, data io.Reader) (io.Reader, error) {
	if little.Uint32(properties[1:]) > maxDictionary {
		return nil, trouble(TooLarge)
	}
	head := make([]byte, 13)
	copy(head, properties[:5])
	little.PutUint64(head[5:], uint64(size))
	return lzma.ReaderConfig{DictCap: maxDictionary}.NewReader(io.MultiReader(newBytes(head), data))
}

// maxDictionary is the largest dictionary a decoder may have, in octets: that of "xz -9", doubled.
const maxDictionary = 128 << 20

// newZstd decodes Zstandard.
func newZstd(data io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(data, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxDictionary), zstd.WithDecoderMaxMemory(1<<40))
	if err != nil {
		return nil, err
	}
	return d, nil // with a concurrency of one it holds nothing that has to be given back
}
