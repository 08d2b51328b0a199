package text

import (
	"fmt"
)

// Records of a presentation that are read, by their types ([MS-PPT] §2.13.24).
const (
	pptDocument      = 1000
	pptSlide         = 1006
	pptNotes         = 1008
	pptSlidePersist  = 1011
	pptMaster        = 1016
	pptPlaceholder   = 3011
	pptTextChars     = 4000
	pptTextBytes     = 4008
	pptString        = 4026
	pptSlideList     = 4080
	pptHyperlink     = 4055
	pptComment       = 12000
	pptUserEdit      = 4085
	pptPersistBlocks = 6002
	pptTagBlob       = 5003
	pptShape         = 0xf004
	pptEncrypted     = 0xf3d1c4df // of the stream Current User
)

// maxRecords is how deep records of a presentation stand in others.
const maxRecords = 40

// maxEdits is how many savings of a presentation are looked through, and maxPersist how many objects are known.
const (
	maxEdits   = 1000
	maxPersist = 1 << 16
)

// slideShow reads a presentation of PowerPoint 97 to 2003: slides, notes, comments, and what was written on masters.
func (c *compound) slideShow() error {
	name := "powerpoint document"
	if c.streams["pp97_dualstorage/powerpoint document"] != nil {
		name = "pp97_dualstorage/" + name
	}
	current := c.stream(name[:len(name)-len("powerpoint document")] + "current user")
	s := &pptReader{d: c.d, out: c.d.out, b: c.stream(name), objects: make(map[int]int), seen: make(map[int]bool)}
	if u32(current, 12) == pptEncrypted {
		return ErrEncrypted
	}
	document := s.persisted(u32(current, 16))
	if s.encrypted {
		return ErrEncrypted
	}
	if record, body := s.at(s.objects[document]); record.kind == pptDocument {
		s.show(body)
		return nil
	}
	if len(s.b) < 8 {
		return fmt.Errorf("%w: %w", ErrDamaged, errShort)
	}
	s.walk(s.b, 0) // no directory: whatever there is
	return nil
}

// A pptReader reads the records of a presentation.
type pptReader struct {
	d         *document
	out       *sink
	b         []byte
	objects   map[int]int  // where the newest version of each object is, by its number
	seen      map[int]bool // slides that were read, by where they are
	encrypted bool
	wide      []byte
	fixed     bool // only text that is not in a placeholder
}

// A pptRecord is the head of a record.
type pptRecord struct {
	version, instance, kind int
}

// split reads the record at the beginning of b, and gives what stands behind it.
func split(b []byte) (r pptRecord, body, rest []byte, ok bool) {
	if len(b) < 8 {
		return r, nil, nil, false
	}
	first := u16(b, 0)
	r = pptRecord{version: first & 15, instance: first >> 4, kind: u16(b, 2)}
	n := min(u32(b, 4), len(b)-8)
	return r, b[8 : 8+n], b[8+n:], true
}

// at reads the record at an offset of the stream.
func (s *pptReader) at(offset int) (pptRecord, []byte) {
	r, body, _, _ := split(span(s.b, offset, len(s.b)))
	return r, body
}

// persisted follows the savings of the presentation, the last one first, and notes where the newest version of each object is. It gives
// the number of the document (§2.1.2).
func (s *pptReader) persisted(edit int) (document int) {
	for i := range maxEdits {
		r, b := s.at(edit)
		if r.kind != pptUserEdit {
			return document
		}
		if i == 0 {
			document = u32(b, 16)
			s.encrypted = len(b) >= 32 && u32(b, 28) != 0
		}
		if blocks, table := s.at(u32(b, 12)); blocks.kind == pptPersistBlocks {
			s.table(table)
		}
		last := u32(b, 8)
		if last == 0 || last >= edit {
			return document
		}
		edit = last
	}
	return document
}

// table reads where objects are: blocks of a number, a count, and as many offsets.
func (s *pptReader) table(b []byte) {
	for len(b) >= 8 {
		first, n := u32(b, 0)&0xfffff, u32(b, 0)>>20
		b = b[4:]
		for i := 0; i < n && len(b) >= 4 && len(s.objects) < maxPersist; i++ {
			if _, newer := s.objects[first+i]; !newer {
				s.objects[first+i] = u32(b, 0)
			}
			b = b[4:]
		}
	}
}

