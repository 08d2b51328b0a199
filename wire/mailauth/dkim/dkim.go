// Package dkim signs and verifies messages with DomainKeys Identified Mail, RFC 6376,
// with the algorithms and key sizes of RFC 8301, Ed25519 (RFC 8463) and
// internationalised domains (RFC 8616).
//
// A message is its header block and a reader of its body. The body is read once: one
// pass serves all signatures that canonicalise it alike.
package dkim

import (
	"context"
	"crypto"
	"io"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/authres"
)

// A Key signs for a domain. Its public half is at SELECTOR._domainkey.DOMAIN.
type Key struct {
	Domain   string        // d=, as A-labels
	Selector string        // s=
	Signer   crypto.Signer // *rsa.PrivateKey of at least 1024 bits, or ed25519.PrivateKey
}

// Options of a signature.
type Options struct {
	Time     time.Time     // t=; zero: none is written
	Lifetime time.Duration // x= is that much after Time; 0: none is written
	Identity string        // i=; empty: none is written, which means "@" and the domain
}

// Limits of a verification. The zero value of a field is its default.
type Limits struct {
	Signatures int           // how many signatures are looked at, from the top; the others are told as Policy. Default 10
	Timeout    time.Duration // how long all look-ups of keys may take together. Default 10 s
	Time       time.Time     // when the signatures are judged (x=); default now
}

// Status is what became of a signature, with the words of RFC 8601 §2.7.1.
type Status uint8

// What became of a signature.
const (
	None      Status = iota // there is none
	Pass                    // it holds
	Fail                    // it does not hold: header or body have changed, or it is forged
	Neutral                 // it cannot be read
	Policy                  // it may hold, but we accept none like it
	TempError               // the key could not be fetched now
	PermError               // there is no key, or it can never hold
)

var statusNames = [...]string{"none", "pass", "fail", "neutral", "policy", "temperror", "permerror"}

func (s Status) String() string { return statusNames[s] }

// Result is what was found out about one signature.
type Result struct {
	Status    Status
	Domain    string   // d=: who takes responsibility, in lower case, as A-labels
	Identity  string   // i=, or "@" and the domain
	Selector  string   // s=
	Algorithm string   // a=: "rsa-sha256", "ed25519-sha256"
	Bits      int      // size of the key, 0 while unknown; 256 for Ed25519
	Testing   bool     // t=y in the key: the domain tries DKIM; a failure is as if there were no signature
	Unsigned  int64    // octets of the body behind what l= covers: anybody can have added them
	Headers   []string // h=: names of the signed fields, in lower case
	Tag       string   // the first octets of b=, to tell signatures apart (RFC 6008)
	Err       error    // why it is no Pass
}

// Report gives the result as one of Authentication-Results (RFC 8601 §2.7.1).
func (r Result) Report() authres.Result { return authres.Result{} }

// Sign gives the DKIM-Signature fields of a message, one for each key, with CRLF, to be put in
// front of the header. header is the block up to and including the blank line. Both are
// canonicalised relaxed; the body is hashed once.
//
// A message without From is Invalid "dkim.no_from" (RFC 6376 §5.4); a key that is too short or of no known kind is
// Invalid "dkim.bad_key". Errors of body are wrapped.
func Sign(header []byte, body io.Reader, keys []Key, o Options) (fields []byte, err error) {
	return nil, mail.E("dkim.Sign", mail.Invalid, "dkim.no_from")
}

// Verify checks the signatures of a message in the order they stand in the header. No
// signature gives one Result with None. The body is read only where a signature
// needs it; it need not have been read to its end afterwards.
func Verify(ctx context.Context, l dns.Lookup, header []byte, body io.Reader, lim Limits) []Result {
	return []Result{{Status: None}}
}

// A Record is a public key as it is published (RFC 6376 §3.6.1).
type Record struct {
	Public   crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey; nil: the key is revoked
	Hashes   []string         // h=; nil: any
	Services []string         // s=; nil: any
	Notes    string           // n=
	Testing  bool             // t=y
	Strict   bool             // t=s: i= must have exactly the domain d=
}

// ParseRecord reads the TXT record of a key.
func ParseRecord(txt string) (Record, error) {
	return Record{}, mail.E("dkim.ParseRecord", mail.Invalid, "dkim.record_syntax")
}

// FormatRecord gives the TXT record of a public key, *rsa.PublicKey or ed25519.PublicKey; "" for others.
func FormatRecord(pub crypto.PublicKey) string { return "" }

// Name gives the name in the DNS of a key's record.
func Name(selector, domain string) string { return selector + "._domainkey." + domain }
