package jmapd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/i18n"
	"tegami/intake"
	"tegami/mail"
	"tegami/outbox"
	"tegami/queue"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

// sending gives a house an outbox, and what carries for it; other hosts take everything.
func sending(h *house, c *jmapd.Config) {
	q := queue.New(h.store)
	runner := queue.NewRunner(queue.Config{Queue: q, Limits: queue.Limits{Poll: 10 * time.Millisecond}})
	local := deliver.New(deliver.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, Hostname: "mx.example", Wake: runner.Wake, Released: outbox.Released})
	runner.Handle(queue.RouteLocal, local.Carrier(), queue.CarrierLimits{Concurrency: 2})
	runner.Handle("remote ", world{}, queue.CarrierLimits{Concurrency: 2})
	in := intake.New(intake.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, House: local, Runner: runner, Hostname: "mx.example"})
	c.Outbox = outbox.New(outbox.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, Intake: in, Queue: q, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); runner.Run(ctx) }()
	h.Cleanup(func() { cancel(); <-done })
}

// world takes everything for other hosts.
type world struct{}

func (world) Destination(_ mail.TenantID, it *queue.Item) string { return it.Route }

func (world) Carry(ctx context.Context, _ string, next func(context.Context) *queue.Job) error {
	for job := next(ctx); job != nil; job = next(ctx) {
		for i := range job.Item.To {
			job.Item.To[i].Outcome, job.Item.To[i].Host, job.Item.To[i].Answer = queue.Relayed, "mx.remote.example", "250 2.0.0 taken"
		}
		if err := job.Settle(ctx, "test.Carry", nil); err != nil {
			return err
		}
	}
	return nil
}

// step is a method call of a request.
type step struct {
	name string
	args object
}

// steps calls several methods in one request, and gives all answers.
func (u *user) steps(lang i18n.Lang, list ...step) []jmap.Invocation {
	u.Helper()
	q := &jmap.Request{Using: u.using}
	for i, s := range list {
		s.args["accountId"] = u.id
		text, err := json.Marshal(s.args)
		u.must(err)
		q.MethodCalls = append(q.MethodCalls, jmap.Invocation{Name: s.name, Args: text, CallID: fmt.Sprint(i)})
	}
	r, err := u.Do(u.Context(), u.who, lang, q)
	u.must(err)
	return r.MethodResponses
}

// identity is the user's first.
func (u *user) identity() jmap.Id {
	u.Helper()
	var out struct{ List []struct{ ID jmap.Id } }
	u.call("Identity/get", object{"ids": nil}, &out)
	return out.List[0].ID
}

// inbox gives the subjects in the inbox.
func (u *user) inbox() []string {
	u.Helper()
	return u.emailsIn(u.role("inbox"))
}

// emailsIn gives the subjects of what is in a mailbox.
func (u *user) emailsIn(box jmap.Id) (subjects []string) {
	u.Helper()
	var found struct{ IDs []jmap.Id }
	u.call("Email/query", object{"filter": object{"inMailbox": box}}, &found)
	var out struct{ List []struct{ Subject string } }
	u.call("Email/get", object{"ids": found.IDs, "properties": []string{"subject"}}, &out)
	for _, e := range out.List {
		subjects = append(subjects, e.Subject)
	}
	return subjects
}

// until waits for something that a carrier does.
func (u *user) until(what string, ok func() bool) {
	u.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			u.Fatalf("%s: not within 20 s", what)
		}
	}
}

// draft is a new message of the user.
func (u *user) draft(subject string, to ...string) object {
	list := []object{}
	for _, a := range to {
		list = append(list, object{"email": a})
	}
	return object{"mailboxIds": set(u.role("drafts")), "keywords": object{"$draft": true, "$seen": true}, "from": []object{{"name": "佐藤", "email": u.address}},
		"to": list, "subject": subject, "bodyStructure": object{"partId": "1", "type": "text/plain"}, "bodyValues": object{"1": object{"value": "本文です。\n"}}}
}

