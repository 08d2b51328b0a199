package jmapd_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/server/jmapd"
	"tegami/store"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// withQuarantine gives a door the mail that was not let in, released into the inbox as it is.
func withQuarantine(h *house, c *jmapd.Config) {
	c.Quarantine = quarantine.New(quarantine.Config{
		Store: h.store, Directory: h.dir, Log: slog.New(slog.DiscardHandler), Allow: directory.AllowSender,
		Release: func(tx store.Tx, to directory.Account, e *quarantine.Entry) error {
			_, err := mailbox.Deliver(tx, to, mailbox.NewMail{Blob: e.Blob, Received: e.Received})
			return err
		},
	})
}

// hostile is a message whose HTML would load and run things.
const hostile = "From: =?UTF-8?B?5b2T6YG4?= <bob@spam.example>\r\nTo: Sato <sato@alpha.example>\r\nDate: Mon, 1 Jun 2026 10:00:00 +0900\r\nSubject: %s\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
	"<p>当選 <a href=\"https://evil.example/\">https://bank.example/</a><img src=\"https://evil.example/beacon\"><script>alert(1)</script></p>\r\n" +
	"--x\r\nContent-Type: application/zip; name=a.zip\r\nContent-Disposition: attachment; filename=a.zip\r\n\r\nPK\r\n--x--\r\n"

// held puts a message into the user's quarantine as a delivery does.
func (u *user) held(subject string) jmap.Id {
	u.Helper()
	tenant := u.store.Tenant(u.who.Tenant())
	octets := fmt.Sprintf(hostile, subject)
	s, err := tenant.Blobs().Stage(u.Context(), int64(len(octets)))
	u.must(err)
	defer s.Release()
	_, err = s.Write([]byte(octets))
	u.must(err)
	parsed := mime.ParseChunks(s.Chunks(), mime.Limits{})
	u.must(s.Seal(u.Context()))
	var id mail.ObjectID
	u.must(tenant.Update(u.Context(), queue.Worker(), "test", func(tx store.Tx) error {
		blob, err := tx.Keep(s, parsed.Encode(nil))
		if err != nil {
			return err
		}
		id, err = quarantine.Keep(tx, quarantine.Entry{
			Account: u.who.Account().ID, Recipient: u.who.Account().Address, From: mail.Address{Local: "bounce", Domain: "spam.example"},
			HeaderFrom: mail.Address{Local: "bob", Domain: "spam.example"}, Author: "当選", Subject: subject, Percent: 97.35, Rule: "score",
			Reasons: []quarantine.Reason{{Key: "filter.lists_full", Weight: 3.2, Args: []string{"7"}}}, Received: time.Now().UTC().Truncate(time.Second), Blob: blob,
		})
		return err
	}))
	return jmap.Of(jmap.LetterObject, id)
}

// waiting lists what is in the user's quarantine.
func (u *user) waiting(args object) jmap.QueryOut {
	u.Helper()
	var q jmap.QueryOut
	u.call("QuarantinedEmail/query", args, &q)
	return q
}

