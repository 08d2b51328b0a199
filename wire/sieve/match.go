package sieve

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// matchType is how a value is compared with a key (RFC 5228 §2.7.1).
type matchType uint8

const (
	matchIs matchType = iota
	matchContains
	matchMatches
	matchRegex
	matchList
	matchCount
	matchValue
)

var matchTypes = map[string]matchType{
	"is": matchIs, "contains": matchContains, "matches": matchMatches, "regex": matchRegex,
	"list": matchList, "count": matchCount, "value": matchValue,
}

// match is how a test compares.
type match struct {
	by       matchType
	relation string // of :count and :value (RFC 5231 §4)
	comparator
	keys []key // what is known of the keys when the script is compiled
	mute bool  // it sets no match variables (RFC 5173 §6)
}

// key is a key that is the same in every run, ready to be compared with.
type key struct {
	folded string
	glob   glob
	regex  *pattern
}

// pattern is a compiled regular expression.
type pattern struct {
	*regexp.Regexp
	weight int // of its program, in instructions
}

// checkMatch makes the match of a call whose last parameter is its keys.
func checkMatch(k *compiler, c *call) {
	m := &match{comparator: *asciiCasemap}
	if v := c.tag("comparator"); v != nil && !k.comparator(m, c, v.list[0].fixed) {
		return
	}
	for name, by := range matchTypes {
		if v := c.tag(name); v != nil {
			m.by = by
			if v.set() {
				m.relation = strings.ToLower(v.list[0].fixed)
			}
		}
	}
	if !m.valid(k, c) {
		return
	}
	c.match = m
	k.keys(c, m)
}

// comparator finds the comparator a call names.
func (k *compiler) comparator(m *match, c *call, name string) bool {
	found := findComparator(name)
	switch {
	case found == nil:
		k.fault(c.line, "sieve.unknown_comparator", name)
		return false
	case !k.has("comparator-" + name):
		k.fault(c.line, "sieve.comparator_needs_require", name)
		return false
	}
	m.comparator = *found
	return true
}

// valid tells whether the match type and the comparator go together.
func (m *match) valid(k *compiler, c *call) bool {
	switch {
	case (m.by == matchContains || m.by == matchMatches || m.by == matchRegex) && m.fold == nil:
		k.fault(c.line, "sieve.comparator_substring", m.name)
	case m.by == matchList && c.has("comparator"):
		k.fault(c.line, "sieve.comparator_list")
	case (m.by == matchCount || m.by == matchValue) && !slices.Contains(relations, m.relation):
		k.fault(c.line, "sieve.relation", m.relation)
	default:
		return true
	}
	return false
}

// relations are those of :count and :value (RFC 5231 §4.1).
var relations = []string{"gt", "ge", "lt", "le", "eq", "ne"}

// keys makes the keys ready, as far as they are the same in every run.
func (k *compiler) keys(c *call, m *match) {
	list := c.args[len(c.args)-1].list
	m.keys = make([]key, len(list))
	for i := range list {
		t := &list[i]
		if !t.constant() {
			continue
		}
		if k.weight > maxRegexWeights || !k.faults.more() {
			break // the script is refused: no more is made of it
		}
		var err error
		if m.keys[i], err = m.key(t.fixed, k.limits.Regex); err != nil {
			k.fault(c.line, "sieve.regex", t.fixed, err)
			continue
		}
		if p := m.keys[i].regex; p != nil {
			k.weight += p.weight
		}
	}
	if k.weight > maxRegexWeights {
		k.faultOnce(c.line, "sieve.regex_heavy")
	}
}

// key makes a key ready. The error tells what is wrong with a regular expression.
func (m *match) key(s string, longest int) (key, error) {
	switch m.by {
	case matchIs, matchContains:
		if m.fold == nil {
			return key{folded: s}, nil
		}
		return key{folded: m.fold(s).text}, nil
	case matchMatches:
		return key{glob: parseGlob(m.fold(s).text)}, nil
	case matchRegex:
		p, err := compileRegex(s, m.caseless, longest)
		return key{regex: p}, err
	}
	return key{}, nil
}

// ready gives the key in this run. It is not ok when it is no regular expression.
func (r *run) ready(c *call, i int) (k key, ok bool, err error) {
	t := &c.args[len(c.args)-1].list[i]
	if t.constant() {
		return c.match.keys[i], true, nil
	}
	s := r.text(t)
	r.cost(len(s))
	k, wrong := c.match.key(s, r.limits.Regex)
	if wrong != nil {
		r.warn(c, "sieve.regex", s, wrong)
		return key{}, false, r.spend(c, askCost)
	}
	r.borrow(len(s))
	if k.regex != nil {
		r.cost(k.regex.weight * compileCost)
		r.borrow(k.regex.weight * instructionSize)
	}
	return k, true, r.spend(c, 0)
}

