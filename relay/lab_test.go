package relay

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/dns/dnstest"
	"tegami/wire/smtp"
	"tegami/wire/tlspolicy"
)

// A lab is a relay with an internet of its own: names, and hosts at loopback addresses that follow scripts.
type lab struct {
	testing.TB
	ctx    context.Context
	names  *dnstest.Names
	cfg    Config
	relay  *Relay
	store  store.Store
	tenant store.Tenant
	port   int
	ca     *authority
	ids    mail.IDSource
	stop   func() // for STOP

	mu      sync.Mutex
	reports []string
}

const ourTenant = mail.TenantID(1)

// newLab makes a lab that knows the names of a zone text.
func newLab(t testing.TB, zone string) *lab {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.CreateTenant(t.Context(), ourTenant); err != nil {
		t.Fatal(err)
	}
	l := &lab{TB: t, ctx: t.Context(), names: dnstest.Zone(zone), store: st, tenant: st.Tenant(ourTenant), ca: newAuthority(t)}
	wait := 5 * time.Second
	l.cfg = Config{
		Hostname: "mx.tegami.example", Lookup: l.names, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Roots: l.ca.pool(), Reports: l, Log: slog.New(slog.DiscardHandler),
		Waits: smtp.Waits{Greeting: wait, Command: wait, Data: wait, Block: wait, End: wait, Grace: wait, Quit: wait},
	}
	return l
}

// start makes the relay, with the hosts' port.
func (l *lab) start() *Relay {
	if l.relay == nil {
		if l.cfg.Port == 0 {
			l.cfg.Port = uint16(l.port)
		}
		l.relay = New(l.cfg)
		l.Cleanup(l.relay.Close)
	}
	return l.relay
}

// SawTLS notes what is reported: type, domain, host, result.
func (l *lab) SawTLS(p tlspolicy.AppliedPolicy, f *tlspolicy.Failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := string(p.Type) + " " + p.Domain + " ok"
	if f != nil {
		text = string(p.Type) + " " + p.Domain + " " + strings.TrimSpace(f.MX+" "+string(f.Result))
	}
	l.reports = append(l.reports, text)
}

// reported wants these reports and no others.
func (l *lab) reported(want ...string) {
	l.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.reports, want) {
		l.Errorf("reported %q\nwant     %q", l.reports, want)
	}
	l.reports = nil
}

const shortText = "From: a@tegami.example\r\nSubject: x\r\n\r\nhello\r\n"

// item makes an item for recipients in one domain.
func (l *lab) item(text string, to ...string) *queue.Item {
	l.Helper()
	it := &queue.Item{ID: mail.ItemID(l.ids.Next()), State: store.ItemWaiting, Blob: l.blob(text)}
	it.From = address("a@tegami.example")
	for _, a := range to {
		it.To = append(it.To, queue.Recipient{Recipient: mail.Recipient{Address: address(a)}})
	}
	it.Route = queue.RouteRemote(it.To[0].Domain)
	return it
}

