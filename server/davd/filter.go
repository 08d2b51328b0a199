package davd

import (
	"net/http"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/wire/vcard"
)

// Limits of filters.
const (
	maxFilters = 64   // conditions
	maxMatch   = 1024 // octets of a text that is looked for
)

// filter is what a card must be like (RFC 6352 §10.5).
type filter struct {
	all   bool // every condition, not one of them
	props []propFilter
}

// propFilter is a condition on the properties of a name.
type propFilter struct {
	name    string
	all     bool
	missing bool
	texts   []textMatch
	params  []paramFilter
}

// paramFilter is a condition on a parameter.
type paramFilter struct {
	name    string
	missing bool
	text    *textMatch
}

// textMatch compares a text.
type textMatch struct {
	want   string // in the form of fold
	fold   func(string) string
	how    string // "contains", "equals", "starts-with", "ends-with"
	negate bool
}

// readFilter reads a filter; nil for none. 403 with the precondition that is not met for what we don't know.
func readFilter(e *element) (*filter, error) {
	if e == nil {
		return nil, nil
	}
	f := &filter{all: e.attribute("test") == "allof"}
	left := maxFilters
	for _, c := range e.children {
		if c.Name != carded("prop-filter") {
			return nil, precondition(http.StatusForbidden, cardNS, "supported-filter")
		}
		p, err := readPropFilter(c, &left)
		if err != nil {
			return nil, err
		}
		f.props = append(f.props, p)
	}
	return f, nil
}

func readPropFilter(e *element, left *int) (p propFilter, err error) {
	p = propFilter{name: strings.ToUpper(e.attribute("name")), all: e.attribute("test") == "allof"}
	unknown := precondition(http.StatusForbidden, cardNS, "supported-filter")
	if *left--; *left < 0 || p.name == "" {
		return p, unknown
	}
	for _, c := range e.children {
		if *left--; *left < 0 {
			return p, unknown
		}
		switch c.Name {
		case carded("is-not-defined"):
			p.missing = true
		case carded("text-match"):
			m, err := readMatch(c)
			if err != nil {
				return p, err
			}
			p.texts = append(p.texts, m)
		case carded("param-filter"):
			q := paramFilter{name: strings.ToUpper(c.attribute("name")), missing: c.child(cardNS, "is-not-defined") != nil}
			if t := c.child(cardNS, "text-match"); t != nil {
				m, err := readMatch(t)
				if err != nil {
					return p, err
				}
				q.text = &m
			}
			p.params = append(p.params, q)
		default:
			return p, unknown
		}
	}
	return p, nil
}

// collations fold texts. "default" and i;unicode-casemap compare as all of Tegami does: kana of any width, hiragana and katakana alike.
var collations = map[string]func(string) string{
	"": directory.Folded, "default": directory.Folded, "i;unicode-casemap": directory.Folded,
	"i;ascii-casemap": asciiLower, "i;octet": func(s string) string { return s },
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func readMatch(e *element) (m textMatch, err error) {
	m = textMatch{fold: collations[e.attribute("collation")], how: e.attribute("match-type"), negate: e.attribute("negate-condition") == "yes"}
	if m.fold == nil {
		return m, precondition(http.StatusForbidden, cardNS, "supported-collation")
	}
	if m.how == "" {
		m.how = "contains"
	}
	if !slices.Contains([]string{"contains", "equals", "starts-with", "ends-with"}, m.how) || len(e.text) > maxMatch {
		return m, precondition(http.StatusForbidden, cardNS, "supported-filter")
	}
	m.want = m.fold(e.text)
	return m, nil
}

func (m *textMatch) holds(s string) bool {
	s = m.fold(s)
	is := false
	switch m.how {
	case "equals":
		is = s == m.want
	case "starts-with":
		is = strings.HasPrefix(s, m.want)
	case "ends-with":
		is = strings.HasSuffix(s, m.want)
	default:
		is = strings.Contains(s, m.want)
	}
	return is != m.negate
}

// holds tells whether a card fits.
func (f *filter) holds(v *vcard.VCard) bool {
	for i := range f.props {
		if is := f.props[i].holds(v); is != f.all {
			return is
		}
	}
	return f.all || len(f.props) == 0
}

// holds tells whether the properties of a name are there and one of them fits, or that there are none where that is asked for.
func (p *propFilter) holds(v *vcard.VCard) bool {
	found := false
	for i := range v.Properties {
		if one := &v.Properties[i]; one.Name == p.name {
			found = true
			if !p.missing && p.fits(one) {
				return true
			}
		}
	}
	return p.missing && !found
}

func (p *propFilter) fits(one *vcard.Property) bool {
	if len(p.texts)+len(p.params) == 0 {
		return true
	}
	text := one.Text()
	for i := range p.texts {
		if is := p.texts[i].holds(text); is != p.all {
			return is
		}
	}
	for i := range p.params {
		if is := p.params[i].holds(one); is != p.all {
			return is
		}
	}
	return p.all
}

func (f *paramFilter) holds(p *vcard.Property) bool {
	for _, q := range p.Params {
		if q.Name != f.name {
			continue
		}
		if f.missing {
			return false
		}
		if f.text == nil || slices.ContainsFunc(q.Values, f.text.holds) {
			return true
		}
	}
	return f.missing
}
