package door

import "sync"

// Gates bound how much somebody does at a time. The zero value is ready.
type Gates struct {
	mu   sync.Mutex
	busy map[string]int
}

// Enter takes one of somebody's places, unless all of limit are taken; leave gives it back.
func (g *Gates) Enter(name string, limit int) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy == nil {
		g.busy = map[string]int{}
	}
	if g.busy[name] >= limit {
		return nil, false
	}
	g.busy[name]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		dropCount(g.busy, name)
	}, true
}
