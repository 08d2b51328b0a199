// Package arc verifies and adds the Authenticated Received Chain, RFC 8617: each host that
// passes a message on and may break its signatures notes what it found and seals
// that note with those before.
package arc

import (
	"context"
	"io"
	"time"

	"tegami/wire/dns"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
)

// Status is the state of a chain, as cv= says it (RFC 8617 §4.4).
type Status uint8

// States of a chain.
const (
	None Status = iota // the message has no chain
	Pass               // it holds
	Fail               // it does not
)

var statusNames = [...]string{"none", "pass", "fail"}

func (s Status) String() string { return statusNames[s] }

// MaxSets is how long a chain may be (RFC 8617 §5.1.1.1).
const MaxSets = 50

// Chain is what was found out about a message's chain.
type Chain struct {
	Status  Status
	Sets    int           // how many sets it has; with Fail as many as were counted
	Oldest  int           // oldest-pass: the lowest instance whose message signature still holds with all after it; 0 = all (RFC 8617 §5.2)
	Sealers []string      // d= of the seals, the first instance first; set with Pass
	First   authres.Field // what the first host found, from instance 1; set with Pass. As true as its sealer is honest
	Err     error         // why it is Fail
	Temp    bool          // Fail because a key could not be fetched now
	sealed  bool          // the last seal says cv=fail: nothing may be added (RFC 8617 §5.1.2)
}

// Report gives the chain as a result of Authentication-Results (RFC 8617 §10.2… header.oldest-pass).
func (c Chain) Report() authres.Result { return authres.Result{} }

// Verify checks the chain of a message. The body is read only when there is one.
func Verify(ctx context.Context, l dns.Lookup, header []byte, body io.Reader) Chain {
	return Chain{}
}

// Options of a seal.
type Options struct {
	Results authres.Field // what we found out when the message came, without our own seal; it is sealed in
	Time    time.Time     // t=; zero: none is written
}

// Seal gives the next set of a message's chain: three fields with CRLF, to be put in front of the header. c is what Verify
// said when the message came; header and body are as they go out. It gives nothing and no error where the
// chain is at its end: it failed before us, or has MaxSets sets.
func Seal(header []byte, body io.Reader, key dkim.Key, c Chain, o Options) (fields []byte, err error) {
	return nil, nil
}
