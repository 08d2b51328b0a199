package webd

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegami/directory"
)

// Cookies. Their prefix binds them to this host and to TLS; no script reads them.
const (
	sessionCookie = "__Host-tegami"       // who is signed in
	stepCookie    = "__Host-tegami-step"  // a sign-in between two steps
	formCookie    = "__Host-tegami-form"  // what forms prove to have been made for this browser
	trustCookie   = "__Host-tegami-trust" // a trusted browser
	langCookie    = "__Host-tegami-lang"  // the language of the sign-in page
)

// maxCookie is the length of a cookie that we look at.
const maxCookie = 4096

// cookie gives a cookie's value, "" where there is none.
func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > maxCookie {
		return ""
	}
	return c.Value
}

// setCookie sends a cookie. Without an end it goes with the browser. Only the session's, the language's and the version's come with links from other sites: a
// link in a mail must find who is signed in, and changes nothing.
func setCookie(w http.ResponseWriter, name, value string, until time.Time) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if name == sessionCookie || name == langCookie || name == versionCookie {
		c.SameSite = http.SameSiteLaxMode
	}
	if !until.IsZero() {
		c.MaxAge = max(1, int(time.Until(until)/time.Second))
	}
	http.SetCookie(w, c)
}

// dropCookie has the browser forget a cookie.
func dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
}

// formToken is what forms for a browser carry, by its cookie: who can't read the cookie can't make it.
func formToken(cookie string) string {
	sum := sha256.Sum256([]byte("form " + cookie))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ensureForm gives the browser's token for forms, and the cookie to it where it has none.
func ensureForm(w http.ResponseWriter, r *http.Request) string {
	have := cookie(r, formCookie)
	if have == "" {
		have = rand.Text()
		setCookie(w, formCookie, have, time.Time{})
	}
	return formToken(have)
}

// ownForm tells whether a request was made by a form of ours in this browser.
func ownForm(r *http.Request) bool {
	have := cookie(r, formCookie)
	shown := r.PostFormValue("form")
	return have != "" && subtle.ConstantTimeCompare([]byte(formToken(have)), []byte(shown)) == 1 && ownOrigin(r)
}

// ownOrigin tells whether a request comes from our own pages, as far as the browser says.
func ownOrigin(r *http.Request) bool {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		return from == "same-origin"
	}
	if from := r.Header.Get("Origin"); from != "" {
		at, err := url.Parse(from)
		return err == nil && at.Scheme == "https" && at.Host == r.Host
	}
	return true
}

// The step of a sign-in stands in its cookie before the token: "factor.…".
func stepValue(s *directory.WebStep) string { return string(s.Step) + "." + s.Token }

func readStep(r *http.Request) (directory.Step, string) {
	step, token, _ := strings.Cut(cookie(r, stepCookie), ".")
	switch at := directory.Step(step); at {
	case directory.StepFactor, directory.StepChange, directory.StepEnrol:
		return at, token
	}
	return "", ""
}

// panelPath is where the panel is: who signs in and has no mailbox goes there.
const panelPath = "/panel/"

// mailPath is where the Advanced webmail is.
const mailPath = "/mail/"

// ownPath gives a path of ours to go on to, "" for everything else: nobody is led to another site.
func ownPath(next string) string {
	at, err := url.Parse(next)
	switch {
	case err != nil, at.Scheme != "", at.Host != "", at.Opaque != "", at.User != nil,
		!strings.HasPrefix(next, panelPath) && !strings.HasPrefix(next, mailPath) && !strings.HasPrefix(next, standardPath), strings.ContainsAny(next, "\\\r\n\t\x00"), strings.Contains(at.Path, ".."), strings.Contains(at.Path, "//"):
		return ""
	}
	return at.String()
}
