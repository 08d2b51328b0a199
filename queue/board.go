package queue

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tegami/mail"
)

const (
	// turnJobs is how many jobs a carry gets in a row while another destination waits for its place.
	turnJobs = 50
	// keepIdle is for how long an idle destination is remembered with what was learned about it.
	keepIdle = time.Hour
	// keptDestinations is how many are remembered at most while they are idle.
	keptDestinations = 10_000
	// offersPart is which part of the memory is for new items only (1/4): what is claimed must not keep them out.
	offersPart = 4
)

// A board is all that is in memory, by kind of carrier, destination and tenant. It decides who is served next, knows no clock
// and does no I/O. Guarded by the Runner's mutex.
type board struct {
	limits   Limits
	schedule Schedule
	jitter   func() float64 // 0 to 1
	kinds    []*kind
	jobs     int
	reserved int
	octets   int64
	stopped  bool // nothing is begun any more
}

// A kind is a carrier with its destinations.
type kind struct {
	prefix  string
	carrier Carrier
	limits  CarrierLimits
	active  int // carries that run
	all     map[string]*destination
	// Who waits for a place, in turn: destinations without a carry before those that want another.
	fresh, more []*destination
	lingering   []*carry
}

// A carry is one call of Carrier.Carry.
type carry struct {
	dest     *destination
	begun    time.Time
	job      *Job          // in hand
	returned []*Job        // given back for when the destination can be served again
	served   int           // jobs it got
	ended    int           // jobs it settled, or gave back until a time
	asked    bool          // it heard that there is nothing more
	call     chan struct{} // while it lingers: a job came, or its place is wanted
	called   bool
}

// putOff is a job that leaves the memory unfinished.
type putOff struct {
	job *Job
	at  time.Time // when it is due again
	why *Failure  // what its recipients wait for; nil = as it was
	// Only the lease is given up: nothing is decided about it.
	asIs bool
}

// handle adds a kind.
func (b *board) handle(prefix string, c Carrier, l CarrierLimits) {
	b.kinds = append(b.kinds, &kind{prefix: prefix, carrier: c, limits: l.withDefaults(), all: make(map[string]*destination)})
	slices.SortFunc(b.kinds, func(x, y *kind) int {
		return cmp.Or(cmp.Compare(len(y.prefix), len(x.prefix)), cmp.Compare(x.prefix, y.prefix))
	})
}

// kindOf gives the kind for a route; nil for none.
func (b *board) kindOf(route string) *kind {
	for _, k := range b.kinds {
		if strings.HasPrefix(route, k.prefix) {
			return k
		}
	}
	return nil
}

// label names the kind in figures and the log.
func (k *kind) label() string { return strings.TrimSpace(k.prefix) }

// destination gives a destination of a kind, making it if need be.
func (k *kind) destination(name string) *destination {
	d := k.all[name]
	if d == nil {
		d = &destination{kind: k, name: name, limit: k.limits.Start}
		k.all[name] = d
	}
	return d
}

// room is how many items may be claimed.
func (b *board) room() int {
	if b.octets >= b.limits.Octets-b.limits.Octets/offersPart {
		return 0
	}
	return max(0, b.limits.Jobs-b.limits.Jobs/offersPart-b.jobs-b.reserved)
}

// reserve keeps room for n new items.
func (b *board) reserve(n int) bool {
	if b.stopped || b.jobs+b.reserved+n > b.limits.Jobs || b.octets >= b.limits.Octets {
		return false
	}
	b.reserved += n
	return true
}

// share is how many jobs a destination may have in memory: less when the memory is more than half full.
func (b *board) share(d *destination) int {
	if b.jobs > b.limits.Jobs/2 {
		return max(b.limits.Share/8, min(b.limits.Share, 4*d.limit))
	}
	return b.limits.Share
}

