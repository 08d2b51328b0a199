package memory

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
)

// TestTwoHalves: messages that each hold a part and want the rest do not wait for ever.
func TestTwoHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(2 * int64(chunkSizes[0]))
		ends := make(chan error, 2)
		for range 2 {
			go func() {
				first, err := m.Take(context.Background(), 0)
				if err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second) // both hold their half now
				if _, err = m.Take(context.Background(), 0); err != nil {
					m.Give(first)
				}
				ends <- err
			}()
		}
		if err := <-ends; !mail.Is(err, mail.Busy) {
			t.Errorf("the first to end: %v, want Busy", err)
		}
		<-ends
	})
}

func TestPieces(t *testing.T) {
	m := New(1 << 20)
	var all [][]byte
	for n := range 4 {
		b, err := m.Take(context.Background(), n)
		if err != nil || len(b) != chunkSizes[min(n, 2)] {
			t.Fatalf("piece %d: %d octets, %v", n, len(b), err)
		}
		all = append(all, b)
	}
	if m.Unused(1 << 20) {
		t.Error("what was taken counts as free")
	}
	for _, b := range all {
		m.Give(b[:10])
	}
	if !m.Unused(1 << 20) {
		t.Error("what was given back does not count as free")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	full := New(1)
	if _, err := full.Take(ctx, 0); !mail.Is(err, mail.Busy) {
		t.Errorf("no room and no time: %v", err)
	}
}
