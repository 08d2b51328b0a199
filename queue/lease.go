package queue

import (
	"context"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
)

// beats is how many heartbeats a lease has; it is renewed when half of it is over.
const beats = 8

// beat renews the leases of all that is in memory, until ctx ends.
func (r *Runner) beat(ctx context.Context) {
	tick := time.NewTicker(max(r.config.Limits.Lease/beats, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r.renew(ctx, now)
			r.tidy(now)
		}
	}
}

// tidy forgets what is of no more use, and takes the figures.
func (r *Runner) tidy(now time.Time) {
	r.mu.Lock()
	r.board.forget(now)
	waiting, all := 0, r.board.jobs
	for _, k := range r.board.kinds {
		for _, d := range k.all {
			waiting += d.waiting
		}
	}
	r.mu.Unlock()
	r.config.Metrics.QueueJobs(waiting, all-waiting)
}

// leased is a job whose lease is to be renewed.
type leased struct {
	job   *Job
	id    mail.ItemID
	fence uint64
}

// renew renews the leases of which half is over, a transaction for many of a tenant.
func (r *Runner) renew(ctx context.Context, now time.Time) {
	of := make(map[mail.TenantID][]leased)
	r.mu.Lock()
	for key, j := range r.held {
		if j.until.Before(now.Add(r.config.Limits.Lease / 2)) {
			of[key.tenant] = append(of[key.tenant], leased{j, key.id, j.fence})
		}
	}
	r.mu.Unlock()
	var all sync.WaitGroup
	slots := make(chan struct{}, writers)
	for tenant, list := range of {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			for len(list) > 0 {
				n := min(len(list), claimBatch)
				r.renewBatch(ctx, tenant, list[:n])
				list = list[n:]
			}
		})
	}
	all.Wait()
}

// renewBatch renews some. It takes the items as they stand in the store: a carrier may be writing its own meanwhile.
func (r *Runner) renewBatch(ctx context.Context, t mail.TenantID, list []leased) {
	until := time.Now().Add(r.config.Limits.Lease)
	lost := make(map[*Job]bool)
	err := r.update(ctx, t, "queue.Renew", func(tx store.Tx) error {
		clear(lost)
		for _, l := range list {
			err := l.renew(tx, until)
			if lost[l.job] = mail.Is(err, mail.NotFound) || mail.Is(err, mail.Conflict); !lost[l.job] && err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.log.Error("leases were not renewed", "tenant", t.String(), "items", len(list), "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range list {
		if l.job.over {
			continue
		}
		if !lost[l.job] {
			l.job.until = until
			continue
		}
		r.log.Warn("a lease was lost", "tenant", t.String(), "item", l.id.String())
		r.giveUp(l.job)
	}
}

// renew renews one lease. One that ended goes on if nobody had the item meanwhile. Conflict "item.leased" if somebody had,
// NotFound if it is gone.
func (l *leased) renew(tx store.Tx, until time.Time) error {
	s, err := tx.Item(l.id)
	if err != nil {
		return err
	}
	if s.State != store.ItemWaiting || s.Fence != 0 && s.Fence != l.fence {
		return mail.E("queue.Renew", mail.Conflict, "item.leased")
	}
	s.Fence, s.Until = l.fence, until
	return tx.PutItem(s)
}

// renewed takes a claimed item for what it is if it is in memory already: its lease ended, because it could not be renewed or the
// clock jumped. Who has it in hand goes on under the new lease, and nobody else begins.
func (r *Runner) renewed(t mail.TenantID, it *Item) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.held[jobKey{t, it.ID}]
	if j == nil {
		return false
	}
	j.fence, j.until = it.Fence, it.Until
	return true
}

// giveUp forgets a job that is no longer ours, if it waits. Who has it in his hands hears of it when he settles it. Under mu.
func (r *Runner) giveUp(j *Job) bool {
	if j.carry != nil || !j.dest.pull(j) {
		return false
	}
	delete(r.held, j.key())
	r.board.drop(j)
	return true
}

// yield gives up an item that is in memory and waits, and gives the fence of its lease; 0 when it is not, or in a carrier's hands.
func (r *Runner) yield(t mail.TenantID, id mail.ItemID) (fence uint64) {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if j := r.held[jobKey{t, id}]; j != nil && r.giveUp(j) {
		return j.fence
	}
	return 0
}
