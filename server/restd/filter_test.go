package restd_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/faulty"
	"tegami/wire/mime"
)

// held puts a message into somebody's quarantine as a delivery does.
func (h *house) held(to directory.Account, subject string) (id mail.ObjectID) {
	h.Helper()
	tenant := h.store.Tenant(to.Tenant)
	octets := "From: =?UTF-8?B?5b2T6YG4?= <bob@spam.example>\r\nTo: " + to.Address.String() + "\r\nSubject: " + subject + "\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/html; charset=utf-8\r\n\r\n<p>当選 <a href=\"https://evil.example/\">https://bank.example/</a><img src=\"https://evil.example/beacon\"><script>alert(1)</script></p>\r\n"
	s, err := tenant.Blobs().Stage(h.ctx, int64(len(octets)))
	h.must(err)
	defer s.Release()
	_, err = s.Write([]byte(octets))
	h.must(err)
	parsed := mime.ParseChunks(s.Chunks(), mime.Limits{})
	h.must(s.Seal(h.ctx))
	h.must(tenant.Update(h.ctx, queue.Worker(), "test", func(tx store.Tx) error {
		blob, err := tx.Keep(s, parsed.Encode(nil))
		if err != nil {
			return err
		}
		id, err = quarantine.Keep(tx, quarantine.Entry{
			Account: to.ID, Recipient: to.Address, From: mail.Address{Local: "bounce", Domain: "spam.example"}, Blob: blob,
			HeaderFrom: mail.Address{Local: "bob", Domain: "spam.example"}, Author: "当選", Subject: subject, Percent: 97.35, Rule: "score",
			Reasons: []quarantine.Reason{{Key: "filter.lists_full", Weight: 3.2, Args: []string{"7"}}}, Received: time.Now().UTC().Truncate(time.Second),
		})
		return err
	}))
	return id
}

// TestSF1FilterByAPI: the settings of a domain are shown with what holds where nothing was set, and replaced by who read them.
func TestSF1FilterByAPI(t *testing.T) {
	h := newHouse(t)
	path := "/tenants/" + h.company("alpha.example").String() + "/filter/alpha.example"
	var f restd.MailFilter
	first := h.operate(http.MethodGet, path, nil).into(&f)
	if f.Action != "spam" || f.Threshold != 90 || f.QuarantineDays != 14 || f.UserAllow || !f.Digest.On || !f.Changed.IsZero() {
		t.Errorf("at first %+v", f)
	}
	set := object{"action": "quarantine", "threshold": 100, "quarantineDays": 1, "userAllow": true, "digest": object{"on": false, "hours": []int{}}}
	h.operate(http.MethodPut, path, set, "If-Match", first.Header().Get("ETag")).into(&f)
	if f.Action != "quarantine" || f.Threshold != 100 || f.QuarantineDays != 1 || !f.UserAllow || f.Digest.On || f.By == "" {
		t.Errorf("set is %+v", f)
	}
	h.operate(http.MethodPut, path, set, "If-Match", `"7"`).says(http.StatusPreconditionFailed, "object.changed")
	for field, wrong := range map[string]any{"quarantineDays": 15, "threshold": 0, "action": "burn"} {
		bad := object{"action": "spam", "threshold": 90, "quarantineDays": 14, "digest": object{"on": false, "hours": []int{}}}
		bad[field] = wrong
		if r := h.operate(http.MethodPut, path, bad); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s %v: %d %s", field, wrong, r.Code, r.Body)
		}
	}
	h.operate(http.MethodGet, strings.Replace(path, "alpha.example", "beta.example", 1), nil).says(http.StatusNotFound, "domain.unknown")
}

// TestVC4VirusSettingsByAPI: deferred and told where nothing was set.
func TestVC4VirusSettingsByAPI(t *testing.T) {
	h := newHouse(t)
	path := "/tenants/" + h.company("alpha.example").String() + "/filter/virus"
	var v restd.VirusSettings
	h.operate(http.MethodGet, path, nil).into(&v)
	if v.Down != "defer" || v.QuietAdmins || len(v.Admins) != 0 || v.Admins == nil {
		t.Errorf("at first %+v", v)
	}
	h.operate(http.MethodPut, path, object{"down": "mark", "quietAdmins": true, "admins": []string{"it@elsewhere.example"}}).into(&v)
	if v.Down != "mark" || !v.QuietAdmins || v.Admins[0] != "it@elsewhere.example" {
		t.Errorf("set is %+v", v)
	}
	h.operate(http.MethodPut, path, object{"down": "mark", "admins": []string{"nobody"}}).says(http.StatusUnprocessableEntity, "address.malformed")
}

