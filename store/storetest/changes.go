package storetest

import (
	"cmp"
	"slices"

	"tegami/mail"
	"tegami/store"
)

var changePromises = []promise{
	{"ModSeqGrows", modSeqGrows},
	{"SetFlags", setFlags},
	{"ChangeFlags", changeFlags},
	{"MarksSince", marksSince},
	{"GoneSince", goneSince},
	{"MessagesSince", messagesSince},
	{"Turned", turned},
}

// modSeqGrows: RFC 7162 §3.1. Each change takes the next number of the account.
func modSeqGrows(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	s := f.stage("x")
	seen := []mail.ModSeq{m.ModSeq, other.ModSeq}
	f.update(func(tx store.Tx) {
		seen = seen[:2]
		one, two := f.add(tx, m.ID, s, 0), f.add(tx, m.ID, s, 0)
		flagged, err := tx.SetFlags(m.ID, one.UID, mail.Seen)
		f.ok(err)
		moved, err := tx.MoveMessage(m.ID, two.UID, other.ID)
		f.ok(err)
		seen = append(seen, one.ModSeq, two.ModSeq, flagged.ModSeq, moved.ModSeq)
		f.ok(tx.Expunge(m.ID, one.UID))
		seen = append(seen, must(f, tx.Box)(m.Account).ModSeq)
		f.same("the mailbox's", must(f, tx.Mailbox)(m.ID).ModSeq, seen[len(seen)-1])
		f.same("the other mailbox's", must(f, tx.Mailbox)(other.ID).ModSeq, moved.ModSeq)
	})
	later := f.deliver(other.ID, "y", 0)
	seen = append(seen, later.ModSeq)
	f.same("the account's", f.box(m.Account).ModSeq, later.ModSeq)
	for i, n := range seen[1:] {
		if n <= seen[i] {
			f.Fatalf("ModSeqs %v do not grow", seen)
		}
	}
}

func setFlags(f *fixture) {
	m := f.mailbox()
	msg := f.deliver(m.ID, "x", mail.Seen)
	var mark store.Mark
	change := func(flags mail.Flags) store.Mark {
		f.both(func(tx store.Tx) {
			var err error
			mark, err = tx.SetFlags(m.ID, msg.UID, flags)
			f.ok(err)
		}, func(r store.Reader) {
			f.same("marks", f.marks(r, m.ID, 0), []store.Mark{mark})
			f.same("message", must(f, r.Email)(msg.ID).Flags, flags)
		})
		return mark
	}
	f.same("no change, no number", change(mail.Seen), store.Mark{UID: msg.UID, Flags: mail.Seen, ModSeq: msg.ModSeq})
	f.same("account", f.box(m.Account).ModSeq, msg.ModSeq)
	last := msg.ModSeq
	for _, flags := range []mail.Flags{0, mail.Deleted, mail.Deleted | mail.Keyword(0), mail.Keyword(53) | mail.Keyword(17), mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft} {
		k := change(flags)
		f.same("flags", k.Flags, flags)
		if k.ModSeq <= last {
			f.Fatalf("ModSeq %d after %d", k.ModSeq, last)
		}
		last = k.ModSeq
		f.view(func(r store.Reader) { f.counted(r, m.Account) })
	}
}

