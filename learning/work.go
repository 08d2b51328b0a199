package learning

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

const (
	// flushEvery is how often experience is written.
	flushEvery = 10 * time.Second
	// readFor is how long one message may take to be read for a lesson.
	readFor = 30 * time.Second
	// tidyPortion is how many counts or lessons one transaction forgets.
	tidyPortion = 500
)

// Later has a message learned from by Run. It does not wait; false where too many do.
func (s *Service) Later(m Message) bool {
	if s.cfg.Read == nil {
		return false
	}
	select {
	case s.waiting <- m:
		return true
	default:
		s.cfg.Log.Warn("too many lessons wait: one is left out", "tenant", m.Tenant.String())
		return false
	}
}

// Run learns what Later and Saw noted, until ctx ends; then it writes what there is.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
			defer cancel()
			s.logged("experience could not be written", s.Flush(last))
			return
		case m := <-s.waiting:
			s.learn(ctx, m)
		case <-s.full:
			s.logged("experience could not be written", s.Flush(ctx))
		case <-tick.C:
			s.logged("experience could not be written", s.Flush(ctx))
		}
	}
}

func (s *Service) logged(what string, err error) {
	if err != nil {
		s.cfg.Log.Warn(what, "err", err)
	}
}

// learn reads a message and counts it.
func (s *Service) learn(ctx context.Context, m Message) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	words, err := s.cfg.Read(ctx, m.Tenant, m.Blob)
	if err == nil {
		_, err = s.Teach(ctx, Lesson{Tenant: m.Tenant, Account: m.Account, Name: Name(m.Blob), Spam: m.Spam, Words: words})
	}
	if err != nil && !mail.Is(err, mail.NotFound) {
		s.cfg.Log.Warn("a message could not be learned from", "tenant", m.Tenant.String(), "err", err)
	}
}

// Flush writes the experience that is in memory.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.Lock()
	ids := slices.Collect(maps.Keys(s.tenants))
	s.mu.Unlock()
	var errs []error
	for _, id := range ids {
		errs = append(errs, s.flush(ctx, id))
	}
	return errors.Join(errs...)
}

// flush writes the experience of one company. What can't be written comes back, to be tried again.
func (s *Service) flush(ctx context.Context, tenant mail.TenantID) error {
	s.mu.Lock()
	r := s.tenants[tenant]
	if r == nil || r.pending() == 0 {
		s.mu.Unlock()
		return nil
	}
	reputations, contacts := r.reputations, r.contacts
	r.reputations, r.contacts, r.leaving = map[int64]store.Count{}, map[int64]store.Count{}, contacts
	s.mu.Unlock()
	left, err := s.write(ctx, tenant, kindReputations, reputations)
	reputations = left
	if err == nil {
		contacts, err = s.write(ctx, tenant, kindContacts, contacts)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.leaving = nil
	if err == nil || mail.Is(err, mail.NotFound) { // of a company that is gone there is nothing to keep
		return nil
	}
	r = s.recentOf(tenant)
	merge(r.reputations, reputations)
	merge(r.contacts, contacts)
	return err
}

// write adds counts in portions, and gives those that could not be written.
func (s *Service) write(ctx context.Context, tenant mail.TenantID, kind store.CountKind, all map[int64]store.Count) (left map[int64]store.Count, err error) {
	list := slices.Collect(maps.Values(all))
	for len(list) > 0 {
		portion := list[:min(len(list), store.MaxCounts)]
		err := s.update(ctx, tenant, "learning.Flush", func(tx store.Tx) error { return tx.AddCounts(kind, kind == kindReputations, portion) })
		if err != nil {
			left = make(map[int64]store.Count, len(list))
			for _, c := range list {
				left[c.Key] = c
			}
			return left, err
		}
		list = list[len(portion):]
	}
	return nil, nil
}

// merge adds counts to others, while there are not too many.
func merge(into, from map[int64]store.Count) {
	for key, c := range from {
		if len(into) >= maxRecent {
			return
		}
		there := into[key]
		into[key] = store.Count{Key: key, A: there.A + c.A, B: there.B + c.B, Turn: max(there.Turn, c.Turn)}
	}
}

// Tidy forgets what is over and what is too much, of all companies. For a worker of app, every hour or so. What goes wrong in one
// company does not keep it from the others.
func (s *Service) Tidy(ctx context.Context) error {
	const op mail.Op = "learning.Tidy"
	tenants, err := s.cfg.Store.Tenants(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	var errs []error
	for _, id := range tenants {
		if ctx.Err() != nil {
			break
		}
		_, err := s.endLessons(ctx, id, time.Now())
		errs = append(errs, err)
		for kind, most := range map[store.CountKind]int{kindTokens: MaxTokens, kindReputations: MaxReputations, kindContacts: MaxContacts} {
			errs = append(errs, s.bound(ctx, id, kind, most))
		}
	}
	return mail.Wrap(op, errors.Join(append(errs, ctx.Err())...))
}

// endLessons removes the lessons whose time is over: they count for good.
func (s *Service) endLessons(ctx context.Context, tenant mail.TenantID, at time.Time) (ended int, err error) {
	for {
		n := 0
		err := s.update(ctx, tenant, "learning.Tidy", func(tx store.Tx) error {
			list, err := tx.EntriesEnded(kindLesson, at, tidyPortion)
			n = len(list)
			for i := range list {
				if err == nil {
					err = tx.DeleteEntry(list[i].Account, kindLesson, list[i].ID)
				}
			}
			return err
		})
		if ended += n; err != nil || n < tidyPortion {
			return ended, err
		}
	}
}

// bound forgets counts of a kind until most are left: the rarest first, and of these the oldest.
func (s *Service) bound(ctx context.Context, tenant mail.TenantID, kind store.CountKind, most int) error {
	have := 0
	err := s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) (err error) {
		have, err = r.CountCounts(kind)
		return err
	})
	for rare := int64(1); err == nil && have > most && rare > 0; {
		want, n := min(have-most, tidyPortion), 0
		err = s.update(ctx, tenant, "learning.Tidy", func(tx store.Tx) (err error) {
			n, err = tx.PruneCounts(kind, rare, want)
			return err
		})
		if have -= n; n < want {
			rare *= 2
		}
	}
	return err
}
