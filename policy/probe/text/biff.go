package text

import (
	"bytes"
	"math"
	"slices"
	"strings"
)

// Records of a workbook that hold text, by their numbers ([MS-XLS] §2.3). Those of Excel 2 to 4 are the same or smaller by 0x200.
const (
	recFormula     = 0x0006
	recEOF         = 0x000a
	recHeader      = 0x0014
	recFooter      = 0x0015
	recDateMode    = 0x0022
	recFilePass    = 0x002f
	recContinue    = 0x003c
	recCodePage    = 0x0042
	recBoundSheet  = 0x0085
	recMulRK       = 0x00bd
	recRString     = 0x00d6
	recXF          = 0x00e0
	recSST         = 0x00fc
	recLabelSST    = 0x00fd
	recTextObject  = 0x01b6
	recSupBook     = 0x01ae
	recHyperlink   = 0x01b8
	recInteger2    = 0x0002
	recNumber2     = 0x0003
	recLabel2      = 0x0004
	recBool2       = 0x0005
	recString2     = 0x0007
	recNumber      = 0x0203
	recLabel       = 0x0204
	recBool        = 0x0205
	recString      = 0x0207
	recFormula3    = 0x0206
	recFormula4    = 0x0406
	recRK          = 0x027e
	recFormat      = 0x041e
	recBOF8        = 0x0809
	recSeriesText  = 0x100d
	recNoteText    = 0x001c
	recDDEName     = 0x0023
	biff8          = 8
	biffWideString = 1 // a bit of a string's flags: UTF-16
	biffRich       = 8
	biffPhonetic   = 4
)

// workbook reads a spreadsheet of Excel 5 to 2003.
func (c *compound) workbook(name string) error {
	b := c.stream(name)
	return c.d.biff(b)
}

// biff reads the records of a workbook.
func (d *document) biff(b []byte) error {
	x := &biffReader{d: d, out: d.out, page: latin, version: 5}
	x.names, x.rest = make(map[int]string), b
	for !d.out.full() && x.next+4 <= len(b) {
		x.at = x.next
		id, n := u16(x.rest, x.at), u16(x.rest, x.at+2)
		x.next = x.at + 4 + n
		if err := x.record(id, span(x.rest, x.at+4, n)); err != nil {
			return err
		}
	}
	if d.out.full() && x.next < len(b) {
		d.out.cut = true
	}
	d.out.line()
	return nil
}

// A biffReader reads the records of a workbook.
type biffReader struct {
	d        *document
	out      *sink
	version  int
	page     int
	at       int    // where the record begins
	next     int    // where the next one begins
	rest     []byte // the stream, decrypted
	unlocked bool
	names    map[int]string // of sheets, by where they begin
	strings  sharedStrings
	styles   styles
	row      int
	dec      decoder
	wide     []byte
}

// record reads one record.
func (x *biffReader) record(id int, b []byte) error {
	switch id {
	case recFilePass:
		return x.unlock(b)
	case recBOF8, 0x0009, 0x0209, 0x0409:
		x.begin(id, b)
	case recCodePage:
		if page := u16(b, 0); page != 1200 {
			x.page = page
		}
		if x.page == 0x8001 || x.page == 0x8000 {
			x.page = map[int]int{0x8000: 10000, 0x8001: latin}[x.page]
		}
	case recDateMode:
		x.styles.since1904 = u16(b, 0) == 1
	case recBoundSheet:
		x.names[u32(b, 0)] = x.short(span(b, 6, len(b)))
	case recSST:
		x.sharedStrings(b)
	case recFormat, 0x001e:
		x.format(id, b)
	case recXF, 0x0043, 0x0243, 0x0443:
		x.styles.add(xfFormat(id, b))
	case recHyperlink:
		x.out.url(hyperlink(b))
	case recSupBook:
		x.supBook(b)
	case recHeader, recFooter:
		x.headline(b)
	case recTextObject:
		x.textObject()
	case recSeriesText:
		x.line(x.short(span(b, 2, len(b))))
	case recNoteText:
		x.note(b)
	default:
		x.cell(id, b)
	}
	return nil
}