// changeFlags: a range changes at once, under one number, and counts as if each had been changed alone.
func changeFlags(f *fixture) {
	m, other := f.mailbox(), f.mailbox()
	var list []store.Message
	flags := []mail.Flags{0, mail.Seen, mail.Deleted, mail.Seen | mail.Deleted | mail.Flagged, mail.Keyword(53), mail.Seen | mail.Keyword(0)}
	for _, fl := range flags {
		list = append(list, f.deliver(m.ID, "x", fl))
	}
	elsewhere := f.deliver(other.ID, "x", 0)
	f.is(f.try(func(tx store.Tx) error {
		_, _, err := tx.ChangeFlags(m.ID, 1, 9, 0, 1<<63)
		return err
	}), mail.Invalid)
	f.is(f.try(func(tx store.Tx) error {
		_, _, err := tx.ChangeFlags(m.ID+999, 1, 9, 0, mail.Seen)
		return err
	}), mail.NotFound)
	for _, c := range []struct {
		lo, hi     int
		clear, set mail.Flags
	}{
		{0, 5, 0, mail.Seen}, {0, 5, 0, mail.Seen}, {1, 3, mail.Seen | mail.Flagged, mail.Deleted}, {2, 2, mail.Deleted, 0},
		{0, 5, ^mail.Flags(0), mail.Answered | mail.Keyword(3)}, {3, 4, mail.Answered, mail.Answered | mail.Seen}, {4, 1, 0, mail.Draft}, {0, 5, ^mail.Flags(0), 0},
	} {
		want := 0
		for i := c.lo; i <= c.hi; i++ {
			if now := flags[i]&^c.clear | c.set; now != flags[i] {
				flags[i] = now
				want++
			}
		}
		before := f.box(m.Account).ModSeq
		var modseq mail.ModSeq
		var changed int
		f.update(func(tx store.Tx) {
			var err error
			modseq, changed, err = tx.ChangeFlags(m.ID, list[c.lo].UID, list[c.hi].UID, c.clear, c.set)
			f.ok(err)
			f.same("marks in the transaction", len(f.marks(tx, m.ID, before)), want)
		})
		f.same("changed", changed, want)
		if want == 0 {
			f.same("no change, no number", f.box(m.Account).ModSeq, before)
		}
		f.view(func(r store.Reader) {
			f.counted(r, m.Account)
			since := f.marks(r, m.ID, before)
			f.same("marks since", len(since), want)
			for _, k := range since {
				f.same("ModSeq", k.ModSeq, modseq)
			}
			for i, k := range f.marks(r, m.ID, 0) {
				f.same("flags", k.Flags, flags[i])
			}
		})
	}
	f.view(func(r store.Reader) { f.same("elsewhere", f.marks(r, other.ID, 0)[0].ModSeq, elsewhere.ModSeq) })
}

func marksSince(f *fixture) {
	m := f.mailbox()
	var list []store.Message
	for range 5 {
		list = append(list, f.deliver(m.ID, "x", 0))
	}
	middle := list[2].ModSeq
	f.update(func(tx store.Tx) {
		for _, i := range []int{4, 0, 2} {
			must(f, func(uid mail.UID) (store.Mark, error) { return tx.SetFlags(m.ID, uid, mail.Flagged) })(list[i].UID)
		}
		f.same("within the transaction", uidsOf(f.marks(tx, m.ID, middle)), uidsAt(list, 3, 4, 0, 2))
	})
	f.view(func(r store.Reader) {
		f.same("since the third", uidsOf(f.marks(r, m.ID, middle)), uidsAt(list, 3, 4, 0, 2))
		all := f.marks(r, m.ID, 0)
		f.same("all, by UID", uidsOf(all), uidsAt(list, 0, 1, 2, 3, 4))
		slices.SortFunc(all, byModSeq)
		f.same("all, as they changed", uidsOf(all), uidsAt(list, 1, 3, 4, 0, 2))
		for i, k := range all {
			f.same("behind each", f.marks(r, m.ID, k.ModSeq), append([]store.Mark(nil), all[i+1:]...))
		}
	})
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, list[4].UID)) })
	f.view(func(r store.Reader) {
		f.same("without the expunged", uidsOf(f.marks(r, m.ID, middle)), uidsAt(list, 3, 0, 2))
	})
}

func byModSeq(a, b store.Mark) int { return cmp.Compare(a.ModSeq, b.ModSeq) }

func uidsOf(marks []store.Mark) (uids []mail.UID) {
	for _, k := range marks {
		uids = append(uids, k.UID)
	}
	return uids
}

func uidsAt(list []store.Message, at ...int) (uids []mail.UID) {
	for _, i := range at {
		uids = append(uids, list[i].UID)
	}
	return uids
}

func goneSince(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	var list []store.Message
	for range 6 {
		list = append(list, f.deliver(m.ID, "x", 0))
	}
	leave := func(i int) store.Gone {
		f.update(func(tx store.Tx) {
			if i%2 == 0 {
				f.ok(tx.Expunge(m.ID, list[i].UID))
				return
			}
			_, err := tx.MoveMessage(m.ID, list[i].UID, other.ID)
			f.ok(err)
		})
		return store.Gone{UID: list[i].UID, ModSeq: f.box(m.Account).ModSeq, Email: list[i].ID, Thread: list[i].Thread, Made: list[i].Made}
	}
	var want []store.Gone
	for _, i := range []int{5, 0, 3, 4} {
		want = append(want, leave(i))
	}
	f.view(func(r store.Reader) {
		f.same("all", f.gone(r, m.ID, 0), want)
		f.same("since the second", f.gone(r, m.ID, want[1].ModSeq), want[2:])
		f.same("since the last", len(f.gone(r, m.ID, want[3].ModSeq)), 0)
		f.same("of another", len(f.gone(r, other.ID, 0)), 0)
		f.same("of nobody", len(f.gone(r, other.ID+999, 0)), 0)
		n := 0
		f.ok(r.Gone(m.ID, 0, func(store.Gone) bool { n++; return false }))
		f.same("when stopped", n, 1)
	})
}

