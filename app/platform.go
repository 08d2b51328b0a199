package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"tegami/billing"
	"tegami/contacts"
	"tegami/deliver"
	"tegami/digest"
	"tegami/directory"
	"tegami/directory/ldap"
	"tegami/directory/passkey"
	"tegami/domains"
	"tegami/i18n"
	"tegami/intake"
	"tegami/jobs"
	"tegami/learning"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/notice"
	"tegami/obs"
	"tegami/outbox"
	"tegami/policy/probe/cell"
	"tegami/push"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/relay"
	"tegami/report"
	"tegami/server/contentd"
	"tegami/server/door"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/trace"
	"tegami/webhooks"
	"tegami/wire/dns"
)

// Platform is one process of the product: the open store, the services over it and, once
// started, its doors. Make it with Embedded or Cluster, and end it with Stop or Close.
type Platform struct {
	config   Config
	log      *slog.Logger
	metrics  *obs.Metrics
	store    store.Store
	dir      *directory.Directory
	boxes    *mailbox.Service
	queue    *queue.Queue
	runner   *queue.Runner
	lookup   *dns.Resolver
	domains  *domains.Service
	house    *deliver.House
	notices  *notice.Service
	reports  *report.Service
	relay    *relay.Relay
	intake   *intake.Intake
	outbox   *outbox.Service
	push     *push.Service
	contacts *contacts.Service
	trace    *trace.Service
	jobs     *jobs.Service
	hooks    *webhooks.Service
	content  *contentd.Server // nil where the boot file names no origin for it
	ldap     *ldap.Service
	orders   *billing.Service
	words    *i18n.Catalogue

	learning   *learning.Service
	apart      *takenApart
	engines    []answering // of the boot file
	cells      *cell.Pool  // in apart; nil: there are no children
	quarantine *quarantine.Service
	digests    *digest.Service

	certs *certificates // nil until started

	sessions door.Sessions // of all doors for mail software

	started   time.Time
	listening []Listening
	halt      context.CancelFunc
	ending    <-chan struct{} // closed at a stop; nil before the start
	running   sync.WaitGroup
	failed    chan error
}

// Logger makes the logger the boot file asks for.
func (c Config) Logger(w io.Writer) *slog.Logger {
	level, _ := c.level() // was checked with the file
	return obs.NewLog(w, obs.LogForm(c.Log.Form), level)
}

// Open opens the product the boot file asks for, without any door.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Platform, error) {
	if c.isCluster() {
		return Cluster(ctx, c, log)
	}
	return Embedded(c, log)
}

// Embedded opens the state in the data folder, for this process alone. Unavailable
// "storage.in_use" while another has it.
func Embedded(c Config, log *slog.Logger) (*Platform, error) {
	st, err := embedded.Open(c.Data, embedded.Options{Node: uint16(c.Node), BlobGrace: uploadGrace})
	if err != nil {
		return nil, err
	}
	return assemble(c, st, log)
}

// assemble puts the services over a store, the lower floors first.
func assemble(c Config, st store.Store, log *slog.Logger) (*Platform, error) {
	p := &Platform{config: c, log: log, store: st, metrics: obs.NewMetrics(), words: i18n.New(), failed: make(chan error, len(c.Listen))}
	p.dir = directory.New(st, directory.Config{
		Provision: mailbox.Provision, Share: mailbox.Share, Passkeys: passkey.New("Tegami", c.Hostname), Locked: p.locked,
	})
	p.boxes = mailbox.New(st, p.dir, mailbox.Config{
		NoTextIndex: !c.Search.Index, Log: obs.Named(log, "mailbox"), Admin: c.contactURI(), Comment: c.Hostname, Judged: p.judged,
	})
	p.learning = p.newLearning()
	p.apart = &takenApart{cell.Inline(cell.Default())}
	p.queue = queue.New(st)
	p.orders = billing.New(st, p.dir)
	p.trace = trace.New(trace.Config{Store: st, Keep: time.Duration(c.Trace.Keep), Zone: p.zoneOf, Metrics: p.metrics, Log: obs.Named(log, "trace")})
	reach, err := c.ldapReach()
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	p.ldap = ldap.New(ldap.Config{Store: st, Directory: p.dir, Reach: reach})
	p.jobs = jobs.New(jobs.Config{Store: st, Directory: p.dir, Kinds: p.jobKinds(), Log: log})
	if p.hooks, err = p.newHooks(); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if p.content, err = p.newContent(); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if err := p.outgoing(); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	p.quarantine = p.newQuarantine()
	p.digests = p.newDigests()
	p.intake = p.newIntake()
	p.contacts = contacts.New(st, p.dir, contacts.Config{Words: p.words, Collects: p.collects})
	p.outbox = p.newOutbox()
	p.push = push.New(push.Config{Store: st, Directory: p.dir, Contact: c.contactURI(), Log: obs.Named(log, "push")})
	return p, nil
}

// Directory is the platform's directory.
func (p *Platform) Directory() *directory.Directory { return p.dir }

// Mailboxes is mail at rest.
func (p *Platform) Mailboxes() *mailbox.Service { return p.boxes }

// Queue is what the platform answers for.
func (p *Platform) Queue() *queue.Queue { return p.queue }

// Runner carries what the platform answers for, once the platform is started.
func (p *Platform) Runner() *queue.Runner { return p.runner }

// House is what puts mail away, and decides about posts that wait for an owner.
func (p *Platform) House() *deliver.House { return p.house }

// Sessions lists who is at the doors for mail software.
func (p *Platform) Sessions() *door.Sessions { return &p.sessions }

