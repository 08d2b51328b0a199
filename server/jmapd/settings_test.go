package jmapd_test

import (
	"encoding/json"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/jmap"
)

// TestSettings: what somebody chooses for his webmail, and what can't be chosen.
func TestSettings(t *testing.T) {
	u := one(t)
	var got struct {
		State string
		List  []struct {
			ID, Client, Theme, TimeZone string
			PageSize, UndoSeconds       int
			TrustedSenders              []string
		}
	}
	u.call("Settings/get", object{"ids": nil}, &got)
	if s := got.List[0]; s.ID != "singleton" || s.Client != "advanced" || s.TimeZone != "Asia/Tokyo" || s.UndoSeconds != 5 || s.TrustedSenders == nil {
		t.Fatalf("%+v", s)
	}
	before := got.State
	var set jmap.SetOut
	u.call("Settings/set", object{"update": object{"singleton": object{"client": "standard", "pageSize": 50, "trustedSenders": []string{"@beta.example"}}}}, &set)
	if _, ok := set.Updated["singleton"]; !ok || set.OldState != before || set.NewState == before {
		t.Fatalf("%+v", set)
	}
	var changes jmap.ChangesOut
	u.call("Settings/changes", object{"sinceState": before}, &changes)
	if len(changes.Updated) != 1 {
		t.Errorf("%+v", changes)
	}
	u.deliver("one")
	u.call("Settings/changes", object{"sinceState": set.NewState}, &changes)
	if len(changes.Updated) != 0 {
		t.Errorf("mail is no choice: %+v", changes)
	}
	u.call("Settings/set", object{"update": object{"singleton": object{"client": nil}}}, &set)
	got.List = nil
	u.call("Settings/get", object{"ids": []string{"singleton", "other"}, "properties": []string{"client", "pageSize"}}, &got)
	if s := got.List[0]; s.Client != "advanced" || s.PageSize != 50 || s.Theme != "" {
		t.Errorf("%+v", s)
	}
	for property, value := range map[string]string{
		"client": `"other"`, "timeZone": `"Mars/Olympus"`, "pageSize": `5`, "undoSeconds": `"5"`, "markReadSeconds": `-2`, "theme": `1`, "nothing": `1`, "id": `"x"`,
		"trustedSenders": `[""]`, "tags": `{"x":""}`,
	} {
		set = jmap.SetOut{}
		u.call("Settings/set", object{"update": object{"singleton": object{property: json.RawMessage(value)}}}, &set)
		if e := set.NotUpdated["singleton"]; e == nil || e.Type != jmap.InvalidProperties || len(e.Properties) == 0 || e.Properties[0] != property {
			t.Errorf("%s %s: %+v", property, value, e)
		}
	}
	set = jmap.SetOut{}
	u.call("Settings/set", object{"create": object{"x": object{}}, "update": object{"other": object{}}, "destroy": []string{"singleton"}}, &set)
	if set.NotCreated["x"].Type != jmap.Singleton || set.NotUpdated["other"].Type != jmap.NotFound || set.NotDestroyed["singleton"].Type != jmap.Singleton {
		t.Errorf("%+v", set)
	}
	u.refuses("Settings/set", object{"ifInState": "x"}, jmap.StateMismatch)
}

// TestBranding: what the company says to its people's webmail (SV-10, ML-5, ML-8, ML-9).
func TestBranding(t *testing.T) {
	u := one(t)
	c := u.dir.Company(u.who.Tenant())
	u.must(c.SetSettings(t.Context(), u.ops, directory.Settings{UserForward: directory.ForwardListed, ForwardDomains: []string{"beta.example"}, ConfirmOutside: true}))
	var got struct {
		List []struct {
			Company, Forwarding             string
			LogoURL                         *string
			Domains, ForwardDomains         []string
			ConfirmOutside, VacationOutside bool
			MaxSize, MaxRecipients          int64
		}
	}
	u.call("Branding/get", object{"ids": nil}, &got)
	b := got.List[0]
	if b.Company != "alpha.example" || b.Forwarding != "listed" || b.ForwardDomains[0] != "beta.example" || b.LogoURL != nil || b.Domains[0] != "alpha.example" {
		t.Errorf("%+v", b)
	}
	if !b.ConfirmOutside || !b.VacationOutside || b.MaxSize != mail.MaxMessageSize || b.MaxRecipients != mail.MaxRecipients {
		t.Errorf("%+v", b)
	}
}
