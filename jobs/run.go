package jobs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
)

// duty is what one process holds to run the jobs.
const duty = "jobs"

const (
	// orphanAfter is how old an entry of the platform is whose job was never made, when it is removed.
	orphanAfter = time.Minute
	// tidyEvery is how often jobs that ended are looked at: sheets that were not fetched, and what is too old.
	tidyEvery = 10 * time.Minute
)

// Run runs jobs while this process leads, until ctx ends. Jobs that run then are run again by the next leader, or marked
// interrupted.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		held, fence, err := s.cfg.Store.Lead(ctx, duty)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Error("nobody runs the jobs", "err", err)
			}
			pause(ctx, s.cfg.Every)
			continue
		}
		newLeader(s, fence).lead(held)
	}
}

// leader is this process while it leads.
type leader struct {
	*Service
	fence  uint64
	work   sync.WaitGroup
	mu     sync.Mutex
	busy   map[mail.TenantID]bool   // a job of theirs runs
	served map[mail.TenantID]uint64 // when their last job began, in jobs
	turn   uint64
	seen   uint64 // the platform's epoch when all work was known
	tidied time.Time
}

func newLeader(s *Service, fence uint64) *leader {
	return &leader{Service: s, fence: fence, busy: map[mail.TenantID]bool{}, served: map[mail.TenantID]uint64{}}
}

// lead looks for work until the duty is lost.
func (l *leader) lead(ctx context.Context) {
	defer l.work.Wait()
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := l.look(ctx); err != nil && ctx.Err() == nil {
			l.log.Error("jobs were not looked for", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-l.nudge:
			l.seen = 0
		}
	}
}

// look starts what can be started, and tidies up now and then.
func (l *leader) look(ctx context.Context) error {
	now := l.now()
	if now.Sub(l.tidied) >= tidyEvery {
		if err := l.tidy(ctx, now); err != nil {
			return err
		}
		l.tidied = now
	}
	epoch := l.cfg.Store.Platform().Epoch()
	if epoch == l.seen && l.seen != 0 {
		return nil
	}
	entries, err := l.entries(ctx, dueNow)
	if err != nil {
		return err
	}
	for _, e := range l.fair(entries) {
		if !l.begin(ctx, e) {
			break
		}
	}
	if len(entries) == 0 {
		l.seen = epoch
	}
	return nil
}

// entry is an entry of the platform.
type entry struct {
	dueDoc
	id mail.ObjectID
}

// entries lists the platform's entries with a mark.
func (l *leader) entries(ctx context.Context, mark store.Key) (all []entry, err error) {
	for page := (store.Page{}); ; {
		var objects []store.Object
		err := l.cfg.Store.Platform().View(ctx, func(r store.Reader) (err error) {
			objects, err = r.Marked(kindDue, mark, page)
			return err
		})
		if err != nil {
			return nil, mail.Wrap("jobs.entries", err)
		}
		for _, o := range objects {
			e := entry{id: o.ID}
			if err := read(o, &e.dueDoc); err != nil {
				return nil, err
			}
			all = append(all, e)
			page.After = o.ID
		}
		if len(objects) < store.MaxPage {
			return all, nil
		}
	}
}

// fair puts the entries into the order in which they are begun: the company first that waited longest, its oldest job first.
func (l *leader) fair(entries []entry) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortStableFunc(entries, func(a, b entry) int {
		x, y := l.served[a.Tenant], l.served[b.Tenant]
		if x != y {
			return int(min(max(int64(x)-int64(y), -1), 1))
		}
		return int(min(max(int64(a.id)-int64(b.id), -1), 1))
	})
	return entries
}

// begin starts a job in a goroutine of its own, unless one of its company runs. It tells whether there may be room for more.
func (l *leader) begin(ctx context.Context, e entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.busy) >= l.cfg.Workers {
		return false
	}
	if l.busy[e.Tenant] {
		return true
	}
	l.turn++
	l.busy[e.Tenant], l.served[e.Tenant] = true, l.turn
	l.work.Go(func() {
		if err := l.handle(ctx, e); err != nil && ctx.Err() == nil {
			l.log.Error("job", "tenant", e.Tenant, "job", e.id, "err", err)
			pause(ctx, l.cfg.Every) // what is broken is not tried without a breath
		}
		l.mu.Lock()
		delete(l.busy, e.Tenant)
		l.mu.Unlock()
		l.wake()
	})
	return true
}

