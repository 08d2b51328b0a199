package embedded

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// TestOneProcess: a folder has one store.
func TestOneProcess(t *testing.T) {
	s := openTest(t, Options{})
	_, err := Open(s.dir, Options{})
	if key, _ := mail.TextOf(err); key != "storage.in_use" || !mail.Is(err, mail.Unavailable) {
		t.Errorf("the second Open gives %v", err)
	}
}

// TestManyTenants: files of tenants nobody uses are closed, and opened again when needed.
func TestManyTenants(t *testing.T) {
	const tenants, limit = 40, 5
	s := openTest(t, Options{OpenTenants: limit})
	var boxes [tenants][]mail.MailboxID
	for i := range boxes {
		_, boxes[i] = inboxes(t, s, mail.TenantID(i+1), 1)
	}
	for deadline := time.Now().Add(10 * time.Second); s.Stats().Open > limit+1 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := s.Stats().Open; n > limit+1 { // and one for the janitor being late
		t.Errorf("%d tenants are open, want at most %d", n, limit)
	}
	for i := range boxes {
		if err := put(s.Tenant(mail.TenantID(i+1)), boxes[i][0], "hello", nothing); err != nil {
			t.Fatal(err)
		}
	}
	s.tidy(context.Background(), time.Now().Add(time.Hour))
	if n := s.Stats().Open; n != 1 {
		t.Errorf("an hour later %d tenants are open, want only the platform", n)
	}
	for i := range boxes {
		if n := subjects(t, s.Tenant(mail.TenantID(i+1)), boxes[i][0])["hello"]; n != 1 {
			t.Errorf("tenant %d has %d messages", i+1, n)
		}
	}
}

