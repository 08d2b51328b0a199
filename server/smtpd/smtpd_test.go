package smtpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"tegami/directory"
	"tegami/lab/dialog"
	"tegami/lab/tlstest"
	"tegami/mail"
	"tegami/wire/sasl"
	"tegami/wire/smtp"
)

// toyGate is the smallest thing a door can lead to: it knows alpha.example, and keeps
// mail in memory. Tests that need a house use the real one (house_test.go).
type toyGate struct {
	connect error // what Connect answers
	fail    error // what Commit answers

	mu       sync.Mutex
	current  error // what Current answers
	messages []toyMessage
	aborted  int
}

type toyMessage struct {
	origin mail.Origin
	signed bool
	from   mail.Address
	opts   mail.Options
	to     []mail.Recipient
	body   string
}

const toyPassword = "correct horse"

func (g *toyGate) Connect(context.Context, mail.Origin) error { return g.connect }

func (g *toyGate) Current(context.Context, *directory.Identity) error { return g.revoked() }

func (g *toyGate) revoked() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current
}

func (g *toyGate) Verifier(mail.Origin) Verifier { return &toyVerifier{} }

func (g *toyGate) Begin(_ context.Context, o mail.Origin, who *directory.Identity, from mail.Address, opts mail.Options) (Transaction, error) {
	if who != nil && from.String() != "user0@alpha.example" {
		return nil, mail.E("toy", mail.Denied, "sender.not_owned")
	}
	return &toyTransaction{gate: g, m: toyMessage{origin: o, signed: who != nil, from: from, opts: opts}}, nil
}

func (g *toyGate) all() []toyMessage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.messages)
}

type toyTransaction struct {
	gate *toyGate
	m    toyMessage
	body bytes.Buffer
	done bool
}

func (t *toyTransaction) Recipient(_ context.Context, r mail.Recipient) error {
	switch {
	case r.Domain != "alpha.example" && r.Domain != "mx.alpha.example" && !t.m.signed:
		return mail.E("toy", mail.Denied, "relay.denied")
	case r.Local == "nobody":
		return mail.E("toy", mail.NotFound, "recipient.unknown")
	case r.Local == "full":
		return mail.E("toy", mail.Full, "box.full")
	}
	t.m.to = append(t.m.to, r)
	return nil
}

func (t *toyTransaction) Data(context.Context) (io.Writer, error) { return &t.body, nil }

func (t *toyTransaction) Commit(context.Context) (mail.ItemID, error) {
	t.done = true
	if t.gate.fail != nil {
		return 0, t.gate.fail
	}
	t.m.body = t.body.String()
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	t.gate.messages = append(t.gate.messages, t.m)
	return 1, nil
}

func (t *toyTransaction) Abort() {
	if !t.done {
		t.done = true
		t.gate.mu.Lock()
		defer t.gate.mu.Unlock()
		t.gate.aborted++
	}
}

type toyVerifier struct{ id *directory.Identity }

func (v *toyVerifier) Identity() *directory.Identity { return v.id }

func (v *toyVerifier) Password(_ context.Context, user, password string) error {
	if user != "user0@alpha.example" || password != toyPassword {
		return mail.E("toy", mail.Denied, "auth.failed")
	}
	v.id = &directory.Identity{}
	return nil
}

func (v *toyVerifier) SCRAM(_ context.Context, user string) (sasl.ScramSecret, error) {
	salt := sha256.Sum256([]byte(user))
	secret, err := sasl.NewScramSecret(toyPassword, salt[:], sasl.MinIterations)
	secret.Proved = func(which int) error {
		if which < 0 || user != "user0@alpha.example" {
			return mail.E("toy", mail.Denied, "auth.failed")
		}
		v.id = &directory.Identity{}
		return nil
	}
	return secret, err
}

// testTLS is what both sides need for TLS.
func testTLS(t testing.TB) (server, client *tls.Config) { return tlstest.New(t) }

// serve is a session from its greeting to its end.
func (s *session) serve(ctx context.Context) {
	s.Serve(ctx)
	s.End(false)
	s.conn.Close()
}

