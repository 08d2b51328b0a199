package httpd

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate makes one that signed itself.
func certificate(t *testing.T, key crypto.Signer) *tls.Certificate {
	t.Helper()
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "mail.example"}, DNSNames: []string{"mail.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, wanted, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// opened is what openssl finds in a signed message, with the certificate as its only trust; false when the signature does not hold.
func opened(t *testing.T, signed []byte, trust *tls.Certificate) (string, bool) {
	t.Helper()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: nobody else to verify the signature")
	}
	dir := t.TempDir()
	roots, message := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "message")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trust.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(message, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(openssl, "cms", "-verify", "-inform", "DER", "-in", message, "-CAfile", roots, "-purpose", "any", "-binary")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	t.Log(strings.TrimSpace(complaint.String()))
	return out.String(), err == nil
}

// TestSignedProfile: openssl takes what we sign, and nothing that was changed afterwards.
func TestSignedProfile(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA": big, "ECDSA": curve} {
		with := certificate(t, key)
		s := company(t)
		plain := ask(s, "GET", "https://autoconfig.alpha.example/profile.mobileconfig", "").Body.String()
		s.config.Certificate = func() *tls.Certificate { return with }
		signed := ask(s, "GET", "https://autoconfig.alpha.example/profile.mobileconfig", "").Body.Bytes()
		if text, ok := opened(t, signed, with); !ok || text != plain {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, ok, text, plain)
		}
		if _, ok := opened(t, bytes.Replace(signed, []byte("EmailTypeIMAP"), []byte("EmailTypeXMAP"), 1), with); ok {
			t.Errorf("%s: a changed profile is taken", name)
		}
	}
}

// TestAKeyThatCannotSignLeavesTheProfilePlain: the settings are of more use than their seal.
func TestAKeyThatCannotSignLeavesTheProfilePlain(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := company(t)
	with := certificate(t, key)
	s.config.Certificate = func() *tls.Certificate { return with }
	if rec := ask(s, "GET", "https://autoconfig.alpha.example/profile.mobileconfig", ""); rec.Code != 200 || !strings.HasPrefix(rec.Body.String(), "<?xml") {
		t.Errorf("%d %.40q", rec.Code, rec.Body)
	}
}
