package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/faulty"
)

var (
	operator = mail.MintActor(mail.Operator, 0, 0, "operator:test", mail.Origin{})
	admin    = mail.MintActor(mail.Admin, alpha, 7, "admin@alpha.example", mail.Origin{})
	stranger = mail.MintActor(mail.Admin, beta, 7, "admin@beta.example", mail.Origin{})
	user     = mail.MintActor(mail.User, alpha, 8, "user@alpha.example", mail.Origin{})
)

// says ends the test if an error is not of a kind with a key.
func (h *house) says(err error, kind mail.Kind, key string) {
	h.Helper()
	if got, _ := mail.TextOf(err); !mail.Is(err, kind) || got != key {
		h.Fatalf("error %v, want %v %q", err, kind, key)
	}
}

// TestLaneActs: what administrators may do with an item, and when.
func TestLaneActs(t *testing.T) {
	ctx := context.Background()
	acts := map[string]func(*Lane, mail.Actor, mail.ItemID) error{
		"flush":   func(l *Lane, by mail.Actor, id mail.ItemID) error { return l.Flush(ctx, by, id) },
		"hold":    func(l *Lane, by mail.Actor, id mail.ItemID) error { return l.Hold(ctx, by, id) },
		"release": func(l *Lane, by mail.Actor, id mail.ItemID) error { return l.Release(ctx, by, id) },
		"remove":  func(l *Lane, by mail.Actor, id mail.ItemID) error { return l.Remove(ctx, by, id, false) },
		"bounce":  func(l *Lane, by mail.Actor, id mail.ItemID) error { return l.Remove(ctx, by, id, true) },
	}
	inHouse(t, func(h *house) {
		lane := h.queue.Of(alpha)
		states := map[store.ItemState]Item{}
		for _, s := range []store.ItemState{store.ItemWaiting, store.ItemHeld, store.ItemSettled} {
			it := letter("a.example")
			it.State, it.Due = s, time.Now().Add(time.Hour)
			states[s] = it
		}
		for name, act := range acts {
			for _, by := range []mail.Actor{stranger, user, {}} {
				id := h.put(alpha, states[store.ItemWaiting])[0]
				h.says(act(lane, by, id), mail.Denied, "actor.denied")
				h.same("untouched", h.explain(alpha, id).Due.After(time.Now()), true)
			}
			h.says(act(lane, admin, 12345), mail.NotFound, "item.unknown")
			h.says(act(h.queue.Of(beta), operator, h.put(alpha, states[store.ItemWaiting])[0]), mail.NotFound, "item.unknown")
			for state, key := range map[string]map[store.ItemState]string{
				"flush":   {store.ItemHeld: "item.not_waiting", store.ItemSettled: "item.not_waiting"},
				"hold":    {store.ItemHeld: "item.not_waiting", store.ItemSettled: "item.not_waiting"},
				"release": {store.ItemWaiting: "item.not_held", store.ItemSettled: "item.not_held"},
			}[name] {
				h.says(act(lane, admin, h.put(alpha, states[state])[0]), mail.Conflict, key)
			}
		}
		for _, by := range []mail.Actor{admin, operator} {
			id := h.put(alpha, states[store.ItemWaiting])[0]
			h.ok(acts["flush"](lane, by, id))
			h.same("due", h.explain(alpha, id).Due.After(time.Now()), false)
			h.ok(acts["hold"](lane, by, id))
			h.same("held", []any{h.explain(alpha, id).State, h.explain(alpha, id).Hold}, []any{store.ItemHeld, "hold.administrator"})
			time.Sleep(10 * 24 * time.Hour)
			h.ok(acts["release"](lane, by, id))
			it := h.explain(alpha, id)
			h.same("released", []any{it.State, it.Hold, it.Due.After(time.Now())}, []any{store.ItemWaiting, "", false})
			h.same("its lifetime", birth(&it).Equal(time.Now().Truncate(time.Millisecond)), true)
			h.ok(acts["remove"](lane, by, id))
			it = h.explain(alpha, id)
			h.same("removed quietly", []any{it.State, it.To[0].Reason, len(h.on(alpha, RouteNotice))}, []any{store.ItemSettled, "delivery.removed", 0})
			h.ok(acts["remove"](lane, by, id)) // and now the trace
			h.says(acts["remove"](lane, by, id), mail.NotFound, "item.unknown")
		}
	})
}

// TestRemoveWithNotice: the sender is told as of a failure; the item stays as the trace. Of some mail nobody is told.
func TestRemoveWithNotice(t *testing.T) {
	inHouse(t, func(h *house) {
		lane := h.queue.Of(alpha)
		it := letter("a.example")
		done := it.To[0]
		done.Outcome = Relayed
		it.To = append(it.To, done)
		bounce := letter("b.example")
		bounce.From = mail.Address{}
		ids := h.put(alpha, it, bounce)
		for _, id := range ids {
			h.ok(lane.Remove(context.Background(), admin, id, true))
			h.same("trace", h.explain(alpha, id).State, store.ItemSettled)
		}
		notices := h.on(alpha, RouteNotice)
		h.same("notices", len(notices), 1)
		h.same("notice", []any{notices[0].Of, len(notices[0].To), notices[0].To[0].Outcome, notices[0].To[0].Reason, notices[0].State},
			[]any{ids[0], 1, Failed, "delivery.removed", store.ItemWaiting})
		h.ok(lane.Remove(context.Background(), admin, ids[0], true)) // the trace goes without a word
		_, err := lane.Explain(context.Background(), ids[0])
		h.says(err, mail.NotFound, "item.unknown")
		h.same("notices", len(h.on(alpha, RouteNotice)), 1)
	})
}

