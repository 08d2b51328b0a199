package restd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/faulty"
)

// The walks call every operation of the description, so that a new one is covered by itself. What a body must be like is
// made from its schema, or stands in bodies; what is named in a path comes from an estate.

// bodies are requests that a schema alone does not give, by the operation's name. {x} is the estate's id of that name, {domain} its domain.
var bodies = map[string]string{
	"createAccount":        `{"address":"new@{domain}"}`,
	"addAlias":             `{"address":"another@{domain}"}`,
	"destroyAccount":       `{"confirm":"user-victim@{domain}"}`,
	"setForwarding":        `{"to":["user-second@{domain}"]}`,
	"setGrants":            `{"grants":[{"role":"read-only"}]}`,
	"createKey":            `{"name":"new","grants":[{"role":"read-only"}]}`,
	"createOperatorKey":    `{"name":"new","operator":"operator-read-only"}`,
	"createOperator":       `{"name":"new","role":"operator"}`,
	"setOperatorPassword":  `{"password":"another horse battery 9"}`,
	"resetPassword":        `{"password":"another horse battery 9"}`,
	"changeOwnPassword":    `{"old":"correct horse battery 7","new":"another horse battery 9"}`,
	"confirmSelf":          `{"password":"correct horse battery 7"}`,
	"createList":           `{"address":"newlist@{domain}"}`,
	"changeMembers":        `{"add":[{"address":"member@elsewhere.example"}]}`,
	"changeGroupMembers":   `{"add":["{member}"]}`,
	"createContact":        `{"address":"new@elsewhere.example","displayName":"New"}`,
	"addDomain":            `{"name":"further.{domain}","plan":"3GB","ids":10}`,
	"changeDomain":         `{"ids":20}`,
	"changeTenant":         `{"name":"Renamed"}`,
	"openTenant":           `{"name":"New Inc.","domain":{"name":"new.{domain}","plan":"3GB","ids":10},"owner":{"address":"owner"}}`,
	"recordOrder":          `{"kind":"change","tenant":"{tenant}","domain":{"name":"{domain}","plan":"3GB"}}`,
	"amendOrder":           `{"kind":"domain","tenant":"{tenant}","domain":{"name":"more.{domain}","plan":"10GB","ids":10}}`,
	"renameDepartment":     `{"from":"Sales","to":"Market"}`,
	"setPayer":             `{"name":"株式会社アルファ"}`,
	"loadHolidays":         "国民の祝日・休日月日,国民の祝日・休日名称\r\n2026/1/1,元日\r\n",
	"setCalendarSettings":  `{"leadDays":11,"yearEnd":true}`,
	"setLogo":              "\x89PNG\r\n\x1a\n",
	"flushQueueRoute":      `{"route":"remote nowhere.example"}`,
	"addOwnApp":            `{"code":"000000"}`,
	"createOwnAppPassword": `{"name":"phone"}`,
	"importAccounts":       "メールアドレス\r\nimported@{domain}\r\n",
	"createLDAPSource":     `{"name":"new","url":"ldaps://127.0.0.1","base":"dc=corp,dc=example"}`,
	"replaceLDAPSource":    `{"name":"corp","url":"ldaps://127.0.0.1","base":"dc=new,dc=example"}`,
	"setDomainSTS":         `{"mode":"testing"}`,
	"updateAccount":        `{"memo":"x"}`,
	"updateGroup":          `{"description":"x"}`,
	"updateContact":        `{"memo":"x"}`,
	"updateList":           `{"name":"x"}`,
	"createWebhook":        `{"url":"https://127.0.0.1/new","events":["account.created"]}`,
	"updateWebhook":        `{"name":"x"}`,
	"setFilter":            `{"action":"spam","threshold":90,"quarantineDays":14,"digest":{"on":true,"hours":[8]}}`,
	"setAccountFilter":     `{"action":"quarantine"}`,
	"importSenderLists":    "list,sender\r\ndeny,@bad.example\r\n",
	"releaseQuarantined":   `{"ids":["{id}"]}`,
	"deleteQuarantined":    `{"ids":["{id}"]}`,
	"approveQuarantined":   `{"ids":["{id}"]}`,
	"forwardQuarantined":   `{"id":"{id}","to":"somebody@elsewhere.example"}`,
	"updateOperator":       `{"lang":"en"}`,
	"cancelOrder":          `{"reason":"x"}`,
}

