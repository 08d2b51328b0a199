package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/memory"
	"tegami/store/internal/sql"
)

// Store is a store in the files of one folder. It fulfils store.Store.
type Store struct {
	dir      string
	options  Options
	lock     *os.File
	texts    []string
	ids      mail.IDSource
	memory   *memory.Pool
	counters counters
	eras     atomic.Uint64 // of vaults, counted
	platform *tenant
	duties   duties
	tally    tally

	textFiles textFiles

	mu      sync.RWMutex
	tenants map[mail.TenantID]*tenant
	order   []*tenant  // the same by id; replaced, never changed
	making  sync.Mutex // held while a tenant is made
	claimMu sync.Mutex
	last    mail.TenantID // whom Claim served last; guarded by claimMu

	closed  atomic.Bool
	idle    chan struct{} // a user left, while closing
	crowded chan struct{} // too many files are open
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// Open opens the store in a folder, making it if need be. Unavailable with "storage.in_use" while another process has it open.
func Open(dir string, o Options) (*Store, error) {
	const op mail.Op = "embedded.Open"
	s := &Store{dir: dir, options: o.withDefaults(), texts: sql.Texts(sql.SQLite()), tenants: make(map[mail.TenantID]*tenant),
		idle: make(chan struct{}, 1), crowded: make(chan struct{}, 1)}
	s.ids.Node = s.options.Node
	s.memory = memory.New(s.options.StageMemory)
	s.textFiles = textFiles{texts: s.texts, limit: s.options.OpenTexts, open: make(map[textKey]*textFile)}
	if err := makeDir(s.tenantsDir()); err != nil {
		return nil, mail.Wrap(op, err)
	}
	if err := s.takeLock(); err != nil {
		return nil, err
	}
	s.platform = s.newTenant(0, filepath.Join(dir, "platform.db"), filepath.Join(dir, "platform-packs"))
	if err := errors.Join(s.findTenants(), s.openPlatform()); err != nil {
		s.lock.Close()
		return nil, mail.Wrap(op, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.stopped.Go(func() { s.janitor(ctx) })
	return s, nil
}

func (s *Store) tenantsDir() string { return filepath.Join(s.dir, "tenants") }

func (s *Store) tenantDir(id mail.TenantID) string { return filepath.Join(s.tenantsDir(), id.String()) }

// takeLock makes sure that this process is the only one.
func (s *Store) takeLock() error {
	const op mail.Op = "embedded.Open"
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return diskFailure(op, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return mail.E(op, mail.Unavailable, "storage.in_use", s.dir)
		}
		return diskFailure(op, err)
	}
	s.lock = f
	return nil
}

func (s *Store) newTenant(id mail.TenantID, db, packs string) *tenant {
	t := &tenant{store: s, id: id, db: db, packs: packs, wake: wakeUnknown}
	t.epoch.Store(uint64(time.Now().UnixNano())) // larger than any a cache kept from before
	return t
}

// unfinished begins the names of tenants that are being made.
const unfinished = ".new-"

// findTenants finds the tenants there are, and removes what a crash left of those that were never finished.
func (s *Store) findTenants() error {
	entries, err := os.ReadDir(s.tenantsDir())
	if err != nil {
		return diskFailure("embedded.Open", err)
	}
	var ids []mail.TenantID
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			if err := os.RemoveAll(filepath.Join(s.tenantsDir(), e.Name())); err != nil {
				return diskFailure("embedded.Open", err)
			}
			continue
		}
		var id mail.TenantID
		if id.UnmarshalText([]byte(e.Name())) == nil && id != 0 {
			ids = append(ids, id)
		}
	}
	s.add(ids...)
	return nil
}

// openPlatform makes sure that the platform's database is there, and reads what it keeps for the store itself.
func (s *Store) openPlatform() error {
	if _, err := os.Stat(s.platform.db); errors.Is(err, os.ErrNotExist) {
		if err := s.makePlatform(); err != nil {
			return err
		}
	}
	return s.loadTally()
}

