// Package compat tells what in a new description of an API (OpenAPI 3.1) breaks programs that were written for an old one.
//
// What is added passes: operations, optional inputs, fields of answers, values of an enumeration. What is taken away or
// narrowed does not: operations, inputs, fields, values, roles that may; inputs that became required; tighter bounds of
// inputs; answers that may be of other types than before.
package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Break is one thing that breaks programs.
type Break struct {
	Where string // "GET /api/v1/accounts/{id}: answer 200: body.name"
	What  string // an English sentence without its dot
}

func (b Break) String() string { return b.Where + ": " + b.What }

// object is a JSON object of a description.
type object = map[string]any

// methods are the keys of a path that are operations.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// Breaks compares two descriptions. An error means that one of them is no JSON object.
func Breaks(before, after []byte) ([]Break, error) {
	var c comparison
	if err := json.Unmarshal(before, &c.before); err != nil {
		return nil, fmt.Errorf("the old description: %w", err)
	}
	if err := json.Unmarshal(after, &c.after); err != nil {
		return nil, fmt.Errorf("the new description: %w", err)
	}
	newPaths := sub(c.after, "paths")
	for path, item := range ordered(sub(c.before, "paths")) {
		for _, method := range methods {
			was := sub(item, method)
			if was == nil {
				continue
			}
			c.where = []string{strings.ToUpper(method) + " " + path}
			if is := sub(sub(newPaths, path), method); is != nil {
				c.operation(was, is)
			} else {
				c.broken("the operation was removed")
			}
		}
	}
	return c.found, nil
}

// comparison is the work of Breaks.
type comparison struct {
	before, after object
	where         []string
	found         []Break
	under         []pair // the pairs of named schemas that are being compared, for those that contain themselves
}

// pair are two named schemas in a direction.
type pair struct {
	before, after string
	input         bool
}

func (c *comparison) broken(format string, args ...any) {
	c.found = append(c.found, Break{strings.Join(c.where, ": "), fmt.Sprintf(format, args...)})
}

// in compares something one level deeper.
func (c *comparison) in(where string, do func()) {
	c.where = append(c.where, where)
	do()
	c.where = c.where[:len(c.where)-1]
}

func (c *comparison) operation(was, is object) {
	if was["operationId"] != is["operationId"] {
		c.broken("its name changed from %v to %v: generated clients call it by that", was["operationId"], is["operationId"])
	}
	for _, role := range missing(list(was["x-roles"]), list(is["x-roles"])) {
		c.broken("%v may no longer", role)
	}
	c.parameters(was, is)
	c.requestBody(was, is)
	c.responses(sub(was, "responses"), sub(is, "responses"))
}

// parameters compares what stands in path, query and headers.
func (c *comparison) parameters(was, is object) {
	old, now := byName(was), byName(is)
	for name, p := range ordered(old) {
		next := sub(now, name)
		if next == nil {
			c.in(name, func() { c.broken("the parameter was removed") })
			continue
		}
		c.in(name, func() {
			if next["required"] == true && p["required"] != true {
				c.broken("became required")
			}
			c.schema(p["schema"], next["schema"], true)
		})
	}
	for name, p := range ordered(now) {
		if old[name] == nil && p["required"] == true {
			c.in(name, func() { c.broken("is a new required parameter") })
		}
	}
}

// byName gives the parameters of an operation as "query limit".
func byName(operation object) object {
	all := object{}
	for _, p := range list(operation["parameters"]) {
		if p, ok := p.(object); ok {
			all[fmt.Sprint(p["in"], " ", p["name"])] = p
		}
	}
	return all
}

func (c *comparison) requestBody(was, is object) {
	old, now := sub(was, "requestBody"), sub(is, "requestBody")
	c.in("request", func() {
		if now["required"] == true && old["required"] != true {
			c.broken("the body became required")
		}
		if old != nil && now == nil {
			c.broken("the body was removed")
			return
		}
		for kind, media := range ordered(sub(old, "content")) {
			next := sub(sub(now, "content"), kind)
			if next == nil {
				c.broken("%s is no longer taken", kind)
				continue
			}
			c.in("body", func() { c.schema(media["schema"], next["schema"], true) })
		}
	})
}

// responses compares the answers that are successes; refusals may change, since programs act on their keys.
func (c *comparison) responses(was, is object) {
	for status, old := range ordered(was) {
		if !strings.HasPrefix(status, "2") || old == nil {
			continue
		}
		c.in("answer "+status, func() {
			now := sub(is, status)
			if now == nil {
				c.broken("is no longer given")
				return
			}
			for _, name := range slices.Sorted(maps.Keys(sub(old, "headers"))) {
				if sub(now, "headers")[name] == nil {
					c.broken("the header field %s was removed", name)
				}
			}
			for kind, media := range ordered(sub(old, "content")) {
				next := sub(sub(now, "content"), kind)
				if next == nil {
					c.broken("is no longer %s", kind)
					continue
				}
				c.in("body", func() { c.schema(media["schema"], next["schema"], false) })
			}
		})
	}
}
