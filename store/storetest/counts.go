package storetest

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"tegami/mail"
	"tegami/store"
)

var countPromises = []promise{
	{"CountsAdd", countsAdd},
	{"CountsFade", countsFade},
	{"CountsList", countsList},
	{"CountsArePruned", countsArePruned},
	{"CountsAreBounded", countsAreBounded},
	{"CountsAtOnce", countsAtOnce},
}

// counts reads counts, ascending by key.
func (f *fixture) counts(kind store.CountKind, keys ...int64) (list []store.Count) {
	f.view(func(r store.Reader) {
		var err error
		list, err = r.Counts(kind, keys)
		f.ok(err)
	})
	slices.SortFunc(list, func(a, b store.Count) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

// count adds to counts.
func (f *fixture) count(kind store.CountKind, fades bool, list ...store.Count) {
	f.update(func(tx store.Tx) { f.ok(tx.AddCounts(kind, fades, list)) })
}

func countsAdd(f *fixture) {
	least := store.Count{Key: math.MinInt64, A: 1, Turn: 5}
	f.count(1, false, store.Count{Key: math.MaxInt64, A: 1, B: 2, Turn: 5}, least)
	f.count(1, false, store.Count{Key: math.MaxInt64, A: 10, B: -3, Turn: 4}, store.Count{Key: 0, B: 1})
	f.same("counts", f.counts(1, math.MaxInt64, math.MinInt64, 0, 1), []store.Count{
		least, {Key: 0, B: 1}, {Key: math.MaxInt64, A: 11, B: -1, Turn: 4},
	})
	f.same("of another kind", len(f.counts(2, 0)), 0)
	f.same("of no keys", len(f.counts(1)), 0)
	f.count(1, false)
	f.is(f.try(func(tx store.Tx) error {
		f.ok(tx.AddCounts(1, false, []store.Count{{Key: 0, B: 1}}))
		list, err := tx.Counts(1, []int64{0})
		f.ok(err)
		f.same("in its transaction", list, []store.Count{{Key: 0, B: 2}})
		return mail.E("x", mail.Full, "")
	}), mail.Full)
	f.same("after one that was not kept", f.counts(1, 0), []store.Count{{Key: 0, B: 1}})
}

func countsFade(f *fixture) {
	f.count(1, true, store.Count{Key: 7, A: 1000, B: 1 << 60, Turn: 10})
	f.count(1, true, store.Count{Key: 7, A: 1, Turn: 12})
	f.same("after two turns", f.counts(1, 7), []store.Count{{Key: 7, A: 251, B: 1 << 58, Turn: 12}})
	f.count(1, true, store.Count{Key: 7, A: 1, Turn: 12})
	f.same("in the same turn", f.counts(1, 7), []store.Count{{Key: 7, A: 252, B: 1 << 58, Turn: 12}})
	f.count(1, true, store.Count{Key: 7, B: 3, Turn: 500})
	f.same("after many turns", f.counts(1, 7), []store.Count{{Key: 7, B: 3, Turn: 500}})
	f.count(1, true, store.Count{Key: 7, B: 3, Turn: 499})
	f.same("by a clock that is late", f.counts(1, 7)[0].B, int64(6))
}

func countsList(f *fixture) {
	var all []store.Count
	for _, key := range []int64{math.MinInt64, -5, 0, 5, math.MaxInt64} {
		all = append(all, store.Count{Key: key, A: 1, Turn: 1})
	}
	f.count(3, false, all...)
	f.count(4, false, store.Count{Key: 1})
	f.view(func(r store.Reader) {
		list, err := r.CountsAfter(3, math.MinInt64, true, 2)
		f.ok(err)
		f.same("the first", list, all[:2])
		list, err = r.CountsAfter(3, list[1].Key, false, 0)
		f.ok(err)
		f.same("those behind", list, all[2:])
		n, err := r.CountCounts(3)
		f.ok(err)
		f.same("how many", n, 5)
	})
	f.update(func(tx store.Tx) { f.ok(tx.DropCounts(3)) })
	f.same("dropped", len(f.counts(3, 0, 5)), 0)
	f.same("another kind", len(f.counts(4, 1)), 1)
}

func countsArePruned(f *fixture) {
	f.count(1, false, store.Count{Key: 1, A: 1, Turn: 3}, store.Count{Key: 2, B: 1, Turn: 2}, store.Count{Key: 3, A: 9, Turn: 1}, store.Count{Key: 4, A: 1, Turn: 4})
	f.count(2, false, store.Count{Key: 2, B: 1, Turn: 2})
	prune := func(most int64, limit, want int) {
		f.update(func(tx store.Tx) {
			n, err := tx.PruneCounts(1, most, limit)
			f.ok(err)
			f.same("removed", n, want)
		})
	}
	prune(1, 2, 2) // 2 and 1, the oldest of the small
	f.same("left", f.counts(1, 1, 2, 3, 4), []store.Count{{Key: 3, A: 9, Turn: 1}, {Key: 4, A: 1, Turn: 4}})
	prune(0, 0, 0)
	prune(9, 0, 2)
	f.same("another kind", len(f.counts(2, 2)), 1)
}

func countsAreBounded(f *fixture) {
	keys, list := make([]int64, store.MaxCounts+1), make([]store.Count, store.MaxCounts+1)
	for i := range keys {
		keys[i] = int64(i) * 0x10001
		list[i] = store.Count{Key: keys[i], A: int64(i)}
	}
	f.says(f.try(func(tx store.Tx) error { return tx.AddCounts(1, false, list) }), mail.Invalid, "counts.too_many")
	f.count(1, false, list[:store.MaxCounts]...)
	f.view(func(r store.Reader) {
		_, err := r.Counts(1, keys)
		f.says(err, mail.Invalid, "counts.too_many")
	})
	f.same("as many as there may be", len(f.counts(1, keys[:store.MaxCounts]...)), store.MaxCounts)
}

// countsAtOnce: who add at the same time lose nothing of each other.
func countsAtOnce(f *fixture) {
	const writers, times = 8, 10
	var wait sync.WaitGroup
	errs := make(chan error, writers)
	for w := range writers {
		wait.Go(func() {
			list := []store.Count{{Key: 1, A: 1}, {Key: 2, A: 1}, {Key: int64(10 + w), A: 1}}
			if w%2 == 0 {
				slices.Reverse(list)
			}
			for range times {
				if err := f.try(func(tx store.Tx) error { return tx.AddCounts(1, w%2 == 0, list) }); err != nil {
					errs <- err
				}
			}
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		f.ok(err)
	}
	f.same("sums", f.counts(1, 1, 2), []store.Count{{Key: 1, A: writers * times}, {Key: 2, A: writers * times}})
}
