package jmapd_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// keep puts a message into a mailbox and gives its id. Lines may end in LF.
func (u *user) keep(box jmap.Id, raw string, keywords ...string) jmap.Id {
	u.Helper()
	if !strings.Contains(raw, "\r\n") {
		raw = strings.ReplaceAll(raw, "\n", "\r\n")
	}
	ctx := u.Context()
	a, err := u.boxes.Open(ctx, u.who)
	u.must(err)
	up, err := a.Stage(ctx, int64(len(raw)))
	u.must(err)
	defer up.Release()
	_, err = up.Write([]byte(raw))
	u.must(err)
	var to mail.MailboxID
	u.must(to.UnmarshalText([]byte(box[1:])))
	m, _, err := a.Post().AddEmail(ctx, mailbox.NewEmail{Upload: up, Mailbox: to, Keywords: keywords})
	u.must(err)
	return jmap.Of(jmap.LetterEmail, m.ID)
}

// upload brings octets and gives their blob.
func (u *user) upload(octets string) jmap.Id {
	u.Helper()
	up, err := u.Upload(u.Context(), u.who, u.id, int64(len(octets)), "", strings.NewReader(octets))
	u.must(err)
	return up.BlobID
}

// role gives the mailbox with a role.
func (u *user) role(role string) jmap.Id {
	u.Helper()
	var out struct {
		List []struct{ ID, Role jmap.Id }
	}
	u.call("Mailbox/get", object{}, &out)
	for _, m := range out.List {
		if string(m.Role) == role {
			return m.ID
		}
	}
	u.Fatalf("no mailbox is %s", role)
	return ""
}

// email is an email with some of its properties as they came.
type email map[string]json.RawMessage

// get gives properties of one email.
func (u *user) get(id jmap.Id, more object, properties ...string) email {
	u.Helper()
	args := object{"ids": []jmap.Id{id}, "properties": properties}
	if len(properties) == 0 {
		delete(args, "properties")
	}
	maps.Copy(args, more)
	var out struct {
		List     []email
		NotFound []jmap.Id
	}
	u.call("Email/get", args, &out)
	if len(out.List) != 1 || len(out.NotFound) != 0 {
		u.Fatalf("Email/get %s: %d emails, not found %v", id, len(out.List), out.NotFound)
	}
	return out.List[0]
}

// wants compares properties with what they should be as JSON.
func (u *user) wants(what string, e email, want map[string]string) {
	u.Helper()
	for name, text := range want {
		if got := string(e[name]); got != text {
			u.Errorf("%s: %s is %s, want %s", what, name, got, text)
		}
	}
}

const listMail = `Return-Path: <jmap-bounces@ietf.org>
From: "Neil Jenkins" <neilj@fastmailteam.com>
Sender: "jmap" <jmap-bounces@ietf.org>
To: =?utf-8?q?=C3=89?= <a@x.example>, Group: b@x.example, "C" <c@x.example>;
Subject: =?utf-8?q?caf=C3=A9?=
 and more
Date: Tue, 24 Nov 2026 10:11:12 +0900 (JST)
Message-ID: <one@x.example>
In-Reply-To: <zero@x.example>
References: <minus@x.example>
 <zero@x.example>
X-Twice: first
X-Twice:  second
List-Post: <mailto:jmap@ietf.org>
List-Unsubscribe: <https://www.ietf.org/mailman/options/jmap>,
 <mailto:jmap-request@ietf.org?subject=unsubscribe>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Resent-Date: not a date
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Hello,
this is the text.
`

