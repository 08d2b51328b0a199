package sieve

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// assigned gives the variable a command writes to, named by a constant string.
func (k *compiler) assigned(c *call, t *text) *reference {
	space, name, spaced := cutNamespace(t.fixed)
	switch {
	case !k.has("variables"):
		k.fault(c.line, "sieve.needs_variables", c.name)
	case !t.constant() || !validVariable(name):
		k.fault(c.line, "sieve.variable_name", t.written())
	case spaced:
		ref, ok := k.spaced(space, name, c.line)
		if ok {
			return ref
		}
		k.fault(c.line, "sieve.variable_name", t.fixed)
	default:
		ref := k.variable(name, c.line)
		k.declared[ref.name] = true
		return ref
	}
	return &reference{}
}

// written gives a text as it is written, with its references.
func (t *text) written() string {
	if t.constant() {
		return t.fixed
	}
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.ref == nil:
			b.WriteString(p.fixed)
		case p.ref.kind == matchRef:
			b.WriteString("${" + strconv.Itoa(p.ref.slot) + "}")
		default:
			b.WriteString("${" + p.ref.name + "}")
		}
	}
	return b.String()
}

// checkSet checks the variable of set (RFC 5229 §4).
func checkSet(k *compiler, c *call) { c.extra = k.assigned(c, &c.args[0].list[0]) }

func doSet(r *run, c *call) error {
	v := r.string(&c.args[1])
	r.cost(len(v))
	r.assign(c.extra.(*reference), r.modify(c, v))
	return nil
}

// assign sets a variable. What does not fit is cut off, at the end of a character (RFC 5229 §3.1).
func (r *run) assign(ref *reference, v string) {
	v = truncate(v, r.limits.Variable)
	r.hold(len(v) - len(r.value(ref)))
	if ref.kind == globalRef {
		r.globals[ref.name] = v
		return
	}
	r.frame.variables[ref.slot] = v
}

// truncate cuts s to a length in octets, at the end of a character.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// modifiers are those of set, in the order in which they are done (RFC 5229 §4.1, RFC 5435 §6).
var modifiers = []struct {
	name string
	do   func(s string, longest int) string
}{
	{"lower", func(s string, _ int) string { return lowerASCII(s) }},
	{"upper", func(s string, _ int) string { return upperASCII(s) }},
	{"lowerfirst", func(s string, _ int) string { return first(s, lowerASCII) }},
	{"upperfirst", func(s string, _ int) string { return first(s, upperASCII) }},
	{"quotewildcard", func(s string, n int) string { return escape(s, `*?\`, n) }},
	{"quoteregex", func(s string, n int) string { return escape(s, `.*+?^$|()[]{}\`, n) }},
	{"encodeurl", encodeURL},
	{"length", func(s string, _ int) string { return strconv.Itoa(utf8.RuneCountInString(s)) }},
}

// modify does the modifiers a call names.
func (r *run) modify(c *call, s string) string {
	for _, m := range modifiers {
		if c.has(m.name) {
			s = m.do(s, r.limits.Variable)
			r.cost(len(s))
		}
	}
	return s
}

// first changes the first character.
func first(s string, change func(string) string) string {
	n := min(1, len(s))
	return change(s[:n]) + s[n:]
}

// escape puts a backslash before the characters of a set. What grows beyond the longest is cut between characters.
func escape(s, set string, longest int) string {
	var b strings.Builder
	for _, r := range s {
		piece := string(r)
		if r < 0x80 && strings.ContainsRune(set, r) {
			piece = `\` + piece
		}
		if b.Len()+len(piece) > longest {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

// encodeURL escapes everything but unreserved characters (RFC 5435 §6, RFC 3986 §2.3).
func encodeURL(s string, longest int) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		piece := string([]byte{'%', hex[c>>4], hex[c&15]})
		if unreserved(c) {
			piece = string(rune(c))
		}
		if b.Len()+len(piece) > longest {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || digit(c) || strings.IndexByte("-._~", c) >= 0
}
