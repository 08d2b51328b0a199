// Package dkim signs and verifies messages with DomainKeys Identified Mail, RFC 6376,
// with the algorithms and key sizes of RFC 8301, Ed25519 (RFC 8463) and
// internationalised domains (RFC 8616).
//
// A message is its header block and a reader of its body. The body is read once: one
// pass serves all signatures that canonicalise it alike. A line ends in CRLF; a CR or LF alone is an octet
// like any other in a body, and the end of a line in a header.
package dkim

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/authres"
)

// FieldName is the name of the header field.
const FieldName = "DKIM-Signature"

// Names of the algorithms (RFC 6376 §3.3, RFC 8463 §3).
const (
	RSA     = "rsa-sha256"
	Ed25519 = "ed25519-sha256"
	rsaSHA1 = "rsa-sha1" // neither made nor believed any more (RFC 8301 §3.1)
)

// Sizes of RSA keys in bits.
const (
	MinBits = 1024     // shorter keys sign nothing and prove nothing (RFC 8301 §3.2)
	MaxBits = 8 * 1024 // longer keys are not tried: their only use would be our time
)

// maxNames is how many header fields a signature can name.
const maxNames = 256

// Limits of a verification. The zero value of a field is its default.
type Limits struct {
	Signatures int           // how many signatures are looked at, from the top; the others are told as Policy. Default 10
	Timeout    time.Duration // how long all look-ups of keys may take together. Default 10 s
	Time       time.Time     // when the signatures are judged (x=); default now
}

func (l Limits) filled() Limits {
	if l.Signatures <= 0 {
		l.Signatures = 10
	}
	if l.Timeout <= 0 {
		l.Timeout = 10 * time.Second
	}
	if l.Time.IsZero() {
		l.Time = time.Now()
	}
	return l
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
	TempError               // the key could not be fetched now, or the body not be read
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
	Testing   bool     // t=y in the key: the domain tries DKIM; a failure is as if there were no signature (RFC 6376 §3.6.1)
	Unsigned  int64    // octets of the canonical body behind what l= covers: anybody can have added them
	Headers   []string // h=: names of the signed fields as written
	Tag       string   // the first octets of b=, to tell signatures apart (RFC 6008)
	Err       error    // why it is no Pass; its key is for people
}

// tagLength is how much of b= tells signatures apart (RFC 6008 §4).
const tagLength = 8

// Report gives the result as one of Authentication-Results (RFC 8601 §2.7.1).
func (r Result) Report() authres.Result {
	a := authres.Result{Method: "dkim", Value: r.Status.String(), Comment: r.note()}
	add := func(name, value string) {
		if value != "" {
			a.Props = append(a.Props, authres.Prop{Type: "header", Name: name, Value: value})
		}
	}
	add("d", r.Domain)
	if r.Identity != "@"+r.Domain {
		add("i", r.Identity)
	}
	add("s", r.Selector)
	add("a", r.Algorithm)
	add("b", r.Tag)
	return a
}

// note says in English what stands behind a result, as other hosts do in this field.
func (r Result) note() string {
	if r.Status == Pass && r.Bits > 0 {
		return strconv.Itoa(r.Bits) + "-bit key"
	}
	return notes[reason(r.Err)]
}

// reason gives the key of ours in an error, which may have a cause with a key of its own.
func reason(err error) string {
	var e *mail.Error
	for errors.As(err, &e) {
		if strings.HasPrefix(e.Text, "dkim.") {
			return e.Text
		}
		err = e.Err
	}
	return ""
}

// notes are the comments of failures in Authentication-Results, by the key of the error.
var notes = map[string]string{
	"dkim.algorithm":    "unsupported algorithm",
	"dkim.body_changed": "body has changed",
	"dkim.forged":       "signature does not match",
	"dkim.dns":          "key lookup failed",
	"dkim.domain":       "bad domain",
	"dkim.expired":      "expired",
	"dkim.from":         "From is not signed",
	"dkim.key":          "bad key record",
	"dkim.key_size":     "bad key size",
	"dkim.no_key":       "no key",
	"dkim.query":        "unsupported query method",
	"dkim.revoked":      "key revoked",
	"dkim.sha1":         "SHA-1",
	"dkim.tags":         "syntax error",
	"dkim.signatures":   "too many signatures",
	"dkim.unsuited":     "key is not for this use",
	"dkim.version":      "unknown version",
}
