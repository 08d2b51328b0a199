package cluster

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"tegami/mail"
)

// chunkSizes are the sizes of the pieces of memory a message is taken in, by their place in it.
var chunkSizes = [...]int{8 << 10, 64 << 10, 256 << 10}

// memory hands out pieces of memory for messages on their way, up to a limit.
type memory struct {
	room *semaphore.Weighted
	free [len(chunkSizes)]sync.Pool
}

func newMemory(limit int64) *memory { return &memory{room: semaphore.NewWeighted(limit)} }

// take gives the n-th piece of a message, empty. When there is no room it waits until ctx ends: Busy.
func (m *memory) take(ctx context.Context, n int) ([]byte, error) {
	class := min(n, len(chunkSizes)-1)
	size := chunkSizes[class]
	if err := m.room.Acquire(ctx, int64(size)); err != nil {
		return nil, mail.Because("store.Stage", mail.Busy, "storage.busy", err)
	}
	if chunk, ok := m.free[class].Get().(*[]byte); ok {
		return (*chunk)[:0], nil
	}
	return make([]byte, 0, size), nil
}

// give takes the pieces of a message back.
func (m *memory) give(chunks [][]byte) {
	for n, chunk := range chunks {
		m.room.Release(int64(cap(chunk)))
		m.free[min(n, len(chunkSizes)-1)].Put(&chunk)
	}
}
