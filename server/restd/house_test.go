package restd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/embedded"
)

// A house is the API over an embedded store, with the words its tests are written in.
type house struct {
	testing.TB
	*restd.Server
	dir   *directory.Directory
	store store.Store
	ops   mail.Actor
	ctx   context.Context
}

// newHouse makes the API. change may set more of its Config.
func newHouse(t testing.TB, change ...func(*restd.Config, store.Store)) *house {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	c := restd.Config{Directory: directory.New(st, directory.Config{Provision: mailbox.Provision}), Words: i18n.New(), Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c, st)
	}
	return &house{t, restd.New(c), c.Directory, st, directory.Operator("test", ""), context.Background()}
}

// must ends the test for an error.
func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// company opens a company with a domain, through the directory.
func (h *house) company(domain string) mail.TenantID {
	h.Helper()
	t, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain})
	h.must(err)
	_, err = h.dir.Company(t.ID).AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	return t.ID
}

// A reply is what the API answered.
type reply struct {
	testing.TB
	*httptest.ResponseRecorder
}

// request makes a request. body is sent as it is where it is a string, else as JSON; nil for none. headers are name and value in turn.
func request(method, path string, body any, headers ...string) *http.Request {
	var from io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		from = bytes.NewReader([]byte(b))
	default:
		text, err := json.Marshal(b)
		if err != nil {
			panic(err) // a mistake of the test's
		}
		from = bytes.NewReader(text)
	}
	r := httptest.NewRequest(method, "https://mail.tegami.example"+restd.Prefix+path, from)
	if from != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept-Language", "en")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// operate asks as the operator at the machine.
func (h *house) operate(method, path string, body any, headers ...string) reply {
	h.Helper()
	return h.send(h.As(directory.OperatorCaller("test", "")), request(method, path, body, headers...))
}

// ask asks with an API key; "" for none.
func (h *house) ask(key, method, path string, body any, headers ...string) reply {
	h.Helper()
	r := request(method, path, body, headers...)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return h.send(h.Handler(), r)
}

func (h *house) send(to http.Handler, r *http.Request) reply {
	h.Helper()
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return reply{h.TB, w}
}

// into reads the body of a success.
func (r reply) into(v any) reply {
	r.Helper()
	if r.Code >= 300 {
		r.Fatalf("%d %s", r.Code, r.Body)
	}
	if err := json.Unmarshal(r.Body.Bytes(), v); err != nil {
		r.Fatalf("%v: %s", err, r.Body)
	}
	return r
}

// problem reads the body of a refusal.
func (r reply) problem() (p restd.Problem) {
	r.Helper()
	if got := r.Header().Get("Content-Type"); got != "application/problem+json" {
		r.Fatalf("%d %s: %s", r.Code, got, r.Body)
	}
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil {
		r.Fatalf("%v: %s", err, r.Body)
	}
	if p.Status != r.Code || p.Request != r.Header().Get(restd.RequestHeader) || p.Detail == "" || p.Detail == p.Key {
		r.Errorf("status %d, request %q: %+v", r.Code, r.Header().Get(restd.RequestHeader), p)
	}
	return p
}

// says wants a refusal with a status and a key.
func (r reply) says(status int, key string) restd.Problem {
	r.Helper()
	p := r.problem()
	if p.Status != status || p.Key != key {
		r.Errorf("%d %s, want %d %s: %s", p.Status, p.Key, status, key, p.Detail)
	}
	return p
}

// words is the catalogue.
func (h *house) words() *i18n.Catalogue { return i18n.New() }
