package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/mail"
)

// A table is a board to play on: carries take and end jobs as the test says.
type table struct {
	*testing.T
	board
	now  time.Time
	next mail.ItemID
}

func newTable(t *testing.T, l Limits, c CarrierLimits) *table {
	tb := &table{T: t, now: now}
	tb.board = board{limits: l.withDefaults(), schedule: Schedule{}.withDefaults(), jitter: func() float64 { return .5 }}
	tb.handle("remote ", nil, c)
	return tb
}

// enter brings n jobs of a tenant for a destination, and gives what was not kept.
func (tb *table) enter(tenant mail.TenantID, dest string, n int) (out []putOff) {
	for range n {
		tb.next++
		j := &Job{Tenant: tenant, Item: Item{ID: tb.next, Route: RouteRemote(dest)}, octets: 1000}
		more, _ := tb.board.enter(j, tb.kinds[0].destination(dest), tb.now)
		out = append(out, more...)
	}
	return out
}

func (tb *table) begin() []*carry { return tb.board.start(tb.now) }

// take gives a carry its next job.
func (tb *table) take(c *carry) *Job { return tb.board.next(c, tb.now) }

func (tb *table) finish(j *Job, further bool) { tb.board.end(j, further, tb.now) }

// work lets carries work in turn, each a job at a time, and writes down whom they served.
func (tb *table) work(carries []*carry, jobs int) string {
	var log []string
	for len(carries) > 0 && len(log) < jobs {
		c := carries[0]
		carries = carries[1:]
		j := tb.take(c)
		if j == nil {
			tb.leave(c, nil, false, tb.now)
			carries = append(carries, tb.begin()...)
			continue
		}
		log = append(log, fmt.Sprintf("%s%d", c.dest.name, j.Tenant))
		tb.finish(j, false)
		carries = append(carries, c)
	}
	return strings.Join(log, " ")
}

func (tb *table) want(what string, got, want any) {
	tb.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		tb.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// TestTenantsTakeTurns: inside a destination each tenant gets its turn, however many jobs another has.
func TestTenantsTakeTurns(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Concurrency: 1})
	tb.enter(1, "a", 6)
	tb.enter(2, "a", 2)
	tb.enter(3, "a", 3)
	tb.want("order", tb.work(tb.begin(), 99), "a1 a2 a3 a1 a2 a3 a1 a3 a1 a1 a1")
}

// TestDestinationsTakeTurns: with few places each destination gets one before any gets a second, and leaves it after turnJobs.
func TestDestinationsTakeTurns(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Total: 2, Start: 2})
	tb.enter(1, "a", 300)
	tb.enter(1, "b", 300)
	tb.enter(1, "c", 3)
	first := tb.begin()
	tb.want("places", []any{len(first), first[0].dest.name, first[1].dest.name}, []any{2, "a", "b"})
	log := tb.work(first, 400)
	if !strings.Contains(log, "c1") {
		t.Fatal("the third got no place")
	}
	if n := strings.Count(log[:strings.Index(log, "c1")], "1"); n > 2*turnJobs+2 {
		t.Errorf("the third waited for %d jobs", n)
	}
}

// TestSecondPlaceIsLeft: who has two places leaves one at once to who has none.
func TestSecondPlaceIsLeft(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Total: 2, Start: 2})
	tb.enter(1, "a", 10)
	two := tb.begin()
	tb.want("places of one", len(two), 2)
	tb.enter(1, "b", 1)
	tb.want("no place", len(tb.begin()), 0)
	if j := tb.take(two[0]); j != nil {
		t.Fatal("a second place was kept")
	}
	tb.leave(two[0], nil, false, tb.now)
	tb.want("now the other", tb.begin()[0].dest.name, "b")
	if j := tb.take(two[1]); j == nil {
		t.Error("the only place was taken away")
	}
}

