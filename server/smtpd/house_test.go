package smtpd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	gosasl "github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"tegami/directory"
	"tegami/intake"
	"tegami/lab/dialog"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/sasl"
)

// house is what stands behind the door, on an embedded store: alpha.example with user0
// to user2, whose VPN is loopback, and beta.example with user0.
type house struct {
	store store.Store
	in    *intake.Intake
	dir   *directory.Directory
	boxes *mailbox.Service
}

func newHouse(t testing.TB) *house {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	must(err)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{store: st, dir: directory.New(st, directory.Config{Provision: mailbox.Provision})}
	h.boxes = mailbox.New(st, h.dir, mailbox.Config{})
	h.in = intake.New(intake.Config{Store: st, Directory: h.dir, Mailbox: h.boxes, Hostname: "mx.alpha.example"})
	by := directory.Operator("test", "")
	for domain, spec := range map[string]directory.TenantSpec{
		"alpha.example": {Name: "Alpha", Lang: "en", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		"beta.example":  {Name: "Beta", Lang: "ja"},
	} {
		tenant, err := h.dir.OpenTenant(t.Context(), by, spec)
		must(err)
		company := h.dir.Company(tenant.ID)
		_, err = company.AddDomain(t.Context(), by, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 10})
		must(err)
		var accounts []directory.AccountSpec
		for _, local := range []string{"user0", "user1", "user2"} {
			accounts = append(accounts, directory.AccountSpec{Address: mail.Address{Local: local, Domain: domain}, Password: toyPassword})
		}
		_, err = company.AddAccounts(t.Context(), by, accounts)
		must(err)
	}
	return h
}

// inbox gives the newest message in somebody's inbox, as octets, and how many there are.
func (h *house) inbox(t testing.TB, address string) (newest string, n int) {
	t.Helper()
	ctx := context.Background()
	id, err := h.dir.SignIn(ctx, mail.Origin{Door: "pop3s"}, "pop3s", address, toyPassword)
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.boxes.Open(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	drop, err := a.LockDrop(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer drop.Close()
	list := drop.Messages()
	if len(list) == 0 {
		return "", 0
	}
	body, err := drop.Open(ctx, list[len(list)-1])
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	var text strings.Builder
	if _, err := body.WriteRange(&text, 0, body.Size()); err != nil {
		t.Fatal(err)
	}
	return text.String(), len(list)
}

// TestHouse speaks the dialogs house_*.dialog with the real house, and looks into the boxes.
func TestHouse(t *testing.T) {
	server, _ := testTLS(t)
	for _, c := range []struct {
		name   string
		config Config
		boxes  map[string]int
		text   string // at the end of user0@alpha.example's message
	}{
		{"mx", Config{TLS: server}, map[string]int{"user0@alpha.example": 1, "user1@alpha.example": 1, "user0@beta.example": 1}, "\r\nSubject: hello\r\n\r\n.dot\r\n"},
		{"smtps", Config{Name: "smtps", Mode: Submission, TLS: server, ImplicitTLS: true}, map[string]int{"user0@alpha.example": 1, "user0@beta.example": 1}, "\r\nhello\r\n"},
		{"vpn", Config{Zone: mail.ZoneVPN}, map[string]int{"user0@alpha.example": 1}, "\r\nscan\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			addr := start(t, c.config, Through(h.in))
			dialog.Run(t, addr, "testdata/house_"+c.name+".dialog", map[string]string{"addr": addr, "password": toyPassword})
			for address, want := range c.boxes {
				text, n := h.inbox(t, address)
				if n != want {
					t.Errorf("%s has %d messages, want %d", address, n, want)
				}
				if address == "user0@alpha.example" && !strings.HasSuffix(text, c.text) {
					t.Errorf("%q", text)
				}
			}
		})
	}
}

// TestML8Submitted: the house too holds a submission to 1,000 different recipients.
func TestML8Submitted(t *testing.T) {
	c := dial(t, start(t, Config{Name: "smtps", Mode: Submission, AllowPlainAuth: true, Limits: Limits{Recipients: 2000}}, Through(newHouse(t).in)))
	c.Greet(t.Context())
	r, err := c.Auth(t.Context(), sasl.NewScramClient("user0@alpha.example", toyPassword, sasl.Channel{}, false))
	wants(t, "AUTH", r, err, 235)
	env := mail.Envelope{From: mail.Address{Local: "user0", Domain: "alpha.example"}}
	for i := range mail.MaxRecipients + 1 {
		env.To = append(env.To, mail.Recipient{Address: mail.Address{Local: "u" + strconv.Itoa(i), Domain: "far.example"}})
	}
	sent, err := c.Send(t.Context(), env, -1, strings.NewReader("From: user0@alpha.example\r\n\r\na\r\n"))
	wants(t, "body", sent.Data, err, 250)
	wants(t, "last that fits", sent.To[mail.MaxRecipients-1], nil, 250)
	if r := sent.To[mail.MaxRecipients]; r.Code != 452 || r.Enhanced != [3]int{4, 5, 3} {
		t.Errorf("the 1,001st: %v", r)
	}
}

// TestGoSMTPClient: a client of others gets its mail through, by DATA over implicit TLS.
func TestGoSMTPClient(t *testing.T) {
	server, client := testTLS(t)
	h := newHouse(t)
	c, err := gosmtp.DialTLS(start(t, Config{Name: "smtps", Mode: Submission, TLS: server, ImplicitTLS: true}, Through(h.in)), client)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Auth(gosasl.NewPlainClient("", "user0@alpha.example", "wrong")); err == nil {
		t.Error("a wrong password passed")
	}
	if err := c.Auth(gosasl.NewPlainClient("", "user0@alpha.example", toyPassword)); err != nil {
		t.Fatal(err)
	}
	if n, ok := c.MaxMessageSize(); !ok || n != mail.MaxMessageSize {
		t.Errorf("SIZE %d, %v", n, ok)
	}
	const text = "From: user0@alpha.example\r\nSubject: hi\r\n\r\n.\r\n..\r\n"
	if err := c.SendMail("user0@alpha.example", []string{"user1@alpha.example", "user2@alpha.example"}, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	var refusal *gosmtp.SMTPError
	if err := c.Mail("user1@alpha.example", nil); !errors.As(err, &refusal) || refusal.Code != 553 {
		t.Errorf("somebody else's address: %v", err)
	}
	if err := c.Quit(); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"user1@alpha.example", "user2@alpha.example"} {
		if got, n := h.inbox(t, address); n != 1 || !strings.HasSuffix(got, "Subject: hi\r\n\r\n.\r\n..\r\n") {
			t.Errorf("%s: %d messages, %q", address, n, got)
		}
	}
}

// TestTransmissionType: the Received field says whether the peer said HELO or EHLO (RFC 3848).
func TestTransmissionType(t *testing.T) {
	h := newHouse(t)
	addr := start(t, Config{}, Through(h.in))
	for hello, want := range map[string]string{"HELO": " with SMTP id ", "EHLO": " with ESMTP id "} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, hello+" foo.example\r\nMAIL FROM:<a@foo.example>\r\nRCPT TO:<user0@alpha.example>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n")
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if text, _ := h.inbox(t, "user0@alpha.example"); !strings.Contains(text, want) {
			t.Errorf("%s: %q", hello, text)
		}
	}
}
