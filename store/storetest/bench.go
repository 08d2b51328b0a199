package storetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// BenchmarkClaim measures how long it takes to lease a thousand of many waiting items of one tenant, and to
// put them off again in one transaction.
func BenchmarkClaim(b *testing.B, s store.Store, waiting int) {
	const portion = 1000
	ctx := context.Background()
	id := mail.TenantID(1)
	if err := s.CreateTenant(ctx, id); err != nil {
		b.Fatal(err)
	}
	update := func(n int, fn func(tx store.Tx, n int) error) {
		err := s.Tenant(id).Update(ctx, Actor(), "bench", func(tx store.Tx) error {
			for i := range n {
				if err := fn(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	doc := make([]byte, 300)
	for done := 0; done < waiting; done += 10 * portion {
		update(min(10*portion, waiting-done), func(tx store.Tx, n int) error {
			return tx.PutItem(store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemWaiting, Doc: doc,
				Due: past.Add(time.Duration(done+n) * time.Millisecond), Route: fmt.Sprintf("remote host%d.example", n%1000)})
		})
	}
	later := time.Now()
	var claims, puts time.Duration
	for b.Loop() {
		begun := time.Now()
		list, err := s.Claim(ctx, "bench", portion, time.Hour)
		if err != nil || len(list) != portion {
			b.Fatalf("%d items, %v", len(list), err)
		}
		claims += time.Since(begun)
		begun = time.Now()
		later = later.Add(-time.Second)
		update(portion, func(tx store.Tx, n int) error {
			i := list[n].Item
			i.Due, i.Until = later, time.Time{}
			return tx.PutItem(i)
		})
		puts += time.Since(begun)
	}
	b.ReportMetric(float64(claims.Microseconds())/float64(b.N)/portion, "µs/claimed")
	b.ReportMetric(float64(puts.Microseconds())/float64(b.N)/portion, "µs/put-off")
}

// BenchmarkTexts measures how long it takes to index 8,000 messages of 2,000 grams, and to find those with some grams among them.
func BenchmarkTexts(b *testing.B, s store.Store) {
	const messages, each, inPortion, searches = 8192, 2000, 128, 100
	ctx := context.Background()
	if err := s.CreateTenant(ctx, 1); err != nil {
		b.Fatal(err)
	}
	texts := s.Tenant(1).Texts()
	rng := rand.New(rand.NewPCG(1, 2))
	gram := func() store.Gram { return store.Gram(uint32(rng.ExpFloat64()*20_000) * 0x9e3779b1) }
	var docs [inPortion]store.TextDoc
	for i := range docs {
		seen := map[store.Gram]bool{}
		for len(seen) < each {
			seen[gram()] = true
		}
		docs[i].Grams = slices.Collect(maps.Keys(seen))
	}
	var adding, finding time.Duration
	for b.Loop() {
		if err := texts.Drop(ctx, 1); err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		for upto := mail.UID(0); upto < messages; upto += inPortion {
			for i := range docs {
				docs[i].UID = upto + 1 + mail.UID(i)
			}
			if err := texts.Add(ctx, 1, store.TextPortion{Mailbox: 1, After: upto, Upto: upto + inPortion, Docs: docs[:]}); err != nil {
				b.Fatal(err)
			}
		}
		adding += time.Since(begun)
		begun = time.Now()
		for range searches {
			if _, _, err := texts.Find(ctx, 1, 1, []store.Gram{gram(), gram(), gram(), gram(), gram()}); err != nil {
				b.Fatal(err)
			}
		}
		finding += time.Since(begun)
	}
	b.ReportMetric(float64(b.N*messages)/adding.Seconds(), "messages/s")
	b.ReportMetric(float64(finding.Microseconds())/float64(b.N*searches), "µs/search")
}
