package cluster

import (
	"context"
	"errors"

	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tegami/mail"
	"tegami/store"
	"tegami/store/storetest"
)

// patience is how long a test waits for what must come at some time.
const patience = 20 * time.Second

const company mail.TenantID = 7

// pair is two processes of one cluster.
type pair struct {
	testing.TB
	ctx context.Context
	a   *Store
	b   *Store
}

func newPair(t *testing.T, stand stand, bus Bus) *pair {
	config := stand.config(t)
	config.Bus = bus
	p := &pair{TB: t, ctx: t.Context(), a: open(t, config)}
	config.Node = 1
	p.b = open(t, config)
	p.ok(p.a.CreateTenant(p.ctx, company))
	return p
}

func (p *pair) ok(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *pair) eventually(what string, cond func() bool) {
	p.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("%s did not come true", what)
		}
	}
}

func update(s *Store, fn func(store.Tx) error) error {
	return s.Tenant(company).Update(context.Background(), storetest.Actor(), "cluster.Test", fn)
}

// mailbox makes a mailbox in an account.
func (p *pair) mailbox(a mail.AccountID) (m store.Mailbox) {
	p.Helper()
	p.ok(update(p.a, func(tx store.Tx) (err error) {
		m, err = tx.CreateMailbox(store.Mailbox{Account: a, Name: "INBOX"})
		return err
	}))
	return m
}

