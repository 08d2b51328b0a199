package tlspolicy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
)

// holder is a certificate with its key.
type holder struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate; by nil it is signed by itself.
func issue(t testing.TB, by *holder, c x509.Certificate) *holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	c.NotBefore, c.BasicConstraintsValid = c.NotAfter.Add(-48*time.Hour), true
	if c.IsCA {
		c.KeyUsage = x509.KeyUsageCertSign
	}
	if by == nil {
		by = &holder{&c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &holder{cert, key}
}

func ca(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true}
}

func leaf(names ...string) x509.Certificate { return x509.Certificate{DNSNames: names} }

func chain(of ...*holder) []*x509.Certificate {
	var list []*x509.Certificate
	for _, h := range of {
		list = append(list, h.cert)
	}
	return list
}

// tlsa makes the record of a certificate.
func tlsa(usage, selector, matching uint8, h *holder) dns.TLSA {
	data := h.cert.Raw
	if selector == selectKey {
		data = h.cert.RawSubjectPublicKeyInfo
	}
	switch matching {
	case matchSHA256:
		sum := sha256.Sum256(data)
		data = sum[:]
	case matchSHA512:
		sum := sha512.Sum512(data)
		data = sum[:]
	}
	return dns.TLSA{Usage: usage, Selector: selector, Matching: matching, Data: data}
}

// past makes a certificate one that has expired.
func past(c x509.Certificate) x509.Certificate {
	c.NotAfter = time.Now().Add(-time.Hour)
	return c
}

func TestVerifyDANE(t *testing.T) {
	root := issue(t, nil, ca("root"))
	middle := issue(t, root, ca("middle"))
	mx := issue(t, middle, leaf("mx.example.jp"))
	other := issue(t, middle, leaf("other.example.jp"))
	wild := issue(t, middle, leaf("*.example.jp"))
	old := issue(t, middle, past(leaf("mx.example.jp")))
	plain := issue(t, middle, x509.Certificate{Subject: pkix.Name{CommonName: "MX.example.jp"}})
	both := issue(t, middle, x509.Certificate{Subject: pkix.Name{CommonName: "mx.example.jp"}, DNSNames: []string{"other.example.jp"}})
	alone := issue(t, nil, past(leaf("whatever")))
	stranger := issue(t, nil, ca("middle"))
	oldRoot := issue(t, nil, past(ca("old root")))
	underOld := issue(t, oldRoot, leaf("mx.example.jp"))
	name := []string{"mx.example.jp"}

	type test struct {
		name    string
		records []dns.TLSA
		names   []string
		chain   []*x509.Certificate
		want    ResultType // "" = it is proved
	}
	tests := []test{
		{"EE: neither name nor date", []dns.TLSA{tlsa(3, 1, 1, alone)}, name, chain(alone), ""},
		{"EE: expired, chain and all", []dns.TLSA{tlsa(3, 0, 2, old)}, name, chain(old, middle), ""},
		{"EE: another certificate", []dns.TLSA{tlsa(3, 1, 1, other)}, name, chain(mx, middle), ValidationFailure},
		{"EE: only the first counts", []dns.TLSA{tlsa(3, 1, 1, mx)}, name, chain(other, mx), ValidationFailure},
		{"EE: one of several", []dns.TLSA{tlsa(3, 1, 1, other), tlsa(3, 1, 1, mx)}, name, chain(mx), ""},
		{"TA: another name", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(other, middle, root), CertHostMismatch},
		{"TA: one of the names", []dns.TLSA{tlsa(2, 0, 1, root)}, []string{"example.jp", "Other.example.jp."}, chain(other, middle, root), ""},
		{"TA: no names", []dns.TLSA{tlsa(2, 0, 1, root)}, nil, chain(mx, middle, root), CertHostMismatch},
		{"TA: wildcard", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(wild, middle, root), ""},
		{"TA: wildcard too high", []dns.TLSA{tlsa(2, 0, 1, root)}, []string{"example.jp", "a.mx.example.jp"}, chain(wild, middle, root), CertHostMismatch},
		{"TA: expired", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(old, middle, root), CertExpired},
		{"TA: expired anchor", []dns.TLSA{tlsa(2, 0, 1, oldRoot)}, name, chain(underOld, oldRoot), CertExpired},
		{"TA: common name where there is no other", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(plain, middle, root), ""},
		{"TA: common name beside others", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(both, middle, root), CertHostMismatch},
		{"TA: root not shown", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(mx, middle), ValidationFailure},
		{"TA: anchor in the middle", []dns.TLSA{tlsa(2, 1, 1, middle)}, name, chain(mx, middle), ""},
		{"TA: middle missing", []dns.TLSA{tlsa(2, 0, 1, root)}, name, chain(mx, root), CertNotTrusted},
		{"TA: shown, and not the issuer", []dns.TLSA{tlsa(2, 0, 1, stranger)}, name, chain(mx, middle, stranger), CertNotTrusted},
		{"TA: whole certificate, not shown", []dns.TLSA{tlsa(2, 0, 0, root)}, name, chain(mx, middle), ""},
		{"TA: whole certificate of a stranger", []dns.TLSA{tlsa(2, 0, 0, stranger)}, name, chain(mx, middle), CertNotTrusted},
		{"TA: whole key, certificate not shown", []dns.TLSA{tlsa(2, 1, 0, root)}, name, chain(mx, middle), ""},
		{"TA: whole key, right above", []dns.TLSA{tlsa(2, 1, 0, middle)}, name, chain(mx), ""},
		{"TA: whole key, expired", []dns.TLSA{tlsa(2, 1, 0, middle)}, name, chain(old), CertExpired},
		{"TA: whole key of a stranger", []dns.TLSA{tlsa(2, 1, 0, stranger)}, name, chain(mx, middle), ValidationFailure},
		{"EE or TA", []dns.TLSA{tlsa(3, 1, 1, other), tlsa(2, 1, 1, middle)}, name, chain(mx, middle), ""},
		{"no certificate", []dns.TLSA{tlsa(3, 1, 1, mx)}, name, nil, ValidationFailure},
		{"no record", nil, name, chain(mx, middle), TLSAInvalid},
		{"PKIX usages", []dns.TLSA{tlsa(0, 0, 1, root), tlsa(1, 1, 1, mx)}, name, chain(mx, middle, root), TLSAInvalid},
	}
	for selector := range uint8(2) {
		for matching := range uint8(3) {
			tests = append(tests,
				test{"EE", []dns.TLSA{tlsa(3, selector, matching, mx)}, name, chain(mx, middle), ""},
				test{"TA", []dns.TLSA{tlsa(2, selector, matching, root)}, name, chain(mx, middle, root), ""},
				test{"not EE", []dns.TLSA{tlsa(3, selector, matching, root)}, name, chain(mx, middle, root), ValidationFailure})
		}
	}
	for _, c := range tests {
		err := VerifyDANE(c.records, c.names, c.chain)
		if got := ResultOf(err); (err == nil) != (c.want == "") || err != nil && got != c.want {
			t.Errorf("%s: %v (%s), want %q", c.name, err, got, c.want)
		}
		if err != nil && !mail.Is(err, mail.Denied) && c.want != TLSAInvalid {
			t.Errorf("%s: kind of %v", c.name, err)
		}
	}
}

