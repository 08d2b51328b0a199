package mailbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
)

// register gives the newest picture.
func (h *house) register(p *mailbox.Post) *mailbox.Register {
	h.Helper()
	r, err := p.Register(h.Context())
	h.must(err)
	return r
}

// boxAt gives the mailbox at a path.
func (h *house) boxAt(p *mailbox.Post, path string) mailbox.Box {
	h.Helper()
	for _, b := range h.register(p).Mailboxes() {
		if b.Path == path {
			return b
		}
	}
	h.Fatalf("no mailbox %q", path)
	return mailbox.Box{}
}

// add puts a message into a mailbox.
func (h *house) add(p *mailbox.Post, a *mailbox.Account, path, text string, keywords ...string) mailbox.Message {
	h.Helper()
	m, _, err := p.AddEmail(h.Context(), mailbox.NewEmail{Upload: h.upload(a, text), Mailbox: h.boxAt(p, path).ID, Keywords: keywords})
	h.must(err)
	return m
}

// reply is a message with an id, and one it answers.
func reply(id, to, subject string) string {
	head := "Message-ID: <" + id + "@x>\r\n"
	if to != "" {
		head += "In-Reply-To: <" + to + "@x>\r\n"
	}
	return head + letter(subject)
}

// Messages that refer to each other under one subject are a thread (RFC 8621 §3), however they came and whoever asks first.
func TestThreads(t *testing.T) {
	h, a := one(t)
	p, ctx := a.Post(), t.Context()
	thread := map[string]mail.ThreadID{}
	put := func(name, text string) {
		_, err := a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: h.upload(a, text)}})
		h.must(err)
		r := h.register(p)
		found, err := r.Query(ctx, mailbox.Query{})
		h.must(err)
		for _, id := range found.IDs {
			row, _ := r.Email(id)
			if row.UID == mail.UID(len(thread)+1) {
				thread[name] = row.Thread
			}
		}
	}
	put("plan", reply("1", "", "Plan"))
	put("answer", reply("2", "1", "Re: plan"))
	put("forward", reply("3", "2", "Fwd: [list] PLAN"))
	put("other subject", reply("4", "1", "Something else"))
	put("later", "References: <0@x> <1@x> <9@x>\r\n"+reply("5", "9", "Re: Plan"))
	put("through one that is not here", reply("6", "9", "Re: Re: Plan"))
	put("no ids", letter("Plan"))
	put("no ids either", letter("Plan"))
	put("the same once more", reply("1", "", "Plan"))
	put("white space", reply("7", "1", "Re:  P l\tan"))
	for _, name := range []string{"answer", "forward", "later", "through one that is not here", "the same once more", "white space"} {
		if thread[name] != thread["plan"] {
			t.Errorf("%q is in a thread of its own", name)
		}
	}
	for i, name := range []string{"other subject", "no ids", "no ids either"} {
		for _, other := range []string{"plan", "other subject", "no ids"}[:i+1] {
			if name != other && thread[name] == thread[other] {
				t.Errorf("%q is in the thread of %q", name, other)
			}
		}
	}
	h.equal("in the thread", len(h.register(p).Thread(thread["plan"])), 7)
}

// Threads are found behind the delivery, with the full-text index; who asks before gets the same.
func TestThreadsBehindDelivery(t *testing.T) {
	h, a := one(t)
	id := a.Identity()
	for i := range 5 {
		_, err := a.Append(t.Context(), "INBOX", []mailbox.Appended{{Upload: h.upload(a, reply(fmt.Sprint(i), fmt.Sprint(i/2), "x"))}})
		h.must(err)
	}
	v := h.selectBox(a, "INBOX")
	threads := func() (list []mail.ThreadID) {
		h.must(v.Fetch(t.Context(), seqs(1, 5), 0, func(_ uint32, m *mailbox.Message) error {
			list = append(list, m.Thread)
			return nil
		}))
		return list
	}
	h.must(v.GiveThreads(t.Context(), seqs(2, 2)))
	early := threads()
	if early[0] != 0 || early[1] == 0 {
		t.Errorf("threads %v, only of the second was asked", early)
	}
	_, err := h.boxes.IndexNow(t.Context(), id.Tenant(), id.Account().ID)
	h.must(err)
	list := threads()
	for _, thread := range list {
		if thread != early[1] {
			t.Errorf("threads %v; the second was told as %v", list, early[1])
		}
	}
}

