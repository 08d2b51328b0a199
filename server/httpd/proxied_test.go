package httpd

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestCP9ClientBehindProxy: limits and networks are judged by the client's address, which only our own proxies can tell.
func TestCP9ClientBehindProxy(t *testing.T) {
	s := &Server{config: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/24")}}}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy: the field means nothing", "192.0.2.9:4000", []string{"198.51.100.1"}, "192.0.2.9:4000"},
		{"a proxy's client", "127.0.0.1:4000", []string{"198.51.100.1"}, "198.51.100.1:0"},
		{"what the client wrote itself does not count", "127.0.0.1:4000", []string{"127.0.0.1, 203.0.113.5, 198.51.100.1"}, "198.51.100.1:0"},
		{"two proxies", "127.0.0.1:4000", []string{"203.0.113.5, 10.1.0.7"}, "203.0.113.5:0"},
		{"two fields", "127.0.0.1:4000", []string{"203.0.113.5", "198.51.100.1"}, "198.51.100.1:0"},
		{"with a port", "127.0.0.1:4000", []string{"198.51.100.1:5123"}, "198.51.100.1:0"},
		{"IPv6", "127.0.0.1:4000", []string{"[2001:db8::1]:5123"}, "[2001:db8::1]:0"},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:4000", []string{"::ffff:198.51.100.1"}, "198.51.100.1:0"},
		{"nonsense at the end", "127.0.0.1:4000", []string{"198.51.100.1, unknown"}, "127.0.0.1:4000"},
		{"only proxies", "127.0.0.1:4000", []string{"10.1.0.7"}, "127.0.0.1:4000"},
		{"none", "127.0.0.1:4000", nil, "127.0.0.1:4000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			h := s.proxied(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.remote
			for _, f := range c.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want {
				t.Errorf("served as %s, want %s", got, c.want)
			}
		})
	}
}
