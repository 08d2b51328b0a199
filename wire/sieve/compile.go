package sieve

import (
	"maps"
	"slices"
	"strings"

	"tegami/mail"
)

// compiler checks a script against the language and makes calls of its nodes.
type compiler struct {
	lang      *language
	limits    Limits
	faults    *faults
	extension map[string]int        // what is required, with the line
	variables map[string]*reference // of this script, by their lower-case names
	declared  map[string]bool       // variables that were set before
	weight    int                   // of the regular expressions so far, in instructions
	told      map[string]bool       // faults that are told once
	loops     []string              // names of the loops around, "" for one without
	included  []Inclusion
	redirects []mail.Address
	started   bool // a command other than require was seen
	nested    bool // inside a block
}

// call is a command or test that is ready to run.
type call struct {
	*spec
	line  int
	args  []value // one for each of the parameters; what was left out is empty
	given []tagValue
	tests []*call
	block []*call
	// otherwise is the elsif or else behind an if or elsif.
	otherwise *call

	match *match      // of a test that compares
	part  addressPart // of a test that looks at addresses
	known bool        // of ihave: its answer
	extra any         // what check prepared for run: of its own type in each command
}

// value is an argument's value: a number, or strings.
type value struct {
	number uint64
	list   []text
	fixed  []string // list, if it is the same in every run
}

// setList makes it a list of texts.
func (v *value) setList(list []text) {
	v.list, v.fixed = list, make([]string, 0, len(list))
	for i := range list {
		if !list[i].constant() {
			v.fixed = nil
			return
		}
		v.fixed = append(v.fixed, list[i].fixed)
	}
}

// set tells whether the argument was given.
func (v *value) set() bool { return len(v.list) > 0 }

type tagValue struct {
	name string
	value
}

// tag gives the value of a tagged argument, nil when it was not given.
func (c *call) tag(name string) *value {
	for i := range c.given {
		if c.given[i].name == name {
			return &c.given[i].value
		}
	}
	return nil
}

// has tells whether a tagged argument was given.
func (c *call) has(name string) bool { return c.tag(name) != nil }

// has tells whether an extension is required.
func (k *compiler) has(extension string) bool { return k.extension[extension] > 0 }

func (k *compiler) fault(line int, key string, args ...any) { k.faults.add(line, key, args...) }

// faultOnce tells a fault only if the same was not told before.
func (k *compiler) faultOnce(line int, key string, args ...any) {
	id := Fault{Key: key, Args: args}.String()
	if !k.told[id] {
		k.told[id] = true
		k.fault(line, key, args...)
	}
}

// alwaysThere is what needs no require: two comparators by RFC 5228 §2.7.3, the third as other servers do.
var alwaysThere = map[string]int{"comparator-i;octet": 1, "comparator-i;ascii-casemap": 1, "comparator-i;unicode-casemap": 1}

// compile makes a script of source text.
func compile(lang *language, source []byte, lim Limits) (*Script, error) {
	lim = lim.orDefaults()
	f := &faults{}
	if len(source) > lim.Script {
		f.add(1, "sieve.script_large", lim.Script)
		return nil, f.err()
	}
	nodes := parse(strings.TrimPrefix(string(source), "\ufeff"), f)
	if err := f.err(); err != nil {
		return nil, err
	}
	k := &compiler{
		lang: lang, limits: lim, faults: f,
		extension: maps.Clone(alwaysThere),
		variables: map[string]*reference{}, declared: map[string]bool{}, told: map[string]bool{},
	}
	calls := k.commands(nodes)
	k.together()
	if err := f.err(); err != nil {
		return nil, err
	}
	return &Script{limits: lim, calls: calls, slots: len(k.variables), weight: k.weight, lines: 1 + strings.Count(string(source), "\n"), included: k.included, redirects: k.redirects}, nil
}

// commands compiles a block.
func (k *compiler) commands(nodes []*node) []*call {
	var all []*call
	var branch *call // the if or elsif before
	before := ""
	for _, n := range nodes {
		if !k.faults.more() {
			break
		}
		name := strings.ToLower(n.name)
		c := k.command(n, name, before)
		switch {
		case c == nil:
		case name == "elsif" || name == "else":
			if branch != nil { // nil when it has a fault
				branch.otherwise = c
			}
		case name != "require":
			all = append(all, c)
		}
		branch, before = c, name
		k.started = k.started || name != "require"
	}
	return all
}

// command compiles one command. It gives nil when it has a fault.
func (k *compiler) command(n *node, name, before string) *call {
	s := k.lookup(n, false)
	if s == nil {
		return nil
	}
	c := k.call(n, s)
	switch {
	case c == nil:
	case name == "require":
		k.require(c)
	case (name == "elsif" || name == "else") && before != "if" && before != "elsif":
		k.fault(n.line, "sieve.no_if", name)
		c = nil
	}
	tests := k.tests(n, s)
	if c == nil {
		c = &call{spec: s} // its block is looked at all the same
		k.block(n, c)
		return nil
	}
	c.tests = tests
	c.block = k.block(n, c)
	return c
}

