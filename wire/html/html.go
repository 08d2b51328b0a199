// Package html makes HTML of strangers fit to be shown: tree in, tree out. What is on a list of allowed elements, attributes, CSS
// properties and values stays; everything else goes. What is handed out is what a parser reads again as the same tree, so that
// no second parser sees another document (mXSS).
//
// The result is one div of class "tegami-mail". Classes, ids and anchors of the message bear the prefix "m_", so that no rule
// or anchor of it meets those of the page around it. Classes that begin with "tegami-" are ours:
//
//	tegami-mail      the outermost div, under which all rules of the message's style elements are scoped
//	tegami-quote     the quoted original, which a page may fold
//	tegami-blocked   a picture that is not loaded
//	tegami-mismatch  a link whose text names another host than the one it leads to; data-host says which
package html

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of a document. What goes beyond is left out, and Clean.Cut says so.
const (
	MaxSource  = 4 << 20   // octets of a document
	MaxNodes   = 60_000    // elements and texts
	MaxDepth   = 200       // elements within elements; deeper ones are unwrapped, their content stays
	MaxStyle   = 256 << 10 // octets of all style elements together
	MaxRules   = 4_000     // rules of all style elements together
	MaxLinks   = 2_000     // links that are listed; further ones stay in the text
	MaxURL     = 8 << 10   // octets of an address
	MaxPicture = 1 << 20   // octets of a picture that stands in its address (data:)
	// maxPasses is how often a document is parsed again until it stays as it is. One that never does becomes plain text.
	maxPasses = 5
	// maxWork is about how many elements a parser may have to make.
	maxWork = 1 << 20
	// maxPieces is how many tags and texts are read at all.
	maxPieces = 3 * MaxNodes
)

// Options say where pictures come from.
type Options struct {
	// CID gives the address of a part of the message by its Content-ID (RFC 2392), "" for one that is not there. nil = none is there.
	CID func(cid string) string
	// Picture gives the address under which a remote picture may be loaded, "" for one that may not. nil = none may be.
	Picture func(url string) string
}

// Cut tells what a limit left out.
type Cut uint8

// What can be left out.
const (
	CutSource Cut = 1 << iota // the end of the document
	CutNodes                  // elements and texts behind the first MaxNodes
	CutDepth                  // the nesting of elements
	CutStyle                  // rules of style
	CutForm                   // all but the text: the document was too tangled
)

// Link is where a link of a document leads.
type Link struct {
	Text     string // what the reader sees, at most 200 octets
	Target   string // the address, its host in ASCII
	Host     string // the host of a web address
	Mismatch bool   // the text names another host than the one it leads to, or the address feigns one
}

// Clean is a document that may be shown.
type Clean struct {
	HTML            string // to stand in a body
	Text            string // the same as plain text
	Pictures        int    // remote pictures that are shown
	BlockedPictures int    // remote pictures that are not
	Links           []Link // in the order of the document
	Quoted          bool   // a quoted original was found behind text of the sender
	Dark            bool   // the message brings its own rules for dark screens
	Cut             Cut    // what a limit left out
}

// Sanitise makes a document or fragment of HTML fit to be shown. What it gives stays as it is when it is sanitised again, as long
// as the options give an address of theirs for itself.
func Sanitise(src string, o Options) Clean {
	src, cut := bound(src)
	p := &pass{options: o, given: map[string]bool{}}
	clean, ok := p.run(src)
	clean.Cut |= cut
	first := clean
	p.again = true
	for range maxPasses {
		if !ok {
			break
		}
		var next Clean
		next, ok = p.run(clean.HTML)
		if next.HTML == clean.HTML && ok {
			clean.Pictures, clean.BlockedPictures, clean.Cut = first.Pictures, first.BlockedPictures, first.Cut|clean.Cut
			return clean
		}
		clean = next
	}
	plain := FromText(wordsOf(src))
	plain.Cut, plain.BlockedPictures = first.Cut|CutForm, first.BlockedPictures
	return plain
}

// bound cuts a document at the limit and makes it valid UTF-8.
func bound(src string) (string, Cut) {
	var cut Cut
	if len(src) > MaxSource {
		end := MaxSource
		for end > 0 && !utf8.RuneStart(src[end]) {
			end--
		}
		src, cut = src[:end], CutSource
	}
	return strings.ToValidUTF8(src, "\uFFFD"), cut
}

// pass reads a document once.
type pass struct {
	options Options
	given   map[string]bool // addresses that the options gave
	again   bool            // the document is our own of the pass before: what was given is taken as it is
	nodes   int
	sheet   sheet
	hints   map[*html.Node]bool // what the pass before found to be the quoted original
	clean   Clean
}

// run reads a document. It is false for one that the parser refuses.
func (p *pass) run(src string) (Clean, bool) {
	p.nodes, p.clean, p.hints = 0, Clean{}, map[*html.Node]bool{}
	p.sheet = sheet{picture: p.picture}
	src, tangled := tame(src)
	p.clean.Cut |= tangled
	doc, err := html.ParseWithOptions(strings.NewReader(src), html.ParseOptionEnableScripting(false))
	if err != nil {
		return p.clean, false
	}
	head, body := halves(doc)
	p.styles(head)
	root := p.wrapper(body)
	p.sheet.end()
	if p.sheet.text.Len() > 0 {
		style := &html.Node{Type: html.ElementNode, Data: "style", DataAtom: atom.Style}
		style.AppendChild(&html.Node{Type: html.TextNode, Data: p.sheet.text.String()})
		root.InsertBefore(style, root.FirstChild)
	}
	if p.sheet.cut {
		p.clean.Cut |= CutStyle
	}
	p.clean.Dark = p.clean.Dark || p.sheet.dark
	p.clean.Quoted = p.markQuote(root)
	p.markLinks(root)
	var out strings.Builder
	if err := html.Render(&out, root); err != nil {
		return p.clean, false
	}
	p.clean.HTML, p.clean.Text = out.String(), textOf(root)
	return p.clean, true
}

// halves gives the head and the body of a document; the body of a set of frames is nil.
func halves(doc *html.Node) (head, body *html.Node) {
	for n := doc.FirstChild; n != nil; n = n.NextSibling {
		if n.DataAtom != atom.Html {
			continue
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch c.DataAtom {
			case atom.Head:
				head = c
			case atom.Body:
				body = c
			}
		}
	}
	return head, body
}

// styles takes the style elements of the head, and what it says of dark screens.
func (p *pass) styles(head *html.Node) {
	if head == nil {
		return
	}
	for n := range head.Descendants() {
		switch {
		case n.DataAtom == atom.Style && n.Namespace == "":
			p.sheet.add(n)
		case n.DataAtom == atom.Meta && strings.HasSuffix(strings.ToLower(value(n, "name")), "color-scheme"):
			p.clean.Dark = p.clean.Dark || strings.Contains(strings.ToLower(value(n, "content")), "dark")
		}
	}
}

// wrapper makes the outermost div of a body. One that an earlier pass made is taken as it is.
func (p *pass) wrapper(body *html.Node) *html.Node {
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	if body == nil {
		root.Attr = []html.Attribute{{Key: "class", Val: classMail}}
		return root
	}
	from := body
	if only := body.FirstChild; only != nil && only.NextSibling == nil && only.DataAtom == atom.Div && hasToken(value(only, "class"), classMail) && len(body.Attr) == 0 {
		from = only
	}
	root.Attr = p.attributes(from)
	addClass(root, classMail)
	p.children(root, from, 1)
	return root
}
