package html

import (
	"strings"

	"golang.org/x/net/html"
)

// maxMedia is how deep conditions stand within each other.
const maxMedia = 3

// sheet collects the rules of a document's style elements, each scoped to the document.
type sheet struct {
	picture pictureOf
	text    strings.Builder
	read    int // octets
	rules   int
	dark    bool // rules for dark screens
	cut     bool
}

// add takes the rules of a style element. One for printers only, or of another language than CSS, is left out.
func (s *sheet) add(n *html.Node) {
	if kind := strings.ToLower(strings.TrimSpace(value(n, "type"))); kind != "" && kind != "text/css" {
		return
	}
	var text strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		text.WriteString(c.Data)
	}
	if s.read += text.Len(); s.read > MaxStyle {
		s.cut = true
		return
	}
	query := ""
	if media := value(n, "media"); media != "" {
		var ok bool
		if query, ok = condition(newLexer(media), nil); !ok {
			return
		}
	}
	s.block(newLexer(text.String()), query, 0)
}

// end closes the sheet.
func (s *sheet) end() {
	if s.read > 0 && strings.Contains(s.text.String(), "color-scheme") && strings.Contains(s.text.String(), "dark") {
		s.dark = true
	}
}

// block reads rules, and writes those that may stay under a condition.
func (s *sheet) block(l *lexer, query string, depth int) {
	var out strings.Builder
	s.list(l, &out, depth, depth > 0)
	if out.Len() == 0 {
		return
	}
	if query != "" {
		s.text.WriteString("@media " + query + "{" + out.String() + "}\n")
		return
	}
	s.text.WriteString(out.String())
}

// list reads rules to the end, or to the bracket that closes them.
func (s *sheet) list(l *lexer, out *strings.Builder, depth int, inside bool) {
	for {
		t := skipBlank(l)
		switch {
		case t.kind == tEnd, inside && t.is("}"):
			return
		case t.kind == tAt && t.text == "media" && depth < maxMedia:
			s.media(l, out, depth)
		case t.kind == tAt:
			skipRule(l, inside)
		default:
			if !s.rule(l, t, out, inside) {
				return
			}
		}
	}
}

// media reads rules under a condition.
func (s *sheet) media(l *lexer, out *strings.Builder, depth int) {
	stop := token{}
	query, ok := condition(l, &stop)
	if !stop.is("{") {
		return
	}
	var rules strings.Builder
	s.list(l, &rules, depth+1, true)
	if ok && rules.Len() > 0 {
		out.WriteString("@media " + query + "{\n" + rules.String() + "}\n")
	}
}

// condition reads a media query to its end or to what opens or ends a block. It is false for one with anything unforeseen.
func condition(l *lexer, stop *token) (string, bool) {
	var out strings.Builder
	ok := true
	for {
		t := l.next()
		switch {
		case t.kind == tEnd, t.is("{"), t.is(";"), t.is("}"):
			if stop != nil {
				*stop = t
			}
			text := strings.TrimSpace(out.String())
			return text, ok && text != "" && len(text) <= maxValue && strings.Count(text, "(") == strings.Count(text, ")")
		case t.kind == tSpace:
			out.WriteByte(' ')
		case t.kind == tIdent && plainName(t.text):
			out.WriteString(strings.ToLower(t.text))
		case t.kind == tNumber && len(t.text) < 12:
			out.WriteString(t.text)
		case t.kind == tDimension && (units[t.unit] || t.unit == "dppx" || t.unit == "dpi") && len(t.text) < 12:
			out.WriteString(t.text + t.unit)
		case t.kind == tFunction && (t.text == "and" || t.text == "not" || t.text == "or"): // "and(" is no condition by the standard
			out.WriteString(t.text + " (")
		case t.kind == tDelim && strings.Contains("():,<>=/", t.text) && t.text != "<":
			out.WriteString(t.text)
		default:
			ok = false
		}
	}
}

// skipRule passes over an at-rule: to its semicolon, or over its block.
func skipRule(l *lexer, inside bool) {
	for depth := 0; ; {
		switch t := l.next(); {
		case t.kind == tEnd:
			return
		case t.is(";") && depth == 0:
			return
		case t.is("{"):
			depth++
		case t.is("}"):
			if depth--; depth == 0 {
				return
			}
			if depth < 0 {
				if inside {
					l.at-- // it closes what we stand in
				}
				return
			}
		}
	}
}

// rule reads selectors and their declarations. It is false at the end.
func (s *sheet) rule(l *lexer, t token, out *strings.Builder, inside bool) bool {
	var head []token
	for ; !t.is("{"); t = l.next() {
		if t.kind == tEnd {
			return false
		}
		if inside && t.is("}") {
			return false
		}
		if len(head) <= maxTokens*4 {
			head = append(head, t)
		}
	}
	s.rules++
	if s.rules > MaxRules {
		s.cut = true
	}
	selectors := ""
	if len(head) <= maxTokens*4 && s.rules <= MaxRules {
		selectors = scoped(head)
	}
	picture := s.picture
	if selectors == "" {
		picture = func(string) (string, bool) { return "", false } // what is dropped asks for nothing
	}
	body, end := block(l, picture, true)
	if selectors != "" && body != "" {
		out.WriteString(selectors + "{" + body + "}\n")
	}
	return end.kind != tEnd
}