// A message is moved, flagged and destroyed by its id; what can't be done keeps nothing else from being done.
func TestEmailWrites(t *testing.T) {
	h, a := one(t)
	p, ctx := a.Post(), t.Context()
	m := h.add(p, a, "INBOX", letter("one"), "$Seen", "Work")
	other := h.add(p, a, "INBOX", letter("two"))
	r := h.register(p)
	h.equal("keywords", r.Keywords(m.Flags), "[$seen work]")
	archive := h.boxAt(p, "Archive").ID
	w, err := p.ChangeEmails(ctx, []mailbox.EmailChange{
		{ID: m.ID, Keywords: map[string]bool{"$flagged": true}, Replace: true, Mailbox: archive},
		{ID: 4711, Keywords: map[string]bool{"$seen": true}},
		{ID: other.ID, Keywords: map[string]bool{"a b": true}},
		{ID: other.ID, Keywords: map[string]bool{"$deleted": true}},
		{ID: other.ID, Keywords: map[string]bool{"$seen": true}, Mailbox: 4711},
		{ID: other.ID, Keywords: map[string]bool{"never": false}},
	})
	h.must(err)
	h.equal("errors", len(w.Errs), 6)
	h.must(w.Errs[0])
	h.refused(w.Errs[1], mail.NotFound, "message.unknown")
	h.refused(w.Errs[2], mail.Invalid, "flag.unknown")
	h.refused(w.Errs[3], mail.Invalid, "flag.unknown")
	h.refused(w.Errs[4], mail.NotFound, "mailbox.unknown")
	h.must(w.Errs[5])
	h.equal("state before", w.Before, r.State())
	r = h.register(p)
	h.equal("state after", w.After, r.State())
	row, _ := r.Email(m.ID)
	h.equal("moved", row.Mailbox, archive)
	h.equal("keywords", r.Keywords(row.Flags), "[$flagged]")
	row, _ = r.Email(other.ID)
	h.equal("untouched", row.Flags, mail.Flags(0))

	w, err = p.DestroyEmails(ctx, []mail.EmailID{m.ID, 4711, m.ID})
	h.must(err)
	h.must(w.Errs[0])
	h.refused(w.Errs[1], mail.NotFound, "message.unknown")
	h.refused(w.Errs[2], mail.NotFound, "message.unknown")
	h.equal("left", h.register(p).Emails(), 1)
	_, err = p.DestroyEmails(ctx, make([]mail.EmailID, mailbox.MaxWrites+1))
	h.refused(err, mail.Full, "message.too_many")
}

// What JMAP puts into a mailbox counts on the quota (SV-5).
func TestSV5AddEmail(t *testing.T) {
	h, a := one(t)
	p := a.Post()
	_, _, err := p.AddEmail(t.Context(), mailbox.NewEmail{Upload: h.upload(a, letter("x")), Mailbox: 4711})
	h.refused(err, mail.NotFound, "mailbox.unknown")
	big := strings.Repeat("x", 14<<20)
	inbox := h.boxAt(p, "INBOX").ID
	put := func() error {
		u, err := a.Stage(t.Context(), int64(len(big)))
		h.must(err)
		defer u.Release()
		_, err = u.Write([]byte(big))
		h.must(err)
		_, _, err = p.AddEmail(t.Context(), mailbox.NewEmail{Upload: u, Mailbox: inbox})
		return err
	}
	for range 7 {
		h.must(put())
	}
	h.refused(put(), mail.Full, "box.full")
}

