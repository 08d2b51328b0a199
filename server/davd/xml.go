package davd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"tegami/mail"
)

// Limits of a request's XML.
const (
	maxDepth    = 20
	maxElements = 50_000 // a multiget names each card
	maxNamed    = 256    // properties that are named: each is told of each card
)

// Name spaces.
const (
	davNS   = "DAV:"
	cardNS  = "urn:ietf:params:xml:ns:carddav"
	serveNS = "http://calendarserver.org/ns/" // getctag
	colorNS = "http://inf-it.com/ns/ab/"      // addressbook-color
)

// prefixes are how name spaces are written in answers.
var prefixes = []struct{ space, prefix string }{{davNS, "D"}, {cardNS, "C"}, {serveNS, "CS"}, {colorNS, "I"}}

// element is an element of a request.
type element struct {
	xml.Name
	attr     []xml.Attr
	text     string // all text directly in it
	children []*element
}

// child gives the first child of a name, nil for none.
func (e *element) child(space, local string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.Space == space && c.Local == local {
			return c
		}
	}
	return nil
}

// attribute gives the value of an attribute, "" for none.
func (e *element) attribute(local string) string {
	for _, a := range e.attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// readXML reads the body of a request; nil for an empty one. There are no entities but those XML has itself, and no document types: 400. 413
// past the limits.
func (q *request) readXML() (*element, error) {
	body, err := io.ReadAll(q.Body)
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return nil, status(http.StatusRequestEntityTooLarge)
	}
	if err != nil {
		return nil, mail.Because("davd.readXML", mail.Invalid, "dav.xml", err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	return parseXML(body)
}

// parseXML reads a document.
func parseXML(body []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = nil // UTF-8 alone
	bad := mail.E("davd.parseXML", mail.Invalid, "dav.xml")
	var open []*element
	var texts [][]byte // of those that are open
	var top *element
	for count := 0; ; {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			bad.Err = err
			return nil, bad
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, bad
		case xml.StartElement:
			if count++; count > maxElements || len(open) >= maxDepth {
				return nil, status(http.StatusRequestEntityTooLarge)
			}
			e := &element{Name: t.Name, attr: t.Attr}
			if len(open) > 0 {
				above := open[len(open)-1]
				if (above.Name == dav("prop") || above.Name == carded("address-data")) && len(above.children) >= maxNamed {
					return nil, status(http.StatusRequestEntityTooLarge)
				}
				above.children = append(above.children, e)
			} else if top != nil {
				return nil, bad
			} else {
				top = e
			}
			open, texts = append(open, e), append(texts, nil)
		case xml.EndElement:
			last := len(open) - 1
			open[last].text = string(texts[last])
			open, texts = open[:last], texts[:last]
		case xml.CharData:
			if last := len(open) - 1; last >= 0 {
				texts[last] = append(texts[last], t...)
			}
		}
	}
	if top == nil {
		return nil, bad
	}
	return top, nil
}

// writer builds an answer in XML.
type writer struct{ bytes.Buffer }

// escaper writes text in XML. What XML can't have is left out by textOf.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;")

// textOf writes a text.
func textOf(s string) string {
	return escaper.Replace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")))
}

// begin writes the declaration and the opening of the outermost element, which names all our name spaces.
func (w *writer) begin(name string) {
	w.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n<D:" + name)
	for _, p := range prefixes {
		w.WriteString(` xmlns:` + p.prefix + `="` + p.space + `"`)
	}
	w.WriteString(">")
}

// tag is how an element is written. One of another name space brings that along.
func tag(n xml.Name) (open, end string) {
	for _, p := range prefixes {
		if p.space == n.Space {
			return p.prefix + ":" + n.Local, p.prefix + ":" + n.Local
		}
	}
	if n.Space == "" {
		return n.Local + ` xmlns=""`, n.Local
	}
	return `x:` + n.Local + ` xmlns:x="` + textOf(n.Space) + `"`, "x:" + n.Local
}

// element writes an element with content that is XML.
func (w *writer) element(n xml.Name, inner string) {
	open, end := tag(n)
	if inner == "" {
		w.WriteString("<" + open + "/>")
		return
	}
	w.WriteString("<" + open + ">" + inner + "</" + end + ">")
}