// TestUnfinishedTenant: what a crash left of a tenant being made is not a tenant.
func TestUnfinishedTenant(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(s.tenantsDir(), unfinished+mail.TenantID(7).String())
	if err := os.Mkdir(half, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openDir(t, dir, Options{})
	if list, err := s.Tenants(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("tenants %v, %v", list, err)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", half, err)
	}
	if err := s.CreateTenant(context.Background(), 7); err != nil {
		t.Error(err)
	}
}

// TestStagedPieces: octets in any number of writes and with anything put before them come back as they were.
func TestStagedPieces(t *testing.T) {
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	ctx := context.Background()
	for _, c := range []struct{ body, step, prepend, times int }{
		{0, 1, 0, 0}, {1, 1, 1, 1}, {5000, 5000, 300, 2}, {6144, 1000, 0, 0}, {6145, 6145, 2016, 1},
		{6000, 700, 2017, 1}, {70000, 999, 5000, 3}, {72 << 10, 72 << 10, 10, 1}, {300 << 10, 4096, 1000, 1},
		{300 << 10, 300 << 10, 3000, 2}, {2 << 20, 100000, 100, 1}, {0, 1, 200 << 10, 1},
	} {
		want := bytes.Repeat([]byte("0123456789abcdef!"), c.body/17+1)[:c.body]
		front := bytes.Repeat([]byte("Header: x\r\n"), c.prepend/11+1)[:c.prepend]
		st, err := tenant.Blobs().Stage(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		for rest := want; len(rest) > 0; rest = rest[min(c.step, len(rest)):] {
			if _, err := st.Write(rest[:min(c.step, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		for range c.times {
			st.Prepend(front)
			want = append(bytes.Clone(front), want...)
		}
		if got := bytes.Join(st.Chunks(), nil); !bytes.Equal(got, want) || st.Size() != int64(len(want)) {
			t.Errorf("%+v: staged %d octets are not the %d written", c, len(got), len(want))
		}
		var ref mail.BlobRef
		if err := st.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		err = tenant.Update(ctx, actor(), "test", func(tx store.Tx) (err error) {
			if ref, err = tx.Keep(st, nil); err != nil {
				return err
			}
			_, err = tx.AddMessage(store.NewMessage{Mailbox: boxes[0], Blob: ref})
			return err
		})
		st.Release()
		if err != nil {
			t.Fatal(err)
		}
		if got := octets(t, tenant, ref); !bytes.Equal(got, want) {
			t.Errorf("%+v: %d octets came back, and not as they were", c, len(got))
		}
	}
	if !s.memory.Unused(s.options.StageMemory) {
		t.Error("not all memory was given back")
	}
	clean(t, s)
}

// TestStageMemory: when all memory is taken, a staging waits as long as its context and is told Busy; it goes on when
// some is given back.
func TestStageMemory(t *testing.T) {
	s := openTest(t, Options{StageMemory: 16 << 10})
	tenant, _ := inboxes(t, s, 1, 1)
	ctx := context.Background()
	stage := func(ctx context.Context) (store.Staged, error) { return tenant.Blobs().Stage(ctx, 100) }
	first, err := stage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second, err := stage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = stage(short)
	if key, _ := mail.TextOf(err); key != "storage.busy" || !mail.Is(err, mail.Busy) {
		t.Errorf("the third staging got %v", err)
	}
	go first.Release()
	third, err := stage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	third.Release()
	second.Release()
}

// TestSweep: octets nothing refers to go, mostly dead packs are emptied, and what is alive stays readable, also for who is
// reading it.
func TestSweep(t *testing.T) {
	s := openTest(t, Options{PackSize: 500 << 10, BigSize: 2 << 20, BlobGrace: time.Nanosecond})
	tenant, boxes := inboxes(t, s, 1, 1)
	ctx := context.Background()
	kept := make(map[string]int)
	for i := range 80 {
		text := fmt.Sprintf("%0*d", []int{30 << 10, 200 << 10}[i%2], i)
		if err := put(tenant, boxes[0], text, nothing); err != nil {
			t.Fatal(err)
		}
		if i%10 < 2 {
			kept[text] = 1
		}
	}
	var last mail.BlobRef
	err := tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
		for uid := mail.UID(1); uid <= 80; uid++ {
			if (uid-1)%10 < 2 {
				continue
			}
			if err := tx.Expunge(boxes[0], uid); err != nil {
				return err
			}
		}
		return tx.Messages(boxes[0], 1, 80, 0, func(m *store.Message) bool { last = m.Blob; return false })
	})
	if err != nil {
		t.Fatal(err)
	}
	reading, err := tenant.Blobs().Open(ctx, last)
	if err != nil {
		t.Fatal(err)
	}
	places := places(t, tenant, boxes[0])
	before := diskUse(t, s.dir)
	time.Sleep(2 * time.Millisecond) // the grace
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if now := diskUse(t, s.dir); now > before/2 {
		t.Errorf("packs hold %d octets after the sweep, %d before", now, before)
	}
	if found := subjects(t, tenant, boxes[0]); fmt.Sprint(found) != fmt.Sprint(kept) {
		t.Errorf("%d messages are there, want %d", len(found), len(kept))
	}
	var all bytes.Buffer
	if _, err := reading.WriteRange(&all, 0, reading.Size()); err != nil || kept[all.String()] != 1 {
		t.Errorf("who was reading got %d octets and %v", all.Len(), err)
	}
	reading.Close()
	for _, m := range places {
		b, err := tenant.Blobs().OpenAt(ctx, m.Blob, m.Place)
		if err != nil {
			t.Fatalf("by a place from before the sweep: %v", err)
		}
		all.Reset()
		if _, err := b.WriteRange(&all, 0, b.Size()); err != nil || kept[all.String()] != 1 {
			t.Errorf("by a place from before the sweep: %d octets and %v", all.Len(), err)
		}
		b.Close()
	}
	clean(t, s)
}

// places reads the messages of a mailbox whose octets are in packs, with their places.
func places(t *testing.T, tenant store.Tenant, m mail.MailboxID) (list []store.Message) {
	t.Helper()
	err := tenant.View(t.Context(), func(r store.Reader) error {
		return r.Messages(m, 1, 1<<32-1, store.WithPlace, func(m *store.Message) bool {
			if m.Place.Pack != 0 {
				list = append(list, *m)
			}
			return true
		})
	})
	if err != nil || len(list) == 0 {
		t.Fatal(len(list), err)
	}
	return list
}

// diskUse gives the size of all packs.
// TestSweepSparesEntries: octets that only an entry has stay until it goes (SF-4).
func TestSweepSparesEntries(t *testing.T) {
	s := openTest(t, Options{BlobGrace: time.Nanosecond})
	tenant, _ := inboxes(t, s, 1, 0)
	ctx := context.Background()
	staged, err := tenant.Blobs().Stage(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer staged.Release()
	staged.Write(make([]byte, 300_000))
	if err := staged.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	var e store.Entry
	err = tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
		blob, err := tx.Keep(staged, nil)
		if err == nil {
			e, err = tx.PutEntry(store.Entry{Account: 5, Kind: "kept", Blob: blob})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	there := func() error {
		time.Sleep(2 * time.Millisecond) // the grace
		if err := s.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		b, err := tenant.Blobs().Open(ctx, e.Blob)
		if err == nil {
			err = b.Close()
		}
		return err
	}
	if err := there(); err != nil {
		t.Errorf("beside its entry: %v", err)
	}
	if err := tenant.Update(ctx, actor(), "test", func(tx store.Tx) error { return tx.DeleteEntry(5, "kept", e.ID) }); err != nil {
		t.Fatal(err)
	}
	if err := there(); !mail.Is(err, mail.NotFound) {
		t.Errorf("behind its entry: %v", err)
	}
}

func diskUse(t *testing.T, dir string) (sum int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "tenants", "*", "packs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		info, err := os.Stat(n)
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// TestCheckFinds: each kind of damage is found, and what can be repaired is.
func TestCheckFinds(t *testing.T) {
	for _, c := range []struct {
		damage, finding string
		repaired        bool
	}{
		{"UPDATE mailbox SET messages = 7, unseen = 0", "mailbox", true},
		{"UPDATE mailbox SET uidnext = 1", "mailbox", true},
		{"UPDATE box SET used = 1", "account", true},
		{"DELETE FROM box", "no counters", true},
		{"DELETE FROM blob", "its octets", false},
		{"DELETE FROM mailbox", "does not exist", false},
		{"UPDATE message SET uid = 1", "UID 1", false},
		{"UPDATE item SET blob = 5, state = 2", "queue item", false},
		{"UPDATE mailbox SET parent = 99", "its parent", false},
		{"UPDATE blob SET hash = x'00'", "hash differs", false},
		{"UPDATE message SET hash = x'00'", "its octets", false},
		{"UPDATE body SET octets = octets || x'00'", "octets of", false},
		{"DELETE FROM body", "0 octets of", false},
		{"INSERT INTO body VALUES (9, x'00')", "no description", true},
		{"UPDATE blob SET size = size - 1", "size", false},
		{"UPDATE blob SET off = off + 1 WHERE pack <> 0", "header", false},
		{"DELETE FROM object_key", "not found by its key", true},
		{"DELETE FROM object_mark", "not found by its mark", true},
		{"DELETE FROM object", "belongs to", true},
		{"UPDATE object SET id = id + 9", "belongs to", true},
		{"DELETE FROM act WHERE seq = 1", "operation log", false},
		{"UPDATE meta SET num = 9 WHERE name = 'acts'", "operation log ends", false},
		{"DELETE FROM act WHERE seq = (SELECT max(seq) FROM act)", "operation log ends", false},
		{"UPDATE act SET actor = 'somebody else' WHERE seq = 1", "not as it was written: line 1", false},
		{"UPDATE act SET hash = x'00' WHERE seq = 1", "not as it was written: line 1", false},
		{"INSERT INTO blob (id, size, hash, pack, off) VALUES (5, 0, x'', 0, 0)", "nothing refers", false},
		{"INSERT INTO entry SELECT account, 'kept', 9, 0, '', 1, 1, 0, x'', 1, 99, 1, x'00' FROM box LIMIT 1", "entry 000000000000j: its octets", false},
		{"INSERT INTO entry VALUES (77, 'card', 9, 0, '', 1, 1, 0, x'', 0, 0, 0, NULL)", "does not count as far", false},
	} {
		s := openTest(t, Options{})
		fill(t, s)
		v, err := s.lookup(1).acquire()
		if err != nil {
			t.Fatal(err)
		}
		err = v.committer.exclusive(func() error { return v.writer.script(c.damage) })
		v.tenant.release()
		if err != nil {
			t.Fatal(err)
		}
		found := findings(t, s, false)
		if !strings.Contains(found, c.finding) {
			t.Errorf("after %s Check found only: %s", c.damage, found)
		}
		findings(t, s, true)
		if left := findings(t, s, false); c.repaired && left != "" {
			t.Errorf("after %s and a repair there is left: %s", c.damage, left)
		}
	}
}

// fill gives tenant 1 something of everything.
func fill(t *testing.T, s *Store) {
	t.Helper()
	tenant, boxes := inboxes(t, s, 1, 2)
	for i := range 4 {
		body := bytes.Repeat([]byte{byte(i)}, []int{100, 50 << 10}[i%2])
		if err := deliver(context.Background(), tenant, body, boxes...); err != nil {
			t.Fatal(err)
		}
	}
	err := tenant.Update(context.Background(), actor(), "test", func(tx store.Tx) error {
		for n := range 2 {
			_, err := tx.PutObject(store.Object{Kind: "account", ID: mail.ObjectID(n + 1), Doc: []byte("{}"),
				Unique: []store.Key{{Name: "address", Value: fmt.Sprint(n)}}, Marks: []store.Key{{Name: "domain", Value: "x"}}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func findings(t *testing.T, s *Store, repair bool) string {
	t.Helper()
	var all []string
	err := s.Check(context.Background(), repair, func(f store.Finding) { all = append(all, f.What) })
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "; ")
}

// TestCheckPacks: octets damaged on disk are found, packs of nobody removed by a repair.
func TestCheckPacks(t *testing.T) {
	s := openTest(t, Options{})
	fill(t, s)
	pack := filepath.Join(s.tenantDir(1), "packs", "0001.pack")
	text, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	if found := findings(t, s, false); found != "" {
		t.Fatal(found)
	}
	text[len(text)/4] ^= 1
	if err := os.WriteFile(pack, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if found := findings(t, s, true); !strings.Contains(found, "hash differs") {
		t.Errorf("Check found only: %s", found)
	}
	if err := os.Truncate(pack, 1000); err != nil {
		t.Fatal(err)
	}
	if found := findings(t, s, true); !strings.Contains(found, "octets of") {
		t.Errorf("Check found only: %s", found)
	}
}

func FuzzRecord(f *testing.F) {
	var b [recordHeader]byte
	record{id: 1, size: 2, crc: 3, gap: 4}.write(b[:])
	f.Add(b[:])
	f.Add([]byte(recordMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := readRecord(b)
		if !ok {
			return
		}
		var again [recordHeader]byte
		if r.write(again[:]); !bytes.Equal(again[:], b[:recordHeader]) {
			t.Errorf("%x was read as %+v and written as %x", b, r, again)
		}
	})
}

// TestMigrateFromEachVersion: a database of every earlier version, with data in it, comes to the newest one and
// keeps its promises. When a version is added, oldData gets a case for the one before.
func TestMigrateFromEachVersion(t *testing.T) {
	steps, err := sql.Migrations(sql.SQLite())
	if err != nil {
		t.Fatal(err)
	}
	if len(oldData) != len(steps) {
		t.Fatalf("oldData has data of %d versions, there are %d", len(oldData), len(steps))
	}
	for version := 1; version <= len(steps); version++ {
		s := openTest(t, Options{})
		inboxes(t, s, 1, 0)
		if _, err := s.lookup(1).closeIdle(time.Now()); err != nil {
			t.Fatal(err)
		}
		db := filepath.Join(s.tenantDir(1), "mail.db")
		for _, name := range []string{db, db + "-wal", db + "-shm"} {
			if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		oldDatabase(t, s, db, steps[:version], oldData[version-1])
		if n := subjects(t, s.Tenant(1), 21)["hello"]; n != 1 {
			t.Errorf("version %d: the message is there %d times", version, n)
		}
		if found := findings(t, s, false); found != "" {
			t.Errorf("version %d: Check found %s", version, found)
		}
	}
}

// oldData is, for each version of the schema, data as that version wrote it: one message "hello" in mailbox 21, one object,
// from the second on an item that a process died with, from the third on a memo, from the seventh on an entry,
// and from the tenth on octets in it.
var oldData = [][]string{
	oldBase,
	append(slices.Clone(oldBase), oldItem),
	append(slices.Clone(oldBase), oldItem, oldMemo),
	append(slices.Clone(oldBase), oldItem, oldMemo),
	append(slices.Clone(oldLater), oldItem, oldMemo, "INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
	append(slices.Clone(oldLater), oldItem, oldMemo, "INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
	append(slices.Clone(oldLater), oldItem, oldMemo, oldEntry, "INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
	append(replaced(replaced(oldLater, "1, 1, 0, 5)", "1, 1, 0, 5, 1, 1, 0)"), "x'HASH', 0)", "x'HASH', 0, 2)"), oldItem, oldMemo, oldEntry,
		"INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
	append(replaced(replaced(oldLater, "1, 1, 0, 5)", "1, 1, 0, 5, 1, 1, 0)"), "x'HASH', 0)", "x'HASH', 0, 2, 0)"), oldItem, oldMemo, oldEntry,
		"INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
	append(replaced(replaced(oldLater, "1, 1, 0, 5)", "1, 1, 0, 5, 1, 1, 0)"), "x'HASH', 0)", "x'HASH', 0, 2, 0)"), oldItem, oldMemo, oldKept,
		"INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
	append(replaced(replaced(oldLater, "1, 1, 0, 5)", "1, 1, 0, 5, 1, 1, 0)"), "x'HASH', 0)", "x'HASH', 0, 2, 0)"), oldItem, oldMemo, oldKept, oldCount,
		"INSERT INTO meta VALUES ('acts.anchor', 1, NULL)"),
}

// oldLater is oldBase where the operation log has more columns.
var oldLater = replaced(oldBase, "NULL, '{}')", "NULL, '{}', '', '', '', NULL)")

func replaced(texts []string, old, with string) (list []string) {
	for _, s := range texts {
		list = append(list, strings.ReplaceAll(s, old, with))
	}
	return list
}

const (
	oldItem = "INSERT INTO item VALUES (51, 1, 0, 9e15, 'remote a.example', 41, 3, 9e15, 'worker', 2, 'doc')"
	oldMemo = "INSERT INTO memo VALUES (5, 'seen x', 9e15)"

	oldEntry = "INSERT INTO entry VALUES (5, 'card', 61, 0, 'uid', 1, 1, 0, CAST('{}' AS BLOB))"
	oldCount = "INSERT INTO learned VALUES (1, -7, 1, 2, 3)"
	oldKept  = "INSERT INTO entry VALUES (5, 'card', 61, 0, 'uid', 1, 1, 0, CAST('{}' AS BLOB), 9e9, 41, 5, x'HASH')"
)

var oldBase = []string{
	"INSERT INTO meta VALUES ('key', 1, zeroblob(32)), ('acts', 1, NULL)",
	"INSERT INTO object VALUES ('account', 5, 1, 0, x'000107616464726573730361406200', '{}')",
	"INSERT INTO object_key VALUES ('address', 'a@b', 'account', 5)",
	"INSERT INTO act VALUES (1, 0, 'x', 1, '', 'test', 'account', 5, NULL, '{}')",
	"INSERT INTO box VALUES (5, 2, 5, 1, 7)",
	"INSERT INTO mailbox VALUES (21, 5, 0, 'INBOX', 'inbox', 1, 7, 2, 2, 1, 1, 0, 5)",
	"INSERT INTO message VALUES (31, 5, 21, 1, 0, 2, 2, 0, 0, 5, 41, x'HASH', 0)",
	"INSERT INTO blob VALUES (41, 5, x'HASH', 0, 0, NULL)",
	"INSERT INTO body VALUES (41, CAST('hello' AS BLOB))",
}

func oldDatabase(t *testing.T, s *Store, path string, steps []sql.Migration, data []string) {
	t.Helper()
	c, err := openConn(path, s.texts, true)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range steps {
		if err := (schema{c}).Apply(m); err != nil {
			t.Fatal(err)
		}
	}
	mac := hmac.New(sha256.New, make([]byte, 32))
	mac.Write([]byte("hello"))
	for _, text := range data {
		if err := c.script(strings.ReplaceAll(text, "HASH", fmt.Sprintf("%x", mac.Sum(nil)))); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}

// TestNewerDatabase: a database of a later program is left alone.
func TestNewerDatabase(t *testing.T) {
	s := openTest(t, Options{})
	tenant, _ := inboxes(t, s, 1, 1)
	v, err := s.lookup(1).acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.committer.exclusive(func() error { return v.writer.script("UPDATE migration SET version = 999") }); err != nil {
		t.Fatal(err)
	}
	v.tenant.release()
	if _, err := v.tenant.closeIdle(time.Now()); err != nil {
		t.Fatal(err)
	}
	err = tenant.View(context.Background(), func(store.Reader) error { return nil })
	if key, _ := mail.TextOf(err); key != "storage.newer" {
		t.Errorf("View gives %v", err)
	}
}

// TestIdleWatchersAreCheap: RFC 2177 clients wait by the thousand.
func TestIdleWatchersAreCheap(t *testing.T) {
	s := openTest(t, Options{})
	tenant, _ := inboxes(t, s, 1, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const watchers = 1000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for a := range watchers {
		mine, stop := context.WithCancel(ctx)
		defer stop()
		tenant.Watch(mine, mail.AccountID(a+1))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if size := int64(after.HeapAlloc-before.HeapAlloc) / watchers; size > 1024 {
		t.Errorf("an idle watcher takes %d octets, want at most 1024", size)
	}
}

// TestRest: the WAL of a tenant that is not in use is copied into its database and cut.
func TestRest(t *testing.T) {
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	if err := put(tenant, boxes[0], "hello", nothing); err != nil {
		t.Fatal(err)
	}
	wal := s.lookup(1).db + "-wal"
	size := func() int64 {
		info, err := os.Stat(wal)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if size() == 0 {
		t.Fatal("the WAL is empty before")
	}
	s.tidy(context.Background(), time.Now().Add(2*janitorPeriod))
	if n := size(); n != 0 {
		t.Errorf("the WAL has %d octets after", n)
	}
	if n := subjects(t, tenant, boxes[0])["hello"]; n != 1 {
		t.Errorf("the message is there %d times", n)
	}
}

func TestTallyForgets(t *testing.T) {
	var all tally
	for _, c := range []struct{ at, n, want int64 }{
		{0, 1, 1}, {50, 1, 2}, {99, 1, 3}, // the first slice
		{100, 0, 3}, {150, 2, 3}, {175, 0, 2}, // half of the first counts, then a quarter
		{200, 0, 2}, {300, 1, 1}, {1000, 1, 1},
	} {
		if got := all.add("key", c.n, 100, c.at); got != c.want {
			t.Errorf("at %d: %d, want %d", c.at, got, c.want)
		}
	}
	if got := all.add("other", 5, 100, 1000); got != 5 {
		t.Errorf("another key: %d", got)
	}
}

// TestTallyIsBounded: keys are an attacker's choice.
func TestTallyIsBounded(t *testing.T) {
	var all tally
	for i := range 2 * maxTallies {
		all.add(fmt.Sprint(i), 1, 1000, int64(i/1000))
	}
	if len(all.of) > maxTallies {
		t.Errorf("%d counters are kept, want at most %d", len(all.of), maxTallies)
	}
}

// TestSettledItemKeepsNoOctets: the trace of a message that is deleted does not hold its disk space.
func TestSettledItemKeepsNoOctets(t *testing.T) {
	s := openTest(t, Options{BlobGrace: time.Nanosecond})
	tenant, boxes := inboxes(t, s, 1, 1)
	ctx := context.Background()
	if err := put(tenant, boxes[0], "gone soon", nothing); err != nil {
		t.Fatal(err)
	}
	item := store.Item{State: store.ItemSettled, Route: "local"}
	err := tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
		item.ID = mail.ItemID(tx.NextID())
		if err := tx.Messages(boxes[0], 1, 1, 0, func(m *store.Message) bool { item.Blob = m.Blob; return false }); err != nil {
			return err
		}
		return errors.Join(tx.PutItem(item), tx.Expunge(boxes[0], 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // the grace
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := tenant.Blobs().Open(ctx, item.Blob); !mail.Is(err, mail.NotFound) {
		t.Errorf("the octets are still there: %v", err)
	}
	err = tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
		list, err := tx.Items(store.ItemSettled, 0, 0)
		if err != nil || len(list) != 1 || list[0].Blob.ID != item.Blob.ID {
			t.Errorf("settled items: %v, %v", list, err)
		}
		return tx.PutItem(item)
	})
	if err != nil {
		t.Errorf("a settled item cannot be written any more: %v", err)
	}
	if err := s.Check(ctx, false, func(f store.Finding) { t.Errorf("check: %s", f.What) }); err != nil {
		t.Error(err)
	}
}
