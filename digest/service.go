package digest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/notice"
	"tegami/quarantine"
	"tegami/store"
)

const (
	// lookEvery is how often companies are looked at.
	lookEvery = time.Minute
	// late is how long after its hour a digest is still sent, where the platform could not sooner. What is new then comes with the next.
	late = 3 * time.Hour
	// MaxHours is how many digests an account gets a day.
	MaxHours = 24
	// kindDigest is the kind of the entry that says what an account was told of; it has one, under its kind as key.
	kindDigest = "digest"
)

// Rules are what holds for an account: what its domain's administrator decided, and its owner.
type Rules struct {
	On    bool
	Hours []int // of the day in the company's zone, 0 to 23
	Days  int   // for how long messages are kept (SF-4)
	Allow bool  // its owner may let senders in for good (SF-5)
}

// Letters writes digests; notice.Service does.
type Letters interface {
	PostDigest(ctx context.Context, d *notice.Digest, with func(store.Tx) error) error
}

// Config is what a Service stands on. All but Log must be set.
type Config struct {
	Store      store.Store
	Directory  *directory.Directory
	Quarantine *quarantine.Service
	Letters    Letters
	// Rules gives those of an account.
	Rules func(context.Context, directory.Account) (Rules, error)
	// URL is where the page of links is, to which a token is appended: "https://mail.example/digest/".
	URL string
	Log *slog.Logger // nil = silent
}

// Service sends digests. Its methods may be called from many goroutines.
type Service struct{ cfg Config }

// New makes the service. Run must run.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg}
}

// Run sends digests at their hours, until ctx ends. Of several processes one does.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		held, _, err := s.cfg.Store.Lead(ctx, "digest")
		if err == nil {
			s.watch(held)
		}
		pause(ctx, time.Second) // the duty was lost
	}
}

// watch looks at companies when an hour begins there, as long as ctx lasts.
func (s *Service) watch(ctx context.Context) {
	next := map[mail.TenantID]time.Time{} // when the next hour begins there
	for ctx.Err() == nil {
		tenants, err := s.cfg.Store.Tenants(ctx)
		s.logged("", err)
		for _, id := range tenants {
			if now := time.Now(); ctx.Err() == nil && !now.Before(next[id]) {
				err := s.Send(ctx, id, now)
				if s.logged(id.String(), err); err == nil {
					next[id] = now.In(s.zone(ctx, id)).Truncate(time.Hour).Add(time.Hour)
				}
			}
		}
		pause(ctx, lookEvery)
	}
}

func (s *Service) logged(tenant string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.cfg.Log.Warn("quarantine digests could not be sent, will be tried again", "tenant", tenant, "err", err)
	}
}

// pause waits, until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// zone is where a company's days begin; Japan where that can't be read.
func (s *Service) zone(ctx context.Context, tenant mail.TenantID) *time.Location {
	zone, err := s.cfg.Directory.Company(tenant).Zone(ctx)
	if err != nil {
		s.cfg.Log.Warn("a company's time zone is not known", "tenant", tenant.String(), "err", err)
	}
	return zone
}

// portion is how many accounts are looked at with one query.
const portion = 500

// Send sends the digests that are due in a company at a time. What goes wrong for one account does not keep it from the others.
func (s *Service) Send(ctx context.Context, tenant mail.TenantID, now time.Time) error {
	const op mail.Op = "digest.Send"
	now = now.In(s.zone(ctx, tenant))
	var errs []error
	for after := mail.AccountID(0); ctx.Err() == nil; {
		var sums []store.EntrySum
		err := s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) (err error) {
			sums, err = r.EntrySums(quarantine.Kind, after, portion)
			return err
		})
		for _, sum := range sums {
			after = sum.Account
			if err := s.sendOne(ctx, tenant, sum, now); err != nil {
				errs = append(errs, err)
			}
		}
		if err != nil || len(sums) < portion {
			errs = append(errs, err)
			break
		}
	}
	return mail.Wrap(op, errors.Join(append(errs, ctx.Err())...))
}

