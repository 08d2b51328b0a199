package spam

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of looking at HTML.
const (
	maxMarkup      = 4000 // tags that are looked at
	maxMarkTokens  = 250  // tokens made of tags
	maxShown       = 300  // octets of a link's text that are kept
	minHidden      = 20   // octets of hidden text that are a trick and no preheader of white space
	littleText     = 200  // octets of text beside which an image is the message
	manyEntities   = 60   // needless entities of a document
	manySplitWords = 3
)

// markup reads one HTML document.
type markup struct {
	l                  *look
	z                  *html.Tokenizer
	text               strings.Builder // what is seen
	tags, tokens       int
	mute               atom.Atom // within: script, style, title
	hidden             []atom.Atom
	back               string // the page's colour
	colours            []string
	href               string
	shown              strings.Builder
	images, hiddenLen  int
	joined             bool // a tag that is none, or a comment, right behind a letter
	split              int
	scripted, smuggled bool
	tiny, form         int
}

// markup reads an HTML document, and gives the text that is seen.
func (l *look) markup(source string) string {
	m := &markup{l: l, z: html.NewTokenizer(strings.NewReader(source)), back: "#ffffff"}
	m.z.SetMaxBuf(maxText)
	for m.tags < maxMarkup {
		kind := m.z.Next()
		if kind == html.ErrorToken {
			break
		}
		m.token(kind)
	}
	m.judge(source)
	return m.text.String()
}

func (m *markup) token(kind html.TokenType) {
	switch kind {
	case html.TextToken:
		m.words(m.z.Raw())
	case html.StartTagToken, html.SelfClosingTagToken:
		m.tags++
		m.start(kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		m.tags++
		name, _ := m.z.TagName()
		m.end(atom.Lookup(name))
	case html.CommentToken:
		m.joined = m.joined || endsInLetter(m.text.String())
	}
}

// words takes a run of text.
func (m *markup) words(raw []byte) {
	switch {
	case m.mute == atom.Script:
		m.script(string(raw))
		return
	case m.mute != 0:
		return
	}
	text := html.UnescapeString(string(raw))
	if len(m.hidden) > 0 || m.invisible() {
		m.hiddenLen += len(strings.TrimSpace(text))
		return
	}
	if m.joined {
		if text != "" && letter(text[0]) {
			m.split++
		}
		m.joined = false
	}
	m.text.WriteString(text)
	if m.href != "" && m.shown.Len() < maxShown {
		m.shown.WriteString(text)
	}
}

// script looks at the text of a script.
func (m *markup) script(code string) {
	m.scripted = true
	calls := 0
	for _, word := range []string{"atob(", "new Blob", "msSaveOrOpenBlob", "createObjectURL", ".download", "fromCharCode", "unescape("} {
		if strings.Contains(code, word) {
			calls++
		}
	}
	m.smuggled = m.smuggled || calls >= 2
}

// invisible tells whether text has the page's colour.
func (m *markup) invisible() bool {
	return len(m.colours) > 0 && m.colours[len(m.colours)-1] == m.back
}

// tag is what a start tag says.
type tag struct {
	name                                   atom.Atom
	raw                                    string
	color, bgcolor, size, style, href, src string
	width, height                          string
	hidden                                 bool
}

func (m *markup) start(closed bool) {
	t := m.read()
	m.count(t)
	if blockTags[t.name] {
		m.text.WriteByte('\n')
	}
	if t.bgcolor != "" && (t.name == atom.Body || t.name == atom.Table || t.name == atom.Td) {
		m.back = colour(t.bgcolor)
	}
	switch t.name {
	case atom.Script, atom.Style, atom.Title, atom.Noscript:
		if !closed {
			m.mute = t.name
		}
		m.scripted = m.scripted || t.name == atom.Script
	case atom.A, atom.Area:
		m.link()
		m.href = t.href
	case atom.Img:
		m.image(t)
	case atom.Form:
		m.form++
		m.l.link(t.href, "")
	case atom.Iframe, atom.Object, atom.Embed, atom.Applet:
		m.scripted = true
	case atom.Font, atom.Span:
		m.colours = append(m.colours, m.textColour(t))
	case 0:
		m.joined = m.joined || endsInLetter(m.text.String())
	}
	if !closed && !voidTags[t.name] && (t.hidden || hides(t.style)) {
		m.hidden = append(m.hidden, t.name)
	} else if len(m.hidden) > 0 && t.name == m.hidden[len(m.hidden)-1] && !closed {
		m.hidden = append(m.hidden, t.name)
	}
	if tinyStyle(t.style) {
		m.tiny++
	}
}

// read collects what a start tag says.
func (m *markup) read() (t tag) {
	name, more := m.z.TagName()
	t.name = atom.Lookup(name)
	t.raw = string(name)
	for more {
		var key, val []byte
		key, val, more = m.z.TagAttr()
		v := string(val)
		switch string(key) {
		case "color":
			t.color = v
		case "bgcolor":
			t.bgcolor = v
		case "size":
			t.size = v
		case "style":
			t.style = strings.ToLower(v)
		case "href", "action":
			t.href = v
		case "src", "background":
			t.src = v
		case "width":
			t.width = v
		case "height":
			t.height = v
		case "hidden":
			t.hidden = true
		}
	}
	return t
}

// textColour is the colour of what stands in a tag, "" where it does not say.
func (m *markup) textColour(t tag) string {
	if t.color != "" {
		return colour(t.color)
	}
	if v := property(t.style, "color"); v != "" {
		return colour(v)
	}
	if len(m.colours) > 0 {
		return m.colours[len(m.colours)-1]
	}
	return ""
}

func (m *markup) image(t tag) {
	if t.width != "1" && t.height != "1" && t.width != "0" {
		m.images++
	}
	m.l.link(t.src, "")
}

func (m *markup) end(name atom.Atom) {
	if name == m.mute {
		m.mute = 0
	}
	if blockTags[name] {
		m.text.WriteByte('\n')
	}
	switch name {
	case atom.A:
		m.link()
	case atom.Font, atom.Span:
		m.colours = m.colours[:max(0, len(m.colours)-1)]
	case 0:
		m.joined = m.joined || endsInLetter(m.text.String())
	}
	if n := len(m.hidden); n > 0 && m.hidden[n-1] == name {
		m.hidden = m.hidden[:n-1]
	}
}

// link looks at the link that ends here.
func (m *markup) link() {
	if m.href != "" {
		m.l.link(m.href, m.shown.String())
	}
	m.href = ""
	m.shown.Reset()
}

// count makes tokens of a tag: its name, and what it says of colours and sizes.
func (m *markup) count(t tag) {
	if m.tokens >= maxMarkTokens {
		return
	}
	words := m.l.words.tokens
	say := func(s string) {
		if words.add(hash(inMarkup, s)) {
			m.tokens++
		}
	}
	say(cut(t.raw, maxWord))
	if t.color != "" {
		say("color " + cut(colour(t.color), maxWord))
	}
	if t.bgcolor != "" {
		say("back " + cut(colour(t.bgcolor), maxWord))
	}
	if t.size != "" {
		say(t.raw + " size " + cut(t.size, 8))
	}
	for decl := range strings.SplitSeq(cut(t.style, 400), ";") {
		if name, _, ok := strings.Cut(decl, ":"); ok {
			say("style " + cut(strings.TrimSpace(name), maxWord))
		}
	}
}

// judge applies the rules about HTML.
func (m *markup) judge(source string) {
	m.link()
	h := &m.l.hits
	seen := len(strings.TrimSpace(m.text.String()))
	h.addIf(m.hiddenLen >= minHidden, ruleHidden)
	h.addIf(m.tiny > 0, ruleTiny)
	h.addIf(m.images > 0 && seen < littleText, ruleOneImage)
	h.addIf(m.form > 0, ruleForm)
	h.addIf(m.scripted, ruleScript)
	h.addIf(m.smuggled, ruleSmuggling)
	h.addIf(m.split >= manySplitWords, ruleSplitWords)
	h.addIf(needlessEntities(source) >= manyEntities, ruleEntities)
	m.l.htmlSeen += seen
}

// needlessEntities counts ASCII letters written as numbers: &#86;iagra.
func needlessEntities(source string) (n int) {
	for {
		at := strings.Index(source, "&#")
		if at < 0 || n >= manyEntities {
			return n
		}
		source = source[at+2:]
		v, i := 0, 0
		for i < len(source) && i < 4 && digit(source[i]) {
			v = v*10 + int(source[i]-'0')
			i++
		}
		if v < 128 && letter(byte(v)) {
			n++
		}
	}
}

func endsInLetter(s string) bool { return s != "" && letter(s[len(s)-1]) }

// property gives the value of a CSS property in a style attribute in lower case.
func property(style, name string) string {
	for decl := range strings.SplitSeq(style, ";") {
		k, v, ok := strings.Cut(decl, ":")
		if ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "!important"))
		}
	}
	return ""
}

