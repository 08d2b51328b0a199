package trace

import (
	"context"
	"errors"
	"sync"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/queue"
	"tegami/store"
)

const (
	// indexEvery is how often new items are put into the index, and indexAgain how often those that were not settled are looked at again.
	indexEvery, indexAgain = 5 * time.Second, 30 * time.Second
	// indexAfter is how old an item is before it is put into the index: ids are made before the commit, by clocks that differ, and what has a
	// lower id than the cursor would never be seen. Until then a search looks at it.
	indexAfter = 10 * time.Second
	// indexPortion is how many items are put into the index at once, and againPortion how many are looked at again at once.
	indexPortion, againPortion = 1000, 500
	// indexRests is for how many times as long as it works the worker rests where there is much to do: the doors go first.
	indexRests = 2
	// maxDirty is how many companies with new items are noted. Those beyond are found by looking at all.
	maxDirty = 100_000
	// walkEvery is how often all companies are looked at: for items that nobody noted, and for those that are old.
	walkEvery = time.Hour
	// retryIndex is after what time a company that could not be indexed is tried again.
	retryIndex = time.Minute
)

// work is what there is to index.
type work struct {
	mu    sync.Mutex
	dirty map[mail.TenantID]*task
	lost  bool // a company was not noted
}

// task is a company with items that are not in the index yet.
type task struct {
	since time.Time // the first came
	next  time.Time // when to look
	again mail.ItemID
}

// Touch notes that a company has new items, or that some came further. It does not wait.
func (s *Service) Touch(tenant mail.TenantID) {
	w := &s.work
	w.mu.Lock()
	defer w.mu.Unlock()
	switch t := w.dirty[tenant]; {
	case t != nil:
		if t.since.IsZero() {
			t.since = time.Now()
			t.next = t.since
		}
	case len(w.dirty) >= maxDirty:
		w.lost = true
	default:
		now := time.Now()
		if w.dirty == nil {
			w.dirty = make(map[mail.TenantID]*task)
		}
		w.dirty[tenant] = &task{since: now, next: now}
	}
}

// due gives the companies to be looked at.
func (w *work) due(now time.Time) (list []mail.TenantID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, t := range w.dirty {
		if !t.next.After(now) {
			list = append(list, id)
		}
	}
	return list
}

// begin takes up a company; what comes from then on is noted anew.
func (w *work) begin(id mail.TenantID) (since time.Time, again mail.ItemID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.dirty[id]
	if t == nil {
		return time.Time{}, 0
	}
	since, again = t.since, t.again
	t.since = time.Time{}
	return since, again
}

// end notes how far a company is: young says that there are items too young for the index, open that some are to be looked at again.
func (w *work) end(id mail.TenantID, since time.Time, did done, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.dirty[id]
	if t == nil {
		return
	}
	now := time.Now()
	fresh := !t.since.IsZero()
	switch {
	case err != nil:
		t.since, t.next = since, now.Add(retryIndex)
	case did.young:
		if t.since.IsZero() || since.Before(t.since) && !since.IsZero() {
			t.since = now.Add(-indexAfter)
		}
		t.next = now
	case fresh:
		t.next = now
	case did.open:
		t.next, t.again = now.Add(indexAgain), did.again
	default:
		delete(w.dirty, id)
	}
}

// Lag is how far the index is behind, of the company where that is most, as this process knows.
func (s *Service) Lag() (most time.Duration) {
	w := &s.work
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.dirty {
		if !t.since.IsZero() {
			most = max(most, time.Since(t.since)-indexAfter)
		}
	}
	return max(most, 0)
}

