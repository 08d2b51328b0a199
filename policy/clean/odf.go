package clean

import (
	"bytes"
	"strings"
)

// openDocument cleans a document of OpenDocument (ODF 1.3 Part 2).
func (p *pack) openDocument() error {
	for _, q := range p.parts {
		key := partKey(q.name)
		switch {
		case strings.HasPrefix(key, "basic/"), strings.HasPrefix(key, "scripts/"), strings.HasPrefix(key, "dialogs/"),
			strings.Contains(key, "/basic/"), strings.Contains(key, "/scripts/"), strings.Contains(key, "/dialogs/"):
			p.c.removed.add(Script, q.name)
			q.gone = true
		}
	}
	if err := p.encrypted(); err != nil {
		return err
	}
	for _, q := range p.parts {
		if q.gone {
			continue
		}
		if err := p.openPart(q); err != nil {
			return err
		}
	}
	if !p.changed() {
		return nil
	}
	for _, name := range [...]string{"meta-inf/documentsignatures.xml", "meta-inf/macrosignatures.xml", "meta-inf/packagesignatures.xml"} {
		if q := p.names[name]; q != nil {
			q.gone = true
		}
	}
	return p.manifest()
}

// encrypted tells whether parts of the document are encrypted, which hides what is in them.
func (p *pack) encrypted() error {
	var err error
	failed := p.edit(p.names[odfManifest], func(_ *editor, t *tag) deed {
		if t.is("encryption-data") {
			err = impossible("encrypted")
		}
		return stays
	})
	if failed != nil {
		return failed
	}
	return err
}

// openPart cleans one part: XML by its rules, an embedded document as a document.
func (p *pack) openPart(q *part) error {
	key := partKey(q.name)
	if strings.HasSuffix(key, ".xml") && !strings.HasPrefix(key, "meta-inf/") {
		return p.edit(q, p.c.openRule(q.name))
	}
	head := p.begins(q)
	if !strings.HasPrefix(head, oleMagic) && !strings.HasPrefix(head, zipMagic) {
		return nil
	}
	b, err := p.content(q)
	if err != nil {
		return err
	}
	out, err := p.c.within(b, p.depth)
	if err == nil && !same(out, b) {
		q.set(out)
	}
	return err
}

// openRule is what becomes of elements of OpenDocument that run something.
func (c *cleaner) openRule(name string) func(*editor, *tag) deed {
	return func(e *editor, t *tag) deed {
		switch {
		case t.is("scripts", "event-listeners") && string(t.prefix) == "office":
			if t.empty {
				return stays
			}
			c.removed.add(Script, name)
			return goes
		case t.is("event-listener") && isScript(t):
			c.removed.add(Script, name)
			return goes
		case t.is("script") && string(t.prefix) == "text":
			c.removed.add(Script, name)
			return goes
		case t.is("execute-macro"):
			c.removed.add(Script, name)
			return unwrapped
		case t.is("dde-source", "dde-links", "dde-connection-decls"):
			c.removed.add(DDE, name)
			return goes
		case t.is("auto-reload"):
			c.removed.add(Template, name)
			return goes
		case t.is("template") && string(t.prefix) == "meta" && elsewhere(t.attr("href")):
			c.removed.add(Template, name)
			return goes
		}
		c.openAttributes(e, t, name)
		return stays
	}
}

// isScript tells whether an event of a presentation or a control runs something: others turn a page or follow a link.
func isScript(t *tag) bool {
	if string(t.prefix) == "script" {
		return true
	}
	switch t.attr("action") {
	case "execute", "execute-macro", "macro", "verb":
		return true
	}
	return runsScript(t.attr("href")) || t.attr("macro-name") != ""
}

func runsScript(href string) bool {
	href = strings.ToLower(strings.TrimSpace(href))
	for _, begin := range [...]string{"vnd.sun.star.script:", "macro:", "vnd.sun.star.expand:", "javascript:", "vbscript:", "service:"} {
		if strings.HasPrefix(href, begin) {
			return true
		}
	}
	return false
}

// openAttributes makes links to scripts lead nowhere, and takes the formulas off cells that ask by DDE: their values stay.
func (c *cleaner) openAttributes(e *editor, t *tag, name string) {
	t.attributes(func(a attribute) bool {
		switch {
		case a.name == "href" && runsScript(a.value):
			c.removed.add(Script, name)
			e.set(t, a, "#")
		case a.name == "formula" && asksDDE(a.value):
			c.removed.add(DDE, name)
			e.set(t, a, "")
		}
		return true
	})
}

// asksDDE tells whether a formula has the function DDE.
func asksDDE(formula string) bool {
	upper := strings.ToUpper(formula)
	for {
		i := strings.Index(upper, "DDE(")
		if i < 0 {
			return false
		}
		if i == 0 || upper[i-1] < 'A' || upper[i-1] > 'Z' {
			return true
		}
		upper = upper[i+4:]
	}
}

// manifest takes the parts that are gone out of the list of parts, and folders that are empty now.
func (p *pack) manifest() error {
	return p.edit(p.names[odfManifest], func(_ *editor, t *tag) deed {
		if !t.is("file-entry") {
			return stays
		}
		key := partKey(t.attr("full-path"))
		if q := p.names[key]; q != nil && q.gone {
			return goes
		}
		for _, folder := range [...]string{"basic/", "scripts/", "dialogs/"} {
			if strings.HasPrefix(key, folder) || strings.Contains(key, "/"+folder) {
				return goes
			}
		}
		return stays
	})
}

// isFlatODF tells whether octets are a flat document of OpenDocument.
func isFlatODF(b []byte) bool {
	b = b[:min(len(b), 4<<10)]
	if t := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n"); !bytes.HasPrefix(t, []byte("<")) {
		return false
	}
	return bytes.Contains(b, []byte("office:document")) && bytes.Contains(b, []byte("urn:oasis:names:tc:opendocument"))
}

// flatODF cleans a flat document.
func (c *cleaner) flatODF(b []byte) ([]byte, error) { return edit(b, c.openRule("content")) }
