package storetest

import (
	"fmt"

	"tegami/mail"
	"tegami/store"
)

var mailboxPromises = []promise{
	{"MailboxIsKept", mailboxIsKept},
	{"MailboxNames", mailboxNames},
	{"MailboxRoles", mailboxRoles},
	{"MailboxParents", mailboxParents},
	{"MailboxRename", mailboxRename},
	{"MailboxDelete", mailboxDelete},
	{"MailboxLeavesTraces", mailboxLeavesTraces},
	{"MailboxTracesAreBounded", mailboxTracesAreBounded},
	{"UIDValidityIsNew", uidValidityIsNew},
	{"AccountsAreApart", accountsAreApart},
	{"Keywords", keywords},
	{"KeywordsLimit", keywordsLimit},
}

func mailboxIsKept(f *fixture) {
	a := mail.AccountID(f.newID())
	f.same("box of nobody", f.box(a), store.Box{})
	var inbox, sent, below store.Mailbox
	f.both(func(tx store.Tx) {
		inbox = must(f, tx.CreateMailbox)(store.Mailbox{Account: a, Name: "INBOX", Role: "inbox", Subscribed: true, Messages: 9, UIDNext: 70, Size: 5})
		sent = must(f, tx.CreateMailbox)(store.Mailbox{ID: mail.MailboxID(tx.NextID()), Account: a, Name: "送信済み", Role: "sent"})
		below = must(f, tx.CreateMailbox)(store.Mailbox{Account: a, Parent: sent.ID, Name: "2026"})
	}, func(r store.Reader) {
		for _, m := range []store.Mailbox{inbox, sent, below} {
			f.same("mailbox", must(f, r.Mailbox)(m.ID), m)
		}
		f.same("mailboxes", must(f, r.Mailboxes)(a), []store.Mailbox{inbox, sent, below})
	})
	if inbox.ID == 0 || inbox.UIDValidity == 0 || inbox.UIDNext == 0 || inbox.ModSeq == 0 {
		f.Fatalf("a new mailbox is %+v", inbox)
	}
	if inbox.Messages != 0 || inbox.Size != 0 || inbox.UIDNext == 70 {
		f.Fatalf("counters were taken over: %+v", inbox)
	}
	if !inbox.Subscribed || sent.Subscribed || inbox.Role != "inbox" || below.Parent != sent.ID {
		f.Fatalf("made %+v %+v %+v", inbox, sent, below)
	}
	if sent.ModSeq <= inbox.ModSeq || below.ModSeq <= sent.ModSeq || f.box(a).ModSeq != below.ModSeq {
		f.Fatalf("ModSeq %d, %d, %d, account %d", inbox.ModSeq, sent.ModSeq, below.ModSeq, f.box(a).ModSeq)
	}
	f.view(func(r store.Reader) {
		_, err := r.Mailbox(below.ID + 1)
		f.is(err, mail.NotFound)
	})
}

// create tries to make a mailbox.
func (f *fixture) create(m store.Mailbox) (made store.Mailbox, err error) {
	err = f.try(func(tx store.Tx) error {
		made, err = tx.CreateMailbox(m)
		return err
	})
	return made, err
}

// set tries to change a mailbox.
func (f *fixture) set(m store.Mailbox) error {
	return f.try(func(tx store.Tx) error { return tx.SetMailbox(m) })
}

func mailboxNames(f *fixture) {
	a := mail.AccountID(f.newID())
	one, two := f.mailboxOf(a, "one"), f.mailboxOf(a, "two")
	_, err := f.create(store.Mailbox{Account: a, Name: "one"})
	f.says(err, mail.Conflict, "mailbox.exists")
	child, err := f.create(store.Mailbox{Account: a, Parent: one.ID, Name: "one"})
	f.ok(err)
	_, err = f.create(store.Mailbox{Account: a, Parent: two.ID, Name: "one"})
	f.ok(err)
	_, err = f.create(store.Mailbox{Account: a, Name: "One"})
	f.ok(err)
	_, err = f.create(store.Mailbox{Account: a, Parent: two.ID, Name: "one"})
	f.says(err, mail.Conflict, "mailbox.exists")

	two.Name = "one"
	f.says(f.set(two), mail.Conflict, "mailbox.exists")
	child.Parent = 0
	f.says(f.set(child), mail.Conflict, "mailbox.exists")
	f.same("name after a refused change", f.read(two.ID).Name, "two")
	f.same("parent after a refused change", f.read(child.ID).Parent, one.ID)

	one.Name = "first"
	f.ok(f.set(one))
	two.Name = "one"
	f.ok(f.set(two)) // the name became free
}

