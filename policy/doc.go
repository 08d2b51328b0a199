// Package policy says what follows from what is known of a message. Facts are
// gathered with I/O (package probe); Judge looks at nothing else, so a verdict can be
// explained afterwards, and a new rule tried on old facts.
package policy
