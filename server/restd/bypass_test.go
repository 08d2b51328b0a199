package restd_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

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
