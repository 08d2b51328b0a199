package embedded

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// metaKey is where a tenant's key for hashes is, 32 random octets.
const metaKey = "key"

// vault is a tenant whose files are open.
type vault struct {
	store  *Store
	tenant *tenant
	path   string // of the database
	era    uint64 // of its packs' numbers, which may begin anew when the files are opened again
	key    []byte // for hashes of blobs

	committer committer
	packs     *packs
	stats     *counters

	// The leader's.
	writer *conn
	tx     *sql.Tx
	cache  *sql.Cache
	inline bool      // this batch may keep messages in rows
	kept   []*staged // by this transaction
	flat   []byte    // for messages in several pieces that go into a row
	dirty  bool      // the WAL holds something
	curb   int64     // the size of the WAL at which it is to be cut, at least walLimit

	readers readers
	usage   usage
}

// counters are counted over all tenants.
type counters struct {
	commits, callers, fallbacks, syncs, opened atomic.Int64
}

// openVault opens a tenant's files.
func openVault(s *Store, t *tenant, path, packDir string) (v *vault, err error) {
	v = &vault{store: s, tenant: t, path: path, era: s.eras.Add(1), stats: &s.counters, cache: sql.NewCache(t.id)}
	v.committer.run = v.commit
	v.readers.init(path, s.texts, s.options.Readers, v.era)
	if v.packs, err = newPacks(s.options.files, packDir, s.options, &s.counters.syncs); err != nil {
		return nil, err
	}
	if err := v.openWriter(); err != nil {
		return nil, err
	}
	if err = sql.Migrate(sql.SQLite(), schema{v.writer}); err == nil {
		err = errors.Join(v.readKey(), v.endLeases())
	}
	if err != nil {
		if v.writer != nil {
			v.dropWriter()
		}
		return nil, err
	}
	s.counters.opened.Add(1)
	return v, nil
}

// readKey reads the tenant's key.
func (v *vault) readKey() error {
	if err := v.writer.Begin(); err != nil {
		return err
	}
	r := sql.NewReader(v.writer, 0)
	_, key, _, err := r.Meta(metaKey)
	if v.key = key; err == nil && len(key) == 0 {
		err = mail.E("embedded.Open", mail.Unavailable, "storage.damaged", v.path)
	}
	return errors.Join(err, v.writer.Rollback())
}

// endLeases ends the leases of a process that had the folder before: it is gone. Only when the files are opened for the first
// time, before anybody of this process can have a lease. On a full disk they stay, and end by time.
func (v *vault) endLeases() error {
	if v.tenant.opened {
		return nil
	}
	v.tenant.opened = true
	if err := v.beginWrite(); err != nil {
		return err
	}
	err := v.tx.EndLeases()
	if err == nil {
		err = v.writer.Commit()
	}
	if err == nil {
		return nil
	}
	if key, _ := mail.TextOf(v.undo(err)); key == "storage.full" {
		return nil
	}
	return err
}

func (v *vault) openWriter() error {
	c, err := openConn(v.path, v.store.texts, true)
	if err != nil {
		return err
	}
	v.writer = c
	v.tx = sql.NewTx(c, v.cache, &v.store.ids, v)
	return nil
}

// dropWriter gives the writing connection up.
func (v *vault) dropWriter() {
	v.cache.Drop()
	v.writer.Close() // what it says about its failed disk is known already
	v.writer = nil
}

// beginWrite starts a transaction.
func (v *vault) beginWrite() error {
	if v.writer == nil {
		if err := v.openWriter(); err != nil {
			return err
		}
	}
	v.curbWAL()
	if err := v.writer.Begin(); err != nil {
		v.dropWriter()
		return err
	}
	v.dirty = true
	v.tx.Start(time.Now())
	return nil
}

// curbWAL cuts the WAL when it became too large. A failure is left to the next commit to tell.
func (v *vault) curbWAL() {
	info, err := os.Stat(v.path + "-wal")
	if err != nil || info.Size() < walLimit {
		v.curb = walLimit
		return
	}
	if info.Size() < v.curb {
		return
	}
	if busy, err := v.writer.checkpoint(walWait); busy || err != nil {
		v.curb = 2 * info.Size()
	}
}

