package text

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/richardlehane/mscfb"
)

// oleMagic begins every compound file.
const oleMagic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

var little = binary.LittleEndian

// A compound is a document that is a compound file of streams ([MS-CFB]).
type compound struct {
	d       *document
	streams map[string]*mscfb.File // by path in lower case, with "/"; control characters at the beginning are left out
	names   []string
	dec     decoder
}

// maxStreams is how many streams of a compound file are known.
const maxStreams = 20000

// ole reads a document that is a compound file: doc, xls, ppt, msg.
func (d *document) ole() error {
	c, err := d.openCompound()
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		stream string
		read   func() error
	}{
		{"encryptedpackage", c.encryptedPackage},
		{"worddocument", c.wordDocument},
		{"workbook", func() error { return c.workbook("workbook") }},
		{"book", func() error { return c.workbook("book") }},
		{"powerpoint document", c.slideShow},
		{"pp97_dualstorage/powerpoint document", c.slideShow},
		{"__properties_version1.0", c.outlookMessage},
	} {
		if c.streams[kind.stream] != nil {
			c.title()
			return kind.read()
		}
	}
	for _, f := range foreignStreams {
		if c.streams[f.stream] != nil {
			c.title()
			return fmt.Errorf("%w: %s", ErrUnsupported, f.format)
		}
	}
	return ErrUnsupported
}

// foreignStreams are the streams by which formats are known that are not read.
var foreignStreams = []struct{ stream, format string }{
	{"documenttext", "Ichitaro"}, {"matost", "Microsoft Works"}, {"fileheader", "Hangul"}, {"visiodocument", "Visio 2003"}, {"perfectoffice_main", "WordPerfect"},
	{"contents", "Microsoft Works or Publisher"},
}

func (d *document) openCompound() (*compound, error) {
	b, err := d.whole()
	if err != nil {
		return nil, err
	}
	r, err := mscfb.New(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	c := &compound{d: d, streams: make(map[string]*mscfb.File)}
	for _, f := range r.File[min(1, len(r.File)):] {
		name := strings.ToLower(strings.Join(append(f.Path[:len(f.Path):len(f.Path)], f.Name), "/"))
		if _, twice := c.streams[name]; !twice && len(c.names) < maxStreams {
			c.streams[name] = f
			c.names = append(c.names, name)
		}
	}
	return c, nil
}

// stream reads a stream into memory, as far as it can be read; nil where there is none.
func (c *compound) stream(name string) []byte {
	f := c.streams[name]
	if f == nil || c.d.ctx.Err() != nil {
		return nil
	}
	size := min(f.Size, c.d.size, c.d.lim.Whole)
	b := make([]byte, size)
	n, _ := io.ReadFull(f, b) // what is missing is seen by who reads the records
	return b[:n]
}

// title reads the title of the property set that compound documents have ([MS-OLEPS]).
func (c *compound) title() {
	b := c.stream("summaryinformation")
	if len(b) < 48 || little.Uint32(b[24:]) < 1 {
		return
	}
	at := int(little.Uint32(b[44:]))
	if at < 0 || at > len(b)-8 {
		return
	}
	set := b[at:]
	page, title := latin, []byte(nil)
	for i := range min(int(little.Uint32(set[4:])), (len(set)-8)/8) {
		id, offset := little.Uint32(set[8+8*i:]), int(little.Uint32(set[12+8*i:]))
		if offset < 0 || offset > len(set)-8 {
			continue
		}
		switch value := set[offset:]; {
		case id == 1 && little.Uint16(value) == 2: // the code page, VT_I2
			page = int(little.Uint16(value[4:]))
		case id == 2 && (little.Uint32(value) == 30 || little.Uint32(value) == 31): // the title, VT_LPSTR or VT_LPWSTR
			title = value
		}
	}
	if title != nil {
		c.d.out.name(c.propertyText(title, page))
	}
}

// propertyText is the text of a VT_LPSTR or VT_LPWSTR.
func (c *compound) propertyText(value []byte, page int) string {
	n := int(little.Uint32(value[4:]))
	wide := little.Uint32(value) == 31 || page == 1200
	if little.Uint32(value) == 31 {
		n *= 2
	}
	text := value[8:]
	text = text[:min(max(n, 0), len(text), 2*maxTitle)]
	if wide {
		return strings.TrimRight(string(appendUTF16(nil, text)), "\x00")
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	return string(c.dec.decode(page, text))
}

// u16 and u32 read numbers that may stand behind the end: those are 0.
func u16(b []byte, at int) int {
	if at < 0 || at > len(b)-2 {
		return 0
	}
	return int(little.Uint16(b[at:]))
}

func u32(b []byte, at int) int {
	if at < 0 || at > len(b)-4 {
		return 0
	}
	return int(little.Uint32(b[at:]))
}

// span is what stands at an offset, as far as it is there.
func span(b []byte, at, n int) []byte {
	if at < 0 || n < 0 || at > len(b) {
		return nil
	}
	return b[at:min(at+n, len(b))]
}

// errShort tells of a structure that lies outside of its stream.
var errShort = errors.New("a structure lies outside of its stream")
