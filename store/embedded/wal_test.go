package embedded

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/store"
)

// TestReadersDoNotGrowTheWAL: where there is always somebody who reads, the WAL is begun anew all the same.
func TestReadersDoNotGrowTheWAL(t *testing.T) {
	s := openTest(t, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				err := tenant.View(context.Background(), func(r store.Reader) error {
					_, err := r.Mailbox(boxes[0])
					time.Sleep(time.Millisecond)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	text := strings.Repeat("x", 15<<10)
	for range 2500 { // 10,000 pages
		if err := put(tenant, boxes[0], text, nothing); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	all.Wait()
	info, err := os.Stat(filepath.Join(s.tenantDir(1), "mail.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(4 * checkpointPages * 4096); info.Size() > limit {
		t.Errorf("the WAL has %d octets, want at most %d", info.Size(), limit)
	}
}
