package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/queue"
	"tegami/store"
)

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	Kinds     []Kind
	Log       *slog.Logger
	// Workers is how many jobs run at once, each of another company. 0 = 2.
	Workers int
	// Every is how often the leader looks for work that nobody told it of, and progress is written down. 0 = 2 s.
	Every time.Duration
}

// Defaults of Config.
const (
	defaultWorkers = 2
	defaultEvery   = 2 * time.Second
)

// Service keeps and runs the jobs of all companies. Its methods may be called from many goroutines.
type Service struct {
	cfg   Config
	log   *slog.Logger
	kinds map[string]Kind
	now   func() time.Time
	nudge chan struct{} // there may be work

	mu   sync.Mutex
	live map[mail.ObjectID]*Task // running in this process
}

// New makes the service. Run must be running somewhere in the installation for jobs to be done.
func New(c Config) *Service {
	c.Workers, c.Every = cmp.Or(c.Workers, defaultWorkers), cmp.Or(c.Every, defaultEvery)
	s := &Service{
		cfg: c, log: obs.Named(c.Log, "jobs"), kinds: make(map[string]Kind), now: time.Now,
		nudge: make(chan struct{}, 1), live: make(map[mail.ObjectID]*Task),
	}
	for _, k := range c.Kinds {
		s.kinds[k.Name] = k
	}
	return s
}

// Order asks for a job.
type Order struct {
	Kind   string
	Title  string
	Params any // of the kind, as JSON
	Input  []byte
}

// maxTitle is the length of a title in octets, maxParams that of the parameters.
const (
	maxTitle  = 255
	maxParams = 64 << 10
)

// dueDoc is the platform's entry of a job.
type dueDoc struct {
	Tenant mail.TenantID `json:"tenant"`
	Key    []byte        `json:"key"`
	Due    time.Time     `json:"due,omitzero"` // when it is looked at again, for jobs that ended
}

// Marks of the platform's entries.
var (
	dueNow   = store.Key{Name: kindDue, Value: "work"}
	dueLater = store.Key{Name: kindDue, Value: "later"}
)

// Marks of jobs: open ones, and all.
var (
	isOpen = store.Key{Name: kindJob, Value: "open"}
	isJob  = store.Key{Name: kindJob, Value: "all"}
)

// Start begins a job; by is the caller's actor with the reason. Denied "actor.denied" without the kind's right, Full
// "jobs.too_many" and "jobs.input", NotFound "jobs.kind".
func (s *Service) Start(ctx context.Context, caller *directory.Caller, by mail.Actor, tenant mail.TenantID, o Order) (Job, error) {
	const op = "jobs.Start"
	k, ok := s.kinds[o.Kind]
	if !ok {
		return Job{}, mail.E(op, mail.NotFound, "jobs.kind", o.Kind)
	}
	params, err := json.Marshal(o.Params)
	switch {
	case err != nil || len(params) > maxParams || len(o.Title) > maxTitle:
		return Job{}, mail.Because(op, mail.Invalid, "jobs.params", err)
	case len(o.Input) > MaxInput:
		return Job{}, mail.E(op, mail.Full, "jobs.input", MaxInput>>20)
	}
	if err := s.admits(ctx, k, caller, tenant, params); err != nil {
		return Job{}, mail.Wrap(op, err)
	}
	key := newKey()
	sealed, err := seal(key, partInput, o.Input)
	if err != nil {
		return Job{}, mail.Wrap(op, err)
	}
	doc := jobDoc{
		Kind: k.Name, Title: o.Title, Starter: directory.StarterOf(caller, by), State: Waiting, Params: params, Created: s.now().UTC(),
	}
	id, err := s.announce(ctx, by, tenant, key)
	if err != nil {
		return Job{}, mail.Wrap(op, err)
	}
	if err := s.make(ctx, by, tenant, id, doc, sealed); err != nil {
		return Job{}, mail.Wrap(op, err)
	}
	s.wake()
	return doc.job(id, tenant), nil
}

// StartFor begins a job for somebody who ordered it before, with the rights he has now. Errors as Start.
func (s *Service) StartFor(ctx context.Context, who directory.Starter, tenant mail.TenantID, o Order) (Job, error) {
	caller, err := s.cfg.Directory.CallerAgain(ctx, tenant, who)
	if err != nil {
		return Job{}, mail.Wrap("jobs.StartFor", err)
	}
	return s.Start(ctx, caller, caller.Actor(), tenant, o)
}

// admits tells whether a caller may start such a job.
func (s *Service) admits(ctx context.Context, k Kind, caller *directory.Caller, tenant mail.TenantID, params json.RawMessage) error {
	const op = "jobs.admits"
	if _, err := s.cfg.Directory.Tenant(ctx, tenant); err != nil {
		return err
	}
	if !caller.Operator() && caller.Tenant() != tenant || !caller.May(k.Right) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	if k.Needs == nil {
		return nil
	}
	return k.Needs(caller, params)
}

