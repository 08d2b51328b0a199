package text

// iworkParts are the main parts of documents of Apple iWork '08 and '09: Pages and Numbers, Keynote.
var iworkParts = []string{"index.xml", "index.apxl", "presentation.apxl"}

// iwork reads a document of iWork '08 or '09. Later ones are made of binary parts and give nothing.
func (p *pack) iwork(name string) error {
	r := iworkReader{out: p.d.out}
	err := p.each(name, r.take)
	p.d.out.line()
	return err
}

// An iworkReader takes the tokens of iWork.
type iworkReader struct {
	out   *sink
	depth int // of paragraphs
}

func (r *iworkReader) take(s *scanner) error {
	switch s.tok {
	case tokText:
		if r.depth > 0 {
			r.out.add(s.text)
		}
	case tokStart:
		r.start(s)
	case tokEnd:
		switch string(s.name) {
		case "p":
			r.depth = max(r.depth-1, 0)
			r.out.line()
		case "grid", "datasource", "tabular-model":
			r.out.line()
		}
	}
	return nil
}

func (r *iworkReader) start(s *scanner) {
	switch string(s.name) {
	case "p":
		r.depth++
	case "br", "crbr", "lnbr", "pgbr":
		r.out.line()
	case "tab":
		r.out.tab()
	case "link":
		r.out.url(string(s.attr("href")))
	case "ct": // a cell of text
		r.cell(s.attr("s"))
	case "n": // a cell of a number
		r.cell(s.attr("v"))
	case "tabular-model":
		r.out.line()
		r.out.add(s.attr("name"))
		r.out.line()
	}
}

func (r *iworkReader) cell(value []byte) {
	if len(value) > 0 {
		r.out.add(value)
		r.out.tab()
	}
}
