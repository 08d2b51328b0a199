package text

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"tegami/wire/mime"
)

// looksHTML tells HTML by its first tag.
func looksHTML(head []byte) bool {
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<title", "<meta ", "<script", "<table", "<div", "<p>", "<br", "<a ", "<h1"} {
		if len(head) >= len(tag) && strings.EqualFold(string(head[:len(tag)]), tag) {
			return true
		}
	}
	if !bytes.HasPrefix(head, []byte("<?xml")) && !bytes.HasPrefix(head, []byte("<!--")) {
		return false
	}
	head = bytes.ToLower(head[:min(len(head), 1024)])
	return bytes.Contains(head, []byte("<html")) || bytes.Contains(head, []byte("<!doctype html"))
}

// looksXML tells XML by its declaration, or by an element with namespaces.
func looksXML(head []byte) bool {
	return bytes.HasPrefix(head, []byte("<?xml")) || xmlCharset(head) != "" && bytes.Contains(head, []byte("<\x00?\x00x\x00m\x00l")) ||
		len(head) > 2 && head[0] == '<' && isLetter(head[1]) && bytes.Contains(head, []byte("xmlns"))
}

// html reads an HTML document.
func (d *document) html() error { return d.htmlFrom(d.stream()) }

// maxToken is the longest tag or run of text of HTML, in octets; a document with a longer one ends there.
const maxToken = 1 << 20

// htmlFrom reads HTML in the charset it says of itself.
func (d *document) htmlFrom(r io.Reader) error {
	return d.htmlText(mime.TextReader(&mime.Part{Type: "text", Subtype: "html"}, r))
}

// htmlText reads HTML in UTF-8.
func (d *document) htmlText(r io.Reader) error {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxToken)
	p := page{out: d.out, z: z}
	for !d.out.cut {
		if z.Next() == html.ErrorToken {
			break
		}
		p.token(z.Token())
	}
	switch err := z.Err(); {
	case d.out.cut:
		return errFull
	case errors.Is(err, html.ErrBufferExceeded):
		return d.out.cutShort()
	case err != io.EOF:
		return err
	}
	d.out.line()
	return nil
}

// A page takes the tokens of HTML.
type page struct {
	out   *sink
	z     *html.Tokenizer
	mute  atom.Atom // the element whose text is not text
	title bool
	pre   int
	cell  int
}

func (p *page) token(t html.Token) {
	switch t.Type {
	case html.TextToken:
		switch {
		case p.title:
			p.out.name(t.Data)
		case p.mute == 0 && p.pre > 0:
			p.out.str(t.Data)
		case p.mute == 0:
			p.words(t.Data)
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		p.links(t)
		p.start(t.DataAtom)
	case html.EndTagToken:
		p.end(t.DataAtom)
	}
}

// words adds text in which blanks and line ends mean the same.
func (p *page) words(text string) {
	for len(text) > 0 {
		n := strings.IndexAny(text, " \t\r\n\f")
		switch {
		case n < 0:
			p.out.str(text)
			return
		case n > 0:
			p.out.str(text[:n])
		}
		p.out.space()
		text = strings.TrimLeft(text[n:], " \t\r\n\f")
	}
}

func (p *page) start(tag atom.Atom) {
	switch tag {
	case atom.Script, atom.Style, atom.Template:
		p.mute = tag
	case atom.Title:
		p.title = true
	case atom.Pre, atom.Textarea:
		p.pre++
		p.out.line()
	case atom.Td, atom.Th:
		p.cell = len(p.out.b)
	default:
		if !inline(tag) {
			p.out.line()
		}
	}
}

func (p *page) end(tag atom.Atom) {
	switch tag {
	case p.mute:
		p.mute = 0
	case atom.Title:
		p.title = false
	case atom.Pre, atom.Textarea:
		p.pre = max(p.pre-1, 0)
		p.out.line()
	case atom.Td, atom.Th:
		p.out.endCell(p.cell)
	default:
		if !inline(tag) {
			p.out.line()
		}
	}
}

// inline tells of elements that do not part words.
func inline(tag atom.Atom) bool {
	switch tag {
	case 0, atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Code, atom.Del, atom.Dfn, atom.Em, atom.Font, atom.I, atom.Img, atom.Ins,
		atom.Kbd, atom.Mark, atom.Q, atom.S, atom.Samp, atom.Small, atom.Span, atom.Strike, atom.Strong, atom.Sub, atom.Sup, atom.Tt, atom.U, atom.Var,
		atom.Wbr, atom.Ruby, atom.Rb, atom.Nobr, atom.Acronym, atom.Cite, atom.Label:
		return true
	}
	return false
}

// links keeps where the attributes of a tag lead, and the text that stands in them.
func (p *page) links(t html.Token) {
	for _, a := range t.Attr {
		switch a.Key {
		case "href", "src", "action", "formaction", "data", "background", "poster":
			if len(a.Val) < 5 || !strings.EqualFold(a.Val[:5], "data:") {
				p.out.url(a.Val)
			}
		case "alt":
			p.out.space()
			p.words(a.Val)
		case "content":
			p.refresh(t)
		case "srcdoc":
			p.out.line()
			p.out.str(a.Val)
			p.out.line()
		}
	}
}

// refresh keeps where a page leads by itself: <meta http-equiv="refresh" content="0; url=…">.
func (p *page) refresh(t html.Token) {
	if t.DataAtom != atom.Meta {
		return
	}
	for _, a := range t.Attr {
		if a.Key == "content" {
			if i := strings.Index(strings.ToLower(a.Val), "url="); i >= 0 {
				p.out.url(strings.Trim(a.Val[i+len("url="):], ` '"`))
			}
		}
	}
}
