package spf

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/dns/dnstest"
)

const names = `
	plain.example.     TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 -all exp=why.plain.example"
	why.plain.example. TXT "%{i} may not send for %{d}, said %{l}"
	soft.example.      TXT "v=spf1 mx ~all"
	soft.example.      MX 10 mx.soft.example.
	mx.soft.example.   A 192.0.2.9
	host.example.      TXT "v=spf1 a -all"
	host.example.      A 192.0.2.7
	open.example.      TXT "v=spf1 ip4:198.51.100.1"
	moved.example.     TXT "v=spf1 ip4:192.0.2.50 redirect=plain.example exp=never.example"
	early.example.     TXT "v=spf1 -ip4:203.0.113.7 redirect=plain.example exp=why.early.example"
	why.early.example. TXT "early"
	within.example.    TXT "v=spf1 include:plain.example -all exp=odd.example"
	odd.example.       TXT "two" 
	odd.example.       TXT "texts"
	void.example.      TXT "v=spf1 a:v1.example a:v2.example a:v3.example -all"
	many.example.      TXT "v=spf1 a:host.example a:host.example a:host.example a:host.example a:host.example a:host.example a:host.example a:host.example a:host.example a:host.example a:host.example -all"
	loop.example.      TXT "v=spf1 include:loop.example -all"
	broken.example.    TXT "v=spf1 ip4:192.0.2.1 foo -all"
	leans.example.     TXT "v=spf1 include:dead.example -all"
	dead.example.      TXT "v=spf1 -all"
	quoted.example.    TXT "v=spf1 exists:%{l}.ok.quoted.example -all"
	a_b.ok.quoted.example. A 127.0.0.2
	named.example.     TXT "v=spf1 exists:%{p}.ok.named.example exists:%{p1}%%{p}.x.example -all"
	7.2.0.192.in-addr.arpa. PTR host.example.
	7.2.0.192.in-addr.arpa. PTR forged.named.example.
	forged.named.example. A 192.0.2.99
	host.example.ok.named.example. A 127.0.0.2
	unknown.ok.named.example. A 127.0.0.2
	nullmx.example.    TXT "v=spf1 mx -all"
	nullmx.example.    MX 0 .
	long.example.      TXT "v=spf1 -all exp=long.exp.example"
`

func zoned() *dnstest.Names {
	n := dnstest.Zone(names)
	n.Add(`long.exp.example. TXT "` + strings.Repeat("x", 255) + `" "` + strings.Repeat("y", 255) + `"`)
	n.Fail("dead.example")
	return n
}

func TestCheck(t *testing.T) {
	n := zoned()
	for _, c := range []struct {
		ip, helo, from string
		want           Status
		mechanism      string
		explanation    string
	}{
		{"192.0.2.1", "x.example", "me@plain.example", Pass, "ip4", ""},
		{"::ffff:192.0.2.1", "x.example", "me@plain.example", Pass, "ip4", ""},
		{"2001:db8::1", "x.example", "me@plain.example", Pass, "ip6", ""},
		{"192.0.2.2", "x.example", "me@plain.example", Fail, "all", "192.0.2.2 may not send for plain.example, said me"},
		{"192.0.2.9", "x.example", "me@soft.example", Pass, "mx", ""},
		{"192.0.2.2", "x.example", "me@soft.example", SoftFail, "all", ""},
		{"192.0.2.2", "x.example", "me@open.example", Neutral, "default", ""},
		{"192.0.2.2", "x.example", "me@none.example", None, "", ""},
		{"192.0.2.7", "host.example", "", Pass, "a", ""},
		{"192.0.2.8", "host.example", "", Fail, "all", ""},
		{"192.0.2.8", "localhost", "", None, "", ""},
		{"192.0.2.8", "[192.0.2.8]", "", None, "", ""},
		{"192.0.2.1", "x.example", "me@moved.example", Pass, "ip4", ""},
		{"192.0.2.2", "x.example", "me@moved.example", Fail, "all", "192.0.2.2 may not send for plain.example, said me"},
		{"203.0.113.7", "x.example", "me@early.example", Fail, "ip4", "early"},
		{"192.0.2.2", "x.example", "me@within.example", Fail, "all", ""},
		{"192.0.2.2", "x.example", "me@void.example", PermError, "", ""},
		{"192.0.2.2", "x.example", "me@many.example", PermError, "", ""},
		{"192.0.2.2", "x.example", "me@loop.example", PermError, "", ""},
		{"192.0.2.1", "x.example", "me@broken.example", PermError, "", ""},
		{"192.0.2.2", "x.example", "me@leans.example", TempError, "", ""},
		{"192.0.2.2", "x.example", "me@dead.example", TempError, "", ""},
		{"192.0.2.2", "x.example", "a@b@quoted.example", Pass, "exists", ""},
		{"192.0.2.7", "x.example", "me@named.example", Pass, "exists", ""},
		{"192.0.2.8", "x.example", "me@named.example", Pass, "exists", ""},
		{"192.0.2.2", "x.example", "me@nullmx.example", Fail, "all", ""},
		{"192.0.2.2", "x.example", "me@long.example", Fail, "all", ""},
		{"192.0.2.2", "x.example", "me@[192.0.2.2]", None, "", ""},
	} {
		r := Check(context.Background(), n, netip.MustParseAddr(c.ip), c.helo, sender(c.from))
		if r.Status != c.want || r.Mechanism != c.mechanism || r.Explanation != c.explanation {
			t.Errorf("%s for %q: %s by %q, %q (%v); want %s by %q, %q", c.ip, c.from, r.Status, r.Mechanism, r.Explanation, r.Err, c.want, c.mechanism, c.explanation)
		}
		if (r.Status == TempError || r.Status == PermError) != (r.Err != nil) {
			t.Errorf("%s for %q: %s with the error %v", c.ip, c.from, r.Status, r.Err)
		}
	}
}

