package compat

import (
	"encoding/json"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// maxDepth bounds how deep schemas are followed.
const maxDepth = 64

// schema compares two schemas: of an input, which must take all it took, or of an answer, which must give what it gave.
func (c *comparison) schema(before, after any, input bool) {
	was, oldName := resolve(c.before, before)
	is, newName := resolve(c.after, after)
	if p := (pair{oldName, newName, input}); oldName != "" && newName != "" {
		if slices.Contains(c.under, p) {
			return
		}
		c.under = append(c.under, p)
		defer func() { c.under = c.under[:len(c.under)-1] }()
	}
	if was == nil && is == nil || len(c.where) > maxDepth {
		return
	}
	if !c.types(was, is, input) {
		return // all else that differs follows from that
	}
	c.values(was, is, input)
	if input {
		c.bounds(was, is)
	}
	c.properties(was, is, input)
	c.alternatives(was, is, input)
	if was["items"] != nil && is["items"] != nil {
		c.in("[]", func() { c.schema(was["items"], is["items"], input) })
	}
	if sub(was, "additionalProperties") != nil && sub(is, "additionalProperties") != nil {
		c.in("{}", func() { c.schema(was["additionalProperties"], is["additionalProperties"], input) })
	}
}

// types compares of what types a value may be: an input must take all it took, an answer give no others. It tells
// whether that holds.
func (c *comparison) types(was, is object, input bool) bool {
	old, now := typesOf(was), typesOf(is)
	narrow, wide := old, now
	if !input {
		narrow, wide = now, old
	}
	for _, t := range narrow {
		if !slices.Contains(wide, t) && !(t == "integer" && slices.Contains(wide, "number")) {
			c.broken("the type changed from %s to %s", strings.Join(old, " or "), strings.Join(now, " or "))
			return false
		}
	}
	if was["format"] != is["format"] && (is["format"] != nil || !input) {
		c.broken("the format changed from %v to %v", was["format"], is["format"])
	}
	return true
}

// typesOf lists the types of a schema; all where it names none.
func typesOf(s object) []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var names []string
		for _, one := range t {
			if name, ok := one.(string); ok {
				names = append(names, name)
			}
		}
		return names
	}
	return []string{"array", "boolean", "null", "number", "object", "string"}
}

// values compares enumerations. A value that is gone breaks who sends it and who waits for it.
func (c *comparison) values(was, is object, input bool) {
	for _, gone := range missing(list(was["enum"]), list(is["enum"])) {
		if is["enum"] != nil {
			c.broken("the value %v was removed", gone)
		}
	}
	if was["enum"] == nil && is["enum"] != nil && input {
		c.broken("only some values are taken now")
	}
	if was["enum"] != nil && is["enum"] == nil && !input {
		c.broken("any value may be given now")
	}
	if was["const"] != nil && !reflect.DeepEqual(was["const"], is["const"]) {
		c.broken("the only value changed from %v to %v", was["const"], is["const"])
	}
}

// lowest and highest are the bounds of inputs that must not rise, and must not sink.
var (
	lowest  = []string{"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
	highest = []string{"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
)

// bounds compares what an input may be.
func (c *comparison) bounds(was, is object) {
	for _, name := range lowest {
		if now, ok := is[name].(float64); ok {
			if old, ok := was[name].(float64); !ok && now > 0 || ok && now > old {
				c.broken("%s rose from %v to %v", name, was[name], now)
			}
		}
	}
	for _, name := range highest {
		if now, ok := is[name].(float64); ok {
			if old, ok := was[name].(float64); !ok || now < old {
				c.broken("%s sank from %v to %v", name, was[name], now)
			}
		}
	}
	for _, name := range []string{"pattern", "multipleOf", "not"} {
		if is[name] != nil && !reflect.DeepEqual(was[name], is[name]) {
			c.broken("%s is now %v", name, is[name])
		}
	}
	if is["uniqueItems"] == true && was["uniqueItems"] != true {
		c.broken("items must differ now")
	}
}

// properties compares the fields of objects.
func (c *comparison) properties(was, is object, input bool) {
	old, now := sub(was, "properties"), sub(is, "properties")
	for _, name := range slices.Sorted(maps.Keys(old)) {
		c.in(name, func() {
			if now[name] == nil {
				if !input || is["additionalProperties"] == false {
					c.broken("the field was removed")
				}
				return
			}
			c.schema(old[name], now[name], input)
		})
	}
	needed, gives := list(is["required"]), list(was["required"])
	for _, name := range missing(needed, gives) {
		if input {
			c.broken("the field %v became required", name)
		}
	}
	for _, name := range missing(gives, needed) {
		if field, ok := name.(string); ok && !input && now[field] != nil {
			c.broken("the field %v may be absent now", name)
		}
	}
	if input && is["additionalProperties"] == false && was["additionalProperties"] != false && len(old) > 0 {
		c.broken("other fields are refused now")
	}
}

// alternatives compares what is composed. They count as the same where they read the same.
func (c *comparison) alternatives(was, is object, input bool) {
	for _, name := range []string{"oneOf", "anyOf"} {
		old, now := list(was[name]), list(is[name])
		if !input {
			old, now = now, old
		}
		for range missing(old, now) {
			c.broken("the alternatives of %s changed", name)
		}
	}
	if len(missing(list(is["allOf"]), list(was["allOf"])))+len(missing(list(was["allOf"]), list(is["allOf"]))) > 0 {
		c.broken("what it is made of changed")
	}
}

// resolve follows references within a document, and gives the schema with its name where it has one.
func resolve(document object, schema any) (s object, name string) {
	s, _ = schema.(object)
	for range maxDepth {
		ref, ok := s["$ref"].(string)
		if !ok {
			return s, name
		}
		name = ref
		var at any = document
		for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			inside, _ := at.(object)
			at = inside[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		}
		s, _ = at.(object)
	}
	return nil, name
}

// sub gives an object within an object; nil where there is none.
func sub(o object, name string) object {
	inside, _ := o[name].(object)
	return inside
}

// list gives an array; nil for anything else.
func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// missing gives what stands in from and not in among.
func missing(from, among []any) (gone []any) {
	for _, v := range from {
		if !slices.ContainsFunc(among, func(other any) bool { return same(v, other) }) {
			gone = append(gone, v)
		}
	}
	return gone
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// ordered gives the objects within an object by their names.
func ordered(o object) iter.Seq2[string, object] {
	return func(yield func(string, object) bool) {
		for _, name := range slices.Sorted(maps.Keys(o)) {
			if !yield(name, sub(o, name)) {
				return
			}
		}
	}
}