// Domains looks after keys, records and smart hosts.
func (p *Platform) Domains() *domains.Service { return p.domains }

// Reports are what others say about our domains, and we about theirs.
func (p *Platform) Reports() *report.Service { return p.reports }

// Lookup asks the DNS.
func (p *Platform) Lookup() dns.Lookup { return p.lookup }

// Check verifies everything that is stored; see store.Store.Check.
func (p *Platform) Check(ctx context.Context, repair bool, report func(store.Finding)) error {
	return p.store.Check(ctx, repair, report)
}

// Listening is a door that is open.
type Listening struct {
	Protocol string
	Address  netip.AddrPort
	Zone     mail.Zone
}

// Listeners tells what is open, in the order of the boot file.
func (p *Platform) Listeners() []Listening { return p.listening }

// Authority is the file with the authority that signed the self-made certificate, as PEM; "" with a certificate that was given.
func (p *Platform) Authority() string { return p.certs.authorityFile() }

// SelfMade tells whether the certificate is the server's own, which nobody outside trusts.
func (p *Platform) SelfMade() bool { return p.config.TLS.Certificate == "" }

// Start binds every listener and opens the doors. When one cannot be bound, none is. What serves lives on when ctx ends; Stop ends it.
func (p *Platform) Start(ctx context.Context) error {
	var err error
	if p.certs, err = openCertificates(p.config, p.names(), obs.Named(p.log, "certificate")); err != nil {
		return err
	}
	p.certs.ours = p.isOurs
	bound, err := p.bind(ctx)
	if err != nil {
		return err
	}
	serving, halt := context.WithCancel(context.WithoutCancel(ctx))
	p.halt, p.started, p.ending = halt, time.Now(), serving.Done()
	p.run(func() { p.certs.keepFresh(serving) })
	p.run(func() { p.sweep(serving) })
	p.run(func() { p.tend(serving) })
	p.run(func() { p.boxes.Index(serving) })
	p.run(func() { p.jobs.Run(serving) })
	p.run(func() { p.syncByClock(serving) })
	p.run(func() { p.tellHooks(serving) })
	p.run(func() { p.attend(serving) })
	p.run(func() { p.outbox.Run(serving) })
	p.run(func() { p.learning.Run(serving) })
	p.run(func() { p.digests.Run(serving) })
	p.run(func() { p.expire(serving) })
	p.run(func() { p.pushAll(serving) })
	p.run(func() { p.trace.Run(serving) })
	if p.cells != nil {
		p.cells.Start()
	}
	p.run(func() { p.notices.Run(serving) })
	p.run(func() { p.reports.Run(serving) })
	p.run(func() { p.runner.Run(serving); p.relay.Close() })
	for i, ln := range bound {
		serve := p.door(p.config.Listen[i])
		p.run(func() {
			if err := serve(serving, ln); err != nil {
				p.failed <- err
			}
		})
	}
	return nil
}

func (p *Platform) run(do func()) {
	p.running.Add(1)
	go func() { defer p.running.Done(); do() }()
}

// bind opens all listeners, or none.
func (p *Platform) bind(ctx context.Context) ([]net.Listener, error) {
	var bound []net.Listener
	var open []Listening
	var opener net.ListenConfig
	for _, l := range p.config.Listen {
		ln, err := opener.Listen(ctx, "tcp", l.Address)
		if err != nil {
			for _, b := range bound {
				b.Close()
			}
			return nil, mail.E("app.bind", mail.Unavailable, "listen.failed", l.Protocol, l.Address, cause(err))
		}
		bound = append(bound, ln)
		at, _ := netip.ParseAddrPort(ln.Addr().String()) // a TCP address always is one
		open = append(open, Listening{l.Protocol, at, mail.Zone(l.Zone)})
	}
	p.listening = open
	return bound, nil
}

// sweepEvery is how often a store that leaves garbage is swept.
const sweepEvery = time.Hour

// sweep removes octets nothing refers to, now and then, until ctx ends.
func (p *Platform) sweep(ctx context.Context) {
	sweeper, ok := p.store.(interface{ Sweep(context.Context) error })
	if !ok {
		return
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := sweeper.Sweep(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("sweep", "err", err)
			}
		}
	}
}

// names are what the self-made certificate is for.
func (p *Platform) names() []string {
	names := []string{p.config.Hostname}
	for _, l := range p.config.Listen {
		if host, _, err := net.SplitHostPort(l.Address); err == nil && isLoopback(host) {
			return append(names, "localhost", "127.0.0.1", "::1")
		}
	}
	return names
}

// isOurs tells whether a mail domain is one of ours.
func (p *Platform) isOurs(ctx context.Context, domain string) bool {
	_, ours, err := p.dir.LocalDomain(ctx, domain)
	return err == nil && ours
}

// Wait blocks until ctx ends, or a door failed: its error.
func (p *Platform) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

// Stop closes the doors, lets running commands end, and closes the store.
func (p *Platform) Stop() error {
	p.halt()
	p.running.Wait()
	return p.Close()
}

// Close closes the store. For a platform that was not started.
func (p *Platform) Close() error {
	if p.cells != nil {
		p.cells.Close()
	}
	return mail.Wrap("app.Close", p.store.Close())
}

// healthy tells whether the platform can do its work: its store answers.
func (p *Platform) healthy(ctx context.Context) error {
	return p.store.Platform().View(ctx, func(store.Reader) error { return nil })
}

// grace is how long each door waits for its running commands at a stop.
func (p *Platform) grace() time.Duration { return time.Duration(p.config.StopTimeout) }