func TestMailboxWrites(t *testing.T) {
	h, a := one(t)
	p, ctx := a.Post(), t.Context()
	create := func(n mailbox.NewMailbox) (mailbox.Mailbox, error) {
		m, _, err := p.CreateMailbox(ctx, n)
		return m, err
	}
	one, err := create(mailbox.NewMailbox{Name: "one", Subscribed: true, Order: 7})
	h.must(err)
	two, err := create(mailbox.NewMailbox{Name: "two", Parent: one.ID})
	h.must(err)
	b, _ := h.register(p).Mailbox(two.ID)
	h.equal("path", b.Path, "one/two")
	b, _ = h.register(p).Mailbox(one.ID)
	h.equal("place", []any{b.Place, b.Subscribed}, "[7 true]")
	for _, c := range []struct {
		n    mailbox.NewMailbox
		kind mail.Kind
		text string
	}{
		{mailbox.NewMailbox{Name: "one"}, mail.Conflict, "mailbox.exists"},
		{mailbox.NewMailbox{Name: "a/b"}, mail.Invalid, "mailbox.name"},
		{mailbox.NewMailbox{Name: ""}, mail.Invalid, "mailbox.name"},
		{mailbox.NewMailbox{Name: "x", Parent: 4711}, mail.NotFound, "mailbox.unknown"},
		{mailbox.NewMailbox{Name: "x", Role: "sent"}, mail.Conflict, "mailbox.role_taken"},
		{mailbox.NewMailbox{Name: "x", Role: "important"}, mail.Invalid, "mailbox.role"},
		{mailbox.NewMailbox{Name: mailbox.Others}, mail.Denied, "mailbox.reserved"},
	} {
		_, err := create(c.n)
		h.refused(err, c.kind, c.text)
	}
	change := func(id mail.MailboxID, c mailbox.MailboxChange) error {
		_, err := p.ChangeMailbox(ctx, id, c)
		return err
	}
	inbox, sent := h.boxAt(p, "INBOX").ID, h.boxAt(p, "Sent").ID
	h.must(change(two.ID, mailbox.MailboxChange{Name: new("zwei"), Parent: new(mail.MailboxID(0)), Subscribed: new(true)}))
	b, _ = h.register(p).Mailbox(two.ID)
	h.equal("renamed", []any{b.Path, b.Subscribed}, "[zwei true]")
	h.must(change(one.ID, mailbox.MailboxChange{Parent: &two.ID}))
	h.refused(change(two.ID, mailbox.MailboxChange{Parent: &one.ID}), mail.Invalid, "mailbox.below_itself")
	h.refused(change(inbox, mailbox.MailboxChange{Name: new("x")}), mail.Denied, "mailbox.inbox")
	h.refused(change(inbox, mailbox.MailboxChange{Role: new("")}), mail.Denied, "mailbox.inbox")
	h.refused(change(one.ID, mailbox.MailboxChange{Role: new("sent")}), mail.Conflict, "mailbox.role_taken")
	h.must(change(sent, mailbox.MailboxChange{Role: new("")}))
	h.must(change(one.ID, mailbox.MailboxChange{Role: new("sent"), Order: new(uint32(3))}))
	h.refused(change(4711, mailbox.MailboxChange{Name: new("x")}), mail.NotFound, "mailbox.unknown")

	destroy := func(id mail.MailboxID, withMail bool) error {
		_, err := p.DestroyMailbox(ctx, id, withMail)
		return err
	}
	h.add(p, a, "zwei/one", letter("x"))
	h.refused(destroy(two.ID, true), mail.Conflict, "mailbox.has_children")
	h.refused(destroy(one.ID, false), mail.Conflict, "mailbox.has_messages")
	h.refused(destroy(inbox, true), mail.Denied, "mailbox.inbox")
	h.must(destroy(one.ID, true))
	h.must(destroy(two.ID, false))
	h.refused(destroy(two.ID, false), mail.NotFound, "mailbox.unknown")
	h.equal("left", h.register(p).Emails(), 0)
}

