package cluster

import (
	"testing"

	"tegami/store/storetest"
)

func BenchmarkTexts(b *testing.B) { storetest.BenchmarkTexts(b, open(b, newStand(b).config(b))) }
