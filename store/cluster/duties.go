package cluster

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

const (
	// dutyLease is how long a duty is held without renewing it: what a process that died keeps it from others.
	dutyLease = 15 * time.Second
	// dutyRenew is how often it is renewed.
	dutyRenew = dutyLease / 5
	// dutyAsk is how often one who waits asks for it, at most.
	dutyAsk = 500 * time.Millisecond
)

// Claim leases queue items that are due, in turn from each tenant that has some.
func (s *Store) Claim(ctx context.Context, worker string, max int, lease time.Duration) ([]store.Claimed, error) {
	const op mail.Op = "store.Claim"
	if err := s.enter(op); err != nil {
		return nil, err
	}
	defer s.running.Done()
	var due []mail.TenantID
	err := s.ask(ctx, stDueTenants, func(r sql.Row) bool { due = append(due, mail.TenantID(r.Int(0))); return true },
		integer(time.Now().UnixMilli()))
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	var list []store.Claimed
	for len(list) < max && len(due) > 0 {
		// Each gets an equal part of what is left; who has less due leaves the rest to the others.
		share := 1
		if left := max - len(list); left > len(due) {
			share = left / len(due)
		}
		var more []mail.TenantID
		for _, id := range due {
			if len(list) == max {
				break
			}
			items, err := s.tenant(id).claim(ctx, worker, min(share, max-len(list)), lease)
			if err != nil {
				return list, claimError(op, list, err)
			}
			for _, i := range items {
				list = append(list, store.Claimed{Tenant: id, Item: i})
			}
			if len(items) == share {
				more = append(more, id)
			}
		}
		due = more
	}
	return list, nil
}

// claimError hides a failure behind what was claimed before it: those items are leased, and must not wait for their lease to end.
func claimError(op mail.Op, list []store.Claimed, err error) error {
	if len(list) > 0 {
		return nil
	}
	return mail.Wrap(op, err)
}

// claim leases items of one tenant.
func (t *tenant) claim(ctx context.Context, worker string, max int, lease time.Duration) ([]store.Item, error) {
	c, err := t.store.writers.get(ctx)
	if err != nil {
		return nil, err
	}
	defer t.store.writers.put(c)
	tx := sql.NewTx(c, sql.NewCache(t.id), t.store.ids, nil)
	tx.Start(time.Now())
	c.begin(stBegin, t.id)
	items, err := tx.ClaimItems(worker, max, lease)
	if err == nil {
		err = c.end()
	} else {
		_ = c.abandon() // err says what is to be said
	}
	if inTheWay(err) {
		return nil, nil // others take them
	}
	return items, err
}

// Lead waits until this process holds a duty.
func (s *Store) Lead(ctx context.Context, duty string) (context.Context, uint64, error) {
	const op mail.Op = "store.Lead"
	holder := strconv.FormatInt(s.ids.Next(), 36)
	for {
		var fence uint64
		err := s.ask(ctx, stTakeDuty, func(r sql.Row) bool { fence = uint64(r.Int(0)); return false },
			text(duty), text(holder), integer(dutyLease.Milliseconds()))
		if err != nil && !inTheWay(err) {
			return nil, 0, mail.Wrap(op, err)
		}
		if fence != 0 {
			return s.hold(ctx, duty, holder), fence, nil
		}
		timer := time.NewTimer(rand.N(dutyAsk))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, 0, mail.Wrap(op, ctx.Err())
		case <-s.context.Done():
			timer.Stop()
			return nil, 0, mail.E(op, mail.Unavailable, "storage.closed")
		}
	}
}

// hold renews a duty until ctx ends or it is lost; the context it returns ends then.
func (s *Store) hold(ctx context.Context, duty, holder string) context.Context {
	held, lose := context.WithCancel(ctx)
	stop := context.AfterFunc(s.context, lose)
	go func() {
		defer stop()
		defer lose()
		tick := time.NewTicker(dutyRenew)
		defer tick.Stop()
		for until := time.Now().Add(dutyLease); ; {
			select {
			case <-held.Done():
				s.leave(duty, holder)
				return
			case <-tick.C:
			}
			asked := time.Now()
			kept, err := s.renew(held, duty, holder)
			switch {
			case kept:
				until = asked.Add(dutyLease)
			case err == nil, time.Now().After(until.Add(-dutyRenew)):
				s.config.Log.Warn("a duty was lost", "duty", duty, "error", err)
				return
			}
		}
	}()
	return held
}

// renew holds a duty for another while. False without an error: another holds it.
func (s *Store) renew(ctx context.Context, duty, holder string) (kept bool, err error) {
	err = s.ask(ctx, stKeepDuty, func(sql.Row) bool { kept = true; return false },
		text(duty), text(holder), integer(dutyLease.Milliseconds()))
	return kept, err
}

// leave gives a duty back, so that nobody needs to wait for its lease to end.
func (s *Store) leave(duty, holder string) {
	ctx, cancel := context.WithTimeout(context.Background(), dutyRenew)
	defer cancel()
	if err := s.ask(ctx, stLeaveDuty, nil, text(duty), text(holder)); err != nil {
		s.config.Log.Debug("a duty was not given back", "duty", duty, "error", err)
	}
}
