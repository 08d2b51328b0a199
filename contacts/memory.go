package contacts

import (
	"sync"
	"time"
)

// forgetAfter is after what time goes what stands in memory and nobody used.
const forgetAfter = 30 * time.Minute

// sized says how many rows it holds. What is just being read may count as nothing.
type sized interface{ size() int }

// memory holds what was read, by whose it is, within a bound.
type memory[K comparable, V sized] struct {
	most  int      // rows of all together, before what was used longest ago goes
	fresh func() V // makes one that holds nothing

	mu  sync.Mutex
	all map[K]*remembered[V]
}

// remembered is one that stands in memory.
type remembered[V sized] struct {
	one  V
	used time.Time
}

// open gives what is remembered under a key, or a fresh one, and drops what is not used.
func (m *memory[K, V]) open(key K) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[K]*remembered[V]{}
	}
	r := m.all[key]
	if r == nil {
		r = &remembered[V]{one: m.fresh()}
		m.all[key] = r
	}
	r.used = time.Now()
	m.trim(r)
	return r.one
}

// trim drops what is idle, and while there is too much, what was used longest ago; never what is in hand.
func (m *memory[K, V]) trim(inHand *remembered[V]) {
	for {
		var oldest K
		var last *remembered[V]
		held := 0
		for key, r := range m.all {
			held += r.one.size()
			if r != inHand && (last == nil || r.used.Before(last.used)) {
				oldest, last = key, r
			}
		}
		if last == nil || held <= m.most && time.Since(last.used) < forgetAfter {
			return
		}
		delete(m.all, oldest)
	}
}
