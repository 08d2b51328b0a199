package sieve

import (
	"slices"
	"strings"
)

// doNothing is for what is done when a script is compiled.
func doNothing(*run, *call) error { return nil }

// doIf runs the first block whose test is true (RFC 5228 §3.1). An else has no test.
func doIf(r *run, c *call) error {
	for ; c != nil; c = c.otherwise {
		ok := len(c.tests) == 0
		if !ok {
			var err error
			if ok, err = r.evaluate(c.tests[0]); err != nil {
				return err
			}
		}
		if ok {
			return r.block(c.block)
		}
	}
	return nil
}

// doStop ends the run (RFC 5228 §3.3).
func doStop(*run, *call) error { return errStop }

// doError ends the run as a failure (RFC 5463 §5).
func doError(r *run, c *call) error {
	return r.fault(c, "sieve.error", strings.TrimSpace(r.string(&c.args[0])))
}

func testTrue(*run, *call) (bool, error)  { return true, nil }
func testFalse(*run, *call) (bool, error) { return false, nil }

func testNot(r *run, c *call) (bool, error) {
	ok, err := r.evaluate(c.tests[0])
	return !ok && err == nil, err
}

// testAllOf looks at no test behind the first that is false.
func testAllOf(r *run, c *call) (bool, error) {
	for _, t := range c.tests {
		if ok, err := r.evaluate(t); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// testAnyOf looks at no test behind the first that is true.
func testAnyOf(r *run, c *call) (bool, error) {
	for _, t := range c.tests {
		if ok, err := r.evaluate(t); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// checkIHave answers ihave when the script is compiled, and enables what is there (RFC 5463 §4). Extensions that
// change how a script is read can't be enabled so late.
func checkIHave(k *compiler, c *call) {
	for i := range c.args[0].list {
		t := &c.args[0].list[i]
		_, ok := k.lang.capabilities[t.fixed]
		late := t.fixed == "variables" || t.fixed == "encoded-character"
		if !ok || !t.constant() || late && !k.has(t.fixed) {
			return
		}
	}
	c.known = true
	for i := range c.args[0].list {
		k.enable(c.args[0].list[i].fixed, c.line)
	}
}

func testIHave(_ *run, c *call) (bool, error) { return c.known, nil }

// never tells of a test that ihave makes false in every run.
func never(c *call) bool {
	switch c.name {
	case "ihave":
		return !c.known
	case "not":
		return len(c.tests) == 1 && always(c.tests[0])
	case "allof":
		return slices.ContainsFunc(c.tests, never)
	case "anyof":
		return len(c.tests) > 0 && !slices.ContainsFunc(c.tests, func(t *call) bool { return !never(t) })
	}
	return false
}

// always tells of a test that ihave makes true in every run.
func always(c *call) bool {
	switch c.name {
	case "ihave":
		return c.known
	case "not":
		return len(c.tests) == 1 && never(c.tests[0])
	case "anyof":
		return slices.ContainsFunc(c.tests, always)
	case "allof":
		return len(c.tests) > 0 && !slices.ContainsFunc(c.tests, func(t *call) bool { return !always(t) })
	}
	return false
}
