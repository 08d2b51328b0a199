package pop3d

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/dialog"
	"tegami/lab/stores"
	"tegami/lab/tlstest"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/store"
)

// house is what stands under the door, on an embedded store.
type house struct {
	store store.Store
	dir   *directory.Directory
	boxes *mailbox.Service
	tls   *tls.Config
}

const (
	user     = "sato@alpha.example"
	password = "correct horse 1"
)

// messages are the inbox of a new house, as octets.
var messages = []string{
	"Subject: one\r\n\r\nHello\r\n",
	"Subject: dots\r\n\r\n.\r\n..two\r\nend",
	"Subject: bare\r\n\r\na\n.\nb\r\n",
	"Subject: big\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 8192),
}

func newHouse(t testing.TB) *house {
	t.Helper()
	st := stores.Open(t)
	h := &house{store: st}
	h.tls, _ = tlstest.New(t)
	h.dir = directory.New(st, directory.Config{Provision: mailbox.Provision})
	h.boxes = mailbox.New(st, h.dir, mailbox.Config{})
	by := directory.Operator("test", "")
	tenant, err := h.dir.OpenTenant(t.Context(), by, directory.TenantSpec{Name: "Alpha", Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	company := h.dir.Company(tenant.ID)
	// Without the option IMAPS: POP3 is part of the basic service (SV-7).
	if _, err := company.AddDomain(t.Context(), by, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10}); err != nil {
		t.Fatal(err)
	}
	address, _ := mail.ParseAddress(user)
	if _, err := company.AddAccount(t.Context(), by, directory.AccountSpec{Address: address, Password: password}); err != nil {
		t.Fatal(err)
	}
	h.put(t, messages...)
	return h
}

// account opens the house's account.
func (h *house) account(t testing.TB) *mailbox.Account {
	t.Helper()
	id, err := h.dir.SignIn(context.Background(), mail.Origin{Door: "pop3"}, "pop3", user, password)
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.boxes.Open(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// put appends messages to the inbox, in one commit each.
func (h *house) put(t testing.TB, texts ...string) {
	t.Helper()
	a := h.account(t)
	defer a.Close()
	for _, text := range texts {
		up, err := a.Stage(context.Background(), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		defer up.Release()
		if _, err := up.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Append(context.Background(), "INBOX", []mailbox.Appended{{Upload: up}}); err != nil {
			t.Fatal(err)
		}
	}
}

// count is the number of messages in the inbox.
func (h *house) count(t testing.TB) int {
	t.Helper()
	a := h.account(t)
	defer a.Close()
	f, err := a.Folder(context.Background(), "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	return int(f.Messages)
}

// open starts a door of the house on loopback; it ends with the test.
func (h *house) open(t testing.TB, change func(*Config)) (addr string) {
	t.Helper()
	cfg := Config{Name: "pop3", TLS: h.tls, Zone: mail.ZoneInternet, Metrics: obs.NewMetrics(),
		Limits: Limits{Grace: 5 * time.Second}}
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

// TestDialogs runs each dialog with a house of its own. Those whose name begins with "clear" may sign in without TLS.
func TestDialogs(t *testing.T) {
	vars := map[string]string{"user": user, "password": password, "big": strconv.Itoa(len(messages[3]))}
	for _, kind := range []struct {
		pattern string
		change  func(*Config)
	}{
		{"testdata/clear*.dialog", func(c *Config) { c.AllowPlainAuth = true }},
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

func appendOne(ctx context.Context, a *mailbox.Account, up mailbox.Upload) error {
	_, err := a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: up}})
	return err
}