// TestSF4QuarantineIsListed: the newest first, by words and orders, in pages; with the reasons in the reader's language.
func TestSF4QuarantineIsListed(t *testing.T) {
	u := one(t, withAll)
	var ids []jmap.Id
	for _, subject := range []string{"Gewinn", "Arznei", "Kredit"} {
		ids = append(ids, u.held(subject))
	}
	for name, c := range map[string]struct {
		args object
		want []int
	}{
		"all":           {object{"limit": 20, "calculateTotal": true}, []int{2, 1, 0}},
		"without limit": {object{}, []int{2, 1, 0}},
		"the second":    {object{"limit": 1, "position": 1}, []int{1}},
		"the last":      {object{"position": -1}, []int{0}},
		"behind one":    {object{"anchor": ids[1], "anchorOffset": 1}, []int{0}},
		"by subject":    {object{"sort": []object{{"property": "subject"}}, "limit": 20}, []int{1, 0, 2}},
		"oldest":        {object{"sort": []object{{"property": "receivedAt", "isAscending": true}}, "limit": 20}, []int{0, 1, 2}},
		"by a word":     {object{"filter": object{"text": "kredit"}, "limit": 20}, []int{2}},
		"by sender":     {object{"filter": object{"from": "spam.example"}, "limit": 2}, []int{2, 1}},
		"in the future": {object{"filter": object{"after": "2999-01-01T00:00:00Z"}, "limit": 20}, nil},
	} {
		want := []jmap.Id{}
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		if got := u.waiting(c.args); !slices.Equal(got.IDs, want) || c.args["calculateTotal"] == true && (got.Total == nil || *got.Total != 3) {
			t.Errorf("%s: %+v, want %v", name, got, want)
		}
	}
	u.refuses("QuarantinedEmail/query", object{"sort": []object{{"property": "colour"}}}, jmap.UnsupportedSort)
	u.refuses("QuarantinedEmail/query", object{"filter": object{"operator": "AND", "conditions": []object{{"text": "x"}}}}, jmap.UnsupportedFilter)
	u.refuses("QuarantinedEmail/query", object{"anchor": "o999999", "limit": 3}, jmap.AnchorNotFound)
	u.refuses("QuarantinedEmail/queryChanges", object{"sinceQueryState": "1"}, jmap.CannotCalculateChanges)
	u.refuses("QuarantinedEmail/get", object{"ids": nil}, jmap.RequestTooLarge)

	var got struct{ List []map[string]any }
	u.call("QuarantinedEmail/get", object{"ids": ids[:1]}, &got)
	m := got.List[0]
	reasons, _ := json.Marshal(m["reasons"])
	if m["percent"] != 97.35 || m["subject"] != "Gewinn" || m["recipient"] != "sato@alpha.example" || m["envelopeFrom"] != "bounce@spam.example" ||
		m["textBody"] != nil || string(reasons) != `[{"key":"filter.lists_full","text":"At most 7 entries can be registered.","weight":3.2}]` {
		t.Errorf("%v, reasons %s", m, reasons)
	}
}

// TestSF4QuarantinedMailIsShownSafely: nothing of it loads or runs, links say whereto they lead, attachments are named.
func TestSF4QuarantinedMailIsShownSafely(t *testing.T) {
	u := one(t, withAll)
	id := u.held("Gewinn")
	var got struct {
		List []struct {
			TextBody, HTMLBody, SentAt string
			From                       []struct{ Name, Email string }
			To                         []struct{ Email string }
			Links                      []struct {
				Href, Text   string
				IsMisleading bool
			}
			Attachments []struct{ Name, Type string }
			IsTruncated *bool
		}
	}
	u.call("QuarantinedEmail/get", object{"ids": []jmap.Id{id}, "properties": []string{"from", "to", "sentAt", "textBody", "htmlBody", "links", "attachments", "isTruncated"}}, &got)
	m := got.List[0]
	if strings.Contains(m.HTMLBody, "beacon") || strings.Contains(m.HTMLBody, "script") || !strings.Contains(m.HTMLBody, "当選") || !strings.Contains(m.TextBody, "当選") {
		t.Errorf("shown is %q and %q", m.HTMLBody, m.TextBody)
	}
	if len(m.Links) != 1 || m.Links[0].Href != "https://evil.example/" || !m.Links[0].IsMisleading {
		t.Errorf("links %+v", m.Links)
	}
	if len(m.Attachments) != 1 || m.Attachments[0].Name != "a.zip" || m.Attachments[0].Type != "application/zip" || m.IsTruncated == nil || m.SentAt == "" {
		t.Errorf("%+v", m)
	}
	if len(m.From) != 1 || m.From[0].Name != "当選" || len(m.To) != 1 || m.To[0].Email != "sato@alpha.example" {
		t.Errorf("%+v", m)
	}
	many := make([]jmap.Id, 21)
	for i := range many {
		many[i] = id
	}
	u.refuses("QuarantinedEmail/get", object{"ids": many, "properties": []string{"textBody"}}, jmap.RequestTooLarge)
}

