package cluster

import (
	"context"
	"sync"

	"tegami/mail"
	"tegami/store/internal/sql"
)

// Bus carries hints between processes: an account of a tenant has a new ModSeq. Hints may be lost, late
// or doubled; each process also polls.
type Bus interface {
	// Publish tells all processes. It does not wait.
	Publish(mail.TenantID, mail.AccountID, mail.ModSeq)
	// Subscribe calls tell with what others published, until ctx ends.
	Subscribe(ctx context.Context, tell func(mail.TenantID, mail.AccountID, mail.ModSeq))
}

// place is what a watcher watches.
type place struct {
	tenant  mail.TenantID
	account mail.AccountID
}

// hub tells watchers of this process.
type hub struct {
	mu       sync.Mutex
	watchers map[place]map[*watcher]struct{}
	closed   bool
}

// watcher is one Watch. Its channel holds the newest number that was not received yet.
type watcher struct {
	ch   chan mail.ModSeq
	last mail.ModSeq
}

func newHub() *hub { return &hub{watchers: make(map[place]map[*watcher]struct{})} }

// Watch sends the account's ModSeq after it grew.
func (t *tenant) Watch(ctx context.Context, a mail.AccountID) <-chan mail.ModSeq {
	h, p, w := t.store.hub, place{t.id, a}, &watcher{ch: make(chan mail.ModSeq, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(w.ch)
		return w.ch
	}
	if h.watchers[p] == nil {
		h.watchers[p] = make(map[*watcher]struct{})
	}
	h.watchers[p][w] = struct{}{}
	context.AfterFunc(ctx, func() { h.leave(p, w) })
	return w.ch
}

func (h *hub) leave(p place, w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.watchers[p][w]; !ok {
		return
	}
	close(w.ch)
	delete(h.watchers[p], w)
	if len(h.watchers[p]) == 0 {
		delete(h.watchers, p)
	}
}

// tell tells the watchers of an account, each number once and none that is old.
func (h *hub) tell(t mail.TenantID, a mail.AccountID, n mail.ModSeq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers[place{t, a}] {
		if n <= w.last {
			continue
		}
		w.last = n
		select {
		case <-w.ch:
		default:
		}
		w.ch <- n
	}
}

// tell tells the watchers of an account how far it has come, who will ask Usage next.
func (s *Store) tell(t mail.TenantID, a mail.AccountID, n mail.ModSeq) {
	s.tenant(t).heard(a, n)
	s.hub.tell(t, a, n)
}

// watched lists what is watched, by tenant.
func (h *hub) watched() map[mail.TenantID][]mail.AccountID {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make(map[mail.TenantID][]mail.AccountID)
	for p := range h.watchers {
		list[p.tenant] = append(list[p.tenant], p.account)
	}
	return list
}

// close ends all watches.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, list := range h.watchers {
		for w := range list {
			close(w.ch)
		}
	}
	clear(h.watchers)
}

// pollWatches finds what the bus did not tell.
func (s *Store) pollWatches(ctx context.Context) error {
	for id, accounts := range s.hub.watched() {
		t := s.tenant(id)
		err := t.view(ctx, "cluster.Poll", func(r *sql.Reader) error {
			for _, a := range accounts {
				box, err := r.Box(a)
				if err != nil {
					return err
				}
				s.tell(id, a, box.ModSeq)
			}
			return nil
		})
		if err != nil && !mail.Is(err, mail.NotFound) {
			return err
		}
	}
	return nil
}

// LocalBus carries hints between stores of one process.
type LocalBus struct {
	mu   sync.Mutex
	next int
	told map[int]func(mail.TenantID, mail.AccountID, mail.ModSeq)
}

// Publish tells all stores.
func (b *LocalBus) Publish(t mail.TenantID, a mail.AccountID, n mail.ModSeq) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, tell := range b.told {
		tell(t, a, n)
	}
}

// Subscribe calls tell with what the stores published, until ctx ends.
func (b *LocalBus) Subscribe(ctx context.Context, tell func(mail.TenantID, mail.AccountID, mail.ModSeq)) {
	b.mu.Lock()
	if b.told == nil {
		b.told = make(map[int]func(mail.TenantID, mail.AccountID, mail.ModSeq))
	}
	me := b.next
	b.next++
	b.told[me] = tell
	b.mu.Unlock()
	<-ctx.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.told, me)
}
