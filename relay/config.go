package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"tegami/domains"
	"tegami/mail"
	"tegami/obs"
	"tegami/queue"
	"tegami/wire/dns"
	"tegami/wire/smtp"
)

// Config is what the relay stands on. Hostname and Lookup must be set.
type Config struct {
	Hostname string     // ours: for EHLO, and to know a loop by
	Lookup   dns.Lookup // DANE counts only where it vouches for DNSSEC
	// Domains signs messages and knows the smart hosts of tenants; nil: neither.
	Domains Domains
	// SmartHost takes all mail, before those of tenants; nil: none. An empty TLS in it means STARTTLS where it is
	// offered, whoever's certificate that is.
	SmartHost *domains.SmartHost
	// Port is where other hosts listen; 0 = 25.
	Port uint16
	// Roots are the authorities certificates are verified with; nil = the system's.
	Roots *x509.CertPool
	// Allow are networks that may be connected to although they are loopback, private or otherwise not of the public
	// internet: by default none, so that no MX record leads the relay to what stands beside it. Smart hosts may
	// be anywhere: operators name them.
	Allow []netip.Prefix
	// Policies keeps MTA-STS policies over a restart; nil: they are kept in memory only.
	Policies PolicyStore
	// Reports hears of each TLS connection and failure, for RFC 8460; nil: nobody does.
	Reports TLSReporter
	// Dial opens connections to an address and port that were checked; nil = over TCP.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Waits   smtp.Waits   // how long to wait for other hosts; zero = RFC 5321 §4.5.3.2
	Log     *slog.Logger // nil = silent
	Metrics *obs.Metrics // nil = none
	Limits  Limits
}

// Limits of the relay. The zero value is the shipped profile.
type Limits struct {
	Connect   time.Duration // for a connection to an address; 0 = 20 s
	Resolve   time.Duration // for all questions to the DNS before a connection; 0 = 30 s
	Hosts     int           // of a destination, tried at a time; 0 = 5
	Addresses int           // of them all, tried at a time; 0 = 10
	Messages  int           // sent over one connection; 0 = 100
	Idle      time.Duration // how long a connection is kept for the next message; 0 = 3 s
	Parked    int           // connections that are kept so; 0 = 500
	PerHost   int           // of them, to one destination; 0 = 20
	Policies  int           // domains whose MTA-STS policy, or want of one, is in memory; 0 = 10,000
}

func (l Limits) filled() Limits {
	count := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	wait := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	wait(&l.Connect, 20*time.Second)
	wait(&l.Resolve, 30*time.Second)
	wait(&l.Idle, 3*time.Second)
	count(&l.Hosts, 5)
	count(&l.Addresses, 10)
	count(&l.Messages, 100)
	count(&l.Parked, 500)
	count(&l.PerHost, 20)
	count(&l.Policies, 10_000)
	return l
}

const (
	// maxMX is how many mail exchangers of a domain are looked at.
	maxMX = 32
	// maxSessions is how many connections one item may take at a time: hosts that break it off, and those that take
	// its recipients in small portions.
	maxSessions = 20
	// settleTime is how long the end of a job may take after the relay was told to stop.
	settleTime = 10 * time.Second
	// tlsSessions is how many TLS sessions are remembered, to resume them.
	tlsSessions = 1000
)

// Domains is what the relay needs of domains.Service.
type Domains interface {
	// Sign makes the DKIM-Signature fields of a message in the name of a tenant's domain, with CRLF, to be put in
	// front of it. header is the block up to and including the blank line. NotFound: the domain is not the
	// tenant's any more, and the message goes out unsigned.
	Sign(ctx context.Context, tenant mail.TenantID, domain string, blob mail.BlobRef, header []byte, body io.Reader) ([]byte, error)
	// SmartHost gives the host that mail from a domain of the tenant leaves by; nil: straight to its
	// destination. It is asked for every message and should answer from memory.
	SmartHost(ctx context.Context, tenant mail.TenantID, domain string) (*domains.SmartHost, error)
}

var _ Domains = (*domains.Service)(nil)

// A Relay is the carrier to other hosts. Its methods may be called from many goroutines.
type Relay struct {
	cfg      Config
	log      *slog.Logger
	sts      *policies
	parked   *parking
	sessions tls.ClientSessionCache
}

var _ queue.Carrier = (*Relay)(nil)

// New makes a relay. Close it when nothing is carried any more.
func New(cfg Config) *Relay {
	if cfg.Port == 0 {
		cfg.Port = 25
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	cfg.Limits = cfg.Limits.filled()
	r := &Relay{
		cfg: cfg, log: obs.Named(cfg.Log, "relay"), sessions: tls.NewLRUClientSessionCache(tlsSessions),
		parked: newParking(cfg.Limits),
	}
	r.sts = newPolicies(r)
	return r
}

// Close ends the connections that were kept open.
func (r *Relay) Close() { r.parked.close() }
