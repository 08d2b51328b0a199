package webd_test

import (
	"net/http"
	"strings"
	"testing"

	"tegami/directory"
)

// TestSV11OneSignInPage: one page for all, which works without a script, and leads to the panel with a session that the API knows.
func TestSV11OneSignInPage(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account("sato")
	h.leads(h.get("/login"), http.StatusOK, "")
	h.shows(`name="password"`, `autocomplete="current-password"`)
	h.leads(h.post("/login", "do", "password", "name", "sato@alpha.example", "password", "wrong"), http.StatusUnauthorized, "")
	h.shows(`role="alert"`, `value="sato@alpha.example"`)
	done := h.post("/login", "do", "password", "name", "Sato@alpha.example", "password", password)
	h.leads(done, http.StatusSeeOther, "/panel/")
	var session *http.Cookie
	for _, c := range done.Cookies() {
		if c.Name == "__Host-tegami" {
			session = c
		}
	}
	if session == nil || !session.Secure || !session.HttpOnly || session.Path != "/" || session.SameSite != http.SameSiteLaxMode || session.Domain != "" {
		t.Fatalf("the session's cookie is %+v", session)
	}
	if strings.Contains(done.Header.Get("Location"), session.Value) {
		t.Error("the token stands in an address")
	}
	h.leads(h.get("/api/v1/self"), http.StatusOK, "")
	h.shows("sato@alpha.example")
	h.leads(h.get("/login"), http.StatusSeeOther, "/panel/")

	h.get("/logout")
	h.leads(h.post("/logout"), http.StatusSeeOther, "/login?out=1")
	h.leads(h.get("/api/v1/self"), http.StatusUnauthorized, "")
}
