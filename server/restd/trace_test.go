package restd_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/faulty"
	"tegami/trace"
)

// entries reads a list of the trace.
func (r reply) entries() (list []restd.TraceEntry) {
	r.Helper()
	var got struct{ Items []restd.TraceEntry }
	r.into(&got)
	return got.Items
}

// seen lists who wrote to whom.
func seen(list []restd.TraceEntry) (lines []string) {
	for _, e := range list {
		var to []string
		for _, r := range e.Recipients {
			to = append(to, r.Address+"="+r.Result)
		}
		lines = append(lines, e.From+" > "+strings.Join(to, " ")+" "+e.Subject)
	}
	return lines
}

// browse asks as somebody who signed in.
func (e *estate) browse(who, path string) reply {
	e.Helper()
	r := request("GET", path, nil, restd.PageHeader, "1")
	r.AddCookie(&http.Cookie{Name: restd.SessionCookie, Value: e.signIn(who)})
	return e.send(e.Handler(), r)
}

// mailed puts a message into the company's trace.
func (e *estate) mailed(from, to string, change func(*queue.Item)) *queue.Item {
	e.Helper()
	parse := func(text string) mail.Address {
		a, err := mail.ParseAddress(text)
		e.must(err)
		return a
	}
	it := &queue.Item{State: store.ItemSettled, Route: queue.RouteLocal, Doc: queue.Doc{
		Trace: "k3f9x2ab-" + from, From: parse(from), MessageID: "<1@" + e.domain + ">", Subject: "=cmd 見積", Size: 100,
		Origin: mail.Origin{Door: "smtp", Remote: netip.MustParseAddr("192.0.2.7"), Helo: "mx.example", Received: time.Now()},
		To:     []queue.Recipient{{Recipient: mail.Recipient{Address: parse(to)}, Outcome: queue.Delivered, Into: queue.IntoInbox, At: time.Now()}},
	}}
	for _, a := range e.account {
		if a.Address == it.From {
			it.Sender = a.ID
		}
		if a.Address == it.To[0].Address {
			it.To[0].Account = a.ID
		}
	}
	if change != nil {
		change(it)
	}
	e.must(e.store.Tenant(e.id).Update(e.ctx, e.ops, "test", func(tx store.Tx) error { return queue.Put(tx, it) }))
	return it
}

// TestCP8TraceAtTheAPI: who sees what of whose mail, and whose subjects.
func TestCP8TraceAtTheAPI(t *testing.T) {
	h := newHouse(t, whole(&faulty.Plan{}))
	e, other := h.estate("alpha.example"), h.estate("beta.example")
	_, err := h.dir.Company(e.id).AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "gamma.example", Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	domain, err := h.dir.Company(e.id).Domain(h.ctx, "gamma.example")
	h.must(err)
	in := e.mailed("abe@customer.example", "user@alpha.example", nil)
	e.mailed("ito@customer.example", "someone@gamma.example", nil)
	e.mailed("user@alpha.example", "tanaka@other.example", func(it *queue.Item) {
		it.Route, it.To[0].Outcome, it.To[0].Into = queue.RouteRemote("other.example"), queue.Failed, 0
		it.To[0].Reason, it.To[0].Host, it.To[0].Answer = "remote.refused", "mx.other.example", "550 no"
	})
	other.mailed("eve@customer.example", "user@beta.example", nil)
	path := "/tenants/" + e.ids["tenant"] + "/trace"
	own := "?since=" + url.QueryEscape(time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)) + "&until=" + url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	_, scoped, err := h.dir.Company(e.id).AddKey(h.ctx, h.ops, directory.KeySpec{
		Name: "gamma", Grants: []directory.Grant{{Role: directory.RoleHelpDesk, Domains: []mail.DomainID{domain.ID}}},
	})
	h.must(err)
	const (
		abe    = "abe@customer.example > user@alpha.example=delivered "
		ito    = "ito@customer.example > someone@gamma.example=delivered "
		sent   = "user@alpha.example > tanaka@other.example=error "
		secret = "=cmd 見積"
	)
	waits := e.waiting().From.String() + " > somebody@nowhere.example=waiting "
	for _, c := range []struct {
		name string
		r    reply
		want []string
	}{
		{"the owner", e.browse("owner", path+own), []string{sent + secret, ito + secret, abe + secret, waits + "alpha.example subject"}},
		{"help desk sees no subjects", e.browse("help-desk", path+own), []string{sent, ito, abe, waits}},
		{"a domain only", h.ask(scoped, "GET", path, nil), []string{ito}},
		{"his own", e.browse("", "/self/trace"), []string{sent + secret, abe + secret}},
		{"his own by subject", e.browse("", "/self/trace?subject="+url.QueryEscape("見積")), []string{sent + secret, abe + secret}},
		{"by result", e.browse("owner", path+"?result=error"), []string{sent + secret}},
		{"by sender", e.browse("owner", path+"?sender=customer.example"), []string{ito + secret, abe + secret}},
	} {
		if got := seen(c.r.entries()); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, c.want)
		}
	}
	e.browse("help-desk", path+"?subject=x").says(http.StatusForbidden, "trace.subjects")
	e.browse("list-admin", path).says(http.StatusForbidden, "actor.denied")
	other.browse("owner", path).says(http.StatusNotFound, "tenant.unknown")
	h.ask(scoped, "GET", path+"/"+in.ID.String(), nil).says(http.StatusNotFound, "item.unknown")
	e.browse("second", "/self/trace/"+in.ID.String()).says(http.StatusNotFound, "item.unknown")
	var story restd.TraceMessage
	e.browse("", "/self/trace/"+in.ID.String()).into(&story)
	if len(story.Steps) != 2 || story.Steps[0].Kind != "accepted" || story.Steps[1].Kind != "delivered" || story.Steps[1].Into != "inbox" {
		t.Errorf("%+v", story.Steps)
	}
}

