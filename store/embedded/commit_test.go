package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// subjects gives the octets of all messages in a mailbox and how often each is there.
func subjects(t testing.TB, tenant store.Tenant, m mail.MailboxID) map[string]int {
	t.Helper()
	ctx := context.Background()
	var refs []mail.BlobRef
	err := tenant.View(ctx, func(r store.Reader) error {
		refs = refs[:0]
		return r.Messages(m, 1, 1<<32-1, 0, func(msg *store.Message) bool {
			refs = append(refs, msg.Blob)
			return true
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]int)
	for _, ref := range refs {
		found[string(octets(t, tenant, ref))]++
	}
	return found
}

// octets reads a blob.
func octets(t testing.TB, tenant store.Tenant, ref mail.BlobRef) []byte {
	t.Helper()
	b, err := tenant.Blobs().Open(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var all bytes.Buffer
	if _, err := b.WriteRange(&all, 0, b.Size()); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// clean fails the test if Check finds something that is not garbage.
func clean(t testing.TB, s *Store) {
	t.Helper()
	err := s.Check(context.Background(), false, func(f store.Finding) {
		if !f.Garbage {
			t.Errorf("Check: %s", f.What)
		}
	})
	if err != nil {
		t.Errorf("Check: %v", err)
	}
}

// put delivers octets without anything added, with a function to run after it in the same Update.
func put(tenant store.Tenant, m mail.MailboxID, text string, then func() error) error {
	ctx := context.Background()
	s, err := tenant.Blobs().Stage(ctx, 0)
	if err != nil {
		return err
	}
	defer s.Release()
	if _, err := s.Write([]byte(text)); err != nil {
		return err
	}
	if err := s.Seal(ctx); err != nil {
		return err
	}
	return tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
		ref, err := tx.Keep(s, nil)
		if err != nil {
			return err
		}
		if _, err := tx.AddMessage(store.NewMessage{Mailbox: m, Blob: ref}); err != nil {
			return err
		}
		return then()
	})
}

func nothing() error { return nil }

// together holds the committer until n callers wait, so that they share one batch.
func together(t *testing.T, s *Store, id mail.TenantID, n int, each func(i int)) {
	t.Helper()
	v, err := s.lookup(id).acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer v.tenant.release()
	var all sync.WaitGroup
	err = v.committer.exclusive(func() error {
		for i := range n {
			all.Go(func() { each(i) })
		}
		for {
			v.committer.mu.Lock()
			waiting := len(v.committer.waiting)
			v.committer.mu.Unlock()
			if waiting == n {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

// TestBatchWithFailure: of callers that share a commit, one fails after it wrote. The others are kept, each once.
func TestBatchWithFailure(t *testing.T) {
	const callers, bad = 20, 7
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("no") },
		"panic": func() error { panic("no") },
	} {
		for _, size := range []int{10, 50 << 10, 200 << 10} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				s := openTest(t, Options{})
				tenant, boxes := inboxes(t, s, 1, 1)
				text := func(i int) string { return fmt.Sprintf("message %d %0*d", i, size, i) }
				before := s.Stats()
				together(t, s, 1, callers, func(i int) {
					then := nothing
					if i == bad {
						then = fail
					}
					if err := put(tenant, boxes[0], text(i), then); (err != nil) != (i == bad) {
						t.Errorf("caller %d: %v", i, err)
					}
				})
				if n := s.Stats().Fallbacks - before.Fallbacks; n != 1 {
					t.Errorf("%d batches ran one by one, want 1", n)
				}
				found := subjects(t, tenant, boxes[0])
				for i := range callers {
					if want := map[bool]int{true: 1}[i != bad]; found[text(i)] != want {
						t.Errorf("message %d is there %d times", i, found[text(i)])
					}
				}
				clean(t, s)
			})
		}
	}
}

// TestBatchSharesFlush: callers that wait together share one commit and one flush of the pack; one that fails
// without having written does not disturb them.
func TestBatchSharesFlush(t *testing.T) {
	const callers = 30
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	if err := put(tenant, boxes[0], string(make([]byte, 50<<10)), nothing); err != nil { // makes the pack
		t.Fatal(err)
	}
	before := s.Stats()
	together(t, s, 1, callers, func(i int) {
		if i == 3 {
			err := tenant.Update(context.Background(), actor(), "test", func(store.Tx) error { return errors.New("no") })
			if err == nil {
				t.Error("the error of fn was lost")
			}
			return
		}
		if err := put(tenant, boxes[0], fmt.Sprint("message ", i), nothing); err != nil {
			t.Error(err)
		}
	})
	now := s.Stats()
	if commits, syncs := now.Commits-before.Commits, now.PackSyncs-before.PackSyncs; commits != 1 || syncs != 1 {
		t.Errorf("%d commits and %d flushes of packs for %d callers, want 1 and 1", commits, syncs, callers)
	}
	if n := len(subjects(t, tenant, boxes[0])); n != callers {
		t.Errorf("%d messages, want %d", n, callers)
	}
}

// TestBatchRows: a commit takes no further caller after BatchRows; who is left over comes first in the next.
func TestBatchRows(t *testing.T) {
	const callers, rows = 5, 400
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	before := s.Stats().Commits
	together(t, s, 1, callers, func(int) {
		all := make([]mail.MailboxID, rows)
		for i := range all {
			all[i] = boxes[0]
		}
		if err := deliver(context.Background(), tenant, []byte("x"), all...); err != nil {
			t.Error(err)
		}
	})
	if n := s.Stats().Commits - before; n != 2 {
		t.Errorf("%d commits, want 2", n)
	}
	box, err := tenant.Usage(context.Background(), 1)
	if err != nil || box.Messages != callers*rows || box.ModSeq != callers*rows+1 {
		t.Errorf("the box is %+v, %v", box, err)
	}
	clean(t, s)
}

// TestCancelledWaiter: who gives up before a leader took it is not run; the others are.
func TestCancelledWaiter(t *testing.T) {
	s := openTest(t, Options{})
	tenant, _ := inboxes(t, s, 1, 1)
	v, err := s.lookup(1).acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer v.tenant.release()
	ctx, cancel := context.WithCancel(context.Background())
	ran, answer := false, make(chan error)
	err = v.committer.exclusive(func() error {
		go func() {
			answer <- tenant.Update(ctx, actor(), "test", func(store.Tx) error { ran = true; return nil })
		}()
		for waiting := 0; waiting == 0; {
			v.committer.mu.Lock()
			waiting = len(v.committer.waiting)
			v.committer.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-answer; !mail.Is(err, mail.Busy) {
			t.Errorf("the cancelled caller got %v", err)
		}
		return nil
	})
	if err != nil || ran {
		t.Errorf("ran %v, %v", ran, err)
	}
	if err := put(tenant, 0, "x", nothing); !mail.Is(err, mail.NotFound) {
		t.Errorf("the next caller got %v", err)
	}
}

// TestFailingFlush: a flush of the pack that fails loses what was written since the last. Nothing of
// it was acknowledged, the callers get their error, and the store goes on by itself.
func TestFailingFlush(t *testing.T) {
	for _, size := range []int{50 << 10, 200 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			disk := newTestDisk()
			s := openTest(t, Options{files: disk})
			tenant, boxes := inboxes(t, s, 1, 1)
			text := func(i int) string { return fmt.Sprintf("%0*d", size, i) }
			kept := make(map[string]int)
			for i := range 12 {
				if i == 2 || i == 5 || i == 6 {
					disk.set(1, -1)
				}
				switch err := put(tenant, boxes[0], text(i), nothing); {
				case err == nil:
					kept[text(i)] = 1
				case !mail.Is(err, mail.Unavailable):
					t.Errorf("delivery %d: %v", i, err)
				}
			}
			if len(kept) != 9 {
				t.Errorf("%d of 12 deliveries were kept, want 9", len(kept))
			}
			disk.powerLoss()
			if found := subjects(t, tenant, boxes[0]); fmt.Sprint(found) != fmt.Sprint(kept) {
				t.Errorf("%d messages are there, want %d", len(found), len(kept))
			}
			// A file whose flush failed is not written to again.
			packs, err := filepath.Glob(filepath.Join(s.tenantDir(1), "packs", "*"))
			if err != nil || len(packs) < 3 {
				t.Errorf("after failed flushes there are only %v, %v", packs, err)
			}
			clean(t, s)
		})
	}
}

// TestFullPack: a disk that is full answers storage.full, and takes mail again when there is room.
func TestFullPack(t *testing.T) {
	for _, size := range []int{50 << 10, 200 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			disk := newTestDisk()
			s := openTest(t, Options{files: disk})
			tenant, boxes := inboxes(t, s, 1, 1)
			text := string(make([]byte, size))
			disk.set(0, 3*size)
			kept := 0
			for range 6 {
				err := put(tenant, boxes[0], text, nothing)
				if key, _ := mail.TextOf(err); err != nil && key != "storage.full" {
					t.Fatal(err)
				}
				if err == nil {
					kept++
				}
			}
			if kept < 1 || kept > 3 {
				t.Errorf("%d messages were kept", kept)
			}
			disk.set(0, -1)
			if err := put(tenant, boxes[0], text, nothing); err != nil {
				t.Fatal(err)
			}
			if n := subjects(t, tenant, boxes[0])[text]; n != kept+1 {
				t.Errorf("%d messages are there, want %d", n, kept+1)
			}
			clean(t, s)
		})
	}
}

