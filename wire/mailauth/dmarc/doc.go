// Package dmarc finds out whether mail that shows a domain in its From was authenticated for that domain
// (RFC 9989), and writes and reads the aggregate reports about it (RFC 9990).
//
// Check does all: it discovers the policy by the DNS tree walk, compares the domains SPF and DKIM proved with
// the author's, and says what the domain's owner asks for. It decides nothing.
package dmarc
