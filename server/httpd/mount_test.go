package httpd

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tegami/i18n"
	"tegami/obs"
)

// TestMounts: a mount answers below its path on the server's own site, and nowhere else.
func TestMounts(t *testing.T) {
	s := New(Config{Words: i18n.New(), Hostname: "mail.tegami.example", Metrics: obs.NewMetrics(), Mounts: []Mount{
		{Path: "/api/", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })},
		{Path: "/login", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })},
	}})
	for _, c := range []struct {
		host, path string
		want       int
	}{
		{"mail.tegami.example", "/api/v1/self", http.StatusTeapot},
		{"mail.tegami.example", "/api", http.StatusNotFound},
		{"mail.tegami.example", "/login", http.StatusTeapot},
		{"mail.tegami.example", "/login/more", http.StatusNotFound},
		{"127.0.0.1:443", "/api/v1/self", http.StatusTeapot},
		{"alpha.example", "/api/v1/self", http.StatusNotFound},
		{"mta-sts.alpha.example", "/login", http.StatusNotFound},
	} {
		r := httptest.NewRequest(http.MethodGet, "https://"+c.host+c.path, nil)
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s%s: %d, want %d", c.host, c.path, w.Code, c.want)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s%s: no nosniff", c.host, c.path)
		}
	}
}

// TestSV11SignInPageIsCounted: one network does not keep the sign-in page, where each try costs a hash, from all others. What counts its
// callers itself is not counted here.
func TestSV11SignInPageIsCounted(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	s := New(Config{Words: i18n.New(), Hostname: "mail.tegami.example", Metrics: obs.NewMetrics(), Mounts: []Mount{
		{Path: "/api/", Handler: answer}, {Path: "/login", Handler: answer, Visits: true},
	}})
	answered := func(path, from string) (n int) {
		for range visitsPerWindow + 10 {
			r := httptest.NewRequest(http.MethodPost, "https://mail.tegami.example"+path, nil)
			r.RemoteAddr = from
			w := httptest.NewRecorder()
			s.handler().ServeHTTP(w, r)
			if w.Code == http.StatusTeapot {
				n++
			} else if w.Code != http.StatusTooManyRequests {
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		return n
	}
	if n := answered("/login", "198.51.100.7:1"); n != visitsPerWindow {
		t.Errorf("%d tries to sign in from one address", n)
	}
	if n := answered("/login", "198.51.100.8:1"); n != visitsPerWindow {
		t.Errorf("%d tries to sign in from another address", n)
	}
	if n := answered("/api/v1/self", "198.51.100.7:1"); n != visitsPerWindow+10 {
		t.Errorf("%d calls of the API", n)
	}
}
