package app

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tegami/contacts"
	"tegami/deliver"
	"tegami/directory"
	"tegami/domains"
	"tegami/intake"
	"tegami/mail"
	"tegami/notice"
	"tegami/obs"
	"tegami/outbox"
	"tegami/policy/probe"
	"tegami/queue"
	"tegami/relay"
	"tegami/report"
	"tegami/store"
	"tegami/wire/compose"
	"tegami/wire/dns"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/sieve"
)

// checkOutgoing checks the settings of what goes out.
func (c *Config) checkOutgoing() error {
	if _, err := c.resolvers(); err != nil {
		return err
	}
	if err := errors.Join(c.checkVirus(), c.checkSpam()); err != nil {
		return err
	}
	if _, err := c.smartHost(); err != nil {
		return err
	}
	if _, err := prefixes("relay.allow", c.Relay.Allow); err != nil {
		return err
	}
	if _, err := c.dialer(); err != nil {
		return err
	}
	switch {
	case c.Relay.Concurrency < 1 || c.Relay.Concurrency > 1000:
		return badValue("relay.concurrency", strconv.Itoa(c.Relay.Concurrency))
	case c.Relay.Port < 1 || c.Relay.Port > 65535:
		return badValue("relay.port", strconv.Itoa(c.Relay.Port))
	case c.Queue.FirstRetry <= 0 || c.Queue.MaxRetry < c.Queue.FirstRetry:
		return badValue("queue.max_retry", time.Duration(c.Queue.MaxRetry).String())
	case c.Queue.Lifetime <= 0:
		return badValue("queue.lifetime", time.Duration(c.Queue.Lifetime).String())
	}
	return nil
}

// resolvers are the configured name servers; nil where the system's are meant.
func (c *Config) resolvers() (list []netip.AddrPort, err error) {
	for _, text := range c.DNS.Servers {
		at, err := netip.ParseAddrPort(text)
		if ip, ipErr := netip.ParseAddr(strings.Trim(text, "[]")); err != nil && ipErr == nil {
			at, err = netip.AddrPortFrom(ip, 53), nil
		}
		if err != nil {
			return nil, badValue("dns.servers", text)
		}
		list = append(list, at)
	}
	return list, nil
}

// smartHost is the host that takes all outgoing mail; nil where there is none.
func (c *Config) smartHost() (*domains.SmartHost, error) {
	if c.Relay.SmartHost == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(c.Relay.SmartHost)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || n == 0 || host == "" {
		return nil, badValue("relay.smart_host", c.Relay.SmartHost)
	}
	return &domains.SmartHost{Host: host, Port: uint16(n)}, nil
}

func prefixes(setting string, texts []string) (list []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, badValue(setting, text)
		}
		list = append(list, p)
	}
	return list, nil
}

// dialer opens connections to other hosts, from the addresses the boot file names.
func (c *Config) dialer() (func(ctx context.Context, network, address string) (net.Conn, error), error) {
	var four, six net.Dialer
	for _, text := range c.Relay.Source {
		ip, err := netip.ParseAddr(text)
		d := &four
		if ip.Is6() {
			d = &six
		}
		if err != nil || d.LocalAddr != nil {
			return nil, badValue("relay.source", text)
		}
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if to, err := netip.ParseAddrPort(address); err == nil && to.Addr().Is6() {
			return six.DialContext(ctx, network, address)
		}
		return four.DialContext(ctx, network, address)
	}, nil
}

// sendingLimits are the limits of ML-10 as the intake knows them.
func (c *SendingConfig) limits() intake.SendingLimits {
	return intake.SendingLimits{
		Account: directory.Rate{Hour: c.AccountHour, Day: c.AccountDay},
		Domain:  directory.Rate{Hour: c.DomainHour, Day: c.DomainDay},
		Tenant:  directory.Rate{Hour: c.CompanyHour, Day: c.CompanyDay},
	}
}

// roots are the authorities that other hosts' certificates may come from; nil: the system's.
func (c *Config) roots() (*x509.CertPool, error) {
	if c.Relay.TrustCA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.Relay.TrustCA)
	if err != nil {
		return nil, unreadable("app.Config", c.Relay.TrustCA, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, badValue("relay.trust_ca", c.Relay.TrustCA)
	}
	return pool, nil
}