// unlock decrypts what follows, once, where everybody can.
func (x *biffReader) unlock(pass []byte) error {
	if x.unlocked {
		return nil
	}
	open := unlockBIFF(x.rest, pass, standardPassword)
	if open == nil {
		return ErrEncrypted
	}
	x.rest, x.unlocked = open, true
	return nil
}

// begin begins a sheet, and says its name.
func (x *biffReader) begin(id int, b []byte) {
	switch {
	case id == recBOF8 && u16(b, 0) == 0x0600:
		x.version = biff8
	case id == recBOF8:
		x.version = 5
	default:
		x.version = 2 + (id-0x0009)/0x0200
	}
	x.row = -1
	x.out.line()
	if name := x.names[x.at]; name != "" {
		x.line(name)
	}
}

// line adds a line of its own.
func (x *biffReader) line(text string) {
	x.out.line()
	x.out.str(text)
	x.out.line()
}

// cell reads the records of cells: row, column and style come first.
func (x *biffReader) cell(id int, b []byte) {
	switch id {
	case recLabelSST:
		x.put(b, string(x.strings.at(u32(b, 6))))
	case recLabel, recRString:
		x.put(b, x.long(span(b, 6, len(b))))
	case recNumber:
		x.number(b, float64At(b, 6))
	case recRK:
		x.number(b, rkNumber(u32(b, 6)))
	case recMulRK:
		for i := 4; i+6 <= len(b)-2; i += 6 {
			x.place(b)
			x.show(rkNumber(u32(b, i+2)), u16(b, i))
		}
	case recBool:
		x.truth(b, 6)
	case recFormula, recFormula3, recFormula4:
		x.formula(b)
	case recString, recString2:
		x.result(id, b)
	default:
		x.cell2(id, b)
	}
}

// cell2 reads the records of cells of Excel 2, whose attributes take three octets.
func (x *biffReader) cell2(id int, b []byte) {
	if x.version > 2 {
		return
	}
	switch id {
	case recInteger2:
		x.number2(b, float64(u16(b, 7)))
	case recNumber2:
		x.number2(b, float64At(b, 7))
	case recLabel2:
		x.put(b, x.short(span(b, 7, len(b))))
	case recBool2:
		x.truth(b, 7)
	}
}

func (x *biffReader) number2(b []byte, v float64) {
	x.place(b)
	x.out.str(general(v))
	x.out.tab()
}

// place begins a new line where a row begins.
func (x *biffReader) place(b []byte) {
	if row := u16(b, 0); row != x.row {
		x.out.line()
		x.row = row
	}
}

// put adds a cell of text.
func (x *biffReader) put(b []byte, text string) {
	x.place(b)
	x.out.str(text)
	x.out.tab()
}

// number adds a cell of a number.
func (x *biffReader) number(b []byte, v float64) {
	x.place(b)
	x.show(v, u16(b, 4))
}

func (x *biffReader) show(v float64, style int) {
	x.out.str(x.styles.showNumber(v, style))
	x.out.tab()
}

// truth adds a cell of a boolean; errors are no text.
func (x *biffReader) truth(b []byte, at int) {
	if len(b) > at+1 && b[at+1] == 0 {
		x.put(b, boolean(b[at] != 0))
	}
}

// formula adds what a formula last came to. Text stands in the record that follows.
func (x *biffReader) formula(b []byte) {
	if x.version == 2 {
		x.number2(b, float64At(b, 7))
		return
	}
	if len(b) < 14 {
		return
	}
	if b[12] != 0xff || b[13] != 0xff {
		x.number(b, float64At(b, 6))
		return
	}
	x.place(b)
	if b[6] == 1 {
		x.out.str(boolean(b[8] != 0))
		x.out.tab()
	}
}

// result adds the text a formula came to.
func (x *biffReader) result(id int, b []byte) {
	if id == recString2 && x.version == 2 {
		x.out.str(x.short(b))
	} else {
		x.out.str(x.long(b))
	}
	x.out.tab()
}

// short reads a string whose length takes one octet, and long one of two.
func (x *biffReader) short(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return x.chars(int(b[0]), b[1:])
}

func (x *biffReader) long(b []byte) string {
	if x.version == 2 {
		return x.short(b)
	}
	if len(b) < 2 {
		return ""
	}
	return x.chars(u16(b, 0), b[2:])
}