// TestCP8TracePagesAndExport: pages lead from one to the next, and an export has a line for each recipient that no spreadsheet runs.
func TestCP8TracePagesAndExport(t *testing.T) {
	h := newHouse(t, whole(&faulty.Plan{}))
	e := h.estate("alpha.example")
	for range 5 {
		e.mailed("abe@customer.example", "user@alpha.example", nil)
	}
	path := "/tenants/" + e.ids["tenant"] + "/trace"
	ids := map[mail.ItemID]bool{}
	for next := ""; ; {
		var got struct {
			Items []restd.TraceEntry
			Next  string
		}
		h.operate("GET", path+"?sender=customer.example&limit=2&cursor="+next, nil).into(&got)
		for _, i := range got.Items {
			ids[i.ID] = true
		}
		if next = got.Next; next == "" {
			break
		}
	}
	if len(ids) != 5 {
		t.Errorf("%d messages on all pages", len(ids))
	}
	h.operate("GET", path+"?cursor=x", nil).says(http.StatusUnprocessableEntity, "cursor.malformed")
	r := e.browse("owner", path+".csv?sender=customer.example")
	if got := r.Header().Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Error(got)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(r.Body.String(), "\ufeff"))).ReadAll()
	h.must(err)
	subject := slices.Index(lines[0], "subject")
	if len(lines) != 6 || lines[1][subject] != "'=cmd 見積" {
		t.Errorf("%d lines: %q", len(lines), lines[1])
	}
}

// TestCP8QueueAtTheAPI: an operator lists, explains, holds, releases and removes.
func TestCP8QueueAtTheAPI(t *testing.T) {
	h := newHouse(t, whole(&faulty.Plan{}))
	e := h.estate("alpha.example")
	path := "/tenants/" + e.ids["tenant"] + "/queue"
	item := path + "/" + e.ids["item"]
	state := func() string {
		var got restd.QueueItem
		h.operate("GET", item, nil).into(&got)
		if got.Subject != "" {
			t.Errorf("an operator sees %q in a queue", got.Subject)
		}
		return got.State + " " + got.Hold
	}
	for _, c := range []struct{ act, want string }{{"", "waiting "}, {"/hold", "held hold.administrator"}, {"/release", "waiting "}, {"/flush", "waiting "}} {
		if c.act != "" {
			if r := h.operate("POST", item+c.act, nil); r.Code != http.StatusNoContent {
				t.Errorf("%s: %d %s", c.act, r.Code, r.Body)
			}
		}
		if got := state(); got != c.want {
			t.Errorf("%s: %q, want %q", c.act, got, c.want)
		}
	}
	h.operate("POST", item+"/release", nil).says(http.StatusConflict, "item.not_held")
	var routes struct{ Items []restd.QueueRoute }
	h.operate("GET", "/queue/routes", nil).into(&routes)
	if len(routes.Items) != 1 || routes.Items[0].Route != "remote nowhere.example" || routes.Items[0].Items != 1 {
		t.Errorf("%+v", routes.Items)
	}
	if r := h.operate("DELETE", item, nil); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if got := state(); got != "settled " {
		t.Errorf("removed: %q", got)
	}
	e.browse("owner", path).says(http.StatusForbidden, "actor.denied")
}

