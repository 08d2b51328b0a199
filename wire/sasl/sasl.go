// Package sasl speaks the authentication exchanges of RFC 4422: PLAIN (RFC 4616),
// LOGIN (draft-murchison-sasl-login), SCRAM-SHA-256 (RFC 5802, RFC 7677) and
// SCRAM-SHA-256-PLUS with the channel bindings tls-exporter (RFC 9266) and
// tls-server-end-point (RFC 5929), and for OAuth 2.0 access tokens OAUTHBEARER
// (RFC 7628) and XOAUTH2, which came before it. It has the server's side for every door and the
// client's for the relay and for tests.
//
// It knows no accounts and takes no decision: a Verifier does. It speaks no base64
// but for [Decode]; SMTP (RFC 4954), IMAP (RFC 9051 §6.2.2) and POP3 (RFC 5034)
// frame the messages in their own lines.
package sasl

import (
	"context"
	"encoding/base64"

	"tegami/mail"
)

// Names of the mechanisms.
const (
	Plain     = "PLAIN"
	Login     = "LOGIN"
	Scram     = "SCRAM-SHA-256"
	ScramPlus = "SCRAM-SHA-256-PLUS"
	Bearer    = "OAUTHBEARER"
	XOAuth2   = "XOAUTH2"
)

// Limits in octets. What is longer is refused with the key "auth.too_long".
const (
	// MaxMessage is the longest decoded message of either side, but for tokens.
	MaxMessage = 4096
	// MaxToken is the longest message with a token: some issuers put all they know of a user into it.
	MaxToken = 8192
	// MaxLine is the longest base64 line a door needs to read: RFC 4954 §4 asks for 12,288.
	MaxLine = 12288
	// MaxUser is the longest user name: an address of 64 + 1 + 255 octets.
	MaxUser = 320
	// MaxPassword is the longest password.
	MaxPassword = 1024
)

// A Verifier knows the accounts. A door gives one to each exchange; it need not
// be safe for concurrent use. User names and passwords have passed [Prepare].
//
// An unknown user must be indistinguishable from a wrong password: in what is
// returned, and in the time it takes.
type Verifier interface {
	// Password checks a password and returns nil when it is right, an error of
	// kind Denied when it is not, and any other kind when it could not be checked.
	Password(ctx context.Context, user, password string) error
	// SCRAM gives what the user's password was stored as. For an unknown user it
	// gives a secret that no password fits, with a salt derived from the name
	// (RFC 5802 §9), and no error.
	SCRAM(ctx context.Context, user string) (ScramSecret, error)
}

// A TokenVerifier is a Verifier that may take OAuth 2.0 access tokens (RFC 6750) too.
type TokenVerifier interface {
	Verifier
	// TokenHelp is what a client is told whose token was refused; ok is false where no tokens are taken at all.
	TokenHelp() (help TokenHelp, ok bool)
	// Token checks a token and returns whose it is. user is whom the client says it is, prepared, "" where it
	// leaves that to the token. Errors as those of Password.
	Token(ctx context.Context, user, token string) (string, error)
}

// TokenHelp tells a client how to get a better token (RFC 7628 §3.2.2). Empty fields are left out.
type TokenHelp struct {
	Scope         string // a list, with blanks between
	Configuration string // URL of the OpenID Provider Configuration
}

// A Server is the server's side of one exchange. It is used once.
type Server interface {
	// Next takes the client's message and gives the next challenge, or done. The
	// first call passes the initial response, or nil where the client sent none; an
	// empty initial response ("=" on the wire) is empty and not nil. Done with a nil
	// error is success. After an error or done the exchange is over.
	//
	// Kinds of errors: Denied (key "auth.failed") for a wrong proof, Invalid
	// ("auth.malformed") for a message that is none, Full ("auth.too_long"), and
	// whatever the Verifier returned.
	Next(ctx context.Context, response []byte) (challenge []byte, done bool, err error)
	// User is the name that authenticates, as prepared; "" while it isn't known.
	User() string
	// Name is the mechanism's.
	Name() string
}

// Start begins an exchange of the named mechanism, which is matched without
// regard to case. Channel is the zero value where there is no TLS.
// An unknown mechanism, and one that the channel or the verifier doesn't allow, gives NotFound with the
// key "auth.mechanism".
func Start(name string, v Verifier, c Channel) (Server, error) {
	switch upper(name) {
	case Plain:
		return &plainServer{verifier: v}, nil
	case Login:
		return &loginServer{verifier: v}, nil
	case Scram:
		return &scramServer{verifier: v, channel: c}, nil
	case ScramPlus:
		if c.Bindable() {
			return &scramServer{verifier: v, channel: c, plus: true}, nil
		}
	case Bearer, XOAuth2:
		if tokens, help, ok := takesTokens(v); ok {
			return &tokenServer{verifier: tokens, help: help, old: upper(name) == XOAuth2}, nil
		}
	}
	return nil, mail.E("sasl.Start", mail.NotFound, "auth.mechanism", name)
}

// Mechanisms lists what Start takes with the same verifier and channel, the strongest first.
func Mechanisms(v Verifier, c Channel) []string {
	all := []string{ScramPlus, Scram, Plain, Login}
	if !c.Bindable() {
		all = all[1:]
	}
	if _, _, ok := takesTokens(v); ok {
		all = append(all, Bearer, XOAuth2)
	}
	return all
}

func takesTokens(v Verifier) (tokens TokenVerifier, help TokenHelp, ok bool) {
	if tokens, ok = v.(TokenVerifier); ok {
		help, ok = tokens.TokenHelp()
	}
	return tokens, help, ok
}

// Decode reads a line of an exchange: base64 as RFC 4648 §4 with its padding and
// no white space, "=" for an empty message (RFC 4954 §4, RFC 9051 §6.2.2). The
// result is never nil without an error, of kind Invalid or Full.
func Decode(line []byte) ([]byte, error) {
	if len(line) > MaxLine {
		return nil, mail.E("sasl.Decode", mail.Full, "auth.too_long")
	}
	if len(line) == 1 && line[0] == '=' {
		return []byte{}, nil
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	n, err := base64.StdEncoding.Strict().Decode(out, line)
	if err != nil || hasNewline(line) {
		return nil, malformed("sasl.Decode")
	}
	return out[:n], nil
}

// hasNewline finds what encoding/base64 would skip.
func hasNewline(line []byte) bool {
	for _, c := range line {
		if c == '\r' || c == '\n' {
			return true
		}
	}
	return false
}

// upper is strings.ToUpper for ASCII: a mechanism's name has no other letters (RFC 4422 §3.1).
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func malformed(op mail.Op) error { return mail.E(op, mail.Invalid, "auth.malformed") }

func tooLong(op mail.Op) error { return mail.E(op, mail.Full, "auth.too_long") }

func failed(op mail.Op) error { return mail.E(op, mail.Denied, "auth.failed") }