// TestEmailGetHeaders holds header fields in all their forms against RFC 8621 §4.1.2 and §4.1.3.
func TestEmailGetHeaders(t *testing.T) {
	u := one(t)
	id := u.keep(u.role("inbox"), listMail)
	want := map[string]string{
		"from":       `[{"name":"Neil Jenkins","email":"neilj@fastmailteam.com"}]`,
		"sender":     `[{"name":"jmap","email":"jmap-bounces@ietf.org"}]`,
		"to":         `[{"name":"É","email":"a@x.example"},{"name":null,"email":"b@x.example"},{"name":"C","email":"c@x.example"}]`,
		"cc":         `null`,
		"replyTo":    `null`,
		"subject":    `"café and more"`,
		"sentAt":     `"2026-11-24T10:11:12+09:00"`,
		"messageId":  `["one@x.example"]`,
		"inReplyTo":  `["zero@x.example"]`,
		"references": `["minus@x.example","zero@x.example"]`,

		"header:X-Twice":                           `"  second"`,
		"header:x-twice:all":                       `[" first","  second"]`,
		"header:X-Twice:asText:all":                `["first","second"]`,
		"header:X-None":                            `null`,
		"header:X-None:all":                        `[]`,
		"header:To:asGroupedAddresses":             `[{"name":null,"addresses":[{"name":"É","email":"a@x.example"}]},{"name":"Group","addresses":[{"name":null,"email":"b@x.example"},{"name":"C","email":"c@x.example"}]}]`,
		"header:Subject":                           `" =?utf-8?q?caf=C3=A9?=\r\n and more"`,
		"header:List-POST:asURLs":                  `["mailto:jmap@ietf.org"]`,
		"header:List-Unsubscribe:asURLs":           `["https://www.ietf.org/mailman/options/jmap","mailto:jmap-request@ietf.org?subject=unsubscribe"]`,
		"header:Resent-Date:asDate":                `null`,
		"header:Date:asDate":                       `"2026-11-24T10:11:12+09:00"`,
		"header:References:asMessageIds":           `["minus@x.example","zero@x.example"]`,
		"tegami:listUnsubscribe":                   `{"oneClick":"https://www.ietf.org/mailman/options/jmap","mailto":"mailto:jmap-request@ietf.org?subject=unsubscribe","web":"https://www.ietf.org/mailman/options/jmap"}`,
		"header:Return-Path:all":                   `[" <jmap-bounces@ietf.org>"]`,
		"header:List-Unsubscribe-Post:asText":      `"List-Unsubscribe=One-Click"`,
		"header:Message-ID:asMessageIds:all":       `[["one@x.example"]]`,
		"header:X-Twice:asAddresses:all":           `[[{"name":null,"email":"first"}],[{"name":null,"email":"second"}]]`,
		"header:List-Unsubscribe-Post:asURLs":      `null`,
		"header:X-Twice:asDate:all":                `[null,null]`,
		"header:Content-Transfer-Encoding:asText":  `"8bit"`,
		"header:X-Twice:asMessageIds":              `null`,
		"header:To:asAddresses":                    `[{"name":"É","email":"a@x.example"},{"name":null,"email":"b@x.example"},{"name":"C","email":"c@x.example"}]`,
		"header:Sender:asGroupedAddresses":         `[{"name":null,"addresses":[{"name":"jmap","email":"jmap-bounces@ietf.org"}]}]`,
		"header:In-Reply-To:asMessageIds":          `["zero@x.example"]`,
		"header:Nothing-Of-It:asGroupedAddresses":  `null`,
		"header:Nothing-Of-It:asAddresses:all":     `[]`,
		"header:Nothing-Of-It:asMessageIds":        `null`,
		"header:Content-Type":                      `" text/plain; charset=utf-8"`,
		"header:List-Unsubscribe-Post:asAddresses": `[{"name":null,"email":"List-Unsubscribe=One-Click"}]`,
	}
	u.wants("header", u.get(id, nil, slices.Sorted(maps.Keys(want))...), want)

	var headers []struct{ Name, Value string }
	u.must(json.Unmarshal(u.get(id, nil, "headers")["headers"], &headers))
	if len(headers) < 16 || headers[0].Name != "Return-Path" || headers[0].Value != " <jmap-bounces@ietf.org>" {
		t.Errorf("headers %q", headers)
	}
	for _, wrong := range []string{"header:Subject:asAddresses", "header:From:asText", "header:From:asDate", "header:", "header:a b", "header:X:asNothing", "subjects", "header:Date:asURLs"} {
		u.refuses("Email/get", object{"ids": []jmap.Id{id}, "properties": []string{wrong}}, jmap.InvalidArguments)
	}
}

