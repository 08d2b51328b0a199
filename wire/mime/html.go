package mime

import (
	"errors"
	"io"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of reading HTML as text, in octets.
const (
	// maxHTMLToken is the longest tag or run of text; a document with a longer one ends there.
	maxHTMLToken = 1 << 20
	// maxHTMLAside is how much text of attributes is kept.
	maxHTMLAside = 64 << 10
)

// HTMLText gives the text of an HTML document in UTF-8, as a reader of it would find words (§14.5): tags are gone and
// entities decoded; what inline tags part stays together, other tags part it; scripts and styles are left out. Behind the
// text stand the values of href, src, alt and title, each on a line: links that people look for.
func HTMLText(document io.Reader) io.Reader {
	z := html.NewTokenizer(document)
	z.SetMaxBuf(maxHTMLToken)
	return &htmlText{z: z}
}

// htmlWords is HTMLText for the eye: without what stands in attributes and in the head's title.
func htmlWords(document io.Reader) *htmlText {
	z := html.NewTokenizer(document)
	z.SetMaxBuf(maxHTMLToken)
	return &htmlText{z: z, shown: true}
}

type htmlText struct {
	z     *html.Tokenizer
	shown bool   // only what is shown
	out   []byte // not read yet
	aside []byte // of attributes
	mute  atom.Atom
	err   error
}

func (t *htmlText) Read(p []byte) (int, error) {
	for len(t.out) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.token()
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

// token reads one token.
func (t *htmlText) token() {
	switch kind := t.z.Next(); kind {
	case html.ErrorToken:
		t.end(t.z.Err())
	case html.TextToken:
		if t.mute == 0 {
			t.out = t.z.Text()
		}
	case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
		name, attributes := t.z.TagName()
		tag := atom.Lookup(name)
		t.tag(kind, tag)
		for attributes {
			var key, value []byte
			key, value, attributes = t.z.TagAttr()
			t.attribute(atom.Lookup(key), value)
		}
	}
}

// tag begins and ends what is not text, and parts words.
func (t *htmlText) tag(kind html.TokenType, tag atom.Atom) {
	switch tag {
	case atom.Title:
		if !t.shown {
			break
		}
		fallthrough
	case atom.Script, atom.Style, atom.Template:
		if kind == html.StartTagToken {
			t.mute = tag
		} else if t.mute == tag {
			t.mute = 0
		}
		return
	case atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Code, atom.Del, atom.Dfn, atom.Em, atom.Font, atom.I, atom.Ins, atom.Kbd,
		atom.Mark, atom.Q, atom.S, atom.Samp, atom.Small, atom.Span, atom.Strike, atom.Strong, atom.Sub, atom.Sup, atom.Tt, atom.U, atom.Var,
		atom.Wbr, atom.Ruby, atom.Rb, atom.Nobr, atom.Acronym, atom.Cite, atom.Label:
		return
	}
	if t.mute == 0 {
		t.out = newline
	}
}

var newline = []byte("\n")

func (t *htmlText) attribute(key atom.Atom, value []byte) {
	switch key {
	case atom.Href, atom.Src, atom.Alt, atom.Title:
		if !t.shown && t.mute == 0 && len(value) > 0 && len(value) < maxHTMLAside-len(t.aside) {
			t.aside = append(append(t.aside, '\n'), value...)
		}
	}
}

// end gives what was set aside, and then the error.
func (t *htmlText) end(err error) {
	if errors.Is(err, html.ErrBufferExceeded) {
		err = io.EOF
	}
	t.err, t.out, t.aside = err, t.aside, nil
}
