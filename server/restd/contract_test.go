package restd_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"net/http"
	"testing"

	"tegami/billing"
	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
	"tegami/server/restd"
	"tegami/store"
	"tegami/wire/dns/dnstest"
)

// contracts is a house with the order book, and a DNS that has nothing in it.
func contracts(t *testing.T) (*house, *dnstest.Names) {
	names := dnstest.Zone("")
	return newHouse(t, func(c *restd.Config, st store.Store) {
		c.Billing, c.Lookup = billing.New(st, c.Directory), names
		c.Domains = domains.New(st, c.Directory, domains.Config{Hostname: "mail.example", By: queue.Worker()})
	}), names
}

// gamma asks for a company.
func gamma() map[string]any {
	return map[string]any{
		"name": "ガンマ工業株式会社", "start": "2026-01-01T00:00:00+09:00", "networks": []string{"10.9.0.0/16"},
		"domain": map[string]any{"name": "gamma.example", "plan": "3GB", "ids": 20, "options": []any{map[string]any{"option": "imaps"}}, "vouch": true, "reason": "register"},
		"owner":  map[string]any{"address": "tanaka", "name": "田中 花子"},
	}
}

// TestSV12OpenedByOneCall opens a company by one request, and by the same request again.
func TestSV12OpenedByOneCall(t *testing.T) {
	h, _ := contracts(t)
	var made restd.Opened
	h.operate(http.MethodPost, "/tenants", gamma()).into(&made)
	if made.Tenant.State != directory.TenantOpen || !made.Tenant.InService || made.Owner != "tanaka@gamma.example" || made.Password == "" || made.Tenant.StartDate != "2026-01-01" {
		t.Errorf("made %+v", made)
	}
	if o := made.Domain.Options; len(o) != 1 || !o[0].Active || made.Domain.BoxOctets != 3<<30 || made.Domain.Ownership.State != directory.OwnerVouched {
		t.Errorf("made the domain %+v", made.Domain)
	}
	var again restd.Opened
	h.operate(http.MethodPost, "/tenants", gamma()).into(&again)
	if again.Tenant.ID != made.Tenant.ID || again.Password != "" {
		t.Errorf("again %+v", again)
	}
	var list struct {
		Items []restd.Tenant
		Total int
		Next  string
	}
	h.company("beta.example")
	h.operate(http.MethodGet, "/tenants?q=ガンマ&state=open", nil).into(&list)
	if list.Total != 1 || list.Items[0].ID != made.Tenant.ID {
		t.Errorf("found %+v", list)
	}
	h.operate(http.MethodGet, "/tenants?limit=1", nil).into(&list)
	if list.Total != 2 || len(list.Items) != 1 || list.Next == "" {
		t.Errorf("the first of two: %+v", list)
	}
	h.operate(http.MethodGet, "/tenants?limit=1&cursor="+list.Next, nil).into(&list)
	if len(list.Items) != 1 || list.Items[0].Name != "beta.example" {
		t.Errorf("the second of two: %+v", list)
	}
	unsure := gamma()
	unsure["domain"].(map[string]any)["reason"] = ""
	h.operate(http.MethodPost, "/tenants", unsure).says(http.StatusUnprocessableEntity, "reason.required")
}

// TestCP2ContractChanges moves a contract through its states, by its version.
func TestCP2ContractChanges(t *testing.T) {
	h, _ := contracts(t)
	held := gamma()
	held["hold"] = true
	var made restd.Opened
	h.operate(http.MethodPost, "/tenants", held).into(&made)
	at, why := "/tenants/"+made.Tenant.ID.String(), []string{restd.ReasonHeader, "contract"}
	var now restd.Tenant
	tag := h.operate(http.MethodGet, at, nil).into(&now).Header().Get("ETag")
	if now.State != directory.TenantProvisioned || now.InService || tag == "" {
		t.Errorf("it is %+v, %s", now, tag)
	}
	h.operate(http.MethodPatch, at, map[string]any{"name": "改名", "networks": []string{}}, append(why, "If-Match", tag)...).into(&now)
	if now.Name != "改名" || len(now.Networks) != 0 || now.StartDate != "2026-01-01" {
		t.Errorf("changed to %+v", now)
	}
	h.operate(http.MethodPatch, at, map[string]any{"lang": "en"}, append(why, "If-Match", tag)...).says(http.StatusPreconditionFailed, "object.changed")
	h.operate(http.MethodPatch, at, map[string]any{"networks": []string{"10.0.0.0/99"}}, why...).says(http.StatusUnprocessableEntity, "network.malformed")
	for _, step := range []struct {
		do   string
		want directory.TenantState
	}{{"open", directory.TenantOpen}, {"suspend", directory.TenantSuspended}, {"open", directory.TenantOpen}, {"close", directory.TenantClosed}} {
		h.operate(http.MethodPost, at+"/"+step.do, nil, why...).into(&now)
		if now.State != step.want {
			t.Errorf("after %s it is %s", step.do, now.State)
		}
	}
	h.operate(http.MethodPost, at+"/open", nil, why...).says(http.StatusConflict, "tenant.state")
}

