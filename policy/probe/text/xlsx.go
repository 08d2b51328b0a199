package text

import (
	"bytes"
	"strconv"
	"strings"
)

// besideSheet are the kinds of parts of a sheet whose text stands behind its cells.
var besideSheet = []string{"comments", "threadedcomment", "drawing", "diagramdata", "chart", "chartex"}

// A workbook is what the cells of a spreadsheet refer to.
type workbook struct {
	strings sharedStrings
	styles  styles
}

// workbook reads a spreadsheet (ECMA-376 Part 1 §18): each sheet with its name, its cells row by row, and what stands beside them.
func (p *pack) workbook(main string) error {
	rels, order, err := p.relations(main)
	if err != nil {
		return err
	}
	var book workbook
	for _, id := range order {
		switch rel := rels[id]; rel.kind {
		case "sharedstrings":
			err = p.sharedStrings(rel.target, &book.strings)
		case "styles":
			err = p.styles(rel.target, &book.styles)
		case "externallink", "connections":
			err = p.foreignData(rel.target)
		}
		if err != nil {
			return err
		}
	}
	sheets, err := p.sheetList(main, &book.styles)
	if err != nil {
		return err
	}
	for _, s := range sheets {
		if err := p.sheet(s.name, rels[s.id], &book); err != nil {
			return err
		}
	}
	return nil
}

// A sheetName is one sheet as the workbook lists it.
type sheetName struct{ name, id string }

// maxSheets is how many sheets of a workbook are read.
const maxSheets = 1000

// sheetList reads the list of sheets, and how dates count.
func (p *pack) sheetList(main string, st *styles) (list []sheetName, err error) {
	err = p.each(main, func(s *scanner) error {
		if s.tok != tokStart {
			return nil
		}
		switch string(s.name) {
		case "workbookPr":
			st.since1904 = truth(s.attr("date1904"))
		case "sheet":
			if len(list) == maxSheets {
				return p.d.out.cutShort()
			}
			list = append(list, sheetName{string(s.attr("name")), string(s.relation())})
		}
		return nil
	})
	return list, err
}

func truth(b []byte) bool { return string(b) == "1" || string(b) == "true" }

// sheet reads one sheet.
func (p *pack) sheet(name string, rel relation, book *workbook) error {
	p.d.out.line()
	p.d.out.str(name)
	p.d.out.line()
	if rel.external || !p.has(rel.target) {
		return nil
	}
	c := cells{out: p.d.out, book: book}
	if err := p.each(rel.target, c.take); err != nil {
		return err
	}
	p.d.out.line()
	return p.drawn(rel.target, besideSheet, map[string]bool{rel.target: true}, 0)
}

// drawn reads what stands beside a sheet or a slide, and what that leads to: a drawing has charts of its own.
func (p *pack) drawn(name string, kinds []string, seen map[string]bool, depth int) error {
	if depth > maxInner {
		return nil
	}
	return p.linked(name, kinds, seen, func(_, target string) error {
		if err := p.story(target); err != nil {
			return err
		}
		return p.drawn(target, kinds, seen, depth+1)
	})
}

// cells takes the tokens of a sheet.
type cells struct {
	out    *sink
	book   *workbook
	kind   byte   // of the cell: 's' shared string, 'i' inline, 'b' boolean, 'n' number, 't' text as it stands
	style  int    // of the cell
	value  []byte // of the cell
	inV    bool   // in the cell's value
	inText bool   // in text that stands as it is
	mute   bool   // in a phonetic guide
}

// maxCell is the longest value of a cell, in octets; Excel allows 32,767 characters.
const maxCell = 128 << 10

func (c *cells) take(s *scanner) error {
	switch s.tok {
	case tokText:
		switch {
		case c.inText && !c.mute:
			c.out.add(s.text)
		case c.inV && len(c.value)+len(s.text) <= maxCell:
			c.value = append(c.value, s.text...)
		}
	case tokStart:
		c.start(s)
	case tokEnd:
		c.end(s)
	}
	return nil
}

func (c *cells) start(s *scanner) {
	switch string(s.name) {
	case "c":
		c.begin(s.rest)
	case "v":
		c.inV = true
	case "t", "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		c.inText = true
	case "rPh":
		c.mute = true
	case "hyperlink":
		c.out.url(string(s.attr("location")))
	}
}

// begin begins a cell: its attributes are read in one go, since there are many cells.
func (c *cells) begin(attributes []byte) {
	c.kind, c.style, c.value = 'n', 0, c.value[:0]
	for {
		key, value, next, ok := attribute(attributes)
		if !ok {
			return
		}
		switch string(key) {
		case "t":
			c.kind = cellKind(value)
		case "s":
			c.style = number(value)
		}
		attributes = next
	}
}

func (c *cells) end(s *scanner) {
	switch string(s.name) {
	case "c":
		c.put()
	case "v":
		c.inV = false
	case "t":
		c.inText = false
	case "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		c.inText = false
		c.out.line()
	case "rPh":
		c.mute = false
	case "row":
		c.out.line()
	}
}

// cellKind makes one octet of a cell's type (ECMA-376 Part 1 §18.18.11).
func cellKind(t []byte) byte {
	switch string(t) {
	case "s":
		return 's'
	case "inlineStr":
		return 'i'
	case "b":
		return 'b'
	case "str", "e", "d":
		return 't'
	}
	return 'n'
}

