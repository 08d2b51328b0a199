package sieve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// A Fault is something wrong at a place of a script. Its text is a key of the catalogue.
type Fault struct {
	Script string // the included script it stands in (RFC 6609), "" = the script itself
	Line   int    // from 1
	Key    string // of the catalogue: "sieve.unknown_command"
	Args   []any  // fill the text's places
}

func (f Fault) String() string {
	var b strings.Builder
	if f.Script != "" {
		b.WriteString(f.Script + ":")
	}
	fmt.Fprintf(&b, "%d: %s", f.Line, f.Key)
	for _, a := range f.Args {
		fmt.Fprintf(&b, " %v", a)
	}
	return b.String()
}

// A SyntaxError tells why a script does not compile. It unwraps to a *mail.Error of the
// kind Invalid with the first fault's text.
type SyntaxError struct {
	Faults []Fault // in the order of their lines, at least one, at most MaxFaults
}

func (e *SyntaxError) Error() string {
	all := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		all[i] = f.String()
	}
	return "sieve.Compile: " + strings.Join(all, "; ")
}

// Unwrap gives the first fault as the house's error.
func (e *SyntaxError) Unwrap() error {
	if len(e.Faults) == 0 {
		return nil
	}
	return &mail.Error{Op: "sieve.Compile", Kind: mail.Invalid, Text: e.Faults[0].Key, Args: e.Faults[0].Args}
}

// A RunError tells why a script ended before its end. It unwraps to a *mail.Error of the kind Invalid.
type RunError struct {
	Fault
	Steps int // that the run took until then
}

func (e *RunError) Error() string { return "sieve.Run: " + e.Fault.String() }

// Unwrap gives the fault as the house's error.
func (e *RunError) Unwrap() error {
	return &mail.Error{Op: "sieve.Run", Kind: mail.Invalid, Text: e.Key, Args: e.Args}
}

// newFault makes a fault whose arguments are fit to be told: in one line, not too long.
func newFault(script string, line int, key string, args []any) Fault {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = printable(a)
		case error:
			args[i] = printable(a.Error())
		}
	}
	return Fault{Script: script, Line: line, Key: key, Args: args}
}

// maxTold is how much of a text is told in a fault, in octets.
const maxTold = 256

// printable makes a text fit to be told.
func printable(s string) string {
	if len(s) > maxTold {
		s = truncate(s, maxTold) + "..."
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\t':
			return ' '
		case control(r):
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// faults gathers what is wrong with a script.
type faults struct{ all []Fault }

// more tells whether there is room for another.
func (f *faults) more() bool { return len(f.all) < MaxFaults }

func (f *faults) add(line int, key string, args ...any) {
	if f.more() {
		f.all = append(f.all, newFault("", line, key, args))
	}
}

// err is all of them, in the order of their lines; nil when there are none.
func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	slices.SortStableFunc(f.all, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return &SyntaxError{Faults: f.all}
}