// handle brings one job forward and puts its entry where it belongs then.
func (l *leader) handle(ctx context.Context, e entry) error {
	doc, err := l.take(ctx, e)
	switch {
	case mail.Is(err, mail.NotFound):
		if l.now().Sub(e.id.Time()) < orphanAfter {
			pause(ctx, l.cfg.Every)
			return nil
		}
		return l.forget(ctx, e)
	case err != nil:
		return err
	case doc.State == Running:
		if doc, err = l.run(ctx, e, doc); err != nil {
			return err
		}
	}
	if !doc.State.Ended() {
		return nil
	}
	return l.shelve(ctx, e, doc.nextDue())
}

// take makes a waiting job running, under this leader's fence. One that runs already was interrupted.
func (l *leader) take(ctx context.Context, e entry) (doc jobDoc, err error) {
	err = l.cfg.Store.Tenant(e.Tenant).Update(ctx, worker(), "jobs.take", func(tx store.Tx) error {
		var o store.Object
		if doc, o, err = readJob(tx, e.id); err != nil || doc.State.Ended() {
			return err
		}
		if doc.State == Running && (!l.kinds[doc.Kind].Again || doc.Cancel) {
			doc.State, doc.Ended = Interrupted, l.now().UTC()
			if doc.Cancel {
				doc.State = Cancelled
			}
			if err := dropPayload(tx, e.id, partInput); err != nil {
				return err
			}
			return putJob(tx, e.id, doc, o.Version, false)
		}
		doc.State, doc.Fence, doc.Started, doc.Progress = Running, l.fence, l.now().UTC(), Progress{}
		return putJob(tx, e.id, doc, o.Version, true)
	})
	return doc, err
}

// run does the work of a job and writes how it ended. When ctx ends meanwhile the job stays as it is.
func (l *leader) run(ctx context.Context, e entry, doc jobDoc) (jobDoc, error) {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := &Task{
		Company: l.cfg.Directory.Company(e.Tenant), Tenant: e.Tenant, Params: doc.Params, Lang: doc.Starter.Lang,
		service: l.Service, id: e.id, fence: l.fence, key: e.Key, cancel: cancel,
	}
	l.Service.mu.Lock()
	l.live[e.id] = t
	l.Service.mu.Unlock()
	var watching sync.WaitGroup
	watching.Go(func() { t.watch(working) })
	r, err := l.do(working, t, doc)
	why := context.Cause(working)
	cancel(nil)
	watching.Wait()
	l.Service.mu.Lock()
	delete(l.live, e.id)
	l.Service.mu.Unlock()
	if ctx.Err() != nil {
		return doc, nil
	}
	if errors.Is(why, errCancelled) {
		err = errCancelled
	}
	return l.finish(ctx, t, r, err)
}

// do looks up who works and with what, and calls the kind.
func (l *leader) do(ctx context.Context, t *Task, doc jobDoc) (Result, error) {
	const op = "jobs.do"
	k, ok := l.kinds[doc.Kind]
	if !ok {
		return Result{}, mail.E(op, mail.NotFound, "jobs.kind", doc.Kind)
	}
	var err error
	if t.Caller, err = l.cfg.Directory.CallerAgain(ctx, t.Tenant, doc.Starter); err != nil {
		return Result{}, mail.Wrap(op, err)
	}
	if err := l.admits(ctx, k, t.Caller, t.Tenant, t.Params); err != nil {
		return Result{}, mail.Wrap(op, err)
	}
	t.By = t.Caller.Actor()
	var sealed []byte
	err = l.cfg.Store.Tenant(t.Tenant).View(ctx, func(r store.Reader) (err error) {
		sealed, err = readPayload(r, t.id, partInput)
		return err
	})
	if err == nil && sealed != nil {
		t.Input, err = open(t.key, partInput, sealed)
	}
	if err != nil {
		return Result{}, mail.Wrap(op, err)
	}
	return k.Do(ctx, t)
}

