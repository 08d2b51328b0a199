package davd_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/davd"
)

const (
	ns       = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/" xmlns:I="http://inf-it.com/ns/ab/"`
	propsOf  = `<D:propfind` + ns + `><D:prop>%s</D:prop></D:propfind>`
	allCards = `<C:addressbook-query` + ns + `><D:prop><D:getetag/><C:address-data/></D:prop>%s</C:addressbook-query>`
)

// TestML6Discovery is how software finds the address books (RFC 6764 §6).
func TestML6Discovery(t *testing.T) {
	u := one(t)
	r := u.ask("PROPFIND", "/.well-known/carddav", "", "Depth", "0").is(301)
	if r.Header().Get("Location") != "/dav/" {
		t.Errorf("%v", r.Header())
	}
	stranger := &user{u.house, u.address, ""}
	if got := stranger.ask("PROPFIND", "/dav/", "", "Depth", "0").is(401).Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
		t.Error(got)
	}
	if got := stranger.ask("OPTIONS", "/dav/", "").is(200).Header(); !strings.Contains(got.Get("DAV"), "addressbook") || !strings.Contains(got.Get("Allow"), "PROPFIND") {
		t.Errorf("%v", got)
	}
	wrong := &user{u.house, u.address, "wrong"}
	wrong.ask("PROPFIND", "/dav/", "", "Depth", "0").is(401)
	principal := "/dav/principals/sato@alpha.example/"
	u.ask("PROPFIND", "/dav/", fmt.Sprintf(propsOf, "<D:current-user-principal/>"), "Depth", "0").is(207, "<D:current-user-principal><D:href>"+principal+"</D:href>")
	u.ask("PROPFIND", principal, fmt.Sprintf(propsOf, "<C:addressbook-home-set/><D:nothing/>"), "Depth", "0").
		is(207, "<C:addressbook-home-set><D:href>/dav/books/sato@alpha.example/</D:href>", "<D:nothing/></D:prop><D:status>HTTP/1.1 404 Not Found")
	home := u.ask("PROPFIND", "", fmt.Sprintf(propsOf, "<D:resourcetype/><D:displayname/><D:sync-token/><CS:getctag/><C:supported-address-data/><D:supported-report-set/><D:current-user-privilege-set/>"), "Depth", "1").
		is(207, "/contacts/</D:href>", "/emailed/</D:href>", "/gal/</D:href>", "<D:collection/><C:addressbook/>", "<D:sync-collection/>", "urn:tegami:sync:", "<D:write/>")
	var any struct{}
	u.must(xml.Unmarshal(home.Body.Bytes(), &any))
	u.ask("PROPFIND", "", "", "Depth", "infinity").is(403, "propfind-finite-depth")
	u.ask("PROPFIND", "contacts/", `<D:propfind`+ns+`><D:propname/></D:propfind>`, "Depth", "0").is(207, "<D:sync-token/>")
	u.ask("PROPFIND", "contacts/", fmt.Sprintf(propsOf, "<D:nothing/><D:displayname/>"), "Depth", "0", "Prefer", "return=minimal").is(207, "<D:displayname>").not("nothing")
	u.ask("PROPFIND", "contacts/", "", "Depth", "0").is(207, "<D:displayname>").not("404")
}

