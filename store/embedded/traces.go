package embedded

import (
	"context"
	"path/filepath"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// traces fulfils store.Traces: a file beside the tenant's database, opened and closed with the full-text indexes.
type traces struct{ handle }

// Traces gives the tenant's index of the message trace.
func (h handle) Traces() store.Traces { return traces{h} }

// traceKey names the file of the index.
func (t *tenant) traceKey() textKey { return textKey{dir: filepath.Dir(t.db)} }

// with runs fn on the index. One that is damaged is removed, and fn runs once more, on none.
func (h traces) with(ctx context.Context, op mail.Op, use func(*textFile) error) error {
	t, err := h.tenant(op)
	if err == nil {
		err = h.store.usable(ctx, op)
	}
	if err != nil {
		return err
	}
	file, err := h.store.textFiles.take(t.traceKey())
	if err != nil {
		return mail.Wrap(op, err)
	}
	defer h.store.textFiles.give(file)
	if err = use(file); damagedText(err) {
		if err = file.remove(); err == nil {
			err = use(file)
		}
	}
	return mail.Wrap(op, err)
}

func (h traces) read(ctx context.Context, op mail.Op, fn func(*sql.TraceIndex) error) error {
	return h.with(ctx, op, func(f *textFile) error {
		return f.look(func(c *conn) error { return fn(sql.NewTraceIndex(c)) })
	})
}

func (h traces) change(ctx context.Context, op mail.Op, fn func(*sql.TraceIndex) error) error {
	return h.with(ctx, op, func(f *textFile) error {
		return f.change(func(c *conn) error { return fn(sql.NewTraceIndex(c)) })
	})
}

// Cursor tells up to which item is indexed.
func (h traces) Cursor(ctx context.Context) (at mail.ItemID, err error) {
	err = h.read(ctx, "store.TraceCursor", func(x *sql.TraceIndex) (err error) {
		at, err = x.Cursor()
		return err
	})
	return at, err
}

// Add takes a portion in.
func (h traces) Add(ctx context.Context, p store.TracePortion) error {
	return h.change(ctx, "store.TraceAdd", func(x *sql.TraceIndex) error { return x.Add(p) })
}

// Find gives the items that may have all grams.
func (h traces) Find(ctx context.Context, f store.TraceFind) (found []mail.ItemID, err error) {
	err = h.read(ctx, "store.TraceFind", func(x *sql.TraceIndex) (err error) {
		found, err = x.Find(f)
		return err
	})
	return found, err
}

// Again lists items to be looked at again.
func (h traces) Again(ctx context.Context, after mail.ItemID, limit int) (list []mail.ItemID, err error) {
	err = h.read(ctx, "store.TraceAgain", func(x *sql.TraceIndex) (err error) {
		list, err = x.Again(after, limit)
		return err
	})
	return list, err
}

// Sums gives the sums of some hours.
func (h traces) Sums(ctx context.Context, from, to time.Time) (list []store.TraceSum, err error) {
	err = h.read(ctx, "store.TraceSums", func(x *sql.TraceIndex) (err error) {
		list, err = x.Sums(from, to)
		return err
	})
	return list, err
}

// Prune removes what is older than an item.
func (h traces) Prune(ctx context.Context, before mail.ItemID) error {
	return h.change(ctx, "store.TracePrune", func(x *sql.TraceIndex) error { return x.Prune(before) })
}

// Drop removes the index.
func (h traces) Drop(ctx context.Context) error {
	return h.with(ctx, "store.TraceDrop", func(f *textFile) error { return f.remove() })
}

// Size tells how large the index is.
func (h traces) Size(ctx context.Context) (size store.TextSize, err error) {
	err = h.read(ctx, "store.TraceSize", func(x *sql.TraceIndex) (err error) {
		size, err = x.Size()
		return err
	})
	return size, err
}

// checkTrace reads the index of the trace. One that is damaged is removed with repair; it is made again either way.
func (t *tenant) checkTrace(repair bool, found sql.Report) error {
	file, err := t.store.textFiles.take(t.traceKey())
	if err != nil {
		return err
	}
	defer t.store.textFiles.give(file)
	err = file.look(func(c *conn) error { return sql.NewTraceIndex(c).Check() })
	if !damagedText(err) {
		return err
	}
	if repair {
		err = file.remove()
	}
	found("the index of the message trace is damaged and will be made again", repair && err == nil, false)
	return nil
}