// Of somebody else's mail an account sees and changes what it may (RFC 4314), and hears of changes there only.
func TestSharedPost(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki", "tanaka")
	owner, guest := h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	ctx, own := t.Context(), owner.Post()
	_, err := guest.OpenShared(ctx, owner.Identity().Account().ID)
	h.refused(err, mail.NotFound, "account.unknown")
	for _, name := range []string{"Plans", "Secret"} {
		_, err := owner.Create(ctx, name, "")
		h.must(err)
	}
	open, closed := h.add(own, owner, "Plans", reply("1", "", "x"), "work"), h.add(own, owner, "Secret", reply("2", "1", "Re: x"))
	grant := func(rights string) {
		r, err := mailbox.ParseRights(rights)
		h.must(err)
		h.must(owner.SetACL(ctx, "Plans", "suzuki@alpha.example", mailbox.Set, r))
	}
	grant("lr")
	sharers, err := guest.Sharers(ctx)
	h.must(err)
	h.equal("sharers", fmt.Sprint(len(sharers), sharers[0].Address, sharers[0].ReadOnly), "1 sato@alpha.example true")
	p, err := guest.OpenShared(ctx, sharers[0].Account)
	h.must(err)
	r := h.register(p)
	h.equal("mailboxes", len(r.Mailboxes()), 1)
	h.equal("path", r.Mailboxes()[0].Path, "Other Users/sato@alpha.example/Plans")
	found, err := r.Query(ctx, mailbox.Query{})
	h.must(err)
	h.equal("messages", found.IDs, []mail.EmailID{open.ID})
	h.equal("of the thread", r.Thread(open.Thread), []mail.EmailID{open.ID})
	if _, ok := r.Email(closed.ID); ok {
		t.Error("a message of another mailbox is seen")
	}
	n := 0
	h.must(r.Messages(ctx, []mail.EmailID{open.ID, closed.ID}, mailbox.WithIndex, func(*mailbox.Message) error { n++; return nil }))
	h.equal("read", n, 1)

	flag := []mailbox.EmailChange{{ID: open.ID, Keywords: map[string]bool{"$flagged": true}}, {ID: closed.ID, Keywords: map[string]bool{"$flagged": true}}}
	w, err := p.ChangeEmails(ctx, flag)
	h.must(err)
	h.refused(w.Errs[0], mail.Denied, "mailbox.no_right")
	h.refused(w.Errs[1], mail.NotFound, "message.unknown")
	w, err = p.DestroyEmails(ctx, []mail.EmailID{open.ID, closed.ID})
	h.must(err)
	h.refused(w.Errs[0], mail.Denied, "mailbox.no_right")
	h.refused(w.Errs[1], mail.NotFound, "message.unknown")

	before := r.State()
	grant("lrsw")
	_, err = h.register(p).EmailChanges(ctx, before, 0)
	h.refused(err, mail.Conflict, "state.unknown")
	w, err = p.ChangeEmails(ctx, flag)
	h.must(err)
	h.must(w.Errs[0])

	since := h.register(p).State()
	secret, plans := h.boxAt(own, "Secret").ID, h.boxAt(own, "Plans").ID
	_, err = own.ChangeEmails(ctx, []mailbox.EmailChange{{ID: open.ID, Mailbox: secret}, {ID: closed.ID, Mailbox: plans}})
	h.must(err)
	h.add(own, owner, "Secret", letter("not to be heard of"))
	c, err := h.register(p).EmailChanges(ctx, since, 0)
	h.must(err)
	h.equal("came", c.Created, []mail.EmailID{closed.ID})
	h.equal("went", c.Destroyed, []mail.EmailID{open.ID})
	h.equal("changed", len(c.Updated), 0)

	for _, on := range []bool{true, false} {
		_, err = p.ChangeMailbox(ctx, plans, mailbox.MailboxChange{Subscribed: &on})
		h.must(err)
		b, _ := h.register(p).Mailbox(plans)
		h.equal("subscribed", b.Subscribed, on)
		b, _ = h.register(own).Mailbox(plans)
		h.equal("the owner's", b.Subscribed, false)
	}
	_, _, err = p.CreateMailbox(ctx, mailbox.NewMailbox{Name: "below", Parent: plans})
	h.refused(err, mail.Denied, "mailbox.no_right")
	h.must(owner.DeleteACL(ctx, "Plans", "suzuki@alpha.example"))
	_, err = p.Register(ctx)
	h.refused(err, mail.Denied, "mailbox.no_right")
	_, err = guest.OpenShared(ctx, sharers[0].Account)
	h.refused(err, mail.NotFound, "account.unknown")
}