// chars reads the characters of a string: in the code page, or behind an octet of flags.
func (x *biffReader) chars(n int, b []byte) string {
	if x.version < biff8 {
		return string(x.dec.decode(x.page, span(b, 0, n)))
	}
	if len(b) == 0 {
		return ""
	}
	flags, b := b[0], b[1:]
	if flags&biffRich != 0 {
		b = span(b, 2, len(b))
	}
	if flags&biffPhonetic != 0 {
		b = span(b, 4, len(b))
	}
	return string(x.octets(flags, n, b))
}

// octets are n characters of 8 or 16 bits, valid up to the next call.
func (x *biffReader) octets(flags byte, n int, b []byte) []byte {
	x.wide = x.wide[:0]
	if flags&biffWideString != 0 {
		x.wide = appendUTF16(x.wide, span(b, 0, 2*n))
		return x.wide
	}
	for _, c := range span(b, 0, n) {
		if c < 0x80 {
			x.wide = append(x.wide, c)
		} else {
			x.wide = append(x.wide, 0xc0|c>>6, 0x80|c&0x3f)
		}
	}
	return x.wide
}

// format reads a number format.
func (x *biffReader) format(id int, b []byte) {
	switch {
	case id == 0x001e:
		x.styles.define(len(x.styles.codes), x.short(b))
	case x.version == biff8:
		x.styles.define(u16(b, 0), x.long(span(b, 2, len(b))))
	case x.version == 4:
		x.styles.define(len(x.styles.codes), x.short(span(b, 2, len(b))))
	default:
		x.styles.define(u16(b, 0), x.short(span(b, 2, len(b))))
	}
}

// xfFormat is the number format of a style.
func xfFormat(id int, b []byte) int {
	if id == recXF {
		return u16(b, 2)
	}
	if len(b) > 1 {
		return int(b[1])
	}
	return 0
}

// supBook reads where a workbook gets data from: another file, or DDE, as "application|topic".
func (x *biffReader) supBook(b []byte) {
	if len(b) < 5 || u16(b, 2) == 0x0401 || u16(b, 2) == 0x3a01 {
		return // the workbook itself, or a program's functions
	}
	name := strings.TrimLeft(x.long(span(b, 2, len(b))), "\x01\x02\x04")
	if strings.Contains(name, "\x03") { // DDE
		x.line(strings.ReplaceAll(name, "\x03", "|"))
		return
	}
	if strings.Contains(name, ":") || strings.HasPrefix(name, `\\`) {
		x.out.url(name)
	}
}

// headline reads the header or footer of pages.
func (x *biffReader) headline(b []byte) {
	if len(b) == 0 {
		return
	}
	if x.version == biff8 {
		x.line(x.long(b))
	} else {
		x.line(x.short(b))
	}
}

// note reads a comment of Excel 5 and before, whose text stands in the record. Later ones only tell whose text object it is.
func (x *biffReader) note(b []byte) {
	if x.version < biff8 {
		x.line(string(x.dec.decode(x.page, span(b, 6, u16(b, 4)))))
	}
}

// textObject reads the text of a box or a comment, which stands in the record that continues.
func (x *biffReader) textObject() {
	for u16(x.rest, x.next) == recContinue {
		b := span(x.rest, x.next+4, u16(x.rest, x.next+2))
		x.next += 4 + u16(x.rest, x.next+2)
		if len(b) > 1 && b[0] <= 1 {
			x.out.line()
			x.out.add(x.octets(b[0], len(b), b[1:]))
			x.out.line()
			return
		}
	}
}

// float64At reads a number, 0 where it is cut.
func float64At(b []byte, at int) float64 {
	if at < 0 || len(b)-8 < at {
		return 0
	}
	return math.Float64frombits(little.Uint64(b[at:]))
}

// rkNumber is the number of an RK value ([MS-XLS] §2.5.219).
func rkNumber(rk int) float64 {
	var v float64
	if rk&2 != 0 {
		v = float64(int32(uint32(rk)) >> 2)
	} else {
		v = math.Float64frombits(uint64(uint32(rk)&^3) << 32)
	}
	if rk&1 != 0 {
		v /= 100
	}
	return v
}

