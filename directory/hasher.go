package directory

import (
	"context"
	"sync/atomic"
	"time"

	"tegami/mail"
)

// Bounds of waiting for a hash.
const (
	// maxHashWaiters is how many sign-ins wait for each one that is being computed.
	maxHashWaiters = 250
	// maxHashWait is how long one waits.
	maxHashWait = 10 * time.Second
)

// hasher bounds how many passwords are hashed at once, and how many wait for that:
// a flood of wrong passwords costs a fixed amount of memory and the cores it was given.
// Sign-ins that are remembered don't pass here and stay quick meanwhile.
type hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
}

func newHasher(slots int) *hasher { return &hasher{slots: make(chan struct{}, slots)} }

// do runs fn when there is a free slot. Busy "auth.busy" when too many wait or it takes too long.
func (h *hasher) do(ctx context.Context, fn func() error) error {
	const op = "directory.hash"
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(cap(h.slots))*maxHashWaiters {
		return mail.E(op, mail.Busy, "auth.busy")
	}
	ctx, cancel := context.WithTimeout(ctx, maxHashWait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return fn()
	case <-ctx.Done():
		return mail.Because(op, mail.Busy, "auth.busy", ctx.Err())
	}
}
