package clean

import (
	"bytes"
	"slices"
	"strconv"
)

// Records of workbooks of Excel 5 to 2003 ([MS-XLS] §2.3).
const (
	recFormula     = 0x0006
	recEOF         = 0x000a
	recExternSheet = 0x0017
	recName        = 0x0018
	recFilePass    = 0x002f
	recBoundSheet  = 0x0085
	recProject     = 0x00d3
	recDBCell      = 0x00d7
	recExtSST      = 0x00ff
	recSupBook     = 0x01ae
	recNoMacros    = 0x01bd
	recCodeName    = 0x01ba
	recIndex       = 0x020b
	recBOF         = 0x0809
	recBOF8        = 0x0600 // its version in Excel 97 and later
)

// Kinds of sheets in BOUNDSHEET.
const (
	kindSheet  = 0
	kindMacro  = 1
	kindModule = 6
)

// biff is one record of a workbook.
type biff struct {
	typ  uint16
	body []byte
	at   int // where it began
}

// records reads all records of a workbook up to the end of its last sheet.
func records(b []byte) (list []biff, ok bool) {
	for at := 0; at+4 <= len(b); {
		r := biff{typ: little.Uint16(b[at:]), at: at}
		n := int(little.Uint16(b[at+2:]))
		if at+4+n > len(b) {
			return list, false
		}
		if r.typ == 0 && n == 0 {
			return list, len(list) > 0 && list[len(list)-1].typ == recEOF // what fills up the stream
		}
		r.body = b[at+4 : at+4+n]
		list = append(list, r)
		at += 4 + n
	}
	return list, len(list) > 0
}

// workbook cleans a workbook: macro sheets become empty sheets, names of macros name nothing, links by DDE lead nowhere, and it knows of
// no project any more. It is written anew where something of that is there, since sheets move.
func (o *oleFile) workbook(n *node, name string) error {
	list, ok := records(n.octets)
	if !ok || list[0].typ != recBOF || len(list[0].body) < 4 {
		return impossible("a workbook that cannot be read")
	}
	if slices.ContainsFunc(list, func(r biff) bool { return r.typ == recFilePass }) {
		return impossible("a workbook that is encrypted")
	}
	w := &workbook{o: o, name: name, list: list, new8: little.Uint16(list[0].body) >= recBOF8}
	w.sheets()
	for i := range list {
		w.record(&list[i])
	}
	if !w.changed {
		return nil
	}
	out, err := w.write()
	if err != nil {
		return err
	}
	n.octets, o.changed = out, true
	return nil
}

// workbook is one that is cleaned.
type workbook struct {
	o       *oleFile
	name    string
	list    []biff
	new8    bool         // Excel 97 and later
	macro   map[int]bool // where the substreams of macro sheets begin
	changed bool
}

func (w *workbook) removed(what What, name string) {
	w.o.removed(what, name)
	w.changed = true
}

// sheets finds the macro sheets, by the list of sheets and by what they say they are.
func (w *workbook) sheets() {
	w.macro = make(map[int]bool)
	for i := range w.list {
		r := &w.list[i]
		switch {
		case r.typ == recBoundSheet && len(r.body) >= 7 && (r.body[5] == kindMacro || r.body[5] == kindModule):
			w.macro[int(little.Uint32(r.body))] = true
			r.body = slices.Clone(r.body)
			r.body[5] = kindSheet
			w.removed(XLM, w.name+"/"+sheetName(r.body, w.new8))
		case r.typ == recBOF && len(r.body) >= 4 && little.Uint16(r.body[2:]) == 0x0040:
			if !w.macro[r.at] {
				w.removed(XLM, w.name)
			}
			w.macro[r.at] = true
		}
	}
}

// sheetName is the name of a sheet, for those who are told of it.
func sheetName(bound []byte, new8 bool) string {
	b := bound[7:]
	if new8 && len(b) > 0 {
		wide := b[0]&1 != 0
		if b = b[1:]; wide {
			return utf16Text(b[:min(len(b), 2*int(bound[6]))])
		}
	}
	out := make([]rune, 0, len(b))
	for _, c := range b[:min(len(b), int(bound[6]))] {
		out = append(out, rune(c))
	}
	return string(out)
}

// record cleans one record of the workbook's own part, or of a sheet.
func (w *workbook) record(r *biff) {
	switch {
	case r.typ == recProject || r.typ == recNoMacros:
		w.removed(VBA, w.name)
	case r.typ == recName && len(r.body) >= 14:
		w.definedName(r)
	case r.typ == recSupBook && len(r.body) > 4 && !bytes.Equal(r.body[2:4], []byte{1, 4}):
		w.link(r, 4)
	case r.typ == recExternSheet && !w.new8:
		w.link(r, 1)
	}
}

// dropped tells whether a record is left out of what is written: what says there is a project, and lists of places, which would be wrong
// and which nobody needs.
func dropped(r *biff) bool {
	switch r.typ {
	case recProject, recNoMacros, recIndex, recDBCell, recExtSST:
		return true
	}
	return false
}

// Flags of a name ([MS-XLS] §2.4.150).
const (
	nameFunction  = 0x0002
	nameMacro     = 0x0004
	nameProcedure = 0x0008
	nameBuiltIn   = 0x0020
)