// TestLimitLearns: one more after as many successes, half after a failure.
func TestLimitLearns(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Start: 2, Concurrency: 8})
	tb.enter(1, "a", 200)
	list := tb.begin()
	tb.want("at the start", len(list), 2)
	d := list[0].dest
	for _, want := range []int{2, 3, 3, 3, 4, 4, 4, 4, 5} {
		tb.finish(tb.take(list[0]), true)
		tb.want("limit", d.limit, want)
	}
	for range 100 {
		tb.finish(tb.take(list[0]), true)
	}
	tb.want("at most", d.limit, 8)
	tb.want("more carries", len(tb.begin()), 6)
	tb.finish(tb.take(list[0]), false)
	tb.want("neither success nor failure", d.limit, 8)
	// The other's failure comes while this one gets through.
	tb.now = tb.now.Add(time.Second)
	tb.finish(tb.take(list[0]), true)
	out := tb.leave(list[1], &Failure{Reason: "x"}, false, tb.now)
	tb.want("after one failed", []any{d.limit, len(out), d.blocked(tb.now)}, []any{4, 0, false})
	for range caution {
		tb.finish(tb.take(list[0]), true)
	}
	tb.want("it is careful", d.limit, 4)
}

// TestBackOff: a destination that fails is left alone, longer each time, until it succeeds.
func TestBackOff(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Start: 1})
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		tb.want("kept", len(tb.enter(1, "a", 3)), 0)
		c := tb.begin()[0]
		j := tb.take(c)
		tb.giveBack(j)
		out := tb.leave(c, &Failure{Reason: "remote.unreachable"}, false, tb.now)
		tb.want("put off", len(out), 3)
		tb.want("the first is the first", out[0].job.Item.ID, j.Item.ID)
		tb.want("until", out[0].at.Sub(tb.now), want)
		tb.want("why", out[2].why.Reason, "remote.unreachable")
		tb.want("in memory", []any{tb.jobs, tb.octets}, []any{0, 0})
		tb.now = tb.now.Add(want / 2)
		out = tb.enter(1, "a", 1)
		tb.want("meanwhile", []any{len(out), out[0].why.Reason, len(tb.begin())}, []any{1, "remote.unreachable", 0})
		tb.now = tb.now.Add(want)
	}
	tb.enter(1, "a", 1)
	c := tb.begin()[0]
	tb.finish(tb.take(c), true)
	d := c.dest
	tb.want("after a success", []any{d.failures, d.last == nil}, []any{0, true})
}

// TestIdleCarrierIsAFailure: a carrier that does nothing is not called again and again.
func TestIdleCarrierIsAFailure(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Start: 1})
	tb.enter(1, "a", 3)
	c := tb.begin()[0]
	tb.want("put off", len(tb.leave(c, nil, false, tb.now)), 3) // it did not ask for a job
	tb.enter(1, "b", 3)
	c = tb.begin()[0]
	tb.giveBack(tb.take(c))
	tb.want("put off", len(tb.leave(c, nil, false, tb.now)), 3) // it gave back what it got
}

// TestShare: one destination has a part of the memory, less when much is used; the rest is put off to when it will have time.
func TestShare(t *testing.T) {
	tb := newTable(t, Limits{Jobs: 1000, Share: 200}, CarrierLimits{Start: 5})
	out := tb.enter(1, "slow", 700)
	tb.want("put off", []any{len(out), tb.jobs}, []any{500, 200})
	for i := 1; i < len(out); i++ {
		if !out[i].at.After(out[i-1].at) {
			t.Fatal("put off to the same time")
		}
		tb.want("no reason", out[i].why == nil, true)
	}
	// Nothing is known of it: 100 a second.
	if far := out[499].at.Sub(tb.now); far < 5*time.Second || far > 10*time.Second {
		t.Errorf("the last is due in %v", far)
	}
	for i := range 3 {
		tb.enter(1, fmt.Sprint("other", i), 200)
	}
	// 200 and 200, then 101 until the half is full, then 25 each.
	tb.want("past half of the memory", []any{len(tb.enter(1, "late", 100)), tb.jobs}, []any{75, 551})
}

// TestShareIsFair: no tenant keeps another out of a destination's share by being there first.
func TestShareIsFair(t *testing.T) {
	tb := newTable(t, Limits{Jobs: 1000, Share: 10}, CarrierLimits{Start: 1})
	tb.enter(1, "a", 10)
	tb.want("of the first", int64(tb.enter(1, "a", 1)[0].job.Tenant), 1)
	gave := ""
	for _, o := range tb.enter(2, "a", 7) {
		gave += fmt.Sprint(int64(o.job.Tenant))
	}
	tb.want("gave way", gave, "1111122")
	tb.want("order", tb.work(tb.begin(), 99), "a1 a2 a1 a2 a1 a2 a1 a2 a1 a2")
}

