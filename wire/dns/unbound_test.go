package dns

import (
	"crypto"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"tegami/mail"
)

// signedZone answers with authority for one zone, and signs what it says as it says it.
type signedZone struct {
	apex    string
	key     *miekg.DNSKEY
	private crypto.Signer
	records []miekg.RR
	forged  string // a name whose records are changed after they were signed
}

func newSignedZone(t *testing.T, apex, text string) *signedZone {
	t.Helper()
	z := &signedZone{apex: apex, key: &miekg.DNSKEY{
		Hdr:   miekg.RR_Header{Name: apex, Rrtype: miekg.TypeDNSKEY, Class: miekg.ClassINET, Ttl: 300},
		Flags: miekg.ZONE | miekg.SEP, Protocol: 3, Algorithm: miekg.ECDSAP256SHA256,
	}}
	private, err := z.key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	z.private = private.(crypto.Signer)
	z.records = []miekg.RR{z.key}
	for line := range strings.Lines(text) {
		rr, err := miekg.NewRR(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		if rr != nil {
			z.records = append(z.records, rr)
		}
	}
	return z
}

// sign adds the signature of a set of records.
func (z *signedZone) sign(set []miekg.RR) []miekg.RR {
	if len(set) == 0 {
		return nil
	}
	sig := &miekg.RRSIG{
		Hdr:       miekg.RR_Header{Name: set[0].Header().Name, Rrtype: miekg.TypeRRSIG, Class: miekg.ClassINET, Ttl: 300},
		Inception: uint32(time.Now().Add(-time.Hour).Unix()), Expiration: uint32(time.Now().Add(time.Hour).Unix()),
		KeyTag: z.key.KeyTag(), SignerName: z.apex, Algorithm: z.key.Algorithm,
	}
	if err := sig.Sign(z.private, set); err != nil {
		panic(err)
	}
	return append(set, sig)
}

// ServeDNS answers; that there is nothing is proved with an NSEC made for the question (RFC 4470).
func (z *signedZone) ServeDNS(w miekg.ResponseWriter, q *miekg.Msg) {
	a := new(miekg.Msg).SetReply(q)
	a.Authoritative = true
	a.SetEdns0(4096, true)
	name, kind := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	var set []miekg.RR
	types := []uint16{}
	for _, rr := range z.records {
		if h := rr.Header(); h.Name == name {
			types = append(types, h.Rrtype)
			if h.Rrtype == kind {
				set = append(set, miekg.Copy(rr))
			}
		}
	}
	if a.Answer = z.sign(set); a.Answer == nil {
		soa := &miekg.SOA{Hdr: miekg.RR_Header{Name: z.apex, Rrtype: miekg.TypeSOA, Class: miekg.ClassINET, Ttl: 300}, Ns: z.apex, Mbox: z.apex, Minttl: 60}
		types = append(types, miekg.TypeRRSIG, miekg.TypeNSEC)
		slices.Sort(types)
		nsec := &miekg.NSEC{Hdr: miekg.RR_Header{Name: name, Rrtype: miekg.TypeNSEC, Class: miekg.ClassINET, Ttl: 60}, NextDomain: `\000.` + name, TypeBitMap: types}
		a.Ns = append(z.sign([]miekg.RR{soa}), z.sign([]miekg.RR{nsec})...)
	} else if name == z.forged {
		a.Answer[0].(*miekg.TXT).Txt[0] = "forged"
	}
	_ = w.WriteMsg(a)
}

// serve answers on a port of UDP until the test ends.
func serve(t *testing.T, h miekg.Handler) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, started, ended := &miekg.Server{PacketConn: c, Handler: h}, make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		s.Shutdown()
		<-ended
	})
	return c.LocalAddr().String()
}

