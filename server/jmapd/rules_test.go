package jmapd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// rulesRecord is what the tests read of FilterRules.
type rulesRecord struct {
	Rules                     []json.RawMessage
	Active, HandWritten       bool
	Name                      string `json:"handWrittenName"`
	Include                   bool   `json:"includeHandWritten"`
	IsEnabled, InsideOnly     bool
	FromDate, Subject         *string
	TextBody, HTMLBody        *string
	InsideTextBody, NoSuchOne *string
}

// record reads a singleton.
func (u *user) record(kind string) (r rulesRecord, state string) {
	u.Helper()
	var got struct {
		State string
		List  []rulesRecord
	}
	u.call(kind+"/get", object{"ids": nil}, &got)
	return got.List[0], got.State
}

// change changes a singleton, and gives its error, if any.
func (u *user) change(kind string, patch object) *jmap.SetError {
	u.Helper()
	var out jmap.SetOut
	u.call(kind+"/set", object{"update": object{"singleton": patch}}, &out)
	if _, ok := out.Updated["singleton"]; ok != (out.NotUpdated["singleton"] == nil) {
		u.Errorf("%s: %+v", kind, out)
	}
	return out.NotUpdated["singleton"]
}

// box opens the user's mail.
func (u *user) box() *mailbox.Account {
	a, err := u.boxes.Open(u.Context(), u.who)
	u.must(err)
	return a
}

func rule(name string, action object) object {
	return object{"name": name, "on": true, "match": "all", "conditions": []object{{"field": "subject", "op": "contains", "value": "x"}}, "actions": []object{action}}
}

// TestML12Rules: the filter page over Sieve, which leaves a hand-written script alone.
func TestML12Rules(t *testing.T) {
	u := one(t)
	r, state := u.record("FilterRules")
	if len(r.Rules) != 0 || r.Active || r.HandWritten {
		t.Fatalf("%+v", r)
	}
	if err := u.change("FilterRules", object{"rules": []object{rule("one", object{"do": "markRead"})}}); err != nil {
		t.Fatal(err)
	}
	r, after := u.record("FilterRules")
	if len(r.Rules) != 1 || !r.Active || after == state {
		t.Errorf("%+v", r)
	}
	if e := u.change("FilterRules", object{"rules/0": rule("x", object{"do": "stop"})}); e == nil || e.Type != jmap.InvalidPatch {
		t.Errorf("a patch into a list: %v", e)
	}
	for _, wrong := range []object{{"rules": "x"}, {"rules": []object{rule("one", object{"do": "explode"})}}, {"active": false}, {"handWritten": true}, {"other": 1}} {
		if e := u.change("FilterRules", wrong); e == nil || e.Type != jmap.InvalidProperties {
			t.Errorf("%v: %v", wrong, e)
		}
	}

	const mine = "keep; # mine"
	a := u.box()
	u.must(a.PutScript(t.Context(), "mine", []byte(mine)))
	u.must(a.ActivateScript(t.Context(), "mine"))
	r, _ = u.record("FilterRules")
	if !r.HandWritten || r.Name != "mine" || r.Active || r.Include || len(r.Rules) != 1 {
		t.Errorf("%+v", r)
	}
	two := object{"rules": []object{rule("one", object{"do": "markRead"}), rule("two", object{"do": "flag"})}}
	if e := u.change("FilterRules", two); e == nil || e.Type != jmap.Forbidden || !strings.Contains(e.Description, "mine") {
		t.Errorf("%v", e)
	}
	two["includeHandWritten"] = true
	if e := u.change("FilterRules", two); e != nil {
		t.Fatal(e)
	}
	r, _ = u.record("FilterRules")
	if !r.Active || !r.Include || !r.HandWritten || r.Name != "mine" || len(r.Rules) != 2 {
		t.Errorf("%+v", r)
	}
	text, err := a.Script(t.Context(), "mine")
	u.must(err)
	ours, err := a.Script(t.Context(), "webmail")
	u.must(err)
	if string(text) != mine || !strings.Contains(string(ours), `include :personal :optional "mine";`) {
		t.Errorf("%s\n%s", text, ours)
	}
	u.must(a.PutScript(t.Context(), "webmail", append(ours, "keep;"...)))
	if r, _ = u.record("FilterRules"); !r.HandWritten || r.Name != "webmail" || r.Active {
		t.Errorf("changed by hand: %+v", r)
	}
	if e := u.change("FilterRules", object{"rules": []object{rule("three", object{"do": "flag"})}, "includeHandWritten": true}); e != nil {
		t.Fatal(e)
	}
	if kept, err := a.Script(t.Context(), "webmail"); err != nil || !strings.HasSuffix(string(kept), "keep;") {
		t.Errorf("the user's own script was written over: %v", err)
	}
	if e := u.change("FilterRules", object{"rules": nil, "includeHandWritten": false}); e != nil {
		t.Fatal(e)
	}
	scripts, err := a.Scripts(t.Context())
	u.must(err)
	if len(scripts) != 2 || scripts[0].Active || scripts[1].Active {
		t.Errorf("%+v", scripts)
	}
}

