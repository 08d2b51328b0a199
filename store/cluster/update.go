package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// A caller is one Update that waits for its transaction.
type caller struct {
	by   mail.Actor
	why  mail.Op
	fn   func(store.Tx) error
	err  error
	turn chan turn // told once what to do
	told bool      // under the mutex of turns: it must take the turn
}

// turn is what a waiting caller hears.
type turn uint8

const (
	turnDone turn = iota // another took it along: err is the answer
	turnLead             // it runs the next transaction, for itself and who waits behind it
)

// turns orders the callers of one tenant: one of them runs a transaction, the others wait, and the first of
// those takes all along in the next.
type turns struct {
	mu      sync.Mutex
	leading bool
	waiting []*caller
}

// Update calls fn and makes what it wrote durable before it returns nil.
func (t *tenant) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	const op mail.Op = "store.Update"
	if !by.Valid() {
		return mail.E(op, mail.Denied, "actor.missing")
	}
	if err := t.store.enter(op); err != nil {
		return err
	}
	defer t.store.running.Done()
	if err := t.exists(ctx, op); err != nil {
		return err
	}
	c := &caller{by: by, why: why, fn: fn, turn: make(chan turn, 1)}
	t.turns.join(c)
	if err := t.wait(ctx, c); err != nil {
		return mail.Wrap(op, err)
	}
	return c.err
}

// join puts a caller into the queue; the first of all leads at once.
func (q *turns) join(c *caller) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if !q.leading {
		q.leading = true
		c.told = true
		c.turn <- turnLead
	}
}

// leave takes a caller out of the queue whose context ended. False: it is too late, its turn has come.
func (q *turns) leave(c *caller) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if c.told || i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take gives the callers of the next transaction.
func (q *turns) take() []*caller {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxCallers)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch
}

// pass lets the next caller lead.
func (q *turns) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.leading = false
		return
	}
	q.waiting[0].told = true
	q.waiting[0].turn <- turnLead
}

// wait waits for the caller's turn, or until ctx ends while it still stands in the queue.
func (t *tenant) wait(ctx context.Context, c *caller) error {
	var what turn
	select {
	case what = <-c.turn:
	case <-ctx.Done():
		if t.turns.leave(c) {
			return ctx.Err()
		}
		what = <-c.turn
	}
	if what == turnDone {
		return nil
	}
	batch := t.turns.take()
	t.run(batch)
	for _, other := range batch {
		if other != c {
			other.turn <- turnDone
		}
	}
	t.turns.pass()
	return nil
}

// verdict is how an attempt ended.
type verdict uint8

const (
	settled verdict = iota // each caller has its answer
	again                  // others were in the way: the same callers again
	apart                  // one of the callers failed after it wrote: each alone
	lost                   // the database failed
)

// run gives each caller its answer.
func (t *tenant) run(batch []*caller) {
	ctx, cancel := context.WithTimeout(context.Background(), updateTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // a bug in the commit itself: how far it came is not known, so nobody runs again
			err := mail.Because("store.Update", mail.Other, "", fmt.Errorf("panic in a commit: %v\n%s", p, debug.Stack()))
			for _, c := range batch {
				c.err = err
			}
		}
	}()
	if t.commit(ctx, batch) != apart {
		return
	}
	for _, c := range batch {
		t.commit(ctx, []*caller{c})
	}
}

// commit runs the callers in one transaction, again and again while others are in the way.
func (t *tenant) commit(ctx context.Context, batch []*caller) verdict {
	var err error
	for try := range maxTries {
		if try > 0 && !pause(ctx, try) {
			break
		}
		var v verdict
		if v, err = t.attempt(ctx, batch); v == settled || v == apart {
			return v
		} else if v == lost {
			break
		}
	}
	for _, c := range batch {
		c.err = err
	}
	return lost
}

// pause waits before another try, each time longer, a random part of it. False: ctx ended.
func pause(ctx context.Context, try int) bool {
	longest := min(retryPause<<try, maxPause)
	timer := time.NewTimer(rand.N(longest) + 1)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt runs the callers in one transaction.
func (t *tenant) attempt(ctx context.Context, batch []*caller) (verdict, error) {
	c, err := t.store.writers.get(ctx)
	if err != nil {
		return lost, err
	}
	k := &keeper{tenant: t}
	over := false
	defer func() {
		if !over { // a panic: what the connection is in the middle of, nobody knows
			k.doubt()
			drop(c)
		}
		t.store.writers.put(c)
	}()
	v, err := t.transact(c, k, batch)
	over = true
	return v, err
}

// transact is attempt on a connection.
func (t *tenant) transact(c *conn, k *keeper, batch []*caller) (verdict, error) {
	tx := sql.NewTx(c, sql.NewCache(t.id), t.store.ids, k)
	tx.Start(time.Now())
	c.begin(stBegin, t.id)
	epoch, err := t.work(c, tx, batch)
	if err != nil {
		err = errors.Join(err, c.abandon())
		if c.pg.IsClosed() { // nothing was committed
			return again, err
		}
	} else {
		err = c.end()
		if err != nil && !refused(err) {
			k.doubt()
		}
	}
	switch {
	case err == nil:
		k.committed()
		t.announce(tx.Changes(), epoch)
		return settled, nil
	case inTheWay(err):
		return again, err
	case errors.Is(err, errCaller) && len(batch) == 1:
		return settled, nil
	case errors.Is(err, errCaller):
		return apart, err
	}
	return lost, err
}

// refused tells whether the database said no. Without an answer, and where the connection was ended in the middle of
// it (FATAL), nobody knows how a commit came out.
func refused(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.SeverityUnlocalized == "ERROR"
}

// errCaller is a transaction that cannot commit because one of its callers failed. The caller has its error.
var errCaller = errors.New("a caller failed")

// work lets all callers work, and sends what is to be committed with them.
func (t *tenant) work(c *conn, tx *sql.Tx, batch []*caller) (epoch uint64, err error) {
	for _, caller := range batch {
		caller.err = tx.Run(caller.by, caller.why, caller.fn)
		switch err := tx.Err(); {
		case err != nil && c.err != nil: // of the database
			return 0, err
		case err != nil, caller.err != nil && tx.Wrote():
			return 0, errCaller
		}
	}
	if err := tx.Flush(); err != nil || !tx.Changes().Objects {
		return 0, err
	}
	err = c.ask(stGrowEpoch, func(r sql.Row) bool { epoch = uint64(r.Int(0)); return false }, integer(int64(t.id)))
	return epoch, err
}

// announce tells everybody what was committed.
func (t *tenant) announce(changes *sql.Changes, epoch uint64) {
	t.grow(epoch)
	for _, b := range changes.Boxes {
		t.store.tell(t.id, b.Account, b.Box.ModSeq)
		if t.store.config.Bus != nil {
			t.store.config.Bus.Publish(t.id, b.Account, b.Box.ModSeq)
		}
	}
}
