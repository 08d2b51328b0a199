package restd_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"tegami/directory"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/faulty"
)

// TestCP9OwnSignInNeedsConfirming: a browser that was left open does not get round showing the password by what administrators do for others.
func TestCP9OwnSignInNeedsConfirming(t *testing.T) {
	h := newHouse(t, whole(&faulty.Plan{}))
	e := h.estate("alpha.example")
	token := e.signIn("owner")
	own := "/tenants/" + e.id.String() + "/accounts/" + e.account["owner"].ID.String()
	ask := func(method, path string, body any) reply {
		r := request(method, path, body, restd.PageHeader, "1")
		r.AddCookie(&http.Cookie{Name: restd.SessionCookie, Value: token})
		r.RemoteAddr = "192.0.2.1:1024"
		return h.send(h.Handler(), r)
	}
	h.leftOpen(e, "owner")
	ask("DELETE", own+"/factors", nil).says(http.StatusForbidden, "auth.confirm_needed")
	ask("POST", own+"/password", map[string]any{}).says(http.StatusForbidden, "auth.confirm_needed")
	if r := ask("POST", "/self/confirm", map[string]any{"password": password}); r.Code != http.StatusNoContent {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	ask("DELETE", own+"/factors", nil).says(http.StatusNotFound, "factor.none")
	if r := ask("POST", own+"/password", map[string]any{}); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestCP6FreshOperations: a browser that was left open makes no keys and no administrators, and changes no rules of signing in, until the
// password is shown again. Keys are not asked.
func TestCP6FreshOperations(t *testing.T) {
	h := newHouse(t, whole(&faulty.Plan{}))
	e := h.estate("alpha.example")
	token := e.signIn("owner")
	company := "/tenants/" + e.id.String()
	ask := func(method, path string, body any) reply {
		r := request(method, path, body, restd.PageHeader, "1")
		r.AddCookie(&http.Cookie{Name: restd.SessionCookie, Value: token})
		r.RemoteAddr = "192.0.2.1:1024"
		return h.send(h.Handler(), r)
	}
	key := map[string]any{"name": "backup", "grants": []any{map[string]any{"role": "read-only"}}}
	grants := map[string]any{"grants": []any{map[string]any{"role": "owner"}}}
	security := map[string]any{}
	ask("GET", company+"/security", nil).into(&security)
	for _, name := range []string{"changedBy", "changedAt", "revertAt", "address"} {
		delete(security, name)
	}
	changes := []struct {
		method, path string
		body         any
	}{
		{"POST", company + "/keys", key},
		{"PUT", company + "/accounts/" + e.account["owner"].ID.String() + "/grants", grants},
		{"PUT", company + "/security", security},
	}
	for _, c := range changes {
		if r := ask(c.method, c.path, c.body); r.Code >= 300 {
			t.Errorf("%s %s just after signing in: %d %s", c.method, c.path, r.Code, r.Body)
		}
	}
	h.leftOpen(e, "owner")
	for _, c := range changes {
		ask(c.method, c.path, c.body).says(http.StatusForbidden, "auth.confirm_needed")
	}
	_, secret, err := h.dir.Company(e.id).AddKey(h.ctx, h.ops, directory.KeySpec{Name: "program", Grants: directory.WholeGrants(directory.RoleOwner)})
	h.must(err)
	if r := h.ask(secret, "POST", company+"/keys", key); r.Code != http.StatusCreated {
		t.Errorf("a key: %d %s", r.Code, r.Body)
	}
	ask("POST", "/self/confirm/passkey/begin", nil).says(http.StatusNotFound, "factor.none")
	if r := ask("POST", "/self/confirm", map[string]any{"password": password}); r.Code != http.StatusNoContent {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	for _, c := range changes {
		if r := ask(c.method, c.path, c.body); r.Code >= 300 {
			t.Errorf("%s %s after confirming: %d %s", c.method, c.path, r.Code, r.Body)
		}
	}
}

// TestListParts names Go itself, a module and a package of the pages, each with a licence.
func TestListParts(t *testing.T) {
	h := newHouse(t)
	var list struct{ Items []restd.ProgramPart }
	h.operate("GET", "/parts", nil).into(&list)
	found := map[string]bool{}
	for _, p := range list.Items {
		if p.Licence == "" || p.Version == "" {
			t.Errorf("%+v", p)
		}
		found[p.Name] = true
	}
	for _, name := range []string{"Go", "golang.org/x/net", "svelte"} {
		if !found[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// leftOpen makes it an hour that somebody showed last that it is him.
func (h *house) leftOpen(e *estate, who string) {
	h.Helper()
	h.must(h.store.Tenant(e.id).Update(h.ctx, h.ops, "test.leftOpen", func(tx store.Tx) error {
		o, err := tx.ObjectByKey(store.Key{Name: "web-sessions", Value: e.account[who].ID.String()})
		if err != nil {
			return err
		}
		var doc map[string][]map[string]any
		if err := json.Unmarshal(o.Doc, &doc); err != nil {
			return err
		}
		for _, session := range doc["list"] {
			session["proved"] = time.Now().Add(-time.Hour)
		}
		if o.Doc, err = json.Marshal(doc); err == nil {
			_, err = tx.PutObject(o)
		}
		return err
	}))
}
