package mailbox

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"tegami/mail"
	"tegami/store"
)

// Limits of what is remembered of mailboxes nobody looks at, so that a client that signs in every
// minute finds its list ready. The oldest are forgotten first.
const (
	maxRestingBoxes = 4096
	maxRestingMarks = 1 << 20 // 24 MiB of marks, and as much of drops at most
)

// boxKey names a mailbox of the installation.
type boxKey struct {
	tenant mail.TenantID
	box    mail.MailboxID
}

// shared is what all sessions that look at one mailbox have in common.
type shared struct {
	key     boxKey
	store   store.Tenant
	turn    chan struct{} // held by the one who reads what changed
	now     atomic.Pointer[snapshot]
	seen    atomic.Uint64 // ModSeq of the account up to which now shows every change of this mailbox
	drop    atomic.Pointer[dropList]
	users   int           // guarded by the registry
	resting *list.Element // its place among those without users
}

// fresh gives the newest snapshot. Where the account's ModSeq did not grow since it was made, nothing is read.
func (s *shared) fresh(ctx context.Context) (*snapshot, error) {
	if now := s.now.Load(); now != nil {
		box, err := s.store.Usage(ctx, now.box.Account)
		if err == nil && uint64(box.ModSeq) <= s.seen.Load() {
			return s.now.Load(), nil // not the one above: seen tells of what stands here now
		}
	}
	return s.reread(ctx)
}

// reread is fresh with a look into the store. Of many callers one reads what changed and the others
// find it done.
func (s *shared) reread(ctx context.Context) (*snapshot, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, mail.Because("mailbox.fresh", mail.Busy, "storage.busy", ctx.Err())
	}
	var next *snapshot
	var seen mail.ModSeq
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		if next, err = catchUp(r, s.key.box, s.now.Load()); err != nil {
			return err
		}
		box, err := r.Box(next.box.Account)
		seen = box.ModSeq
		return err
	})
	if err != nil {
		return nil, mail.Wrap("mailbox.fresh", err)
	}
	now := s.offer(next)
	s.saw(seen)
	return now, nil
}

// saw notes that now shows all changes up to a ModSeq of the account. After offer only.
func (s *shared) saw(seen mail.ModSeq) {
	for {
		old := s.seen.Load()
		if old >= uint64(seen) || s.seen.CompareAndSwap(old, uint64(seen)) {
			return
		}
	}
}

// grown is what a commit added to a mailbox: nothing else happened in the account between the two ModSeqs.
type grown struct {
	before, after store.Mailbox
	since, until  mail.ModSeq // of the account
	added         []Mark
}

// grow takes in what a commit added, if what is shared shows all that was before.
func (s *shared) grow(g *grown) {
	now := s.now.Load()
	if now == nil || now.box.ModSeq != g.before.ModSeq || s.seen.Load() < uint64(g.since) {
		return
	}
	next := &snapshot{g.after, now.marks.apply(g.added, nil)}
	if s.offer(next) == next {
		s.saw(g.until)
	}
}

// offer makes a committed snapshot the one all share, if it is newer, and gives the newest.
func (s *shared) offer(next *snapshot) *snapshot {
	for {
		now := s.now.Load()
		if now != nil && now.box.ModSeq >= next.box.ModSeq {
			return now
		}
		if s.now.CompareAndSwap(now, next) {
			return next
		}
	}
}

// weight is how many marks the mailbox holds in memory.
func (s *shared) weight() int {
	if now := s.now.Load(); now != nil {
		return now.marks.len()
	}
	return 0
}

// registry holds what is shared, by mailbox.
type registry struct {
	mu      sync.Mutex
	boxes   map[boxKey]*shared
	resting list.List // of *shared without users, the longest without at the front
	marks   int       // weight of the resting
}

// take gives what is shared of a mailbox and counts one more user.
func (r *registry) take(t store.Tenant, key boxKey) *shared {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.boxes[key]
	if s == nil {
		s = &shared{key: key, store: t, turn: make(chan struct{}, 1)}
		r.boxes[key] = s
	}
	if s.resting != nil {
		r.wake(s)
	}
	s.users++
	return s
}

// takeUsed is take where somebody uses the mailbox already; nil where nobody does.
func (r *registry) takeUsed(key boxKey) *shared {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.boxes[key]
	if s == nil || s.users == 0 {
		return nil
	}
	s.users++
	return s
}

// give counts one user less. What nobody uses rests, within limits.
func (r *registry) give(s *shared) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	s.resting = r.resting.PushBack(s)
	r.marks += s.weight()
	for r.resting.Len() > maxRestingBoxes || r.marks > maxRestingMarks {
		oldest := r.resting.Front().Value.(*shared)
		r.wake(oldest)
		delete(r.boxes, oldest.key)
	}
}

// wake takes s from those that rest. Nothing changes a mailbox's weight while it rests.
func (r *registry) wake(s *shared) {
	r.resting.Remove(s.resting)
	s.resting = nil
	r.marks -= s.weight()
}
