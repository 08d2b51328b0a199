package sieve

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// Limits of regular expressions, in instructions of their programs. A character is one or two, (x{1000}) a thousand.
const (
	maxRegexWeight  = 20_000 // of one
	maxRegexWeights = 50_000 // of all that are constant in one script
	// compileCost is what compiling one instruction costs in a run, in octets compared.
	compileCost = 1024
	// threadCost is what one instruction costs for each octet of a text, if all of them are alive, in octets compared.
	threadCost = 16
)

// What is told of regular expressions beside what the parser says.
var (
	errRegexLong  = errors.New("too long")
	errRegexHeavy = errors.New("too complex")
)

// compileRegex compiles an extended regular expression (POSIX, draft-ietf-sieve-regex) with what RE2 adds to it, and
// takes the longest of the leftmost matches. There are no back references, so that its time grows with the
// length of the text only.
func compileRegex(s string, caseless bool, longest int) (*pattern, error) {
	if len(s) > longest {
		return nil, errRegexLong
	}
	if caseless {
		s = "(?i)" + s
	}
	weight, err := regexWeight(s)
	if err != nil {
		return nil, err
	}
	if weight > maxRegexWeight {
		return nil, errRegexHeavy
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, regexFault(err)
	}
	re.Longest()
	return &pattern{re, weight}, nil
}

// regexWeight counts the instructions of a pattern's program.
func regexWeight(s string) (int, error) {
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return 0, regexFault(err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, regexFault(err)
	}
	return len(prog.Inst), nil
}

// regexFault leaves out of the parser's words the pattern, which is told beside them.
func regexFault(err error) error {
	var e *syntax.Error
	if errors.As(err, &e) {
		return errors.New(e.Code.String())
	}
	return err
}
