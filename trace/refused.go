package trace

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

const (
	// noteEvery is how often refusals are written.
	noteEvery = 5 * time.Second
	// maxNotes is how many refusals wait to be written; those beyond are left out, and counted.
	maxNotes = 2000
	// notesBurst is how many refusals of a company are written one by one, and notesPerMinute how many a minute after that. What comes beyond is
	// noted by where it comes from: somebody who tries out addresses does not fill the trace.
	notesBurst, notesPerMinute = 300, 60
	// maxMeters is how many companies' refusals are metered at once.
	maxMeters = 10_000
)

// notes are refusals that wait to be written. They are no promises: a crash loses those of the last seconds.
type notes struct {
	mu     sync.Mutex
	wait   map[note]*queue.Item
	meters map[mail.TenantID]*meter
	lost   int
}

// note is by what refusals are alike.
type note struct {
	tenant   mail.TenantID
	remote   netip.Prefix
	reason   string
	from, to string // "" where there are too many to tell them apart
}

// meter counts a company's refusals that are told apart.
type meter struct {
	left float64
	at   time.Time
}

// take takes one of the company's places, if there is one.
func (m *meter) take(now time.Time) bool {
	m.left = min(m.left+now.Sub(m.at).Minutes()*notesPerMinute, notesBurst)
	m.at = now
	if m.left < 1 {
		return false
	}
	m.left--
	return true
}

// Refused notes what was refused in a session, for a company's trace: doc says who wanted to send what, to for whom (none: for
// nobody yet), and why with which status. It does not wait.
func (s *Service) Refused(tenant mail.TenantID, doc *queue.Doc, to []mail.Recipient, reason, status string) {
	now := time.Now()
	it := &queue.Item{State: store.ItemSettled, Route: queue.RouteRefused, Due: now, Doc: *doc}
	if it.Origin.Received.IsZero() {
		it.Origin.Received = now
	}
	it.To = make([]queue.Recipient, len(to))
	for i := range to {
		it.To[i] = queue.Recipient{Recipient: to[i], Outcome: queue.Failed, Reason: reason, Status: status, At: now}
	}
	key := note{tenant: tenant, reason: reason}
	if ip := doc.Origin.Remote.Unmap(); ip.IsValid() {
		key.remote = netip.PrefixFrom(ip, ip.BitLen())
	}
	key.from = doc.From.Key()
	if len(to) > 0 {
		key.to = to[0].Key()
	}
	s.notesWait.add(key, it, now)
}

// add takes a refusal, or counts it with one that is alike.
func (n *notes) add(key note, it *queue.Item, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if have := n.wait[key]; have != nil {
		have.Repeats++
		return
	}
	if !n.meter(key.tenant, now).take(now) {
		key.from, key.to = "", ""
		key.remote, _ = networkOf(key.remote.Addr())
		if have := n.wait[key]; have != nil {
			have.Repeats++
			return
		}
	}
	if len(n.wait) >= maxNotes {
		n.lost++
		return
	}
	if n.wait == nil {
		n.wait = make(map[note]*queue.Item)
	}
	n.wait[key] = it
}

func (n *notes) meter(id mail.TenantID, now time.Time) *meter {
	m := n.meters[id]
	if m == nil {
		if n.meters == nil || len(n.meters) >= maxMeters {
			n.meters = make(map[mail.TenantID]*meter)
		}
		m = &meter{left: notesBurst, at: now}
		n.meters[id] = m
	}
	return m
}

// take gives what waits, by company.
func (n *notes) take() (list map[mail.TenantID][]*queue.Item, lost int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list = make(map[mail.TenantID][]*queue.Item)
	for key, it := range n.wait {
		list[key.tenant] = append(list[key.tenant], it)
	}
	lost, n.lost, n.wait = n.lost, 0, nil
	return list, lost
}

// notes writes refusals until ctx ends, and those that wait then.
func (s *Service) notes(ctx context.Context) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		s.WriteRefusals(context.WithoutCancel(ctx))
	}
}

// noteTimeout is how long writing a company's refusals may take.
const noteTimeout = 10 * time.Second

// WriteRefusals writes the refusals that wait. Run does so every few seconds.
func (s *Service) WriteRefusals(ctx context.Context) {
	list, lost := s.notesWait.take()
	if lost > 0 {
		s.cfg.Log.Warn("refusals are not in the trace: there were too many at once", "refusals", lost)
	}
	for id, items := range list {
		if err := s.write(ctx, id, items); err != nil {
			s.cfg.Log.Error("refusals are not in the trace", "tenant", id.String(), "refusals", len(items), "err", err)
			continue
		}
		s.Touch(id)
	}
}

func (s *Service) write(ctx context.Context, id mail.TenantID, items []*queue.Item) error {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	return s.cfg.Store.Tenant(id).Update(ctx, queue.Worker(), "trace.Refused", func(tx store.Tx) error {
		for _, it := range items {
			again := *it // each run gives it an id
			if err := queue.Put(tx, &again); err != nil {
				return err
			}
		}
		return nil
	})
}
