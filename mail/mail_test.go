package mail

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		in, local, domain, out string
	}{
		{"user@Example.COM", "user", "example.com", "user@example.com"},
		{"a..b@docomo.ne.jp", "a..b", "docomo.ne.jp", `"a..b"@docomo.ne.jp`},
		{`"a..b."@docomo.ne.jp`, "a..b.", "docomo.ne.jp", `"a..b."@docomo.ne.jp`},
		{".a@ezweb.ne.jp", ".a", "ezweb.ne.jp", `".a"@ezweb.ne.jp`},
		{`"plain"@x.example`, "plain", "x.example", "plain@x.example"},
		{`"a\"b c"@x.example`, `a"b c`, "x.example", `"a\"b c"@x.example`},
		{"user@日本語.jp", "user", "xn--wgv71a119e.jp", "user@xn--wgv71a119e.jp"},
		{"user@[192.0.2.1]", "user", "[192.0.2.1]", "user@[192.0.2.1]"},
		{"user@example.com.", "user", "example.com", "user@example.com"},
		{"佐藤@例.jp", "佐藤", "xn--fsq.jp", "佐藤@xn--fsq.jp"},
	} {
		a, err := ParseAddress(c.in)
		if err != nil || a != (Address{c.local, c.domain}) || a.String() != c.out {
			t.Errorf("ParseAddress(%q) = %#v, %v; String %q, want %q", c.in, a, err, a.String(), c.out)
		}
	}
	for _, in := range []string{"", "user", "@x.jp", "user@", "a b@x.jp", "u@-x.jp", "u@x..jp", "u@x.jp..", "u@x\x80.jp", "u@x.jp>", "<u@x.jp>", `"u@x.jp`, "u@x y.jp", "u@[", "u\r\n@x.jp", "\"a\\\n\"@x.jp", "\"a\\\x00\"@x.jp"} {
		if a, err := ParseAddress(in); !Is(err, Invalid) {
			t.Errorf("ParseAddress(%q) = %#v, %v; want an Invalid error", in, a, err)
		}
	}
}

func TestIDText(t *testing.T) {
	var s IDSource
	var last int64
	for range 20000 {
		n := s.Next()
		if n <= last {
			t.Fatalf("id %d after %d", n, last)
		}
		last = n
	}
	id := AccountID(last)
	back, err := ParseID[kindAccount](id.String())
	if err != nil || back != id || len(id.String()) != 13 {
		t.Fatalf("%s -> %v, %v", id, back, err)
	}
	for _, bad := range []string{"x", "zzzzzzzzzzzzz", id.String() + "0", "0000000000000", "!!"} {
		if _, err := ParseID[kindAccount](bad); err == nil {
			t.Errorf("ParseID(%q) passed", bad)
		}
	}
	if late := time.Since(id.Time()); late < -time.Minute || late > time.Minute {
		t.Errorf("made at %v, says %d", id.Time(), last)
	}
}

func TestErrors(t *testing.T) {
	inner := E("store.Get", NotFound, "account.unknown", "a@b")
	err := Wrap("intake.Receive", inner)
	if !Is(err, NotFound) {
		t.Error("kind lost")
	}
	if key, args := TextOf(err); key != "account.unknown" || len(args) != 1 {
		t.Errorf("TextOf = %q %v", key, args)
	}
	if Wrap("x", nil) != nil {
		t.Error("Wrap(nil) is an error")
	}
	if got := err.Error(); got != "intake.Receive: not found: store.Get: not found [account.unknown] a@b" {
		t.Error(got)
	}
}

// TestCP7ReasonIsBounded: an actor's reason is cut between characters, and leaves the actor it was given to as it was.
func TestCP7ReasonIsBounded(t *testing.T) {
	by := MintActor(Operator, 0, 0, "operator:root", Origin{})
	long := by.For(strings.Repeat("理由", MaxReason))
	if got := long.Reason(); len(got) > MaxReason || len(got) < MaxReason-3 || !utf8.ValidString(got) {
		t.Errorf("a long reason became %d octets", len(got))
	}
	if by.Reason() != "" || long.Name() != by.Name() || by.For("call 4711").Reason() != "call 4711" {
		t.Error("For changed something else")
	}
}

func TestNetwork(t *testing.T) {
	for at, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if n, ok := Network(netip.MustParseAddr(at), 24, 64); !ok || n.String() != want {
			t.Errorf("%s: %v, %t", at, n, ok)
		}
	}
	if n, ok := Network(netip.Addr{}, 24, 64); ok || n.IsValid() {
		t.Errorf("no address: %v, %t", n, ok)
	}
}
