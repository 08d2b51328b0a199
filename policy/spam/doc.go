// Package spam says how likely a message is unwanted, as a probability with its reasons (SF-1).
//
//	Inquiry ──Look──► Features ──Score──► policy.Spam
//	once a message, pure          once a company: its Memory and its people
//
// Look reads the message once: header, texts, links, shape. What it notices is a Hit of a rule (rules.go) or a token: a hash of
// a word, a pair of neighbouring words, two Japanese characters, or of a trait of the message's form. Score asks what the
// company knows of the tokens, of the networks and domains, and of the sender, and adds everything up in log odds: each
// reason is a summand, and the percentage is the logistic function of the sum.
//
// What a company teaches stays with it: tokens are counted by package learning, over a base that ships with the program and
// that nobody but its makers changes (base.go). Nothing here does I/O of its own, but through Memory; lookups of DNS lists
// and the question to an Rspamd stand in packages lists and rspamd, and are facts of an Inquiry like others.
package spam
