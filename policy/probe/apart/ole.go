package apart

import (
	"bytes"
	"io"
	"strings"

	"github.com/richardlehane/mscfb"
)

// maxStreams is how many streams of a compound file are known.
const maxStreams = 20_000

// maxPackage is the longest stream of a compound file that is read whole, in octets.
const maxPackage = 64 << 20

// oleKinds tell what a compound file is by a stream at its root, in the order in which they count.
var oleKinds = []struct {
	stream string
	kind   Kind
}{
	{"encryptedpackage", OLE}, {"worddocument", "doc"}, {"workbook", "xls"}, {"book", "xls"}, {"powerpoint document", "ppt"}, {"pp97_dualstorage/powerpoint document", "ppt"},
	{"__properties_version1.0", MSG}, {"documenttext", "jtd"}, {"matost", "wps"}, {"fileheader", "hwp"}, {"visiodocument", "vsd"}, {"perfectoffice_main", "wpd"}, {"quill/quillsub/contents", "pub"},
}

// msiRoot is the class a package of Windows Installer has at its root, as it stands in the directory.
const msiRoot = "{000C1084-0000-0000-C000-000000000046}"

// A compound is a compound file's streams ([MS-CFB]).
type compound struct {
	streams map[string]*mscfb.File // by path in lower case, with "/"; control characters at the beginning are left out
	names   []string               // the same paths in the file's order
	class   string
}

// readCompound lists the streams of a compound file.
func readCompound(r io.ReaderAt, size int64) (*compound, error) {
	cfb, err := mscfb.New(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, trouble(Damaged)
	}
	c := &compound{streams: make(map[string]*mscfb.File), class: cfb.ID()}
	for _, f := range cfb.File[min(1, len(cfb.File)):] {
		name := strings.ToLower(strings.Join(append(f.Path[:len(f.Path):len(f.Path)], f.Name), "/"))
		if _, twice := c.streams[name]; !twice && len(c.names) < maxStreams {
			c.streams[name] = f
			c.names = append(c.names, name)
		}
	}
	return c, nil
}

// read gives a stream's octets, at most limit of them; nil where there is no such stream.
func (c *compound) read(name string, limit int64) []byte {
	f := c.streams[name]
	if f == nil || f.Size <= 0 {
		return nil
	}
	b := make([]byte, min(f.Size, limit))
	n, _ := io.ReadFull(io.NewSectionReader(f, 0, f.Size), b) // what could be read counts
	return b[:n]
}

// identifyOLE tells what a compound file is.
func identifyOLE(m *Member) {
	m.Kind = OLE
	c, err := readCompound(m.data, m.length)
	if err != nil {
		m.Problem = Damaged
		return
	}
	m.dir = c
	for _, k := range oleKinds {
		if c.streams[k.stream] != nil {
			m.Kind = k.kind
			break
		}
	}
	if c.streams["encryptedpackage"] != nil {
		m.Encrypted, m.Problem = true, Encrypted
	}
	if m.Kind == OLE && c.class == msiRoot {
		m.Kind = "msi"
	}
}

// openOLE visits what is embedded in a compound file: packages of files, and documents that stand in streams of their own.
func openOLE(c *container) error {
	o, ok := c.m.dir.(*compound)
	if !ok {
		return trouble(Damaged)
	}
	for _, name := range o.names {
		if err := c.embedded(o, name); err != nil {
			return err
		}
	}
	return nil
}

// embedded visits the file in a stream, where there is one.
func (c *container) embedded(o *compound, name string) error {
	f := o.streams[name]
	switch last := name[strings.LastIndexByte(name, '/')+1:]; {
	case f.Size <= 0:
		return nil
	case last == "ole10native":
		p, ok := parsePackage(o.read(name, maxPackage))
		if !ok {
			return nil
		}
		return c.add(entry{name: p.name, size: int64(len(p.data)), at: bytes.NewReader(p.data)})
	case last == "package", last == "contents", last == "embeddedodf":
		return c.add(entry{name: name, size: f.Size, open: func() (io.Reader, error) { return io.NewSectionReader(f, 0, f.Size), nil }})
	}
	return nil
}

// A filePackage is a file that somebody dropped into a document.
type filePackage struct {
	name string
	data []byte
}

// parsePackage reads a stream "\x01Ole10Native" ([MS-OLEDS] §2.3.6).
func parsePackage(b []byte) (filePackage, bool) {
	if len(b) < 6 {
		return filePackage{}, false
	}
	body := b[4:]
	if n := little.Uint32(b); int64(n) < int64(len(body)) {
		body = body[:n]
	}
	return parsePackageBody(body), len(body) > 0
}

// parsePackageBody reads what the packager writes: label, path, path for unpacking, and the file. What has not that form is given
// as it is.
func parsePackageBody(body []byte) filePackage {
	plain := filePackage{name: "ole10native", data: body}
	if len(body) < 2 || little.Uint16(body) != 2 {
		return plain
	}
	label, b, ok1 := cutZero(body[2:])
	_, b, ok2 := cutZero(b)
	if !ok1 || !ok2 || len(b) < 8 {
		return plain
	}
	n := int64(little.Uint32(b[4:]))
	if b = b[8:]; n+4 > int64(len(b)) {
		return plain
	}
	size := int64(little.Uint32(b[n:]))
	b = b[n+4:]
	return filePackage{name: japanese(label), data: b[:min(size, int64(len(b)))]}
}

// cutZero parts a string from what stands behind its zero.
func cutZero(b []byte) (s, rest []byte, ok bool) {
	return bytes.Cut(b, []byte{0})
}
