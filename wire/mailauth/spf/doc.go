// Package spf answers whether a host may send mail for a domain, by RFC 7208.
//
// It evaluates with blitiri.com.ar/go/spf and adds what a mail server needs around it: our own
// resolver with its limits and its kinds of failure, the check of HELO where the sender is null, the
// domain's explanation of a fail, and a deadline. It decides nothing: what follows from
// a fail is policy.
package spf
