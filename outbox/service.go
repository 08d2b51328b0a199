package outbox

import (
	"context"
	"log/slog"
	"time"

	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/compose"
)

// Config is what a Service stands on. All but the last four must be set.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	Mailbox   *mailbox.Service
	Intake    *intake.Intake
	Queue     *queue.Queue
	// NoteSent is told after a message was submitted to whom it goes, with their names, for the address book of who is written to (ML-6). Receipts are not
	// told of. It returns soon; nil: nobody is told.
	NoteSent func(ctx context.Context, who *directory.Identity, to []compose.Mailbox)
	// DottedDomains are domains with addresses that break RFC 5322, such as "a..b@docomo.ne.jp": elsewhere they are taken for a
	// mistake (§15). nil = DottedDomains.
	DottedDomains []string
	MaxMessage    int64 // octets of a message as sent (ML-9); 0 = mail.MaxMessageSize
	MaxRecipients int   // of a message (ML-8); 0 = mail.MaxRecipients
	Log           *slog.Logger
}

// DottedDomains are those of Japan's mobile carriers.
var DottedDomains = []string{"docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp", "vodafone.ne.jp", "t.vodafone.ne.jp", "disney.ne.jp"}

// Service opens outboxes.
type Service struct{ cfg Config }

// New makes the service.
func New(cfg Config) *Service {
	if cfg.DottedDomains == nil {
		cfg.DottedDomains = DottedDomains
	}
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = mail.MaxMessageSize
	}
	if cfg.MaxRecipients == 0 {
		cfg.MaxRecipients = mail.MaxRecipients
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg}
}

// Box is the outbox of one account, opened for its owner. Its methods may be called from several goroutines.
type Box struct {
	*Service
	who    *directory.Identity
	id     mail.AccountID
	tenant store.Tenant
}

// Open gives an identity its own outbox. It reads nothing. Denied without an identity.
func (s *Service) Open(who *directory.Identity) (*Box, error) {
	if who == nil || !who.Actor().Valid() {
		return nil, mail.E("outbox.Open", mail.Denied, "auth.failed")
	}
	return &Box{Service: s, who: who, id: who.Account().ID, tenant: s.cfg.Store.Tenant(who.Tenant())}, nil
}

// State is the account's ModSeq.
func (b *Box) State(ctx context.Context) (at mail.ModSeq, err error) {
	err = b.tenant.View(ctx, func(r store.Reader) error {
		box, err := r.Box(b.id)
		at = box.ModSeq
		return err
	})
	return at, mail.Wrap("outbox.State", err)
}

// update writes in the owner's name. Denied when he may not act any more.
func (b *Box) update(ctx context.Context, op mail.Op, fn func(store.Tx) error) error {
	if _, err := b.cfg.Directory.Current(ctx, b.who); err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, b.tenant.Update(ctx, b.who.Actor(), op, fn))
}

// now is the time to the second, as clients read it.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
