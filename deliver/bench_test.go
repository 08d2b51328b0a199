package deliver_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
)

// BenchmarkLocal delivers a message to one box and to many in the accepting commit.
func BenchmarkLocal(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("recipients=%d", n), func(b *testing.B) {
			h := newHouse(b, deliver.Config{})
			users := make([]string, n)
			for i := range users {
				users[i] = fmt.Sprintf("user%d", i)
			}
			h.company("alpha.example", users...)
			to := make([]deliver.Addressee, n)
			for i, u := range users {
				to[i] = deliver.Addressee{Recipient: recipient(u), Account: h.account(u + "@alpha.example")}
				to[i].Account.Quota = 1 << 60
			}
			tenant := h.store.Tenant(to[0].Account.Tenant)
			staged, index := h.stage(to[0].Account.Tenant, letter("a@x.example", "x"))
			defer staged.Release()
			doc := from("a@x.example")
			b.ReportAllocs()
			// What the function costs, without the commit around it: many runs in one transaction.
			h.must(tenant.Update(h.ctx, queue.Worker(), "bench", func(tx store.Tx) error {
				blob, err := tx.Keep(staged, index)
				if err != nil {
					return err
				}
				for b.Loop() {
					if _, _, err := h.Local(tx, deliver.Mail{NewMail: mailbox.NewMail{Blob: blob, Received: time.Now()}, Doc: &doc}, to); err != nil {
						return err
					}
				}
				return nil
			}))
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkList brings posts to a list of 1,000 members here.
func BenchmarkList(b *testing.B) {
	h := newHouse(b, deliver.Config{})
	l, _ := h.crew(directory.MaxMembers, 0)
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	r := queue.NewRunner(queue.Config{Queue: h.queue})
	for _, route := range []string{queue.RouteLocal, queue.RouteForward, "list "} {
		r.Handle(route, h.Carrier(), queue.CarrierLimits{})
	}
	stopped := make(chan struct{})
	go func() { r.Run(ctx); close(stopped) }()
	for b.Loop() {
		h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "all@alpha.example")
		r.Wake()
		for !h.atRest() {
			time.Sleep(200 * time.Microsecond)
		}
	}
	b.ReportMetric(float64(b.N*directory.MaxMembers)/b.Elapsed().Seconds(), "deliveries/s")
	cancel()
	<-stopped
}
