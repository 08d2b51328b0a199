package httpd

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestSV3NoWebHosting: below a company's domain there are the files that mail needs, and nothing else: no page of ours, none of theirs,
// and nothing that is mounted on our own site.
func TestSV3NoWebHosting(t *testing.T) {
	s := company(t)
	s.config.Mounts = []Mount{{Path: "/panel/", Handler: http.NotFoundHandler()}, {Path: "/api/", Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })}}
	for _, host := range []string{"alpha.example", "www.alpha.example", "autoconfig.alpha.example", "autodiscover.alpha.example", "mta-sts.alpha.example"} {
		for _, path := range []string{"/", "/index.html", "/login", "/panel/", "/api/v1/self", "/.well-known/acme-challenge/x", "/unsubscribe?t=x"} {
			r := httptest.NewRequest(http.MethodGet, "https://"+host+path, nil)
			w := httptest.NewRecorder()
			s.handler().ServeHTTP(w, r)
			if w.Code != http.StatusNotFound {
				t.Errorf("%s%s answers %d", host, path, w.Code)
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, "https://alpha.example"+wellKnownAutoconfig, nil)
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("settings for mail software: %d", w.Code)
	}
}
