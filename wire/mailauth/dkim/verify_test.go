package dkim

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/internal/canon"
)

// field makes a relaxed/relaxed signature by the Ed25519 key with tags of the test's own.
func field(t testing.TB, header []byte, body string, relaxedBody bool, tags ...string) []byte {
	t.Helper()
	b := canon.NewBody(relaxedBody, -1)
	b.Write([]byte(body))
	sum, _ := b.Sum()
	text := FieldName + ": bh=" + encodeBase64(sum)
	names := []string{"from"}
	for _, tag := range tags {
		text += "; " + tag
		if v, ok := strings.CutPrefix(tag, "h="); ok {
			names = strings.Split(strings.ReplaceAll(v, " ", ""), ":")
		}
	}
	text += "; b="
	h := canon.NewHeader(header)
	return finishField(t, h.AppendSigned(nil, names, true), text)
}

func finishField(t testing.TB, signed []byte, text string) []byte {
	octets := canon.AppendWritten(signed, []byte(text))
	value, err := keys()[1].Sign(sum256(octets))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text + encodeBase64(value) + "\r\n")
}

// TestTags: each tag of a signature by itself makes it pass or not.
func TestTags(t *testing.T) {
	header := []byte("From: a@example.org\r\nSubject: x\r\n\r\n")
	const body = "Hello\r\n"
	base := map[string]string{"v": "1", "a": "ed25519-sha256", "c": "relaxed/relaxed", "d": "example.org", "s": "tg1e", "h": "from"}
	now := time.Unix(2e9, 0)
	for _, c := range []struct {
		tag, value string // "-" takes the tag away
		want       Status
		key        string
	}{
		{"x-other", "unknown tags are passed over", Pass, ""},
		{"v", "-", Neutral, "dkim.version"},
		{"v", "2", Neutral, "dkim.version"},
		{"a", "-", Neutral, "dkim.tags"},
		{"a", "ED25519-SHA256", Pass, ""},
		{"a", "rsa-sha256", PermError, "dkim.unsuited"},
		{"a", "rsa-sha1", PermError, "dkim.sha1"},
		{"a", "rsa-md5", Neutral, "dkim.algorithm"},
		{"d", "-", Neutral, "dkim.tags"},
		{"d", "EXAMPLE.org", Pass, ""},
		{"d", "org", PermError, "dkim.domain"},
		{"d", "[192.0.2.1]", PermError, "dkim.domain"},
		{"d", "", PermError, "dkim.domain"},
		{"d", "other.example", PermError, "dkim.no_key"},
		{"s", "-", Neutral, "dkim.tags"},
		{"s", "a b", Neutral, "dkim.tags"},
		{"s", "none", PermError, "dkim.no_key"},
		{"s", "down", TempError, "dkim.dns"},
		{"s", "gone", PermError, "dkim.revoked"},
		{"s", "broken", PermError, "dkim.key"},
		{"s", "two", PermError, "dkim.key"},
		{"s", "noise", Pass, ""},
		{"s", "kind", Neutral, "dkim.algorithm"},
		{"s", "web", PermError, "dkim.unsuited"},
		{"s", "sha1", PermError, "dkim.unsuited"},
		{"s", "all", Pass, ""},
		{"s", "strict", Pass, ""},
		{"s", "wrong", Fail, "dkim.forged"},
		{"h", "-", Neutral, "dkim.tags"},
		{"h", "", PermError, "dkim.from"},
		{"h", "subject", PermError, "dkim.from"},
		{"h", "Subject: FROM", Pass, ""},
		{"h", "from::subject", Neutral, "dkim.tags"},
		{"h", strings.Repeat("from:", maxNames) + "from", Neutral, "dkim.tags"},
		{"c", "relaxed", Pass, ""}, // the body is simple then, and has nothing to relax
		{"c", "Relaxed/RELAXED", Pass, ""},
		{"c", "nofws", Neutral, "dkim.tags"},
		{"c", "relaxed/nofws", Neutral, "dkim.tags"},
		{"i", "@example.org", Pass, ""},
		{"i", "a=40b=3B@sub.Example.org", Pass, ""},
		{"i", "example.org", Neutral, "dkim.tags"},
		{"i", "@badexample.org", PermError, "dkim.domain"},
		{"i", "@org", PermError, "dkim.domain"},
		{"q", "dns/txt", Pass, ""},
		{"q", "other : dns/txt", Pass, ""},
		{"q", "http", Neutral, "dkim.query"},
		{"t", "soon", Neutral, "dkim.tags"},
		{"t", "99999999999999999999999999", Pass, ""},
		{"x", "2000000000", Pass, ""},
		{"x", "1999999999", PermError, "dkim.expired"},
		{"x", "", Neutral, "dkim.tags"},
		{"l", "7", Pass, ""},
		{"l", "8", Fail, "dkim.body_changed"},
		{"l", "-1", Neutral, "dkim.tags"},
	} {
		tags := map[string]string{}
		for k, v := range base {
			tags[k] = v
		}
		tags[c.tag] = c.value
		var list []string
		for _, k := range []string{"v", "a", "c", "d", "s", "h", "i", "q", "t", "x", "l", "x-other"} {
			if v, ok := tags[k]; ok && v != "-" {
				list = append(list, strings.Replace(k, "x-", "x_", 1)+"="+v)
			}
		}
		signed := append(field(t, header, body, true, list...), header...)
		r := Verify(t.Context(), tagZone(), signed, strings.NewReader(body), Limits{Time: now})[0]
		if r.Status != c.want || reason(r.Err) != c.key || (r.Err == nil) != (r.Status == Pass) {
			t.Errorf("%s=%s: %s, %v; want %s %s", c.tag, c.value, r.Status, r.Err, c.want, c.key)
		}
		if value := r.Report().Value; value != c.want.String() {
			t.Errorf("%s=%s is reported as %s", c.tag, c.value, value)
		}
		if c.key != "" && r.Report().Comment == "" {
			t.Errorf("%s has no note", c.key)
		}
	}
}