// TestTempErrorKeepsItsCause looks for what the resolver said: the log needs it.
func TestTempErrorKeepsItsCause(t *testing.T) {
	r := Check(context.Background(), zoned(), netip.MustParseAddr("192.0.2.2"), "x.example", sender("me@leans.example"))
	if !mail.Is(r.Err, mail.Unavailable) {
		t.Errorf("the cause is %v", r.Err)
	}
}

// TestEndsWithItsContext gives a check no time: that is temporary, whatever the record says.
func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := Check(ctx, zoned(), netip.MustParseAddr("192.0.2.1"), "x.example", sender("me@plain.example")); r.Status != TempError {
		t.Errorf("%s, want %s", r.Status, TempError)
	}
}

// TestExplanationCostsOneQuestion counts: policies that were read are not asked for again.
func TestExplanationCostsOneQuestion(t *testing.T) {
	n := zoned()
	Check(context.Background(), n, netip.MustParseAddr("192.0.2.2"), "x.example", sender("me@moved.example"))
	for _, name := range []string{"moved.example", "plain.example", "why.plain.example"} {
		if asked := n.AskedType(name, "TXT"); asked != 1 {
			t.Errorf("%s was asked for %d times", name, asked)
		}
	}
}

func TestReceivedSPF(t *testing.T) {
	r := Check(context.Background(), zoned(), netip.MustParseAddr("192.0.2.2"), "x.example", sender("a..b@plain.example"))
	want := `fail receiver=mx.tegami.example; identity=mailfrom; client-ip=192.0.2.2; helo=x.example; ` +
		`envelope-from="\"a..b\"@plain.example"; mechanism=all`
	if got := r.ReceivedSPF("mx.tegami.example"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r = Check(context.Background(), zoned(), netip.MustParseAddr("192.0.2.2"), "evil\r\nX: y", mail.Address{})
	want = `none receiver=mx; identity=helo; client-ip=192.0.2.2; helo="evil??X: y"; envelope-from=""`
	if got := r.ReceivedSPF("mx"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSyntax(t *testing.T) {
	for _, good := range []string{
		"v=spf1", "v=spf1 ", "V=SPF1 A:x.example/24//64 -ALL", "v=spf1 ip6:::1/128 ?ptr:%{d1r-}", "v=spf1 x.y_z=%{c}%%", "v=spf1 exists:%{ir}.x.example.",
		"v=spf1 mx:%{d}//0", "v=spf1 include:a-b.c-d redirect=%{o2}",
	} {
		if got := readable(good); got != good {
			t.Errorf("%q became %q", good, got)
		}
	}
	for _, bad := range []string{
		"v=spf1 ip4:192.0.2.1/33", "v=spf1 ip4:192.0.2.1/01", "v=spf1 ip4:::1", "v=spf1 ip6:192.0.2.1", "v=spf1 a//129", "v=spf1 a/", "v=spf1 a:/24",
		"v=spf1 include:", "v=spf1 include:x", "v=spf1 all:x", "v=spf1 exists:%{x}.y.example", "v=spf1 exists:%{d0}", "v=spf1 redirect=a.b redirect=a.b",
		"v=spf1 exp=%{c}.example", "v=spf1 -", "v=spf1 -redirect=a.b", "v=spf1 1x=y", "v=spf1 a:x.example\t", "v=spf1 exists:%{d", "v=spf1 exists:x.%", "v=spf1 ptr:x.1",
	} {
		if got := readable(bad); got != brokenRecord {
			t.Errorf("%q became %q", bad, got)
		}
	}
	for _, other := range []string{"v=spf10 x", "spf", ""} {
		if got := readable(other); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
}

// FuzzCheck gives any record and any sender: it must come to an end within its limits.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"v=spf1 a mx ptr exists:%{ir}.%{l1r+-}.x.example include:x.example -all exp=x.example", "v=spf1 redirect=x.example", "v=spf1 a:%{S}//1"} {
		f.Add(s, "a+b-c", "x.example", "192.0.2.1")
		f.Add(s, "a", "y.example", "2001:db8::1")
	}
	f.Fuzz(func(t *testing.T, record, local, domain, ip string) {
		addr, err := netip.ParseAddr(ip)
		if err != nil {
			return
		}
		d, ok := mail.ParseDomain(domain)
		if !ok {
			return
		}
		counted := &counting{zone: zone{d: {txt: []string{record}, addrs: []netip.Addr{addr}}, "x.example": {txt: []string{record}}}}
		r := Check(context.Background(), counted, addr, domain, mail.Address{Local: local, Domain: d})
		if !printable(r.Explanation) || r.Status == Fail && r.Mechanism == "" {
			t.Errorf("%+v", r)
		}
		if counted.questions > 1+MaxLookups*(1+10)+maxRedirects+maxNames {
			t.Errorf("%d questions", counted.questions)
		}
		if v := r.ReceivedSPF("mx"); strings.ContainsAny(v, "\r\n\x00") {
			t.Errorf("%q", v)
		}
	})
}