// TestEmailGetRow reads what a list shows, which opens no octets.
func TestEmailGetRow(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	id := u.keep(inbox, listMail, "$seen", "$flagged", "work")
	e := u.get(id, nil, "mailboxIds", "keywords", "size", "preview", "hasAttachment", "blobId")
	u.wants("row", e, map[string]string{
		"id": `"` + string(id) + `"`, "mailboxIds": `{"` + string(inbox) + `":true}`, "preview": `"Hello, this is the text."`, "hasAttachment": "false",
		"size": fmt.Sprint(len(strings.ReplaceAll(listMail, "\n", "\r\n"))), "blobId": `"b` + string(id)[1:] + `"`,
	})
	var words map[string]bool
	u.must(json.Unmarshal(e["keywords"], &words))
	if !maps.Equal(words, map[string]bool{"$seen": true, "$flagged": true, "work": true}) {
		t.Errorf("keywords %v", words)
	}
	var out jmap.GetOut
	u.call("Email/get", object{"ids": []string{"e0000000000002", "x", string(id), string(id)}, "properties": []string{"id"}}, &out)
	if len(out.List) != 1 || len(out.NotFound) != 2 {
		t.Errorf("%d emails, not found %v", len(out.List), out.NotFound)
	}
}

// TestEmailGetRepeated: where a field stands twice the last one counts, as RFC 8621 §4.1.3 has it and an envelope of IMAP has not.
func TestEmailGetRepeated(t *testing.T) {
	u := one(t)
	id := u.keep(u.role("inbox"), "From: a@x.example\nFrom: b@x.example\nSubject: one\nSubject: two\nTo:\n\nText\n")
	u.wants("repeated", u.get(id, nil, "from", "subject", "to", "cc", "preview"), map[string]string{
		"from": `[{"name":null,"email":"b@x.example"}]`, "subject": `"two"`, "to": `[]`, "cc": `null`, "preview": `"Text"`,
	})
}

const mixedMail = `From: a@x.example
Subject: parts
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8

Plain text
--a
Content-Type: text/html; charset=utf-8
Content-Language: en, ja
Content-Location: http://x.example/
 page

<p>HTML <img src="cid:pic@x"><img src="http://x.example/track.png"><script>alert(1)</script></p>
--a--
--m
Content-Type: image/gif; name=pic.gif
Content-Disposition: inline
Content-ID: <pic@x>
Content-Transfer-Encoding: base64

R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7
--m
Content-Type: message/rfc822
Content-Disposition: attachment; filename="inner.eml"

From: inner@x.example
Subject: inner
Content-Type: multipart/mixed; boundary=i

--i

Inner text
--i
Content-Type: application/pdf; name=x.pdf
Content-Transfer-Encoding: base64

JVBERi0=
--i--
--m--
`

// TestEmailGetBodies reads structure, bodies and values (RFC 8621 §4.1.4), and messages within the message.
func TestEmailGetBodies(t *testing.T) {
	u := one(t)
	id := u.keep(u.role("inbox"), mixedMail)
	blob := "b" + string(id)[1:]
	e := u.get(id, object{"bodyProperties": []string{"partId", "blobId", "type", "size", "name", "cid", "disposition", "charset", "language", "location"}, "fetchAllBodyValues": true},
		"textBody", "htmlBody", "attachments", "bodyValues", "hasAttachment")
	plain := `{"blobId":"` + blob + `-1_1","charset":"utf-8","cid":null,"disposition":null,"language":null,"location":null,"name":null,"partId":"1.1","size":10,"type":"text/plain"}`
	u.wants("bodies", e, map[string]string{
		"textBody": `[` + plain + `,{"blobId":"` + blob + `-2","charset":null,"cid":"pic@x","disposition":"inline","language":null,"location":null,"name":"pic.gif","partId":"2","size":42,"type":"image/gif"}]`,
		"bodyValues": `{"1.1":{"value":"Plain text","isEncodingProblem":false,"isTruncated":false},` +
			`"1.2":{"value":"<p>HTML <img src=\"cid:pic@x\"><img src=\"http://x.example/track.png\"><script>alert(1)</script></p>","isEncodingProblem":false,"isTruncated":false}}`,
		"hasAttachment": "true",
	})
	var html, attached []map[string]any
	u.must(json.Unmarshal(e["htmlBody"], &html))
	u.must(json.Unmarshal(e["attachments"], &attached))
	if len(html) != 2 || html[0]["location"] != "http://x.example/page" || fmt.Sprint(html[0]["language"]) != "[en ja]" {
		t.Errorf("HTML %v", html)
	}
	if len(attached) != 1 || attached[0]["name"] != "inner.eml" || attached[0]["type"] != "message/rfc822" {
		t.Errorf("attachments %v", attached)
	}

	structure := u.get(id, object{"bodyProperties": []string{"type"}}, "bodyStructure")
	u.wants("structure", structure, map[string]string{"bodyStructure": `{"type":"multipart/mixed","subParts":[{"type":"multipart/alternative","subParts":[{"type":"text/plain"},{"type":"text/html"}]},{"type":"image/gif"},{"type":"message/rfc822"}]}`})

	var parsed struct {
		Parsed                map[jmap.Id]email
		NotFound, NotParsable []jmap.Id
	}
	inner := jmap.Id(blob + "-3")
	u.call("Email/parse", object{"blobIds": []jmap.Id{inner, jmap.Id(blob + "-9"), "bx", jmap.Id(blob + "-2")}, "fetchAllBodyValues": true}, &parsed)
	u.wants("parsed", parsed.Parsed[inner], map[string]string{"subject": `"inner"`, "preview": `"Inner text"`,
		"bodyValues": `{"1":{"value":"Inner text","isEncodingProblem":false,"isTruncated":false}}`, "hasAttachment": "true"})
	if len(parsed.NotFound) != 2 || len(parsed.NotParsable) != 1 || len(parsed.Parsed) != 1 {
		t.Errorf("not found %v, not parsable %v", parsed.NotFound, parsed.NotParsable)
	}
	if !strings.Contains(string(parsed.Parsed[inner]["attachments"]), string(inner)+"-2") {
		t.Errorf("attachments of the inner message: %s", parsed.Parsed[inner]["attachments"])
	}
	u.call("Email/parse", object{"blobIds": []jmap.Id{inner}, "properties": []string{"id", "keywords", "mailboxIds", "blobId", "threadId"}}, &parsed)
	u.wants("parsed", parsed.Parsed[inner], map[string]string{"id": "null", "keywords": "null", "mailboxIds": "null", "threadId": "null", "blobId": `"` + string(inner) + `"`})
}

