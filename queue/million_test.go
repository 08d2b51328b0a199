package queue

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// manyEnv names how many items TestManyQueued puts into the queue, instead of fewItems. With a million it holds the Runner
// against what the platform promises, so the machine should have nothing else to do.
const (
	manyEnv  = "TEGAMI_QUEUE_ITEMS"
	fewItems = 5000
	million  = 1_000_000
)

// TestManyQueued: a queue full of mail, half of it for one slow host, is begun at once and does not fill the memory, and
// people can look at it.
func TestManyQueued(t *testing.T) {
	items := fewItems
	if text := os.Getenv(manyEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		items = n
	}
	dir := t.TempDir()
	h := newHouse(t, dir)
	begun := time.Now()
	h.fill(items)
	t.Logf("%d items written in %v", items, time.Since(begun).Round(time.Millisecond))
	h.ok(h.store.Close())
	debug.FreeOSMemory()

	begun = time.Now()
	h = newHouse(t, dir)
	defer h.close()
	first := make(chan time.Duration, 1)
	var fast, slow atomic.Int64
	f := carrierFunc(func(ctx context.Context, dest string, next func(context.Context) *Job) error {
		for j := next(ctx); j != nil; j = next(ctx) {
			select {
			case first <- time.Since(begun):
			default:
			}
			if dest == "slow.example" {
				select {
				case <-time.After(500 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			deliver(j)
			if err := j.Settle(ctx, "test", nil); err != nil {
				return err
			}
			if dest == "slow.example" {
				slow.Add(1)
			} else {
				fast.Add(1)
			}
		}
		return nil
	})
	h.run(Config{Limits: Limits{Grace: time.Millisecond}}, CarrierLimits{}, f)
	figures := []figure{{"start to the first carry", <-first, 5 * time.Second}}
	figures = append(figures, h.look()...)
	most := resident()
	for end, last := time.Now().Add(h.watched(items)), int64(-1); time.Now().Before(end) && fast.Load() < int64(items/2); time.Sleep(100 * time.Millisecond) {
		most = max(most, resident())
		if now := fast.Load(); testing.Verbose() && now/100_000 != last/100_000 {
			last = now
			t.Logf("%v: %d carried, and %d to the slow host; %d MB", time.Since(begun).Round(time.Second), now, slow.Load(), most>>20)
		}
	}
	t.Logf("%d carried in %v, and %d to the slow host; at most %d MB resident", fast.Load(), time.Since(begun).Round(time.Millisecond), slow.Load(), most>>20)
	if items >= million && most > 300<<20 {
		t.Errorf("%d MB are resident, want less than 300", most>>20)
	}
	for _, f := range append(figures, h.look()...) {
		t.Log(f)
		if items >= million && f.took > f.most {
			t.Errorf("%v took longer than %v", f, f.most)
		}
	}
}

// watched is for how long the Runner is watched.
func (h *house) watched(items int) time.Duration {
	if items >= million {
		return 10 * time.Minute
	}
	return time.Minute
}

// figure is how long something took, and may take with a million items.
type figure struct {
	what       string
	took, most time.Duration
}

func (f figure) String() string { return fmt.Sprintf("%s: %v", f.what, f.took.Round(time.Microsecond)) }

// fill writes items of one tenant: every second to a slow host, the others to a thousand domains.
func (h *house) fill(items int) {
	const batch = 20_000
	it := letter("")
	it.Due = time.Now().Add(-time.Hour)
	it.Trace, it.MessageID, it.HeaderFrom = "k3f9x2ab-1", "<20261101.1@alpha.example>", "sato@alpha.example"
	for done := 0; done < items; done += batch {
		h.ok(h.store.Tenant(alpha).Update(context.Background(), Worker(), "test", func(tx store.Tx) error {
			for n := done; n < min(done+batch, items); n++ {
				domain := "slow.example"
				if n%2 != 0 {
					domain = fmt.Sprintf("host%d.example", n/2%1000)
				}
				one := it
				one.Due = it.Due.Add(time.Duration(n) * time.Millisecond / 10)
				one.Route = RouteRemote(domain)
				one.To = []Recipient{{Recipient: mail.Recipient{Address: mail.Address{Local: fmt.Sprint("user", n), Domain: domain}}}}
				if err := Put(tx, &one); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// look does what an administrator does.
func (h *house) look() (list []figure) {
	lane, ctx := h.queue.Of(alpha), context.Background()
	look := func(what string, fn func() error) {
		begun := time.Now()
		h.ok(fn())
		list = append(list, figure{what, time.Since(begun), time.Second})
	}
	look("Routes", func() error { _, err := lane.Routes(ctx, 100); return err })
	look("List", func() error { _, err := lane.List(ctx, store.ItemWaiting, 0, 1000); return err })
	look("On", func() error { _, err := lane.On(ctx, RouteRemote("slow.example"), 0, 1000); return err })
	return list
}

// resident is how much of the process is in memory, in octets, where the system says so; else what Go has.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				n, _ := strconv.ParseInt(strings.Fields(kb)[0], 10, 64)
				return n << 10
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