func mailboxRoles(f *fixture) {
	a := mail.AccountID(f.newID())
	trash, err := f.create(store.Mailbox{Account: a, Name: "Trash", Role: "trash"})
	f.ok(err)
	other := f.mailboxOf(a, "other")
	_, err = f.create(store.Mailbox{Account: a, Parent: other.ID, Name: "bin", Role: "trash"})
	f.says(err, mail.Conflict, "mailbox.exists")
	other.Role = "trash"
	f.says(f.set(other), mail.Conflict, "mailbox.exists")
	_, err = f.create(store.Mailbox{Account: mail.AccountID(f.newID()), Name: "Trash", Role: "trash"})
	f.ok(err)
	trash.Role = ""
	f.ok(f.set(trash))
	f.ok(f.set(other))
	f.same("role", f.read(other.ID).Role, "trash")
}

func mailboxParents(f *fixture) {
	a := mail.AccountID(f.newID())
	stranger := f.mailbox()
	for _, parent := range []mail.MailboxID{stranger.ID, stranger.ID + 1} {
		_, err := f.create(store.Mailbox{Account: a, Parent: parent, Name: "lost"})
		f.is(err, mail.NotFound)
	}
	top := f.mailboxOf(a, "top")
	middle, err := f.create(store.Mailbox{Account: a, Parent: top.ID, Name: "middle"})
	f.ok(err)
	bottom, err := f.create(store.Mailbox{Account: a, Parent: middle.ID, Name: "bottom"})
	f.ok(err)
	for _, parent := range []mail.MailboxID{top.ID, middle.ID, bottom.ID} {
		round := top
		round.Parent = parent
		f.is(f.set(round), mail.Invalid)
	}
	lost := top
	lost.Parent = stranger.ID
	f.is(f.set(lost), mail.NotFound)
	lost.Parent, lost.ID = 0, stranger.ID+1
	f.is(f.set(lost), mail.NotFound)

	bottom.Parent = top.ID
	f.ok(f.set(bottom))
	middle.Parent = bottom.ID // now that bottom is no longer below it
	f.ok(f.set(middle))
	f.same("parent", f.read(middle.ID).Parent, bottom.ID)
}

func mailboxRename(f *fixture) {
	m := f.mailbox()
	msg := f.deliver(m.ID, "stays", mail.Seen)
	before := f.read(m.ID)
	want := before
	want.Name, want.Role, want.Subscribed, want.Place = "Archive", "archive", true, 7
	changed := want
	changed.UIDNext, changed.Messages, changed.UIDValidity, changed.Size, changed.Made = 900, 900, 900, 900, 900 // the store's own
	f.ok(f.set(changed))
	after := f.read(m.ID)
	if after.ModSeq <= before.ModSeq || f.box(m.Account).ModSeq != after.ModSeq {
		f.Fatalf("ModSeq %d before, %d after, account %d", before.ModSeq, after.ModSeq, f.box(m.Account).ModSeq)
	}
	want.ModSeq, want.Changed = after.ModSeq, after.ModSeq
	f.same("renamed", after, want)
	f.view(func(r store.Reader) {
		f.same("message", f.messages(r, m.ID)[0].ID, msg.ID)
	})
}

