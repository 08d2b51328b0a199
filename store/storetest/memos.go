package storetest

import (
	"fmt"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

var memoPromises = []promise{
	{"MemoIsRemembered", memoIsRemembered},
	{"MemoEnds", memoEnds},
	{"MemosAreBounded", memosAreBounded},
	{"MemoNames", memoNames},
}

// memo gives until when an account remembers a name.
func (f *fixture) memo(a mail.AccountID, name string) (until time.Time) {
	f.view(func(r store.Reader) {
		var err error
		until, err = r.Memo(a, name)
		f.ok(err)
	})
	return until
}

// later is a time to come, as the store keeps it.
func later() time.Time { return time.Now().Add(time.Hour).Truncate(time.Millisecond) }

func memoIsRemembered(f *fixture) {
	a, other := mail.AccountID(f.newID()), mail.AccountID(f.newID())
	until := later()
	f.update(func(tx store.Tx) {
		f.ok(tx.PutMemo(a, "one", until))
		seen, err := tx.Memo(a, "one")
		f.ok(err)
		f.same("in its transaction", seen.Equal(until), true)
		f.ok(tx.PutMemo(a, "two", until))
		f.ok(tx.PutMemo(a, "one", until.Add(time.Hour)))
	})
	f.same("the newest", f.memo(a, "one").Equal(until.Add(time.Hour)), true)
	f.same("the other", f.memo(a, "two").Equal(until), true)
	f.same("of another account", f.memo(other, "one").IsZero(), true)
	f.same("another name", f.memo(a, "On").IsZero(), true)
	err := f.try(func(tx store.Tx) error {
		f.ok(tx.PutMemo(a, "three", until))
		return errGiveUp
	})
	f.same("an error", err != nil, true)
	f.same("what failed", f.memo(a, "three").IsZero(), true)
	f.update(func(tx store.Tx) {
		f.ok(tx.PutMemo(other, "one", until))
		f.ok(tx.DropMemos(a))
	})
	f.same("after all was dropped", f.memo(a, "one").IsZero() && f.memo(a, "two").IsZero(), true)
	f.same("of another account", f.memo(other, "one").Equal(until), true)
}

func memoEnds(f *fixture) {
	a := mail.AccountID(f.newID())
	f.update(func(tx store.Tx) {
		f.ok(tx.PutMemo(a, "short", time.Now().Add(20*time.Millisecond)))
		f.ok(tx.PutMemo(a, "long", later()))
	})
	f.eventually("its end", func() bool { return f.memo(a, "short").IsZero() })
	f.same("one that lasts", f.memo(a, "long").IsZero(), false)
	f.update(func(tx store.Tx) { f.ok(tx.PutMemo(a, "long", time.Time{})) })
	f.same("one that is over", f.memo(a, "long").IsZero(), true)
}

func memosAreBounded(f *fixture) {
	a := mail.AccountID(f.newID())
	until := later()
	const batch = 1000
	for from := 0; from < store.MaxMemos; from += batch {
		f.update(func(tx store.Tx) {
			for n := from; n < from+batch; n++ {
				f.ok(tx.PutMemo(a, fmt.Sprint(n), until.Add(time.Duration(n)*time.Second)))
			}
		})
	}
	f.update(func(tx store.Tx) { f.ok(tx.PutMemo(a, "17", until.Add(17*time.Second))) })
	f.same("the first", f.memo(a, "0").IsZero(), false)
	f.update(func(tx store.Tx) { f.ok(tx.PutMemo(a, "one more", until.Add(24*time.Hour))) })
	f.same("the first to end", f.memo(a, "0").IsZero(), true)
	f.same("the second", f.memo(a, "1").IsZero(), false)
	f.same("the new one", f.memo(a, "one more").IsZero(), false)
}

func memoNames(f *fixture) {
	a := mail.AccountID(f.newID())
	for _, name := range []string{"", strings.Repeat("x", store.MaxMemoName+1)} {
		f.says(f.try(func(tx store.Tx) error { return tx.PutMemo(a, name, later()) }), mail.Invalid, "memo.name")
	}
	long := strings.Repeat("x", store.MaxMemoName)
	f.update(func(tx store.Tx) { f.ok(tx.PutMemo(a, long, later())) })
	f.same("the longest", f.memo(a, long).IsZero(), false)
}
