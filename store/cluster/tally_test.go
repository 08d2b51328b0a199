package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestTallyEvicts: more counters than fit push small ones out; they never stop anybody from counting.
func TestTallyEvicts(t *testing.T) {
	s := &Store{}
	s.tallies = newTallies(s)
	count := func(key string, n int64) int64 {
		sum, err := s.Tally(context.Background(), key, n, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	count("attacked account", 10)
	for i := range maxTallies + 1000 {
		count(fmt.Sprint("name ", i), 1)
	}
	if len(s.tallies.counts) != maxTallies {
		t.Errorf("%d counters are kept", len(s.tallies.counts))
	}
	if sum := count("attacked account", 1); sum != 11 {
		t.Errorf("the large counter is %d, want 11", sum)
	}
}
