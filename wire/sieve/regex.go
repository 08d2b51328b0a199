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
	// instructionSize is what one instruction takes in memory, in octets.
	instructionSize = 64
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
	if programSize(tree) > 4*maxRegexWeight { // making it would take what it must not
		return 0, errRegexHeavy
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, regexFault(err)
	}
	return len(prog.Inst), nil
}

// programSize is about how many instructions a pattern's program has, a few times too many at most, up to maxProgramSize.
func programSize(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n = min(n+programSize(sub), maxProgramSize)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxProgramSize)
}

// maxProgramSize is where programSize ends to count.
const maxProgramSize = 1 << 20

// regexFault leaves out of the parser's words the pattern, which is told beside them.
func regexFault(err error) error {
	var e *syntax.Error
	if errors.As(err, &e) {
		return errors.New(e.Code.String())
	}
	return err
}
