// Package sieve is the Sieve language (RFC 5228) with its extensions: how users say
// what becomes of their mail (ML-12).
//
//	Compile ──► Script ──► Run(Input) ──► Result: what to do
//
// It does nothing itself. A script looks at a message and asks its Host a few things;
// what it wants is a list of actions, which the caller carries out, all or none. A run
// has limits on everything a script can ask for, so a script can neither stall nor
// exhaust who runs it.
//
// A script is compiled once: the lexer and the parser know only the grammar (RFC 5228 §8);
// what a command takes and which extension it needs stands in the tables of the language,
// one entry a command or test. A Script never changes and can be run by many at once.
//
// Header fields are compared as people read them: decoded to UTF-8, whatever charset they
// came in. What a user gets to read about a script, faults and refusals, are keys of the
// catalogue with the line they are about.
package sieve