// finish writes how a job ended, unless its work's own commit said so.
func (l *leader) finish(ctx context.Context, t *Task, r Result, err error) (doc jobDoc, _ error) {
	if err == nil {
		err = r.Refused
	}
	failed := l.cfg.Store.Tenant(t.Tenant).Update(ctx, worker(), "jobs.finish", func(tx store.Tx) error {
		var o store.Object
		var bad error
		if doc, o, bad = readJob(tx, t.id); bad != nil || doc.State.Ended() {
			return bad
		}
		if doc.Fence != t.fence {
			return mail.Because("jobs.finish", mail.Busy, "", errTakenOver)
		}
		switch {
		case errors.Is(err, errCancelled):
			doc.State = Cancelled
		case err != nil:
			doc.State, doc.Failure = Failed, LineOf(0, "", err)
		default:
			doc.State = Done
		}
		return t.leave(tx, doc, o.Version, r)
	})
	if failed == nil && doc.State == Failed && r.Refused == nil {
		l.log.Info("a job failed", "tenant", t.Tenant, "job", t.id, "kind", doc.Kind, "err", err)
	}
	if failed != nil {
		return doc, failed
	}
	return l.reread(ctx, t)
}

// reread gives a job as it stands now.
func (l *leader) reread(ctx context.Context, t *Task) (doc jobDoc, err error) {
	err = l.cfg.Store.Tenant(t.Tenant).View(ctx, func(r store.Reader) error {
		doc, _, err = readJob(r, t.id)
		return err
	})
	return doc, err
}

// shelve notes when a job that ended is looked at again.
func (l *leader) shelve(ctx context.Context, e entry, due time.Time) error {
	return l.cfg.Store.Platform().Update(ctx, worker(), "jobs.shelve", func(tx store.Tx) error {
		o, err := tx.Object(kindDue, e.id)
		if err != nil {
			return err
		}
		e.Due, o.Marks, o.Quiet = due.UTC(), []store.Key{dueLater}, true
		return put(tx, o, e.dueDoc)
	})
}

// forget removes a job's entry, and with it the key of its payload.
func (l *leader) forget(ctx context.Context, e entry) error {
	return l.cfg.Store.Platform().Update(ctx, worker(), "jobs.forget", func(tx store.Tx) error {
		o, err := tx.Object(kindDue, e.id)
		if err != nil {
			return err
		}
		return tx.DeleteObject(kindDue, e.id, o.Version)
	})
}

// tidy destroys sheets whose time is over, and removes jobs that ended long ago.
func (l *leader) tidy(ctx context.Context, now time.Time) error {
	entries, err := l.entries(ctx, dueLater)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Due.After(now) {
			continue
		}
		if err := l.expire(ctx, e, now); err != nil {
			return err
		}
	}
	return nil
}

// expire does what is due about a job that ended.
func (l *leader) expire(ctx context.Context, e entry, now time.Time) error {
	var doc jobDoc
	err := l.cfg.Store.Tenant(e.Tenant).Update(ctx, worker(), "jobs.expire", func(tx store.Tx) error {
		var o store.Object
		var err error
		if doc, o, err = readJob(tx, e.id); err != nil {
			return err
		}
		if !now.Before(doc.Ended.Add(KeptFor)) {
			return dropJob(tx, o)
		}
		if doc.Sheet.Name == "" || now.Before(doc.Sheet.Until) {
			return nil
		}
		doc.Sheet = Sheet{}
		if err := dropPayload(tx, e.id, partSheet); err != nil {
			return err
		}
		return putJob(tx, e.id, doc, o.Version, false)
	})
	switch {
	case mail.Is(err, mail.NotFound): // with its company, or for another's sake
		return l.forget(ctx, e)
	case err != nil:
		return err
	case !now.Before(doc.Ended.Add(KeptFor)):
		return l.forget(ctx, e)
	}
	return l.shelve(ctx, e, doc.nextDue())
}

// pause waits, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
