package jmapd_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// different is how many messages of a large account are different; all others are copies of them.
const different = 1000

// benchMail is the n-th of them: replies in plain text, letters from Japan, newsletters in HTML, some with an attachment.
func benchMail(n int) string {
	head := fmt.Sprintf("Received: from mx.sender.example by mx1.tegami.example with ESMTPS id %d; Mon, 23 Nov 2026 10:00:00 +0900\n"+
		"From: =?UTF-8?B?5bGx55SwIOWkqumDjg==?= <taro%d@sender.example>\nTo: Hanako Suzuki <hanako@tenant.example>, sato@alpha.example\n"+
		"Subject: =?ISO-2022-JP?B?GyRCMnE1RCRONUQ7dk8/JHIkKkF3JGokNyReJDkbKEI=?= %d\nDate: Mon, 23 Nov 2026 09:59:58 +0900\n"+
		"Message-ID: <%d.0A1B2C@sender.example>\nMIME-Version: 1.0\n", n, n%50, n, n)
	text := strings.Repeat("お世話になっております。山田です。先日の会議の議事録をお送りしますので、ご確認をお願いいたします。\n", 20)
	switch n % 4 {
	case 0:
		return head + "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + text
	case 1:
		return head + "Content-Type: text/html; charset=utf-8\n\n<html><head><style>" + strings.Repeat(".a{color:#333}\n", 300) + "</style></head><body><table>" +
			strings.Repeat("<tr><td style=\"padding:4px\">News <b>of</b> the week</td></tr>\n", 100) + "</table></body></html>\n"
	case 2:
		return head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n" + text +
			"--b\nContent-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n" +
			strings.Repeat(base64.StdEncoding.EncodeToString(make([]byte, 57))+"\n", 400) + "--b--\n"
	}
	return head + "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nShort answer.\n--b\nContent-Type: text/html\n\n<p>Short answer.</p>\n--b--\n"
}

// fill puts n messages into a mailbox.
func (u *user) fill(box jmap.Id, n int) {
	u.Helper()
	ctx := u.Context()
	tenant := u.store.Tenant(u.who.Tenant())
	var into mail.MailboxID
	u.must(into.UnmarshalText([]byte(box[1:])))
	var blobs []mail.BlobRef
	for from := 0; from < different; from += 100 {
		var staged []store.Staged
		var index [][]byte
		for i := from; i < from+100; i++ {
			raw := strings.ReplaceAll(benchMail(i), "\n", "\r\n")
			s, err := tenant.Blobs().Stage(ctx, int64(len(raw)))
			u.must(err)
			_, err = s.Write([]byte(raw))
			u.must(err)
			u.must(s.Seal(ctx))
			staged, index = append(staged, s), append(index, mime.ParseChunks(s.Chunks(), mime.Limits{}).Encode(nil))
		}
		u.must(tenant.Update(ctx, u.who.Actor(), "test.fill", func(tx store.Tx) error {
			for i, s := range staged {
				ref, err := tx.Keep(s, index[i])
				if err != nil {
					return err
				}
				blobs = append(blobs, ref)
				if _, err := tx.AddMessage(store.NewMessage{Mailbox: into, Blob: ref, Thread: mail.ThreadID(tx.NextID())}); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, s := range staged {
			s.Release()
		}
	}
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for from := different; from < n; from += 5000 {
		u.must(tenant.Update(ctx, u.who.Actor(), "test.fill", func(tx store.Tx) error {
			var thread mail.ThreadID
			for i := from; i < min(n, from+5000); i++ {
				if i%3 == 0 || thread == 0 {
					thread = mail.ThreadID(tx.NextID())
				}
				m := store.NewMessage{Mailbox: into, Blob: blobs[i*7%len(blobs)], Thread: thread, Received: begin.Add(time.Duration(i) * time.Minute)}
				if i%5 != 0 {
					m.Flags = mail.Seen
				}
				if _, err := tx.AddMessage(m); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// ask answers a request as it comes over the line, and gives the answer's octets.
func (u *user) ask(text []byte) []byte {
	u.Helper()
	q, err := jmap.ParseRequest(text, jmap.Limits{Size: 1 << 20, Calls: 16})
	u.must(err)
	r, err := u.Do(u.Context(), u.who, i18n.English, q)
	u.must(err)
	out, err := r.Append(nil)
	u.must(err)
	if strings.Contains(string(out[:min(len(out), 200)]), `["error"`) {
		u.Fatalf("%s", out)
	}
	return out
}

// listCall is what a page asks for to show fifty rows of a mailbox.
const listCall = `{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[
["Email/query",{"accountId":%q,"filter":{"inMailbox":%q},"sort":[{"property":"receivedAt","isAscending":false}],"position":%d,"limit":50,"collapseThreads":%v,"calculateTotal":true},"0"],
["Email/get",{"accountId":%q,"#ids":{"resultOf":"0","name":"Email/query","path":"/ids"},"properties":["id","threadId","mailboxIds","keywords","size","receivedAt","from","to","subject","preview","hasAttachment"]},"1"]]}`

// BenchmarkList is the first page of a mailbox of 100,000 messages: Email/query and Email/get of fifty rows.
func BenchmarkList(b *testing.B) {
	u := one(b)
	inbox := u.role("inbox")
	large := u.keep(inbox, strings.Replace(benchMail(2), "--b--", "--b\nContent-Type: application/zip; name=b.zip\nContent-Transfer-Encoding: base64\n\n"+
		strings.Repeat(base64.StdEncoding.EncodeToString(make([]byte, 57))+"\n", 10<<20/57)+"--b--", 1))
	u.fill(inbox, 100_000)
	for _, c := range []struct {
		name     string
		position int
		collapse bool
	}{{"first", 0, false}, {"middle", 50_000, false}, {"threads", 0, true}} {
		text := fmt.Appendf(nil, listCall, u.id, inbox, c.position, c.collapse, u.id)
		u.ask(text) // what all sessions of the account share is in memory
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var n int
			for b.Loop() {
				n = len(u.ask(text))
			}
			b.ReportMetric(float64(n), "octets")
		})
	}
	for name, id := range map[string]jmap.Id{"open": u.query(object{"filter": object{"hasAttachment": true}, "limit": 1, "position": 1000}).IDs[0], "open14MB": large} {
		text := fmt.Appendf(nil, `{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail","urn:tegami:params:jmap:mail"],"methodCalls":[["Email/get",{"accountId":%q,"ids":[%q],`+
			`"fetchTextBodyValues":true,"fetchHTMLBodyValues":true,"sanitizeHTMLBodyValues":true},"0"]]}`, u.id, id)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				u.ask(text)
			}
		})
	}
}
