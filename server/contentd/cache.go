package contentd

import (
	"container/list"
	"context"
	"sync"
	"time"

	"tegami/mail"
)

// cache keeps pictures in memory: those that were used last, up to a number of octets and an age.
type cache struct {
	room int64
	age  time.Duration

	mu    sync.Mutex
	used  int64
	order *list.List // of *kept, the last used first
	known map[string]*list.Element
}

type kept struct {
	url string
	picture
	until time.Time
}

func newCache(room int64, age time.Duration) *cache {
	return &cache{room: room, age: age, order: list.New(), known: map[string]*list.Element{}}
}

func (c *cache) get(url string, now time.Time) (picture, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[url]
	if e == nil {
		return picture{}, false
	}
	k := e.Value.(*kept)
	if now.After(k.until) {
		c.drop(e)
		return picture{}, false
	}
	c.order.MoveToFront(e)
	return k.picture, true
}

// put keeps a picture, unless it would take more than an eighth of the room.
func (c *cache) put(url string, p picture, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(len(p.octets)) > c.room/8 || c.known[url] != nil {
		return
	}
	c.known[url] = c.order.PushFront(&kept{url, p, now.Add(c.age)})
	for c.used += int64(len(p.octets)); c.used > c.room; {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	k := c.order.Remove(e).(*kept)
	delete(c.known, k.url)
	c.used -= int64(len(k.octets))
}

// turns lets so many fetches run at a time, and fewer for one account.
type turns struct {
	all  chan struct{}
	each int

	mu   sync.Mutex
	held map[string]*own
}

// own are the turns of an account.
type own struct {
	turn chan struct{}
	at   int // who has one or waits for one
}

func newTurns(all, each int) *turns {
	return &turns{all: make(chan struct{}, all), each: each, held: map[string]*own{}}
}

// take waits for a turn and gives what ends it. Busy when the context ends before.
func (t *turns) take(ctx context.Context, account string) (done func(), err error) {
	mine := t.join(account)
	leave := func() { t.leave(account) }
	select {
	case mine.turn <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, mail.Because("contentd.take", mail.Busy, "", ctx.Err())
	}
	select {
	case t.all <- struct{}{}:
	case <-ctx.Done():
		<-mine.turn
		leave()
		return nil, mail.Because("contentd.take", mail.Busy, "", ctx.Err())
	}
	return func() {
		<-t.all
		<-mine.turn
		leave()
	}, nil
}

func (t *turns) join(account string) *own {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.held[account]
	if mine == nil {
		mine = &own{turn: make(chan struct{}, t.each)}
		t.held[account] = mine
	}
	mine.at++
	return mine
}

func (t *turns) leave(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.held[account]
	if mine.at--; mine.at == 0 {
		delete(t.held, account)
	}
}

// shares counts the octets that are on their way, by account. The zero value is ready.
type shares struct {
	mu   sync.Mutex
	held map[string]int64
}

// take counts n octets more for an account, unless that were more than limit; give counts them back.
func (s *shares) take(account string, n, limit int64) (give func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = map[string]int64{}
	}
	if s.held[account]+n > limit {
		return nil, false
	}
	s.held[account] += n
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[account] -= n; s.held[account] <= 0 {
			delete(s.held, account)
		}
	}, true
}
