package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/store"
)

// TestSlowHoldsNobodyUp: two tenants, two destinations, one of which takes a minute for each message.
func TestSlowHoldsNobodyUp(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			if domain == "slow.example" {
				time.Sleep(time.Minute)
			}
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{Limits: Limits{Jobs: 200, Share: 20}}, CarrierLimits{Total: 8, Start: 3, Concurrency: 3}, f)
		h.many(alpha, "slow.example", 300)
		h.many(beta, "slow.example", 5)
		h.many(alpha, "fast.example", 50)
		h.many(beta, "fast.example", 50)
		time.Sleep(30 * time.Second)
		fast := 0
		for _, s := range f.all() {
			if s.domain == "fast.example" {
				fast++
			}
		}
		h.same("to the fast one", fast, 100)
		time.Sleep(5 * time.Minute)
		tenants := map[mail.TenantID]int{}
		for _, s := range f.all() {
			if s.domain == "slow.example" {
				tenants[s.tenant]++
			}
		}
		if tenants[beta] < 3 {
			t.Errorf("of %d to the slow one %d are the second tenant's", tenants[alpha]+tenants[beta], tenants[beta])
		}
		time.Sleep(4 * time.Hour)
		h.same("all", len(f.all()), 405)
		h.same("on the route", len(h.on(alpha, RouteRemote("slow.example"))), 300)
		for _, it := range h.on(alpha, RouteRemote("slow.example")) {
			h.same("state", it.State, store.ItemSettled)
		}
	})
}

// TestMemoryIsBounded: of many items for a slow destination only a part is leased at any time, and each is put off a few times.
func TestMemoryIsBounded(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			time.Sleep(5 * time.Second)
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		const jobs, items = 100, 1000
		h.run(Config{Limits: Limits{Jobs: jobs, Share: 25}}, CarrierLimits{Start: 5, Concurrency: 5}, f)
		ids := h.many(alpha, "slow.example", items)
		for range 60 {
			time.Sleep(time.Second)
			held := 0
			for _, it := range h.on(alpha, RouteRemote("slow.example")) {
				if it.Fence != 0 {
					held++
				}
			}
			if held > 25 {
				t.Fatalf("%d items are leased for one destination", held)
			}
		}
		time.Sleep(2 * time.Hour) // one a second
		tries := 0
		for _, id := range ids {
			it := h.explain(alpha, id)
			h.same("state", it.State, store.ItemSettled)
			tries += it.Tries
		}
		if tries > 10*items { // the pace is learned, and with it how far away they are put
			t.Errorf("%d items were claimed %d times", items, tries)
		}
	})
}

// TestStopGivesBack: what no carrier began is due for others when the Runner stops; what one began it may finish.
func TestStopGivesBack(t *testing.T) {
	inHouse(t, func(h *house) {
		cancelled := 0
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			wait := 5 * time.Second
			if domain == "stuck.example" {
				wait = time.Hour
			}
			select {
			case <-time.After(wait):
				deliver(j)
				return j.Settle(ctx, "test", nil)
			case <-ctx.Done():
				cancelled++
				return ctx.Err()
			}
		}}
		h.run(Config{Limits: Limits{Grace: 10 * time.Second}}, CarrierLimits{Start: 1, Concurrency: 1}, f)
		good := h.many(alpha, "good.example", 10)
		stuck := h.many(beta, "stuck.example", 10)
		time.Sleep(time.Second)
		begun := time.Now()
		h.halt()
		h.same("stopped after the grace", time.Since(begun).Round(time.Second), 10*time.Second)
		h.same("cut short", cancelled, 1)
		h.same("the one that was begun", h.explain(alpha, good[0]).State, store.ItemSettled)
		for _, id := range good[1:] {
			it := h.explain(alpha, id)
			h.same("given back", []any{it.State, it.Fence, it.Attempts, it.Due.After(time.Now())}, []any{store.ItemWaiting, 0, 0, false})
		}
		for _, id := range stuck {
			it := h.explain(beta, id)
			h.same("given back", []any{it.State, it.Fence, it.Attempts, it.To[0].Reason}, []any{store.ItemWaiting, 0, 0, ""})
		}
		if _, ok := h.runner.Reserve(1); ok {
			t.Error("a stopped Runner takes new items")
		}
	})
}

