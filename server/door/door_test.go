package door

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegami/directory"
	"tegami/lab/tlstest"
	"tegami/mail"
	"tegami/wire/sasl"
)

const loopback = "127.0.0.1"

// TestNetworkOf: who has one address of a network has them all; loopback and what has no address count for nobody.
func TestNetworkOf(t *testing.T) {
	for _, c := range []struct {
		ip    string
		bits4 int
		want  string
	}{
		{"192.0.2.77", 32, "192.0.2.77/32"}, {"192.0.2.77", 24, "192.0.2.0/24"}, {"::ffff:192.0.2.77", 24, "192.0.2.0/24"},
		{"2001:db8::1:2:3:4", 24, "2001:db8::/64"}, {"fe80::1%eth0", 24, "fe80::/64"}, {"127.0.0.1", 32, ""}, {"::1", 32, ""},
	} {
		network, ok := NetworkOf(netip.MustParseAddr(c.ip), c.bits4)
		if ok != (c.want != "") || ok && network.String() != c.want {
			t.Errorf("%s: %v, %v; want %q", c.ip, network, ok, c.want)
		}
	}
	if _, ok := NetworkOf(netip.Addr{}, 32); ok {
		t.Error("no address makes a network")
	}
}

// TestLimits: in all, of a network, of an account; each place that was left is free again.
func TestLimits(t *testing.T) {
	b := open(t, Config{Limits: Limits{Connections: 5, PerNetwork: 2, PerAccount: 1, IPv4Bits: 24}})
	const tooMany = "no door.too_many_connections"
	first, second := b.call("192.0.2.1"), b.call("192.0.2.2")
	first.says("hello toy")
	second.says("hello toy")
	b.call("192.0.2.3").says(tooMany) // the network's third
	six := b.call("2001:db8::1")
	six.says("hello toy")
	b.call(loopback).says("hello toy")
	b.call(loopback).says("hello toy")
	b.call(loopback).says(tooMany) // the sixth in all

	first.ask("IN", "ok IN")
	second.ask("IN", "ok IN too many")
	first.ask("OUT", "ok OUT")
	second.ask("IN", "ok IN")
	io.WriteString(second.conn, "QUIT\n")
	<-b.ended
	left(t, b, 4)
	third := b.call("192.0.2.3")
	third.says("hello toy")
	third.ask("IN", "ok IN")
}

// left waits until so many sessions are open: a session is counted out behind its End.
func left(t *testing.T, b *bench, n int) {
	t.Helper()
	for range 1000 {
		if len(b.server.conns()) == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d sessions are open, want %d", len(b.server.conns()), n)
}

// TestAdmit: who may not come is told so and gets no session.
func TestAdmit(t *testing.T) {
	b := open(t, Config{Zone: mail.ZoneVPN, Admit: func(_ context.Context, o mail.Origin) error {
		if o.Zone == mail.ZoneVPN && o.Remote.String() == "192.0.2.1" {
			return mail.E("test", mail.Denied, "zone.unknown_network")
		}
		return nil
	}})
	refused := b.call("192.0.2.1")
	refused.says("no zone.unknown_network")
	refused.hangsUp()
	b.call("192.0.2.2").says("hello toy")
	left(t, b, 1)
	if len(b.ended) != 0 {
		t.Error("the refused had a session")
	}
}

// TestImplicitTLS: nothing is said in the clear, to nobody.
func TestImplicitTLS(t *testing.T) {
	server, client := tlstest.New(t)
	b := open(t, Config{ImplicitTLS: true, TLS: server, Limits: Limits{Connections: 1}})
	first := b.call(loopback)
	first.secure(client)
	first.says("hello toy")
	b.call(loopback).hangsUp() // turned away before TLS
	first.ask("TLS?", "ok TLS?")
	if all := b.server.conns(); len(all) != 1 || !strings.HasPrefix(all[0].info().TLS, "TLS1.3 TLS_") {
		t.Errorf("%v", all)
	}
}

// TestStartTLS: the session goes on over TLS, and has something to bind to.
func TestStartTLS(t *testing.T) {
	server, client := tlstest.New(t)
	b := open(t, Config{TLS: server})
	c := b.call(loopback)
	c.says("hello toy")
	conn := b.server.conns()[0]
	if !conn.CanStartTLS() || conn.Channel().Bindable() {
		t.Error("before TLS")
	}
	io.WriteString(c.conn, "TLS\n")
	c.secure(client)
	line, err := c.in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ok TLS TLS1.3 TLS_") {
		t.Fatal(line, err)
	}
	c.ask("x", "ok x")
	if conn.CanStartTLS() || !conn.IsTLS() || !conn.Channel().Bindable() || conn.Channel().Leaf == nil {
		t.Error("after TLS")
	}
}