// blob puts octets into the store.
func (l *lab) blob(text string) (ref mail.BlobRef) {
	l.Helper()
	staged, err := l.tenant.Blobs().Stage(l.ctx, int64(len(text)))
	if err != nil {
		l.Fatal(err)
	}
	defer staged.Release()
	io.WriteString(staged, text)
	if err := staged.Seal(l.ctx); err != nil {
		l.Fatal(err)
	}
	err = l.tenant.Update(l.ctx, queue.Worker(), "relay.test", func(tx store.Tx) error {
		ref, err = tx.Keep(staged, nil)
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	return ref
}

func address(s string) mail.Address {
	i := strings.LastIndexByte(s, '@')
	return mail.Address{Local: s[:i], Domain: s[i+1:]}
}

// carry serves items as one call of Carry would, and gives its error.
func (l *lab) carry(items ...*queue.Item) error {
	l.Helper()
	t := &trip{relay: l.start()}
	defer t.end()
	for _, it := range items {
		open := func(ctx context.Context) (store.Blob, error) { return l.tenant.Blobs().Open(ctx, it.Blob) }
		if err := t.serve(l.ctx, &parcel{ourTenant, it, open}); err != nil {
			return err
		}
	}
	return nil
}

// became wants what became of each recipient, as "outcome reason status host".
func (l *lab) became(it *queue.Item, want ...string) {
	l.Helper()
	names := [...]string{"waiting", "delivered", "failed", "relayed", "expanded"}
	for i, to := range it.To {
		got := strings.Join(strings.Fields(names[to.Outcome]+" "+to.Reason+" "+to.Status+" "+to.Host), " ")
		if i < len(want) && got != want[i] {
			l.Errorf("%s: %s (%q)\nwant %s", to.Address, got, to.Answer, want[i])
		}
		if len(to.Answer) > queue.MaxAnswer || strings.ContainsFunc(to.Answer, func(r rune) bool { return r < ' ' }) {
			l.Errorf("answer kept as it came: %q", to.Answer)
		}
	}
	if len(want) != len(it.To) {
		l.Errorf("%d recipients, %d wanted", len(it.To), len(want))
	}
}

// sent sends one message to one recipient at x.example and says what became of it.
func (l *lab) sent(want string) error {
	l.Helper()
	it := l.item(shortText, "b@x.example")
	err := l.carry(it)
	l.became(it, want)
	return err
}

// A mx is a host that takes mail, by script: one for each connection, the last for all that follow.
type mx struct {
	lab     *lab
	scripts []string
	cert    tls.Certificate

	mu     sync.Mutex
	conns  int
	lines  []string // all that was said to it
	bodies []string
}

// host starts a host at a loopback address, with a certificate for names.
func (l *lab) host(ip, name string, scripts ...string) *mx {
	l.Helper()
	var listener net.Listener
	var err error
	for range 20 { // the port of the first may be taken at another address: then nothing but another first helps
		listener, err = net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(l.port)))
		if err == nil {
			break
		}
	}
	if err != nil {
		l.Fatal(err)
	}
	l.port = listener.Addr().(*net.TCPAddr).Port
	h := &mx{lab: l, scripts: scripts, cert: l.ca.issue(l, time.Hour, name)}
	var open sync.WaitGroup
	done := make(chan struct{})
	open.Go(func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns++
			h.mu.Unlock()
			open.Go(func() { h.serve(conn, scripts[min(n, len(scripts)-1)], done) })
		}
	})
	l.Cleanup(func() {
		listener.Close()
		close(done)
		if l.relay != nil {
			l.relay.Close()
		}
		open.Wait()
	})
	return h
}

// said gives what was said to the host, each line up to its first "=" or ":" argument's end.
func (h *mx) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

// got gives the bodies the host took.
func (h *mx) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

func (h *mx) connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conns
}

// Scripts have one instruction a line:
//
//	S: text       say it
//	C: text       hear a line that begins so
//	GREET x y …   greet as x, and answer EHLO with the extensions y …
//	BODY          hear a body
//	ACCEPT        take one message
//	SERVE         take messages until QUIT
//	TLS           be the server in a handshake
//	SAY octets    octets as Go writes them in a string
//	STOP          end the context of the test
//	SILENT        say nothing more
//	CLOSE         hang up
func (h *mx) serve(conn net.Conn, script string, done chan struct{}) {
	v := &visit{mx: h, conn: conn, in: bufio.NewReader(conn)}
	defer func() { v.conn.Close() }()
	go func() { <-done; conn.Close() }()
	for line := range strings.Lines(script) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word != "" && !v.do(word, rest) {
			return
		}
	}
	io.Copy(io.Discard, v.in)
}

// A visit is one connection to a host.
type visit struct {
	mx   *mx
	conn net.Conn
	in   *bufio.Reader
}

