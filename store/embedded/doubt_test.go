package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// TestSweepSparesOctetsToCome: a .big that was given up is not removed while a transaction that keeps octets in it is yet to come.
func TestSweepSparesOctetsToCome(t *testing.T) {
	s := openTest(t, Options{BigSize: 1 << 20, BlobGrace: time.Nanosecond})
	tenant, boxes := inboxes(t, s, 1, 1)
	ctx := context.Background()
	text := strings.Repeat("x", 200<<10)
	waits, err := tenant.Blobs().Stage(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer waits.Release()
	if _, err := waits.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := waits.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	for range 6 { // until another .big is begun; nobody keeps them
		if err := put(tenant, boxes[0], text, func() error { return os.ErrInvalid }); err == nil {
			t.Fatal("a delivery that fails was kept")
		}
	}
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	var ref mail.BlobRef
	err = tenant.Update(ctx, actor(), "test", func(tx store.Tx) (err error) {
		if ref, err = tx.Keep(waits, nil); err != nil {
			return err
		}
		_, err = tx.AddMessage(store.NewMessage{Mailbox: boxes[0], Blob: ref})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := subjects(t, tenant, boxes[0])[text]; n != 1 {
		t.Errorf("the message is there %d times", n)
	}
	clean(t, s)
}

// TestFailingFlushOfMany: after a flush failed for several callers, each runs alone; the next flush of the same
// file says nothing about what the first one lost.
func TestFailingFlushOfMany(t *testing.T) {
	for _, size := range []int{50 << 10, 200 << 10} {
		disk := newTestDisk()
		s := openTest(t, Options{files: disk})
		tenant, boxes := inboxes(t, s, 1, 1)
		kept := make(map[string]int)
		failed := make([]error, 4)
		var staged [4]func() error
		for i := range staged {
			text := fmt.Sprintf("%0*d", size, i)
			kept[text] = 1
			staged[i] = sealed(t, tenant, boxes[0], text)
		}
		disk.set(1, -1)
		together(t, s, 1, len(staged), func(i int) { failed[i] = staged[i]() })
		for _, err := range failed {
			if err != nil {
				t.Error(err)
			}
		}
		disk.powerLoss()
		if found := subjects(t, tenant, boxes[0]); fmt.Sprint(found) != fmt.Sprint(kept) {
			t.Errorf("of messages of %d octets not all are there as they were acknowledged", size)
		}
		clean(t, s)
	}
}

// sealed stages and seals a text, and gives what delivers it.
func sealed(t *testing.T, tenant store.Tenant, m mail.MailboxID, text string) func() error {
	t.Helper()
	ctx := context.Background()
	s, err := tenant.Blobs().Stage(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Release)
	if _, err := s.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	return func() error {
		return tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
			ref, err := tx.Keep(s, nil)
			if err != nil {
				return err
			}
			_, err = tx.AddMessage(store.NewMessage{Mailbox: m, Blob: ref})
			return err
		})
	}
}

// dirDisk counts how often names were made durable.
type dirDisk struct {
	*testDisk
	dirs int
}

func (d *dirDisk) SyncDir(path string) error {
	d.dirs++
	return d.testDisk.SyncDir(path)
}

// TestNameOfFoundPack: a pack that a process left behind which was killed may have octets and still no durable name.
func TestNameOfFoundPack(t *testing.T) {
	for file, size := range map[string]int{"0001.pack": 50 << 10, "0001.big": 200 << 10} {
		disk := &dirDisk{testDisk: newTestDisk()}
		s := openTest(t, Options{files: disk})
		if err := s.CreateTenant(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		packs := filepath.Join(s.tenantDir(1), "packs")
		if err := os.Mkdir(packs, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(packs, file), make([]byte, 10000), 0o600); err != nil {
			t.Fatal(err)
		}
		tenant := s.Tenant(1)
		var m store.Mailbox
		err := tenant.Update(context.Background(), actor(), "test", func(tx store.Tx) (err error) {
			m, err = tx.CreateMailbox(store.Mailbox{Account: 1, Name: "INBOX"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := put(tenant, m.ID, strings.Repeat("x", size), nothing); err != nil {
				t.Fatal(err)
			}
		}
		if disk.dirs != 1 {
			t.Errorf("%s: names were made durable %d times, want once", file, disk.dirs)
		}
	}
}

// TestCommitInDoubt: when the disk fails in a commit, its rows may still come to light after a crash. The octets they
// refer to must not be overwritten by the next transaction.
func TestCommitInDoubt(t *testing.T) {
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	text := func(i int) string { return fmt.Sprintf("%0*d", 50<<10, i) }
	if err := put(tenant, boxes[0], text(0), nothing); err != nil {
		t.Fatal(err)
	}
	refuseWrites(t, filepath.Join(s.tenantDir(1), "mail.db-wal"))
	err := put(tenant, boxes[0], text(1), nothing)
	if key, _ := mail.TextOf(err); key != "storage.failed" {
		t.Fatalf("a commit without a disk: %v", err)
	}
	pack := filepath.Join(s.tenantDir(1), "packs", "0001.pack")
	before, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	if err := put(tenant, boxes[0], text(2), nothing); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(pack)
	if err != nil || string(after) != string(before) || !strings.Contains(string(after), text(1)) {
		t.Errorf("octets whose commit is in doubt were overwritten (%v)", err)
	}
	if found := subjects(t, tenant, boxes[0]); found[text(0)] != 1 || found[text(2)] != 1 {
		t.Errorf("%d messages are there", len(found))
	}
	clean(t, s)
}

// refuseWrites makes every open descriptor of a file one that cannot be written to.
func refuseWrites(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, e := range entries {
		var fd int
		name, err := os.Readlink("/proc/self/fd/" + e.Name())
		if _, bad := fmt.Sscan(e.Name(), &fd); err != nil || bad != nil || name != path || fd == int(f.Fd()) {
			continue
		}
		if err := syscall.Dup3(int(f.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCloseDoesNotHang: Close tells of those who do not let go, however many they are.
func TestCloseDoesNotHang(t *testing.T) {
	s, err := Open(t.TempDir(), Options{closeWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for id := range mail.TenantID(3) {
		tenant, _ := inboxes(t, s, id+1, 1)
		st, err := tenant.Blobs().Stage(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Release()
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if !mail.Is(err, mail.Busy) {
			t.Errorf("Close gives %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close hangs")
	}
}

// TestDamageStopsNobodyElse: a tenant whose octets are damaged keeps neither the sweep nor the check from the next.
func TestDamageStopsNobodyElse(t *testing.T) {
	s := openTest(t, Options{PackSize: 100 << 10, BlobGrace: time.Nanosecond})
	ctx := context.Background()
	for id := range mail.TenantID(2) {
		tenant, boxes := inboxes(t, s, id+1, 1)
		for range 10 {
			if err := put(tenant, boxes[0], strings.Repeat("x", 30<<10), nothing); err != nil {
				t.Fatal(err)
			}
		}
		err := tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
			for uid := mail.UID(2); uid <= 10; uid++ {
				if err := tx.Expunge(boxes[0], uid); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	packs := filepath.Join(s.tenantDir(1), "packs")
	octets, err := os.ReadFile(filepath.Join(packs, "0001.pack"))
	if err != nil {
		t.Fatal(err)
	}
	octets[1000]++
	if err := os.WriteFile(filepath.Join(packs, "0001.pack"), octets, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(ctx); !mail.Is(err, mail.Unavailable) {
		t.Errorf("a sweep over damage gives %v", err)
	}
	for id, want := range map[mail.TenantID]int{1: 2, 2: 1} {
		left, err := os.ReadDir(filepath.Join(s.tenantDir(id), "packs"))
		if err != nil || len(left) != want {
			t.Errorf("tenant %d: %d packs are left, want %d: %v", id, len(left), want, left)
		}
	}
}
