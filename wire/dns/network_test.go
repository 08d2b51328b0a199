package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	miekg "github.com/miekg/dns"

	lab "tegami/lab/dns"
	"tegami/mail"
)

// TestOverTheWire asks a real server by UDP and TCP.
func TestOverTheWire(t *testing.T) {
	n := lab.Start(t, `
		example.jp.       MX 10 mx.example.jp.
		mx.example.jp.    A 192.0.2.1
		mx.example.jp.    AAAA 2001:db8::1
		alias.example.jp. CNAME mx.example.jp.
	`)
	for i := range 60 {
		n.Add(t, fmt.Sprintf(`long.example. TXT "%s %d"`, strings.Repeat("x", 100), i))
	}
	n.Sign("alias.example.jp", "mx.example.jp")
	n.Fail("silent.example", lab.Silent)
	n.Fail("refused.example", lab.Refused)
	n.Fail("bogus.example", lab.Bogus)
	r := New(Config{Servers: []netip.AddrPort{netip.MustParseAddrPort(n.Addr())}, TrustAD: true, Timeout: time.Second, Tries: 1})
	ctx := t.Context()
	if mx, meta, err := r.MX(ctx, "example.jp"); err != nil || len(mx) != 1 || meta.Authentic {
		t.Errorf("MX %v, %v, %v", mx, meta, err)
	}
	if ips, meta, err := r.Addrs(ctx, "alias.example.jp"); err != nil || len(ips) != 2 || !meta.Authentic {
		t.Errorf("addresses %v, %v, %v", ips, meta, err)
	}
	if end, meta, err := r.CNAME(ctx, "alias.example.jp"); err != nil || end != "mx.example.jp" || !meta.Authentic {
		t.Errorf("CNAME %q, %v, %v", end, meta, err)
	}
	if texts, _, err := r.TXT(ctx, "long.example"); err != nil || len(texts) != 60 {
		t.Errorf("%d long texts, %v", len(texts), err)
	}
	if _, _, err := r.TXT(ctx, "nobody.example"); !IsNXDomain(err) {
		t.Errorf("no name: %v", err)
	}
	if _, _, err := r.TXT(ctx, "example.jp"); !mail.Is(err, mail.NotFound) || IsNXDomain(err) {
		t.Errorf("no record: %v", err)
	}
	for _, name := range []string{"silent.example", "refused.example", "bogus.example"} {
		if _, _, err := r.TXT(ctx, name); !mail.Is(err, mail.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := n.Asked("example.jp")
	if _, _, err := r.MX(ctx, "EXAMPLE.JP"); err != nil || n.Asked("example.jp") != before {
		t.Errorf("asked again, %v", err)
	}
}

// TestNobodyThere: a port where nobody listens is an outage, and found out at once.
func TestNobodyThere(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(c.LocalAddr().String())
	c.Close()
	r := New(Config{Servers: []netip.AddrPort{addr}, Timeout: time.Minute})
	if _, _, err := r.MX(t.Context(), "x.jp"); !mail.Is(err, mail.Unavailable) {
		t.Error(err)
	}
}

// TestStrays: answers to other questions, guesses among them, are passed over until the right one comes, but not for ever.
func TestStrays(t *testing.T) {
	for strays, ok := range map[int]bool{3: true, maxStrays: false} {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- stray(c, strays) }()
		r := New(Config{Servers: []netip.AddrPort{netip.MustParseAddrPort(c.LocalAddr().String())}, Tries: 1, Timeout: time.Minute})
		texts, _, err := r.TXT(t.Context(), "x.jp")
		if ok != (err == nil) || ok && !slices.Equal(texts, []string{"right"}) {
			t.Errorf("%d strays: %q, %v", strays, texts, err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

// stray answers one question wrongly a number of times, and then rightly.
func stray(c net.PacketConn, strays int) error {
	buf := make([]byte, 4096)
	n, from, err := c.ReadFrom(buf)
	if err != nil {
		return err
	}
	q := new(miekg.Msg)
	if err := q.Unpack(buf[:n]); err != nil {
		return err
	}
	wrong := []func(*miekg.Msg){
		func(a *miekg.Msg) { a.Id++ },
		func(a *miekg.Msg) { a.Question[0].Name = "y.jp." },
		func(a *miekg.Msg) { a.Question[0].Qtype = miekg.TypeMX },
		func(a *miekg.Msg) { a.Response = false },
		func(a *miekg.Msg) { a.Question = nil },
	}
	for i := range strays {
		a := reply(q, 0, `x.jp. TXT "wrong"`)
		wrong[i%len(wrong)](a)
		octets, err := a.Pack()
		if err != nil {
			return err
		}
		if _, err := c.WriteTo(octets, from); err != nil {
			return err
		}
	}
	octets, err := reply(q, 0, `x.jp. TXT "right"`).Pack()
	if err != nil {
		return err
	}
	_, err = c.WriteTo(octets, from)
	return err
}

// TestRandomness: neither ids nor ports repeat as a counter would.
func TestRandomness(t *testing.T) {
	ids := map[uint16]bool{}
	r := New(Config{})
	for range 64 {
		ids[r.query(question{"x.jp.", miekg.TypeA}, true).Id] = true
	}
	if len(ids) < 60 { // 64 of 65,536: one pair in 30 runs, five never
		t.Errorf("%d different ids of 64", len(ids))
	}
}

func TestResolvConf(t *testing.T) {
	for text, want := range map[string]string{
		"":              "[127.0.0.1:53]",
		"search x.jp\n": "[127.0.0.1:53]",
		"# nameserver 192.0.2.1\nnameserver 192.0.2.2 # x\n\tnameserver\t2001:db8::1\nnameserver fe80::1%eth0\nnameserver\nnameserver x\noptions edns0": "[192.0.2.2:53 [2001:db8::1]:53 [fe80::1%eth0]:53]",
	} {
		if got := fmt.Sprint(parseServers(text)); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := len(parseServers(strings.Repeat("nameserver 192.0.2.1\n", 100))); got != maxServers {
		t.Errorf("%d servers", got)
	}
}

// TestResolvConfChanges: a laptop that comes into another network.
func TestResolvConfChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Unix(1_000_000_000, 0).Add(age)); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := newServers(nil)
		s.file = file
		check := func(want string) {
			t.Helper()
			if got := fmt.Sprint(s.list()); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		check("[127.0.0.1:53]")
		write("nameserver 192.0.2.1", 0)
		time.Sleep(recheck)
		check("[192.0.2.1:53]")
		write("nameserver 192.0.2.2", time.Second)
		check("[192.0.2.1:53]")
		time.Sleep(recheck)
		check("[192.0.2.2:53]")
	})
}

// TestContextEnds: a question under way ends with its context.
func TestContextEnds(t *testing.T) {
	n := lab.Start(t, "")
	n.Fail("silent.example", lab.Silent)
	r := New(Config{Servers: []netip.AddrPort{netip.MustParseAddrPort(n.Addr())}, Timeout: 100 * time.Millisecond, Tries: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.TXT(ctx, "silent.example"); !mail.Is(err, mail.Unavailable) {
		t.Error(err)
	}
	if _, err := (network{}).Exchange(ctx, netip.MustParseAddrPort(n.Addr()), false, make([]byte, 20)); err == nil {
		t.Error("an exchange without time")
	}
}
