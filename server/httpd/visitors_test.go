package httpd

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestVisitorsAreCounted(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	v := newVisitors()
	v.now = func() time.Time { return now }
	admitted := func(remote string, times int) (n int) {
		for range times {
			if v.admit(remote) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		remote string
		want   int
	}{
		{"198.51.100.7:1", visitsPerWindow}, {"198.51.100.7:2", 0}, {"198.51.100.8:1", visitsPerWindow}, {"[::ffff:198.51.100.7]:1", 0},
		{"[2001:db8::1]:1", visitsPerWindow}, {"[2001:db8::ffff:2]:1", 0}, {"[2001:db8:0:1::1]:1", visitsPerWindow},
		{"127.0.0.1:1", visitsPerWindow + 10}, {"[::1]:1", visitsPerWindow + 10}, {"", 0}, {"nonsense", 0},
	} {
		if got := admitted(c.remote, visitsPerWindow+10); got != c.want {
			t.Errorf("%q: %d admitted, want %d", c.remote, got, c.want)
		}
	}
	if now = now.Add(visitWindow); !v.admit("198.51.100.7:1") {
		t.Error("not admitted in the next window")
	}
	for i := range maxNetworks + 10 {
		v.admit(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>16, i&0xffff))
	}
	if len(v.seen) > maxNetworks {
		t.Errorf("%d networks are counted", len(v.seen))
	}
}

// TestTooManyRequests: health and figures are never refused for that.
func TestTooManyRequests(t *testing.T) {
	s := newDoor(nil)
	var last int
	for range visitsPerWindow + 1 {
		last = get(s, "/", stranger).Code
	}
	if rec := get(s, "/", stranger); last != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "60" {
		t.Errorf("%d %v", last, rec.Header())
	}
	if rec := get(s, "/healthz", stranger); rec.Code != 200 {
		t.Errorf("health: %d", rec.Code)
	}
}
