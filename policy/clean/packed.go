package clean

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"path"
	"slices"
	"strings"
)

// pack is a document that is a zip file, part by part.
type pack struct {
	c     *cleaner
	depth int
	parts []*part
	names map[string]*part // by partKey
}

// part is one part of a pack.
type part struct {
	file    *zip.File
	name    string
	octets  []byte // what was read, or what takes its place
	read    bool
	changed bool
	gone    bool
}

// partKey is a part's name as others refer to it: names differ in nothing but case by accident (ECMA-376 Part 2 §6.2.2.3).
func partKey(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// isPackage tells whether a zip file is a document and no archive.
func isPackage(b []byte) bool {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return false
	}
	for _, f := range r.File {
		switch partKey(f.Name) {
		case contentTypes, odfManifest:
			return true
		}
	}
	return false
}

// packed cleans a document that is a zip file.
func (c *cleaner) packed(b []byte, depth int) ([]byte, error) {
	p, err := c.open(b, depth)
	if err != nil {
		return nil, err
	}
	switch {
	case p.names[contentTypes] != nil:
		err = p.office()
	case p.names[odfManifest] != nil:
		err = p.openDocument()
	default:
		err = impossible("a zip file that is no document")
	}
	if err != nil {
		return nil, err
	}
	return p.write(b)
}

// open reads the directory of a pack. Two parts of one name are two truths about the document: which counts, programs differ in.
func (c *cleaner) open(b []byte, depth int) (*pack, error) {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(r.File) > MaxParts {
		return nil, impossible("a zip file that cannot be read")
	}
	p := &pack{c: c, depth: depth, names: make(map[string]*part, len(r.File))}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		key := partKey(f.Name)
		if p.names[key] != nil || f.Flags&1 != 0 {
			return nil, impossible("a part that stands there twice, or encrypted: " + f.Name)
		}
		q := &part{file: f, name: f.Name}
		p.parts, p.names[key] = append(p.parts, q), q
	}
	return p, nil
}

// content reads a part.
func (p *pack) content(q *part) ([]byte, error) {
	if q.read {
		return q.octets, nil
	}
	b, err := p.c.inflate(q.file, MaxPart)
	if err != nil {
		return nil, err
	}
	q.octets, q.read = b, true
	return b, nil
}

// inflate reads a member of a zip file; limit is how large it may be.
func (c *cleaner) inflate(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, impossible("a zip file that cannot be read")
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, min(limit, c.work)+1))
	if err != nil || int64(len(b)) > limit {
		return nil, impossible("a part that cannot be read: " + f.Name)
	}
	return b, c.spend(int64(len(b)))
}

// begins gives the first octets of a part.
func (p *pack) begins(q *part) string {
	if q.read {
		return string(q.octets[:min(len(q.octets), 8)])
	}
	r, err := q.file.Open()
	if err != nil {
		return ""
	}
	defer r.Close()
	var head [8]byte
	n, _ := io.ReadFull(r, head[:]) // what cannot be read has no beginning that is known
	return string(head[:n])
}

// set puts octets in the place of a part's.
func (q *part) set(b []byte) { q.octets, q.read, q.changed = b, true, true }

// edit applies a rule to the XML of a part.
func (p *pack) edit(q *part, rule func(*editor, *tag) deed) error {
	b, err := p.content(q)
	if err != nil {
		return err
	}
	out, err := edit(b, rule)
	if err != nil {
		return err
	}
	if !same(out, b) {
		q.set(out)
	}
	return nil
}

// same tells whether two slices are the same octets in memory.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func (p *pack) changed() bool {
	return slices.ContainsFunc(p.parts, func(q *part) bool { return q.changed || q.gone })
}

// write writes the pack anew, in the order it had. Parts that did not change are copied as they were packed.
func (p *pack) write(old []byte) ([]byte, error) {
	if !p.changed() {
		return old, nil
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, q := range p.parts {
		if q.gone {
			continue
		}
		if err := putMember(w, q.file, q.octets, q.changed); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// putMember writes a member of a zip file under the header it had, name and all: as it was packed, or with new content.
func putMember(w *zip.Writer, f *zip.File, content []byte, changed bool) error {
	h := f.FileHeader
	if !changed {
		raw, err := f.OpenRaw()
		if err != nil {
			return impossible("a zip file that cannot be read")
		}
		to, err := w.CreateRaw(&h)
		if err == nil {
			_, err = io.Copy(to, raw)
		}
		if err != nil {
			return impossible("a zip file that cannot be read: " + err.Error())
		}
		return nil
	}
	packed := content
	if h.Method != zip.Store {
		var b bytes.Buffer
		z, err := flate.NewWriter(&b, flate.DefaultCompression)
		if err != nil {
			return err
		}
		if _, err = z.Write(content); err == nil {
			err = z.Close()
		}
		if err != nil {
			return err
		}
		packed, h.Method = b.Bytes(), zip.Deflate
	}
	h.Flags &^= 0x8 // its sizes stand in the header
	h.CRC32, h.UncompressedSize64, h.CompressedSize64 = checksum(content), uint64(len(content)), uint64(len(packed))
	to, err := w.CreateRaw(&h)
	if err == nil {
		_, err = to.Write(packed)
	}
	return err
}

// drop takes a part out, with the relationships it has.
func (p *pack) drop(q *part) {
	q.gone = true
	if rels := p.names[partKey(relationsOf(q.name))]; rels != nil {
		rels.gone = true
	}
}

// relationsOf is the name of the part that has the relationships of another (ECMA-376 Part 2 §6.5.2.3).
func relationsOf(name string) string {
	return path.Join(path.Dir(name), "_rels", path.Base(name)+".rels")
}