// definedName makes a name that starts a macro, or is one, name nothing: its formula becomes #REF!. It keeps its place, as formulas
// refer to names by their number.
func (w *workbook) definedName(r *biff) {
	flags := little.Uint16(r.body)
	length, start := int(r.body[3]), 14
	if w.new8 {
		start++ // the octet that says how wide the characters are
	}
	if start >= len(r.body) {
		return
	}
	auto := flags&nameBuiltIn != 0 && length == 1 && (r.body[start] == 1 || r.body[start] == 2 || r.body[start] == 10 || r.body[start] == 11)
	macro := flags&(nameFunction|nameMacro|nameProcedure) != 0 && !bytes.HasPrefix(r.body[start:], []byte("_xlfn")) // a function of a later Excel
	if !auto && !macro && !autoText(r.body[start:]) {
		return
	}
	w.removed(XLM, w.name)
	label := "removed_" + strconv.Itoa(r.at)
	b := []byte{0, 0, 0, byte(len(label)), 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if w.new8 {
		b = append(b, 0)
	}
	r.body = append(append(b, label...), 0x1c, 0x17) // PtgErr #REF!
}

// autoText tells whether a name that is written out is one that starts by itself.
func autoText(name []byte) bool {
	plain := bytes.ToLower(bytes.ReplaceAll(name, []byte{0}, nil))
	return bytes.HasPrefix(plain, []byte("auto_open")) || bytes.HasPrefix(plain, []byte("auto_close")) ||
		bytes.HasPrefix(plain, []byte("auto_activate")) || bytes.HasPrefix(plain, []byte("auto_deactivate"))
}

// link makes a link by DDE or OLE lead nowhere: the names of the server and the topic, with an octet 3 between them, become letters that
// name nothing. Its values stay.
func (w *workbook) link(r *biff, start int) {
	text := r.body[min(start, len(r.body)):]
	if bytes.IndexByte(text, 3) <= 0 {
		return
	}
	wide := start == 4 && text[0]&1 != 0
	if start == 4 {
		text = text[1:]
	}
	done := true
	for i, c := range text {
		done = done && (c == 'x' || c == 3 || wide && i%2 == 1 || i == 0 && start == 1)
	}
	if done {
		return
	}
	r.body = slices.Clone(r.body)
	text = r.body[len(r.body)-len(text):]
	for i, c := range text {
		switch {
		case c == 3 || i == 0 && start == 1:
		case wide && i%2 == 1:
			text[i] = 0
		default:
			text[i] = 'x'
		}
	}
	w.removed(DDE, w.name)
}

// write writes the workbook, with sheets where they are now.
func (w *workbook) write() ([]byte, error) {
	var out []byte
	moved := make(map[int]int) // where substreams begin now
	depth := 0
	for i := 0; i < len(w.list); i++ {
		r := &w.list[i]
		if r.typ == recBOF {
			if depth++; depth == 1 {
				moved[r.at] = len(out)
			}
			if w.macro[r.at] {
				end := w.endOf(i)
				if end < 0 || len(r.body) < 4 {
					return nil, impossible("a sheet without an end, or a beginning")
				}
				out = w.appendEmpty(out, r)
				i = end
				depth--
				continue
			}
		}
		if !dropped(r) {
			out = appendRecord(out, r.typ, r.body)
		}
		if r.typ == recEOF {
			depth--
		}
	}
	return out, w.relocate(out, moved)
}

// endOf is the number of the record that ends the substream beginning with record i; -1 where it has none.
func (w *workbook) endOf(i int) int {
	depth := 0
	for ; i < len(w.list); i++ {
		switch w.list[i].typ {
		case recBOF:
			depth++
		case recEOF:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func appendRecord(dst []byte, typ uint16, body []byte) []byte {
	dst = little.AppendUint16(dst, typ)
	dst = little.AppendUint16(dst, uint16(len(body)))
	return append(dst, body...)
}

// appendEmpty appends an empty sheet in the place of a macro sheet whose BOF is given.
func (w *workbook) appendEmpty(out []byte, bof *biff) []byte {
	body := slices.Clone(bof.body)
	little.PutUint16(body[2:], 0x0010)
	out = appendRecord(out, recBOF, body)
	dimensions, window := make([]byte, 14), make([]byte, 18)
	if !w.new8 {
		dimensions, window = dimensions[:10], window[:10]
	}
	little.PutUint16(window, 0x00b6)
	out = appendRecord(out, 0x0200, dimensions)
	out = appendRecord(out, 0x023e, window)
	return appendRecord(out, recEOF, nil)
}

// relocate writes where the sheets begin into the list of sheets.
func (w *workbook) relocate(out []byte, moved map[int]int) error {
	for at := 0; at+4 <= len(out); {
		typ, n := little.Uint16(out[at:]), int(little.Uint16(out[at+2:]))
		if typ == recBoundSheet && n >= 6 {
			to, known := moved[int(little.Uint32(out[at+4:]))]
			if !known {
				return impossible("a sheet that is not where it should be")
			}
			little.PutUint32(out[at+4:], uint32(to))
		}
		if at += 4 + n; typ == recEOF {
			return nil // the list stands in the workbook's own part
		}
	}
	return nil
}