func mailboxDelete(f *fixture) {
	m := f.mailbox()
	child, err := f.create(store.Mailbox{Account: m.Account, Parent: m.ID, Name: "child"})
	f.ok(err)
	other := f.mailboxOf(m.Account, "other")
	f.deliver(other.ID, "other", 0)
	msg := f.deliver(m.ID, "one", 0)
	f.deliver(m.ID, "two", mail.Deleted)
	remove := func(id mail.MailboxID) error {
		return f.try(func(tx store.Tx) error { return tx.DeleteMailbox(id) })
	}
	f.says(remove(m.ID), mail.Conflict, "mailbox.has_children")
	f.same("messages after refusal", f.read(m.ID).Messages, uint32(2))
	f.ok(remove(child.ID))
	before := f.box(m.Account)
	f.ok(remove(m.ID))
	f.is(remove(m.ID), mail.NotFound)
	f.view(func(r store.Reader) {
		_, err := r.Mailbox(m.ID)
		f.is(err, mail.NotFound)
		_, err = r.Email(msg.ID)
		f.is(err, mail.NotFound)
		f.same("messages", len(f.messages(r, other.ID)), 1)
	})
	after := f.box(m.Account)
	if after.ModSeq <= before.ModSeq || after.Messages != 1 || after.Used != int64(len("other")) {
		f.Fatalf("box before %+v, after %+v", before, after)
	}
	f.mailboxOf(m.Account, "INBOX") // the name is free
}

func uidValidityIsNew(f *fixture) {
	a := mail.AccountID(f.newID())
	last := uint32(0)
	for range 4 {
		m := f.mailboxOf(a, "again")
		if m.UIDValidity <= last {
			f.Fatalf("RFC 9051 §2.3.1.1: UIDVALIDITY %d after %d for a mailbox of the same name", m.UIDValidity, last)
		}
		last = m.UIDValidity
		f.update(func(tx store.Tx) { f.ok(tx.DeleteMailbox(m.ID)) })
	}
}

func accountsAreApart(f *fixture) {
	a, b := f.mailbox(), f.mailbox()
	before := f.box(b.Account)
	f.deliver(a.ID, "for a", 0)
	f.same("box of the other", f.box(b.Account), before)
	f.view(func(r store.Reader) {
		f.same("mailboxes", must(f, r.Mailboxes)(b.Account), []store.Mailbox{b})
		f.same("mailboxes of nobody", len(must(f, r.Mailboxes)(mail.AccountID(f.newID()))), 0)
	})
}

func keywords(f *fixture) {
	m := f.mailbox()
	add := func(a mail.AccountID, name string) (flag mail.Flags) {
		f.update(func(tx store.Tx) {
			var err error
			flag, err = tx.AddKeyword(a, name)
			f.ok(err)
		})
		return flag
	}
	f.same("first", add(m.Account, "$Forwarded"), mail.Keyword(0))
	f.same("second", add(m.Account, "重要"), mail.Keyword(1))
	f.same("first again", add(m.Account, "$forwarded"), mail.Keyword(0))
	f.same("first of another account", add(mail.AccountID(f.newID()), "other"), mail.Keyword(0))
	f.both(func(tx store.Tx) {
		flag, err := tx.AddKeyword(m.Account, "third")
		f.ok(err)
		f.same("third", flag, mail.Keyword(2))
	}, func(r store.Reader) {
		f.same("keywords", must(f, r.Keywords)(m.Account), []string{"$Forwarded", "重要", "third"})
	})
	f.is(f.try(func(tx store.Tx) error {
		if _, err := tx.AddKeyword(m.Account, "never"); err != nil {
			return err
		}
		return mail.E("x", mail.Full, "")
	}), mail.Full)
	f.same("after one that was not kept", add(m.Account, "fourth"), mail.Keyword(3))
	msg := f.deliver(m.ID, "flagged", mail.Keyword(3)|mail.Seen)
	f.same("flags", msg.Flags, mail.Keyword(3)|mail.Seen)
}

