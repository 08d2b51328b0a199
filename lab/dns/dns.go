// Package dns is the name service of the test internet: it knows the records it was given, and answers on
// 127.0.0.1 as a validating resolver would, with failures where a test wants them.
//
//	names := dns.Start(t, `
//		example.jp.     MX 10 mx.example.jp.
//		mx.example.jp.  A 192.0.2.1
//	`)
//	names.Fail("broken.example.", dns.Servfail)
//	names.Sign("example.jp.", "mx.example.jp.")
//	… ask at names.Addr()
package dns

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Failure is how a name fails.
type Failure int

// Failures. A bogus name is one whose signatures are wrong, which a validating resolver answers with SERVFAIL
// unless the question says that it checks for itself (CD).
const (
	Servfail Failure = iota + 1
	Refused
	Silent // no answer at all
	Bogus
)

// maxChain is how many CNAMEs an answer follows.
const maxChain = 8

// Names is a running name service. Its methods may be called while it answers.
type Names struct {
	addr string

	mu      sync.Mutex
	records map[string]map[uint16][]dns.RR // by name in lower case and type
	fails   map[string]Failure
	signed  map[string]bool
	asked   map[string]int
}

// Start answers until the test ends. zone has a record a line, as a zone file writes them, with names in full;
// lines may be empty or begin with a semicolon.
func Start(t testing.TB, zone string) *Names {
	t.Helper()
	n := &Names{
		records: make(map[string]map[uint16][]dns.RR), fails: make(map[string]Failure),
		signed: make(map[string]bool), asked: make(map[string]int),
	}
	for line := range strings.Lines(zone) {
		if line = strings.TrimSpace(line); line != "" && line[0] != ';' {
			n.Add(t, line)
		}
	}
	n.listen(t)
	return n
}

// listen opens a port for UDP and for TCP, the same number.
func (n *Names) listen(t testing.TB) {
	t.Helper()
	for range 20 { // until a port is free in both
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			udp.Close()
			continue
		}
		n.addr = udp.LocalAddr().String()
		n.serve(t, &dns.Server{PacketConn: udp, Handler: n})
		n.serve(t, &dns.Server{Listener: tcp, Handler: n})
		return
	}
	t.Fatal("no port is free for both UDP and TCP")
}

// serve runs a server until the test ends.
func (n *Names) serve(t testing.TB, s *dns.Server) {
	started, ended := make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Addr is where it answers, by UDP and TCP.
func (n *Names) Addr() string { return n.addr }

// Add adds a record.
func (n *Names) Add(t testing.TB, record string) {
	t.Helper()
	rr, err := dns.NewRR(record)
	if err != nil || rr == nil {
		t.Fatalf("record %q: %v", record, err)
	}
	name, kind := strings.ToLower(rr.Header().Name), rr.Header().Rrtype
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.records[name] == nil {
		n.records[name] = make(map[uint16][]dns.RR)
	}
	n.records[name][kind] = append(n.records[name][kind], rr)
}

// Remove forgets all records of a name.
func (n *Names) Remove(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.records, full(name))
}

// Fail lets a name fail, for every type; 0 ends that.
func (n *Names) Fail(name string, how Failure) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails[full(name)] = how
}

// Sign makes names authentic: their answers say so (AD), where the question can take it (RFC 6840 §5.7).
func (n *Names) Sign(names ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		n.signed[full(name)] = true
	}
}

// Asked is how often a name was asked for, of whatever type.
func (n *Names) Asked(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[full(name)]
}

func full(name string) string { return strings.ToLower(dns.Fqdn(name)) }

// ServeDNS answers one question.
func (n *Names) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg).SetReply(q)
	a.RecursionAvailable = true
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		a.Rcode = dns.RcodeFormatError
	} else if !n.answer(q, a) {
		return
	}
	limit := dns.MinMsgSize
	if edns := q.IsEdns0(); edns != nil {
		limit = int(max(edns.UDPSize(), dns.MinMsgSize))
		a.SetEdns0(edns.UDPSize(), edns.Do())
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		a.Truncate(limit)
	}
	_ = w.WriteMsg(a) // who asked is gone, which is its own affair
}

// answer fills in the answer. False: there is none.
func (n *Names) answer(q, a *dns.Msg) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, kind := full(q.Question[0].Name), q.Question[0].Qtype
	n.asked[name]++
	authentic := true
	for range maxChain {
		switch how := n.fails[name]; {
		case how == Silent:
			return false
		case how == Refused:
			a.Rcode, a.Answer = dns.RcodeRefused, nil
			return true
		case how == Servfail, how == Bogus && !q.CheckingDisabled:
			a.Rcode, a.Answer = dns.RcodeServerFailure, nil
			return true
		}
		authentic = authentic && n.signed[name]
		known := n.records[name]
		a.Answer = append(a.Answer, known[kind]...)
		alias := known[dns.TypeCNAME]
		if len(known[kind]) > 0 || len(alias) == 0 {
			if known == nil && !n.above(name) {
				a.Rcode = dns.RcodeNameError
			}
			break
		}
		a.Answer = append(a.Answer, alias[0])
		name = full(alias[0].(*dns.CNAME).Target)
	}
	edns := q.IsEdns0()
	a.AuthenticatedData = authentic && (q.AuthenticatedData || edns != nil && edns.Do())
	return true
}

// above tells whether names stand below name, so that it exists without records (RFC 8020 §2).
func (n *Names) above(name string) bool {
	for other := range n.records {
		if strings.HasSuffix(other, "."+name) {
			return true
		}
	}
	return false
}