// block compiles the block of a command. What no run can reach, as ihave tells, is not looked at: it may be
// written in a language we do not know (RFC 5463 §4).
func (k *compiler) block(n *node, c *call) []*call {
	if !c.braces || len(c.tests) == 1 && never(c.tests[0]) {
		return nil
	}
	nested, loops := k.nested, k.loops
	k.nested = true
	if c.name == "foreverypart" {
		k.loops = append(k.loops[:len(loops):len(loops)], loopName(c))
	}
	block := k.commands(n.block)
	k.nested, k.loops = nested, loops
	return block
}

// tests compiles the tests of a command or test. Behind one that is never true, allof looks at no other.
func (k *compiler) tests(n *node, s *spec) []*call {
	var all []*call
	if s.arity == noTest {
		return nil
	}
	for _, t := range n.tests {
		c := k.test(t)
		if c == nil {
			continue
		}
		all = append(all, c)
		if s.name == "allof" && never(c) {
			break
		}
	}
	return all
}

// test compiles one test.
func (k *compiler) test(n *node) *call {
	s := k.lookup(n, true)
	if s == nil {
		return nil
	}
	c := k.call(n, s)
	if tests := k.tests(n, s); c != nil {
		c.tests = tests
	}
	return c
}

// lookup finds what a node calls. It gives nil and tells the fault when there is no such thing, or it is the other kind.
func (k *compiler) lookup(n *node, test bool) *spec {
	s := k.lang.specs[strings.ToLower(n.name)]
	switch {
	case s == nil || !k.available(s):
		k.unknown(n, s, test)
		return nil
	case test && s.test == nil:
		k.fault(n.line, "sieve.command_as_test", n.name)
		return nil
	case !test && s.run == nil:
		k.fault(n.line, "sieve.test_as_command", n.name)
		return nil
	}
	return s
}

// available tells whether the extension that brings a command is required.
func (k *compiler) available(s *spec) bool {
	return len(s.needs) == 0 || slices.ContainsFunc(s.needs, k.has)
}

// unknown tells of an unknown name. That it is known with an extension is worth telling.
func (k *compiler) unknown(n *node, s *spec, test bool) {
	switch {
	case s != nil:
		k.faultOnce(n.line, "sieve.needs_require", n.name, s.needs[0])
	case test:
		k.faultOnce(n.line, "sieve.unknown_test", n.name)
	default:
		k.faultOnce(n.line, "sieve.unknown_command", n.name)
	}
}

// call checks how a command or test is written. After its first fault it gives nil.
func (k *compiler) call(n *node, s *spec) *call {
	c := &call{spec: s, line: n.line}
	if !k.arguments(c, n) {
		k.testCount(n, s) // a missing colon makes a test of a tag, and arguments go missing
		return nil
	}
	if !k.testCount(n, s) || !k.braced(n, s) {
		return nil
	}
	before := len(k.faults.all)
	if s.check != nil {
		s.check(k, c)
	}
	if len(k.faults.all) > before {
		return nil
	}
	return c
}

// testCount tells whether as many tests stand there as the command takes.
func (k *compiler) testCount(n *node, s *spec) bool {
	key := ""
	switch {
	case s.arity == noTest && len(n.tests) > 0:
		return k.spuriousTest(n, s)
	case s.arity == oneTest && len(n.tests) == 0:
		key = "sieve.test_missing"
	case s.arity == oneTest && n.list:
		key = "sieve.test_single"
	case s.arity == testList && len(n.tests) == 0:
		key = "sieve.tests_missing"
	case s.arity == testList && !n.list:
		key = "sieve.test_not_list"
	default:
		return true
	}
	k.fault(n.line, key, s.kind())
	return false
}

// spuriousTest tells of tests where there may be none. Often it is another slip.
func (k *compiler) spuriousTest(n *node, s *spec) bool {
	t := n.tests[0]
	known := k.lang.specs[strings.ToLower(t.name)]
	switch {
	case known != nil && known.test != nil, n.list:
		k.fault(n.line, "sieve.no_tests", s.kind())
	case s.findTag(t.name) != nil:
		k.fault(n.line, "sieve.missing_colon", t.name, s.kind())
	default:
		k.fault(n.line, "sieve.missing_semicolon", s.kind())
	}
	return false
}

// braced tells whether there is a block where one belongs.
func (k *compiler) braced(n *node, s *spec) bool {
	switch {
	case s.braces && !n.braced:
		k.fault(n.line, "sieve.block_missing", s.kind())
		return false
	case !s.braces && n.braced:
		k.fault(n.line, "sieve.block_spurious", s.kind())
		return false
	}
	return true
}

