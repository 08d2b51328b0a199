package mail

import (
	"strings"
	"testing"
)

func TestParseSenderPattern(t *testing.T) {
	for text, want := range map[string]SenderPattern{
		"sato@example.jp":        "sato@example.jp",
		" Sato@Example.JP ":      "sato@example.jp",
		"sato＠example.jp":        "sato@example.jp",
		`"a..b."@docomo.ne.jp`:   `"a..b."@docomo.ne.jp`,
		"a..b.@docomo.ne.jp":     `"a..b."@docomo.ne.jp`,
		"@Example.jp":            "@example.jp",
		"*@example.jp":           "@example.jp",
		"example.jp":             "@example.jp",
		"@日本語.jp":                "@xn--wgv71a119e.jp",
		"*@*.example.jp":         "*@*.example.jp",
		"@*.example.jp":          "*@*.example.jp",
		"*.example.jp":           "*@*.example.jp",
		"*@*.jp":                 "*@*.jp",
		"sato@[192.0.2.1]":       "sato@[192.0.2.1]",
		"":                       "",
		"@":                      "",
		"*":                      "",
		"*@*":                    "",
		"word":                   "",
		"sato@*.example.jp":      "",
		"*@ex*mple.jp":           "",
		"*@*.*.example.jp":       "",
		"*@*.[192.0.2.1]":        "",
		"a b@example.jp":         "",
		"@example..jp":           "",
		"<sato@example.jp>":      "",
		"sato@example.jp, b@c.d": "",
	} {
		got, err := ParseSenderPattern(text)
		if got != want || (err == nil) != (want != "") || err != nil && !Is(err, Invalid) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestSenderPatternsMatch(t *testing.T) {
	set := NewSenderPatterns([]SenderPattern{"sato@example.jp", "@example.com", "*@*.example.net", "日本@example.jp", `"a..b."@docomo.ne.jp`})
	for text, want := range map[string]SenderPattern{
		"sato@example.jp":        "sato@example.jp",
		"SATO@example.jp":        "sato@example.jp",
		"suzuki@example.jp":      "",
		"anybody@example.com":    "@example.com",
		"anybody@a.example.com":  "",
		"anybody@example.net":    "",
		"anybody@a.example.net":  "*@*.example.net",
		"x@a.b.c.example.net":    "*@*.example.net",
		"x@evil-example.net":     "",
		"x@example.net.evil.jp":  "",
		"日本@example.jp":          "日本@example.jp",
		"sato@example.jp.evil.x": "",
		"A..B.@docomo.ne.jp":     `"a..b."@docomo.ne.jp`,
	} {
		a, err := ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Match(a); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if set.Match(Address{}) != "" || SenderPatterns(nil).Match(Address{"a", "b"}) != "" {
		t.Error("nobody's mail is meant by a pattern")
	}
	long := Address{strings.Repeat("x", MaxLongLocalPart), "a.example.com"}
	miss := Address{"Somebody", "mail.news.example.org"}
	if n := testing.AllocsPerRun(100, func() { set.Match(long); set.Match(miss) }); n != 0 {
		t.Errorf("%v allocations to look for a sender", n)
	}
}

func FuzzSenderPattern(f *testing.F) {
	for _, s := range []string{"sato@example.jp", "@example.jp", "*@*.example.jp", `"a b"@x.jp`, "＠日本語.jp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseSenderPattern(s)
		if err != nil {
			return
		}
		again, err := ParseSenderPattern(string(p))
		if err != nil || again != p {
			t.Errorf("%q became %q and then %q, %v", s, p, again, err)
		}
		if a, err := ParseAddress(s); err == nil && !strings.HasPrefix(s, "*@") && NewSenderPatterns([]SenderPattern{p}).Match(a) != p {
			t.Errorf("%q does not mean %v", p, a)
		}
	})
}