// panics fails a test when a session panicked: the door survives that, the test must not.
type panics struct {
	slog.Handler
	t testing.TB
}

func (p panics) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError && strings.Contains(r.Message, "panic") {
		r.Attrs(func(a slog.Attr) bool { p.t.Errorf("%s: %v", a.Key, a.Value); return true })
	}
	return nil
}

func (p panics) Enabled(context.Context, slog.Level) bool { return true }

func testLog(t testing.TB) *slog.Logger { return slog.New(panics{slog.DiscardHandler, t}) }

// start runs a door until the test ends.
func start(t testing.TB, c Config, g Gate) (addr string) {
	t.Helper()
	if c.Hostname == "" {
		c.Hostname = "mx.alpha.example"
	}
	if c.Name == "" {
		c.Name = "smtp"
	}
	if c.Zone == "" {
		c.Zone = mail.ZoneInternet
	}
	if c.Log == nil {
		c.Log = testLog(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, New(c, g), l)
	return l.Addr().String()
}

// serve lets a door serve until it is stopped, at the latest when the test ends.
func serve(t testing.TB, s *Server, l net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error("serve:", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// dial connects the house's own client.
func dial(t testing.TB, addr string) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return smtp.NewClient(conn, "client.example")
}

// wants fails unless the reply has the code.
func wants(t testing.TB, what string, r smtp.Reply, err error, code int) {
	t.Helper()
	if err != nil || r.Code != code {
		t.Fatalf("%s: %v, %v; want %d", what, r, err, code)
	}
}

// TestDialogs speaks testdata/*.dialog. The first word of a file's name is its listener.
func TestDialogs(t *testing.T) {
	server, _ := testTLS(t)
	listeners := map[string]Config{
		"mx":         {TLS: server, Limits: Limits{Errors: 5, Unrecognised: 3}},
		"plain":      {AllowPlainAuth: true},
		"submission": {Name: "submission", Mode: Submission, TLS: server},
		"smtps":      {Name: "smtps", Mode: Submission, TLS: server, ImplicitTLS: true},
		"vpn":        {Zone: mail.ZoneVPN, TLS: server},
	}
	for name, config := range listeners {
		dialog.RunAll(t, "testdata/"+name+"_*.dialog", func(t testing.TB) (string, map[string]string) {
			addr := start(t, config, &toyGate{})
			return addr, map[string]string{"password": toyPassword, "addr": addr}
		})
	}
}

// TestReplies: every reply is complete, fits its class, and begins with what happened.
func TestReplies(t *testing.T) {
	for s, r := range replies {
		if len(r.Lines) != 1 || r.Lines[0] == "" || r.Code < 200 || r.Code > 599 {
			t.Errorf("say %d: %v", s, r)
			continue
		}
		if r.Enhanced != ([3]int{}) && r.Enhanced[0] != r.Code/100 || r.Enhanced == ([3]int{}) && !r.More() {
			t.Errorf("%v: code and enhanced code disagree", r)
		}
		if c := r.Lines[0][0]; c < 'A' || c > 'Z' {
			t.Errorf("%v: begins with %q", r, c)
		}
		if wire := string(r.AppendTo(nil, "")); strings.Contains(wire, "?") || len(wire) > smtp.MaxReplyLine-30 {
			t.Errorf("%q: too long or not ASCII", wire)
		}
	}
}

// TestErrorsBecomeReplies: every kind has a reply, every key in the tables a refusal, and a fault of ours is temporary.
func TestErrorsBecomeReplies(t *testing.T) {
	for _, k := range mail.Kinds() {
		for name, kinds := range map[string]map[mail.Kind]say{"byKind": byKind, "byAuthKind": byAuthKind} {
			if s, ok := kinds[k]; !ok || s.reply().Code < 400 {
				t.Errorf("%s has no refusal for %v", name, k)
			}
		}
		r := connectReplyTo(mail.E("test", k, ""))
		if r.Code != 421 && r.Code != 554 {
			t.Errorf("greeting for %v: %v", k, r)
		}
	}
	for _, k := range []mail.Kind{mail.Other, mail.Busy, mail.Unavailable} {
		if r, a := replyTo(mail.E("test", k, "")), authReplyTo(mail.E("test", k, "")); !r.Temporary() || !a.Temporary() {
			t.Errorf("%v: %v, %v; want temporary ones", k, r, a)
		}
	}
	for key, s := range byKey {
		if s.reply().Code < 400 {
			t.Errorf("%s: %v", key, s.reply())
		}
	}
	for key, want := range map[string]string{
		"box.full": "552 5.2.2", "message.too_big": "552 5.3.4", "recipients.too_many": "452 4.5.3", "recipient.unknown": "550 5.1.1",
		"sender.not_owned": "553 5.7.1", "relay.denied": "550 5.7.1", "storage.full": "452 4.3.1", "storage.failed": "451 4.3.0",
		"auth.required": "530 5.7.0", "tls.required": "530 5.7.0",
	} {
		err := mail.Wrap("outer", mail.E("inner", mail.Other, key))
		if got := replyTo(err).String(); !strings.HasPrefix(got, want+" ") {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	if got := authReplyTo(mail.E("x", mail.Denied, "auth.failed")).String(); !strings.HasPrefix(got, "535 5.7.8 ") {
		t.Error(got)
	}
}

// TestML8RecipientLimit: the 1,001st recipient waits for the next transaction.
func TestML8RecipientLimit(t *testing.T) {
	g := &toyGate{}
	c := dial(t, start(t, Config{}, g))
	if r, err := c.Greet(t.Context()); err != nil || !r.OK() {
		t.Fatal(r, err)
	}
	if params, ok := c.Extension("LIMITS"); !ok || params != "RCPTMAX=1000" {
		t.Errorf("LIMITS %q", params)
	}
	env := mail.Envelope{From: mail.Address{Local: "a", Domain: "x.example"}}
	for i := range mail.MaxRecipients + 2 {
		env.To = append(env.To, mail.Recipient{Address: mail.Address{Local: "user" + string(rune('a'+i%26)), Domain: "alpha.example"}})
	}
	sent, err := c.Send(t.Context(), env, -1, strings.NewReader("a\r\n"))
	if err != nil || !sent.Data.OK() {
		t.Fatal(sent.Data, err)
	}
	for i, r := range sent.To {
		late := i >= mail.MaxRecipients
		if late && (r.Code != 452 || r.Enhanced != [3]int{4, 5, 3}) || !late && !r.OK() {
			t.Fatalf("recipient %d: %v", i+1, r)
		}
	}
	if got := g.all(); len(got) != 1 || len(got[0].to) != mail.MaxRecipients {
		t.Errorf("%d messages", len(got))
	}
}

// TestML9MessageSize: 15 × 1024 × 1024 octets are taken and one more isn't, whether the
// client says so beforehand, sends them by DATA or by BDAT.
func TestML9MessageSize(t *testing.T) {
	g := &toyGate{}
	addr := start(t, Config{}, g)
	line := strings.Repeat("x", 62) + "\r\n"
	fits := strings.Repeat(line, mail.MaxMessageSize/len(line))
	over := "y" + fits
	env := mail.Envelope{From: mail.Address{Local: "a", Domain: "x.example"}, To: []mail.Recipient{{Address: mail.Address{Local: "user0", Domain: "alpha.example"}}}}
	binary := env
	binary.Opts.Body = mail.BodyBinaryMIME
	for _, c := range []struct {
		name string
		env  mail.Envelope
		size int64
		body string
		code int
	}{
		{"fits", env, int64(len(fits)), fits, 250},
		{"over, said", env, int64(len(over)), over, 552},
		{"over, not said", env, -1, over, 552},
		{"over, a lie", env, 10, over, 552},
		{"fits, BDAT", binary, int64(len(fits)), fits, 250},
		{"over, BDAT", binary, int64(len(over)), over, 552},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(g.all())
			client := dial(t, addr)
			if r, err := client.Greet(t.Context()); err != nil || !r.OK() {
				t.Fatal(r, err)
			}
			sent, err := client.Send(t.Context(), c.env, c.size, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			last := sent.Data
			if sent.From.Code >= 400 {
				last = sent.From
			}
			if last.Code != c.code || c.code == 552 && last.Enhanced != [3]int{5, 3, 4} {
				t.Errorf("%v, want %d", last, c.code)
			}
			got := g.all()[before:]
			if (len(got) == 1) != (c.code == 250) || len(got) == 1 && got[0].body != c.body {
				t.Errorf("%d messages taken", len(got))
			}
			if r, err := client.Command(t.Context(), "NOOP"); err != nil || !r.OK() {
				t.Errorf("after it: %v, %v", r, err)
			}
		})
	}
}

// TestML7 is who may send where: 465 with AUTH only; 25 takes mail for people here from
// anybody, and offers no AUTH to the internet.
func TestML7(t *testing.T) {
	server, client := testTLS(t)
	mx, smtps := &toyGate{}, &toyGate{}
	plainAddr := start(t, Config{TLS: server}, mx)
	tlsAddr := start(t, Config{Name: "smtps", Mode: Submission, TLS: server, ImplicitTLS: true}, smtps)
	ctx := t.Context()

	c := dial(t, plainAddr)
	c.Greet(ctx)
	r, err := c.StartTLS(ctx, client)
	wants(t, "STARTTLS", r, err, 250)
	if mechanisms, ok := c.Extension("AUTH"); ok {
		t.Errorf("AUTH %s is offered on 25", mechanisms)
	}
	r, err = c.Command(ctx, "AUTH PLAIN AGEAYg==")
	wants(t, "AUTH on 25", r, err, 502)
	c.Command(ctx, "MAIL FROM:<a@x.example>")
	r, err = c.Command(ctx, "RCPT TO:<b@y.example>")
	wants(t, "relaying", r, err, 550)

	for _, channel := range []string{sasl.ScramPlus, sasl.Scram, sasl.Plain, sasl.Login} {
		conn, err := tls.Dial("tcp", tlsAddr, client)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c = smtp.NewClient(conn, "client.example")
		r, err = c.Greet(ctx)
		wants(t, "EHLO on 465", r, err, 250)
		r, err = c.Command(ctx, "MAIL FROM:<user0@alpha.example>")
		wants(t, "MAIL without AUTH", r, err, 530)
		offered, _ := c.Extension("AUTH")
		if offered != "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN" {
			t.Errorf("AUTH %s", offered)
		}
		ch := sasl.Channel{TLS: c.TLS(), Leaf: c.TLS().PeerCertificates[0]}
		if channel == sasl.Scram {
			ch = sasl.Channel{TLS: &tls.ConnectionState{}} // a client without channel binding
		}
		a, err := sasl.NewClient([]string{channel}, "user0@alpha.example", toyPassword, ch)
		if err != nil || a.Mechanism() != channel {
			t.Fatal(a, err)
		}
		r, err = c.Auth(ctx, a)
		wants(t, channel, r, err, 235)
		r, err = c.Command(ctx, "MAIL FROM:<boss@alpha.example>")
		wants(t, "somebody else's address", r, err, 553)
		sent, err := c.Send(ctx, mail.Envelope{From: mail.Address{Local: "user0", Domain: "alpha.example"}, To: []mail.Recipient{{Address: mail.Address{Local: "b", Domain: "y.example"}}}}, 3, strings.NewReader("a\r\n"))
		wants(t, "submission", sent.Data, err, 250)
		c.Quit(ctx)
	}
	got := smtps.all()
	if len(got) != 4 || !got[0].signed || got[0].origin.Door != "smtps" || !strings.HasPrefix(got[0].origin.TLS, "TLS1.3 TLS_") || got[0].origin.Helo != "client.example" {
		t.Errorf("%+v", got)
	}
}
