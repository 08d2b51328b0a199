package smtpd

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sasl"
	"tegami/wire/smtp"
)

// countingListener counts the writes of the connections it accepts.
type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.writes}, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestPipelining: a batch that comes in one piece is answered in one piece (RFC 2920
// §3.2), so that a message costs two writes.
func TestPipelining(t *testing.T) {
	var writes atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &toyGate{}
	s := New(Config{Name: "smtp", Hostname: "mx.alpha.example", Log: testLog(t)}, g)
	serve(t, s, countingListener{l, &writes})
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := smtp.NewReader(conn, nil)
	step := func(send string, codes ...int) {
		t.Helper()
		before := writes.Load()
		if _, err := io.WriteString(conn, send); err != nil {
			t.Fatal(err)
		}
		for _, code := range codes {
			if reply, err := smtp.ReadReply(r); err != nil || reply.Code != code {
				t.Fatalf("%.40q: %v, %v; want %d", send, reply, err, code)
			}
		}
		if n := writes.Load() - before; n != 1 && send != "" {
			t.Errorf("%.40q was answered in %d writes", send, n)
		}
	}
	step("", 220)
	step("EHLO foo.example\r\n", 250)
	for range 3 {
		step("MAIL FROM:<a@x.example>\r\nRCPT TO:<user0@alpha.example>\r\nRCPT TO:<nobody@alpha.example>\r\nDATA\r\n", 250, 250, 550, 354)
		step("hello\r\n.\r\n", 250)
	}
	step("MAIL FROM:<a@x.example>\r\nRCPT TO:<user0@alpha.example>\r\nBDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\nNOOP\r\n", 250, 250, 250, 250, 250)
	if got := g.all(); len(got) != 4 || got[3].body != "a\r\nb\r\n" {
		t.Errorf("%+v", got)
	}
}

// TestFlood: a client that sends without reading is answered meanwhile, or both would wait for ever.
func TestFlood(t *testing.T) {
	addr := start(t, Config{Limits: Limits{Commands: 1 << 20}}, &toyGate{})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const n = 100_000
	go io.WriteString(conn, strings.Repeat("NOOP\r\n", n)+"QUIT\r\n")
	got, err := io.ReadAll(conn)
	if err != nil || bytes.Count(got, []byte("250 2.0.0 OK\r\n")) != n {
		t.Errorf("%d octets of replies, %v", len(got), err)
	}
}

func TestLimits(t *testing.T) {
	t.Run("connections", func(t *testing.T) {
		addr := start(t, Config{Limits: Limits{Connections: 1}}, &toyGate{})
		first := dial(t, addr)
		r, err := first.Greet(t.Context())
		wants(t, "first", r, err, 250)
		r, err = dial(t, addr).Greet(t.Context())
		wants(t, "second", r, err, 421)
	})
	t.Run("commands", func(t *testing.T) {
		c := dial(t, start(t, Config{Limits: Limits{Commands: 3}}, &toyGate{}))
		c.Greet(t.Context())
		for range 2 {
			r, err := c.Command(t.Context(), "NOOP")
			wants(t, "NOOP", r, err, 250)
		}
		c.Command(t.Context(), "NOOP")
		if r, err := c.Command(t.Context(), "NOOP"); err == nil && r.Code != 421 { // 421 came behind the answer before
			t.Errorf("the session went on: %v", r)
		}
	})
	t.Run("refused recipients", func(t *testing.T) {
		c := dial(t, start(t, Config{Limits: Limits{RefusedRecipients: 2}}, &toyGate{}))
		c.Greet(t.Context())
		c.Command(t.Context(), "MAIL FROM:<>")
		for range 3 {
			r, err := c.Command(t.Context(), "RCPT TO:<nobody@alpha.example>")
			wants(t, "RCPT", r, err, 550)
		}
		r, err := c.Command(t.Context(), "NOOP")
		if err == nil && r.Code != 421 {
			t.Errorf("the session went on: %v", r)
		}
	})
	t.Run("idle", func(t *testing.T) {
		c := dial(t, start(t, Config{Limits: Limits{CommandTimeout: 20 * time.Millisecond}}, &toyGate{}))
		c.Greet(t.Context())
		time.Sleep(100 * time.Millisecond)
		r, err := c.Command(t.Context(), "NOOP")
		if r.Code != 421 || r.Enhanced != [3]int{4, 4, 2} {
			t.Errorf("%v, %v", r, err)
		}
	})
	t.Run("slow body", func(t *testing.T) {
		g := &toyGate{}
		c := dial(t, start(t, Config{Limits: Limits{MessageTimeout: 50 * time.Millisecond}}, g))
		c.Greet(t.Context())
		env := mail.Envelope{To: []mail.Recipient{{Address: mail.Address{Local: "user0", Domain: "alpha.example"}}}}
		sent, err := c.Send(t.Context(), env, -1, slowly{})
		if sent.Data.OK() || err == nil && sent.Data.Code != 421 || len(g.all()) != 0 {
			t.Errorf("%v, %v", sent.Data, err)
		}
	})
}

// slowly is a body without end that comes 32 KB every 10 milliseconds.
type slowly struct{}

func (slowly) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	for i := range p {
		p[i] = "0123456789\r\n"[i%12]
	}
	return len(p), nil
}