// Texts are found by the index where there is one, and by looking where there is none.
func TestQueryTexts(t *testing.T) {
	for _, indexed := range []bool{true, false} {
		h := newHouse(t, mailbox.Config{NoTextIndex: !indexed})
		h.company("alpha.example", "en", "sato")
		a := h.open("sato@alpha.example")
		p, ctx, id := a.Post(), t.Context(), a.Identity()
		for i := range 60 {
			h.add(p, a, []string{"INBOX", "Archive"}[i%2], fmt.Sprintf("From: =?utf-8?q?Sat=C5=8D?= <user%d@alpha.example>\r\nTo: list@alpha.example\r\n"+
				"Subject: Report %d on data\r\nX-Number: no %d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n社外秘 body%d words\r\n", i, i%10, i, i%4))
		}
		attached := h.add(p, a, "INBOX", "Subject: with\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"+
			"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n")
		if indexed {
			_, err := h.boxes.IndexNow(ctx, id.Tenant(), id.Account().ID)
			h.must(err)
		}
		r := h.register(p)
		for _, c := range []struct {
			what  string
			where mailbox.Where
			want  int
		}{
			{"text", mailbox.Where{Text: "BODY3"}, 15},
			{"Japanese", mailbox.Where{Body: "外秘"}, 60},
			{"text in the subject", mailbox.Where{Text: "report 7"}, 6},
			{"not in the body", mailbox.Where{Body: "report 7"}, 0},
			{"words", mailbox.Where{Text: "words body2", Words: true}, 15},
			{"not in this order", mailbox.Where{Text: "words body2"}, 0},
			{"from", mailbox.Where{From: "user42@"}, 1},
			{"name", mailbox.Where{From: "satō"}, 60},
			{"to", mailbox.Where{To: "list"}, 60},
			{"cc", mailbox.Where{Cc: "list"}, 0},
			{"subject", mailbox.Where{Subject: "4 on"}, 6},
			{"header", mailbox.Where{Header: []string{"x-number"}}, 60},
			{"value", mailbox.Where{Header: []string{"X-Number", "no 59"}}, 1},
			{"attachment", mailbox.Where{HasAttachment: new(true)}, 1},
			{"no attachment", mailbox.Where{HasAttachment: new(false)}, 60},
			{"in a mailbox", mailbox.Where{Text: "body2", InMailbox: h.boxAt(p, "Archive").ID}, 0},
			{"in the other", mailbox.Where{Text: "body2", InMailbox: h.boxAt(p, "INBOX").ID}, 15},
			{"not", mailbox.Where{Op: mailbox.WhereNot, Of: []mailbox.Where{{Text: "body3"}, {Text: "body2"}}}, 31},
			{"or", mailbox.Where{Op: mailbox.WhereOr, Of: []mailbox.Where{{Text: "body3"}, {Subject: "with"}}}, 16},
			{"and", mailbox.Where{Op: mailbox.WhereAnd, Of: []mailbox.Where{{Text: "body3"}, {From: "user7@"}}}, 1},
		} {
			found, err := r.Query(ctx, mailbox.Query{Filter: c.where, Total: true})
			h.must(err)
			h.equal(c.what, []int{len(found.IDs), found.Total}, []int{c.want, c.want})
			if c.what == "attachment" {
				h.equal("which", found.IDs, []mail.EmailID{attached.ID})
			}
			first, err := r.Query(ctx, mailbox.Query{Filter: c.where, Limit: 2})
			h.must(err)
			h.equal(c.what+", the first", first.IDs, found.IDs[:min(2, len(found.IDs))])
		}
		_, err := r.QueryChanges(ctx, mailbox.Query{Filter: mailbox.Where{Text: "x"}}, r.State(), 0, 0)
		h.refused(err, mail.Conflict, "state.unknown")
	}
}

