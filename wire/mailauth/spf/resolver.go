package spf

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"tegami/mail"
	"tegami/wire/dns"
)

// maxName is how long a name may be in the DNS, without its final dot (RFC 1035 §2.3.4).
const maxName = 253

// resolver gives our look-ups the form the library asks for, and remembers policies: explaining a fail
// asks for them again. For one check, from one goroutine.
type resolver struct {
	lookup  dns.Lookup
	ip      netip.Addr          // the client
	texts   map[string][]string // TXT answers of this check
	hosts   []string            // names of the client; nil = not looked up yet
	failure error               // the last look-up that got no answer
}

func newResolver(l dns.Lookup, client netip.Addr) *resolver {
	return &resolver{lookup: l, ip: client, texts: map[string][]string{}}
}

// LookupTXT gives the strings at a name.
func (r *resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	name, ok := askable(name)
	if !ok {
		return nil, notFound(name)
	}
	if texts, known := r.texts[name]; known {
		return texts, nil
	}
	found, _, err := r.lookup.TXT(ctx, name)
	if err != nil {
		return nil, r.translate(name, err)
	}
	texts := make([]string, len(found))
	for i, text := range found {
		texts[i] = r.fillHost(ctx, readable(text), name)
	}
	r.texts[name] = texts
	return texts, nil
}

// LookupMX gives the exchangers of a domain; a null MX (RFC 7505) is none.
func (r *resolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	name, ok := askable(name)
	if !ok {
		return nil, notFound(name)
	}
	found, _, err := r.lookup.MX(ctx, name)
	if err != nil {
		return nil, r.translate(name, err)
	}
	var hosts []*net.MX
	for _, mx := range found {
		if mx.Host != "." && mx.Host != "" {
			hosts = append(hosts, &net.MX{Host: mx.Host, Pref: mx.Preference})
		}
	}
	return hosts, nil
}

// LookupIPAddr gives the addresses of a name.
func (r *resolver) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	name, ok := askable(name)
	if !ok {
		return nil, notFound(name)
	}
	found, _, err := r.lookup.Addrs(ctx, name)
	if err != nil {
		return nil, r.translate(name, err)
	}
	list := make([]net.IPAddr, len(found))
	for i, ip := range found {
		list[i].IP = ip.AsSlice()
	}
	return list, nil
}

// LookupAddr gives the names of an address.
func (r *resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, notFound(addr)
	}
	names, _, err := r.lookup.PTR(ctx, ip)
	if err != nil {
		return nil, r.translate(addr, err)
	}
	return names, nil
}

// translate says an error in the library's terms: there is none, or nobody answered (RFC 7208 §2.6.6).
func (r *resolver) translate(name string, err error) error {
	if mail.Is(err, mail.NotFound) {
		return notFound(name)
	}
	r.failure = err
	return &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: name, IsTemporary: true}
}

func notFound(name string) error {
	return &net.DNSError{Err: "not found", Name: name, IsNotFound: true}
}

// askable puts an expanded name into the form that is asked for: labels on the left go until it is short
// enough (RFC 7208 §7.3). A malformed one is not asked for; it is as if it did not exist (RFC 7208 §4.3, §4.8).
func askable(name string) (string, bool) {
	name = strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(name, ".")), slash, "/")
	for len(name) > maxName {
		_, rest, more := strings.Cut(name, ".")
		if !more {
			return name, false
		}
		name = rest
	}
	return name, wellFormed(name)
}

// wellFormed tells whether each label has 1 to 63 octets.
func wellFormed(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}
