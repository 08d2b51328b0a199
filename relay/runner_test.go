package relay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// run runs a Runner over items until done says so, and stops it.
func (l *lab) run(done func([]queue.Item) bool) []queue.Item {
	l.Helper()
	q := queue.New(l.store)
	runner := queue.NewRunner(queue.Config{Queue: q})
	runner.Handle("remote ", l.start(), queue.CarrierLimits{Concurrency: 4, Start: 4})
	ctx, stop := context.WithCancel(l.ctx)
	ended := make(chan struct{})
	go func() { runner.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	end := time.Now().Add(30 * time.Second)
	for {
		items, err := q.Of(ourTenant).List(l.ctx, 0, 0, 0)
		if err != nil {
			l.Fatal(err)
		}
		if done(items) {
			return items
		}
		if time.Now().After(end) {
			l.Fatal("the queue stands still")
		}
		time.Sleep(time.Millisecond) // the store can't be waited on
	}
}

// count counts items that are so.
func count(items []queue.Item, is func(*queue.Item) bool) (n int) {
	for i := range items {
		if is(&items[i]) {
			n++
		}
	}
	return n
}

// put writes items.
func (l *lab) put(items ...*queue.Item) {
	l.Helper()
	err := l.tenant.Update(l.ctx, queue.Worker(), "relay.test", func(tx store.Tx) error {
		for _, it := range items {
			it.Due = time.Now().Add(-time.Second)
			if err := queue.Put(tx, it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
}

// TestWithTheQueue: the carrier in the hands of the real Runner.
func TestWithTheQueue(t *testing.T) {
	l := newLab(t, plainMX)
	h := l.host("127.0.0.2", "mx.x.example", good)
	const many = 200
	var items []*queue.Item
	for i := range many {
		items = append(items, l.item(shortText, fmt.Sprintf("b%d@x.example", i)))
	}
	for i := range 3 {
		items = append(items, l.item(shortText, fmt.Sprintf("b%d@nowhere.example", i)))
	}
	l.put(items...)
	settled := func(it *queue.Item) bool { return it.State == store.ItemSettled }
	after := l.run(func(list []queue.Item) bool { return count(list, settled) == len(items) })
	notices := count(after, func(it *queue.Item) bool { return it.Route == queue.RouteNotice })
	if len(h.got()) != many || h.connections() > 4 || notices != 3 {
		t.Errorf("%d messages over %d connections, %d notices", len(h.got()), h.connections(), notices)
	}
	for i := range after {
		it := &after[i]
		switch to := &it.To[0]; {
		case it.Route == queue.RouteRemote("x.example") && (to.Outcome != queue.Relayed || to.Status != "2.0.0" || to.Host != "mx.x.example" || to.Answer == ""),
			it.Route == queue.RouteRemote("nowhere.example") && (to.Outcome != queue.Failed || to.Status != "5.1.2" || to.Reason != "remote.no_domain"):
			t.Errorf("%s: %+v", it.Route, to)
		}
	}
}

// TestDestinationDown: what waits for a host that is down says why.
func TestDestinationDown(t *testing.T) {
	l := newLab(t, plainMX)
	l.host("127.0.0.2", "mx.x.example", "S: 421 4.3.2 full of mail\nCLOSE")
	var items []*queue.Item
	for i := range 20 {
		items = append(items, l.item(shortText, fmt.Sprintf("b%d@x.example", i)))
	}
	l.put(items...)
	told := func(it *queue.Item) bool {
		to := &it.To[0]
		return it.State == store.ItemWaiting && to.Outcome == queue.Waiting && to.Reason == "remote.deferred" && to.Status == "4.3.2" && to.Answer == "421 4.3.2 full of mail"
	}
	l.run(func(list []queue.Item) bool { return count(list, told) == len(items) })
}

// BenchmarkQueue measures messages of 4 KB from the queue of the embedded store to smtp-sink, each settled on disk.
func BenchmarkQueue(b *testing.B) {
	port := sink(b)
	l := newLab(b, "")
	l.cfg.SmartHost = &domains.SmartHost{Host: "127.0.0.1", Port: uint16(port), TLS: domains.TLSOff}
	blob := l.blob(shortText + strings.Repeat("a line of a letter of 4 KB, as most are, more or less\r\n", 75))
	items := make([]*queue.Item, b.N)
	for i := range items {
		items[i] = &queue.Item{ID: mail.ItemID(l.ids.Next()), State: store.ItemWaiting, Blob: blob, Route: queue.RouteRemote("x.example")}
		items[i].From, items[i].To = address("a@tegami.example"), []queue.Recipient{{Recipient: mail.Recipient{Address: address("b@x.example")}}}
	}
	for list := range slices.Chunk(items, 1000) {
		l.put(list...)
	}
	b.ResetTimer()
	left := func() (n int) {
		err := l.tenant.View(b.Context(), func(r store.Reader) error {
			list, err := r.Items(store.ItemWaiting, 0, 1)
			n = len(list)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	q := queue.New(l.store)
	runner := queue.NewRunner(queue.Config{Queue: q})
	runner.Handle("remote ", l.start(), queue.CarrierLimits{Concurrency: 20, Start: 20})
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() { runner.Run(ctx); close(ended) }()
	for left() > 0 {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.StopTimer()
	stop()
	<-ended
}
