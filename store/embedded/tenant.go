package embedded

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// tenant is what the store knows of a tenant that exists, whether its files are open or not.
type tenant struct {
	store *Store
	id    mail.TenantID
	db    string // path of the database
	packs string // folder of the packs
	hub   hub
	epoch atomic.Uint64

	mu     sync.Mutex
	vault  *vault // nil while closed
	users  int
	used   time.Time // when the last user left
	opened bool      // its files were opened since the start, and leases from before have ended

	wakeMu sync.Mutex
	wake   int64 // when its next item may be claimed, in milliseconds since 1970
}

// Values of tenant.wake that are no times.
const (
	wakeUnknown int64 = math.MinInt64 // nobody looked since the start
	wakeNever   int64 = math.MaxInt64 // no item waits
)

// acquire opens the files if need be and holds them until release.
func (t *tenant) acquire() (*vault, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.store.closed.Load() {
		return nil, mail.E("embedded.Open", mail.Unavailable, "storage.closed")
	}
	if t.vault == nil {
		v, err := openVault(t.store, t, t.db, t.packs)
		if err != nil {
			return nil, err
		}
		t.vault = v
		t.store.tooMany()
	}
	t.users++
	return t.vault, nil
}

func (t *tenant) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users--
	if t.users == 0 {
		t.used = time.Now()
		if t.store.closed.Load() {
			signal(t.store.idle)
		}
	}
}

// closeIdle closes the files if nobody has used them since a moment.
func (t *tenant) closeIdle(since time.Time) (closed bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.vault == nil || t.users > 0 || t.used.After(since) {
		return false, nil
	}
	v := t.vault
	t.vault = nil
	return true, v.close()
}

// idleSince tells since when nobody has used the open files; false while they are closed or in use.
func (t *tenant) idleSince() (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used, t.vault != nil && t.users == 0
}

// wakeAt notes that an item may be claimed at a time.
func (t *tenant) wakeAt(at time.Time) {
	ms := wakeUnknown + 1 // always past
	if !at.IsZero() {
		ms = at.UnixMilli()
	}
	t.wakeMu.Lock()
	t.wake = min(t.wake, ms)
	t.wakeMu.Unlock()
}

// swapWake sets the time and gives what it was.
func (t *tenant) swapWake(ms int64) int64 {
	t.wakeMu.Lock()
	defer t.wakeMu.Unlock()
	old := t.wake
	t.wake = ms
	return old
}

func (t *tenant) nextWake() int64 {
	t.wakeMu.Lock()
	defer t.wakeMu.Unlock()
	return t.wake
}

// handle fulfils store.Tenant.
type handle struct {
	store    *Store
	id       mail.TenantID
	platform bool
}

// tenant finds the tenant; NotFound if it was never made.
func (h handle) tenant(op mail.Op) (*tenant, error) {
	if h.platform {
		return h.store.platform, nil
	}
	if t := h.store.lookup(h.id); t != nil {
		return t, nil
	}
	return nil, mail.E(op, mail.NotFound, "tenant.unknown")
}

// acquire holds the tenant's open files until its release.
func (h handle) acquire(op mail.Op) (*vault, error) {
	t, err := h.tenant(op)
	if err != nil {
		return nil, err
	}
	v, err := t.acquire()
	return v, mail.Wrap(op, err)
}

// Blobs gives the octets of the tenant's messages.
func (h handle) Blobs() store.Blobs { return blobs{h} }

// View calls fn with one consistent state.
func (h handle) View(ctx context.Context, fn func(store.Reader) error) error {
	v, err := h.acquire("store.View")
	if err != nil {
		return err
	}
	defer v.tenant.release()
	return v.view(ctx, func(r *sql.Reader) error { return fn(r) })
}

// Update calls fn and makes what it wrote durable.
func (h handle) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	const op mail.Op = "store.Update"
	if !by.Valid() {
		return mail.E(op, mail.Denied, "actor.missing")
	}
	if err := ctx.Err(); err != nil {
		return mail.Wrap(op, err)
	}
	v, err := h.acquire(op)
	if err != nil {
		return err
	}
	defer v.tenant.release()
	return v.committer.do(ctx, by, why, fn)
}

// Watch sends the account's ModSeq after it grew, until ctx ends.
func (h handle) Watch(ctx context.Context, a mail.AccountID) <-chan mail.ModSeq {
	t, err := h.tenant("store.Watch")
	if err != nil { // nothing will ever happen there
		return new(hub).watch(ctx, a)
	}
	return t.hub.watch(ctx, a)
}

// Usage is what the account's box holds now.
func (h handle) Usage(ctx context.Context, a mail.AccountID) (store.Box, error) {
	const op mail.Op = "store.Usage"
	v, err := h.acquire(op)
	if err != nil {
		return store.Box{}, err
	}
	defer v.tenant.release()
	box, err := v.box(ctx, a)
	return box, mail.Wrap(op, err)
}

// Epoch is a number that grows when an object of this tenant changed.
func (h handle) Epoch() uint64 {
	t, err := h.tenant("store.Epoch")
	if err != nil {
		return 0
	}
	return t.epoch.Load()
}
