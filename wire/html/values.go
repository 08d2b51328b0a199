package html

import (
	"slices"
	"strconv"
	"strings"
)

// Limits of a declaration.
const (
	maxTokens = 200 // of its value
	maxNested = 8   // functions within functions
)

// pictureOf gives the address of a picture that CSS names; false for none.
type pictureOf func(raw string) (string, bool)

// trait is what a property may have beside words, numbers and colours.
type trait uint8

const (
	plain    trait = 1 << iota // listed: nothing more than that
	withURL                    // pictures
	positive                   // no number below zero
)

// properties are the CSS properties that stay. What places an element over others (position, transform, negative margins), moves, loads
// anything but pictures, or makes text of its own (content) is not here; nor is what only one program understands.
var properties = listed(map[trait]string{
	withURL: "background background-image list-style list-style-image",
	positive: "margin margin-top margin-right margin-bottom margin-left margin-inline margin-block padding padding-top padding-right padding-bottom padding-left " +
		"padding-inline padding-block",
	plain: "align-content align-items align-self background-clip background-color background-origin background-position background-repeat background-size " +
		"border border-block border-bottom border-bottom-color border-bottom-left-radius border-bottom-right-radius border-bottom-style border-bottom-width border-collapse " +
		"border-color border-inline border-left border-left-color border-left-style border-left-width border-radius border-right border-right-color border-right-style " +
		"border-right-width border-spacing border-style border-top border-top-color border-top-left-radius border-top-right-radius border-top-style border-top-width border-width " +
		"box-shadow box-sizing caption-side clear color color-scheme column-gap direction display empty-cells flex flex-basis flex-direction flex-flow flex-grow flex-shrink " +
		"flex-wrap float font font-family font-feature-settings font-kerning font-size font-size-adjust font-stretch font-style font-variant font-variant-numeric font-weight gap height " +
		"hyphens justify-content letter-spacing line-break line-height list-style-position list-style-type max-height max-width min-height min-width object-fit object-position " +
		"opacity order outline outline-color outline-style outline-width overflow overflow-wrap overflow-x overflow-y page-break-after page-break-before page-break-inside " +
		"break-after break-before break-inside quotes row-gap ruby-align ruby-position table-layout tab-size text-align text-align-last text-autospace text-combine-upright " +
		"text-decoration text-decoration-color text-decoration-line text-decoration-style text-emphasis text-indent text-justify text-orientation text-overflow text-shadow " +
		"text-size-adjust text-spacing-trim text-transform text-underline-offset text-underline-position text-wrap unicode-bidi vertical-align visibility white-space widows orphans " +
		"width word-break word-spacing word-wrap writing-mode -webkit-text-size-adjust -ms-text-size-adjust",
})

func listed(lists map[trait]string) map[string]trait {
	all := map[string]trait{}
	for t, names := range lists {
		for name := range strings.FieldsSeq(names) {
			all[name] = t
		}
	}
	return all
}

// units are the units of numbers. Those of the window are not here: a frame that grows with its content would never end growing.
var units = words("px pt pc em rem ex ch ic lh in cm mm q deg grad rad turn fr")

// functions are those of colours, arithmetic and gradients.
var functions = words("rgb rgba hsl hsla hwb lab lch oklab oklch color-mix light-dark calc min max clamp linear-gradient radial-gradient repeating-linear-gradient repeating-radial-gradient")

func words(list string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		all[w] = true
	}
	return all
}

// declarations gives the declarations of a style that may stay, parted by ";".
func declarations(text string, picture pictureOf) string {
	l := newLexer(text)
	out, _ := block(l, picture, false)
	return out
}

// block reads declarations to the end, or to the bracket that closes them. It tells what it met last.
func block(l *lexer, picture pictureOf, inRule bool) (string, token) {
	var out strings.Builder
	for {
		name, body, end := declaration(l, inRule)
		if t := properties[name]; t != 0 {
			if v, ok := t.value(body, picture); ok {
				if out.Len() > 0 {
					out.WriteByte(';')
				}
				out.WriteString(name + ":" + v)
			}
		}
		if !end.is(";") {
			return out.String(), end
		}
	}
}

