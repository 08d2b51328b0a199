package sieve

import (
	"slices"

	"tegami/wire/mime"
)

var loopTags = []tagSpec{{name: "name", value: stringArg, fixed: true}}

// loop is a foreverypart at work (RFC 5703 §3). Parts are known by where they stand in the tree: the tree is made anew when
// a part is replaced.
type loop struct {
	part []int // numbers of children, from the root on, from 0
}

// breakError ends the loops up to one of a name.
type breakError struct{ name string }

func (breakError) Error() string { return "break" }

// loopName is the name of a loop or a break, "" for none.
func loopName(c *call) string {
	if v := c.tag("name"); v != nil {
		return v.list[0].fixed
	}
	return ""
}

func checkLoop(k *compiler, c *call) {
	if len(k.loops) == MaxLoops {
		k.fault(c.line, "sieve.loops_deep", MaxLoops)
	}
}

// checkBreak tells of a break outside of the loop it names.
func checkBreak(k *compiler, c *call) {
	name := loopName(c)
	switch {
	case len(k.loops) == 0:
		k.fault(c.line, "sieve.break_outside")
	case c.has("name") && !slices.Contains(k.loops, name):
		k.fault(c.line, "sieve.break_name", name)
	}
}

func doBreak(_ *run, c *call) error { return breakError{loopName(c)} }

// doLoop runs its block for every part of the message, or within another loop for every part below the one at hand
// (RFC 5703 §3).
func doLoop(r *run, c *call) error {
	if len(r.loops) == MaxLoops {
		return r.fault(c, "sieve.loops_deep", MaxLoops)
	}
	var paths [][]int
	if len(r.loops) == 0 {
		paths = below(r.message.root, []int{}, [][]int{{}})
	} else {
		paths = below(r.part(), r.loops[len(r.loops)-1].part, nil)
	}
	r.cost(64 * len(paths))
	l := &loop{}
	r.loops = append(r.loops, l)
	err := r.each(c, l, paths)
	r.loops = r.loops[:len(r.loops)-1]
	return err
}

// each runs the block for the parts that are still there.
func (r *run) each(c *call, l *loop, paths [][]int) error {
	for _, path := range paths {
		if find(r.message.root, path) == nil {
			continue
		}
		l.part = path
		err := r.block(c.block)
		if b, ok := err.(breakError); ok && (b.name == "" || b.name == loopName(c)) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.spend(c, 1); err != nil {
			return err
		}
	}
	return nil
}

// below adds the paths of the parts below p, parents first.
func below(p *mime.Part, path []int, all [][]int) [][]int {
	for i, child := range p.Children {
		at := append(slices.Clone(path), i)
		all = below(child, at, append(all, at))
	}
	return all
}

// find gives the part at a path, nil when there is none.
func find(p *mime.Part, path []int) *mime.Part {
	for _, i := range path {
		if i >= len(p.Children) {
			return nil
		}
		p = p.Children[i]
	}
	return p
}

// part is the part at hand: that of the innermost loop, else the message.
func (r *run) part() *mime.Part {
	if len(r.loops) == 0 {
		return r.message.root
	}
	if p := find(r.message.root, r.loops[len(r.loops)-1].part); p != nil {
		return p
	}
	return r.message.root
}
