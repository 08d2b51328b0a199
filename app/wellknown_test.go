package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// TestNamesBelowADomainAreServed fetches from the running platform what programs fetch: by the name of the domain, over TLS that its own
// authority vouches for.
func TestNamesBelowADomainAreServed(t *testing.T) {
	p := open(t, loopback(t.TempDir()))
	by := directory.Operator("test", "")
	tenant, err := p.dir.OpenTenant(t.Context(), by, directory.TenantSpec{Name: "Alpha", Lang: "en"})
	if err == nil {
		_, err = p.dir.Company(tenant.ID).AddDomain(t.Context(), by, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10})
	}
	if err == nil {
		err = p.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	client := trusting(t, p)
	for url, want := range map[string]string{
		"https://mta-sts.alpha.example/.well-known/mta-sts.txt":        "mx: mail.example\r\n",
		"https://autoconfig.alpha.example/mail/config-v1.1.xml":        "<hostname>mail.example</hostname>",
		"https://autoconfig.alpha.example/profile.mobileconfig":        "com.apple.mail.managed",
		"https://autodiscover.alpha.example/no-page":                   "404 page not found",
		"https://mail.example/":                                        "Tegami",
		"https://mail.example/unsubscribe?t=none&lang=en":              "This link is not valid any more",
		"https://mail.example/mail/config-v1.1.xml?emailaddress=x@a.b": "404 page not found",
	} {
		res, err := client.Get(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %v\n%s", url, res.StatusCode, err, body)
		}
	}
	if _, err := client.Get("https://mta-sts.beta.example/.well-known/mta-sts.txt"); err == nil {
		t.Error("there is a certificate for a domain of nobody's")
	}
	ports := p.ports(mail.ZoneInternet)
	if ports.POP3S == 0 || ports.POP3S == 995 {
		t.Errorf("clients are sent to %+v", ports)
	}
}

// trusting is a client that trusts the platform's authority alone, and finds every name at its web address.
func trusting(t *testing.T, p *Platform) *http.Client {
	t.Helper()
	text, err := os.ReadFile(p.Authority())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	var address string
	for _, l := range p.Listeners() {
		if l.Protocol == "https" {
			address = l.Address.String()
		}
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}
