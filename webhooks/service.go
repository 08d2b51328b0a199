package webhooks

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
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
	Log       *slog.Logger
	// Allow are networks of special use that may be dialled: a receiver in the operator's own network.
	Allow []netip.Prefix
	// Roots are the certificate authorities of receivers; nil = those of the system.
	Roots *x509.CertPool
	// SwitchedOff hears of a webhook that was switched off because it failed for a day. nil: nobody is told.
	SwitchedOff func(ctx context.Context, tenant mail.TenantID, h Hook)
	// Pause is how often the log is looked at; 0 = 2 s.
	Pause time.Duration
}

// A Service manages webhooks and delivers. Make it with New; Run is its worker.
type Service struct {
	store  store.Store
	dir    *directory.Directory
	log    *slog.Logger
	cfg    Config
	client *http.Client

	slots chan struct{} // deliveries under way
	mu    sync.Mutex
	busy  map[ref]bool // webhooks that are being served
	hooks map[mail.TenantID]watched
}

// ref names a webhook.
type ref struct {
	tenant mail.TenantID
	hook   mail.ObjectID
}

// watched are the webhooks of a tenant as of an epoch.
type watched struct {
	epoch uint64
	hooks []Hook
}

const (
	// defaultPause is how often the log is looked at.
	defaultPause = 2 * time.Second
	// maxSlots is how many webhooks are served at once.
	maxSlots = 32
	// maxRun is how many events one webhook is told in a row, before others have a turn.
	maxRun = 100
	// duty is what only one process does.
	duty = "webhooks"
	// tryFor is for how long a delivery is tried; then the webhook is switched off.
	tryFor = 24 * time.Hour
	// maxPause is how long the longest pause between two tries is.
	maxPause = 2 * time.Hour
)

// pauses are between the tries of a delivery; the last repeats.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, maxPause,
}

// New makes the service.
func New(c Config) *Service {
	if c.Pause == 0 {
		c.Pause = defaultPause
	}
	return &Service{
		store: c.Store, dir: c.Directory, log: obs.Named(c.Log, "webhooks"), cfg: c, client: newClient(c.Allow, c.Roots),
		slots: make(chan struct{}, maxSlots), busy: map[ref]bool{}, hooks: map[mail.TenantID]watched{},
	}
}

// Run delivers until its context ends. In one process at a time.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		held, _, err := s.store.Lead(ctx, duty)
		if err != nil {
			return mail.Wrap("webhooks.Run", err)
		}
		s.lead(held)
	}
	return nil
}

// lead looks for what is to be told until the duty is lost.
func (s *Service) lead(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for tick := time.NewTicker(s.cfg.Pause); ; {
		if err := s.look(ctx, &running); err != nil && ctx.Err() == nil {
			s.log.Error("looking for events", "err", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// look serves every webhook for which there is something to do.
func (s *Service) look(ctx context.Context, running *sync.WaitGroup) error {
	tenants, err := s.store.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		hooks, err := s.watched(ctx, tenant)
		if err != nil {
			return err
		}
		for _, h := range hooks {
			s.start(ctx, running, tenant, h)
		}
	}
	return nil
}

// watched are the active webhooks of a tenant. They are read anew when something of the tenant changed.
func (s *Service) watched(ctx context.Context, tenant mail.TenantID) ([]Hook, error) {
	epoch := s.store.Tenant(tenant).Epoch()
	s.mu.Lock()
	have, ok := s.hooks[tenant]
	s.mu.Unlock()
	if ok && have.epoch == epoch {
		return have.hooks, nil
	}
	all, err := s.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var active []Hook
	for _, h := range all {
		if h.Active {
			active = append(active, h)
		}
	}
	s.mu.Lock()
	s.hooks[tenant] = watched{epoch, active}
	s.mu.Unlock()
	return active, nil
}

// start serves a webhook beside the others, if it is not being served.
func (s *Service) start(ctx context.Context, running *sync.WaitGroup, tenant mail.TenantID, h Hook) {
	r := ref{tenant, h.ID}
	s.mu.Lock()
	busy := s.busy[r]
	s.busy[r] = true
	s.mu.Unlock()
	if busy {
		return
	}
	done := func() {
		s.mu.Lock()
		delete(s.busy, r)
		s.mu.Unlock()
	}
	select {
	case s.slots <- struct{}{}:
	default: // all are in use: at the next look
		done()
		return
	}
	running.Go(func() {
		defer done()
		defer func() { <-s.slots }()
		if err := s.serve(ctx, tenant, h); err != nil && ctx.Err() == nil {
			s.log.Error("webhook", "tenant", tenant.String(), "webhook", h.ID.String(), "err", err)
		}
	})
}

// serve tells a webhook what waits for it, in order, until a delivery fails.
func (s *Service) serve(ctx context.Context, tenant mail.TenantID, h Hook) error {
	for range maxRun {
		waiting, err := s.next(ctx, tenant, h)
		if err != nil || waiting == nil {
			return err
		}
		r := s.deliver(ctx, h, waiting.key, messageID(tenant, waiting.seq), waiting.event)
		if ctx.Err() != nil {
			return nil // it counts as not tried
		}
		r.Try = waiting.tries + 1
		if err := s.settle(ctx, tenant, h, waiting, r); err != nil || !r.Good() {
			return err
		}
	}
	return nil
}

// waiting is the next event of a webhook.
type waiting struct {
	event Event
	seq   uint64
	tries int
	since time.Time // the first failure
	key   []byte
}

// next finds the next event of a webhook; nil where nothing is to be told now. What it passes over it notes.
func (s *Service) next(ctx context.Context, tenant mail.TenantID, h Hook) (*waiting, error) {
	var found *waiting
	var passed uint64
	err := s.store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		found, passed = nil, 0
		_, doc, err := readState(r, h.ID)
		if err != nil || time.Now().Before(doc.Next) {
			return err
		}
		acts, err := r.Acts(doc.Seq, 0)
		if err != nil {
			return err
		}
		for _, a := range acts {
			if e, ok := eventOf(tenant, a); ok && h.wants(e.Type) {
				found = &waiting{event: e, seq: a.Seq, tries: doc.Tries, since: doc.Since}
				found.key, err = keyOf(r, h.ID)
				return err
			}
			passed = a.Seq
		}
		return nil
	})
	if err == nil && found == nil && passed != 0 {
		err = s.note(ctx, tenant, h.ID, func(doc *stateDoc) { doc.Seq = max(doc.Seq, passed) })
	}
	return found, mail.Wrap("webhooks.next", err)
}

// keyOf gives what signs.
func keyOf(r store.Reader, id mail.ObjectID) ([]byte, error) {
	o, err := r.ObjectByKey(secretKey(id))
	if err != nil {
		return nil, err
	}
	var doc secretDoc
	if err := json.Unmarshal(o.Doc, &doc); err != nil {
		return nil, mail.Because("webhooks.keyOf", mail.Other, "directory.document", err)
	}
	return doc.Key, nil
}

// keyed gives a webhook with what signs. NotFound "webhook.unknown".
func (s *Service) keyed(ctx context.Context, tenant mail.TenantID, id mail.ObjectID) (h Hook, key []byte, err error) {
	err = s.store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		if h, _, err = read(r, "webhooks.keyed", id); err != nil {
			return err
		}
		key, err = keyOf(r, id)
		return err
	})
	return h, key, err
}

