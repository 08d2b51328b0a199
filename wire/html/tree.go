package html

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Classes of ours.
const (
	classMail     = "tegami-mail"
	classQuote    = "tegami-quote"
	classBlocked  = "tegami-blocked"
	classMismatch = "tegami-mismatch"
	reserved      = "tegami-"
	prefix        = "m_" // of the message's own classes, ids and anchors
)

// children takes what stands in an element.
func (p *pass) children(to, from *html.Node, depth int) {
	for n := from.FirstChild; n != nil; n = n.NextSibling {
		p.node(to, n, depth)
	}
}

// node takes an element or text.
func (p *pass) node(to, n *html.Node, depth int) {
	if p.nodes >= MaxNodes {
		p.clean.Cut |= CutNodes
		return
	}
	switch n.Type {
	case html.TextNode:
		p.nodes++
		to.AppendChild(&html.Node{Type: html.TextNode, Data: n.Data})
	case html.ElementNode:
		p.nodes++
		p.element(to, n, depth)
	}
}

// element takes an element, its content only, or nothing of it.
func (p *pass) element(to, n *html.Node, depth int) {
	if n.Namespace != "" { // svg, math
		return
	}
	if n.DataAtom == atom.Style {
		p.sheet.add(n)
		return
	}
	what := elements[n.DataAtom]
	if what == taken && depth >= MaxDepth {
		p.clean.Cut |= CutDepth
		what = unwrapped
	}
	switch what {
	case dropped:
	case unwrapped:
		p.children(to, n, depth)
	case verbatim: // xmp, listing, plaintext
		pre := &html.Node{Type: html.ElementNode, Data: "pre", DataAtom: atom.Pre}
		to.AppendChild(pre)
		p.children(pre, n, depth+1)
	case taken:
		one := &html.Node{Type: html.ElementNode, Data: n.DataAtom.String(), DataAtom: n.DataAtom}
		one.Attr = p.attributes(n)
		if n.DataAtom == atom.Img && !p.image(one, n) {
			return
		}
		if hasToken(value(n, "class"), classQuote) {
			p.hints[one] = true
		}
		to.AppendChild(one)
		p.children(one, n, depth+1)
	}
}

// image says what became of a picture. It is false for one that is not worth a place: a remote one that nobody would see.
func (p *pass) image(to, from *html.Node) bool {
	if value(to, "src") != "" {
		return true
	}
	if value(from, "src") == "" && value(from, "srcset") != "" {
		p.clean.BlockedPictures++
	}
	addClass(to, classBlocked)
	return true
}

// value gives an attribute, "" where there is none.
func value(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// set sets an attribute.
func set(n *html.Node, key, text string) {
	for i, a := range n.Attr {
		if a.Key == key {
			n.Attr[i].Val = text
			return
		}
	}
	n.Attr = append(n.Attr, html.Attribute{Key: key, Val: text})
}

// addClass puts a class of ours before an element's own.
func addClass(n *html.Node, class string) {
	have := value(n, "class")
	if hasToken(have, class) {
		return
	}
	set(n, "class", strings.TrimSpace(class+" "+have))
}

// hasToken tells whether a list parted by blanks has a word.
func hasToken(list, word string) bool {
	for have := range strings.FieldsSeq(list) {
		if have == word {
			return true
		}
	}
	return false
}