// request makes an operation's request, with ids for what stands in its path; e gives the ids within a body.
func (e *estate) request(d *description, o call, ids func(string) string) *http.Request {
	e.Helper()
	var body any
	kind := ""
	if o.RequestBody != nil {
		for k, content := range o.RequestBody.Content {
			kind = k
			body = d.sample(content.Schema)
		}
	}
	if text, ok := bodies[o.ID]; ok {
		body = text
	}
	if text, ok := body.(string); ok {
		for name, id := range e.ids {
			text = strings.ReplaceAll(text, "{"+name+"}", id)
		}
		body = text
	}
	query := url.Values{}
	for _, p := range o.Parameters {
		if p.In == "query" && p.Required {
			query.Set(p.Name, strings.Trim(text(d.sample(p.Schema)), `"`))
		}
	}
	r := request(o.method, o.fill(ids)+"?"+query.Encode(), body, restd.ReasonHeader, "walk", restd.PageHeader, "1")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.RemoteAddr = "192.0.2.1:1"
	return r
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// sample makes a value of a schema: what is required, and no more.
func (d *description) sample(s schema) any {
	s = d.resolve(s)
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Examples) > 0:
		return s.Examples[0]
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "object":
		o := object{}
		for _, name := range s.Required {
			o[name] = d.sample(s.Properties[name])
		}
		return o
	case "array":
		list := []any{}
		for range s.MinItems {
			list = append(list, d.sample(*s.Items))
		}
		return list
	case "integer", "number":
		return s.Minimum
	case "boolean":
		return false
	}
	switch s.Format {
	case "date-time":
		return "2027-04-01T00:00:00Z"
	case "date":
		return "2027-04-01"
	case "email":
		return "somebody@elsewhere.example"
	}
	return strings.Repeat("x", max(s.MinLength, 1))
}

// A walker is somebody who calls.
type walker struct {
	name string
	sign func(*http.Request)
}

func byKey(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }
}

func byCookie(token string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: restd.SessionCookie, Value: token}) }
}

// walk sends a request as somebody.
func (h *house) walk(w walker, r *http.Request) reply {
	h.Helper()
	w.sign(r)
	return h.send(h.Handler(), r)
}

// operatorKey makes an API key of an operator.
func (h *house) operatorKey(role directory.OperatorRole) string {
	h.Helper()
	_, key, err := h.dir.AddOperatorKey(h.ctx, h.ops, directory.KeySpec{Name: string(role), Operator: role})
	h.must(err)
	return key
}

// TestCP6Isolation: with another company's id in any place, every operation answers that there is no such thing, changes
// nothing, and tells nothing.
func TestCP6Isolation(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	d := h.description()
	alpha, beta := h.estate("alpha.example"), h.estate("beta.example")
	owner := walker{"owner", byCookie(alpha.signIn("owner"))}
	operator := walker{"operator", byKey(h.operatorKey(directory.OperatorFull))}
	before := h.fingerprint(beta)
	for _, o := range d.all() {
		places := placeInPath.FindAllStringSubmatch(o.path, -1)
		for _, place := range places {
			foreign := func(name string) string {
				if name == place[1] {
					return beta.need(o, name)
				}
				return alpha.need(o, name)
			}
			who := owner
			if !slices.Contains(o.Roles, "owner") && place[1] != "tenant" {
				who = operator
			}
			if !slices.Contains(o.Roles, "owner") && (!slices.Contains(o.Roles, "operator") || len(places) == 1 && place[1] != "tenant") {
				continue // what operators have belongs to no company; what nobody here may is refused to all
			}
			if place[1] == "seq" || place[1] == "name" {
				continue // numbers of the own log's lines; names of other hosts
			}
			r := h.walk(who, alpha.request(&d, o, foreign))
			what := strings.Join([]string{o.method, o.path, "with another's " + place[1], "by", who.name}, " ")
			if r.Code != http.StatusNotFound {
				t.Errorf("%s: %d %s", what, r.Code, r.Body)
			}
			if strings.Contains(strings.ReplaceAll(r.Body.String(), beta.need(o, place[1]), ""), "beta.example") {
				t.Errorf("%s tells: %s", what, r.Body)
			}
		}
	}
	if after := h.fingerprint(beta); after != before {
		t.Errorf("the other company's log grew: %d, was %d", after, before)
	}
}