func (v *visit) do(word, rest string) bool {
	switch word {
	case "S:":
		return v.say(rest + "\r\n")
	case "C:":
		line, ok := v.hear()
		if ok && !strings.HasPrefix(line, rest) {
			v.mx.lab.Errorf("heard %q, want %q", line, rest)
		}
		return ok
	case "GREET":
		return v.greet(strings.Fields(rest))
	case "BODY":
		return v.body()
	case "ACCEPT":
		return v.accept()
	case "SERVE":
		for v.accept() {
		}
		return false
	case "TLS":
		t := tls.Server(v.conn, &tls.Config{Certificates: []tls.Certificate{v.mx.cert}})
		if t.HandshakeContext(v.mx.lab.ctx) != nil {
			return false
		}
		v.conn, v.in = t, bufio.NewReader(t)
		return true
	case "SAY":
		text, err := strconv.Unquote(rest)
		if err != nil {
			v.mx.lab.Error(err)
		}
		return v.say(text)
	case "SILENT":
		io.Copy(io.Discard, v.in)
	case "STOP":
		v.mx.lab.stop()
		return true
	case "CLOSE":
	default:
		v.mx.lab.Errorf("no such instruction: %s", word)
	}
	return false
}

func (v *visit) say(text string) bool {
	_, err := io.WriteString(v.conn, text)
	return err == nil
}

func (v *visit) hear() (string, bool) {
	line, err := v.in.ReadString('\n')
	line = strings.TrimSuffix(line, "\r\n")
	v.mx.mu.Lock()
	defer v.mx.mu.Unlock()
	if err == nil {
		v.mx.lines = append(v.mx.lines, line)
	}
	return line, err == nil
}

// greet says the greeting and answers EHLO; after STARTTLS among the extensions comes a handshake and EHLO again.
func (v *visit) greet(words []string) bool {
	return v.say("220 "+words[0]+" ESMTP\r\n") && v.hello(words)
}

func (v *visit) hello(words []string) bool {
	if line, ok := v.hear(); !ok || !strings.HasPrefix(line, "EHLO ") {
		return false
	}
	text := ""
	for i, w := range words {
		sep := "-"
		if i == len(words)-1 {
			sep = " "
		}
		text += "250" + sep + strings.ReplaceAll(w, "_", " ") + "\r\n"
	}
	return v.say(text)
}

// accept takes one message, whatever else comes.
func (v *visit) accept() bool {
	for {
		line, ok := v.hear()
		if !ok {
			return false
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "DATA":
			return v.say("354 go\r\n") && v.body() && v.say("250 2.0.0 taken as 1\r\n")
		case "BDAT":
			size, _ := strconv.Atoi(strings.Fields(rest)[0])
			text := make([]byte, size)
			if _, err := io.ReadFull(v.in, text); err != nil {
				return false
			}
			v.keep(string(text))
			return v.say("250 2.0.0 taken as 1\r\n")
		case "QUIT":
			v.say("221 bye\r\n")
			return false
		case "STARTTLS":
			if !v.say("220 go\r\n") || !v.do("TLS", "") || !v.hello([]string{"mx", "PIPELINING", "REQUIRETLS"}) {
				return false
			}
		default:
			if !v.say("250 2.1.0 ok\r\n") {
				return false
			}
		}
	}
}

// body hears a body up to its dot.
func (v *visit) body() bool {
	var text strings.Builder
	for {
		line, err := v.in.ReadString('\n')
		switch {
		case err != nil:
			return false
		case line == ".\r\n":
			v.keep(text.String())
			return true
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (v *visit) keep(text string) {
	v.mx.mu.Lock()
	defer v.mx.mu.Unlock()
	v.mx.bodies = append(v.mx.bodies, text)
}

// An authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a certificate for names, valid for a time from now.
func (a *authority) issue(t testing.TB, life time.Duration, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(life), DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsa is the TLSA data "3 1 1" of a certificate.
func tlsa(c tls.Certificate) string {
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("3 1 1 %x", sha(leaf.RawSubjectPublicKeyInfo))
}
