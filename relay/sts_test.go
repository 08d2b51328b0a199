package relay

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegami/wire/tlspolicy"
)

// A policyHost serves the policies of x.example by HTTPS.
type policyHost struct {
	asked   atomic.Int32
	mu      sync.Mutex
	handler http.HandlerFunc
}

// serve says what it answers from now on.
func (p *policyHost) serve(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = h
}

func (p *policyHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	p.mu.Lock()
	h := p.handler
	p.mu.Unlock()
	if r.URL.Path != tlspolicy.PolicyPath || r.Host != "mta-sts.x.example" {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte(s))
	}
}

func stsPolicy(mode string, mx ...string) string {
	s := "version: STSv1\nmode: " + mode + "\nmax_age: 604800\n"
	for _, m := range mx {
		s += "mx: " + m + "\n"
	}
	return s
}

const stsZone = plainMX + "_mta-sts.x.example. TXT \"v=STSv1; id=1;\"\nmta-sts.x.example. A 127.0.0.8\n"

// policyHost starts one, with a certificate for a name, and lets the relay's connections to port 443 lead there.
func (l *lab) policyHost(name string) *policyHost {
	l.Helper()
	p := &policyHost{}
	p.serve(http.NotFound)
	s := httptest.NewUnstartedServer(p)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{l.ca.issue(l, time.Hour, name)}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	l.Cleanup(s.Close)
	l.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ":443") {
			address = s.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return p
}

// TestMTASTS: RFC 8461 §5.
func TestMTASTS(t *testing.T) {
	const ok, none = "sts x.example ok", "no-policy-found x.example ok"
	fetchError, invalid := "sts x.example sts-policy-fetch-error", "sts x.example sts-policy-invalid"
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://mta-sts.x.example/other.txt", http.StatusFound)
	}
	asHTML := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(stsPolicy("enforce", "nobody.example")))
	}
	for name, c := range map[string]struct {
		policy       http.HandlerFunc
		host         string // name in the certificate of the policy's host
		script, cert string
		want         string
		report       []string
	}{
		"enforce":                    {text(stsPolicy("enforce", "*.x.example")), "", secure, "mx.x.example", okAtMX, []string{ok}},
		"enforce, wrong certificate": {text(stsPolicy("enforce", "mx.x.example")), "", secure, "other.example", badTLS, []string{"sts x.example mx.x.example certificate-host-mismatch"}},
		"enforce, no STARTTLS":       {text(stsPolicy("enforce", "mx.x.example")), "", onlyPlain, "mx.x.example", noTLS, []string{"sts x.example mx.x.example starttls-not-supported"}},
		"enforce, STARTTLS fails":    {text(stsPolicy("enforce", "mx.x.example")), "", lies["garbage"], "mx.x.example", badTLS, []string{"sts x.example mx.x.example validation-failure"}},
		"enforce, another MX":        {text(stsPolicy("enforce", "mx.y.example")), "", secure, "mx.x.example", "waiting remote.tls 4.7.0 mx.x.example", []string{"sts x.example mx.x.example validation-failure"}},
		"testing":                    {text(stsPolicy("testing", "mx.x.example")), "", secure, "mx.x.example", okAtMX, []string{ok}},
		"testing, wrong certificate": {text(stsPolicy("testing", "mx.x.example")), "", secure, "other.example", okAtMX, []string{"sts x.example mx.x.example certificate-host-mismatch"}},
		"testing, no STARTTLS":       {text(stsPolicy("testing", "mx.x.example")), "", onlyPlain, "mx.x.example", okAtMX, []string{"sts x.example mx.x.example starttls-not-supported"}},
		"testing, another MX":        {text(stsPolicy("testing", "mx.y.example")), "", secure, "mx.x.example", okAtMX, []string{"sts x.example mx.x.example validation-failure", none}},
		"none":                       {text(stsPolicy("none")), "", secure, "other.example", okAtMX, []string{none}},
		"no policy there":            {http.NotFound, "", secure, "other.example", okAtMX, []string{fetchError, none}},
		"a redirect is not followed": {redirect, "", secure, "other.example", okAtMX, []string{fetchError, none}},
		"not text/plain":             {asHTML, "", secure, "other.example", okAtMX, []string{fetchError, none}},
		"no policy but text":         {text("hello"), "", secure, "other.example", okAtMX, []string{invalid, none}},
		"too long":                   {text(stsPolicy("enforce", "nobody.example") + strings.Repeat("x: y\n", 20_000)), "", secure, "other.example", okAtMX, []string{invalid, none}},
		"a policy host that isn't":   {text(stsPolicy("enforce", "nobody.example")), "elsewhere.example", secure, "other.example", okAtMX, []string{"sts x.example sts-webpki-invalid", none}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, stsZone)
			if c.host == "" {
				c.host = "mta-sts.x.example"
			}
			l.policyHost(c.host).serve(c.policy)
			h := l.host("127.0.0.2", c.cert, c.script)
			err := l.sent(c.want)
			if (err != nil) != strings.HasPrefix(c.want, "waiting") {
				t.Errorf("the destination: %v", err)
			}
			if strings.HasPrefix(c.want, "waiting") && len(h.got()) > 0 {
				t.Error("sent all the same")
			}
			l.reported(c.report...)
		})
	}
}

