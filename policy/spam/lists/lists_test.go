package lists

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"tegami/mail"
	"tegami/policy/spam"
	"tegami/wire/dns"
)

// zone is a resolver that knows some names; others are not found, and those of the zone "down.example" are not answered.
type zone struct {
	dns.Lookup
	names map[string]string
}

func (z zone) Addrs(_ context.Context, name string) ([]netip.Addr, dns.Meta, error) {
	if a, ok := z.names[name]; ok {
		if a == "" {
			return nil, dns.Meta{}, errors.New("no answer")
		}
		return []netip.Addr{netip.MustParseAddr(a)}, dns.Meta{}, nil
	}
	return nil, dns.Meta{}, mail.E("test", mail.NotFound, "dns.nodata")
}

func TestSF6Lists(t *testing.T) {
	p := &Prober{
		DNS: zone{names: map[string]string{
			"7.113.0.203.bl.example": "127.0.0.4", "bad.test.dbl.example": "127.0.1.2", "7.113.0.203.full.example": "127.255.255.254",
			"7.113.0.203.own.example": "127.0.0.9", "7.113.0.203.down.example": "",
		}},
		Lists: []List{
			{Zone: "bl.example", Weight: 2}, {Zone: "dbl.example", Domains: true, Weight: 3}, {Zone: "full.example", Weight: 9},
			{Zone: "own.example", Weight: 9, Answers: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}, {Zone: "down.example", Weight: 9},
		},
	}
	found, late := p.Ask(t.Context(), netip.MustParseAddr("203.0.113.7"), []string{"good.test", "bad.test"})
	want := []spam.Listing{{List: "bl.example", What: "203.0.113.7", Weight: 2}, {List: "dbl.example", What: "bad.test", Weight: 3}}
	if !slices.Equal(found, want) || !slices.Equal(late, []string{"down.example"}) {
		t.Errorf("found %v, late %v", found, late)
	}
	if found, _ := p.Ask(t.Context(), netip.MustParseAddr("10.1.2.3"), nil); len(found) > 0 {
		t.Errorf("a private address is listed: %v", found)
	}
}

func TestReversed(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.99":  "99.2.0.192",
		"2001:db8::1": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2",
	} {
		if got := reversed(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