// TestML6CardsOverDAV puts, gets, changes and removes cards (RFC 6352 §6.3.2).
func TestML6CardsOverDAV(t *testing.T) {
	u := one(t)
	text := card("1", "山田", "X-ODD:a")
	etag := u.ask("PUT", "contacts/a.vcf", text, "If-None-Match", "*").is(201).Header().Get("ETag")
	if etag == "" {
		t.Error("no ETag")
	}
	got := u.ask("GET", "contacts/a.vcf", "").is(200)
	if got.Body.String() != text || got.Header().Get("ETag") != etag || got.Header().Get("Content-Type") != "text/vcard; charset=utf-8" {
		t.Errorf("%v %s", got.Header(), got.Body)
	}
	u.ask("GET", "contacts/a.vcf", "", "If-None-Match", etag).is(304)
	u.ask("GET", "contacts/a.vcf", "", "Accept", "text/vcard; version=4.0").is(200, "VERSION:4.0", "X-ODD:a")
	if head := u.ask("HEAD", "contacts/a.vcf", "").is(200); head.Body.Len() != 0 {
		t.Error("HEAD has a body")
	}
	u.ask("PUT", "contacts/a.vcf", text, "If-None-Match", "*").is(412)
	u.ask("PUT", "contacts/a.vcf", text, "If-Match", `"0"`).is(412)
	u.ask("PUT", "contacts/none.vcf", text, "If-Match", etag).is(412)
	next := u.ask("PUT", "contacts/a.vcf", card("1", "山本"), "If-Match", etag).is(204).Header().Get("ETag")
	if next == etag || next == "" {
		t.Error(next)
	}
	if got := u.ask("PUT", "contacts/old.vcf", "BEGIN:VCARD\r\nVERSION:2.1\r\nN:a;b\r\nEND:VCARD\r\n").is(201).Header().Get("ETag"); got != "" {
		t.Error("an ETag for what is not given back as it came")
	}
	u.ask("GET", "contacts/old.vcf", "").is(200, "VERSION:3.0", "UID:", "N:a;b;;;")
	u.ask("PUT", "contacts/b.vcf", card("1", "x")).is(409, "no-uid-conflict")
	u.ask("PUT", "emailed/b.vcf", card("1", "x")).is(201)
	u.ask("PUT", "contacts/b.vcf", "nonsense").is(403, "valid-address-data")
	u.ask("PUT", "contacts/b.vcf", "{}", "Content-Type", "application/json").is(403, "supported-address-data")
	u.ask("PUT", "contacts/b.vcf", card("2", strings.Repeat("x", 250<<10))).is(403, "max-resource-size")
	u.ask("PUT", "nothere/b.vcf", card("2", "x")).is(404)
	u.ask("PUT", "contacts/", card("2", "x")).is(405)
	u.ask("DELETE", "contacts/a.vcf", "", "If-Match", etag).is(412)
	u.ask("DELETE", "contacts/a.vcf", "", "If-Match", next).is(204)
	u.ask("GET", "contacts/a.vcf", "").is(404)
	u.ask("DELETE", "contacts/a.vcf", "").is(404)
	u.ask("DELETE", "contacts/", "").is(403)
	u.ask("LOCK", "contacts/", "").is(405)
	u.ask("GET", "contacts/", "").is(405)
}

// TestML6BooksOverDAV makes, names and removes books (RFC 5689, RFC 4918 §9.2).
func TestML6BooksOverDAV(t *testing.T) {
	u := one(t)
	mkcol := func(inner string) string {
		return `<D:mkcol` + ns + `><D:set><D:prop>` + inner + `</D:prop></D:set></D:mkcol>`
	}
	u.ask("MKCOL", "mine/", mkcol(`<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>取引先</D:displayname><I:addressbook-color>#ff0000ff</I:addressbook-color>`)).is(201)
	u.ask("MKCOL", "mine/", "").is(405)
	u.ask("MKCOL", "gal/", "").is(403)
	u.ask("MKCOL", "plain/", mkcol(`<D:resourcetype><D:collection/></D:resourcetype>`)).is(403, "valid-resourcetype")
	u.ask("MKCOL", "odd/", mkcol(`<D:getetag>x</D:getetag>`)).is(403, "mkcol-response")
	u.ask("MKCOL", "short/", "").is(201)
	u.ask("PROPFIND", "mine/", fmt.Sprintf(propsOf, "<D:displayname/><I:addressbook-color/>"), "Depth", "0").is(207, "取引先", "#ff0000<")
	patch := func(inner string) string {
		return `<D:propertyupdate` + ns + `><D:set><D:prop>` + inner + `</D:prop></D:set></D:propertyupdate>`
	}
	u.ask("PROPPATCH", "mine/", patch(`<D:displayname>新しい</D:displayname><C:addressbook-description>d</C:addressbook-description>`)).is(207, "200 OK").not("403")
	u.ask("PROPPATCH", "mine/", patch(`<D:displayname>x</D:displayname><D:getetag>y</D:getetag>`)).is(207, "403", "424")
	u.ask("PROPPATCH", "contacts/", patch(`<D:displayname>x</D:displayname>`)).is(207, "403")
	u.ask("PROPPATCH", "gal/", patch(`<D:displayname>x</D:displayname>`)).is(403)
	u.ask("PROPFIND", "mine/", fmt.Sprintf(propsOf, "<D:displayname/><C:addressbook-description/>"), "Depth", "0").is(207, "新しい", ">d<")
	u.ask("PUT", "mine/a.vcf", card("1", "a")).is(201)
	u.ask("DELETE", "mine/", "").is(204)
	u.ask("GET", "mine/a.vcf", "").is(404)
}