// TestCrash: the process ends with items in its hands; the next carries them at once.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	h := newHouse(t, dir)
	begun := make(chan *Job, 10)
	f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
		begun <- j
		<-ctx.Done()
		return ctx.Err()
	}}
	h.run(Config{Limits: Limits{Lease: time.Hour, Grace: time.Millisecond}}, CarrierLimits{Start: 2}, f)
	ids := h.many(alpha, "a.example", 3)
	<-begun
	<-begun
	h.ok(h.store.Close()) // under its hands, as a crash would
	h.halt()
	h.same("logged", h.log.has("queue items were not put off"), true)

	h = newHouse(t, dir)
	defer h.close()
	carried := make(chan mail.ItemID, 10)
	g := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
		deliver(j)
		err := j.Settle(ctx, "test", nil)
		carried <- j.Item.ID
		return err
	}}
	h.run(Config{}, CarrierLimits{}, g)
	for range ids {
		<-carried
	}
	for _, id := range ids {
		h.same("state", h.explain(alpha, id).State, store.ItemSettled)
	}
}

// TestBornLeased: what is handed over is carried without being claimed; what is not is claimed when its lease ends.
func TestBornLeased(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{}
		h.run(Config{}, CarrierLimits{}, f)
		later := letter("a.example")
		later.Due = time.Now().Add(time.Hour)
		list := []Item{letter("a.example"), letter("a.example"), later}
		synctest.Wait()
		offer, ok := h.runner.Reserve(3)
		h.same("room", ok, true)
		h.ok(h.store.Tenant(alpha).Update(context.Background(), Worker(), "test", func(tx store.Tx) error {
			for i := range list {
				offer.Lease(&list[i])
				if err := Put(tx, &list[i]); err != nil {
					return err
				}
			}
			return nil
		}))
		offer.Hand(alpha, list[0])
		offer.Hand(alpha, list[2]) // not due: was not leased
		offer.Drop()
		time.Sleep(time.Second)
		it := h.explain(alpha, list[0].ID)
		h.same("handed over", []any{it.State, it.Tries, it.To[0].Outcome}, []any{store.ItemSettled, 1, Relayed})
		it = h.explain(alpha, list[1].ID)
		h.same("dropped", []any{it.State, it.Fence}, []any{store.ItemWaiting, 1})
		time.Sleep(3 * time.Minute)
		it = h.explain(alpha, list[1].ID)
		h.same("claimed", []any{it.State, it.Tries}, []any{store.ItemSettled, 2})
		h.same("held until", h.explain(alpha, list[2].ID).State, store.ItemWaiting)
		time.Sleep(time.Hour)
		h.same("its time has come", h.explain(alpha, list[2].ID).State, store.ItemSettled)
		h.runner.mu.Lock()
		defer h.runner.mu.Unlock()
		h.same("room", []any{h.runner.board.reserved, h.runner.board.jobs, h.runner.board.octets}, []any{0, 0, 0})
	})
}

// TestHandedToBlocked: what is handed over for a destination that is left alone is put off with its reason.
func TestHandedToBlocked(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error { return errors.New("no route to it") }}
		h.run(Config{}, CarrierLimits{}, f)
		h.many(alpha, "a.example", 1)
		time.Sleep(time.Second)
		offer, _ := h.runner.Reserve(1)
		it := letter("a.example")
		h.ok(h.store.Tenant(alpha).Update(context.Background(), Worker(), "test", func(tx store.Tx) error {
			offer.Lease(&it)
			return Put(tx, &it)
		}))
		offer.Hand(alpha, it)
		offer.Drop()
		time.Sleep(time.Second)
		got := h.explain(alpha, it.ID)
		h.same("put off", []any{got.State, got.Fence, got.Attempts, got.To[0].Reason, got.To[0].Answer},
			[]any{store.ItemWaiting, 0, 0, "delivery.later", "no route to it"})
	})
}

// TestNoRunner: a nil Runner has no room, and a nil Offer does nothing.
func TestNoRunner(t *testing.T) {
	var r *Runner
	o, ok := r.Reserve(1)
	it := letter("a.example")
	o.Lease(&it)
	o.Hand(alpha, it)
	o.Drop()
	r.Wake()
	r.Flush("a.example")
	if ok || !it.Until.IsZero() || r.Destinations() != nil {
		t.Error("a nil Runner does something")
	}
}

