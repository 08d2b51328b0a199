package scimd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/scimd"
	"tegami/store/embedded"
)

// idp is an identity system that works with a company over SCIM.
type idp struct {
	*testing.T
	dir     *directory.Directory
	company *directory.Company
	ops     mail.Actor
	door    http.Handler
	key     string
}

type object = map[string]any

func newIDP(t *testing.T) *idp {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	p := &idp{T: t, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), ops: directory.Operator("test", "").For("test")}
	p.company, p.key = p.tenant("alpha.example")
	p.door = scimd.New(scimd.Config{Directory: p.dir, Words: i18n.New(), Log: slog.New(slog.DiscardHandler), Tally: st.Tally}).Handler()
	return p
}

// tenant opens a company with two domains, and gives an API key of it.
func (p *idp) tenant(domain string) (*directory.Company, string) {
	p.Helper()
	ctx := context.Background()
	t, err := p.dir.OpenTenant(ctx, p.ops, directory.TenantSpec{Name: domain})
	p.must(err)
	c := p.dir.Company(t.ID)
	for _, name := range []string{domain, "sub." + domain} {
		_, err = c.AddDomain(ctx, p.ops, directory.DomainSpec{Name: name, Plan: directory.Plan100MB, IDs: 10})
		p.must(err)
	}
	return c, p.keyOf(c, directory.Grant{Role: directory.RoleAccountAdmin})
}

func (p *idp) keyOf(c *directory.Company, grant directory.Grant) string {
	p.Helper()
	_, key, err := c.AddKey(context.Background(), p.ops, directory.KeySpec{Name: "idp " + string(grant.Role), Grants: []directory.Grant{grant}})
	p.must(err)
	return key
}

func (p *idp) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// answer is what the door said.
type answer struct {
	*httptest.ResponseRecorder
	object
}

// ask makes a request; headers are name and value in turn.
func (p *idp) ask(method, path string, body any, headers ...string) answer {
	p.Helper()
	text := ""
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		raw, err := json.Marshal(b)
		p.must(err)
		text = string(raw)
	}
	r := httptest.NewRequest(method, "https://mail.tegami.example"+scimd.Prefix+path, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/scim+json")
	r.Header.Set("Authorization", "Bearer "+p.key)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	p.door.ServeHTTP(a, r)
	if a.Body.Len() > 0 {
		if got := a.Header().Get("Content-Type"); got != "application/scim+json" {
			p.Errorf("%s %s: %s", method, path, got)
		}
		p.must(json.Unmarshal(a.Body.Bytes(), &a.object))
	}
	return a
}

// gets wants a status.
func (p *idp) gets(status int, method, path string, body any, headers ...string) answer {
	p.Helper()
	a := p.ask(method, path, body, headers...)
	if a.Code != status {
		p.Fatalf("%s %s: %d %s, want %d", method, path, a.Code, a.Body, status)
	}
	return a
}

// refused wants a refusal with a status and a scimType.
func (p *idp) refused(status int, kind, method, path string, body any, headers ...string) {
	p.Helper()
	a := p.gets(status, method, path, body, headers...)
	got, _ := a.object["scimType"].(string)
	if got != kind || a.object["status"] != fmt.Sprint(status) || a.object["detail"] == "" || fmt.Sprint(a.object["schemas"]) != "[urn:ietf:params:scim:api:messages:2.0:Error]" {
		p.Errorf("%s %s: %s, want %q", method, path, a.Body, kind)
	}
}

