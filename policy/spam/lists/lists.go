// Package lists asks DNS lists (RFC 5782) about the address a message comes from and the domains it names. No list is asked until an
// operator names it: each has its own terms of use, and learns who writes to whom.
package lists

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tegami/mail"
	"tegami/policy/spam"
	"tegami/wire/dns"
)

// Limits of asking.
const (
	DefaultDeadline = 3 * time.Second
	MaxLists        = 16 // lists that are asked
	MaxDomains      = 10 // domains of a message that are looked up
)

// A List is one DNS list.
type List struct {
	Zone    string         // "zen.example.org"
	Domains bool           // it lists domains; else addresses
	Weight  float64        // of an entry, in log odds
	Answers []netip.Prefix // the answers that count; none: all of 127.0.0.0/8 but 127.255.255.0/24, which tell of errors
}

// A Prober asks all lists at once.
type Prober struct {
	DNS      dns.Lookup
	Lists    []List        // at most MaxLists are asked
	Deadline time.Duration // of all questions together; 0 is DefaultDeadline
}

// Ask looks an address and domains up. late names the lists that did not answer in time: what they would have said is not known.
func (p *Prober) Ask(ctx context.Context, ip netip.Addr, domains []string) (found []spam.Listing, late []string) {
	deadline := p.Deadline
	if deadline <= 0 {
		deadline = DefaultDeadline
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, l := range p.Lists[:min(len(p.Lists), MaxLists)] {
		for _, what := range l.subjects(ip, domains) {
			wg.Go(func() {
				listed, err := p.listed(ctx, l, what.query)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil && !slices.Contains(late, l.Zone):
					late = append(late, l.Zone)
				case listed:
					found = append(found, spam.Listing{List: l.Zone, What: what.name, Weight: l.Weight})
				}
			})
		}
	}
	wg.Wait()
	slices.SortFunc(found, func(a, b spam.Listing) int { return strings.Compare(a.List+a.What, b.List+b.What) })
	slices.Sort(late)
	return found, late
}

// subject is a thing to look up.
type subject struct{ name, query string }

// subjects are what a list is asked about.
func (l List) subjects(ip netip.Addr, domains []string) (all []subject) {
	if !l.Domains {
		if ip = ip.Unmap(); ip.IsValid() && ip.IsGlobalUnicast() && !ip.IsPrivate() {
			all = append(all, subject{ip.String(), reversed(ip) + "." + l.Zone})
		}
		return all
	}
	for _, d := range domains[:min(len(domains), MaxDomains)] {
		all = append(all, subject{d, d + "." + l.Zone})
	}
	return all
}

// listed asks one question.
func (p *Prober) listed(ctx context.Context, l List, query string) (bool, error) {
	ips, _, err := p.DNS.Addrs(ctx, query)
	var e *mail.Error
	if errors.As(err, &e) && e.Kind == mail.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(ips, l.counts), nil
}

var (
	answers = netip.MustParsePrefix("127.0.0.0/8")
	refused = netip.MustParsePrefix("127.255.255.0/24") // "you ask too often", "not through this resolver"
)

// counts tells whether an answer means an entry (RFC 5782 §2.1).
func (l List) counts(ip netip.Addr) bool {
	if len(l.Answers) == 0 {
		return answers.Contains(ip) && !refused.Contains(ip)
	}
	return slices.ContainsFunc(l.Answers, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// reversed writes an address as RFC 5782 §2.1 and §2.4 ask: octets, or nibbles, the last first.
func reversed(ip netip.Addr) string {
	const hex = "0123456789abcdef"
	b, parts := ip.AsSlice(), []string(nil)
	for i := len(b) - 1; i >= 0; i-- {
		if ip.Is4() {
			parts = append(parts, netip.AddrFrom4([4]byte{0, 0, 0, b[i]}).String()[len("0.0.0."):])
			continue
		}
		parts = append(parts, string(hex[b[i]&15]), string(hex[b[i]>>4]))
	}
	return strings.Join(parts, ".")
}
