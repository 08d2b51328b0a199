package clean

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf16"
)

// Places in the file information block of Word 97 and later ([MS-DOC] §2.5.1): pairs of an offset and a length in the table stream.
const (
	fibFlags     = 10
	fibEncrypted = 0x0100
	fibWhich     = 0x0200 // the table stream is 1Table
	fibVersion   = 2
	fibWord97    = 0x00c1
	fibPairs     = 154

	pairFieldMain  = 16 // and headers, footnotes, comments behind it, with one in between
	pairFieldLast  = 20
	pairCommands   = 24
	pairAssociated = 32
	pairFieldEdn   = 48
	pairFieldTxbx  = 57
	pairFieldHdr   = 59
)

// Types of fields ([MS-DOC] §2.9.90).
const (
	fieldDDE     = 45
	fieldDDEAuto = 46
	fieldQuote   = 35
)

// word cleans the text of a Word document: keys and toolbars that call macros, the template it is attached to, and DDE.
func (o *oleFile) word(parent, n *node, name string) error {
	b := n.octets
	if len(b) < fibPairs || little.Uint16(b[fibFlags:])&fibEncrypted != 0 {
		return impossible("a Word document that is encrypted or damaged")
	}
	if little.Uint16(b[fibVersion:]) < fibWord97 {
		return o.oldWord(n, name)
	}
	w := &wordFile{o: o, fib: b, name: name}
	table := "0Table"
	if little.Uint16(b[fibFlags:])&fibWhich != 0 {
		table = "1Table"
	}
	if t := parent.child(table); t != nil {
		w.table = t.octets
	}
	w.commands()
	w.template()
	return w.dde()
}

// oldWord looks at a document of Word 6 or 95: its macros stand within its text, where nobody takes them out.
func (o *oleFile) oldWord(n *node, name string) error {
	if blankDDE(n.octets) > 0 {
		o.removed(DDE, name)
	}
	const template = 0x0001
	if little.Uint16(n.octets[fibFlags:])&template != 0 {
		return impossible("a template of Word 95")
	}
	return nil
}

// wordFile is a document of Word 97 or later.
type wordFile struct {
	o     *oleFile
	fib   []byte
	table []byte
	name  string
}

// pair gives the octets of the table stream that a pair names; nil where there are none.
func (w *wordFile) pair(i int) []byte {
	at := fibPairs + 8*i
	if at+8 > len(w.fib) {
		return nil
	}
	start, n := int64(little.Uint32(w.fib[at:])), int64(little.Uint32(w.fib[at+4:]))
	if n == 0 || start+n > int64(len(w.table)) {
		return nil
	}
	return w.table[start : start+n]
}

// shorten gives a pair another length.
func (w *wordFile) shorten(i, n int) { little.PutUint32(w.fib[fibPairs+8*i+4:], uint32(n)) }

// commands drops keys, menus and toolbars of the document ([MS-DOC] §2.9.321), where it had macros that they could call.
func (w *wordFile) commands() {
	if b := w.pair(pairCommands); b != nil && w.o.c.removed.Has(VBA) {
		clear(b)
		w.shorten(pairCommands, 0)
		w.o.changed = true
	}
}

// template detaches the document from a template that is elsewhere in the net ([MS-DOC] §2.9.274: the second string).
func (w *wordFile) template() {
	b := w.pair(pairAssociated)
	if len(b) < 6 || little.Uint16(b) != 0xffff {
		return
	}
	at := 6
	for i := range int(little.Uint16(b[2:])) {
		if at+2 > len(b) {
			return
		}
		n := 2 * int(little.Uint16(b[at:]))
		if at+2+n > len(b) {
			return
		}
		if i == 1 {
			if !elsewhere(utf16Text(b[at+2 : at+2+n])) {
				return
			}
			w.o.removed(Template, w.name)
			rest := slices.Clone(b[at+2+n:])
			little.PutUint16(b[at:], 0)
			end := at + 2 + copy(b[at+2:], rest)
			clear(b[end:])
			w.shorten(pairAssociated, end)
			return
		}
		at += 2 + n
	}
}

// elsewhere tells whether a path leads out of the reader's computer: it has a scheme or names a host. "C:\..." and "file:///C:/..." do not.
func elsewhere(p string) bool {
	p = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(p)), `\`, "/")
	if rest, local := strings.CutPrefix(p, "file:///"); local && len(rest) > 1 && rest[1] == ':' {
		return false
	}
	scheme, _, found := strings.Cut(p, ":")
	return found && len(scheme) > 1 && !strings.Contains(scheme, "/") || strings.HasPrefix(p, "//")
}

func utf16Text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = little.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// dde makes DDE fields of the document fields that show text. What they show stays.
func (w *wordFile) dde() error {
	known := 0
	pairs := []int{pairFieldEdn, pairFieldTxbx, pairFieldHdr}
	for i := pairFieldMain; i <= pairFieldLast; i++ {
		pairs = append(pairs, i)
	}
	for _, i := range pairs {
		known += quoteFields(w.pair(i))
	}
	written := blankDDE(w.fib)
	if known > written {
		return impossible("DDE whose text is hidden")
	}
	if written > 0 {
		w.o.removed(DDE, w.name)
	}
	return nil
}

// quoteFields changes the types of DDE fields in a list of fields ([MS-DOC] §2.8.25), and tells how many there were.
func quoteFields(b []byte) (n int) {
	if len(b) < 4 {
		return 0
	}
	count := (len(b) - 4) / 6
	list := b[4*(count+1):]
	for i := range count {
		f := list[2*i:]
		if f[0]&0x1f == 0x13 && (f[1] == fieldDDE || f[1] == fieldDDEAuto) {
			f[1] = fieldQuote
			n++
		}
	}
	return n
}

// blankDDE overwrites the first word of DDE fields, in both forms that Word keeps text in, and tells how many there were.
func blankDDE(b []byte) (n int) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(b[at:], 0x13)
		if i < 0 {
			return n
		}
		at += i
		for _, width := range [...]int{1, 2} {
			if overwriteDDE(b[at:], width) {
				n++
				break
			}
		}
	}
}

// overwriteDDE puts QUOTE in the place of DDE or DDEAUTO at the begin of a field; width is how many octets a character has.
func overwriteDDE(b []byte, width int) bool {
	char := func(i int) byte {
		i *= width
		if i+width > len(b) || width == 2 && b[i+1] != 0 {
			return 0
		}
		return b[i]
	}
	i := 1
	if char(0) != 0x13 {
		return false
	}
	for char(i) == ' ' {
		i++
	}
	word := 0
	for c := char(i+word) | 0x20; 'a' <= c && c <= 'z' && word < len("DDEAUTO"); c = char(i+word) | 0x20 {
		word++
	}
	text := make([]byte, word)
	for j := range text {
		text[j] = char(i+j) &^ 0x20
	}
	if s := string(text); s != "DDE" && s != "DDEAUTO" {
		return false
	}
	put := "QUOTE  "
	if word == len("DDE") {
		put = "SET" // of a name that is none: it shows nothing
	}
	for j := range word {
		b[(i+j)*width] = put[j]
	}
	return true
}
