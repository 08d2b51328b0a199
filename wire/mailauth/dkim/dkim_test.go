package dkim

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/authres"
)

// names is a Lookup of TXT records. One with the text "FAIL" cannot be had.
type zone struct {
	dns.Lookup // nil: nothing else is asked
	txt        map[string][]string
	mu         sync.Mutex
	asked      int
}

func (z *zone) TXT(_ context.Context, name string) ([]string, dns.Meta, error) {
	z.mu.Lock()
	z.asked++
	z.mu.Unlock()
	texts, ok := z.txt[name]
	switch {
	case !ok:
		return nil, dns.Meta{}, mail.E("zone.TXT", mail.NotFound, "dns.nxdomain")
	case len(texts) == 1 && texts[0] == "FAIL":
		return nil, dns.Meta{}, mail.E("zone.TXT", mail.Unavailable, "dns.failed")
	}
	return texts, dns.Meta{}, nil
}

func one(name, txt string) *zone { return &zone{txt: map[string][]string{name: {txt}}} }

// split cuts a message behind the blank line, and makes its lines end in CRLF.
func split(message string) (header []byte, body string) {
	m := strings.ReplaceAll(strings.ReplaceAll(message, "\r\n", "\n"), "\n", "\r\n")
	h, b, _ := strings.Cut(m, "\r\n\r\n")
	return []byte(h + "\r\n\r\n"), b
}

const rfc6376Message = `DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
`

const rfc6376Record = "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt" +
	"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi" +
	"tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"

// TestRFC6376AppendixA verifies the message of RFC 6376 appendix A.
func TestRFC6376AppendixA(t *testing.T) {
	h, b := split(rfc6376Message)
	got := Verify(t.Context(), one("brisbane._domainkey.example.com", rfc6376Record), h, strings.NewReader(b), Limits{})
	if len(got) != 1 || got[0].Status != Pass {
		t.Fatalf("%+v", got)
	}
	r := got[0]
	if r.Domain != "example.com" || r.Identity != "joe@football.example.com" || r.Selector != "brisbane" || r.Algorithm != RSA || r.Bits != 1024 || r.Tag != "AuUoFEfD" {
		t.Errorf("%+v", r)
	}
	want := "Authentication-Results: a;\r\n\tdkim=pass (1024-bit key) header.d=example.com\r\n\theader.i=joe@football.example.com header.s=brisbane\r\n\theader.a=rsa-sha256 header.b=AuUoFEfD\r\n"
	if a := report("a", got); a != want {
		t.Errorf("%q", a)
	}
}

