package embedded

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/storetest"
)

// benchAccounts is how many boxes deliveries go to.
const benchAccounts = 100

// benchDir is where benchmarks keep their data: TEGAMI_BENCH_DIR on the disk to measure, or the temporary folder.
func benchDir(b *testing.B) string {
	root := os.Getenv("TEGAMI_BENCH_DIR")
	if root == "" {
		return b.TempDir()
	}
	dir, err := os.MkdirTemp(root, "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// inboxes makes a tenant with n accounts, one mailbox each.
func inboxes(t testing.TB, s *Store, id mail.TenantID, n int) (store.Tenant, []mail.MailboxID) {
	t.Helper()
	ctx := context.Background()
	if err := s.CreateTenant(ctx, id); err != nil {
		t.Fatal(err)
	}
	var boxes []mail.MailboxID
	tenant := s.Tenant(id)
	err := tenant.Update(ctx, actor(), "test", func(tx store.Tx) error {
		boxes = boxes[:0]
		for a := range n {
			m, err := tx.CreateMailbox(store.Mailbox{Account: mail.AccountID(a + 1), Name: "INBOX", Role: "inbox"})
			if err != nil {
				return err
			}
			boxes = append(boxes, m.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant, boxes
}

func actor() mail.Actor {
	return mail.MintActor(mail.Platform, 0, 0, "platform:deliver", mail.Origin{})
}

// index is as large as the structure of a usual message.
var index = make([]byte, 350)

// deliver puts one message into mailboxes, as intake does: stage, seal, one Update.
func deliver(ctx context.Context, t store.Tenant, body []byte, boxes ...mail.MailboxID) error {
	s, err := t.Blobs().Stage(ctx, int64(len(body)))
	if err != nil {
		return err
	}
	defer s.Release()
	if _, err := s.Write(body); err != nil {
		return err
	}
	s.Prepend([]byte("Received: from test\r\n"))
	if err := s.Seal(ctx); err != nil {
		return err
	}
	return t.Update(ctx, actor(), "test.Deliver", func(tx store.Tx) error {
		ref, err := tx.Keep(s, index)
		if err != nil {
			return err
		}
		item := mail.ItemID(tx.NextID())
		for _, m := range boxes {
			if _, err := tx.AddMessage(store.NewMessage{Mailbox: m, Received: time.Now(), Blob: ref}); err != nil {
				return err
			}
		}
		return tx.PutItem(store.Item{ID: item, State: store.ItemSettled, Due: time.Now(), Route: "local", Blob: ref, Doc: index[:200]})
	})
}

func BenchmarkDeliver(b *testing.B) {
	for _, size := range []struct {
		name   string
		octets int
	}{{"4k", 4 << 10}, {"50k", 50 << 10}, {"1M", 1 << 20}} {
		for _, callers := range []int{1, 10, 50} {
			b.Run(fmt.Sprintf("%s/c%d", size.name, callers), func(b *testing.B) {
				benchDeliver(b, size.octets, callers, 1)
			})
		}
	}
	b.Run("4k/c1/r100", func(b *testing.B) { benchDeliver(b, 4<<10, 1, 100) })
}

func benchDeliver(b *testing.B, octets, callers, recipients int) {
	s := openDir(b, benchDir(b), Options{})
	tenant, boxes := inboxes(b, s, 1, benchAccounts)
	body := make([]byte, octets)
	before, cpu := s.Stats(), cpuTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				to := boxes
				if recipients == 1 {
					to = boxes[n%benchAccounts:][:1]
				}
				if err := deliver(context.Background(), tenant, body, to...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	now := s.Stats()
	n := float64(b.N * recipients)
	b.ReportMetric(n/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric((cpuTime(b)-cpu).Seconds()*1000/n, "cpu-ms/delivery")
	b.ReportMetric(float64(now.Commits-before.Commits+now.PackSyncs-before.PackSyncs)/n, "flushes/delivery")
	b.ReportMetric(0, "ns/op")
}

// cpuTime is what this process has used, which tells more than the clock on a machine with other work.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTenants delivers to 50 tenants at the same time.
func BenchmarkTenants(b *testing.B) {
	const tenants, callers = 50, 50
	s := openDir(b, benchDir(b), Options{})
	var of [tenants]store.Tenant
	var boxes [tenants][]mail.MailboxID
	for i := range of {
		of[i], boxes[i] = inboxes(b, s, mail.TenantID(i+1), 2)
	}
	body := make([]byte, 4<<10)
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := deliver(context.Background(), of[n%tenants], body, boxes[n%tenants][n%2]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRead reads a mailbox of 5,000 messages in each way a door does.
func BenchmarkRead(b *testing.B) {
	const messages = 5000
	s := openDir(b, benchDir(b), Options{})
	tenant, boxes := inboxes(b, s, 1, 10)
	body := make([]byte, 1000)
	ctx := context.Background()
	for range messages { // ten at a time, so that a mailbox's rows lie apart
		if err := deliver(ctx, tenant, body, boxes...); err != nil {
			b.Fatal(err)
		}
	}
	var last mail.ModSeq
	ways := []struct {
		name string
		rows int
		fn   func(store.Reader) error
	}{
		{"marks", messages, func(r store.Reader) error {
			return r.Marks(boxes[3], 0, func(m store.Mark) bool { last = m.ModSeq; return true })
		}},
		{"since", 1, func(r store.Reader) error {
			return r.Marks(boxes[3], last-1, func(store.Mark) bool { return true })
		}},
		{"messages", messages, func(r store.Reader) error {
			return r.Messages(boxes[3], 1, messages, 0, func(*store.Message) bool { return true })
		}},
		{"index", messages, func(r store.Reader) error {
			return r.Messages(boxes[3], 1, messages, store.WithIndex, func(*store.Message) bool { return true })
		}},
		{"places", messages, func(r store.Reader) error {
			return r.Messages(boxes[3], 1, messages, store.WithPlace, func(*store.Message) bool { return true })
		}},
	}
	for _, w := range ways {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if err := tenant.View(ctx, w.fn); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(w.rows)*float64(b.N)/b.Elapsed().Seconds()/1000, "krows/s")
		})
	}
	b.Run("octets", func(b *testing.B) {
		var ref mail.BlobRef
		tenant.View(ctx, func(r store.Reader) error {
			return r.Messages(boxes[3], 1, 1, 0, func(m *store.Message) bool { ref = m.Blob; return false })
		})
		b.ReportAllocs()
		for range b.N {
			o, err := tenant.Blobs().Open(ctx, ref)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := o.WriteRange(io.Discard, 0, o.Size()); err != nil {
				b.Fatal(err)
			}
			o.Close()
		}
	})
}

// BenchmarkFlags sets and clears a flag of 1,000 messages in one commit each.
func BenchmarkFlags(b *testing.B) {
	s := openDir(b, benchDir(b), Options{})
	tenant, boxes := inboxes(b, s, 1, 1)
	ctx := context.Background()
	for range 1000 {
		if err := deliver(ctx, tenant, index, boxes[0]); err != nil {
			b.Fatal(err)
		}
	}
	flags := mail.Flags(0)
	for name, change := range map[string]func(store.Tx) error{
		"one by one": func(tx store.Tx) error {
			for uid := mail.UID(1); uid <= 1000; uid++ {
				if _, err := tx.SetFlags(boxes[0], uid, flags); err != nil {
					return err
				}
			}
			return nil
		},
		"together": func(tx store.Tx) error {
			_, _, err := tx.ChangeFlags(boxes[0], 1, 1000, mail.Seen, flags)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				flags ^= mail.Seen
				if err := tenant.Update(ctx, actor(), "bench", change); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClaim leases a thousand items of many.
func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			storetest.BenchmarkClaim(b, openDir(b, benchDir(b), Options{}), waiting)
		})
	}
}