// TestPanic: a carrier with a bug loses the item it had, for a while, and nothing else stops.
func TestPanic(t *testing.T) {
	inHouse(t, func(h *house) {
		var bad mail.ItemID
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			if j.Item.ID == bad && j.Item.Tries == 1 {
				panic("a bug")
			}
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		list := []Item{letter("a.example"), letter("a.example"), letter("b.example")}
		ids := h.put(alpha, list...)
		bad = ids[0]
		h.run(Config{}, CarrierLimits{Start: 1}, f)
		time.Sleep(10 * time.Second)
		h.same("logged", h.log.has("a carrier has a bug"), true)
		h.same("others", []any{h.explain(alpha, ids[1]).State, h.explain(alpha, ids[2]).State}, []any{store.ItemSettled, store.ItemSettled})
		it := h.explain(alpha, bad)
		h.same("put off", []any{it.State, it.Fence, it.Attempts}, []any{store.ItemWaiting, 0, 1})
		time.Sleep(3 * time.Minute)
		it = h.explain(alpha, bad)
		h.same("carried again", []any{it.State, it.Tries}, []any{store.ItemSettled, 2})
	})
}

// TestLeaseIsKept: a job that takes longer than a lease is not given to anybody else.
func TestLeaseIsKept(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			time.Sleep(20 * time.Minute)
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{Start: 1, Concurrency: 1}, f)
		ids := h.many(alpha, "a.example", 3)
		time.Sleep(10 * time.Minute)
		for _, id := range ids {
			it := h.explain(alpha, id)
			h.same("leased", []any{it.Fence, it.Until.After(time.Now())}, []any{1, true})
		}
		time.Sleep(time.Hour)
		for _, id := range ids {
			it := h.explain(alpha, id)
			h.same("settled", []any{it.State, it.Tries}, []any{store.ItemSettled, 1})
		}
		h.same("carried once", len(f.all()), 3)
	})
}

// TestLeaseIsLost: who lost his lease cannot settle.
func TestLeaseIsLost(t *testing.T) {
	inHouse(t, func(h *house) {
		var settled error
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			h.ok(h.store.Tenant(alpha).Update(ctx, Worker(), "test", func(tx store.Tx) error { // as if it had ended, and another had it
				return tx.DeleteItem(j.Item.ID, j.Item.Fence)
			}))
			time.Sleep(5 * time.Minute)
			deliver(j)
			settled = j.Settle(ctx, "test", func(tx store.Tx, it *Item) error {
				n := letter("never.example")
				return Put(tx, &n)
			})
			return nil
		}}
		h.run(Config{}, CarrierLimits{}, f)
		h.many(alpha, "a.example", 1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		h.same("refused", mail.Is(settled, mail.Conflict), true)
		h.same("what it wrote", len(h.on(alpha, RouteRemote("never.example"))), 0)
		h.same("logged", h.log.has("a lease was lost"), true)
	})
}

// TestProgress: what a carrier did in part is not done again, and With is part of the same commit.
func TestProgress(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			for i := range j.Item.To {
				if j.Item.To[i].Outcome != Waiting {
					continue
				}
				if j.Item.Tries == 1 && i == 2 {
					panic("in the middle")
				}
				j.Item.To[i].Outcome = Delivered
				if i == 0 {
					j.Item.To[i].Outcome, j.Item.To[i].Reason = Failed, "mailbox.unknown"
				}
				if err := j.Progress(ctx, "test", func(tx store.Tx, it *Item) error {
					n := letter("copy.example")
					n.State, n.Doc.MessageID = store.ItemHeld, it.To[i].Local
					return Put(tx, &n)
				}); err != nil {
					return err
				}
			}
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		it := letter("a.example")
		one := it.To[0]
		it.To = nil
		for _, local := range strings.Fields("a b c d") {
			one.Local = local
			it.To = append(it.To, one)
		}
		id := h.put(alpha, it)[0]
		time.Sleep(10 * time.Second)
		h.same("written so far", len(h.on(alpha, RouteRemote("copy.example"))), 2)
		h.same("told so far", len(h.on(alpha, RouteNotice)), 1)
		time.Sleep(5 * time.Minute)
		var names []string
		for _, c := range h.on(alpha, RouteRemote("copy.example")) {
			names = append(names, c.MessageID)
		}
		h.same("each once", names, []string{"a", "b", "c", "d"})
		h.same("told once", len(h.on(alpha, RouteNotice)), 1)
		got := h.explain(alpha, id)
		h.same("item", []any{got.State, got.Tries, got.To[0].Outcome, got.To[3].Outcome}, []any{store.ItemSettled, 2, Failed, Delivered})
	})
}