// TestSF6ReleaseFromQuarantine: a message is taken into the inbox, with its sender let in from now on where that is permitted, said to be wanted, or
// thrown away; and a program hears of it.
func TestSF6ReleaseFromQuarantine(t *testing.T) {
	u := one(t, withAll)
	a, b, c, d := u.held("a"), u.held("b"), u.held("c"), u.held("d")
	var before struct{ State string }
	u.call("QuarantinedEmail/get", object{"ids": []jmap.Id{}}, &before)
	var out jmap.SetOut
	u.call("QuarantinedEmail/set", object{"update": object{
		string(a): object{"release": true}, string(b): object{"release": "allow"}, string(c): object{"notSpam": true}, "o0000000000001": object{"release": true},
	}, "destroy": []jmap.Id{d, "nothing"}}, &out)
	if len(out.Updated) != 2 || len(out.Destroyed) != 1 || out.NotUpdated["o0000000000001"].Type != jmap.NotFound || out.NotDestroyed["nothing"].Type != jmap.NotFound {
		t.Errorf("%+v", out)
	}
	if e := out.NotUpdated[b]; e == nil || e.Type != jmap.InvalidProperties || e.Description != "Your administrator does not permit a list of allowed senders." {
		t.Errorf("allowed without permission: %+v", e)
	}
	if in := u.waiting(object{}); !slices.Equal(in.IDs, []jmap.Id{c, b}) {
		t.Errorf("in quarantine are %v", in.IDs)
	}
	var q jmap.QueryOut
	u.call("Email/query", object{}, &q)
	if len(q.IDs) != 1 {
		t.Errorf("%d messages were released", len(q.IDs))
	}
	var changes jmap.ChangesOut
	u.call("QuarantinedEmail/changes", object{"sinceState": before.State}, &changes)
	if !slices.Equal(changes.Updated, []jmap.Id{c}) || len(changes.Destroyed) != 2 || len(changes.Created) != 0 {
		t.Errorf("changes %+v", changes)
	}
	u.permitAllow()
	out = jmap.SetOut{}
	u.call("QuarantinedEmail/set", object{"update": object{string(b): object{"release": "allow"}}}, &out)
	var lists struct{ List []struct{ Allow []string } }
	u.call("SenderLists/get", object{"ids": nil}, &lists)
	if len(out.Updated) != 1 || !slices.Equal(lists.List[0].Allow, []string{"bob@spam.example"}) {
		t.Errorf("%+v, allowed are %v", out, lists)
	}
	for _, patch := range []object{{"release": false}, {"release": "all"}, {"notSpam": false}, {"subject": "x"}, {}} {
		out = jmap.SetOut{}
		u.call("QuarantinedEmail/set", object{"update": object{string(c): patch}}, &out)
		if e := out.NotUpdated[c]; e == nil || e.Type != jmap.InvalidProperties {
			t.Errorf("%v: %+v", patch, out)
		}
	}
	u.call("QuarantinedEmail/set", object{"create": object{"x": object{}}}, &out)
	if out.NotCreated["x"].Type != jmap.Forbidden {
		t.Errorf("made: %+v", out)
	}
}

// permitAllow has the company permit users' lists of whose mail is let in.
func (u *user) permitAllow() {
	u.Helper()
	f := directory.DefaultFilter()
	f.UserAllow = true
	u.must(u.dir.Company(u.who.Tenant()).SetDomainFilter(u.Context(), u.ops, u.who.Account().Address.Domain, 0, f))
}