// compose asks for a message to be made, sent and put into Sent.
func (u *user) compose(identity jmap.Id, subject string, parameters object, to ...string) []step {
	rcpt := []object{}
	for _, a := range to {
		rcpt = append(rcpt, object{"email": a, "parameters": nil})
	}
	drafts, sent := u.role("drafts"), u.role("sent")
	return []step{
		{"Email/set", object{"create": object{"draft": u.draft(subject, to...)}}},
		{"EmailSubmission/set", object{
			"create":               object{"s": object{"identityId": identity, "emailId": "#draft", "envelope": object{"mailFrom": object{"email": u.address, "parameters": parameters}, "rcptTo": rcpt}}},
			"onSuccessUpdateEmail": object{"#s": object{"mailboxIds/" + string(drafts): nil, "mailboxIds/" + string(sent): true, "keywords/$draft": nil}},
		}},
	}
}

// made reads the answer to EmailSubmission/set.
func (u *user) made(r []jmap.Invocation) (id jmap.Id, undo string) {
	u.Helper()
	var out struct {
		Created map[string]struct {
			ID         jmap.Id
			UndoStatus string
		}
		NotCreated json.RawMessage
	}
	u.must(json.Unmarshal(r[1].Args, &out))
	if r[1].Name != "EmailSubmission/set" || out.Created["s"].ID == "" {
		u.Fatalf("%s %s (%s)", r[1].Name, r[1].Args, r[0].Args)
	}
	return out.Created["s"].ID, out.Created["s"].UndoStatus
}

// TestSendAndUndo: one request makes a draft, sends it and puts it into Sent; a colleague sees it arrive; within the time for it another is undone and lies in
// Drafts again, and nobody ever sees it.
func TestSendAndUndo(t *testing.T) {
	h := newHouse(t, sending)
	h.company("alpha.example", "sato", "suzuki")
	a, b := h.user("sato@alpha.example"), h.user("suzuki@alpha.example")
	mine := a.identity()
	r := a.steps(i18n.English, a.compose(mine, "今すぐ", nil, "suzuki@alpha.example", "out@remote.example")...)
	id, undo := a.made(r)
	if undo != "final" || len(r) != 3 || r[2].Name != "Email/set" || r[2].CallID != "1" {
		t.Errorf("%s, %+v", undo, r)
	}
	b.until("it arrives", func() bool { return slices.Equal(b.inbox(), []string{"今すぐ"}) })
	if got := a.emailsIn(a.role("sent")); !slices.Equal(got, []string{"今すぐ"}) || len(a.emailsIn(a.role("drafts"))) != 0 {
		t.Errorf("%q is in Sent", got)
	}
	a.until("outcomes", func() bool {
		var out struct {
			List []struct {
				DeliveryStatus map[string]struct{ SMTPReply, Delivered string }
			}
		}
		a.call("EmailSubmission/get", object{"ids": []jmap.Id{id}}, &out)
		d := out.List[0].DeliveryStatus
		return d["suzuki@alpha.example"].Delivered == "yes" && d["out@remote.example"].SMTPReply == "250 2.0.0 taken"
	})

	state := a.steps(i18n.English, step{"EmailSubmission/query", object{"filter": object{"undoStatus": "pending"}}})
	r = a.steps(i18n.English, a.compose(mine, "やめる", object{"HOLDFOR": "5"}, "suzuki@alpha.example")...)
	held, undo := a.made(r)
	if undo != "pending" || len(a.emailsIn(a.role("sent"))) != 2 {
		t.Errorf("%s", undo)
	}
	drafts, sent := a.role("drafts"), a.role("sent")
	r = a.steps(i18n.English, step{"EmailSubmission/set", object{
		"update":               object{string(held): object{"undoStatus": "canceled"}},
		"onSuccessUpdateEmail": object{string(held): object{"mailboxIds/" + string(sent): nil, "mailboxIds/" + string(drafts): true, "keywords/$draft": true}},
	}})
	if len(r) != 2 || !slices.Equal(a.emailsIn(drafts), []string{"やめる"}) {
		t.Errorf("%+v, in Drafts is %q", r, a.emailsIn(drafts))
	}
	late := a.set("EmailSubmission/set", object{"update": object{string(id): object{"undoStatus": "canceled"}}})
	if e := late.NotUpdated[id]; e == nil || e.Type != "cannotUnsend" {
		t.Errorf("%+v", late)
	}
	var q, changes struct {
		QueryState string
		IDs        []jmap.Id
		Created    []jmap.Id
	}
	a.must(json.Unmarshal(state[0].Args, &q))
	a.call("EmailSubmission/changes", object{"sinceState": q.QueryState}, &changes)
	if len(q.IDs) != 0 || !slices.Equal(changes.Created, []jmap.Id{held}) {
		t.Errorf("%+v %+v", q, changes)
	}
	a.call("EmailSubmission/query", object{"filter": object{"undoStatus": "canceled", "after": "2026-01-01T00:00:00Z"}, "sort": []object{{"property": "sentAt"}}}, &q)
	if !slices.Equal(q.IDs, []jmap.Id{held}) {
		t.Errorf("%+v", q)
	}
	a.refuses("EmailSubmission/queryChanges", object{"sinceQueryState": q.QueryState}, "cannotCalculateChanges")
	if got := b.inbox(); !slices.Equal(got, []string{"今すぐ"}) {
		t.Errorf("%q", got)
	}
}