// show reads the document: the lists of its slides and notes, and then its masters, which come first in the file.
func (s *pptReader) show(b []byte) {
	var lists [3][]byte // by their instance: slides, masters, notes
	for rest := b; ; {
		r, body, next, ok := split(rest)
		if !ok {
			break
		}
		if r.kind == pptSlideList && r.instance < 3 {
			lists[r.instance] = body
		} else if r.kind != pptSlideList {
			s.record(r, body, 1)
		}
		rest = next
	}
	s.slides(lists[0])
	s.slides(lists[2])
	s.fixed = true
	s.slides(lists[1])
}

// slides reads a list of slides: each with the text that stands in the list, and then its own.
func (s *pptReader) slides(list []byte) {
	pending := -1
	for !s.out.full() {
		r, body, next, ok := split(list)
		if !ok {
			break
		}
		list = next
		if r.kind == pptSlidePersist {
			s.slide(pending)
			pending = u32(body, 0)
		} else if !s.fixed {
			s.record(r, body, 1)
		}
	}
	s.slide(pending)
}

// slide reads a slide by its number.
func (s *pptReader) slide(number int) {
	at, ok := s.objects[number]
	if !ok || s.seen[at] {
		return
	}
	s.seen[at] = true
	r, body := s.at(at)
	switch r.kind {
	case pptSlide, pptNotes, pptMaster:
		s.walk(body, 1)
		s.out.line()
	}
}

// walk reads records one behind the other.
func (s *pptReader) walk(b []byte, depth int) {
	for !s.out.full() && s.d.ctx.Err() == nil {
		r, body, rest, ok := split(b)
		if !ok {
			return
		}
		s.record(r, body, depth)
		b = rest
	}
}

// record reads one record.
func (s *pptReader) record(r pptRecord, b []byte, depth int) {
	switch r.kind {
	case pptTextChars:
		s.wide = appendUTF16(s.wide[:0], b)
		s.text(s.wide)
	case pptTextBytes:
		s.wide = s.wide[:0]
		for _, c := range b {
			s.wide = append(s.wide, string(rune(c))...)
		}
		s.text(s.wide)
	case pptHyperlink:
		s.hyperlink(b)
	case pptComment:
		s.comment(b)
	case pptShape:
		if !s.fixed || !holdsPlace(b, 0) {
			s.walk(b, depth+1)
		}
	default:
		if (r.version == 15 || r.kind == pptTagBlob) && depth < maxRecords {
			s.walk(b, depth+1)
		}
	}
}

// holdsPlace tells whether a shape is a placeholder, whose text on a master is a prompt.
func holdsPlace(b []byte, depth int) bool {
	for {
		r, body, rest, ok := split(b)
		if !ok {
			return false
		}
		if r.kind == pptPlaceholder || r.version == 15 && depth < 3 && holdsPlace(body, depth+1) {
			return true
		}
		b = rest
	}
}

// text adds the text of a shape. A vertical tab is a line end in a paragraph.
func (s *pptReader) text(b []byte) {
	if string(b) == "*" {
		return // the place of a date or a number
	}
	for i, c := range b {
		if c == '\r' || c == 0x0b {
			b[i] = '\n'
		}
	}
	s.out.line()
	s.out.add(b)
	s.out.line()
}

// hyperlink keeps where a hyperlink leads: its strings are what is shown (0), the address (1) and the place in it (3).
func (s *pptReader) hyperlink(b []byte) {
	for {
		r, body, rest, ok := split(b)
		if !ok {
			return
		}
		if r.kind == pptString && r.instance == 1 {
			s.out.url(string(appendUTF16(nil, span(body, 0, 2*maxURL))))
		}
		b = rest
	}
}

// comment adds who commented what.
func (s *pptReader) comment(b []byte) {
	for {
		r, body, rest, ok := split(b)
		if !ok {
			return
		}
		if r.kind == pptString && r.instance < 2 { // the author, the text
			s.wide = appendUTF16(s.wide[:0], body)
			s.text(s.wide)
		}
		b = rest
	}
}