func TestQuerySortAndWindow(t *testing.T) {
	h, a := one(t)
	p, ctx := a.Post(), t.Context()
	at := map[mail.EmailID]int{}
	inbox, archive := h.boxAt(p, "INBOX").ID, h.boxAt(p, "Archive").ID
	for i, subject := range []string{"b", "Re: a", "D", "c", "e"} {
		text := fmt.Sprintf("From: %c <x@x>\r\nDate: %d Mar 2026 10:00:00 +0000\r\nSubject: %s\r\n\r\n%s", 'a'+(i*3)%5, 9-i, subject, strings.Repeat("x", (i*2)%5))
		m, _, err := p.AddEmail(ctx, mailbox.NewEmail{
			Upload: h.upload(a, text), Mailbox: []mail.MailboxID{inbox, archive}[i%2], Received: time.Unix(int64(1000+(i*2)%5), 0), Keywords: []string{"$seen", "x"}[:i%3%2+1]})
		h.must(err)
		at[m.ID] = i
	}
	r := h.register(p)
	ask := func(q mailbox.Query) (string, mailbox.Result) {
		found, err := r.Query(ctx, q)
		h.must(err)
		var list []int
		for _, id := range found.IDs {
			list = append(list, at[id])
		}
		return fmt.Sprint(list), found
	}
	for _, c := range []struct {
		sort []mailbox.Sort
		want string
	}{
		{nil, "[2 4 1 3 0]"},
		{[]mailbox.Sort{{By: mailbox.SortReceived, Descend: true}}, "[2 4 1 3 0]"},
		{[]mailbox.Sort{{By: mailbox.SortReceived}}, "[0 3 1 4 2]"},
		{[]mailbox.Sort{{By: mailbox.SortSent}}, "[4 3 2 1 0]"},
		{[]mailbox.Sort{{By: mailbox.SortSubject}}, "[1 0 3 2 4]"},
		{[]mailbox.Sort{{By: mailbox.SortFrom, Descend: true}}, "[3 1 4 2 0]"},
		{[]mailbox.Sort{{By: mailbox.SortKeyword, Keyword: "x"}, {By: mailbox.SortSize}}, "[0 3 2 4 1]"},
	} {
		got, _ := ask(mailbox.Query{Sort: c.sort})
		h.equal(fmt.Sprint(c.sort), got, c.want)
	}
	_, all := ask(mailbox.Query{})
	for _, c := range []struct {
		q        mailbox.Query
		want     string
		position int
	}{
		{mailbox.Query{Limit: 2}, "[2 4]", 0},
		{mailbox.Query{Position: 3, Limit: 2}, "[3 0]", 3},
		{mailbox.Query{Position: 4, Limit: 2}, "[0]", 4},
		{mailbox.Query{Position: 7, Limit: 2}, "[]", 5},
		{mailbox.Query{Position: -2}, "[3 0]", 3},
		{mailbox.Query{Position: -9, Limit: 1}, "[2]", 0},
		{mailbox.Query{Anchor: all.IDs[2], Limit: 2}, "[1 3]", 2},
		{mailbox.Query{Anchor: all.IDs[2], Offset: -1, Limit: 2}, "[4 1]", 1},
		{mailbox.Query{Anchor: all.IDs[2], Offset: -5, Limit: 2}, "[2 4]", 0},
		{mailbox.Query{Anchor: all.IDs[2], Offset: 2}, "[0]", 4},
	} {
		got, found := ask(c.q)
		h.equal(fmt.Sprintf("%+v", c.q), []any{got, found.Position}, []any{c.want, c.position})
	}
	_, err := r.Query(ctx, mailbox.Query{Anchor: 4711})
	h.refused(err, mail.NotFound, "query.anchor")
	_, err = r.Query(ctx, mailbox.Query{Sort: []mailbox.Sort{{}}})
	h.refused(err, mail.Invalid, "query.sort")
	_, err = r.Query(ctx, mailbox.Query{Filter: mailbox.Where{Header: []string{"a", "b", "c"}}})
	h.refused(err, mail.Invalid, "query.filter")
	deep := mailbox.Where{}
	for range mailbox.MaxWhereDepth {
		deep = mailbox.Where{Op: mailbox.WhereNot, Of: []mailbox.Where{deep}}
	}
	_, err = r.Query(ctx, mailbox.Query{Filter: deep})
	h.refused(err, mail.Invalid, "query.filter")
	_, err = r.Query(ctx, mailbox.Query{Filter: mailbox.Where{Op: mailbox.WhereOr, Of: make([]mailbox.Where, mailbox.MaxWhere)}})
	h.refused(err, mail.Invalid, "query.filter")
}