// fingerprint is the number of the last line of a company's operation log.
func (h *house) fingerprint(e *estate) (last uint64) {
	h.Helper()
	h.must(h.store.Tenant(e.id).View(h.ctx, func(r store.Reader) error {
		for {
			acts, err := r.Acts(last, 0)
			if err != nil || len(acts) == 0 {
				return err
			}
			last = acts[len(acts)-1].Seq
		}
	}))
	return last
}

// notFoundAnyway are operations for which the estate has nothing that can be found, with why.
var notFoundAnyway = map[string]string{
	"revokeOperatorKey":    "the keys of the walk must last",
	"removePasskey":        "a passkey needs a browser",
	"forgetBrowser":        "nobody is trusted",
	"endOwnSession":        "the session is the victim's",
	"revokeOwnAppPassword": "the app password is the victim's",
	"getOwnTrace":          "the message is the victim's",
	"getLogo":              "there is none",
	"resumeMember":         "nobody bounced",
	"removeLogo":           "there is none",
	"takeJobSheet":         "a dry run made no passwords",
	"removeOwnApp":         "nobody has a second factor", "makeRecoveryCodes": "nobody has a second factor", "beginConfirm": "nobody has a passkey",
	"removeAccountFactors": "nobody has a second factor", "removeOperatorFactors": "nobody has a second factor",
}

// narrower are operations that not everybody may do to everything who has their right, with why: the service below says no.
var narrower = map[string]string{
	"cancelJob": "a job is ended by who started it, or could have",
}

// TestCP6EveryRole: every operation is called by everybody and lets in whom the description names, and nobody else. What
// would be written is refused at the end, so that all find the same.
func TestCP6EveryRole(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	d := h.description()
	e := h.estate("alpha.example")
	walkers := e.walkers()
	plan.FailFrom(faulty.Commit, 1, mail.E("walk", mail.Unavailable, "storage.failed"))
	for _, o := range d.all() {
		if o.Right == "" && !slices.Contains(o.Roles, "anybody") {
			t.Errorf("%s needs no right and is not public", o.ID)
		}
		for _, w := range walkers {
			r := h.walk(w, e.request(&d, o, func(name string) string { return e.need(o, name) }))
			if narrower[o.ID] != "" && r.Code == http.StatusForbidden {
				continue
			}
			if fault := judge(o, w, r); fault != "" {
				t.Errorf("%s %s by %s: %s: %d %s", o.method, o.path, w.name, fault, r.Code, r.Body)
			}
		}
	}
}

// walkers are everybody there is: each role and a plain user by a session, a key of an owner, both kinds of operators,
// nobody, and keys that open nothing any more.
func (e *estate) walkers() (list []walker) {
	e.Helper()
	for _, name := range roleNames() {
		list = append(list, walker{name, byCookie(e.signIn(name))})
	}
	list = append(list, walker{"user", byCookie(e.signIn(""))}, walker{"nobody", func(*http.Request) {}})
	for _, role := range directory.OperatorRoles() {
		list = append(list, walker{string(role), byCookie(e.signInOperator(role))}, walker{string(role) + "'s key", byKey(e.operatorKey(role))})
	}
	company := e.dir.Company(e.id)
	key := func(name string, change func(*directory.KeySpec)) (directory.Key, string) {
		spec := directory.KeySpec{Name: name, Grants: []directory.Grant{{Role: directory.RoleOwner}}}
		change(&spec)
		k, text, err := company.AddKey(e.ctx, e.ops, spec)
		e.must(err)
		return k, text
	}
	_, good := key("good", func(*directory.KeySpec) {})
	gone, revoked := key("revoked", func(*directory.KeySpec) {})
	e.must(company.RevokeKey(e.ctx, e.ops, gone.ID))
	_, elsewhere := key("elsewhere", func(s *directory.KeySpec) { s.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} })
	_, short := key("expired", func(s *directory.KeySpec) { s.Expires = time.Now().Add(time.Second) })
	e.eventually(func() bool { // a key can't be made expired; a second is what its time is exact to
		r := request("GET", "/self", nil)
		byKey(short)(r)
		w := httptest.NewRecorder()
		e.Handler().ServeHTTP(w, r)
		return w.Code == http.StatusUnauthorized
	})
	return append(list, walker{"owner's key", byKey(good)}, walker{"revoked key", fromAnywhere(byKey(revoked))}, walker{"expired key", fromAnywhere(byKey(short))},
		walker{"key from elsewhere", byKey(elsewhere)})
}

