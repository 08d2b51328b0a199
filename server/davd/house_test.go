package davd_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegami/contacts"
	"tegami/directory"
	"tegami/i18n"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/server/davd"
)

const password = "correct horse battery"

// house is the door over a store in files.
type house struct {
	testing.TB
	dir  *directory.Directory
	cont *contacts.Service
	door http.Handler
	ops  mail.Actor
}

func newHouse(t testing.TB, change ...func(*davd.Config)) *house {
	t.Helper()
	st := stores.Open(t)
	dir := directory.New(st, directory.Config{LockLoopback: true})
	h := &house{TB: t, dir: dir, cont: contacts.New(st, dir, contacts.Config{Words: i18n.New()}), ops: directory.Operator("test", "").For("test")}
	c := davd.Config{Directory: dir, Contacts: h.cont, Words: i18n.New(), Log: slog.New(slog.DiscardHandler), Tally: st.Tally}
	for _, f := range change {
		f(&c)
	}
	h.door = davd.New(c).Handler()
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) company(domain string, users ...string) *directory.Company {
	h.Helper()
	ctx := context.Background()
	t, err := h.dir.OpenTenant(ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "en", Start: time.Now().Add(-time.Hour)})
	h.must(err)
	c := h.dir.Company(t.ID)
	_, err = c.AddDomain(ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 20})
	h.must(err)
	for _, user := range users {
		_, err := c.AddAccount(ctx, h.ops, directory.AccountSpec{Address: mail.Address{Local: user, Domain: domain}, Name: user, Password: password})
		h.must(err)
	}
	return c
}

// user is somebody with software that synchronises.
type user struct {
	*house
	address, password string
}

func (h *house) user(address string) *user { return &user{h, address, password} }

// one is a house with one company of one account.
func one(t testing.TB, change ...func(*davd.Config)) *user {
	h := newHouse(t, change...)
	h.company("alpha.example", "sato")
	return h.user("sato@alpha.example")
}

// reply is what the door answered.
type reply struct {
	testing.TB
	*httptest.ResponseRecorder
}

// ask makes a request; headers are name and value in turn. A path that begins with no slash lies in the home.
func (u *user) ask(method, path, body string, headers ...string) reply {
	u.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/dav/books/" + u.address + "/" + path
	}
	r := httptest.NewRequest(method, "https://mail.tegami.example"+path, strings.NewReader(body))
	r.Header.Set("Accept-Language", "en")
	if u.password != "" {
		r.SetBasicAuth(u.address, u.password)
	}
	if method == "PUT" {
		r.Header.Set("Content-Type", "text/vcard; charset=utf-8")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	u.door.ServeHTTP(w, r)
	return reply{u.TB, w}
}

// is tells that the answer has a status, and that its body says each of some texts.
func (r reply) is(status int, says ...string) reply {
	r.Helper()
	if r.Code != status {
		r.Fatalf("status %d, want %d: %s", r.Code, status, r.Body)
	}
	for _, s := range says {
		if !strings.Contains(r.Body.String(), s) {
			r.Errorf("without %s:\n%s", s, r.Body)
		}
	}
	return r
}

// not tells that the body does not say some texts.
func (r reply) not(says ...string) reply {
	r.Helper()
	for _, s := range says {
		if strings.Contains(r.Body.String(), s) {
			r.Errorf("with %s:\n%s", s, r.Body)
		}
	}
	return r
}

// card is a vCard.
func card(uid, name string, more ...string) string {
	lines := append([]string{"BEGIN:VCARD", "VERSION:3.0", "UID:" + uid, "FN:" + name, "N:" + name + ";;;;"}, more...)
	return strings.Join(append(lines, "END:VCARD", ""), "\r\n")
}
