package queue

import (
	"context"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
)

const (
	// claimBatch is how many items are claimed at once at most, and put off or renewed in one transaction.
	claimBatch = 500
	// claimPause is the least time between two claims of which the first did not bring all it might.
	claimPause = 5 * time.Millisecond
	// claimTrouble is how long to wait after a claim that failed.
	claimTrouble = time.Second
	// drainPause is how long the claims wait at most for a destination to take what it has, rather than put off what it will take
	// soon; drainPauses how often in a row. A flood for one fast destination so keeps others of its tenant waiting 20 seconds, not longer.
	drainPause  = time.Second
	drainPauses = 20
	// fullPatience is how long the memory may be full before the slowest destination has to give some up.
	fullPatience = 2 * time.Second
	// damagedWait is when an item that cannot be read is looked at again.
	damagedWait = time.Hour
	// writers is how many tenants are written to at once.
	writers = 8
)

// claims asks the store for what is due, until ctx ends.
func (r *Runner) claims(ctx context.Context) {
	var full time.Time // since when there is no room
	breaths := 0
	for ctx.Err() == nil {
		r.putOffOver()
		r.feed(ctx)
		n := r.claimable()
		if n > 0 {
			full = time.Time{}
		} else if full.IsZero() {
			full = time.Now()
		} else if time.Since(full) > fullPatience {
			full = time.Now()
			r.relieve()
		}
		list, wait := r.claim(ctx, n)
		if n > 0 && len(list) == n {
			if wait = r.breath(list); wait == 0 || breaths == drainPauses {
				wait, breaths = 0, 0
				continue
			}
			breaths++
			r.pause(ctx, wait, false)
			continue
		}
		breaths = 0
		r.pause(ctx, wait, true)
	}
}

// pause waits for a time; with wakes less, when somebody calls Wake.
func (r *Runner) pause(ctx context.Context, wait time.Duration, wakes bool) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	wake := r.wake
	if !wakes {
		wake = nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
		time.Sleep(claimPause)
	}
}

// claimable is how many items may be claimed now.
func (r *Runner) claimable() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(r.board.room(), claimBatch, int((r.config.Limits.Octets-r.board.octets)/r.average))
	r.full = n <= 0
	return max(n, 0)
}

// claim claims up to n items and takes them in. It says how long to wait before the next claim, if this brought less than it might.
func (r *Runner) claim(ctx context.Context, n int) (list []store.Claimed, wait time.Duration) {
	poll := r.config.Limits.Poll
	if n == 0 {
		return nil, poll
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	list, err := r.config.Queue.store.Claim(late, r.config.Worker, n, r.config.Limits.Lease)
	if err != nil {
		r.log.Error("the queue could not be asked for what is due", "error", err)
		return nil, max(poll, claimTrouble)
	}
	r.admit(list)
	return list, poll
}

// admit takes claimed items in, and puts off what has no room.
func (r *Runner) admit(list []store.Claimed) {
	var out []putOff
	var octets int64
	for _, c := range list {
		it, err := Open(c.Item)
		if err != nil {
			r.damaged(c, err)
			continue
		}
		if r.renewed(c.Tenant, &it) {
			continue
		}
		size := sizeOf(&it)
		octets += size
		out = append(out, r.place(c.Tenant, it, size)...)
	}
	if len(list) > 0 {
		r.mu.Lock()
		r.average = max(1, (r.average+octets/int64(len(list)))/2)
		r.mu.Unlock()
	}
	r.putOff(out)
}

// breath is how long to wait after a full claim: when most of it is for one destination that will soon have taken enough for
// the next to fit, until then.
func (r *Runner) breath(list []store.Claimed) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := make(map[*destination]int)
	for _, c := range list {
		if j := r.held[jobKey{c.Tenant, c.Item.ID}]; j != nil {
			count[j.dest]++
		}
	}
	now := time.Now()
	for d, n := range count {
		over := d.jobs + len(list) - r.board.share(d)
		if n <= len(list)/2 || over <= 0 {
			continue
		}
		if d.pace.rate == 0 && !d.pace.begun.IsZero() {
			return drainPause / 10 // it is being measured
		}
		if t := d.pace.drain(over, now); t <= drainPause {
			return max(t, claimPause)
		}
	}
	return 0
}

// feed makes due what was put off for destinations that have nothing to do meanwhile.
func (r *Runner) feed(ctx context.Context) {
	r.mu.Lock()
	list := r.board.hungry(writers, time.Now())
	for _, d := range list {
		d.pulling = true
	}
	r.mu.Unlock()
	for _, d := range list {
		r.pull(ctx, d)
	}
}

