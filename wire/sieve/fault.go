package sieve

import (
	"fmt"
	"strings"

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
type RunError struct{ Fault }

func (e *RunError) Error() string { return "sieve.Run: " + e.Fault.String() }

// Unwrap gives the fault as the house's error.
func (e *RunError) Unwrap() error {
	return &mail.Error{Op: "sieve.Run", Kind: mail.Invalid, Text: e.Key, Args: e.Args}
}
