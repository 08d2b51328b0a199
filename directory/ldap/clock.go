package ldap

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// nightInJapan is when daily syncs begin, from midnight UTC: 01:00 in Japan.
const nightInJapan = 16 * time.Hour

// next is when the clock reads a source next; zero = never. Which minute of the hour that is its name decides, so that not all
// companies begin at once.
func (d *sourceDoc) next(now time.Time) time.Time {
	var at time.Time
	step := time.Hour
	switch d.Every {
	case Hourly:
		at = now.UTC().Truncate(time.Hour)
	case Daily:
		at, step = now.UTC().Truncate(24*time.Hour).Add(nightInJapan), 24*time.Hour
	default:
		return at
	}
	minute := 0
	for _, c := range []byte(d.Name + d.URL) {
		minute = (minute*31 + int(c)) % 60
	}
	if at = at.Add(time.Duration(minute) * time.Minute); !at.After(now) {
		at = at.Add(step)
	}
	return at
}

// dueDoc is the platform's entry of a source that the clock reads.
type dueDoc struct {
	Tenant mail.TenantID `json:"tenant"`
}

// announce writes or removes the platform's entry of a source.
func (s *Service) announce(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID, on bool) error {
	return s.cfg.Store.Platform().Update(ctx, by, "ldap.announce", func(tx store.Tx) error {
		o, err := tx.Object(kindDue, id)
		switch none := mail.Is(err, mail.NotFound); {
		case none && on:
			return put(tx, store.Object{Kind: kindDue, ID: id, Quiet: true}, dueDoc{tenant})
		case none, err == nil && on:
			return nil
		case err != nil:
			return err
		}
		return tx.DeleteObject(kindDue, id, o.Version)
	})
}

// Due is a source that is to be read now, for who set it up.
type Due struct {
	Tenant  mail.TenantID
	Source  mail.ObjectID
	Name    string
	Starter directory.Starter
}

// Take gives the sources of all companies whose time has come, and notes when they come next: each is given once. by is
// the platform at work.
func (s *Service) Take(ctx context.Context, by mail.Actor) (all []Due, err error) {
	const op = "ldap.Take"
	now := s.now()
	for page := (store.Page{}); ; {
		var entries []store.Object
		err := s.cfg.Store.Platform().View(ctx, func(r store.Reader) (err error) {
			entries, err = r.Objects(kindDue, page)
			return err
		})
		if err != nil {
			return all, mail.Wrap(op, err)
		}
		for _, e := range entries {
			page.After = e.ID
			one, due, err := s.take(ctx, by, e, now)
			if err != nil {
				return all, mail.Wrap(op, err)
			}
			if due {
				all = append(all, one)
			}
		}
		if len(entries) < store.MaxPage {
			return all, nil
		}
	}
}

// take looks at one entry.
func (s *Service) take(ctx context.Context, by mail.Actor, e store.Object, now time.Time) (one Due, due bool, err error) {
	var entry dueDoc
	if err := unmarshal(e, &entry); err != nil {
		return one, false, err
	}
	tenant := s.cfg.Store.Tenant(entry.Tenant)
	var doc sourceDoc
	err = tenant.View(ctx, func(r store.Reader) (err error) {
		doc, _, err = readSource(r, e.ID)
		return err
	})
	if mail.Is(err, mail.NotFound) {
		return one, false, s.announce(ctx, by, entry.Tenant, e.ID, false)
	}
	if err != nil || doc.Due.IsZero() || doc.Due.After(now) {
		return one, false, err
	}
	err = tenant.Update(ctx, by, "ldap.take", func(tx store.Tx) error {
		now2, o, err := readSource(tx, e.ID)
		due = err == nil && now2.Due.Equal(doc.Due)
		if !due {
			return err
		}
		now2.Due = now2.next(now)
		o.Quiet = true
		return put(tx, o, now2)
	})
	return Due{entry.Tenant, e.ID, doc.Name, doc.Starter}, due && err == nil, err
}
