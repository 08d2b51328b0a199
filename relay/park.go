package relay

import (
	"sync"
	"time"
)

// parking keeps connections open that nobody uses at the moment. Who takes one finds out by
// using it whether the other side still has it open.
type parking struct {
	limits Limits

	mu     sync.Mutex
	spots  map[string][]*session // by destination, the newest last
	count  int
	closed bool
}

func newParking(l Limits) *parking { return &parking{limits: l, spots: map[string][]*session{}} }

// put keeps a session for whoever comes next to the destination, or ends it where there is no room.
func (p *parking) put(name string, s *session) {
	if !p.keep(name, s) {
		s.leave()
	}
}

func (p *parking) keep(name string, s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.count >= p.limits.Parked || len(p.spots[name]) >= p.limits.PerHost {
		return false
	}
	p.spots[name] = append(p.spots[name], s)
	p.count++
	s.timer = time.AfterFunc(p.limits.Idle, func() {
		if p.remove(name, s) {
			s.leave()
		}
	})
	return true
}

// take gives the newest session of a way that fits, nil when there is none.
func (p *parking) take(w *way, need bool) *session {
	name := w.name()
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.spots[name]
	for i := len(list) - 1; i >= 0; i-- {
		if s := list[i]; s.fits(w, need) && s.timer.Stop() {
			p.drop(name, i)
			return s
		}
	}
	return nil
}

// remove takes one session out; not ok when it is not there any more.
func (p *parking) remove(name string, s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.spots[name] {
		if other == s {
			p.drop(name, i)
			return true
		}
	}
	return false
}

// drop empties a spot; the caller holds the lock.
func (p *parking) drop(name string, i int) {
	list := p.spots[name]
	copy(list[i:], list[i+1:])
	list[len(list)-1] = nil
	if list = list[:len(list)-1]; len(list) == 0 {
		delete(p.spots, name)
	} else {
		p.spots[name] = list
	}
	p.count--
}

// close ends all that is parked, and keeps nothing from now on.
func (p *parking) close() {
	p.mu.Lock()
	spots := p.spots
	p.spots, p.count, p.closed = map[string][]*session{}, 0, true
	p.mu.Unlock()
	for _, list := range spots {
		for _, s := range list {
			s.timer.Stop() // one that runs already finds nothing to remove
			s.leave()
		}
	}
}
