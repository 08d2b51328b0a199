package policy

import (
	"slices"

	"tegami/mail"
)

// DMARCRule is what a tenant does with mail that DMARC would reject.
type DMARCRule string

// The rules.
const (
	DMARCReject DMARCRule = "reject" // as the author's domain asks; the default
	DMARCAccept DMARCRule = "accept" // the tenant takes it all the same
)

// Rules are what a message is judged by: the platform's, and those of the recipients' tenant.
type Rules struct {
	MaxReceived    int // RFC 5321 §6.3
	DMARC          DMARCRule
	TrustedSealers []string // domains whose ARC seals are believed when mail they passed on fails DMARC (RFC 8617 §8)
}

// Verdict is what happens to a message.
type Verdict struct {
	Refuse     error // not nil: it is not taken in, for this reason
	Suspicious bool  // taken, but not passed on by itself: no forwarding
}

// Judge says what follows from the facts. It does no I/O.
//
//   - more Received fields than a message can honestly have: Invalid "message.looping"
//   - several From fields, of which each program may show another: Invalid "message.several_froms" (RFC 5322 §3.6, RFC 9989 §5.3.1)
//   - a submission in somebody else's name: Denied "sender.not_owned"
//   - DMARC failed and the author's domain asks to reject: Denied "dmarc.rejected", unless the tenant or a trusted chain says otherwise
//   - From without an address that DMARC could judge, though a program may show one: suspicious
//
// What could not be found out in time is no reason to refuse: a failing name server would then refuse
// everybody's mail.
func Judge(r Rules, f *Facts) Verdict {
	const op = "policy.Judge"
	switch {
	case f.Received > r.MaxReceived:
		return Verdict{Refuse: mail.E(op, mail.Invalid, "message.looping", r.MaxReceived)}
	case f.NotOwned != "":
		return Verdict{Refuse: mail.E(op, mail.Denied, "sender.not_owned", f.NotOwned)}
	case f.Froms > 1:
		return Verdict{Refuse: mail.E(op, mail.Invalid, "message.several_froms")}
	}
	if f.SPF != nil && f.Author == "" {
		return Verdict{Suspicious: true}
	}
	d := f.DMARC
	if d == nil || d.Result != "fail" || vouched(r, f.ARC) {
		return Verdict{}
	}
	if d.Policy == "reject" && r.DMARC != DMARCAccept {
		return Verdict{Refuse: mail.E(op, mail.Denied, "dmarc.rejected", d.Domain)}
	}
	return Verdict{Suspicious: d.Policy != "none"}
}

// vouched tells whether a chain of hosts we trust says that DMARC passed before they touched the message.
func vouched(r Rules, a *ARC) bool {
	if a == nil || a.Result != "pass" || !a.DMARCPassed || len(a.Sealers) == 0 {
		return false
	}
	for _, s := range a.Sealers {
		if !slices.Contains(r.TrustedSealers, s) {
			return false
		}
	}
	return true
}