// sharedStrings reads the strings of a workbook, which go on in as many records as they need. A string may be cut anywhere, and goes on
// with its flags anew.
func (x *biffReader) sharedStrings(b []byte) {
	s := sstReader{x: x, b: b}
	total := s.number(4, 4) // behind the count of uses
	for range min(total, maxSharedCount) {
		if !s.one() {
			return
		}
	}
}

// An sstReader reads the table of shared strings over the ends of its records.
type sstReader struct {
	x *biffReader
	b []byte
}

// more goes to the record that continues this one.
func (s *sstReader) more() bool {
	x := s.x
	if u16(x.rest, x.next) != recContinue || x.next+4 > len(x.rest) {
		return false
	}
	n := u16(x.rest, x.next+2)
	s.b = span(x.rest, x.next+4, n)
	x.next += 4 + n
	return true
}

// number skips octets and reads a number of n octets.
func (s *sstReader) number(skip, n int) (v int) {
	s.skip(skip)
	for i := range n {
		if len(s.b) == 0 && !s.more() || len(s.b) == 0 {
			return 0
		}
		v |= int(s.b[0]) << (8 * i)
		s.b = s.b[1:]
	}
	return v
}

func (s *sstReader) skip(n int) {
	for n > len(s.b) {
		n -= len(s.b)
		s.b = nil
		if !s.more() {
			return
		}
	}
	s.b = s.b[n:]
}

// one reads one string. It tells whether there is more to read.
func (s *sstReader) one() bool {
	if len(s.b) == 0 && !s.more() {
		return false
	}
	chars := s.number(0, 2)
	flags := byte(s.number(0, 1))
	runs, phonetic := 0, 0
	if flags&biffRich != 0 {
		runs = s.number(0, 2)
	}
	if flags&biffPhonetic != 0 {
		phonetic = s.number(0, 4)
	}
	if !s.chars(chars, flags) {
		s.x.strings.end()
		return false
	}
	s.x.strings.end()
	s.skip(4*runs + max(min(phonetic, len(s.x.rest)), 0))
	return true
}

// chars reads the characters of a string.
func (s *sstReader) chars(n int, flags byte) bool {
	for n > 0 {
		if len(s.b) == 0 {
			if !s.more() || len(s.b) == 0 {
				return false
			}
			flags, s.b = s.b[0], s.b[1:]
		}
		width := 1 + int(flags&biffWideString)
		have := min(n, len(s.b)/width)
		if have == 0 {
			s.b = nil // half a character
			continue
		}
		if !s.x.strings.add(s.x.octets(flags, have, s.b)) {
			s.x.out.cut = true
			return false
		}
		s.b = s.b[have*width:]
		n -= have
	}
	return true
}

// monikers are the classes of what a hyperlink leads by: an address, or a file.
var (
	urlMoniker  = []byte("\xe0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\x00\xaa\x00\x4b\xa9\x0b")
	fileMoniker = []byte("\x03\x03\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46")
)

// hyperlink is where a hyperlink leads ([MS-OSHARED] §2.3.7.1).
func hyperlink(b []byte) string {
	if i := bytes.Index(b, urlMoniker); i >= 0 {
		return upToZero(span(b, i+20, u32(b, i+16)))
	}
	if i := bytes.Index(b, fileMoniker); i >= 0 {
		path, _, _ := bytes.Cut(span(b, i+22, u32(b, i+18)), []byte{0})
		return string(path)
	}
	return ""
}

// upToZero is UTF-16 up to its first zero.
func upToZero(b []byte) string {
	text := string(appendUTF16(nil, span(b, 0, 2*maxURL)))
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// biffMagics begin workbooks of Excel 2 to 4, which are no compound files.
var biffMagics = []string{"\x09\x00\x04\x00", "\x09\x00\x06\x00", "\x09\x02\x06\x00", "\x09\x04\x06\x00", "\x09\x08\x08\x00", "\x09\x08\x10\x00"}

// isBIFF tells a workbook that stands alone.
func isBIFF(head []byte) bool {
	return len(head) > 8 && slices.Contains(biffMagics, string(head[:4]))
}

// bareWorkbook reads a workbook that stands alone.
func (d *document) bareWorkbook() error {
	b, err := d.whole()
	if err != nil {
		return err
	}
	return d.biff(b)
}
