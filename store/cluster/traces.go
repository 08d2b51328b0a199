package cluster

import (
	"context"
	"errors"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
	"tegami/store/internal/sql"
)

// traces fulfils store.Traces. The index is rows beside the mail's, in transactions of its own.
type traces struct{ *tenant }

// Traces gives the tenant's index of the message trace.
func (t *tenant) Traces() store.Traces { return traces{t} }

// look runs fn over one consistent state.
func (t traces) look(ctx context.Context, op mail.Op, fn func(*sql.TraceIndex) error) error {
	return t.reading(ctx, op, func(c *conn) error { return mail.Wrap(op, fn(sql.NewTraceIndex(c))) })
}

// read is look, where an index that is damaged is dropped, and fn runs once more, on none.
func (t traces) read(ctx context.Context, op mail.Op, fn func(*sql.TraceIndex) error) error {
	err := t.look(ctx, op, fn)
	if errors.Is(err, segment.ErrDamaged) {
		if err = t.Drop(ctx); err == nil {
			err = t.look(ctx, op, fn)
		}
	}
	return err
}

// change runs fn in a transaction, again while others are in the way.
func (t traces) change(ctx context.Context, op mail.Op, fn func(*sql.TraceIndex) error) error {
	if err := t.store.enter(op); err != nil {
		return err
	}
	defer t.store.running.Done()
	if err := t.exists(ctx, op); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	var err error
	for try := range maxTries {
		if try > 0 && !pause(ctx, try) {
			break
		}
		if err = t.once(ctx, fn); !inTheWay(err) {
			break
		}
	}
	return mail.Wrap(op, err)
}

func (t traces) once(ctx context.Context, fn func(*sql.TraceIndex) error) error {
	c, err := t.store.writers.get(ctx)
	if err != nil {
		return err
	}
	defer t.store.writers.put(c)
	c.begin(stBegin, t.id)
	if err := fn(sql.NewTraceIndex(c)); err != nil {
		return errors.Join(err, c.abandon())
	}
	return c.end()
}

// repair is change for an index that may be damaged.
func (t traces) repair(ctx context.Context, op mail.Op, fn func(*sql.TraceIndex) error) error {
	err := t.change(ctx, op, fn)
	if errors.Is(err, segment.ErrDamaged) {
		if err = t.Drop(ctx); err == nil {
			err = t.change(ctx, op, fn)
		}
	}
	return err
}

// Cursor tells up to which item is indexed.
func (t traces) Cursor(ctx context.Context) (at mail.ItemID, err error) {
	err = t.read(ctx, "store.TraceCursor", func(x *sql.TraceIndex) (err error) {
		at, err = x.Cursor()
		return err
	})
	return at, err
}

// Add takes a portion in.
func (t traces) Add(ctx context.Context, p store.TracePortion) error {
	return t.repair(ctx, "store.TraceAdd", func(x *sql.TraceIndex) error { return x.Add(p) })
}

// Find gives the items that may have all grams.
func (t traces) Find(ctx context.Context, f store.TraceFind) (found []mail.ItemID, err error) {
	err = t.read(ctx, "store.TraceFind", func(x *sql.TraceIndex) (err error) {
		found, err = x.Find(f)
		return err
	})
	return found, err
}

// Again lists items to be looked at again.
func (t traces) Again(ctx context.Context, after mail.ItemID, limit int) (list []mail.ItemID, err error) {
	err = t.read(ctx, "store.TraceAgain", func(x *sql.TraceIndex) (err error) {
		list, err = x.Again(after, limit)
		return err
	})
	return list, err
}

// Sums gives the sums of some hours.
func (t traces) Sums(ctx context.Context, from, to time.Time) (list []store.TraceSum, err error) {
	err = t.read(ctx, "store.TraceSums", func(x *sql.TraceIndex) (err error) {
		list, err = x.Sums(from, to)
		return err
	})
	return list, err
}

// Prune removes what is older than an item.
func (t traces) Prune(ctx context.Context, before mail.ItemID) error {
	return t.repair(ctx, "store.TracePrune", func(x *sql.TraceIndex) error { return x.Prune(before) })
}

// Drop removes the index.
func (t traces) Drop(ctx context.Context) error {
	return t.change(ctx, "store.TraceDrop", func(x *sql.TraceIndex) error { return x.Drop() })
}

// Size tells how large the index is.
func (t traces) Size(ctx context.Context) (size store.TextSize, err error) {
	err = t.read(ctx, "store.TraceSize", func(x *sql.TraceIndex) (err error) {
		size, err = x.Size()
		return err
	})
	return size, err
}

// checkTrace reads the index. One that is damaged is dropped with repair; it is made again either way.
func (t *tenant) checkTrace(ctx context.Context, repair bool, found sql.Report) error {
	err := traces{t}.look(ctx, "store.Check", func(x *sql.TraceIndex) error { return x.Check() })
	if !errors.Is(err, segment.ErrDamaged) {
		return err
	}
	if repair {
		err = t.Traces().Drop(ctx)
	}
	found("the index of the message trace is damaged and will be made again", repair && err == nil, false)
	return nil
}
