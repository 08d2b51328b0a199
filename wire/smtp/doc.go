// Package smtp is the wire form of SMTP, RFC 5321, and of the extensions the
// platform speaks: it reads lines, bodies and chunks, takes commands and their
// parameters apart, writes replies, and has a client. It has no policy and no
// storage; server/smtpd and relay have.
//
// Errors are of two sorts. A *mail.Error says that the peer sent something that
// must be refused, and that the stream is still in step: answer and go on. Any other
// error comes from the connection, or is [ErrEndless]: nothing more can be said.
package smtp

import (
	"errors"

	"tegami/mail"
)

// Limits, in octets.
const (
	// MaxCommandLine is the longest command without its CRLF, but for AUTH: the 512 of RFC
	// 5321 §4.5.3.1.4 and what extensions add to MAIL (SIZE 26, BODY 17, SMTPUTF8 10,
	// AUTH 500, RET 9, ENVID 107, HOLDUNTIL 34) and RCPT (NOTIFY 29, ORCPT 501).
	MaxCommandLine = 1536
	// MaxAuthLine is the longest line of an authentication exchange (RFC 4954 §4),
	// with the word AUTH and a mechanism before it.
	MaxAuthLine = 12288 + 32
	// MaxReplyLine is the longest line of a reply with its CRLF (RFC 5321 §4.5.3.1.5).
	MaxReplyLine = 512
	// maxDrainLine is how much of a line past its limit is thrown away before the connection is given up.
	maxDrainLine = 1 << 20
	// MaxDrain is how much of a body past its limit is thrown away so that the refusal
	// can be heard, before the connection is given up.
	MaxDrain = 64 << 20
)

// ErrEndless is given when a peer sends on and on past every limit.
var ErrEndless = errors.New("smtp: the peer sends without end")

// InStep tells whether err leaves the stream in step: it is a *mail.Error, to be answered.
func InStep(err error) bool {
	var e *mail.Error
	return errors.As(err, &e)
}