// TestRoomForNew: what is claimed leaves room for what comes in.
func TestRoomForNew(t *testing.T) {
	tb := newTable(t, Limits{Jobs: 100, Share: 100}, CarrierLimits{})
	tb.want("room", tb.room(), 75)
	for i := range 4 {
		tb.enter(1, fmt.Sprint("a", i), 19)
	}
	tb.want("no room", []any{tb.jobs, tb.room()}, []any{76, 0})
	tb.want("reserved", []any{tb.reserve(20), tb.reserve(5), tb.reserve(4), tb.reserve(1)}, []any{true, false, true, false})
}

// TestRelieve: when the memory is full, who needs longest gives up half.
func TestRelieve(t *testing.T) {
	tb := newTable(t, Limits{Jobs: 1000, Share: 50}, CarrierLimits{Start: 1})
	tb.enter(1, "slow", 40)
	tb.enter(1, "fast", 40)
	list := tb.begin()
	for range 5 { // one a second
		for _, c := range list {
			tb.finish(tb.take(c), true)
			if c.dest.name == "fast" {
				for range 4 {
					tb.finish(tb.take(c), true)
				}
			}
		}
		tb.now = tb.now.Add(time.Second)
	}
	out := tb.relieve(tb.now)
	tb.want("given up", len(out), 17)
	tb.want("by the slow one", out[0].job.dest.name, "slow")
	if far := out[16].at.Sub(tb.now); far < 15*time.Second || far > 40*time.Second {
		t.Errorf("18 wait at one a second, and the last that was put off is due in %v", far)
	}
}

// TestLinger: a carry that lingers is called for a new job, and for its place.
func TestLinger(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Total: 1, Start: 5})
	tb.enter(1, "a", 1)
	c := tb.begin()[0]
	tb.finish(tb.take(c), true)
	tb.want("nothing more", tb.take(c) == nil, true)
	c.linger()
	tb.enter(1, "a", 1)
	tb.want("no other carry", len(tb.begin()), 0)
	tb.want("called", len(c.call), 1)
	<-c.call
	c.back()
	j := tb.take(c)
	tb.want("got it", j != nil, true)
	tb.finish(j, true)
	c.linger()
	tb.enter(1, "b", 1)
	tb.want("no place", len(tb.begin()), 0)
	tb.want("called for its place", len(c.call), 1)
	c.back()
	tb.leave(c, nil, false, tb.now)
	tb.want("the other", tb.begin()[0].dest.name, "b")
}

// TestForget: a destination is remembered for a while, and while it is left alone.
func TestForget(t *testing.T) {
	tb := newTable(t, Limits{}, CarrierLimits{Start: 1})
	tb.enter(1, "good", 1)
	tb.enter(1, "bad", 1)
	for _, c := range tb.begin() {
		if c.dest.name == "good" {
			tb.finish(tb.take(c), true)
			tb.take(c)
			tb.leave(c, nil, false, tb.now)
			continue
		}
		tb.giveBack(tb.take(c))
		tb.leave(c, &Failure{}, false, tb.now)
	}
	tb.forget(tb.now.Add(time.Second))
	tb.want("at once", len(tb.states(tb.now)), 2)
	tb.forget(tb.now.Add(keepIdle + time.Second))
	tb.want("later", len(tb.states(tb.now)), 0)
}

func TestPace(t *testing.T) {
	var p pace
	at := now
	for range 101 { // 20 a second
		p.did(at)
		at = at.Add(50 * time.Millisecond)
	}
	if p.rate < 18 || p.rate > 22 {
		t.Errorf("rate %v, want 20", p.rate)
	}
	first := p.slot(at, time.Time{}, 100, .5)
	if wait := first.Sub(at); wait < 4*time.Second || wait > 6*time.Second {
		t.Errorf("behind 100 jobs at 20 a second one is due in %v", wait)
	}
	var last time.Time
	for range 1000 {
		last = p.slot(at, time.Time{}, 100, .5)
	}
	if took := last.Sub(first); took < 35*time.Second || took > 45*time.Second {
		t.Errorf("1,000 at 25 a second take %v", took)
	}
	for range 100_000 {
		last = p.slot(at, time.Time{}, 100, .99)
	}
	if took := last.Sub(at); took > 2*time.Hour {
		t.Errorf("put off for %v", took)
	}
	blocked := at.Add(3 * time.Hour)
	p.horizon = blocked
	for range 100_000 {
		if s := p.slot(at, blocked, 0, .01); s.Before(blocked) {
			t.Fatalf("due %v before the destination is served", blocked.Sub(s))
		}
	}
}