// user is what Entra ID sends for a new user, more or less.
func user(name string) object {
	return object{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
		"userName": name, "externalId": "ext-" + name, "active": true, "displayName": "佐藤 花子", "title": "課長", "preferredLanguage": "ja-JP",
		"name":         object{"familyName": "佐藤", "givenName": "花子"},
		"emails":       []object{{"value": "other@elsewhere.example", "type": "work", "primary": true}},
		"phoneNumbers": []object{{"value": "03-1234-5678", "type": "work"}, {"value": "090-0000-0000", "type": "mobile"}},
		"addresses":    []object{{"type": "work", "country": "JP"}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": object{"department": "営業部"},
	}
}

func (p *idp) made(name string) string {
	p.Helper()
	return p.gets(201, "POST", "/Users", user(name)).object["id"].(string)
}

func (p *idp) account(id string) directory.Account {
	p.Helper()
	var at mail.AccountID
	p.must(at.UnmarshalText([]byte(id)))
	a, err := p.company.Account(context.Background(), at)
	p.must(err)
	return a
}

// patch is the body of a PATCH.
func patch(ops ...object) object {
	return object{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}
}

// TestCP5SCIMUser follows a user from being made to being deleted.
func TestCP5SCIMUser(t *testing.T) {
	p := newIDP(t)
	a := p.gets(201, "POST", "/Users", user("Hanako@alpha.example"))
	id, tag := a.object["id"].(string), a.Header().Get("ETag")
	if a.Header().Get("Location") != scimd.Prefix+"/Users/"+id || a.object["userName"] != "hanako@alpha.example" || a.object["externalId"] != "ext-Hanako@alpha.example" || tag == "" {
		t.Fatalf("%v %s", a.Header(), a.Body)
	}
	at := "/Users/" + id
	if got := p.account(id); got.Profile.LastName != "佐藤" || got.Profile.Department != "営業部" || got.Profile.Mobile != "090-0000-0000" || got.Lang != "ja" || got.State != directory.AccountActive {
		t.Errorf("%+v", got)
	}
	p.refused(409, "uniqueness", "POST", "/Users", user("hanako@alpha.example"))
	p.gets(304, "GET", at, nil, "If-None-Match", tag)
	p.refused(412, "", "PATCH", at, patch(object{"op": "replace", "path": "title", "value": "部長"}), "If-Match", `W/"99"`)
	a = p.gets(200, "PATCH", at, patch(
		object{"op": "Replace", "path": "active", "value": "False"},
		object{"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "080-1111-1111"},
		object{"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "開発部"},
		object{"op": "remove", "path": "title"},
		object{"op": "add", "value": object{"name.givenName": "花江", "nickName": "はな"}},
	), "If-Match", tag)
	if got := p.account(id); got.State != directory.AccountSuspended || got.Profile.Mobile != "080-1111-1111" || got.Profile.Department != "開発部" ||
		got.Profile.Title != "" || got.Profile.FirstName != "花江" || got.Profile.LastName != "佐藤" || got.Profile.Phone != "03-1234-5678" {
		t.Errorf("%+v", got)
	}
	p.gets(200, "PATCH", at, patch(object{"op": "replace", "path": "userName", "value": "hanae@sub.alpha.example"}))
	if got := p.account(id); got.Address.String() != "hanae@sub.alpha.example" || len(got.Aliases) != 1 {
		t.Errorf("%+v", got)
	}
	p.gets(200, "PUT", at, object{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "hanae@sub.alpha.example", "name": object{"familyName": "高橋"}})
	if got := p.account(id); got.Profile.LastName != "高橋" || got.Profile.FirstName != "" || got.Profile.Phone != "" || got.State != directory.AccountActive {
		t.Errorf("%+v", got)
	}
	a = p.gets(200, "GET", at+"?attributes=userName,emails.value", nil)
	if len(a.object) != 4 || a.object["externalId"] != nil {
		t.Errorf("%v", a.object)
	}
	p.gets(204, "DELETE", at, nil)
	p.refused(404, "", "GET", at, nil)
	if got := p.account(id); got.State != directory.AccountDeleted {
		t.Errorf("%v", got.State)
	}
}

// TestCP5SCIMPassword: a password that comes opens the account, must be changed, and is never shown.
func TestCP5SCIMPassword(t *testing.T) {
	p := newIDP(t)
	u := user("a@alpha.example")
	u["password"] = "short"
	p.refused(400, "invalidValue", "POST", "/Users", u)
	u["password"] = "correct horse battery 7"
	a := p.gets(201, "POST", "/Users", u)
	if strings.Contains(a.Body.String(), "horse") || !p.account(a.object["id"].(string)).MustChange {
		t.Error(a.Body)
	}
}

// TestCP5SCIMFilters: filters find who they mean, in pages.
func TestCP5SCIMFilters(t *testing.T) {
	p := newIDP(t)
	for i := range 5 {
		p.made(fmt.Sprintf("u%d@alpha.example", i))
	}
	first := p.made("first@sub.alpha.example")
	p.gets(200, "PATCH", "/Users/"+first, patch(object{"op": "replace", "path": "active", "value": false}, object{"op": "replace", "path": "name.familyName", "value": "O'Brien \"x\""}))
	for filter, want := range map[string]int{
		"":                                                    6,
		`userName eq "U3@alpha.example"`:                      1,
		`userName eq "nobody"`:                                0,
		`externalId eq "ext-u1@alpha.example"`:                1,
		`externalId eq "EXT-u1@alpha.example"`:                0,
		`id eq "` + first + `"`:                               1,
		`id eq "x"`:                                           0,
		`active eq false`:                                     1,
		`active eq true and userName sw "u"`:                  5,
		`not (active eq true)`:                                1,
		`userName co "@sub." or userName ew "none"`:           1,
		`name.familyName eq "o'brien \"x\""`:                  1,
		`emails[type eq "work" and value co "u2@"]`:           1,
		`emails.value co "u2@"`:                               1,
		`emails co "u2@"`:                                     1,
		`title pr and (userName sw "u0" or userName sw "u1")`: 2,
		`nickName pr`:                                         0,
		`nickName eq null`:                                    6,
		`userName ne "u1@alpha.example"`:                      5,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "営業部"`: 6,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "u4"`:                    1,
		`userName gt "u2@alpha.example" and userName le "u4@alpha.example"`:              2,
	} {
		a := p.gets(200, "GET", "/Users?count=200&filter="+escape(filter), nil)
		if got := a.object["totalResults"].(float64); int(got) != want || len(a.object["Resources"].([]any)) != want {
			t.Errorf("%s: %v, want %d", filter, got, want)
		}
	}
	a := p.gets(200, "GET", "/Users?startIndex=3&count=2&attributes=userName", nil)
	if got := a.object["Resources"].([]any); len(got) != 2 || got[0].(object)["userName"] != "u2@alpha.example" || a.object["totalResults"].(float64) != 6 || a.object["startIndex"].(float64) != 3 {
		t.Errorf("%s", a.Body)
	}
	for _, filter := range []string{"userName", `userName eq`, `userName eq "x`, `userName is "x"`, `(userName pr`, `userName pr)`, `not userName pr`, `emails[type eq "x"`, "userName eq 'x'", strings.Repeat("(", 100), `a eq "` + strings.Repeat("x", 5000) + `"`} {
		p.refused(400, "invalidFilter", "GET", "/Users?filter="+escape(filter), nil)
	}
	p.refused(400, "invalidValue", "GET", "/Users?count=many", nil)
}

func escape(s string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", `"`, "%22", "&", "%26", "+", "%2B", `\`, "%5C", "#", "%23").Replace(s)
}

// TestCP5SCIMGroups: groups are made, filled, emptied and deleted, in the ways that identity systems do it.
func TestCP5SCIMGroups(t *testing.T) {
	p := newIDP(t)
	a, b, c := p.made("a@alpha.example"), p.made("b@alpha.example"), p.made("c@alpha.example")
	g := p.gets(201, "POST", "/Groups", object{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "営業", "externalId": "g1", "members": []object{{"value": a}}})
	at, tag := "/Groups/"+g.object["id"].(string), g.Header().Get("ETag")
	p.refused(409, "uniqueness", "POST", "/Groups", object{"displayName": "営業"})
	members := func() string {
		p.Helper()
		var list []string
		all, _ := p.gets(200, "GET", at, nil).object["members"].([]any)
		for _, m := range all {
			list = append(list, map[string]string{a: "a", b: "b", c: "c"}[m.(object)["value"].(string)])
		}
		return strings.Join(list, "")
	}
	for _, step := range []struct {
		op   object
		want string
	}{
		{object{"op": "add", "path": "members", "value": []object{{"value": b}, {"value": a}}}, "ab"},
		{object{"op": "remove", "path": `members[value eq "` + a + `"]`}, "b"},
		{object{"op": "add", "value": object{"members": []object{{"value": c}}}}, "bc"},
		{object{"op": "Remove", "path": "members", "value": []object{{"value": c}}}, "b"},
		{object{"op": "replace", "path": "members", "value": []object{{"value": a}, {"value": c}}}, "ac"},
		{object{"op": "remove", "path": "members"}, ""},
		{object{"op": "replace", "value": object{"displayName": "営業部", "members": []object{{"value": b}}}}, "b"},
	} {
		p.gets(200, "PATCH", at, patch(step.op))
		if got := members(); got != step.want {
			t.Errorf("%v: %q, want %q", step.op, got, step.want)
		}
	}
	p.refused(412, "", "PUT", at, object{"displayName": "x"}, "If-Match", tag)
	p.refused(404, "", "PATCH", at, patch(object{"op": "add", "path": "members", "value": []object{{"value": strings.TrimSuffix(at[8:], "x")}}}))
	if got := p.account(b); len(got.Groups) != 1 {
		t.Errorf("%+v", got)
	}
	shown := p.gets(200, "GET", "/Users/"+b, nil).object["groups"].([]any)[0].(object)
	if shown["display"] != "営業部" || shown["value"] != at[8:] {
		t.Errorf("%v", shown)
	}
	found := p.gets(200, "GET", "/Groups?excludedAttributes=members&filter="+escape(`displayName eq "営業部"`), nil)
	if found.object["totalResults"].(float64) != 1 || found.object["Resources"].([]any)[0].(object)["members"] != nil {
		t.Errorf("%s", found.Body)
	}
	found = p.gets(200, "GET", "/Groups?filter="+escape(`members[value eq "`+b+`"] and externalId eq "g1"`), nil)
	if found.object["totalResults"].(float64) != 1 {
		t.Errorf("%s", found.Body)
	}
	p.gets(200, "PUT", at, object{"displayName": "営業部"})
	if got := members(); got != "" {
		t.Errorf("%q", got)
	}
	p.gets(204, "DELETE", at, nil)
	p.refused(404, "", "GET", at, nil)
}

// TestCP5SCIMPatchesThatCantBeDone are refused, and nothing of them is done.
func TestCP5SCIMPatchesThatCantBeDone(t *testing.T) {
	p := newIDP(t)
	id := p.made("a@alpha.example")
	before := p.account(id)
	for body, kind := range map[string]string{
		`{`:  "invalidSyntax",
		`{}`: "invalidSyntax",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[]}`:                                                  "invalidSyntax",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"move","path":"title"}]}`:                      "invalidSyntax",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove"}]}`:                                   "noTarget",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"a[b","value":1}]}`:               "invalidPath",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","value":"x"}]}`:                          "invalidValue",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"userName","value":"x"}]}`:    "invalidValue",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":{"a":1}}]}`:   "invalidValue",
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"ims[a co \"x\"].b","value":1}]}`: "noTarget",
	} {
		p.refused(400, kind, "PATCH", "/Users/"+id, body)
	}
	if after := p.account(id); after.Version != before.Version {
		t.Errorf("%+v", after)
	}
	p.refused(400, "invalidSyntax", "POST", "/Users", user("b@alpha.example"), "Content-Type", "text/plain")
	p.refused(413, "", "POST", "/Users", `{"a":"`+strings.Repeat("x", 5<<20)+`"}`)
}

// TestML1SCIMPastTheContract: one more user than there are IDs is refused with their number.
func TestML1SCIMPastTheContract(t *testing.T) {
	p := newIDP(t)
	for i := range 10 {
		p.made(fmt.Sprintf("u%d@alpha.example", i))
	}
	a := p.gets(409, "POST", "/Users", user("one-more@alpha.example"))
	if !strings.Contains(a.object["detail"].(string), "10") {
		t.Error(a.Body)
	}
	p.refused(400, "invalidValue", "POST", "/Users", user("a@beta.example"))
}

// TestCP6SCIMRights: who has no key, a key of another company, without the role or for another domain gets nothing he may not.
func TestCP6SCIMRights(t *testing.T) {
	p := newIDP(t)
	id := p.made("a@alpha.example")
	_, foreign := p.tenant("beta.example")
	domain, err := p.company.Domain(context.Background(), "sub.alpha.example")
	p.must(err)
	own := p.key
	p.key = foreign
	p.refused(404, "", "GET", "/Users/"+id, nil)
	p.refused(404, "", "DELETE", "/Users/"+id, nil)
	if n := p.gets(200, "GET", "/Users", nil).object["totalResults"].(float64); n != 0 {
		t.Errorf("%v users of another company", n)
	}
	p.key = p.keyOf(p.company, directory.Grant{Role: directory.RoleReadOnly})
	p.gets(200, "GET", "/Users/"+id, nil)
	p.refused(403, "", "DELETE", "/Users/"+id, nil)
	p.refused(403, "", "POST", "/Users", user("b@alpha.example"))
	p.key = p.keyOf(p.company, directory.Grant{Role: directory.RoleAccountAdmin, Domains: []mail.DomainID{domain.ID}})
	p.refused(404, "", "GET", "/Users/"+id, nil)
	p.refused(403, "", "POST", "/Users", user("b@alpha.example"))
	p.made("b@sub.alpha.example")
	if n := p.gets(200, "GET", "/Users", nil).object["totalResults"].(float64); n != 1 {
		t.Errorf("%v users in the domain", n)
	}
	p.key = p.keyOf(p.company, directory.Grant{Role: directory.RoleAudit})
	p.refused(403, "", "GET", "/Users", nil)
	p.key = "tgm_nonsense"
	p.refused(401, "", "GET", "/Users", nil)
	p.refused(401, "", "GET", "/Users", nil, "Authorization", "Basic x")
	p.key = own
	p.gets(200, "GET", "/Users/"+id, nil)
}

// TestCP5SCIMDescribesItself: what there is, is described, and what is described is there.
func TestCP5SCIMDescribesItself(t *testing.T) {
	p := newIDP(t)
	c := p.gets(200, "GET", "/ServiceProviderConfig", nil)
	if !c.object["patch"].(object)["supported"].(bool) || c.object["bulk"].(object)["supported"].(bool) || !c.object["etag"].(object)["supported"].(bool) {
		t.Error(c.Body)
	}
	for _, path := range []string{"/ResourceTypes", "/Schemas"} {
		all := p.gets(200, "GET", path, nil)
		for _, o := range all.object["Resources"].([]any) {
			id := o.(object)["id"].(string)
			if one := p.gets(200, "GET", path+"/"+id, nil); one.object["id"] != id {
				t.Error(one.Body)
			}
		}
	}
	p.refused(404, "", "GET", "/Schemas/urn:none", nil)
	p.refused(404, "", "GET", "/Me", nil)
	p.refused(404, "", "POST", "/Bulk", "{}")
	id := p.made("a@alpha.example")
	known := map[string]bool{"schemas": true, "id": true, "meta": true, "externalId": true}
	for _, o := range p.gets(200, "GET", "/Schemas", nil).object["Resources"].([]any) {
		known[o.(object)["id"].(string)] = true
		for _, a := range o.(object)["attributes"].([]any) {
			known[a.(object)["name"].(string)] = true
		}
	}
	for name := range p.gets(200, "GET", "/Users/"+id, nil).object {
		if !known[name] {
			t.Errorf("%s is described nowhere", name)
		}
	}
}
