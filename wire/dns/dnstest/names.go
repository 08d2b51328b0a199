// Package dnstest is a domain name system in memory, for tests. It answers as a validating resolver would, through
// the code of dns.Resolver, without sockets and without a cache.
//
//	names := dnstest.Zone(`
//		example.jp.     MX 10 mx.example.jp.
//		mx.example.jp.  A 192.0.2.1
//		*.wild.example. TXT "anything"
//	`)
//	names.Fail("broken.example")
//	names.Sign("example.jp", "mx.example.jp")
package dnstest

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	miekg "github.com/miekg/dns"

	"tegami/wire/dns"
)

// maxChain is how many aliases an answer follows.
const maxChain = 20

// defaultTTL is that of records without one, in seconds.
const defaultTTL = 3600

// negativeTTL is how long it holds that there is nothing, in seconds.
const negativeTTL = 60

// Names is a dns.Lookup that knows the records it was given. Its methods may be called at any time.
type Names struct {
	dns.Lookup

	mu      sync.Mutex
	records map[string][]miekg.RR // by name in lower case
	fails   map[string]bool       // "name" or "name type"
	signed  map[string]bool
	delays  map[string]time.Duration
	asked   map[string]int // "name" and "name type"
}

// Zone knows the records of a zone text: one a line as zone files have them, names in full with or without the final
// dot. Lines may be indented, empty, or begin with a semicolon. It panics on a text it can't read.
func Zone(text string) *Names {
	n := &Names{
		records: make(map[string][]miekg.RR), fails: make(map[string]bool), signed: make(map[string]bool),
		delays: make(map[string]time.Duration), asked: make(map[string]int),
	}
	n.Lookup = dns.New(dns.Config{
		Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}, Tries: 1,
		TrustAD: true, CacheEntries: -1, Transport: n,
	})
	n.Add(text)
	return n
}

// Add adds records. It panics on a text it can't read.
func (n *Names) Add(text string) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	z := miekg.NewZoneParser(strings.NewReader(b.String()), ".", "")
	z.SetDefaultTTL(defaultTTL)
	n.mu.Lock()
	defer n.mu.Unlock()
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		name := full(rr.Header().Name)
		n.records[name] = append(n.records[name], rr)
	}
	if err := z.Err(); err != nil {
		panic("dnstest: " + err.Error())
	}
}

// Remove forgets all records of names.
func (n *Names) Remove(names ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		delete(n.records, full(name))
	}
}

// Fail lets all questions for names fail, as an outage or a forged answer does: their error is Unavailable.
func (n *Names) Fail(names ...string) { n.set(n.fails, true, names) }

// FailType lets the questions for one type of record of a name fail: "A", "TLSA".
func (n *Names) FailType(name, kind string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails[full(name)+" "+kind] = true
}

// Heal ends what Fail and FailType did to names.
func (n *Names) Heal(names ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.fails {
		name, _, _ := strings.Cut(key, " ")
		for _, healed := range names {
			if name == full(healed) {
				delete(n.fails, key)
			}
		}
	}
}

// Sign makes all answers for names authentic, also that there is nothing. It holds for these very names, not for
// those below them. An answer over an alias is authentic when both its names are.
func (n *Names) Sign(names ...string) { n.set(n.signed, true, names) }

// Unsign takes Sign back.
func (n *Names) Unsign(names ...string) { n.set(n.signed, false, names) }

func (n *Names) set(where map[string]bool, value bool, names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		where[full(name)] = value
	}
}

// Delay lets answers for a name take a time. From dns.DefaultTimeout on, that is an outage.
func (n *Names) Delay(name string, by time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delays[full(name)] = by
}

// Asked is how often a name was asked for, of whatever type.
func (n *Names) Asked(name string) int { return n.count(full(name)) }

// AskedType is how often a type of record was asked for of a name.
func (n *Names) AskedType(name, kind string) int { return n.count(full(name) + " " + kind) }

func (n *Names) count(key string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[key]
}

func full(name string) string { return strings.ToLower(miekg.Fqdn(name)) }

// Exchange answers a question, as a dns.Transport.
func (n *Names) Exchange(ctx context.Context, _ netip.AddrPort, _ bool, query []byte) ([]byte, error) {
	q := new(miekg.Msg)
	if err := q.Unpack(query); err != nil {
		return nil, err
	}
	a, delay := n.answer(q)
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return a.Pack()
}

// answer follows the aliases from the name asked for.
func (n *Names) answer(q *miekg.Msg) (a *miekg.Msg, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a = new(miekg.Msg).SetReply(q)
	name, kind := full(q.Question[0].Name), q.Question[0].Qtype
	n.asked[name]++
	n.asked[name+" "+miekg.TypeToString[kind]]++
	authentic := true
	for range maxChain {
		delay += n.delays[name]
		if n.fails[name] || n.fails[name+" "+miekg.TypeToString[kind]] {
			a.Rcode, a.Answer = miekg.RcodeServerFailure, nil
			return a, delay
		}
		authentic = authentic && n.signed[name]
		records, exists := n.find(name)
		found, alias := pick(records, name, kind)
		a.Answer = append(a.Answer, found...)
		if !exists {
			a.Rcode = miekg.RcodeNameError
		}
		if len(found) > 0 || alias == nil {
			break
		}
		a.Answer = append(a.Answer, alias)
		name = full(alias.Target)
	}
	if a.AuthenticatedData = authentic; len(a.Answer) == 0 || a.Answer[len(a.Answer)-1].Header().Rrtype != kind {
		a.Ns = []miekg.RR{&miekg.SOA{Hdr: miekg.RR_Header{Name: ".", Rrtype: miekg.TypeSOA, Class: miekg.ClassINET, Ttl: negativeTTL}, Ns: ".", Mbox: ".", Minttl: negativeTTL}}
	}
	return a, delay
}

// pick gives the records of a kind under a name, which a wildcard's do not have yet, or else the alias.
func pick(records []miekg.RR, name string, kind uint16) (found []miekg.RR, alias *miekg.CNAME) {
	for _, rr := range records {
		rr = miekg.Copy(rr)
		rr.Header().Name = name
		if c, ok := rr.(*miekg.CNAME); ok && kind != miekg.TypeCNAME {
			alias = c
		} else if rr.Header().Rrtype == kind {
			found = append(found, rr)
		}
	}
	return found, alias
}

// find gives the records of a name, those of a wildcard where it has none (RFC 4592 §3.3.1), and whether it exists.
func (n *Names) find(name string) (records []miekg.RR, exists bool) {
	if n.exists(name) {
		return n.records[name], true
	}
	for at := name; at != "."; {
		_, at, _ = strings.Cut(at, ".")
		if at == "" {
			at = "."
		}
		wild := "*." + strings.TrimPrefix(at, ".")
		if records := n.records[wild]; records != nil {
			return records, true
		}
		if n.exists(at) {
			break
		}
	}
	return nil, false
}

// exists tells whether a name has records, or names below it do (RFC 8020 §2).
func (n *Names) exists(name string) bool {
	if n.records[name] != nil {
		return true
	}
	for other := range n.records {
		if strings.HasSuffix(other, "."+name) {
			return true
		}
	}
	return false
}
