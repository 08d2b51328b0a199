package queue

import (
	"slices"
	"time"

	"tegami/mail"
)

// A destination is what the Runner knows of one place that mail goes to. Guarded by the Runner's mutex.
type destination struct {
	kind *kind
	name string

	lines   []*line // tenants with waiting jobs, in the order of service
	turn    int     // whose turn it is in lines
	waiting int     // jobs in lines
	jobs    int     // waiting, given back, and in the hands of carriers
	octets  int64   // of their documents

	active    int  // carries that run
	limit     int  // how many may
	successes int  // since limit grew; below 0 after a failure
	queued    bool // it stands in one of the kind's rings
	lingering []*carry
	called    int // of those that lingered, who were called and did not come yet

	failures int       // of carries, since a success
	until    time.Time // left alone until then
	last     *Failure  // why
	good     time.Time // when a job last had success
	used     time.Time // when it last had a job
	pace     pace
	places   map[place]mail.ItemID // where its items were put off, at most maxPlaces, and up to where they were pulled
	pulling  bool                  // some are being made due
	left     map[place]struct{}    // where a process before put some off, at most maxPlaces: looked at once
	inherits bool                  // of places, some are of these
}

// A line is the jobs of one tenant that wait for a destination, the oldest first.
type line struct {
	tenant mail.TenantID
	jobs   []*Job
}

// place is a route of a tenant.
type place struct {
	tenant mail.TenantID
	route  string
}

// caution is how many successes more than otherwise are needed before the limit grows again after a failure.
const caution = 20

// maxPlaces is how many places a destination remembers.
const maxPlaces = 100

// lineOf gives the line of a tenant, making it if need be.
func (d *destination) lineOf(t mail.TenantID) *line {
	for _, l := range d.lines {
		if l.tenant == t {
			return l
		}
	}
	l := &line{tenant: t}
	d.lines = slices.Insert(d.lines, d.turn, l) // behind all the others: whose turn it is comes next
	d.turn = (d.turn + 1) % len(d.lines)
	return l
}

// push puts a job behind the others of its tenant.
func (d *destination) push(j *Job) {
	l := d.lineOf(j.Tenant)
	l.jobs = append(l.jobs, j)
	d.waiting++
}

// unpop puts a job before them.
func (d *destination) unpop(j *Job) {
	l := d.lineOf(j.Tenant)
	l.jobs = slices.Insert(l.jobs, 0, j)
	d.waiting++
}

// pop takes the next job, of each tenant in turn; nil for none.
func (d *destination) pop() *Job {
	if d.waiting == 0 {
		return nil
	}
	l := d.lines[d.turn]
	j := l.jobs[0]
	l.jobs[0] = nil
	l.jobs = l.jobs[1:]
	d.waiting--
	d.served(l)
	return j
}

// served passes the turn on, and forgets a line that has ended.
func (d *destination) served(l *line) {
	if len(l.jobs) > 0 {
		d.turn = (d.turn + 1) % len(d.lines)
		return
	}
	d.lines = slices.Delete(d.lines, d.turn, d.turn+1)
	if d.turn >= len(d.lines) {
		d.turn = 0
	}
	if d.waiting == 0 {
		d.pace.pause()
	}
}

// pull takes a certain job out of its line; false if it does not wait.
func (d *destination) pull(j *Job) bool {
	for at, l := range d.lines {
		i := slices.Index(l.jobs, j)
		if i < 0 {
			continue
		}
		l.jobs = slices.Delete(l.jobs, i, i+1)
		d.waiting--
		if len(l.jobs) == 0 {
			d.lines = slices.Delete(d.lines, at, at+1)
			if d.turn > at {
				d.turn--
			}
			if d.turn >= len(d.lines) {
				d.turn = 0
			}
		}
		return true
	}
	return false
}