// announce writes the platform's entry of a job to come, and gives the job's id.
func (s *Service) announce(ctx context.Context, by mail.Actor, tenant mail.TenantID, key []byte) (id mail.ObjectID, err error) {
	err = s.cfg.Store.Platform().Update(ctx, by, "jobs.Start", func(tx store.Tx) error {
		id = mail.ObjectID(tx.NextID())
		return put(tx, store.Object{Kind: kindDue, ID: id, Secret: true, Marks: []store.Key{dueNow}}, dueDoc{Tenant: tenant, Key: key})
	})
	return id, err
}

// make writes the job.
func (s *Service) make(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID, doc jobDoc, input []byte) error {
	const op = "jobs.Start"
	return s.cfg.Store.Tenant(tenant).Update(ctx, by, op, func(tx store.Tx) error {
		n, err := tx.CountMarked(kindJob, isOpen)
		if err == nil && n >= MaxOpen {
			err = mail.E(op, mail.Full, "jobs.too_many", MaxOpen)
		}
		if err != nil {
			return err
		}
		if err := dropOldest(tx); err != nil {
			return err
		}
		if err := putPayload(tx, id, partInput, input); err != nil {
			return err
		}
		return putJob(tx, id, doc, 0, false)
	})
}

// dropOldest makes room for one more job.
func dropOldest(tx store.Tx) error {
	n, err := tx.CountMarked(kindJob, isJob)
	if err != nil || n < MaxKept {
		return err
	}
	all, err := tx.Marked(kindJob, isJob, store.Page{})
	if err != nil {
		return err
	}
	for _, o := range all {
		var doc jobDoc
		if err := read(o, &doc); err != nil {
			return err
		}
		if doc.State.Ended() {
			return dropJob(tx, o)
		}
	}
	return nil
}

// putJob writes a job. What is only progress is quiet.
func putJob(tx store.Tx, id mail.ObjectID, doc jobDoc, version uint64, quiet bool) error {
	o := store.Object{Kind: kindJob, ID: id, Version: version, Quiet: quiet, Marks: []store.Key{isJob}}
	if !doc.State.Ended() {
		o.Marks = append(o.Marks, isOpen)
	}
	return put(tx, o, doc)
}

// dropJob removes a job with its payload.
func dropJob(tx store.Tx, o store.Object) error {
	for _, part := range []string{partInput, partReport, partSheet} {
		if err := dropPayload(tx, o.ID, part); err != nil {
			return err
		}
	}
	return tx.DeleteObject(kindJob, o.ID, o.Version)
}

// readJob gives a job. NotFound "jobs.unknown".
func readJob(r store.Reader, id mail.ObjectID) (doc jobDoc, o store.Object, err error) {
	o, err = r.Object(kindJob, id)
	if mail.Is(err, mail.NotFound) {
		return doc, o, mail.E("jobs.readJob", mail.NotFound, "jobs.unknown", id.String())
	}
	if err != nil {
		return doc, o, err
	}
	return doc, o, read(o, &doc)
}

// sees tells whether a caller may see a job: who started it, and who may start such jobs.
func (s *Service) sees(caller *directory.Caller, doc jobDoc) bool {
	k, ok := s.kinds[doc.Kind]
	return doc.Starter.Same(caller.Actor()) || ok && caller.Whole(k.Right)
}

// Job gives a job. NotFound "jobs.unknown", also for who may not see it.
func (s *Service) Job(ctx context.Context, caller *directory.Caller, tenant mail.TenantID, id mail.ObjectID) (Job, error) {
	doc, err := s.look(ctx, "jobs.Job", caller, tenant, id)
	if err != nil {
		return Job{}, err
	}
	return s.shown(doc, id, tenant), nil
}

// look reads a job that a caller may see.
func (s *Service) look(ctx context.Context, op mail.Op, caller *directory.Caller, tenant mail.TenantID, id mail.ObjectID) (doc jobDoc, err error) {
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		doc, _, err = readJob(r, id)
		return err
	})
	if err == nil && !s.sees(caller, doc) {
		err = mail.E(op, mail.NotFound, "jobs.unknown", id.String())
	}
	return doc, mail.Wrap(op, err)
}

// shown is a job with the progress of this moment, where it runs in this process.
func (s *Service) shown(doc jobDoc, id mail.ObjectID, tenant mail.TenantID) Job {
	if doc.State == Running {
		s.mu.Lock()
		if t := s.live[id]; t != nil {
			doc.Progress = t.progress()
		}
		s.mu.Unlock()
	}
	return doc.job(id, tenant)
}

// Jobs lists the jobs of a company that a caller may see, the newest first.
func (s *Service) Jobs(ctx context.Context, caller *directory.Caller, tenant mail.TenantID) ([]Job, error) {
	const op = "jobs.Jobs"
	var all []Job
	err := s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		objects, err := r.Marked(kindJob, isJob, store.Page{})
		if err != nil {
			return err
		}
		all = make([]Job, 0, len(objects))
		for _, o := range slices.Backward(objects) {
			var doc jobDoc
			if err := read(o, &doc); err != nil {
				return err
			}
			if s.sees(caller, doc) {
				all = append(all, s.shown(doc, o.ID, tenant))
			}
		}
		return nil
	})
	return all, mail.Wrap(op, err)
}