// TestEmailGetSanitised: HTML comes fit to be shown, with the pictures that lie in the message, and says what was left out.
func TestEmailGetSanitised(t *testing.T) {
	u := one(t)
	id := u.keep(u.role("inbox"), mixedMail)
	var values map[string]struct {
		Value           string
		BlockedPictures int
	}
	e := u.get(id, object{"fetchHTMLBodyValues": true, "sanitizeHTMLBodyValues": true}, "bodyValues")
	u.must(json.Unmarshal(e["bodyValues"], &values))
	v := values["1.2"]
	if v.BlockedPictures != 1 || strings.Contains(v.Value, "script") || strings.Contains(v.Value, "track") ||
		!strings.Contains(v.Value, "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7") {
		t.Errorf("sanitised: %+v", v)
	}
	u.using = []string{jmap.Core, jmap.Mail}
	u.refuses("Email/get", object{"ids": []jmap.Id{id}, "sanitizeHTMLBodyValues": true}, jmap.InvalidArguments)
}

// TestEmailGetTruncated cuts values (RFC 8621 §4.2 maxBodyValueBytes).
func TestEmailGetTruncated(t *testing.T) {
	u := one(t)
	id := u.keep(u.role("inbox"), "Content-Type: text/plain; charset=utf-8\n\n日本語\n")
	e := u.get(id, object{"fetchTextBodyValues": true, "maxBodyValueBytes": 7}, "bodyValues")
	u.wants("truncated", e, map[string]string{"bodyValues": `{"1":{"value":"日本","isEncodingProblem":false,"isTruncated":true}}`})
	u.refuses("Email/get", object{"ids": []jmap.Id{id}, "maxBodyValueBytes": -1}, jmap.InvalidArguments)
}

