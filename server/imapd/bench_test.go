package imapd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
)

// benchMessages is how many messages the benchmarks' mailbox has.
const benchMessages = 5000

// fill puts n messages of about size octets into a user's inbox.
func (h *house) fill(t testing.TB, user string, n, size int) {
	ctx := context.Background()
	id, err := h.dir.SignIn(ctx, mail.Origin{Door: "imap"}, "imap", user, password)
	if err != nil {
		t.Fatal(err)
	}
	account, err := h.boxes.Open(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < n; {
		var in []mailbox.Appended
		for ; i < n && len(in) < mailbox.MaxAppended; i++ {
			up, err := account.Stage(ctx, int64(size))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(up, "From: \"Sender %d\" <s%d@alpha.example>\r\nTo: %s\r\nSubject: Message number %d\r\n"+
				"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <%d@alpha.example>\r\n\r\n", i, i, user, i, i)
			if i%100 == 0 {
				io.WriteString(up, "the zebrafish is here\r\n")
			}
			io.WriteString(up, strings.Repeat("All work and no play makes a dull mail server.\r\n", size/48))
			in = append(in, mailbox.Appended{Upload: up})
		}
		if _, err := account.Append(ctx, "INBOX", in); err != nil {
			t.Fatal(err)
		}
		for _, a := range in {
			a.Release()
		}
	}
}

type nopConn struct{ net.Conn }

func (nopConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// client is a connection that counts what comes.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{conn, bufio.NewReaderSize(conn, 256<<10)}
	if _, err := c.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return c
}

// do sends a command and reads up to its tagged response.
func (c *client) do(t testing.TB, line string) (octets int) {
	fmt.Fprintf(c, "t %s\r\n", line)
	for {
		b, err := c.in.ReadSlice('\n')
		if err != nil {
			t.Fatal(err)
		}
		octets += len(b)
		if len(b) > 2 && b[0] == 't' && b[1] == ' ' {
			if string(b[2:4]) != "OK" {
				t.Fatalf("%s: %s", line, b)
			}
			return octets
		}
	}
}

func benchFetch(b *testing.B, command string) {
	h := newHouse(b)
	addr := h.door(b, Config{AllowPlainAuth: true})
	user := h.user(b, "alpha.example")
	h.fill(b, user, benchMessages, 10<<10)
	c := dial(b, addr)
	defer c.Close()
	c.do(b, "LOGIN "+user+" \""+password+"\"")
	c.do(b, "SELECT INBOX")
	b.ResetTimer()
	n := 0
	for b.Loop() {
		n += c.do(b, command)
	}
	b.SetBytes(int64(n / b.N))
	b.ReportMetric(float64(b.N)*benchMessages/b.Elapsed().Seconds(), "msgs/s")
}

func BenchmarkFetchFlags(b *testing.B)    { benchFetch(b, "FETCH 1:* (UID FLAGS)") }
func BenchmarkFetchEnvelope(b *testing.B) { benchFetch(b, "FETCH 1:* (UID ENVELOPE)") }
func BenchmarkFetchBody(b *testing.B)     { benchFetch(b, "FETCH 1:* (BODY.PEEK[])") }
func BenchmarkFetchHeaders(b *testing.B) {
	benchFetch(b, "UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)])")
}
func BenchmarkSearchText(b *testing.B)    { benchFetch(b, "SEARCH TEXT zebrafish") }
func BenchmarkSearchSubject(b *testing.B) { benchFetch(b, "SEARCH UNSEEN SUBJECT 4321") }

// BenchmarkSession is LOGIN, SELECT, LOGOUT on a new connection.
func BenchmarkSession(b *testing.B) {
	h := newHouse(b)
	addr := h.door(b, Config{AllowPlainAuth: true})
	user := h.user(b, "alpha.example")
	for b.Loop() {
		c := dial(b, addr)
		c.do(b, "LOGIN "+user+" \""+password+"\"")
		c.do(b, "SELECT INBOX")
		c.do(b, "LOGOUT")
		c.Close()
	}
}

// BenchmarkIdle tells the memory of a connection in IDLE, both ends of it.
func BenchmarkIdle(b *testing.B) {
	h := newHouse(b)
	addr := h.door(b, Config{AllowPlainAuth: true})
	user := h.user(b, "alpha.example")
	before := memory()
	const n = 500
	for b.Loop() {
		conns := make([]net.Conn, 0, n)
		for range n {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			fmt.Fprintf(conn, "a LOGIN %s \"%s\"\r\nb SELECT INBOX\r\nc IDLE\r\n", user, password)
			buf := make([]byte, 4096)
			for got := ""; !strings.Contains(got, "+ idling"); {
				k, err := conn.Read(buf)
				if err != nil {
					b.Fatal(err)
				}
				got += string(buf[:k])
			}
			conns = append(conns, conn)
		}
		time.Sleep(200 * time.Millisecond)
		b.ReportMetric(float64(memory()-before)/n, "octets/conn")
		for _, c := range conns {
			c.Close()
		}
	}
}

func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