// TestSV4SizesOnlyByPlan changes a domain's plan, options and IDs, by its version.
func TestSV4SizesOnlyByPlan(t *testing.T) {
	h, _ := contracts(t)
	var made restd.Opened
	h.operate(http.MethodPost, "/tenants", gamma()).into(&made)
	at, why := "/tenants/"+made.Tenant.ID.String()+"/domains", []string{restd.ReasonHeader, "order"}
	var d restd.Domain
	tag := h.operate(http.MethodGet, at+"/gamma.example", nil).into(&d).Header().Get("ETag")
	h.operate(http.MethodPatch, at+"/gamma.example", map[string]any{"plan": "10GB", "ids": 50, "options": []any{}}, append(why, "If-Match", tag)...).into(&d)
	if d.Plan != directory.Plan10GB || d.IDs != 50 || len(d.Options) != 0 {
		t.Errorf("changed to %+v", d)
	}
	for key, body := range map[string]map[string]any{
		"ids.unit":       {"ids": 55},
		"option.unknown": {"options": []any{map[string]any{"option": "www"}}},
	} {
		h.operate(http.MethodPatch, at+"/gamma.example", body, why...).says(http.StatusUnprocessableEntity, key)
	}
	h.operate(http.MethodPatch, at+"/gamma.example", map[string]any{"options": []any{map[string]any{"option": "archive"}}}, why...).says(http.StatusForbidden, "option.not_offered")
	h.operate(http.MethodPatch, at+"/gamma.example", map[string]any{"ids": 60}, append(why, "If-Match", tag)...).says(http.StatusPreconditionFailed, "object.changed")
	h.operate(http.MethodPatch, at+"/gamma.example", map[string]any{"plan": "5GB"}, why...).says(http.StatusUnprocessableEntity, "request.malformed")
	var over struct{ Total int }
	h.operate(http.MethodGet, at+"/gamma.example/over?plan=100MB", nil).into(&over)
	if over.Total != 0 {
		t.Errorf("%d boxes are over", over.Total)
	}
	h.operate(http.MethodGet, at+"/beta.example", nil).says(http.StatusNotFound, "domain.unknown")
}

