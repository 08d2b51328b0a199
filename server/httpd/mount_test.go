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
		{"/api/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })},
		{"/login", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })},
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
