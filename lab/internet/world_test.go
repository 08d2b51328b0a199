package internet

import (
	"crypto/rsa"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tegami/lab/dns"
	"tegami/lab/platform"
	"tegami/lab/ports"
)

// Where the hosts are.
const (
	alphaIP = "127.0.1.1"
	betaIP  = "127.0.1.2"
	gammaIP = "127.0.1.3"
	deltaIP = "127.0.1.4"
)

// password is that of all accounts.
const password = "lab-password-1"

// world is the internet of a test.
type world struct {
	names *dns.Names
	ca    *authority // that everybody trusts
	port  int        // of SMTP, at every host; SMTPS and IMAPS are on the next two
	https int        // 443, where this machine lets us have it

	alpha, beta, delta *platform.Server
	gamma              *postfix // nil where Postfix can't run
	key                *rsa.PrivateKey
	dir                string
}

// newWorld starts all hosts, with their accounts and names.
func newWorld(t *testing.T) *world {
	t.Helper()
	platform.Binary(t)
	w := &world{names: dns.Start(t, fixedZone), ca: newAuthority(t), dir: sharedDir(t)}
	hosts := []string{alphaIP, betaIP, gammaIP, deltaIP}
	w.port = ports.Take(t, hosts...)
	w.https = 443
	if !ports.Free(443, 1, hosts...) {
		w.https = w.port + 3
	}
	w.delta = w.serve(t, "mx.delta.example", deltaIP, w.certificateFor(t, "delta", "mta-sts.delta.example", "mx.elsewhere.example"))
	w.beta = w.serve(t, "mx.beta.example", betaIP, "[inbound]\ntrusted_sealers = [\"alpha.example\"]\n")
	trusted := w.trust(t, w.ca.file, w.beta.Authority())
	w.alpha = w.serve(t, "mx.alpha.example", alphaIP, fmt.Sprintf("trust_ca = %q\n", trusted))
	w.people(t)
	w.startPostfix(t)
	w.publish(t)
	return w
}

// fixedZone is what no platform tells us of.
const fixedZone = `
	mx.alpha.example.      A    127.0.1.1
	mx.beta.example.       A    127.0.1.2
	mx.delta.example.      A    127.0.1.4
	mx.gamma.example.      A    127.0.1.3
	mx.gamma.example.      TXT  "v=spf1 a -all"
	gamma.example.         MX   10 mx.gamma.example.
	gamma.example.         TXT  "v=spf1 ip4:127.0.1.3 -all"
	_dmarc.gamma.example.  TXT  "v=DMARC1; p=reject"

	; The same Postfix, but DANE names another key.
	epsilon.example.                MX   10 mx.epsilon.example.
	mx.epsilon.example.             A    127.0.1.3
	_25._tcp.mx.epsilon.example.    TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000

	; Nobody may send for it.
	omega.example.         TXT  "v=spf1 -all"
	_dmarc.omega.example.  TXT  "v=DMARC1; p=reject"
`

// sharedDir is a folder that other users of the machine may enter, as Postfix's must be.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tegami-internet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// at is an address and port.
func at(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }

// trust puts authorities into one file.
func (w *world) trust(t *testing.T, files ...string) string {
	t.Helper()
	var all []byte
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return write(t, filepath.Join(w.dir, "trusted.pem"), string(all))
}

// write writes a file that everybody may read, and gives its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// certificateFor makes a certificate and gives the table of the boot file for it.
func (w *world) certificateFor(t *testing.T, file string, names ...string) string {
	t.Helper()
	cert, key := w.ca.issue(t, filepath.Join(w.dir, file), names...)
	return fmt.Sprintf("[tls]\ncertificate = %q\nkey = %q\n", cert, key)
}

// serve starts a platform. more is the end of its boot file; it begins in the table [relay].
func (w *world) serve(t *testing.T, hostname, ip, more string) *platform.Server {
	t.Helper()
	boot := fmt.Sprintf(`hostname = %q
[dns]
servers = [%q]
trust_ad = true
[queue]
first_retry = "1s"
max_retry = "2s"
[relay]
port = %d
source = [%q]
allow = ["127.0.0.0/8"]
`, hostname, w.names.Addr(), w.port, ip) + more
	for i, protocol := range []string{"smtp", "smtps", "imaps"} {
		boot += fmt.Sprintf("[[listen]]\nprotocol = %q\naddress = %q\n", protocol, at(ip, w.port+i))
	}
	return platform.Serve(t, boot+fmt.Sprintf("[[listen]]\nprotocol = \"https\"\naddress = %q\n", at(ip, w.https)))
}

// people makes the accounts.
func (w *world) people(t *testing.T) {
	t.Helper()
	for _, host := range []struct {
		*platform.Server
		domain string
		people []string
	}{
		{w.alpha, "alpha.example", []string{"alice", "anna", "arno", "abel", "adam", "amos", "anton", "axel", "agnes"}},
		{w.beta, "beta.example", []string{"bob", "bella", "boris", "bruno", "bert"}},
		{w.delta, "delta.example", []string{"dora"}},
	} {
		var company struct{ ID string }
		host.Ask(t, &company, "tenant", "add", host.domain)
		host.Admin(t, "", "domain", "add", host.domain, "--tenant", company.ID, "--option", "imaps")
		for _, name := range host.people {
			host.Admin(t, password, "account", "add", name+"@"+host.domain, "--lang", "en")
		}
	}
	w.beta.Admin(t, "", "domain", "mta-sts", "beta.example", "--mode", "enforce")
	w.delta.Admin(t, "", "domain", "mta-sts", "delta.example", "--mode", "enforce")
}

// publish puts the records of the platforms' domains and host names into the DNS as the platforms say, but for DMARC: all of them
// want to be believed to the word.
func (w *world) publish(t *testing.T) {
	t.Helper()
	for domain, host := range map[string]*platform.Server{"alpha.example": w.alpha, "beta.example": w.beta, "delta.example": w.delta} {
		zone := host.Admin(t, "", "domain", "dns", domain, "--zone") + host.Admin(t, "", "domain", "dns", "mx."+domain, "--zone")
		for line := range strings.Lines(strings.ReplaceAll(zone, "v=DMARC1; p=none", "v=DMARC1; p=reject")) {
			w.names.Add(t, strings.TrimSpace(line))
		}
	}
	w.key = newKey(t)
	w.names.Add(t, fmt.Sprintf(`far._domainkey.gamma.example. TXT %s`, quoted("v=DKIM1; k=rsa; p="+publicKey(t, w.key))))
	w.names.Sign("gamma.example", "mx.gamma.example", "_25._tcp.mx.gamma.example",
		"epsilon.example", "mx.epsilon.example", "_25._tcp.mx.epsilon.example")
}

// quoted cuts a text into strings a TXT record can hold.
func quoted(text string) string {
	var parts []string
	for part := range slices.Chunk([]byte(text), 200) {
		parts = append(parts, `"`+string(part)+`"`)
	}
	return strings.Join(parts, " ")
}
