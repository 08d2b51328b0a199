package deliver_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/wire/dns/dnstest"
	"tegami/wire/mailauth/arc"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mime"
)

// ring is one key for every domain.
type ring struct{ dkim.Key }

func (r ring) Signers(_ context.Context, _ mail.TenantID, domain string) ([]dkim.Key, error) {
	k := r.Key
	k.Domain = domain
	return []dkim.Key{k}, nil
}

// sealing is a configuration with a key that is in the DNS.
func sealing(t *testing.T) (deliver.Config, *dnstest.Names) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	names := dnstest.Zone(`k1._domainkey.alpha.example. TXT "` + dkim.FormatRecord(public) + `"
		_dmarc.bank.example. TXT "v=DMARC1; p=reject"
		_dmarc.easy.example. TXT "v=DMARC1; p=none"`)
	return deliver.Config{Keys: ring{dkim.Key{Selector: "k1", Signer: private}}, Lookup: names}, names
}

// verify holds octets against their seal.
func verify(t *testing.T, names *dnstest.Names, octets string) {
	t.Helper()
	end := strings.Index(octets, "\r\n\r\n") + 4
	c := arc.Verify(context.Background(), names, []byte(octets[:end]), strings.NewReader(octets[end:]))
	if c.Status != arc.Pass || c.Sets != 1 {
		t.Errorf("chain is %v with %d sets, %v, of\n%s", c.Status, c.Sets, c.Err, octets)
	}
}

// TestML5Seal seals what an account forwards and what a list sends out, with what we found out when it came.
func TestML5Seal(t *testing.T) {
	cfg, names := sealing(t)
	h := newHouse(t, cfg)
	c := h.company("alpha.example", "sato")
	sato := h.forward("sato@alpha.example", false, "sato@home.example")
	l := h.list(c, "team@alpha.example", directory.ListSpec{}, "x@other.example")
	text := strings.Replace(letter("abe@customer.example", "x"), "Received:",
		"Authentication-Results: "+hostname+"; dmarc=pass header.from=customer.example\r\nReceived:", 1)
	h.accept(sato.Tenant, from("abe@customer.example"), text, "sato@alpha.example", "team@alpha.example")
	h.drain()
	out := h.remote()
	for _, to := range []string{"sato@home.example", "x@other.example"} {
		it := out[to]
		octets := string(it.Prefix) + strings.TrimPrefix(h.octets(h.store.Tenant(sato.Tenant), it.Blob), "Return-Path: <abe@customer.example>\r\n")
		verify(t, names, octets)
		if got := mime.Header(octets).Get("ARC-Authentication-Results"); !strings.Contains(got, "dmarc=pass") || !strings.Contains(got, "arc=none") {
			t.Errorf("%s: sealed %q", to, got)
		}
	}
	if out["x@other.example"].From.Domain != l.Address.Domain {
		t.Error("the copy is not the list's")
	}
}

// TestLI7DMARCSafeFrom changes the author only where the list breaks the signature and the author's domain asks to
// reject that.
func TestLI7DMARCSafeFrom(t *testing.T) {
	cfg, names := sealing(t)
	h := newHouse(t, cfg)
	c := h.company("alpha.example", "sato")
	h.list(c, "plain@alpha.example", directory.ListSpec{}, "x@other.example")
	l := h.list(c, "tagged@alpha.example", directory.ListSpec{Prefix: "[t]"}, "x@other.example")
	for _, x := range []struct{ list, author, sign, want string }{
		{"plain", "abe@bank.example", "", "abe@bank.example"},
		{"tagged", "abe@bank.example", "", "abe via tagged <tagged@alpha.example>"},
		{"tagged", "abe@easy.example", "", "abe@easy.example"},
		{"tagged", "abe@nothing.example", "", "abe@nothing.example"},
		{"tagged", "sato@alpha.example", "alpha.example", "sato@alpha.example"},
	} {
		doc := from(x.author)
		doc.Sign = x.sign
		h.accept(l.Tenant, doc, letter(x.author, "hello"), x.list+"@alpha.example")
		h.drain()
		it := h.remote()["x@other.example"]
		octets := h.octets(h.store.Tenant(l.Tenant), it.Blob)
		h.want("From", mime.Header(octets).Get("From"), x.want)
		verify(t, names, octets)
		h.must(h.queue.Of(l.Tenant).Remove(h.ctx, h.ops, it.ID, false))
	}
}
