package imapd

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/tlstest"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
)

const password = "correct horse"

// house is everything under the door, on the embedded store.
type house struct {
	store   store.Store
	dir     *directory.Directory
	boxes   *mailbox.Service
	company *directory.Company
	admin   mail.Actor
	mu      sync.Mutex
	users   int
}

func newHouse(t testing.TB) *house {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h := &house{store: st, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), admin: directory.Operator("test", "")}
	h.boxes = mailbox.New(st, h.dir, mailbox.Config{})
	ctx := context.Background()
	tenant, err := h.dir.OpenTenant(ctx, h.admin, directory.TenantSpec{Name: "Alpha", Lang: "en", Start: time.Now().Add(-48 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	h.company = h.dir.Company(tenant.ID)
	for name, options := range map[string][]directory.Option{"alpha.example": {directory.OptionIMAPS}, "plain.example": nil} {
		spec := directory.DomainSpec{Name: name, Plan: directory.Plan100MB, IDs: 5000, Options: options}
		if _, err := h.company.AddDomain(ctx, h.admin, spec); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// user makes an account of its own for a test.
func (h *house) user(t testing.TB, domain string) string {
	t.Helper()
	h.mu.Lock()
	h.users++
	a := mail.Address{Local: fmt.Sprintf("user%d", h.users), Domain: domain}
	h.mu.Unlock()
	_, err := h.company.AddAccount(context.Background(), h.admin, directory.AccountSpec{Address: a, Name: "A User", Password: password, Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	return a.String()
}

// door opens a door and gives its address. It ends with the test.
func (h *house) door(t testing.TB, cfg Config) string {
	t.Helper()
	addr, _ := h.doorUntil(t, cfg)
	return addr
}

// doorUntil is door with what ends it earlier.
func (h *house) doorUntil(t testing.TB, cfg Config) (addr string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Name, cfg.Hostname = "imap", "mail.alpha.example"
	if cfg.Zone == "" {
		cfg.Zone = mail.ZoneInternet
	}
	if os.Getenv("TEGAMI_TEST_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- New(cfg, h.dir, h.boxes).Serve(ctx, ln) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return ln.Addr().String(), stop
}

// certificate is what a door needs for TLS.
func certificate(t testing.TB) *tls.Config {
	server, _ := tlstest.New(t)
	return server
}

// newSession makes a session outside of its door's Serve.
func newSession(srv *Server, conn net.Conn) *session { return openSession(srv, srv.door.NewConn(conn)) }

// serve is a session from its greeting to its end.
func (s *session) serve(ctx context.Context) {
	s.Serve(ctx)
	s.End(false)
	s.conn.Close()
}
