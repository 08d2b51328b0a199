package quarantine

import (
	"context"
	"log/slog"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Config is what a Service stands on. Store, Directory and Release must be set.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	// Release puts a message into its account's inbox, past the filter and whatever its score is, inside the transaction that takes it out of
	// quarantine. It must not do I/O and may run more than once. Its error leaves the message where it is: Full "box.full".
	Release func(tx store.Tx, to directory.Account, e *Entry) error
	// Allow puts a sender on the account's list of those whose mail is let in, inside the same transaction. Denied where the company
	// does not permit such lists (SF-5), Full where it has 300 entries. nil: nobody can be allowed, Denied "actor.denied".
	Allow func(tx store.Tx, by mail.Actor, account mail.AccountID, sender mail.Address) error
	// Forward queues a copy of a message for an address, inside the transaction that notes who did it. nil: Denied "actor.denied".
	Forward func(tx store.Tx, of directory.Account, e *Entry, to mail.Address) error
	// Did hears after the commit what became of messages. It returns soon; nil: nobody is told.
	Did func(context.Context, Act)
	Log *slog.Logger // nil = silent
}

// Deed is what somebody did with a message in quarantine.
type Deed string

// The deeds.
const (
	Released Deed = "released" // taken into the inbox
	Deleted  Deed = "deleted"  // thrown away by somebody
	Expired  Deed = "expired"  // its time was over
	NotSpam  Deed = "notSpam"  // said to be wanted
	Sent     Deed = "forwarded"
	Looked   Deed = "viewed"
)

// Act is something that was done.
type Act struct {
	Tenant  mail.TenantID
	Account directory.Account
	Deed    Deed
	Ham     bool // its reader said so, or took it out: the spam filter may learn from it
	Entry   Entry
}

// Service opens quarantine boxes. Its methods may be called from many goroutines.
type Service struct{ cfg Config }

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Did == nil {
		cfg.Did = func(context.Context, Act) {}
	}
	return &Service{cfg: cfg}
}

// Box is the quarantine of one account, opened for its owner. Its methods may be called from several goroutines.
type Box struct {
	service *Service
	tenant  store.Tenant
	account directory.Account
	by      mail.Actor
	// may tells before each operation whether who opened the box may still use it.
	may func(context.Context) error
	// noted: what is done here is a line of the operation log, as it is done in somebody else's box.
	noted bool
}

// Open gives an identity its own quarantine. It reads nothing. Denied without an identity.
func (s *Service) Open(who *directory.Identity) (*Box, error) {
	if who == nil || !who.Actor().Valid() {
		return nil, mail.E("quarantine.Open", mail.Denied, "auth.failed")
	}
	return &Box{
		service: s, tenant: s.cfg.Store.Tenant(who.Tenant()), account: who.Account(), by: who.Actor(),
		may: func(ctx context.Context) error { return s.cfg.Directory.StillValid(ctx, who) },
	}, nil
}

// Account is whose box it is.
func (b *Box) Account() directory.Account { return b.account }

// view reads for who may.
func (b *Box) view(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
	if err := b.may(ctx); err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, b.tenant.View(ctx, fn))
}

// update writes for who may.
func (b *Box) update(ctx context.Context, op mail.Op, fn func(store.Tx) error) error {
	if err := b.may(ctx); err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, b.tenant.Update(ctx, b.by, op, fn))
}

// get reads one message.
func (b *Box) get(r store.Reader, id mail.ObjectID) (Entry, error) {
	e, err := r.Entry(b.account.ID, Kind, id)
	if mail.Is(err, mail.NotFound) {
		return Entry{}, mail.E("quarantine.Get", mail.NotFound, "quarantine.unknown")
	}
	if err != nil {
		return Entry{}, err
	}
	return decode(&e)
}

// Get gives one message. NotFound "quarantine.unknown".
func (b *Box) Get(ctx context.Context, id mail.ObjectID) (e Entry, err error) {
	err = b.view(ctx, "quarantine.Get", func(r store.Reader) (err error) {
		e, err = b.get(r, id)
		return err
	})
	return e, err
}

// State is the account's ModSeq: a quarantine of the same state is the same.
func (b *Box) State(ctx context.Context) (at mail.ModSeq, err error) {
	err = b.view(ctx, "quarantine.State", func(r store.Reader) error {
		box, err := r.Box(b.account.ID)
		at = box.ModSeq
		return err
	})
	return at, err
}

// Changes tells what changed since a state, at most limit messages (1 to store.MaxPage). Conflict "state.unknown" where that is forgotten.
func (b *Box) Changes(ctx context.Context, since mail.ModSeq, limit int) (c store.EntryChanges, err error) {
	limit = min(max(limit, 1), store.MaxPage)
	err = b.view(ctx, "quarantine.Changes", func(r store.Reader) error {
		c, err = store.EntriesChanged(r, b.account.ID, Kind, since, limit)
		return err
	})
	return c, err
}
