package imapd

import (
	"bufio"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// squeezed is a client's end of a compressed connection, by compress/flate.
type squeezed struct {
	net.Conn
	in  io.Reader
	out *flate.Writer
}

func (s squeezed) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s squeezed) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	if err == nil {
		err = s.out.Flush()
	}
	return n, err
}

// squeeze compresses a client's connection from here on.
func squeeze(t testing.TB, c *client) *client {
	out, err := flate.NewWriter(c.Conn, 6)
	if err != nil {
		t.Fatal(err)
	}
	conn := squeezed{c.Conn, flate.NewReader(c.in), out}
	return &client{conn, bufio.NewReaderSize(conn, 64<<10)}
}

// Large and random things go both ways compressed, with a client that knows compress/flate and not our codec.
func TestCompress(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	c := dial(t, addr)
	defer c.Close()
	c.do(t, "LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"")
	c.do(t, "COMPRESS DEFLATE")
	c = squeeze(t, c)
	rnd := rand.New(rand.NewPCG(1, 2))
	var sent []string
	for _, n := range []int{1, 1000, 100_000, 3 << 20} {
		var b bytes.Buffer
		for b.Len() < n {
			fmt.Fprintf(&b, "%s %x\r\n", strings.Repeat("word ", rnd.IntN(20)), rnd.Uint32())
		}
		sent = append(sent, b.String())
		c.do(t, fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", b.Len(), b.String()))
	}
	c.do(t, "SELECT INBOX")
	io.WriteString(c, "x FETCH 1:* BODY.PEEK[]\r\n")
	for i, text := range sent {
		want := fmt.Sprintf("* %d FETCH (BODY[] {%d}\r\n%s)\r\n", i+1, len(text), text)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c.in, got); err != nil || string(got) != want {
			t.Fatalf("message %d of %d octets: %.60q %v", i+1, len(text), got, err)
		}
	}
}

// What a client compressed in the same packet as the command is the beginning of its stream.
func TestCompressPipelined(t *testing.T) {
	h := newHouse(t)
	c := dial(t, h.door(t, Config{AllowPlainAuth: true}))
	defer c.Close()
	c.do(t, "LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"")
	var b bytes.Buffer
	b.WriteString("z COMPRESS DEFLATE\r\n")
	out, err := flate.NewWriter(&b, 6)
	check(t, err)
	fmt.Fprint(out, "y NOOP\r\nx LOGOUT\r\n")
	check(t, out.Flush())
	c.Write(b.Bytes())
	if line, err := c.in.ReadString('\n'); err != nil || line != "z OK DEFLATE active\r\n" {
		t.Fatal(line, err)
	}
	rest, err := io.ReadAll(flate.NewReader(c.in))
	if got := string(rest); err != io.ErrUnexpectedEOF || !strings.HasPrefix(got, "y OK NOOP") || !strings.HasSuffix(got, "x OK LOGOUT completed\r\n") {
		t.Errorf("%q %v", rest, err)
	}
}

// Input that is no DEFLATE stream, or inflates to a line without end, ends the connection or is refused, and takes no memory for it.
func TestCompressedGarbageAndBombs(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true, Limits: Limits{Errors: 3}})
	user := h.user(t, "alpha.example")
	open := func() *client {
		c := dial(t, addr)
		c.SetDeadline(time.Now().Add(time.Minute))
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		c.do(t, "COMPRESS DEFLATE")
		return c
	}
	c := open()
	defer c.Close()
	io.WriteString(c, "\x07garbage, as block type 3 shows\r\n")
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
	c = squeeze(t, open())
	defer c.Close()
	zeros := strings.Repeat("A", 1<<20)
	go func() {
		for range 80 { // past MaxDiscard
			if _, err := io.WriteString(c, zeros); err != nil {
				return
			}
		}
	}()
	rest, err := io.ReadAll(c.in) // what is said may be lost: octets are still on their way when the connection ends
	if err == nil && len(rest) == 0 || len(rest) > 0 && !bytes.HasPrefix(rest, []byte("* BAD The command is too long.")) {
		t.Errorf("%q %v", rest, err)
	}
}

// A silent compressed connection holds no compressor, and goes on where it was.
func TestCompressedRest(t *testing.T) {
	h := newHouse(t)
	srv := New(Config{Name: "imap", AllowPlainAuth: true}, h.dir, h.boxes)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer ln.Close()
	here, err := net.Dial("tcp", ln.Addr().String())
	check(t, err)
	defer here.Close()
	there, err := ln.Accept()
	check(t, err)
	s := openSession(srv, srv.door.NewConn(there))
	s.linger = time.Millisecond
	go func() { s.Serve(t.Context()); there.Close() }()
	c := &client{here, bufio.NewReader(here)}
	if _, err := c.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.do(t, "LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"")
	c.do(t, "COMPRESS DEFLATE")
	c = squeeze(t, c)
	for n := range 20 {
		time.Sleep(time.Duration(n) * time.Millisecond / 5) // sometimes it rests before the next command, sometimes not
		c.do(t, "NOOP")
		s.poke()
	}
	c.do(t, "CAPABILITY")
}