// startUnbound runs a validating resolver that knows a signed zone and one that is not, and waits until it answers.
func startUnbound(t *testing.T, z *signedZone, plain string) netip.AddrPort {
	t.Helper()
	binary, err := exec.LookPath("unbound")
	if err != nil {
		if binary, err = exec.LookPath("/usr/sbin/unbound"); err != nil {
			t.Skip("unbound is not installed")
		}
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(c.LocalAddr().String())
	c.Close()
	at := func(s string) string { return strings.Replace(s, ":", "@", 1) }
	config := fmt.Sprintf(`server:
	directory: ""
	chroot: ""
	username: ""
	pidfile: ""
	interface: %s
	port: %d
	do-daemonize: no
	use-syslog: no
	do-ip6: no
	num-threads: 1
	do-not-query-localhost: no
	module-config: "validator iterator"
	trust-anchor: "%s"
	ede: yes
remote-control:
	control-enable: no
stub-zone:
	name: "%s"
	stub-addr: %s
stub-zone:
	name: "plain."
	stub-addr: %s
`, addr.Addr(), addr.Port(), strings.ReplaceAll(z.key.ToDS(miekg.SHA256).String(), "\t", " "), z.apex, at(serve(t, z)), at(plain))
	file := filepath.Join(t.TempDir(), "unbound.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-d", "-c", file)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		err := <-gone
		if t.Failed() {
			t.Logf("unbound: %v\n%s", err, out.String())
		}
	})
	awaitUnbound(t, addr)
	return addr
}

// awaitUnbound asks until there is an answer of any kind.
func awaitUnbound(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	q := new(miekg.Msg).SetQuestion("localhost.", miekg.TypeA)
	for range 100 {
		if _, _, err := (&miekg.Client{Timeout: 100 * time.Millisecond}).Exchange(q, addr.String()); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // between tries; nothing is measured
	}
	t.Fatal("unbound does not answer")
}

// TestUnbound: what a validating resolver found out reaches the caller: authentic, plain, forged.
func TestUnbound(t *testing.T) {
	z := newSignedZone(t, "signed.", `
		signed.          300 IN NS ns.signed.
		signed.          300 IN MX 10 mx.signed.
		mx.signed.       300 IN A 192.0.2.1
		_25._tcp.mx.signed. 300 IN TLSA 3 1 1 00ff
		forged.signed.   300 IN TXT "true"
		true.signed.     300 IN TXT "true"
	`)
	z.forged = "forged.signed."
	plain := serve(t, miekg.HandlerFunc(func(w miekg.ResponseWriter, q *miekg.Msg) {
		a := new(miekg.Msg).SetReply(q)
		a.Authoritative = true
		if q.Question[0].Qtype == miekg.TypeTXT {
			a.Answer = []miekg.RR{&miekg.TXT{Hdr: miekg.RR_Header{Name: q.Question[0].Name, Rrtype: miekg.TypeTXT, Class: miekg.ClassINET, Ttl: 300}, Txt: []string{"x"}}}
		}
		_ = w.WriteMsg(a)
	}))
	addr, ctx := startUnbound(t, z, plain), t.Context()
	r := New(Config{Servers: []netip.AddrPort{addr}, TrustAD: true, Timeout: 5 * time.Second})
	if mx, meta, err := r.MX(ctx, "signed"); err != nil || len(mx) != 1 || !meta.Authentic {
		t.Errorf("MX %v, %v, %v", mx, meta, err)
	}
	if list, meta, err := r.TLSA(ctx, "_25._tcp.mx.signed"); err != nil || len(list) != 1 || !meta.Authentic {
		t.Errorf("TLSA %v, %v, %v", list, meta, err)
	}
	if ips, meta, err := r.Addrs(ctx, "mx.signed"); err != nil || len(ips) != 1 || !meta.Authentic {
		t.Errorf("addresses %v, %v, %v", ips, meta, err)
	}
	if _, meta, err := r.TLSA(ctx, "mx.signed"); !mail.Is(err, mail.NotFound) || !meta.Authentic {
		t.Errorf("proved to have none: %v, %v", meta, err)
	}
	if texts, meta, err := r.TXT(ctx, "true.signed"); err != nil || texts[0] != "true" || !meta.Authentic {
		t.Errorf("true: %q, %v, %v", texts, meta, err)
	}
	if texts, _, err := r.TXT(ctx, "forged.signed"); !mail.Is(err, mail.Unavailable) {
		t.Errorf("forged: %q, %v", texts, err)
	}
	if texts, meta, err := r.TXT(ctx, "host.plain"); err != nil || len(texts) != 1 || meta.Authentic {
		t.Errorf("not signed: %q, %v, %v", texts, meta, err)
	}
	blind := New(Config{Servers: []netip.AddrPort{addr}, Timeout: 5 * time.Second})
	if _, meta, err := blind.MX(ctx, "signed"); err != nil || meta.Authentic {
		t.Errorf("without TrustAD: %v, %v", meta, err)
	}
}
