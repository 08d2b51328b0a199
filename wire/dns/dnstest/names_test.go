package dnstest

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
)

const zone = `
	; the test internet
	example.jp          MX 20 MX2.example.jp.
	example.jp.         MX 10 mx.example.jp.
	example.jp.         TXT ("v=spf1 "
	                         "-all")
	null.example.       MX 0 .
	mx.example.jp.      A 192.0.2.1
	mx.example.jp.      60 IN AAAA 2001:db8::1
	alias.example.jp.   CNAME mx.example.jp.
	loop.example.jp.    CNAME loop.example.jp.
	lost.example.jp.    CNAME gone.example.jp.
	*.wild.example.     TXT "anything"
	a.b.wild.example.   TXT "something"
	1.2.0.192.in-addr.arpa. PTR mx.example.jp.
	_25._tcp.mx.example.jp. TLSA 3 1 1 00ff
`

func TestNames(t *testing.T) {
	n, ctx := Zone(zone), t.Context()
	if mx, meta, err := n.MX(ctx, "EXAMPLE.jp"); err != nil || len(mx) != 2 || mx[0] != (dns.MX{Preference: 10, Host: "mx.example.jp"}) || mx[1].Host != "mx2.example.jp" || meta.Authentic {
		t.Errorf("MX %v, %v, %v", mx, meta, err)
	}
	if txt, _, err := n.TXT(ctx, "example.jp."); err != nil || len(txt) != 1 || txt[0] != "v=spf1 -all" {
		t.Errorf("TXT %q, %v", txt, err)
	}
	if mx, _, err := n.MX(ctx, "null.example"); err != nil || len(mx) != 1 || mx[0].Host != "." {
		t.Errorf("null MX %v, %v", mx, err)
	}
	if ips, _, err := n.Addrs(ctx, "alias.example.jp"); err != nil || len(ips) != 2 || !ips[0].Is4() || !ips[1].Is6() {
		t.Errorf("addresses %v, %v", ips, err)
	}
	if names, _, err := n.PTR(ctx, netip.MustParseAddr("::ffff:192.0.2.1")); err != nil || len(names) != 1 || names[0] != "mx.example.jp" {
		t.Errorf("PTR %v, %v", names, err)
	}
	if tlsa, _, err := n.TLSA(ctx, "_25._tcp.mx.example.jp"); err != nil || len(tlsa) != 1 || len(tlsa[0].Data) != 2 || tlsa[0].Usage != 3 {
		t.Errorf("TLSA %v, %v", tlsa, err)
	}
	if end, _, err := n.CNAME(ctx, "alias.example.jp"); err != nil || end != "mx.example.jp" {
		t.Errorf("CNAME %q, %v", end, err)
	}
	if n.Asked("Example.JP") != 2 || n.AskedType("example.jp", "TXT") != 1 {
		t.Errorf("asked %d times, %d for TXT", n.Asked("example.jp"), n.AskedType("example.jp", "TXT"))
	}
}

// TestNothing: what is not there, and what cannot be known.
func TestNothing(t *testing.T) {
	n := Zone(zone)
	n.Fail("broken.example")
	n.FailType("mx.example.jp", "TXT")
	for _, c := range []struct {
		name     string
		kind     mail.Kind
		key      string
		nxdomain bool
	}{
		{"mx2.example.jp", mail.NotFound, "dns.nxdomain", true},
		{"jp", mail.NotFound, "dns.nodata", false},
		{"alias.example.jp", mail.NotFound, "dns.nodata", false},
		{"lost.example.jp", mail.NotFound, "dns.nxdomain", true},
		{"loop.example.jp", mail.Unavailable, "dns.failed", false},
		{"broken.example", mail.Unavailable, "dns.failed", false},
		{"b.wild.example", mail.NotFound, "dns.nodata", false},
		{"x.b.wild.example", mail.NotFound, "dns.nxdomain", true},
	} {
		_, _, err := n.NS(t.Context(), c.name)
		key, _ := mail.TextOf(err)
		if !mail.Is(err, c.kind) || key != c.key || dns.IsNXDomain(err) != c.nxdomain {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, _, err := n.TXT(t.Context(), "mx.example.jp"); !mail.Is(err, mail.Unavailable) {
		t.Errorf("a type that fails: %v", err)
	}
	n.Heal("MX.example.jp")
	if _, _, err := n.TXT(t.Context(), "mx.example.jp"); !mail.Is(err, mail.NotFound) {
		t.Errorf("a healed name: %v", err)
	}
}

func TestWildcard(t *testing.T) {
	n := Zone(zone)
	for name, want := range map[string]string{"x.wild.example": "anything", "x.y.wild.example": "anything", "a.b.wild.example": "something"} {
		if txt, _, err := n.TXT(t.Context(), name); err != nil || txt[0] != want {
			t.Errorf("%s: %q, %v", name, txt, err)
		}
	}
}

func TestSign(t *testing.T) {
	n := Zone(zone)
	for _, step := range []struct {
		sign string
		want bool
	}{{"alias.example.jp", false}, {"mx.example.jp.", true}} {
		n.Sign(step.sign)
		if _, meta, err := n.Addrs(t.Context(), "alias.example.jp"); err != nil || meta.Authentic != step.want {
			t.Errorf("%s signed: %v, %v", step.sign, meta, err)
		}
	}
	n.Sign("nobody.example")
	if _, meta, err := n.TLSA(t.Context(), "nobody.example"); !dns.IsNXDomain(err) || !meta.Authentic {
		t.Errorf("a signed name that is not there: %v, %v", meta, err)
	}
	n.Unsign("mx.example.jp")
	if _, meta, _ := n.Addrs(t.Context(), "mx.example.jp"); meta.Authentic {
		t.Error("authentic after Unsign")
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Zone(zone)
		n.Delay("example.jp", time.Second)
		begin := time.Now()
		if _, _, err := n.MX(t.Context(), "example.jp"); err != nil || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := n.MX(ctx, "example.jp"); !mail.Is(err, mail.Unavailable) {
			t.Errorf("with less time: %v", err)
		}
		n.Delay("mx.example.jp", time.Hour)
		if _, _, err := n.MX(t.Context(), "mx.example.jp"); !mail.Is(err, mail.Unavailable) {
			t.Errorf("an outage: %v", err)
		}
	})
}

func TestRemove(t *testing.T) {
	n := Zone(zone)
	n.Remove("mx.example.jp", "_25._tcp.mx.example.jp")
	n.Add("new.example.jp A 192.0.2.9")
	if _, _, err := n.Addrs(t.Context(), "mx.example.jp"); !dns.IsNXDomain(err) {
		t.Errorf("a removed name: %v", err)
	}
	if ips, _, err := n.Addrs(t.Context(), "new.example.jp"); err != nil || len(ips) != 1 {
		t.Errorf("an added name: %v, %v", ips, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a bad zone passes")
		}
	}()
	n.Add("x.example. A 1.2.3")
}
