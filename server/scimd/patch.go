package scimd

import (
	"maps"
	"slices"
	"strings"

	"tegami/mail"
)

// maxOperations is how many operations one PATCH has.
const maxOperations = 1000

// patchOp is an operation of a PATCH (RFC 7644 §3.5.2).
type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// target is where an operation works.
type target struct {
	path
	of  filter // which values of a list; nil = all
	sub string // a part of them
}

// parseTarget reads a path of a PATCH: attribute, attribute.part, attribute[filter], attribute[filter].part. Invalid "scim.path".
func parseTarget(text string) (t target, err error) {
	bad := mail.E("scimd.parseTarget", mail.Invalid, "scim.path", text)
	if len(text) > maxFilter {
		return t, bad
	}
	p := &parser{text: text}
	if t.path, err = p.path(); err != nil {
		return t, bad
	}
	if strings.HasPrefix(p.text, "[") && t.path.sub == "" {
		if t.of, err = p.within("[", "]"); err != nil {
			return t, bad
		}
		if rest, ok := strings.CutPrefix(p.text, "."); ok {
			if t.sub = strings.ToLower(rest); !isName(t.sub) {
				return t, bad
			}
			p.text = ""
		}
	}
	if p.text != "" {
		return t, bad
	}
	return t, nil
}

// patch applies operations to a resource. Invalid "scim.path", "scim.no_target", "scim.operation", "scim.value".
func patch(o object, ops []patchOp) error {
	const op = "scimd.patch"
	if len(ops) == 0 || len(ops) > maxOperations {
		return mail.E(op, mail.Invalid, "scim.operation", "")
	}
	for _, one := range ops {
		verb := strings.ToLower(one.Op)
		if !slices.Contains([]string{"add", "replace", "remove"}, verb) {
			return mail.E(op, mail.Invalid, "scim.operation", one.Op)
		}
		if err := apply(o, verb, one); err != nil {
			return err
		}
	}
	return nil
}

// apply applies one operation.
func apply(o object, verb string, one patchOp) error {
	const op = "scimd.apply"
	if one.Path == "" {
		all, ok := one.Value.(object)
		if verb == "remove" {
			return mail.E(op, mail.Invalid, "scim.no_target", "")
		}
		if !ok {
			return mail.E(op, mail.Invalid, "scim.value", "value")
		}
		for _, name := range slices.Sorted(maps.Keys(all)) { // names may be paths: Entra ID sends name.givenName
			if err := apply(o, verb, patchOp{Path: name, Value: all[name]}); err != nil {
				return err
			}
		}
		return nil
	}
	t, err := parseTarget(one.Path)
	if err != nil {
		return err
	}
	if t.schema != "" {
		name := nameIn(o, t.schema)
		inner, ok := o[name].(object)
		if !ok {
			inner = object{}
			o[name] = inner
		}
		o = inner
	}
	if verb != "remove" && one.Value == nil {
		verb = "remove" // null is nothing (RFC 7643 §2.5)
	}
	switch {
	case t.of != nil:
		return t.some(o, verb, one.Value)
	case t.path.sub != "":
		return t.part(o, verb, one.Value)
	}
	t.whole(o, verb, one.Value)
	return nil
}

// whole changes an attribute.
func (t target) whole(o object, verb string, value any) {
	name := nameIn(o, t.attr)
	old := o[name]
	list, isList := old.([]any)
	switch {
	case verb == "remove" && isList && value != nil: // Entra ID removes members so: those that are named
		o[name] = without(list, each(value))
	case verb == "remove":
		delete(o, name)
	case verb == "add" && isList:
		o[name] = with(list, each(value))
	case isList || multiple(t.attr):
		o[name] = with(nil, each(value))
	default:
		inner, complex := old.(object)
		more, both := value.(object)
		if !complex || !both {
			o[name] = value
			return
		}
		merge(inner, more)
	}
}

// merge puts the parts of a complex value into another.
func merge(to, from object) {
	for k, v := range from {
		to[nameIn(to, k)] = v
	}
}

// part changes a part of a complex attribute, of each of its values.
func (t target) part(o object, verb string, value any) error {
	name := nameIn(o, t.attr)
	parts := each(o[name])
	if len(parts) == 0 && verb != "remove" {
		inner := object{}
		if o[name] = inner; multiple(t.attr) {
			o[name] = []any{inner}
		}
		parts = []any{inner}
	}
	for _, v := range parts {
		inner, ok := v.(object)
		if !ok {
			return mail.E("scimd.part", mail.Invalid, "scim.path", t.attr+"."+t.path.sub)
		}
		if verb == "remove" {
			delete(inner, nameIn(inner, t.path.sub))
		} else {
			inner[nameIn(inner, t.path.sub)] = value
		}
	}
	return nil
}

// some changes those values of a list that meet the path's filter. Where none does, a part that is added or replaced makes the
// one that the filter describes (phoneNumbers[type eq "work"].value).
func (t target) some(o object, verb string, value any) error {
	name := nameIn(o, t.attr)
	list := each(o[name])
	kept, found := make([]any, 0, len(list)+1), false
	for _, v := range list {
		inner, ok := v.(object)
		if !ok || !t.of.match(inner) {
			kept = append(kept, v)
			continue
		}
		found = true
		if left := t.changed(inner, verb, value); left != nil {
			kept = append(kept, left)
		}
	}
	if !found && verb != "remove" {
		made, ok := described(t.of)
		if !ok {
			return mail.E("scimd.some", mail.Invalid, "scim.no_target", t.attr)
		}
		kept = append(kept, t.changed(made, verb, value))
	}
	o[name] = kept
	return nil
}

// changed is one value after the operation; nil = it is gone.
func (t target) changed(inner object, verb string, value any) object {
	more, whole := value.(object)
	switch {
	case t.sub == "" && verb == "remove":
		return nil
	case t.sub == "" && whole:
		merge(inner, more)
	case t.sub == "":
		inner["value"] = value
	case verb == "remove":
		delete(inner, nameIn(inner, t.sub))
	default:
		inner[nameIn(inner, t.sub)] = value
	}
	return inner
}

// described is the value that a filter of equalities describes.
func described(f filter) (object, bool) {
	switch f := f.(type) {
	case compare:
		return object{f.path.attr: f.value}, f.op == "eq" && f.path.sub == "" && f.path.schema == ""
	case allOf:
		left, ok1 := described(f.left)
		right, ok2 := described(f.right)
		if !ok1 || !ok2 {
			return nil, false
		}
		merge(left, right)
		return left, true
	}
	return nil, false
}

// identity is what a value of a list is told apart by.
func identity(v any) any {
	if inner, ok := v.(object); ok {
		if id, ok := field(inner, "value").(string); ok {
			return strings.ToLower(id)
		}
		return nil
	}
	if s, ok := v.(string); ok {
		return s
	}
	return nil
}

// with adds values to a list, each once.
func with(list, more []any) []any {
	list = slices.Clone(list)
	seen := make(map[any]bool, len(list)+len(more))
	for _, v := range list {
		seen[identity(v)] = true
	}
	for _, v := range more {
		if id := identity(v); id == nil || !seen[id] {
			seen[id] = true
			list = append(list, v)
		}
	}
	return list
}

// without takes values out of a list.
func without(list, gone []any) []any {
	drop := make(map[any]bool, len(gone))
	for _, v := range gone {
		if id := identity(v); id != nil {
			drop[id] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		id := identity(v)
		return id != nil && drop[id]
	})
}
