package dmarc

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/wire/dns"
)

const (
	// MaxWalk is how many places a tree walk asks at most (RFC 9989 §4.10).
	MaxWalk = 8
	// walkLabels is how many labels a longer name is cut to after the first question.
	walkLabels = MaxWalk - 1
)

// place is a name a tree walk asked, with the record that stood there.
type place struct {
	domain string
	record Record
	found  bool
	bad    error // there is a record, and it is of no use ("dmarc.bad_record")
}

// walker walks the tree and remembers the places it asked. For one message, from one goroutine.
type walker struct {
	lookup dns.Lookup
	seen   map[string]place
}

func newWalker(l dns.Lookup) *walker { return &walker{lookup: l, seen: map[string]place{}} }

// ask looks for the record of one domain (RFC 9989 §4.10 steps 1 and 2). An error is temporary.
func (w *walker) ask(ctx context.Context, domain string) (place, error) {
	if p, known := w.seen[domain]; known {
		return p, nil
	}
	p := place{domain: domain}
	texts, _, err := w.lookup.TXT(ctx, "_dmarc."+domain)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return p, mail.Wrap("dmarc.ask", err)
	}
	records := 0
	for _, text := range texts {
		version, _, _ := strings.Cut(text, ";")
		if !isVersion(version) {
			continue
		}
		records++
		p.record, p.bad = Parse(text)
		p.found = true
	}
	if records > 1 { // several are as none
		p = place{domain: domain}
	}
	w.seen[domain] = p
	return p, nil
}

// walk asks for records from a domain up to the top (RFC 9989 §4.10) and gives the places that
// have one, longest name first.
func (w *walker) walk(ctx context.Context, domain string) ([]place, error) {
	var found []place
	for target := domain; target != ""; target = parent(target) {
		p, err := w.ask(ctx, target)
		if err != nil {
			return nil, err
		}
		if p.found {
			found = append(found, p)
			if p.record.PSD != PSDUnknown {
				break
			}
		}
	}
	return found, nil
}

// parent is the next name to be asked: one label less, or as many less as leave walkLabels.
func parent(domain string) string {
	for {
		_, rest, _ := strings.Cut(domain, ".")
		if strings.Count(rest, ".") < walkLabels {
			return rest
		}
		domain = rest
	}
}

// organization picks the organizational domain from what a walk found (RFC 9989 §4.10.2).
func organization(start string, found []place) string {
	for _, p := range found {
		switch {
		case p.record.PSD == PSDNo:
			return p.domain
		case p.record.PSD == PSDYes && p.domain != start:
			return below(start, p.domain)
		}
	}
	if len(found) > 0 {
		return found[len(found)-1].domain
	}
	return start
}

// below is the name one label below suffix on the way to domain.
func below(domain, suffix string) string {
	head := strings.TrimSuffix(domain, "."+suffix)
	return head[strings.LastIndexByte(head, '.')+1:] + "." + suffix
}

// OrgDomain finds the organizational domain of a domain by a tree walk (RFC 9989 §4.10.2). Where no
// record stands on the way it is the domain itself. domain is in canonical form (mail.ParseDomain). An error is of kind
// Unavailable or Busy: nobody answered.
func OrgDomain(ctx context.Context, l dns.Lookup, domain string) (string, error) {
	found, err := newWalker(l).walk(ctx, domain)
	if err != nil {
		return "", err
	}
	return organization(domain, found), nil
}