func TestUsableTLSA(t *testing.T) {
	h := issue(t, nil, leaf("mx.example.jp"))
	short := tlsa(3, 1, 1, h)
	short.Data = short.Data[:31]
	noCert, noKey := tlsa(2, 0, 0, h), tlsa(2, 1, 0, h)
	noCert.Data, noKey.Data = noCert.Data[1:], append(noKey.Data, 0)
	for name, c := range map[string]struct {
		records []dns.TLSA
		usable  int
	}{
		"none":                  {nil, 0},
		"EE and TA":             {[]dns.TLSA{tlsa(3, 1, 1, h), tlsa(2, 0, 2, h)}, 2},
		"unknown usage":         {[]dns.TLSA{tlsa(4, 1, 1, h), tlsa(255, 1, 1, h)}, 0},
		"unknown selector":      {[]dns.TLSA{tlsa(3, 2, 1, h)}, 0},
		"unknown matching type": {[]dns.TLSA{tlsa(3, 1, 3, h)}, 0},
		"half a digest":         {[]dns.TLSA{short}, 0},
		"no certificate":        {[]dns.TLSA{noCert}, 0},
		"no key":                {[]dns.TLSA{noKey}, 0},
		"empty":                 {[]dns.TLSA{{Usage: 3, Selector: 1, Matching: 0}}, 0},
		"the stronger digest":   {[]dns.TLSA{tlsa(3, 1, 1, h), tlsa(3, 1, 2, h), tlsa(3, 0, 1, h), tlsa(3, 1, 0, h)}, 3},
	} {
		if got := UsableTLSA(c.records); len(got) != c.usable {
			t.Errorf("%s: %d usable", name, len(got))
		}
	}
	weak, strong := tlsa(3, 1, 1, h), tlsa(3, 1, 2, issue(t, nil, leaf("else.example.jp")))
	if err := VerifyDANE([]dns.TLSA{weak, strong}, nil, chain(h)); err == nil {
		t.Error("the weaker digest was believed beside a stronger (RFC 7671 §9)")
	}
	if got := TLSAName("mx.example.jp", 25); got != "_25._tcp.mx.example.jp" {
		t.Error(got)
	}
}

func TestResultOf(t *testing.T) {
	for want, err := range map[ResultType]error{
		CertExpired:       x509.CertificateInvalidError{Reason: x509.Expired},
		CertNotTrusted:    x509.UnknownAuthorityError{},
		CertHostMismatch:  mail.Because("x", mail.Denied, "dane.refused", x509.HostnameError{Certificate: new(x509.Certificate)}),
		ValidationFailure: errors.New("something"),
	} {
		if got := ResultOf(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}

func FuzzTLSA(f *testing.F) {
	h := issue(f, nil, leaf("mx.example.jp"))
	for _, r := range []dns.TLSA{tlsa(2, 0, 0, h), tlsa(2, 1, 0, h), tlsa(3, 1, 1, h)} {
		f.Add(r.Usage, r.Selector, r.Matching, r.Data)
	}
	stranger := issue(f, nil, leaf("mx.example.jp"))
	f.Fuzz(func(t *testing.T, usage, selector, matching uint8, data []byte) {
		records := []dns.TLSA{{Usage: usage, Selector: selector, Matching: matching, Data: data}}
		if VerifyDANE(records, []string{"mx.example.jp"}, chain(stranger)) == nil {
			t.Error("a certificate made just now has a record")
		}
	})
}
