package queue

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/store"
)

// Config is what a Runner works with. Zero fields of Schedule and Limits mean their defaults.
type Config struct {
	Queue   *Queue
	Log     *slog.Logger // nil = silent
	Metrics *obs.Metrics // nil counts nothing
	// Settled is told of each company of which something in the queue came further. It returns at once. nil: nobody is.
	Settled  func(mail.TenantID)
	Worker   string // names this process in leases; "" = "queue"
	Schedule Schedule
	Limits   Limits
}

// Limits bound what a Runner holds. The zero value of a field means its default.
type Limits struct {
	// Jobs is how many items are in memory at most, waiting or in the hands of carriers. A quarter is for new items only. Default 4,000.
	Jobs int
	// Octets is how many octets their documents take in memory at most; the last item may pass it. Default 64 MiB.
	Octets int64
	// Share is how many of Jobs one destination may have. Default a quarter.
	Share int
	// Lease is how long an item is leased; it is renewed while it is in memory. Default 2 minutes.
	Lease time.Duration
	// Grace is for how long carriers may finish when the Runner stops, before their context ends. Default 10 s.
	Grace time.Duration
	// Poll is how often the store is asked for what is due when nobody calls Wake. Default 500 ms.
	Poll time.Duration
}

func (l Limits) withDefaults() Limits {
	orElse(&l.Jobs, 4000)
	orElse(&l.Octets, 64<<20)
	orElse(&l.Share, max(1, l.Jobs/4))
	orElse(&l.Lease, 2*time.Minute)
	orElse(&l.Grace, 10*time.Second)
	orElse(&l.Poll, 500*time.Millisecond)
	return l
}

// orElse gives a field that is not set its default.
func orElse[N int | int64 | time.Duration](field *N, value N) {
	if *field <= 0 {
		*field = value
	}
}

// CarrierLimits bound the work of one carrier. The zero value of a field means its default.
type CarrierLimits struct {
	// Concurrency is how many Carry run for one destination at most. Default 20.
	Concurrency int
	// Start is with how many a destination begins. It grows by one after as many successes, and halves on a failure. Default 5.
	Start int
	// Total is how many Carry run for all destinations together. Default 500.
	Total int
	// Linger is for how long next waits for another job before it gives nil, so that a connection is used again;
	// shorter when somebody else needs the place. Default 0: not at all.
	Linger time.Duration
}

func (l CarrierLimits) withDefaults() CarrierLimits {
	orElse(&l.Concurrency, 20)
	orElse(&l.Start, 5)
	orElse(&l.Total, 500)
	l.Start = min(l.Start, l.Concurrency)
	return l
}

// writeTimeout is how long a write of the Runner may take. It does not end with a carrier's context: what another
// host took must be noted.
const writeTimeout = 30 * time.Second

// Runner takes what is due out of the store and gives it to carriers: fairly across
// tenants and destinations, with a limit of concurrency for each destination that learns.
type Runner struct {
	config  Config
	log     *slog.Logger
	wake    chan struct{} // something is due, or there is room again
	stop    chan struct{} // closed when nothing is begun any more
	carries sync.WaitGroup

	mu      sync.Mutex
	board   board
	held    map[jobKey]*Job // all that is leased here
	over    []putOff        // handed over, but there is no room or no use: to be put off
	running bool
	full    bool                    // somebody waits for room
	average int64                   // octets of a claimed item in memory
	crowded map[string]*destination // routes of destinations that lately had no room; at most maxCrowded

	work context.Context // of the carriers; set by Run
}

// NewRunner makes a runner. It does nothing before Run.
func NewRunner(c Config) *Runner {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Worker == "" {
		c.Worker = "queue"
	}
	c.Schedule, c.Limits = c.Schedule.withDefaults(), c.Limits.withDefaults()
	r := &Runner{
		config: c, log: c.Log, wake: make(chan struct{}, 1), stop: make(chan struct{}), average: 1 << 10,
		held: make(map[jobKey]*Job), crowded: make(map[string]*destination),
		board: board{limits: c.Limits, schedule: c.Schedule, jitter: rand.Float64},
	}
	c.Queue.runner.Store(r)
	return r
}

