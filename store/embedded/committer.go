package embedded

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// call is one caller of Update.
type call struct {
	ctx   context.Context
	by    mail.Actor
	why   mail.Op
	fn    func(store.Tx) error
	alone func() error // instead of fn: to be run outside any transaction
	err   error
	taken bool          // a leader has it; guarded by committer.mu
	lead  bool          // it is to lead; guarded by committer.mu
	wake  chan struct{} // it leads, or is done
}

// committer lets callers share commits. There is no goroutine for it: the first of those who wait leads, takes
// all who are there, and hands the lead to the first of those who came meanwhile.
type committer struct {
	run func([]*call) (left []*call) // commits a batch; gives back those it did not get to

	mu      sync.Mutex
	waiting []*call
	leading bool

	calls sync.Pool // used ones; a call's channel is empty again when it is put back
}

// call gives a new call, or a used one.
func (q *committer) call() *call {
	if c, ok := q.calls.Get().(*call); ok {
		return c
	}
	return &call{wake: make(chan struct{}, 1)}
}

// do runs fn in a commit shared with others. It returns Busy if ctx ends before the fn was taken.
func (q *committer) do(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	c := q.call()
	c.ctx, c.by, c.why, c.fn = ctx, by, why, fn
	return q.through(c)
}

// exclusive runs fn while no transaction is open.
func (q *committer) exclusive(fn func() error) error {
	c := q.call()
	c.ctx, c.alone = context.Background(), fn
	return q.through(c)
}

func (q *committer) through(c *call) error {
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	if !q.leading {
		q.leading, c.lead = true, true
	}
	lead := c.lead
	q.mu.Unlock()
	if !lead {
		lead = q.wait(c)
	}
	if lead {
		q.leadOn(c)
	}
	err := c.err
	*c = call{wake: c.wake}
	q.calls.Put(c)
	return err
}

