package mailbox

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Limits of the pictures that are remembered, of all accounts together. Those asked for longest ago are forgotten first; who uses one
// keeps it as long.
const (
	maxPictures    = 4096
	maxPictureRows = 2 << 20          // 144 MiB of rows
	pictureIdle    = 30 * time.Minute // since it was asked for last
)

// sharedPicture is what all sessions of an account have in common.
type sharedPicture struct {
	key   textAccount
	store store.Tenant
	turn  chan struct{} // held by the one who reads what changed
	now   atomic.Pointer[picture]
	least atomic.Uint64 // ModSeq that this process wrote: an older picture is none any more

	results resultCache

	// Guarded by the registry.
	rows    int // counted of it
	asked   time.Time
	element *list.Element
}

// fresh gives the newest picture. Where the account's ModSeq did not grow since it was made, nothing is read. by puts messages into threads.
func (s *sharedPicture) fresh(ctx context.Context, by mail.Actor) (*picture, error) {
	if now := s.now.Load(); now != nil && uint64(now.modseq) >= s.least.Load() {
		box, err := s.store.Usage(ctx, s.key.account)
		if err == nil && box.ModSeq <= now.modseq {
			return now, nil
		}
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, mail.Because("mailbox.Register", mail.Busy, "storage.busy", ctx.Err())
	}
	next, err := s.newest(ctx, by, s.now.Load())
	if err == nil {
		s.now.Store(next)
	}
	return next, err
}

// wrote notes the ModSeq of something this process wrote.
func (s *sharedPicture) wrote(modseq mail.ModSeq) {
	for {
		old := s.least.Load()
		if old >= uint64(modseq) || s.least.CompareAndSwap(old, uint64(modseq)) {
			return
		}
	}
}

// pictures holds what is shared, by account.
type pictures struct {
	mu    sync.Mutex
	known map[textAccount]*sharedPicture
	order list.List // of *sharedPicture, the one asked for longest ago at the front
	rows  int
}

// take gives what is shared of an account.
func (p *pictures) take(t store.Tenant, key textAccount) *sharedPicture {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.known[key]
	if s == nil {
		s = &sharedPicture{key: key, store: t, turn: make(chan struct{}, 1)}
		p.known[key] = s
		s.element = p.order.PushBack(s)
	}
	s.asked = now
	p.order.MoveToBack(s.element)
	p.forget(now)
	return s
}

// grew counts what a picture holds now.
func (p *pictures) grew(s *sharedPicture, rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[s.key] != s || s.rows == rows {
		return
	}
	p.rows += rows - s.rows
	s.rows = rows
	p.forget(time.Now())
}

// forget drops pictures past the limits, the one asked for longest ago first. The last one stays, if it is not too large.
func (p *pictures) forget(now time.Time) {
	for p.order.Len() > 0 {
		oldest := p.order.Front().Value.(*sharedPicture)
		if p.order.Len() <= maxPictures && p.rows <= maxPictureRows && now.Sub(oldest.asked) < pictureIdle {
			return
		}
		p.order.Remove(oldest.element)
		delete(p.known, oldest.key)
		p.rows -= oldest.rows
	}
}
