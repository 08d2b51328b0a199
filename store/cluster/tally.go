package cluster

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store/internal/sql"
)

const (
	// tallySlices is into how many parts a window is cut. What was added in one part is forgotten together.
	tallySlices = 16
	// maxTallies is how many counters a process keeps in memory; past it small ones go first. Refusing instead would
	// let somebody who tries many names keep everybody from signing in.
	maxTallies = 100_000
	// tallySample is among how many counters the smallest is looked for when one has to go.
	tallySample = 32
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
			ts.evict(now)
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

// evict drops the smallest of some counters. Under mu.
func (ts *tallies) evict(now int64) {
	var smallest string
	least, looked := int64(math.MaxInt64), 0
	for key, t := range ts.counts { // in random order
		if sum := t.sum(now); sum < least {
			smallest, least = key, sum
		}
		if looked++; looked == tallySample {
			break
		}
	}
	delete(ts.counts, smallest)
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

// news is what is to be written of a counter.
type news struct {
	key    string
	window int64 // milliseconds
	own    map[int64]int64
}

// flush writes what is new, and reads what others wrote.
func (ts *tallies) flush(ctx context.Context) error {
	for _, n := range ts.news() {
		if err := ts.exchange(ctx, n); err != nil {
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

// news gives the counters in use, and drops those that ran out.
func (ts *tallies) news() (list []news) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	now := time.Now().UnixMilli()
	for key, t := range ts.counts {
		if t.sum(now) == 0 {
			delete(ts.counts, key)
			continue
		}
		list = append(list, news{key, t.window.Milliseconds(), maps.Clone(t.own)})
	}
	return list
}

// exchange writes one counter's news and reads it all.
func (ts *tallies) exchange(ctx context.Context, n news) error {
	for begin, count := range n.own {
		if err := ts.store.ask(ctx, stAddTally, nil, text(n.key), integer(begin), integer(count), integer(begin+n.window)); err != nil {
			return err
		}
		ts.change(n.key, func(t *tally) {
			t.shared[begin] += count
			if t.own[begin] -= count; t.own[begin] == 0 {
				delete(t.own, begin)
			}
		})
	}
	shared := make(map[int64]int64)
	err := ts.store.ask(ctx, stTally, func(r sql.Row) bool { shared[r.Int(0)] = r.Int(1); return true },
		text(n.key), integer(time.Now().UnixMilli()-n.window))
	if err == nil {
		ts.change(n.key, func(t *tally) { t.shared = shared })
	}
	return err
}

// change calls fn with a counter, if it is still there.
func (ts *tallies) change(key string, fn func(*tally)) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.counts[key]; t != nil {
		fn(t)
	}
}