// The counters of RFC 8621 §2: drafts are not unread, and the trash is apart.
func TestMailboxCounts(t *testing.T) {
	h, a := one(t)
	p := a.Post()
	h.add(p, a, "INBOX", reply("1", "", "x"), "$seen")
	h.add(p, a, "Archive", reply("2", "1", "Re: x"))
	h.add(p, a, "Trash", reply("3", "1", "Re: x"))
	h.add(p, a, "Trash", reply("4", "1", "Re: x"), "$seen")
	h.add(p, a, "Drafts", reply("5", "1", "Re: x"), "$draft")
	h.add(p, a, "Sent", reply("6", "", "y"), "$seen")
	for path, want := range map[string]string{
		"INBOX": "1 0 1 1", "Archive": "1 1 1 1", "Trash": "2 1 1 1", "Drafts": "1 0 1 1", "Sent": "1 0 1 0", "Junk": "0 0 0 0",
	} {
		b := h.boxAt(p, path)
		h.equal(path, fmt.Sprint(b.Emails, b.Unread, b.Threads, b.UnreadThreads), want)
	}
}

// Pictures are shared, and forgotten when nobody asks for them.
func TestPicturesAreShared(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki")
	a, again, other := h.open("sato@alpha.example"), h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	h.fill(a, "INBOX", 50)
	h.fill(other, "INBOX", 20)
	one, two := h.register(a.Post()), h.register(again.Post())
	if !mailbox.SharesPicture(one, two) {
		t.Error("two sessions have two pictures")
	}
	h.register(other.Post())
	h.equal("held", fmt.Sprint(mailbox.PicturesHeld(h.boxes)), "[2 70]")
	mailbox.AgePictures(h.boxes, time.Hour)
	h.register(other.Post())
	h.equal("held after a while", fmt.Sprint(mailbox.PicturesHeld(h.boxes)), "[1 20]")
	h.equal("still whole", one.Emails(), 50)
}

func TestStates(t *testing.T) {
	for _, s := range []mailbox.State{{}, {ModSeq: 7}, {ModSeq: 1 << 60, After: 1<<63 - 1}, {ModSeq: 7, Seen: 9}, {ModSeq: 7, After: 5, Seen: 1<<32 - 1}} {
		got, err := mailbox.ParseState(s.String())
		if err != nil || got != s {
			t.Errorf("%+v is written %q and read %+v, %v", s, s, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.", "1.0", "01", "1.1.0", "1.1.1.1", "1.1.zzzzzzzz", "99999999999999999999", "1 "} {
		if s, err := mailbox.ParseState(text); !mail.Is(err, mail.Conflict) {
			t.Errorf("%q is read as %+v, %v", text, s, err)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add("12.ab.c")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := mailbox.ParseState(text); err == nil && s.String() != text {
			t.Errorf("%q is read as %+v and written %q", text, s, s)
		}
	})
}

// A state of a time to come is not one: the account may have been brought back from a copy.
func TestLaterState(t *testing.T) {
	h, a := one(t)
	r := h.register(a.Post())
	for _, from := range []mailbox.State{{ModSeq: r.State().ModSeq + 1}, {ModSeq: r.State().ModSeq, Seen: 5}} {
		_, err := r.EmailChanges(t.Context(), from, 0)
		h.refused(err, mail.Conflict, "state.unknown")
	}
	c, err := r.EmailChanges(t.Context(), r.State(), 0)
	h.must(err)
	h.equal("nothing", []any{c.New, len(slices.Concat(c.Created, c.Updated, c.Destroyed))}, []any{r.State(), 0})
}
