package queue

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// Queue reaches the items of all tenants.
type Queue struct{ store store.Store }

// New makes the queue over a store.
func New(st store.Store) *Queue { return &Queue{st} }

// Worker is the actor of the platform at work: it puts away what comes from outside.
func Worker() mail.Actor {
	return mail.MintActor(mail.Platform, 0, 0, "platform:queue", mail.Origin{Door: "platform"})
}

// A Lane is the queue of one tenant.
type Lane struct {
	id    mail.TenantID
	store store.Tenant
}

// Of gives a tenant's lane. It does not fail: a tenant that doesn't exist answers NotFound.
func (q *Queue) Of(id mail.TenantID) *Lane { return &Lane{id, q.store.Tenant(id)} }

// List gives items of a state (0: all) behind an id, ascending, at most limit (0:
// store.MaxPage).
func (l *Lane) List(ctx context.Context, state store.ItemState, after mail.ItemID, limit int) ([]Item, error) {
	var list []Item
	err := l.store.View(ctx, func(r store.Reader) error {
		items, err := r.Items(state, after, limit)
		if err != nil {
			return err
		}
		list = make([]Item, 0, len(items))
		for _, s := range items {
			it, err := Open(s)
			if err != nil {
				return err
			}
			list = append(list, it)
		}
		return nil
	})
	return list, mail.Wrap("queue.List", err)
}

// Explain gives one item with all that is known of it. NotFound "item.unknown".
func (l *Lane) Explain(ctx context.Context, id mail.ItemID) (it Item, err error) {
	err = l.store.View(ctx, func(r store.Reader) error {
		s, err := r.Item(id)
		if err == nil {
			it, err = Open(s)
		}
		return err
	})
	return it, known("queue.Explain", id, err)
}

// Remove deletes an item: what was still to be delivered is not, and nobody is
// told. For operators, and administrators of the tenant. NotFound "item.unknown"; Conflict
// "item.leased" while a carrier has it.
func (l *Lane) Remove(ctx context.Context, by mail.Actor, id mail.ItemID) error {
	const op = "queue.Remove"
	if by.Role() != mail.Operator && (by.Role() != mail.Admin || by.Tenant() != l.id) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	err := l.store.Update(ctx, by, op, func(tx store.Tx) error { return tx.DeleteItem(id, 0) })
	return known(op, id, err)
}

// known says which item there is none of.
func known(op mail.Op, id mail.ItemID, err error) error {
	if mail.Is(err, mail.NotFound) {
		return mail.E(op, mail.NotFound, "item.unknown", id.String())
	}
	return mail.Wrap(op, err)
}