// TestSendErrors: each has its type of RFC 8621 §7.5, its numbers, and says so in the reader's language (ML-8, ML-9).
func TestSendErrors(t *testing.T) {
	h := newHouse(t, sending)
	h.company("alpha.example", "sato", "suzuki")
	a := h.user("sato@alpha.example")
	mine := a.identity()
	many := make([]string, mail.MaxRecipients+1)
	for i := range many {
		many[i] = fmt.Sprintf("r%d@remote.example", i)
	}
	email := a.create(a.draft("x", "suzuki@alpha.example"))
	foreign := a.draft("x", "suzuki@alpha.example")
	foreign["from"] = []object{{"email": "suzuki@alpha.example"}}
	from := a.create(foreign)
	nobody := a.draft("x")
	delete(nobody, "to")
	lonely := a.create(nobody)
	envelope := func(from string, to ...string) object {
		list := []object{}
		for _, r := range to {
			list = append(list, object{"email": r})
		}
		return object{"mailFrom": object{"email": from}, "rcptTo": list}
	}
	for name, c := range map[string]struct {
		record       object
		kind, en, ja string
		extra        string
	}{
		"ML-8":      {object{"emailId": email, "envelope": envelope(a.address, many...)}, "tooManyRecipients", "has 1001 recipients. At most 1000", "宛先が 1001 件あります", `"maxRecipients":1000`},
		"unknown":   {object{"emailId": email, "envelope": envelope(a.address, "nobody@alpha.example")}, "invalidRecipients", "", "", `"invalidRecipients":["nobody@alpha.example"]`},
		"dots":      {object{"emailId": email, "envelope": envelope(a.address, "a..b@remote.example")}, "invalidRecipients", "dots", "ドット", ""},
		"mailFrom":  {object{"emailId": email, "envelope": envelope("suzuki@alpha.example", "x@remote.example")}, "forbiddenMailFrom", "suzuki@alpha.example", "送信することはできません", ""},
		"from":      {object{"emailId": from}, "forbiddenFrom", "suzuki@alpha.example", "差出人", ""},
		"none":      {object{"emailId": lonely}, "noRecipients", "no recipient", "宛先がありません", ""},
		"email":     {object{"emailId": "enone"}, "invalidProperties", "", "", `"emailId"`},
		"identity":  {object{"emailId": email, "identityId": "o0000000000001"}, "invalidProperties", "", "", `"identityId"`},
		"far":       {object{"emailId": email, "envelope": object{"mailFrom": object{"email": a.address, "parameters": object{"HOLDFOR": "99999999"}}, "rcptTo": []object{{"email": "x@remote.example"}}}}, "invalidProperties", "30 days", "30日", `"envelope"`},
		"parameter": {object{"emailId": email, "envelope": object{"mailFrom": object{"email": a.address, "parameters": object{"X": "1"}}, "rcptTo": []object{{"email": "x@remote.example"}}}}, "invalidProperties", "", "", `"envelope"`},
		"strange":   {object{"emailId": email, "sendAt": "2030-01-01T00:00:00Z"}, "invalidProperties", "", "", ""},
	} {
		if c.record["identityId"] == nil {
			c.record["identityId"] = mine
		}
		for lang, want := range map[i18n.Lang]string{i18n.English: c.en, i18n.Japanese: c.ja} {
			r := a.steps(lang, step{"EmailSubmission/set", object{"create": object{"s": c.record}}})
			var out setOut
			a.must(json.Unmarshal(r[0].Args, &out))
			e := out.NotCreated["s"]
			if e == nil || e.Type != c.kind || !strings.Contains(e.Description, want) || !strings.Contains(string(r[0].Args), c.extra) {
				t.Errorf("%s: %s", name, r[0].Args)
			}
		}
	}
}

