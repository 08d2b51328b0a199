package text

import (
	"io"
	"slices"
)

// Records of a binary workbook that hold text ([MS-XLSB] §2.3.2).
const (
	xlsbRow        = 0
	xlsbRK         = 2
	xlsbError      = 3
	xlsbBool       = 4
	xlsbReal       = 5
	xlsbString     = 6
	xlsbShared     = 7
	xlsbFmlaString = 8
	xlsbFmlaNum    = 9
	xlsbFmlaBool   = 10
	xlsbItem       = 19 // of the shared strings
	xlsbFormat     = 44
	xlsbStyle      = 47
	xlsbRich       = 62
	xlsbSheet      = 156
	xlsbBook       = 153
	xlsbStyles     = 617 // the beginning of the styles of cells, and their end
	xlsbStylesEnd  = 618
	xlsbLink       = 494
	xlsbComment    = 637
)

// maxXLSBRecord is the longest record that is read, in octets. Longer ones hold no text.
const maxXLSBRecord = 1 << 20

// binaryWorkbook reads a spreadsheet in the binary form of Office Open XML (xlsb).
func (p *pack) binaryWorkbook(main string) error {
	rels, order, err := p.relations(main)
	if err != nil {
		return err
	}
	var x xlsbReader
	x.out = p.d.out
	for _, id := range order {
		switch rels[id].kind {
		case "sharedstrings", "styles":
			err = p.records(rels[id].target, x.aside)
		case "externallink":
			err = p.outside(rels[id].target)
		}
		if err != nil {
			return err
		}
	}
	if err := p.records(main, x.aside); err != nil {
		return err
	}
	for _, s := range x.sheets {
		if err := p.binarySheet(s.name, rels[s.id], &x); err != nil {
			return err
		}
	}
	return nil
}

// binarySheet reads one sheet.
func (p *pack) binarySheet(name string, rel relation, x *xlsbReader) error {
	p.d.out.line()
	p.d.out.str(name)
	p.d.out.line()
	if rel.external || !p.has(rel.target) {
		return nil
	}
	if err := p.records(rel.target, x.cell); err != nil {
		return err
	}
	p.d.out.line()
	rels, order, err := p.relations(rel.target)
	if err != nil {
		return err
	}
	for _, id := range order {
		if rels[id].kind == "comments" && !rels[id].external {
			if err := p.records(rels[id].target, x.cell); err != nil {
				return err
			}
		}
	}
	return p.drawn(rel.target, besideSheet[2:], map[string]bool{rel.target: true}, 0)
}

// records reads a part record by record: a number and a length, of up to two and four octets of seven bits, and the body.
func (p *pack) records(name string, take func(kind int, b []byte) error) error {
	r, err := p.open(name)
	if r == nil || err != nil {
		return err
	}
	defer r.Close()
	in := &sevenBits{r: r}
	for !p.d.out.full() {
		kind, n, err := in.head()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := in.body(n)
		if err != nil {
			return err
		}
		if err := take(kind, b); err != nil {
			return err
		}
	}
	return p.d.out.cutShort()
}

// A sevenBits reads records.
type sevenBits struct {
	r   io.Reader
	one [1]byte
	buf []byte
}

func (s *sevenBits) head() (kind, n int, err error) {
	if kind, err = s.number(2); err != nil {
		return 0, 0, err
	}
	n, err = s.number(4)
	return kind, n, err
}

// number reads a number of at most so many octets.
func (s *sevenBits) number(octets int) (v int, err error) {
	for i := range octets {
		if _, err := io.ReadFull(s.r, s.one[:]); err != nil {
			return 0, err
		}
		v |= int(s.one[0]&0x7f) << (7 * i)
		if s.one[0]&0x80 == 0 {
			break
		}
	}
	return v, nil
}

// body reads the body of a record; one that is too long is passed over.
func (s *sevenBits) body(n int) ([]byte, error) {
	if n > maxXLSBRecord {
		_, err := io.CopyN(io.Discard, s.r, int64(n))
		return nil, err
	}
	s.buf = slices.Grow(s.buf[:0], n)[:n]
	_, err := io.ReadFull(s.r, s.buf)
	return s.buf, err
}

// An xlsbReader reads the records of a workbook.
type xlsbReader struct {
	out    *sink
	book   workbook
	sheets []sheetName
	inXF   bool
	wide   []byte
}

// aside takes the records of the workbook itself, of its strings and of its styles.
func (x *xlsbReader) aside(kind int, b []byte) error {
	switch kind {
	case xlsbItem:
		if !x.book.strings.add(x.text(b, 1)) {
			return x.out.cutShort()
		}
		x.book.strings.end()
	case xlsbFormat:
		x.book.styles.define(u16(b, 0), string(x.text(b, 2)))
	case xlsbStyles:
		x.inXF = true
	case xlsbStylesEnd:
		x.inXF = false
	case xlsbStyle:
		if x.inXF {
			x.book.styles.add(u16(b, 2))
		}
	case xlsbBook:
		x.book.styles.since1904 = u32(b, 0)&1 != 0
	case xlsbSheet:
		id := string(x.text(b, 8))
		if len(x.sheets) < maxSheets {
			x.sheets = append(x.sheets, sheetName{id: id, name: string(x.text(b, 8+4+2*u32(b, 8)))})
		}
	}
	return nil
}

// cell takes the records of a sheet: column and style come first.
func (x *xlsbReader) cell(kind int, b []byte) error {
	style := u32(b, 4) & 0xffffff
	switch kind {
	case xlsbRow:
		x.out.line()
	case xlsbRK:
		x.put(x.book.styles.showNumber(rkNumber(u32(b, 8)), style))
	case xlsbReal, xlsbFmlaNum:
		x.put(x.book.styles.showNumber(float64At(b, 8), style))
	case xlsbBool, xlsbFmlaBool:
		x.put(boolean(len(b) > 8 && b[8] != 0))
	case xlsbString, xlsbFmlaString:
		x.put(string(x.text(b, 8)))
	case xlsbRich:
		x.put(string(x.text(b, 9)))
	case xlsbShared:
		x.put(string(x.book.strings.at(u32(b, 8))))
	case xlsbComment:
		x.out.line()
		x.out.add(x.text(b, 1))
		x.out.line()
	}
	return nil
}

func (x *xlsbReader) put(text string) {
	x.out.str(text)
	x.out.tab()
}

// text is a string of UTF-16 behind its length, valid up to the next call.
func (x *xlsbReader) text(b []byte, at int) []byte {
	x.wide = appendUTF16(x.wide[:0], span(b, at+4, 2*min(u32(b, at), maxXLSBRecord)))
	return x.wide
}
