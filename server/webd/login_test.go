package webd_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
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
	h.leads(done, http.StatusSeeOther, "/mail/")
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
	h.leads(h.get("/login"), http.StatusSeeOther, "/mail/")

	h.get("/logout")
	h.leads(h.post("/logout"), http.StatusSeeOther, "/login?out=1")
	h.leads(h.get("/api/v1/self"), http.StatusUnauthorized, "")
}

// code gives the code that an authenticator app shows for the secret on the page.
func code(t *testing.T, secret string, shift int64) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, time.Now().Unix()/30+shift)
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

var secretOnPage = regexp.MustCompile(`<code class="secret"[^>]*>([A-Z2-7 ]+)</code>`)

var recoveryOnPage = regexp.MustCompile(`<li><code>([^<]+)</code></li>`)

// enrol sets up an authenticator app on the page, and gives its secret and the recovery codes.
func (b *browser) enrol() (secret string, recovery []string) {
	b.Helper()
	m := secretOnPage.FindStringSubmatch(b.page)
	if m == nil {
		b.Fatalf("no secret on the page:\n%s", b.page)
	}
	secret = strings.ReplaceAll(m[1], " ", "")
	b.leads(b.post("/login", "do", "enrol", "code", code(b.T, secret, 0)), http.StatusOK, "")
	for _, m := range recoveryOnPage.FindAllStringSubmatch(b.page, -1) {
		recovery = append(recovery, m[1])
	}
	return secret, recovery
}

func owner(s *directory.AccountSpec) { s.Roles = []directory.Role{directory.RoleOwner} }

// TestCP9SecondFactorOfAdministrators: an owner is asked for a second factor, may put it off, sets it up, and shows it from then on.
func TestCP9SecondFactorOfAdministrators(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account("owner", owner)
	h.leads(h.signIn("owner@alpha.example"), http.StatusSeeOther, "/login")
	h.leads(h.get("/api/v1/self"), http.StatusUnauthorized, "")
	h.get("/login")
	h.shows(`value="later"`, `src="data:image/svg`)
	h.leads(h.post("/login", "do", "later"), http.StatusSeeOther, "/mail/")
	h.leads(h.get("/api/v1/self"), http.StatusOK, "")

	b := h.newBrowser()
	b.signIn("owner@alpha.example")
	b.get("/login")
	secret, recovery := b.enrol()
	if len(recovery) != directory.RecoveryCodes {
		t.Fatalf("%d recovery codes", len(recovery))
	}
	b.leads(b.get("/api/v1/self"), http.StatusOK, "")

	other := h.newBrowser()
	other.leads(other.signIn("owner@alpha.example"), http.StatusSeeOther, "/login")
	other.get("/login")
	other.leads(other.get("/api/v1/self"), http.StatusUnauthorized, "")
	other.get("/login")
	other.leads(other.post("/login", "do", "factor", "code", code(t, secret, 0)), http.StatusUnauthorized, "") // used when it was set up
	other.leads(other.post("/login", "do", "factor", "code", code(t, secret, 1), "trust", "1"), http.StatusSeeOther, "/mail/")

	// The browser is trusted: the password is enough there, until somebody thinks otherwise.
	other.get("/logout")
	other.post("/logout")
	other.leads(other.signIn("owner@alpha.example"), http.StatusSeeOther, "/mail/")
	h.must(h.dir.EndOtherSessions(h.ctx, h.caller(other)))
	other.get("/logout")
	other.post("/logout")
	other.leads(other.signIn("owner@alpha.example"), http.StatusSeeOther, "/login")
	other.get("/login")
	other.leads(other.post("/login", "do", "factor", "code", recovery[3]), http.StatusSeeOther, "/mail/")

	third := h.newBrowser()
	third.signIn("owner@alpha.example")
	third.get("/login")
	third.leads(third.post("/login", "do", "factor", "code", recovery[3]), http.StatusUnauthorized, "")
	third.leads(third.post("/login", "do", "factor", "code", strings.ToUpper(recovery[4])), http.StatusSeeOther, "/mail/")
}

