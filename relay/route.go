package relay

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
	"tegami/wire/dns"
)

// A way is how mail leaves: straight to a domain, or through a smart host.
type way struct {
	domain string             // "" with a smart host
	smart  *domains.SmartHost // nil without
	tenant mail.TenantID
	ours   bool // the smart host is the operator's, not a tenant's
}

// same tells whether two ways may share a connection: of smart hosts, only when everything up to the password is the same.
func (w *way) same(o *way) bool {
	if w.smart == nil || o.smart == nil {
		return w.smart == o.smart && w.domain == o.domain
	}
	return *w.smart == *o.smart && w.ours == o.ours && w.tenant == o.tenant
}

// name is the destination of a way.
func (w *way) name() string {
	switch {
	case w.smart == nil:
		return w.domain
	case w.ours:
		return "smarthost " + hostPort(w.smart)
	}
	return "smarthost " + hostPort(w.smart) + " of " + w.tenant.String()
}

func hostPort(s *domains.SmartHost) string {
	return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
}

// Destination names where an item goes: its domain, "smarthost host:port", or for the smart host of a
// tenant "smarthost host:port of ID", so that no tenant waits for another's mistakes.
func (r *Relay) Destination(tenant mail.TenantID, it *queue.Item) string {
	w, err := r.way(context.Background(), tenant, it)
	if err != nil {
		return "smarthost" // Carry asks again, and puts the item off where it still can't know
	}
	return w.name()
}

// way gives the way of an item.
func (r *Relay) way(ctx context.Context, tenant mail.TenantID, it *queue.Item) (*way, error) {
	if r.cfg.SmartHost != nil {
		return &way{smart: r.cfg.SmartHost, ours: true}, nil
	}
	domain, ok := queue.RemoteDomain(it.Route)
	if !ok {
		return nil, mail.E("relay.way", mail.Other, "item.damaged")
	}
	if r.cfg.Domains != nil {
		smart, err := r.cfg.Domains.SmartHost(ctx, tenant, senderDomain(it))
		if err != nil {
			return nil, mail.Wrap("relay.way", err)
		}
		if smart != nil {
			return &way{smart: smart, tenant: tenant}, nil
		}
	}
	return &way{domain: domain}, nil
}

// senderDomain is the domain in whose name an item leaves: that of its signature, else of its sender.
func senderDomain(it *queue.Item) string {
	if it.Sign != "" {
		return it.Sign
	}
	return it.From.Domain
}

// A host is one that may take the mail.
type host struct {
	name       string
	preference uint16
	addrs      []netip.Addr // known already; nil: to be looked up
	// secure: the name is the domain's for certain, because DNSSEC vouches for the MX records or there were none between.
	secure bool
}

// hosts finds the hosts of a way, best first. With a verdict there are none.
func (r *Relay) hosts(ctx context.Context, w *way) ([]host, *verdict) {
	ctx, stop := context.WithTimeout(ctx, r.cfg.Limits.Resolve)
	defer stop()
	switch {
	case w.smart != nil:
		h := host{name: strings.ToLower(w.smart.Host), secure: true}
		if ip, err := netip.ParseAddr(w.smart.Host); err == nil {
			h.addrs = []netip.Addr{ip}
		}
		return []host{h}, nil
	case w.domain == "":
		return nil, failed("remote.no_domain", "5.1.2")
	case strings.HasPrefix(w.domain, "["):
		ip, ok := parseLiteral(w.domain)
		if !ok {
			return nil, failed("remote.no_domain", "5.1.2")
		}
		return []host{{name: w.domain, addrs: []netip.Addr{ip}}}, nil
	}
	return r.exchangers(ctx, w.domain)
}

// exchangers finds the hosts of a domain, RFC 5321 §5.1.
func (r *Relay) exchangers(ctx context.Context, domain string) ([]host, *verdict) {
	records, meta, err := r.cfg.Lookup.MX(ctx, domain)
	switch {
	case dns.IsNXDomain(err):
		return nil, failed("remote.no_domain", "5.1.2")
	case mail.Is(err, mail.NotFound): // no MX: the domain itself is the host
		return []host{{name: domain, secure: true}}, nil
	case err != nil: // no answer is never proof of anything: put off, not bounced
		return nil, waiting("remote.dns", "4.4.3")
	case len(records) == 1 && records[0].Host == ".": // RFC 7505 §3
		return nil, failed("remote.null_mx", "5.1.10")
	}
	list := make([]host, 0, min(len(records), maxMX))
	for _, i := range rand.Perm(len(records)) { // random order among equals: the sort is stable
		if name := strings.TrimSuffix(records[i].Host, "."); name != "" {
			list = append(list, host{name: name, preference: records[i].Preference, secure: meta.Authentic || name == domain})
		}
	}
	slices.SortStableFunc(list, func(a, b host) int { return int(a.preference) - int(b.preference) })
	for _, h := range list {
		if strings.EqualFold(h.name, r.cfg.Hostname) { // we are one of them: only better ones may be tried, or mail goes in circles
			list = betterThan(list, h.preference)
			if len(list) == 0 {
				return nil, failed("remote.loop", "5.4.6")
			}
			break
		}
	}
	if len(list) == 0 {
		return nil, failed("remote.no_host", "5.4.4")
	}
	return list[:min(len(list), maxMX)], nil
}

// betterThan gives the hosts before a preference.
func betterThan(list []host, preference uint16) []host {
	for i := range list {
		if list[i].preference >= preference {
			return list[:i]
		}
	}
	return list
}

// mayConnect tells whether an address may be connected to on a way.
func (r *Relay) mayConnect(w *way, ip netip.Addr) bool {
	ip = ip.Unmap()
	return w.smart != nil || public(ip) || within(ip, r.cfg.Allow)
}
