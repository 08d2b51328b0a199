package html

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxQuotes is how many levels of quotation are shown; deeper ones stand on the last.
const maxQuotes = 20

// FromText makes a document of plain text: addresses become links, lines behind ">" quotations. It is of the same kind as what
// Sanitise gives.
func FromText(text string) Clean {
	text, cut := bound(text)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	addClass(root, classMail)
	b := &textBlocks{at: root}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		b.line(line)
	}
	b.flush()
	p := &pass{}
	quoted := p.markQuote(root)
	p.markLinks(root)
	var out strings.Builder
	if err := html.Render(&out, root); err != nil {
		return Clean{Text: text, Cut: cut | CutForm} // a tree of ours that can't be written
	}
	return Clean{HTML: out.String(), Text: text, Links: p.clean.Links, Quoted: quoted, Cut: cut}
}

// textBlocks gathers the lines of each level of quotation.
type textBlocks struct {
	at    *html.Node
	level int
	lines []string
}

// line takes a line of text.
func (b *textBlocks) line(line string) {
	level, rest := quoteLevel(line)
	if level != b.level {
		b.flush()
		for ; b.level < level; b.level++ {
			quote := &html.Node{Type: html.ElementNode, Data: "blockquote", DataAtom: atom.Blockquote, Attr: []html.Attribute{{Key: "type", Val: "cite"}}}
			b.at.AppendChild(quote)
			b.at = quote
		}
		for ; b.level > level; b.level-- {
			b.at = b.at.Parent
		}
	}
	b.lines = append(b.lines, rest)
}

// quoteLevel counts the marks of quotation before a line, as "> > text" and ">>text" have them.
func quoteLevel(line string) (level int, rest string) {
	for level < maxQuotes && strings.HasPrefix(line, ">") {
		line = strings.TrimPrefix(line[1:], " ")
		level++
	}
	if level == 0 {
		return 0, line
	}
	return level, line
}

// flush writes the lines that were gathered.
func (b *textBlocks) flush() {
	if len(b.lines) == 0 {
		return
	}
	pre := &html.Node{Type: html.ElementNode, Data: "pre", DataAtom: atom.Pre}
	pre.Attr = []html.Attribute{{Key: "style", Val: "white-space:pre-wrap;overflow-wrap:anywhere"}}
	linkify(pre, strings.Join(b.lines, "\n"))
	b.at.AppendChild(pre)
	b.lines = nil
}

// address finds what looks like an address of the web or of mail. It ends before anything that is not ASCII: Japanese goes on behind an address
// without a blank.
var address = regexp.MustCompile(`(?i)\b(?:https?://[!-;=?-~]+|www\.[a-z0-9-]+\.[!-;=?-~]+|[a-z0-9._%+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+)`)

// linkify writes a text with its addresses as links.
func linkify(to *html.Node, text string) {
	p := &pass{}
	links := 0
	for text != "" && links < MaxLinks {
		at := address.FindStringIndex(text)
		if at == nil {
			break
		}
		found := trimAddress(text[at[0]:at[1]])
		target := found
		if !strings.Contains(found, "://") && !strings.HasPrefix(strings.ToLower(found), "www.") {
			target = "mailto:" + found
		}
		href, ok := p.link(target)
		appendText(to, text[:at[0]])
		if !ok {
			appendText(to, found)
		} else {
			a := &html.Node{Type: html.ElementNode, Data: "a", DataAtom: atom.A, Attr: []html.Attribute{{Key: "href", Val: href}}}
			appendText(a, found)
			to.AppendChild(a)
			links++
		}
		text = text[at[0]+len(found):]
	}
	appendText(to, text)
}

// appendText adds text to an element; two texts never stand side by side.
func appendText(to *html.Node, text string) {
	if text == "" {
		return
	}
	if last := to.LastChild; last != nil && last.Type == html.TextNode {
		last.Data += text
		return
	}
	to.AppendChild(&html.Node{Type: html.TextNode, Data: text})
}

// trimAddress cuts what ends a sentence rather than an address: stops, and a bracket that was not opened within.
func trimAddress(found string) string {
	for found != "" {
		last := found[len(found)-1]
		switch {
		case strings.IndexByte(".,;:!?'\"`", last) >= 0:
		case last == ')' && strings.Count(found, "(") < strings.Count(found, ")"):
		case last == ']' && strings.Count(found, "[") < strings.Count(found, "]"):
		case last == '}' && strings.Count(found, "{") < strings.Count(found, "}"):
		default:
			return found
		}
		found = found[:len(found)-1]
	}
	return found
}

// wordsOf gives the text of a document whose tree is too deep or too tangled.
func wordsOf(src string) string {
	z := html.NewTokenizer(strings.NewReader(src))
	var out strings.Builder
	mute := atom.Atom(0)
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return strings.TrimSpace(out.String())
		case html.TextToken:
			if mute == 0 {
				out.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case elements[tag] == dropped && !empty[tag] && kind == html.StartTagToken && mute == 0:
				mute = tag
			case mute == tag && kind == html.EndTagToken:
				mute = 0
			case mute == 0 && blocks[tag]:
				out.WriteByte('\n')
			}
		}
	}
}
