package queue

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// An Offer is room in the Runner's memory for items that are about to be written. They are leased from
// birth and need not be claimed. A nil Offer leases nothing and takes nothing. Use from one goroutine.
type Offer struct {
	runner *Runner
	left   int
}

// Reserve gives room for n new items; not ok when there is none, when nothing runs, or for a nil Runner: then the items
// are written without, and claimed when their turn comes.
func (r *Runner) Reserve(n int) (o *Offer, ok bool) {
	if r == nil {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running || len(r.over) > r.config.Limits.Jobs/offersPart || !r.board.reserve(n) {
		return nil, false
	}
	return &Offer{r, n}, true
}

// Lease makes an item that is due leased from birth, unless there is much on its route already: then its turn comes when it
// is claimed. Call it in the transaction, before Put.
func (o *Offer) Lease(it *Item) {
	if o == nil {
		return
	}
	now := time.Now()
	it.Until = time.Time{}
	if it.State == store.ItemWaiting && !it.Due.After(now) && o.runner.roomFor(it.Route) {
		it.Until = now.Add(o.runner.config.Limits.Lease)
	}
}

// Hand gives the Runner an item after the commit that wrote it. What Lease left alone is not taken.
func (o *Offer) Hand(tenant mail.TenantID, it Item) {
	if o == nil {
		return
	}
	r := o.runner
	if it.Until.IsZero() {
		r.Wake()
		return
	}
	it.Fence, it.Tries = 1, 1
	o.release(min(1, o.left))
	out := r.place(tenant, it, sizeOf(&it))
	if len(out) == 0 {
		return
	}
	r.mu.Lock()
	r.over = append(r.over, out...)
	r.mu.Unlock()
	r.Wake()
}

// Drop gives back the room that was not used. Call it always, once.
func (o *Offer) Drop() {
	if o != nil {
		o.release(o.left)
	}
}

func (o *Offer) release(n int) {
	o.left -= n
	o.runner.mu.Lock()
	o.runner.board.reserved -= n
	o.runner.mu.Unlock()
}
