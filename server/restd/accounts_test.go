package restd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// an account as the tests read it.
type account struct {
	ID              string   `json:"id"`
	Address         string   `json:"address"`
	Aliases         []string `json:"aliases"`
	Name            string   `json:"name"`
	State           string   `json:"state"`
	Department      string   `json:"department"`
	MustChange      bool     `json:"mustChangePassword"`
	Visible         bool     `json:"galVisible"`
	Size            int64    `json:"size"`
	DestroyedAfter  string   `json:"destroyedAfter"`
	InitialPassword string   `json:"initialPassword"`
}

// a part of a list as the tests read it.
type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
	Total int    `json:"total"`
}

// desk is the API for one company and one key.
type desk struct {
	*house
	tenant mail.TenantID
	key    string
}

// desk makes a company with a domain and a key that may what grants say.
func (h *house) desk(domain string, grants ...directory.Grant) *desk {
	h.Helper()
	d := &desk{house: h, tenant: h.company(domain)}
	d.key = d.keyFor(grants...)
	return d
}

func (d *desk) keyFor(grants ...directory.Grant) string {
	d.Helper()
	_, text, err := d.dir.Company(d.tenant).AddKey(d.ctx, d.ops, directory.KeySpec{Name: fmt.Sprint(grants), Grants: grants})
	d.must(err)
	return text
}

// do asks for what belongs to the company.
func (d *desk) do(method, path string, body any, headers ...string) reply {
	d.Helper()
	return d.ask(d.key, method, "/tenants/"+d.tenant.String()+path, body, headers...)
}

// make makes an account.
func (d *desk) make(body map[string]any) (a account) {
	d.Helper()
	d.do("POST", "/accounts", body).into(&a)
	return a
}

var asOwner = directory.Grant{Role: directory.RoleOwner}

// TestCP1AccountsOverTheAPI: from being made to being destroyed.
func TestCP1AccountsOverTheAPI(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	var a account
	made := d.do("POST", "/accounts", map[string]any{
		"address": "Sato@alpha.example", "lastName": "佐藤", "firstName": "花子", "department": "営業部", "aliases": []string{"info@alpha.example"}, "generatePassword": true,
	}).into(&a)
	if made.Code != http.StatusCreated || a.Address != "sato@alpha.example" || a.Name != "佐藤 花子" || !a.MustChange || len(a.InitialPassword) < 20 || a.Size != mail.Plan100MB {
		t.Fatalf("%d %+v", made.Code, a)
	}
	path := "/accounts/" + a.ID
	got := d.do("GET", path, nil).into(&a)
	tag := got.Header().Get("ETag")
	if tag == "" || strings.Contains(got.Body.String(), "initialPassword") {
		t.Errorf("tag %q: %s", tag, got.Body)
	}
	d.do("PATCH", path, map[string]any{"department": "総務部", "galVisible": false}, "If-Match", tag).into(&a)
	if a.Department != "総務部" || a.Visible || a.Name != "佐藤 花子" {
		t.Errorf("after the change: %+v", a)
	}
	d.do("PATCH", path, map[string]any{"department": "x"}, "If-Match", tag).says(http.StatusPreconditionFailed, "object.changed")
	d.do("PATCH", path, map[string]any{"address": "hanako@alpha.example", "keepAddress": true}).into(&a)
	if a.Address != "hanako@alpha.example" || fmt.Sprint(a.Aliases) != "[info@alpha.example sato@alpha.example]" {
		t.Errorf("after the move: %+v", a)
	}
	for _, step := range []struct{ method, path, state string }{
		{"POST", "/suspend", "suspended"}, {"POST", "/resume", "active"}, {"DELETE", "", "deleted"}, {"POST", "/restore", "active"}, {"DELETE", "", "deleted"},
	} {
		var now account
		if d.do(step.method, path+step.path, nil).into(&now); now.State != step.state || (now.DestroyedAfter != "") != (step.state == "deleted") {
			t.Errorf("%s %s: %+v", step.method, step.path, now)
		}
	}
	d.do("POST", path+"/suspend", nil).says(http.StatusConflict, "account.deleted")
	d.do("POST", path+"/destroy", map[string]any{"confirm": "sato@alpha.example"}).says(http.StatusUnprocessableEntity, "account.confirm")
	if r := d.do("POST", path+"/destroy", map[string]any{"confirm": "hanako@alpha.example"}); r.Code != http.StatusNoContent {
		t.Errorf("destroying: %d %s", r.Code, r.Body)
	}
	d.do("GET", path, nil).says(http.StatusNotFound, "account.unknown")
}