// TestReturnUntil: a job given back until a time comes then, untried.
func TestReturnUntil(t *testing.T) {
	inHouse(t, func(h *house) {
		var first time.Time
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			if first.IsZero() {
				first = time.Now()
				return j.Return(ctx, time.Now().Add(10*time.Minute))
			}
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(time.Hour)
		synctest.Wait()
		got := f.all()
		h.same("carried", len(got), 2)
		if gap := got[1].at.Sub(first); gap < 10*time.Minute || gap > 10*time.Minute+2*time.Second {
			t.Errorf("carried again after %v", gap)
		}
		h.same("attempts", h.explain(alpha, id).Attempts, 0)
	})
}

// TestWithin: a carrier settles its job in a transaction of its own; after one that failed it may do so again.
func TestWithin(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			deliver(j)
			for _, give := range []bool{true, false} {
				err := j.Store().Update(ctx, Worker(), "test", func(tx store.Tx) error {
					n := letter("with.example")
					n.State = store.ItemHeld
					if err := errors.Join(Put(tx, &n), j.Within(tx)); err != nil || !give {
						return err
					}
					return errors.New("gives up")
				})
				h.same("error", err != nil, give)
			}
			j.Committed()
			h.same("a second end", mail.Is(j.Settle(ctx, "test", nil), mail.Conflict), true)
			return nil
		}}
		h.run(Config{}, CarrierLimits{Start: 1}, f)
		ids := h.many(alpha, "a.example", 2)
		time.Sleep(10 * time.Second)
		h.same("settled", []any{h.explain(alpha, ids[0]).State, h.explain(alpha, ids[1]).State}, []any{store.ItemSettled, store.ItemSettled})
		h.same("with each", len(h.on(alpha, RouteRemote("with.example"))), 2)
	})
}

// TestLinger: a carrier that lingers gets what comes meanwhile, and its place is taken when another needs it.
func TestLingeringCarrier(t *testing.T) {
	inHouse(t, func(h *house) {
		var mu sync.Mutex
		carries := map[string]int{}
		c := carrierFunc(func(ctx context.Context, dest string, next func(context.Context) *Job) error {
			mu.Lock()
			carries[dest]++
			mu.Unlock()
			for j := next(ctx); j != nil; j = next(ctx) {
				deliver(j)
				if err := j.Settle(ctx, "test", nil); err != nil {
					return err
				}
			}
			return nil
		})
		h.run(Config{Limits: Limits{Poll: 100 * time.Millisecond}}, CarrierLimits{Total: 1, Linger: 5 * time.Second}, c)
		for range 10 {
			h.many(alpha, "a.example", 1)
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		h.same("carries", carries["a.example"], 1)
		begun := time.Now()
		id := h.many(alpha, "b.example", 1)[0]
		for h.explain(alpha, id).State != store.ItemSettled {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("another waited %v for the place", took)
		}
		time.Sleep(10 * time.Second)
		h.same("at rest", []any{len(h.runner.Destinations()), h.runner.Destinations()[0].Active, h.runner.Destinations()[1].Active}, []any{2, 0, 0})
	})
}

// carrierFunc is a carrier that is one function; destinations are domains.
type carrierFunc func(ctx context.Context, dest string, next func(context.Context) *Job) error

func (f carrierFunc) Destination(_ mail.TenantID, it *Item) string {
	return (*fake)(nil).Destination(0, it)
}

func (f carrierFunc) Carry(ctx context.Context, dest string, next func(context.Context) *Job) error {
	return f(ctx, dest, next)
}

// TestFlushDestination: the back-off is forgotten, and what was put off is carried at once.
func TestFlushDestination(t *testing.T) {
	inHouse(t, func(h *house) {
		var down atomic.Bool
		down.Store(true)
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			if down.Load() {
				return errors.New("down")
			}
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		ids := h.many(alpha, "a.example", 50)
		held := letter("a.example")
		held.Due, held.Opts.HoldUntil = time.Now().Add(24*time.Hour), time.Now().Add(24*time.Hour)
		ids = append(ids, h.put(alpha, held)...)
		time.Sleep(10 * time.Minute)
		down.Store(false)
		h.runner.Flush("a.example")
		time.Sleep(2 * time.Second)
		for _, id := range ids[:50] {
			h.same("state", h.explain(alpha, id).State, store.ItemSettled)
		}
		h.same("held until", h.explain(alpha, ids[50]).State, store.ItemWaiting)
	})
}

// TestNoCarrier: an item on a route nobody handles waits, and is said in the log.
func TestNoCarrier(t *testing.T) {
	inHouse(t, func(h *house) {
		h.run(Config{}, CarrierLimits{}, &fake{})
		it := letter("a.example")
		it.Route = "pigeon"
		id := h.put(alpha, it)[0]
		time.Sleep(10 * time.Second)
		got := h.explain(alpha, id)
		h.same("state", []any{got.State, got.Fence}, []any{store.ItemWaiting, 0})
		h.same("logged", h.log.has("no carrier for a route"), true)
		synctest.Wait()
	})
}

// TestDamagedItem: an item that cannot be read is said in the log and left alone; others are carried.
func TestDamagedItem(t *testing.T) {
	inHouse(t, func(h *house) {
		h.run(Config{}, CarrierLimits{}, &fake{})
		var bad mail.ItemID
		h.ok(h.store.Tenant(alpha).Update(context.Background(), Worker(), "test", func(tx store.Tx) error {
			bad = mail.ItemID(tx.NextID())
			return tx.PutItem(store.Item{ID: bad, State: store.ItemWaiting, Due: time.Now(), Route: RouteRemote("a.example"), Doc: []byte{docVersion, 0xff}})
		}))
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(time.Minute)
		h.same("the other", h.explain(alpha, id).State, store.ItemSettled)
		h.ok(h.store.Tenant(alpha).View(context.Background(), func(r store.Reader) error {
			s, err := r.Item(bad)
			h.same("left alone", []any{s.State, s.Fence, s.Tries}, []any{store.ItemWaiting, 0, 1})
			return err
		}))
	})
}

// TestRecovered: what was put off while a destination was slow is carried soon when it is fast again, and not when it was put off to.
func TestRecovered(t *testing.T) {
	inHouse(t, func(h *house) {
		begun := time.Now()
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			if time.Since(begun) < 2*time.Minute {
				time.Sleep(10 * time.Second)
			}
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{Limits: Limits{Jobs: 400, Share: 100}}, CarrierLimits{Start: 2, Concurrency: 2}, f)
		h.many(alpha, "a.example", 2000)
		tried := letter("a.example")
		tried.Attempts, tried.Due = 3, time.Now().Add(50*time.Minute)
		id := h.put(alpha, tried)[0]
		time.Sleep(2 * time.Minute)
		if n := len(f.all()); n > 50 {
			t.Fatalf("%d were carried while it was slow", n)
		}
		for range 10 { // at the slow pace it would be hours
			if time.Sleep(time.Minute); len(f.all()) == 2000 {
				break
			}
		}
		h.same("carried", len(f.all()), 2000)
		h.same("what was tried before keeps its time", h.explain(alpha, id).State, store.ItemWaiting)
		time.Sleep(time.Hour)
		h.same("in the end", h.explain(alpha, id).State, store.ItemSettled)
	})
}