// compare tells whether a value fits a key of the call. It stops at the first, value by value (RFC 5228 §2.7.1).
func (r *run) compare(c *call, values []string) (bool, error) {
	switch c.match.by {
	case matchCount:
		return r.related(c, []string{strconv.Itoa(len(values))})
	case matchList:
		return r.listed(c, values)
	case matchValue:
		return r.related(c, values)
	}
	keys := make([]key, 0, len(c.match.keys))
	for i := range c.match.keys {
		k, ok, err := r.ready(c, i)
		if err != nil {
			return false, err
		}
		if ok {
			keys = append(keys, k)
		}
	}
	for _, v := range values {
		if r.fits(c.match, v, keys) {
			return true, r.spend(c, 0)
		}
	}
	return false, r.spend(c, 0)
}

// fits compares one value with the keys, as long as there are steps left.
func (r *run) fits(m *match, value string, keys []key) bool {
	var f folded
	if m.fold != nil && m.by != matchRegex {
		f = m.fold(value)
	}
	for _, k := range keys {
		if !r.affords(len(value) + comparisonCost) {
			return false
		}
		ok := false
		switch {
		case m.by == matchRegex:
			ok = r.fitsRegex(m, value, k.regex)
		case m.by == matchMatches:
			ok = r.fitsGlob(m, value, f, k.glob)
		case m.by == matchContains:
			ok = strings.Contains(f.text, k.folded)
		case m.fold == nil:
			ok = m.comparator.compare(value, k.folded) == 0
		default:
			ok = f.text == k.folded
		}
		if ok {
			return true
		}
	}
	return false
}

// fitsGlob matches a pattern and keeps what its wildcards stand for.
func (r *run) fitsGlob(m *match, value string, f folded, g glob) bool {
	if !r.affords(len(value) * g.weight()) {
		return false
	}
	spans, ok := g.match(f.text)
	if !ok || m.mute {
		return ok
	}
	all := append(make([]string, 0, 1+len(spans)), value)
	for _, s := range spans[:min(len(spans), MaxMatchValue)] {
		all = append(all, value[f.origin(s.from):f.origin(s.to)])
	}
	r.matches = all
	return true
}

// fitsRegex matches a regular expression and keeps its groups.
func (r *run) fitsRegex(m *match, value string, p *pattern) bool {
	if !r.affords(len(value) * p.weight * threadCost) {
		return false
	}
	groups := p.FindStringSubmatch(value)
	if groups == nil || m.mute {
		return groups != nil
	}
	r.matches = groups[:min(len(groups), MaxMatchValue+1)]
	return true
}

// related compares values with the keys by the relation (RFC 5231 §4), as long as there are steps left.
func (r *run) related(c *call, values []string) (bool, error) {
	keys := r.strings(&c.args[len(c.args)-1])
	for _, v := range values {
		for _, k := range keys {
			if !r.affords(len(v) + len(k) + comparisonCost) {
				return false, r.spend(c, 0)
			}
			if relates(c.match.comparator.compare(v, k), c.match.relation) {
				return true, r.spend(c, 0)
			}
		}
	}
	return false, r.spend(c, 0)
}

func relates(order int, relation string) bool {
	switch relation {
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	case "eq":
		return order == 0
	}
	return order != 0
}

// listed asks the host whether a value is on a list (RFC 6134 §2.4). Of the match variables only ${0} is set.
func (r *run) listed(c *call, values []string) (bool, error) {
	lists := r.strings(&c.args[len(c.args)-1])
	for _, v := range values {
		for _, list := range lists {
			if err := r.spend(c, askCost); err != nil {
				return false, err
			}
			ok, err := r.host.InList(r.ctx, listName(list), v)
			if ok {
				r.matches = []string{v}
			}
			if ok || err != nil {
				return ok, hostError(err)
			}
		}
	}
	return false, nil
}

// listName writes a list's name in its long form: ":addrbook:default" is short for
// "urn:ietf:params:sieve:addrbook:default" (RFC 6134 §2.3).
func listName(s string) string {
	if strings.HasPrefix(s, ":") {
		return "urn:ietf:params:sieve" + s
	}
	return s
}