func TestGreeting(t *testing.T) {
	t.Run("early talker", func(t *testing.T) {
		addr := start(t, Config{Limits: Limits{GreetPause: 5 * time.Second}}, &toyGate{})
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "EHLO spam.example\r\n")
		got, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(got), "554 5.5.1 You talked before the greeting") {
			t.Errorf("%q", got)
		}
	})
	t.Run("patient", func(t *testing.T) {
		r, err := dial(t, start(t, Config{Limits: Limits{GreetPause: 20 * time.Millisecond}}, &toyGate{})).Greet(t.Context())
		wants(t, "EHLO", r, err, 250)
	})
	for code, refusal := range map[int]error{554: mail.E("toy", mail.Denied, ""), 421: mail.E("toy", mail.Busy, "")} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			r, err := dial(t, start(t, Config{}, &toyGate{connect: refusal})).Greet(t.Context())
			wants(t, "greeting", r, err, code)
		})
	}
}

// TestRevoked: who lost its right while it waits hears so and is out; who did not sign in stays.
func TestRevoked(t *testing.T) {
	g := &toyGate{}
	addr := start(t, Config{AllowPlainAuth: true, Limits: Limits{Sweep: 10 * time.Millisecond}}, g)
	in, stranger := dial(t, addr), dial(t, addr)
	r, err := in.Greet(t.Context())
	wants(t, "EHLO", r, err, 250)
	r, err = in.Auth(t.Context(), sasl.NewPlainClient("user0@alpha.example", toyPassword))
	wants(t, "AUTH", r, err, 235)
	r, err = stranger.Greet(t.Context())
	wants(t, "EHLO", r, err, 250)
	g.mu.Lock()
	g.current = mail.E("toy", mail.Denied, "auth.changed")
	g.mu.Unlock()
	for r, err = in.Command(t.Context(), "NOOP"); err == nil && r.Code == 250; { // it takes a moment
		r, err = in.Command(t.Context(), "NOOP")
	}
	if err == nil && (r.Code != 421 || r.Enhanced != [3]int{4, 7, 0}) {
		t.Errorf("%v, %v", r, err)
	}
	r, err = stranger.Command(t.Context(), "NOOP")
	wants(t, "the other's NOOP", r, err, 250)
}

// TestRevokedWhileItWaits: the last word comes without being asked.
func TestRevokedWhileItWaits(t *testing.T) {
	g := &toyGate{}
	conn, err := net.Dial("tcp", start(t, Config{AllowPlainAuth: true, Limits: Limits{Sweep: 10 * time.Millisecond}}, g))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "EHLO foo.example\r\nAUTH PLAIN %s\r\n", base64.StdEncoding.EncodeToString([]byte("\x00user0@alpha.example\x00"+toyPassword)))
	r := smtp.NewReader(conn, nil)
	for _, code := range []int{220, 250, 235} {
		if reply, err := smtp.ReadReply(r); err != nil || reply.Code != code {
			t.Fatal(reply, err)
		}
	}
	g.mu.Lock()
	g.current = mail.E("toy", mail.Denied, "auth.changed")
	g.mu.Unlock()
	if reply, err := smtp.ReadReply(r); err != nil || reply.Code != 421 || reply.Enhanced != [3]int{4, 7, 0} {
		t.Error(reply, err)
	}
	if _, err := smtp.ReadReply(r); err == nil {
		t.Error("the session went on")
	}
}