// outgoing puts together what carries mail: the queue's runner with its carriers, and the notices.
func (p *Platform) outgoing() (err error) {
	c := p.config
	servers, _ := c.resolvers() // were checked with the boot file
	p.lookup = dns.New(dns.Config{Servers: servers, TrustAD: c.DNS.Trust})
	p.domains = domains.New(p.store, p.dir, domains.Config{
		Hostname: c.Hostname, By: queue.Worker(), Ports: p.ports, Log: obs.Named(p.log, "domains"),
	})
	p.runner = queue.NewRunner(queue.Config{
		Queue: p.queue, Log: p.log, Metrics: p.metrics, Worker: "tegami-" + strconv.Itoa(c.Node),
		Schedule: queue.Schedule{
			First: time.Duration(c.Queue.FirstRetry), Max: time.Duration(c.Queue.MaxRetry),
			Lifetime: time.Duration(c.Queue.Lifetime), Warn: time.Duration(c.Queue.WarnAfter),
		},
		Limits: queue.Limits{Grace: p.grace()}, Settled: p.trace.Touch,
	})
	p.house = p.newHouse()
	p.notices = p.newNotices()
	if p.reports, err = p.newReports(); err != nil {
		return err
	}
	p.runner.Handle(queue.RouteLocal, p.house.Carrier(), queue.CarrierLimits{Concurrency: 4})
	p.runner.Handle(queue.RouteForward, p.house.Carrier(), queue.CarrierLimits{Concurrency: 4})
	p.runner.Handle(queue.RouteFilter, p.house.Carrier(), queue.CarrierLimits{Concurrency: 4})
	p.runner.Handle("list ", p.house.Carrier(), queue.CarrierLimits{Concurrency: 2})
	p.runner.Handle(queue.RouteNotice, p.notices, queue.CarrierLimits{Concurrency: 4})
	return p.newRelay()
}

func (p *Platform) newHouse() *deliver.House {
	postmaster, _ := p.config.postmaster()
	return deliver.New(deliver.Config{
		Store: p.store, Directory: p.dir, Mailbox: p.boxes, Keys: p.domains, Lookup: p.lookup, Hostname: p.config.Hostname,
		Postmaster: postmaster, UnsubscribeURL: "https://" + p.config.Hostname + "/unsubscribe?t=",
		Log: obs.Named(p.log, "deliver"), Metrics: p.metrics, Wake: p.runner.Wake,
		Filled:         p.filled,
		Filter:         p.filterOf,
		TrustedSealers: p.config.Inbound.TrustedSealers,
		Moderate:       func(t mail.TenantID, l directory.List, it queue.Item) { p.notices.Moderate(t, l, it) },
		SwitchedOff:    func(t mail.TenantID, l directory.List, m mail.Address) { p.notices.SwitchedOff(t, l, m) },
		ForwardRefused: func(t mail.TenantID, a directory.Account, to mail.Address) { p.notices.ForwardRefused(t, a, to) },
		FilterFailed: func(t mail.TenantID, a directory.Account, script string, fault sieve.Fault) {
			p.notices.FilterFailed(t, a, script, fault)
		},
		Released: outbox.Released,
		Report: func(ctx context.Context, t mail.TenantID, to mail.Address, it *queue.Item, octets store.Blob) error {
			return p.reports.Receive(ctx, t, to, it, octets)
		},
	})
}

func (p *Platform) newNotices() *notice.Service {
	return notice.New(notice.Config{
		House: p.house, Store: p.store, Directory: p.dir, Mailbox: p.boxes, Words: p.words, Hostname: p.config.Hostname,
		Lifetime: time.Duration(p.config.Queue.Lifetime), Log: obs.Named(p.log, "notice"),
	})
}

// newReports makes what reads reports and, where the boot file names a company for it, sends them.
func (p *Platform) newReports() (*report.Service, error) {
	c := p.config
	cfg := report.Config{
		Store: p.store, Directory: p.dir, House: p.house, Words: p.words, Lookup: p.lookup, Hostname: c.Hostname, Log: obs.Named(p.log, "report"),
	}
	if c.Reports.Contact != "" {
		var err error
		if cfg.Contact, err = mail.ParseAddress(c.Reports.Contact); err != nil {
			return nil, badValue("reports.contact", c.Reports.Contact)
		}
	}
	if c.Reports.Company != "" {
		tenant, ours, err := p.dir.LocalDomain(context.Background(), c.Reports.Company)
		if err != nil {
			return nil, err
		}
		if !ours {
			p.log.Warn("no reports are sent: the domain is nobody's here", "reports.company", c.Reports.Company)
		}
		cfg.Sender = tenant
	}
	return report.New(cfg), nil
}

// seen tells the reports what was found out about a message from outside.
func (p *Platform) seen(o mail.Origin, from mail.Address, found *probe.Found, refused bool) {
	s := report.Seen{
		Remote: o.Remote, From: from, Author: found.DMARC.Discovery.Domain, SPF: found.SPF, DKIM: found.DKIM, DMARC: found.DMARC,
		Disposition: dmarc.DispositionNone,
	}
	if refused && found.DMARC.Status == dmarc.Fail {
		s.Disposition = dmarc.DispositionReject
	}
	p.reports.Saw(s)
}

func (p *Platform) newRelay() error {
	c := p.config
	smartHost, _ := c.smartHost()
	allow, _ := prefixes("relay.allow", c.Relay.Allow)
	dial, _ := c.dialer()
	roots, err := c.roots()
	if err != nil {
		return err
	}
	p.relay = relay.New(relay.Config{
		Hostname: c.Hostname, Lookup: p.lookup, Domains: signer{p.domains, c.Hostname, c.Relay.Sign}, SmartHost: smartHost,
		Port: uint16(c.Relay.Port), Roots: roots, Allow: allow, Policies: policyFiles{filepath.Join(c.Data, policyFolder)}, Reports: p.reports, Dial: dial, Log: p.log, Metrics: p.metrics,
	})
	p.runner.Handle("remote ", p.relay, queue.CarrierLimits{Concurrency: c.Relay.Concurrency})
	return nil
}

