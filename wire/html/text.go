package html

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// textOf gives a clean document as plain text: blocks on lines of their own, quotations behind ">", links behind their text.
func textOf(root *html.Node) string {
	t := &plainText{bol: true}
	t.children(root)
	return strings.TrimRight(strings.TrimLeft(t.out.String(), "\n"), " \n")
}

// plainText writes text line by line.
type plainText struct {
	out    strings.Builder
	quotes int   // levels of quotation
	pre    int   // elements whose blanks count
	bol    bool  // at the beginning of a line
	empty  int   // empty lines before this one
	blank  bool  // a blank waits for the next word
	lists  []int // the next number of each open list, 0 for one without numbers

	apart   bool // an empty line waits for the next word
	apartAt int  // the level of quotation where it was asked for
}

func (t *plainText) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		t.node(c)
	}
}

func (t *plainText) node(n *html.Node) {
	if n.Type == html.TextNode {
		t.text(n.Data)
		return
	}
	switch n.DataAtom {
	case atom.Style:
	case atom.Br:
		t.line()
	case atom.Img:
		t.text(value(n, "alt"))
	case atom.Hr:
		t.fresh()
		t.text("----------")
		t.line()
	case atom.A:
		t.link(n)
	case atom.Blockquote:
		t.fresh()
		t.quotes++
		t.children(n)
		t.fresh()
		t.quotes--
	case atom.Ul, atom.Ol, atom.Menu, atom.Dir:
		t.fresh()
		first := 0
		if n.DataAtom == atom.Ol {
			first = 1
		}
		t.lists = append(t.lists, first)
		t.children(n)
		t.lists = t.lists[:len(t.lists)-1]
		t.fresh()
	case atom.Li:
		t.item(n)
	case atom.Td, atom.Th:
		t.children(n)
		t.blank = true
	case atom.Rt:
		t.text("(")
		t.children(n)
		t.text(")")
	case atom.Rp:
	default:
		t.element(n)
	}
}

// element is any other element: a block, a paragraph, or a part of a line.
func (t *plainText) element(n *html.Node) {
	if !blocks[n.DataAtom] {
		t.children(n)
		return
	}
	if n.DataAtom == atom.Pre {
		t.pre++
		defer func() { t.pre-- }()
	}
	t.fresh()
	apart := n.DataAtom == atom.P || n.DataAtom >= atom.H1 && len(n.Data) == 2 && n.Data[0] == 'h'
	if apart {
		t.gap()
	}
	t.children(n)
	t.fresh()
	if apart {
		t.gap()
	}
}

func (t *plainText) item(n *html.Node) {
	t.fresh()
	mark := "- "
	if last := len(t.lists) - 1; last >= 0 {
		mark = strings.Repeat("  ", min(last, MaxDepth)) + mark
		if t.lists[last] > 0 {
			mark = strings.Repeat("  ", last) + decimal(t.lists[last]) + ". "
			t.lists[last]++
		}
	}
	t.word(mark)
	t.children(n)
	t.fresh()
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// link writes a link's text, and where it leads if that is not what the text says.
func (t *plainText) link(n *html.Node) {
	begin := t.out.Len()
	t.children(n)
	href := value(n, "href")
	if !strings.HasPrefix(href, "http") || t.out.Len() == begin {
		return
	}
	said := strings.TrimSpace(t.out.String()[begin:])
	_, bare, _ := strings.Cut(href, "://")
	if strings.TrimSuffix(said, "/") == strings.TrimSuffix(href, "/") || strings.TrimSuffix(said, "/") == strings.TrimSuffix(bare, "/") || strings.Contains(said, href) {
		return
	}
	t.blank = !t.bol
	t.word("<" + href + ">")
}

// text writes words. Blanks between them become one, unless they count.
func (t *plainText) text(text string) {
	if t.pre > 0 {
		for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
			if i > 0 {
				t.line()
			}
			if line != "" {
				t.word(line)
			}
		}
		return
	}
	for text != "" {
		word := strings.IndexFunc(text, func(c rune) bool { return !isBlank(c) })
		if word != 0 {
			t.blank = !t.bol
		}
		if word < 0 {
			return
		}
		text = text[word:]
		end := strings.IndexFunc(text, isBlank)
		if end < 0 {
			end = len(text)
		}
		t.word(text[:end])
		text = text[end:]
	}
}

func isBlank(c rune) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

// word writes something on the line.
func (t *plainText) word(word string) {
	t.leave()
	if t.bol {
		if t.quotes > 0 {
			t.out.WriteString(strings.Repeat(">", t.quotes) + " ")
		}
		t.bol, t.blank = false, false
	}
	if t.blank {
		t.out.WriteByte(' ')
		t.blank = false
	}
	t.out.WriteString(word)
	t.empty = 0
}

// line ends the line, also an empty one.
func (t *plainText) line() {
	if t.bol {
		if t.empty++; t.empty > 2 {
			return
		}
		t.out.WriteString(strings.Repeat(">", t.quotes))
	}
	t.out.WriteByte('\n')
	t.bol, t.blank = true, false
}

// fresh begins a line where the last one has something on it.
func (t *plainText) fresh() {
	t.blank = false
	if !t.bol {
		t.line()
	}
}

// gap leaves one empty line before what comes next.
func (t *plainText) gap() {
	if !t.apart || t.quotes < t.apartAt {
		t.apartAt = t.quotes
	}
	t.apart = true
}

// leave writes the line that a gap asked for, of the lower level of quotation of what it parts.
func (t *plainText) leave() {
	if t.apart && t.bol && t.empty == 0 && t.out.Len() > 0 {
		t.out.WriteString(strings.Repeat(">", min(t.apartAt, t.quotes)) + "\n")
	}
	t.apart = false
}
