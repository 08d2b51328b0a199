package text

import (
	"fmt"
)

// First numbers of the stream WordDocument, by the versions of Word.
const (
	word97    = 0xa5ec // Word 97 and later, and Word 8
	word6     = 0xa5dc // Word 6 and 95
	word6Asia = 0xa697 // Word 6 of East Asia
	word7Asia = 0xa699 // Word 95 of East Asia
)

// wordDocument reads a document of Word 6 to 2003 ([MS-DOC]).
func (c *compound) wordDocument() error {
	b := c.stream("worddocument")
	if len(b) < 0x200 {
		return fmt.Errorf("%w: %w", ErrDamaged, errShort)
	}
	flags := u16(b, 0x0a)
	if flags&0x0100 != 0 { // fEncrypted
		return ErrEncrypted
	}
	w := wordText{out: c.d.out, page: latin}
	switch magic, version := u16(b, 0), u16(b, 2); {
	case magic == word97 && version >= 0xc0 || version >= 0xc1:
		return c.word97(b, flags, &w)
	case magic == word6Asia || magic == word7Asia:
		w.page = languagePage(u16(b, 0x06))
		if w.page == latin {
			w.page = 932
		}
	default:
		w.page = languagePage(u16(b, 0x06))
	}
	return w.word6(b, flags)
}

// word97 reads a document of Word 97 to 2003 by its table of pieces (§2.4.1).
func (c *compound) word97(b []byte, flags int, w *wordText) error {
	table := c.stream(map[bool]string{false: "0table", true: "1table"}[flags&0x0200 != 0])
	pieces := pieceTable(span(table, u32(b, 0x1a2), u32(b, 0x1a6)))
	if pieces == nil {
		return fmt.Errorf("%w: no table of pieces", ErrDamaged)
	}
	w.pieces(b, pieces, true)
	w.end()
	w.authors(span(table, u32(b, 0x1ba), u32(b, 0x1be)))
	return nil
}

// maxAuthors is how many of those who made comments are named.
const maxAuthors = 100

// authors names those who made comments (GrpXstAtnOwners).
func (w *wordText) authors(b []byte) {
	for range maxAuthors {
		n := u16(b, 0)
		if n == 0 || len(b) < 2+2*n {
			return
		}
		w.wide = appendUTF16(w.wide[:0], b[2:2+2*n])
		w.out.add(w.wide)
		w.out.line()
		b = b[2+2*n:]
	}
}

// word6 reads a document of Word 6 or 95, whose text stands in one piece unless it was saved in a hurry.
func (w *wordText) word6(b []byte, flags int) error {
	if flags&0x0004 != 0 { // fComplex
		if pieces := pieceTable(span(b, u32(b, 0x160), u32(b, 0x164))); pieces != nil {
			w.pieces(b, pieces, false)
			w.end()
			return nil
		}
	}
	from, to := u32(b, 0x18), u32(b, 0x1c)
	text := span(b, from, to-from)
	if len(text) == 0 {
		return fmt.Errorf("%w: %w", ErrDamaged, errShort)
	}
	w.narrow(text)
	w.end()
	return nil
}

// bareWord reads a document of Word 2 or of Write, which are no compound files: their text stands in one piece.
func (d *document) bareWord() error {
	b, err := d.whole()
	if err != nil {
		return err
	}
	w := wordText{out: d.out, page: languagePage(u16(b, 0x06))}
	if u16(b, 0) == 0xbe31 { // Write: it begins behind a head of fixed length, and says where it ends
		const head = 0x80
		w.page = latin
		w.narrow(span(b, head, u32(b, 0x0e)-head))
		w.end()
		return nil
	}
	if u16(b, 0x0a)&0x0100 != 0 { // fEncrypted
		return ErrEncrypted
	}
	return w.word6(b, 0)
}

// A piece of text, as the table of pieces tells of it.
type wordPiece struct {
	chars int // characters
	fc    int // where it stands, with the bit that tells of 8-bit text
}

// maxPieces is how many pieces of a document are read. Word makes some hundreds before it puts them together.
const maxPieces = 1 << 20