// newIntake makes what takes mail in.
func (p *Platform) newIntake() *intake.Intake {
	c := p.config
	postmaster, _ := c.postmaster() // was checked with the boot file
	cfg := intake.Config{
		Store: p.store, Directory: p.dir, Mailbox: p.boxes, House: p.house, Runner: p.runner, Hostname: c.Hostname,
		TrustedSealers: c.Inbound.TrustedSealers, Postmaster: postmaster, Metrics: p.metrics, Log: obs.Named(p.log, "intake"),
		Limits: intake.Limits{Sending: c.Sending.limits()},
		Full:   p.notices.Full, Hijacked: p.hijacked, Accepted: p.trace.Touch, Refused: p.trace.Refused,
		OverLimit: func(t mail.TenantID, a mail.AccountID, o intake.Overrun) {
			p.notices.OverLimit(t, a, o.Whose, o.Limit, o.Window)
		},
	}
	cfg.Inspect, cfg.Infected, cfg.Greylist = p.newInspect(), p.infected, c.Spam.Greylist
	if c.Inbound.Authenticate {
		cfg.Lookup, cfg.Authenticated = p.lookup, p.seen
	}
	return intake.New(cfg)
}

// newOutbox makes what people at the webmail send with.
func (p *Platform) newOutbox() *outbox.Service {
	return outbox.New(outbox.Config{
		Store: p.store, Directory: p.dir, Mailbox: p.boxes, Intake: p.intake, Queue: p.queue, Log: obs.Named(p.log, "outbox"),
		NoteSent: p.noteSent,
	})
}

// noteSent has the address book of the sender hear to whom he wrote (ML-6). The message is on its way whatever becomes of that.
func (p *Platform) noteSent(ctx context.Context, who *directory.Identity, to []compose.Mailbox) {
	list := make([]contacts.Recipient, len(to))
	for i, m := range to {
		list[i] = contacts.Recipient{Address: m.Address, Name: m.Name}
	}
	if err := p.contacts.NoteSent(ctx, who, list); err != nil {
		p.log.Warn("who was written to is not in the address book", "account", who.Account().Address.String(), "err", err)
	}
}

// ports are where mail software connects in a zone, for what tells it its settings: what is open, or would be.
func (p *Platform) ports(zone mail.Zone) (open domains.Ports) {
	for _, l := range p.offered() {
		if l.Zone != zone {
			continue
		}
		switch l.Protocol {
		case "smtps":
			open.SMTPS = l.Address.Port()
		case "pop3s":
			open.POP3S = l.Address.Port()
		case "imaps":
			open.IMAPS = l.Address.Port()
		}
	}
	return open
}

// offered are the listeners: those that are open, or those of the boot file where the platform was not started.
func (p *Platform) offered() []Listening {
	if p.listening != nil {
		return p.listening
	}
	list := make([]Listening, len(p.config.Listen))
	for i, l := range p.config.Listen {
		_, text, _ := net.SplitHostPort(l.Address) // was checked with the boot file
		port, _ := strconv.ParseUint(text, 10, 16)
		list[i] = Listening{l.Protocol, netip.AddrPortFrom(netip.Addr{}, uint16(port)), mail.Zone(l.Zone)}
	}
	return list
}

// tendEvery is how often the keys of domains are looked after.
const tendEvery = time.Hour

// tend looks after keys until ctx ends.
func (p *Platform) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		if err := p.domains.Tend(ctx, p.lookup); err != nil && ctx.Err() == nil {
			p.log.Error("keys of domains", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// holdTime is how long holding what a stolen account has submitted may take.
const holdTime = 10 * time.Minute

// hijacked tells of a stolen account, and holds what it has submitted already.
func (p *Platform) hijacked(tenant mail.TenantID, account directory.Account) {
	p.notices.Hijacked(tenant, account)
	p.run(func() {
		ctx, cancel := context.WithTimeout(context.Background(), holdTime)
		defer cancel()
		held, err := p.queue.Of(tenant).HoldFrom(ctx, directory.Operator("tegami", ""), account.ID)
		p.log.Warn("mail of a stopped account is held", "account", account.Address.String(), "messages", held, "err", err)
	})
}

// signer is the relay's view of the domains: mail of the platform itself, such as a bounce, is signed as the platform's host
// whichever tenant's queue it goes through.
type signer struct {
	*domains.Service
	hostname string
	on       bool
}

// Sign implements relay.Domains.
func (s signer) Sign(ctx context.Context, tenant mail.TenantID, domain string, blob mail.BlobRef, header []byte, body io.Reader) ([]byte, error) {
	if !s.on {
		return nil, nil
	}
	if domain == s.hostname {
		tenant = 0
	}
	return s.Service.Sign(ctx, tenant, domain, blob, header, body)
}
