package relay

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
)

const (
	good     = "GREET mx.x.example PIPELINING\nSERVE"
	okAtMX   = "relayed 2.0.0 mx.x.example"
	plainMX  = "x.example. MX 10 mx.x.example.\nmx.x.example. A 127.0.0.2\n"
	twoHosts = "x.example. MX 10 one.x.example.\nx.example. MX 20 two.x.example.\none.x.example. A 127.0.0.2\ntwo.x.example. A 127.0.0.3\n"
)

// TestWhereTo: the ways to find hosts, and not to.
func TestWhereTo(t *testing.T) {
	for _, c := range []struct {
		name, zone, to string
		fail           string // a name whose lookups fail
		want           string
		down           bool
	}{
		{"MX", plainMX, "b@x.example", "", okAtMX, false},
		{"no MX", "x.example. A 127.0.0.2", "b@x.example", "", "relayed 2.0.0 x.example", false},
		{"no MX, only a CNAME", "x.example. CNAME y.example.\ny.example. A 127.0.0.2", "b@x.example", "", "relayed 2.0.0 x.example", false},
		{"null MX", "x.example. MX 0 .\nx.example. A 127.0.0.2", "b@x.example", "", "failed remote.null_mx 5.1.10", false},
		{"null MX beside another is none", "x.example. MX 0 .\n" + plainMX, "b@x.example", "", okAtMX, false},
		{"no domain", "y.example. A 127.0.0.2", "b@x.example", "", "failed remote.no_domain 5.1.2", false},
		{"nothing there", "x.example. TXT \"x\"", "b@x.example", "", "failed remote.no_host 5.4.4 x.example", false},
		{"MX without addresses", "x.example. MX 1 mx.x.example.\nmx.x.example. TXT \"x\"", "b@x.example", "", "failed remote.no_host 5.4.4 mx.x.example", false},
		{"the DNS fails", plainMX, "b@x.example", "x.example", "waiting remote.dns 4.4.3", true},
		{"addresses fail", plainMX, "b@x.example", "mx.x.example", "waiting remote.dns 4.4.3 mx.x.example", true},
		{"addresses of one host fail", twoHosts, "b@x.example", "one.x.example", "relayed 2.0.0 two.x.example", false},
		{"only we", "x.example. MX 10 MX.tegami.example.", "b@x.example", "", "failed remote.loop 5.4.6", false},
		{"we and worse", "x.example. MX 10 mx.tegami.example.\nx.example. MX 10 mx.x.example.\nx.example. MX 20 mx.x.example.\nmx.x.example. A 127.0.0.2", "b@x.example", "", "failed remote.loop 5.4.6", false},
		{"better than we", "x.example. MX 20 mx.tegami.example.\n" + plainMX, "b@x.example", "", okAtMX, false},
		{"literal", "", "b@[127.0.0.2]", "", "relayed 2.0.0 [127.0.0.2]", false},
		{"private literal", "", "b@[10.0.0.1]", "", "failed remote.forbidden 5.4.4 [10.0.0.1]", false},
		{"IPv6 literal of this machine", "", "b@[IPv6:::1]", "", "failed remote.forbidden 5.4.4 [IPv6:::1]", false},
		{"no literal", "", "b@[example]", "", "failed remote.no_domain 5.1.2", false},
		{"MX in a private network", "x.example. MX 1 mx.x.example.\nmx.x.example. A 192.168.0.1\nmx.x.example. AAAA fe80::1", "b@x.example", "", "failed remote.forbidden 5.4.4 mx.x.example", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, c.zone)
			l.host("127.0.0.2", "mx.x.example", good)
			l.host("127.0.0.3", "two.x.example", "GREET two.x.example\nSERVE")
			if c.fail != "" {
				l.names.Fail(c.fail)
			}
			it := l.item(shortText, c.to)
			if err := l.carry(it); (err != nil) != c.down {
				t.Errorf("the destination: %v", err)
			}
			l.became(it, c.want)
		})
	}
}

// TestUnreachable: the next host is tried; with none left the destination is down.
func TestUnreachable(t *testing.T) {
	l := newLab(t, twoHosts)
	two := l.host("127.0.0.3", "two.x.example", "GREET two.x.example\nACCEPT\nCLOSE") // nobody listens at one
	l.sent("relayed 2.0.0 two.x.example")
	if two.connections() != 1 {
		t.Error(two.connections())
	}
	l = newLab(t, plainMX)
	l.host("127.0.0.9", "nobody", good)
	if err := l.sent("waiting remote.unreachable 4.4.1 mx.x.example"); err == nil {
		t.Error("a destination that can't be reached is not told")
	}
}