// put adds the cell that was read. An empty cell is nothing.
func (c *cells) put() {
	if len(c.value) == 0 && c.kind != 'i' {
		return
	}
	switch c.kind {
	case 's':
		if n, err := strconv.Atoi(string(bytes.TrimSpace(c.value))); err == nil {
			c.out.add(c.book.strings.at(n))
		}
	case 't':
		c.out.add(c.value)
	case 'b':
		c.out.str(boolean(truth(c.value)))
	case 'n':
		c.out.str(c.book.styles.show(string(c.value), c.style))
	}
	c.out.tab()
}

func boolean(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

// sharedStrings are the strings of a workbook, one behind the other.
type sharedStrings struct {
	b    []byte
	ends []uint32
}

// maxShared is how much of a workbook's shared strings is kept, in octets, and how many of them.
const (
	maxShared      = 16 << 20
	maxSharedCount = 2 << 20
)

func (l *sharedStrings) at(n int) []byte {
	if n < 0 || n >= len(l.ends) {
		return nil
	}
	start := uint32(0)
	if n > 0 {
		start = l.ends[n-1]
	}
	return l.b[start:l.ends[n]]
}

// add adds to the string that is not ended yet, and tells whether there was room.
func (l *sharedStrings) add(text []byte) bool {
	if len(l.b)+len(text) > maxShared || len(l.ends) >= maxSharedCount {
		return false
	}
	l.b = append(l.b, text...)
	return true
}

// end ends a string.
func (l *sharedStrings) end() { l.ends = append(l.ends, uint32(len(l.b))) }

// sharedStrings reads the strings of a workbook, without phonetic guides.
func (p *pack) sharedStrings(name string, l *sharedStrings) error {
	inText, mute := false, false
	return p.each(name, func(s *scanner) error {
		switch s.tok {
		case tokText:
			if inText && !mute && !l.add(s.text) {
				return p.d.out.cutShort()
			}
		case tokStart:
			inText = string(s.name) == "t"
			mute = mute || string(s.name) == "rPh"
		case tokEnd:
			inText = false
			switch string(s.name) {
			case "rPh":
				mute = false
			case "si":
				l.end()
			}
		}
		return nil
	})
}

// foreignData reads where a workbook gets data from: other workbooks, DDE, databases, pages of the web.
func (p *pack) foreignData(name string) error {
	err := p.each(name, func(s *scanner) error {
		if s.tok != tokStart {
			return nil
		}
		switch string(s.name) {
		case "ddeLink":
			p.d.out.str(string(s.attr("ddeService")) + "|" + string(s.attr("ddeTopic")))
			p.d.out.line()
		case "dbPr":
			p.d.out.add(s.attr("connection"))
			p.d.out.line()
		case "webPr":
			p.d.out.url(string(s.attr("url")))
		case "textPr":
			p.d.out.url(string(s.attr("sourceFile")))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.outside(name)
}

// styles are the number formats of a workbook's cells.
type styles struct {
	since1904 bool
	codes     map[int]string // of formats the workbook defines
	cells     []int          // the format of each style
	formats   map[int]*format
}

// maxStyles is how many styles and formats of a workbook are known; Excel allows 65,490.
const maxStyles = 1 << 16

func (p *pack) styles(name string, st *styles) error {
	inCells := false
	return p.each(name, func(s *scanner) error {
		if s.tok == tokText {
			return nil
		}
		switch string(s.name) {
		case "cellXfs":
			inCells = s.tok == tokStart
		case "xf":
			if inCells && s.tok == tokStart {
				st.add(number(s.attr("numFmtId")))
			}
		case "numFmt":
			if s.tok == tokStart {
				st.define(number(s.attr("numFmtId")), string(s.attr("formatCode")))
			}
		}
		return nil
	})
}

// add adds a style with its format.
func (st *styles) add(id int) {
	if len(st.cells) < maxStyles {
		st.cells = append(st.cells, id)
	}
}

// define says what a format is.
func (st *styles) define(id int, code string) {
	if st.codes == nil {
		st.codes = make(map[int]string)
	}
	if len(st.codes) < maxStyles {
		st.codes[id] = code
	}
}

// show is a number as its cell shows it.
func (st *styles) show(value string, style int) string {
	if len(value) < maxDigits && len(st.format(st.id(style)).sections[0].pieces) == 0 && strings.IndexByte(value, 'E') < 0 {
		return value // as it stands, which spares reading and writing it
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return value
	}
	return st.showNumber(v, style)
}

// maxDigits is the length of numbers that a spreadsheet keeps as they were written.
const maxDigits = 16

func (st *styles) showNumber(v float64, style int) string {
	return st.format(st.id(style)).show(v, st.since1904)
}

// id is the format of a style.
func (st *styles) id(style int) int {
	if style >= 0 && style < len(st.cells) {
		return st.cells[style]
	}
	return 0
}

// format finds what a format's id means.
func (st *styles) format(id int) *format {
	f := st.formats[id]
	if f == nil {
		code, own := st.codes[id]
		if !own {
			code = builtinFormats[id]
		}
		if st.formats == nil {
			st.formats = make(map[int]*format)
		}
		f = parseFormat(code)
		st.formats[id] = f
	}
	return f
}

// number reads a decimal number, 0 for what is none.
func number(b []byte) int {
	n, _ := strconv.Atoi(string(b))
	return n
}

// hexNumber reads a hexadecimal number of 32 bits, 0 for what is none.
func hexNumber(b []byte) int {
	n, _ := strconv.ParseUint(string(b), 16, 32)
	return int(n)
}