// TestSV4NoSizeOfItsOwn: the API refuses it, and says why (ML-2).
func TestSV4NoSizeOfItsOwn(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	a := d.make(map[string]any{"address": "sato@alpha.example"})
	p := d.do("PATCH", "/accounts/"+a.ID, map[string]any{"size": 10 << 30}).says(http.StatusForbidden, "account.size")
	if !strings.Contains(p.Detail, "plan") {
		t.Errorf("it does not say why: %s", p.Detail)
	}
	d.do("POST", "/accounts", map[string]any{"address": "abe@alpha.example", "size": 1}).says(http.StatusForbidden, "account.size")
}

// TestML2BoxSizeIsThatOfTheDomain: what every account shows as its size is its domain's plan, before and after somebody asks for another, and
// a file that wants to set one is refused as a whole.
func TestML2BoxSizeIsThatOfTheDomain(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	a := d.make(map[string]any{"address": "sato@alpha.example"})
	d.make(map[string]any{"address": "abe@alpha.example"})
	d.do("PATCH", "/accounts/"+a.ID, map[string]any{"size": 1}).says(http.StatusForbidden, "account.size")
	var page struct{ Items []struct{ Size int64 } }
	if err := json.Unmarshal(d.do("GET", "/accounts", nil).Body.Bytes(), &page); err != nil || len(page.Items) < 2 {
		t.Fatalf("%d accounts, %v", len(page.Items), err)
	}
	for _, one := range page.Items {
		if one.Size != page.Items[0].Size || one.Size < 100<<20 {
			t.Errorf("an account of %d octets beside one of %d", one.Size, page.Items[0].Size)
		}
	}
}

// TestML3IDsExhausted: registration past the number is refused, with the number in the message.
func TestML3IDsExhausted(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	for i := range 10 {
		d.make(map[string]any{"address": fmt.Sprintf("user%d@alpha.example", i)})
	}
	p := d.do("POST", "/accounts", map[string]any{"address": "user10@alpha.example"}).says(http.StatusConflict, "ids.exhausted")
	if !strings.Contains(p.Detail, "10") {
		t.Errorf("the number is not in %q", p.Detail)
	}
}

// TestCP1ResetPassword: an initial password, shown once; who has fewer rights than the account may not.
func TestCP1ResetPassword(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	a := d.make(map[string]any{"address": "sato@alpha.example"})
	boss := d.make(map[string]any{"address": "boss@alpha.example"})
	id, err := mail.ParseID[struct{}](boss.ID)
	d.must(err)
	d.must(d.dir.Company(d.tenant).SetRoles(d.ctx, d.ops, mail.AccountID(id), []directory.Role{directory.RoleOwner}))
	d.key = d.keyFor(directory.Grant{Role: directory.RoleHelpDesk})
	var word struct{ Password string }
	if d.do("POST", "/accounts/"+a.ID+"/password", map[string]any{}).into(&word); len(word.Password) < 20 {
		t.Errorf("the password is %q", word.Password)
	}
	if d.do("GET", "/accounts/"+a.ID, nil).into(&a); !a.MustChange {
		t.Error("an initial password need not be changed")
	}
	d.do("POST", "/accounts/"+boss.ID+"/password", map[string]any{}).says(http.StatusForbidden, "actor.outranked")
	d.do("PATCH", "/accounts/"+a.ID, map[string]any{"title": "x"}).says(http.StatusForbidden, "actor.denied")
}

