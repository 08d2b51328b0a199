package sieve

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/wire/mime"
)

var (
	addTags    = []tagSpec{{name: "last"}}
	deleteTags = []tagSpec{{name: "index", value: numberArg}, {name: "last"}}
)

// protected are fields deleteheader leaves alone: they tell where a message was and that nobody wrote it
// (RFC 5293 §6), and keep it from going in circles.
var protected = []string{"received", "auto-submitted", "delivered-to", "return-path", "authentication-results", "x-loop"}

// checkFieldName checks the field name of addheader and deleteheader as far as it is known.
func checkFieldName(k *compiler, c *call) bool {
	t := &c.args[0].list[0]
	if t.constant() && !validFieldName(t.fixed) {
		k.fault(c.line, "sieve.field_name", t.fixed)
		return false
	}
	return true
}

// maxFieldName is the length of a field name; a line has 998 octets (RFC 5322 §2.1.1).
const maxFieldName = 256

// validFieldName tells whether s is a field name (RFC 5322 §2.2).
func validFieldName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ':' {
			return false
		}
	}
	return s != "" && len(s) <= maxFieldName
}

// checkAddHeader checks addheader (RFC 5293 §4).
func checkAddHeader(k *compiler, c *call) {
	if !checkFieldName(k, c) {
		return
	}
	v := &c.args[1].list[0]
	switch {
	case !v.constant():
	case !validFieldValue(v.fixed):
		k.fault(c.line, "sieve.field_value")
	case len(v.fixed) > k.limits.Field:
		k.fault(c.line, "sieve.field_long", k.limits.Field)
	}
}

// validFieldValue tells whether s can be written into a header.
func validFieldValue(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func doAddHeader(r *run, c *call) error {
	name, value := r.string(&c.args[0]), r.string(&c.args[1])
	switch {
	case !validFieldName(name):
		return r.fault(c, "sieve.field_name", name)
	case !validFieldValue(value):
		return r.fault(c, "sieve.field_value")
	case len(value) > r.limits.Field:
		return r.fault(c, "sieve.field_long", r.limits.Field)
	}
	h, err := r.message.edit()
	if err != nil {
		return err
	}
	f := newField(name, value)
	r.hold(len(f.raw))
	at := 0
	if c.has("last") {
		at = len(h.fields)
	}
	h.fields = slices.Insert(h.fields, at, f)
	return nil
}

// newField makes a field of text, in encoded words where it is not ASCII.
func newField(name, value string) *field {
	value = mime.Unfold([]byte(value))
	raw := name + ": " + mime.EncodeHeader(value, mime.UTF8) + "\r\n"
	return &field{name: name, raw: raw, unfolded: &value, decoded: &value}
}

// edit gives the root's header to be changed. Contents that were given out stay as they are.
func (m *message) edit() (*head, error) {
	h, err := m.head(m.root)
	if err != nil {
		return nil, err
	}
	m.edited, m.kept = true, nil
	return h, nil
}

// checkDeleteHeader checks deleteheader (RFC 5293 §5). Its last argument may be left out.
func checkDeleteHeader(k *compiler, c *call) {
	index := c.tag("index")
	switch {
	case index == nil && c.has("last"):
		k.fault(c.line, "sieve.tag_without", ":last", ":index")
		return
	case index != nil && (index.number == 0 || index.number > math.MaxInt32):
		k.fault(c.line, "sieve.index")
		return
	}
	if checkFieldName(k, c) {
		checkMatch(k, c)
	}
}

func doDeleteHeader(r *run, c *call) error {
	name := r.string(&c.args[0])
	if !validFieldName(name) {
		return r.fault(c, "sieve.field_name", name)
	}
	if slices.Contains(protected, strings.ToLower(name)) {
		return nil
	}
	h, err := r.message.head(r.message.root)
	if err != nil {
		return err
	}
	gone, err := r.doomed(c, pick(c, h.named(name)))
	if err != nil || len(gone) == 0 {
		return err
	}
	if h, err = r.message.edit(); err != nil {
		return err
	}
	is := make(map[*field]bool, len(gone))
	for _, f := range gone {
		is[f] = true
	}
	h.fields = slices.DeleteFunc(h.fields, func(f *field) bool { return is[f] })
	return nil
}

// doomed gives those of the fields that fit the patterns, all where there are none.
func (r *run) doomed(c *call, fields []*field) ([]*field, error) {
	if !c.args[1].set() {
		return fields, nil
	}
	if c.match.by == matchCount { // counts the fields of the name (RFC 5293 §5)
		ok, err := r.compare(c, make([]string, len(fields)))
		if !ok {
			fields = nil
		}
		return fields, err
	}
	var gone []*field
	for _, f := range fields {
		ok, err := r.compare(c, []string{f.text()})
		if err != nil {
			return nil, err
		}
		if ok {
			gone = append(gone, f)
		}
	}
	return gone, nil
}