// enter takes a job in for a destination. What is not kept, this one or another that has to give way, is to be put off.
func (b *board) enter(j *Job, d *destination, now time.Time) (out []putOff, kept bool) {
	j.dest, d.used = d, now
	if d.blocked(now) {
		return []putOff{b.later(j, now)}, false
	}
	if d.jobs >= b.share(d) || d.octets >= b.limits.Octets/4 {
		other := d.givesWay(j.Tenant)
		if other == nil {
			return []putOff{b.later(j, now)}, false
		}
		out = b.evict([]*Job{other}, now)
	}
	d.inherit(j)
	d.jobs++
	d.octets += j.octets
	b.jobs++
	b.octets += j.octets
	d.push(j)
	b.ready(d, now)
	return out, true
}

// later gives a job the time when its destination will have time for it.
func (b *board) later(j *Job, now time.Time) putOff {
	d := j.dest
	out := putOff{job: j, at: d.pace.slot(now, d.until, d.jobs, b.jitter())}
	if d.blocked(now) {
		out.why = d.last
	}
	d.remember(place{j.Tenant, j.Item.Route}, j.Item.ID)
	return out
}

// ready calls carries that linger, and puts a destination that wants another carry in line for a place.
func (b *board) ready(d *destination, now time.Time) {
	for d.waiting > d.called && len(d.lingering) > 0 {
		d.lingering[len(d.lingering)-1].rouse()
	}
	if d.queued || !d.startable(now) {
		return
	}
	d.queued = true
	if d.active == 0 {
		d.kind.fresh = append(d.kind.fresh, d)
	} else {
		d.kind.more = append(d.kind.more, d)
	}
}

// start gives places to those who wait for one.
func (b *board) start(now time.Time) (list []*carry) {
	if b.stopped {
		return nil
	}
	for _, k := range b.kinds {
		for k.active < k.limits.Total {
			d := k.nextReady()
			if d == nil {
				break
			}
			if d.queued = false; !d.startable(now) {
				continue
			}
			d.active++
			k.active++
			list = append(list, &carry{dest: d, begun: now, call: make(chan struct{}, 1)})
			b.ready(d, now)
		}
		if len(k.fresh) > 0 && len(k.lingering) > 0 {
			k.lingering[0].rouse()
		}
	}
	return list
}

func (k *kind) nextReady() *destination {
	for _, ring := range []*[]*destination{&k.fresh, &k.more} {
		if len(*ring) > 0 {
			d := (*ring)[0]
			(*ring)[0] = nil
			*ring = (*ring)[1:]
			return d
		}
	}
	return nil
}

// crowded tells whether a carry should make room for another destination.
func (c *carry) crowded() bool {
	k := c.dest.kind
	return len(k.fresh) > 0 && k.active >= k.limits.Total && (c.dest.active > 1 || c.served >= turnJobs)
}

// next gives a carry its next job; nil when there is none, or its turn is over. A job it still has in hand it did not end.
func (b *board) next(c *carry, now time.Time) *Job {
	if b.stopped || c.crowded() || c.dest.blocked(now) {
		c.asked = true
		return nil
	}
	j := c.dest.pop()
	if j == nil {
		c.asked = true
		return nil
	}
	j.carry, c.job = c, j
	c.served++
	return j
}

// linger notes that a carry waits for another job.
func (c *carry) linger() {
	c.dest.lingering = append(c.dest.lingering, c)
	c.dest.kind.lingering = append(c.dest.kind.lingering, c)
}

// rouse calls a carry that lingers.
func (c *carry) rouse() {
	c.unlink()
	c.called = true
	c.dest.called++
	select {
	case c.call <- struct{}{}:
	default:
	}
}

func (c *carry) unlink() {
	for _, list := range []*[]*carry{&c.dest.lingering, &c.dest.kind.lingering} {
		if i := slices.Index(*list, c); i >= 0 {
			*list = slices.Delete(*list, i, i+1)
		}
	}
}

// back notes that a carry lingers no longer, for whatever reason.
func (c *carry) back() {
	c.unlink()
	if c.called {
		c.called = false
		c.dest.called--
	}
}

// giveBack takes a job from its carry, to be carried when the destination can be served again.
func (b *board) giveBack(j *Job) {
	c := j.carry
	j.carry, c.job = nil, nil
	c.returned = append(c.returned, j)
}