// drain takes up to n waiting jobs, the ones behind first.
func (d *destination) drain(n int) (list []*Job) {
	for len(list) < n && d.waiting > 0 {
		l := slices.MaxFunc(d.lines, func(a, b *line) int { return len(a.jobs) - len(b.jobs) })
		j := l.jobs[len(l.jobs)-1]
		d.pull(j)
		list = append(list, j)
	}
	slices.Reverse(list)
	return list
}

// blocked tells whether nothing is to be begun.
func (d *destination) blocked(now time.Time) bool { return now.Before(d.until) }

// startable tells whether another carry is wanted.
func (d *destination) startable(now time.Time) bool {
	return d.waiting > d.called && d.active < d.limit && !d.blocked(now)
}

// succeeded learns from a job that came further.
func (d *destination) succeeded(now time.Time) {
	d.good, d.failures, d.until, d.last = now, 0, time.Time{}, nil
	if d.successes++; d.successes >= d.limit && d.limit < d.kind.limits.Concurrency {
		d.limit++
		d.successes = 0
	}
}

// failed learns from a carry that failed.
func (d *destination) failed(f *Failure, s Schedule, begun, now time.Time, jitter float64) {
	d.limit = max(1, d.limit/2)
	d.successes = -caution
	d.last = f
	if d.active > 0 && d.good.After(begun) {
		return // others get through meanwhile: it was one connection too many
	}
	d.failures++
	d.until = now.Add(s.Next(d.failures, jitter))
	d.pace.horizon = d.until
	d.pace.pause()
}

// remember notes where an item was put off. One that was pulled already, and found no room, is pulled again.
func (d *destination) remember(p place, id mail.ItemID) {
	if d.places == nil {
		d.places = make(map[place]mail.ItemID)
	}
	upTo, known := d.places[p]
	switch {
	case known && id <= upTo:
		d.places[p] = id - 1
	case !known && len(d.places) < maxPlaces:
		d.places[p] = 0
	}
}

// inherit notes where an item comes from that a process before this one put off: others may wait there for a time that nobody
// needs to wait for any more.
func (d *destination) inherit(j *Job) {
	at := place{j.Tenant, j.Item.Route}
	if _, known := d.left[at]; known || j.Item.Tries < 2 || j.Item.Attempts > 0 || len(d.left) == maxPlaces {
		return
	}
	if d.left == nil {
		d.left = make(map[place]struct{})
	}
	d.left[at] = struct{}{}
	d.inherits = true
	d.remember(at, j.Item.ID)
}

// hungry tells whether the destination is faster than was thought: nothing waits for it in memory, and more than a second's
// work was put off, or nobody knows how much.
func (d *destination) hungry(now time.Time) bool {
	return d.waiting == 0 && len(d.places) > 0 && !d.pulling && !d.blocked(now) && (d.inherits || d.pace.horizon.Sub(now) > time.Second)
}

// forgettable tells whether nothing is lost when the destination is forgotten.
func (d *destination) forgettable(now time.Time) bool {
	return d.jobs == 0 && d.active == 0 && !d.blocked(now) && now.After(d.pace.horizon)
}

// givesWay takes the last job out of the longest line, if that is longer than the one of a tenant would be with one more: no
// tenant keeps another out by being there first. nil: none has to.
func (d *destination) givesWay(t mail.TenantID) *Job {
	if d.waiting == 0 {
		return nil
	}
	longest := slices.MaxFunc(d.lines, func(a, b *line) int { return len(a.jobs) - len(b.jobs) })
	own := 0
	for _, l := range d.lines {
		if l.tenant == t {
			own = len(l.jobs)
		}
	}
	if own+1 >= len(longest.jobs) {
		return nil
	}
	j := longest.jobs[len(longest.jobs)-1]
	d.pull(j)
	return j
}

// state tells how it stands.
func (d *destination) state(now time.Time) DestinationState {
	s := DestinationState{Kind: d.kind.prefix, Name: d.name, Waiting: d.waiting, Active: d.active, Limit: d.limit}
	if d.blocked(now) {
		s.Until = d.until
	}
	if d.last != nil {
		s.Last = d.last.Error()
	}
	return s
}
