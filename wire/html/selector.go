package html

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// scope is what stands before every selector.
const scope = "." + classMail

// pseudo are the conditions of selectors that stay.
var pseudo = words("link visited hover active focus first-child last-child only-child first-of-type last-of-type first-letter first-line before after empty root")

// scoped writes a list of selectors so that each meets only what stands in the document. Those that can't be written so are left out;
// "" when none remains.
func scoped(head []token) string {
	var out []string
	begin := 0
	for i := 0; i <= len(head); i++ {
		if i < len(head) && !head[i].is(",") {
			continue
		}
		if one, ok := selector(trimSpace(head[begin:i])); ok {
			out = append(out, one)
		}
		begin = i + 1
	}
	return strings.Join(out, ",")
}

// selector writes one selector.
func selector(tokens []token) (string, bool) {
	var parts []string // compounds and what combines them, in turn
	compound, combine := "", ""
	flush := func() {
		if compound != "" {
			parts = append(parts, compound)
		}
		compound = ""
	}
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.kind == tSpace || t.is(">") || t.is("+") || t.is("~"):
			flush()
			if t.kind == tSpace {
				if combine == "" {
					combine = " "
				}
				continue
			}
			if combine == ">" || combine == "+" || combine == "~" {
				return "", false
			}
			combine = t.text
			continue
		case compound == "" && len(parts) > 0:
			if combine == "" {
				return "", false
			}
			parts = append(parts, combine)
		case compound == "" && combine != "" && combine != " ":
			return "", false
		}
		combine = ""
		text, used, ok := simple(tokens[i:], compound == "")
		if !ok {
			return "", false
		}
		compound += text
		i += used - 1
	}
	flush()
	return withScope(parts, combine)
}

// simple reads one simple selector and tells how many tokens it is.
func simple(tokens []token, first bool) (text string, used int, ok bool) {
	t := tokens[0]
	var next token
	if len(tokens) > 1 {
		next = tokens[1]
	}
	switch {
	case t.kind == tIdent && first:
		name := strings.ToLower(t.text)
		if name == "body" || name == "html" {
			return scope, 1, true
		}
		return name, 1, elements[atom.Lookup([]byte(name))] == taken
	case t.is("*") && first:
		return "*", 1, true
	case t.kind == tHash:
		name, ok := named(t.text)
		return "#" + name, 1, ok
	case t.is(".") && next.kind == tIdent:
		if next.text == classMail {
			return scope, 2, true
		}
		name, ok := named(next.text)
		return "." + name, 2, ok
	case t.is(":") && next.kind == tIdent:
		name := strings.ToLower(next.text)
		if name == "root" {
			return scope, 2, first
		}
		return ":" + name, 2, pseudo[name]
	}
	return "", 0, false
}

// withScope puts the scope before a selector that does not begin with it.
func withScope(parts []string, open string) (string, bool) {
	for len(parts) > 2 && parts[0] == scope && strings.HasPrefix(parts[2], scope) { // "html body p"
		parts = parts[2:]
	}
	switch {
	case len(parts) == 0, open != "" && open != " ":
		return "", false
	case parts[0] == scope, strings.HasPrefix(parts[0], scope) && !nameByte(parts[0][len(scope)]):
		return strings.Join(parts, ""), true
	}
	return scope + " " + strings.Join(parts, ""), true
}
