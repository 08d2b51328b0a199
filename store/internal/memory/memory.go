// Package memory hands out the memory in which both stores take messages in.
package memory

import (
	"context"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sync/semaphore"

	"tegami/mail"
)

// Block is what a write past the page cache is a multiple of, in memory and on disk.
const Block = 4096

// chunkSizes are the sizes of the pieces of memory a message is taken in, by their place in it: small
// messages take a small piece, large ones few. All are multiples of Block.
var chunkSizes = [...]int{8 << 10, 64 << 10, 256 << 10}

// idleMemory is how much memory the free lists keep, in octets of each size.
const idleMemory = 16 << 20

// Wait is how long a message waits for memory at most, whatever its own deadline: messages that each
// hold a part and wait for the rest would else wait for each other for ever.
const Wait = 30 * time.Second

// Pool hands out pieces of memory for messages on their way, up to a limit, and keeps some that came back.
type Pool struct {
	room *semaphore.Weighted
	wait time.Duration
	mu   sync.Mutex
	free [len(chunkSizes)][][]byte
}

// New makes a Pool that hands out limit octets at most.
func New(limit int64) *Pool { return &Pool{room: semaphore.NewWeighted(limit), wait: Wait} }

// Unused tells whether n octets are free, for tests that all came back.
func (m *Pool) Unused(n int64) bool {
	ok := m.room.TryAcquire(n)
	if ok {
		m.room.Release(n)
	}
	return ok
}

// acquire takes room, waiting for it if need be.
func (m *Pool) acquire(ctx context.Context, size int64) error {
	if m.room.TryAcquire(size) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.wait)
	defer cancel()
	if err := m.room.Acquire(ctx, size); err != nil {
		return mail.Because("store.Stage", mail.Busy, "storage.busy", err)
	}
	return nil
}

// Take gives the n-th piece of a message, of its full length. When there is no room it waits until ctx ends, or
// for Wait: Busy "storage.busy".
func (m *Pool) Take(ctx context.Context, n int) ([]byte, error) {
	class := min(n, len(chunkSizes)-1)
	size := chunkSizes[class]
	if err := m.acquire(ctx, int64(size)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.free[class]
	if len(list) == 0 {
		return Aligned(size), nil
	}
	chunk := list[len(list)-1]
	m.free[class] = list[:len(list)-1]
	return chunk, nil
}

// Give takes a piece back.
func (m *Pool) Give(chunk []byte) {
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

// Aligned makes a piece of memory that begins at a multiple of Block. Go's own large allocations do;
// nothing promises it.
func Aligned(size int) []byte {
	b := make([]byte, size)
	if skew := int(uintptr(unsafe.Pointer(&b[0])) % Block); skew != 0 {
		b = make([]byte, size+Block)
		skew = int(uintptr(unsafe.Pointer(&b[0])) % Block)
		b = b[Block-skew:]
	}
	return b[:size:size]
}
