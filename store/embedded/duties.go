package embedded

import (
	"context"
	"sync"
	"time"

	"tegami/mail"
)

// duties are held by this process alone, since it alone has the folder; so only its own
// goroutines compete for them.
type duties struct {
	mu    sync.Mutex
	held  map[string]chan struct{} // closed when the duty is free again
	fence uint64
}

// Lead waits until this caller holds a duty. It is held until ctx ends.
func (s *Store) Lead(ctx context.Context, duty string) (context.Context, uint64, error) {
	d := &s.duties
	for {
		d.mu.Lock()
		taken := d.held[duty]
		if taken == nil && ctx.Err() == nil {
			defer d.mu.Unlock()
			return d.take(ctx, duty)
		}
		d.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, 0, mail.Wrap("store.Lead", ctx.Err())
		}
	}
}

// take gives the duty out, under mu. Fences begin at the clock, so they grow over restarts too.
func (d *duties) take(ctx context.Context, duty string) (context.Context, uint64, error) {
	if d.held == nil {
		d.held = make(map[string]chan struct{})
	}
	free := make(chan struct{})
	d.held[duty] = free
	d.fence = max(d.fence+1, uint64(time.Now().UnixMilli()))
	context.AfterFunc(ctx, func() {
		d.mu.Lock()
		delete(d.held, duty)
		d.mu.Unlock()
		close(free)
	})
	return ctx, d.fence, nil
}
