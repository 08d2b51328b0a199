package restd_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/restd"
)

// user makes an account and asks as it, in a browser.
func (d *desk) user(address string) func(path string) reply {
	d.Helper()
	a, err := mail.ParseAddress(address)
	d.must(err)
	_, err = d.dir.Company(d.tenant).AddAccount(d.ctx, d.ops, directory.AccountSpec{Address: a, Password: password})
	d.must(err)
	from := directory.Browser{Origin: mail.Origin{Door: "web", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.1"), Session: "test"}}
	step, err := d.dir.BeginWeb(d.ctx, from, address, password)
	d.must(err)
	return func(path string) reply {
		d.Helper()
		r := request("GET", path, nil)
		r.AddCookie(&http.Cookie{Name: restd.SessionCookie, Value: step.Token})
		return d.send(d.Handler(), r)
	}
}

// TestML6UsersReadTheirAddressBook: that of their own domain, without what administrators noted, and what changed since.
func TestML6UsersReadTheirAddressBook(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	_, err := d.dir.Company(d.tenant).AddDomain(d.ctx, d.ops, directory.DomainSpec{Name: "sub.alpha.example", Plan: directory.Plan100MB, IDs: 10})
	d.must(err)
	sato := d.make(map[string]any{"address": "sato@alpha.example", "lastName": "佐藤", "lastKana": "サトウ", "memo": "secret"})
	d.make(map[string]any{"address": "hidden@alpha.example", "galVisible": false})
	d.make(map[string]any{"address": "elsewhere@sub.alpha.example"})
	get := d.user("abe@alpha.example")

	var book struct {
		Items []struct{ Address, Memo string }
		Token string
	}
	r := get("/self/gal?text=%EF%BD%BB%EF%BE%84%EF%BD%B3").into(&book) // ｻﾄｳ
	if len(book.Items) != 1 || book.Items[0].Address != sato.Address || strings.Contains(r.Body.String(), "secret") {
		t.Errorf("searched: %s", r.Body)
	}
	r = get("/self/gal").into(&book)
	if len(book.Items) != 2 || strings.Contains(r.Body.String(), "hidden") || strings.Contains(r.Body.String(), "elsewhere") {
		t.Errorf("all: %s", r.Body)
	}
	d.do("PATCH", "/accounts/"+sato.ID, map[string]any{"galVisible": false}).into(&sato)
	var ch struct {
		Changed []struct{ Address string }
		Gone    []string
		Reset   bool
	}
	if get("/self/gal/changes?since=" + book.Token).into(&ch); len(ch.Gone) != 1 || ch.Gone[0] != sato.ID || len(ch.Changed) != 0 || ch.Reset {
		t.Errorf("changes %+v", ch)
	}
	get("/self/gal/changes?since=x").says(http.StatusUnprocessableEntity, "cursor.malformed")
	get("/tenants/"+d.tenant.String()+"/gal").says(http.StatusForbidden, "actor.denied")
	d.ask(d.key, "GET", "/self/gal", nil).says(http.StatusForbidden, "actor.denied") // a key is nobody
}
