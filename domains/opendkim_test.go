package domains_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tegami/domains"
	"tegami/lab/dns"
)

// TestOpenDKIMFindsTheKey lets opendkim-testkey hold the RSA key that signs against the record we want, as a name server gives it.
func TestOpenDKIMFindsTheKey(t *testing.T) {
	testkey, err := exec.LookPath("opendkim-testkey")
	if err != nil {
		t.Skip("opendkim-testkey is not installed: nobody else to look at the key")
	}
	h := newHouse(t)
	alpha := h.company("alpha.example")
	records, err := h.Records(h.ctx, alpha, "alpha.example")
	h.must(err)
	signers, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	right := signers[0].Signer.(*rsa.PrivateKey)
	next, err := h.Company(alpha).Rotate(h.ctx, h.ops, "alpha.example")
	h.must(err)
	var wrong domains.Record // another key under the name of the first
	for _, r := range records {
		if r.Name == "tg1r._domainkey.alpha.example" {
			wrong = r
			wrong.Value = next[2].Record
		}
	}
	for name, c := range map[string]struct {
		zone string
		ok   bool
	}{"as wanted": {zone(records), true}, "another key": {zone([]domains.Record{wrong}), false}, "no key": {"", false}} {
		out, err := runTestKey(t, testkey, dns.Start(t, c.zone).Addr(), right)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// runTestKey asks about the key at a name server.
func runTestKey(t *testing.T, program, server string, key *rsa.PrivateKey) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"key.pem":       string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"unbound.conf":  "server:\n  do-not-query-localhost: no\n  module-config: \"iterator\"\nforward-zone:\n  name: \".\"\n  forward-addr: " + host + "@" + port + "\n",
		"opendkim.conf": "ResolverConfiguration " + filepath.Join(dir, "unbound.conf") + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return exec.Command(program, "-x", filepath.Join(dir, "opendkim.conf"), "-d", "alpha.example", "-s", "tg1r", "-k", filepath.Join(dir, "key.pem"), "-vv").CombinedOutput()
}
