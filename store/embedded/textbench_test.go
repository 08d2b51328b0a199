package embedded

import (
	"testing"

	"tegami/store/storetest"
)

func BenchmarkTexts(b *testing.B) { storetest.BenchmarkTexts(b, openTest(b, Options{})) }
