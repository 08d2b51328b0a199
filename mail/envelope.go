package mail

import (
	"net/netip"
	"time"
)

// Envelope is what SMTP says about a message beside its content (RFC 5321 §2.3.1).
type Envelope struct {
	From Address // the zero Address is the null reverse-path
	To   []Recipient
	Opts Options
}

// Recipient is one forward-path with what the sender asked for it.
type Recipient struct {
	Address
	Orcpt  string // RFC 3461 §4.2 ORCPT as given, xtext decoded: "rfc822;user@example"
	Notify Notify // RFC 3461 §4.1
}

// Notify says when a delivery status notification is wanted. Zero: not said, which means on failure.
type Notify uint8

// Bits of Notify. NotifyNever stands alone.
const (
	NotifyNever Notify = 1 << iota
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// Options are the parameters of MAIL FROM.
type Options struct {
	Size       int64     // RFC 1870, declared by the client; 0 = not said
	Body       Body      // RFC 6152, RFC 3030
	UTF8       bool      // RFC 6531 SMTPUTF8
	EnvID      string    // RFC 3461 §4.4, xtext decoded
	Ret        Ret       // RFC 3461 §4.3
	RequireTLS bool      // RFC 8689
	HoldUntil  time.Time // RFC 4865; zero = at once
}

// Body is the kind of content MAIL FROM declared.
type Body uint8

// Kinds of content.
const (
	Body7Bit Body = iota
	Body8BitMIME
	BodyBinaryMIME
)

// Ret is how much of the message a DSN brings back.
type Ret uint8

// Values of RET; RetUnset when the client did not say.
const (
	RetUnset Ret = iota
	RetHeaders
	RetFull
)

// Origin is where a message or a session came from. It is evidence, never permission.
type Origin struct {
	Door     string     // "smtp", "smtps", "submission", "imap", "jmap", "rest", "platform"
	Zone     Zone       // which access zone the listener belongs to (SV-9)
	Remote   netip.Addr // the peer
	Helo     string     // what it called itself
	Basic    bool       // it said HELO and not EHLO: SMTP without extensions (RFC 5321 §2.2.1); not kept in the queue
	TLS      string     // "" = plain, else "TLS1.3 TLS_AES_128_GCM_SHA256"
	Session  string     // id of the session, as in its log lines and refusals
	Received time.Time
	Agent    string // what a browser or a program at the API called itself; not kept in the queue
}

// Zone is an access zone (SV-9).
type Zone string

// The zones.
const (
	ZoneInternet Zone = "internet"
	ZoneVPN      Zone = "vpn"
)
