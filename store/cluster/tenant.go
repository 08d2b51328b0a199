package cluster

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// metaKey is where a tenant's key for hashes is, 32 random octets.
const metaKey = "key"

// tenant fulfils store.Tenant. There is one for each tenant in a process.
type tenant struct {
	store *Store
	id    mail.TenantID
	known atomic.Bool // it exists
	epoch atomic.Uint64
	key   atomic.Pointer[[]byte] // of its hashes, once read
	turns turns

	mu    sync.Mutex
	usage map[mail.AccountID]usage
}

// usage is an answer of Usage and when it was right.
type usage struct {
	box   store.Box
	at    time.Time
	least mail.ModSeq // the account is known to have come so far
}

func newTenant(s *Store, id mail.TenantID) *tenant {
	return &tenant{store: s, id: id, usage: make(map[mail.AccountID]usage)}
}

// exists answers NotFound for a tenant that was never created.
func (t *tenant) exists(ctx context.Context, op mail.Op) error {
	if err := ctx.Err(); err != nil {
		return mail.Wrap(op, err)
	}
	if t.known.Load() {
		return nil
	}
	found := t.id > 0 || t == t.store.platform
	if found {
		found = false
		err := t.store.ask(ctx, stTenant, func(r sql.Row) bool {
			found = true
			t.grow(uint64(r.Int(0)))
			return false
		}, integer(int64(t.id)))
		if err != nil {
			return mail.Wrap(op, err)
		}
	}
	if !found {
		return mail.E(op, mail.NotFound, "tenant.unknown", t.id)
	}
	t.known.Store(true)
	return nil
}

// View calls fn with one consistent state.
func (t *tenant) View(ctx context.Context, fn func(store.Reader) error) error {
	return t.view(ctx, "store.View", func(r *sql.Reader) error { return fn(r) })
}

func (t *tenant) view(ctx context.Context, op mail.Op, fn func(*sql.Reader) error) error {
	return t.reading(ctx, op, func(c *conn) error {
		r := sql.NewReader(c, era)
		r.Start(time.Now())
		return fn(r)
	})
}

// reading runs fn on a connection that sees one consistent state.
func (t *tenant) reading(ctx context.Context, op mail.Op, fn func(*conn) error) error {
	if err := t.exists(ctx, op); err != nil {
		return err
	}
	c, err := t.store.readers.get(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	defer t.store.readers.put(c)
	c.begin(stBeginView, t.id)
	if err := fn(c); err != nil {
		_ = c.abandon() // the pool drops a connection that cannot; err says what is to be said
		return err
	}
	return mail.Wrap(op, c.end())
}

// Usage is what the account's box holds, at most usageAge ago, and not before what a Watch told of it.
func (t *tenant) Usage(ctx context.Context, a mail.AccountID) (store.Box, error) {
	t.mu.Lock()
	known, ok := t.usage[a]
	t.mu.Unlock()
	now := time.Now()
	if ok && now.Sub(known.at) < usageAge && known.box.ModSeq >= known.least && ctx.Err() == nil {
		return known.box, nil
	}
	var box store.Box
	err := t.view(ctx, "store.Usage", func(r *sql.Reader) (err error) {
		box, err = r.Box(a)
		return err
	})
	if err == nil {
		t.remember(a, box, now)
	}
	return box, err
}

// remember keeps an answer of Usage.
func (t *tenant) remember(a mail.AccountID, box store.Box, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(a, usage{box, at, t.usage[a].least})
}

// keep makes room for an answer. Under mu.
func (t *tenant) keep(a mail.AccountID, u usage) {
	if len(t.usage) >= maxUsage {
		clear(t.usage)
	}
	t.usage[a] = u
}

// heard notes how far an account has come: older answers of Usage do not hold any more, also those still to be remembered.
func (t *tenant) heard(a mail.AccountID, n mail.ModSeq) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.usage[a]; u.least < n {
		u.least = n
		t.keep(a, u)
	}
}

// Epoch is a number that grows when an object changed.
func (t *tenant) Epoch() uint64 { return t.epoch.Load() }

// grow moves the epoch forward.
func (t *tenant) grow(to uint64) {
	for {
		now := t.epoch.Load()
		if now >= to || t.epoch.CompareAndSwap(now, to) {
			return
		}
	}
}

// pollEpochs learns what other processes changed.
func (s *Store) pollEpochs(ctx context.Context) error {
	return s.ask(ctx, stEpochs, func(r sql.Row) bool {
		id, epoch := mail.TenantID(r.Int(0)), uint64(r.Int(1))
		if id == platform {
			s.platform.grow(epoch)
		} else if t, ok := s.tenants.Load(id); ok {
			t.(*tenant).grow(epoch)
		}
		return true
	})
}