// TestFailures: what the gate answers to the body reaches the client, and the session goes on.
func TestFailures(t *testing.T) {
	for code, failure := range map[int]error{
		452: mail.E("toy", mail.Unavailable, "storage.full"), 451: errors.New("a bug"), 554: mail.E("toy", mail.Invalid, "message.looping"),
	} {
		g := &toyGate{fail: failure}
		c := dial(t, start(t, Config{}, g))
		c.Greet(t.Context())
		env := mail.Envelope{To: []mail.Recipient{{Address: mail.Address{Local: "user0", Domain: "alpha.example"}}}}
		sent, err := c.Send(t.Context(), env, -1, strings.NewReader("a\r\n"))
		wants(t, "body", sent.Data, err, code)
		g.fail = nil
		sent, err = c.Send(t.Context(), env, -1, strings.NewReader("a\r\n"))
		wants(t, "next body", sent.Data, err, 250)
	}
}

// TestAborted: a transaction that doesn't come to its end is given back, however it stops.
func TestAborted(t *testing.T) {
	for _, end := range []string{"RSET", "EHLO again.example", "QUIT", ""} {
		g := &toyGate{}
		c := dial(t, start(t, Config{}, g))
		c.Greet(t.Context())
		r, err := c.Command(t.Context(), "MAIL FROM:<>")
		wants(t, "MAIL", r, err, 250)
		if end != "" {
			c.Command(t.Context(), end)
		}
		c.Close()
		waitFor(t, func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.aborted == 1 })
	}
}

// waitFor waits for what another goroutine is about to do.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}

// gateWithDoor is a gate whose Commit waits to be let through.
type gateWithDoor struct {
	*toyGate
	inside, open chan struct{}
}

type slowTransaction struct {
	Transaction
	g gateWithDoor
}

func (g gateWithDoor) Begin(ctx context.Context, o mail.Origin, who *directory.Identity, from mail.Address, opts mail.Options) (Transaction, error) {
	tx, err := g.toyGate.Begin(ctx, o, who, from, opts)
	return slowTransaction{tx, g}, err
}

func (t slowTransaction) Commit(ctx context.Context) (mail.ItemID, error) {
	close(t.g.inside)
	<-t.g.open
	return t.Transaction.Commit(ctx)
}

// TestShutdown: who waits is told at once; who is being served hears the answer first.
func TestShutdown(t *testing.T) {
	g := gateWithDoor{&toyGate{}, make(chan struct{}), make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Hostname: "mx.alpha.example", Log: testLog(t)}, g)
	stop := serve(t, s, l)
	idle, busy := dial(t, l.Addr().String()), dial(t, l.Addr().String())
	r, err := idle.Greet(t.Context())
	wants(t, "idle", r, err, 250)
	busy.Greet(t.Context())
	var sent smtp.Sent
	var sendErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		env := mail.Envelope{To: []mail.Recipient{{Address: mail.Address{Local: "user0", Domain: "alpha.example"}}}}
		sent, sendErr = busy.Send(t.Context(), env, -1, strings.NewReader("a\r\n"))
	})
	<-g.inside
	wg.Go(stop)
	for r, err = idle.Command(t.Context(), "NOOP"); err == nil && r.Code == 250; {
		r, err = idle.Command(t.Context(), "NOOP") // the stop is on its way
	}
	if err == nil && (r.Code != 421 || r.Enhanced != [3]int{4, 3, 2}) {
		t.Errorf("idle session: %v", r)
	}
	close(g.open)
	wg.Wait()
	wants(t, "message under way", sent.Data, sendErr, 250)
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

// TestShutdownCuts: who does not come to an end is cut off when the time is over.
func TestShutdownCuts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &toyGate{}
	stop := serve(t, New(Config{Hostname: "mx.alpha.example", Log: testLog(t), Limits: Limits{Grace: 50 * time.Millisecond}}, g), l)
	c := dial(t, l.Addr().String())
	c.Greet(t.Context())
	c.Command(t.Context(), "MAIL FROM:<>")
	c.Command(t.Context(), "RCPT TO:<user0@alpha.example>")
	r, err := c.Command(t.Context(), "DATA")
	wants(t, "DATA", r, err, 354)
	stop()
	if g.aborted != 1 || len(g.all()) != 0 {
		t.Errorf("%d aborted, %d taken", g.aborted, len(g.all()))
	}
}

// panicGate has a bug.
type panicGate struct{ *toyGate }

func (panicGate) Begin(context.Context, mail.Origin, *directory.Identity, mail.Address, mail.Options) (Transaction, error) {
	panic("a bug")
}

