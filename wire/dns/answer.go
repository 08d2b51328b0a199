package dns

import (
	"errors"
	"fmt"
	"strings"
	"time"

	miekg "github.com/miekg/dns"

	"tegami/mail"
)

// How long answers are remembered. The resolver we ask has a cache of its own: the ceiling is there so that an operator's
// change is seen, the floor so that one message does not ask the same twice.
const (
	minTTL     = 5 * time.Second
	maxTTL     = time.Hour
	failureTTL = 5 * time.Second // RFC 9520 §3.2: 1 second to 5 minutes
)

// fault is why an answer has no records.
type fault uint8

const (
	found fault = iota
	nodata
	nxdomain
)

// err is the error of a fault, nil for found.
func (f fault) err(op mail.Op, name string) error {
	switch f {
	case nodata:
		return mail.E(op, mail.NotFound, "dns.nodata", name)
	case nxdomain:
		return mail.E(op, mail.NotFound, "dns.nxdomain", name)
	}
	return nil
}

// Why a question has no answer.
var (
	errChain   = errors.New("too many aliases, or a loop of them")
	errServers = errors.New("no resolver to ask")
)

// answer is what is kept of a message.
type answer struct {
	records   []miekg.RR // of the kind asked for, all of the name at the end of the chain
	next      string     // the server left the chain here: ask for this name
	links     int        // aliases followed in the message
	fault     fault
	authentic bool
	ttl       time.Duration
	size      int   // octets on the wire
	cause     error // no answer was had
}

// failure is the answer when there is none.
func failure(err error) *answer { return &answer{ttl: failureTTL, cause: err} }

// read takes out of a message what answers q: it follows the aliases from the name asked for, and drops all
// records that do not belong to that.
func read(q question, m *miekg.Msg) *answer {
	a := &answer{authentic: m.AuthenticatedData, ttl: maxTTL}
	at := q.name
	for {
		var alias *miekg.CNAME
		a.records, alias = a.pick(q.kind, at, m.Answer)
		if len(a.records) > 0 || alias == nil {
			break
		}
		next, ok := canonical(plain(alias.Target))
		if a.links++; !ok || a.links > maxChain {
			return failure(errChain)
		}
		at = next
	}
	switch soa := soaOf(m); {
	case len(a.records) > 0:
	case m.Rcode == miekg.RcodeNameError:
		a.fault = nxdomain
		a.limit(negativeTTL(soa))
	case a.links > 0 && soa == nil:
		a.next = at
	default:
		a.fault = nodata
		a.limit(negativeTTL(soa))
	}
	a.ttl = max(a.ttl, minTTL)
	return a
}

// pick gives the records of a kind that name has, or else its alias.
func (a *answer) pick(kind uint16, name string, from []miekg.RR) (records []miekg.RR, alias *miekg.CNAME) {
	for _, rr := range from {
		h := rr.Header()
		if h.Class != miekg.ClassINET || !strings.EqualFold(plain(h.Name), name) {
			continue
		}
		switch c, isAlias := rr.(*miekg.CNAME); {
		case h.Rrtype == kind:
			records = append(records, rr)
		case isAlias:
			alias = c
		default:
			continue
		}
		a.limit(time.Duration(h.Ttl) * time.Second)
	}
	return records, alias
}

// limit shortens the life of an answer.
func (a *answer) limit(ttl time.Duration) { a.ttl = min(a.ttl, ttl) }

// soaOf finds the record that says how long a "no" holds.
func soaOf(m *miekg.Msg) *miekg.SOA {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*miekg.SOA); ok {
			return soa
		}
	}
	return nil
}

// negativeTTL is how long a "no" holds (RFC 2308 §5). Without a word on that it is forgotten soon.
func negativeTTL(soa *miekg.SOA) time.Duration {
	if soa == nil {
		return minTTL
	}
	return time.Duration(min(soa.Hdr.Ttl, soa.Minttl)) * time.Second
}

// refusal is the error of a server that answered without an answer.
type refusal struct {
	rcode int
	why   string // what it says beyond the code, for the log (RFC 8914): "DNSSEC Bogus" is worth a lot there
}

func (e *refusal) Error() string { return miekg.RcodeToString[e.rcode] + e.why }

// refusalOf reads why there is no answer in a message.
func refusalOf(m *miekg.Msg) *refusal {
	e := &refusal{rcode: m.Rcode}
	edns := m.IsEdns0()
	if edns == nil {
		return e
	}
	for _, o := range edns.Option {
		if ede, ok := o.(*miekg.EDNS0_EDE); ok {
			e.why = fmt.Sprintf(": %s %.200q", miekg.ExtendedErrorCodeToString[ede.InfoCode], ede.ExtraText)
			break
		}
	}
	return e
}