// TestLaneTakesFromMemory: what waits in the Runner's memory can be held; what a carrier has cannot.
func TestLaneTakesFromMemory(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			time.Sleep(time.Hour)
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{Start: 1, Concurrency: 1}, f)
		ids := h.many(alpha, "a.example", 3)
		time.Sleep(time.Second)
		lane := h.queue.Of(alpha)
		h.says(lane.Hold(context.Background(), admin, ids[0]), mail.Conflict, "item.leased")
		h.ok(lane.Hold(context.Background(), admin, ids[1]))
		h.same("held", h.explain(alpha, ids[1]).State, store.ItemHeld)
		time.Sleep(3 * time.Hour)
		h.same("the others", []any{h.explain(alpha, ids[0]).State, h.explain(alpha, ids[1]).State, h.explain(alpha, ids[2]).State},
			[]any{store.ItemSettled, store.ItemHeld, store.ItemSettled})
		h.ok(lane.Release(context.Background(), admin, ids[1]))
		time.Sleep(2 * time.Hour)
		h.same("released", h.explain(alpha, ids[1]).State, store.ItemSettled)
	})
}

// TestRoutesOfLane: what waits, by route; and a route made due.
func TestRoutesOfLane(t *testing.T) {
	inHouse(t, func(h *house) {
		lane, ctx := h.queue.Of(alpha), context.Background()
		later := letter("a.example")
		later.Due = time.Now().Add(time.Hour)
		var list []Item
		for range flushPage + 10 {
			list = append(list, later)
		}
		until := later
		until.Opts.HoldUntil = later.Due
		held := later
		held.State = store.ItemHeld
		h.put(alpha, append(list, until, held)...)
		h.put(alpha, letter("b.example"))
		routes, err := lane.Routes(ctx, 0)
		h.ok(err)
		h.same("routes", []any{len(routes), routes[0].Route, routes[0].Items, routes[1].Items}, []any{2, "remote a.example", flushPage + 12, 1})
		page, err := lane.On(ctx, "remote a.example", routes[0].First, 3)
		h.ok(err)
		h.same("behind the first", []any{len(page), page[0].ID > routes[0].First}, []any{3, true})
		_, err = lane.FlushRoute(ctx, stranger, "remote a.example")
		h.says(err, mail.Denied, "actor.denied")
		n, err := lane.FlushRoute(ctx, admin, "remote a.example")
		h.ok(err)
		h.same("made due", n, flushPage+10)
		n, err = lane.FlushRoute(ctx, admin, "remote a.example")
		h.ok(err)
		h.same("again", n, 0)
	})
}

// TestStoreInTrouble: while the store fails the Runner waits and says so; what was carried is noted when it works again.
func TestStoreInTrouble(t *testing.T) {
	inHouse(t, func(h *house) {
		var plan faulty.Plan
		h.store = faulty.Wrap(h.store, &plan)
		h.queue = New(h.store)
		trouble := func() {}
		var settled error
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			trouble()
			deliver(j)
			settled = j.Settle(ctx, "test", func(tx store.Tx, it *Item) error {
				n := letter("with.example")
				n.State = store.ItemHeld
				return Put(tx, &n)
			})
			return nil
		}}
		h.run(Config{}, CarrierLimits{}, f)
		for n, begin := range []func(){
			func() { plan.Fail(faulty.Update, 1, faulty.DiskFull) },
			func() { plan.Fail(faulty.Commit, 1, faulty.TooBusy) },
			func() { plan.Fail(faulty.Answer, 1, faulty.DiskFailed) }, // it was written, but nobody knows
		} {
			trouble = begin
			id := h.many(alpha, "a.example", 1)[0]
			time.Sleep(30 * time.Second)
			synctest.Wait()
			h.same("noted", h.explain(alpha, id).State, store.ItemSettled)
			h.same("carried once", len(f.all()), n+1)
			h.same("with it", len(h.on(alpha, RouteRemote("with.example"))), n+1)
			h.same("error", mail.Is(settled, mail.Conflict), n == 2)
		}
		trouble = func() { plan.FailFrom(faulty.Commit, 1, faulty.DiskFull) }
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		h.same("given up", []any{h.explain(alpha, id).State, mail.Is(settled, mail.Unavailable)}, []any{store.ItemWaiting, true})
		trouble = func() {}
		plan.Heal()
		plan.FailFrom(faulty.Claim, 1, faulty.DiskFailed)
		time.Sleep(10 * time.Minute)
		h.same("logged", h.log.has("could not be asked"), true)
		plan.Heal()
		time.Sleep(10 * time.Second)
		h.same("afterwards", h.explain(alpha, id).State, store.ItemSettled)
	})
}
