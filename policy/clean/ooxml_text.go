package clean

import (
	"cmp"
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// texts takes out of the parts' own content what starts programs: fields, links, names, actions.
func (p *pack) texts() error {
	types, err := p.contentTypes()
	if err != nil {
		return err
	}
	for _, q := range p.parts {
		if q.gone {
			continue
		}
		typ, _ := types.of(q)
		if err := p.text(q, typ); err != nil {
			return err
		}
	}
	return nil
}

// typeList are the content types of parts by partKey, and of extensions with "*" before them, in lower case.
type typeList map[string]string

// of gives the type of a part, and whether it is its own or that of its extension.
func (l typeList) of(q *part) (typ string, own bool) {
	key := partKey(q.name)
	if typ, own = l[key]; own {
		return typ, true
	}
	return l["*"+strings.TrimPrefix(path.Ext(key), ".")], false
}

func (p *pack) contentTypes() (typeList, error) {
	types := make(typeList)
	err := p.edit(p.names[contentTypes], func(_ *editor, t *tag) deed {
		typ := strings.ToLower(t.attr("ContentType"))
		switch {
		case t.is("Override"):
			types[partKey(t.attr("PartName"))] = typ
		case t.is("Default"):
			types["*"+strings.ToLower(t.attr("Extension"))] = typ
		}
		return stays
	})
	return types, err
}

// text cleans one part by its content type.
func (p *pack) text(q *part, typ string) error {
	has := func(s string) bool { return strings.Contains(typ, s) }
	xml := strings.HasSuffix(typ, "+xml")
	switch {
	case xml && (has("wordprocessingml") || has("ms-word")):
		return p.wordText(q)
	case has("externallink"):
		if !xml {
			return p.linkBinary(q)
		}
		return p.link(q)
	case xml && has("main") && (has("spreadsheetml") || has("ms-excel")):
		return p.definedNames(q)
	case xml && (has("presentationml") || has("ms-powerpoint")):
		return p.actions(q)
	}
	return nil
}

// actions takes macros and programs off what a slide show does at a click (ECMA-376 Part 1 §20.1.2.2.35, [MS-OE376]).
func (p *pack) actions(q *part) error {
	return p.edit(q, func(e *editor, t *tag) deed {
		t.attributes(func(a attribute) bool {
			switch value := strings.ToLower(a.value); {
			case a.name != "action":
			case strings.HasPrefix(value, "ppaction://macro"):
				p.c.removed.add(VBA, q.name)
				e.set(t, a, "ppaction://noaction")
			case strings.HasPrefix(value, "ppaction://program"):
				p.c.removed.add(Package, q.name)
				e.set(t, a, "ppaction://noaction")
			}
			return true
		})
		return stays
	})
}

// link makes a DDE link of a workbook lead nowhere (ECMA-376 Part 1 §18.14.4). Its cached values stay.
func (p *pack) link(q *part) error {
	return p.edit(q, func(e *editor, t *tag) deed {
		if !t.is("ddeLink") {
			return stays
		}
		t.attributes(func(a attribute) bool {
			if (a.name == "ddeService" || a.name == "ddeTopic") && a.value != nowhere {
				p.c.removed.add(DDE, q.name)
				e.set(t, a, nowhere)
			}
			return true
		})
		return stays
	})
}

// beginSupBook is the record of BIFF12 that says what a link leads to ([MS-XLSB] §2.4.272).
const beginSupBook = 360

// linkBinary does the same in BIFF12: the names of the server and the topic become letters that name nothing.
func (p *pack) linkBinary(q *part) error {
	b, err := p.content(q)
	if err != nil {
		return err
	}
	out := slices.Clone(b)
	changed := false
	for at := 0; at < len(out); {
		typ, body, next, ok := record12(out, at)
		if !ok {
			return impossible("a part that cannot be read: " + q.name)
		}
		if typ == beginSupBook && len(body) > 2 && binary.LittleEndian.Uint16(body) == 1 {
			changed = blankWide(body[2:]) || changed
		}
		at = next
	}
	if changed {
		p.c.removed.add(DDE, q.name)
		q.set(out)
	}
	return nil
}

// blankWide overwrites the strings of UTF-16 that follow each other, each behind its length.
func blankWide(b []byte) (changed bool) {
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint32(b))
		b = b[4:]
		for ; n > 0 && len(b) >= 2; n-- {
			changed = changed || b[0] != 'x' || b[1] != 0
			b[0], b[1] = 'x', 0
			b = b[2:]
		}
	}
	return changed
}

// record12 reads a record of BIFF12 ([MS-XLSB] §2.1.4).
func record12(b []byte, at int) (typ int, body []byte, next int, ok bool) {
	number := func(most int) (n int) {
		for i := range most {
			if at >= len(b) {
				return -1
			}
			c := b[at]
			at++
			n |= int(c&0x7f) << (7 * i)
			if c < 0x80 {
				return n
			}
		}
		return n
	}
	typ = number(2)
	size := number(4)
	if typ < 0 || size < 0 || size > len(b)-at {
		return 0, nil, 0, false
	}
	return typ, b[at : at+size], at + size, true
}

