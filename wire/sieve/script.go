package sieve

import (
	"context"
	"maps"
	"slices"

	"tegami/mail"
)

// A Script is compiled and valid. It never changes and can be run by many at once.
type Script struct {
	limits Limits
	calls  []*call
	slots  int // of variables
	lines  int // of its source
	weight int // of its regular expressions, in instructions
	// included are its include commands.
	included []Inclusion
	// redirects are the constant addresses of its redirect commands, each once.
	redirects []mail.Address
}

// Redirects are the addresses of the script's redirect commands that stand in it, each once. What is put together when it
// runs, from variables, and what included scripts have is not among them.
func (s *Script) Redirects() []mail.Address { return s.redirects }

// Compile checks a script and makes it ready to run. The zero Limits mean the usual ones. The error is a
// *SyntaxError with all that is wrong; where the grammar is broken, with that only.
func Compile(source []byte, lim Limits) (*Script, error) { return compile(standard, source, lim) }

// Run runs the script on a message. The error is a *RunError when the script is to blame: a limit it passed, a
// value no action can take, actions that exclude each other. Any other error is the Host's or of reading, and
// may be gone at the next try. With an error there is no result, and the caller keeps the message (RFC 5228 §2.10.6).
func (s *Script) Run(ctx context.Context, in *Input) (*Result, error) {
	return newRun(ctx, s, in).script(s)
}

// Memory is about how many octets a compiled script takes beside what its source says: those of its regular expressions.
func (s *Script) Memory() int { return s.weight * instructionSize }

// Capabilities are the names a script can require, sorted; what ManageSieve announces (RFC 5804 §1.7).
func Capabilities() []string { return slices.Sorted(maps.Keys(capabilities)) }

// NotifyMethods are the URI schemes of notify, as ManageSieve announces them (RFC 5804 §1.7).
func NotifyMethods() []string { return []string{"mailto"} }