// fromAnywhere has each request come from another network, as the tenth failure from one locks it out.
func fromAnywhere(sign func(*http.Request)) func(*http.Request) {
	n := 0
	return func(r *http.Request) {
		n++
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}), 1).String()
		sign(r)
	}
}

// eventually waits for what time alone brings.
func (h *house) eventually(is func() bool) {
	h.Helper()
	for range 100 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.Fatal("it does not come")
}

// judge says what is wrong with an answer; "" for nothing.
func judge(o call, w walker, r reply) string {
	r.Helper()
	var p restd.Problem
	if r.Code >= 400 {
		p = r.problem()
	}
	if slices.Contains(o.Roles, "anybody") {
		return map[bool]string{true: "it is for everybody"}[r.Code == 401 || r.Code == 403]
	}
	switch w.name {
	case "nobody", "revoked key", "expired key":
		return map[bool]string{true: "want 401"}[r.Code != http.StatusUnauthorized]
	case "key from elsewhere":
		return map[bool]string{true: "want a refusal"}[r.Code != http.StatusUnauthorized && r.Code != http.StatusForbidden]
	}
	name := strings.TrimSuffix(w.name, "'s key")
	may := slices.Contains(o.Roles, name)
	if name != w.name && isSelf(o) {
		may = false // a key is nobody's self
	}
	switch {
	case !may && (r.Code != http.StatusForbidden || p.Key != "actor.denied"):
		return "want 403 actor.denied"
	case may && (r.Code == 401 || p.Key == "actor.denied"):
		return "want it done"
	case may && r.Code == 404 && notFoundAnyway[o.ID] == "":
		return "not found"
	case may && (p.Key == "request.malformed" || p.Key == "request.json" || r.Code >= 500 && p.Key != "storage.failed"):
		return "the walk's request is none"
	}
	return ""
}

// isSelf tells whether an operation is about the own account.
func isSelf(o call) bool { return strings.Contains(o.path, "/self/") }

// TestCP2NothingBeforeTheStart: before the service start date whatever would be changed answers the date.
func TestCP2NothingBeforeTheStart(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	d := h.description()
	e := h.estate("alpha.example")
	start := time.Now().AddDate(0, 1, 0)
	_, key, err := h.dir.Company(e.id).AddKey(h.ctx, h.ops, directory.KeySpec{Name: "early", Grants: []directory.Grant{{Role: directory.RoleOwner}}})
	h.must(err)
	owner, user := walker{"owner", byCookie(e.signIn("owner"))}, walker{"user", byCookie(e.signIn(""))}
	changed, err := h.dir.SetTenantStart(h.ctx, h.ops, e.id, start)
	h.must(err)
	day := changed.StartDate()
	before := h.fingerprint(e)
	asked := 0
	for _, o := range d.all() {
		if o.method == "GET" || slices.Contains(o.Roles, "anybody") {
			continue
		}
		for _, w := range []walker{{"key", byKey(key)}, owner, user} {
			may := slices.Contains(o.Roles, map[string]string{"key": "owner", "owner": "owner", "user": "user"}[w.name]) && !(w.name == "key" && isSelf(o))
			if !may {
				continue
			}
			asked++
			r := h.walk(w, e.request(&d, o, func(name string) string { return e.need(o, name) }))
			p := r.problem()
			if p.Key != "tenant.not_started" || len(p.Args) != 1 || p.Args[0] != day || !strings.Contains(p.Detail, p.Args[0].(string)) {
				t.Errorf("%s %s by %s: %d %s", o.method, o.path, w.name, r.Code, r.Body)
			}
		}
	}
	if asked == 0 || h.fingerprint(e) != before {
		t.Errorf("%d asked; the log grew from %d to %d", asked, before, h.fingerprint(e))
	}
}

