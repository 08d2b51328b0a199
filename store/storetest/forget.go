package storetest

import (
	"context"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Backdate lets an update happen as if at another time.
type Backdate func(id mail.TenantID, at time.Time, fn func(store.Tx) error) error

// RunForget tests that the oldest lines of the operation log can be removed and the others stay verifiable (CP-7). Backends call it
// with a store of their own, as only they can write in the past.
func RunForget(t *testing.T, s store.Store, backdate Backdate) {
	f := newFixture(t, s)
	f.run(func() { forget(f, backdate) })
}

func forget(f *fixture, backdate Backdate) {
	const old, young = 25, 5
	long := time.Now().Truncate(time.Second).Add(-store.KeepActs - 24*time.Hour)
	for i := range old {
		f.ok(backdate(f.id, long.Add(time.Duration(i)*time.Minute), func(tx store.Tx) error {
			return tx.Note("account", mail.ObjectID(i+1), nil)
		}))
	}
	for i := range young {
		f.update(func(tx store.Tx) { f.ok(tx.Note("account", mail.ObjectID(i+1), nil)) })
	}
	whole, acts := f.ledger()
	f.same("lines", whole.Lines, old+young)
	cut := func(before time.Time, limit, want int) {
		f.update(func(tx store.Tx) {
			n, err := tx.ForgetActs(before, limit)
			f.ok(err)
			f.same("removed", n, want)
		})
	}
	cut(long, 0, 0)
	cut(long.Add(10*time.Minute), 4, 4)
	cut(long.Add(10*time.Minute), 0, 6)
	book, left := f.ledger()
	f.same("lines", book.Lines, old+young-10)
	f.same("the first", left[0].Seq, uint64(11))
	f.same("the end", book.Last(), whole.Last())
	f.same("a line", left[0], acts[10])
	cut(time.Now().Add(-time.Minute-store.KeepActs), 0, 15)
	f.update(func(tx store.Tx) { f.ok(tx.Note("log", 0, nil)) })
	book, _ = f.ledger()
	f.same("lines", book.Lines, young+1)
	f.is(f.tenant.Update(context.Background(), Actor(), "storetest", func(tx store.Tx) error {
		_, err := tx.ForgetActs(time.Now(), 0)
		return err
	}), mail.Invalid)
}