// TestLoopByGreeting: a host that calls itself by our name is us.
func TestLoopByGreeting(t *testing.T) {
	l := newLab(t, twoHosts)
	l.host("127.0.0.2", "one.x.example", "GREET mx.TEGAMI.example PIPELINING\nSERVE")
	two := l.host("127.0.0.3", "two.x.example", good)
	l.sent("failed remote.loop 5.4.6 one.x.example")
	if two.connections() > 0 {
		t.Error("a worse host than we was tried")
	}
}

func TestLimitsOfAnAttempt(t *testing.T) {
	l := newLab(t, "")
	h := l.host("127.0.0.2", "mx", "S: 421 no\nCLOSE")
	for i := range 9 {
		l.names.Add("x.example. MX " + string(rune('1'+i)) + " mx" + string(rune('1'+i)) + ".x.example.")
		l.names.Add("mx" + string(rune('1'+i)) + ".x.example. A 127.0.0.2")
	}
	l.sent("waiting remote.deferred 4.0.0 mx5.x.example")
	if h.connections() != 5 {
		t.Errorf("%d hosts tried", h.connections())
	}
	l = newLab(t, "x.example. MX 10 mx.x.example.")
	l.cfg.Limits.Addresses = 3
	l.host("127.0.0.9", "nobody", good)
	for i := range 9 {
		l.names.Add("mx.x.example. A 127.0.1." + string(rune('1'+i)))
	}
	var dials int
	l.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	l.sent("waiting remote.unreachable 4.4.1 mx.x.example")
	if dials != 3 {
		t.Errorf("%d addresses tried", dials)
	}
}

func TestPublic(t *testing.T) {
	for _, s := range strings.Fields("127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3 224.0.0.1 255.255.255.255 240.0.0.1 192.0.2.1 198.18.0.1" +
		" :: ::1 fe80::1 fc00::1 fec0::1 ff02::1 2001:db8::1 2002:7f00:1::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 ::127.0.0.1 2001::1") {
		if public(netip.MustParseAddr(s)) {
			t.Errorf("%s is taken for public", s)
		}
	}
	for _, s := range strings.Fields("8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2001:4860::8888 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::808:808") {
		if !public(netip.MustParseAddr(s)) {
			t.Errorf("%s is taken for private", s)
		}
	}
}

func TestAlternate(t *testing.T) {
	parse := func(s string) (list []netip.Addr) {
		for _, w := range strings.Fields(s) {
			list = append(list, netip.MustParseAddr(w))
		}
		return list
	}
	for in, want := range map[string]string{
		"":                                 "",
		"1.1.1.1 2.2.2.2":                  "1.1.1.1 2.2.2.2",
		"1.1.1.1 2.2.2.2 3.3.3.3 a::1":     "a::1 1.1.1.1 2.2.2.2 3.3.3.3",
		"1.1.1.1 ::ffff:2.2.2.2 a::1 a::2": "a::1 1.1.1.1 a::2 2.2.2.2",
	} {
		if got := alternate(parse(in)); !slices.Equal(got, parse(want)) {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestDestination(t *testing.T) {
	l := newLab(t, "")
	it := l.item(shortText, "b@x.example")
	if got := l.start().Destination(ourTenant, it); got != "x.example" {
		t.Error(got)
	}
	l.cfg.SmartHost = &domains.SmartHost{Host: "relay.example", Port: 465}
	if got := New(l.cfg).Destination(ourTenant, it); got != "smarthost relay.example:465" {
		t.Error(got)
	}
	l.cfg.SmartHost, l.cfg.Domains = nil, &ourDomains{hosts: map[string]*domains.SmartHost{"tegami.example": {Host: "10.0.0.1", Port: 25}}}
	r := New(l.cfg)
	if got := r.Destination(ourTenant, it); got != "smarthost 10.0.0.1:25 of "+ourTenant.String() {
		t.Error(got)
	}
	it.Sign = "other.example"
	if got := r.Destination(ourTenant, it); got != "x.example" {
		t.Error(got)
	}
	l.cfg.Domains = &ourDomains{err: mail.E("test", mail.Unavailable, "storage.failed")}
	if got := New(l.cfg).Destination(ourTenant, it); got != "smarthost" {
		t.Error(got)
	}
	it.Route = queue.RouteLocal
	if _, err := r.way(t.Context(), ourTenant, it); err == nil {
		t.Error("a local item has a way to other hosts")
	}
}

// TestPreference: the best hosts first, and each of the equal ones at times.
func TestPreference(t *testing.T) {
	l := newLab(t, "x.example. MX 20 c.x.example.\nx.example. MX 10 a.x.example.\nx.example. MX 10 b.x.example.")
	first := map[string]int{}
	for range 200 {
		hosts, v := l.start().hosts(t.Context(), &way{domain: "x.example"})
		if v != nil || len(hosts) != 3 || hosts[2].name != "c.x.example" {
			t.Fatal(hosts, v)
		}
		first[hosts[0].name]++
	}
	if first["a.x.example"] == 0 || first["b.x.example"] == 0 { // fails by chance once in 2^199
		t.Error(first)
	}
}
