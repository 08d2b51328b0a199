package restd_test

import (
	"strings"
	"testing"
	"time"

	"tegami/server/restd"
)

// TestCP5LDAPByTheAPI: a source is made, changed and removed; its password is never shown, and a sync that can't reach it says so.
func TestCP5LDAPByTheAPI(t *testing.T) {
	h := working(t)
	tenant := h.company("alpha.example")
	at := "/tenants/" + tenant.String() + "/ldap"
	spec := object{"name": "corp", "url": "ldaps://127.0.0.1", "bindDN": "cn=reader,dc=corp,dc=example", "base": "dc=corp,dc=example", "preset": "ad", "every": "daily", "password": "very secret"}
	var made restd.LDAPSource
	r := h.operate("POST", at, spec).into(&made)
	tag := r.Header().Get("ETag")
	if r.Code != 201 || !made.HasPassword || made.Preset != "ad" || made.MaxGone != 10 || strings.Contains(r.Body.String(), "secret") {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	one := at + "/" + made.ID.String()
	h.operate("POST", one+"/test", nil).says(403, "ldap.unreachable")
	var j restd.Job
	h.operate("POST", one+"/sync?dryRun=true", nil).into(&j)
	for j.Ended.IsZero() {
		time.Sleep(time.Millisecond)
		h.operate("GET", "/tenants/"+tenant.String()+"/jobs/"+j.ID.String(), nil).into(&j)
	}
	if j.State != "failed" || j.Failure.Key != "ldap.unreachable" || j.Kind != "sync" {
		t.Errorf("%+v", j)
	}
	delete(spec, "password")
	spec["url"] = "ldaps://thief.example"
	h.operate("PUT", one, spec).says(422, "ldap.password")
	spec["url"], spec["domain"] = "ldaps://127.0.0.1", "alpha.example"
	h.operate("PUT", one, spec, "If-Match", tag).into(&made)
	h.operate("PUT", one, spec, "If-Match", tag).says(412, "object.changed")
	if made.Domain != "alpha.example" || !made.HasPassword {
		t.Errorf("%+v", made)
	}
	if r := h.operate("DELETE", one, nil); r.Code != 204 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	h.operate("GET", one, nil).says(404, "ldap.unknown")
}
