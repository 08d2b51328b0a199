package sieve

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var includeTags = []tagSpec{
	{name: "personal", group: "location"},
	{name: "global", group: "location"},
	{name: "once"},
	{name: "optional"},
}

// checkInclude checks the script's name (RFC 6609 §3.2). It is known when the script is compiled; whether there is such a
// script is asked in the run only, so that scripts can be uploaded in any order (RFC 6609 §3.2).
func checkInclude(k *compiler, c *call) {
	t := &c.args[0].list[0]
	switch {
	case !t.constant():
		k.fault(c.line, "sieve.include_variable")
	case !validScriptName(t.fixed):
		k.fault(c.line, "sieve.script_name", t.fixed)
	default:
		k.included = append(k.included, Inclusion{Line: c.line, Global: c.has("global"), Name: t.fixed, Optional: c.has("optional")})
	}
}

// validScriptName tells whether s can be the name of a script (RFC 5804 §1.6); a slash would look like a path.
func validScriptName(s string) bool {
	return s != "" && len(s) <= MaxScriptName && utf8.ValidString(s) && strings.IndexFunc(s, control) < 0 && !strings.Contains(s, "/")
}

// doInclude runs another script (RFC 6609 §3.2).
func doInclude(r *run, c *call) error {
	name := c.args[0].list[0].fixed
	key := "personal:" + name
	if c.has("global") {
		key = "global:" + name
	}
	if c.has("once") && r.included[key] {
		return nil
	}
	if err := r.mayInclude(c, key, name); err != nil {
		return err
	}
	s, err := r.host.Include(r.ctx, c.has("global"), name)
	var broken *SyntaxError
	switch {
	case errors.As(err, &broken):
		return r.fault(c, "sieve.include_broken", name)
	case err != nil:
		return hostError(err)
	case s == nil && c.has("optional"):
		return nil
	case s == nil:
		return r.fault(c, "sieve.include_missing", name)
	}
	r.included[key] = true
	return r.enter(s, name, key)
}

// mayInclude checks the limits, and that no script includes itself (RFC 6609 §3.2).
func (r *run) mayInclude(c *call, key, name string) error {
	if r.includes++; r.includes > r.limits.Includes {
		return r.fault(c, "sieve.limit_includes", r.limits.Includes)
	}
	depth := 1
	for f := r.frame; f != nil; f = f.caller {
		if f.key == key {
			return r.fault(c, "sieve.include_circle", name)
		}
		depth++
	}
	if depth > r.limits.Depth+1 {
		return r.fault(c, "sieve.limit_depth", r.limits.Depth)
	}
	return r.spend(c, askCost)
}

// enter runs an included script in a frame of its own. Its return comes back here; its stop ends the whole run.
func (r *run) enter(s *Script, name, key string) error {
	f := newFrame(s)
	f.name, f.key, f.caller = name, key, r.frame
	r.frame = f
	err := r.block(s.calls)
	r.frame = f.caller
	for _, v := range f.variables {
		r.hold(-len(v))
	}
	if err == errReturn {
		return nil
	}
	return err
}

func doReturn(*run, *call) error { return errReturn }

// checkGlobal makes variables of this script stand for those that all scripts share (RFC 6609 §3.4.1). One that was set
// before can't become one.
func checkGlobal(k *compiler, c *call) {
	if !k.has("variables") {
		k.fault(c.line, "sieve.needs_variables", c.name)
		return
	}
	for i := range c.args[0].list {
		t := &c.args[0].list[i]
		if !t.constant() || !validVariable(t.fixed) {
			k.fault(c.line, "sieve.variable_name", t.written())
			continue
		}
		ref := k.variable(t.fixed, c.line)
		if k.declared[ref.name] && ref.kind != globalRef {
			k.fault(c.line, "sieve.global_late", t.fixed)
			continue
		}
		ref.kind = globalRef
	}
}

// An Inclusion is an include command of a script (RFC 6609 §3.2).
type Inclusion struct {
	Line     int
	Global   bool // of everybody's scripts, else of the owner's
	Name     string
	Optional bool // that it is missing is no fault
}

// Inclusions are the scripts this one names, so that who stores it can tell its owner what is missing.
func (s *Script) Inclusions() []Inclusion { return s.included }