// makePlatform makes the platform's database, which gets its name when all in it is durable.
func (s *Store) makePlatform() error {
	half := filepath.Join(s.dir, unfinished+"platform.db")
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(half + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return diskFailure("embedded.Open", err)
		}
	}
	if err := s.makeDatabase(half); err != nil {
		return err
	}
	if err := os.Rename(half, s.platform.db); err != nil {
		return diskFailure("embedded.Open", err)
	}
	return diskFailure("embedded.Open", (osFiles{}).SyncDir(s.dir))
}

// makeDatabase makes a database with a key for hashes.
func (s *Store) makeDatabase(path string) (err error) {
	if err := makeFile(path); err != nil { // SQLite would let everybody read it
		return err
	}
	c, err := openConn(path, s.texts, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := sql.Migrate(sql.SQLite(), schema{c}); err != nil {
		return err
	}
	key := make([]byte, 32)
	rand.Read(key)
	if err := c.Begin(); err != nil {
		return err
	}
	tx := sql.NewTx(c, sql.NewCache(0), &s.ids, nil)
	tx.Start(time.Now())
	if err := tx.PutMeta(metaKey, 1, key); err != nil {
		return err
	}
	return c.Commit()
}

// Tenant gives the handle of a tenant.
func (s *Store) Tenant(id mail.TenantID) store.Tenant { return handle{store: s, id: id} }

// Platform gives the state that belongs to no tenant.
func (s *Store) Platform() store.Tenant { return handle{store: s, platform: true} }

func (s *Store) lookup(id mail.TenantID) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tenants[id]
}

// all gives the tenants in order of their ids. The list must not be changed.
func (s *Store) all() []*tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.order
}

// add takes tenants in. Under mu, or before anybody else has the store.
func (s *Store) add(ids ...mail.TenantID) {
	list := slices.Clone(s.order)
	for _, id := range ids {
		dir := s.tenantDir(id)
		t := s.newTenant(id, filepath.Join(dir, "mail.db"), filepath.Join(dir, "packs"))
		s.tenants[id] = t
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tenant) int { return cmp.Compare(a.id, b.id) })
	s.order = list
}

// usable tells what speaks against beginning something: its context has ended, or the store is closed.
func (s *Store) usable(ctx context.Context, op mail.Op) error {
	if s.closed.Load() {
		return mail.E(op, mail.Unavailable, "storage.closed")
	}
	return mail.Wrap(op, ctx.Err())
}

