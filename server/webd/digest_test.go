package webd_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegami/digest"
	"tegami/i18n"
	"tegami/mail"
	"tegami/quarantine"
	"tegami/server/webd"
)

// links answers one token, once.
type links struct {
	opened int
	did    []digest.Deed
	err    error
}

const goodToken = "t0ken"

func (l *links) Open(_ context.Context, token string, from netip.Addr) (*digest.Link, error) {
	l.opened++
	if token != goodToken || len(l.did) > 0 || !from.IsValid() {
		return nil, mail.E("test", mail.NotFound, "digest.link_used")
	}
	sender := mail.Address{Local: "bob", Domain: "spam.example"}
	return &digest.Link{Allow: true, Zone: time.UTC, Entry: quarantine.Entry{
		Recipient: mail.Address{Local: "sato", Domain: "alpha.example"}, HeaderFrom: sender, Author: "<b>当選</b>", Subject: "<script>alert(1)</script>",
		Percent: 97.5, Received: time.Date(2026, 11, 23, 0, 30, 0, 0, time.UTC),
	}}, nil
}

func (l *links) Do(ctx context.Context, token string, do digest.Deed, from netip.Addr) (*digest.Link, error) {
	if l.err != nil {
		return nil, l.err
	}
	link, err := l.Open(ctx, token, from)
	if err == nil {
		l.did = append(l.did, do)
	}
	return link, err
}

// TestSF6DigestPage: opening a link shows the message and does nothing, whatever method a scanner uses to look; the button does it, once.
func TestSF6DigestPage(t *testing.T) {
	l := &links{}
	handler := webd.New(webd.Config{Words: i18n.New(), Hostname: "localhost", Digest: l}).Handler()
	ask := func(method, path, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form))
		r.Header.Set("Accept-Language", "ja")
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	const path = "/digest/" + goodToken
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete} {
		for _, do := range []string{"", "?do=receive", "?do=allow", "?do=delete", "?do=explode"} {
			w := ask(method, path+do, "")
			if len(l.did) > 0 {
				t.Fatalf("%s %s did %v", method, do, l.did)
			}
			if method == http.MethodGet && w.Code != http.StatusOK {
				t.Errorf("%s: %d", do, w.Code)
			}
		}
	}
	w := ask(http.MethodGet, path+"?do=delete", "")
	page := w.Body.String()
	for _, want := range []string{"2026年11月23日(月) 00:30", "bob@spam.example", "&lt;script&gt;", "97.50%", "sato@alpha.example", `method="post"`, `value="allow"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on\n%s", want, page)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<b>") {
		t.Errorf("a stranger's HTML is on the page:\n%s", page)
	}
	if strings.Index(page, `value="delete"`) > strings.Index(page, `value="receive"`) {
		t.Error("what the link was for is not the first button")
	}
	if h := w.Header(); h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("X-Robots-Tag") != "noindex" {
		t.Errorf("headers %v", h)
	}
	if en := ask(http.MethodGet, path+"?lang=en", "").Body.String(); !strings.Contains(en, "Mon, 23 Nov 2026, 00:30") {
		t.Errorf("in English:\n%s", en)
	}
	if w := ask(http.MethodPost, path+"?do=receive", "do=explode"); w.Code != http.StatusBadRequest || len(l.did) > 0 {
		t.Errorf("an unknown deed: %d", w.Code)
	}
	if w := ask(http.MethodPost, path+"?do=receive", "x=y"); w.Code != http.StatusBadRequest || len(l.did) > 0 {
		t.Errorf("a deed in the address: %d", w.Code)
	}
	l.err = mail.E("test", mail.Full, "box.full")
	if w := ask(http.MethodPost, path, "do=receive"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `role="alert"`) {
		t.Errorf("a full box: %d", w.Code)
	}
	l.err = nil
	if w := ask(http.MethodPost, path, "do=receive"); w.Code != http.StatusOK || len(l.did) != 1 || l.did[0] != digest.Receive || strings.Contains(w.Body.String(), "<form") {
		t.Errorf("%d %v\n%s", w.Code, l.did, w.Body)
	}
	if w := ask(http.MethodPost, path, "do=receive"); w.Code != http.StatusNotFound || len(l.did) != 1 {
		t.Errorf("again: %d", w.Code)
	}
	if w := ask(http.MethodGet, "/digest/"+url.PathEscape("../../etc"), ""); w.Code != http.StatusNotFound {
		t.Errorf("another token: %d", w.Code)
	}
}
