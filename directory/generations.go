package directory

import "sync"

// generations is a bounded map that forgets what was not asked for lately: when the
// young half is full it becomes the old half, and the old one goes. What is found in
// the old half becomes young again.
type generations[K comparable, V any] struct {
	mu         sync.RWMutex
	young, old map[K]V
	half       int
}

func newGenerations[K comparable, V any](limit int) *generations[K, V] {
	return &generations[K, V]{young: make(map[K]V), half: max(1, limit/2)}
}

func (g *generations[K, V]) get(k K) (v V, ok bool) {
	g.mu.RLock()
	v, ok = g.young[k]
	if ok {
		g.mu.RUnlock()
		return v, true
	}
	v, ok = g.old[k]
	g.mu.RUnlock()
	if ok {
		g.put(k, v)
	}
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.young) >= g.half {
		g.young, g.old = make(map[K]V), g.young
	}
	g.young[k] = v
}
