package dns

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	miekg "github.com/miekg/dns"

	"tegami/mail"
)

// Defaults of Config.
const (
	DefaultTimeout      = 2 * time.Second
	DefaultTries        = 3
	DefaultCacheEntries = 16_384
)

const (
	// maxWait bounds one question over all tries and servers.
	maxWait = 20 * time.Second
	// maxFlights is how many questions may be under way at once. Who comes later waits, as long as its context lets it.
	maxFlights = 1_000
	// maxChain is how many CNAMEs are followed from one name.
	maxChain = 10
)

// Config says whom a Resolver asks, and how patiently.
type Config struct {
	// Servers are the recursive resolvers to ask, in this order; nil = those of the system's resolv.conf, which is read
	// again when it changes.
	Servers []netip.AddrPort
	// TrustAD takes the servers' word that an answer was verified (the AD bit). Set it only where all of them
	// validate and nobody can step in between, as with one on a loopback address (RFC 7672 §2.2, RFC 6698 §4.1).
	TrustAD bool
	// Timeout is how long one server has for one try; 0 = DefaultTimeout.
	Timeout time.Duration
	// Tries is how often the list of servers is gone through; 0 = DefaultTries.
	Tries int
	// CacheEntries bounds the cache: an answer counts once, and once more for every 512 octets. 0 = DefaultCacheEntries,
	// negative = no cache.
	CacheEntries int
	// Transport carries questions; nil = UDP, and TCP for what is too long for it.
	Transport Transport
}

// A Resolver asks recursive resolvers and remembers their answers. It is safe for concurrent use.
type Resolver struct {
	config  Config
	servers *servers
	cache   *cache
	slots   chan struct{} // one for each question under way
	stats   counters

	mu      sync.Mutex
	flights map[question]*flight
}

var _ Lookup = (*Resolver)(nil)

// New makes a resolver. It asks nothing yet.
func New(c Config) *Resolver {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Tries <= 0 {
		c.Tries = DefaultTries
	}
	if c.CacheEntries == 0 {
		c.CacheEntries = DefaultCacheEntries
	}
	if c.Transport == nil {
		c.Transport = network{}
	}
	return &Resolver{
		config: c, servers: newServers(c.Servers), cache: newCache(c.CacheEntries),
		slots: make(chan struct{}, maxFlights), flights: make(map[question]*flight),
	}
}

// question is what an answer is remembered by.
type question struct {
	name string // canonical
	kind uint16
}

// flight is a question under way. Whoever has the same question waits for it too.
type flight struct {
	done   chan struct{}
	answer *answer // set before done is closed
}

// Stats counts what a resolver did since it was made.
type Stats struct {
	Questions int64 // asked of the resolver
	Cached    int64 // of these, answered from memory
	Sent      int64 // tries with a server
	Failed    int64 // questions no server had an answer to
}

type counters struct{ questions, cached, sent, failed atomic.Int64 }

// Stats gives the counts up to now.
func (r *Resolver) Stats() Stats {
	c := &r.stats
	return Stats{c.questions.Load(), c.cached.Load(), c.sent.Load(), c.failed.Load()}
}

// IsNXDomain tells whether err says that the name asked for does not exist, so that it has no records of any type.
func IsNXDomain(err error) bool {
	key, _ := mail.TextOf(err)
	return key == "dns.nxdomain"
}

// errMalformed is why a question was not asked.
var errMalformed = errors.New("not a name the DNS could have")

// lookup asks for the records of a kind, and follows aliases.
func (r *Resolver) lookup(ctx context.Context, op mail.Op, name string, kind uint16) ([]miekg.RR, Meta, error) {
	at, ok := canonical(name)
	if !ok {
		return nil, Meta{}, &mail.Error{Op: op, Kind: mail.NotFound, Text: "dns.nxdomain", Args: []any{name}, Err: errMalformed}
	}
	meta := Meta{Authentic: true}
	for links := 0; links <= maxChain; {
		a, left, err := r.ask(ctx, question{at, kind})
		if err != nil {
			return nil, Meta{}, &mail.Error{Op: op, Kind: mail.Unavailable, Text: "dns.failed", Args: []any{name}, Err: err}
		}
		meta = meta.and(Meta{a.authentic, left})
		if a.next == "" {
			return a.records, meta, a.fault.err(op, name)
		}
		at, links = a.next, links+a.links
	}
	return nil, Meta{}, &mail.Error{Op: op, Kind: mail.Unavailable, Text: "dns.failed", Args: []any{name}, Err: errChain}
}

// and is what can be said of two answers together.
func (m Meta) and(o Meta) Meta {
	if m.TTL == 0 || o.TTL != 0 && o.TTL < m.TTL {
		m.TTL = o.TTL
	}
	m.Authentic = m.Authentic && o.Authentic
	return m
}

