package webd

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// TestMailPages: the webmail's page takes nothing inline and pictures of the origin for untrusted content; the frame that mail is shown in
// takes no script at all, loads nothing of our own origin, and may stand in our pages only.
func TestMailPages(t *testing.T) {
	pages := fstest.MapFS{
		"index.html": {Data: []byte("page")}, "frame.html": {Data: []byte("frame")}, "assets/a-1.js": {Data: []byte("script")}, "assets/a-1.js.br": {Data: []byte("small")},
	}
	s := &Server{config: Config{Mail: pages}}
	s.mailPolicy, s.framePolicy = mailPolicies("https://content.example")
	for _, x := range []struct{ path, body, policy, not string }{
		{"", "page", "script-src 'self'; style-src 'self'; img-src 'self' data: blob: https://content.example;", "unsafe"},
		{"f/M1", "page", "frame-ancestors 'none'", "unsafe"},
		{"frame.html", "frame", "sandbox allow-same-origin", "script"},
		{"frame.html", "frame", "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob: https://content.example; form-action 'none'; frame-ancestors 'self'", "allow-scripts"},
		{"assets/a-1.js", "small", "script-src 'self'", "unsafe"},
		{"assets/gone.js", "404", "", "unsafe"},
	} {
		r := httptest.NewRequest("GET", "/mail/"+x.path, nil)
		r.Header.Set("Accept-Encoding", "br")
		r.SetPathValue("path", x.path)
		w := httptest.NewRecorder()
		guard(w.Header())
		s.serveMail(w, r)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(w.Body.String(), x.body) || !strings.Contains(policy, x.policy) || strings.Contains(policy, x.not) {
			t.Errorf("/mail/%s: %d %q under %q", x.path, w.Code, w.Body, policy)
		}
		if framed := w.Header().Get("X-Frame-Options"); framed != map[bool]string{true: "SAMEORIGIN", false: "DENY"}[x.body == "frame"] {
			t.Errorf("/mail/%s: X-Frame-Options %s", x.path, framed)
		}
	}
	if _, frame := mailPolicies(""); !strings.Contains(frame, "img-src data: blob:;") {
		t.Errorf("without an origin for content: %q", frame)
	}
}
