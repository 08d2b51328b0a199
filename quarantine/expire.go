package quarantine

import (
	"context"
	"errors"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// expirePortion is how many messages one transaction deletes.
const expirePortion = 200

// Expire deletes the messages whose time is over, and the oldest of boxes that have too many, of all companies. It tells how many ended. For a
// worker of app, every hour: a message may stay that much longer than its day. What goes wrong in one company does not keep it from
// the others.
func (s *Service) Expire(ctx context.Context) (ended int, err error) {
	const op mail.Op = "quarantine.Expire"
	tenants, err := s.cfg.Store.Tenants(ctx)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	var errs []error
	for _, id := range tenants {
		if ctx.Err() != nil {
			break
		}
		n, err := s.expire(ctx, s.cfg.Store.Tenant(id), time.Now())
		ended += n
		errs = append(errs, err, s.trimAll(ctx, s.cfg.Store.Tenant(id)))
	}
	return ended, mail.Wrap(op, errors.Join(append(errs, ctx.Err())...))
}

// expire deletes one company's messages whose time is over.
func (s *Service) expire(ctx context.Context, t store.Tenant, now time.Time) (ended int, err error) {
	for {
		n := 0
		var due []store.Entry
		err := t.View(ctx, func(r store.Reader) (err error) {
			due, err = r.EntriesEnded(Kind, now, expirePortion)
			return err
		})
		if err != nil || len(due) == 0 {
			return ended, err
		}
		err = t.Update(ctx, directory.Housekeeper(), "quarantine.Expire", func(tx store.Tx) error {
			n = 0
			for i := range due {
				err := tx.DeleteEntry(due[i].Account, Kind, due[i].ID)
				if err == nil {
					n++
				}
				if err != nil && !mail.Is(err, mail.NotFound) { // its reader was faster
					return err
				}
			}
			return nil
		})
		if ended += n; err != nil {
			return ended, err
		}
	}
}

// trimAll deletes the oldest messages of boxes that have more than MaxEntries.
func (s *Service) trimAll(ctx context.Context, t store.Tenant) error {
	for after := mail.AccountID(0); ; {
		var sums []store.EntrySum
		err := t.View(ctx, func(r store.Reader) (err error) {
			sums, err = r.EntrySums(Kind, after, 0)
			return err
		})
		if err != nil || len(sums) == 0 {
			return err
		}
		for _, sum := range sums {
			after = sum.Account
			if sum.Entries <= MaxEntries {
				continue
			}
			err := t.Update(ctx, directory.Housekeeper(), "quarantine.Expire", func(tx store.Tx) error { return trim(tx, sum.Account) })
			if err != nil {
				return err
			}
		}
	}
}
