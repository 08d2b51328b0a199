package text

import (
	"strings"
)

// office reads a document of Office Open XML (ECMA-376): its main part, by what the package says that is.
func (p *pack) office() error {
	if err := p.properties("docprops/core.xml"); err != nil {
		return err
	}
	rels, order, err := p.relations("")
	if err != nil {
		return err
	}
	main := ""
	for _, id := range order {
		if rels[id].kind == "officedocument" && p.has(rels[id].target) {
			main = rels[id].target
			break
		}
	}
	for _, known := range []string{"word/document.xml", "xl/workbook.xml", "xl/workbook.bin", "ppt/presentation.xml"} {
		if main == "" && p.has(known) {
			main = known
		}
	}
	switch root, err := p.root(main); {
	case err != nil:
		return err
	case strings.HasSuffix(main, ".bin"):
		return p.binaryWorkbook(main)
	case root == "workbook":
		return p.workbook(main)
	case root == "presentation":
		return p.presentation(main)
	case root == "document":
		return p.wordDocument(main)
	}
	if p.has("encryptioninfo") || p.has("encryptedpackage") {
		return ErrEncrypted
	}
	return p.anyXML()
}

// root is the name of the first element of a part, "" where there is none.
func (p *pack) root(name string) (root string, err error) {
	if name == "" {
		return "", nil
	}
	err = p.each(name, func(s *scanner) error {
		if s.tok == tokStart {
			root = string(s.name)
			return errStop
		}
		return nil
	})
	if err == errStop {
		err = nil
	}
	return root, err
}

// properties reads the title of a part of Dublin Core.
func (p *pack) properties(name string) error {
	inTitle := false
	return p.each(name, func(s *scanner) error {
		switch {
		case s.tok == tokText && inTitle:
			p.d.out.name(string(s.text))
		case s.tok != tokText:
			inTitle = s.tok == tokStart && string(s.name) == "title"
		}
		return nil
	})
}

// anyXML reads all text of a package whose main part is not known: drawings of Visio, XPS.
func (p *pack) anyXML() error {
	for _, name := range p.names {
		if !strings.HasSuffix(name, ".xml") && !strings.HasSuffix(name, ".fpage") || strings.HasPrefix(name, "docprops/") || name == "[content_types].xml" {
			continue
		}
		if err := p.each(name, p.d.anyToken); err != nil {
			return err
		}
		p.d.out.line()
	}
	return nil
}

// anyToken takes a token of XML nothing is known of: text, and the ends of elements part it.
func (d *document) anyToken(s *scanner) error {
	switch s.tok {
	case tokText:
		d.out.add(s.text)
	case tokStart, tokEnd:
		if s.tok == tokStart && string(s.name) == "Glyphs" { // XPS
			d.out.add(s.attr("UnicodeString"))
		}
		d.out.line()
	}
	return nil
}
