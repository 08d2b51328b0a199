package domains

import "sync"

// recent is a bounded map that forgets what was not asked for lately, in two halves: when the
// young half is full it becomes the old one, and the old one goes.
type recent[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
	half       int
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{young: make(map[K]V), half: max(1, limit/2)}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.young[k]
	if !ok {
		if v, ok = r.old[k]; ok {
			r.add(k, v)
		}
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(k, v)
}

// add is put for who holds the lock.
func (r *recent[K, V]) add(k K, v V) {
	if len(r.young) >= r.half {
		r.young, r.old = make(map[K]V), r.young
	}
	r.young[k] = v
}
