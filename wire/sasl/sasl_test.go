package sasl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"tegami/lab/tlstest"
	"tegami/mail"
)

// accounts is a Verifier over a map from user to password.
type accounts map[string]string

func (a accounts) Password(_ context.Context, user, password string) error {
	if want, ok := a[user]; !ok || want != password {
		return failed("accounts.Password")
	}
	return nil
}

func (a accounts) SCRAM(_ context.Context, user string) (ScramSecret, error) {
	salt := sha256.Sum256([]byte("key" + user))
	secret, err := NewScramSecret(a[user], salt[:16], MinIterations)
	if _, known := a[user]; !known {
		secret.Keys[0].Stored = make([]byte, sha256.Size)
	}
	return secret, err
}

var people = accounts{"user": "pencil", "sato@alpha.example": "秘密pass", "a,b=c": "x"}

// TestRFC7677 is the exchange of RFC 7677 §3.
func TestRFC7677(t *testing.T) {
	salt, err := Decode([]byte("W22ZaJ0SNY7soEsUEjb6gQ=="))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := NewScramSecret("pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	s := &scramServer{verifier: fixed{secret}, ours: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"}
	c := &scramClient{user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO", header: "n,,"}
	steps := []struct{ client, server string }{
		{"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"},
		{"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
	}
	var challenge []byte
	for _, step := range steps {
		response, err := c.Next(challenge)
		if err != nil || string(response) != step.client {
			t.Fatalf("client sent %q, %v; want %q", response, err, step.client)
		}
		var done bool
		challenge, done, err = s.Next(t.Context(), response)
		if err != nil || done || string(challenge) != step.server {
			t.Fatalf("server sent %q, %v, %v; want %q", challenge, done, err, step.server)
		}
	}
	last, err := c.Next(challenge)
	if err != nil || c.Verify() != nil {
		t.Fatal(err, c.Verify())
	}
	if _, done, err := s.Next(t.Context(), last); !done || err != nil || s.User() != "user" {
		t.Errorf("done %v, err %v, user %q", done, err, s.User())
	}
}

// fixed is a Verifier with one secret for everybody.
type fixed struct{ secret ScramSecret }

func (f fixed) Password(context.Context, string, string) error     { return failed("fixed") }
func (f fixed) SCRAM(context.Context, string) (ScramSecret, error) { return f.secret, nil }

// run lets client and server speak to the end.
func run(ctx context.Context, c Client, v Verifier, ch Channel) (Server, error) {
	s, err := Start(c.Mechanism(), v, ch)
	if err != nil {
		return nil, err
	}
	response, err := c.Next(nil)
	for err == nil {
		var challenge []byte
		var done bool
		if challenge, done, err = s.Next(ctx, response); err != nil {
			break
		}
		if done {
			return s, c.Verify()
		}
		response, err = c.Next(challenge)
	}
	return s, err
}

func TestExchanges(t *testing.T) {
	ch, chClient := channels(t, tls.VersionTLS13)
	ch12, ch12Client := channels(t, tls.VersionTLS12)
	noTLS := Channel{}
	for _, c := range []struct {
		name   string
		client Client
		ch     Channel
		user   string // "" when it must fail
	}{
		{"plain", NewPlainClient("user", "pencil"), noTLS, "user"},
		{"plain, wrong", NewPlainClient("user", "pencil "), noTLS, ""},
		{"plain, unknown", NewPlainClient("nobody", ""), noTLS, ""},
		{"plain, full width", NewPlainClient("ｕｓｅｒ", "ｐｅｎｃｉｌ"), noTLS, "user"},
		{"login", NewLoginClient("sato@alpha.example", "秘密pass"), noTLS, "sato@alpha.example"},
		{"login, wrong", NewLoginClient("user", ""), noTLS, ""},
		{"scram", NewScramClient("user", "pencil", noTLS, false), noTLS, "user"},
		{"scram, escaped name", NewScramClient("a,b=c", "x", noTLS, false), noTLS, "a,b=c"},
		{"scram, wrong", NewScramClient("user", "Pencil", noTLS, false), noTLS, ""},
		{"scram, unknown", NewScramClient("nobody", "", noTLS, false), noTLS, ""},
		{"scram-plus, exporter", NewScramClient("user", "pencil", chClient, true), ch, "user"},
		{"scram-plus, end point", NewScramClient("user", "pencil", ch12Client, true), ch12, "user"},
		{"scram-plus, another connection", NewScramClient("user", "pencil", chClient, true), second(t), ""},
		{"scram, -PLUS hidden from the client", NewScramClient("user", "pencil", chClient, false), ch, ""},
		{"scram, client without binding", NewScramClient("user", "pencil", noTLS, true), ch, "user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := run(t.Context(), c.client, people, c.ch)
			if c.user == "" {
				if !mail.Is(err, mail.Denied) {
					t.Fatalf("err %v, want Denied", err)
				}
				return
			}
			if err != nil || s.User() != c.user {
				t.Fatalf("user %q, err %v", s.User(), err)
			}
		})
	}
}

func second(t *testing.T) Channel {
	ch, _ := channels(t, tls.VersionTLS13)
	return ch
}

// channels makes a TLS connection and gives its two ends. Below 1.3 the end point is the only binding.
func channels(t *testing.T, version uint16) (server, client Channel) {
	t.Helper()
	serverTLS, clientTLS := tlstest.New(t)
	serverTLS.MaxVersion = version
	a, b := net.Pipe()
	sc, cc := tls.Server(a, serverTLS), tls.Client(b, clientTLS)
	done := make(chan error, 1)
	go func() { done <- sc.HandshakeContext(t.Context()) }()
	if err := cc.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	go cc.Read(make([]byte, 1)) // takes the session tickets off the pipe
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	ss, cs := sc.ConnectionState(), cc.ConnectionState()
	return Channel{TLS: &ss, Leaf: serverTLS.Certificates[0].Leaf}, Channel{TLS: &cs, Leaf: cs.PeerCertificates[0]}
}

func TestStart(t *testing.T) {
	ch, _ := channels(t, tls.VersionTLS13)
	if got := strings.Join(Mechanisms(people, ch), " "); got != "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN" {
		t.Error(got)
	}
	if got := strings.Join(Mechanisms(people, Channel{}), " "); got != "SCRAM-SHA-256 PLAIN LOGIN" {
		t.Error(got)
	}
	for _, name := range []string{"", "CRAM-MD5", ScramPlus, "PLAIN ", Bearer, XOAuth2} {
		if _, err := Start(name, people, Channel{}); !mail.Is(err, mail.NotFound) {
			t.Errorf("Start(%q): %v, want NotFound", name, err)
		}
	}
	if _, err := Start("plain", people, Channel{}); err != nil {
		t.Error("names are matched with their case:", err)
	}
}

func TestNewClient(t *testing.T) {
	ch, _ := channels(t, tls.VersionTLS13)
	for _, c := range []struct {
		offered, want string
		ch            Channel
	}{
		{"LOGIN PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", ScramPlus, ch},
		{"LOGIN PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", Scram, Channel{}},
		{"login plain", Plain, ch},
		{"LOGIN", Login, ch},
		{"LOGIN PLAIN", "", Channel{}}, // would show the password
		{"CRAM-MD5", "", ch},
	} {
		got, err := NewClient(strings.Fields(c.offered), "u", "p", c.ch)
		if c.want == "" {
			if !mail.Is(err, mail.NotFound) {
				t.Errorf("%s: %v, want NotFound", c.offered, err)
			}
		} else if err != nil || got.Mechanism() != c.want {
			t.Errorf("%s: %v, %v; want %s", c.offered, got, err, c.want)
		}
	}
}

// TestBadMessages: messages that make no sense, or that claim too much, end the exchange with the right kind.
func TestBadMessages(t *testing.T) {
	long := strings.Repeat("x", MaxMessage+1)
	for _, c := range []struct {
		mechanism string
		messages  []string
		want      mail.Kind
	}{
		{Plain, []string{""}, mail.Invalid},
		{Plain, []string{"user\x00pencil"}, mail.Invalid},
		{Plain, []string{"\x00user\x00pencil\x00"}, mail.Invalid},
		{Plain, []string{"\x00\x00pencil"}, mail.Invalid},
		{Plain, []string{"\x00us\xffer\x00pencil"}, mail.Invalid},
		{Plain, []string{"root\x00user\x00pencil"}, mail.Denied},
		{Plain, []string{"\x00user\x00" + long}, mail.Full},
		{Plain, []string{"\x00user\x00" + long[:MaxPassword+1]}, mail.Full},
		{Plain, []string{"\x00" + long[:MaxUser+1] + "\x00p"}, mail.Full},
		{Login, []string{""}, mail.Invalid},
		{Login, []string{"user\x00", "pencil"}, mail.Invalid},
		{Login, []string{long}, mail.Full},
		{Scram, []string{"n=user,r=abc"}, mail.Invalid},
		{Scram, []string{"x,,n=user,r=abc"}, mail.Invalid},
		{Scram, []string{"p=tls-exporter,,n=user,r=abc"}, mail.Invalid},
		{Scram, []string{"n,,m=ext,n=user,r=abc"}, mail.Invalid},
		{Scram, []string{"n,,n=,r=abc"}, mail.Invalid},
		{Scram, []string{"n,,n=us=er,r=abc"}, mail.Invalid},
		{Scram, []string{"n,,n=user,r="}, mail.Invalid},
		{Scram, []string{"n,,n=user,r=a\x01"}, mail.Invalid},
		{Scram, []string{"n,a=root,n=user,r=abc"}, mail.Denied},
		{Scram, []string{"n,,n=user,r=" + long}, mail.Full},
		{Scram, []string{"n,,n=user,r=abc", "c=biws,r=abc"}, mail.Invalid},
		{Scram, []string{"n,,n=user,r=abc", "c=biws,r=abc,p=AAAA"}, mail.Denied},
		{Scram, []string{"n,,n=user,r=abc", "c=!,r=abc,p=AAAA"}, mail.Invalid},
	} {
		s, err := Start(c.mechanism, people, Channel{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.messages {
			_, done, e := s.Next(t.Context(), []byte(m))
			if err = e; done {
				t.Errorf("%s %.60q passed", c.mechanism, c.messages)
			}
			if e != nil {
				break
			}
		}
		if !mail.Is(err, c.want) {
			t.Errorf("%s %.60q: %v, want %v", c.mechanism, c.messages, err, c.want)
		}
	}
}

// TestProved: the secret's owner hears the outcome of the proof, and can stop the exchange.
func TestProved(t *testing.T) {
	for _, password := range []string{"pencil", "pen"} {
		var heard []bool
		secret, _ := people.SCRAM(t.Context(), "user")
		secret.Proved = func(which int) error {
			heard = append(heard, which == 0)
			return nil
		}
		_, err := run(t.Context(), NewScramClient("user", password, Channel{}, false), fixed{secret}, Channel{})
		if len(heard) != 1 || heard[0] != (password == "pencil") || heard[0] != (err == nil) {
			t.Errorf("%s: heard %v, err %v", password, heard, err)
		}
		secret.Proved = func(int) error { return mail.E("test", mail.Busy, "x") }
		if _, err = run(t.Context(), NewScramClient("user", password, Channel{}, false), fixed{secret}, Channel{}); !mail.Is(err, mail.Busy) {
			t.Errorf("%s: %v, want Busy", password, err)
		}
	}
}

// TestSeveralPasswords: a user may have several, all with one salt; each gets in, and its index is told.
func TestSeveralPasswords(t *testing.T) {
	secret, err := NewScramSecret("first", []byte("a salt for all of them"), MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	third, err := NewScramSecret("third", secret.Salt, secret.Iterations)
	if err != nil {
		t.Fatal(err)
	}
	secret.Keys = append(secret.Keys, ScramKeys{}, third.Keys[0])
	for password, want := range map[string]int{"first": 0, "third": 2, "second": -1, "": -1} {
		heard := -2
		secret.Proved = func(which int) error { heard = which; return nil }
		_, err := run(t.Context(), NewScramClient("user", password, Channel{}, false), fixed{secret}, Channel{})
		if heard != want || (err == nil) != (want >= 0) {
			t.Errorf("%q: heard %d, err %v", password, heard, err)
		}
	}
}

// TestClientDistrusts: the client does not believe a server that knows no more than it was told.
func TestClientDistrusts(t *testing.T) {
	for _, first := range []string{
		"", "r=other,s=QSXCR+Q6sek8bf92,i=4096", "r=abc,s=QSXCR+Q6sek8bf92,i=4096",
		"r=abcd,s=QSXCR+Q6sek8bf92,i=4095", "r=abcd,s=QSXCR+Q6sek8bf92,i=99999999", "r=abcd,s=,i=4096", "r=abcd,s=*,i=4096", "e=other-error",
	} {
		c := &scramClient{user: "user", password: "p", nonce: "abc", header: "n,,"}
		if _, err := c.Next(nil); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Next([]byte(first)); err == nil {
			t.Errorf("%q was answered with %q", first, got)
		}
	}
	c := &scramClient{user: "user", password: "p", nonce: "abc", header: "n,,"}
	c.Next(nil)
	if _, err := c.Next([]byte("r=abcd,s=QSXCR+Q6sek8bf92,i=4096")); err != nil {
		t.Fatal(err)
	}
	if c.Verify() == nil {
		t.Error("verified before the server's signature")
	}
	if _, err := c.Next([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err == nil || c.Verify() == nil {
		t.Error("a wrong signature passed")
	}
}

// TestPrepare has the examples of RFC 4013 §3 and what Japanese keyboards make.
func TestPrepare(t *testing.T) {
	for in, want := range map[string]string{
		"I\u00adX": "IX", "user": "user", "USER": "USER", "\u00aa": "a", "\u2168": "IX",
		"ｐａｓｓ　１": "pass 1", "ﾃｶﾞﾐ": "テガミ", "\u0627\u0031\u0628": "\u06271\u0628", "": "",
	} {
		got, err := Prepare(in)
		if err != nil || got != want {
			t.Errorf("Prepare(%q) = %q, %v; want %q", in, got, err, want)
		}
		if again, err := Prepare(got); err != nil || again != got {
			t.Errorf("Prepare(%q) twice = %q, %v", in, again, err)
		}
	}
	for _, in := range []string{"\u0007", "\u0627\u0031", "a\x7f", "a\u0627", "\xff", "é\x00", "é\ue000", "\ufdd0", "\u202ea", "\U000e0041"} {
		if got, err := Prepare(in); !mail.Is(err, mail.Invalid) {
			t.Errorf("Prepare(%q) = %q, %v; want Invalid", in, got, err)
		}
	}
}

func TestDecode(t *testing.T) {
	for in, want := range map[string]string{"": "", "=": "", "AHVzZXIAcGVuY2ls": "\x00user\x00pencil"} {
		if got, err := Decode([]byte(in)); err != nil || got == nil || string(got) != want {
			t.Errorf("Decode(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"*", "A", "AA", "AB==", "AA==A", " AAAA", "AA\r\nAA", "AAAA="} {
		if got, err := Decode([]byte(in)); !mail.Is(err, mail.Invalid) {
			t.Errorf("Decode(%q) = %q, %v; want Invalid", in, got, err)
		}
	}
	if _, err := Decode(bytes.Repeat([]byte("A"), MaxLine+4)); !mail.Is(err, mail.Full) {
		t.Error(err)
	}
}

// FuzzServer feeds three messages to each mechanism. Nobody gets in who doesn't know a password.
func FuzzServer(f *testing.F) {
	f.Add([]byte("\x00user\x00pen"), []byte(""), []byte(""))
	f.Add([]byte("n,,n=user,r=abc"), []byte("c=biws,r=abc,p=AAAA"), []byte(""))
	f.Add([]byte("n,a=user,\x01auth=Bearer abc\x01\x01"), []byte("\x01"), []byte(""))
	f.Add([]byte("user=user\x01auth=Bearer abc\x01\x01"), []byte(""), []byte(""))
	f.Add([]byte("y,a=user,n=us=2Cer,r=abc"), []byte("c=eSwsLA==,r=abc,x=1,p=AAAA"), []byte(""))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		for _, name := range Mechanisms(nobody{}, Channel{}) {
			s, err := Start(name, nobody{}, Channel{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range [][]byte{a, b, c} {
				challenge, done, err := s.Next(t.Context(), m)
				if done {
					t.Fatalf("%s let %q %q %q in", name, a, b, c)
				}
				if err != nil {
					if k := mail.KindOf(err); k != mail.Denied && k != mail.Invalid && k != mail.Full {
						t.Fatalf("%s: kind of %v", name, err)
					}
					break
				}
				if challenge == nil {
					t.Fatalf("%s: neither challenge, done nor error", name)
				}
			}
		}
	})
}

// nobody is a Verifier that knows no user.
type nobody struct{}

func (nobody) Password(context.Context, string, string) error { return failed("nobody") }
func (nobody) SCRAM(context.Context, string) (ScramSecret, error) {
	return ScramSecret{Salt: []byte("salt"), Iterations: MinIterations, Keys: []ScramKeys{{make([]byte, sha256.Size), make([]byte, sha256.Size)}}}, nil
}

func (nobody) TokenHelp() (TokenHelp, bool) { return TokenHelp{Scope: "mail"}, true }
func (nobody) Token(context.Context, string, string) (string, error) {
	return "", failed("nobody")
}

func FuzzPrepare(f *testing.F) {
	f.Add("ｐａｓｓ　１")
	f.Add("\u0627\u0031\u0628")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Prepare(s)
		if err != nil {
			return
		}
		if again, err := Prepare(got); err != nil || again != got {
			t.Fatalf("%q -> %q -> %q, %v", s, got, again, err)
		}
	})
}
