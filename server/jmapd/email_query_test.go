package jmapd_test

import (
	"slices"
	"strings"
	"testing"

	"tegami/wire/jmap"
)

// queried is the answer to Email/query.
type queried struct {
	jmap.QueryOut
	CollapseThreads *bool
}

// query asks for emails.
func (u *user) query(args object) (out queried) {
	u.Helper()
	u.call("Email/query", args, &out)
	return out
}

// queryMails are put into a new account for tests of queries: a, b, c and d are in the inbox, e in the archive; a, c and e are one thread.
func queryMails(u *user) map[string]jmap.Id {
	inbox, archive := u.role("inbox"), u.role("archive")
	mail := func(id, reply, from, subject, date, body string) string {
		return "Message-ID: <" + id + "@x>\n" + reply + "From: " + from + "\nTo: to-" + id + "@x.example\nSubject: " + subject + "\nDate: " + date + "\n" + body
	}
	re := "In-Reply-To: <a@x>\nReferences: <a@x>\n"
	text := "Content-Type: text/plain; charset=utf-8\n\n"
	return map[string]jmap.Id{
		"a": u.keep(inbox, mail("a", "", "Zoe <zoe@x.example>", "見積もりの件", "Mon, 02 Nov 2026 10:00:00 +0900", text+"社外\n秘の資料です。\n"), "$seen"),
		"b": u.keep(inbox, mail("b", "", "anna@x.example", "Quick brown fox", "Sun, 01 Nov 2026 10:00:00 +0900", text+"jumps over the \"lazy dog\" today\n"), "$flagged"),
		"c": u.keep(inbox, mail("c", re, "sato@alpha.example", "Re: 見積もりの件", "Tue, 03 Nov 2026 10:00:00 +0900", text+"了解です。\n")),
		"d": u.keep(inbox, mail("d", "", "bob@x.example", "with a file", "Wed, 04 Nov 2026 10:00:00 +0900",
			"X-Tag: alpha beta\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nlazy brown cat\n--b\nContent-Type: application/pdf; name=x.pdf\n\nx\n--b--\n")),
		"e": u.keep(archive, mail("e", re, "carol@x.example", "RE: 見積もりの件", "Thu, 05 Nov 2026 10:00:00 +0900", text+strings.Repeat("long ", 500)+"\n"), "$flagged", "$seen"),
	}
}

// names gives the names of emails, in their order.
func names(all map[string]jmap.Id, ids []jmap.Id) string {
	var b strings.Builder
	for _, id := range ids {
		name := "?"
		for n, have := range all {
			if have == id {
				name = n
			}
		}
		b.WriteString(name)
	}
	return b.String()
}