// TestML5ForwardingRules: a filter forwards where the company allows it.
func TestML5ForwardingRules(t *testing.T) {
	u := one(t)
	c := u.dir.Company(u.who.Tenant())
	forward := func(to string) object {
		return object{"rules": []object{rule("f", object{"do": "forward", "to": to, "keep": true})}}
	}
	if e := u.change("FilterRules", forward("ito@alpha.example")); e != nil {
		t.Errorf("inside: %v", e)
	}
	if e := u.change("FilterRules", forward("x@gamma.example")); e == nil || e.Type != jmap.Forbidden {
		t.Errorf("outside: %v", e)
	}
	u.must(c.SetSettings(t.Context(), u.ops, directory.Settings{UserForward: directory.ForwardAny}))
	if e := u.change("FilterRules", forward("x@gamma.example")); e != nil {
		t.Errorf("any: %v", e)
	}
	u.must(c.SetSettings(t.Context(), u.ops, directory.Settings{UserForward: directory.ForwardDeny}))
	more := object{"rules": []object{rule("f", object{"do": "forward", "to": "x@gamma.example", "keep": true}), rule("g", object{"do": "flag"})}}
	if e := u.change("FilterRules", more); e != nil {
		t.Errorf("what stood there before keeps nobody from changing the rest: %v", e)
	}
	if e := u.change("FilterRules", forward("ito@alpha.example")); e == nil {
		t.Error("a new one is taken where none is allowed")
	}
}

// TestML12Vacation: RFC 8621 §8.
func TestML12Vacation(t *testing.T) {
	u := one(t)
	if v, _ := u.record("VacationResponse"); v.IsEnabled || v.TextBody != nil {
		t.Fatalf("%+v", v)
	}
	if e := u.change("VacationResponse", object{"isEnabled": true}); e == nil || e.Type != jmap.InvalidProperties {
		t.Errorf("an empty note: %v", e)
	}
	if e := u.change("VacationResponse", object{"isEnabled": true, "fromDate": "2026-12-29T00:00:00Z", "toDate": "2027-01-05T00:00:00Z", "subject": "不在", "textBody": "Away.", "insideTextBody": "Call 123."}); e != nil {
		t.Fatal(e)
	}
	v, _ := u.record("VacationResponse")
	if !v.IsEnabled || *v.FromDate != "2026-12-29T00:00:00Z" || *v.TextBody != "Away." || *v.InsideTextBody != "Call 123." || v.HTMLBody != nil {
		t.Errorf("%+v", v)
	}
	if e := u.change("FilterRules", object{"rules": []object{rule("one", object{"do": "flag"})}}); e != nil {
		t.Fatal(e)
	}
	if v, _ = u.record("VacationResponse"); !v.IsEnabled {
		t.Error("rules took the note away")
	}
	ours, err := u.box().Script(t.Context(), "webmail")
	u.must(err)
	for _, want := range []string{"vacation :days 7", "Call 123.", "Away.", "addflag"} {
		if !strings.Contains(string(ours), want) {
			t.Errorf("%q is not in\n%s", want, ours)
		}
	}
	for _, wrong := range []object{{"toDate": "2026-12-01T00:00:00Z"}, {"fromDate": "tomorrow"}, {"textBody": strings.Repeat("x", 30<<10)}} {
		if e := u.change("VacationResponse", wrong); e == nil || e.Type != jmap.InvalidProperties {
			t.Errorf("%v: %v", wrong, e)
		}
	}
	u.using = []string{jmap.Core, jmap.Vacation}
	if text := u.call("VacationResponse/get", object{"ids": nil}, nil); strings.Contains(string(text), "inside") {
		t.Errorf("a client of the standard is told more: %s", text)
	}
}

