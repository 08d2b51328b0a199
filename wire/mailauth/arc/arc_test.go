package arc

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/internal/canon"
	"tegami/wire/mime"
)

// A zone is a Lookup of TXT records. One with the text "FAIL" cannot be had.
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

// keys are made once: an RSA key takes its time.
var keys = sync.OnceValue(func() map[string]dkim.Key {
	all := map[string]dkim.Key{}
	for _, domain := range []string{"a.example", "b.example"} {
		r, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		all[domain] = dkim.Key{Domain: domain, Selector: "r", Signer: r}
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	all["c.example"] = dkim.Key{Domain: "c.example", Selector: "e", Signer: e}
	return all
})

func keyZone() *zone {
	z := &zone{txt: map[string][]string{}}
	for _, k := range keys() {
		z.txt[dkim.Name(k.Selector, k.Domain)] = []string{dkim.FormatRecord(k.Signer.Public())}
	}
	return z
}

const (
	plainHeader = "From: a@example.org\r\nTo: list@a.example\r\nSubject: Hello\r\nDKIM-Signature: v=1; d=example.org\r\n\r\n"
	plainBody   = "Hello world\r\n"
)

func verify(t testing.TB, header []byte, body string) Chain {
	t.Helper()
	return Verify(t.Context(), keyZone(), header, strings.NewReader(body))
}

// pass lets a message pass through the host of a domain, which verifies and seals it.
func pass(t testing.TB, header []byte, body, domain string) []byte {
	t.Helper()
	c := verify(t, header, body)
	return append(sealed(t, header, body, domain, c), header...)
}

func sealed(t testing.TB, header []byte, body, domain string, c Chain) []byte {
	t.Helper()
	results := authres.Field{Server: "mx." + domain, Results: []authres.Result{
		c.Report(), {Method: "spf", Value: "pass", Comment: "by " + domain, Props: []authres.Prop{{Type: "smtp", Name: "mailfrom", Value: "a@example.org"}}},
	}}
	fields, err := Seal(header, strings.NewReader(body), keys()[domain], c, Options{Results: results, Time: time.Unix(1e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(fields), "\r\n"), "\r\n") {
		if n := len(line) + 7*strings.Count(line, "\t"); n > 78 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
	return fields
}

// TestChain: a message goes through three hosts, of which the second changes it.
func TestChain(t *testing.T) {
	h := []byte(plainHeader)
	if c := verify(t, h, plainBody); c.Status != None || c.Sets != 0 || c.Err != nil || c.Report().Value != "none" {
		t.Fatalf("%+v", c)
	}
	h = pass(t, h, plainBody, "a.example")
	if c := verify(t, h, plainBody); c.Status != Pass || c.Sets != 1 || c.Oldest != 0 || !slices.Equal(c.Sealers, []string{"a.example"}) || c.First.Server != "mx.a.example" {
		t.Fatalf("%+v", c)
	}
	c := verify(t, h, plainBody)
	h = []byte(strings.Replace(string(h), "Subject: Hello", "Subject: [list] Hello", 1))
	changed := plainBody + "-- \r\na list\r\n"
	h = append(sealed(t, h, changed, "c.example", c), h...)
	h = pass(t, h, changed, "b.example")
	c = verify(t, h, changed)
	if c.Status != Pass || c.Sets != 3 || c.Oldest != 2 || !slices.Equal(c.Sealers, []string{"a.example", "c.example", "b.example"}) || c.First.Server != "mx.a.example" {
		t.Fatalf("%+v", c)
	}
	if spf, _ := c.First.Get("spf"); spf.Comment != "by a.example" {
		t.Errorf("%+v", c.First)
	}
	f := authres.Field{Server: "x", Results: []authres.Result{c.Report()}}
	if got := string(f.Append(nil)); got != "Authentication-Results: x;\r\n\tarc=pass (i=3) header.oldest-pass=2\r\n" {
		t.Errorf("%q", got)
	}
}

// TestBrokenChains: whatever is changed in a chain of two breaks it; and what may change does not.
func TestBrokenChains(t *testing.T) {
	h := string(pass(t, pass(t, []byte(plainHeader), plainBody, "a.example"), plainBody, "b.example"))
	cut := func(name, instance string) string { // a header without one field
		for f := range mime.Header(h).Fields() {
			if v := mime.Unfold(f.Value); strings.EqualFold(string(f.Name), name) && strings.Contains(" "+v, " i="+instance+";") {
				return h[:f.Start] + h[f.End:]
			}
		}
		t.Fatalf("no %s of %s", name, instance)
		return ""
	}
	for _, c := range []struct {
		what, header, body, key string
	}{
		{"as it was", h, plainBody, ""},
		{"a Received in front", "Received: by x\r\n" + h, plainBody, ""},
		{"unfolded", strings.ReplaceAll(h, "\r\n\t", " "), plainBody, ""},
		{"another body", h, "Buy\r\n", "arc.message"},
		{"another Subject", strings.Replace(h, "Subject: Hello", "Subject: Buy", 1), plainBody, "arc.message"},
		{"another first result", strings.Replace(h, "spf=pass (by a.example)", "spf=fail (by a.example)", 1), plainBody, "arc.seal"},
		{"another last result", strings.Replace(h, "spf=pass (by b.example)", "spf=fail (by b.example)", 1), plainBody, "arc.seal"},
		{"the results twice", "ARC-Authentication-Results: i=2; x; none\r\n" + h, plainBody, "arc.malformed"},
		{"one seal is missing", cut("ARC-Seal", "1"), plainBody, "arc.malformed"},
		{"one message signature is missing", cut("ARC-Message-Signature", "1"), plainBody, "arc.malformed"},
		{"a result is missing", cut("ARC-Authentication-Results", "2"), plainBody, "arc.malformed"},
		{"a set is missing between", strings.ReplaceAll(strings.ReplaceAll(h, "i=2;", "i=3;"), "; i=2", "; i=3"), plainBody, "arc.malformed"},
		{"instance 0", "ARC-Seal: i=0; cv=none; a=rsa-sha256; d=a.example; s=r; b=AA==\r\n" + h, plainBody, "arc.malformed"},
		{"instance 51", "ARC-Seal: i=51; cv=pass; a=rsa-sha256; d=a.example; s=r; b=AA==\r\n" + h, plainBody, "arc.malformed"},
		{"a seal with h=", strings.Replace(h, "cv=none;", "cv=none; h=from;", 1), plainBody, "arc.malformed"},
		{"the first says pass", strings.Replace(h, "cv=none;", "cv=pass;", 1), plainBody, "arc.malformed"},
		{"the last says none", strings.Replace(h, "cv=pass;", "cv=none;", 1), plainBody, "arc.malformed"},
		{"the last says fail", strings.Replace(h, "cv=pass;", "cv=fail;", 1), plainBody, "arc.ended"},
	} {
		got := verify(t, []byte(c.header), c.body)
		var e *mail.Error
		key := ""
		if errors.As(got.Err, &e) {
			key = e.Text
		}
		want := Fail
		if c.key == "" {
			want = Pass
		}
		if got.Status != want || key != c.key || got.Temp {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
}

// TestUnreadableResults: results that cannot be read are sealed all the same, and nothing is taken from them.
func TestUnreadableResults(t *testing.T) {
	f := canon.NewHeader([]byte("ARC-Authentication-Results: i=1; a.example; dmarc=pass; ???\r\n")).Fields[0]
	i, put, err := read(f)
	var s set
	if i != 1 || err != nil || !put(&s) || s.found.Server != "" || s.found.Results != nil || put(&s) {
		t.Errorf("%d %v %+v", i, err, s.found)
	}
}

// TestFailedChain: a chain that fails is sealed once as failed, and then never again (RFC 8617 §5.1.2).
func TestFailedChain(t *testing.T) {
	h := pass(t, []byte(plainHeader), plainBody, "a.example")
	changed := "Changed\r\n"
	h = pass(t, h, changed, "b.example")
	if !strings.Contains(string(h), "cv=fail") {
		t.Fatalf("%s", h)
	}
	c := verify(t, h, changed)
	if c.Status != Fail || c.Sets != 2 || !c.ended {
		t.Fatalf("%+v", c)
	}
	if fields := sealed(t, h, changed, "c.example", c); fields != nil {
		t.Errorf("sealed: %s", fields)
	}
	// The seal of a failed chain covers its own set alone.
	block := canon.NewHeader(h)
	sets, _, err := collect(block)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSeal(sets[1].tags)
	if err != nil {
		t.Fatal(err)
	}
	octets := block.AppendField(nil, sets[1].results, true)
	octets = block.AppendField(octets, sets[1].message, true)
	octets = block.AppendUnsigned(octets, sets[1].seal, true)
	digest := sha256.Sum256(octets)
	if err := (dkim.Record{Public: keys()["b.example"].Signer.Public()}).Check(s.algorithm, digest[:], s.value); err != nil {
		t.Error(err)
	}
}

// TestUnchecked: a key that cannot be had is no proof of anything; such a chain is not sealed.
func TestUnchecked(t *testing.T) {
	h := pass(t, pass(t, []byte(plainHeader), plainBody, "a.example"), plainBody, "b.example")
	for _, name := range []string{"r._domainkey.a.example", "r._domainkey.b.example"} {
		z := keyZone()
		z.txt[name] = []string{"FAIL"}
		c := Verify(t.Context(), z, h, strings.NewReader(plainBody))
		if c.Status != Fail || !c.Temp {
			t.Errorf("%s: %+v", name, c)
		}
		if fields, err := Seal(h, strings.NewReader(plainBody), keys()["c.example"], c, Options{}); fields != nil || err != nil {
			t.Errorf("%s: %v", fields, err)
		}
	}
	broken := errors.New("broken")
	if c := Verify(t.Context(), keyZone(), h, iotest.ErrReader(broken)); !c.Temp || !errors.Is(c.Err, broken) {
		t.Errorf("%+v", c)
	}
}

// TestLongChain: fifty sets hold, and no more are added. Each key is asked for once.
func TestLongChain(t *testing.T) {
	h := []byte(plainHeader)
	for range MaxSets {
		h = pass(t, h, plainBody, "c.example")
	}
	z := keyZone()
	c := Verify(t.Context(), z, h, strings.NewReader(plainBody))
	if c.Status != Pass || c.Sets != MaxSets || len(c.Sealers) != MaxSets || z.asked != 1 {
		t.Fatalf("%v, %d sets, %d questions: %v", c.Status, c.Sets, z.asked, c.Err)
	}
	if fields := sealed(t, h, plainBody, "c.example", c); fields != nil {
		t.Errorf("the 51st: %s", fields)
	}
}

func TestSealErrors(t *testing.T) {
	h := pass(t, []byte(plainHeader), plainBody, "a.example")
	c := verify(t, h, plainBody)
	for what, try := range map[string]struct {
		header string
		key    dkim.Key
		want   string
	}{
		"no set":   {plainHeader, keys()["a.example"], "arc.changed"},
		"half one": {strings.Replace(string(h), "ARC-Seal", "X", 1), keys()["a.example"], "arc.changed"},
		"no key":   {string(h), dkim.Key{}, "dkim.bad_key"},
	} {
		fields, err := Seal([]byte(try.header), strings.NewReader(plainBody), try.key, c, Options{})
		if key, _ := mail.TextOf(err); key != try.want || fields != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	broken := errors.New("broken")
	if _, err := Seal(h, iotest.ErrReader(broken), keys()["a.example"], c, Options{}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestDkimpy: dkimpy takes our chains, and we take those it has made or gone on with.
func TestDkimpy(t *testing.T) {
	ask := dkimpy(t)
	records := map[string]string{}
	for name, txt := range keyZone().txt {
		records[name] = txt[0]
	}
	checks := func(what string, h []byte, body string) {
		t.Helper()
		var got struct{ CV, Reason string }
		ask(map[string]any{"do": "arc-verify", "message": append(slices.Clone(h), body...), "records": records}, &got)
		if c := verify(t, h, body); got.CV != "pass" || c.Status != Pass {
			t.Errorf("%s: dkimpy says %s (%s), we say %v: %v\n%s", what, got.CV, got.Reason, c.Status, c.Err, h)
		}
	}
	for _, body := range []string{plainBody, "", "Hello  world \r\n\r\n\r\n", "no end"} {
		h := pass(t, []byte(plainHeader), body, "a.example")
		checks("ours", h, body)
		h = pass(t, h, body, "b.example")
		checks("ours twice", h, body)
		k := keys()["a.example"]
		private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k.Signer.(*rsa.PrivateKey))})
		h = append([]byte("Authentication-Results: mx.a.example; arc=pass; spf=pass smtp.mailfrom=a@example.org\r\n"), h...)
		var got struct{ Field []byte }
		ask(map[string]any{"do": "arc-sign", "message": append(slices.Clone(h), body...), "key": string(private), "domain": k.Domain, "selector": k.Selector, "server": "mx.a.example"}, &got)
		h = append(got.Field, h...)
		checks("dkimpy's after ours", h, body)
		h = pass(t, h, body, "b.example")
		checks("ours after dkimpy's", h, body)
	}
}

// dkimpy starts dkimpy, or skips the test. It gives what asks it.
func dkimpy(t *testing.T) func(question map[string]any, answer any) {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import dkim, nacl, authres").Run() != nil {
			continue
		}
		cmd := exec.Command(name, "../dkim/testdata/dkimpy.py")
		cmd.Stderr = os.Stderr
		to, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		from, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			to.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("dkimpy: %v", err)
			}
		})
		in := json.NewDecoder(from)
		return func(question map[string]any, answer any) {
			t.Helper()
			if err := json.NewEncoder(to).Encode(question); err != nil {
				t.Fatal(err)
			}
			if err := in.Decode(answer); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Skip("dkimpy (Debian: python3-dkim, python3-nacl, python3-authres) is not installed")
	return nil
}

// FuzzVerify: no header makes us panic; what we seal after it is what we said of it, and holds where it held.
func FuzzVerify(f *testing.F) {
	h := pass(f, []byte(plainHeader), plainBody, "c.example")
	f.Add(string(h), plainBody)
	f.Add(string(pass(f, h, "other", "c.example")), "other")
	f.Add("ARC-Seal: i=1; cv=none; a=x; d=a.b; s=c; b=AA==\nARC-Message-Signature: i=1; a=; b=; bh=; d=; h=; s=\nARC-Authentication-Results: i=1; x", "")
	z := keyZone()
	f.Fuzz(func(t *testing.T, header, body string) {
		c := Verify(t.Context(), z, []byte(header), strings.NewReader(body))
		if (c.Status == Fail) != (c.Err != nil) || c.Sets > MaxSets || c.Temp {
			t.Fatalf("%+v", c)
		}
		fields, err := Seal([]byte(header), strings.NewReader(body), keys()["c.example"], c, Options{Results: c.First})
		if err != nil {
			t.Fatal(err)
		}
		if fields == nil {
			return
		}
		after := Verify(t.Context(), z, append(fields, header...), strings.NewReader(body))
		if c.Status != Fail && (after.Status != Pass || after.Sets != c.Sets+1) || c.Status == Fail && after.Status != Fail {
			t.Fatalf("%+v\nthen %+v", c, after)
		}
	})
}
