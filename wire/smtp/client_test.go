package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	gosasl "github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"tegami/lab/tlstest"
	"tegami/mail"
)

// peer is a server made of emersion/go-smtp, for the client to speak with.
type peer struct {
	mu   sync.Mutex
	got  []got
	user string
}

type got struct {
	from string
	opts gosmtp.MailOptions
	to   []string
	rcpt []gosmtp.RcptOptions
	body string
}

func (p *peer) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return &peerSession{peer: p}, nil }

type peerSession struct {
	peer *peer
	got
}

func (s *peerSession) Reset()        { s.got = got{} }
func (s *peerSession) Logout() error { return nil }

func (s *peerSession) Mail(from string, opts *gosmtp.MailOptions) error {
	s.from, s.opts = from, *opts
	return nil
}

func (s *peerSession) Rcpt(to string, opts *gosmtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
	}
	s.to, s.rcpt = append(s.to, to), append(s.rcpt, *opts)
	return nil
}

func (s *peerSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.body = string(body)
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	s.peer.got = append(s.peer.got, s.got)
	return nil
}

func (s *peerSession) AuthMechanisms() []string { return []string{gosasl.Plain} }

func (s *peerSession) Auth(string) (gosasl.Server, error) {
	return gosasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return gosmtp.ErrAuthFailed
		}
		s.peer.user = user
		return nil
	}), nil
}

// startPeer runs the server until the test ends.
func startPeer(t *testing.T) (p *peer, addr string, config *tls.Config) {
	t.Helper()
	serverTLS, clientTLS := tlstest.New(t)
	p = &peer{}
	s := gosmtp.NewServer(p)
	s.Domain, s.EnableSMTPUTF8, s.EnableDSN, s.EnableBINARYMIME = "mx.example", true, true, true
	s.MaxLineLength = 4000
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.TLSConfig = serverTLS
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return p, l.Addr().String(), clientTLS
}

// greeted connects a client and greets.
func greeted(t *testing.T, addr string) *Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := NewClient(conn, "client.example")
	if r, err := c.Greet(t.Context()); err != nil || !r.OK() {
		t.Fatal(r, err)
	}
	return c
}

// plain speaks PLAIN.
type plain struct{ user, password string }

func (plain) Mechanism() string { return "PLAIN" }
func (p plain) Next([]byte) ([]byte, error) {
	return []byte("\x00" + p.user + "\x00" + p.password), nil
}
func (plain) Verify() error { return nil }