func tagZone() *zone {
	good := FormatRecord(keys()[1].Signer.Public())
	other := FormatRecord(ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	z := &zone{txt: map[string][]string{}}
	for selector, texts := range map[string][]string{
		"tg1e":   {good},
		"down":   {"FAIL"},
		"gone":   {"v=DKIM1; k=ed25519; p="},
		"broken": {"v=DKIM1; k=ed25519"},
		"two":    {good, other},
		"noise":  {"google-site-verification=x", good, "v=spf1 -all"},
		"kind":   {"v=DKIM1; k=dsa; p=AAAA"},
		"web":    {good + "; s=web"},
		"sha1":   {good + "; h=sha1"},
		"all":    {good + "; h=sha1:sha256; s=web:*; t=q; n=a note"},
		"strict": {good + "; t=s"},
		"wrong":  {other},
		"test":   {good + "; t=y"},
		"sub":    {good + "; t=s:y"},
	} {
		z.txt[Name(selector, "example.org")] = texts
	}
	return z
}

// TestStrictKey: t=s wants the domain itself in i=; t=y is told.
func TestStrictKey(t *testing.T) {
	header := []byte("From: a@example.org\r\n\r\n")
	signed := append(field(t, header, "", true, "v=1", "a=ed25519-sha256", "c=relaxed/relaxed", "d=example.org", "s=sub", "h=from", "i=@sub.example.org"), header...)
	r := Verify(t.Context(), tagZone(), signed, strings.NewReader(""), Limits{})[0]
	if r.Status != PermError || reason(r.Err) != "dkim.domain" || !r.Testing || r.Identity != "@sub.example.org" {
		t.Errorf("%+v", r)
	}
}

// TestLengthTag: what l= does not cover is told.
func TestLengthTag(t *testing.T) {
	header := []byte("From: a@example.org\r\n\r\n")
	signed := append(field(t, header, "Hello\r\n", true, "v=1", "a=ed25519-sha256", "c=relaxed/relaxed", "d=example.org", "s=tg1e", "h=from", "l=7"), header...)
	for body, want := range map[string]int64{"Hello\r\n": 0, "Hello\r\n\r\n\r\n": 0, "Hello\r\n\r\nBuy!": 8, "Hello\r\nx": 3} {
		r := Verify(t.Context(), tagZone(), signed, strings.NewReader(body), Limits{})[0]
		if r.Status != Pass || r.Unsigned != want {
			t.Errorf("%q: %v %v, %d octets unsigned, want %d", body, r.Status, r.Err, r.Unsigned, want)
		}
	}
}

// TestSimpleHeader: the simple form keeps every octet of a field.
func TestSimpleHeader(t *testing.T) {
	const text = "DKIM-signature :v=1; a=ed25519-sha256; d=example.org;\r\n  s=tg1e; h=from: From ; b="
	header := "FROM:  a@example.org \r\n\t(x)\r\nFrom:second\r\n\r\n"
	sum := sum256([]byte("\r\n"))
	own := strings.Replace(text, "h=", "bh="+encodeBase64(sum)+"; h=", 1)
	value, err := keys()[1].Sign(sum256([]byte("From:second\r\nFROM:  a@example.org \r\n\t(x)\r\n" + own)))
	if err != nil {
		t.Fatal(err)
	}
	signed := own + encodeBase64(value) + "\r\n" + header
	if r := Verify(t.Context(), tagZone(), []byte(signed), strings.NewReader(""), Limits{})[0]; r.Status != Pass {
		t.Errorf("%+v", r)
	}
	folded := strings.Replace(signed, "a@example.org \r\n\t", "a@example.org ", 1)
	if r := Verify(t.Context(), tagZone(), []byte(folded), strings.NewReader(""), Limits{})[0]; r.Status != Fail {
		t.Errorf("unfolded: %+v", r)
	}
}

// TestLimits: no more signatures are looked at than allowed, a key is asked for once, and a body only
// read where it is needed.
func TestLimits(t *testing.T) {
	header := []byte("From: a@example.org\r\n\r\n")
	one := field(t, header, "", true, "v=1", "a=ed25519-sha256", "c=relaxed/relaxed", "d=example.org", "s=tg1e", "h=from")
	signed := append([]byte(strings.Repeat(string(one), 12)), header...)
	z := tagZone()
	got := Verify(t.Context(), z, signed, strings.NewReader(""), Limits{})
	want := append(slices.Repeat([]string{"pass"}, 10), "policy", "policy")
	if !slices.Equal(statusesOf(got), want) || z.asked != 1 {
		t.Errorf("%v, %d questions", statusesOf(got), z.asked)
	}
	unread := iotest.ErrReader(errors.New("the body was read"))
	if got := Verify(t.Context(), z, header, unread, Limits{}); !slices.Equal(statusesOf(got), []string{"none"}) || got[0].Err != nil {
		t.Errorf("%+v", got)
	}
	bad := append([]byte("DKIM-Signature: v=1\r\n"), header...)
	if got := Verify(t.Context(), z, bad, unread, Limits{}); got[0].Status != Neutral {
		t.Errorf("%+v", got)
	}
	if got := Verify(t.Context(), z, signed, unread, Limits{}); got[0].Status != TempError || got[0].Err == nil || got[11].Status != Policy {
		t.Errorf("%+v", got)
	}
}

// TestKeySize: RSA keys under 1024 bits prove nothing, whatever they signed (RFC 8301 §3.2); nor do those that would cost too much.
func TestKeySize(t *testing.T) {
	for bits, want := range map[uint]string{512: "dkim.key_size", 1023: "dkim.key_size", 1024: "dkim.forged", 8192: "dkim.forged", 8200: "dkim.key_size"} {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		r := Record{Public: &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}}
		if err := r.Check(RSA, make([]byte, 32), make([]byte, bits/8)); reason(err) != want || !mail.Is(err, mail.Denied) {
			t.Errorf("%d bits: %v, want %s", bits, err, want)
		}
	}
	c := check{}
	c.fail(Record{Public: &rsa.PublicKey{N: big.NewInt(77), E: 65537}}.Check(RSA, make([]byte, 32), nil))
	if c.Status != Policy {
		t.Errorf("%v", c.Status)
	}
}

