package imapd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/sasl"
)

// A stop says BYE to who waits, in IDLE or between commands, and Serve returns.
func TestStopSaysBye(t *testing.T) {
	h := newHouse(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- New(Config{Name: "imap", AllowPlainAuth: true}, h.dir, h.boxes).Serve(ctx, ln)
	}()
	waiting := dial(t, ln.Addr().String())
	idle := dial(t, ln.Addr().String())
	idle.do(t, "LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"")
	io.WriteString(idle, "i IDLE\r\n")
	if line, err := idle.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "+") {
		t.Fatal(line, err)
	}
	cancel()
	for _, c := range []*client{waiting, idle} {
		rest, err := io.ReadAll(c.in)
		if err != nil || !bytes.HasPrefix(rest, []byte("* BYE [UNAVAILABLE] ")) {
			t.Errorf("%q %v", rest, err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// SCRAM-SHA-256-PLUS binds the exchange to the TLS connection under it.
func TestChannelBinding(t *testing.T) {
	h := newHouse(t)
	config := certificate(t)
	addr := h.door(t, Config{TLS: config, ImplicitTLS: true})
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "AUTH=SCRAM-SHA-256-PLUS") {
		t.Fatal(line, err)
	}
	st := conn.ConnectionState()
	c := sasl.NewScramClient(h.user(t, "alpha.example"), password, sasl.Channel{TLS: &st}, true)
	first, err := c.Next(nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "a AUTHENTICATE SCRAM-SHA-256-PLUS %s\r\n", base64.StdEncoding.EncodeToString(first))
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		challenge, more := strings.CutPrefix(line, "+ ")
		if !more {
			if !strings.HasPrefix(line, "a OK ") || c.Verify() != nil {
				t.Errorf("%s %v", line, c.Verify())
			}
			return
		}
		octets, err := base64.StdEncoding.DecodeString(strings.TrimSpace(challenge))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Next(octets)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s\r\n", base64.StdEncoding.EncodeToString(answer))
	}
}

// TestSV5AppendOverQuota: a full box takes nothing more, says so before the octets come, and can be read.
func TestSV5AppendOverQuota(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	c := dial(t, addr)
	defer c.Close()
	c.do(t, "LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"")
	big := append([]byte("Subject: big\r\n\r\n"), bytes.Repeat([]byte("0123456789abcde\n"), (mail.MaxMessageSize-16)/16)...)
	for range 6 {
		c.do(t, fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(big), big))
	}
	fmt.Fprintf(c, "x APPEND INBOX {%d}\r\n", len(big))
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "x NO [OVERQUOTA] ") {
		t.Error(line, err)
	}
	c.do(t, "SELECT INBOX")
	fmt.Fprintf(c, "x FETCH 6 BODY.PEEK[]\r\n")
	head := fmt.Sprintf("* 6 FETCH (BODY[] {%d}\r\n", len(big))
	got := make([]byte, len(head)+len(big)+3)
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != head+string(big)+")\r\n" {
		t.Errorf("the message came back otherwise: %.60q %v", got, err)
	}
	if line, _ := c.in.ReadString('\n'); !strings.HasPrefix(line, "x OK") {
		t.Error(line)
	}
	c.do(t, "STORE 1:* +FLAGS.SILENT (\\Deleted)")
	c.do(t, "EXPUNGE")
	c.do(t, fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(big), big))
}

// Bodies come as they went, whatever their size: gathered, or past the buffer.
func TestBodiesOfAllSizes(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	c := dial(t, addr)
	defer c.Close()
	c.do(t, "LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"")
	sizes := []int{1, 100, 16 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200 << 10, 1 << 20}
	message := func(n int) string { return strings.Repeat("m\x80essage\r\n", n/10+1)[:n] }
	for _, n := range sizes {
		c.do(t, fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", n, message(n)))
	}
	c.do(t, "SELECT INBOX")
	io.WriteString(c, "x FETCH 1:* (UID BODY.PEEK[] BODY.PEEK[]<1.70000>)\r\n")
	for i, n := range sizes {
		part := message(n)[1:min(n, 70001)]
		want := fmt.Sprintf("* %d FETCH (UID %d BODY[] {%d}\r\n%s BODY[]<1> {%d}\r\n%s)\r\n", i+1, i+1, n, message(n), len(part), part)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c.in, got); err != nil || string(got) != want {
			t.Fatalf("%d octets: %.80q %v", n, got, err)
		}
	}
}

// A change that comes while a session is between IDLE and its next command does not end it.
func TestLatePokeIsHarmless(t *testing.T) {
	h := newHouse(t)
	srv := New(Config{Name: "imap", AllowPlainAuth: true}, h.dir, h.boxes)
	here, there := net.Pipe()
	s := newSession(srv, there)
	done := make(chan struct{})
	go func() { s.serve(context.Background()); close(done) }()
	c := &client{here, bufio.NewReader(here)}
	if _, err := c.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s.poke()
		c.do(t, "NOOP")
	}
	c.do(t, "LOGOUT")
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("the session did not end")
	}
}

// The messages of one MULTIAPPEND share the memory of all sessions, so there is a limit for all together.
func TestAppendTogether(t *testing.T) {
	a := appending{s: newSession(New(Config{Name: "imap"}, nil, nil), nopConn{}), total: maxTogether}
	err := a.stage(context.Background(), mailbox.Appended{}, 1)
	if r, _ := refusalOf(err); r.code != "TOOBIG" {
		t.Errorf("%v", err)
	}
}

// Who is suspended does not read on in sessions that are open: neither by commands nor in IDLE.
func TestSuspendedMeanwhile(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true, Limits: Limits{Keepalive: 10 * time.Millisecond}})
	user := h.user(t, "alpha.example")
	asking, idle := dial(t, addr), dial(t, addr)
	for _, c := range []*client{asking, idle} {
		c.SetDeadline(time.Now().Add(time.Minute))
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		c.do(t, "SELECT INBOX")
	}
	io.WriteString(idle, "i IDLE\r\n")
	if line, err := idle.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "+") {
		t.Fatal(line, err)
	}
	address, _ := mail.ParseAddress(user)
	target, err := h.dir.Resolve(t.Context(), address)
	check(t, err)
	check(t, h.company.SetAccountState(t.Context(), h.admin, target.Account.ID, directory.AccountSuspended))
	io.WriteString(asking, "t FETCH 1:* FLAGS\r\n")
	for _, c := range []*client{asking, idle} {
		rest, err := io.ReadAll(c.in)
		if err != nil || !bytes.Contains(rest, []byte("* BYE This account is suspended.")) || bytes.Contains(rest, []byte("t OK")) {
			t.Errorf("%q %v", rest, err)
		}
	}
}

// A client that waits for TLS hears nothing in the clear when it is turned away.
func TestTurnedAwayFromTLS(t *testing.T) {
	addr := newHouse(t).door(t, Config{ImplicitTLS: true, TLS: certificate(t), Limits: Limits{Connections: 1}})
	first, err := net.Dial("tcp", addr)
	check(t, err)
	defer first.Close()
	second, err := net.Dial("tcp", addr)
	check(t, err)
	defer second.Close()
	if rest, err := io.ReadAll(second); len(rest) > 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}
