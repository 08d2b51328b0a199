package sieve

// argKind is what an argument is (RFC 5228 §2.6).
type argKind uint8

const (
	noArg argKind = iota
	numberArg
	stringArg
	listArg // a string list; a single string counts as one where a list is expected
	tagArg
)

// String names the kind for a fault.
func (k argKind) String() string {
	return [...]string{"nothing", "number", "string", "string list", "tag"}[k]
}

// argument is one argument as written.
type argument struct {
	kind    argKind
	line    int
	number  uint64
	strings []string // one of a stringArg; those of a listArg
	tag     string   // of a tagArg, as written, without its colon
}

// node is a command or a test as written: the grammar knows no difference (RFC 5228 §8.2).
type node struct {
	name   string
	line   int
	args   []argument
	tests  []*node
	list   bool // the tests stand in parentheses
	block  []*node
	braced bool // it has a block
}

// parser reads the grammar. After a fault it goes on where the next command may begin, so that a user
// is told as much as possible at once.
type parser struct {
	lexer  lexer
	token  token
	blocks int // blocks that are open
	tests  int // tests that are open
}

// parse reads a script.
func parse(src string, f *faults) []*node {
	p := parser{lexer: lexer{src: src, line: 1, faults: f}}
	p.next()
	commands := p.commands()
	if p.token.kind != tokenEnd && f.more() {
		p.fault("sieve.unexpected_at_end", p.token)
	}
	return commands
}

func (p *parser) next() { p.token = p.lexer.next() }

func (p *parser) fault(key string, args ...any) {
	if !p.lexer.open {
		p.lexer.faults.add(p.token.line, key, args...)
	}
}

// take passes over a punctuation mark if it is the next token.
func (p *parser) take(mark string) bool {
	if !p.token.is(mark) {
		return false
	}
	p.next()
	return true
}

// commands reads commands up to what can't begin one.
func (p *parser) commands() []*node {
	var all []*node
	for p.token.kind == tokenName && p.lexer.faults.more() {
		all = append(all, p.command())
	}
	return all
}

// command reads a command with its end or its block.
func (p *parser) command() *node {
	n := &node{name: p.token.text, line: p.token.line}
	p.next()
	ok := p.arguments(n)
	switch {
	case p.take(";"):
	case p.token.is("{"):
		p.block(n)
	case ok:
		p.fault("sieve.command_end", p.token)
		p.recover(n)
	default:
		p.recover(n)
	}
	return n
}

// recover passes to the end of a command after a fault.
func (p *parser) recover(n *node) {
	p.skip(";", "{")
	if !p.take(";") && p.token.is("{") {
		p.block(n)
	}
}

// block reads the block of a command.
func (p *parser) block(n *node) {
	n.braced = true
	if p.blocks == MaxBlocks {
		p.fault("sieve.blocks_deep", MaxBlocks)
		p.next()
		p.skip()
		p.take("}")
		return
	}
	p.blocks++
	p.next()
	n.block = p.commands()
	p.blocks--
	if !p.take("}") && p.lexer.faults.more() {
		p.fault("sieve.block_end", p.token)
		p.skip()
		p.take("}")
	}
}

// skip passes over tokens up to one of the marks, or to the end of what is open around. What is opened on the
// way is passed over with its end.
func (p *parser) skip(marks ...string) {
	depth := 0
	for p.token.kind != tokenEnd {
		if depth == 0 {
			for _, m := range marks {
				if p.token.is(m) {
					return
				}
			}
		}
		switch {
		case p.token.is("{"), p.token.is("("), p.token.is("["):
			depth++
		case p.token.is("}") && depth == 0:
			return
		case p.token.is("}"), depth > 0 && (p.token.is(")") || p.token.is("]")):
			depth--
		}
		p.next()
	}
}

// arguments reads arguments and tests. It is not ok when a fault was told.
func (p *parser) arguments(n *node) bool {
	for {
		a, ok := p.argument()
		if !ok {
			return false
		}
		if a.kind == noArg {
			break
		}
		if len(n.args) == MaxArguments {
			p.fault("sieve.arguments_many", n.name, MaxArguments)
			return false
		}
		n.args = append(n.args, a)
	}
	switch {
	case p.token.kind == tokenName:
		t, ok := p.test()
		if t != nil {
			n.tests = []*node{t}
		}
		return ok
	case p.token.is("("):
		return p.testList(n)
	}
	return true
}

// argument reads one argument, of no kind if there is none.
func (p *parser) argument() (a argument, ok bool) {
	a.line = p.token.line
	switch {
	case p.token.kind == tokenNumber:
		a.kind, a.number = numberArg, p.token.number
	case p.token.kind == tokenString:
		a.kind, a.strings = stringArg, []string{p.token.text}
	case p.token.kind == tokenTag:
		a.kind, a.tag = tagArg, p.token.text
	case p.token.is("["):
		a.kind = listArg
		a.strings, ok = p.stringList()
		return a, ok
	default:
		return a, true
	}
	p.next()
	return a, true
}

// stringList reads ["a", "b"].
func (p *parser) stringList() (all []string, ok bool) {
	for {
		p.next()
		if p.token.kind != tokenString {
			p.fault("sieve.string_expected", p.token)
			return all, p.leaveList()
		}
		all = append(all, p.token.text)
		p.next()
		if p.take("]") {
			return all, true
		}
		if !p.token.is(",") {
			p.fault("sieve.list_end", p.token)
			return all, p.leaveList()
		}
	}
}

// leaveList passes to the end of a string list after a fault, which is never ok.
func (p *parser) leaveList() bool {
	p.skip("]", ";", "{")
	p.take("]")
	return false
}

// test reads one test.
func (p *parser) test() (*node, bool) {
	if p.tests == MaxTests {
		p.fault("sieve.tests_deep", MaxTests)
		return nil, false
	}
	n := &node{name: p.token.text, line: p.token.line}
	p.next()
	p.tests++
	ok := p.arguments(n)
	p.tests--
	return n, ok
}

// testList reads (test, test).
func (p *parser) testList(n *node) bool {
	n.list = true
	for {
		p.next()
		if p.token.kind != tokenName {
			p.fault("sieve.test_expected", p.token)
			return p.leaveTests()
		}
		t, ok := p.test()
		if !ok {
			return false
		}
		n.tests = append(n.tests, t)
		if p.take(")") {
			return true
		}
		if !p.token.is(",") {
			p.fault("sieve.tests_end", p.token)
			return p.leaveTests()
		}
	}
}

// leaveTests passes to the end of a test list after a fault. What is behind it may be read on.
func (p *parser) leaveTests() bool {
	p.skip(")", ";", "{")
	return p.take(")")
}