// deliver puts a text into mailboxes in one transaction.
func deliver(s *Store, text string, to ...mail.MailboxID) error {
	ctx := context.Background()
	staged, err := s.Tenant(company).Blobs().Stage(ctx, 0)
	if err != nil {
		return err
	}
	defer staged.Release()
	if _, err := io.WriteString(staged, text); err != nil {
		return err
	}
	if err := staged.Seal(ctx); err != nil {
		return err
	}
	return update(s, func(tx store.Tx) error {
		ref, err := tx.Keep(staged, nil)
		if err != nil {
			return err
		}
		for _, m := range to {
			if _, err := tx.AddMessage(store.NewMessage{Mailbox: m, Blob: ref, Received: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *pair) sound() {
	p.Helper()
	p.ok(p.a.Check(p.ctx, false, func(f store.Finding) {
		if !f.Garbage {
			p.Errorf("Check: %+v", f)
		}
	}))
}

// each runs fn in n goroutines on each of the two stores.
func (p *pair) each(n int, fn func(s *Store, i int) error) {
	p.Helper()
	errs := make(chan error, 2*n)
	for i := range n {
		for _, s := range []*Store{p.a, p.b} {
			go func() { errs <- fn(s, i) }()
		}
	}
	for range 2 * n {
		if err := <-errs; err != nil {
			p.Error(err)
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	stand := newStand(t)
	for name, test := range map[string]func(p *pair){
		"Writers":        testWriters,
		"OppositeOrders": testOppositeOrders,
		"OneName":        testOneName,
		"Limit":          testLimit,
		"Counter":        testCounter,
		"Claims":         testClaims,
		"Item":           testItem,
		"Lead":           testLead,
		"Epoch":          testEpoch,
		"Tally":          testTally,
		"Texts":          testTexts,
		"Memos":          testMemos,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, stand, nil)
			test(p)
			p.sound()
		})
	}
	t.Run("WatchByPolling", func(t *testing.T) { testWatch(newPair(t, stand, nil)) })
	t.Run("WatchByBus", func(t *testing.T) { testWatch(newPair(t, stand, &LocalBus{})) })
}

// testWriters: both write to one mailbox; each message counts once and has a UID of its own.
func testWriters(p *pair) {
	m := p.mailbox(1)
	p.each(10, func(s *Store, _ int) error {
		for range 10 {
			if err := deliver(s, "12345", m.ID); err != nil {
				return err
			}
		}
		return nil
	})
	p.ok(p.b.Tenant(company).View(p.ctx, func(r store.Reader) error {
		got, err := r.Mailbox(m.ID)
		if got.Messages != 200 || got.Size != 1000 || got.UIDNext != m.UIDNext+200 {
			p.Errorf("200 messages make %+v", got)
		}
		return err
	}))
}

// testOppositeOrders: transactions that hold the same accounts in opposite orders come to an end, all of them.
func testOppositeOrders(p *pair) {
	one, two := p.mailbox(1), p.mailbox(2)
	p.each(10, func(s *Store, i int) error {
		for range 5 {
			to := []mail.MailboxID{one.ID, two.ID}
			if s == p.b {
				to[0], to[1] = to[1], to[0]
			}
			if err := deliver(s, "x", to...); err != nil {
				return fmt.Errorf("caller %d: %w", i, err)
			}
		}
		return nil
	})
}

// testLimit: who counts before he adds sees all that others added, so nobody passes a limit (ML-1).
func testLimit(p *pair) {
	const most = 5
	all := store.Key{Name: "things", Value: "all"}
	errFull := errors.New("full")
	p.each(10, func(s *Store, _ int) error {
		err := update(s, func(tx store.Tx) error {
			n, err := tx.CountMarked("thing", all)
			if err == nil && n >= most {
				err = errFull
			}
			if err != nil {
				return err
			}
			_, err = tx.PutObject(store.Object{Kind: "thing", ID: mail.ObjectID(tx.NextID()), Marks: []store.Key{all}})
			return err
		})
		if errors.Is(err, errFull) {
			return nil
		}
		return err
	})
	p.ok(p.a.Tenant(company).View(p.ctx, func(r store.Reader) error {
		n, err := r.CountMarked("thing", all)
		if n != most {
			p.Errorf("%d things, want %d", n, most)
		}
		return err
	}))
}

// testCounter: who reads an object and writes it back is not told that it changed meanwhile, and loses nobody's change.
func testCounter(p *pair) {
	p.ok(update(p.a, func(tx store.Tx) error {
		_, err := tx.PutObject(store.Object{Kind: "counter", ID: 1, Doc: []byte("0")})
		return err
	}))
	p.each(10, func(s *Store, _ int) error {
		return update(s, func(tx store.Tx) error {
			o, err := tx.Object("counter", 1)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(o.Doc))
			if err != nil {
				return err
			}
			o.Doc = []byte(strconv.Itoa(n + 1))
			_, err = tx.PutObject(o)
			return err
		})
	})
	p.ok(p.a.Tenant(company).View(p.ctx, func(r store.Reader) error {
		o, err := r.Object("counter", 1)
		if string(o.Doc) != "20" {
			p.Errorf("counted to %s", o.Doc)
		}
		return err
	}))
}

// testOneName: of all who want one name, one gets it, and the others hear Conflict.
func testOneName(p *pair) {
	var won atomic.Int64
	p.each(10, func(s *Store, _ int) error {
		err := update(s, func(tx store.Tx) error {
			_, err := tx.PutObject(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{{Name: "address", Value: "a@b"}}})
			return err
		})
		if err == nil {
			won.Add(1)
			return nil
		}
		if !mail.Is(err, mail.Conflict) {
			return err
		}
		return nil
	})
	if won.Load() != 1 {
		p.Errorf("%d got the name", won.Load())
	}
}

func testClaims(p *pair) {
	const items = 100
	p.ok(update(p.a, func(tx store.Tx) error {
		for range items {
			if err := tx.PutItem(store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemWaiting, Due: time.Now().Add(-time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	}))
	claimed := make(chan mail.ItemID, 2*items)
	p.each(3, func(s *Store, _ int) error {
		for empty := 0; empty < 5; {
			list, err := s.Claim(p.ctx, "worker", 7, time.Hour)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				empty++
			}
			for _, c := range list {
				claimed <- c.Item.ID
			}
		}
		return nil
	})
	rest, err := p.a.Claim(p.ctx, "worker", items, time.Hour)
	p.ok(err)
	for _, c := range rest {
		claimed <- c.Item.ID
	}
	close(claimed)
	seen := map[mail.ItemID]bool{}
	for id := range claimed {
		if seen[id] {
			p.Errorf("item %v was given to two", id)
		}
		seen[id] = true
	}
	if len(seen) != items {
		p.Errorf("%d of %d items were claimed", len(seen), items)
	}
}

func testLead(p *pair) {
	ctx, cancel := context.WithCancel(p.ctx)
	_, first, err := p.a.Lead(ctx, "sweep")
	p.ok(err)
	short, end := context.WithTimeout(p.ctx, 100*time.Millisecond)
	defer end()
	if _, _, err := p.b.Lead(short, "sweep"); !mail.Is(err, mail.Busy) {
		p.Errorf("both lead: %v", err)
	}
	cancel()
	held, second, err := p.b.Lead(p.ctx, "sweep")
	p.ok(err)
	if second <= first || held.Err() != nil {
		p.Errorf("fence %d after %d, %v", second, first, held.Err())
	}
}

func testEpoch(p *pair) {
	before := p.b.Tenant(company).Epoch()
	p.ok(p.b.Tenant(company).View(p.ctx, func(store.Reader) error { return nil }))
	p.ok(update(p.a, func(tx store.Tx) error {
		_, err := tx.PutObject(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID())})
		return err
	}))
	p.eventually("the other process's epoch grows", func() bool {
		return p.b.Tenant(company).Epoch() > before && p.b.Tenant(company).Epoch() >= p.a.Tenant(company).Epoch()
	})
}

func testTally(p *pair) {
	for _, s := range []*Store{p.a, p.b} {
		for range 5 {
			_, err := s.Tally(p.ctx, "signin", 2, time.Hour)
			p.ok(err)
		}
	}
	for _, s := range []*Store{p.a, p.b} {
		p.eventually("the sum of both", func() bool {
			n, err := s.Tally(p.ctx, "signin", 0, time.Hour)
			p.ok(err)
			return n == 20
		})
	}
}

func testWatch(p *pair) {
	m := p.mailbox(1)
	ch := p.b.Tenant(company).Watch(p.ctx, 1)
	_, err := p.b.Tenant(company).Usage(p.ctx, 1)
	p.ok(err)
	p.ok(deliver(p.a, "x", m.ID))
	timeout := time.After(patience)
	for {
		select {
		case n := <-ch:
			box, err := p.b.Tenant(company).Usage(p.ctx, 1)
			p.ok(err)
			if box.ModSeq < n {
				p.Errorf("told of %d, and Usage still says %d", n, box.ModSeq)
			}
			if n > m.ModSeq {
				return
			}
		case <-timeout:
			p.Fatal("the other process's change was never told")
		}
	}
}

// testMemos: of all who remember a name unless it is remembered, one does.
func testMemos(p *pair) {
	p.mailbox(1)
	for round := range 5 {
		name := fmt.Sprint("answered ", round)
		var won atomic.Int64
		p.each(5, func(s *Store, _ int) error {
			first := false
			err := update(s, func(tx store.Tx) error {
				until, err := tx.Memo(1, name)
				if first = until.IsZero(); err != nil || !first {
					return err
				}
				return tx.PutMemo(1, name, time.Now().Add(time.Hour))
			})
			if err == nil && first {
				won.Add(1)
			}
			return err
		})
		if won.Load() != 1 {
			p.Errorf("%d were the first to remember", won.Load())
		}
	}
}

// testTexts: an index that one process adds to while the other trims it stays whole.
func testTexts(p *pair) {
	const messages = 200
	texts := func(s *Store) store.Texts { return s.Tenant(company).Texts() }
	done := make(chan error, 1)
	go func() {
		for uid := mail.UID(1); uid <= messages; uid++ {
			doc := store.TextDoc{UID: uid, Grams: []store.Gram{7}}
			if err := texts(p.a).Add(p.ctx, 1, store.TextPortion{Mailbox: 2, After: uid - 1, Upto: uid, Docs: []store.TextDoc{doc}}); err != nil {
				done <- fmt.Errorf("UID %d: %w", uid, err)
				return
			}
		}
		done <- nil
	}()
	for ended := false; !ended; {
		cursors, err := texts(p.b).Cursors(p.ctx, 1)
		p.ok(err)
		odd := func(yield func(mail.UID) bool) {
			for uid := mail.UID(1); uid <= cursors[2].Upto && yield(uid); uid += 2 {
			}
		}
		p.ok(texts(p.b).Trim(p.ctx, 1, 2, cursors[2].Upto, odd))
		select {
		case err := <-done:
			p.ok(err)
			ended = true
		default:
		}
	}
	found, upto, err := texts(p.b).Find(p.ctx, 1, 2, []store.Gram{7})
	p.ok(err)
	for uid := mail.UID(1); uid <= messages; uid += 2 {
		if !slices.Contains(found, uid) {
			p.Errorf("UID %d is not found", uid)
		}
	}
	if upto != messages {
		p.Errorf("indexed up to %d", upto)
	}
}

// TestRowLevelSecurity tries, as the role the store works as, what no query of the store does.
func TestRowLevelSecurity(t *testing.T) {
	stand := newStand(t)
	p := newPair(t, stand, nil)
	p.ok(p.a.CreateTenant(p.ctx, company+1))
	p.mailbox(1)
	db, err := pgx.Connect(p.ctx, p.a.config.DSN)
	p.ok(err)
	defer db.Close(p.ctx)

	rows, err := db.Query(p.ctx, `SELECT c.relname, c.relrowsecurity, count(pol.oid) FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
		LEFT JOIN pg_policy pol ON pol.polrelid = c.oid
		WHERE c.relkind = 'r' GROUP BY 1, 2`)
	p.ok(err)
	tables := 0
	for rows.Next() {
		var name string
		var secured bool
		var policies int
		p.ok(rows.Scan(&name, &secured, &policies))
		if tables++; !secured || policies != 1 {
			t.Errorf("table %s: row security %v, %d policies", name, secured, policies)
		}
	}
	p.ok(rows.Err())
	if tables < 12 {
		t.Errorf("only %d tables have a tenant", tables)
	}

	count := func(setting, query string) (n int, err error) {
		err = pgx.BeginFunc(p.ctx, db, func(tx pgx.Tx) error {
			if setting != "" {
				if _, err := tx.Exec(p.ctx, "SELECT set_config('tegami.tenant', $1, true)", setting); err != nil {
					return err
				}
			}
			return tx.QueryRow(p.ctx, query).Scan(&n)
		})
		return n, err
	}
	if n, err := count("7", "SELECT count(*) FROM mailbox"); n != 1 || err != nil {
		t.Errorf("its own tenant sees %d mailboxes, %v", n, err)
	}
	if n, err := count("8", "SELECT count(*) FROM mailbox"); n != 0 || err != nil {
		t.Errorf("another tenant sees %d mailboxes, %v", n, err)
	}
	if _, err := count("", "SELECT count(*) FROM mailbox"); err == nil {
		t.Error("mailboxes can be read without naming a tenant")
	}
	for _, attack := range []string{
		"INSERT INTO meta (tenant, name, num) VALUES (7, 'x', 1) RETURNING 1",
		"UPDATE mailbox SET tenant = 7 WHERE tenant = 8 RETURNING 1",
		"ALTER TABLE mailbox DISABLE ROW LEVEL SECURITY",
	} {
		if n, err := count("8", attack); err == nil {
			t.Errorf("%s: %d", attack, n)
		}
	}
}

// TestConnectionsLost: connections that broke while idle are replaced; what breaks in the middle is refused, and nothing is half done.
func TestConnectionsLost(t *testing.T) {
	stand := newStand(t)
	p := newPair(t, stand, nil)
	m := p.mailbox(1)
	owner, err := pgx.Connect(p.ctx, strings.Replace(p.a.config.OwnerDSN, "user=tegami_owner", "user=postgres", 1))
	p.ok(err)
	defer owner.Close(p.ctx)
	kill := func() {
		_, err := owner.Exec(p.ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tegami'")
		p.ok(err)
	}
	kill()
	p.eventually("a delivery on new connections", func() bool { return deliver(p.a, "x", m.ID) == nil })

	var done atomic.Int64
	done.Store(1)
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 5 {
			time.Sleep(20 * time.Millisecond)
			kill()
		}
		close(stop)
	}()
	doubts := atomic.Int64{}
	p.each(4, func(s *Store, _ int) error {
		for {
			select {
			case <-stop:
				return nil
			default:
			}
			err := deliver(s, "x", m.ID)
			switch {
			case err == nil:
				done.Add(1)
			case mail.Is(err, mail.Unavailable):
				doubts.Add(1)
			default:
				return err
			}
		}
	})
	<-ended
	p.eventually("the count", func() bool {
		var n int64
		err := p.a.Tenant(company).View(p.ctx, func(r store.Reader) error {
			got, err := r.Mailbox(m.ID)
			n = int64(got.Messages)
			return err
		})
		if n < done.Load() || n > done.Load()+doubts.Load() {
			p.Errorf("%d messages, %d acknowledged, %d in doubt", n, done.Load(), doubts.Load())
		}
		return err == nil
	})
	p.eventually("a sound store", func() bool {
		err := p.a.Check(p.ctx, false, func(f store.Finding) {
			if !f.Garbage {
				p.Errorf("Check: %+v", f)
			}
		})
		return err == nil || !mail.Is(err, mail.Unavailable)
	})
}

func TestOpenRefuses(t *testing.T) {
	stand := newStand(t)
	ctx := t.Context()
	good := stand.config(t)
	for name, c := range map[string]struct {
		change func(*Config)
		kind   mail.Kind
	}{
		"no objects":   {func(c *Config) { c.Objects = nil }, mail.Invalid},
		"bad string":   {func(c *Config) { c.DSN = "://" }, mail.Invalid},
		"nobody there": {func(c *Config) { c.DSN, c.OwnerDSN = "host=/nowhere user=x dbname=x", "" }, mail.Unavailable},
		"no schema": {func(c *Config) {
			db := stand.server.Database(t)
			c.DSN, c.OwnerDSN = db.App, ""
		}, mail.Unavailable},
		"the owner":   {func(c *Config) { c.DSN = c.OwnerDSN }, mail.Invalid},
		"a superuser": {func(c *Config) { c.DSN = strings.Replace(c.DSN, "user=tegami", "user=postgres", 1) }, mail.Invalid},
	} {
		config := good
		c.change(&config)
		s, err := Open(ctx, config)
		if !mail.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
		if err == nil {
			t.Error(s.Close())
		}
	}
}

// TestOpenTogether: processes that start at once on an empty database make the schema once.
func TestOpenTogether(t *testing.T) {
	server := newStand(t).server
	db := server.Database(t)
	config := Config{DSN: db.App, OwnerDSN: db.Owner, Objects: Folder{t.TempDir()}}
	errs := make(chan error, 5)
	for range 5 {
		go func() {
			s, err := Open(context.Background(), config)
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range 5 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestOtherVersionsAreRefused: without the owner's role a schema of another version is an error, in either direction.
func TestOtherVersionsAreRefused(t *testing.T) {
	stand := newStand(t)
	for _, version := range []int{0, 99} {
		config := stand.config(t)
		db, err := pgx.Connect(t.Context(), config.OwnerDSN)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), "UPDATE migration SET version = $1", version); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		config.OwnerDSN = ""
		if _, err := Open(t.Context(), config); !mail.Is(err, mail.Unavailable) {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// testItem: an item that was read to be changed is carried by nobody else meanwhile, or the change would bring back what was settled.
func testItem(p *pair) {
	var id mail.ItemID
	p.ok(update(p.a, func(tx store.Tx) error {
		id = mail.ItemID(tx.NextID())
		return tx.PutItem(store.Item{ID: id, State: store.ItemWaiting, Due: time.Now().Add(-time.Minute), Route: "local"})
	}))
	p.ok(update(p.a, func(tx store.Tx) error {
		it, err := tx.Item(id)
		if err != nil {
			return err
		}
		list, err := p.b.Claim(p.ctx, "b", 10, time.Minute)
		if err != nil || len(list) > 0 {
			p.Errorf("claimed beside a change: %v, %v", list, err)
		}
		it.Doc = []byte("changed")
		return tx.PutItem(it)
	}))
	list, err := p.b.Claim(p.ctx, "b", 10, time.Minute)
	if err != nil || len(list) != 1 || string(list[0].Item.Doc) != "changed" {
		p.Errorf("claimed afterwards: %v, %v", list, err)
	}
}