// Cancel ends a job that waits, and has one that runs end as soon as it can. One that is done stays so. For who started it and who
// may start such jobs: Denied "actor.denied" for others who see it.
func (s *Service) Cancel(ctx context.Context, caller *directory.Caller, by mail.Actor, tenant mail.TenantID, id mail.ObjectID) (Job, error) {
	const op = "jobs.Cancel"
	seen, err := s.look(ctx, op, caller, tenant, id)
	if err == nil && !seen.Starter.Same(by) {
		err = s.admits(ctx, s.kinds[seen.Kind], caller, tenant, seen.Params)
	}
	if err != nil {
		return Job{}, mail.Wrap(op, err)
	}
	var doc jobDoc
	err = s.cfg.Store.Tenant(tenant).Update(ctx, by, op, func(tx store.Tx) error {
		var o store.Object
		var err error
		if doc, o, err = readJob(tx, id); err != nil || doc.State.Ended() {
			return err
		}
		doc.Cancel = true
		if doc.State == Waiting {
			doc.State, doc.Ended = Cancelled, s.now().UTC()
			if err := dropPayload(tx, id, partInput); err != nil {
				return err
			}
		}
		return putJob(tx, id, doc, o.Version, false)
	})
	if err != nil {
		return Job{}, mail.Wrap(op, err)
	}
	s.mu.Lock()
	if t := s.live[id]; t != nil {
		t.cancel(errCancelled)
	}
	s.mu.Unlock()
	s.wake()
	return s.shown(doc, id, tenant), nil
}

// Report gives the lines of a job's report, which are there once it ended.
func (s *Service) Report(ctx context.Context, caller *directory.Caller, tenant mail.TenantID, id mail.ObjectID) ([]Line, error) {
	const op = "jobs.Report"
	if _, err := s.look(ctx, op, caller, tenant, id); err != nil {
		return nil, err
	}
	var sealed []byte
	err := s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) (err error) {
		sealed, err = readPayload(r, id, partReport)
		return err
	})
	if err != nil || sealed == nil {
		return nil, mail.Wrap(op, err)
	}
	text, err := s.unseal(ctx, id, partReport, sealed)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	var lines []Line
	if err := json.Unmarshal(text, &lines); err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	return lines, nil
}

// unseal opens a part of a job's payload with the key the platform keeps.
func (s *Service) unseal(ctx context.Context, id mail.ObjectID, part string, sealed []byte) ([]byte, error) {
	key, err := s.keyOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return open(key, part, sealed)
}

// keyOf gives the key of a job's payload.
func (s *Service) keyOf(ctx context.Context, id mail.ObjectID) ([]byte, error) {
	var due dueDoc
	err := s.cfg.Store.Platform().View(ctx, func(r store.Reader) error {
		o, err := r.Object(kindDue, id)
		if err != nil {
			return err
		}
		return read(o, &due)
	})
	return due.Key, err
}

// TakeSheet gives a job's sheet to who started it, once: it is destroyed in the same step. NotFound "jobs.no_sheet" when
// there is none, any more or for this caller.
func (s *Service) TakeSheet(ctx context.Context, caller *directory.Caller, by mail.Actor, tenant mail.TenantID, id mail.ObjectID) (text []byte, name string, err error) {
	const op = "jobs.TakeSheet"
	doc, err := s.look(ctx, op, caller, tenant, id)
	if err != nil {
		return nil, "", err
	}
	none := mail.E(op, mail.NotFound, "jobs.no_sheet")
	if k, ok := s.kinds[doc.Kind]; !ok || !caller.May(k.Right) || !doc.Starter.Same(by) {
		return nil, "", none
	}
	key, err := s.keyOf(ctx, id) // before the sheet goes: what can't be opened must stay
	if err != nil {
		return nil, "", mail.Wrap(op, err)
	}
	var sealed []byte
	err = s.cfg.Store.Tenant(tenant).Update(ctx, by, op, func(tx store.Tx) error {
		doc, o, err := readJob(tx, id)
		if err != nil {
			return err
		}
		if sealed, err = readPayload(tx, id, partSheet); err != nil {
			return err
		}
		if sealed == nil || doc.Sheet.Name == "" || !s.now().Before(doc.Sheet.Until) {
			return none
		}
		name = doc.Sheet.Name
		doc.Sheet = Sheet{Taken: s.now().UTC()}
		if err := dropPayload(tx, id, partSheet); err != nil {
			return err
		}
		return putJob(tx, id, doc, o.Version, false)
	})
	if err != nil {
		return nil, "", mail.Wrap(op, err)
	}
	text, err = open(key, partSheet, sealed)
	return text, name, mail.Wrap(op, err)
}

// wake has the leader look for work, if it is in this process.
func (s *Service) wake() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// worker is who writes what happens to jobs by themselves.
func worker() mail.Actor { return queue.Worker() }
