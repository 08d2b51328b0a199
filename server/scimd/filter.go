package scimd

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Limits of filters.
const (
	maxFilter = 4096 // octets
	maxDepth  = 16   // of brackets
	maxTerms  = 64   // comparisons
)

// object is a resource, or a complex value of one.
type object = map[string]any

// A filter is a condition (RFC 7644 §3.4.2.2).
type filter interface{ match(object) bool }

// Kinds of filters.
type (
	allOf struct{ left, right filter }
	anyOf struct{ left, right filter }
	no    struct{ of filter }
	// compare compares the values of an attribute with one.
	compare struct {
		path  path
		op    string // lower case; "pr" has no value
		value any    // string, float64, bool or nil
	}
	// has tells whether one of the values of an attribute meets a condition.
	has struct {
		path path
		of   filter
	}
)

func (f allOf) match(o object) bool { return f.left.match(o) && f.right.match(o) }
func (f anyOf) match(o object) bool { return f.left.match(o) || f.right.match(o) }
func (f no) match(o object) bool    { return !f.of.match(o) }

func (f has) match(o object) bool {
	for _, v := range f.path.values(o) {
		if part, ok := v.(object); ok && f.of.match(part) {
			return true
		}
	}
	return false
}

func (f compare) match(o object) bool {
	values := f.path.values(o)
	switch f.op {
	case "pr":
		return len(values) > 0
	case "ne":
		return !f.any(values, "eq")
	}
	return f.any(values, f.op)
}

// any tells whether one of the values compares so. Of a complex one its "value" is looked at.
func (f compare) any(values []any, op string) bool {
	if len(values) == 0 {
		return op == "eq" && f.value == nil
	}
	for _, v := range values {
		if part, ok := v.(object); ok {
			v = part["value"]
		}
		if holds(v, op, f.value, f.path.exact()) {
			return true
		}
	}
	return false
}

// holds compares two values.
func holds(have any, op string, want any, exact bool) bool {
	switch have := have.(type) {
	case string:
		w, ok := want.(string)
		if !exact {
			have, w = strings.ToLower(have), strings.ToLower(w)
		}
		return ok && holdsText(have, op, w)
	case bool:
		w, ok := want.(bool)
		return ok && op == "eq" && have == w
	case float64:
		w, ok := want.(float64)
		return ok && ordered(op, have < w, have == w)
	}
	return op == "eq" && have == nil && want == nil
}

func holdsText(have, op, want string) bool {
	switch op {
	case "co":
		return strings.Contains(have, want)
	case "sw":
		return strings.HasPrefix(have, want)
	case "ew":
		return strings.HasSuffix(have, want)
	}
	return ordered(op, have < want, have == want)
}

func ordered(op string, less, same bool) bool {
	switch op {
	case "eq":
		return same
	case "gt":
		return !less && !same
	case "ge":
		return !less
	case "lt":
		return less
	case "le":
		return less || same
	}
	return false
}

// path names an attribute: the URN of an extension, the attribute, a part of it. All are in lower case.
type path struct{ schema, attr, sub string }

// exact tells whether the attribute's case counts (RFC 7643 §7 caseExact).
func (p path) exact() bool { return p.attr == "id" || p.attr == "externalid" || p.attr == "meta" }

// values gives the values that stand at a path, each of a list by itself.
func (p path) values(o object) []any {
	if p.schema != "" {
		inner, ok := field(o, p.schema).(object)
		if !ok {
			return nil
		}
		o = inner
	}
	all := each(field(o, p.attr))
	if p.sub == "" {
		return all
	}
	var parts []any
	for _, v := range all {
		if part, ok := v.(object); ok {
			parts = append(parts, each(field(part, p.sub))...)
		}
	}
	return parts
}

// field gives an attribute whatever its case.
func field(o object, name string) any { return o[nameIn(o, name)] }

