package text

import (
	"strconv"
	"strings"
)

// openDocument reads a document of OpenDocument (ISO/IEC 26300): odt, ods, odp, odg and their templates.
func (p *pack) openDocument() error {
	switch encrypted, err := p.odfEncrypted(); {
	case err != nil:
		return err
	case encrypted:
		return ErrEncrypted
	}
	if err := p.properties("meta.xml"); err != nil {
		return err
	}
	o := odf{out: p.d.out}
	if err := p.each("content.xml", o.take); err != nil {
		return err
	}
	p.d.out.line()
	o = odf{out: p.d.out, masters: true} // headers, footers and what stands on masters
	if err := p.each("styles.xml", o.take); err != nil {
		return err
	}
	return p.odfObjects()
}

// odfEncrypted tells whether the manifest says that the content is encrypted.
func (p *pack) odfEncrypted() (encrypted bool, err error) {
	content := false
	err = p.each("META-INF/manifest.xml", func(s *scanner) error {
		if s.tok == tokStart {
			switch string(s.name) {
			case "file-entry":
				content = string(s.attr("full-path")) == "content.xml" || string(s.attr("full-path")) == "encrypted-package"
			case "encryption-data":
				encrypted = encrypted || content
			}
		}
		return nil
	})
	return encrypted, err
}

// odfObjects reads the charts and formulas that are documents of their own within the document.
func (p *pack) odfObjects() error {
	for _, name := range p.within("object ", "/content.xml") {
		p.d.out.line()
		o := odf{out: p.d.out}
		if err := p.each(name, o.take); err != nil {
			return err
		}
	}
	return nil
}

// An odf takes the tokens of OpenDocument.
type odf struct {
	out     *sink
	depth   int  // of elements whose text counts
	masters bool // only what stands on masters counts
	master  int  // depth of elements of masters
	holder  bool // in a frame that only prompts
	sheet   bool // a table of a spreadsheet
	cell    int  // where the cell's text begins
	value   string
}

// maxBlanks is how many blanks one element may stand for.
const maxBlanks = 100

func (o *odf) take(s *scanner) error {
	switch s.tok {
	case tokText:
		if o.depth > 0 && (!o.masters || o.master > 0) && !o.holder {
			o.out.add(s.text)
		}
	case tokStart:
		o.start(s)
	case tokEnd:
		o.end(s)
	}
	return nil
}

func (o *odf) start(s *scanner) {
	switch string(s.name) {
	case "p", "h", "title", "desc", "dc:title":
		o.depth++
	case "master-page":
		o.master++
	case "frame":
		o.holder = o.masters && prompts(s)
	case "spreadsheet":
		o.sheet = true
	case "table":
		if o.sheet {
			o.out.line()
			o.out.add(s.attr("name"))
			o.out.line()
		}
	case "table-cell":
		o.cell = len(o.out.b)
		o.value = odfValue(s)
	case "a":
		o.out.url(string(s.attr("href")))
	case "image", "object", "plugin", "table-source", "dde-source", "event-listener", "database-row-source", "cell-range-source":
		o.source(s)
	case "tab":
		o.out.tab()
	case "line-break":
		o.out.line()
	case "s":
		for range min(max(number(s.attr("c")), 1), maxBlanks) {
			o.out.str(" ")
		}
	case "ruby-text", "number-style", "date-style", "time-style", "text-style":
		s.pass()
	}
}

// prompts tells of a frame that is a placeholder: on a master its text is a prompt.
func prompts(s *scanner) bool {
	switch string(s.attr("class")) {
	case "title", "outline", "subtitle", "text", "notes", "page":
		return true
	}
	return string(s.attr("placeholder")) == "true"
}

// source keeps where an element loads something from outside of the document.
func (o *odf) source(s *scanner) {
	if href := string(s.attr("href")); strings.Contains(href, ":") {
		o.out.url(href)
	}
	if app := s.attr("dde-application"); len(app) > 0 {
		o.out.line()
		o.out.str(string(app) + "|" + string(s.attr("dde-topic")))
		o.out.line()
	}
}

func (o *odf) end(s *scanner) {
	switch string(s.name) {
	case "p", "h", "title", "desc":
		o.depth = max(o.depth-1, 0)
		if o.depth == 0 {
			o.out.line()
		}
	case "master-page":
		o.master = max(o.master-1, 0)
	case "frame":
		o.holder = false
	case "table-cell":
		if len(o.out.b) == o.cell {
			o.out.str(o.value)
		}
		o.out.endCell(o.cell)
	case "table-row", "annotation", "page":
		o.out.line()
	}
}

// odfValue is what a cell holds, for those that show nothing of it as text.
func odfValue(s *scanner) string {
	switch string(s.attr("value-type")) {
	case "float", "currency", "percentage":
		if v, err := strconv.ParseFloat(string(s.attr("value")), 64); err == nil {
			return general(v)
		}
	case "date":
		return string(s.attr("date-value"))
	case "string":
		return string(s.attr("string-value"))
	}
	return ""
}

// epub reads a book (EPUB 3): its pages in the order of the directory.
func (p *pack) epub() error {
	if p.has("META-INF/encryption.xml") && len(p.within("", ".xhtml")) == 0 {
		return ErrEncrypted
	}
	for _, name := range p.within("", ".opf") {
		if err := p.properties(name); err != nil {
			return err
		}
	}
	for _, name := range p.names {
		if !strings.HasSuffix(name, "html") && !strings.HasSuffix(name, ".htm") && !(strings.HasSuffix(name, ".xml") && !strings.HasPrefix(name, "meta-inf/")) {
			continue
		}
		r, err := p.open(name)
		if err != nil {
			return err
		}
		err = p.d.htmlFrom(r)
		r.Close()
		if err != nil {
			return err
		}
		p.d.out.line()
	}
	return nil
}
