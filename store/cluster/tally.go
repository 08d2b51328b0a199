package cluster

import (
	"context"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store/internal/sql"
)

const (
	// tallySlices is into how many parts a window is cut: as one part, its oldest octets are forgotten together.
	tallySlices = 16
	// maxTallies is how many counters a process keeps in memory.
	maxTallies = 100_000
	// forgetEvery is how often what is older than its window is removed from the table.
	forgetEvery = time.Minute
)

// tallies are the counters of Tally: sums in memory, written to the table and read from it once
// in a while, so that processes hear of each other.
type tallies struct {
	store   *Store
	mu      sync.Mutex
	counts  map[string]*tally
	forgets time.Time
}

// tally is one counter. Slices are named by the millisecond they begin.
type tally struct {
	window time.Duration
	shared map[int64]int64 // as the table had it
	own    map[int64]int64 // not written yet
}

func newTallies(s *Store) *tallies {
	return &tallies{store: s, counts: make(map[string]*tally), forgets: time.Now().Add(forgetEvery)}
}

// Tally adds n to a counter.
func (s *Store) Tally(ctx context.Context, key string, n int64, window time.Duration) (int64, error) {
	const op mail.Op = "store.Tally"
	if err := ctx.Err(); err != nil {
		return 0, mail.Wrap(op, err)
	}
	width := max(1, window.Milliseconds()/tallySlices)
	now := time.Now().UnixMilli()
	ts := s.tallies
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.counts[key]
	if t == nil {
		if len(ts.counts) >= maxTallies {
			return 0, mail.E(op, mail.Busy, "storage.busy")
		}
		t = &tally{shared: make(map[int64]int64), own: make(map[int64]int64)}
		ts.counts[key] = t
	}
	t.window = window
	if n != 0 {
		t.own[now-now%width] += n
	}
	return t.sum(now), nil
}

// sum adds what is not older than the window, and forgets the rest.
func (t *tally) sum(now int64) (sum int64) {
	oldest := now - t.window.Milliseconds()
	for _, slices := range []map[int64]int64{t.shared, t.own} {
		for begin, n := range slices {
			if begin <= oldest {
				delete(slices, begin)
				continue
			}
			sum += n
		}
	}
	return sum
}

// flush writes what is new, and reads what others wrote.
func (ts *tallies) flush(ctx context.Context) error {
	for key, own := range ts.news() {
		if err := ts.exchange(ctx, key, own); err != nil {
			return err
		}
	}
	now := time.Now()
	if now.Before(ts.forgets) {
		return nil
	}
	ts.forgets = now.Add(forgetEvery)
	return ts.store.ask(ctx, stForgetTally, nil, integer(now.UnixMilli()))
}

// news gives the counters in use with what is to be written of them, and drops those that ran out.
func (ts *tallies) news() map[string]map[int64]int64 {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	now := time.Now().UnixMilli()
	list := make(map[string]map[int64]int64)
	for key, t := range ts.counts {
		if t.sum(now) == 0 {
			delete(ts.counts, key)
			continue
		}
		own := make(map[int64]int64, len(t.own))
		for begin, n := range t.own {
			own[begin] = n
		}
		list[key] = own
	}
	return list
}

// exchange writes one counter's news and reads it all.
func (ts *tallies) exchange(ctx context.Context, key string, own map[int64]int64) error {
	ts.mu.Lock()
	t := ts.counts[key]
	ts.mu.Unlock()
	if t == nil {
		return nil
	}
	window := t.window.Milliseconds()
	for begin, n := range own {
		if err := ts.store.ask(ctx, stAddTally, nil, text(key), integer(begin), integer(n), integer(begin+window)); err != nil {
			return err
		}
		ts.mu.Lock()
		t.shared[begin] += n
		if t.own[begin] -= n; t.own[begin] == 0 {
			delete(t.own, begin)
		}
		ts.mu.Unlock()
	}
	shared := make(map[int64]int64)
	err := ts.store.ask(ctx, stTally, func(r sql.Row) bool { shared[r.Int(0)] = r.Int(1); return true },
		text(key), integer(time.Now().UnixMilli()-window))
	if err != nil {
		return err
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t.shared = shared
	return nil
}
