package sieve

import (
	"strings"

	"tegami/wire/mime"
)

// sizeTags are those of the test size (RFC 5228 §5.9).
var sizeTags = []tagSpec{{name: "over", group: "size"}, {name: "under", group: "size"}}

func checkSize(k *compiler, c *call) {
	if len(c.given) == 0 {
		k.fault(c.line, "sieve.size_which")
	}
}

func testSize(r *run, c *call) (bool, error) {
	size, limit := uint64(r.total()), c.args[0].number
	if c.has("over") {
		return size > limit, nil
	}
	return size < limit, nil
}

// checkHeader checks the test header (RFC 5228 §5.7) with its options (RFC 5260 §6, RFC 5703 §4.1).
func checkHeader(k *compiler, c *call) {
	k.options(c)
	checkMatch(k, c)
}

// checkExists checks the test exists (RFC 5228 §5.5).
func checkExists(k *compiler, c *call) { k.options(c) }

// mimeOptions are the tags that say what of a field of a MIME part is looked at (RFC 5703 §4.1).
var mimeOptions = []string{"type", "subtype", "contenttype", "param"}

// options checks tags that need another one.
func (k *compiler) options(c *call) {
	if !c.has("mime") {
		for _, name := range append([]string{"anychild"}, mimeOptions...) {
			if c.has(name) {
				k.fault(c.line, "sieve.tag_without", ":"+name, ":mime")
				return
			}
		}
	}
	k.indexed(c)
}

// indexed checks :index and :last (RFC 5260 §6).
func (k *compiler) indexed(c *call) {
	index := c.tag("index")
	switch {
	case index == nil && c.has("last"):
		k.fault(c.line, "sieve.tag_without", ":last", ":index")
	case index != nil && (index.number == 0 || index.number > maxIndex):
		k.fault(c.line, "sieve.index")
	}
}

// maxIndex is the highest :index; no header has so many fields.
const maxIndex = 1 << 20

// pick gives the field that :index names, or all (RFC 5260 §6).
func pick(c *call, fields []*field) []*field {
	v := c.tag("index")
	if v == nil {
		return fields
	}
	i := int(v.number) - 1
	if c.has("last") {
		i = len(fields) - 1 - i
	}
	if i < 0 || i >= len(fields) {
		return nil
	}
	return fields[i : i+1]
}

// heads gives the headers a test looks at: the message's, or with :mime those of parts (RFC 5703 §4).
func (r *run) heads(c *call) ([]*head, error) {
	part := r.message.root
	if c.has("mime") {
		part = r.part()
	}
	if !c.has("anychild") {
		h, err := r.message.head(part)
		return []*head{h}, err
	}
	var all []*head
	var err error
	part.Walk(func(p *mime.Part) bool {
		var h *head
		if h, err = r.message.head(p); err == nil {
			all = append(all, h)
		}
		return err == nil
	})
	r.cost(int(part.BodyEnd - part.HeaderStart))
	return all, err
}

// fields gives the fields of the names a test lists, name by name.
func (r *run) fields(c *call, names []string) ([]*field, error) {
	heads, err := r.heads(c)
	if err != nil {
		return nil, err
	}
	var all []*field
	for _, name := range names {
		for _, h := range heads {
			found := h.named(name)
			if !r.affords(8*len(h.fields)) || !r.borrow(gatheredSize*len(found)) {
				return nil, r.spend(c, 0)
			}
			all = append(all, pick(c, found)...)
		}
	}
	return all, nil
}

func testHeader(r *run, c *call) (bool, error) {
	fields, err := r.fields(c, r.strings(&c.args[0]))
	if err != nil {
		return false, err
	}
	var values []string
	for _, f := range fields {
		values = r.mimeValues(c, f, values)
	}
	return r.compare(c, values)
}

// mimeValues adds what a test looks at of a field: its text, or what an option of :mime says.
func (r *run) mimeValues(c *call, f *field, values []string) []string {
	if !c.has("mime") {
		return append(values, f.text())
	}
	main, params := mime.ParseParams(f.value())
	main = strings.ToLower(main)
	typ, subtype, _ := strings.Cut(main, "/")
	switch names := c.tag("param"); {
	case names != nil:
		return r.paramValues(names, params, values)
	case c.has("type"):
		return append(values, typ)
	case c.has("subtype"):
		return append(values, subtype)
	case c.has("contenttype"):
		return append(values, main)
	}
	return append(values, f.text())
}

// paramValues adds the values of parameters, as long as there is room for them.
func (r *run) paramValues(names *value, params []mime.Param, values []string) []string {
	for _, name := range r.strings(names) {
		if !r.affords(8*len(params) + comparisonCost) {
			break // told when the test is done
		}
		for _, p := range params {
			if strings.EqualFold(p.Name, name) && r.borrow(gatheredSize) {
				values = append(values, p.Value)
			}
		}
	}
	return values
}

func testExists(r *run, c *call) (bool, error) {
	heads, err := r.heads(c)
	if err != nil {
		return false, err
	}
	for _, name := range r.strings(&c.args[0]) {
		found := false
		for _, h := range heads {
			if !r.affords(8*len(h.fields) + comparisonCost) {
				return false, r.spend(c, 0)
			}
			found = found || len(h.named(name)) > 0
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}

// testString compares strings of the script (RFC 5229 §5). An empty one does not count (RFC 5231 §4.1).
func testString(r *run, c *call) (bool, error) {
	values := r.strings(&c.args[0])
	if c.match.by == matchCount {
		values = withoutEmpty(values)
	}
	return r.compare(c, values)
}

func withoutEmpty(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// testEnvironment compares an item of the environment (RFC 5183 §4). An unknown one fits nothing.
func testEnvironment(r *run, c *call) (bool, error) {
	name := strings.ToLower(r.string(&c.args[0]))
	v, ok := r.in.Environment[name]
	switch {
	case ok:
		return r.compare(c, []string{v})
	case c.match.by == matchCount:
		return r.compare(c, nil)
	}
	return false, nil
}