// TestML6Reports: multiget and query, with the version and the properties that are asked for.
func TestML6Reports(t *testing.T) {
	u := one(t)
	u.ask("PUT", "contacts/a.vcf", card("1", "山田 ﾀﾛｳ", "EMAIL;TYPE=WORK:taro@x.example", "NOTE:a&b <c>")).is(201)
	u.ask("PUT", "contacts/b.vcf", strings.ReplaceAll(card("2", "Smith"), "3.0", "4.0")).is(201)
	base := "/dav/books/sato@alpha.example/contacts/"
	u.ask("REPORT", "contacts/", `<C:addressbook-multiget`+ns+`><D:prop><D:getetag/><C:address-data/></D:prop><D:href>`+base+`a.vcf</D:href><D:href>https://mail.tegami.example`+base+`b.vcf</D:href><D:href>`+base+`c.vcf</D:href><D:href>/etc/passwd</D:href></C:addressbook-multiget>`).
		is(207, "NOTE:a&amp;b &lt;c&gt;", "FN:Smith", base+"c.vcf</D:href><D:status>HTTP/1.1 404", "/etc/passwd</D:href><D:status>HTTP/1.1 404").not("VERSION:4.0")
	u.ask("REPORT", "contacts/", `<C:addressbook-multiget`+ns+`><D:prop><C:address-data version="4.0"><C:prop name="VERSION"/><C:prop name="FN"/></C:address-data></D:prop><D:href>`+base+`b.vcf</D:href></C:addressbook-multiget>`).
		is(207, "VERSION:4.0", "FN:Smith").not("UID:")
	u.ask("REPORT", "contacts/", `<C:addressbook-multiget`+ns+`><D:prop><C:address-data version="5.0"/></D:prop><D:href>`+base+`b.vcf</D:href></C:addressbook-multiget>`).is(403, "supported-address-data-conversion")
	match := func(name, inner string) string {
		return fmt.Sprintf(allCards, `<C:filter test="allof"><C:prop-filter name="`+name+`">`+inner+`</C:prop-filter></C:filter>`)
	}
	for _, test := range []struct{ name, inner, has, lacks string }{
		{"FN", `<C:text-match>たろう</C:text-match>`, "a.vcf", "b.vcf"},
		{"FN", `<C:text-match collation="i;ascii-casemap" match-type="starts-with">smi</C:text-match>`, "b.vcf", "a.vcf"},
		{"FN", `<C:text-match negate-condition="yes">smith</C:text-match>`, "a.vcf", "b.vcf"},
		{"EMAIL", `<C:is-not-defined/>`, "b.vcf", "a.vcf"},
		{"EMAIL", `<C:param-filter name="TYPE"><C:text-match match-type="equals">work</C:text-match></C:param-filter>`, "a.vcf", "b.vcf"},
		{"EMAIL", ``, "a.vcf", "b.vcf"},
	} {
		u.ask("REPORT", "contacts/", match(test.name, test.inner), "Depth", "1").is(207, test.has).not(test.lacks)
	}
	u.ask("REPORT", "contacts/", fmt.Sprintf(allCards, "")).is(207, "a.vcf", "b.vcf")
	u.ask("REPORT", "contacts/", fmt.Sprintf(allCards, `<C:filter/><C:limit><C:nresults>1</C:nresults></C:limit>`)).is(207, "a.vcf", "507", "number-of-matches-within-limits").not("b.vcf")
	u.ask("REPORT", "contacts/", match("FN", `<C:text-match collation="i;odd">x</C:text-match>`)).is(403, "supported-collation")
	u.ask("REPORT", "contacts/", `<D:odd`+ns+`/>`).is(403, "supported-report")
	u.ask("REPORT", "", fmt.Sprintf(allCards, "")).is(403, "supported-report")
	u.ask("REPORT", "contacts/", "").is(400)
}