// TestPanic: a bug ends the session that hits it, and no other.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	addr := start(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, panicGate{&toyGate{}})
	other, c := dial(t, addr), dial(t, addr)
	other.Greet(t.Context())
	c.Greet(t.Context())
	r, err := c.Command(t.Context(), "MAIL FROM:<>")
	wants(t, "MAIL", r, err, 421)
	r, err = other.Command(t.Context(), "NOOP")
	wants(t, "NOOP", r, err, 250)
}

// FuzzSession feeds whole sessions to a door. It must come to an end, and not panic;
// what it says must be replies.
func FuzzSession(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(s))
	}
	server, _ := testTLS(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, c := range []Config{
			{Name: "smtp", Zone: mail.ZoneVPN, TLS: server, AllowPlainAuth: true},
			{Name: "submission", Mode: Submission, TLS: server},
		} {
			c.Hostname, c.Log = "mx.alpha.example", testLog(t)
			c.Limits = Limits{HandshakeTimeout: 100 * time.Millisecond, CommandTimeout: 5 * time.Second, DataTimeout: 5 * time.Second}
			checkReplies(t, in, speak(t, New(c, &toyGate{}), in))
		}
	})
}

// checkReplies reads what a door said. Behind STARTTLS comes a handshake, not replies.
func checkReplies(t testing.TB, in, said []byte) {
	plain, _, _ := bytes.Cut(said, []byte("220 2.0.0 Ready to start TLS\r\n"))
	r := smtp.NewReader(bytes.NewReader(plain), nil)
	for {
		if _, err := smtp.ReadReply(r); err == io.ErrUnexpectedEOF {
			return
		} else if err != nil {
			t.Fatalf("%q was answered with %q: %v", in, said, err)
		}
	}
}

// speak sends all of in to a session and gives what it says until it ends.
func speak(t testing.TB, s *Server, in []byte) []byte {
	ours, theirs := net.Pipe()
	var said []byte
	var wg sync.WaitGroup
	wg.Go(func() { said, _ = io.ReadAll(ours) })
	c := newSession(s, s.door.NewConn(theirs))
	over := make(chan struct{})
	go func() {
		defer close(over)
		c.serve(context.Background())
	}()
	ours.SetWriteDeadline(time.Now().Add(10 * time.Second))
	ours.Write(in) // the door may have hung up before its end
	ours.Close()
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Fatalf("%q: the session does not end", in)
	}
	wg.Wait()
	return said
}

// seeds are sessions to begin with: a few of our own, the dialogs, and those of others where they are.
func seeds(t testing.TB) []string {
	list := []string{
		"EHLO a.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<user0@alpha.example>\r\nDATA\r\nhello\r\n..\r\n.\r\nQUIT\r\n",
		"EHLO a\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<user0@alpha.example>\r\nBDAT 3\r\na\nbBDAT 0 LAST\r\nRSET\r\n",
		"EHLO a\r\nAUTH PLAIN AHVzZXIwQGFscGhhLmV4YW1wbGUAY29ycmVjdCBob3JzZQ==\r\nAUTH LOGIN\r\n*\r\n",
		"EHLO a\r\nAUTH SCRAM-SHA-256\r\nbiwsbj11c2VyLHI9YWJj\r\n*\r\nVRFY a\r\nHELP\r\nNOOP\r\nEXPN\r\n",
		"HELO a\r\nSTARTTLS\r\n\x16\x03\x01",
		"BDAT 99999999999\r\n", "BDAT 5 LAST\r\nab", "\x00\r\n\r\r\n\n",
	}
	files, _ := filepath.Glob("testdata/*.dialog")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var session strings.Builder
		for line := range strings.Lines(string(text)) {
			if said, ok := strings.CutPrefix(line, "C: "); ok {
				session.WriteString(strings.TrimSuffix(said, "\n") + "\r\n")
			}
		}
		list = append(list, session.String())
	}
	return append(list, foreignSeeds(t)...)
}

// foreignSeeds are those of profuzzbench (Apache-2.0), if the machine has them.
func foreignSeeds(t testing.TB) (list []string) {
	dir := os.Getenv("TEGAMI_TESTDATA")
	if dir == "" {
		dir = "../../../shared/testdata"
	}
	name := filepath.Join(dir, "smtp-seeds.tar.xz")
	if _, err := os.Stat(name); err != nil {
		t.Logf("without the seeds of %s: %v", name, err)
		return nil
	}
	out, err := exec.Command("xz", "-dc", name).Output()
	if err != nil {
		t.Logf("without the seeds of %s: %v", name, err)
		return nil
	}
	for r := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".raw") {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, string(text))
		}
	}
}

