package jmapd_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/jmap"
)

// setOut is the answer to a /set.
type setOut struct {
	OldState, NewState string
	Created            map[jmap.Id]struct {
		ID, BlobID, ThreadID jmap.Id
		Size                 int64
	}
	Updated                              map[jmap.Id]any
	Destroyed                            []jmap.Id
	NotCreated, NotUpdated, NotDestroyed map[jmap.Id]*jmap.SetError
}

// set calls a /set.
func (u *user) set(name string, args object) (out setOut) {
	u.Helper()
	u.call(name, args, &out)
	return out
}

// create makes an email that must succeed.
func (u *user) create(record object) jmap.Id {
	u.Helper()
	out := u.set("Email/set", object{"create": object{"k": record}})
	if out.NotCreated["k"] != nil {
		u.Fatalf("not created: %v %v", out.NotCreated["k"], out.NotCreated["k"].Properties)
	}
	return out.Created["k"].ID
}

func set(ids ...jmap.Id) map[jmap.Id]bool {
	out := map[jmap.Id]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// TestEmailSetCreate makes a draft with everything a webmail writes, and reads it back.
func TestEmailSetCreate(t *testing.T) {
	u := one(t)
	drafts := u.role("drafts")
	pdf, pic := u.upload("%PDF-1.4 "+strings.Repeat("x", 5000)), u.upload("GIF89a")
	out := u.set("Email/set", object{"create": object{"k": object{
		"mailboxIds": set(drafts), "keywords": object{"$draft": true, "$Seen": true},
		"from":    []object{{"name": "佐藤 花子", "email": "sato@alpha.example"}},
		"to":      []object{{"name": nil, "email": "a..b@docomo.ne.jp"}, {"name": "Taro, Jr.", "email": "taro@x.example"}},
		"bcc":     []object{{"email": "hidden@x.example"}},
		"subject": "議事録をお送りします", "inReplyTo": []string{"zero@x.example"}, "references": []string{"minus@x.example", "zero@x.example"},
		"sentAt": "2026-11-24T10:11:12+09:00", "header:X-Mailer:asText": "Tegami", "header:X-List:asText:all": []string{"a", "b"},
		"bodyValues": object{"t": object{"value": "本文です。\n二行目"}, "h": object{"value": "<p>本文<img src=\"cid:pic\"></p>"}},
		"textBody":   []object{{"partId": "t", "type": "text/plain"}},
		"htmlBody":   []object{{"partId": "h", "type": "text/html"}},
		"attachments": []object{
			{"blobId": pdf, "type": "application/pdf", "name": "議事録①.pdf", "disposition": "attachment"},
			{"blobId": pic, "type": "image/gif", "name": "pic.gif", "cid": "pic", "disposition": "inline"},
		},
	}}})
	made := out.Created["k"]
	if out.NotCreated["k"] != nil || made.ID == "" || made.ThreadID == "" || made.BlobID == "" || made.Size < 5000 || out.OldState == out.NewState {
		t.Fatalf("created %+v, not created %v", made, out.NotCreated["k"])
	}
	e := u.get(made.ID, object{"fetchTextBodyValues": true, "fetchHTMLBodyValues": true, "bodyProperties": []string{"type", "name", "cid", "disposition", "size"}},
		"mailboxIds", "from", "to", "bcc", "subject", "inReplyTo", "references", "sentAt", "header:X-Mailer:asText", "header:X-List:asText:all",
		"bodyValues", "textBody", "htmlBody", "attachments", "hasAttachment", "messageId", "size")
	u.wants("draft", e, map[string]string{
		"mailboxIds": `{"` + string(drafts) + `":true}`, "from": `[{"name":"佐藤 花子","email":"sato@alpha.example"}]`,
		"to":  `[{"name":null,"email":"a..b@docomo.ne.jp"},{"name":"Taro, Jr.","email":"taro@x.example"}]`,
		"bcc": `[{"name":null,"email":"hidden@x.example"}]`, "subject": `"議事録をお送りします"`, "inReplyTo": `["zero@x.example"]`,
		"references": `["minus@x.example","zero@x.example"]`, "sentAt": `"2026-11-24T10:11:12+09:00"`, "header:X-Mailer:asText": `"Tegami"`,
		"header:X-List:asText:all": `["a","b"]`, "hasAttachment": "true", "size": fmt.Sprint(made.Size),
		"textBody": `[{"cid":null,"disposition":null,"name":null,"size":26,"type":"text/plain"}]`,
		"attachments": `[{"cid":"pic","disposition":"inline","name":"pic.gif","size":6,"type":"image/gif"},` +
			`{"cid":null,"disposition":"attachment","name":"議事録①.pdf","size":5009,"type":"application/pdf"}]`,
	})
	if !strings.Contains(string(e["bodyValues"]), `"value":"本文です。\n二行目"`) || !strings.HasSuffix(string(e["messageId"]), `@alpha.example"]`) {
		t.Errorf("bodyValues %s, messageId %s", e["bodyValues"], e["messageId"])
	}
	var words map[string]bool
	u.must(json.Unmarshal(u.get(made.ID, nil, "keywords")["keywords"], &words))
	if len(words) != 2 || !words["$draft"] || !words["$seen"] {
		t.Errorf("keywords %v", words)
	}
}

// TestEmailSetCreateStructure makes an email of a structure (RFC 8621 §4.6), with a message as an attachment.
func TestEmailSetCreateStructure(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	inner := u.keep(inbox, listMail)
	id := u.create(object{"mailboxIds": set(inbox), "subject": "outer", "receivedAt": "2020-01-02T03:04:05Z",
		"bodyStructure": object{"type": "multipart/mixed", "subParts": []object{
			{"type": "text/plain", "partId": "1", "header:X-Part": " yes", "language": []string{"ja"}},
			{"type": "message/rfc822", "blobId": "b" + inner[1:], "disposition": "attachment"},
		}},
		"bodyValues": object{"1": object{"value": "See below", "isTruncated": false}}})
	e := u.get(id, object{"bodyProperties": []string{"type", "header:X-Part", "language"}}, "bodyStructure", "receivedAt", "sentAt")
	u.wants("structure", e, map[string]string{"receivedAt": `"2020-01-02T03:04:05Z"`,
		"bodyStructure": `{"header:X-Part":null,"language":null,"type":"multipart/mixed","subParts":[{"header:X-Part":" yes","language":["ja"],"type":"text/plain"},{"header:X-Part":null,"language":null,"type":"message/rfc822"}]}`})
	if string(e["sentAt"]) == "null" {
		t.Error("an email without a date")
	}
	var parsed struct{ Parsed map[jmap.Id]email }
	blob := "b" + id[1:] + "-2"
	u.call("Email/parse", object{"blobIds": []jmap.Id{blob}, "properties": []string{"subject"}}, &parsed)
	u.wants("attached", parsed.Parsed[blob], map[string]string{"subject": `"café and more"`})
}

// TestEmailSetCreateRefused names what is wrong with an email (RFC 8621 §4.6).
func TestEmailSetCreateRefused(t *testing.T) {
	u := one(t)
	inbox, trash := u.role("inbox"), u.role("trash")
	text := []object{{"partId": "1", "type": "text/plain"}}
	values := object{"1": object{"value": "x"}}
	for name, c := range map[string]struct {
		record object
		want   string
		about  []string
	}{
		"no mailbox":        {object{"subject": "x"}, jmap.InvalidProperties, []string{"mailboxIds"}},
		"empty mailboxes":   {object{"mailboxIds": object{}}, jmap.InvalidProperties, []string{"mailboxIds"}},
		"two mailboxes":     {object{"mailboxIds": set(inbox, trash)}, "tooManyMailboxes", nil},
		"unknown mailbox":   {object{"mailboxIds": object{"m0000000000002": true}}, jmap.InvalidProperties, []string{"mailboxIds"}},
		"a bad keyword":     {object{"mailboxIds": set(inbox), "keywords": object{"a b": true}}, jmap.InvalidProperties, []string{"keywords"}},
		"a keyword off":     {object{"mailboxIds": set(inbox), "keywords": object{"a": false}}, jmap.InvalidProperties, []string{"keywords"}},
		"headers":           {object{"mailboxIds": set(inbox), "headers": []object{}}, jmap.InvalidProperties, []string{"headers"}},
		"a field twice":     {object{"mailboxIds": set(inbox), "subject": "x", "header:Subject:asText": "y"}, jmap.InvalidProperties, nil},
		"a content field":   {object{"mailboxIds": set(inbox), "header:Content-Type": " x/y"}, jmap.InvalidProperties, []string{"header:Content-Type"}},
		"a wrong form":      {object{"mailboxIds": set(inbox), "header:From:asDate": "x"}, jmap.InvalidProperties, []string{"header:From:asDate"}},
		"a wrong value":     {object{"mailboxIds": set(inbox), "from": "x"}, jmap.InvalidProperties, []string{"from"}},
		"the server's":      {object{"mailboxIds": set(inbox), "size": 3}, jmap.InvalidProperties, []string{"size"}},
		"both bodies":       {object{"mailboxIds": set(inbox), "bodyStructure": text[0], "textBody": text, "bodyValues": values}, jmap.InvalidProperties, []string{"bodyStructure"}},
		"a wrong type":      {object{"mailboxIds": set(inbox), "textBody": []object{{"partId": "1", "type": "text/html"}}, "bodyValues": values}, jmap.InvalidProperties, []string{"textBody"}},
		"no value":          {object{"mailboxIds": set(inbox), "textBody": text}, jmap.InvalidProperties, []string{"bodyValues"}},
		"a truncated value": {object{"mailboxIds": set(inbox), "textBody": text, "bodyValues": object{"1": object{"value": "x", "isTruncated": true}}}, jmap.InvalidProperties, []string{"bodyValues"}},
		"both ids":          {object{"mailboxIds": set(inbox), "textBody": []object{{"partId": "1", "blobId": "b1"}}, "bodyValues": values}, jmap.InvalidProperties, []string{"textBody"}},
		"no blob":           {object{"mailboxIds": set(inbox), "attachments": []object{{"blobId": "b0000000000002", "type": "x/y"}}}, "blobNotFound", nil},
		"a coding":          {object{"mailboxIds": set(inbox), "textBody": []object{{"partId": "1", "header:Content-Transfer-Encoding": " 8bit"}}, "bodyValues": values}, jmap.InvalidProperties, []string{"textBody"}},
		"too large":         {object{"mailboxIds": set(inbox), "textBody": text, "bodyValues": object{"1": object{"value": strings.Repeat("あ", mail.MaxMessageSize/3)}}}, jmap.TooLarge, nil},
	} {
		out := u.set("Email/set", object{"create": object{"k": c.record}})
		e := out.NotCreated["k"]
		if e == nil || e.Type != c.want || c.about != nil && !slices.Equal(e.Properties, c.about) {
			t.Errorf("%s: created %v, %+v, want %s %v", name, out.Created, e, c.want, c.about)
		}
	}
}

// TestEmailSetCreateJIS writes mail as its user chose: in ISO-2022-JP, and names of files as Outlook reads them (DOMAIN §14.3, §14.4).
func TestEmailSetCreateJIS(t *testing.T) {
	u := one(t)
	u.set("Settings/set", object{"update": object{"singleton": object{"composeCharset": "iso-2022-jp", "outlookNames": true}}})
	id := u.create(object{"mailboxIds": set(u.role("drafts")), "subject": "見積もり", "textBody": []object{{"partId": "1"}}, "bodyValues": object{"1": object{"value": "ｶﾅと〜漢字"}},
		"attachments": []object{{"blobId": u.upload("x"), "type": "application/pdf", "name": "見積.pdf"}}})
	e := u.get(id, object{"fetchTextBodyValues": true, "bodyProperties": []string{"charset", "name", "header:Content-Type", "header:Content-Disposition"}}, "header:Subject", "subject", "textBody", "attachments", "bodyValues")
	if !strings.Contains(string(e["header:Subject"]), "=?ISO-2022-JP?B?") || !strings.Contains(string(e["textBody"]), `"charset":"iso-2022-jp"`) ||
		!strings.Contains(string(e["attachments"]), `filename=\"=?`) || !strings.Contains(string(e["attachments"]), `"name":"見積.pdf"`) {
		t.Errorf("%s %s %s", e["header:Subject"], e["textBody"], e["attachments"])
	}
	u.wants("read again", e, map[string]string{"subject": `"見積もり"`, "bodyValues": `{"1":{"value":"カナと～漢字","isEncodingProblem":false,"isTruncated":false}}`})
}

// TestEmailSetUpdate changes keywords and moves, by whole properties and by patches.
func TestEmailSetUpdate(t *testing.T) {
	u := one(t)
	inbox, archive := u.role("inbox"), u.role("archive")
	id := u.keep(inbox, listMail, "$seen")
	for _, c := range []struct {
		patch           object
		keywords, boxes string
		failed          string
	}{
		{object{"keywords/$flagged": true}, `["$flagged" "$seen"]`, string(inbox), ""},
		{object{"keywords/$Seen": nil, "keywords/work": true}, `["$flagged" "work"]`, string(inbox), ""},
		{object{"keywords": object{"$seen": true}}, `["$seen"]`, string(inbox), ""},
		{object{"mailboxIds": set(archive)}, `["$seen"]`, string(archive), ""},
		{object{"mailboxIds/" + string(archive): nil, "mailboxIds/" + string(inbox): true, "keywords/a~1b": true}, `["$seen" "a/b"]`, string(inbox), ""},
		{object{"mailboxIds/" + string(archive): true}, `["$seen" "a/b"]`, string(inbox), "tooManyMailboxes"},
		{object{"mailboxIds/" + string(inbox): nil}, `["$seen" "a/b"]`, string(inbox), jmap.InvalidProperties},
		{object{"mailboxIds": object{"m0000000000002": true}}, `["$seen" "a/b"]`, string(inbox), jmap.InvalidProperties},
		{object{"keywords/a b": true}, `["$seen" "a/b"]`, string(inbox), jmap.InvalidProperties},
		{object{"keywords": object{}, "keywords/x": true}, `["$seen" "a/b"]`, string(inbox), jmap.InvalidPatch},
		{object{"subject": "x"}, `["$seen" "a/b"]`, string(inbox), jmap.InvalidProperties},
		{object{"keywords/a~1b": nil}, `["$seen"]`, string(inbox), ""},
	} {
		out := u.set("Email/set", object{"update": object{string(id): c.patch}})
		failed := ""
		if e := out.NotUpdated[id]; e != nil {
			failed = e.Type
		}
		if failed != c.failed {
			t.Errorf("%v: %q %v, want %q", c.patch, failed, out.NotUpdated[id], c.failed)
		}
		var words map[string]bool
		e := u.get(id, nil, "keywords", "mailboxIds")
		u.must(json.Unmarshal(e["keywords"], &words))
		var list []string
		for w := range words {
			list = append(list, w)
		}
		slices.Sort(list)
		if got := fmt.Sprintf("%q", list); got != c.keywords || string(e["mailboxIds"]) != `{"`+c.boxes+`":true}` {
			t.Errorf("%v: keywords %s in %s", c.patch, got, e["mailboxIds"])
		}
	}
	out := u.set("Email/set", object{"update": object{"e0000000000002": object{"keywords/x": true}, "x": object{}}})
	if out.NotUpdated["e0000000000002"].Type != jmap.NotFound || out.NotUpdated["x"].Type != jmap.NotFound {
		t.Errorf("unknown emails: %v", out.NotUpdated)
	}
	u.refuses("Email/set", object{"ifInState": "1", "update": object{}}, jmap.StateMismatch)
}

// TestEmailSetRefersToCreated: an email that was made is changed, got and destroyed in the same request by its creation id.
func TestEmailSetRefersToCreated(t *testing.T) {
	u := one(t)
	text := u.ask(fmt.Appendf(nil, `{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[
["Mailbox/set",{"accountId":%[1]q,"create":{"box":{"name":"new"}}},"0"],
["Email/set",{"accountId":%[1]q,"create":{"k":{"mailboxIds":{"#box":true},"subject":"made"}},"update":{"#k":{"keywords/x":true}}},"1"],
["Email/get",{"accountId":%[1]q,"ids":["#k","#none"],"properties":["subject","keywords"]},"2"],
["Email/query",{"accountId":%[1]q,"filter":{"inMailbox":"#box"},"calculateTotal":true},"3"],
["Email/set",{"accountId":%[1]q,"destroy":["#k"]},"4"]]}`, u.id))
	for _, want := range []string{`"subject":"made","keywords":{"x":true}`, `"notFound":["#none"]`, `"total":1`, `"destroyed":["e`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// TestEmailSetDestroy destroys, and tells what was not there.
func TestEmailSetDestroy(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	a, b := u.keep(inbox, listMail), u.keep(inbox, listMail)
	out := u.set("Email/set", object{"destroy": []jmap.Id{a, "e0000000000002"}, "update": object{string(a): object{"keywords/x": true}, string(b): object{"keywords/x": true}}})
	if !slices.Equal(out.Destroyed, []jmap.Id{a}) || out.NotDestroyed["e0000000000002"].Type != jmap.NotFound || out.NotUpdated[a].Type != jmap.WillDestroy {
		t.Errorf("%+v", out)
	}
	if _, ok := out.Updated[b]; !ok {
		t.Errorf("updated %v", out.Updated)
	}
}

// TestEmailImport takes .eml files in (RFC 8621 §4.8), those with bare line ends too.
func TestEmailImport(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	unix := u.upload("Received: from a by b; Mon, 02 Mar 2020 03:04:05 +0900\nSubject: a file\n\nText\n")
	none := u.upload("no message at all")
	out := u.set("Email/import", object{"emails": object{
		"a": object{"blobId": unix, "mailboxIds": set(inbox), "keywords": object{"$seen": true}},
		"b": object{"blobId": none, "mailboxIds": set(inbox)},
		"c": object{"blobId": "u1", "mailboxIds": set(inbox)},
		"d": object{"blobId": unix},
		"e": object{"blobId": unix, "mailboxIds": set(inbox), "subject": "x"},
	}})
	for name, want := range map[jmap.Id]string{"b": "invalidEmail", "c": jmap.InvalidProperties, "d": jmap.InvalidProperties, "e": jmap.InvalidProperties} {
		if e := out.NotCreated[name]; e == nil || e.Type != want {
			t.Errorf("%s: %v, want %s", name, e, want)
		}
	}
	e := u.get(out.Created["a"].ID, nil, "receivedAt", "subject", "size", "keywords")
	u.wants("imported", e, map[string]string{"receivedAt": `"2020-03-01T18:04:05Z"`, "subject": `"a file"`, "keywords": `{"$seen":true}`,
		"size": fmt.Sprint(len("Received: from a by b; Mon, 02 Mar 2020 03:04:05 +0900\r\nSubject: a file\r\n\r\nText\r\n"))})
	u.refuses("Email/import", object{"ifInState": "1", "emails": object{}}, jmap.StateMismatch)
}

// TestEmailCopy: within an account nothing is copied; from one that shares nothing, nothing either.
func TestEmailCopy(t *testing.T) {
	u := one(t)
	u.refuses("Email/copy", object{"fromAccountId": u.id, "create": object{}}, jmap.InvalidArguments)
	u.refuses("Email/copy", object{"fromAccountId": "a0000000000002", "create": object{}}, jmap.FromAccountNotFound)
}

// TestML9TooLargeIsSaid: an email that would be larger than a message may be is refused before its attachments are read (ML-9).
func TestML9TooLargeIsSaid(t *testing.T) {
	u := one(t)
	blob := u.upload(strings.Repeat("x", 12<<20)) // base64 makes a third more of it
	out := u.set("Email/set", object{"create": object{"k": object{"mailboxIds": set(u.role("drafts")), "attachments": []object{{"blobId": blob, "type": "x/y"}}}}})
	if e := out.NotCreated["k"]; e == nil || e.Type != jmap.TooLarge || !strings.Contains(e.Description, "15") {
		t.Errorf("%+v", e)
	}
}
