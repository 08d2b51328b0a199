// Package arc verifies and adds the Authenticated Received Chain, RFC 8617: each host that
// passes a message on and may break its signatures notes what it found and seals
// that note with those before.
//
// A chain that holds proves what its hosts said, not that they were honest: whoever uses what
// the first one found must know and trust all who have sealed ([Chain.Sealers]).
package arc

import (
	"strconv"
	"time"

	"tegami/wire/mailauth/authres"
)

// Names of the fields of a set, beside dkim.FieldNameARC and authres.FieldNameARC.
const fieldSeal = "ARC-Seal"

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

// Limits of a verification.
const (
	MaxSets    = 50               // how long a chain may be (RFC 8617 §4.2.1)
	keyTimeout = 10 * time.Second // how long all look-ups of keys may take together
	maxLookups = 10               // how many keys are fetched at a time
)

// Chain is what was found out about a message's chain.
type Chain struct {
	Status  Status
	Sets    int           // how many sets it has: the highest instance, whatever the status
	Oldest  int           // oldest-pass: the lowest instance whose message signature still holds with all after it; 0: all hold (RFC 8617 §5.2)
	Sealers []string      // d= of the seals as A-labels in lower case, the first instance first; set with Pass
	First   authres.Field // what the first host found, from instance 1; set with Pass, empty where it cannot be read
	Err     error         // why it is Fail
	Temp    bool          // Fail because a key could not be fetched or the body not be read now
	ended   bool          // the last seal says cv=fail
}

// Report gives the chain as a result of Authentication-Results (RFC 8617 §10.2).
func (c Chain) Report() authres.Result {
	r := authres.Result{Method: "arc", Value: c.Status.String()}
	if c.Sets > 0 {
		r.Comment = "i=" + strconv.Itoa(c.Sets)
	}
	if c.Status == Pass {
		r.Props = []authres.Prop{{Type: "header", Name: "oldest-pass", Value: strconv.Itoa(c.Oldest)}}
	}
	return r
}