// caller is who is signed in in a browser.
func (h *house) caller(b *browser) *directory.Caller {
	h.Helper()
	at, err := url.Parse(b.base)
	h.must(err)
	for _, c := range b.http.Jar.Cookies(at) {
		if c.Name == "__Host-tegami" {
			caller, err := h.dir.CallerBySession(h.ctx, mail.Origin{Door: "web", Remote: netip.MustParseAddr("127.0.0.1")}, c.Value)
			h.must(err)
			return caller
		}
	}
	h.Fatal("nobody is signed in")
	return nil
}

// TestCP9InitialPassword: a password that was given out opens the pages for its change, and no mail software.
func TestCP9InitialPassword(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account("sato", func(s *directory.AccountSpec) { s.MustChange = true })
	from := mail.Origin{Door: "pop3s", Remote: netip.MustParseAddr("127.0.0.1")}
	_, err := h.dir.SignIn(h.ctx, from, "pop3s", "sato@alpha.example", password)
	if key, _ := mail.TextOf(err); key != "auth.must_change" {
		t.Errorf("POP3 says %v", err)
	}
	h.leads(h.signIn("sato@alpha.example"), http.StatusSeeOther, "/login")
	h.get("/login")
	for _, c := range [][2]string{{"another good password", "a different password"}, {"short", "short"}, {"password12345", "password12345"}, {password, password}} {
		h.leads(h.post("/login", "do", "change", "password", c[0], "again", c[1]), http.StatusUnprocessableEntity, "")
	}
	h.leads(h.post("/login", "do", "change", "password", "another good password", "again", "another good password"), http.StatusSeeOther, "/mail/")
	h.leads(h.get("/api/v1/self"), http.StatusOK, "")
	_, err = h.dir.SignIn(h.ctx, from, "pop3s", "sato@alpha.example", "another good password")
	h.must(err)
}

// TestCP9Lockout: after ten failures, of passwords and codes together, nothing is looked at any more.
func TestCP9Lockout(t *testing.T) {
	h := newHouse(t, directory.Config{LockLoopback: true})
	h.account("owner", owner)
	h.signIn("owner@alpha.example")
	h.get("/login")
	secret, _ := h.enrol()
	b := h.newBrowser()
	b.signIn("owner@alpha.example")
	b.get("/login")
	for range 9 {
		b.leads(b.post("/login", "do", "factor", "code", "000000x"), http.StatusUnauthorized, "")
	}
	c := h.newBrowser()
	c.get("/login")
	c.leads(c.post("/login", "do", "password", "name", "owner@alpha.example", "password", "wrong"), http.StatusUnauthorized, "")
	b.leads(b.post("/login", "do", "factor", "code", code(t, secret, 1)), http.StatusTooManyRequests, "")
	c.leads(c.post("/login", "do", "password", "name", "owner@alpha.example", "password", password), http.StatusTooManyRequests, "")
	for range 10 {
		c.post("/login", "do", "password", "name", "root", "password", "wrong")
	}
	c.leads(c.post("/login", "do", "password", "name", "root", "password", "wrong"), http.StatusTooManyRequests, "")
}

// TestCP9OperatorsSignIn: on the same page, with a name that is no address.
func TestCP9OperatorsSignIn(t *testing.T) {
	h := newHouse(t, directory.Config{})
	_, err := h.dir.AddOperator(h.ctx, h.ops, directory.OperatorSpec{Name: "noc", Password: password, Role: directory.OperatorFull})
	h.must(err)
	h.leads(h.signIn("noc"), http.StatusSeeOther, "/login")
	h.get("/login")
	h.shows("secret")
	h.enrol()
	h.leads(h.get("/api/v1/self"), http.StatusOK, "")
	h.shows(`"operator":true`)
	h.leads(h.get("/api/v1/self/sessions"), http.StatusOK, "")
	h.shows(`"method":"totp"`, `"current":true`)
}