// pull makes due a page of what was put off for a destination.
func (r *Runner) pull(ctx context.Context, d *destination) {
	var from place
	var after mail.ItemID
	r.mu.Lock()
	for from, after = range d.places {
		break // any
	}
	room := max(1, r.board.share(d)-d.jobs) // what finds none would only be put off again
	r.mu.Unlock()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	did, err := r.config.Queue.Of(from.tenant).hurry(late, Worker(), hurry{route: from.route, after: after, most: flushPage, due: room, untried: true})
	if err != nil {
		r.log.Error("what was put off could not be made due", "destination", d.name, "tenant", from.tenant.String(), "route", from.route, "error", err)
		did.all = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d.pulling = false
	now := time.Now()
	d.pace.pulled(did.due, now)
	switch upTo, known := d.places[from]; {
	case known && upTo != after: // another was put off meanwhile that lies before
		return
	case !did.all:
		if known { // Flush may have forgotten all of them meanwhile
			d.places[from] = did.last
		}
		return
	}
	delete(d.places, from)
	if len(d.places) == 0 {
		d.pace.horizon, d.inherits = now, false
	}
}

// damaged logs an item that cannot be read, and puts it off as it is.
func (r *Runner) damaged(c store.Claimed, why error) {
	r.log.Error("a queue item can't be read", "tenant", c.Tenant.String(), "item", c.Item.ID.String(), "error", why)
	c.Item.Due, c.Item.Until = time.Now().Add(damagedWait), time.Time{}
	err := r.update(context.Background(), c.Tenant, "queue.Damaged", func(tx store.Tx) error { return tx.PutItem(c.Item) })
	if err != nil {
		r.log.Error("a queue item was not put off", "tenant", c.Tenant.String(), "item", c.Item.ID.String(), "error", err)
	}
}

// relieve makes room where it is full for long.
func (r *Runner) relieve() {
	r.mu.Lock()
	out := r.board.relieve(time.Now())
	r.mu.Unlock()
	r.putOff(out)
}

// putOffOver puts off what was handed over and not kept.
func (r *Runner) putOffOver() {
	r.mu.Lock()
	out := r.over
	r.over = nil
	r.mu.Unlock()
	r.putOff(out)
}

// putOff writes jobs that leave the memory unfinished, one transaction for many of a tenant. What cannot be written is carried
// again when its lease ends.
func (r *Runner) putOff(list []putOff) {
	if len(list) == 0 {
		return
	}
	of := make(map[mail.TenantID][]putOff)
	r.mu.Lock()
	for _, o := range list {
		if key := o.job.key(); r.held[key] == o.job {
			delete(r.held, key)
		}
		of[o.job.Tenant] = append(of[o.job.Tenant], o)
	}
	r.mu.Unlock()
	var all sync.WaitGroup
	slots := make(chan struct{}, writers)
	for tenant, part := range of {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := r.postpone(context.Background(), tenant, part); err != nil {
				r.log.Error("queue items were not put off", "tenant", tenant.String(), "items", len(part), "error", err)
			}
		})
	}
	all.Wait()
}

// postpone is putOff for one tenant.
func (r *Runner) postpone(ctx context.Context, t mail.TenantID, list []putOff) (failed error) {
	for len(list) > 0 {
		n := min(len(list), claimBatch)
		batch := list[:n]
		list = list[n:]
		err := r.writeOff(ctx, t, batch)
		if mail.Is(err, mail.Conflict) && n > 1 { // one of them lost its lease
			err = nil
			for i := range batch {
				if e := r.writeOff(ctx, t, batch[i:i+1]); e != nil && !mail.Is(e, mail.Conflict) {
					err = e
				}
			}
		}
		if err != nil {
			failed = err
		}
	}
	return failed
}

// writeOff writes a batch.
func (r *Runner) writeOff(ctx context.Context, t mail.TenantID, batch []putOff) error {
	told := 0
	err := r.update(ctx, t, "queue.PutOff", func(tx store.Tx) error {
		told = 0
		for _, o := range batch {
			it, news := r.putBack(o)
			if err := putWithNotice(tx, &it, news); err != nil {
				return err
			}
			told += len(news)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.countPutOff(batch)
	if told > 0 {
		r.Wake()
	}
	return nil
}

// putBack gives the item as it is to be written, and of whom the sender is to hear.
func (r *Runner) putBack(o putOff) (it Item, told []Recipient) {
	it = o.job.Item
	it.Fence, it.Until = o.job.fence, time.Time{}
	if o.asIs {
		it.Due = o.at
		return it, nil
	}
	it.To = append([]Recipient(nil), it.To...)
	if o.why != nil {
		o.why.apply(&it)
		deferred(&it, time.Now())
	}
	return it, r.config.Schedule.delay(&it, o.job.before, o.at, time.Now())
}

func (r *Runner) countPutOff(batch []putOff) {
	down, room := 0, 0
	for _, o := range batch {
		switch {
		case o.why != nil:
			down++
		case !o.asIs:
			room++
		}
	}
	r.config.Metrics.QueuePutOff("destination", down)
	r.config.Metrics.QueuePutOff("room", room)
}