const rfc8463Message = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
`

func rfc8463Zone() *zone {
	return &zone{txt: map[string][]string{
		"brisbane._domainkey.football.example.com": {"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
		"test._domainkey.football.example.com": {"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR" +
			"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx" +
			"j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"},
	}}
}

// TestRFC8463AppendixA verifies the message of RFC 8463 appendix A, signed twice, and makes its key.
func TestRFC8463AppendixA(t *testing.T) {
	h, b := split(rfc8463Message)
	got := Verify(t.Context(), rfc8463Zone(), h, strings.NewReader(b), Limits{})
	if len(got) != 2 || got[0].Status != Pass || got[1].Status != Pass || got[0].Algorithm != Ed25519 || got[0].Bits != 256 {
		t.Fatalf("%+v", got)
	}
	seed, err := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	if err != nil {
		t.Fatal(err)
	}
	pub := ed25519.NewKeyFromSeed(seed).Public()
	if txt := FormatRecord(pub); txt != "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" {
		t.Error(txt)
	}
}

// keys are made once: an RSA key takes its time.
var keys = sync.OnceValue(func() []Key {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return []Key{{"example.org", "tg1r", r}, {"example.org", "tg1e", e}}
})

func keyZone(keys ...Key) *zone {
	z := &zone{txt: map[string][]string{}}
	for _, k := range keys {
		z.txt[Name(k.Selector, k.Domain)] = []string{FormatRecord(k.Signer.Public())}
	}
	return z
}

func report(server string, all []Result) string {
	f := authresField(server, all)
	return string(f.Append(nil))
}

// sign signs a message with all keys and gives the signed header.
func sign(t testing.TB, header []byte, body string, o Options) []byte {
	t.Helper()
	fields, err := Sign(header, strings.NewReader(body), keys(), o)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(fields), "\r\n"), "\r\n") {
		if n := len(line) + 7*strings.Count(line, "\t"); n > 78 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
	return append(fields, header...)
}

func statusesOf(all []Result) (s []string) {
	for _, r := range all {
		s = append(s, r.Status.String())
	}
	return s
}

// TestSignVerify signs and verifies messages of all shapes, in one piece and octet by octet.
func TestSignVerify(t *testing.T) {
	const from = "From: a@example.org\r\n"
	for name, m := range map[string]struct{ header, body string }{
		"plain":            {from + "To: b@example.com\r\nSubject: x\r\n\r\n", "Hello\r\nworld\r\n"},
		"no body":          {from + "\r\n", ""},
		"empty lines":      {from + "\r\n", "\r\n\r\n\r\n"},
		"white lines":      {from + "\r\n", " \t \r\n \r\n"},
		"no final CRLF":    {from + "\r\n", "Hello"},
		"final CR":         {from + "\r\n", "Hello \r"},
		"bare LF, bare CR": {from + "\r\n", "a \nb\rc \r d\r\n\n\n\r\r\n"},
		"no blank line":    {from, "Hello\r\n"},
		"two To":           {from + "To: a@a.example\r\nTo: b@b.example\r\n\r\n", "x\r\n"},
		"folded, 8-bit":    {"Subject: \xe3\x81\x82\xff\r\n\tb \r\n  c\r\nFROM : a@example.org\r\nX:\r\n\r\n", "\xff\xfe\x00\r\n"},
		"long":             {from + strings.Repeat("To: somebody@example.com\r\n", 40) + "\r\n", strings.Repeat("white  \t space \r\n", 5000)},
	} {
		h := sign(t, []byte(m.header), m.body, Options{})
		for _, body := range []io.Reader{strings.NewReader(m.body), iotest.OneByteReader(strings.NewReader(m.body))} {
			if got := Verify(t.Context(), keyZone(keys()...), h, body, Limits{}); !slices.Equal(statusesOf(got), []string{"pass", "pass"}) {
				t.Errorf("%s: %v %v\n%s", name, got[0].Err, got[1].Err, h)
			}
		}
	}
}

// TestSurvivesTheWay: what relays do to white space does not matter, and what changes the message does.
func TestSurvivesTheWay(t *testing.T) {
	const header = "From: a@example.org\r\nTo: b@example.com, c@example.com\r\nSubject: a subject of some length\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\n"
	const body = "Hello world \r\n\r\nBye\r\n"
	h := string(sign(t, []byte(header), body, Options{Time: time.Unix(1e9, 0)}))
	for _, c := range []struct {
		what   string
		header string
		body   string
		pass   bool
	}{
		{"as it was", h, body, true},
		{"unfolded", strings.ReplaceAll(h, "\r\n\t", " "), body, true},
		{"tabs made spaces", strings.ReplaceAll(h, "\t", "        "), body, true},
		{"names in capitals", strings.ReplaceAll(strings.ReplaceAll(h, "From:", "FROM:"), "Subject:", "SUBJECT:"), body, true},
		{"a Received and a Return-Path in front", "Return-Path: <x@example.org>\r\nReceived: by x\r\n" + h, body, true},
		{"trailing space lost", h, strings.ReplaceAll(body, " \r\n", "\r\n"), true},
		{"lines added at the end", h, body + "\r\n\r\n", true},
		{"another Subject", strings.Replace(h, "a subject", "no subject", 1), body, false},
		{"a second Subject in front", "Subject: cheap\r\n" + h, body, false},
		{"a second From in front", "From: evil@example.net\r\n" + h, body, false},
		{"a Reply-To added", "Reply-To: evil@example.net\r\n" + h, body, false},
		{"a Content-Type added", "Content-Type: text/html\r\n" + h, body, false},
		{"text added", h, body + "Buy!\r\n", false},
		{"text changed", h, strings.ToUpper(body), false},
		{"a line lost", h, strings.Replace(body, "\r\n\r\n", "\r\n", 1), false},
		{"the signature's time changed", strings.ReplaceAll(h, "t=1000000000", "t=1000000001"), body, false},
	} {
		want := "fail"
		if c.pass {
			want = "pass"
		}
		got := Verify(t.Context(), keyZone(keys()...), []byte(c.header), strings.NewReader(c.body), Limits{})
		if !slices.Equal(statusesOf(got), []string{want, want}) {
			t.Errorf("%s: %v, %v", c.what, statusesOf(got), got[0].Err)
		}
	}
}

// TestSigned: what is signed and what not, and how the tags are written.
func TestSigned(t *testing.T) {
	const header = "Received: by x\r\nDKIM-Signature: v=1\r\nFrom: a@example.org\r\nList-Id: <x>\r\nResent-From: x@example.org\r\nTo: a@a.example\r\nTo: b@b.example\r\n\r\n"
	fields, err := Sign([]byte(header), strings.NewReader(""), keys()[1:], Options{Time: time.Unix(1e9, 0), Lifetime: time.Hour, Identity: "jürg;=@mail.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.ReplaceAll(string(fields), "\r\n\t", "")
	for _, want := range []string{
		"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;", "d=example.org;", "s=tg1e;", "i=j=C3=BCrg=3B=3D@mail.example.org;", "t=1000000000;", "x=1000003600;",
		"h=from:from:sender:reply-to:subject:date:message-id:to:to:to:cc:mime-version:content-type:content-transfer-encoding:list-id;",
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("no %q in\n%s", want, fields)
		}
	}
	got := Verify(t.Context(), keyZone(keys()...), append(fields, header...), strings.NewReader(""), Limits{Time: time.Unix(1e9, 0)})
	if got[0].Status != Pass || got[0].Identity != "jürg;=@mail.example.org" || got[1].Status != Neutral {
		t.Errorf("%+v", got)
	}
}

func TestSignErrors(t *testing.T) {
	good := []byte("From: a@example.org\r\n\r\n")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	short.N.Rsh(short.N, 1)
	for _, c := range []struct {
		what   string
		header []byte
		key    Key
		o      Options
		want   string
	}{
		{"no From", []byte("To: a@example.org\r\n\r\nFrom: b@example.org\r\n"), keys()[0], Options{}, "dkim.no_from"},
		{"no signer", good, Key{"example.org", "s", nil}, Options{}, "dkim.bad_key"},
		{"a short key", good, Key{"example.org", "s", short}, Options{}, "dkim.bad_key"},
		{"no domain", good, Key{"", "s", keys()[0].Signer}, Options{}, "dkim.bad_key"},
		{"a U-label", good, Key{"bücher.example", "s", keys()[0].Signer}, Options{}, "dkim.bad_key"},
		{"no selector", good, Key{"example.org", "", keys()[0].Signer}, Options{}, "dkim.bad_key"},
		{"a line end in the selector", good, Key{"example.org", "s\r\n", keys()[0].Signer}, Options{}, "dkim.bad_key"},
		{"an unknown signer", good, Key{"example.org", "s", strange{}}, Options{}, "dkim.bad_key"},
		{"another's identity", good, keys()[0], Options{Identity: "a@example.com"}, "dkim.bad_key"},
		{"a like identity", good, keys()[0], Options{Identity: "a@badexample.org"}, "dkim.bad_key"},
	} {
		fields, err := Sign(c.header, strings.NewReader(""), []Key{c.key}, c.o)
		if key, _ := mail.TextOf(err); key != c.want || !mail.Is(err, mail.Invalid) || fields != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	broken := errors.New("broken")
	if _, err := Sign(good, iotest.ErrReader(broken), keys(), Options{}); !errors.Is(err, broken) {
		t.Errorf("a broken body: %v", err)
	}
}

type strange struct{ crypto.Signer }

func (strange) Public() crypto.PublicKey { return "strange" }

func authresField(server string, all []Result) authres.Field {
	f := authres.Field{Server: server}
	for _, r := range all {
		f.Results = append(f.Results, r.Report())
	}
	return f
}
