package html

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxValue is how long the value of an attribute may be that is neither an address nor style, in octets.
const maxValue = 1 << 10

// judge makes the value of an attribute fit to stand, and is false for one that may not.
type judge func(p *pass, text string) (string, bool)

// everywhere are attributes that any element may have.
var everywhere = map[string]judge{
	"class": (*pass).class, "id": (*pass).anchor, "style": (*pass).style, "title": (*pass).text, "lang": word, "dir": word, "align": word,
	"role": role, "aria-hidden": word, "aria-label": (*pass).text,
}

// attributes are those of single elements.
var attributes = map[atom.Atom]map[string]judge{
	atom.A:          {"href": (*pass).link, "name": (*pass).anchor},
	atom.Area:       {"href": (*pass).link, "shape": word, "coords": numbers, "alt": (*pass).text},
	atom.Bdo:        {},
	atom.Blockquote: {"type": word},
	atom.Br:         {"clear": word},
	atom.Col:        cells, atom.Colgroup: cells, atom.Table: cells, atom.Tbody: cells, atom.Td: cells, atom.Tfoot: cells, atom.Th: cells, atom.Thead: cells, atom.Tr: cells,
	atom.Details: {"open": word},
	atom.Font:    {"color": word, "face": (*pass).text, "size": length},
	atom.Hr:      {"size": length, "width": length, "noshade": word, "color": word},
	atom.Img: {
		"src": (*pass).picture, "alt": (*pass).text, "width": length, "height": length, "border": length, "hspace": length, "vspace": length, "usemap": (*pass).usemap,
	},
	atom.Li:   {"type": word, "value": length},
	atom.Map:  {"name": (*pass).anchor},
	atom.Ol:   {"type": word, "start": length, "reversed": word},
	atom.Time: {"datetime": (*pass).text},
	atom.Ul:   {"type": word},
}

// cells are attributes of tables and their parts.
var cells = map[string]judge{
	"background": (*pass).picture, "bgcolor": word, "border": length, "bordercolor": word, "cellpadding": length, "cellspacing": length, "colspan": span, "frame": word,
	"height": length, "nowrap": word, "rowspan": span, "rules": word, "scope": word, "span": span, "valign": word, "width": length,
}

// attributes takes an element's attributes, in their order. Of links it adds what keeps the page out of reach of what they open.
func (p *pass) attributes(n *html.Node) []html.Attribute {
	var list []html.Attribute
	own := attributes[n.DataAtom]
	for _, a := range n.Attr {
		by := everywhere[a.Key]
		if by == nil {
			by = own[a.Key]
		}
		if by == nil || a.Namespace != "" {
			continue
		}
		if text, ok := by(p, a.Val); ok {
			list = append(list, html.Attribute{Key: a.Key, Val: text})
		}
	}
	if n.DataAtom == atom.Body {
		list = p.bodyColours(n, list)
	}
	return list
}

// bodyColours makes style of what a body says by attributes, since it becomes a div.
func (p *pass) bodyColours(n *html.Node, list []html.Attribute) []html.Attribute {
	said := ""
	if colour := value(n, "bgcolor"); colour != "" {
		said += "background-color:" + colour + ";"
	}
	if colour := value(n, "text"); colour != "" {
		said += "color:" + colour + ";"
	}
	if said == "" {
		return list
	}
	holder := &html.Node{Attr: list}
	if text, ok := p.style(said + value(n, "style")); ok {
		set(holder, "style", text)
	}
	return holder.Attr
}

// class keeps the words of a class attribute, with our prefix.
func (p *pass) class(text string) (string, bool) {
	if len(text) > maxValue {
		return "", false
	}
	var out []string
	for word := range strings.FieldsSeq(text) {
		if name, ok := named(word); ok {
			out = append(out, name)
		}
	}
	return strings.Join(out, " "), len(out) > 0
}

// anchor is a name that links and rules of the message lead to.
func (p *pass) anchor(text string) (string, bool) { return named(strings.TrimSpace(text)) }

// usemap is the map of a picture.
func (p *pass) usemap(text string) (string, bool) {
	name, ok := named(strings.TrimPrefix(strings.TrimSpace(text), "#"))
	return "#" + name, ok && strings.HasPrefix(strings.TrimSpace(text), "#")
}

// named is a class or id with the prefix of the message's own. It is false for names of ours and for such as need escapes in CSS.
func named(name string) (string, bool) {
	if name == "" || len(name) > maxValue || strings.HasPrefix(name, reserved) {
		return "", false
	}
	for _, c := range name {
		if !plainRune(c) {
			return "", false
		}
	}
	if !strings.HasPrefix(name, prefix) {
		name = prefix + name
	}
	return name, true
}

// plainRune tells whether a character may stand in a name without an escape.
func plainRune(c rune) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0xA0 && c != 0xFFFD && !steersText(c)
}

// steersText tells whether a character turns the direction of text or is not seen: it has no place in names and addresses.
func steersText(c rune) bool {
	return c == 0xAD || 0x200B <= c && c <= 0x200F || 0x2028 <= c && c <= 0x202E || 0x2060 <= c && c <= 0x206F || c == 0xFEFF
}

// text is a value that people read.
func (p *pass) text(text string) (string, bool) {
	return text, len(text) <= maxValue
}

// style is what an element says of its looks.
func (p *pass) style(text string) (string, bool) {
	if len(text) > MaxStyle {
		return "", false
	}
	out := declarations(text, p.picture)
	return out, out != ""
}

// word is one of a few plain words, a colour or a language.
func word(_ *pass, text string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 64 {
		return "", false
	}
	for _, c := range text {
		if c >= 0x80 || !plainRune(c) && !strings.ContainsRune("#(), .%", c) {
			return "", false
		}
	}
	return text, true
}

// role is a role that tells screen readers to pass over a table of looks.
func role(_ *pass, text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	return text, text == "presentation" || text == "none"
}

// maxSpan is how many columns or rows a cell may span: each costs the browser.
const maxSpan = 200

func span(_ *pass, text string) (string, bool) {
	n, ok := digits(strings.TrimSpace(text))
	return strings.TrimSpace(text), ok && n <= maxSpan
}

// maxLength is the largest length, in any unit.
const maxLength = 10_000

// length is a number, with a sign, or a unit behind it.
func length(_ *pass, text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	number := strings.TrimLeft(text, "+-")
	if len(text)-len(number) > 1 {
		return "", false
	}
	for _, unit := range []string{"%", "px", "pt", "em", "*"} {
		number = strings.TrimSpace(strings.TrimSuffix(number, unit))
	}
	whole, part, _ := strings.Cut(number, ".")
	n, ok := digits(whole)
	if _, fine := digits(part); part != "" && !fine {
		return "", false
	}
	return text, ok && n <= maxLength
}

// numbers is a list of numbers, as the corners of an area.
func numbers(_ *pass, text string) (string, bool) {
	if len(text) > maxValue {
		return "", false
	}
	return text, strings.Trim(text, "0123456789,. ") == ""
}

// digits reads a number without a sign.
func digits(text string) (n int, ok bool) {
	if text == "" || len(text) > 6 {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
