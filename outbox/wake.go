package outbox

import (
	"context"
	"errors"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Times of all that sleeps in a company lie under one account that nobody has, as entries whose ids begin with the time: the first is the next. So a
// look at a company costs one read of an index, whatever sleeps in it.
const (
	kindAlarm                = "alarm"
	nobody    mail.AccountID = 1 // no account made after 2026-01-01 has such a low id
	// wakeEvery is how often companies are looked at, and so how late a message comes back at most.
	wakeEvery = 15 * time.Second
	// wakeBatch is how many messages one look at a company brings back before the next one's turn.
	wakeBatch = 200
	// wakeAgain is how long to wait after the duty was lost.
	wakeAgain = 5 * time.Second
	// serialBits are the bits of an id below its time.
	serialBits = 22
)

// alarm says what is to be woken.
type alarm struct {
	Account mail.AccountID `json:"account"`
	Snooze  mail.ObjectID  `json:"snooze"`
}

// putAlarm writes an alarm for a time.
func putAlarm(tx store.Tx, at time.Time, a alarm) (mail.ObjectID, error) {
	for {
		id := mail.ObjectID(mail.FirstID(at)>>serialBits<<serialBits | tx.NextID()&(1<<serialBits-1))
		_, err := tx.Entry(nobody, kindAlarm, id)
		if err == nil {
			continue // another of this millisecond; the next serial is another
		}
		if !mail.Is(err, mail.NotFound) {
			return 0, err
		}
		_, err = put(tx, store.Entry{Kind: kindAlarm, Account: nobody, ID: id}, a)
		return id, err
	}
}

// dropAlarm removes an alarm, if it is still there.
func dropAlarm(tx store.Tx, id mail.ObjectID) error {
	if err := tx.DeleteEntry(nobody, kindAlarm, id); !mail.Is(err, mail.NotFound) {
		return err
	}
	return nil
}

// Run brings back what sleeps at its time, in all companies, until ctx ends. Of several processes one does.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		held, _, err := s.cfg.Store.Lead(ctx, "snooze")
		if err != nil {
			s.cfg.Log.Error("duty of snoozed mail", "err", err)
		}
		for err == nil && held.Err() == nil {
			if n, err := s.Wake(held, time.Now()); err != nil && held.Err() == nil {
				s.cfg.Log.Error("snoozed mail", "err", err)
			} else if n == wakeBatch {
				continue
			}
			pause(held, wakeEvery)
		}
		pause(ctx, wakeAgain)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Wake brings back what is due at a time, at most wakeBatch messages of a company, and gives the largest number of them. A company or message with which it
// goes wrong keeps none of the others from it.
func (s *Service) Wake(ctx context.Context, at time.Time) (most int, failed error) {
	const op = "outbox.Wake"
	tenants, err := s.cfg.Store.Tenants(ctx)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	for _, id := range tenants {
		n, err := s.wakeTenant(ctx, s.cfg.Store.Tenant(id), at)
		most = max(most, n)
		failed = errors.Join(failed, mail.Wrap(op, err))
		if ctx.Err() != nil {
			break
		}
	}
	return most, failed
}

// wakeTenant brings back what is due in one company.
func (s *Service) wakeTenant(ctx context.Context, tenant store.Tenant, at time.Time) (n int, failed error) {
	var due []store.Entry
	err := tenant.View(ctx, func(r store.Reader) (err error) {
		due, err = r.Entries(nobody, kindAlarm, 0, store.Page{Limit: wakeBatch})
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, e := range due {
		if e.ID.Time().After(at) {
			break
		}
		n++
		err := tenant.Update(ctx, queue.Worker(), "outbox.Wake", func(tx store.Tx) error { return wake(tx, e) })
		failed = errors.Join(failed, err)
	}
	return n, failed
}

// wake brings back one message and removes its alarm.
func wake(tx store.Tx, e store.Entry) error {
	var a alarm
	if err := decode(e, &a); err != nil {
		return err
	}
	if err := dropAlarm(tx, e.ID); err != nil {
		return err
	}
	_, s, err := snooze(tx, a.Account, a.Snooze)
	if mail.Is(err, mail.NotFound) || err == nil && s.Alarm != e.ID {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := s.back(tx, a.Account)
	if err != nil {
		return err
	}
	if m.ID != 0 {
		awake, err := tx.AddKeyword(a.Account, KeywordAwake)
		if mail.Is(err, mail.Full) {
			err = nil // unread alone tells it too
		}
		if err != nil {
			return err
		}
		if _, err := tx.SetFlags(m.Mailbox, m.UID, m.Flags&^mail.Seen|awake); err != nil {
			return err
		}
	}
	return tx.DeleteEntry(a.Account, kindSnooze, s.ID)
}
