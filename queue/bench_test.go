package queue

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
)

// BenchmarkThrough takes items from the commit that accepts them to the commit that settles them: 50 callers, one
// destination whose carriers take no time.
func BenchmarkThrough(b *testing.B) {
	st, err := embedded.Open(b.TempDir(), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	ctx, cancel := context.WithCancel(context.Background())
	if err := st.CreateTenant(ctx, alpha); err != nil {
		b.Fatal(err)
	}
	var settled sync.WaitGroup
	var claimed atomic.Int64
	carrier := carrierFunc(func(ctx context.Context, dest string, next func(context.Context) *Job) error {
		for j := next(ctx); j != nil; j = next(ctx) {
			deliver(j)
			if j.Item.Tries > 1 || j.Item.Fence > 1 {
				claimed.Add(1)
			}
			if err := j.Settle(ctx, "bench", nil); err != nil {
				return err
			}
			settled.Done()
		}
		return nil
	})
	r := NewRunner(Config{Queue: New(st)})
	r.Handle(remotePrefix, carrier, CarrierLimits{})
	var run sync.WaitGroup
	run.Go(func() { r.Run(ctx) })
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for next.Add(1) <= int64(b.N) {
				settled.Add(1)
				if err := accept(ctx, r, st); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	settled.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(claimed.Load())/float64(b.N), "claimed/item")
	cancel()
	run.Wait()
}

// accept writes an item and hands it over.
func accept(ctx context.Context, r *Runner, st store.Store) error {
	offer, _ := r.Reserve(1)
	defer offer.Drop()
	it := letter("a.example")
	err := st.Tenant(alpha).Update(ctx, Worker(), "bench", func(tx store.Tx) error {
		it.ID = mail.ItemID(0)
		offer.Lease(&it)
		return Put(tx, &it)
	})
	if err == nil {
		offer.Hand(alpha, it)
	}
	return err
}