// hides tells whether a style attribute hides what stands in the tag.
func hides(style string) bool {
	if style == "" {
		return false
	}
	size := property(style, "font-size")
	return property(style, "display") == "none" || property(style, "visibility") == "hidden" || size == "0" || size == "0px" || size == "0pt" || size == "1px"
}

// tinyStyle tells of writing too small to be read.
func tinyStyle(style string) bool {
	size := property(style, "font-size")
	return size == "1px" || size == "2px" || size == "1pt" || size == "2pt" || size == "0px" || size == "0"
}

// colour gives one form to the ways in which a colour can be written.
func colour(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "white", "#fff", "ffffff", "#fefefe", "#fffffe":
		return "#ffffff"
	case "black", "#000", "000000":
		return "#000000"
	case "red", "ff0000", "#f00":
		return "#ff0000"
	case "blue", "0000ff":
		return "#0000ff"
	case "yellow":
		return "#ffff00"
	}
	return s
}

// blockTags part words.
var blockTags = map[atom.Atom]bool{atom.Br: true, atom.P: true, atom.Div: true, atom.Tr: true, atom.Td: true, atom.Th: true, atom.Table: true, atom.Li: true,
	atom.Ul: true, atom.Ol: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.Hr: true, atom.Body: true, atom.Center: true,
	atom.Option: true, atom.Blockquote: true, atom.Pre: true, atom.Dd: true, atom.Dt: true, atom.Title: true}

// voidTags have no end.
var voidTags = map[atom.Atom]bool{atom.Br: true, atom.Img: true, atom.Hr: true, atom.Input: true, atom.Meta: true, atom.Link: true, atom.Area: true, atom.Base: true}
