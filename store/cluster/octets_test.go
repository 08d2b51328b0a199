package cluster

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tegami/mail"
	"tegami/store"
)

func TestFolder(t *testing.T) {
	ctx := t.Context()
	f := Folder{filepath.Join(t.TempDir(), "objects")}
	put := func(key string, parts ...string) {
		t.Helper()
		var chunks [][]byte
		for _, p := range parts {
			chunks = append(chunks, []byte(p))
		}
		if err := f.Put(ctx, key, chunks); err != nil {
			t.Fatal(err)
		}
	}
	put("t1/blob01", "hello ", "", "world")
	put("t1/blob02")
	put("t2/blob01", "another tenant's")
	for _, c := range []struct {
		from, n int64
		want    string
	}{{0, 11, "hello world"}, {6, 5, "world"}, {6, 2, "wo"}, {11, 0, ""}} {
		r, err := f.Get(ctx, "t1/blob01", c.from, c.n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		var copied bytes.Buffer
		r2, err2 := f.Get(ctx, "t1/blob01", c.from, c.n)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		n, err := io.Copy(&copied, r2)
		if string(got) != c.want || copied.String() != c.want || n != c.n || err != nil {
			t.Errorf("%d octets from %d: %q, copied %q, %v", c.n, c.from, got, copied.String(), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		r2.Close()
	}
	if _, err := f.Get(ctx, "t1/blob03", 0, 1); !mail.Is(err, mail.NotFound) {
		t.Errorf("an unknown object: %v", err)
	}
	for _, key := range []string{"", "t1", "../t1/blob01", "t1/..", "t1/a/b", "t1/x", "/etc/passwd"} {
		if err := f.Put(ctx, key, nil); !mail.Is(err, mail.Invalid) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	list := map[string]int64{}
	lists := func() {
		clear(list)
		if err := f.List(ctx, "t1", func(key string, size int64) bool { list[key] = size; return true }); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(f.Dir, "t1", "01", unfinished+"123"), []byte("left by a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	if lists(); len(list) != 2 || list["t1/blob01"] != 11 || list["t1/blob02"] != 0 {
		t.Errorf("listed %v", list)
	}
	for range 2 {
		if err := f.Delete(ctx, "t1/blob01"); err != nil {
			t.Error(err)
		}
	}
	if lists(); len(list) != 1 {
		t.Errorf("listed %v after a removal", list)
	}
	if err := f.List(ctx, "nobody", func(string, int64) bool { return true }); err != nil {
		t.Error(err)
	}
}

// large is more than fits into a row.
var large = strings.Repeat("0123456789abcdef", InlineLimit/16+1)

// keys lists the objects of the company.
func (p *pair) keys() (list []string) {
	p.Helper()
	p.ok(p.a.config.Objects.List(p.ctx, company.String(), func(key string, _ int64) bool { list = append(list, key); return true }))
	return list
}

// TestObjectsNobodyKeeps: what is not kept is removed when it is released.
func TestObjectsNobodyKeeps(t *testing.T) {
	p := newPair(t, newStand(t), nil)
	m := p.mailbox(1)
	stage := func(fails bool) {
		s, err := p.a.Tenant(company).Blobs().Stage(p.ctx, 0)
		p.ok(err)
		_, err = io.WriteString(s, large)
		p.ok(err)
		p.ok(s.Seal(p.ctx))
		if n := len(p.keys()); n != 1 {
			t.Fatalf("%d objects of a sealed message", n)
		}
		if fails {
			err := update(p.a, func(tx store.Tx) error {
				if _, err := tx.Keep(s, nil); err != nil {
					return err
				}
				return mail.E("x", mail.Full, "")
			})
			if !mail.Is(err, mail.Full) {
				t.Fatal(err)
			}
		}
		s.Release()
		if n := len(p.keys()); n != 0 {
			t.Fatalf("%d objects nobody kept (fails: %v)", n, fails)
		}
	}
	stage(false)
	stage(true)
	p.ok(deliver(p.a, large, m.ID))
	if n := len(p.keys()); n != 1 {
		t.Fatalf("%d objects of a kept message", n)
	}
	p.ok(deliver(p.a, large[:InlineLimit], m.ID))
	if n := len(p.keys()); n != 1 {
		t.Fatalf("%d objects after one that lies in its row", n)
	}
}

// blobs lists all places of the company.
func (p *pair) blobs() int {
	p.Helper()
	list, err := p.a.tenant(company).places(p.ctx, 0)
	p.ok(err)
	return len(list)
}

func TestSweep(t *testing.T) {
	p := newPair(t, newStand(t), nil)
	m := p.mailbox(1)
	for range 3 {
		p.ok(deliver(p.a, large, m.ID))
		p.ok(deliver(p.a, "small", m.ID))
	}
	p.ok(update(p.a, func(tx store.Tx) error {
		for uid := range mail.UID(4) {
			if err := tx.Expunge(m.ID, m.UIDNext+uid); err != nil {
				return err
			}
		}
		return nil
	}))
	p.ok(p.a.sweepAll()) // nothing is old enough
	if p.blobs() != 6 || len(p.keys()) != 3 {
		t.Fatalf("a sweep took what is young: %d blobs, %d objects", p.blobs(), len(p.keys()))
	}
	p.ok(p.a.tenant(company).sweep(p.ctx, mail.BlobID(p.a.ids.Next())))
	if p.blobs() != 2 || len(p.keys()) != 1 {
		t.Fatalf("after the sweep of 4 of 6: %d blobs, %d objects", p.blobs(), len(p.keys()))
	}
	p.sound()
}

// TestCheckFinds breaks one thing after the other: each must be found, and repaired where nothing is lost by it.
func TestCheckFinds(t *testing.T) {
	p := newPair(t, newStand(t), nil)
	m := p.mailbox(1)
	p.ok(deliver(p.a, large, m.ID))
	p.ok(deliver(p.a, "small", m.ID))
	db, err := pgx.Connect(p.ctx, p.a.config.OwnerDSN)
	p.ok(err)
	defer db.Close(p.ctx)
	damage := func(text string) {
		_, err := db.Exec(p.ctx, text)
		p.ok(err)
	}
	check := func(repair bool) (found []store.Finding) {
		p.ok(p.a.Check(p.ctx, repair, func(f store.Finding) { found = append(found, f) }))
		return found
	}
	repairs := func(what string) {
		t.Helper()
		for _, repair := range []bool{false, true} {
			found := check(repair)
			if len(found) == 0 || found[0].Repaired != repair || found[0].Tenant != company {
				t.Errorf("%s, repair %v: found %+v", what, repair, found)
			}
		}
		if found := check(false); len(found) != 0 {
			t.Errorf("%s: after the repair %+v", what, found)
		}
	}
	damage("UPDATE mailbox SET messages = 9, unseen = 0")
	repairs("counters of a mailbox")
	damage("UPDATE box SET used = 1")
	repairs("counters of an account")

	old := mail.BlobID(p.a.idBefore(2 * sweepAge))
	p.ok(p.a.config.Objects.Put(p.ctx, p.a.tenant(company).objectKey(old), [][]byte{[]byte("left by a crash")}))
	repairs("an object without a row")

	key := p.keys()[0]
	folder := p.a.config.Objects.(Folder)
	path, err := folder.path(key)
	p.ok(err)
	p.ok(os.WriteFile(path, []byte(strings.ToUpper(large)), 0o600))
	if found := check(false); len(found) != 1 || !strings.Contains(found[0].What, "not those that were written") {
		t.Errorf("changed octets: %+v", found)
	}
	p.ok(os.WriteFile(path, []byte("short"), 0o600))
	if found := check(false); len(found) != 1 || !strings.Contains(found[0].What, "5 octets where") {
		t.Errorf("lost octets: %+v", found)
	}
	p.ok(os.Remove(path))
	if found := check(true); len(found) != 1 || found[0].Repaired || found[0].Garbage {
		t.Errorf("a lost object: %+v", found)
	}
}

// TestStageWaits: past the limit of octets in flight Stage's writer waits until its context ends: Busy.
func TestStageWaits(t *testing.T) {
	stand := newStand(t)
	config := stand.config(t)
	config.MemoryLimit = 100 << 10
	s := open(t, config)
	if err := s.CreateTenant(t.Context(), company); err != nil {
		t.Fatal(err)
	}
	first, err := s.Tenant(company).Blobs().Stage(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Write(make([]byte, 70<<10)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	second, err := s.Tenant(company).Blobs().Stage(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = second.Write(make([]byte, 70<<10))
	if key, _ := mail.TextOf(err); !mail.Is(err, mail.Busy) || key != "storage.busy" {
		t.Errorf("past the limit: %v", err)
	}
	second.Release()
	first.Release()
	third, err := s.Tenant(company).Blobs().Stage(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Release()
	if _, err := third.Write(make([]byte, 70<<10)); err != nil {
		t.Errorf("after the others gave theirs back: %v", err)
	}
}

// TestSealWithoutRoom: what the object store refuses is refused to the caller, and can be sealed again.
func TestSealWithoutRoom(t *testing.T) {
	stand := newStand(t)
	config := stand.config(t)
	full := &refusing{Objects: config.Objects}
	config.Objects = full
	s := open(t, config)
	if err := s.CreateTenant(t.Context(), company); err != nil {
		t.Fatal(err)
	}
	staged, err := s.Tenant(company).Blobs().Stage(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer staged.Release()
	if _, err := io.WriteString(staged, large); err != nil {
		t.Fatal(err)
	}
	full.refuses = true
	if err := staged.Seal(t.Context()); !mail.Is(err, mail.Unavailable) {
		t.Errorf("sealed without room: %v", err)
	}
	err = update(s, func(tx store.Tx) error { _, err := tx.Keep(staged, nil); return err })
	if !mail.Is(err, mail.Invalid) {
		t.Errorf("kept without being sealed: %v", err)
	}
	full.refuses = false
	if err := staged.Seal(t.Context()); err != nil {
		t.Error(err)
	}
	if err := update(s, func(tx store.Tx) error { _, err := tx.Keep(staged, nil); return err }); err != nil {
		t.Error(err)
	}
}

// refusing is an object store that has no room at times.
type refusing struct {
	Objects
	refuses bool
}

func (r *refusing) Put(ctx context.Context, key string, chunks [][]byte) error {
	if r.refuses {
		return mail.E("test.Put", mail.Unavailable, "storage.full")
	}
	return r.Objects.Put(ctx, key, chunks)
}