// messagesSince: the rows of what Marks tells.
func messagesSince(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	var list []store.Message
	for range 6 {
		list = append(list, f.deliver(m.ID, "x", 0))
	}
	middle := list[3].ModSeq
	f.both(func(tx store.Tx) {
		_, err := tx.SetFlags(m.ID, list[1].UID, mail.Seen)
		f.ok(err)
		f.ok(tx.Expunge(m.ID, list[4].UID))
		_, err = tx.MoveMessage(m.ID, list[2].UID, other.ID)
		f.ok(err)
	}, func(r store.Reader) {
		for _, box := range []mail.MailboxID{m.ID, other.ID} {
			for _, since := range []mail.ModSeq{0, list[0].ModSeq, middle, must(f, r.Box)(m.Account).ModSeq} {
				want := map[mail.UID]store.Message{}
				for _, msg := range f.messages(r, box) {
					if msg.ModSeq > since {
						msg.Index = nil
						want[msg.UID] = msg
					}
				}
				got := map[mail.UID]store.Message{}
				f.ok(r.MessagesSince(box, since, func(msg *store.Message) bool {
					row := clone(*msg)
					row.Index = nil
					row.Place = store.Place{}
					got[msg.UID] = row
					return true
				}))
				for uid, msg := range want {
					msg.Place = store.Place{}
					want[uid] = msg
				}
				f.same("since", got, want)
			}
		}
		n := 0
		f.ok(r.MessagesSince(m.ID, 0, func(*store.Message) bool { n++; return false }))
		f.same("when stopped", n, 1)
	})
}

// turned: for who does not see messages with the flag Deleted (RFC 8621 §4.1.1) one is gone when it gets it, and there when it loses it.
func turned(f *fixture) {
	m := f.mailbox()
	one, two := f.deliver(m.ID, "1", mail.Deleted), f.deliver(m.ID, "2", mail.Deleted|mail.Seen)
	other := f.deliver(m.ID, "3", 0)
	list := []store.Message{one, two, other}
	expect := func(what string, turned ...mail.ModSeq) {
		f.view(func(r store.Reader) {
			for i, msg := range list {
				now := must(f, r.Email)(msg.ID)
				f.same(what, now.Turned, turned[i])
				f.same("made", now.Made, msg.ModSeq)
			}
		})
	}
	set := func(msg store.Message, flags mail.Flags) (k store.Mark) {
		f.update(func(tx store.Tx) {
			var err error
			k, err = tx.SetFlags(m.ID, msg.UID, flags)
			f.ok(err)
		})
		return k
	}
	change := func(lo, hi store.Message, clear, set mail.Flags) (n mail.ModSeq) {
		f.update(func(tx store.Tx) {
			var err error
			n, _, err = tx.ChangeFlags(m.ID, lo.UID, hi.UID, clear, set)
			f.ok(err)
		})
		return n
	}
	expect("at first", one.ModSeq, two.ModSeq, 0)
	set(one, mail.Deleted|mail.Flagged)
	change(two, other, mail.Seen, mail.Flagged)
	expect("while Deleted", one.ModSeq, two.ModSeq, 0)
	back := set(one, 0).ModSeq
	both := change(two, other, mail.Deleted|mail.Flagged, 0)
	expect("after", back, both, 0)
	again := set(one, mail.Deleted).ModSeq
	rest := change(other, other, mail.Answered, mail.Deleted)
	expect("Deleted again", again, both, rest)
	f.update(func(tx store.Tx) {
		f.ok(tx.Expunge(m.ID, one.UID))
		f.same("of one that is gone", f.gone(tx, m.ID, 0)[0].Hidden, again)
		f.ok(tx.DeleteMailbox(m.ID))
	})
	f.view(func(r store.Reader) {
		gone := f.gone(r, m.ID, 0)
		f.same("of those that went with their mailbox", []mail.ModSeq{gone[1].Hidden, gone[2].Hidden}, []mail.ModSeq{0, rest})
	})
}