// TestMTASTSCache: what is known counts until it is too old, and is fetched again for a new id only.
func TestMTASTSCache(t *testing.T) {
	l := newLab(t, stsZone)
	p := l.policyHost("mta-sts.x.example")
	p.serve(text(stsPolicy("enforce", "mx.x.example")))
	sts := l.start().sts
	mode := func(want tlspolicy.Mode, fetches int) {
		t.Helper()
		got := tlspolicy.Mode("")
		if p := sts.find(t.Context(), "x.example"); p != nil {
			got = p.Mode
		}
		if got != want || int(p.asked.Load()) != fetches {
			t.Errorf("policy %q after %d fetches, want %q after %d", got, p.asked.Load(), want, fetches)
		}
	}
	record := func(text string) {
		l.names.Remove("_mta-sts.x.example")
		if text != "" {
			l.names.Add(`_mta-sts.x.example. TXT "` + text + `"`)
		}
	}
	mode(tlspolicy.Enforce, 1)
	mode(tlspolicy.Enforce, 1)
	record("")
	mode(tlspolicy.Enforce, 1)
	l.names.Fail("_mta-sts.x.example")
	mode(tlspolicy.Enforce, 1)
	l.names.Heal("_mta-sts.x.example")
	record("v=STSv1; id=2;")
	p.serve(http.NotFound)
	mode(tlspolicy.Enforce, 2)
	mode(tlspolicy.Enforce, 2) // not again at once
	s := sts.standing("x.example")
	s.next = time.Time{}
	p.serve(text(stsPolicy("testing", "mx.x.example")))
	mode(tlspolicy.Testing, 3)
	s.have.Fetched = time.Now().Add(-25 * time.Hour)
	mode(tlspolicy.Testing, 4)
	p.serve(http.NotFound)
	s.have.Fetched = time.Now().Add(-8 * 24 * time.Hour)
	mode("", 5)
	record("")
	s.next = time.Time{}
	mode("", 5)
}

// memory is a PolicyStore.
type memory map[string]StoredPolicy

func (m memory) Policy(_ context.Context, domain string) (StoredPolicy, bool, error) {
	p, ok := m[domain]
	return p, ok, nil
}

func (m memory) PutPolicy(_ context.Context, domain string, p StoredPolicy) error {
	m[domain] = p
	return nil
}

// TestMTASTSStored: a policy outlives the process.
func TestMTASTSStored(t *testing.T) {
	l := newLab(t, stsZone)
	kept := memory{}
	l.cfg.Policies = kept
	p := l.policyHost("mta-sts.x.example")
	p.serve(text(stsPolicy("enforce", "mx.x.example")))
	l.start().sts.find(t.Context(), "x.example")
	if kept["x.example"].ID != "1" {
		t.Fatal(kept)
	}
	l.names.Fail("_mta-sts.x.example", "mta-sts.x.example")
	if got := New(l.cfg).sts.find(t.Context(), "x.example"); got == nil || got.Mode != tlspolicy.Enforce || p.asked.Load() != 1 {
		t.Errorf("after a restart: %v", got)
	}
}

// TestMTASTSPrivate: a policy's host in a private network is not connected to.
func TestMTASTSPrivate(t *testing.T) {
	l := newLab(t, stsZone)
	p := l.policyHost("mta-sts.x.example")
	p.serve(text(stsPolicy("enforce", "mx.x.example")))
	l.cfg.Allow = nil
	if got := l.start().sts.find(t.Context(), "x.example"); got != nil || p.asked.Load() > 0 {
		t.Error("fetched", got)
	}
}

// TestMTASTSLimit: the policies in memory are bounded.
func TestMTASTSLimit(t *testing.T) {
	l := newLab(t, "")
	l.cfg.Limits.Policies = 10
	sts := l.start().sts
	for i := range 100 {
		sts.find(t.Context(), strings.Repeat("x", i%60+1)+".example")
	}
	if n := len(sts.domains); n > 10 {
		t.Errorf("%d domains in memory", n)
	}
}

// TestDANEBeforeSTS: a policy's certificate is not asked for where DANE has spoken (RFC 8461 §2).
func TestDANEBeforeSTS(t *testing.T) {
	l := newLab(t, stsZone)
	l.signed()
	l.policyHost("mta-sts.x.example").serve(text(stsPolicy("enforce", "mx.x.example")))
	h := l.host("127.0.0.2", "other.example", secure)
	l.names.Add("_25._tcp.mx.x.example. TLSA " + tlsa(h.cert))
	l.sent(okAtMX)
	l.reported("tlsa x.example ok")
}

// TestSTSForRequireTLS: a policy vouches for the host's name (RFC 8689 §4.2.1).
func TestSTSForRequireTLS(t *testing.T) {
	for mode, cert := range map[string]string{"enforce": "mx.x.example", "testing": "mx.x.example"} {
		l := newLab(t, stsZone)
		l.policyHost("mta-sts.x.example").serve(text(stsPolicy(mode, "mx.x.example")))
		l.host("127.0.0.2", cert, secure)
		it := l.item(shortText, "b@x.example")
		it.Opts.RequireTLS = true
		l.carry(it)
		l.became(it, okAtMX)
	}
}
