package report

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
	"tegami/store"
	"tegami/wire/dns"
)

// House puts the platform's own mail into boxes and the queue; deliver.House does.
type House interface {
	Post(ctx context.Context, l deliver.Letter, with func(store.Tx) error) (mail.ItemID, error)
}

// Config is what a Service stands on. Store and Directory must be set; House, Words, Lookup and Hostname where reports are sent.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	House     House
	Words     *i18n.Catalogue
	Lookup    dns.Lookup
	// Hostname is ours: who reports, and the domain that signs.
	Hostname string
	// Organization is the name of who reports; "" = Hostname.
	Organization string
	// Contact is whom to ask about a report; null = postmaster@Hostname.
	Contact mail.Address
	// Sender is the tenant through whose queue reports go: the operator's own. Zero: nothing is collected
	// and nothing is sent, which is how an installation begins.
	Sender mail.TenantID
	// Every is how often sums are written to the store, and sending is looked after; 0 = an hour.
	Every time.Duration
	Log   *slog.Logger // nil = silent
}

// Limits of the room.
const (
	// maxSums is how many different sums wait in memory to be written. What comes past them until then is counted only.
	maxSums = 20_000
	// maxSumsDay is how many a process writes of one day.
	maxSumsDay = 200_000
	// maxRows is how many rows a report that is sent has: those with most messages.
	maxRows = 20_000
	// maxFailures is how many kinds of failures a report on TLS names for a policy.
	maxFailures = 1000
	// sumsPerObject is how many sums are kept in one object.
	sumsPerObject = 200
	// objectsPerCommit is how many objects one transaction writes or removes.
	objectsPerCommit = 20
	// sendFor is how long after its end a day's reports are tried, when the DNS gives no answer.
	sendFor = 36 * time.Hour
	// settle is how long after midnight reports wait for what other processes have still to write.
	settle = 90 * time.Minute
	// markFor is how long it is known that a report was sent.
	markFor = 7 * 24 * time.Hour
	// keepFor is how long digests of reports that came in are kept.
	keepFor = 90 * 24 * time.Hour
	// MaxReports is how many digests a tenant has; the oldest goes first.
	MaxReports = 5000
	// maxReading is how many reports are read at a time. One takes up to some ten MiB of memory.
	maxReading = 2
	// stopTime is how long the last write may take after the service was told to stop.
	stopTime = 10 * time.Second
)

// duty is what one process of an installation does for all.
const duty = "reports"

// Service collects, sends and reads reports. Its methods may be called from many goroutines.
type Service struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	reading chan struct{}
	most    int // MaxReports, less in tests

	mu      sync.Mutex
	sums    map[string]*sum
	lost    int64 // what came past a limit since the last flush
	day     string
	written int // sums written of day
}

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Every == 0 {
		cfg.Every = time.Hour
	}
	if cfg.Organization == "" {
		cfg.Organization = cfg.Hostname
	}
	if cfg.Contact.IsNull() {
		cfg.Contact = mail.Address{Local: "postmaster", Domain: cfg.Hostname}
	}
	return &Service{
		cfg: cfg, log: obs.Named(cfg.Log, "report"), now: time.Now,
		reading: make(chan struct{}, maxReading), most: MaxReports, sums: map[string]*sum{},
	}
}

// Run writes down what was seen and sends what is due, until ctx ends; then it writes once more.
func (s *Service) Run(ctx context.Context) {
	var leads sync.WaitGroup
	leads.Go(func() { s.lead(ctx) })
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("what was seen was not written, and is kept", "err", err)
			}
		}
	}
	leads.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := s.Flush(last); err != nil {
		s.log.Error("what was seen since the last hour is lost", "err", err)
	}
}

// lead does what only one process does at a time: it sends, and removes what is old.
func (s *Service) lead(ctx context.Context) {
	for ctx.Err() == nil {
		held, _, err := s.cfg.Store.Lead(ctx, duty)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Error("nobody looks after the reports", "err", err)
			}
			pause(ctx, s.cfg.Every)
			continue
		}
		for held.Err() == nil {
			if err := s.Send(held); err != nil && held.Err() == nil {
				s.log.Error("reports were not sent", "err", err)
			}
			if err := s.Expire(held); err != nil && held.Err() == nil {
				s.log.Error("old reports were not removed", "err", err)
			}
			pause(held, s.cfg.Every)
		}
	}
}

// pause waits, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
