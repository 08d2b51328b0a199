package cluster

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/memory"
	"tegami/store/internal/sql"
)

// Store fulfils store.Store over PostgreSQL.
type Store struct {
	config   Config
	ids      *mail.IDSource
	readers  *pool
	writers  *pool
	memory   *memory.Pool
	hub      *hub
	tallies  *tallies
	platform *tenant
	tenants  sync.Map // mail.TenantID → *tenant
	context  context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup // what polls, and updates
	mu       sync.Mutex
	closed   bool
}

// Open connects to the cluster, bringing the schema to this program's version where it may.
func Open(ctx context.Context, config Config) (*Store, error) {
	const op mail.Op = "cluster.Open"
	config = config.withDefaults()
	db, err := pgconn.ParseConfig(config.DSN)
	if err != nil {
		return nil, mail.Because(op, mail.Invalid, "storage.config", err)
	}
	// Every query goes by a key: planning it again for each value would cost more than running it.
	db.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	// What is acknowledged is on disk, whatever the server's or the role's default. A DSN may ask for more.
	if mode := db.RuntimeParams["synchronous_commit"]; mode != "remote_apply" {
		db.RuntimeParams["synchronous_commit"] = "on"
	}
	if config.Objects == nil {
		return nil, mail.E(op, mail.Invalid, "storage.config")
	}
	if config.OwnerDSN != "" {
		if err := migrate(ctx, config.OwnerDSN, db.User); err != nil {
			return nil, mail.Wrap(op, err)
		}
	}
	queries := sql.Texts(sql.Postgres())
	s := &Store{
		config: config, ids: &mail.IDSource{Node: config.Node}, memory: memory.New(config.MemoryLimit),
		readers: newPool(db, queries, config.Readers), writers: newPool(db, queries, config.Writers),
	}
	s.context, s.stop = context.WithCancel(context.Background())
	s.platform = newTenant(s, platform)
	s.hub, s.tallies = newHub(), newTallies(s)
	for _, right := range []func(context.Context) error{s.rightVersion, s.rightRole} {
		if err := right(ctx); err != nil {
			s.readers.close()
			return nil, err
		}
	}
	s.start()
	return s, nil
}

// start begins to listen and to poll.
func (s *Store) start() {
	if s.config.Bus != nil {
		s.running.Go(func() { s.config.Bus.Subscribe(s.context, s.tell) })
	}
	s.running.Go(s.poll)
	s.running.Go(s.sweeper)
}

// poll finds what the bus did not tell, and writes the counters of Tally.
func (s *Store) poll() {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.context.Done():
			return
		case <-tick.C:
		}
		for name, fn := range map[string]func(context.Context) error{
			"epochs": s.pollEpochs, "watches": s.pollWatches, "tallies": s.tallies.flush,
		} {
			if err := fn(s.context); err != nil && s.context.Err() == nil {
				s.config.Log.Warn("the cluster's store could not poll", "what", name, "error", err)
			}
		}
	}
}

// Tenant gives the handle of a tenant.
func (s *Store) Tenant(id mail.TenantID) store.Tenant { return s.tenant(id) }

func (s *Store) tenant(id mail.TenantID) *tenant {
	if t, ok := s.tenants.Load(id); ok {
		return t.(*tenant)
	}
	t, _ := s.tenants.LoadOrStore(id, newTenant(s, id))
	return t.(*tenant)
}

// Platform gives the state that belongs to no tenant.
func (s *Store) Platform() store.Tenant { return s.platform }

// ask runs one statement of this package in a transaction of its own.
func (s *Store) ask(ctx context.Context, st statement, fn func(sql.Row) bool, values ...sql.Value) error {
	c, err := s.readers.get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	return c.ask(st, fn, values...)
}

// CreateTenant makes an empty tenant.
func (s *Store) CreateTenant(ctx context.Context, id mail.TenantID) error {
	const op mail.Op = "store.CreateTenant"
	if id <= 0 {
		return mail.E(op, mail.Invalid, "tenant.id")
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return mail.Because(op, mail.Unavailable, "storage.failed", err)
	}
	c, err := s.writers.get(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	defer s.writers.put(c)
	c.begin(stBegin, id)
	made := false
	err = c.ask(stInsertTenant, func(sql.Row) bool { made = true; return false }, integer(int64(id)), integer(time.Now().UnixMilli()))
	if err == nil && !made {
		err = mail.E(op, mail.Conflict, "tenant.exists")
	}
	tx := sql.NewTx(c, sql.NewCache(id), s.ids, nil)
	if err == nil {
		tx.Start(time.Now())
		err = tx.PutMeta(metaKey, 1, key)
	}
	if err != nil {
		_ = c.abandon() // err says what is to be said
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, c.end())
}

// Tenants lists the tenants that exist, ascending.
func (s *Store) Tenants(ctx context.Context) (list []mail.TenantID, err error) {
	err = s.ask(ctx, stTenants, func(r sql.Row) bool { list = append(list, mail.TenantID(r.Int(0))); return true })
	return list, mail.Wrap("store.Tenants", err)
}

// enter counts an update that must end before Close does.
func (s *Store) enter(op mail.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return mail.E(op, mail.Unavailable, "storage.closed")
	}
	s.running.Add(1)
	return nil
}

// Close waits for running updates and releases everything.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), updateTimeout)
	defer cancel()
	err := s.tallies.flush(ctx)
	s.hub.close()
	s.writers.close()
	s.readers.close()
	return mail.Wrap("store.Close", err)
}
