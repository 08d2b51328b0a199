package sieved

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/dialog"
	"tegami/lab/stores"
	"tegami/lab/tlstest"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
)

// house is what stands under the door, on an embedded store.
type house struct {
	dir    *directory.Directory
	boxes  *mailbox.Service
	tls    *tls.Config
	client *tls.Config // trusts tls
}

const (
	user     = "sato@alpha.example"
	japanese = "suzuki@alpha.example" // reads Japanese
	password = "correct horse 1"
)

func newHouse(t testing.TB) *house {
	t.Helper()
	st := stores.Open(t)
	h := &house{}
	h.tls, h.client = tlstest.New(t)
	h.dir = directory.New(st, directory.Config{Provision: mailbox.Provision})
	h.boxes = mailbox.New(st, h.dir, mailbox.Config{})
	by := directory.Operator("test", "")
	tenant, err := h.dir.OpenTenant(t.Context(), by, directory.TenantSpec{Name: "Alpha", Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	company := h.dir.Company(tenant.ID)
	if _, err := company.AddDomain(t.Context(), by, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10}); err != nil {
		t.Fatal(err)
	}
	for address, lang := range map[string]string{user: "en", japanese: "ja"} {
		a, _ := mail.ParseAddress(address)
		if _, err := company.AddAccount(t.Context(), by, directory.AccountSpec{Address: a, Password: password, Lang: lang}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// open starts a door of the house on loopback; it ends with the test.
func (h *house) open(t testing.TB, change func(*Config)) (addr string) {
	t.Helper()
	cfg := Config{TLS: h.tls, Zone: mail.ZoneInternet, Metrics: obs.NewMetrics(), Limits: Limits{Grace: 5 * time.Second}}
	if change != nil {
		change(&cfg)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- New(cfg, h.dir, h.boxes).Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// inClear lets a door take passwords without TLS.
func inClear(c *Config) { c.AllowPlainAuth = true }

// TestDialogs runs each dialog with a house of its own. Those whose name begins with "clear" may sign in without TLS.
func TestDialogs(t *testing.T) {
	vars := map[string]string{"user": user, "japanese": japanese, "password": password}
	for _, kind := range []struct {
		pattern string
		change  func(*Config)
	}{
		{"testdata/clear*.dialog", inClear},
		{"testdata/tls*.dialog", nil},
	} {
		dialog.RunAll(t, kind.pattern, func(t testing.TB) (string, map[string]string) {
			return newHouse(t).open(t, kind.change), vars
		})
	}
}

// serve runs a session over conn, from its greeting to its end.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	c := newSession(s, s.door.NewConn(conn))
	c.Serve(ctx)
	c.End(false)
}