var tokenForm = regexp.MustCompile(`<D:sync-token>([^<]+)</D:sync-token>`)

// sync asks what changed, and gives the answer and the next token.
func (u *user) sync(book, token, more string) (reply, string) {
	u.Helper()
	r := u.ask("REPORT", book, `<D:sync-collection`+ns+`><D:sync-token>`+token+`</D:sync-token><D:sync-level>1</D:sync-level>`+more+`<D:prop><D:getetag/></D:prop></D:sync-collection>`).is(207)
	m := tokenForm.FindStringSubmatch(r.Body.String())
	if m == nil {
		u.Fatalf("no token: %s", r.Body)
	}
	return r, m[1]
}

// TestML6SyncCollection follows a book by tokens (RFC 6578 §3).
func TestML6SyncCollection(t *testing.T) {
	u := one(t)
	u.ask("PUT", "contacts/a.vcf", card("1", "a")).is(201)
	u.ask("PUT", "emailed/z.vcf", card("9", "z")).is(201)
	first, token := u.sync("contacts/", "", "")
	first.is(207, "a.vcf", "getetag").not("z.vcf")
	none, same := u.sync("contacts/", token, "")
	none.not("<D:response>")
	if same != token {
		t.Errorf("%s, then %s, and nothing happened", token, same)
	}
	u.ask("PROPFIND", "contacts/", fmt.Sprintf(propsOf, "<D:sync-token/>"), "Depth", "0").is(207, token)
	u.ask("PUT", "contacts/b.vcf", card("2", "b")).is(201)
	u.ask("PUT", "contacts/c.vcf", card("3", "c")).is(201)
	u.ask("DELETE", "contacts/a.vcf", "").is(204)
	u.ask("MOVE", "contacts/c.vcf", "", "Destination", "https://mail.tegami.example/dav/books/sato@alpha.example/emailed/c.vcf").is(201)
	r, next := u.sync("contacts/", token, "")
	r.is(207, "b.vcf</D:href><D:propstat>", "a.vcf</D:href><D:status>HTTP/1.1 404", "c.vcf</D:href><D:status>HTTP/1.1 404")
	moved, _ := u.sync("emailed/", strings.Replace(token, u.bookID("contacts/"), u.bookID("emailed/"), 1), "")
	moved.is(207, "c.vcf</D:href><D:propstat>").not("a.vcf")
	u.ask("PUT", "contacts/d.vcf", card("4", "d")).is(201)
	u.ask("PUT", "contacts/e.vcf", card("5", "e")).is(201)
	limit := `<D:limit><D:nresults>1</D:nresults></D:limit>`
	part, half := u.sync("contacts/", next, limit)
	part.is(207, "d.vcf", "507").not("e.vcf")
	rest, _ := u.sync("contacts/", half, limit)
	rest.is(207, "e.vcf").not("d.vcf", "507")
	for _, bad := range []string{"nonsense", "urn:tegami:sync:gal:1", token + "99999999"} {
		u.ask("REPORT", "contacts/", `<D:sync-collection`+ns+`><D:sync-token>`+bad+`</D:sync-token><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>`).is(403, "valid-sync-token")
	}
}

// bookID is the id of a book, as its tokens have it.
func (u *user) bookID(book string) string {
	u.Helper()
	_, token := u.sync(book, "", "")
	return strings.Split(token, ":")[3]
}