// TestCP6ScopeOfLists: who has a role for one domain sees that one, and of the others not even that they are there.
func TestCP6ScopeOfLists(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	c := d.dir.Company(d.tenant)
	sub, err := c.AddDomain(d.ctx, d.ops, directory.DomainSpec{Name: "sub.alpha.example", Plan: directory.Plan100MB, IDs: 10})
	d.must(err)
	ours := d.make(map[string]any{"address": "ours@sub.alpha.example", "aliases": []string{"own@sub.alpha.example"}})
	theirs := d.make(map[string]any{"address": "theirs@alpha.example", "aliases": []string{"other@alpha.example"}, "department": "秘密"})
	for _, a := range []account{ours, theirs} {
		d.do("PUT", "/accounts/"+a.ID+"/forwarding", map[string]any{"to": []string{"x@elsewhere.example"}}).into(&a)
	}
	var l struct{ ID string }
	d.do("POST", "/lists", map[string]any{"address": "team@alpha.example"}).into(&l)
	d.do("POST", "/lists", map[string]any{"address": "subteam@sub.alpha.example"}).into(&struct{}{})
	var g struct{ ID string }
	d.do("POST", "/groups", map[string]any{"name": "all"}).into(&g)

	scope := []mail.DomainID{sub.ID}
	d.key = d.keyFor(directory.Grant{Role: directory.RoleAccountAdmin, Domains: scope}, directory.Grant{Role: directory.RoleListAdmin, Domains: scope})
	for _, path := range []string{"/accounts", "/aliases", "/forwarding", "/gal", "/lists", "/departments", "/groups"} {
		r := d.do("GET", path, nil)
		if r.Code != http.StatusOK || strings.Contains(r.Body.String(), "@alpha") || strings.Contains(r.Body.String(), "秘密") || strings.Contains(r.Body.String(), g.ID) {
			t.Errorf("%s shows %d %s", path, r.Code, r.Body)
		}
		if path != "/departments" && path != "/groups" && !strings.Contains(r.Body.String(), "@sub.alpha") {
			t.Errorf("%s hides what it may show: %s", path, r.Body)
		}
	}
	for _, one := range []struct {
		method, path string
		body         any
	}{
		{"GET", "", nil}, {"PATCH", "", map[string]any{}}, {"DELETE", "", nil}, {"POST", "/suspend", nil}, {"POST", "/password", map[string]any{}},
		{"GET", "/seats", nil}, {"POST", "/aliases", map[string]any{"address": "x@sub.alpha.example"}}, {"DELETE", "/forwarding", nil},
	} {
		d.do(one.method, "/accounts/"+theirs.ID+one.path, one.body).says(http.StatusNotFound, "account.unknown")
	}
	d.do("GET", "/lists/"+l.ID, nil).says(http.StatusNotFound, "list.unknown")
	d.do("POST", "/lists/"+l.ID+"/members", map[string]any{}).says(http.StatusNotFound, "list.unknown")
	d.do("GET", "/groups/"+g.ID, nil).says(http.StatusNotFound, "group.unknown")
	d.do("POST", "/accounts", map[string]any{"address": "new@alpha.example"}).says(http.StatusForbidden, "actor.denied")
	d.do("PATCH", "/accounts/"+ours.ID, map[string]any{"address": "moved@alpha.example"}).says(http.StatusForbidden, "actor.denied")
	d.make(map[string]any{"address": "new@sub.alpha.example"})
}

// TestCP6ScopeOfGroups: who has a role for a group reaches those in it, and can't put others into it.
func TestCP6ScopeOfGroups(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	in, out := d.make(map[string]any{"address": "in@alpha.example"}), d.make(map[string]any{"address": "out@alpha.example"})
	var g struct {
		ID       mail.ObjectID
		Accounts int
	}
	d.do("POST", "/groups", map[string]any{"name": "営業所"}).into(&g)
	d.do("POST", "/groups", map[string]any{"name": " 営業所 "}).says(http.StatusConflict, "group.exists")
	if d.do("POST", "/groups/"+g.ID.String()+"/members", map[string]any{"add": []string{in.ID}}).into(&g); g.Accounts != 1 {
		t.Errorf("the group has %d accounts", g.Accounts)
	}
	d.key = d.keyFor(directory.Grant{Role: directory.RoleAccountAdmin, Groups: []mail.ObjectID{g.ID}})
	var all listed[account]
	if d.do("GET", "/accounts", nil).into(&all); len(all.Items) != 1 || all.Items[0].ID != in.ID {
		t.Errorf("sees %+v", all)
	}
	d.do("PATCH", "/accounts/"+in.ID, map[string]any{"title": "所長"}).into(&in)
	d.do("POST", "/groups/"+g.ID.String()+"/members", map[string]any{"add": []string{out.ID}}).says(http.StatusForbidden, "actor.denied")
	d.do("DELETE", "/groups/"+g.ID.String(), nil).says(http.StatusForbidden, "actor.denied")

	d.key = d.keyFor(asOwner)
	if r := d.do("DELETE", "/groups/"+g.ID.String(), nil); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := d.do("GET", "/accounts/"+in.ID, nil); !strings.Contains(r.Body.String(), `"groups":[]`) {
		t.Errorf("still in it: %s", r.Body)
	}
}

