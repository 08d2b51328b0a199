package notice

import (
	"context"
	"log/slog"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
)

// House puts the platform's own mail into boxes and the queue; deliver.House does.
type House interface {
	Post(ctx context.Context, l deliver.Letter, with func(store.Tx) error) (mail.ItemID, error)
}

// Config is what a Service stands on. House, Store, Directory, Mailbox, Words and Hostname must be set.
type Config struct {
	House     House
	Store     store.Store // for who was told what today
	Directory *directory.Directory
	Mailbox   *mailbox.Service
	Words     *i18n.Catalogue
	Hostname  string // of this platform: Reporting-MTA, the address of notices, and the domain that signs them
	Name      string // of the service, under every text; "" = Hostname
	// Lifetime is for how long a message is tried, as in queue.Schedule. 0 = 5 days.
	Lifetime time.Duration
	Log      *slog.Logger // nil = silent
}

// maxPending is how many notices, and how many full boxes, wait to be told of. A box that comes past it is told of at its
// next message.
const maxPending = 1000

// Service writes notices. Its methods may be called from many goroutines.
type Service struct {
	cfg     Config
	notices chan pending
	boxes   chan box
}

// pending is a notice that somebody who has no time gave us.
type pending struct {
	tenant mail.TenantID
	notice Notice
}

// box is one that was found nearly full, or too full for a message.
type box struct {
	account directory.Account
	refused bool
}

// New makes the service. Run must run for what its hooks are told; as a Carrier it is for the queue's Runner.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Name == "" {
		cfg.Name = cfg.Hostname
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = 5 * 24 * time.Hour
	}
	return &Service{cfg: cfg, notices: make(chan pending, maxPending), boxes: make(chan box, maxPending)}
}

// Run writes what the hooks were told, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-s.notices:
			s.tell(ctx, p.tenant, p.notice)
		case b := <-s.boxes:
			s.tellFull(ctx, b)
		}
	}
}

// tell is Tell where nobody waits for the answer.
func (s *Service) tell(ctx context.Context, tenant mail.TenantID, n Notice) {
	if err := s.Tell(ctx, tenant, n); err != nil && ctx.Err() == nil {
		s.cfg.Log.Error("a notice could not be sent", "tenant", tenant.String(), "notice", n.subject, "err", err)
	}
}

// later has a notice written by Run. It does not wait.
func (s *Service) later(tenant mail.TenantID, n Notice) {
	select {
	case s.notices <- pending{tenant, n}:
	default:
		s.cfg.Log.Error("too many notices wait: one is left out", "tenant", tenant.String(), "notice", n.subject)
	}
}

// settings gives what a tenant decided. Where that cannot be read, a notice goes out in the usual form rather than not.
func (s *Service) settings(ctx context.Context, tenant mail.TenantID) directory.Settings {
	set, err := s.cfg.Directory.Company(tenant).Settings(ctx)
	if err != nil {
		s.cfg.Log.Warn("settings for a notice", "tenant", tenant.String(), "err", err)
	}
	return set
}

// words makes the words for a tenant's readers.
func (s *Service) words(set *directory.Settings, langs []i18n.Lang) []words {
	return inLangs(s.cfg.Words, set.Location(), langs)
}