// TestML6CopyAndMove (RFC 4918 §9.8, §9.9).
func TestML6CopyAndMove(t *testing.T) {
	u := one(t)
	text := card("1", "a")
	to := func(path string) string { return "/dav/books/sato@alpha.example/" + path }
	u.ask("PUT", "contacts/a.vcf", text).is(201)
	u.ask("PUT", "emailed/b.vcf", card("2", "b")).is(201)
	u.ask("COPY", "contacts/a.vcf", "", "Destination", to("emailed/a.vcf")).is(201)
	u.ask("COPY", "contacts/a.vcf", "", "Destination", to("contacts/other.vcf")).is(409, "no-uid-conflict")
	u.ask("COPY", "emailed/a.vcf", "", "Destination", to("emailed/b.vcf"), "Overwrite", "F").is(412)
	u.ask("MOVE", "emailed/a.vcf", "", "Destination", to("emailed/b.vcf")).is(204)
	if got := u.ask("GET", "emailed/b.vcf", "").is(200).Body.String(); got != text {
		t.Error(got)
	}
	u.ask("MOVE", "contacts/a.vcf", "", "Destination", to("contacts/new.vcf")).is(201)
	u.ask("GET", "contacts/a.vcf", "").is(404)
	u.ask("MOVE", "contacts/new.vcf", "", "Destination", "https://elsewhere.example/x").is(400)
	u.ask("MOVE", "contacts/new.vcf", "", "Destination", to("gal/x.vcf")).is(403)
	u.ask("MOVE", "contacts/new.vcf", "", "Destination", "/dav/books/other@alpha.example/contacts/x.vcf").is(409)
	u.ask("MOVE", "contacts/new.vcf", "").is(400)
}

// TestML6GALOverDAV: the company's address book is read and never written, and followed by tokens.
func TestML6GALOverDAV(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "sato")
	ctx := context.Background()
	colleague := func(local string, hidden bool) directory.Account {
		a, err := c.AddAccount(ctx, h.ops, directory.AccountSpec{Address: mail.Address{Local: local, Domain: "alpha.example"}, Password: password, Hidden: hidden,
			Profile: directory.Profile{LastName: "鈴木", FirstName: local, LastKana: "すずき", Department: "営業部", Extension: "12"}})
		h.must(err)
		return a
	}
	suzuki, hidden := colleague("suzuki", false), colleague("hidden", true)
	u := h.user("sato@alpha.example")
	u.ask("PROPFIND", "gal/", "", "Depth", "1").is(207, suzuki.ID.String()+".vcf", "getetag").not(hidden.ID.String())
	one := "gal/" + suzuki.ID.String() + ".vcf"
	u.ask("GET", one, "").is(200, "N:鈴木;suzuki;;;", "X-PHONETIC-LAST-NAME:すずき", "EMAIL:suzuki@alpha.example", "ORG:;営業部")
	u.ask("GET", "gal/"+hidden.ID.String()+".vcf", "").is(404)
	u.ask("PUT", one, card("1", "x")).is(403, "need-privileges")
	u.ask("PUT", "gal/new.vcf", card("1", "x")).is(403, "need-privileges")
	u.ask("DELETE", one, "").is(403)
	u.ask("DELETE", "gal/", "").is(403)
	u.ask("MOVE", one, "", "Destination", "/dav/books/sato@alpha.example/contacts/x.vcf").is(403)
	u.ask("COPY", one, "", "Destination", "/dav/books/sato@alpha.example/contacts/x.vcf").is(201)
	u.ask("GET", "contacts/x.vcf", "").is(200, "鈴木")
	u.ask("REPORT", "gal/", fmt.Sprintf(allCards, `<C:filter><C:prop-filter name="X-PHONETIC-LAST-NAME"><C:text-match>ｽｽﾞｷ</C:text-match></C:prop-filter></C:filter>`)).is(207, suzuki.ID.String()).not("sato@alpha.example;")
	_, token := u.sync("gal/", "", "")
	tanaka := colleague("tanaka", false)
	r, next := u.sync("gal/", token, "")
	r.is(207, tanaka.ID.String()).not(suzuki.ID.String())
	hide := true
	_, err := c.ChangeAccount(ctx, h.ops, suzuki.ID, directory.AccountChange{Hidden: &hide})
	h.must(err)
	gone, _ := u.sync("gal/", next, "")
	gone.is(207, suzuki.ID.String()+".vcf</D:href><D:status>HTTP/1.1 404")
}