// pieceTable reads the pieces out of a Clx (§2.9.38); nil where there are none.
func pieceTable(clx []byte) (list []wordPiece) {
	for len(clx) >= 5 && clx[0] == 1 { // Prc
		clx = span(clx, 3+u16(clx, 1), len(clx))
	}
	if len(clx) < 5 || clx[0] != 2 {
		return nil
	}
	plc := span(clx, 5, u32(clx, 1))
	n := (len(plc) - 4) / 12
	for i := range max(0, min(n, maxPieces)) {
		from, to := u32(plc, 4*i), u32(plc, 4*i+4)
		if to < from {
			break
		}
		list = append(list, wordPiece{chars: to - from, fc: u32(plc, 4*(n+1)+8*i+2)})
	}
	return list
}

// A wordText turns the characters of Word into text.
type wordText struct {
	out    *sink
	page   int // the code page of 8-bit text
	dec    decoder
	wide   []byte // decoded UTF-16
	last   rune
	fields []wordField
	codes  []byte // of the fields' instructions
}

// A wordField is a field that did not end yet.
type wordField struct {
	start  int // of its instruction
	result bool
}

// maxFields is how deep fields stand in fields.
const maxFields = 50

// pieces reads the pieces of a document. wide tells that pieces are of UTF-16 unless their offset says otherwise.
func (w *wordText) pieces(b []byte, list []wordPiece, wide bool) {
	const narrowBit = 0x40000000
	for _, p := range list {
		switch {
		case w.out.full():
			w.out.cut = true
			return
		case !wide:
			w.narrow(span(b, p.fc, p.chars))
		case p.fc&narrowBit != 0:
			w.narrow(span(b, p.fc&^narrowBit/2, p.chars))
		default:
			w.wide = appendUTF16(w.wide[:0], span(b, p.fc, 2*p.chars))
			w.text(w.wide)
		}
	}
}

// narrow reads 8-bit text.
func (w *wordText) narrow(b []byte) { w.text(w.dec.decode(w.page, b)) }

// text takes UTF-8 with the characters that mean something to Word (§2.4.1, §2.8.25).
func (w *wordText) text(b []byte) {
	plain := 0
	for i := 0; i < len(b); i++ {
		if b[i] >= ' ' {
			continue
		}
		w.plain(b[plain:i])
		plain = i + 1
		w.control(b[i])
	}
	w.plain(b[plain:])
}

// plain takes text without control characters.
func (w *wordText) plain(b []byte) {
	switch n := len(w.fields); {
	case len(b) == 0:
		return
	case n == 0 || w.fields[n-1].result:
		w.out.add(b)
	case len(w.codes)+len(b) <= maxField:
		w.codes = append(w.codes, b...)
	}
	w.last = 0
}

func (w *wordText) control(c byte) {
	if n := len(w.fields); n > 0 && !w.fields[n-1].result && c != 0x13 && c != 0x14 && c != 0x15 {
		return
	}
	switch c {
	case '\t':
		w.out.tab()
	case 0x07: // the end of a cell; twice: of a row
		if w.last == 0x07 {
			w.out.line()
		} else {
			w.out.endCell(0)
		}
	case '\n', 0x0b, 0x0c, '\r', 0x0e:
		w.out.line()
	case 0x13:
		if len(w.fields) < maxFields {
			w.fields = append(w.fields, wordField{start: len(w.codes)})
		}
	case 0x14:
		w.result()
	case 0x15:
		w.result()
		w.fields = w.fields[:max(len(w.fields)-1, 0)]
	case 0x1e:
		w.out.str("-")
	}
	w.last = rune(c)
}

// result ends the instruction of a field.
func (w *wordText) result() {
	n := len(w.fields)
	if n == 0 || w.fields[n-1].result {
		return
	}
	f := &w.fields[n-1]
	fieldAddress(w.out, string(w.codes[f.start:]))
	w.codes = w.codes[:f.start]
	f.result = true
}

func (w *wordText) end() { w.out.line() }

// languagePage is the code page of text in a language of Windows, by its LCID.
func languagePage(lcid int) int {
	switch lcid & 0x3ff {
	case 0x11:
		return 932
	case 0x12:
		return 949
	case 0x04:
		if lcid == 0x0404 || lcid == 0x0c04 {
			return 950
		}
		return 936
	case 0x19, 0x22, 0x02, 0x23, 0x2f:
		return 1251
	case 0x05, 0x0e, 0x15, 0x18, 0x1a, 0x1b, 0x24:
		return 1250
	case 0x08:
		return 1253
	case 0x1f:
		return 1254
	case 0x0d:
		return 1255
	case 0x01:
		return 1256
	case 0x1e:
		return 874
	case 0x25, 0x26, 0x27:
		return 1257
	}
	return latin
}