// TestIdentities: the account's own identity is there from the start, others can be made, changed and removed, of addresses that are the
// user's.
func TestIdentities(t *testing.T) {
	h := newHouse(t, sending)
	h.company("alpha.example", "sato", "suzuki")
	a := h.user("sato@alpha.example")
	var got struct {
		State string
		List  []struct {
			ID                                        jmap.Id
			Name, Email, TextSignature, HTMLSignature string
			MayDelete                                 bool
			ReplyTo                                   []object
		}
	}
	a.call("Identity/get", object{"ids": nil}, &got)
	if len(got.List) != 1 || got.List[0].Email != a.address || got.List[0].Name != "sato" || got.List[0].MayDelete {
		t.Fatalf("%+v", got)
	}
	first, state := got.List[0].ID, got.State
	out := a.set("Identity/set", object{"create": object{
		"ok":     object{"name": "営業 佐藤", "email": "sato@alpha.example", "replyTo": []object{{"name": "Sales", "email": "sales@x.example"}}, "textSignature": "佐藤", "htmlSignature": `<b onclick="x()">佐藤</b><script>x()</script>`},
		"other":  object{"email": "suzuki@alpha.example"},
		"no":     object{"email": "none"},
		"long":   object{"email": a.address, "textSignature": strings.Repeat("あ", outbox.MaxSignature+1)},
		"server": object{"email": a.address, "mayDelete": true},
	}})
	for name, want := range map[jmap.Id]string{"other": "forbiddenFrom", "no": "invalidProperties", "long": "invalidProperties", "server": "invalidProperties"} {
		if e := out.NotCreated[name]; e == nil || e.Type != want {
			t.Errorf("%s: %+v", name, e)
		}
	}
	id := out.Created["ok"].ID
	out = a.set("Identity/set", object{
		"update":  object{string(id): object{"name": "佐藤", "replyTo": nil}, string(first): object{"email": "x@alpha.example"}},
		"destroy": []jmap.Id{first},
	})
	if out.NotUpdated[first] == nil || out.NotDestroyed[first] != nil && out.NotDestroyed[first].Type != "forbidden" {
		t.Errorf("%+v", out)
	}
	a.call("Identity/get", object{"ids": []jmap.Id{id, "onone"}}, &got)
	if i := got.List[0]; i.Name != "佐藤" || i.ReplyTo != nil || i.TextSignature != "佐藤" || strings.Contains(i.HTMLSignature, "script") || strings.Contains(i.HTMLSignature, "onclick") || !strings.Contains(i.HTMLSignature, "<b") {
		t.Errorf("%+v", i)
	}
	var changes struct{ Created, Updated, Destroyed []jmap.Id }
	a.call("Identity/changes", object{"sinceState": state}, &changes)
	if !slices.Equal(changes.Created, []jmap.Id{id}) || len(changes.Updated)+len(changes.Destroyed) != 0 {
		t.Errorf("%+v", changes)
	}
	out = a.set("Identity/set", object{"destroy": []jmap.Id{id, first}})
	if !slices.Equal(out.Destroyed, []jmap.Id{id}) || out.NotDestroyed[first] == nil || out.NotDestroyed[first].Type != "forbidden" {
		t.Errorf("%+v", out)
	}
	a.refuses("Identity/changes", object{"sinceState": "none"}, "cannotCalculateChanges")
	for i := range outbox.MaxIdentities {
		out = a.set("Identity/set", object{"create": object{"k": object{"email": a.address, "name": fmt.Sprint(i)}}})
	}
	if e := out.NotCreated["k"]; e == nil || e.Type != "overQuota" || !strings.Contains(e.Description, "20") {
		t.Errorf("%+v", out)
	}
}

