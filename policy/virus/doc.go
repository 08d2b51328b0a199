// Package virus asks engines whether a message is harmful (VC-1).
//
// A Check asks several engines at once, under one deadline: clamd (package clamd), and Known, which is always there. What an engine says is one of
// five verdicts, which are different facts: clean, infected, encrypted, unscannable, and failed for one that did not answer. An engine that is down
// never makes a message clean: the whole is failed unless another one found something, and what follows from that is its company's choice.
package virus
