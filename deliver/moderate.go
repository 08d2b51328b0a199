package deliver

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Decision is what an owner says about a post that waits.
type Decision uint8

// Decisions.
const (
	Accept  Decision = iota + 1 // it goes to the members
	Refuse                      // it goes back to the poster with a notice
	Discard                     // it vanishes, and nobody hears of it
)

// tellModerators says that a post waits.
func (h *House) tellModerators(tenant mail.TenantID, l directory.List, it queue.Item) {
	h.cfg.Log.Info("a post waits for an owner", "tenant", tenant.String(), "list", l.Address.String(), "item", it.ID.String())
	if h.cfg.Moderate != nil {
		h.cfg.Moderate(tenant, l, it)
	}
}

// Moderate ends the waiting of a post on a moderated list (LI-7). For the list's owners with an account
// here, administrators of the list and operators. NotFound "item.unknown" where no post waits under this id;
// Denied "actor.denied".
func (h *House) Moderate(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ItemID, d Decision) error {
	const op = "deliver.Moderate"
	if d < Accept || d > Discard {
		return mail.E(op, mail.Invalid, "list.decision")
	}
	unknown := mail.E(op, mail.NotFound, "item.unknown", id.String())
	it, err := h.waitingPost(ctx, tenant, id)
	if mail.Is(err, mail.NotFound) {
		return unknown
	}
	if err != nil {
		return mail.Wrap(op, err)
	}
	if err := h.mayModerate(ctx, by, tenant, it); err != nil {
		return mail.Wrap(op, err)
	}
	err = h.cfg.Store.Tenant(tenant).Update(ctx, by, op, func(tx store.Tx) error {
		s, err := tx.Item(id)
		if mail.Is(err, mail.NotFound) || err == nil && s.State != store.ItemHeld {
			return unknown
		}
		if err != nil {
			return err
		}
		now, err := queue.Open(s)
		if err != nil {
			return err
		}
		if err := decide(tx, &now, d); err != nil {
			return err
		}
		return queue.Note(tx, &now)
	})
	if err == nil {
		h.wake()
	}
	return mail.Wrap(op, err)
}

// decide writes what a decision makes of a post.
func decide(tx store.Tx, it *queue.Item, d Decision) error {
	it.Hold = ""
	if d == Accept { // its lifetime begins anew: the copies of a post that waited for days would expire at the first 4xx
		now := time.Now()
		it.State, it.Due, it.Opts.HoldUntil, it.Spam = store.ItemWaiting, now, now, false
		return queue.Put(tx, it)
	}
	it.State = store.ItemSettled
	for i := range it.To {
		fail(&it.To[i], "list.refused", "5.7.1")
		if d == Discard {
			it.To[i].Notify = mail.NotifyNever
		}
	}
	return queue.PutWithNotice(tx, it)
}

// waitingPost gives a post that waits. NotFound for whatever else has the id.
func (h *House) waitingPost(ctx context.Context, tenant mail.TenantID, id mail.ItemID) (it queue.Item, err error) {
	err = h.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		s, err := r.Item(id)
		if err == nil {
			it, err = queue.Open(s)
		}
		return err
	})
	if _, ok := queue.ListOf(it.Route); err == nil && (!ok || it.State != store.ItemHeld) {
		err = mail.E("deliver.waitingPost", mail.NotFound, "item.unknown", id.String())
	}
	return it, err
}

// mayModerate judges who decides about a post.
func (h *House) mayModerate(ctx context.Context, by mail.Actor, tenant mail.TenantID, it queue.Item) error {
	denied := mail.E("deliver.mayModerate", mail.Denied, "actor.denied")
	if by.Role() == mail.Operator {
		return nil
	}
	if by.Tenant() != tenant || by.Role() != mail.Admin && by.Role() != mail.User {
		return denied
	}
	company := h.cfg.Directory.Company(tenant)
	account, err := company.Account(ctx, by.Account())
	switch {
	case mail.Is(err, mail.NotFound):
		return denied
	case err != nil:
		return err
	case account.State != directory.AccountActive:
		return denied
	case account.May(directory.RightLists, directory.Place{}):
		return nil
	}
	id, _ := queue.ListOf(it.Route)
	l, err := company.List(ctx, id)
	if err != nil {
		return err
	}
	if account.May(directory.RightLists, directory.Place{Domain: l.Domain}) {
		return nil
	}
	for _, owner := range l.Owners {
		if account.Owns(owner) {
			return nil
		}
	}
	return denied
}