// TestCP1AccountPages: pages of a search follow each other without a gap.
func TestCP1AccountPages(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	for i := range 7 {
		d.make(map[string]any{"address": fmt.Sprintf("user%d@alpha.example", i), "lastName": fmt.Sprint("佐藤", i%2)})
	}
	query, seen := "/accounts?text=佐藤&sort=name&limit=3", ""
	for cursor := ""; ; {
		var page listed[account]
		d.do("GET", query+"&cursor="+cursor, nil).into(&page)
		for _, a := range page.Items {
			seen += a.Address[4:5]
		}
		if page.Total != 7 {
			t.Errorf("the total is %d", page.Total)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if seen != "0246135" {
		t.Errorf("the pages show %s", seen)
	}
	d.do("GET", "/accounts?cursor=abc", nil).says(http.StatusUnprocessableEntity, "cursor.malformed")
	d.do("GET", "/accounts?domain=elsewhere.example", nil).says(http.StatusNotFound, "domain.unknown")
}

// TestLI5ListsOverTheAPI: rules, and members all or none.
func TestLI5ListsOverTheAPI(t *testing.T) {
	d := newHouse(t).desk("alpha.example", directory.Grant{Role: directory.RoleListAdmin})
	var l struct {
		ID, Posting string
		Members     int
		Owners      []string
	}
	got := d.do("POST", "/lists", map[string]any{"address": "team@alpha.example", "name": "Team", "owners": []string{"boss@alpha.example"}}).into(&l)
	tag := got.Header().Get("ETag")
	if l.Posting != "domain" || fmt.Sprint(l.Owners) != "[boss@alpha.example]" {
		t.Errorf("made %+v", l)
	}
	path := "/lists/" + l.ID
	d.do("PATCH", path, map[string]any{"posting": "members"}, "If-Match", tag).into(&l)
	d.do("PATCH", path, map[string]any{"posting": "anyone"}, "If-Match", tag).says(http.StatusPreconditionFailed, "object.changed")
	if l.Posting != "members" || len(l.Owners) != 1 {
		t.Errorf("changed to %+v", l)
	}
	add := func(addresses ...string) reply {
		var members []map[string]string
		for _, a := range addresses {
			members = append(members, map[string]string{"address": a, "name": "x"})
		}
		return d.do("POST", path+"/members", map[string]any{"add": members})
	}
	var members listed[struct{ Address string }]
	if add("a@elsewhere.example", "b@elsewhere.example").into(&members); members.Total != 2 {
		t.Errorf("members %+v", members)
	}
	add("c@elsewhere.example", "no address").says(http.StatusUnprocessableEntity, "address.malformed")
	add("d@elsewhere.example", "team@alpha.example").says(http.StatusConflict, "list.cycle")
	d.do("POST", path+"/members", map[string]any{"remove": []string{"a@elsewhere.example", "x@elsewhere.example"}}).says(http.StatusNotFound, "list.no_member")
	d.do("POST", path+"/members", map[string]any{"remove": []string{"a@elsewhere.example"}}).into(&members)
	if members.Total != 1 || members.Items[0].Address != "b@elsewhere.example" {
		t.Errorf("members %+v", members)
	}
	if r := d.do("DELETE", path, nil); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestML6ContactsOverTheAPI: people from outside, in the address book of one domain.
func TestML6ContactsOverTheAPI(t *testing.T) {
	d := newHouse(t).desk("alpha.example", directory.Grant{Role: directory.RoleAccountAdmin})
	var one struct{ ID, Title, Company string }
	got := d.do("POST", "/gal/contacts", map[string]any{"address": "tanaka@partner.example", "domain": "alpha.example", "lastName": "田中", "lastKana": "タナカ", "company": "取引先"}).into(&one)
	tag := got.Header().Get("ETag")
	path := "/gal/contacts/" + one.ID
	if d.do("PATCH", path, map[string]any{"title": "部長"}, "If-Match", tag).into(&one); one.Title != "部長" || one.Company != "取引先" {
		t.Errorf("changed to %+v", one)
	}
	d.do("PATCH", path, map[string]any{"title": "x"}, "If-Match", tag).says(http.StatusPreconditionFailed, "object.changed")
	var book listed[struct{ ID, Address, Kind string }]
	if d.do("GET", "/gal?text=ﾀﾅｶ&domain=alpha.example", nil).into(&book); book.Total != 1 || book.Items[0].ID != one.ID || book.Items[0].Kind != "contact" {
		t.Errorf("the book has %+v", book)
	}
	if r := d.do("DELETE", path, nil); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	d.do("GET", path, nil).says(http.StatusNotFound, "contact.unknown")
}

// TestML5ForwardsOverTheAPI: who forwards to outside.
func TestML5ForwardsOverTheAPI(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	a, b := d.make(map[string]any{"address": "sato@alpha.example"}), d.make(map[string]any{"address": "abe@alpha.example"})
	d.do("PUT", "/accounts/"+a.ID+"/forwarding", map[string]any{"to": []string{"x@elsewhere.example", "abe@alpha.example"}, "keepCopy": true}).into(&a)
	d.do("PUT", "/accounts/"+b.ID+"/forwarding", map[string]any{"to": []string{"sato@alpha.example"}}).into(&b)
	d.do("PUT", "/accounts/"+b.ID+"/forwarding", map[string]any{"to": []string{"1@x.example", "2@x.example", "3@x.example", "4@x.example", "5@x.example", "6@x.example"}}).says(http.StatusUnprocessableEntity, "request.malformed")
	var all listed[struct {
		Address, By, Since string
		Outside            []string
		Keep               bool `json:"keepCopy"`
	}]
	if d.do("GET", "/forwarding", nil).into(&all); all.Total != 2 {
		t.Errorf("forwards %+v", all)
	}
	d.do("GET", "/forwarding?outside=true", nil).into(&all)
	if all.Total != 1 || all.Items[0].Address != "sato@alpha.example" || fmt.Sprint(all.Items[0].Outside) != "[x@elsewhere.example]" || all.Items[0].By != "admin" || all.Items[0].Since == "" || !all.Items[0].Keep {
		t.Errorf("forwards to outside %+v", all)
	}
	d.do("DELETE", "/accounts/"+a.ID+"/forwarding", nil).into(&a)
	if d.do("GET", "/forwarding?outside=true", nil).into(&all); len(all.Items) != 0 {
		t.Errorf("forwards to outside %+v", all)
	}
}

// TestCP1SharedMailboxes: nobody signs in to one, and seats say who works in it.
func TestCP1SharedMailboxes(t *testing.T) {
	d := newHouse(t).desk("alpha.example", asOwner)
	box := d.make(map[string]any{"address": "support@alpha.example", "shared": true})
	a := d.make(map[string]any{"address": "sato@alpha.example"})
	d.do("POST", "/accounts", map[string]any{"address": "x@alpha.example", "shared": true, "password": "a good long password"}).says(http.StatusConflict, "account.shared")
	d.do("POST", "/accounts/"+box.ID+"/password", map[string]any{}).says(http.StatusConflict, "account.shared")
	var seats listed[struct{ Account, Address, Right string }]
	if d.do("PUT", "/accounts/"+box.ID+"/seats/"+a.ID, map[string]any{"right": "post"}).into(&seats); seats.Total != 1 || seats.Items[0].Address != "sato@alpha.example" || seats.Items[0].Right != "post" {
		t.Errorf("seats %+v", seats)
	}
	d.do("PUT", "/accounts/"+a.ID+"/seats/"+box.ID, map[string]any{"right": "read"}).says(http.StatusConflict, "account.not_shared")
	if d.do("DELETE", "/accounts/"+box.ID+"/seats/"+a.ID, nil).into(&seats); len(seats.Items) != 0 {
		t.Errorf("seats %+v", seats)
	}
}