// TestML6DAVIsolation: what belongs to somebody else is not there.
func TestML6DAVIsolation(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato", "suzuki")
	h.company("beta.example", "tanaka")
	owner := h.user("sato@alpha.example")
	owner.ask("PUT", "contacts/a.vcf", card("1", "secret")).is(201)
	for _, address := range []string{"suzuki@alpha.example", "tanaka@beta.example"} {
		u := h.user(address)
		for _, path := range []string{"/dav/principals/sato@alpha.example/", "/dav/books/sato@alpha.example/", "/dav/books/sato@alpha.example/contacts/", "/dav/books/sato@alpha.example/contacts/a.vcf",
			"/dav/books/nobody@alpha.example/", "/dav/books/sato@alpha.example/gal/", "/dav/books/" + address + "/../sato@alpha.example/contacts/a.vcf"} {
			for _, method := range []string{"PROPFIND", "GET", "PUT", "DELETE", "REPORT", "MKCOL", "PROPPATCH", "COPY", "MOVE"} {
				u.ask(method, path, card("1", "x"), "Depth", "0", "Destination", "/dav/books/"+address+"/contacts/stolen.vcf").is(404).not("secret")
			}
		}
		u.ask("REPORT", "contacts/", `<C:addressbook-multiget`+ns+`><D:prop><C:address-data/></D:prop><D:href>/dav/books/sato@alpha.example/contacts/a.vcf</D:href></C:addressbook-multiget>`).is(207, "404").not("secret")
		u.ask("PROPFIND", "contacts/", "", "Depth", "1").is(207).not("a.vcf")
		u.ask("COPY", "contacts/", "", "Destination", "/dav/books/sato@alpha.example/contacts/b.vcf").is(405)
	}
}

// TestML6DAVXML: no entities, no document types, nothing deep, nothing large.
func TestML6DAVXML(t *testing.T) {
	u := one(t)
	for name, body := range map[string]string{
		"entity":   `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><D:propfind xmlns:D="DAV:"><D:prop><D:displayname>&e;</D:displayname></D:prop></D:propfind>`,
		"bomb":     `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><D:propfind xmlns:D="DAV:"/>`,
		"unclosed": `<D:propfind xmlns:D="DAV:">`,
		"none":     `hello`,
		"two":      `<D:propfind xmlns:D="DAV:"/><D:propfind xmlns:D="DAV:"/>`,
		"other":    `<D:report xmlns:D="DAV:"/>`,
	} {
		if r := u.ask("PROPFIND", "contacts/", body, "Depth", "0"); r.Code != 400 {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
	}
	u.ask("PROPFIND", "contacts/", `<D:propfind xmlns:D="DAV:">`+strings.Repeat("<D:a>", 30)+strings.Repeat("</D:a>", 30)+`</D:propfind>`, "Depth", "0").is(413)
	u.ask("PROPFIND", "contacts/", `<D:propfind xmlns:D="DAV:">`+strings.Repeat(" ", 5<<20)+`</D:propfind>`, "Depth", "0").is(413)
}

// TestML6DAVNamedProperties: what is named is told of each card, and so is bounded.
func TestML6DAVNamedProperties(t *testing.T) {
	u := one(t)
	body := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "<D:p%d/>", i)
		}
		return `<D:propfind xmlns:D="DAV:"><D:prop>` + b.String() + `</D:prop></D:propfind>`
	}
	u.ask("PROPFIND", "contacts/", body(256), "Depth", "0").is(207)
	u.ask("PROPFIND", "contacts/", body(257), "Depth", "0").is(413)
	// Text in many pieces takes no longer than text in one.
	u.ask("PROPFIND", "contacts/", `<D:propfind xmlns:D="DAV:">`+strings.Repeat("a<!---->", 500_000)+`</D:propfind>`, "Depth", "0").is(207)
}