// TestEmailQuery holds filters and orders against RFC 8621 §4.4.
func TestEmailQuery(t *testing.T) {
	u := one(t)
	all := queryMails(u)
	inbox, archive := u.role("inbox"), u.role("archive")
	bySent := []object{{"property": "sentAt"}}
	for _, c := range []struct {
		name   string
		filter any
		want   string
	}{
		{"all", nil, "bacde"},
		{"nothing asked", object{}, "bacde"},
		{"a mailbox", object{"inMailbox": inbox}, "bacd"},
		{"other mailboxes", object{"inMailboxOtherThan": []jmap.Id{inbox}}, "e"},
		{"an unknown mailbox", object{"inMailbox": "m0000000000002"}, ""},
		{"no mailbox at all", object{"inMailbox": "x"}, ""},
		{"not one there is not", object{"inMailboxOtherThan": []jmap.Id{"x", archive}}, "bacd"},
		{"a keyword", object{"hasKeyword": "$Flagged"}, "be"},
		{"no keyword", object{"notKeyword": "$seen"}, "bcd"},
		{"all in thread", object{"allInThreadHaveKeyword": "$flagged"}, "b"},
		{"some in thread", object{"someInThreadHaveKeyword": "$flagged"}, "bace"},
		{"none in thread", object{"noneInThreadHaveKeyword": "$flagged"}, "d"},
		{"attachments", object{"hasAttachment": true}, "d"},
		{"no attachments", object{"hasAttachment": false}, "bace"},
		{"sizes", object{"minSize": 2000}, "e"},
		{"smaller", object{"maxSize": 2000}, "bacd"},
		{"smaller than nothing", object{"maxSize": 0}, ""},
		{"later", object{"after": "2000-01-01T00:00:00Z", "before": "2100-01-01T00:00:00Z"}, "bacde"},
		{"earlier", object{"before": "2000-01-01T00:00:00Z"}, ""},
		{"text", object{"text": "brown"}, "bd"},
		{"two words anywhere", object{"text": "lazy brown"}, "bd"},
		{"a phrase", object{"text": `"lazy brown"`}, "d"},
		{"a phrase and a word", object{"text": `"lazy dog" quick`}, "b"},
		{"an apostrophe", object{"text": "dog's"}, ""},
		{"Japanese over a line end", object{"body": "社外秘"}, "a"},
		{"Japanese in a subject", object{"subject": "見積"}, "ace"},
		{"from", object{"from": "zoe"}, "a"},
		{"to", object{"to": "to-b"}, "b"},
		{"a header", object{"header": []string{"x-tag"}}, "d"},
		{"a header's value", object{"header": []string{"X-Tag", "BETA"}}, "d"},
		{"another value", object{"header": []string{"X-Tag", "gamma"}}, ""},
		{"and", object{"operator": "AND", "conditions": []object{{"inMailbox": inbox}, {"hasKeyword": "$seen"}}}, "a"},
		{"or", object{"operator": "OR", "conditions": []object{{"inMailbox": archive}, {"text": "fox"}}}, "be"},
		{"not", object{"operator": "NOT", "conditions": []object{{"inMailbox": archive}, {"text": "fox"}}}, "acd"},
	} {
		got := u.query(object{"filter": c.filter, "sort": bySent, "calculateTotal": true})
		if names(all, got.IDs) != c.want || *got.Total != len(c.want) {
			t.Errorf("%s: %s of %d, want %s", c.name, names(all, got.IDs), *got.Total, c.want)
		}
	}
	for _, c := range []struct {
		sort string
		want string
	}{
		{"sentAt", "bacde"}, {"-sentAt", "edcab"}, {"size", ""}, {"from", "bdeca"}, {"to", "abcde"},
		{"hasKeyword $flagged,sentAt", "acdbe"}, {"-hasKeyword $flagged,sentAt", "beacd"}, {"allInThreadHaveKeyword $flagged,sentAt", "acdeb"},
		{"someInThreadHaveKeyword $flagged,sentAt", "dbace"}, {"subject,sentAt", "bdace"},
	} {
		var sort []object
		for by := range strings.SplitSeq(c.sort, ",") {
			name, keyword, _ := strings.Cut(by, " ")
			property, down := strings.CutPrefix(name, "-")
			s := object{"property": property, "isAscending": !down}
			if keyword != "" {
				s["keyword"] = keyword
			}
			sort = append(sort, s)
		}
		got := names(all, u.query(object{"sort": sort}).IDs)
		if c.want != "" && got != c.want || len(got) != 5 {
			t.Errorf("sorted by %s: %s, want %s", c.sort, got, c.want)
		}
	}
}

// TestEmailQueryWindow: position, anchor, limit and collapsed threads (RFC 8620 §5.5, RFC 8621 §4.4.3).
func TestEmailQueryWindow(t *testing.T) {
	u := one(t)
	all := queryMails(u)
	for _, c := range []struct {
		args     object
		want     string
		position int
	}{
		{object{"limit": 2}, "ba", 0},
		{object{"position": 3}, "de", 3},
		{object{"position": -2}, "de", 3},
		{object{"position": -99, "limit": 1}, "b", 0},
		{object{"position": 99}, "", 99},
		{object{"anchor": all["c"], "limit": 2}, "cd", 2},
		{object{"anchor": all["c"], "anchorOffset": -1, "limit": 2}, "ac", 1},
		{object{"anchor": all["c"], "anchorOffset": -9, "limit": 2}, "ba", 0},
		{object{"anchor": all["c"], "anchorOffset": 1, "position": 1}, "de", 3},
		{object{"limit": 0}, "", 0},
		{object{"collapseThreads": true}, "bad", 0},
		{object{"collapseThreads": true, "anchor": all["d"], "anchorOffset": -1}, "ad", 1},
	} {
		c.args["sort"], c.args["calculateTotal"] = []object{{"property": "sentAt"}}, true
		got := u.query(c.args)
		total := 5
		if got.CollapseThreads != nil && *got.CollapseThreads {
			total = 3
		}
		if names(all, got.IDs) != c.want || c.want != "" && got.Position != c.position || *got.Total != total {
			t.Errorf("%v: %s at %d of %d, want %s at %d of %d", c.args, names(all, got.IDs), got.Position, *got.Total, c.want, c.position, total)
		}
	}
	u.refuses("Email/query", object{"anchor": "e0000000000002"}, jmap.AnchorNotFound)
	u.refuses("Email/query", object{"limit": -1}, jmap.InvalidArguments)
	u.refuses("Email/query", object{"sort": []object{{"property": "nothing"}}}, jmap.UnsupportedSort)
	u.refuses("Email/query", object{"sort": []object{{"property": "hasKeyword"}}}, jmap.InvalidArguments)
	u.refuses("Email/query", object{"sort": []object{{"property": "subject", "collation": "i;nothing"}}}, jmap.UnsupportedSort)
	u.refuses("Email/query", object{"filter": object{"nothing": 1}}, jmap.UnsupportedFilter)
	u.refuses("Email/query", object{"filter": object{"inMailbox": "#x"}}, jmap.InvalidArguments)
	u.refuses("Email/query", object{"filter": object{"header": []string{"a b"}}}, jmap.InvalidArguments)
	u.refuses("Email/query", object{"filter": object{"text": strings.Repeat("x", 1001)}}, jmap.UnsupportedFilter)
}