func (s *spec) findTag(name string) *tagSpec {
	for i := range s.tags {
		if strings.EqualFold(s.tags[i].name, name) {
			return &s.tags[i]
		}
	}
	return nil
}

// arguments sorts the arguments of a node: tagged ones first, then the positional ones (RFC 5228 §2.6).
func (k *compiler) arguments(c *call, n *node) bool {
	var positional []argument
	for i := 0; i < len(n.args); {
		a := n.args[i]
		if a.kind != tagArg {
			positional = append(positional, a)
			i++
			continue
		}
		used, ok := k.tagged(c, n.args[i:], len(positional) > 0)
		if !ok {
			return false
		}
		i += used
	}
	return k.positional(c, n, positional)
}

// tagged takes a tagged argument with its value off the arguments.
func (k *compiler) tagged(c *call, args []argument, late bool) (used int, ok bool) {
	a := args[0]
	t := c.findTag(a.tag)
	switch {
	case t == nil:
		k.faultOnce(a.line, "sieve.unknown_tag", ":"+strings.ToLower(a.tag), c.kind())
		return 0, false
	case t.needs != "" && !k.has(t.needs):
		k.faultOnce(a.line, "sieve.tag_needs_require", ":"+t.name, t.needs, c.kind())
		return 0, false
	case late:
		k.fault(a.line, "sieve.late_tag", ":"+t.name, c.kind())
		return 0, false
	}
	if !k.tagFits(c, t, a.line) {
		return 0, false
	}
	v := tagValue{name: t.name}
	if t.value == noArg {
		c.given = append(c.given, v)
		return 1, true
	}
	if len(args) < 2 || !fits(args[1], t.value) {
		k.fault(a.line, "sieve.tag_value", ":"+t.name, t.value, c.kind())
		return 0, false
	}
	v.value = k.value(args[1])
	if t.fixed && !v.list[0].constant() {
		k.fault(a.line, "sieve.tag_variable", ":"+t.name, c.kind())
		return 0, false
	}
	c.given = append(c.given, v)
	return 2, true
}

// tagFits tells whether a tag was not given already, nor another of its group.
func (k *compiler) tagFits(c *call, t *tagSpec, line int) bool {
	for _, g := range c.given {
		other := c.findTag(g.name)
		switch {
		case g.name == t.name:
			k.fault(line, "sieve.tag_twice", ":"+t.name, c.kind())
			return false
		case t.group != "" && other.group == t.group:
			k.fault(line, "sieve.tag_conflict", ":"+t.name, ":"+g.name, c.kind())
			return false
		}
	}
	return true
}

// positional checks the number and kinds of the positional arguments.
func (k *compiler) positional(c *call, n *node, args []argument) bool {
	want := len(c.params)
	skipped := want - len(args)
	if skipped < 0 || skipped > c.optional && !(c.omit && skipped == 1) {
		k.fault(n.line, "sieve.argument_count", c.kind(), want, len(args))
		return false
	}
	if c.omit {
		skipped = 0
	}
	c.args = make([]value, want)
	for i, a := range args {
		p := c.params[skipped+i]
		if !fits(a, p.kind) {
			k.fault(a.line, "sieve.argument_kind", c.kind(), p.kind, i+1, p.name, a.kind)
			return false
		}
		c.args[skipped+i] = k.value(a)
	}
	return true
}

// fits tells whether an argument is of a kind: one string is a list too (RFC 5228 §2.4.2.1).
func fits(a argument, want argKind) bool {
	return a.kind == want || want == listArg && a.kind == stringArg
}

// value compiles an argument.
func (k *compiler) value(a argument) value {
	v := value{number: a.number}
	list := make([]text, len(a.strings))
	for i, s := range a.strings {
		list[i] = k.compileText(s, a.line)
	}
	v.setList(list)
	return v
}

// require enables extensions (RFC 5228 §3.2). It comes before everything else.
func (k *compiler) require(c *call) {
	if k.started || k.nested {
		k.fault(c.line, "sieve.require_late")
		return
	}
	for _, t := range c.args[0].list {
		if !k.enable(t.fixed, c.line) {
			k.fault(c.line, "sieve.unknown_extension", t.fixed)
		}
	}
}

// enable enables an extension and what it brings along. It is not ok when there is none of the name.
func (k *compiler) enable(name string, line int) bool {
	with, ok := k.lang.capabilities[name]
	if ok {
		for _, n := range append([]string{name}, with...) {
			if !k.has(n) {
				k.extension[n] = line
			}
		}
	}
	return ok
}

// together tells of extensions that are of no use without others (RFC 5703 §7).
func (k *compiler) together() {
	if !k.has("extracttext") {
		return
	}
	for _, other := range []string{"variables", "foreverypart"} {
		if !k.has(other) {
			k.fault(k.extension["extracttext"], "sieve.extension_alone", "extracttext", other)
			return
		}
	}
}