// wait waits until the call is done, or is to lead.
func (q *committer) wait(c *call) (lead bool) {
	select {
	case <-c.wake:
	case <-c.ctx.Done():
		q.mu.Lock()
		if i := slices.Index(q.waiting, c); i >= 0 && !c.lead {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			c.err = mail.Wrap("store.Update", c.ctx.Err())
			q.mu.Unlock()
			return false
		}
		q.mu.Unlock()
		<-c.wake // a leader has it, or it leads itself: it will not be long
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return c.lead && !c.taken
}

// leadOn takes those who wait, runs them, and hands the lead on.
func (q *committer) leadOn(self *call) {
	q.mu.Lock()
	batch := q.next()
	q.mu.Unlock()

	left := q.run(batch)

	q.mu.Lock()
	for _, c := range left {
		c.taken = false
	}
	q.waiting = slices.Insert(q.waiting, 0, left...)
	q.leading = len(q.waiting) > 0
	if q.leading {
		q.waiting[0].lead = true
		q.waiting[0].wake <- struct{}{}
	}
	q.mu.Unlock()
	for _, c := range batch[:len(batch)-len(left)] {
		if c != self {
			c.wake <- struct{}{}
		}
	}
}

// next takes the batch that stands first: one call that wants to be alone, or all before such a one. Under mu.
func (q *committer) next() []*call {
	n := slices.IndexFunc(q.waiting, func(c *call) bool { return c.alone != nil })
	if n < 0 {
		n = len(q.waiting)
	}
	n = min(max(n, 1), BatchCallers)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	for _, c := range batch {
		c.taken = true
	}
	return batch
}

// commit runs a batch in one transaction. It gives back those who did not fit into it. If one fails after it
// wrote, or the disk does, all is rolled back and each runs in a transaction of its own.
func (v *vault) commit(batch []*call) (left []*call) {
	defer func() {
		if p := recover(); p != nil {
			v.afterPanic(batch, p)
			left = nil
		}
	}()
	if batch[0].alone != nil {
		batch[0].err = batch[0].alone()
		return nil
	}
	v.inline = len(batch) <= InlineCallers
	done, err := v.together(batch)
	if err == nil {
		return batch[done:]
	}
	if len(batch) == 1 {
		batch[0].err = err
		return nil
	}
	v.stats.fallbacks.Add(1)
	for i := range batch {
		if _, err := v.together(batch[i : i+1]); err != nil {
			batch[i].err = err
		}
	}
	return nil
}

// afterPanic answers everybody after a bug in the commit itself. How far it came is not known: nobody runs again, all
// are told of a failure, what was written is left alone, and everything remembered is read anew.
func (v *vault) afterPanic(batch []*call, p any) {
	err := mail.Because("store.Update", mail.Other, "", fmt.Errorf("panic in a commit: %v\n%s", p, debug.Stack()))
	for _, c := range batch {
		c.err = err
	}
	v.kept = v.kept[:0]
	v.cache.Drop()
	v.packs.doubt()
	v.packs.rollback()
	v.usage.forget()
	v.tenant.epoch.Add(1)
	if v.writer != nil {
		v.dropWriter()
	}
}

// together runs calls in one transaction, and tells how many of them it got to. If it returns an error, nothing is kept. The errors of those who
// had written nothing are in their calls.
func (v *vault) together(batch []*call) (done int, err error) {
	if err := v.beginWrite(); err != nil {
		return 0, err
	}
	for done < len(batch) && (done == 0 || v.tx.Statements() < BatchRows) {
		c := batch[done]
		done++
		if c.err = c.ctx.Err(); c.err != nil {
			c.err = mail.Wrap("store.Update", c.err)
			continue
		}
		c.err = v.tx.Run(c.by, c.why, c.fn)
		if failed := v.tx.Err(); failed != nil {
			return done, v.undo(failed)
		}
		if c.err != nil && v.tx.Wrote() {
			return done, v.undo(c.err)
		}
	}
	if err := v.endWrite(); err != nil {
		return done, v.undo(err)
	}
	v.stats.callers.Add(int64(done))
	v.publish(v.tx.Changes())
	return done, nil
}

// endWrite writes the counters and the octets, and commits.
func (v *vault) endWrite() error {
	if err := v.tx.Flush(); err != nil {
		return err
	}
	if err := v.packs.flush(); err != nil {
		return err
	}
	if err := v.writer.Commit(); err != nil {
		if broken(err) {
			v.packs.doubt()
		}
		return err
	}
	v.packs.committed()
	v.kept = v.kept[:0]
	v.cache.Trim(cachedMailboxes)
	v.stats.commits.Add(1)
	return nil
}

// undo rolls back and gives err. A connection that cannot even do that, or whose disk failed, is given up;
// the next transaction opens another.
func (v *vault) undo(err error) error {
	for _, s := range v.kept {
		s.kept = false
	}
	v.kept = v.kept[:0]
	v.cache.Drop()
	v.packs.rollback()
	if e := v.writer.Rollback(); e != nil || broken(err) {
		v.dropWriter()
	}
	return err
}

// broken tells whether a disk failed. What it did before that is not known: a commit that failed so may still
// be found in the WAL after a crash.
func broken(err error) bool {
	key, _ := mail.TextOf(err)
	return key == "storage.failed"
}

// Keep gives a staging its place in the transaction at work; it fulfils sql.Keeper.
func (v *vault) Keep(st store.Staged) (p sql.Place, known bool, err error) {
	s, ok := st.(*staged)
	if !ok || s.vault != v || s.ref.ID == 0 {
		return p, false, mail.E("store.Keep", mail.Invalid, "staged.unsealed")
	}
	if s.kept {
		return sql.Place{Ref: s.ref}, true, nil
	}
	p.Ref = s.ref
	if v.inline && s.big == nil && s.size <= InlineLimit {
		p.Body, v.flat = s.flat(v.flat)
	} else if p.Pack, p.Off, err = v.packs.place(s); err != nil {
		return p, false, err
	}
	s.kept = true
	v.kept = append(v.kept, s)
	return p, false, nil
}
