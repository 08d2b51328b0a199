package embedded

import (
	"context"
	"sync"
	"unsafe"

	"golang.org/x/sync/semaphore"

	"tegami/mail"
)

// block is what a write past the page cache is a multiple of, in memory and on disk.
const block = 4096

// chunkSizes are the sizes of the pieces of memory a message is taken in, by their place in it: small
// messages take a small piece, large ones few. All are multiples of block.
var chunkSizes = [...]int{8 << 10, 64 << 10, 256 << 10}

// idleMemory is how much memory the free lists keep, in octets of each size.
const idleMemory = 16 << 20

// memory hands out pieces of memory for messages on their way, up to a limit, and keeps
// some that came back.
type memory struct {
	room *semaphore.Weighted
	mu   sync.Mutex
	free [len(chunkSizes)][][]byte
}

func newMemory(limit int64) *memory {
	return &memory{room: semaphore.NewWeighted(limit)}
}

// take gives the n-th piece of a message. When there is no room it waits until ctx ends: Busy.
func (m *memory) take(ctx context.Context, n int) ([]byte, error) {
	class := min(n, len(chunkSizes)-1)
	size := chunkSizes[class]
	if err := m.room.Acquire(ctx, int64(size)); err != nil {
		return nil, mail.Because("store.Stage", mail.Busy, "storage.busy", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.free[class]
	if len(list) == 0 {
		return aligned(size), nil
	}
	chunk := list[len(list)-1]
	m.free[class] = list[:len(list)-1]
	return chunk, nil
}

// give takes a piece back.
func (m *memory) give(chunk []byte) {
	chunk = chunk[:cap(chunk)]
	m.room.Release(int64(len(chunk)))
	m.mu.Lock()
	defer m.mu.Unlock()
	for class, size := range chunkSizes {
		if size == len(chunk) && len(m.free[class]) < idleMemory/size {
			m.free[class] = append(m.free[class], chunk)
		}
	}
}

// aligned makes a piece of memory that begins at a multiple of block. Go's own large allocations do;
// nothing promises it.
func aligned(size int) []byte {
	b := make([]byte, size)
	if skew := int(uintptr(unsafe.Pointer(&b[0])) % block); skew != 0 {
		b = make([]byte, size+block)
		skew = int(uintptr(unsafe.Pointer(&b[0])) % block)
		b = b[block-skew:]
	}
	return b[:size:size]
}