// TestML6DAVConcurrency: somebody who asks for much at a time leaves room for others.
func TestML6DAVConcurrency(t *testing.T) {
	u := one(t, func(c *davd.Config) { c.Limits.Concurrent = 1 })
	reading, ended := make(chan struct{}), make(chan int, 1)
	in, out := io.Pipe()
	go func() {
		r := httptest.NewRequest("PROPFIND", "https://mail.tegami.example/dav/books/"+u.address+"/", in)
		r.SetBasicAuth(u.address, u.password)
		r.Header.Set("Depth", "0")
		w := httptest.NewRecorder()
		u.door.ServeHTTP(w, r)
		ended <- w.Code
	}()
	go func() {
		out.Write([]byte("<")) // who reads it has its place
		close(reading)
	}()
	<-reading
	u.ask("PROPFIND", "", "", "Depth", "0").is(429)
	out.Write([]byte(`D:propfind xmlns:D="DAV:"/>`))
	out.Close()
	if code := <-ended; code != 207 {
		t.Fatal(code)
	}
	u.ask("PROPFIND", "", "", "Depth", "0").is(207)
}

// TestML6DAVSignIn: app passwords of the right scope, and the lock for who guesses.
func TestML6DAVSignIn(t *testing.T) {
	h := newHouse(t, func(c *davd.Config) { c.Limits.Requests = 30; c.Limits.Strangers = 1000 })
	c := h.company("alpha.example", "suzuki")
	account, err := c.AddAccount(context.Background(), h.ops, directory.AccountSpec{Address: mail.Address{Local: "sato", Domain: "alpha.example"}, Name: "sato", Password: password})
	h.must(err)
	for scope, status := range map[directory.Scope]int{directory.ScopeDAV: 207, directory.ScopeIMAP: 403} {
		_, text, err := c.AddAppPassword(context.Background(), h.ops, account.ID, directory.AppPasswordSpec{Name: string(scope), Scopes: []directory.Scope{scope}})
		h.must(err)
		u := &user{h, "sato@alpha.example", text}
		u.ask("PROPFIND", "contacts/", "", "Depth", "0").is(status)
	}
	busy := h.user("sato@alpha.example")
	for range 30 {
		busy.ask("PROPFIND", "contacts/", "", "Depth", "0")
	}
	if r := busy.ask("PROPFIND", "contacts/", "", "Depth", "0").is(429); r.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	guesser := &user{h, "suzuki@alpha.example", "wrong"}
	for range 10 {
		guesser.ask("PROPFIND", "contacts/", "", "Depth", "0").is(401)
	}
	guesser.password = password
	guesser.ask("PROPFIND", "contacts/", "", "Depth", "0").is(429)
}

// FuzzXML reads any octets as the body of each kind of request: the door answers and never with 500.
func FuzzXML(f *testing.F) {
	u := one(f, func(c *davd.Config) { c.Tally = nil })
	u.ask("PUT", "contacts/a.vcf", card("1", "a")).is(201)
	for _, s := range []string{
		fmt.Sprintf(propsOf, "<D:displayname/><x xmlns='y'/>"), fmt.Sprintf(allCards, `<C:filter test="anyof"><C:prop-filter name="FN"><C:text-match>a</C:text-match></C:prop-filter></C:filter>`),
		`<D:sync-collection` + ns + `><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`,
		`<C:addressbook-multiget` + ns + `><D:prop><C:address-data/></D:prop><D:href>/dav/books/sato@alpha.example/contacts/a.vcf</D:href></C:addressbook-multiget>`,
		`<D:propertyupdate` + ns + `><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		h := *u.house
		h.TB = t
		u := &user{&h, u.address, u.password}
		for _, method := range []string{"PROPFIND", "PROPPATCH", "REPORT"} {
			if r := u.ask(method, "contacts/", body, "Depth", "1"); r.Code >= 500 && r.Code != 507 {
				t.Errorf("%s %q: %d %s", method, body, r.Code, r.Body)
			} else if strings.HasPrefix(r.Header().Get("Content-Type"), "application/xml") {
				var any struct{}
				if err := xml.Unmarshal(r.Body.Bytes(), &any); err != nil {
					t.Errorf("%s %q: %v in %s", method, body, err, r.Body)
				}
			}
		}
	})
}