// Handle names the carrier of all routes with a prefix: "remote ", "local", "list ". The longest that fits counts. Before Run only.
func (r *Runner) Handle(prefix string, c Carrier, l CarrierLimits) { r.board.handle(prefix, c, l) }

// Run works until ctx ends and the carriers returned; what is left then is given back. Once only.
func (r *Runner) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r.mu.Lock()
	r.work, r.running = work, true
	r.mu.Unlock()
	var beat sync.WaitGroup
	beat.Go(func() { r.beat(work) })
	r.claims(ctx)
	r.halt(cancel)
	cancel()
	beat.Wait()
	r.clear()
}

// halt begins nothing more, and waits for the carriers: for Limits.Grace, and then until they notice that their context ended.
func (r *Runner) halt(cancel func()) {
	r.mu.Lock()
	r.board.stopped = true
	close(r.stop)
	r.mu.Unlock()
	timer := time.AfterFunc(r.config.Limits.Grace, cancel)
	defer timer.Stop()
	r.carries.Wait()
}

// clear gives back what is left in memory.
func (r *Runner) clear() {
	r.mu.Lock()
	list := append(r.board.empty(), r.over...)
	r.over, r.running = nil, false
	r.mu.Unlock()
	r.putOff(list)
}

// Wake tells that something due was written. Nil-safe; it does not wait.
func (r *Runner) Wake() {
	if r == nil {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Destinations lists what the Runner knows of, by kind and name.
func (r *Runner) Destinations() []DestinationState {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.board.states(time.Now())
}

// DestinationState is how a destination stands.
type DestinationState struct {
	Kind    string    // the prefix its carrier was named for, as "remote "
	Name    string    // as Carrier.Destination gave it
	Waiting int       // items in memory that no carrier has yet
	Active  int       // Carry that run
	Limit   int       // how many may run, as learned
	Until   time.Time // it is left alone until then; zero = it is served
	Last    string    // the last error's text, for operators; "" = none since a success
}

// launch starts carries.
func (r *Runner) launch(list []*carry) {
	for _, c := range list {
		r.carries.Go(func() { r.carry(c) })
	}
}

// carry runs one Carry from its begin to its end.
func (r *Runner) carry(c *carry) {
	d := c.dest
	err := guarded(func() error {
		return d.kind.carrier.Carry(r.work, d.name, func(ctx context.Context) *Job { return r.next(ctx, c) })
	})
	var panicked *errPanic
	failure := failureOf(err)
	if errors.As(err, &panicked) {
		failure = nil
	}
	r.mu.Lock()
	now := time.Now()
	if r.board.stopped {
		failure = nil // it was cut short
	}
	inHand := c.job
	out := r.board.leave(c, failure, panicked != nil, now)
	if panicked != nil && inHand != nil {
		delete(r.held, inHand.key())
	}
	start := r.start(now)
	r.mu.Unlock()
	r.noteCarry(c, err, inHand, len(out))
	r.launch(start)
	r.putOff(out)
	if panicked != nil && inHand != nil {
		inHand.setBack()
	}
}

// noteCarry logs how a carry ended, if there is something to say.
func (r *Runner) noteCarry(c *carry, err error, inHand *Job, put int) {
	log := r.log.With("kind", c.dest.kind.label(), "destination", c.dest.name)
	if inHand != nil {
		log = log.With("tenant", inHand.Tenant.String(), "item", inHand.Item.ID.String())
	}
	var panicked *errPanic
	switch {
	case errors.As(err, &panicked):
		log.Error("a carrier has a bug: the item in its hands is put off", "error", err)
	case err != nil:
		log.Warn("a destination can't be served now", "error", err, "put_off", put)
	case inHand != nil:
		log.Error("a carrier left without ending its job")
	}
}

// start gives places to those who wait, and calls for more items where there was no room. Under mu.
func (r *Runner) start(now time.Time) []*carry {
	if r.full && r.board.room() > 0 {
		r.full = false
		r.Wake()
	}
	return r.board.start(now)
}

// next gives a carry its next job.
func (r *Runner) next(ctx context.Context, c *carry) *Job {
	r.mu.Lock()
	if j := c.job; j != nil { // a bug
		r.log.Error("a carrier asks for a job and has not ended the one before", "kind", c.dest.kind.label(), "item", j.Item.ID.String())
		r.board.giveBack(j)
	}
	j := r.board.next(c, time.Now())
	if c.dest.hungry(time.Now()) {
		r.Wake()
	}
	linger := c.dest.kind.limits.Linger
	if j != nil || linger <= 0 || c.crowded() || r.board.stopped || c.dest.blocked(time.Now()) {
		r.mu.Unlock()
		return j
	}
	c.linger()
	r.launch(r.start(time.Now())) // another may want the place it holds
	r.mu.Unlock()
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-c.call:
	case <-timer.C:
	case <-ctx.Done():
	case <-r.stop:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.back()
	return r.board.next(c, time.Now())
}

// place takes in an item that is leased here, and gives what is to be put off: that one, or another that has to give way.
func (r *Runner) place(tenant mail.TenantID, it Item, octets int64) []putOff {
	j := &Job{Tenant: tenant, Item: it, runner: r, octets: octets, fence: it.Fence, before: outcomes(&it), until: it.Until}
	k := r.board.kindOf(it.Route)
	if k == nil {
		r.log.Error("no carrier for a route", "tenant", tenant.String(), "item", it.ID.String(), "route", it.Route)
		return []putOff{{job: j, at: time.Now().Add(r.config.Schedule.Max)}}
	}
	name := ""
	if err := guarded(func() error { name = k.carrier.Destination(tenant, &j.Item); return nil }); err != nil {
		r.log.Error("a carrier has a bug", "tenant", tenant.String(), "item", it.ID.String(), "route", it.Route, "error", err)
		return []putOff{{job: j, at: time.Now().Add(r.config.Schedule.Max)}}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.board.stopped {
		return []putOff{{job: j, at: it.Due, asIs: true}}
	}
	d := k.destination(name)
	out, kept := r.board.enter(j, d, now)
	if kept {
		r.held[j.key()] = j
		r.launch(r.start(now))
	} else if !d.blocked(now) {
		r.noteCrowd(it.Route, d)
	}
	return out
}

// maxCrowded is how many routes are remembered that had no room.
const maxCrowded = 1000

// noteCrowd notes that there was no room for an item. Under mu.
func (r *Runner) noteCrowd(route string, d *destination) {
	if len(r.crowded) >= maxCrowded {
		clear(r.crowded)
	}
	r.crowded[route] = d
}

// roomFor tells whether it is of use to lease an item of a route from birth.
func (r *Runner) roomFor(route string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.crowded[route]
	if d != nil && d.jobs > r.board.share(d)/2 {
		return false
	}
	delete(r.crowded, route)
	return true
}

// sizeOf reckons what an item takes in memory, in octets.
func sizeOf(it *Item) int64 {
	n := int64(512 + len(it.Prefix) + len(it.Facts))
	for i := range it.To {
		t := &it.To[i]
		n += 256 + int64(len(t.Local)+len(t.Domain)+len(t.Orcpt)+len(t.Answer))
	}
	return n
}

// Flush forgets the back-off of a destination, in every kind that has one of this name, and makes due what was lately put off
// because of it, up to 10,000 items of a route.
func (r *Runner) Flush(destination string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	places := make(map[place]struct{})
	for _, d := range r.board.find(destination) {
		d.failures, d.until, d.last = 0, time.Time{}, nil
		d.pace.horizon = time.Time{}
		for p := range d.places {
			places[p] = struct{}{}
		}
		d.places = nil
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	for p := range places {
		if _, err := r.config.Queue.Of(p.tenant).hurry(ctx, Worker(), hurry{route: p.route, most: flushMost}); err != nil {
			r.log.Error("what waits for a destination could not be made due", "destination", destination, "tenant", p.tenant.String(), "route", p.route, "error", err)
		}
	}
	r.Wake()
}

// update runs a write of the Runner: as the platform, and whatever becomes of the context.
func (r *Runner) update(ctx context.Context, t mail.TenantID, op mail.Op, fn func(store.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return r.config.Queue.store.Tenant(t).Update(ctx, Worker(), op, fn)
}
