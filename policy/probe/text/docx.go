package text

import (
	"errors"
	"slices"
	"strings"
)

// errStop ends the reading of a part early.
var errStop = errors.New("read enough")

// besideWord are the kinds of parts of a Word document whose text stands behind the main text, in this order.
var besideWord = []string{"header", "footer", "footnotes", "endnotes", "comments", "diagramdata", "chart", "chartex", "afchunk"}

// wordDocument reads a Word document (ECMA-376 Part 1 §11): the main text, and then what stands beside it.
func (p *pack) wordDocument(main string) error {
	lists, err := p.numbering(main)
	if err != nil {
		return err
	}
	st := story{out: p.d.out, lists: lists}
	if err := p.each(main, st.take); err != nil {
		return err
	}
	p.d.out.line()
	return p.besides(main, besideWord, map[string]bool{main: true})
}

// besides reads the parts that a part leads to, each once: the kinds of a list in its order.
func (p *pack) besides(name string, kinds []string, seen map[string]bool) error {
	return p.linked(name, kinds, seen, p.beside)
}

// linked visits the parts that a part leads to, each once: the kinds of a list in its order. Where links lead outside is noted.
func (p *pack) linked(name string, kinds []string, seen map[string]bool, visit func(kind, target string) error) error {
	rels, order, err := p.relations(name)
	if err != nil {
		return err
	}
	for _, id := range order {
		if rels[id].external {
			p.d.out.url(rels[id].target)
		}
	}
	for _, kind := range kinds {
		for _, id := range order {
			rel := rels[id]
			if rel.kind != kind || rel.external || seen[rel.target] {
				continue
			}
			seen[rel.target] = true
			if err := visit(kind, rel.target); err != nil {
				return err
			}
		}
	}
	return nil
}

// beside reads one part that another leads to.
func (p *pack) beside(kind, name string) error {
	p.d.out.line()
	if kind == "afchunk" {
		return p.inner(name)
	}
	if err := p.story(name); err != nil {
		return err
	}
	return p.outside(name) // a header has links of its own
}

// maxInner is how deep documents within documents are read, and maxInnerSize how large one may be, in octets.
const (
	maxInner     = 3
	maxInnerSize = 4 << 20
)

// inner reads a whole document that is a part of this one's text.
func (p *pack) inner(name string) error {
	r, err := p.open(name)
	if r == nil || err != nil {
		return err
	}
	b, err := readUpTo(r, maxInnerSize)
	r.Close()
	if err != nil {
		return err
	}
	return p.d.inner(name, b)
}

// story reads text that is made of paragraphs: of Word (w:p, w:t) and of drawings (a:p, a:t).
func (p *pack) story(name string) error {
	st := story{out: p.d.out}
	err := p.each(name, st.take)
	p.d.out.line()
	return err
}

// A story takes the tokens of text in paragraphs.
type story struct {
	out    *sink
	inText bool
	field  []byte // the instruction of the field that is read
	inCode bool   // in a field's instruction
	cell   int    // where the cell's text begins
	lists  *lists // of a Word document; nil where lists have no numbers
}

// maxField is how much of a field's instruction is kept, in octets.
const maxField = 4 << 10

func (st *story) take(s *scanner) error {
	switch s.tok {
	case tokText:
		switch {
		case st.inText:
			st.lists.label(st.out)
			st.out.add(s.text)
		case st.inCode && len(st.field)+len(s.text) <= maxField:
			st.field = append(st.field, s.text...)
		}
	case tokStart:
		st.start(s)
	case tokEnd:
		st.end(s)
	}
	return nil
}

func (st *story) start(s *scanner) {
	switch string(s.name) {
	case "t", "v", "delText": // v: cached values of charts; delText: what was deleted, for those who look at changes
		st.inText = true
	case "instrText":
		st.inCode = true
	case "fldChar":
		if string(s.attr("fldCharType")) != "begin" {
			st.fieldURL()
		}
	case "fldSimple":
		st.field = append(st.field[:0], s.attr("instr")...)
		st.fieldURL()
	case "tab", "ptab":
		if string(s.pre) == "w" && !slices.Contains([]string{"", "clear"}, string(s.attr("pos"))) {
			return // a stop of a style, not a character
		}
		st.out.tab()
	case "br", "cr":
		st.out.line()
	case "noBreakHyphen":
		st.out.str("-")
	case "sym":
		st.symbol(s)
	case "hlinkClick", "hlinkHover", "hyperlink":
		st.out.url(string(s.attr("href")))
	case "cm", "comment":
		st.out.line()
		st.out.add(s.attr("author"))
		st.out.line()
	case "tc":
		st.cell = len(st.out.b)
	case "pStyle", "numId", "ilvl":
		st.lists.property(string(s.name), s.attr("val"))
	case "Fallback": // the same once more, for old programs
		s.pass()
	case "docPr", "cNvPr": // what a picture shows, for those who don't see it
		if alt := s.attr("descr"); len(alt) > 0 {
			st.out.line()
			st.out.add(alt)
			st.out.line()
		}
	}
}

func (st *story) end(s *scanner) {
	switch string(s.name) {
	case "t", "delText":
		st.inText = false
	case "v":
		st.inText = false
		st.out.line()
	case "instrText":
		st.inCode = false
	case "pPr":
		st.lists.count()
	case "p":
		st.lists.end()
		if len(st.out.b) != st.cell { // an empty paragraph of a cell ends nothing
			st.out.line()
		}
	case "tr", "txBody", "text":
		st.out.line()
	case "tc":
		st.out.endCell(st.cell)
	}
}

// symbol adds a character that is given by its number in a font.
func (st *story) symbol(s *scanner) {
	if n := hexNumber(s.attr("char")); n >= ' ' && (n < 0xe000 || n > 0xf8ff) { // those of symbol fonts mean nothing elsewhere
		st.out.char(rune(n))
	}
}

// fieldURL keeps where a field leads: HYPERLINK "…", INCLUDETEXT "…", DDEAUTO and others that load something.
func (st *story) fieldURL() {
	fieldAddress(st.out, string(st.field))
	st.field = st.field[:0]
}

// fieldAddress keeps the addresses in the instruction of a field of Word.
func fieldAddress(out *sink, instruction string) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(instruction), " ")
	switch strings.ToUpper(verb) {
	case "HYPERLINK", "INCLUDETEXT", "INCLUDEPICTURE", "LINK", "IMPORT":
	default:
		return
	}
	for {
		_, after, ok := strings.Cut(rest, `"`)
		if !ok {
			return
		}
		address, next, _ := strings.Cut(after, `"`)
		if strings.Contains(address, ":") {
			out.url(strings.ReplaceAll(address, `\\`, `\`))
		}
		rest = next
	}
}
