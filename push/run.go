package push

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/jmap"
)

// gather is how long changes of an account are gathered behind a push of it, so that a busy mailbox does not wear out its owner's battery.
const gather = 5 * time.Second

// owner is an account with subscriptions.
type owner struct {
	tenant  mail.TenantID
	account mail.AccountID
}

// Run pushes until ctx ends. Of all processes of a platform one does; others wait to take over.
func (s *Service) Run(ctx context.Context) error {
	const op = "push.Run"
	held, _, err := s.cfg.Store.Lead(ctx, "push")
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, s.follow(held))
}

// follow follows every account that has subscriptions.
func (s *Service) follow(ctx context.Context) error {
	followed := map[owner]context.CancelFunc{}
	var running sync.WaitGroup
	defer s.busy.Wait()
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tick := time.NewTicker(s.cfg.Again)
	defer tick.Stop()
	for {
		wanted, err := s.owners(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for o, end := range followed {
			if !wanted[o] {
				end()
				delete(followed, o)
			}
		}
		for o := range wanted {
			if followed[o] != nil {
				continue
			}
			one, end := context.WithCancel(ctx)
			followed[o] = end
			wake := s.cfg.Store.Tenant(o.tenant).Watch(one, o.account) // now: what comes from here on is told
			running.Go(func() { s.tell(one, o, wake) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.nudged:
		}
	}
}

// owners are the accounts with a subscription that is verified and not over.
func (s *Service) owners(ctx context.Context) (map[owner]bool, error) {
	tenants, err := s.cfg.Store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	found := map[owner]bool{}
	for _, t := range tenants {
		for after := mail.ObjectID(0); ; {
			var page []store.Object
			err := s.cfg.Store.Tenant(t).View(ctx, func(r store.Reader) (err error) {
				page, err = r.Objects(directory.KindPush, store.Page{After: after})
				return err
			})
			if err != nil {
				return nil, err
			}
			for _, o := range page {
				if d, err := decode(o); err == nil && d.verified() && time.Now().Before(d.Expires) {
					found[owner{t, d.Account}] = true
				}
				after = o.ID
			}
			if len(page) < store.MaxPage {
				break
			}
		}
	}
	return found, nil
}

// tell pushes the changes of one account.
func (s *Service) tell(ctx context.Context, o owner, wake <-chan mail.ModSeq) {
	from, err := s.moved(ctx, o, 0)
	if err != nil {
		s.cfg.Log.Warn("push", "account", o.account, "err", err)
		return
	}
	for at, quota := from.ModSeq, ""; ; {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-wake:
			if !ok {
				return
			}
		}
		m, err := s.moved(ctx, o, at)
		if err != nil || m.ModSeq <= at {
			continue // it failed: the next change tells of this too
		}
		at = m.ModSeq
		if s.pushed(ctx, o, m, &quota) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(gather):
			}
		}
	}
}

// moved tells what changed of an account.
func (s *Service) moved(ctx context.Context, o owner, since mail.ModSeq) (m mailbox.Moved, err error) {
	err = s.cfg.Store.Tenant(o.tenant).View(ctx, func(r store.Reader) (err error) {
		m, err = mailbox.MovedIn(r, o.account, since, Kinds()...)
		return err
	})
	return m, err
}

// pushed pushes a change to all subscribers of an account that want it; false where there are none. quota is the state of the quota that was told
// last.
func (s *Service) pushed(ctx context.Context, o owner, m mailbox.Moved, quota *string) bool {
	subscribers, err := s.subscribers(ctx, o)
	if err != nil {
		s.cfg.Log.Warn("push", "account", o.account, "err", err)
		return false
	}
	states := States(m, jmap.State(m.ModSeq))
	told := false
	for _, to := range subscribers {
		account, err := s.cfg.Directory.CredentialHolds(ctx, o.tenant, o.account, to.Credential)
		if mail.Is(err, mail.Denied) || mail.Is(err, mail.NotFound) {
			s.remove(ctx, to) // RFC 8620 §7.2: it goes with what its owner signed in with
			continue
		}
		if err != nil {
			continue
		}
		if now := QuotaState(m.Used, account.Quota); m.Mail && now != *quota {
			*quota, states["Quota"] = now, now
		}
		wanted := maps.Clone(states)
		maps.DeleteFunc(wanted, func(name, _ string) bool { return !to.wants(name) })
		if len(wanted) > 0 {
			told = true
			s.dispatch(ctx, to, wanted)
		}
	}
	return told
}

// subscribers are those of an account who are verified.
func (s *Service) subscribers(ctx context.Context, o owner) (list []subscriber, err error) {
	err = s.cfg.Store.Tenant(o.tenant).View(ctx, func(r store.Reader) error {
		list = nil
		all, err := r.Marked(directory.KindPush, directory.OfAccount(o.account), store.Page{})
		for _, x := range all {
			if d, err := decode(x); err == nil && d.verified() && time.Now().Before(d.Expires) {
				list = append(list, subscriber{o.tenant, x.ID, d})
			}
		}
		return err
	})
	return list, err
}

// dispatch pushes to one subscriber beside the others, when there is a place.
func (s *Service) dispatch(ctx context.Context, to subscriber, states map[string]string) {
	text, err := json.Marshal(changeOf(jmap.Of(jmap.LetterAccount, to.Account), states))
	if err != nil {
		s.cfg.Log.Error("push", "err", err)
		return
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	s.busy.Go(func() {
		defer func() { <-s.slots }()
		s.push(ctx, to, text, states["EmailDelivery"] != "")
	})
}

// push tries to push, some times where that may help, and notes what became of it.
func (s *Service) push(ctx context.Context, to subscriber, text []byte, urgent bool) {
	for try := range tries {
		out, err := s.send(ctx, to, text, urgent)
		switch {
		case ctx.Err() != nil:
			return
		case out.gone:
			s.remove(ctx, to)
			return
		case out.ok():
			s.note(ctx, to, 0)
			return
		case !out.again():
			s.cfg.Log.Info("push was refused", "subscription", to.id, "status", out.status, "err", err)
			s.note(ctx, to, to.Failures+1)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(out.after, pause<<try)):
		}
	}
	s.note(ctx, to, to.Failures+1)
}

// note keeps how often in a row pushes failed. After too many the subscription ends.
func (s *Service) note(ctx context.Context, to subscriber, failures int) {
	switch {
	case failures >= maxFailures:
		s.remove(ctx, to)
		return
	case failures == to.Failures:
		return
	}
	err := s.cfg.Store.Tenant(to.tenant).Update(ctx, queue.Worker(), "push.note", func(tx store.Tx) error {
		o, err := tx.Object(directory.KindPush, to.id)
		if err != nil {
			return err
		}
		d, err := decode(o)
		if err != nil {
			return err
		}
		d.Failures = failures
		return put(tx, o, d)
	})
	if err != nil && !mail.Is(err, mail.NotFound) && ctx.Err() == nil {
		s.cfg.Log.Warn("push", "err", err)
	}
}

// remove ends a subscription.
func (s *Service) remove(ctx context.Context, to subscriber) {
	err := s.cfg.Store.Tenant(to.tenant).Update(ctx, queue.Worker(), "push.remove", func(tx store.Tx) error {
		o, err := tx.Object(directory.KindPush, to.id)
		if err != nil {
			return err
		}
		return tx.DeleteObject(o.Kind, o.ID, o.Version)
	})
	if err != nil && !mail.Is(err, mail.NotFound) && ctx.Err() == nil {
		s.cfg.Log.Warn("push", "err", err)
	}
}
