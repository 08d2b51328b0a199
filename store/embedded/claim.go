package embedded

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Claim leases queue items that are due. Every tenant with due items gets its share in turn, beginning behind the one
// that was served last. After the start it is not known which tenants have some: as long as nothing is found it looks at more.
func (s *Store) Claim(ctx context.Context, worker string, max int, lease time.Duration) ([]store.Claimed, error) {
	const op mail.Op = "store.Claim"
	if max <= 0 {
		return nil, nil
	}
	s.claimMu.Lock()
	defer s.claimMu.Unlock()
	for {
		if err := s.usable(ctx, op); err != nil {
			return nil, err
		}
		due, probes := s.dueTenants(time.Now())
		got, err := s.claimFrom(ctx, due, worker, max, lease)
		if len(got) > 0 {
			return got, nil
		}
		if err != nil || probes == 0 {
			return nil, mail.Wrap(op, err)
		}
	}
}

// claimFrom leases items of tenants in turn.
func (s *Store) claimFrom(ctx context.Context, due []*tenant, worker string, max int, lease time.Duration) (got []store.Claimed, failed error) {
	for len(due) > 0 && len(got) < max {
		share := fairShare(max-len(got), len(due))
		now := min(len(due), max-len(got))
		more := slices.Clone(due[now:])
		for _, t := range due[:now] {
			items, err := t.claim(ctx, worker, share, lease)
			if err != nil {
				failed = err // this tenant stays due, and the others get theirs
				continue
			}
			for _, i := range items {
				got = append(got, store.Claimed{Tenant: t.id, Item: i})
				s.last = t.id
			}
			if len(items) == share {
				more = append(more, t)
			}
		}
		due = more
	}
	return got, failed
}

// fairShare is how many items each of n tenants may get of what is left: so many that all get
// theirs, and at least one.
func fairShare(left, n int) int { return max(left/n, 1) }

// dueTenants gives the tenants that may have due items, in the order of service: those known to have some,
// and some of those not looked at since the start, whose number is probes.
func (s *Store) dueTenants(now time.Time) (due []*tenant, probes int) {
	for _, t := range s.all() {
		wake := t.nextWake()
		if wake > now.UnixMilli() {
			continue
		}
		if wake == wakeUnknown {
			if probes == probesPerClaim {
				continue
			}
			probes++
		}
		due = append(due, t)
	}
	first, found := slices.BinarySearchFunc(due, s.last, func(t *tenant, id mail.TenantID) int { return cmp.Compare(t.id, id) })
	if found {
		first++
	}
	return slices.Concat(due[first:], due[:first]), probes
}

// claim leases up to n of one tenant's items. The time of the next is taken from the transaction; a commit beside it
// that brings an earlier one finds wakeNever or that time, and lowers it.
func (t *tenant) claim(ctx context.Context, worker string, n int, lease time.Duration) (list []store.Item, err error) {
	v, err := t.acquire()
	if err != nil {
		return nil, err
	}
	defer t.release()
	before := t.swapWake(wakeNever)
	var next time.Time
	waiting := false
	err = v.committer.do(ctx, mail.Actor{}, "store.Claim", func(store.Tx) (err error) {
		if list, err = v.tx.ClaimItems(worker, n, lease); err == nil {
			next, waiting, err = v.tx.NextWake()
		}
		return err
	})
	switch {
	case err != nil:
		t.wakeAt(timeOfWake(before))
		return nil, err
	case waiting:
		t.wakeAt(next)
	}
	return list, nil
}

// timeOfWake gives the time of a tenant.wake; the zero Time for one that is unknown.
func timeOfWake(ms int64) time.Time {
	if ms == wakeUnknown {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
