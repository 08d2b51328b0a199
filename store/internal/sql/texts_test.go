package sql

import (
	"math/rand/v2"
	"testing"

	"tegami/store/internal/segment"
)

// TestSegmentsStayFew adds portions of all sizes and looks at how many segments there are, and how often a
// message is written.
func TestSegmentsStayFew(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() int{
		"one by one": func() int { return 1 },
		"portions":   func() int { return 128 },
		"large":      func() int { return 1024 },
		"of all":     func() int { return 1 + rng.IntN(1+rng.IntN(1024)) },
		"none":       func() int { return rng.IntN(3) / 2 },
	} {
		t.Run(name, func(t *testing.T) {
			var heads []textHead
			docs, written, most := 0, 0, 0
			for docs < 100_000 {
				one := textHead{docs: next()}
				one.octets = int64(one.docs) * 2000
				docs += one.docs
				n := mergeTail(heads, one)
				for _, h := range heads[len(heads)-n:] {
					one.docs += h.docs
					one.octets += h.octets
				}
				if one.docs > segment.MaxDocs {
					t.Fatalf("a segment of %d", one.docs)
				}
				written += one.docs
				heads = append(heads[:len(heads)-n], one)
				most = max(most, len(heads)-docs/(segment.MaxDocs/2))
			}
			t.Logf("%d segments, %d beside the largest at most, each message written %.1f times", len(heads), most, float64(written)/float64(docs))
			if most > 40 || written > 12*docs {
				t.Errorf("%d segments beside the largest, %d messages written %d times", most, docs, written)
			}
		})
	}
}
