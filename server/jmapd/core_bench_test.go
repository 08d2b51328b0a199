package jmapd_test

import (
	"net/http/httptest"
	"testing"

	"tegami/server/jmapd"
)

// BenchmarkEmptyRoundTrip is a request that does nothing, with all that stands around one: who calls, the limits, reading, answering.
func BenchmarkEmptyRoundTrip(b *testing.B) {
	u := one(b, func(_ *house, c *jmapd.Config) { c.Limits = jmapd.Limits{Requests: 1 << 40} })
	door := u.Handler()
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, u.request("POST", "/jmap/api", echo))
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