// ask gives the answer to one question, remembered or fresh, and how long it holds. The error means that none was had.
func (r *Resolver) ask(ctx context.Context, q question) (*answer, time.Duration, error) {
	r.stats.questions.Add(1)
	if a, left := r.cache.get(q, time.Now()); a != nil {
		r.stats.cached.Add(1)
		return a, left, a.cause
	}
	f, err := r.join(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	select {
	case <-f.done:
		return f.answer, f.answer.ttl, f.answer.cause
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
}

// join finds the flight of a question or starts one. A flight outlives those who wait for it: its answer is
// of use to the next.
func (r *Resolver) join(ctx context.Context, q question) (*flight, error) {
	if f := r.flying(q); f != nil {
		return f, nil
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[q]; f != nil {
		<-r.slots
		return f, nil
	}
	f := &flight{done: make(chan struct{})}
	r.flights[q] = f
	go r.fly(context.WithoutCancel(ctx), q, f)
	return f, nil
}

func (r *Resolver) flying(q question) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flights[q]
}

// fly has a question answered, remembers the answer and tells those who wait.
func (r *Resolver) fly(ctx context.Context, q question, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	f.answer = r.resolve(ctx, q)
	if f.answer.cause != nil {
		r.stats.failed.Add(1)
	}
	r.cache.put(q, f.answer, time.Now())
	r.mu.Lock()
	delete(r.flights, q)
	r.mu.Unlock()
	<-r.slots
	close(f.done)
}

// TXT gives the text records of a name, the character-strings of each joined without anything between, as SPF and DKIM want it.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, Meta, error) {
	records, meta, err := r.lookup(ctx, "dns.TXT", name, miekg.TypeTXT)
	var texts []string
	for _, rr := range records {
		if t, ok := rr.(*miekg.TXT); ok {
			texts = append(texts, unescape(strings.Join(t.Txt, "")))
		}
	}
	return texts, meta, err
}

// MX gives the mail exchangers of a name, the preferred first.
func (r *Resolver) MX(ctx context.Context, name string) ([]MX, Meta, error) {
	records, meta, err := r.lookup(ctx, "dns.MX", name, miekg.TypeMX)
	var list []MX
	for _, rr := range records {
		if m, ok := rr.(*miekg.MX); ok {
			list = append(list, MX{m.Preference, host(m.Mx)})
		}
	}
	slices.SortStableFunc(list, func(a, b MX) int { return int(a.Preference) - int(b.Preference) })
	return list, meta, err
}

// PTR gives the names of an address.
func (r *Resolver) PTR(ctx context.Context, ip netip.Addr) ([]string, Meta, error) {
	name, ok := reverse(ip)
	if !ok {
		name = ip.String() // is refused as no name
	}
	records, meta, err := r.lookup(ctx, "dns.PTR", name, miekg.TypePTR)
	var names []string
	for _, rr := range records {
		if p, ok := rr.(*miekg.PTR); ok {
			names = append(names, host(p.Ptr))
		}
	}
	return names, meta, err
}

// TLSA gives what a name says of certificates, such as _25._tcp.mx.example.jp.
func (r *Resolver) TLSA(ctx context.Context, name string) ([]TLSA, Meta, error) {
	records, meta, err := r.lookup(ctx, "dns.TLSA", name, miekg.TypeTLSA)
	var list []TLSA
	for _, rr := range records {
		t, ok := rr.(*miekg.TLSA)
		if !ok {
			continue
		}
		data, bad := hex.DecodeString(t.Certificate)
		if bad != nil {
			continue // can't be: it was written out of octets
		}
		list = append(list, TLSA{t.Usage, t.Selector, t.MatchingType, data})
	}
	return list, meta, err
}

// CNAME gives the name at the end of a chain of aliases. A chain whose end does not exist has an end nevertheless.
func (r *Resolver) CNAME(ctx context.Context, name string) (string, Meta, error) {
	const op = "dns.CNAME"
	end, meta := "", Meta{Authentic: true}
	for at, links := name, 0; links <= maxChain; links++ {
		records, m, err := r.lookup(ctx, op, at, miekg.TypeCNAME)
		switch {
		case links > 0 && mail.Is(err, mail.NotFound):
			return end, meta, nil
		case err != nil:
			return "", m, err
		}
		at = plain(records[0].(*miekg.CNAME).Target)
		end, meta = host(at), meta.and(m)
	}
	return "", Meta{}, &mail.Error{Op: op, Kind: mail.Unavailable, Text: "dns.failed", Args: []any{name}, Err: errChain}
}

// NS gives the name servers of a name.
func (r *Resolver) NS(ctx context.Context, name string) ([]string, Meta, error) {
	records, meta, err := r.lookup(ctx, "dns.NS", name, miekg.TypeNS)
	var names []string
	for _, rr := range records {
		if n, ok := rr.(*miekg.NS); ok {
			names = append(names, host(n.Ns))
		}
	}
	return names, meta, err
}

// SRV gives the places of a service, the first to try first by priority; weights are left to the caller.
func (r *Resolver) SRV(ctx context.Context, name string) ([]SRV, Meta, error) {
	records, meta, err := r.lookup(ctx, "dns.SRV", name, miekg.TypeSRV)
	var list []SRV
	for _, rr := range records {
		if s, ok := rr.(*miekg.SRV); ok {
			list = append(list, SRV{s.Priority, s.Weight, s.Port, host(s.Target)})
		}
	}
	slices.SortStableFunc(list, func(a, b SRV) int { return int(a.Priority) - int(b.Priority) })
	return list, meta, err
}