// nameIn is an attribute's name as the object writes it, or as it is asked for.
func nameIn(o object, name string) string {
	if _, ok := o[name]; ok {
		return name
	}
	for k := range o {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

// each takes a list apart; nothing and an empty text are no value (RFC 7643 §2.5).
func each(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
	case []any:
		return v
	}
	return []any{v}
}

// parser reads filters and paths.
type parser struct {
	text  string
	depth int
	terms int
}

// parseFilter reads a filter. Invalid "scim.filter".
func parseFilter(text string) (filter, error) {
	p := &parser{text: text}
	if len(text) > maxFilter || !utf8.ValidString(text) {
		return nil, p.bad()
	}
	f, err := p.or()
	if err == nil && p.skip() != "" {
		err = p.bad()
	}
	return f, err
}

func (p *parser) bad() error { return mail.E("scimd.filter", mail.Invalid, "scim.filter") }

// skip leaves out spaces, and gives what is left.
func (p *parser) skip() string {
	p.text = strings.TrimLeft(p.text, " ")
	return p.text
}

// word takes a word if it comes next, as one by itself.
func (p *parser) word(w string) bool {
	rest := p.skip()
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	if after := rest[len(w):]; after != "" && !strings.ContainsRune(" ()]", rune(after[0])) {
		return false
	}
	p.text = rest[len(w):]
	return true
}

// or reads what "and" binds more tightly than.
func (p *parser) or() (filter, error) {
	f, err := p.and()
	for err == nil && p.word("or") {
		var right filter
		right, err = p.and()
		f = anyOf{f, right}
	}
	return f, err
}

func (p *parser) and() (filter, error) {
	f, err := p.one()
	for err == nil && p.word("and") {
		var right filter
		right, err = p.one()
		f = allOf{f, right}
	}
	return f, err
}

// one reads a comparison, something in brackets, or either of them denied.
func (p *parser) one() (filter, error) {
	if p.word("not") {
		if !strings.HasPrefix(p.skip(), "(") {
			return nil, p.bad()
		}
		f, err := p.one()
		return no{f}, err
	}
	if strings.HasPrefix(p.skip(), "(") {
		return p.within("(", ")")
	}
	at, err := p.path()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(p.text, "[") && at.sub == "" {
		f, err := p.within("[", "]")
		return has{at, f}, err
	}
	return p.comparison(at)
}

// within reads a filter in brackets.
func (p *parser) within(open, end string) (filter, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.bad()
	}
	p.text = strings.TrimPrefix(p.text, open)
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(p.skip(), end)
	if !ok {
		return nil, p.bad()
	}
	p.text = rest
	p.depth--
	return f, nil
}

// operators are those that take a value.
var operators = []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}

// comparison reads what stands behind an attribute.
func (p *parser) comparison(at path) (filter, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, p.bad()
	}
	if p.word("pr") {
		return compare{path: at, op: "pr"}, nil
	}
	for _, op := range operators {
		if p.word(op) {
			v, err := p.value()
			return compare{at, op, v}, err
		}
	}
	return nil, p.bad()
}

// value reads a value: JSON, but no list and no object.
func (p *parser) value() (any, error) {
	rest := p.skip()
	if strings.HasPrefix(rest, `"`) {
		return p.quoted(rest)
	}
	end := strings.IndexAny(rest+" ", " )]")
	word := rest[:end]
	p.text = rest[end:]
	switch strings.ToLower(word) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil || n != n {
		return nil, p.bad()
	}
	return n, nil
}

// quoted reads a JSON string.
func (p *parser) quoted(rest string) (any, error) {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			p.text = rest[i+1:]
			var s string
			if json.Unmarshal([]byte(rest[:i+1]), &s) != nil {
				return nil, p.bad()
			}
			return s, nil
		}
	}
	return nil, p.bad()
}

// path reads the name of an attribute (RFC 7644 §3.10).
func (p *parser) path() (at path, err error) {
	rest := p.skip()
	end := strings.IndexAny(rest+" ", " [()]")
	name := strings.ToLower(rest[:end])
	p.text = rest[end:]
	if strings.HasPrefix(name, "urn:") {
		cut := strings.LastIndexByte(name, ':')
		at.schema, name = name[:cut], name[cut+1:]
		if core(at.schema) {
			at.schema = ""
		} else if known, ok := extension(at.schema + ":" + name); ok { // the extension as a whole
			at.schema, name = "", known
		}
	}
	at.attr, at.sub, _ = strings.Cut(name, ".")
	if strings.HasPrefix(name, "urn:") {
		at.attr, at.sub = name, ""
		return at, nil
	}
	if !isName(at.attr) || at.sub != "" && !isName(at.sub) || strings.HasSuffix(name, ".") {
		return at, p.bad()
	}
	return at, nil
}

// isName tells whether a text is the name of an attribute (RFC 7643 §2.1), or "$ref".
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) && !(i == 0 && c == '$') {
			return false
		}
	}
	return s != ""
}