// Run keeps index, figures and the age of the trace, until ctx ends. Failures are logged and tried again.
func (s *Service) Run(ctx context.Context) {
	var others sync.WaitGroup
	others.Go(func() { s.walks(ctx) })
	others.Go(func() { s.notes(ctx) })
	defer others.Wait()
	tick := time.NewTicker(indexEvery)
	defer tick.Stop()
	for {
		for _, id := range s.work.due(time.Now()) {
			s.indexOne(ctx, id)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// indexOne brings the index of a company up to date.
func (s *Service) indexOne(ctx context.Context, id mail.TenantID) {
	since, again := s.work.begin(id)
	did, err := s.index(ctx, id, again)
	if mail.Is(err, mail.Conflict) { // another process was faster
		err = nil
		did.young = true
	}
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("the trace is not indexed, will be tried again", "tenant", id.String(), "err", err)
	}
	s.work.end(id, since, did, err)
}

// Index brings the index of a company up to its items, but for the youngest. For tests, and to make it anew.
func (s *Service) Index(ctx context.Context, tenant mail.TenantID) error {
	_, err := s.index(ctx, tenant, 0)
	return mail.Wrap("trace.Index", err)
}

// done is what indexing a company did.
type done struct {
	young, open bool
	again       mail.ItemID // up to which those to be looked at again were
}

// index indexes new items, and looks at some again.
func (s *Service) index(ctx context.Context, id mail.TenantID, again mail.ItemID) (did done, err error) {
	x := &indexing{tenant: s.cfg.Store.Tenant(id), zone: s.zone(ctx, id), metrics: s.cfg.Metrics, young: mail.ItemID(mail.FirstID(time.Now().Add(-s.cfg.IndexAfter)))}
	if x.at, err = x.tenant.Traces().Cursor(ctx); err != nil {
		return did, err
	}
	for more := true; more; {
		begun := time.Now()
		if more, did.young, err = x.portion(ctx); err != nil {
			return did, err
		}
		if more {
			if err = pause(ctx, indexRests*time.Since(begun)); err != nil {
				return did, err
			}
		}
	}
	did.open, did.again, err = x.lookAgain(ctx, again)
	return did, err
}

// pause waits. It fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// indexing brings one company's index up to date.
type indexing struct {
	tenant  store.Tenant
	zone    *time.Location
	metrics *obs.Metrics
	at      mail.ItemID // the cursor
	young   mail.ItemID // items from here on are too young
	reader  reader
}

// portion indexes the next items. more: there may be others; young: there are some too young.
func (x *indexing) portion(ctx context.Context) (more, young bool, err error) {
	var items []store.Item
	err = x.tenant.View(ctx, func(r store.Reader) (err error) {
		items, err = r.Items(0, x.at, indexPortion)
		return err
	})
	if err != nil || len(items) == 0 {
		return false, false, err
	}
	more = len(items) == indexPortion
	for len(items) > 0 && items[len(items)-1].ID >= x.young {
		items = items[:len(items)-1]
		more, young = false, true
	}
	if len(items) == 0 {
		return false, young, nil
	}
	p := store.TracePortion{After: x.at, Upto: items[len(items)-1].ID}
	sums, days := make(sums), newDays(x.zone)
	for _, stored := range items {
		it, err := queue.Open(stored)
		if err != nil {
			continue // who carries it tells of that
		}
		p.Docs = append(p.Docs, store.TraceDoc{Item: it.ID, Grams: x.reader.grams(&it)})
		sums.came(&it)
		if it.State == store.ItemSettled {
			sums.settled(&it)
			days.settled(&it)
		} else {
			p.Again = append(p.Again, it.ID)
		}
	}
	p.Sums = append(sums.list(), days.list()...)
	if err := x.tenant.Traces().Add(ctx, p); err != nil {
		return false, young, err
	}
	days.measured(x.metrics)
	x.at = p.Upto
	return more, young, nil
}

// lookAgain looks at items that were not settled, behind one; open: there are such items, and upto is where to go on.
func (x *indexing) lookAgain(ctx context.Context, after mail.ItemID) (open bool, upto mail.ItemID, err error) {
	ids, err := x.tenant.Traces().Again(ctx, after, againPortion)
	if err == nil && len(ids) == 0 && after != 0 {
		ids, err = x.tenant.Traces().Again(ctx, 0, againPortion)
	}
	if err != nil || len(ids) == 0 {
		return false, 0, err
	}
	var items []store.Item
	err = x.tenant.View(ctx, func(r store.Reader) (err error) {
		items, err = r.ItemsOf(ids)
		return err
	})
	if err != nil {
		return true, after, err
	}
	p, days, left := x.settled(ids, items)
	if len(p.Done) > 0 {
		if err = x.tenant.Traces().Add(ctx, p); err == nil {
			days.measured(x.metrics)
		}
	}
	return left > 0 || len(ids) == againPortion, ids[len(ids)-1], err
}

// settled makes a portion of those items that are settled by now, and counts the others. One that is not there any more is done with.
func (x *indexing) settled(ids []mail.ItemID, items []store.Item) (p store.TracePortion, d *days, left int) {
	p = store.TracePortion{After: x.at, Upto: x.at}
	there := make(map[mail.ItemID]store.Item, len(items))
	for _, i := range items {
		there[i.ID] = i
	}
	sums, days := make(sums), newDays(x.zone)
	for _, id := range ids {
		stored, ok := there[id]
		if ok && stored.State != store.ItemSettled {
			left++
			continue
		}
		p.Done = append(p.Done, id)
		it, err := queue.Open(stored)
		if !ok || err != nil {
			continue
		}
		sums.settled(&it)
		days.settled(&it)
		if _, list := queue.ListOf(it.Route); list || it.Route == queue.RouteForward { // it has other recipients than it began with
			p.Docs = append(p.Docs, store.TraceDoc{Item: id, Grams: x.reader.grams(&it)})
		}
	}
	p.Sums = append(sums.list(), days.list()...)
	return p, days, left
}

// walks looks at all companies, now and again. Of several processes one does.
func (s *Service) walks(ctx context.Context) {
	for ctx.Err() == nil {
		held, _, err := s.cfg.Store.Lead(ctx, "trace")
		for err == nil && held.Err() == nil {
			if err = s.walk(held); err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn("looking after the trace", "err", err)
			}
			err = s.untilNextWalk(held)
		}
		_ = pause(ctx, time.Second) // the duty was lost
	}
}

func (s *Service) untilNextWalk(ctx context.Context) error {
	for until := time.Now().Add(walkEvery); time.Now().Before(until); {
		s.work.mu.Lock()
		lost := s.work.lost
		s.work.lost = false
		s.work.mu.Unlock()
		if lost {
			break
		}
		if err := pause(ctx, retryIndex); err != nil {
			return err
		}
	}
	return nil
}

// walk has all companies indexed, and removes what is old. One that cannot be read does not keep it from the others.
func (s *Service) walk(ctx context.Context) error {
	tenants, err := s.cfg.Store.Tenants(ctx)
	errs := []error{err}
	for _, id := range tenants {
		if ctx.Err() != nil {
			break
		}
		s.Touch(id)
		_, err := s.Prune(ctx, id)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// prunePortion is how many items one transaction removes.
const prunePortion = 500

// Prune removes what is older than Config.Keep: settled items, in small portions beside the work of others, and what the
// index has of them. It tells how many items those were.
func (s *Service) Prune(ctx context.Context, tenant mail.TenantID) (removed int, err error) {
	const op mail.Op = "trace.Prune"
	t := s.cfg.Store.Tenant(tenant)
	before := mail.ItemID(mail.FirstID(time.Now().Add(-s.cfg.Keep)))
	for {
		begun, n := time.Now(), 0
		err := t.Update(ctx, queue.Worker(), op, func(tx store.Tx) (err error) {
			n, err = tx.PruneItems(before, prunePortion)
			return err
		})
		removed += n
		if err == nil && n == prunePortion {
			err = pause(ctx, indexRests*time.Since(begun))
		}
		if err != nil {
			return removed, mail.Wrap(op, err)
		}
		if n < prunePortion {
			break
		}
	}
	if at, err := t.Traces().Cursor(ctx); err != nil || at == 0 {
		return removed, mail.Wrap(op, err)
	}
	return removed, mail.Wrap(op, t.Traces().Prune(ctx, before))
}
