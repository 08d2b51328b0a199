package spam

import (
	"net/netip"
	"strings"

	"tegami/mail"
	"tegami/policy"
)

// Bits of an address that make a network for reputation.
const (
	networkBits4 = 24
	networkBits6 = 48
)

// weights of what others said.
const (
	maxListed  = 6   // log odds that all lists together may add
	maxOpinion = 3.5 // log odds that an Rspamd may add, or take away
)

// facts applies what was found out by asking others.
func (l *look) facts(q *Inquiry) {
	l.f.sender = q.From
	if f := q.Facts; f != nil {
		l.f.proved = f.Proved()
		l.authentication(f)
	}
	l.network(q.Origin.Remote)
	l.domains(q.Facts)
	l.lists(q.Listed)
	if o := q.Opinion; o != nil && o.Required > 0 {
		weight := (o.Score/o.Required - 0.5) * maxOpinion
		l.hits.weigh(ruleOpinion, min(maxOpinion, max(-maxOpinion/2, weight)), o.Action)
	}
}

// authentication applies SPF, DKIM, DMARC and ARC. What passes speaks little for a message: spammers have domains too. It
// is what reputation stands on.
func (l *look) authentication(f *policy.Facts) {
	h := &l.hits
	if f.SPF != nil {
		h.addIf(f.SPF.Result == "fail", ruleSPFFail, f.SPF.Domain)
		h.addIf(f.SPF.Result == "softfail", ruleSPFSoftfail, f.SPF.Domain)
	}
	passed, failed := "", ""
	for _, d := range f.DKIM {
		switch d.Result {
		case "pass":
			passed = d.Domain
		case "fail", "policy", "permerror":
			failed = d.Domain
		}
	}
	h.addIf(passed != "", ruleDKIMPass, passed)
	h.addIf(passed == "" && failed != "", ruleDKIMFail, failed)
	if f.DMARC == nil {
		return
	}
	forwarded := f.ARC != nil && f.ARC.Result == "pass" && f.ARC.DMARCPassed
	switch d := f.DMARC; {
	case d.Result == "pass":
		h.add(ruleDMARCPass, d.Domain)
	case d.Result == "fail" && forwarded:
		h.add(ruleARCPass, strings.Join(f.ARC.Sealers, " "))
	case d.Result == "fail" && d.Policy == "reject":
		h.add(ruleDMARCReject, d.Domain)
	case d.Result == "fail":
		h.add(ruleDMARCFail, d.Domain)
	}
}

// network notes the peer's network.
func (l *look) network(ip netip.Addr) {
	if p, ok := mail.Network(ip, networkBits4, networkBits6); ok {
		l.f.keys = append(l.f.keys, "net:"+p.String())
	}
}

// domains notes the domains that were proved: what anybody can write has no reputation.
func (l *look) domains(f *policy.Facts) {
	if f == nil {
		return
	}
	note := func(domain string) {
		key := "dom:" + registered(strings.ToLower(domain))
		for _, have := range l.f.keys {
			if have == key {
				return
			}
		}
		if len(l.f.keys) < maxKeys && domain != "" {
			l.f.keys = append(l.f.keys, key)
		}
	}
	if f.DMARC != nil && f.DMARC.Result == "pass" {
		note(f.DMARC.Domain)
	}
	for _, d := range f.DKIM {
		if d.Result == "pass" {
			note(d.Domain)
		}
	}
	if f.SPF != nil && f.SPF.Result == "pass" {
		note(f.SPF.Domain)
	}
}

// maxKeys is how many networks and domains of a message have a reputation.
const maxKeys = 8

// lists applies what DNS lists said.
func (l *look) lists(found []Listing) {
	sum, names := 0.0, make([]string, 0, len(found))
	for _, f := range found {
		sum += f.Weight
		names = append(names, f.List)
	}
	if len(found) > 0 {
		l.hits.weigh(ruleListed, min(sum, maxListed), strings.Join(names, " "), found[0].What)
	}
}