// TestSnoozing by JMAP: to sleep, later, and back.
func TestSnoozing(t *testing.T) {
	h := newHouse(t, sending)
	h.company("alpha.example", "sato")
	a := h.user("sato@alpha.example")
	email := a.create(a.draft("眠る", "x@remote.example"))
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	out := a.set("Snooze/set", object{"create": object{"k": object{"emailId": email, "until": until}, "past": object{"emailId": email, "until": "2020-01-01T00:00:00Z"}, "none": object{"emailId": "enone", "until": until}}})
	id := out.Created["k"].ID
	if id == "" || out.NotCreated["past"] == nil || out.NotCreated["past"].Properties[0] != "until" || out.NotCreated["none"] == nil {
		t.Fatalf("%+v", out)
	}
	if got := a.emailsIn(a.role("snoozed")); !slices.Equal(got, []string{"眠る"}) {
		t.Errorf("%q sleeps", got)
	}
	var got struct {
		List []struct {
			EmailID, MailboxID jmap.Id
			Until              string
		}
	}
	later := time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	a.set("Snooze/set", object{"update": object{string(id): object{"until": later}}})
	a.call("Snooze/get", object{"ids": nil}, &got)
	if len(got.List) != 1 || got.List[0].EmailID != email || got.List[0].MailboxID != a.role("drafts") || got.List[0].Until != later {
		t.Errorf("%+v", got)
	}
	if out := a.set("Snooze/set", object{"destroy": []jmap.Id{id}}); len(out.Destroyed) != 1 || !slices.Equal(a.emailsIn(a.role("drafts")), []string{"眠る"}) {
		t.Errorf("%+v", out)
	}
}

// TestReceiptsByJMAP: RFC 9007 both ways.
func TestReceiptsByJMAP(t *testing.T) {
	h := newHouse(t, sending)
	h.company("alpha.example", "sato", "suzuki")
	a, b := h.user("sato@alpha.example"), h.user("suzuki@alpha.example")
	draft := b.draft("読んで", a.address)
	draft["header:Disposition-Notification-To:asAddresses"] = []object{{"email": b.address}}
	b.create(draft)
	var found struct{ IDs []jmap.Id }
	b.call("Email/query", object{}, &found)
	b.set("EmailSubmission/set", object{"create": object{"s": object{"identityId": b.identity(), "emailId": found.IDs[0]}}})
	a.until("it arrives", func() bool { return len(a.inbox()) == 1 })
	a.call("Email/query", object{}, &found)
	ask := object{"identityId": a.identity(), "send": object{"k": object{"forEmailId": found.IDs[0], "disposition": object{"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}}},
		"onSuccessUpdateEmail": object{"#k": object{"keywords/$mdnsent": true}}}
	r := a.steps(i18n.Japanese, step{"MDN/send", ask})
	if len(r) != 2 || !strings.Contains(string(r[0].Args), "開封確認: 読んで") {
		t.Fatalf("%s", r[0].Args)
	}
	r = a.steps(i18n.Japanese, step{"MDN/send", ask})
	if !strings.Contains(string(r[0].Args), "mdnAlreadySent") || !strings.Contains(string(r[0].Args), "すでに送信") {
		t.Errorf("%s", r[0].Args)
	}
	b.until("the receipt arrives", func() bool { return slices.Equal(b.inbox(), []string{"開封確認: 読んで"}) })
	b.call("Email/query", object{"filter": object{"inMailbox": b.role("inbox")}}, &found)
	blob := jmap.Id("b" + strings.TrimPrefix(string(found.IDs[0]), "e"))
	var out struct {
		Parsed map[jmap.Id]struct {
			FinalRecipient, OriginalMessageID, TextBody string
			Disposition                                 object
		}
		NotFound, NotParsable []jmap.Id
	}
	b.call("Email/query", object{"filter": object{"inMailbox": b.role("drafts")}}, &found)
	other := jmap.Id("b" + strings.TrimPrefix(string(found.IDs[0]), "e"))
	b.call("MDN/parse", object{"blobIds": []jmap.Id{blob, other, "bnone"}}, &out)
	p := out.Parsed[blob]
	if p.FinalRecipient != "rfc822; "+a.address || p.Disposition["type"] != "displayed" || p.OriginalMessageID == "" || len(out.NotFound) != 1 || len(out.NotParsable) != 1 {
		t.Errorf("%+v", out)
	}
}
