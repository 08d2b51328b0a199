package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
)

// A house is a store with two tenants, a queue, and a Runner at work where a test starts it.
type house struct {
	*testing.T
	store  store.Store
	queue  *Queue
	runner *Runner
	stop   func()
	log    *logged
}

// logged keeps the log's lines.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// inHouse runs a test in a bubble, where time passes when everybody waits. It begins in 2026, as ids do.
func inHouse(t *testing.T, test func(h *house)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)))
		h := newHouse(t, t.TempDir())
		defer h.close()
		test(h)
	})
}

const alpha, beta = mail.TenantID(1), mail.TenantID(2)

func newHouse(t *testing.T, dir string) *house {
	st, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []mail.TenantID{alpha, beta} {
		if err := st.CreateTenant(context.Background(), id); err != nil && !mail.Is(err, mail.Conflict) {
			t.Fatal(err)
		}
	}
	return &house{T: t, store: st, queue: New(st), log: new(logged)}
}

func (h *house) close() {
	h.halt()
	if err := h.store.Close(); err != nil {
		h.Error(err)
	}
}

// run starts a Runner with a carrier for all routes to other hosts, and others for what else is named.
func (h *house) run(c Config, l CarrierLimits, carrier Carrier) {
	c.Queue = h.queue
	c.Log = slog.New(slog.NewTextHandler(h.log, nil))
	h.runner = NewRunner(c)
	h.runner.Handle(remotePrefix, carrier, l)
	h.runner.Handle(RouteNotice, &fake{serve: func(ctx context.Context, _ string, j *Job) error { return j.Settle(ctx, "test", nil) }}, CarrierLimits{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.runner.Run(ctx)
	}()
	h.stop = func() { cancel(); <-done }
}

// halt stops the Runner.
func (h *house) halt() {
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) same(what string, got, want any) {
	h.Helper()
	if fmt.Sprintf("%v", got) != fmt.Sprintf("%v", want) {
		h.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// letter is an item to a recipient of a domain, due now.
func letter(domain string) Item {
	return Item{
		State: store.ItemWaiting, Due: time.Now(), Route: RouteRemote(domain),
		Doc: Doc{
			From: mail.Address{Local: "sato", Domain: "example.jp"}, Origin: mail.Origin{Received: time.Now()},
			To: []Recipient{{Recipient: mail.Recipient{Address: mail.Address{Local: "user", Domain: domain}}}},
		},
	}
}

// put writes items of a tenant.
func (h *house) put(t mail.TenantID, list ...Item) (ids []mail.ItemID) {
	h.Helper()
	h.ok(h.store.Tenant(t).Update(context.Background(), Worker(), "test", func(tx store.Tx) error {
		ids = nil
		for _, it := range list {
			if err := Put(tx, &it); err != nil {
				return err
			}
			ids = append(ids, it.ID)
		}
		return nil
	}))
	h.runner.Wake()
	return ids
}

// many puts n letters to a domain.
func (h *house) many(t mail.TenantID, domain string, n int) []mail.ItemID {
	list := make([]Item, n)
	for i := range list {
		list[i] = letter(domain)
	}
	return h.put(t, list...)
}

func (h *house) explain(t mail.TenantID, id mail.ItemID) Item {
	h.Helper()
	it, err := h.queue.Of(t).Explain(context.Background(), id)
	h.ok(err)
	return it
}

// on lists what waits and is held on a route, settled too.
func (h *house) on(t mail.TenantID, route string) (list []Item) {
	h.Helper()
	all, err := h.queue.Of(t).List(context.Background(), 0, 0, 0)
	h.ok(err)
	for _, it := range all {
		if it.Route == route {
			list = append(list, it)
		}
	}
	return list
}

// fake is a carrier that ends each job with what a function says.
type fake struct {
	serve func(ctx context.Context, destination string, j *Job) error // nil delivers everything; an error is Carry's, and gives the job back
	mu    sync.Mutex
	got   []served
}

type served struct {
	tenant mail.TenantID
	id     mail.ItemID
	domain string
	at     time.Time
}

func (f *fake) Destination(_ mail.TenantID, it *Item) string {
	domain, _ := RemoteDomain(it.Route)
	return domain
}

func (f *fake) Carry(ctx context.Context, destination string, next func(context.Context) *Job) error {
	for j := next(ctx); j != nil; j = next(ctx) {
		f.mu.Lock()
		f.got = append(f.got, served{j.Tenant, j.Item.ID, destination, time.Now()})
		f.mu.Unlock()
		if f.serve == nil {
			deliver(j)
			if err := j.Settle(ctx, "test", nil); err != nil {
				return err
			}
			continue
		}
		if err := f.serve(ctx, destination, j); err != nil {
			return errors.Join(err, j.Return(ctx, time.Time{}))
		}
	}
	return nil
}

// all gives what was served so far.
func (f *fake) all() []served {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]served(nil), f.got...)
}

// deliver writes that everybody has the message.
func deliver(j *Job) {
	for i := range j.Item.To {
		j.Item.To[i].Outcome = Relayed
	}
}

func TestRunnerDelivers(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{}
		h.run(Config{}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		synctest.Wait()
		time.Sleep(time.Second)
		it := h.explain(alpha, id)
		h.same("state", []any{it.State, it.To[0].Outcome, it.Fence, it.Tries, it.Attempts}, []any{store.ItemSettled, Relayed, 0, 1, 0})
		h.same("dated", it.To[0].At.IsZero(), false)
	})
}