// publish tells those who wait what a commit changed.
func (v *vault) publish(c *sql.Changes) {
	v.usage.keep(c.Boxes)
	if c.Objects {
		v.tenant.epoch.Add(1) // before anybody wakes and looks at it
	}
	for _, g := range c.Boxes {
		v.tenant.hub.tell(g.Account, g.Box.ModSeq)
	}
	if c.Items {
		v.tenant.wakeAt(c.Wake)
	}
}

// view runs fn over one consistent state.
func (v *vault) view(ctx context.Context, fn func(*sql.Reader) error) error {
	r, err := v.readers.take(ctx)
	if err != nil {
		return err
	}
	ok := false
	defer func() { v.readers.give(r, ok) }() // also when fn panics
	if err := r.conn.Begin(); err != nil {
		return err
	}
	r.reader.Start(time.Now())
	err = fn(r.reader)
	if e := r.conn.Commit(); e != nil {
		return errors.Join(err, e)
	}
	ok = r.reader.Err() == nil
	return err
}

// box gives an account's counters, from memory where it can.
func (v *vault) box(ctx context.Context, a mail.AccountID) (store.Box, error) {
	if box, ok := v.usage.get(a); ok {
		return box, nil
	}
	age := v.usage.age.Load()
	var box store.Box
	err := v.view(ctx, func(r *sql.Reader) (err error) {
		box, err = r.Box(a)
		return err
	})
	if err == nil {
		v.usage.add(a, box, age)
	}
	return box, err
}

// rest copies the WAL into the database. It does not wait for readers: then a later rest does it.
func (v *vault) rest() error {
	return v.committer.exclusive(func() error {
		if !v.dirty || v.writer == nil {
			return nil
		}
		busy, err := v.writer.checkpoint(0)
		v.dirty = busy || err != nil
		return err
	})
}

// close closes the files. Nobody uses them any more.
func (v *vault) close() error {
	v.stats.opened.Add(-1)
	errs := []error{v.readers.close(), v.packs.close()}
	if v.writer != nil { // last: who closes last copies the WAL into the database
		errs = append(errs, v.writer.Close())
	}
	return errors.Join(errs...)
}

// readers are a vault's connections for View, opened when first needed.
type readers struct {
	path  string
	texts []string
	era   uint64
	slots chan struct{}
	mu    sync.Mutex
	idle  []*readConn
}

type readConn struct {
	conn   *conn
	reader *sql.Reader
}

func (p *readers) init(path string, texts []string, n int, era uint64) {
	p.path, p.texts, p.era, p.slots = path, texts, era, make(chan struct{}, n)
}

// take gives a connection, waiting for one if all are in use: Busy when ctx ends.
func (p *readers) take(ctx context.Context) (*readConn, error) {
	const op mail.Op = "store.View"
	if err := ctx.Err(); err != nil {
		return nil, mail.Wrap(op, err)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, mail.Wrap(op, ctx.Err())
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		r := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return r, nil
	}
	p.mu.Unlock()
	c, err := openConn(p.path, p.texts, false)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return &readConn{c, sql.NewReader(c, p.era)}, nil
}

// give takes a connection back; one that is not ok is closed.
func (p *readers) give(r *readConn, ok bool) {
	if ok {
		p.mu.Lock()
		p.idle = append(p.idle, r)
		p.mu.Unlock()
	} else {
		r.conn.Close()
	}
	<-p.slots
}

func (p *readers) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, r := range p.idle {
		errs = append(errs, r.conn.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

// usage remembers the counters of accounts for Usage.
type usage struct {
	mu    sync.RWMutex
	boxes map[mail.AccountID]store.Box
	age   atomic.Int64 // grows when all is forgotten
}

func (u *usage) get(a mail.AccountID) (store.Box, bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	box, ok := u.boxes[a]
	return box, ok
}

// keep takes in what a commit changed.
func (u *usage) keep(grown []sql.Grown) {
	if len(grown) == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.boxes == nil || len(u.boxes) > usageEntries {
		u.boxes = make(map[mail.AccountID]store.Box)
		u.age.Add(1)
	}
	for _, g := range grown {
		u.boxes[g.Account] = g.Box
	}
}

// add takes in what was read at an age, unless a commit was faster.
func (u *usage) add(a mail.AccountID, box store.Box, age int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.boxes[a]; known || u.age.Load() != age {
		return
	}
	if u.boxes == nil {
		u.boxes = make(map[mail.AccountID]store.Box)
	}
	u.boxes[a] = box
}

// forget forgets all counters: somebody repaired them.
func (u *usage) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.boxes = nil
	u.age.Add(1)
}
