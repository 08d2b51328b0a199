package text

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/flate"
)

// A pack is a document that is a zip file of parts.
type pack struct {
	d       *document
	byName  map[string]*zip.File // by name in lower case, as Office finds them
	names   []string             // of byName, in their order
	inflate io.ReadCloser        // used again for each part
	busy    bool                 // inflate is in use
	scan    *scanner             // used again for each part
}

// maxDirectory is the largest directory of a zip file that is read, in octets. It has some hundred octets a part.
const maxDirectory = 4 << 20

// openPack reads the directory of the document.
func (d *document) openPack() (*pack, error) {
	if directorySize(d.r, d.size) > maxDirectory {
		return nil, d.out.cutShort()
	}
	z, err := zip.NewReader(d.r, d.size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p := &pack{d: d, byName: make(map[string]*zip.File, len(z.File)), names: make([]string, 0, len(z.File))}
	for _, f := range z.File {
		name := partKey(f.Name)
		if _, twice := p.byName[name]; !twice {
			p.byName[name] = f
			p.names = append(p.names, name)
		}
	}
	return p, nil
}

// directorySize is how large a zip file says its directory is, 0 where that can't be found.
func directorySize(r io.ReaderAt, size int64) int64 {
	const record, comment = 22, 1 << 16
	tail := make([]byte, min(size, record+comment))
	n, _ := r.ReadAt(tail, size-int64(len(tail)))
	for i := n - record; i >= 0; i-- {
		if string(tail[i:i+4]) == "PK\x05\x06" {
			return int64(binary.LittleEndian.Uint32(tail[i+12:]))
		}
	}
	return 0
}

// partKey is the name under which a part is found.
func partKey(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// has tells whether there is a part.
func (p *pack) has(name string) bool { return p.byName[partKey(name)] != nil }

// within lists the parts of a folder whose names begin and end so, in the order of the directory.
func (p *pack) within(prefix, suffix string) (list []string) {
	for _, name := range p.names {
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			list = append(list, name)
		}
	}
	return list
}

// open reads a part. errFull tells that a limit is reached, and a nil Reader that there is no such part.
func (p *pack) open(name string) (io.ReadCloser, error) {
	f := p.byName[partKey(name)]
	if f == nil {
		return nil, nil
	}
	if p.d.parts++; p.d.parts > p.d.lim.Parts {
		return nil, p.d.out.cutShort()
	}
	if f.Flags&zipEncrypted != 0 {
		return nil, ErrEncrypted
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch f.Method {
	case zip.Store:
		return &part{p: p, r: raw}, nil
	case zip.Deflate:
		return p.deflated(raw), nil
	}
	return nil, ErrUnsupported
}

// zipEncrypted is the bit of a part's flags that tells it is encrypted.
const zipEncrypted = 1

// deflated reads what is deflated, with the pack's inflater where that is free.
func (p *pack) deflated(raw io.Reader) *part {
	switch {
	case p.busy:
		return &part{p: p, r: flate.NewReader(raw)}
	case p.inflate == nil:
		p.inflate = flate.NewReader(raw)
	default:
		_ = p.inflate.(flate.Resetter).Reset(raw, nil) // it only fails with a dictionary
	}
	p.busy = true
	return &part{p: p, r: p.inflate, owner: true}
}

// A part is one part while it is read: what it inflates to is counted.
type part struct {
	p     *pack
	r     io.Reader
	owner bool // of the pack's inflater
}

func (f *part) Read(b []byte) (int, error) {
	room := f.p.d.lim.Inflated - f.p.d.inflated
	if room <= 0 {
		return 0, f.p.d.out.cutShort()
	}
	n, err := f.r.Read(b[:min(int64(len(b)), room)])
	f.p.d.inflated += int64(n)
	return n, err
}

func (f *part) Close() error {
	if f.owner {
		f.p.busy, f.owner = false, false
	}
	return nil
}

// each reads a part of XML token by token, for as long as there is room for text. A part that is not there is no error.
func (p *pack) each(name string, take func(*scanner) error) error {
	r, err := p.open(name)
	if r == nil || err != nil {
		return err
	}
	defer r.Close()
	s := p.scan
	if s == nil {
		s = newScanner(r)
	} else {
		p.scan = nil // a part that is read from within take gets one of its own
		s.reset(r)
	}
	defer func() { p.scan = s }()
	return p.d.tokens(s, take)
}

// tokens reads XML token by token, for as long as there is room for text.
func (d *document) tokens(s *scanner, take func(*scanner) error) error {
	for !d.out.full() && s.next() {
		if err := take(s); err != nil {
			return err
		}
	}
	if d.out.full() && s.next() {
		d.out.cut = true
	}
	return s.fault()
}

// packed reads a document that is a zip file.
func (d *document) packed() error {
	p, err := d.openPack()
	if err != nil {
		return err
	}
	switch {
	case p.has("[content_types].xml") || p.has("_rels/.rels"):
		return p.office()
	case p.has("content.xml"):
		return p.openDocument()
	case p.has("META-INF/container.xml"):
		return p.epub()
	}
	for _, name := range iworkParts {
		if p.has(name) {
			return p.iwork(name)
		}
	}
	return ErrUnsupported
}

// A relation leads from one part to another, or out of the document.
type relation struct {
	kind     string // the last segment of its type, in lower case: "hyperlink", "officedocument"
	target   string // the part's name; where it is external: the address
	external bool
}

// relations reads what a part leads to, by the ids that stand in it.
func (p *pack) relations(name string) (map[string]relation, []string, error) {
	dir, base := path.Split(partKey(name))
	byID := make(map[string]relation)
	var order []string
	err := p.each(dir+"_rels/"+base+".rels", func(s *scanner) error {
		if s.tok != tokStart || string(s.name) != "Relationship" {
			return nil
		}
		kind, target, id := string(s.attr("Type")), string(s.attr("Target")), string(s.attr("Id"))
		rel := relation{kind: strings.ToLower(path.Base(kind)), target: target, external: strings.EqualFold(string(s.attr("TargetMode")), "External")}
		if !rel.external {
			rel.target = resolve(dir, target)
		}
		if _, twice := byID[id]; !twice {
			byID[id] = rel
			order = append(order, id)
		}
		return nil
	})
	return byID, order, err
}

// resolve is the name of a part that a part in a folder refers to.
func resolve(dir, target string) string {
	target, _, _ = strings.Cut(target, "#")
	if strings.HasPrefix(target, "/") {
		return partKey(target)
	}
	return partKey(path.Join(dir, target))
}

// outside keeps where a part leads out of the document.
func (p *pack) outside(name string) error {
	rels, order, err := p.relations(name)
	for _, id := range order {
		if rels[id].external {
			p.d.out.url(rels[id].target)
		}
	}
	return err
}
