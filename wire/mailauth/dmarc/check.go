package dmarc

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/wire/dns"
)

// Status is the result in the words of RFC 8601 §2.7 and RFC 9989 §9.
type Status string

// Results of a check.
const (
	None      Status = "none"      // no record applies
	Pass      Status = "pass"      // an authenticated domain is aligned with the author's
	Fail      Status = "fail"      // none is
	TempError Status = "temperror" // the DNS did not answer all: neither pass nor fail (RFC 9989 §5.3.6)
	PermError Status = "permerror" // the record that applies is in error
)

// MaxIdentifiers is how many signing domains are looked at.
const MaxIdentifiers = 10

// Identifier is a domain that SPF or DKIM looked at.
type Identifier struct {
	Domain string
	Pass   bool // it is authenticated
	Temp   bool // that could not be found out for now
}

// Discovery is what is known of an author's domain: which record applies.
type Discovery struct {
	Status Status // None, TempError, PermError; Pass: a record applies
	Record Record
	Domain string // the author's
	Where  string // where the record stands (the policy domain); "" without one
	Org    string // the organizational domain of Domain; "" unless it was needed
	Err    error  // of TempError and PermError
}

// Result is what a check found.
type Result struct {
	Status    Status
	Discovery Discovery
	SPF, DKIM bool   // an authenticated domain of this kind is aligned
	Missing   bool   // the author's domain does not exist, and the record asks for something else then (np)
	Published Policy // what the owner asks for when Status is Fail: p, sp or np, without regard to test mode
	Policy    Policy // the same after test mode; PolicyNone unless Status is Fail
	Err       error  // of TempError and PermError
}

// Discover finds the record that applies to an author's domain, and its organizational domain (RFC 9989 §4.10.1). domain is
// in canonical form.
func Discover(ctx context.Context, l dns.Lookup, domain string) Discovery {
	w := newWalker(l)
	d := w.discover(ctx, domain)
	if d.Status == TempError || d.Org != "" {
		return d
	}
	found, err := w.walk(ctx, domain)
	if err != nil {
		return Discovery{Status: TempError, Domain: domain, Err: err}
	}
	d.Org = organization(domain, found)
	return d
}

// discover finds the record. The author's own is asked for first, and alone.
func (w *walker) discover(ctx context.Context, domain string) Discovery {
	d := Discovery{Status: None, Domain: domain}
	own, err := w.ask(ctx, domain)
	if err != nil {
		d.Status, d.Err = TempError, err
		return d
	}
	if own.found {
		d.take(own)
		return d
	}
	found, err := w.walk(ctx, domain)
	if err != nil {
		d.Status, d.Err = TempError, err
		return d
	}
	d.Org = organization(domain, found)
	for _, p := range found { // the organization's before the public suffix's
		if p.domain == d.Org || p.record.PSD == PSDYes {
			d.take(p)
			break
		}
	}
	return d
}

// take makes a place's record the one that applies.
func (d *Discovery) take(p place) {
	d.Record, d.Where, d.Status = p.record, p.domain, Pass
	if p.bad != nil {
		d.Status, d.Err = PermError, p.bad
	}
}

// Check evaluates DMARC for a message (RFC 9989 §5.3). author is the domain of its only From, in canonical
// form; spf is the MAIL FROM domain SPF looked at, dkim the domains of its signatures (d=).
func Check(ctx context.Context, l dns.Lookup, author string, spf Identifier, dkim []Identifier) Result {
	w := newWalker(l)
	r := Result{Discovery: w.discover(ctx, author), Published: PolicyNone, Policy: PolicyNone}
	d := &r.Discovery
	r.Status, r.Err = d.Status, d.Err
	if d.Status != Pass {
		return r
	}
	r.Status = Fail
	var unsure error
	r.SPF = w.aligned(ctx, d, spf, d.Record.SPF, &unsure)
	for _, id := range dkim[:min(len(dkim), MaxIdentifiers)] {
		r.DKIM = w.aligned(ctx, d, id, d.Record.DKIM, &unsure) || r.DKIM
	}
	switch {
	case r.SPF || r.DKIM:
		r.Status = Pass
	case unsure != nil:
		r.Status, r.Err = TempError, unsure
	default:
		w.demand(ctx, &r)
	}
	return r
}

// aligned tells whether an identifier is authenticated and aligned with the author's domain (RFC 9989 §4.4).
// Where that can't be said for now unsure gets the reason.
func (w *walker) aligned(ctx context.Context, d *Discovery, id Identifier, how Alignment, unsure *error) bool {
	domain := strings.ToLower(strings.TrimSuffix(id.Domain, "."))
	if domain == "" || !id.Pass && !id.Temp {
		return false
	}
	same := domain == d.Domain
	if !same && how == Relaxed {
		var err error
		if same, err = w.sameOrganization(ctx, d, domain); err != nil {
			*unsure = err
			return false
		}
	}
	if same && id.Temp {
		*unsure = mail.E("dmarc.Check", mail.Unavailable, "dmarc.not_proved_yet", domain)
	}
	return same && id.Pass
}

// sameOrganization compares organizational domains. Names that share no label can't have the same.
func (w *walker) sameOrganization(ctx context.Context, d *Discovery, domain string) (bool, error) {
	if topLabel(domain) != topLabel(d.Domain) {
		return false, nil
	}
	if d.Org == "" {
		found, err := w.walk(ctx, d.Domain)
		if err != nil {
			return false, err
		}
		d.Org = organization(d.Domain, found)
	}
	if domain != d.Org && !strings.HasSuffix(domain, "."+d.Org) {
		return false, nil
	}
	found, err := w.walk(ctx, domain)
	return err == nil && organization(domain, found) == d.Org, err
}

func topLabel(domain string) string { return domain[strings.LastIndexByte(domain, '.')+1:] }

// demand finds what the owner asks for (RFC 9989 §4.7, §4.10.1): p for the domain the record stands at,
// sp below it, np for names that do not exist; one level less in test mode.
func (w *walker) demand(ctx context.Context, r *Result) {
	d := &r.Discovery
	rec := d.Record
	r.Published = rec.Policy
	if d.Where != d.Domain {
		if rec.Subdomains != "" {
			r.Published = rec.Subdomains
		}
		if rec.Missing != "" && rec.Missing != r.Published {
			missing, err := w.missing(ctx, d.Domain)
			if err != nil {
				r.Status, r.Err, r.Published = TempError, err, PolicyNone
				return
			}
			if r.Missing = missing; missing {
				r.Published = rec.Missing
			}
		}
	}
	r.Policy = r.Published
	if rec.Test {
		r.Policy = r.Published.Softer()
	}
}

// missing tells whether a name does not exist in the DNS, nor anything below it (RFC 8020).
func (w *walker) missing(ctx context.Context, domain string) (bool, error) {
	_, _, err := w.lookup.MX(ctx, domain)
	if err == nil || mail.Is(err, mail.NotFound) {
		return dns.IsNXDomain(err), nil
	}
	return false, mail.Wrap("dmarc.missing", err)
}
