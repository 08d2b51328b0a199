package dns

import (
	"context"
	"net/netip"

	miekg "github.com/miekg/dns"

	"tegami/mail"
)

// addrs is the answer to one of the two questions for addresses.
type addrs struct {
	list []netip.Addr
	meta Meta
	err  error
}

// Addrs gives the addresses of a host, IPv4 before IPv6; both are asked for at once. Where one question failed
// and the other has addresses, those must do. The answer is authentic when all of the addresses are.
func (r *Resolver) Addrs(ctx context.Context, name string) ([]netip.Addr, Meta, error) {
	six := make(chan addrs, 1)
	go func() { six <- r.addrs(ctx, name, miekg.TypeAAAA) }()
	a := r.addrs(ctx, name, miekg.TypeA)
	b := <-six
	switch {
	case a.err == nil && b.err == nil:
		return append(a.list, b.list...), a.meta.and(b.meta), nil
	case a.err == nil:
		return a.list, a.meta, nil
	case b.err == nil:
		return b.list, b.meta, nil
	case !mail.Is(a.err, mail.NotFound):
		return nil, Meta{}, a.err
	case !mail.Is(b.err, mail.NotFound):
		return nil, Meta{}, b.err
	case IsNXDomain(b.err):
		return nil, a.meta.and(b.meta), b.err
	}
	return nil, a.meta.and(b.meta), a.err
}

// addrs asks for the addresses of one family. IPv4 addresses written as IPv6 become what they are, so that
// nobody who compares prefixes is fooled.
func (r *Resolver) addrs(ctx context.Context, name string, kind uint16) addrs {
	records, meta, err := r.lookup(ctx, "dns.Addrs", name, kind)
	var list []netip.Addr
	for _, rr := range records {
		switch rr := rr.(type) {
		case *miekg.A:
			list = appendIP(list, rr.A)
		case *miekg.AAAA:
			list = appendIP(list, rr.AAAA)
		}
	}
	if err == nil && len(list) == 0 {
		err = nodata.err("dns.Addrs", name)
	}
	return addrs{list, meta, err}
}

func appendIP(list []netip.Addr, octets []byte) []netip.Addr {
	if ip, ok := netip.AddrFromSlice(octets); ok {
		list = append(list, ip.Unmap())
	}
	return list
}
