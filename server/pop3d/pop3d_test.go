package pop3d

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/wire/pop3"
	"tegami/wire/sasl"
)

// client is the least of a POP3 client.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &client{t, conn, bufio.NewReaderSize(conn, 64<<10)}
	c.expect("+OK")
	return c
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

func (c *client) expect(prefix string) string {
	c.t.Helper()
	line := c.line()
	if !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("%q, want %q", line, prefix)
	}
	return line
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) ask(line string) string {
	c.t.Helper()
	c.send(line)
	return c.expect("+OK")
}

func (c *client) signIn() {
	c.t.Helper()
	c.ask("USER " + user)
	c.ask("PASS " + password)
}

// body reads a multi-line reply as the octets of a message.
func (c *client) body() string {
	c.t.Helper()
	var b strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		switch {
		case err != nil:
			c.t.Fatal(err)
		case line == ".\r\n":
			return b.String()
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

func inClear(c *Config) { c.AllowPlainAuth = true }

// TestML11NoAPOP: APOP is not offered, and the greeting carries no timestamp a client could take for one.
func TestML11NoAPOP(t *testing.T) {
	addr := newHouse(t).open(t, inClear)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &client{t, conn, bufio.NewReader(conn)}
	if greeting := c.line(); strings.ContainsAny(greeting, "<>@") {
		t.Errorf("the greeting %q looks like one of APOP", greeting)
	}
	c.send("APOP " + user + " c4c9334bac560ecc979e58001b3e22fb")
	c.expect("-ERR ")
	c.ask("CAPA")
	if capabilities := c.body(); strings.Contains(capabilities, "APOP") {
		t.Error(capabilities)
	}
}

// TestSV7POP3NeedsNoOption: the house's domain has no option IMAPS, and POP3 works.
func TestSV7POP3NeedsNoOption(t *testing.T) {
	addr := newHouse(t).open(t, func(c *Config) { c.Name, c.ImplicitTLS = "pop3s", true })
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &client{t, conn, bufio.NewReader(conn)}
	c.expect("+OK")
	c.signIn()
	c.ask("QUIT")
}

func TestScramWithChannelBinding(t *testing.T) {
	addr := newHouse(t).open(t, func(c *Config) { c.Name, c.ImplicitTLS = "pop3s", true })
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &client{t, conn, bufio.NewReader(conn)}
	c.expect("+OK")
	state := conn.ConnectionState()
	mech := sasl.NewScramClient(user, password, sasl.Channel{TLS: &state}, true)
	first, err := mech.Next(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.send("AUTH " + mech.Mechanism() + " " + base64.StdEncoding.EncodeToString(first))
	for {
		line := c.line()
		if strings.HasPrefix(line, "+OK") {
			break
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "+ "))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		answer, err := mech.Next(challenge)
		if err != nil {
			t.Fatal(err)
		}
		c.send(base64.StdEncoding.EncodeToString(answer))
	}
	if mech.Mechanism() != sasl.ScramPlus {
		t.Errorf("used %s", mech.Mechanism())
	}
	c.ask("QUIT")
}

// TestRetrieveGivesTheOctets: every message comes as it was put, but for the end of its last line.
func TestRetrieveGivesTheOctets(t *testing.T) {
	h := newHouse(t)
	large := "Subject: large\r\n\r\n" + strings.Repeat(".x\r\n..\r\n"+strings.Repeat("y", 990)+"\r\n", 3000)
	h.put(t, large)
	c := dial(t, h.open(t, inClear))
	c.signIn()
	for i, want := range append(messages[:len(messages):len(messages)], large) {
		c.ask(fmt.Sprintf("RETR %d", i+1))
		if !strings.HasSuffix(want, "\r\n") {
			want += "\r\n"
		}
		if got := c.body(); got != want {
			t.Errorf("message %d: %d octets, want %d", i+1, len(got), len(want))
		}
	}
	c.ask("QUIT")
}

// TestSV5FullBoxCanBeReadAndEmptied: over its size a box takes nothing more, but is read and emptied as ever.
func TestSV5FullBoxCanBeReadAndEmptied(t *testing.T) {
	h := newHouse(t)
	filler := "Subject: filler\r\n\r\n" + strings.Repeat(strings.Repeat("z", 998)+"\r\n", 14<<10)
	for range 7 {
		h.put(t, filler)
	}
	a := h.account(t)
	up, err := a.Stage(t.Context(), int64(len(filler)))
	if err != nil {
		t.Fatal(err)
	}
	defer up.Release()
	up.Write([]byte(filler))
	if err := appendOne(t.Context(), a, up); !mail.Is(err, mail.Full) {
		t.Fatalf("the box is not full: %v", err)
	}
	c := dial(t, h.open(t, inClear))
	c.signIn()
	c.ask("RETR 5")
	if got := c.body(); got != filler {
		t.Errorf("%d octets", len(got))
	}
	c.ask("DELE 5")
	c.ask("QUIT")
	if err := appendOne(t.Context(), a, up); err != nil {
		t.Errorf("the box is still full: %v", err)
	}
}

// TestStopLetsACommandEnd: a session in the middle of a large reply gets all of it, and one that waits is closed.
func TestStopLetsACommandEnd(t *testing.T) {
	h := newHouse(t)
	large := "Subject: large\r\n\r\n" + strings.Repeat(strings.Repeat("y", 998)+"\r\n", 8000)
	h.put(t, large)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(Config{Name: "pop3", AllowPlainAuth: true}, h.dir, h.boxes).Serve(ctx, ln) }()
	idle, busy := dial(t, ln.Addr().String()), dial(t, ln.Addr().String())
	busy.signIn()
	busy.ask("RETR 5") // 8 MB: more than the buffers between us hold, so the server is still writing
	stop()
	if got := busy.body(); got != large {
		t.Errorf("%d octets of %d", len(got), len(large))
	}
	for _, c := range []*client{idle, busy} {
		if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestListingOfManyMessages reads the numbers of a box with many messages at once.
func TestListingOfManyMessages(t *testing.T) {
	h := newHouse(t)
	for range 500 {
		h.put(t, messages[0])
	}
	c := dial(t, h.open(t, inClear))
	c.signIn()
	c.ask("UIDL")
	seen := map[string]bool{}
	for line := range strings.Lines(c.body()) {
		_, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		seen[id] = true
	}
	if len(seen) != 504 {
		t.Errorf("%d unique ids, want 504", len(seen))
	}
	for n := range 504 {
		c.send(fmt.Sprintf("DELE %d", n+1))
	}
	for range 504 {
		c.expect("+OK")
	}
	c.ask("QUIT")
	if n := h.count(t); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

func TestEveryKindHasACode(t *testing.T) {
	for _, k := range mail.Kinds() {
		for _, signedIn := range []bool{false, true} {
			got := codeOf(mail.E("test", k, "kind.other"), signedIn)
			want := pop3.Code("")
			switch k {
			case mail.Other, mail.Busy, mail.Unavailable:
				want = pop3.SysTemp
			case mail.Denied:
				if !signedIn {
					want = pop3.Auth
				}
			}
			if got != want {
				t.Errorf("%v, signed in %v: %q, want %q", k, signedIn, got, want)
			}
		}
	}
	if got := codeOf(mail.E("test", mail.Busy, "pop3.locked"), false); got != pop3.InUse {
		t.Errorf("a locked box: %q", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	addr := newHouse(t).open(t, func(c *Config) { c.Limits.Connections = 1; c.Metrics = obs.NewMetrics() })
	dial(t, addr)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if rest, err := io.ReadAll(conn); !bytes.HasPrefix(rest, []byte("-ERR [SYS/TEMP] There are too many connections")) || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// Who is suspended does not read on in a session that is open, and deletes nothing.
func TestSuspendedMeanwhile(t *testing.T) {
	h := newHouse(t)
	c := dial(t, h.open(t, inClear))
	c.signIn()
	c.ask("DELE 1")
	address, _ := mail.ParseAddress(user)
	target, err := h.dir.Resolve(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	company, by := h.dir.Company(target.Tenant), directory.Operator("test", "")
	if err := company.SetAccountState(t.Context(), by, target.Account.ID, directory.AccountSuspended); err != nil {
		t.Fatal(err)
	}
	c.send("QUIT")
	c.expect("-ERR This account is suspended.")
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if err := company.SetAccountState(t.Context(), by, target.Account.ID, directory.AccountActive); err != nil {
		t.Fatal(err)
	}
	if n := h.count(t); n != len(messages) {
		t.Errorf("%d messages are left", n)
	}
}

// TestRevokedPassword: a changed password ends the session that waits, in words, and deletes nothing; a session
// by an app password goes on until that is taken back.
func TestRevokedPassword(t *testing.T) {
	h := newHouse(t)
	addr := h.open(t, func(c *Config) { c.AllowPlainAuth, c.Limits.Sweep = true, 20*time.Millisecond })
	address, _ := mail.ParseAddress(user)
	target, err := h.dir.Resolve(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	id, company, by := target.Account.ID, h.dir.Company(target.Tenant), directory.Operator("test", "")
	app, secret, err := company.AddAppPassword(t.Context(), by, id, directory.AppPasswordSpec{Name: "telephone", Scopes: []directory.Scope{directory.ScopePOP3}})
	if err != nil {
		t.Fatal(err)
	}
	out := func(c *client) {
		t.Helper()
		c.expect("-ERR The password this session signed in with was changed or withdrawn.")
		if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	}
	c := dial(t, addr)
	c.signIn()
	c.ask("DELE 1")
	if err := company.SetPassword(t.Context(), by, id, "another good password"); err != nil {
		t.Fatal(err)
	}
	out(c)
	c = dial(t, addr)
	c.ask("USER " + user)
	c.ask("PASS " + secret)
	if line := c.ask("STAT"); !strings.HasPrefix(line, fmt.Sprintf("+OK %d ", len(messages))) {
		t.Error(line)
	}
	if err := company.RevokeAppPassword(t.Context(), by, id, app.ID); err != nil {
		t.Fatal(err)
	}
	out(c)
}

// TestSV9ClosedNetwork: in the VPN zone a peer from no company's network hears so instead of the greeting.
func TestSV9ClosedNetwork(t *testing.T) {
	h := newHouse(t)
	addr := h.open(t, func(c *Config) { c.AllowPlainAuth, c.Zone = true, mail.ZoneVPN })
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if all, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(all), "-ERR [AUTH] The network of 127.0.0.1 is not registered.") {
		t.Errorf("%q, %v", all, err)
	}
	networks := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if _, err := h.dir.OpenTenant(t.Context(), directory.Operator("test", ""), directory.TenantSpec{Name: "Beta", Networks: networks}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, addr)
	c.ask("USER " + user)
	c.send("PASS " + password)
	c.expect("-ERR [AUTH] The network of 127.0.0.1 belongs to another company.")
}

// script is a connection whose client has said all it will say.
type script struct {
	net.Conn
	said  *bytes.Reader
	heard bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)         { return s.said.Read(p) }
func (s *script) Write(p []byte) (int, error)        { return s.heard.Write(p) }
func (s *script) Close() error                       { return nil }
func (s *script) RemoteAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (s *script) SetReadDeadline(time.Time) error    { return nil }
func (s *script) SetWriteDeadline(t time.Time) error { return nil }

// FuzzSession sends any octets to a session, signed in or not: it must answer in whole
// lines, end when the client ends, and delete nothing without QUIT.
func FuzzSession(f *testing.F) {
	f.Add([]byte("CAPA\r\nUSER a\r\nPASS b\r\nQUIT\r\n"), false)
	f.Add([]byte("STAT\r\nLIST\r\nUIDL 1\r\nTOP 2 3\r\nRETR 1\r\nDELE 1\r\nRSET\r\n"), true)
	f.Add([]byte("AUTH PLAIN\r\n=\r\nAUTH SCRAM-SHA-256 bixhPQ==\r\n*\r\n"), false)
	f.Add([]byte("LANG ja\r\nUTF8\r\nSTLS\r\nxx"), false)
	h := newHouse(f)
	door := New(Config{Name: "pop3", AllowPlainAuth: true}, h.dir, h.boxes)
	f.Fuzz(func(t *testing.T, said []byte, signedIn bool) {
		if bytes.Contains(bytes.ToUpper(said), []byte("QUIT")) && signedIn {
			return // would empty the box for those that follow
		}
		if signedIn {
			said = append([]byte("USER "+user+"\r\nPASS "+password+"\r\n"), said...)
		}
		conn := &script{said: bytes.NewReader(said)}
		door.serve(t.Context(), conn)
		heard := conn.heard.Bytes()
		if !bytes.HasPrefix(heard, []byte("+OK ")) || !bytes.HasSuffix(heard, []byte("\r\n")) {
			t.Errorf("%q", heard)
		}
		if n := h.count(t); n != len(messages) {
			t.Fatalf("%d messages are left", n)
		}
	})
}