// script is a connection whose peer says the same over and over.
type script struct {
	net.Conn // of no use
	parts    [][]byte
	next     int
	left     int // messages
	writes   int
}

func (c *script) Read(p []byte) (int, error) {
	if c.next == len(c.parts) {
		c.next = 0
		c.left--
	}
	if c.left < 0 {
		return 0, io.EOF
	}
	n := copy(p, c.parts[c.next])
	if n < len(c.parts[c.next]) {
		return 0, io.ErrShortBuffer
	}
	c.next++
	return n, nil
}

func (c *script) Write(p []byte) (int, error)      { c.writes++; return len(p), nil }
func (c *script) Close() error                     { return nil }
func (c *script) RemoteAddr() net.Addr             { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkSession is what door and codec cost for a pipelined message of 4 KB and one
// of 1 MB, without system calls and without a house behind.
func BenchmarkSession(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			body := []byte(strings.Repeat(strings.Repeat("x", 62)+"\r\n", size/64) + ".\r\n")
			conn := &script{left: b.N, parts: [][]byte{[]byte("MAIL FROM:<sender@client.example> SIZE=4096\r\nRCPT TO:<user0@alpha.example>\r\nDATA\r\n")}}
			for part := range slices.Chunk(body, smtp.BlockSize) {
				conn.parts = append(conn.parts, part)
			}
			s := New(Config{Name: "smtp", Hostname: "mx.alpha.example"}, discardGate{&toyGate{}})
			c := newSession(s, s.door.NewConn(conn))
			c.state, c.esmtp = stateGreeted, true
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			b.ResetTimer()
			c.serve(context.Background())
			b.ReportMetric(float64(conn.writes)/float64(b.N), "writes/op")
		})
	}
}

// discardGate takes everything and keeps nothing.
type discardGate struct{ *toyGate }

type discardTransaction struct{}

func (discardGate) Begin(context.Context, mail.Origin, *directory.Identity, mail.Address, mail.Options) (Transaction, error) {
	return discardTransaction{}, nil
}
func (discardTransaction) Recipient(context.Context, mail.Recipient) error { return nil }
func (discardTransaction) Data(context.Context) (io.Writer, error)         { return io.Discard, nil }
func (discardTransaction) Commit(context.Context) (mail.ItemID, error)     { return 1, nil }
func (discardTransaction) Abort()                                          {}

// farConn is a connection that says it comes from elsewhere.
type farConn struct {
	net.Conn
	from netip.Addr
}

func (c farConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.from, 1)) }

// TestBodiesOfANetwork: one network cannot take the memory of all by bodies that never end.
func TestBodiesOfANetwork(t *testing.T) {
	srv := New(Config{Limits: Limits{BodiesPerNetwork: 100, GreetPause: -1}}, &toyGate{})
	far := func(ip string) (say func(command, want string)) {
		here, there := net.Pipe()
		here.SetDeadline(time.Now().Add(20 * time.Second))
		s, done := newSession(srv, srv.door.NewConn(farConn{there, netip.MustParseAddr(ip)})), make(chan struct{})
		go func() { s.serve(context.Background()); close(done) }()
		t.Cleanup(func() { here.Close(); <-done })
		in := bufio.NewReader(here)
		say = func(command, want string) {
			t.Helper()
			if command != "" { // a pipe waits for its reader even with nothing
				io.WriteString(here, command)
			}
			if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
				t.Fatalf("%q: %q %v, want %s", command, line, err, want)
			}
		}
		say("", "220")
		say("HELO far.example\r\n", "250")
		return say
	}
	body := strings.Repeat("x", 60)
	begin := func(say func(string, string)) {
		t.Helper()
		say("MAIL FROM:<a@far.example>\r\n", "250")
		say("RCPT TO:<user0@alpha.example>\r\n", "250")
	}
	first, second, other := far("192.0.2.1"), far("192.0.2.2"), far("198.51.100.1")
	begin(first)
	first("BDAT 60\r\n"+body, "250") // and it takes its time
	begin(second)
	second("BDAT 60 LAST\r\n"+body, "452 4.3.1")
	begin(other)
	other("BDAT 60 LAST\r\n"+body, "250")
	first("RSET\r\n", "250")
	begin(second)
	second("BDAT 60 LAST\r\n"+body, "250")
	begin(second) // what was accepted counts no more
	second("DATA\r\n", "354")
	second(body+"\r\n.\r\n", "250")
	if len(srv.bodies) != 0 {
		t.Errorf("%v left", srv.bodies)
	}
}