// TestSF2SenderListsByAPI: replaced as a whole, or by a file in UTF-8 or CP932, which comes back as it went.
func TestSF2SenderListsByAPI(t *testing.T) {
	h := newHouse(t)
	path := "/tenants/" + h.company("alpha.example").String() + "/filter/lists"
	var l restd.SenderLists
	h.operate(http.MethodPut, path, object{"allow": []string{"Sato@partner.example"}, "deny": []string{"*.bad.example"}}).into(&l)
	if strings.Join(l.Allow, " ") != "sato@partner.example" || strings.Join(l.Deny, " ") != "*@*.bad.example" {
		t.Errorf("%+v", l)
	}
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("@d%d.example", i)
	}
	if r := h.operate(http.MethodPut, path, object{"allow": many, "deny": []string{}}); r.Code != http.StatusUnprocessableEntity {
		t.Errorf("1,001 entries: %d", r.Code)
	}
	var done restd.SenderImport
	h.operate(http.MethodPost, path+".csv", "list,sender\r\ndeny,@worse.example\r\n", "Content-Type", "text/csv").into(&done)
	if done.Added != 1 || done.Removed != 0 {
		t.Errorf("%+v", done)
	}
	file := h.operate(http.MethodGet, path+".csv?charset=cp932", nil, "Accept-Language", "ja")
	if file.Code != http.StatusOK || file.Header().Get("Content-Type") != "text/csv; charset=windows-31j" {
		t.Fatalf("%d %v", file.Code, file.Header())
	}
	h.operate(http.MethodPost, path+".csv?replace=true", "list,sender\r\nallow,@only.example\r\n", "Content-Type", "text/csv").into(&done)
	if done.Added != 1 || done.Removed != 3 {
		t.Errorf("%+v", done)
	}
	h.operate(http.MethodPost, path+".csv?replace=true", file.Body.String(), "Content-Type", "text/csv").into(&done)
	h.operate(http.MethodGet, path, nil).into(&l)
	if strings.Join(l.Allow, " ") != "sato@partner.example" || strings.Join(l.Deny, " ") != "*@*.bad.example @worse.example" {
		t.Errorf("what was exported came back as %+v", l)
	}
	h.operate(http.MethodPost, path+".csv", "list,sender\r\ndeny,nobody\r\n", "Content-Type", "text/csv").says(http.StatusUnprocessableEntity, "filter.line_sender")
}

// TestSF1AccountFilterByAPI: one account can have a filter of its own.
func TestSF1AccountFilterByAPI(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	e := h.estate("alpha.example")
	path := "/tenants/" + e.ids["tenant"] + "/accounts/" + e.ids["account"] + "/filter"
	var f restd.AccountFilter
	h.operate(http.MethodPut, path, object{"action": "quarantine"}).into(&f)
	h.operate(http.MethodGet, path, nil).into(&f)
	if f.Action != "quarantine" || f.Threshold != 0 {
		t.Errorf("%+v", f)
	}
	f = restd.AccountFilter{}
	h.operate(http.MethodPut, path, object{}).into(&f)
	if f.Action != "" {
		t.Errorf("%+v", f)
	}
}

