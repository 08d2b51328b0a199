package dns

import (
	"sync"
	"time"
)

const (
	// cacheUnit is how many octets of an answer count as one entry more.
	cacheUnit = 512
	// evictSample is how many entries are looked at to find one to forget.
	evictSample = 8
)

// cache remembers answers. A full cache forgets, of a few entries taken at random, the one that would end first.
type cache struct {
	mu      sync.Mutex
	entries map[question]cached
	used    int
	limit   int
}

type cached struct {
	answer *answer
	ends   time.Time
}

// newCache makes a cache of a size; below 1 it remembers nothing.
func newCache(limit int) *cache {
	return &cache{entries: make(map[question]cached), limit: limit}
}

// get gives an answer that still holds, and how long.
func (c *cache) get(q question, now time.Time) (*answer, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[q]
	if !ok {
		return nil, 0
	}
	left := e.ends.Sub(now)
	if left <= 0 {
		c.forget(q, e)
		return nil, 0
	}
	return e.answer, left
}

// put remembers an answer.
func (c *cache) put(q question, a *answer, now time.Time) {
	if a.cost() > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[q]; ok {
		c.forget(q, e)
	}
	for c.used+a.cost() > c.limit {
		c.evict()
	}
	c.entries[q] = cached{a, now.Add(a.ttl)}
	c.used += a.cost()
}

func (a *answer) cost() int { return 1 + a.size/cacheUnit }

func (c *cache) forget(q question, e cached) {
	delete(c.entries, q)
	c.used -= e.answer.cost()
}

// evict forgets one entry; there is one.
func (c *cache) evict() {
	var first question
	var found cached
	seen := 0
	for q, e := range c.entries { // in random order
		if seen == 0 || e.ends.Before(found.ends) {
			first, found = q, e
		}
		if seen++; seen == evictSample {
			break
		}
	}
	c.forget(first, found)
}
