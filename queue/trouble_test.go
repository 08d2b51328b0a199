package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/faulty"
)

// inTrouble is inHouse with a store that fails as planned.
func inTrouble(t *testing.T, test func(h *house, plan *faulty.Plan)) {
	inHouse(t, func(h *house) {
		var plan faulty.Plan
		h.store = faulty.Wrap(h.store, &plan)
		h.queue = New(h.store)
		test(h, &plan)
	})
}

// TestLeaseEndsInHand: a carrier whose lease ends, because it could not be renewed, works on, and no other begins the same beside it.
func TestLeaseEndsInHand(t *testing.T) {
	for _, claimed := range []bool{true, false} {
		inTrouble(t, func(h *house, plan *faulty.Plan) {
			var settled error
			f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
				plan.FailFrom(faulty.Update, 1, faulty.DiskFull)
				if !claimed {
					plan.FailFrom(faulty.Claim, 1, faulty.DiskFull)
				}
				time.Sleep(8 * time.Minute)
				plan.Heal()
				time.Sleep(8 * time.Minute)
				deliver(j)
				settled = j.Settle(ctx, "test", nil)
				return nil
			}}
			h.run(Config{}, CarrierLimits{}, f)
			id := h.many(alpha, "a.example", 1)[0]
			time.Sleep(time.Hour)
			synctest.Wait()
			h.same("carried", len(f.all()), 1)
			h.same("settled", []any{settled, h.explain(alpha, id).State}, []any{nil, store.ItemSettled})
			h.same("held", len(h.runner.held), 0)
		})
	}
}

// TestEndIsWrittenLater: what was carried is noted when the store works again, as long as a lease would have lasted.
func TestEndIsWrittenLater(t *testing.T) {
	inTrouble(t, func(h *house, plan *faulty.Plan) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			plan.FailFrom(faulty.Commit, 1, faulty.DiskFailed)
			time.AfterFunc(90*time.Second, plan.Heal)
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(10 * time.Minute)
		h.same("carried", len(f.all()), 1)
		h.same("noted", h.explain(alpha, id).State, store.ItemSettled)
	})
}

// TestProgressInDoubt: a part that was committed, and of which nobody knows, is not done again.
func TestProgressInDoubt(t *testing.T) {
	inTrouble(t, func(h *house, plan *faulty.Plan) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			plan.Fail(faulty.Answer, 1, faulty.DiskFailed)
			h.ok(j.Progress(ctx, "test", func(tx store.Tx, it *Item) error {
				n := letter("copy.example")
				n.State = store.ItemHeld
				it.To[0].Outcome = Delivered
				return Put(tx, &n)
			}))
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(time.Minute)
		h.same("done once", len(h.on(alpha, RouteRemote("copy.example"))), 1)
		h.same("item", []any{h.explain(alpha, id).State, h.explain(alpha, id).To[0].Outcome}, []any{store.ItemSettled, Delivered})
	})
}

// TestEndIsRefused: an item whose end can't be written, though the store works, is tried less and less often, and given up in the end.
func TestEndIsRefused(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			deliver(j)
			if err := j.Settle(ctx, "test", func(store.Tx, *Item) error { return errors.New("never") }); err == nil {
				t.Error("settled")
			}
			return nil
		}}
		h.run(Config{Schedule: Schedule{Warn: -1}}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(10 * time.Second)
		it := h.explain(alpha, id)
		h.same("put off", []any{it.State, it.Fence, it.Attempts, it.To[0].Reason}, []any{store.ItemWaiting, 0, 1, "delivery.later"})
		time.Sleep(6 * 24 * time.Hour)
		it = h.explain(alpha, id)
		h.same("given up", []any{it.State, it.To[0].Outcome, it.To[0].Reason}, []any{store.ItemSettled, Failed, "delivery.expired"})
		h.same("told", len(h.on(alpha, RouteNotice)), 1)
		if n := len(f.all()); n > 150 {
			t.Errorf("carried %d times", n)
		}
	})
}

// TestFlushBesidePull: a flush that comes while the Runner makes due what was put off.
func TestFlushBesidePull(t *testing.T) {
	inTrouble(t, func(h *house, plan *faulty.Plan) {
		r := NewRunner(Config{Queue: h.queue})
		r.Handle(remotePrefix, &fake{}, CarrierLimits{})
		list := make([]Item, flushPage+1)
		for i := range list {
			list[i] = letter("a.example")
			list[i].Due = time.Now().Add(time.Hour)
		}
		h.put(alpha, list...)
		d := r.board.kinds[0].destination("a.example")
		d.remember(place{alpha, RouteRemote("a.example")}, 1)
		plan.Slow(faulty.Update, time.Second)
		go r.pull(context.Background(), d)
		time.Sleep(500 * time.Millisecond)
		r.Flush("a.example")
		synctest.Wait()
		h.same("forgotten", len(d.places), 0)
	})
}

// TestReturnedIsForgotten: what was given back until a time is in memory no more.
func TestReturnedIsForgotten(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			return j.Return(ctx, time.Now().Add(time.Hour))
		}}
		h.run(Config{}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(time.Minute)
		h.runner.mu.Lock()
		n := len(h.runner.held)
		h.runner.mu.Unlock()
		h.same("held", n, 0)
		h.ok(h.queue.Of(alpha).Hold(context.Background(), mail.MintActor(mail.Operator, 0, 0, "test", mail.Origin{}), id))
	})
}

// TestInherited: what a process before put off does not wait for its time when the destination has nothing else to do.
func TestInherited(t *testing.T) {
	inHouse(t, func(h *house) {
		list := make([]Item, flushPage+50)
		for i := range list {
			list[i] = letter("a.example")
			list[i].Tries, list[i].Due = 1, time.Now().Add(time.Duration(i)*time.Minute)
		}
		fresh := letter("a.example")
		fresh.Due = time.Now().Add(time.Hour)
		tried := fresh
		tried.Tries, tried.Attempts = 1, 1
		h.put(alpha, append(list, fresh, tried)...)
		f := &fake{}
		h.run(Config{}, CarrierLimits{}, f)
		time.Sleep(time.Minute - time.Second)
		h.same("carried", len(f.all()), len(list))
	})
}