// keep puts a delivery before those that are kept.
func (d *stateDoc) keep(one Delivery) {
	d.Last = append([]Delivery{one}, d.Last[:min(len(d.Last), MaxDeliveries-1)]...)
}

// note changes how far a webhook has come. A webhook that was removed meanwhile needs it no more.
func (s *Service) note(ctx context.Context, tenant mail.TenantID, id mail.ObjectID, change func(*stateDoc)) error {
	const op = "webhooks.note"
	err := s.store.Tenant(tenant).Update(ctx, queue.Worker(), op, func(tx store.Tx) error {
		o, doc, err := readState(tx, id)
		if err != nil {
			return err
		}
		change(&doc)
		_, err = put(tx, o, doc)
		return err
	})
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	return mail.Wrap(op, err)
}

// settle notes what became of a delivery, and switches off a webhook that failed for too long.
func (s *Service) settle(ctx context.Context, tenant mail.TenantID, h Hook, w *waiting, r result) error {
	if r.Good() {
		return s.note(ctx, tenant, h.ID, func(doc *stateDoc) {
			doc.Seq, doc.Tries, doc.Since, doc.Next = max(doc.Seq, w.seq), 0, time.Time{}, time.Time{}
			doc.keep(r.Delivery)
		})
	}
	since := w.since
	if since.IsZero() {
		since = r.At
	}
	if err := s.note(ctx, tenant, h.ID, func(doc *stateDoc) {
		doc.Tries, doc.Since, doc.Next = r.Try, since, r.At.Add(max(pauseAfter(r.Try), r.after))
		doc.keep(r.Delivery)
	}); err != nil {
		return err
	}
	if !r.gone && r.At.Sub(since) < tryFor {
		return nil
	}
	return s.switchOff(ctx, tenant, h.ID, r.Error)
}

// pauseAfter is how long to wait after so many tries, give or take a tenth: many webhooks of one receiver shall not come at once.
func pauseAfter(tries int) time.Duration {
	p := pauses[min(tries, len(pauses))-1]
	return p - p/10 + rand.N(p/5)
}

// switchOff switches a webhook off, for the operation log and its company to see.
func (s *Service) switchOff(ctx context.Context, tenant mail.TenantID, id mail.ObjectID, because string) error {
	const op = "webhooks.SwitchOff"
	var h Hook
	err := s.store.Tenant(tenant).Update(ctx, queue.Worker(), op, func(tx store.Tx) error {
		was, o, err := read(tx, op, id)
		if err != nil {
			return err
		}
		h = was
		h.Active, h.Off = false, because
		_, err = put(tx, o, hookDoc{was.Name, was.URL, was.Events, false, because, was.Maker})
		return err
	})
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	if err == nil && s.cfg.SwitchedOff != nil {
		s.cfg.SwitchedOff(ctx, tenant, h)
	}
	return mail.Wrap(op, err)
}

// mayTest refuses who may not manage webhooks.
func (s *Service) mayTest(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op) error {
	return s.dir.May(ctx, by, tenant, op, directory.RightRoles)
}

// Tell tells the company's webhooks of something that no change of an object shows: QuotaWarned, SignInLocked. It costs nothing where
// none hears of it; else there is a line of the operation log.
func (s *Service) Tell(ctx context.Context, tenant mail.TenantID, kind string, account mail.AccountID, name string) error {
	const op = "webhooks.Tell"
	hooks, err := s.watched(ctx, tenant)
	if err != nil {
		return mail.Wrap(op, err)
	}
	wanted := false
	for _, h := range hooks {
		wanted = wanted || h.wants(kind)
	}
	if !wanted {
		return nil
	}
	doc, err := json.Marshal(Event{Type: kind, At: time.Now().UTC(), Data: Data{Tenant: tenant, Kind: "account", ID: mail.ObjectID(account), Name: name}})
	if err != nil {
		return mail.Because(op, mail.Other, "directory.document", err)
	}
	err = s.store.Tenant(tenant).Update(ctx, queue.Worker(), op, func(tx store.Tx) error { return tx.Note(kindTold, mail.ObjectID(account), doc) })
	return mail.Wrap(op, err)
}
