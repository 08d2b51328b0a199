package spf

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	blitiri "blitiri.com.ar/go/spf"

	"tegami/mail"
	"tegami/wire/dns"
)

// Status is the result of a check in the words of RFC 7208 §8, as Authentication-Results and reports write it.
type Status string

// Results of a check (RFC 7208 §2.6).
const (
	None      Status = "none"      // no record, or no domain that could have one
	Neutral   Status = "neutral"   // the domain says nothing about this host
	Pass      Status = "pass"      // the host may send for the domain
	Fail      Status = "fail"      // it may not
	SoftFail  Status = "softfail"  // it probably may not
	TempError Status = "temperror" // the DNS did not answer: ask again later
	PermError Status = "permerror" // the domain's record is wrong and says nothing
)

// Scope is whose domain was checked.
type Scope string

// Scopes (RFC 7208 §2.3, §2.4).
const (
	MailFrom Scope = "mfrom"
	Helo     Scope = "helo" // the sender was null: postmaster at the HELO domain stands for it
)

// Limits of RFC 7208 §4.6.4.
const (
	// MaxLookups is how many terms of a record and what it includes may ask the DNS.
	MaxLookups = 10
	// MaxVoid is how many of them may find nothing.
	MaxVoid = 2
	// MaxTime is how long a check takes at most, whatever the caller's deadline is.
	MaxTime = 20 * time.Second
)

// Result says what a check found.
type Result struct {
	Status      Status
	Domain      string     // whose record was asked for, in canonical form; "" where there was none to ask
	Scope       Scope      // where Domain comes from
	Mechanism   string     // kind of the mechanism that decided: "all", "ip4", "mx" …, "default" where none did; "" on errors
	Explanation string     // of a Fail: the domain's own words (RFC 7208 §6.2), printable ASCII, at most MaxExplanation; "" = none
	Err         error      // of TempError and PermError: why, for the log
	IP          netip.Addr // as they were given to Check, for ReceivedSPF
	Helo        string
	From        mail.Address
}

// Check asks whether ip may send mail from an address (RFC 7208 §4). For the null sender
// it asks about the HELO domain (RFC 7208 §2.4). Failing is a result, never an error of its own.
func Check(ctx context.Context, l dns.Lookup, ip netip.Addr, helo string, from mail.Address) Result {
	r := Result{Status: None, Scope: MailFrom, IP: ip.Unmap().WithZone(""), Helo: helo, From: from}
	domain, local := from.Domain, from.Local
	if from.IsNull() {
		domain, r.Scope = helo, Helo
	}
	if local == "" {
		local = "postmaster" // RFC 7208 §4.3
	}
	var ok bool
	if r.Domain, ok = checkable(domain); !ok || !ip.IsValid() {
		r.Domain = ""
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	e := evaluation{ctx: ctx, names: newResolver(l, r.IP), ip: r.IP, helo: helo, local: local, origin: r.Domain, domain: r.Domain}
	e.run(&r)
	return r
}

// checkable puts a domain into canonical form. One that cannot be looked up, or that has a
// single label, has no record (RFC 7208 §4.3): an address literal, an empty label.
func checkable(domain string) (string, bool) {
	if strings.HasPrefix(domain, "[") || !strings.Contains(strings.TrimSuffix(domain, "."), ".") {
		return "", false
	}
	d, ok := mail.ParseDomain(domain)
	return d, ok && wellFormed(d)
}

// evaluation is one check on its way.
type evaluation struct {
	ctx         context.Context
	names       *resolver
	ip          netip.Addr
	helo, local string
	origin      string // the sender's domain
	domain      string // of the record to begin with
}

// run evaluates the domain's record and writes what it found into r.
func (e *evaluation) run(r *Result) {
	status, err := e.evaluate(e.names)
	r.Status = Status(status)
	switch r.Status {
	case TempError, PermError:
		r.Err = err
		if r.Status == TempError && e.names.failure != nil {
			r.Err = e.names.failure
		}
	case Fail:
		r.Explanation = e.explain()
		fallthrough
	case Pass, SoftFail, Neutral:
		r.Mechanism = mechanism(err, e.ip)
	}
}

// evaluate runs check_host() (RFC 7208 §4) with what names answers.
func (e *evaluation) evaluate(names blitiri.DNSResolver) (blitiri.Result, error) {
	return blitiri.CheckHostWithSender(e.ip.AsSlice(), e.helo, e.sender(),
		blitiri.WithContext(e.ctx), blitiri.WithResolver(names),
		blitiri.OverrideLookupLimit(MaxLookups), blitiri.OverrideVoidLookupLimit(MaxVoid))
}

// sender is the address macros speak of. An "@" inside a quoted local part would move the domain: it is replaced.
func (e *evaluation) sender() string {
	return strings.ReplaceAll(e.local, "@", "_") + "@" + e.origin
}

// mechanisms names what decided by the library's word for it.
var mechanisms = []struct {
	err  error
	name string
}{
	{blitiri.ErrMatchedAll, "all"},
	{blitiri.ErrMatchedA, "a"},
	{blitiri.ErrMatchedMX, "mx"},
	{blitiri.ErrMatchedPTR, "ptr"},
	{blitiri.ErrMatchedExists, "exists"},
}

func mechanism(err error, ip netip.Addr) string {
	for _, m := range mechanisms {
		if errors.Is(err, m.err) {
			return m.name
		}
	}
	if !errors.Is(err, blitiri.ErrMatchedIP) {
		return "default" // RFC 7208 §4.7
	}
	if ip.Is4() {
		return "ip4"
	}
	return "ip6"
}
