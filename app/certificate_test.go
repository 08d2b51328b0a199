package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func selfMade(t *testing.T, dir string, names ...string) *certificates {
	t.Helper()
	k, err := openCertificates(Config{Data: dir}, names, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSelfMadeCertificateIsTrustedByItsAuthority(t *testing.T) {
	k := selfMade(t, t.TempDir(), "mail.example", "127.0.0.1")
	authority, err := os.ReadFile(k.authorityFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatal("ca.pem holds no certificate")
	}
	for _, name := range []string{"mail.example", "127.0.0.1"} {
		if _, err := k.current.Load().Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := k.current.Load().Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "other.example"}); err == nil {
		t.Error("valid for any name")
	}
	for _, key := range []string{"ca.key", "server.key"} {
		if info, err := os.Stat(filepath.Join(k.dir, key)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", key, info.Mode(), err)
		}
	}
}

func TestSelfMadeCertificateIsKeptAndRenewed(t *testing.T) {
	dir := t.TempDir()
	first := selfMade(t, dir, "mail.example")
	serial := first.current.Load().Leaf.SerialNumber
	again := selfMade(t, dir, "mail.example")
	if again.current.Load().Leaf.SerialNumber.Cmp(serial) != 0 {
		t.Error("made anew at the second start")
	}
	authority, _ := os.ReadFile(first.authorityFile())
	other := selfMade(t, dir, "other.example")
	if other.current.Load().Leaf.SerialNumber.Cmp(serial) == 0 {
		t.Error("kept for another name")
	}
	serial = other.current.Load().Leaf.SerialNumber
	if err := other.refresh(time.Now().Add(certificateLife - renewBefore + time.Hour)); err != nil {
		t.Fatal(err)
	}
	if other.current.Load().Leaf.SerialNumber.Cmp(serial) == 0 {
		t.Error("not renewed")
	}
	if now, _ := os.ReadFile(first.authorityFile()); string(now) != string(authority) {
		t.Error("the authority changed")
	}
}

func TestGivenCertificateIsReadAgain(t *testing.T) {
	from := selfMade(t, t.TempDir(), "mail.example")
	dir := t.TempDir()
	c := TLSConfig{Certificate: filepath.Join(dir, "c.pem"), Key: filepath.Join(dir, "c.key")}
	install := func(at time.Time) {
		for suffix, to := range map[string]string{".pem": c.Certificate, ".key": c.Key} {
			text, err := os.ReadFile(filepath.Join(from.dir, "server"+suffix))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(to, text, 0o600)
			os.Chtimes(to, at, at)
		}
	}
	install(time.Now().Add(-time.Hour))
	k, err := openCertificates(Config{TLS: c, Data: dir}, []string{"mail.example"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if k.authorityFile() != "" {
		t.Error("a given certificate has no authority of ours")
	}
	serial := k.current.Load().Leaf.SerialNumber
	if _, err := from.make("server", time.Now(), mustPair(t, from, "ca")); err != nil {
		t.Fatal(err)
	}
	install(time.Now())
	if err := k.refresh(time.Now()); err != nil || k.current.Load().Leaf.SerialNumber.Cmp(serial) == 0 {
		t.Errorf("not read again (%v)", err)
	}
	os.Remove(c.Certificate)
	if err := k.refresh(time.Now()); err == nil || k.current.Load() == nil {
		t.Errorf("a lost file: %v", err)
	}
}

// TestNamesBelowMailDomainsHaveCertificates: the authority signs for the names that lead to us, and for no others.
func TestNamesBelowMailDomainsHaveCertificates(t *testing.T) {
	k := selfMade(t, t.TempDir(), "mail.example")
	k.ours = func(_ context.Context, domain string) bool { return domain == "alpha.example" }
	roots := x509.NewCertPool()
	roots.AddCert(k.authority.Load().Leaf)
	for name, issued := range map[string]bool{
		"mta-sts.alpha.example": true, "autoconfig.alpha.example": true, "AutoDiscover.Alpha.Example.": true,
		"mail.example": false, "": false, "alpha.example": false, "www.alpha.example": false, "mta-sts.beta.example": false,
		"mta-sts.mta-sts.alpha.example": false, "mta-sts.": false, "mta-sts..": false, "10.0.0.1": false, "mta-sts.\x00.example": false,
	} {
		c, err := k.choose(&tls.ClientHelloInfo{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		if made := c != k.current.Load(); made != issued {
			t.Errorf("%q: issued %v, want %v", name, made, issued)
		}
		if again, _ := k.choose(&tls.ClientHelloInfo{ServerName: name}); again != c {
			t.Errorf("%q: made twice", name)
		}
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: strings.TrimSuffix(name, ".")}); issued && err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	first, _ := k.choose(&tls.ClientHelloInfo{ServerName: "mta-sts.alpha.example"})
	if later, err := k.forName("mta-sts.alpha.example", *k.authority.Load(), time.Now().Add(certificateLife-renewBefore)); err != nil || later == first {
		t.Errorf("not renewed (%v)", err)
	}
	for i := range maxIssued + 10 {
		if _, err := k.forName(strconv.Itoa(i)+".example", *k.authority.Load(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.issued) > maxIssued {
		t.Errorf("%d certificates in memory", len(k.issued))
	}
	given := &certificates{}
	given.current.Store(k.current.Load())
	if c, _ := given.choose(&tls.ClientHelloInfo{ServerName: "mta-sts.alpha.example"}); c != k.current.Load() {
		t.Error("there is no authority to sign beside a certificate that was given")
	}
}

func mustPair(t *testing.T, k *certificates, name string) *tls.Certificate {
	t.Helper()
	pair, err := k.readPair(name)
	if err != nil {
		t.Fatal(err)
	}
	return &pair
}
