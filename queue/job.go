package queue

import (
	"bytes"
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// A Job is an item in a carrier's hands, leased. Use from one goroutine.
type Job struct {
	Tenant mail.TenantID
	Item   Item // the carrier writes into Item.To what became of each recipient
	runner *Runner
	octets int64
	fence  uint64

	before []Outcome   // as the store has them
	told   []Recipient // by the last Within
	final  *Item       // as the last Within wrote it

	// Guarded by the Runner's mutex.
	dest  *destination
	carry *carry // whose hands it is in; nil = it waits
	until time.Time
	over  bool
}

// With is what a carrier writes in the transaction that settles a job. It may run more than
// once, each time with the item as the carrier left it, and may change it.
type With func(tx store.Tx, it *Item) error

func (j *Job) key() jobKey { return jobKey{j.Tenant, j.Item.ID} }

// Settle makes what the carrier wrote into Item.To durable, in one transaction with what
// with writes (nil: nothing more). Who is still Waiting is tried again after a time that grows
// with Attempts, until the message is too old: then he is Failed with "delivery.expired".
// What the sender must hear of becomes an item on RouteNotice in the same transaction.
// With nobody Waiting the item is settled; one on RouteNotice is settled whatever its To says. An item
// whose State the carrier set to store.ItemHeld is held. An error means that nothing of this was written: the
// item is carried again when its lease ends or, where the error was not the store's, as after a try without
// success. The end of ctx does not keep it from writing.
func (j *Job) Settle(ctx context.Context, op mail.Op, with With) error {
	if err := j.mine(op); err != nil {
		return err
	}
	err := j.runner.persist(ctx, j.Tenant, op, func(tx store.Tx) error { return j.write(tx, with) })
	if err != nil {
		j.lose(err)
		return mail.Wrap(op, err)
	}
	j.Committed()
	if with != nil {
		j.runner.Wake()
	}
	return nil
}

// Within writes what Settle would, in a transaction of the carrier's own on the job's tenant. When that has committed, the
// carrier calls Committed; when not, Return, or it calls Within again in another.
func (j *Job) Within(tx store.Tx) error {
	if err := j.mine("queue.Within"); err != nil {
		return err
	}
	return j.write(tx, nil)
}

// write is one run of a settling transaction.
func (j *Job) write(tx store.Tx, with With) error {
	it, err := j.copied(tx, with)
	if err != nil {
		return err
	}
	told := j.runner.config.Schedule.settle(&it, j.before, time.Now(), j.runner.board.jitter())
	it.Until = time.Time{}
	if err := putWithNotice(tx, &it, told); err != nil {
		return err
	}
	j.told, j.final = told, &it
	return nil
}

// copied gives the item as the carrier left it, after with.
func (j *Job) copied(tx store.Tx, with With) (Item, error) {
	it := j.Item
	it.To, it.Fence = slices.Clone(it.To), j.lease()
	if with == nil {
		return it, nil
	}
	return it, with(tx, &it)
}

// Committed ends the job after a transaction with Within.
func (j *Job) Committed() {
	r, it := j.runner, j.final
	if it == nil || j.mine("queue.Committed") != nil {
		return
	}
	further := j.count(it)
	j.Item = *it
	if r.config.Settled != nil {
		r.config.Settled(j.Tenant)
	}
	r.mu.Lock()
	now := time.Now()
	delete(r.held, j.key())
	r.board.end(j, further, now)
	start := r.start(now)
	r.mu.Unlock()
	r.launch(start)
	if len(j.told) > 0 {
		r.Wake()
	}
}

// count counts what became of the recipients, and tells whether any of them waits no longer.
func (j *Job) count(it *Item) (further bool) {
	m, kind := j.runner.config.Metrics, j.dest.kind.label()
	m.QueueAttempt(kind)
	for i := range it.To {
		if i < len(j.before) && j.before[i] != Waiting {
			continue
		}
		o := it.To[i].Outcome
		m.QueueOutcome(kind, o.String())
		further = further || o != Waiting
	}
	return further || it.State == store.ItemSettled
}

// Progress makes a part durable and keeps the item in the carrier's hands: what with wrote with it is not done again
// after a crash. What the sender must hear of what happened so far becomes an item on RouteNotice.
func (j *Job) Progress(ctx context.Context, op mail.Op, with With) error {
	if err := j.mine(op); err != nil {
		return err
	}
	var done Item
	until := time.Now().Add(j.runner.config.Limits.Lease)
	err := j.runner.persist(ctx, j.Tenant, op, func(tx store.Tx) error {
		if is, err := stands(tx, &done); is || err != nil {
			return err
		}
		it, err := j.copied(tx, with)
		if err != nil {
			return err
		}
		it.State, it.Until = store.ItemWaiting, until
		done = it
		return putWithNotice(tx, &done, news(&it, j.before))
	})
	if err != nil {
		return mail.Wrap(op, err)
	}
	j.Item, j.before = done, outcomes(&done)
	j.runner.mu.Lock()
	j.until = until
	j.runner.mu.Unlock()
	j.runner.Wake()
	return nil
}

// stands tells whether an item was written just as it is: an earlier try was committed although its answer got lost. The lease
// goes on after Progress, so the fence does not keep the same from being done twice.
func stands(tx store.Tx, it *Item) (bool, error) {
	if it.ID.IsZero() { // the first try
		return false, nil
	}
	s, err := tx.Item(it.ID)
	return err == nil && bytes.Equal(s.Doc, appendDoc(nil, &it.Doc)), err
}

// Return gives the item back untried, to be carried again at a time (zero: when the destination can be served again).
// With a time that is an error if it could not be written; then the item is carried again when its lease ends.
func (j *Job) Return(ctx context.Context, again time.Time) error {
	const op mail.Op = "queue.Return"
	if err := j.mine(op); err != nil {
		return err
	}
	r := j.runner
	r.mu.Lock()
	now := time.Now()
	if !again.After(now) {
		r.board.giveBack(j)
		r.mu.Unlock()
		return nil
	}
	delete(r.held, j.key())
	r.board.end(j, false, now)
	start := r.start(now)
	r.mu.Unlock()
	r.launch(start)
	return mail.Wrap(op, r.postpone(ctx, j.Tenant, []putOff{{job: j, at: again}}))
}

// Open gives the octets, without Item.Prefix.
func (j *Job) Open(ctx context.Context) (store.Blob, error) {
	return j.Store().Blobs().Open(ctx, j.Item.Blob)
}

// Store is the tenant's store, for what a carrier reads.
func (j *Job) Store() store.Tenant { return j.runner.config.Queue.store.Tenant(j.Tenant) }

// mine makes sure that the job is in its carrier's hands.
func (j *Job) mine(op mail.Op) error {
	j.runner.mu.Lock()
	defer j.runner.mu.Unlock()
	if j.over || j.carry == nil {
		return mail.E(op, mail.Conflict, "item.leased")
	}
	return nil
}

// lease is the fence of the job's lease: a new one where the Runner had to claim its item again.
func (j *Job) lease() uint64 {
	j.runner.mu.Lock()
	defer j.runner.mu.Unlock()
	return j.fence
}

// lose ends a job whose end could not be written: its lease ends by itself. If it was not the store that failed, the same would
// happen with each lease to come and the item would never be given up: then it is set back.
func (j *Job) lose(why error) {
	switch mail.KindOf(why) {
	case mail.Unavailable, mail.Busy, mail.Conflict:
	default:
		j.setBack()
	}
	r := j.runner
	r.mu.Lock()
	now := time.Now()
	delete(r.held, j.key())
	r.board.end(j, false, now)
	start := r.start(now)
	r.mu.Unlock()
	r.launch(start)
}

// setBack puts an item off as it stands in the store, as after a try without success.
func (j *Job) setBack() {
	r, s := j.runner, j.runner.config.Schedule
	err := r.update(context.Background(), j.Tenant, "queue.SetBack", func(tx store.Tx) error {
		stored, err := tx.Item(j.Item.ID)
		if err != nil {
			return err
		}
		it, err := Open(stored)
		if err != nil {
			return err
		}
		it.Fence, it.Until = j.lease(), time.Time{}
		before, now := outcomes(&it), time.Now()
		(&Failure{Reason: "delivery.later", Status: "4.3.0"}).apply(&it)
		it.Attempts++
		return putWithNotice(tx, &it, s.delay(&it, before, now.Add(s.Next(it.Attempts, r.board.jitter())), now))
	})
	if err != nil {
		r.log.Error("an item was not put off", "tenant", j.Tenant.String(), "item", j.Item.ID.String(), "error", err)
	}
}

// The end of a job is written again and again, with pauses from persistPause to persistMost, each four times the one before, for
// as long as a lease lasts: what another host took goes out twice if that is not noted. persistTries is how often at least,
// also when the Runner is to stop.
const (
	persistTries = 5
	persistPause = 50 * time.Millisecond
	persistMost  = 5 * time.Second
)

// persist runs an update that should not be lost, again and again while the store is in trouble. That is safe where the update
// ends the lease: the first that commits fails all others by its fence.
func (r *Runner) persist(ctx context.Context, t mail.TenantID, op mail.Op, fn func(store.Tx) error) error {
	pause, begun := persistPause, time.Now()
	for try := 1; ; try++ {
		err := r.update(ctx, t, op, fn)
		if !mail.Is(err, mail.Unavailable) && !mail.Is(err, mail.Busy) {
			return err
		}
		if try >= persistTries && (r.stopping() || time.Since(begun) >= r.config.Limits.Lease) {
			return err
		}
		time.Sleep(pause)
		pause = min(4*pause, persistMost)
	}
}

// stopping tells whether nothing is begun any more.
func (r *Runner) stopping() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}
