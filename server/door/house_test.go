package door

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// toy is a protocol of lines. It greets, answers each line with "ok" and the line, and knows a few verbs:
// IN signs in, OUT signs out, BODY reads a line that is no command, WORK runs until it is let go, PANIC, QUIT.
type toy struct {
	working chan struct{} // gets one when WORK begins
	release chan struct{} // lets WORK end
	ended   chan bool     // what End was told
	server  *Server
}

type toySession struct {
	*toy
	c  *Conn
	in *bufio.Reader
}

func (p *toy) Open(c *Conn) Session { return &toySession{p, c, bufio.NewReader(c)} }

func (p *toy) TurnAway(c *Conn, why error) {
	key, _ := mail.TextOf(why)
	fmt.Fprintf(c, "no %s\n", key)
}

// patience of the toy for a command.
const patience = time.Minute

func (s *toySession) Serve(ctx context.Context) {
	fmt.Fprintf(s.c, "hello %s\n", s.c.Origin.Door)
	for {
		s.c.Await(time.Now().Add(patience))
		line, err := s.in.ReadString('\n')
		if why := s.c.Ending(); why != nil {
			key, _ := mail.TextOf(why)
			fmt.Fprintf(s.c, "bye %s\n", key)
			return
		}
		line = strings.TrimSpace(line)
		if err != nil || line == "QUIT" {
			return
		}
		s.c.Command(line, time.Now())
		fmt.Fprintf(s.c, "ok %s%s\n", line, s.run(ctx, line))
	}
}

func (s *toySession) run(ctx context.Context, line string) string {
	switch line {
	case "IN":
		if !s.c.SignedIn(&directory.Identity{}, "TOY") {
			return " too many"
		}
	case "OUT":
		s.c.SignedOut()
	case "BODY":
		fmt.Fprint(s.c, "go\n")
		s.c.Expect(time.Now().Add(patience))
		body, err := s.in.ReadString('\n')
		return fmt.Sprintf(" %q %v", body, err)
	case "WORK":
		s.working <- struct{}{}
		select {
		case <-s.release:
		case <-ctx.Done():
			return " cut"
		}
	case "TLS":
		if s.c.StartTLS(ctx) == nil {
			s.in.Reset(s.c)
			return " " + s.c.Origin.TLS
		}
	case "PANIC":
		panic("as asked")
	}
	return ""
}

func (s *toySession) End(broken bool) { s.ended <- broken }

// pipes is a listener whose connections are pipes, so that time can be made up (testing/synctest).
type pipes struct {
	ch     chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.ch:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// farConn is a connection from somewhere.
type farConn struct {
	net.Conn
	from netip.Addr
}

func (c farConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.from, 1)) }

// a bench is a door of the toy protocol over pipes.
type bench struct {
	*toy
	t    testing.TB
	ln   *pipes
	stop func()
}

func open(t testing.TB, cfg Config) *bench {
	t.Helper()
	p := &toy{working: make(chan struct{}, 10), release: make(chan struct{}), ended: make(chan bool, 100)}
	cfg.Name = "toy"
	p.server = New(cfg, p)
	b := &bench{toy: p, t: t, ln: &pipes{ch: make(chan net.Conn), closed: make(chan struct{})}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.server.Serve(ctx, b.ln) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// caller is a client's end.
type caller struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// call connects from an address.
func (b *bench) call(from string) *caller {
	b.t.Helper()
	ours, theirs := net.Pipe()
	b.t.Cleanup(func() { ours.Close() })
	b.ln.ch <- farConn{theirs, netip.MustParseAddr(from)}
	return &caller{b.t, ours, bufio.NewReader(ours)}
}

func (c *caller) secure(config *tls.Config) {
	conn := tls.Client(c.conn, config)
	c.conn, c.in = conn, bufio.NewReader(conn)
}

// says wants a line.
func (c *caller) says(want string) {
	c.t.Helper()
	if line, err := c.in.ReadString('\n'); err != nil || strings.TrimSpace(line) != want {
		c.t.Fatalf("%q, %v; want %q", line, err, want)
	}
}

func (c *caller) ask(line, want string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
	c.says(want)
}

// hangsUp wants the end.
func (c *caller) hangsUp() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Errorf("%q, %v; want the end", rest, err)
	}
}
