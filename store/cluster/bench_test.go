package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tegami/mail"
	"tegami/store"
	"tegami/store/storetest"
)

// benchAccounts is among how many accounts deliveries are spread.
const benchAccounts = 100

// BenchmarkDeliver delivers small messages by 1, 10 and 50 callers. The server does not sync (lab/postgres):
// it is about round trips and work, not about the disk.
func BenchmarkDeliver(b *testing.B) {
	stand := newStand(b)
	for _, callers := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("c%d", callers), func(b *testing.B) { benchDeliver(b, stand, callers) })
	}
}

func benchDeliver(b *testing.B, stand stand, callers int) {
	s := open(b, stand.config(b))
	ctx := context.Background()
	if err := s.CreateTenant(ctx, company); err != nil {
		b.Fatal(err)
	}
	var boxes []mail.MailboxID
	err := s.Tenant(company).Update(ctx, storetest.Actor(), "bench", func(tx store.Tx) error {
		boxes = boxes[:0]
		for a := range benchAccounts {
			m, err := tx.CreateMailbox(store.Mailbox{Account: mail.AccountID(a + 1), Name: "INBOX"})
			if err != nil {
				return err
			}
			boxes = append(boxes, m.ID)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat("x", 4<<10)
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := deliver(s, body, boxes[n%benchAccounts]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkClaim leases a thousand items of many.
func BenchmarkClaim(b *testing.B) {
	stand := newStand(b)
	for _, waiting := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			storetest.BenchmarkClaim(b, open(b, stand.config(b)), waiting)
		})
	}
}
