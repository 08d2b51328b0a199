package dmarc

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/wire/dns"
)

// Destinations gives the addresses a report about a policy domain may go to: those of its rua in the organization itself,
// and those elsewhere whose host says in the DNS that it wants them (RFC 9990 §4). A host may name another address of its
// own instead. An address of which nobody knows for now is left out, and the error tells: Unavailable or Busy.
func Destinations(ctx context.Context, l dns.Lookup, policyDomain string, rua []mail.Address) ([]mail.Address, error) {
	var list []mail.Address
	var failed error
	w := newWalker(l)
	for _, a := range rua[:min(len(rua), MaxReportURIs)] {
		to, err := w.destinations(ctx, policyDomain, a)
		if err != nil {
			failed = mail.Wrap("dmarc.Destinations", err)
		}
		list = append(list, to...)
	}
	return list, failed
}

// destinations gives what one address of a rua becomes.
func (w *walker) destinations(ctx context.Context, policyDomain string, a mail.Address) ([]mail.Address, error) {
	if strings.HasPrefix(a.Domain, "[") {
		return nil, nil
	}
	inside, err := w.sameHouse(ctx, policyDomain, a.Domain)
	if err != nil {
		return nil, err
	}
	if inside {
		return []mail.Address{a}, nil
	}
	name := policyDomain + "._report._dmarc." + a.Domain
	if len(name) > 253 {
		return nil, nil
	}
	texts, _, err := w.lookup.TXT(ctx, name)
	if err != nil {
		if mail.Is(err, mail.NotFound) {
			err = nil
		}
		return nil, err
	}
	return wanted(texts, a), nil
}

// wanted reads what a host elsewhere says about reports to an address of it.
func wanted(texts []string, a mail.Address) []mail.Address {
	agreed := false
	for _, text := range texts {
		version, _, _ := strings.Cut(text, ";")
		if !isVersion(version) {
			continue
		}
		agreed = true
		r, _ := Parse(text) // its p, if it has one, says nothing here
		if len(r.Reports) == 0 {
			continue
		}
		for _, other := range r.Reports {
			if other.Domain != a.Domain {
				return nil // RFC 9990 §4: neither the one nor the other
			}
		}
		return r.Reports
	}
	if !agreed {
		return nil
	}
	return []mail.Address{a}
}

// sameHouse tells whether two domains have one organizational domain.
func (w *walker) sameHouse(ctx context.Context, a, b string) (bool, error) {
	if a == b {
		return true, nil
	}
	if topLabel(a) != topLabel(b) {
		return false, nil
	}
	x, err := w.walk(ctx, a)
	if err != nil {
		return false, err
	}
	y, err := w.walk(ctx, b)
	return err == nil && organization(a, x) == organization(b, y), err
}