func keywordsLimit(f *fixture) {
	a := f.mailbox().Account
	f.update(func(tx store.Tx) {
		for i := range mail.MaxKeywords {
			flag, err := tx.AddKeyword(a, fmt.Sprint("word", i))
			f.ok(err)
			f.same("flag", flag, mail.Keyword(i))
		}
	})
	f.says(f.try(func(tx store.Tx) error {
		_, err := tx.AddKeyword(a, "one too many")
		return err
	}), mail.Full, "keywords.too_many")
	f.update(func(tx store.Tx) {
		flag, err := tx.AddKeyword(a, "WORD53")
		f.ok(err)
		f.same("the last", flag, mail.Keyword(53))
	})
	f.view(func(r store.Reader) { f.same("keywords", len(must(f, r.Keywords)(a)), mail.MaxKeywords) })
}

// goneMailboxes lists the mailboxes of an account that were deleted.
func (f *fixture) goneMailboxes(a mail.AccountID, since mail.ModSeq) (list []store.GoneMailbox, floor mail.ModSeq) {
	f.view(func(r store.Reader) {
		var err error
		list, floor, err = r.GoneMailboxes(a, since)
		f.ok(err)
	})
	return list, floor
}

// mailboxLeavesTraces: what became of the messages of a deleted mailbox can be told.
func mailboxLeavesTraces(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	one, two, three := f.deliver(other.ID, "1", 0), f.deliver(other.ID, "2", 0), f.deliver(other.ID, "3", 0)
	drop := func(id mail.MailboxID) store.GoneMailbox {
		made := f.read(id).Made
		f.update(func(tx store.Tx) { f.ok(tx.DeleteMailbox(id)) })
		return store.GoneMailbox{ID: id, ModSeq: f.box(m.Account).ModSeq, Made: made}
	}
	f.update(func(tx store.Tx) {
		f.ok(tx.Expunge(other.ID, one.UID))
		_, err := tx.MoveMessage(other.ID, two.UID, m.ID)
		f.ok(err)
	})
	first := drop(other.ID)
	second := drop(f.mailboxOf(m.Account, "empty").ID)
	list, floor := f.goneMailboxes(m.Account, 0)
	f.same("gone", list, []store.GoneMailbox{first, second})
	f.same("floor", floor, mail.ModSeq(0))
	list, _ = f.goneMailboxes(m.Account, first.ModSeq)
	f.same("gone since the first", list, []store.GoneMailbox{second})
	list, _ = f.goneMailboxes(m.Account+1, 0)
	f.same("of another account", len(list), 0)
	f.view(func(r store.Reader) {
		gone := f.gone(r, other.ID, 0)
		f.same("traces", len(gone), 3)
		for i, msg := range []store.Message{one, two, three} {
			f.same("email", gone[i].Email, msg.ID)
			f.same("thread", gone[i].Thread, msg.Thread)
			f.same("made", gone[i].Made, msg.Made)
		}
		f.same("with the mailbox", gone[2].ModSeq, first.ModSeq)
	})
	f.update(func(tx store.Tx) { f.ok(tx.DropBelongings(m.Account)) })
	list, _ = f.goneMailboxes(m.Account, 0)
	f.same("after the end of the account", len(list), 0)
	f.view(func(r store.Reader) { f.same("traces", len(f.gone(r, other.ID, 0)), 0) })
}

func mailboxTracesAreBounded(f *fixture) {
	m := f.mailbox()
	const more = 3
	var made []mail.MailboxID
	f.update(func(tx store.Tx) {
		made = nil
		for n := range store.MaxGoneMailboxes + more {
			made = append(made, must(f, tx.CreateMailbox)(store.Mailbox{Account: m.Account, Name: fmt.Sprint(n)}).ID)
		}
	})
	f.deliver(made[0], "gone", 0)
	f.update(func(tx store.Tx) {
		for _, id := range made {
			f.ok(tx.DeleteMailbox(id))
		}
	})
	list, floor := f.goneMailboxes(m.Account, 0)
	f.same("traces", len(list), store.MaxGoneMailboxes)
	f.same("the first", list[0].ID, made[more])
	f.same("floor", floor, list[0].ModSeq-1)
	f.view(func(r store.Reader) { f.same("traces of messages", len(f.gone(r, made[0], 0)), 0) })
}