// TestRunnerRetries: a temporary failure is tried again after 1, 2, 4 minutes.
func TestRunnerRetries(t *testing.T) {
	inHouse(t, func(h *house) {
		tries := 0
		f := &fake{serve: func(ctx context.Context, _ string, j *Job) error {
			if tries++; tries == 4 {
				deliver(j)
			} else {
				j.Item.To[0].Reason, j.Item.To[0].Answer = "remote.deferred", "450 later"
			}
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		id := h.many(alpha, "a.example", 1)[0]
		time.Sleep(30 * time.Second)
		it := h.explain(alpha, id)
		h.same("after one try", []any{it.State, it.Attempts, it.To[0].Answer, it.Fence}, []any{store.ItemWaiting, 1, "450 later", 0})
		time.Sleep(10 * time.Minute)
		it = h.explain(alpha, id)
		h.same("in the end", []any{it.State, it.Attempts, it.To[0].Outcome}, []any{store.ItemSettled, 3, Relayed})
		got := f.all()
		for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			if gap := got[i+1].at.Sub(got[i].at); gap < want*7/8 || gap > want*9/8+time.Second {
				t.Errorf("try %d came %v after the one before, want about %v", i+2, gap, want)
			}
		}
	})
}

// TestRunnerExpires: the sender is told once of the delay after 4 hours, and after 5 days that it is over.
func TestRunnerExpires(t *testing.T) {
	inHouse(t, func(h *house) {
		f := &fake{serve: func(ctx context.Context, _ string, j *Job) error {
			j.Item.To[0].Reason, j.Item.To[0].Answer, j.Item.To[0].Host = "remote.deferred", "450 later", "mx.a.example"
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{}, f)
		auto := letter("a.example")
		auto.Auto = true
		ids := h.put(alpha, letter("a.example"), auto)
		time.Sleep(6 * time.Hour)
		notices := h.on(alpha, RouteNotice)
		h.same("notices of the delay", len(notices), 1)
		h.same("notice", []any{notices[0].Of, notices[0].To[0].Outcome, notices[0].To[0].Answer, notices[0].From.Local},
			[]any{ids[0], Waiting, "450 later", "sato"})
		h.same("warned", []any{h.explain(alpha, ids[0]).Warned, h.explain(alpha, ids[1]).Warned}, []any{true, false})
		time.Sleep(5 * 24 * time.Hour)
		notices = h.on(alpha, RouteNotice)
		h.same("notices", len(notices), 2)
		h.same("of the failure", []any{notices[1].To[0].Outcome, notices[1].To[0].Reason, notices[1].To[0].Status, notices[1].To[0].Host},
			[]any{Failed, "delivery.expired", "4.4.7", "mx.a.example"})
		for _, id := range ids {
			it := h.explain(alpha, id)
			h.same("given up", []any{it.State, it.To[0].Outcome}, []any{store.ItemSettled, Failed})
			if it.Attempts < 110 || it.Attempts > 150 {
				t.Errorf("%d attempts in 5 days", it.Attempts)
			}
		}
		for _, n := range notices {
			h.same("notice", n.State, store.ItemSettled)
		}
	})
}

// TestRunnerBacksOff: an error of Carry puts off what waits for the destination, without counting as a try, and with the reason.
func TestRunnerBacksOff(t *testing.T) {
	inHouse(t, func(h *house) {
		var down atomic.Bool
		down.Store(true)
		f := &fake{serve: func(ctx context.Context, domain string, j *Job) error {
			if down.Load() && domain == "down.example" {
				return &Failure{Reason: "remote.unreachable", Status: "4.4.1", Host: "mx.down.example", Answer: "421 no"}
			}
			deliver(j)
			return j.Settle(ctx, "test", nil)
		}}
		h.run(Config{}, CarrierLimits{Start: 1}, f)
		ids := h.many(alpha, "down.example", 20)
		others := h.many(alpha, "up.example", 20)
		time.Sleep(10 * time.Second)
		for _, id := range ids {
			it := h.explain(alpha, id)
			h.same("put off", []any{it.State, it.Attempts, it.Fence, it.To[0].Reason, it.To[0].Answer, it.To[0].Host, it.To[0].Status},
				[]any{store.ItemWaiting, 0, 0, "remote.unreachable", "421 no", "mx.down.example", "4.4.1"})
			if wait := time.Until(it.Due); wait < 30*time.Second || wait > 2*time.Minute {
				t.Errorf("due in %v", wait)
			}
		}
		for _, id := range others {
			h.same("to the other", h.explain(alpha, id).State, store.ItemSettled)
		}
		states := h.runner.Destinations()
		h.same("states", []any{states[0].Name, states[0].Until.IsZero(), states[0].Limit, states[0].Last != ""}, []any{"down.example", false, 1, true})
		h.same("states", []any{states[1].Name, states[1].Until.IsZero(), states[1].Limit > 1, states[1].Last}, []any{"up.example", true, true, ""})
		time.Sleep(30 * time.Minute)
		tried := 0
		for _, s := range f.all() {
			if s.domain == "down.example" {
				tried++
			}
		}
		if tried > 6 {
			t.Errorf("%d tries in half an hour", tried)
		}
		down.Store(false)
		time.Sleep(time.Hour)
		for _, id := range ids {
			h.same("in the end", h.explain(alpha, id).State, store.ItemSettled)
		}
	})
}