// TestNotLeasedIntoACrowd: where a destination has all it may have in memory, new items are not leased from birth.
func TestNotLeasedIntoACrowd(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			time.Sleep(time.Minute)
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{Limits: Limits{Jobs: 400, Share: 10}}, CarrierLimits{Start: 1, Concurrency: 1}, f)
		h.many(alpha, "a.example", 20)
		time.Sleep(time.Second)
		offer, _ := h.runner.Reserve(2)
		defer offer.Drop()
		for domain, leased := range map[string]bool{"a.example": false, "b.example": true} {
			it := letter(domain)
			offer.Lease(&it)
			h.same(domain, !it.Until.IsZero(), leased)
		}
	})
}

// TestJobNotEnded: a carrier that forgets to end its jobs is said in the log, and nothing is lost or carried in a loop.
func TestJobNotEnded(t *testing.T) {
	inHouse(t, func(h *house) {
		var calls atomic.Int64
		c := carrierFunc(func(ctx context.Context, dest string, next func(context.Context) *Job) error {
			for j := next(ctx); j != nil; j = next(ctx) {
				calls.Add(1)
			}
			return nil
		})
		h.run(Config{}, CarrierLimits{Start: 1}, c)
		ids := h.many(alpha, "a.example", 3)
		time.Sleep(30 * time.Second)
		if n := calls.Load(); n < 1 || n > 3 { // as many as were there when the destination was given up for a while
			t.Errorf("%d calls", n)
		}
		h.same("logged", h.log.has("has not ended the one before"), true)
		for _, id := range ids {
			it := h.explain(alpha, id)
			h.same("put off", []any{it.State, it.Fence, it.To[0].Reason}, []any{store.ItemWaiting, 0, "delivery.later"})
		}
	})
}
