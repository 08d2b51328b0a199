package queue

import (
	"context"
	"encoding/json"
	"math"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Queue reaches the items of all tenants.
type Queue struct {
	store  store.Store
	runner atomic.Pointer[Runner] // of this process, if there is one
}

// New makes the queue over a store.
func New(st store.Store) *Queue { return &Queue{store: st} }

// Worker is the actor of the platform at work: it puts away what comes from outside.
func Worker() mail.Actor {
	return mail.MintActor(mail.Platform, 0, 0, "platform:queue", mail.Origin{Door: "platform"})
}

// A Lane is the queue of one tenant.
type Lane struct {
	id    mail.TenantID
	store store.Tenant
	queue *Queue
}

// Of gives a tenant's lane. It does not fail: a tenant that doesn't exist answers NotFound.
func (q *Queue) Of(id mail.TenantID) *Lane { return &Lane{id, q.store.Tenant(id), q} }

// List gives items of a state (0: all) behind an id, ascending, at most limit (0:
// store.MaxPage).
func (l *Lane) List(ctx context.Context, state store.ItemState, after mail.ItemID, limit int) ([]Item, error) {
	return l.list(ctx, "queue.List", func(r store.Reader) ([]store.Item, error) { return r.Items(state, after, limit) })
}

// On gives the waiting and held items of a route behind an id, ascending, at most limit (0: store.MaxPage).
func (l *Lane) On(ctx context.Context, route string, after mail.ItemID, limit int) ([]Item, error) {
	return l.list(ctx, "queue.On", func(r store.Reader) ([]store.Item, error) { return r.ItemsOn(route, after, limit) })
}

func (l *Lane) list(ctx context.Context, op mail.Op, read func(store.Reader) ([]store.Item, error)) (list []Item, err error) {
	err = l.store.View(ctx, func(r store.Reader) error {
		items, err := read(r)
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
	return list, mail.Wrap(op, err)
}

// Routes counts what waits and is held by route, most first, at most limit routes (0: store.MaxPage).
func (l *Lane) Routes(ctx context.Context, limit int) (list []store.RouteCount, err error) {
	err = l.store.View(ctx, func(r store.Reader) error {
		list, err = r.Routes(limit)
		return err
	})
	return list, mail.Wrap("queue.Routes", err)
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

// Remove gives an item up: what was still to be delivered is not ("delivery.removed"), and the item stays as the trace. With
// notify the sender is told as of a failure, unless it is a message of which nobody is told. An item that is settled already
// is deleted. For operators, and administrators of the tenant. NotFound "item.unknown"; Conflict "item.leased" while a carrier has it.
func (l *Lane) Remove(ctx context.Context, by mail.Actor, id mail.ItemID, notify bool) error {
	const op mail.Op = "queue.Remove"
	return l.act(ctx, by, op, id, func(tx store.Tx, it *Item) error {
		if it.State == store.ItemSettled {
			return tx.DeleteItem(id, it.Fence)
		}
		return l.fail(tx, it, notify)
	})
}

// fail gives an item up, and tells the sender where that is wanted.
func (l *Lane) fail(tx store.Tx, it *Item, notify bool) error {
	before := outcomes(it)
	for i := range it.To {
		if t := &it.To[i]; t.Outcome == Waiting {
			t.Outcome, t.Reason, t.Status, t.At = Failed, "delivery.removed", "5.0.0", time.Now()
		}
	}
	it.State, it.Due = store.ItemSettled, time.Time{}
	if !notify {
		return Put(tx, it)
	}
	return putWithNotice(tx, it, news(it, before))
}

// Flush makes a waiting item due now. NotFound, Denied and Conflict as Remove; what is held or settled is left alone (Conflict "item.not_waiting").
func (l *Lane) Flush(ctx context.Context, by mail.Actor, id mail.ItemID) error {
	return l.act(ctx, by, "queue.Flush", id, func(tx store.Tx, it *Item) error {
		if it.State != store.ItemWaiting {
			return mail.E("queue.Flush", mail.Conflict, "item.not_waiting", id.String())
		}
		it.Due = time.Now()
		return Put(tx, it)
	})
}

// Hold keeps a waiting item until somebody releases it. Errors as of Flush.
func (l *Lane) Hold(ctx context.Context, by mail.Actor, id mail.ItemID) error {
	return l.act(ctx, by, "queue.Hold", id, func(tx store.Tx, it *Item) error {
		if it.State != store.ItemWaiting {
			return mail.E("queue.Hold", mail.Conflict, "item.not_waiting", id.String())
		}
		it.State, it.Hold = store.ItemHeld, "hold.administrator"
		return Put(tx, it)
	})
}

// Release lets a held item go: it is due now, and its lifetime begins anew. NotFound and Denied as Remove; Conflict "item.not_held".
func (l *Lane) Release(ctx context.Context, by mail.Actor, id mail.ItemID) error {
	return l.act(ctx, by, "queue.Release", id, func(tx store.Tx, it *Item) error {
		if it.State != store.ItemHeld {
			return mail.E("queue.Release", mail.Conflict, "item.not_held", id.String())
		}
		now := time.Now()
		it.State, it.Hold, it.Due, it.Opts.HoldUntil = store.ItemWaiting, "", now, now
		return Put(tx, it)
	})
}

// FlushRoute makes due what waits on a route, and gives how many items that was; messages that are to be held until a time
// (FUTURERELEASE) stay. Denied as Remove.
func (l *Lane) FlushRoute(ctx context.Context, by mail.Actor, route string) (int, error) {
	const op mail.Op = "queue.FlushRoute"
	if err := l.allowed(op, by); err != nil {
		return 0, err
	}
	n, err := l.hurry(ctx, by, hurry{route: route, most: math.MaxInt})
	l.queue.runner.Load().Wake()
	return n.due, mail.Wrap(op, err)
}

// flushPage is how many items of a route one transaction makes due; flushMost is how many the Runner does for itself.
const (
	flushPage = 500
	flushMost = 10_000
)

// hurry is a wish to make due what waits on a route: items behind an id, of which at most so many are looked at.
type hurry struct {
	route   string
	after   mail.ItemID
	most    int
	due     int  // at most so many are made due; 0 = any
	untried bool // only what the Runner put off and no carrier had yet
}

// hurried is what became of it.
type hurried struct {
	last mail.ItemID // that was looked at
	due  int         // how many were made due
	all  bool        // there is nothing behind last
}

// hurry makes due what waits on a route.
func (l *Lane) hurry(ctx context.Context, by mail.Actor, wish hurry) (did hurried, err error) {
	did.last = wish.after
	for seen := 0; seen < wish.most && !did.all; seen += flushPage {
		var page hurried
		err := l.store.Update(ctx, by, "queue.FlushRoute", func(tx store.Tx) (err error) {
			page, err = wish.page(tx, did.last)
			return err
		})
		if err != nil {
			return did, err
		}
		did = hurried{page.last, did.due + page.due, page.all}
		if wish.enough(did.due) {
			break
		}
	}
	return did, nil
}

// page does some of it.
func (h hurry) page(tx store.Tx, after mail.ItemID) (did hurried, err error) {
	list, err := tx.ItemsOn(h.route, after, flushPage)
	if err != nil {
		return did, err
	}
	did = hurried{last: after, all: len(list) < flushPage}
	now := time.Now()
	for _, s := range list {
		did.last = s.ID
		changed, err := h.hasten(tx, s, now)
		if err != nil {
			return did, err
		}
		if changed {
			if did.due++; h.enough(did.due) {
				did.all = false
				break
			}
		}
	}
	return did, nil
}

// enough tells whether so many items are as many as were wished for.
func (h hurry) enough(due int) bool { return h.due > 0 && due >= h.due }

// hasten makes one item due. It looks at it again: another process may have carried it since the list was read.
func (h hurry) hasten(tx store.Tx, s store.Item, now time.Time) (bool, error) {
	if !h.wants(&s, now) {
		return false, nil
	}
	s, err := tx.Item(s.ID)
	if mail.Is(err, mail.NotFound) || err == nil && !h.wants(&s, now) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.Due = now
	return true, tx.PutItem(s)
}

// wants tells whether an item is to be made due. One that can't be read keeps no other from it: it is told of when it is claimed.
func (h hurry) wants(s *store.Item, now time.Time) bool {
	if s.State != store.ItemWaiting || s.Fence != 0 || !s.Due.After(now) {
		return false
	}
	it, err := Open(*s)
	return err == nil && !it.Opts.HoldUntil.After(now) && !(h.untried && (it.Attempts > 0 || it.Tries == 0))
}

// allowed lets operators and administrators of the tenant.
func (l *Lane) allowed(op mail.Op, by mail.Actor) error {
	if by.Role() != mail.Operator && (by.Role() != mail.Admin || by.Tenant() != l.id) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return nil
}

// act lets an administrator of the tenant or an operator change one item. What this process has in memory and in no carrier's
// hands is given up for it.
func (l *Lane) act(ctx context.Context, by mail.Actor, op mail.Op, id mail.ItemID, change func(store.Tx, *Item) error) error {
	if err := l.allowed(op, by); err != nil {
		return err
	}
	r := l.queue.runner.Load()
	fence := r.yield(l.id, id)
	err := l.store.Update(ctx, by, op, func(tx store.Tx) error {
		s, err := tx.Item(id)
		if err != nil {
			return err
		}
		if s.Fence != fence {
			return mail.E(op, mail.Conflict, "item.leased")
		}
		it, err := Open(s)
		if err != nil {
			return err
		}
		it.Until = time.Time{}
		if err := change(tx, &it); err != nil {
			return err
		}
		return Note(tx, &it)
	})
	r.Wake()
	return known(op, id, err)
}

// Note writes into the operation log that somebody decided about an item (CP-7): whose it was and to how many it went.
func Note(tx store.Tx, it *Item) error {
	doc, err := json.Marshal(struct {
		Address mail.Address `json:"address"`
		Route   string       `json:"route"`
		To      int          `json:"recipients"`
	}{it.From, it.Route, len(it.To)})
	if err != nil {
		return mail.Because("queue.Note", mail.Other, "item.damaged", err)
	}
	return tx.Note("item", mail.ObjectID(it.ID), doc)
}

// known says which item there is none of.
func known(op mail.Op, id mail.ItemID, err error) error {
	if mail.Is(err, mail.NotFound) {
		return mail.E(op, mail.NotFound, "item.unknown", id.String())
	}
	return mail.Wrap(op, err)
}