// TestCertificateShown: whichever certificate a peer is shown, both ends bind to the same one.
func TestCertificateShown(t *testing.T) {
	one, client := tlstest.New(t)
	other, _ := tlstest.New(t)
	other.Certificates[0].Leaf = nil // as of one that was read from a file
	for name, config := range map[string]*tls.Config{
		"the only one":  {Certificates: one.Certificates},
		"one of two":    {Certificates: append(one.Certificates[:1:1], other.Certificates...)},
		"as it chooses": {GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &one.Certificates[0], nil }},
		"without leaf":  {Certificates: other.Certificates},
		"if none is chosen": {Certificates: one.Certificates,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, Config{ImplicitTLS: true, TLS: config})
			c := b.call(loopback)
			trusting := client.Clone()
			trusting.InsecureSkipVerify = true // which one it is, is what we ask
			c.secure(trusting)
			c.says("hello toy")
			seen := c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
			if leaf := b.server.conns()[0].Channel().Leaf; leaf == nil || !leaf.Equal(seen) {
				t.Errorf("bound to %v", leaf)
			}
			go io.Copy(io.Discard, c.conn)
		})
	}
}

// TestHandshakeTakesTooLong: who connects and does not speak TLS keeps no place.
func TestHandshakeTakesTooLong(t *testing.T) {
	server, _ := tlstest.New(t)
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{ImplicitTLS: true, TLS: server})
		began := time.Now()
		b.call(loopback).hangsUp()
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		b.stop()
	})
}

// TestStop: who waits hears that it is over, who works ends first, who takes too long is cut.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{})
		waiting, working, reading := b.call(loopback), b.call(loopback), b.call(loopback)
		for _, c := range []*caller{waiting, working, reading} {
			c.says("hello toy")
		}
		io.WriteString(working.conn, "WORK\n")
		<-b.working
		reading.ask("BODY", "go")
		go b.stop()
		waiting.says("bye door.stopping")
		waiting.hangsUp()
		reading.ask("text", `ok BODY "text\n" <nil>`) // a body is read to its end
		reading.says("bye door.stopping")
		synctest.Wait()
		close(b.release)
		working.says("ok WORK")
		working.says("bye door.stopping")
		b.stop()
	})
}

func TestStopCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{Limits: Limits{Grace: 3 * time.Second}})
		c := b.call(loopback)
		c.says("hello toy")
		io.WriteString(c.conn, "WORK\n")
		<-b.working
		began := time.Now()
		b.stop()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		if broken := <-b.ended; broken {
			t.Error("the session is called broken")
		}
	})
}

// TestPanic ends its session, tells End, and nobody else notices.
func TestPanic(t *testing.T) {
	b := open(t, Config{})
	c, other := b.call(loopback), b.call(loopback)
	c.says("hello toy")
	other.says("hello toy")
	io.WriteString(c.conn, "PANIC\n")
	if !<-b.ended {
		t.Error("End does not know of the panic")
	}
	c.hangsUp()
	other.ask("x", "ok x")
	left(t, b, 1)
}

// TestRevocation: who lost its right is out within 5 seconds: in its own words while it waits, and cut while it works.
func TestRevocation(t *testing.T) {
	for name, c := range map[string]struct {
		command, answer string
		atMost          time.Duration
	}{
		"waiting": {"x", "ok x", 2 * time.Second},
		"working": {"WORK", "", 4 * time.Second},
		"reading": {"BODY", "go", 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var revoked atomic.Bool
				b := open(t, Config{Current: func(_ context.Context, who *directory.Identity) error {
					if who == nil {
						t.Error("somebody who did not sign in is asked after")
					}
					if revoked.Load() {
						return mail.E("test", mail.Denied, "auth.changed")
					}
					return mail.E("test", mail.Unavailable, "storage.failed") // no reason to end anything
				}})
				stranger, in := b.call(loopback), b.call(loopback)
				stranger.says("hello toy")
				in.says("hello toy")
				in.ask("IN", "ok IN")
				io.WriteString(in.conn, c.command+"\n")
				if c.answer != "" {
					in.says(c.answer)
				}
				time.Sleep(30 * time.Second) // asked after many times
				revoked.Store(true)
				began := time.Now()
				rest, err := io.ReadAll(in.in)
				if took := time.Since(began); took > c.atMost || err != nil && !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("%q, %v after %v", rest, err, took)
				}
				if name == "waiting" && string(rest) != "bye auth.changed\n" {
					t.Errorf("%q", rest)
				}
				stranger.ask("x", "ok x")
				b.stop()
			})
		})
	}
}

