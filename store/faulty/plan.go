// Package faulty is any store, failing as planned. It is for tests of what stands on a store: doors, intake,
// queue.
//
//	var plan faulty.Plan
//	s := faulty.Wrap(real, &plan)
//	plan.Fail(faulty.Commit, 2, faulty.DiskFull) // the second Update from now on
package faulty

import (
	"context"
	"sync"
	"time"

	"tegami/mail"
)

// Point is where a store can fail.
type Point uint8

// The points.
const (
	Update Point = iota // Tenant.Update, before anything is done
	Commit              // Tenant.Update: the function has run, nothing of it is kept
	Answer              // Tenant.Update: everything is kept, but the caller learns of a failure
	View                // Tenant.View
	Usage               // Tenant.Usage
	Stage               // Blobs.Stage
	Write               // Staged.Write
	Seal                // Staged.Seal
	Open                // Blobs.Open
	Read                // Blob.ReadAt and Blob.WriteRange
	Claim               // Store.Claim
	points
)

// Failures that a disk gives, for Plan.
var (
	DiskFailed error = mail.E("faulty", mail.Unavailable, "storage.failed")
	DiskFull   error = mail.E("faulty", mail.Unavailable, "storage.full")
	TooBusy    error = mail.E("faulty", mail.Busy, "storage.busy")
)

// Plan says what fails, and when. The zero Plan lets all succeed. It may be changed while the store is used.
type Plan struct {
	mu sync.Mutex
	at [points]fault
}

type fault struct {
	calls int
	from  int // the first call that fails, counted from the beginning; 0 = none
	to    int // the last; 0 = all from from on
	err   error
	delay time.Duration
}

// Fail lets the n-th call of a point from now on fail, n = 1 being the next.
func (p *Plan) Fail(at Point, n int, err error) { p.set(at, n, n, err) }

// FailFrom lets the n-th call of a point from now on and all after it fail, until Heal.
func (p *Plan) FailFrom(at Point, n int, err error) { p.set(at, n, 0, err) }

func (p *Plan) set(at Point, from, to int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.at[at]
	f.from, f.to, f.err = f.calls+from, 0, err
	if to > 0 {
		f.to = f.calls + to
	}
}

// Slow lets every call of a point wait first, until Heal.
func (p *Plan) Slow(at Point, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[at].delay = delay
}

// Heal lets all succeed again.
func (p *Plan) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.at {
		p.at[i] = fault{calls: p.at[i].calls}
	}
}

// Calls is how often a point was passed.
func (p *Plan) Calls(at Point) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[at].calls
}

// pass counts a call and gives what it is to fail with.
func (p *Plan) pass(ctx context.Context, at Point) error {
	p.mu.Lock()
	f := &p.at[at]
	f.calls++
	var err error
	if f.from > 0 && f.calls >= f.from && (f.to == 0 || f.calls <= f.to) {
		err = f.err
	}
	delay := f.delay
	p.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	return err
}