// TestSieveScripts: RFC 9661 §2.
func TestSieveScripts(t *testing.T) {
	u := one(t)
	put := func(text string) (out struct {
		Created map[string]struct{ ID jmap.Id }
	}) {
		u.call("Blob/upload", object{"create": object{"b": object{"data": []object{{"data:asText": text}}}}}, &out)
		return out
	}
	keep, broken := put("keep;").Created["b"].ID, put("explode;").Created["b"].ID
	var set struct {
		Created map[string]struct {
			ID, BlobID jmap.Id
			Name       string
			IsActive   bool
		}
		Updated    map[jmap.Id]map[string]any
		NotCreated map[string]jmap.SetError
		NotUpdated map[string]jmap.SetError
		Destroyed  []jmap.Id
	}
	u.call("SieveScript/set", object{"create": object{"A": object{"name": "first", "blobId": keep}, "B": object{"blobId": keep}}, "onSuccessActivateScript": "#A"}, &set)
	a, b := set.Created["A"], set.Created["B"]
	if a.ID == "" || b.Name == "" || !a.IsActive || b.IsActive {
		t.Fatalf("%+v", set)
	}
	u.call("SieveScript/set", object{"create": object{"C": object{"name": "bad", "blobId": broken}, "D": object{"name": "first", "blobId": keep}, "E": object{"name": "x", "blobId": "unone"}}, "onSuccessActivateScript": b.ID}, &set)
	for name, want := range map[string]string{"C": "invalidSieve", "D": jmap.AlreadyExists, "E": "blobNotFound"} {
		if set.NotCreated[name].Type != want {
			t.Errorf("%s: %+v", name, set.NotCreated[name])
		}
	}
	u.call("SieveScript/set", object{"update": object{string(a.ID): object{"name": "renamed"}}, "onSuccessActivateScript": b.ID}, &set)
	if set.Updated[a.ID]["isActive"] != false || set.Updated[b.ID]["isActive"] != true {
		t.Errorf("%+v", set.Updated)
	}
	var got struct {
		List []struct {
			ID, BlobID jmap.Id
			Name       string
			IsActive   bool
		}
	}
	u.call("SieveScript/get", object{"ids": []jmap.Id{a.ID}}, &got)
	if got.List[0].Name != "renamed" || got.List[0].IsActive {
		t.Errorf("%+v", got)
	}
	if text := u.http("GET", "/jmap/download/"+string(u.id)+"/"+string(got.List[0].BlobID)+"/x", "").is(200).Body.String(); text != "keep;" {
		t.Errorf("%q", text)
	}
	var failed jmap.SetOut
	u.call("SieveScript/set", object{"destroy": []jmap.Id{b.ID}}, &failed)
	if failed.NotDestroyed[b.ID].Type != "sieveIsActive" {
		t.Errorf("%+v", failed)
	}
	u.call("SieveScript/set", object{"onSuccessDeactivateScript": true}, nil)
	u.call("SieveScript/set", object{"destroy": []jmap.Id{b.ID}}, &set)
	if len(set.Destroyed) != 1 {
		t.Errorf("%+v", set)
	}
	var found jmap.QueryOut
	u.call("SieveScript/query", object{"filter": object{"isActive": false}, "sort": []object{{"property": "name", "isAscending": false}}}, &found)
	if len(found.IDs) != 1 || found.IDs[0] != a.ID {
		t.Errorf("%+v", found)
	}
	var checked struct{ Error *jmap.SetError }
	u.call("SieveScript/validate", object{"blobId": broken}, &checked)
	if checked.Error == nil || checked.Error.Type != "invalidSieve" || !strings.Contains(checked.Error.Description, "1") {
		t.Errorf("%+v", checked.Error)
	}
	checked.Error = nil
	u.call("SieveScript/validate", object{"blobId": keep}, &checked)
	if checked.Error != nil {
		t.Errorf("%+v", checked.Error)
	}
}
