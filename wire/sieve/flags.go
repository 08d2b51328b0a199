package sieve

import (
	"slices"
	"strings"
)

// flagArgs are those of setflag, addflag and removeflag (RFC 5232 §3).
var flagArgs = []param{{stringArg, "variable name"}, {listArg, "list of flags"}}

// checkFlags checks the variable that holds flags.
func checkFlags(k *compiler, c *call) {
	if c.args[0].set() {
		c.extra = k.assigned(c, &c.args[0].list[0])
	}
}

// checkHasFlag checks the variables that hold flags.
func checkHasFlag(k *compiler, c *call) {
	var refs []*reference
	for i := range c.args[0].list {
		refs = append(refs, k.assigned(c, &c.args[0].list[i]))
	}
	c.extra = refs
	checkMatch(k, c)
	if c.match != nil && c.match.by != matchRegex {
		k.flagKeys(c)
	}
}

// flagKeys splits constant keys as flags are written: "a b" is two (RFC 5232 §2).
func (k *compiler) flagKeys(c *call) {
	keys := &c.args[1]
	var list []text
	for _, t := range keys.list {
		if !t.constant() {
			list = append(list, t)
			continue
		}
		for _, f := range strings.Fields(t.fixed) {
			list = append(list, text{fixed: f})
		}
	}
	keys.setList(list)
	k.keys(c, c.match)
}

func doSetFlag(r *run, c *call) error {
	return r.changeFlags(c, func(_, given []string) []string { return given })
}

func doAddFlag(r *run, c *call) error {
	return r.changeFlags(c, func(have, given []string) []string { return append(have, given...) })
}

func doRemoveFlag(r *run, c *call) error {
	return r.changeFlags(c, func(have, given []string) []string {
		return slices.DeleteFunc(have, func(f string) bool { return hasFlag(given, f) })
	})
}

// changeFlags changes the flags of a variable, or of the internal one.
func (r *run) changeFlags(c *call, change func(have, given []string) []string) error {
	given := splitFlags(r.strings(&c.args[1]))
	ref, named := c.extra.(*reference)
	have := slices.Clone(r.flags)
	if named {
		have = splitFlags([]string{r.value(ref)})
	}
	flags := splitFlags(change(have, given))
	if len(flags) > MaxFlags {
		return r.fault(c, "sieve.limit_flags", MaxFlags)
	}
	if named {
		r.assign(ref, strings.Join(flags, " "))
		return nil
	}
	r.flags = flags
	return nil
}

// flagsOf gives the flags a message is stored with: those of :flags, else the internal variable's.
func (r *run) flagsOf(c *call) ([]string, error) {
	v := c.tag("flags")
	if v == nil {
		return slices.Clone(r.flags), nil
	}
	flags := splitFlags(r.strings(v))
	if len(flags) > MaxFlags {
		return nil, r.fault(c, "sieve.limit_flags", MaxFlags)
	}
	return flags, nil
}

// splitFlags splits lists of flags at white space and leaves out what is no flag, and what stands there already
// (RFC 5232 §2).
func splitFlags(lists []string) []string {
	var flags []string
	for _, list := range lists {
		for _, f := range strings.Fields(list) {
			if storable(f) && !hasFlag(flags, f) && len(flags) <= MaxFlags {
				flags = append(flags, f)
			}
		}
	}
	return flags
}

func hasFlag(flags []string, f string) bool {
	return slices.ContainsFunc(flags, func(have string) bool { return strings.EqualFold(have, f) })
}

// systemFlags are those a message can be given (RFC 9051 §2.3.2).
var systemFlags = []string{`\answered`, `\flagged`, `\deleted`, `\seen`, `\draft`}

// validFlag tells whether s is a flag or keyword (RFC 9051 §9).
func validFlag(s string) bool {
	word := strings.TrimPrefix(s, `\`)
	if word == "" || len(s) > MaxFlag {
		return false
	}
	for i := range len(word) {
		if c := word[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return true
}

// storable tells whether a message can be given the flag.
func storable(f string) bool {
	return validFlag(f) && (f[0] != '\\' || hasFlag(systemFlags, f))
}

// testHasFlag compares flags (RFC 5232 §4).
func testHasFlag(r *run, c *call) (bool, error) {
	values := r.flags
	if refs := c.extra.([]*reference); len(refs) > 0 {
		values = nil
		for _, ref := range refs {
			values = append(values, splitFlags([]string{r.value(ref)})...)
		}
	}
	return r.compare(c, values)
}
