package domains_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"tegami/mail"
	"tegami/wire/dns/dnstest"
	"tegami/wire/mailauth/dkim"
)

const (
	header = "From: sato@alpha.example\r\nTo: a@outside.example\r\nSubject: =?UTF-8?B?44GT44KT44Gr44Gh44Gv?=\r\n\r\n"
	body   = "Hello\r\n"
)

// TestSignaturesHold verifies what was signed by the records that are wanted in the DNS, as they stand in a zone file.
func TestSignaturesHold(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	for _, c := range []struct {
		tenant mail.TenantID
		domain string
	}{{alpha, "alpha.example"}, {0, "mail.example"}} {
		fields, err := h.Sign(h.ctx, c.tenant, c.domain, blob(1, header+body), []byte(header), strings.NewReader(body))
		h.must(err)
		records, err := h.Records(h.ctx, c.tenant, c.domain)
		h.must(err)
		results := dkim.Verify(h.ctx, dnstest.Zone(zone(records)), append(fields, header...), strings.NewReader(body), dkim.Limits{})
		if len(results) != 2 {
			t.Fatalf("%s: %d signatures", c.domain, len(results))
		}
		for _, r := range results {
			if r.Status != dkim.Pass || r.Domain != c.domain || r.Unsigned != 0 {
				t.Errorf("%s: %+v", c.domain, r)
			}
		}
	}
}

// reads counts how often a body was begun.
type reads struct {
	io.Reader
	once sync.Once
	n    *atomic.Int32
}

func (r *reads) Read(p []byte) (int, error) {
	r.once.Do(func() { r.n.Add(1) })
	return r.Reader.Read(p)
}

// TestAMessageIsSignedOnce: a message for 100 domains costs one signature.
func TestAMessageIsSignedOnce(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example"), h.company("beta.example")
	h.domain(alpha, "second.example")
	var n atomic.Int32
	sign := func(tenant mail.TenantID, domain string, ref mail.BlobRef, head string) string {
		fields, err := h.Sign(h.ctx, tenant, domain, ref, []byte(head), &reads{Reader: strings.NewReader(body), n: &n})
		if err != nil {
			t.Error(err)
		}
		return string(fields)
	}
	one := blob(7, body)
	seen := make([]string, 100)
	var all sync.WaitGroup
	for i := range seen {
		all.Go(func() { seen[i] = sign(alpha, "alpha.example", one, header) })
	}
	all.Wait()
	for _, s := range seen {
		if s != seen[0] || s == "" {
			t.Fatal("the signatures differ")
		}
	}
	if n.Load() != 1 {
		t.Errorf("the body was read %d times", n.Load())
	}
	for name, other := range map[string]func() string{
		"another domain": func() string { return sign(alpha, "second.example", one, header) },
		"another tenant": func() string { return sign(beta, "beta.example", one, header) },
		"another blob":   func() string { return sign(alpha, "alpha.example", blob(8, body), header) },
		"another header": func() string { return sign(alpha, "alpha.example", one, "From: x@alpha.example\r\n\r\n") },
		"no blob":        func() string { return sign(alpha, "alpha.example", mail.BlobRef{}, header) },
		"new keys": func() string {
			_, err := h.Company(alpha).Rotate(h.ctx, h.ops, "alpha.example")
			h.must(err)
			_, err = h.Company(alpha).Activate(h.ctx, h.ops, "alpha.example")
			h.must(err)
			return sign(alpha, "alpha.example", one, header)
		},
	} {
		before := n.Load()
		if other(); n.Load() != before+1 {
			t.Errorf("%s: the body was read %d times", name, n.Load()-before)
		}
	}
}

// TestABrokenBodyHarmsNobodyElse: who waited for a signature that failed makes his own.
func TestABrokenBodyHarmsNobodyElse(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	_, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	broken := errors.New("disk on fire")
	reading, wait := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		slow := readerFunc(func([]byte) (int, error) { close(reading); <-wait; return 0, broken })
		_, err := h.Sign(h.ctx, alpha, "alpha.example", blob(9, body), []byte(header), slow)
		first <- err
	}()
	<-reading
	second := make(chan []byte, 1)
	go func() {
		fields, err := h.Sign(h.ctx, alpha, "alpha.example", blob(9, body), []byte(header), strings.NewReader(body))
		if err != nil {
			t.Error(err)
		}
		second <- fields
	}()
	close(wait)
	if err := <-first; !errors.Is(err, broken) {
		t.Errorf("the first: %v", err)
	}
	if fields := <-second; !bytes.HasPrefix(fields, []byte("DKIM-Signature:")) {
		t.Errorf("the second: %q", fields)
	}
	if fields, err := h.Sign(h.ctx, alpha, "alpha.example", blob(9, body), []byte(header), iotest.OneByteReader(strings.NewReader(body))); err != nil || len(fields) == 0 {
		t.Errorf("a failure is remembered: %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestNobodySignsForOthers: the domain must be the tenant's own.
func TestNobodySignsForOthers(t *testing.T) {
	h := newHouse(t)
	alpha, _ := h.company("alpha.example"), h.company("beta.example")
	for _, c := range []struct {
		tenant mail.TenantID
		domain string
		key    string
	}{
		{alpha, "beta.example", "domain.unknown"}, {alpha, "sub.alpha.example", "domain.unknown"}, {alpha, "mail.example", "domain.unknown"},
		{alpha, "example", "domain.unknown"}, {alpha, "", "domain.unknown"}, {alpha, "[192.0.2.1]", "domain.unknown"},
		{0, "alpha.example", "domain.unknown"}, {0, "", "domain.unknown"}, {4711, "alpha.example", "tenant.unknown"},
	} {
		fields, err := h.Sign(h.ctx, c.tenant, c.domain, blob(1, body), []byte(header), strings.NewReader(body))
		h.says(err, mail.NotFound, c.key)
		if len(fields) > 0 {
			t.Errorf("%v signs as %q", c.tenant, c.domain)
		}
	}
}
