package webd_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tegami/directory"
)

// api asks the API as the panel does, and reads the answer into out, which may be nil.
func (b *browser) api(method, path string, body, out any, want int) http.Header {
	b.Helper()
	text := ""
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		text = string(raw)
	}
	r, err := http.NewRequest(method, b.base+"/api/v1"+path, strings.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Tegami-Page", "1")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := b.do(r)
	if answer.StatusCode != want {
		b.Fatalf("%s %s: %s, want %d\n%s", method, path, answer.Status, want, b.page)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(b.page), out); err != nil {
			b.Fatal(err)
		}
	}
	return answer.Header
}

type object = map[string]any

// TestCP9OwnSecurityByAPI: what the security page does, from the password to the app password.
func TestCP9OwnSecurityByAPI(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account("sato")
	h.signIn("sato@alpha.example")
	other := h.newBrowser()
	other.signIn("sato@alpha.example")

	var sessions struct{ Items []struct{ ID, Kind string } }
	h.api("GET", "/self/sessions", nil, &sessions, 200)
	if len(sessions.Items) != 2 {
		t.Fatalf("%+v", sessions)
	}
	h.api("POST", "/self/confirm", object{"password": "wrong"}, nil, 422)
	h.api("POST", "/self/confirm", object{"password": password}, nil, 204)
	var e struct{ Secret, URI, QR string }
	h.api("POST", "/self/factors/app/begin", nil, &e, 200)
	if !strings.HasPrefix(e.URI, "otpauth://totp/Tegami:sato@alpha.example?") || !strings.HasPrefix(e.QR, "data:image/svg+xml;base64,") {
		t.Errorf("%+v", e)
	}
	var codes struct{ RecoveryCodes []string }
	h.api("POST", "/self/factors/app", object{"code": "12345"}, nil, 422)
	h.api("POST", "/self/factors/app", object{"code": code(t, e.Secret, 0)}, &codes, 200)
	if len(codes.RecoveryCodes) != directory.RecoveryCodes {
		t.Errorf("%+v", codes)
	}
	h.api("POST", "/self/factors/recovery", nil, &codes, 200)
	var app struct{ ID, Password string }
	h.api("POST", "/self/app-passwords", object{"name": "phone", "scopes": []string{"imap"}}, &app, 201)
	h.api("DELETE", "/self/app-passwords/"+app.ID, nil, nil, 204)
	h.api("POST", "/self/factors/passkeys/begin", nil, nil, 404)
	h.api("POST", "/self/password", object{"old": password, "new": "another good password"}, nil, 204)
	h.api("GET", "/self", nil, nil, 200)
	other.api("GET", "/self", nil, nil, 401)
	h.api("DELETE", "/self/factors/app", nil, nil, 204)
	var log struct {
		Items []struct {
			OK       bool
			Protocol string
		}
		Total int
	}
	h.api("GET", "/self/sign-ins?limit=1", nil, &log, 200)
	if len(log.Items) != 1 || log.Items[0].Protocol != "web" || log.Total < 1 {
		t.Errorf("%+v", log)
	}
	h.api("DELETE", "/self/sessions/"+sessions.Items[0].ID, nil, nil, 204)
}

// TestCP9SecurityByAPI: the company's rules by its owner, and somebody's sessions and factors by the help desk.
func TestCP9SecurityByAPI(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account("owner", owner)
	sato := h.account("sato")
	h.signIn("owner@alpha.example")
	h.get("/login")
	h.post("/login", "do", "later")
	path := "/tenants/" + h.tenant.String()
	var policy object
	h.api("GET", path+"/security", nil, &policy, 200)
	for _, extra := range []string{"changedBy", "changedAt", "revertAt", "address"} {
		delete(policy, extra)
	}
	policy["sessions"].(object)["idleMinutes"] = 1
	h.api("PUT", path+"/security", policy, nil, 422)
	policy["sessions"].(object)["idleMinutes"] = 60
	tag := h.api("PUT", path+"/security", policy, &policy, 200).Get("ETag")
	if policy["changedBy"] != "owner@alpha.example" || tag == "" {
		t.Errorf("%v, %q", policy, tag)
	}
	other := h.newBrowser()
	other.signIn("sato@alpha.example")
	one := path + "/accounts/" + sato.ID.String()
	other.api("GET", one+"/sessions", nil, nil, 403)
	other.api("PUT", path+"/security", policy, nil, 403)
	h.api("GET", one+"/factors", nil, nil, 200)
	h.api("DELETE", one+"/factors", nil, nil, 404)
	var sessions struct{ Items []struct{ ID string } }
	h.api("GET", one+"/sessions", nil, &sessions, 200)
	h.api("DELETE", one+"/sessions/"+sessions.Items[0].ID, nil, nil, 204)
	h.api("DELETE", one+"/sessions/"+sessions.Items[0].ID, nil, nil, 404)
	other.api("GET", "/self", nil, nil, 401)
	other.signIn("sato@alpha.example")
	h.api("DELETE", one+"/sessions", nil, nil, 204)
	other.api("GET", "/self", nil, nil, 401)
	h.api("GET", one+"/sign-ins", nil, nil, 200)
	h.api("GET", one+"/app-passwords", nil, nil, 200)
	h.api("GET", "/security", nil, nil, 403)
}