// declaration reads a name and the tokens behind its colon, up to a semicolon, the end, or within a rule the bracket that closes it. What
// is no declaration has the name "".
func declaration(l *lexer, inRule bool) (name string, body []token, end token) {
	t := skipBlank(l)
	if t.kind == tIdent {
		name, t = strings.ToLower(t.text), skipBlank(l)
	}
	if !t.is(":") {
		name = ""
	} else {
		t = l.next()
	}
	var open []string
	for ; ; t = l.next() {
		switch {
		case t.kind == tEnd:
			return name, body, t
		case len(open) == 0 && (t.is(";") || inRule && t.is("}")):
			return name, body, t
		case t.kind == tFunction, t.is("("):
			open = append(open, ")")
		case t.is("["):
			open = append(open, "]")
		case t.is("{"):
			open = append(open, "}")
		case len(open) > 0 && t.is(open[len(open)-1]):
			open = open[:len(open)-1]
		case t.kind == tBad:
			name = ""
		}
		if len(body) <= maxTokens {
			body = append(body, t)
		}
	}
}

func skipBlank(l *lexer) token {
	for {
		if t := l.next(); t.kind != tSpace {
			return t
		}
	}
}

// value writes a value anew from its tokens. It is false when one of them may not stand.
func (t trait) value(body []token, picture pictureOf) (string, bool) {
	if len(body) > maxTokens {
		return "", false
	}
	w := writer{trait: t, picture: picture}
	body = trimSpace(body)
	important := false
	if n := len(body); n >= 2 && body[n-1].kind == tIdent && strings.EqualFold(body[n-1].text, "important") {
		if rest := trimSpace(body[:n-1]); len(rest) > 0 && rest[len(rest)-1].is("!") {
			body, important = trimSpace(rest[:len(rest)-1]), true
		}
	}
	for _, token := range body {
		if !w.write(token) {
			return "", false
		}
	}
	if w.depth != 0 || w.out.Len() == 0 {
		return "", false
	}
	if important {
		w.out.WriteString("!important")
	}
	return w.out.String(), true
}

func trimSpace(body []token) []token {
	for len(body) > 0 && body[0].kind == tSpace {
		body = body[1:]
	}
	for len(body) > 0 && body[len(body)-1].kind == tSpace {
		body = body[:len(body)-1]
	}
	return body
}

// writer writes the tokens of a value.
type writer struct {
	trait   trait
	picture pictureOf
	out     strings.Builder
	depth   int // functions and brackets that are open
}

// write writes a token and tells whether it may stand there.
func (w *writer) write(t token) bool {
	switch t.kind {
	case tSpace:
		w.out.WriteByte(' ')
		return true
	case tIdent:
		return w.put(t.text, plainName(t.text) && !strings.EqualFold(t.text, "expression"))
	case tHash:
		return w.put("#"+t.text, plainName(t.text))
	case tString:
		return w.put("'"+t.text+"'", plainString(t.text))
	case tNumber, tPercentage, tDimension:
		return w.number(t)
	case tURL:
		if w.trait != withURL {
			return false
		}
		address, ok := w.picture(t.text)
		return w.put("url('"+address+"')", ok)
	case tFunction:
		w.depth++
		return w.put(t.text+"(", functions[t.text] && w.depth <= maxNested)
	case tDelim:
		return w.delim(t.text)
	}
	return false
}

func (w *writer) put(text string, ok bool) bool {
	if ok {
		w.out.WriteString(text)
	}
	return ok
}

// delim writes brackets, commas and what stands between numbers.
func (w *writer) delim(c string) bool {
	switch c {
	case "(":
		w.depth++
		return w.put(c, w.depth > 1 && w.depth <= maxNested)
	case ")":
		w.depth--
		return w.put(c, w.depth >= 0)
	case ",", "/":
		return w.put(c, true)
	case "+", "-", "*":
		return w.put(c, w.depth > 0)
	}
	return false
}

// number writes a number that is neither too large nor of a unit that we don't know.
func (w *writer) number(t token) bool {
	n, err := strconv.ParseFloat(t.text, 64)
	if err != nil || len(t.text) > 24 || n > maxLength || n < -maxLength || w.trait == positive && n < 0 {
		return false
	}
	switch t.kind {
	case tPercentage:
		return w.put(t.text+"%", true)
	case tDimension:
		return w.put(t.text+t.unit, units[t.unit])
	}
	return w.put(t.text, true)
}

// plainName tells whether a name needs no escapes.
func plainName(name string) bool {
	for _, c := range name {
		if !plainRune(c) {
			return false
		}
	}
	return name != ""
}

// plainString tells whether a text may stand in a string without escapes.
func plainString(text string) bool {
	return !slices.ContainsFunc([]rune(text), func(c rune) bool { return !plainRune(c) && !strings.ContainsRune(" .,:+", c) })
}