// TestCP6IsolationElsewhere: another company's id within a body or a query finds nothing and tells nothing either.
func TestCP6IsolationElsewhere(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	d := h.description()
	alpha, beta := h.estate("alpha.example"), h.estate("beta.example")
	owner := walker{"owner", byCookie(alpha.signIn("owner"))}
	operation := map[string]call{}
	for _, o := range d.all() {
		operation[o.ID] = o
	}
	before := h.fingerprint(beta)
	for _, c := range []struct{ id, body string }{
		{"createAccount", `{"address":"new@alpha.example","groups":["{group}"]}`},
		{"createAccount", `{"address":"new@{domain}"}`},
		{"updateAccount", `{"groups":["{group}"]}`},
		{"updateAccount", `{"address":"moved@{domain}"}`},
		{"addAlias", `{"address":"more@{domain}"}`},
		{"changeGroupMembers", `{"add":["{account}"]}`},
		{"setGrants", `{"grants":[{"role":"account-admin","groups":["{group}"]}]}`},
		{"createKey", `{"name":"new","grants":[{"role":"account-admin","groups":["{group}"]}]}`},
		{"createList", `{"address":"new@{domain}"}`},
	} {
		text := c.body
		for name, id := range beta.ids {
			text = strings.ReplaceAll(text, "{"+name+"}", id)
		}
		o := operation[c.id]
		r := request(o.method, o.fill(func(name string) string { return alpha.need(o, name) }), text, restd.PageHeader, "1")
		if got := h.walk(owner, r); got.Code < 400 || got.Code >= 500 || got.Code == 401 || got.Code == 403 {
			t.Errorf("%s %s: %d %s", c.id, text, got.Code, got.Body)
		}
	}
	asked := 0
	for _, o := range d.all() {
		for _, p := range o.Parameters {
			if p.In != "query" || beta.ids[p.Name] == "" || !slices.Contains(o.Roles, "owner") {
				continue
			}
			asked++
			r := alpha.request(&d, o, func(name string) string { return alpha.need(o, name) })
			q := r.URL.Query()
			q.Set(p.Name, beta.ids[p.Name])
			r.URL.RawQuery = q.Encode()
			got := h.walk(owner, r)
			told := strings.ReplaceAll(got.Body.String(), beta.ids[p.Name], "")
			if got.Code >= 500 || got.Code == 401 || got.Code == 403 || strings.Contains(told, "beta.example") {
				t.Errorf("%s ?%s=%s: %d %s", o.ID, p.Name, beta.ids[p.Name], got.Code, got.Body)
			}
		}
	}
	if asked == 0 || h.fingerprint(beta) != before {
		t.Errorf("%d asked; the other company's log grew from %d to %d", asked, before, h.fingerprint(beta))
	}
}

// TestCP6Scopes: who administers one domain or group only sees and changes nothing outside of it.
func TestCP6Scopes(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	d := h.description()
	e := h.estate("alpha.example")
	company := h.dir.Company(e.id)
	side, err := company.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "side.example", Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	before := h.fingerprint(e)
	for _, role := range []directory.Role{directory.RoleAccountAdmin, directory.RoleListAdmin, directory.RoleHelpDesk, directory.RoleReadOnly} {
		_, key, err := company.AddKey(h.ctx, h.ops, directory.KeySpec{Name: "side " + string(role), Grants: []directory.Grant{{Role: role, Domains: []mail.DomainID{side.ID}}}})
		h.must(err)
		before++ // the key's own line
		w := walker{"side's " + string(role), byKey(key)}
		for _, o := range d.all() {
			if !slices.Contains(o.Roles, string(role)) || !strings.Contains(o.path, "{account}") && !strings.Contains(o.path, "{list}") {
				continue
			}
			r := h.walk(w, e.request(&d, o, func(name string) string { return e.need(o, name) }))
			if r.Code != http.StatusNotFound && r.Code != http.StatusForbidden || o.method == "GET" && r.Code != http.StatusNotFound {
				t.Errorf("%s %s by %s: %d %s", o.method, o.path, w.name, r.Code, r.Body)
			}
		}
		for _, id := range []string{"/accounts", "/lists", "/aliases", "/forwarding"} {
			r := request("GET", "/tenants/"+e.ids["tenant"]+id, nil)
			if got := h.walk(w, r); strings.Contains(got.Body.String(), "alpha.example") {
				t.Errorf("%s by %s: %s", id, w.name, got.Body)
			}
		}
	}
}