// TestSV11NothingForeign: forms of other pages, tokens of other browsers and addresses of other sites are refused.
func TestSV11NothingForeign(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account("sato")
	form := url.Values{"do": {"password"}, "name": {"sato@alpha.example"}, "password": {password}}
	send := func(b *browser, header ...string) int {
		r, err := http.NewRequest(http.MethodPost, b.base+"/login", strings.NewReader(form.Encode()))
		h.must(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return b.do(r).StatusCode
	}
	if got := send(h.newBrowser()); got != http.StatusUnauthorized {
		t.Errorf("without a cookie: %d", got)
	}
	h.get("/login")
	form.Set("form", formField.FindStringSubmatch(h.page)[1])
	if got := send(h.newBrowser()); got != http.StatusUnauthorized {
		t.Errorf("with another browser's form: %d", got)
	}
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "none"},
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", strings.Replace(h.base, "https", "http", 1)},
	} {
		if got := send(h.browser, header...); got != http.StatusUnauthorized {
			t.Errorf("with %v: %d", header, got)
		}
	}
	if got := send(h.browser, "Origin", h.base); got != http.StatusSeeOther {
		t.Errorf("our own page: %d", got)
	}
	for next, want := range map[string]string{
		"/panel/accounts?state=active": "/panel/accounts?state=active", "/panel/": "/panel/", "/mail/box/1": "/mail/box/1", "/standard/read?id=e1": "/standard/read?id=e1",
		"https://evil.example/panel/": "/mail/", "//evil.example/panel/": "/mail/", "/panel//evil.example": "/mail/", `/panel/\evil.example`: "/mail/",
		"/logout": "/mail/", "/panel/../logout": "/mail/", "/panel/%2e%2e/logout": "/mail/", "javascript:alert(1)": "/mail/", "": "/mail/", "/panel/\r\nX: y": "/mail/",
	} {
		h.leads(h.get("/login?next="+url.QueryEscape(next)), http.StatusSeeOther, want)
	}
}

// TestSV11Headers: no page may be framed, and none loads what stands elsewhere or inline.
func TestSV11Headers(t *testing.T) {
	h := newHouse(t, directory.Config{})
	for _, path := range []string{"/login", "/logout", "/panel/", "/assets/login.css", "/nowhere"} {
		got := h.get(path).Header
		policy := got.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %q", path, policy)
		}
		if got.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
	}
	for _, lang := range []string{"ja", "en"} {
		answer := h.get("/login?lang=" + lang)
		h.shows(`<html lang="` + lang + `">`)
		if answer.Header.Get("Cache-Control") != "no-store" || strings.Contains(h.page, "<style") || strings.Contains(h.page, "style=") || strings.Contains(h.page, "onclick") {
			t.Errorf("the page in %s is kept, or has something inline", lang)
		}
	}
	h.get("/login") // the language is remembered
	h.shows(`<html lang="en">`)
}

// TestSV10Panel: its files, compressed where the browser takes that, and its one page for each of its routes.
func TestSV10Panel(t *testing.T) {
	h := newHouse(t, directory.Config{})
	for _, c := range []struct {
		path, accept, body, caching, encoding string
		status                                int
	}{
		{"/panel/", "identity", "panel", "no-cache", "", 200},
		{"/panel/accounts/0ab", "identity", "panel", "no-cache", "", 200},
		{"/panel/assets/app-1a2b.js", "identity", "export", "immutable", "", 200},
		{"/panel/assets/app-1a2b.js", "gzip, br", "brotli", "immutable", "br", 200},
		{"/panel/assets/app-1a2b.js", "gzip, br;q=0", "gzipped", "immutable", "gzip", 200},
		{"/panel/assets/gone-3c4d.js", "gzip", "404", "", "", 404},
		{"/panel/../login", "identity", "", "", "", 307},
	} {
		r, err := http.NewRequest(http.MethodGet, h.base+c.path, nil)
		h.must(err)
		r.Header.Set("Accept-Encoding", c.accept)
		answer := h.do(r)
		if answer.StatusCode != c.status || !strings.Contains(h.page, c.body) || !strings.Contains(answer.Header.Get("Cache-Control"), c.caching) ||
			answer.Header.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s: %s %v %q", c.path, answer.Status, answer.Header, h.page)
		}
	}
}
