package app

import (
	"context"
	"log/slog"
	"net"
	"net/smtp"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/postgres"
	"tegami/mail"
)

// loopback is the boot file of a test: every protocol on a port of its own.
func loopback(dir string) Config {
	c := DefaultConfig()
	c.Hostname, c.Data, c.StopTimeout = "mail.example", dir, Duration(5*time.Second)
	for _, protocol := range []string{"smtp", "smtps", "submission", "imap", "imaps", "pop3", "pop3s", "sieve", "https"} {
		c.Listen = append(c.Listen, ListenConfig{Protocol: protocol, Address: "127.0.0.1:0", Zone: "internet", PlainAuth: true})
	}
	return c
}

func open(t *testing.T, c Config) *Platform {
	t.Helper()
	p, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStartAndStop(t *testing.T) {
	dir := t.TempDir()
	p := open(t, loopback(dir))
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Authority() != filepath.Join(dir, "tls", "ca.pem") {
		t.Error(p.Authority())
	}
	for _, l := range p.Listeners() {
		conn, err := net.Dial("tcp", l.Address.String())
		if err != nil {
			t.Errorf("%s: %v", l.Protocol, err)
			continue
		}
		defer conn.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); err != nil {
		t.Errorf("a door failed: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, l := range p.Listeners() {
		if conn, err := net.Dial("tcp", l.Address.String()); err == nil {
			conn.Close()
			t.Errorf("%s still listens", l.Protocol)
		}
	}
	if err := open(t, loopback(dir)).Close(); err != nil {
		t.Error(err)
	}
}

func TestAllListenersOrNone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := loopback(t.TempDir())
	c.Listen[3].Address = taken.Addr().String()
	p := open(t, c)
	defer p.Close()
	err = p.Start(t.Context())
	if key, _ := mail.TextOf(err); key != "listen.failed" || !mail.Is(err, mail.Unavailable) {
		t.Fatalf("%v", err)
	}
	if len(p.Listeners()) > 0 {
		t.Errorf("%v are said to listen", p.Listeners())
	}
}

func TestOneProcessHasTheData(t *testing.T) {
	c := loopback(t.TempDir())
	p := open(t, c)
	defer p.Close()
	_, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if key, _ := mail.TextOf(err); key != "storage.in_use" {
		t.Errorf("%v", err)
	}
}

// TestHealthFollowsTheStore: a platform whose store is gone says so.
func TestHealthFollowsTheStore(t *testing.T) {
	p := open(t, loopback(t.TempDir()))
	if err := p.healthy(t.Context()); err != nil {
		t.Errorf("a new store: %v", err)
	}
	p.Close()
	if err := p.healthy(t.Context()); err == nil {
		t.Error("a closed store is healthy")
	}
}

// TestCluster runs the whole product on PostgreSQL: a message in by SMTP, out of another process's mailbox.
func TestCluster(t *testing.T) {
	db := postgres.Start(t).Database(t)
	c := loopback(t.TempDir())
	c.Cluster = ClusterConfig{Database: db.App, OwnerDatabase: db.Owner}
	first := open(t, c)
	defer first.Stop()
	other := c
	other.Node, other.Cluster.OwnerDatabase = 1, ""
	second := open(t, other)
	defer second.Close()

	by := directory.Operator("test", "")
	tenant, err := first.dir.OpenTenant(t.Context(), by, directory.TenantSpec{Name: "Alpha", Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	company := first.dir.Company(tenant.ID)
	if _, err := company.AddDomain(t.Context(), by, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10}); err != nil {
		t.Fatal(err)
	}
	if _, err := company.AddAccount(t.Context(), by, directory.AccountSpec{Address: mail.Address{Local: "sato", Domain: "alpha.example"}, Password: "correct horse 1"}); err != nil {
		t.Fatal(err)
	}
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, first.Listeners()[0].Address.String(), "sato@alpha.example", strings.Repeat("0123456789\r\n", 5000))

	id, err := second.dir.SignIn(t.Context(), mail.Origin{Door: "pop3"}, "pop3", "sato@alpha.example", "correct horse 1")
	if err != nil {
		t.Fatal(err)
	}
	account, err := second.boxes.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	drop, err := account.LockDrop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer drop.Close()
	if n := len(drop.Messages()); n != 1 {
		t.Fatalf("%d messages", n)
	}
	body, err := drop.Open(t.Context(), drop.Messages()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text := make([]byte, body.Size())
	if _, err := body.ReadAt(text, 0); err != nil || !strings.HasSuffix(string(text), "\r\n\r\n"+strings.Repeat("0123456789\r\n", 5000)) {
		t.Errorf("%d octets, %v", len(text), err)
	}
}

func send(t *testing.T, addr, to, body string) {
	t.Helper()
	c, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Mail("a@outside.example"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt(to); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("From: a@outside.example\r\nSubject: x\r\n\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
