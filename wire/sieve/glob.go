package sieve

import (
	"strings"
	"unicode/utf8"
)

// glob is a pattern of :matches (RFC 5228 §2.7.1): groups with a star between each two of them.
type glob []group

// group is what stands between two stars.
type group []item

// item is text, or with "any" one character.
type item struct {
	text string
	any  bool
}

// span is a piece of a subject that a wildcard stands for.
type span struct{ from, to int }

// parseGlob reads a pattern. A backslash takes the meaning off a character.
func parseGlob(pattern string) glob {
	g := glob{nil}
	for pattern != "" {
		last := &g[len(g)-1]
		switch i := strings.IndexAny(pattern, `*?\`); {
		case i < 0:
			last.add(pattern)
			return g
		case i > 0:
			last.add(pattern[:i])
			pattern = pattern[i:]
		case pattern[0] == '*':
			g = append(g, nil)
			pattern = pattern[1:]
		case pattern[0] == '?':
			*last = append(*last, item{any: true})
			pattern = pattern[1:]
		default:
			n := min(2, len(pattern))
			last.add(pattern[n-1 : n])
			pattern = pattern[n:]
		}
	}
	return g
}

// add adds text.
func (g *group) add(text string) {
	if n := len(*g); n > 0 && !(*g)[n-1].any {
		(*g)[n-1].text += text
		return
	}
	*g = append(*g, item{text: text})
}

// weight is how often one character of a subject may be looked at, at worst.
func (g glob) weight() int {
	n := len(g)
	for _, group := range g {
		for _, it := range group {
			if len(group) > 1 { // one text alone is searched in one go
				n += 1 + len(it.text)
			}
		}
	}
	return n
}

// match matches the whole subject and gives what each wildcard stands for. A star stands for as little as
// it can, the first before the others (RFC 5229 §3.2).
func (g glob) match(s string) (values []span, ok bool) {
	values, at, ok := g[0].at(s, 0, nil)
	if !ok || len(g) == 1 {
		return values, ok && at == len(s)
	}
	for _, group := range g[1 : len(g)-1] {
		if values, at, ok = group.find(s, at, values); !ok {
			return nil, false
		}
	}
	last := g[len(g)-1]
	start, ok := last.start(s)
	if !ok || start < at {
		return nil, false
	}
	values, _, ok = last.at(s, start, append(values, span{at, start}))
	return values, ok
}

// at matches the group at a place of s. It adds what its wildcards stand for and gives the place behind it.
func (g group) at(s string, at int, values []span) (_ []span, end int, ok bool) {
	for _, it := range g {
		switch {
		case !it.any && strings.HasPrefix(s[at:], it.text):
			at += len(it.text)
		case it.any && at < len(s):
			_, n := utf8.DecodeRuneInString(s[at:])
			values = append(values, span{at, at + n})
			at += n
		default:
			return nil, 0, false
		}
	}
	return values, at, true
}

// find matches the group at the first place from on where it can, behind a star that stands for what is passed over.
func (g group) find(s string, from int, values []span) (_ []span, end int, ok bool) {
	for start := from; start <= len(s); {
		if len(g) > 0 && !g[0].any {
			i := strings.Index(s[start:], g[0].text)
			if i < 0 {
				break
			}
			start += i
		}
		if found, end, ok := g.at(s, start, append(values, span{from, start})); ok {
			return found, end, true
		}
		_, n := utf8.DecodeRuneInString(s[start:])
		start += max(n, 1)
	}
	return nil, 0, false
}

// start gives the place where the group has to begin to end with s.
func (g group) start(s string) (int, bool) {
	at := len(s)
	for i := len(g) - 1; i >= 0; i-- {
		switch it := g[i]; {
		case !it.any && strings.HasSuffix(s[:at], it.text):
			at -= len(it.text)
		case it.any && at > 0:
			_, n := utf8.DecodeLastRuneInString(s[:at])
			at -= n
		default:
			return 0, false
		}
	}
	return at, true
}