// definedNames takes names out of a workbook that start macros by themselves, or are functions of macros (ECMA-376 Part 1 §18.2.5).
func (p *pack) definedNames(q *part) error {
	all, bad := 0, 0
	rule := func(_ *editor, t *tag) deed {
		if t.is("definedName") {
			all++
			if startsMacro(t) {
				bad++
				return goes
			}
		}
		return stays
	}
	b, err := p.content(q)
	if err != nil {
		return err
	}
	if _, err := edit(b, rule); err != nil || bad == 0 {
		return err
	}
	p.c.removed.add(XLM, q.name)
	if bad == all { // the list must not be empty
		rule = func(_ *editor, t *tag) deed {
			if t.is("definedNames") {
				return goes
			}
			return stays
		}
	}
	return p.edit(q, rule)
}

func startsMacro(t *tag) bool {
	name := strings.TrimPrefix(strings.ToLower(t.attr("name")), "_xlnm.")
	for _, auto := range [...]string{"auto_open", "auto_close", "auto_activate", "auto_deactivate"} {
		if strings.HasPrefix(name, auto) {
			return true
		}
	}
	for _, flag := range [...]string{"function", "vbProcedure", "xlm", "macro"} {
		if v := t.attr(flag); v == "1" || v == "true" {
			return true
		}
	}
	return false
}

// harmlessField is the instruction that a field gets instead of its own: it shows its text, which is none.
const harmlessField = " QUOTE "

// wordText empties the fields of Word that start programs (ECMA-376 Part 1 §17.16.5): DDE and DDEAUTO, and those whose first word
// is the result of another field, which nobody writes who has nothing to hide. What the field shows stays.
func (p *pack) wordText(q *part) error {
	err := p.edit(q, func(e *editor, t *tag) deed {
		if !t.is("fldSimple") {
			return stays
		}
		t.attributes(func(a attribute) bool {
			if a.name == "instr" && isDDE(a.value) {
				p.c.removed.add(DDE, q.name)
				e.set(t, a, harmlessField)
			}
			return true
		})
		return stays
	})
	if err != nil {
		return err
	}
	b, err := asUTF8(q.octets)
	if err != nil {
		return err
	}
	f := &fields{m: markup{b: b}}
	if f.read(); f.m.bad {
		return impossible("XML that is not well formed")
	}
	if len(f.edits) == 0 {
		return nil
	}
	p.c.removed.add(DDE, q.name)
	slices.SortFunc(f.edits, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	e := &editor{b: b}
	for _, s := range f.edits {
		e.replace(s.start, s.end, s.text)
	}
	q.set(e.bytes())
	return nil
}

func isDDE(instruction string) bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(instruction)), "DDE")
}

// span is the text of an element, and what is to take its place.
type span struct {
	start, end int
	text       string
}

// field is a field whose end was not read yet.
type field struct {
	text   strings.Builder // its instruction, at most maxInstruction octets
	spans  []span          // where the instruction stands, with what is nested in it
	hidden bool            // its first word is another field
	result bool            // behind the instruction
}

// maxInstruction is how much of a field's instruction is looked at, in octets; maxNested is how deep fields stand in each other.
const (
	maxInstruction = 64
	maxNested      = 100
)

// fields reads the fields of a text.
type fields struct {
	m     markup
	open  []*field
	edits []span
}

func (f *fields) read() {
	for f.m.next() {
		t := f.m.tag
		switch {
		case t.closing:
		case t.is("fldChar"):
			f.char(t.attr("fldCharType"))
		case t.is("instrText", "delInstrText") && !t.empty:
			f.instruction(t.end)
		}
	}
	for len(f.open) > 0 { // fields without an end
		f.end()
	}
}

// char heeds the begin, the middle and the end of a field.
func (f *fields) char(kind string) {
	n := len(f.open)
	switch {
	case kind == "begin":
		if n > 0 && !f.open[n-1].result && strings.TrimSpace(f.open[n-1].text.String()) == "" {
			f.open[n-1].hidden = true
		}
		f.open = append(f.open, &field{})
		f.m.bad = f.m.bad || n >= maxNested
	case n == 0:
	case kind == "separate":
		f.open[n-1].result = true
	case kind == "end":
		f.end()
	}
}

// instruction takes the text of an element that begins at start.
func (f *fields) instruction(start int) {
	if !f.m.element() || len(f.open) == 0 {
		return
	}
	top := f.open[len(f.open)-1]
	s := span{start: start, end: f.m.tag.start}
	if text := unescape(f.m.b[s.start:s.end]); top.text.Len() < maxInstruction {
		top.text.WriteString(text[:min(len(text), maxInstruction)])
	}
	top.spans = append(top.spans, s)
}

// end decides about the innermost field.
func (f *fields) end() {
	n := len(f.open) - 1
	top := f.open[n]
	f.open = f.open[:n]
	if isDDE(top.text.String()) || top.hidden && len(top.spans) > 0 {
		f.empty(top.spans)
		return
	}
	if n > 0 && !f.open[n-1].result {
		f.open[n-1].spans = append(f.open[n-1].spans, top.spans...)
	}
}

// empty puts a harmless instruction in the first place, and nothing in the others.
func (f *fields) empty(spans []span) {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for i, s := range spans {
		if s.text = ""; i == 0 {
			s.text = harmlessField
		}
		if string(f.m.b[s.start:s.end]) != s.text {
			f.edits = append(f.edits, s)
		}
	}
}
