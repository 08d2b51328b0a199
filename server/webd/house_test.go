package webd_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/server/restd"
	"tegami/server/webd"
	"tegami/store/embedded"
)

const password = "correct horse battery"

// A house is a directory with the pages and the API on a TLS server, and a browser in front of it.
type house struct {
	*testing.T
	dir     *directory.Directory
	company *directory.Company
	tenant  mail.TenantID
	ops     mail.Actor
	ctx     context.Context
	server  *httptest.Server
	*browser
}

// A browser keeps cookies and follows no redirect.
type browser struct {
	*testing.T
	http *http.Client
	base string
	page string // the last one's text
}

func newHouse(t *testing.T, cfg directory.Config) *house {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h := &house{T: t, dir: directory.New(st, cfg), ops: directory.Operator("test", "").For("test"), ctx: context.Background()}
	log := slog.New(slog.DiscardHandler)
	panel := fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html><title>panel</title>")},
		"assets/app-1a2b.js":    {Data: []byte("export {}")},
		"assets/app-1a2b.js.gz": {Data: []byte("gzipped")},
		"assets/app-1a2b.js.br": {Data: []byte("brotli")},
	}
	mux := http.NewServeMux()
	mux.Handle("/", webd.New(webd.Config{Directory: h.dir, Words: i18n.New(), Log: log, Hostname: "localhost", Panel: panel}).Handler())
	mux.Handle("/api/", restd.New(restd.Config{Directory: h.dir, Words: i18n.New(), Log: log}).Handler())
	h.server = httptest.NewTLSServer(mux)
	t.Cleanup(h.server.Close)
	h.browser = h.newBrowser()

	tenant, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: "アルファ商事"})
	h.must(err)
	h.tenant, h.company = tenant.ID, h.dir.Company(tenant.ID)
	_, err = h.company.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// newBrowser is another browser in front of the same server.
func (h *house) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	h.must(err)
	client := *h.server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{T: h.T, http: &client, base: h.server.URL}
}

func (h *house) account(local string, change ...func(*directory.AccountSpec)) directory.Account {
	h.Helper()
	spec := directory.AccountSpec{Address: mail.Address{Local: local, Domain: "alpha.example"}, Password: password}
	for _, c := range change {
		c(&spec)
	}
	a, err := h.company.AddAccount(h.ctx, h.ops, spec)
	h.must(err)
	return a
}

func (b *browser) do(r *http.Request) *http.Response {
	b.Helper()
	answer, err := b.http.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	b.page = string(text)
	return answer
}

func (b *browser) get(path string) *http.Response {
	b.Helper()
	r, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(r)
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// post sends a form as the last page has it.
func (b *browser) post(path string, fields ...string) *http.Response {
	b.Helper()
	form := url.Values{}
	if m := formField.FindStringSubmatch(b.page); m != nil {
		form.Set("form", m[1])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// leads wants an answer with a status that leads somewhere; where "" wants none.
func (b *browser) leads(answer *http.Response, status int, where string) {
	b.Helper()
	if got := answer.Header.Get("Location"); answer.StatusCode != status || got != where {
		b.Fatalf("%s %s: %s to %q, want %d to %q\n%s", answer.Request.Method, answer.Request.URL.Path, answer.Status, got, status, where, b.page)
	}
}

// shows wants a text on the last page.
func (b *browser) shows(texts ...string) {
	b.Helper()
	for _, text := range texts {
		if !strings.Contains(b.page, text) {
			b.Fatalf("the page does not show %q:\n%s", text, b.page)
		}
	}
}

// signIn signs in by name and password alone.
func (b *browser) signIn(name string) *http.Response {
	b.Helper()
	b.get("/login")
	return b.post("/login", "do", "password", "name", name, "password", password)
}
