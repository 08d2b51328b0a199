package jmapd

import (
	"slices"

	"tegami/wire/jmap"
)

// fits holds a record against a filter (RFC 8620 §5.5); nil fits all.
func fits[C, R any](f *jmap.Filter[C], r *R, holds func(*C, *R) bool) bool {
	if f == nil {
		return true
	}
	inner := func(g *jmap.Filter[C]) bool { return fits(g, r, holds) }
	switch f.Operator {
	case "":
		return holds(f.Condition, r)
	case jmap.OpOr:
		return slices.ContainsFunc(f.Conditions, inner)
	case jmap.OpNot:
		return !slices.ContainsFunc(f.Conditions, inner)
	}
	return !slices.ContainsFunc(f.Conditions, func(g *jmap.Filter[C]) bool { return !inner(g) })
}