// TestSF4QuarantineByAPI: an administrator sees which boxes have something, what is in them, safely, and does something with it; all of it stands in
// the operation log. Operators never read mail.
func TestSF4QuarantineByAPI(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	e := h.estate("alpha.example")
	second := e.account["second"]
	for _, subject := range []string{"Arznei", "Kredit"} {
		h.held(e.account["victim"], subject)
	}
	h.held(second, "Gewinn")
	admin := e.signIn("policy-admin")
	base := "/tenants/" + e.ids["tenant"] + "/quarantine"
	by := func(method, path string, body any) reply {
		r := request(method, base+path, body, restd.PageHeader, "1")
		byCookie(admin)(r)
		return h.send(h.Handler(), r)
	}
	var boxes struct{ Items []restd.QuarantineBox }
	by("GET", "", nil).into(&boxes)
	if len(boxes.Items) != 2 || boxes.Items[0].Messages+boxes.Items[1].Messages != 4 || boxes.Items[0].Newest.IsZero() {
		t.Errorf("%+v", boxes)
	}
	by("GET", "?text=USER-second", nil).into(&boxes)
	if len(boxes.Items) != 1 || boxes.Items[0].Account != second.ID {
		t.Errorf("by name: %+v", boxes)
	}
	box := "/" + e.ids["account"]
	type list struct {
		Items []restd.Quarantined
		Next  string
		Total int
	}
	for sort, want := range map[string]string{"": "Kredit Arznei unwanted", "subject": "Arznei Kredit unwanted", "received": "unwanted Arznei Kredit"} {
		subjects, next, pages := "", "", 0
		for ok := true; ok; ok = next != "" && pages < 5 {
			var page list
			by("GET", box+"?limit=2&sort="+sort+"&cursor="+next, nil).into(&page)
			for _, q := range page.Items {
				subjects += " " + q.Subject
			}
			next, pages = page.Next, pages+1
		}
		if subjects != " "+want || pages != 2 {
			t.Errorf("by %q in %d pages:%s", sort, pages, subjects)
		}
	}
	var found list
	by("GET", box+"?text=kredit", nil).into(&found)
	if len(found.Items) != 1 || found.Total != 1 || found.Items[0].Reasons[0].Text != "At most 7 entries can be registered." {
		t.Errorf("%+v", found)
	}
	id := found.Items[0].ID.String()
	var m restd.QuarantinedMessage
	by("GET", box+"/"+id, nil).into(&m)
	if !strings.Contains(m.Text, "当選") || strings.Contains(m.HTML, "beacon") || strings.Contains(m.HTML, "script") || len(m.Links) != 1 || !m.Links[0].Misleading || m.From[0].Name != "当選" {
		t.Errorf("%+v", m)
	}
	var done restd.QuarantineDone
	by("POST", box+"/not-spam", object{"ids": []string{id}}).into(&done)
	by("POST", box+"/release", object{"ids": []string{id, e.ids["group"]}}).into(&done)
	if len(done.Done) != 1 || len(done.Failed) != 1 || done.Failed[0].Key != "quarantine.unknown" {
		t.Errorf("%+v", done)
	}
	by("POST", box+"/delete", object{"ids": []string{id}}).says(http.StatusNotFound, "quarantine.unknown")
	if r := by("POST", box+"/forward", object{"id": e.ids["id"], "to": "it@elsewhere.example"}); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	done = restd.QuarantineDone{}
	by("POST", box+"/delete", object{"ids": []string{e.ids["id"]}}).into(&done)
	var log struct{ Items []struct{ Op string } }
	h.operate("GET", "/tenants/"+e.ids["tenant"]+"/log?kind="+quarantine.Kind, nil).into(&log)
	for _, op := range []string{"quarantine.List", "quarantine.Read", "quarantine.NotSpam", "quarantine.Take", "quarantine.Forward", "quarantine.Delete"} {
		if !strings.Contains(fmt.Sprint(log), op) {
			t.Errorf("%s is not in the log: %v", op, log)
		}
	}
	h.operate("GET", base+box, nil).says(http.StatusForbidden, "actor.denied")
}

// TestSF6StatisticsByAPI: figures by domain and day; a period must be one, and not too long.
func TestSF6StatisticsByAPI(t *testing.T) {
	var plan faulty.Plan
	h := newHouse(t, whole(&plan))
	path := "/tenants/" + h.company("alpha.example").String() + "/statistics/mail"
	var days struct{ Items []restd.MailDay }
	h.operate("GET", path, nil).into(&days)
	if days.Items == nil || len(days.Items) != 0 {
		t.Errorf("%+v", days)
	}
	for _, query := range []string{"from=2026-11-02&to=2026-11-01", "from=2020-01-01&to=2026-11-01", "from=yesterday", "to=2026-02-30"} {
		if r := h.operate("GET", path+"?"+query, nil); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, r.Code, r.Body)
		}
	}
	h.operate("GET", path+"?domain=beta.example", nil).says(http.StatusNotFound, "domain.unknown")
}