// CreateTenant makes an empty tenant. Its folder gets its name when all in it is durable.
func (s *Store) CreateTenant(ctx context.Context, id mail.TenantID) error {
	const op mail.Op = "store.CreateTenant"
	if id <= 0 {
		return mail.E(op, mail.Invalid, "tenant.id")
	}
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	if s.lookup(id) != nil {
		return mail.E(op, mail.Conflict, "tenant.exists")
	}
	if err := s.makeTenant(id); err != nil {
		return mail.Wrap(op, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(id)
	return nil
}

func (s *Store) makeTenant(id mail.TenantID) error {
	half := filepath.Join(s.tenantsDir(), unfinished+id.String())
	if err := errors.Join(os.RemoveAll(half), os.Mkdir(half, 0o700)); err != nil {
		return diskFailure("embedded.Create", err)
	}
	if err := s.makeDatabase(filepath.Join(half, "mail.db")); err != nil {
		return err
	}
	if err := (osFiles{}).SyncDir(half); err != nil {
		return diskFailure("embedded.Create", err)
	}
	if err := os.Rename(half, s.tenantDir(id)); err != nil {
		return diskFailure("embedded.Create", err)
	}
	return diskFailure("embedded.Create", (osFiles{}).SyncDir(s.tenantsDir()))
}

// Tenants lists the tenants that exist.
func (s *Store) Tenants(ctx context.Context) ([]mail.TenantID, error) {
	if err := s.usable(ctx, "store.Tenants"); err != nil {
		return nil, err
	}
	all := s.all()
	ids := make([]mail.TenantID, len(all))
	for i, t := range all {
		ids[i] = t.id
	}
	return ids, nil
}

// tooMany lets the janitor close files when too many are open.
func (s *Store) tooMany() {
	if s.counters.opened.Load() > int64(s.options.OpenTenants) {
		signal(s.crowded)
	}
}

// signal leaves a note in a channel with room for one.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// closeOldest closes files nobody uses until no more than Options.OpenTenants are open.
func (s *Store) closeOldest() {
	type idle struct {
		t     *tenant
		since time.Time
	}
	var list []idle
	for _, t := range s.all() {
		if since, ok := t.idleSince(); ok {
			list = append(list, idle{t, since})
		}
	}
	slices.SortFunc(list, func(a, b idle) int { return a.since.Compare(b.since) })
	for _, i := range list {
		if s.counters.opened.Load() <= int64(s.options.OpenTenants) {
			return
		}
		_, _ = i.t.closeIdle(i.since) // a failure to close loses nothing: all is in the WAL
	}
}

// janitor closes idle files and saves the tallies from time to time.
func (s *Store) janitor(ctx context.Context) {
	tick := time.NewTicker(janitorPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.crowded:
			s.closeOldest()
		case now := <-tick.C:
			s.tidy(ctx, now)
		}
	}
}

// tidy does what is due at a time. Failures show when somebody next uses the files.
func (s *Store) tidy(ctx context.Context, now time.Time) {
	for _, t := range s.all() {
		since, idle := t.idleSince()
		switch {
		case !idle || now.Sub(since) < janitorPeriod:
		case now.Sub(since) >= s.options.IdleAfter:
			_, _ = t.closeIdle(since)
		default:
			t.rest()
		}
	}
	s.textFiles.tidy(now.Add(-s.options.IdleAfter))
	_ = s.saveTally(ctx)
}

// rest copies the WAL of a tenant that is not in use into its database.
func (t *tenant) rest() {
	t.mu.Lock()
	v := t.vault
	if v == nil {
		t.mu.Unlock()
		return
	}
	used := t.used
	t.users++
	t.mu.Unlock()
	_ = v.rest() // the WAL stays; the next commit or Close tries again
	t.release()
	t.mu.Lock()
	t.used = used // this was no use
	t.mu.Unlock()
}

// Close waits for running updates and releases everything. What is asked for after it is Unavailable. Busy if somebody
// does not close a Blob, or release a Staged.
func (s *Store) Close() error {
	err := s.saveTally(context.Background())
	if s.closed.Swap(true) {
		return nil
	}
	s.stop()
	s.stopped.Wait()
	errs := []error{err}
	s.textFiles.close()
	late, cancel := context.WithTimeout(context.Background(), s.options.closeWait)
	defer cancel()
	for _, t := range append(slices.Clone(s.all()), s.platform) {
		errs = append(errs, s.closeWhenLeft(t, late))
	}
	errs = append(errs, s.lock.Close())
	return mail.Wrap("store.Close", errors.Join(errs...))
}

func (s *Store) closeWhenLeft(t *tenant, late context.Context) error {
	for t.inUse() {
		select {
		case <-s.idle:
		case <-late.Done():
			return mail.E("store.Close", mail.Busy, "storage.busy", t.id)
		}
	}
	_, err := t.closeIdle(time.Now())
	return err
}

func (t *tenant) inUse() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.users > 0
}

// Stats are counters since Open, for metrics.
type Stats struct {
	Commits   int64 // transactions that committed
	Callers   int64 // Updates that were in them
	Fallbacks int64 // batches that had to be run one by one
	PackSyncs int64 // flushes of packs; each commit is one more
	Open      int64 // tenants whose files are open
}

// Stats gives the counters.
func (s *Store) Stats() Stats {
	c := &s.counters
	return Stats{c.commits.Load(), c.callers.Load(), c.fallbacks.Load(), c.syncs.Load(), c.opened.Load()}
}