// TestSessions lists who is there, and forgets who went.
func TestSessions(t *testing.T) {
	var all Sessions
	b := open(t, Config{Sessions: &all, Zone: mail.ZoneInternet})
	first := b.call("192.0.2.1")
	first.says("hello toy")
	second := b.call("192.0.2.2")
	second.says("hello toy")
	second.ask("IN", "ok IN")
	second.ask("x", "ok x")
	list := all.All()
	if len(list) != 2 || list[0].Remote.String() != "192.0.2.1" || list[0].Mechanism != "" || list[0].Command != "" ||
		list[1].Protocol != "toy" || list[1].Mechanism != "TOY" || list[1].Command != "x" || list[1].ID == "" || list[1].CommandAt.Before(list[1].Since) {
		t.Errorf("%+v", list)
	}
	if of := all.Of(0, 7); len(of) != 0 {
		t.Errorf("%+v", of)
	}
	io.WriteString(second.conn, "QUIT\n")
	<-b.ended
	left(t, b, 1)
	if list := all.All(); len(list) != 1 {
		t.Errorf("%+v", list)
	}
	go io.Copy(io.Discard, first.conn)
	b.stop()
	if list := all.All(); len(list) != 0 {
		t.Errorf("after the stop: %+v", list)
	}
	if list := (*Sessions)(nil).All(); list != nil {
		t.Error(list)
	}
}

// TestCP9SessionEnds: a session is ended by its id, in its own words, and no other with it.
func TestCP9SessionEnds(t *testing.T) {
	var all Sessions
	b := open(t, Config{Sessions: &all})
	first := b.call("192.0.2.1")
	first.says("hello toy")
	second := b.call("192.0.2.2")
	second.says("hello toy")
	if all.End("nobody's") || (*Sessions)(nil).End("x") {
		t.Error("a session that is none was ended")
	}
	if !all.End(all.All()[0].ID) {
		t.Fatal("it was not ended")
	}
	first.says("bye session.ended")
	<-b.ended
	left(t, b, 1)
	second.ask("x", "ok x")
	go io.Copy(io.Discard, second.conn)
	b.stop()
}

// failing is a listener that fails a few times before it goes on.
type failing struct {
	*pipes
	left atomic.Int32
}

func (l *failing) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.pipes.Accept()
}

// TestAcceptFails: a door that has no descriptors left waits, longer each time, and goes on.
func TestAcceptFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := &failing{pipes: &pipes{ch: make(chan net.Conn), closed: make(chan struct{})}}
		ln.left.Store(10)
		p := &toy{ended: make(chan bool, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		began := time.Now()
		go func() { done <- New(Config{Name: "toy"}, p).Serve(ctx, ln) }()
		ours, theirs := net.Pipe()
		ln.ch <- theirs
		if took := time.Since(began); took != (5+10+20+40+80+160+320+640+1000+1000)*time.Millisecond {
			t.Errorf("paused %v", took)
		}
		ours.Close()
		<-p.ended
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestListenerCloses: its end is an error where nobody asked for it, and still lets sessions take leave.
func TestListenerCloses(t *testing.T) {
	ln := &pipes{ch: make(chan net.Conn), closed: make(chan struct{})}
	p := &toy{ended: make(chan bool, 1)}
	done := make(chan error, 1)
	go func() {
		done <- New(Config{Name: "toy", Current: func(context.Context, *directory.Identity) error { return nil }}, p).Serve(t.Context(), ln)
	}()
	ours, theirs := net.Pipe()
	defer ours.Close()
	ln.ch <- theirs
	c := &caller{t, ours, bufio.NewReader(ours)}
	c.says("hello toy")
	ln.Close()
	c.says("bye door.stopping")
	if err := <-done; !mail.Is(err, mail.Unavailable) {
		t.Error(err)
	}
}

// TestLongNamesInLogs: of what a stranger calls himself only so much is logged as a name can have.
func TestLongNamesInLogs(t *testing.T) {
	var log bytes.Buffer
	s := New(Config{Name: "toy", Log: slog.New(slog.NewTextHandler(&log, nil))}, &toy{})
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	s.NewConn(near).SignInFailed(strings.Repeat("x", sasl.MaxUser)+"tail\xff", "LOGIN", mail.E("test", mail.Denied, "auth.failed"))
	if text := log.String(); !strings.Contains(text, "user="+strings.Repeat("x", sasl.MaxUser)+" ") {
		t.Errorf("logged %q", text)
	}
}