// TestCP8Overview: figures, use and what to look at.
func TestCP8Overview(t *testing.T) {
	h := newHouse(t, whole(&faulty.Plan{}), func(c *restd.Config, st store.Store) {
		c.Domains = domains.New(st, c.Directory, domains.Config{Hostname: "mail.tegami.example", By: queue.Worker()})
	})
	e := h.estate("alpha.example")
	e.mailed("abe@customer.example", "user@alpha.example", func(it *queue.Item) {
		it.ID = mail.ItemID(mail.FirstID(time.Now().Add(-time.Minute)))
	})
	e.mailed("ito@customer.example", "user@alpha.example", func(it *queue.Item) { it.State, it.To[0].Outcome = store.ItemHeld, queue.Waiting })
	h.must(trace.New(trace.Config{Store: h.store, IndexAfter: -time.Hour}).Index(h.ctx, e.id))
	var o restd.Overview
	e.browse("owner", "/tenants/"+e.ids["tenant"]+"/overview").into(&o)
	if o.IDs.Ordered != 30 || o.IDs.Used == 0 || len(o.Domains) != 1 || o.Queue.Waiting != 1 || o.Queue.Held != 1 {
		t.Errorf("%+v", o)
	}
	received := int64(0)
	for _, f := range o.Hours {
		received += f.Received
	}
	if len(o.Hours) != 48 || len(o.Days) != 30 || received != 1 || o.Days[29].Received+o.Days[28].Received != 1 {
		t.Errorf("%d received in %d hours, %+v", received, len(o.Hours), o.Days)
	}
	kinds := map[string]bool{}
	for _, a := range o.Alerts {
		kinds[a.Kind] = a.Text != ""
	}
	if !kinds["mailHeld"] || !kinds["recordsWrong"] {
		t.Errorf("%+v", o.Alerts)
	}
}

// TestVC4Health: operators see whether virus engines answer, and how those who take attachments apart are.
func TestVC4Health(t *testing.T) {
	down := mail.E("test", mail.Unavailable, "virus.engine_says")
	for _, c := range []struct {
		name    string
		engines int
		err     error
		cells   *restd.Cells
		virus   string
		reading string
	}{
		{"not known", -1, nil, nil, "unknown", "unknown"},
		{"no engine", 0, nil, &restd.Cells{Err: down}, "warning", "failed"},
		{"it answers", 1, nil, &restd.Cells{Children: 1, Open: "seccomp"}, "ok", "warning"},
		{"one does not", 2, down, &restd.Cells{Children: 2}, "failed", "ok"},
	} {
		h := newHouse(t, whole(&faulty.Plan{}), func(cfg *restd.Config, _ store.Store) {
			if c.engines >= 0 {
				cfg.Machine.Engines = func(context.Context) (int, error) { return c.engines, c.err }
			}
			if c.cells != nil {
				cfg.Machine.Cells = func() restd.Cells { return *c.cells }
			}
		})
		var got restd.Health
		h.operate("GET", "/health", nil).into(&got)
		states := map[string]string{}
		for _, p := range got.Parts {
			states[p.Name] = p.State
		}
		if states["virus"] != c.virus || states["attachments"] != c.reading {
			t.Errorf("%s: %v", c.name, states)
		}
	}
}

// TestCP8Health: the parts that are there tell how they are; one that fails is an alert.
func TestCP8Health(t *testing.T) {
	failing := mail.E("test", mail.Unavailable, "storage.failed")
	h := newHouse(t, whole(&faulty.Plan{}), func(c *restd.Config, _ store.Store) {
		c.Machine.Hostname, c.Machine.Data = "mail.tegami.example", "."
		c.Machine.Certificate = func() time.Time { return time.Now().Add(24 * time.Hour) }
		c.Machine.Ping = func(context.Context) error { return failing }
	})
	var got restd.Health
	h.operate("GET", "/health", nil).into(&got)
	states := map[string]string{}
	for _, p := range got.Parts {
		states[p.Name] = p.State
	}
	if got.OK || states["store"] != "failed" || states["certificate"] != "warning" || states["disk"] == "unknown" || states["trace"] != "ok" || states["queue"] != "ok" {
		t.Errorf("%v", states)
	}
	kinds := []string{}
	for _, a := range got.Alerts {
		kinds = append(kinds, a.Kind)
		if a.Text == "" {
			t.Errorf("%s has no text", a.Kind)
		}
	}
	if !slices.Contains(kinds, "partFailed") || !slices.Contains(kinds, "certificateEnds") {
		t.Errorf("%v", kinds)
	}
	var nodes struct{ Items []restd.Node }
	h.operate("GET", "/nodes", nil).into(&nodes)
	if len(nodes.Items) != 1 || nodes.Items[0].Name != "mail.tegami.example" || nodes.Items[0].Goroutines == 0 {
		t.Errorf("%+v", nodes.Items)
	}
}