// TestFullDatabase: the same where the database itself finds no room.
func TestFullDatabase(t *testing.T) {
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	v, err := s.lookup(1).acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer v.tenant.release()
	limit := func(text string) {
		if err := v.committer.exclusive(func() error { return v.writer.script("PRAGMA max_page_count=" + text) }); err != nil {
			t.Fatal(err)
		}
	}
	limit("60")
	kept := 0
	for i := 0; ; i++ {
		err := put(tenant, boxes[0], fmt.Sprintf("message %d %08000d", i, i), nothing)
		if key, _ := mail.TextOf(err); key == "storage.full" && mail.Is(err, mail.Unavailable) {
			break
		}
		if err != nil || i == 1000 {
			t.Fatalf("message %d: %v", i, err)
		}
		kept++
	}
	limit("1000000")
	if err := put(tenant, boxes[0], "there is room again", nothing); err != nil {
		t.Fatal(err)
	}
	if n := len(subjects(t, tenant, boxes[0])); n != kept+1 {
		t.Errorf("%d messages are there, want %d", n, kept+1)
	}
	clean(t, s)
}

// TestPowerLoss: what was acknowledged does not need anything that was not flushed.
func TestPowerLoss(t *testing.T) {
	disk := newTestDisk()
	s := openTest(t, Options{files: disk, PackSize: 300 << 10, BigSize: 1 << 20})
	tenant, boxes := inboxes(t, s, 1, 1)
	kept := make(map[string]int)
	for i := range 60 {
		text := fmt.Sprintf("%0*d", []int{10, 20 << 10, 100 << 10, 300 << 10}[i%4], i)
		if err := put(tenant, boxes[0], text, nothing); err != nil {
			t.Fatal(err)
		}
		kept[text] = 1
		disk.powerLoss()
	}
	if found := subjects(t, tenant, boxes[0]); fmt.Sprint(found) != fmt.Sprint(kept) {
		t.Errorf("%d messages are there, want %d", len(found), len(kept))
	}
	clean(t, s)
}

// TestPanicInCommit: a bug in the commit itself fails those who were in it, and the next caller finds
// somebody who leads, a store that is right, and room to write.
func TestPanicInCommit(t *testing.T) {
	disk := newTestDisk()
	s := openTest(t, Options{files: disk})
	tenant, boxes := inboxes(t, s, 1, 1)
	text := func(i int) string { return fmt.Sprintf("%0*d", 50<<10, i) }
	kept := make(map[string]int)
	for i := range 6 {
		if i == 2 {
			disk.mu.Lock()
			disk.panics = true
			disk.mu.Unlock()
		}
		switch err := put(tenant, boxes[0], text(i), nothing); {
		case err == nil && i != 2:
			kept[text(i)] = 1
		case i != 2 || !mail.Is(err, mail.Other):
			t.Errorf("delivery %d: %v", i, err)
		}
	}
	if found := subjects(t, tenant, boxes[0]); fmt.Sprint(found) != fmt.Sprint(kept) {
		t.Errorf("%d messages are there, want %d", len(found), len(kept))
	}
	clean(t, s)
}