// end takes a job that ended out of the memory; further: some recipient waits no longer.
func (b *board) end(j *Job, further bool, now time.Time) {
	d, c := j.dest, j.carry
	if c != nil {
		c.job = nil
		c.ended++
		d.pace.did(now)
	}
	j.carry = nil
	b.drop(j)
	if further {
		d.succeeded(now)
		b.ready(d, now)
	}
}

// drop takes a job that does not wait out of the memory.
func (b *board) drop(j *Job) {
	if j.over {
		return
	}
	j.over = true
	j.dest.jobs--
	j.dest.octets -= j.octets
	b.jobs--
	b.octets -= j.octets
}

// leave ends a carry. What its destination cannot serve now is to be put off.
func (b *board) leave(c *carry, failure *Failure, panicked bool, now time.Time) (out []putOff) {
	d := c.dest
	d.active--
	d.kind.active--
	d.used = now
	switch {
	case c.job == nil:
	case panicked: // set back by the Runner: not to be carried again at once
		j := c.job
		c.job, j.carry = nil, nil
		b.drop(j)
	default:
		b.giveBack(c.job)
	}
	if failure == nil && !panicked && !b.stopped && c.ended == 0 && (len(c.returned) > 0 || !c.asked) {
		failure = &Failure{Reason: "delivery.later"}
	}
	for _, j := range slices.Backward(c.returned) {
		d.unpop(j)
	}
	c.returned = nil
	if failure != nil {
		d.failed(failure, b.schedule, c.begun, now, b.jitter())
	}
	if d.blocked(now) {
		out = b.evict(d.drain(d.waiting), now)
	}
	b.ready(d, now)
	return out
}

// evict puts off jobs that do not wait in their line any more.
func (b *board) evict(list []*Job, now time.Time) (out []putOff) {
	for _, j := range list {
		b.drop(j)
	}
	for _, j := range list {
		out = append(out, b.later(j, now))
	}
	return out
}

// relieve makes room when the memory is full: the destination that would take longest for what waits for it gives up half.
func (b *board) relieve(now time.Time) []putOff {
	var slowest *destination
	longest := 2 * time.Second // less is no need
	for _, k := range b.kinds {
		for _, d := range k.all {
			if t := d.pace.drain(d.waiting, now); d.waiting > 1 && t > longest {
				slowest, longest = d, t
			}
		}
	}
	if slowest == nil {
		return nil
	}
	return b.evict(slowest.drain(slowest.waiting/2), now)
}

// empty takes everything that waits out of the memory, each due when it was.
func (b *board) empty() (out []putOff) {
	for _, k := range b.kinds {
		for _, d := range k.all {
			for _, j := range d.drain(d.waiting) {
				b.drop(j)
				out = append(out, putOff{job: j, at: j.Item.Due, asIs: true})
			}
		}
	}
	return out
}

// forget drops destinations that were idle for long, and with too many of them those that are idle at all.
func (b *board) forget(now time.Time) {
	for _, k := range b.kinds {
		many := len(k.all) > keptDestinations
		for name, d := range k.all {
			if d.forgettable(now) && (many || now.Sub(d.used) > keepIdle) {
				delete(k.all, name)
			}
		}
	}
}

// states lists the destinations, by kind and name.
func (b *board) states(now time.Time) (list []DestinationState) {
	for _, k := range b.kinds {
		for _, d := range k.all {
			list = append(list, d.state(now))
		}
	}
	slices.SortFunc(list, func(x, y DestinationState) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	return list
}

// hungry gives up to n destinations that want what was put off.
func (b *board) hungry(n int, now time.Time) (list []*destination) {
	for _, k := range b.kinds {
		for _, d := range k.all {
			if len(list) < n && d.hungry(now) {
				list = append(list, d)
			}
		}
	}
	return list
}

// find gives the destinations of a name.
func (b *board) find(name string) (list []*destination) {
	for _, k := range b.kinds {
		if d := k.all[name]; d != nil {
			list = append(list, d)
		}
	}
	return list
}

// jobKey names an item of the installation.
type jobKey struct {
	tenant mail.TenantID
	id     mail.ItemID
}