// TestSV2DomainsByTXT adds a domain that the company shows to be its own.
func TestSV2DomainsByTXT(t *testing.T) {
	h, names := contracts(t)
	var made restd.Opened
	h.operate(http.MethodPost, "/tenants", gamma()).into(&made)
	at, why := "/tenants/"+made.Tenant.ID.String()+"/domains", []string{restd.ReasonHeader, "order"}
	var d restd.Domain
	h.operate(http.MethodPost, at, map[string]any{"name": "sub.gamma.example", "plan": "100MB", "ids": 10}, why...).into(&d)
	if d.Ownership.State != directory.OwnerUnverified || d.Ownership.Name != "_tegami-challenge.sub.gamma.example" {
		t.Errorf("added %+v", d)
	}
	h.operate(http.MethodPost, at+"/sub.gamma.example/verify", nil, why...).says(http.StatusConflict, "domain.no_challenge")
	names.Remove(d.Ownership.Name)
	names.Add(d.Ownership.Name + `. TXT "` + d.Ownership.Value + `"`)
	h.operate(http.MethodPost, at+"/sub.gamma.example/verify", nil, why...).into(&d)
	if d.Ownership.State != directory.OwnerVerified {
		t.Errorf("it is %+v", d)
	}
	var records struct{ Items []restd.DNSRecord }
	h.operate(http.MethodGet, at+"/sub.gamma.example/dns", nil).into(&records)
	if len(records.Items) == 0 || records.Items[0].State != domains.RecordMissing {
		t.Errorf("the records are %+v", records.Items)
	}
	if r := h.operate(http.MethodDelete, at+"/sub.gamma.example", nil, why...); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestSV10LogoIsServedSafely sets a logo and gets it back as our own PNG, with the header fields that keep it a picture.
func TestSV10LogoIsServedSafely(t *testing.T) {
	h, _ := contracts(t)
	var made restd.Opened
	h.operate(http.MethodPost, "/tenants", gamma()).into(&made)
	at, why := "/tenants/"+made.Tenant.ID.String()+"/branding/logo", []string{restd.ReasonHeader, "asked to", "Content-Type", "application/octet-stream"}
	h.operate(http.MethodGet, at, nil).says(http.StatusNotFound, "logo.none")
	var file bytes.Buffer
	h.must(png.Encode(&file, image.NewGray(image.Rect(0, 0, 100, 20))))
	var info restd.LogoInfo
	h.operate(http.MethodPut, at, file.String(), why...).into(&info)
	if info.Width != 100 || info.Height != 20 {
		t.Errorf("it became %+v", info)
	}
	got := h.operate(http.MethodGet, at, nil)
	for name, want := range map[string]string{"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=300"} {
		if v := got.Header().Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if _, err := png.Decode(got.Body); err != nil || got.Code != http.StatusOK {
		t.Errorf("%d, %v", got.Code, err)
	}
	if r := h.operate(http.MethodGet, at, nil, "If-None-Match", got.Header().Get("ETag")); r.Code != http.StatusNotModified || r.Body.Len() != 0 {
		t.Errorf("asked again: %d, %d octets", r.Code, r.Body.Len())
	}
	h.operate(http.MethodPut, at, "<svg xmlns='http://www.w3.org/2000/svg'/>", why...).says(http.StatusUnprocessableEntity, "logo.svg")
	if r := h.operate(http.MethodDelete, at, nil, why...); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestSettingsSayWhoChangedThem replaces settings by their version.
func TestSettingsSayWhoChangedThem(t *testing.T) {
	h, _ := contracts(t)
	at, why := "/tenants/"+h.company("alpha.example").String()+"/settings", []string{restd.ReasonHeader, "asked to"}
	var now restd.MailSettings
	h.operate(http.MethodGet, at, nil).into(&now)
	if now.By != "" || now.UserForward != directory.ForwardInternal {
		t.Errorf("at first %+v", now)
	}
	now.UserForward = directory.ForwardDeny
	tag := h.operate(http.MethodPut, at, now, why...).into(&now).Header().Get("ETag")
	if now.By != "operator:test" || now.Changed.IsZero() || now.UserForward != directory.ForwardDeny {
		t.Errorf("changed to %+v", now)
	}
	h.operate(http.MethodPut, at, now, append(why, "If-Match", tag)...).into(&now)
	h.operate(http.MethodPut, at, now, append(why, "If-Match", tag)...).says(http.StatusPreconditionFailed, "object.changed")
	now.UserForward = "sideways"
	h.operate(http.MethodPut, at, now, why...).says(http.StatusUnprocessableEntity, "settings.mode")
}

// TestSV12OrderBook records an order and completes it.
func TestSV12OrderBook(t *testing.T) {
	h, _ := contracts(t)
	body := map[string]any{
		"received": "2026-09-11", "kind": "tenant",
		"company": map[string]any{"name": "ガンマ工業株式会社", "owner": "tanaka@gamma.example"},
		"domain":  map[string]any{"name": "gamma.example", "plan": "10GB", "ids": 10, "options": []string{"imaps"}, "vouch": "register"},
		"payer":   map[string]any{"name": "ガンマ工業株式会社", "registration": "T7000012050002"},
	}
	var o restd.Order
	tag := h.operate(http.MethodPost, "/orders", body).into(&o).Header().Get("ETag")
	if o.Promised != "2026-10-01" || o.Number != "2026-0001" {
		t.Errorf("recorded as %+v", o)
	}
	at := "/orders/" + o.ID.String()
	body["note"] = "至急"
	tag = h.operate(http.MethodPut, at, body, "If-Match", tag).into(&o).Header().Get("ETag")
	tag = h.operate(http.MethodPost, at+"/begin", nil, "If-Match", tag).into(&o).Header().Get("ETag")
	var done restd.CompletedOrder
	h.operate(http.MethodPost, at+"/complete", nil, "If-Match", tag).into(&done)
	if done.Order.State != billing.Done || done.Password == "" || done.Owner != "tanaka@gamma.example" || done.Order.Note != "至急" {
		t.Errorf("completed as %+v", done)
	}
	h.operate(http.MethodPost, at+"/cancel", map[string]any{"reason": "x"}).says(http.StatusConflict, "order.state")
	h.operate(http.MethodGet, "/orders/"+mail.ObjectID(5).String(), nil).says(http.StatusNotFound, "order.unknown")
	h.operate(http.MethodGet, "/orders/5", nil).says(http.StatusNotFound, "order.unknown")
	var list struct{ Items []restd.Order }
	h.operate(http.MethodGet, "/orders?state=opened", nil).into(&list)
	if len(list.Items) != 1 || list.Items[0].Owner != done.Tenant {
		t.Errorf("the book has %+v", list.Items)
	}
	var p restd.PayerState
	tag = h.operate(http.MethodGet, "/tenants/"+done.Tenant.String()+"/payer", nil).into(&p).Header().Get("ETag")
	if p.Registration != "T7000012050002" || p.Doubtful {
		t.Errorf("invoices go to %+v", p)
	}
	p.Registration = "T6000012050002"
	h.operate(http.MethodPut, "/tenants/"+done.Tenant.String()+"/payer", p, "If-Match", tag, restd.ReasonHeader, "letter").says(http.StatusUnprocessableEntity, "registration.check_digit")
}

// TestSV12CalendarByAPI shows the holidays, and loads those of a further year.
func TestSV12CalendarByAPI(t *testing.T) {
	h, _ := contracts(t)
	var c restd.Calendar
	h.operate(http.MethodGet, "/calendar?year=2026", nil).into(&c)
	if c.From != 2026 || c.Until != 2027 || len(c.Holidays) != 18 {
		t.Errorf("%d to %d, %d holidays", c.From, c.Until, len(c.Holidays))
	}
	var p restd.Promise
	h.operate(http.MethodGet, "/calendar/promise?received=2026-12-14", nil).into(&p)
	if p.Promised != "2027-01-04" {
		t.Errorf("promised for %s", p.Promised)
	}
	h.operate(http.MethodGet, "/calendar/promise?received=2027-12-20", nil).says(http.StatusConflict, "calendar.exhausted")
	h.operate(http.MethodPut, "/calendar/holidays", "x", "Content-Type", "text/csv").says(http.StatusUnprocessableEntity, "holidays.layout")
	// The heading in Shift_JIS, and three days: a year is not complete without Labour Thanksgiving Day.
	heading, err := base64.StdEncoding.DecodeString("jZGWr4LMj2qT+oFFi3iT+oyOk/osjZGWr4LMj2qT+oFFi3iT+pa8j8wNCg==")
	h.must(err)
	h.operate(http.MethodPut, "/calendar/holidays", string(heading)+"2028/1/1,\x8c\xb3\x93\xfa\r\n", "Content-Type", "text/csv").says(http.StatusUnprocessableEntity, "holidays.incomplete")
	var set restd.CalendarSettings
	h.operate(http.MethodPut, "/calendar/settings", map[string]any{"leadDays": 5, "yearEnd": true}).into(&set)
	h.operate(http.MethodGet, "/calendar/promise?received=2026-12-14", nil).into(&p)
	if set.LeadDays != 5 || p.Promised != "2026-12-21" {
		t.Errorf("promised for %s", p.Promised)
	}
	var options struct{ Items []restd.OptionInfo }
	h.operate(http.MethodGet, "/options", nil).into(&options)
	if len(options.Items) != 6 || !options.Items[0].Offered || options.Items[1].Offered {
		t.Errorf("the options are %+v", options.Items)
	}
}