func address(s string) mail.Address {
	a, err := mail.ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

func to(addresses ...string) (list []mail.Recipient) {
	for _, a := range addresses {
		list = append(list, mail.Recipient{Address: address(a)})
	}
	return list
}

func TestClient(t *testing.T) {
	p, addr, config := startPeer(t)
	c := greeted(t, addr)
	ctx := t.Context()
	if r, err := c.StartTLS(ctx, config); err != nil || !r.OK() || c.TLS() == nil {
		t.Fatal(r, err)
	}
	if r, err := c.Auth(ctx, plain{"u", "wrong"}); err != nil || r.Code != 535 {
		t.Error(r, err)
	}
	if r, err := c.Auth(ctx, plain{"u", "secret"}); err != nil || r.Code != 235 || p.user != "u" {
		t.Error(r, err)
	}
	env := mail.Envelope{From: address("a..b@docomo.ne.jp"), To: to("b@x.example", "nobody@x.example", "c@x.example"),
		Opts: mail.Options{Body: mail.Body8BitMIME, Ret: mail.RetHeaders, EnvID: "id+1"}}
	env.To[0].Notify, env.To[0].Orcpt = mail.NotifySuccess|mail.NotifyDelay, "rfc822;b+c@x.example"
	const body = "Subject: x\r\n\r\n.\r\n..dots\r\nno end"
	sent, err := c.Send(ctx, env, int64(len(body)), strings.NewReader(body))
	if err != nil || !sent.From.OK() || !sent.To[0].OK() || sent.To[1].Code != 550 || !sent.To[2].OK() || !sent.Data.OK() {
		t.Fatalf("%+v, %v", sent, err)
	}
	if len(p.got) != 1 {
		t.Fatal(p.got)
	}
	g := p.got[0]
	if g.from != "a..b@docomo.ne.jp" || len(g.to) != 2 || g.body != body+"\r\n" || g.opts.Size != int64(len(body)) || g.opts.Body != gosmtp.Body8BitMIME ||
		g.opts.Return != gosmtp.DSNReturnHeaders || g.opts.EnvelopeID != "id+1" || len(g.rcpt[0].Notify) != 2 || g.rcpt[0].OriginalRecipient != "b+c@x.example" {
		t.Errorf("%+v", g)
	}
	if err := c.Quit(ctx); err != nil {
		t.Error(err)
	}
}

func TestClientBinary(t *testing.T) {
	p, addr, _ := startPeer(t)
	c := greeted(t, addr)
	env := mail.Envelope{To: to("b@x.example"), Opts: mail.Options{Body: mail.BodyBinaryMIME}}
	const body = "a\n\x00\r.\r\n.\r\n"
	sent, err := c.Send(t.Context(), env, int64(len(body)), strings.NewReader(body))
	if err != nil || !sent.Data.OK() || p.got[0].body != body || p.got[0].from != "" {
		t.Fatalf("%+v, %v, %+v", sent, err, p.got)
	}
	if sent, err = c.Send(t.Context(), mail.Envelope{To: to("nobody@x.example"), Opts: env.Opts}, 1, strings.NewReader("a")); err != nil || sent.Data.Code != 0 || sent.To[0].Code != 550 {
		t.Errorf("%+v, %v", sent, err)
	}
}

func TestClientRefuses(t *testing.T) {
	_, addr, _ := startPeer(t)
	c := greeted(t, addr)
	env := mail.Envelope{To: to("b@x.example")}
	env.Opts.RequireTLS = true
	if _, err := c.Send(t.Context(), env, -1, strings.NewReader("a")); !keyIs(err, "smtp.extension.missing") {
		t.Errorf("REQUIRETLS where it isn't offered: %v", err)
	}
	env = mail.Envelope{From: mail.Address{Local: "a\r\nRCPT TO:<evil@x.example>\r\n", Domain: "x.example"}, To: to("b@x.example")}
	if _, err := c.Send(t.Context(), env, -1, strings.NewReader("a")); !keyIs(err, "smtp.syntax") {
		t.Errorf("a line end in an address: %v", err)
	}
	if _, err := c.Command(t.Context(), "NOOP\r\nQUIT"); !keyIs(err, "smtp.syntax") {
		t.Errorf("a line end in a command: %v", err)
	}
	if _, err := c.Send(t.Context(), mail.Envelope{}, -1, strings.NewReader("a")); !keyIs(err, "smtp.syntax") {
		t.Errorf("no recipients: %v", err)
	}
	if r, err := c.Command(t.Context(), "NOOP"); err != nil || !r.OK() {
		t.Errorf("after it: %v, %v", r, err)
	}
}

// play is a server that follows a script: what it says, then for each line it reads what it answers.
func play(t *testing.T, greeting string, answers ...string) *Client {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	go func() {
		io.WriteString(theirs, greeting)
		r := NewReader(theirs, nil)
		for _, a := range answers {
			if _, err := r.Line(MaxAuthLine); err != nil {
				return
			}
			io.WriteString(theirs, a)
		}
		io.Copy(io.Discard, theirs)
	}()
	return NewClient(ours, "client.example")
}

func TestClientDialogs(t *testing.T) {
	ctx := t.Context()
	t.Run("refused at the greeting", func(t *testing.T) {
		if r, err := play(t, "554 5.7.1 no\r\n").Greet(ctx); err != nil || r.Code != 554 {
			t.Error(r, err)
		}
	})
	t.Run("only HELO", func(t *testing.T) {
		c := play(t, "220 old\r\n", "500 what\r\n", "250 hello\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "", "250 taken\r\n")
		if r, err := c.Greet(ctx); err != nil || !r.OK() {
			t.Fatal(r, err)
		}
		env := mail.Envelope{To: to("b@x.example"), Opts: mail.Options{Body: mail.Body8BitMIME, EnvID: "x"}}
		if sent, err := c.Send(ctx, env, 1, strings.NewReader("a")); err != nil || !sent.Data.OK() {
			t.Errorf("%+v, %v", sent, err)
		}
		if _, err := c.StartTLS(ctx, nil); !keyIs(err, "smtp.extension.missing") {
			t.Error(err)
		}
	})
	t.Run("354 for nobody", func(t *testing.T) {
		c := play(t, "220 a\r\n", "250-a\r\n250 PIPELINING\r\n", "", "", "250 ok\r\n550 no\r\n354 go\r\n", "554 no recipients\r\n")
		c.Greet(ctx)
		if sent, err := c.Send(ctx, mail.Envelope{To: to("b@x.example")}, -1, strings.NewReader("secret")); err != nil || sent.Data.Code != 554 {
			t.Errorf("%+v, %v", sent, err)
		}
	})
	t.Run("no server", func(t *testing.T) {
		for _, greeting := range []string{"HTTP/1.1 400 Bad Request\r\n", strings.Repeat("220-x\r\n", 1000), strings.Repeat("x", 100000)} {
			if _, err := play(t, greeting).Greet(ctx); !errors.Is(err, ErrReply) {
				t.Errorf("%.10q: %v", greeting, err)
			}
		}
	})
	t.Run("silent", func(t *testing.T) {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		if _, err := play(t, "").Greet(short); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		stopped, cancel := context.WithCancel(ctx)
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := play(t, "").Greet(stopped); err == nil {
			t.Error("went on")
		}
	})
	t.Run("body that can't be read", func(t *testing.T) {
		c := play(t, "220 a\r\n", "250 a\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n")
		c.Greet(ctx)
		broken := mail.E("store", mail.Unavailable, "storage.failed")
		if _, err := c.Send(ctx, mail.Envelope{To: to("b@x.example")}, -1, errReader{broken}); err == nil || InStep(err) {
			t.Error(err)
		}
	})
	t.Run("AUTH cancelled by us", func(t *testing.T) {
		c := play(t, "220 a\r\n", "250-a\r\n250 AUTH X\r\n", "334 !!!\r\n", "501 cancelled\r\n")
		c.Greet(ctx)
		if _, err := c.Auth(ctx, plain{}); !errors.Is(err, ErrReply) {
			t.Error(err)
		}
	})
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// TestClientResets: a transaction that a refusal left open is reset before the next, in the same write where the server
// pipelines.
func TestClientResets(t *testing.T) {
	ctx := t.Context()
	env := mail.Envelope{To: to("b@x.example")}
	c := play(t, "220 a\r\n", "250-a\r\n250 PIPELINING\r\n", "", "", "250 ok\r\n550 no\r\n503 none\r\n", // MAIL, RCPT, DATA
		"", "", "", "250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n", "", "250 taken\r\n", // RSET and the same, a line, a dot
		"", "", "250 ok\r\n250 ok\r\n354 go\r\n", "", "250 taken\r\n")
	c.Greet(ctx)
	if sent, err := c.Send(ctx, env, 1, strings.NewReader("a")); err != nil || sent.Data.Code != 503 || sent.Ended {
		t.Fatalf("%+v, %v", sent, err)
	}
	for range 2 {
		if sent, err := c.Send(ctx, env, 1, strings.NewReader("a")); err != nil || !sent.Data.OK() || !sent.Ended {
			t.Fatalf("%+v, %v", sent, err)
		}
	}
}

// TestClientStopsEarly: without pipelining nothing is sent that can't succeed.
func TestClientStopsEarly(t *testing.T) {
	ctx := t.Context()
	env := mail.Envelope{To: to("b@x.example", "c@x.example")}
	c := play(t, "220 a\r\n", "250 a\r\n", "550 no\r\n", "250 reset\r\n", "250 ok\r\n", "550 no\r\n", "550 no\r\n", "250 reset\r\n", "550 quota\r\n")
	c.Greet(ctx)
	if sent, err := c.Send(ctx, env, 1, strings.NewReader("a")); err != nil || sent.From.Code != 550 || sent.To[0].Code != 0 {
		t.Errorf("MAIL refused: %+v, %v", sent, err)
	}
	if sent, err := c.Send(ctx, env, 1, strings.NewReader("a")); err != nil || sent.To[1].Code != 550 || sent.Data.Code != 0 {
		t.Errorf("all recipients refused: %+v, %v", sent, err)
	}
	if sent, err := c.Send(ctx, env, 1, strings.NewReader("a")); err != nil || sent.From.Code != 550 {
		t.Errorf("after it: %+v, %v", sent, err)
	}
}

// TestClientSaysHowFarItCame: whether a message may have arrived on a connection that broke.
func TestClientSaysHowFarItCame(t *testing.T) {
	for _, ended := range []bool{false, true} {
		ours, theirs := net.Pipe()
		go func() {
			io.WriteString(theirs, "220 a\r\n")
			r := NewReader(theirs, nil)
			for _, a := range []string{"250 a\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"} {
				r.Line(MaxAuthLine)
				io.WriteString(theirs, a)
			}
			for ended {
				if line, err := r.Line(MaxAuthLine); err != nil || string(line) == "." {
					break
				}
			}
			theirs.Close()
		}()
		c := NewClient(ours, "client.example")
		c.Greet(t.Context())
		sent, err := c.Send(t.Context(), mail.Envelope{To: to("b@x.example")}, -1, strings.NewReader(strings.Repeat("a line\r\n", 10_000)))
		if err == nil || sent.Ended != ended {
			t.Errorf("ended %v: %+v, %v", ended, sent, err)
		}
		ours.Close()
	}
}

// TestClientWaitsForTheAnswer: when the context ends after the body went out, the answer is still heard.
func TestClientWaitsForTheAnswer(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		io.WriteString(theirs, "220 a\r\n")
		r := NewReader(theirs, nil)
		for _, a := range []string{"250 a\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", ""} {
			r.Line(MaxAuthLine)
			io.WriteString(theirs, a)
		}
		r.Line(MaxAuthLine) // the dot
		cancel()
		io.WriteString(theirs, "250 taken\r\n")
	}()
	c := NewClient(ours, "client.example")
	c.Greet(t.Context())
	if sent, err := c.Send(ctx, mail.Envelope{To: to("b@x.example")}, -1, strings.NewReader("a")); err != nil || !sent.Data.OK() {
		t.Errorf("%+v, %v", sent, err)
	}
}

// TestClientKeepsLittleOfLongReplies: what a server says about each of many recipients is not kept to the end.
func TestClientKeepsLittleOfLongReplies(t *testing.T) {
	long := strings.Repeat("550-"+strings.Repeat("x", 500)+"\r\n", maxReplyLines-1) + "550 the end\r\n"
	c := play(t, "220 a\r\n", "250 a\r\n", "250 ok\r\n", long, long)
	if _, err := c.Greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent, err := c.Send(t.Context(), mail.Envelope{To: to("b@x.example", "c@x.example")}, -1, strings.NewReader("a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sent.To {
		if r.Code != 550 || len(r.Lines) != 2 || cap(r.Lines) > 8 {
			t.Errorf("%d lines of %d are kept", len(r.Lines), cap(r.Lines))
		}
	}
}

func TestClientKnowsItsServersName(t *testing.T) {
	for _, c := range []struct {
		greeting, hello, name string
		want                  bool
	}{
		{"220 mx.example ESMTP\r\n", "250 x\r\n", "MX.example", true},
		{"220 x\r\n", "250 mx.example. hello\r\n", "mx.example", true},
		{"220 mx.example\r\n", "250 mx.example\r\n", "example", false},
		{"220 \r\n", "250\r\n", "", false},
	} {
		client := play(t, c.greeting, c.hello)
		if _, err := client.Greet(t.Context()); err != nil || client.Named(c.name) != c.want {
			t.Errorf("%q, %q: %s is %v, %v", c.greeting, c.hello, c.name, client.Named(c.name), err)
		}
	}
}

func TestClientSecure(t *testing.T) {
	_, _, config := startPeer(t)
	if config.ServerName == "" {
		t.Fatal("no name")
	}
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go theirs.Write([]byte("220 no TLS here\r\n"))
	go io.Copy(io.Discard, theirs)
	c := NewClient(ours, "client.example")
	c.SetWaits(Waits{Command: time.Second})
	if err := c.Secure(t.Context(), config); err == nil {
		t.Error("a handshake with nobody succeeded")
	}
	c.Leave()
}
