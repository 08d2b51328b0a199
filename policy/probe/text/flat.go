package text

// xml reads a document that is one file of XML: Word 2003, Excel 2003, flat OPC, flat OpenDocument, or any other.
func (d *document) xml() error {
	s := newScanner(d.stream())
	f := flat{d: d}
	err := d.tokens(s, f.take)
	d.out.line()
	return err
}

// A flat takes the tokens of a document of one file, once its root says which reader that needs.
type flat struct {
	d      *document
	reader func(*scanner) error
}

func (f *flat) take(s *scanner) error {
	if f.reader == nil && s.tok == tokStart {
		f.reader = f.choose(string(s.name), string(s.pre))
	}
	if f.reader == nil {
		return nil
	}
	return f.reader(s)
}

// choose finds the reader of a root element.
func (f *flat) choose(root, prefix string) func(*scanner) error {
	switch root {
	case "wordDocument", "package":
		return (&story{out: f.d.out}).take
	case "Workbook":
		return (&sheet2003{out: f.d.out}).take
	case "document", "document-content":
		if prefix == "office" {
			return (&odf{out: f.d.out}).take
		}
	}
	return f.d.anyToken
}

// A sheet2003 takes the tokens of a spreadsheet of Office 2003.
type sheet2003 struct {
	out    *sink
	inData bool
}

func (x *sheet2003) take(s *scanner) error {
	switch s.tok {
	case tokText:
		if x.inData {
			x.out.add(s.text)
		}
	case tokStart:
		switch string(s.name) {
		case "Worksheet":
			x.out.line()
			x.out.add(s.attr("Name"))
			x.out.line()
		case "Cell":
			x.out.url(string(s.attr("HRef")))
		case "Data":
			x.inData = true
		}
	case tokEnd:
		switch string(s.name) {
		case "Data":
			x.inData = false
			x.out.tab()
		case "Row":
			x.out.line()
		}
	}
	return nil
}
