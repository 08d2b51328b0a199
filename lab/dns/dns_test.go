package dns

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const zone = `
	; the test internet
	example.jp.         MX 10 mx.example.jp.
	example.jp.         MX 20 mx2.example.jp.
	example.jp.         TXT "v=spf1 -all"
	mx.example.jp.      A 192.0.2.1
	mx.example.jp.      AAAA 2001:db8::1
	alias.example.jp.   CNAME mx.example.jp.
	loop.example.jp.    CNAME loop.example.jp.
	1.2.0.192.in-addr.arpa. PTR mx.example.jp.
`

func ask(t *testing.T, n *Names, name string, kind uint16, change func(*dns.Msg)) *dns.Msg {
	t.Helper()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	if change != nil {
		change(q)
	}
	a, _, err := (&dns.Client{Timeout: 5 * time.Second}).Exchange(q, n.Addr())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return a
}

func TestAnswers(t *testing.T) {
	n := Start(t, zone)
	for _, c := range []struct {
		name    string
		kind    uint16
		rcode   int
		answers int
	}{
		{"example.jp", dns.TypeMX, dns.RcodeSuccess, 2},
		{"EXAMPLE.jp", dns.TypeTXT, dns.RcodeSuccess, 1},
		{"example.jp", dns.TypeA, dns.RcodeSuccess, 0},
		{"nobody.example.jp", dns.TypeA, dns.RcodeNameError, 0},
		{"jp", dns.TypeA, dns.RcodeSuccess, 0},
		{"alias.example.jp", dns.TypeA, dns.RcodeSuccess, 2},
		{"alias.example.jp", dns.TypeCNAME, dns.RcodeSuccess, 1},
		{"loop.example.jp", dns.TypeA, dns.RcodeSuccess, maxChain},
	} {
		a := ask(t, n, c.name, c.kind, nil)
		if a.Rcode != c.rcode || len(a.Answer) != c.answers || a.AuthenticatedData {
			t.Errorf("%s type %d: %v", c.name, c.kind, a)
		}
	}
	if n.Asked("example.JP.") != 3 {
		t.Errorf("asked %d times", n.Asked("example.jp"))
	}
	n.Remove("mx.example.jp")
	n.Add(t, "new.example.jp. A 192.0.2.9")
	if a := ask(t, n, "mx.example.jp", dns.TypeA, nil); a.Rcode != dns.RcodeNameError {
		t.Errorf("a removed name: %v", a)
	}
	if a := ask(t, n, "new.example.jp", dns.TypeA, nil); len(a.Answer) != 1 {
		t.Errorf("an added name: %v", a)
	}
}

func TestGoResolver(t *testing.T) {
	n := Start(t, zone)
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, n.Addr())
	}}
	mx, err := r.LookupMX(t.Context(), "example.jp.")
	if err != nil || len(mx) != 2 || mx[0].Host != "mx.example.jp." {
		t.Errorf("MX %v, %v", mx, err)
	}
	names, err := r.LookupAddr(t.Context(), "192.0.2.1")
	if err != nil || len(names) != 1 {
		t.Errorf("PTR %v, %v", names, err)
	}
}

func TestFailures(t *testing.T) {
	n := Start(t, zone)
	for how, rcode := range map[Failure]int{Servfail: dns.RcodeServerFailure, Refused: dns.RcodeRefused, Bogus: dns.RcodeServerFailure, 0: dns.RcodeSuccess} {
		n.Fail("mx.example.jp", how)
		for _, name := range []string{"mx.example.jp", "alias.example.jp"} {
			if a := ask(t, n, name, dns.TypeA, nil); a.Rcode != rcode || (len(a.Answer) == 0) != (how != 0) {
				t.Errorf("failure %d of %s: %v", how, name, a)
			}
		}
	}
	n.Fail("mx.example.jp", Bogus)
	if a := ask(t, n, "mx.example.jp", dns.TypeA, func(q *dns.Msg) { q.CheckingDisabled = true }); len(a.Answer) != 1 {
		t.Errorf("bogus, unchecked: %v", a)
	}
	n.Fail("mx.example.jp", Silent)
	q := new(dns.Msg).SetQuestion("mx.example.jp.", dns.TypeA)
	if a, _, err := (&dns.Client{Timeout: 50 * time.Millisecond}).Exchange(q, n.Addr()); err == nil {
		t.Errorf("a silent name answers %v", a)
	}
}

func TestAuthentic(t *testing.T) {
	n := Start(t, zone)
	n.Sign("alias.example.jp")
	wants := func(q *dns.Msg) { q.SetEdns0(1232, true) }
	if a := ask(t, n, "alias.example.jp", dns.TypeA, wants); a.AuthenticatedData {
		t.Error("a chain with a link that is not signed is authentic")
	}
	n.Sign("mx.example.jp")
	if a := ask(t, n, "alias.example.jp", dns.TypeA, wants); !a.AuthenticatedData {
		t.Error("a signed chain is not authentic")
	}
	if a := ask(t, n, "alias.example.jp", dns.TypeA, nil); a.AuthenticatedData {
		t.Error("AD for one who did not ask for it (RFC 6840 §5.8)")
	}
}

func TestLongAnswers(t *testing.T) {
	n := Start(t, "")
	for i := range 60 {
		n.Add(t, fmt.Sprintf(`long.example. TXT "%s %d"`, strings.Repeat("x", 100), i))
	}
	q := new(dns.Msg).SetQuestion("long.example.", dns.TypeTXT)
	a, _, err := new(dns.Client).Exchange(q, n.Addr())
	if err != nil || !a.Truncated {
		t.Fatalf("by UDP: %v, %v", a, err)
	}
	a, _, err = (&dns.Client{Net: "tcp"}).Exchange(q, n.Addr())
	if err != nil || a.Truncated || len(a.Answer) != 60 {
		t.Fatalf("by TCP: %v, %v", a, err)
	}
}