// TestSF5SenderLists: 300 entries on each list, the 301st is refused in words and the list stays; patterns are put into one form.
func TestSF5SenderLists(t *testing.T) {
	u := one(t, withAll)
	u.permitAllow()
	type record struct {
		State string
		List  []struct {
			Allow, Deny                           []string
			AllowPermitted, Digest, DigestOffered bool
			Limit                                 int
		}
	}
	entries := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("@d%03d.example", i))
		}
		return list
	}
	var first, got record
	u.call("SenderLists/get", object{"ids": nil}, &first)
	if l := first.List[0]; len(l.Allow) != 0 || l.Allow == nil || l.Limit != 300 || !l.AllowPermitted || !l.Digest || !l.DigestOffered {
		t.Errorf("at first %+v", first)
	}
	set := func(patch object) *jmap.SetError {
		var out jmap.SetOut
		u.call("SenderLists/set", object{"update": object{"singleton": patch}}, &out)
		return out.NotUpdated["singleton"]
	}
	if e := set(object{"deny": entries(300), "allow": entries(300), "digest": false}); e != nil {
		t.Fatal(e)
	}
	for _, list := range []string{"allow", "deny"} {
		e := set(object{list: entries(301)})
		if e == nil || e.Type != jmap.InvalidProperties || !slices.Equal(e.Properties, []string{list}) {
			t.Errorf("the 301st of %s: %+v", list, e)
		}
		text, err := json.Marshal(object{"accountId": u.id, "update": object{"singleton": object{list: entries(301)}}})
		u.must(err)
		r, err := u.Do(u.Context(), u.who, i18n.Japanese, &jmap.Request{Using: u.using, MethodCalls: []jmap.Invocation{{Name: "SenderLists/set", Args: text, CallID: "0"}}})
		u.must(err)
		if answer := string(r.MethodResponses[0].Args); !strings.Contains(answer, "登録できる件数は300件までです。") {
			t.Errorf("in Japanese: %s", answer)
		}
	}
	u.call("SenderLists/get", object{"ids": nil}, &got)
	if l := got.List[0]; len(l.Allow) != 300 || len(l.Deny) != 300 || l.Digest || got.State == first.State {
		t.Errorf("kept are %d and %d, %+v", len(l.Allow), len(l.Deny), got.State)
	}
	u.refuses("SenderLists/set", object{"ifInState": first.State, "update": object{"singleton": object{"deny": []string{}}}}, jmap.StateMismatch)
	var out jmap.SetOut
	u.call("SenderLists/set", object{"update": object{"singleton": object{"deny": []string{"*@BAD.example", "A@b.example"}}}}, &out)
	if text, _ := json.Marshal(out.Updated); string(text) != `{"singleton":{"deny":["@bad.example","a@b.example"]}}` {
		t.Errorf("kept is %s", text)
	}
	if e := set(object{"allow": []string{"nobody"}}); e == nil || !slices.Equal(e.Properties, []string{"allow"}) {
		t.Errorf("no pattern: %+v", e)
	}
	for _, patch := range []object{{"limit": 1000}, {"allowPermitted": false}, {"deny": "x"}, {"id": "y"}, {"other": 1}} {
		if e := set(patch); e == nil || e.Type != jmap.InvalidProperties {
			t.Errorf("%v: %+v", patch, e)
		}
	}
}

// TestSF5AllowOnlyWherePermitted: without the administrator's permission nothing comes onto the list of whose mail is let in.
func TestSF5AllowOnlyWherePermitted(t *testing.T) {
	u := one(t, withAll)
	var out jmap.SetOut
	u.call("SenderLists/set", object{"update": object{"singleton": object{"allow": []string{"a@b.example"}}}}, &out)
	if e := out.NotUpdated["singleton"]; e == nil || e.Type != jmap.InvalidProperties || !slices.Equal(e.Properties, []string{"allow"}) {
		t.Errorf("%+v", out)
	}
}
