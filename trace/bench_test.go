package trace_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/trace"
)

// BenchmarkSearch searches among many items: TEGAMI_TRACE_ITEMS, or 50,000.
func BenchmarkSearch(b *testing.B) {
	h := newHouse(b)
	items, err := strconv.Atoi(os.Getenv("TEGAMI_TRACE_ITEMS"))
	if err != nil {
		items = 50_000
	}
	begun := time.Now()
	fill(h, items)
	b.Logf("%d items written in %v", items, time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	h.index()
	took := time.Since(begun)
	size, err := h.store.Tenant(tenant).Traces().Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("indexed in %v with its rests, %.0f items/s; %d segments, %.1f octets an item", took.Round(time.Millisecond), float64(items)/took.Seconds(),
		size.Segments, float64(size.Octets)/float64(items))
	for name, q := range map[string]trace.Query{
		"recipient":        {Recipient: "user4711@alpha.example"},
		"recipient-domain": {Recipient: "alpha.example"},
		"sender":           {Sender: "person17@outside17.example"},
		"message-id":       {MessageID: fmt.Sprintf("<%d@outside.example>", items/3)},
		"subject":          {Subject: fmt.Sprintf("見積書 %d", items/2)},
		"stranger":         {Recipient: "nobody@alpha.example"},
		"newest":           {},
	} {
		b.Run(name, func(b *testing.B) {
			found := 0
			for b.Loop() {
				page, err := h.trace.Search(context.Background(), tenant, q, nil)
				if err != nil {
					b.Fatal(err)
				}
				found = len(page.Entries)
			}
			b.ReportMetric(float64(found), "found")
		})
	}
}

// fill writes items for 10,000 recipients of as many senders' domains as there are hundreds of items.
func fill(h *house, items int) {
	for at := 0; at < items; at += 1000 {
		err := h.store.Tenant(tenant).Update(context.Background(), queue.Worker(), "bench", func(tx store.Tx) error {
			for i := at; i < min(at+1000, items); i++ {
				it := inbound(i, fmt.Sprintf("person%d@outside%d.example", i%1000, i%(items/100+1)), fmt.Sprintf("user%d@alpha.example", i*7919%10_000))
				it.To[0].Account = mail.AccountID(1000 + i*7919%10_000)
				if err := queue.Put(tx, it); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.Fatal(err)
		}
	}
}

// BenchmarkIndex is what an item costs the index, without rests.
func BenchmarkIndex(b *testing.B) {
	h := newHouse(b)
	fill(h, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := h.store.Tenant(tenant).Traces().Drop(context.Background()); err != nil {
			b.Fatal(err)
		}
		h.index()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/item")
}
