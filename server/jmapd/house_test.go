package jmapd_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/mailbox/prefs"
	"tegami/push"
	"tegami/server/jmapd"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/jmap"
)

const password = "correct horse battery"

// house is the door over a store in files.
type house struct {
	testing.TB
	*jmapd.Server
	store store.Store
	dir   *directory.Directory
	boxes *mailbox.Service
	ops   mail.Actor
}

// newHouse makes a door. change may set more of its Config.
func newHouse(t testing.TB, change ...func(*house, *jmapd.Config)) *house {
	t.Helper()
	st := stores.OpenWith(t, embedded.Options{BlobGrace: 2 * mailbox.UploadLife})
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision, Share: mailbox.Share, LockLoopback: true})
	h := &house{TB: t, store: st, dir: dir, boxes: mailbox.New(st, dir, mailbox.Config{}), ops: directory.Operator("test", "").For("test")}
	c := jmapd.Config{Directory: dir, Mailboxes: h.boxes, Words: i18n.New(), Prefs: prefs.New(st, dir), Push: push.New(push.Config{Store: st, Directory: dir}), Log: slog.New(slog.DiscardHandler), Tally: st.Tally}
	for _, f := range change {
		f(h, &c)
	}
	h.Server = jmapd.New(c)
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// company opens a tenant with one domain and accounts of these names, whose language is English.
func (h *house) company(domain string, users ...string) *directory.Company {
	h.Helper()
	ctx := h.Context()
	t, err := h.dir.OpenTenant(ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "en", Start: time.Now().Add(-time.Hour)})
	h.must(err)
	c := h.dir.Company(t.ID)
	_, err = c.AddDomain(ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 20, Options: []directory.Option{directory.OptionIMAPS}})
	h.must(err)
	for _, user := range users {
		_, err := c.AddAccount(ctx, h.ops, directory.AccountSpec{Address: mail.Address{Local: user, Domain: domain}, Name: user, Password: password})
		h.must(err)
	}
	return c
}

// user is somebody who signed in.
type user struct {
	*house
	address string
	who     *directory.Identity
	id      jmap.Id  // of the JMAP account
	using   []string // capabilities
}

// user signs in.
func (h *house) user(address string) *user {
	h.Helper()
	who, err := h.dir.SignIn(h.Context(), mail.Origin{Door: "jmap"}, "jmap", address, password)
	h.must(err)
	return &user{h, address, who, jmap.Of(jmap.LetterAccount, who.Account().ID), slices.Clone(jmapd.Capabilities)}
}

// one is a house with one company of one account.
func one(t testing.TB, change ...func(*house, *jmapd.Config)) *user {
	h := newHouse(t, change...)
	h.company("alpha.example", "sato")
	return h.user("sato@alpha.example")
}

type object = map[string]any

// invoke calls a method in process, and gives the name and the arguments of its answer. accountId is filled in.
func (u *user) invoke(name string, args object) (string, json.RawMessage) {
	u.Helper()
	if _, ok := args["accountId"]; !ok && !strings.HasPrefix(name, "Core/") && !strings.HasPrefix(name, "PushSubscription/") {
		args["accountId"] = u.id
	}
	text, err := json.Marshal(args)
	u.must(err)
	q := &jmap.Request{Using: u.using, MethodCalls: []jmap.Invocation{{Name: name, Args: text, CallID: "0"}}}
	r, err := u.Do(u.Context(), u.who, i18n.English, q)
	u.must(err)
	return r.MethodResponses[0].Name, r.MethodResponses[0].Args
}

// call calls a method that must succeed, and reads its answer into out, which may be nil.
func (u *user) call(name string, args object, out any) json.RawMessage {
	u.Helper()
	got, text := u.invoke(name, args)
	if got != name {
		u.Fatalf("%s: %s", name, text)
	}
	if out != nil {
		u.must(json.Unmarshal(text, out))
	}
	return text
}

// refuses calls a method that must fail with an error of a type.
func (u *user) refuses(name string, args object, want string) {
	u.Helper()
	got, text := u.invoke(name, args)
	var e jmap.MethodError
	u.must(json.Unmarshal(text, &e))
	if got != jmap.ErrorName || e.Type != want {
		u.Errorf("%s %v: %s %s, want %s", name, args, got, text, want)
	}
}

// reply is what the door answered to a request.
type reply struct {
	testing.TB
	*httptest.ResponseRecorder
}

// request makes a request of HTTP with a body, and signs in with the password; headers are name and value in turn.
func (u *user) request(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.WithoutCancel(u.Context()), method, "https://mail.tegami.example"+path, strings.NewReader(body))
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(u.address, password)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// http asks over HTTP.
func (u *user) http(method, path, body string, headers ...string) reply {
	u.Helper()
	w := httptest.NewRecorder()
	u.Handler().ServeHTTP(w, u.request(method, path, body, headers...))
	return reply{u.TB, w}
}

// is tells that the answer has a status.
func (r reply) is(status int) reply {
	r.Helper()
	if r.Code != status {
		r.Fatalf("status %d, want %d: %s", r.Code, status, r.Body)
	}
	return r
}