// TestEmailGetJapanese: ISO-2022-JP in header and body, and the name of an attachment in CP932 as it stands.
func TestEmailGetJapanese(t *testing.T) {
	jis := func(s string) string {
		out, err := japanese.ISO2022JP.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	name, err := japanese.ShiftJIS.NewEncoder().String("見積書①.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	u := one(t)
	id := u.keep(u.role("inbox"), "From: =?ISO-2022-JP?B?GyRCOjRGIxsoQg==?= <sato@x.example>\nSubject: "+jis("お見積りの件")+"\nContent-Type: multipart/mixed; boundary=b\n\n"+
		"--b\nContent-Type: text/plain; charset=ISO-2022-JP\n\n"+jis("お世話になっております。")+"\n"+
		"--b\nContent-Type: application/octet-stream; name=\""+name+"\"\nContent-Disposition: attachment; filename=\""+name+"\"\n\nx\n--b--\n")
	e := u.get(id, object{"fetchTextBodyValues": true, "bodyProperties": []string{"name"}}, "from", "subject", "preview", "bodyValues", "attachments")
	u.wants("Japanese", e, map[string]string{
		"from": `[{"name":"佐藤","email":"sato@x.example"}]`, "subject": `"お見積りの件"`, "preview": `"お世話になっております。"`,
		"bodyValues":  `{"1":{"value":"お世話になっております。","isEncodingProblem":false,"isTruncated":false}}`,
		"attachments": `[{"name":"見積書①.xlsx"}]`,
	})
}

// allProperties are all there are, with a header field in each form.
var allProperties = []string{
	"id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "headers",
	"messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt",
	"bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments", "hasAttachment", "preview", "tegami:listUnsubscribe",
	"header:X-Any:asRaw:all", "header:X-Any:asText:all", "header:Received:all", "header:To:asGroupedAddresses:all", "header:Date:asDate:all",
	"header:List-Unsubscribe:asURLs:all", "header:X-Any:asMessageIds:all", "header:Subject:asText:all",
}

// TestArchivesEmailGet reads all mail of the archives with all properties.
func TestArchivesEmailGet(t *testing.T) {
	for _, archive := range []string{
		"mime-cyrus", "mime-enmime", "mime-gmime", "mime-mailparser-stalwart", "mime-mimekit", "mime-python", "mime-rspamd", "mime-rubymail", "mime-tika",
		"mox-messages", "spam-gtube", "mailauth-stalwart",
	} {
		t.Run(archive, func(t *testing.T) {
			dir := archives.Unpack(t, archive)
			u := one(t)
			inbox, n := u.role("inbox"), 0
			var batch []jmap.Id
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				raw, err := os.ReadFile(path)
				if err != nil || len(raw) == 0 || n == maxArchived {
					return err
				}
				n++
				if batch = append(batch, u.keep(inbox, string(raw))); len(batch) == 20 {
					u.readAll(batch)
					batch = nil
				}
				return nil
			})
			u.must(err)
			u.readAll(batch)
			if n == 0 {
				t.Error("the archive is empty")
			}
		})
	}
}

// maxArchived is how many messages of an archive are read.
const maxArchived = 400

// readAll reads emails with all properties, and holds what a list shows of them against what their octets say.
func (u *user) readAll(batch []jmap.Id) {
	u.Helper()
	if len(batch) == 0 {
		return
	}
	var whole, list, parsed struct {
		List     []email
		Parsed   map[jmap.Id]email
		NotFound []jmap.Id
	}
	text := u.call("Email/get", object{"ids": batch, "properties": allProperties, "fetchAllBodyValues": true, "maxBodyValueBytes": 100_000,
		"bodyProperties": []string{"partId", "blobId", "size", "headers", "name", "type", "charset", "disposition", "cid", "language", "location", "subParts", "header:Content-Type"}}, &whole)
	if !utf8.Valid(text) || jmap.Check(text) != nil {
		u.Errorf("the answer is no I-JSON: %v", jmap.Check(text))
	}
	convenient := []string{"from", "sender", "to", "cc", "bcc", "replyTo", "subject", "sentAt", "messageId", "inReplyTo", "references", "hasAttachment", "preview"}
	u.call("Email/get", object{"ids": batch, "properties": convenient}, &list)
	if len(whole.List) != len(batch) || len(list.List) != len(batch) {
		u.Fatalf("%d and %d of %d emails", len(whole.List), len(list.List), len(batch))
	}
	u.call("Email/get", object{"ids": batch, "fetchHTMLBodyValues": true, "sanitizeHTMLBodyValues": true}, nil)
	for i, e := range whole.List {
		for _, name := range convenient {
			if string(e[name]) != string(list.List[i][name]) {
				u.Errorf("%s: %s is %s in a list and %s in full", batch[i], name, list.List[i][name], e[name])
			}
		}
		blob := jmap.Id("b") + batch[i][1:]
		u.call("Email/parse", object{"blobIds": []jmap.Id{blob}, "properties": convenient}, &parsed)
		for _, name := range convenient {
			if p := parsed.Parsed[blob]; p != nil && string(p[name]) != string(e[name]) {
				u.Errorf("%s: %s is %s when parsed and %s as kept", batch[i], name, p[name], e[name])
			}
		}
	}
}