// TestEmailQueryChanges brings a client's list up to date (RFC 8620 §5.6).
func TestEmailQueryChanges(t *testing.T) {
	u := one(t)
	all := queryMails(u)
	inbox := u.role("inbox")
	q := object{"filter": object{"inMailbox": inbox}, "sort": []object{{"property": "receivedAt", "isAscending": false}}}
	before := u.query(q)
	if !before.CanCalculateChanges {
		t.Error("changes of a plain list can't be told")
	}
	added := u.keep(inbox, listMail)
	u.set("Email/set", object{"destroy": []jmap.Id{all["a"]}, "update": object{string(all["b"]): object{"mailboxIds": set(u.role("trash"))}}})
	after := u.query(q)
	q["sinceQueryState"], q["calculateTotal"] = before.QueryState, true
	var out jmap.QueryChangesOut
	u.call("Email/queryChanges", q, &out)
	list := slices.DeleteFunc(slices.Clone(before.IDs), func(id jmap.Id) bool { return slices.Contains(out.Removed, id) })
	for _, a := range out.Added {
		list = slices.Insert(list, min(a.Index, len(list)), a.ID)
	}
	if !slices.Equal(list, after.IDs) || *out.Total != 3 || out.NewQueryState != after.QueryState || !slices.Contains(list, added) {
		t.Errorf("%+v leads to %v, want %v", out, list, after.IDs)
	}
	q["sinceQueryState"] = "nonsense"
	u.refuses("Email/queryChanges", q, jmap.CannotCalculateChanges)
	q["sinceQueryState"], q["maxChanges"] = before.QueryState, 1
	u.refuses("Email/queryChanges", q, jmap.TooManyChanges)
}

// TestSearchSnippet marks what was searched in subject and text (RFC 8621 §5).
func TestSearchSnippet(t *testing.T) {
	u := one(t)
	all := queryMails(u)
	var out struct {
		List []struct {
			EmailID          jmap.Id
			Subject, Preview *string
		}
		NotFound []jmap.Id
	}
	said := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	for _, c := range []struct {
		filter           object
		of               string
		subject, preview string
	}{
		{object{"text": "quick DOG"}, "b", "<mark>Quick</mark> brown fox", "jumps over the &quot;lazy <mark>dog</mark>&quot; today"},
		{object{"text": `"lazy dog"`}, "b", "null", "jumps over the &quot;<mark>lazy dog</mark>&quot; today"},
		{object{"body": "社外秘"}, "a", "null", "<mark>社外 秘</mark>の資料です。"},
		{object{"subject": "見積"}, "c", "Re: <mark>見積</mark>もりの件", "null"},
		{object{"inMailbox": u.role("inbox")}, "a", "null", "null"},
		{object{"operator": "AND", "conditions": []object{{"text": "fox"}, {"operator": "NOT", "conditions": []object{{"text": "brown"}}}}}, "b", "Quick brown <mark>fox</mark>", "null"},
	} {
		u.call("SearchSnippet/get", object{"filter": c.filter, "emailIds": []jmap.Id{all[c.of], "e0000000000002"}}, &out)
		if len(out.List) != 1 || len(out.NotFound) != 1 {
			t.Fatalf("%v: %+v", c.filter, out)
		}
		if s := out.List[0]; s.EmailID != all[c.of] || said(s.Subject) != c.subject || said(s.Preview) != c.preview {
			t.Errorf("%v: %s and %s", c.filter, said(s.Subject), said(s.Preview))
		}
	}
}