// told is what an account was told of.
type told struct {
	Hour   time.Time     `json:"hour"`
	Newest mail.ObjectID `json:"newest"`

	entry store.Entry
}

// readTold reads what an account was told of; zero for nothing yet.
func readTold(r store.Reader, a mail.AccountID) (t told, err error) {
	e, err := r.EntryByKey(a, kindDigest, kindDigest)
	if mail.Is(err, mail.NotFound) {
		return told{entry: store.Entry{Kind: kindDigest, Account: a, Key: kindDigest}}, nil
	}
	if err == nil {
		if failed := json.Unmarshal(e.Doc, &t); failed != nil {
			err = mail.Because("digest.readTold", mail.Other, "", failed)
		}
	}
	t.entry = e
	return t, err
}

// sendOne sends an account its digest, if it is due and something is new.
func (s *Service) sendOne(ctx context.Context, tenant mail.TenantID, sum store.EntrySum, now time.Time) error {
	acc, err := s.cfg.Directory.Company(tenant).Account(ctx, sum.Account)
	if mail.Is(err, mail.NotFound) || err == nil && (acc.State != directory.AccountActive || acc.Shared) {
		return nil
	}
	if err != nil {
		return err
	}
	rules, err := s.cfg.Rules(ctx, acc)
	if err != nil {
		return err
	}
	hour, due := rules.due(now)
	if !due {
		return nil
	}
	var before told
	d := notice.Digest{Account: acc, Days: rules.Days, Allow: rules.Allow}
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) (err error) {
		if before, err = readTold(r, acc.ID); err != nil || !before.Hour.Before(hour) || before.Newest >= sum.Last {
			d.Lines = nil
			return err
		}
		d.Lines, err = news(r, acc.ID, before.Newest)
		return err
	})
	if err != nil || len(d.Lines) == 0 {
		return err
	}
	if d.Link, err = s.links(ctx, tenant, acc.ID); err != nil {
		return err
	}
	err = s.cfg.Letters.PostDigest(ctx, &d, func(tx store.Tx) error { return before.tell(tx, hour, d.Lines[0].ID) })
	if mail.Is(err, mail.Conflict) { // another process was faster
		return nil
	}
	return err
}

// due gives the hour of the last digest that is to be sent by now; false where none is, or it is too late for it.
func (r *Rules) due(now time.Time) (hour time.Time, due bool) {
	if !r.On || len(r.Hours) == 0 {
		return hour, false
	}
	for back := time.Duration(0); back < late; back += time.Hour {
		at := now.Add(-back)
		if slices.Contains(r.Hours, at.Hour()) {
			return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), 0, 0, 0, at.Location()).UTC(), true
		}
	}
	return hour, false
}

// news are the messages behind one, the newest first.
func news(r store.Reader, a mail.AccountID, behind mail.ObjectID) (lines []notice.DigestLine, err error) {
	for before := mail.ObjectID(0); ; {
		list, err := quarantine.Newest(r, a, before, portion)
		if err != nil {
			return nil, err
		}
		for i := range list {
			e := &list[i]
			if e.ID <= behind {
				return lines, nil
			}
			lines = append(lines, notice.DigestLine{ID: e.ID, Received: e.Received, Author: e.Author, Sender: e.Sender(), Subject: e.Subject})
			before = e.ID
		}
		if len(list) < portion {
			return lines, nil
		}
	}
}

// tell notes what an account is told of now. Conflict where somebody else told it meanwhile.
func (t told) tell(tx store.Tx, hour time.Time, newest mail.ObjectID) (err error) {
	e := t.entry
	if e.Doc, err = json.Marshal(told{Hour: hour, Newest: newest}); err != nil {
		return mail.Because("digest.tell", mail.Other, "", err)
	}
	_, err = tx.PutEntry(e)
	return err
}