// TestInternationalised: domains and selectors may be written as U-labels, and are looked up as A-labels (RFC 8616).
func TestInternationalised(t *testing.T) {
	header := []byte("From: a@example.org\r\n\r\n")
	signed := append(field(t, header, "", true, "v=1", "a=ed25519-sha256", "c=relaxed/relaxed", "d=bücher.example", "s=schlüssel", "h=from", "i=jürg@bücher.example"), header...)
	z := one("xn--schlssel-95a._domainkey.xn--bcher-kva.example", FormatRecord(keys()[1].Signer.Public()))
	r := Verify(t.Context(), z, signed, strings.NewReader(""), Limits{})[0]
	if r.Status != Pass || r.Domain != "xn--bcher-kva.example" || r.Identity != "jürg@bücher.example" {
		t.Errorf("%+v", r)
	}
}

func TestParseRecord(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(keys()[0].Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	spki := base64.StdEncoding.EncodeToString(der)
	pkcs1 := base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(keys()[0].Signer.Public().(*rsa.PublicKey)))
	edDER, err := x509.MarshalPKIXPublicKey(keys()[1].Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		txt  string
		bits int
		key  string
	}{
		{"v=DKIM1; k=rsa; p=" + spki, 2048, ""},
		{"p=" + spki, 2048, ""},
		{"p=" + pkcs1, 2048, ""},
		{" v = DKIM1 ;\r\n p = " + spki[:60] + " \t" + spki[60:] + " ; ", 2048, ""},
		{FormatRecord(keys()[0].Signer.Public()), 2048, ""},
		{FormatRecord(keys()[1].Signer.Public()), 256, ""},
		{"v=DKIM1; g=*; p=" + spki, 2048, ""},
		{"p=", 0, ""},
		{"", 0, "dkim.key"},
		{"v=spf1 -all", 0, "dkim.key"},
		{"v=DKIM2; p=" + spki, 0, "dkim.key"},
		{"v=dkim1; p=" + spki, 0, "dkim.key"},
		{"p=" + spki + "; v=DKIM1", 0, "dkim.key"},
		{"v=DKIM1; k=rsa", 0, "dkim.key"},
		{"p=" + spki + "; p=" + spki, 0, "dkim.key"},
		{"p=%%%", 0, "dkim.key"},
		{"p=AAAA", 0, "dkim.key"},
		{"p=" + base64.StdEncoding.EncodeToString(edDER), 0, "dkim.key"},
		{"k=ed25519; p=AAAA", 0, "dkim.key"},
		{"k=ed448; p=AAAA", 0, "dkim.algorithm"},
		{"p=" + strings.Repeat("A", canon.MaxTagList), 0, "dkim.key"},
	} {
		r, err := ParseRecord(c.txt)
		if key, _ := mail.TextOf(err); key != c.key || r.Bits() != c.bits {
			t.Errorf("%.60q: %d bits, %v", c.txt, r.Bits(), err)
		}
	}
	r, err := ParseRecord("v=DKIM1; h=sha1 : sha256; s=email; t=y:s; n=a note; p=")
	if err != nil || !slices.Equal(r.Hashes, []string{"sha1", "sha256"}) || !slices.Equal(r.Services, []string{"email"}) || !r.Testing || !r.Strict || r.Notes != "a note" || r.Public != nil {
		t.Errorf("%+v %v", r, err)
	}
	if FormatRecord("none") != "" {
		t.Error("a record of no key")
	}
}

func sum256(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// A silent zone never answers.
type silent struct{ dns.Lookup }

func (silent) TXT(ctx context.Context, _ string) ([]string, dns.Meta, error) {
	<-ctx.Done()
	return nil, dns.Meta{}, ctx.Err()
}

// TestDeadline: keys that do not come in time are a temporary error, after all of the time that was given and no more.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, b := split(rfc8463Message)
		begun := time.Now()
		got := Verify(t.Context(), silent{}, h, strings.NewReader(b), Limits{Timeout: 3 * time.Second})
		if !slices.Equal(statusesOf(got), []string{"temperror", "temperror"}) || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %v", statusesOf(got), time.Since(begun))
		}
	})
}
