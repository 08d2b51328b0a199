package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"tegami/mail"
	"tegami/store"
)

var entryPromises = []promise{
	{"EntryIsKept", entryIsKept},
	{"EntryConflicts", entryConflicts},
	{"EntryLists", entryLists},
	{"EntriesSince", entriesSince},
	{"EntryComesBack", entryComesBack},
	{"EntryTracesAreBounded", entryTracesAreBounded},
	{"EntriesAreTold", entriesAreTold},
	{"EntriesGoWithTheAccount", entriesGoWithTheAccount},
}

// card writes an entry of kind "card" and gives it as it is read then.
func (f *fixture) card(e store.Entry) store.Entry {
	if e.Kind == "" {
		e.Kind = "card"
	}
	var made store.Entry
	f.update(func(tx store.Tx) {
		made = must(f, tx.PutEntry)(e)
		f.same("the document in the answer", made.Doc, []byte(nil))
	})
	made.Doc = e.Doc
	return made
}

// entry reads an entry.
func (f *fixture) entry(e store.Entry) (there store.Entry, err error) {
	f.view(func(r store.Reader) { there, err = r.Entry(e.Account, e.Kind, e.ID) })
	return there, err
}

// dropCard removes an entry.
func (f *fixture) dropCard(e store.Entry) {
	f.update(func(tx store.Tx) { f.ok(tx.DeleteEntry(e.Account, e.Kind, e.ID)) })
}

func entryIsKept(f *fixture) {
	a := mail.AccountID(f.newID())
	in := store.Entry{Account: a, Kind: "card", Group: 7, Key: "urn:uuid:1", Doc: []byte("ひとつ\x00")}
	var made store.Entry
	f.both(func(tx store.Tx) {
		made = must(f, tx.PutEntry)(in)
	}, func(r store.Reader) {
		want := in
		want.ID, want.ModSeq, want.Born = made.ID, modSeqOf(f, r, a), made.ModSeq
		there, err := r.Entry(a, "card", made.ID)
		f.ok(err)
		f.same("entry", there, want)
		there, err = r.EntryByKey(a, "card", in.Key)
		f.ok(err)
		f.same("by its key", there, want)
		n, err := r.CountEntries(a, "card")
		f.ok(err)
		f.same("count", n, 1)
		for _, c := range []struct {
			account mail.AccountID
			kind    string
			id      mail.ObjectID
		}{{a + 1, "card", made.ID}, {a, "book", made.ID}, {a, "card", made.ID + 1}} {
			_, err := r.Entry(c.account, c.kind, c.id)
			f.says(err, mail.NotFound, "entry.unknown")
		}
		for _, key := range []string{"", "urn:uuid:2"} {
			_, err = r.EntryByKey(a, "card", key)
			f.says(err, mail.NotFound, "entry.unknown")
		}
	})
	changed := made
	changed.Group, changed.Key, changed.Doc = 8, "", bytes.Repeat([]byte{'x'}, store.MaxEntry)
	changed = f.card(changed)
	f.same("born", changed.Born, made.ModSeq)
	if changed.ModSeq <= made.ModSeq {
		f.Fatalf("ModSeq %d after %d", changed.ModSeq, made.ModSeq)
	}
	there, err := f.entry(made)
	f.ok(err)
	f.same("changed", there, changed)
	f.same("the account's", f.box(a).ModSeq, changed.ModSeq)
	empty := f.card(store.Entry{Account: a, Doc: nil})
	there, err = f.entry(empty)
	f.ok(err)
	f.same("an empty document", len(there.Doc), 0)
	f.is(f.try(func(tx store.Tx) error {
		must(f, tx.PutEntry)(store.Entry{Account: a, Kind: "card", Key: "never"})
		return mail.E("x", mail.Full, "")
	}), mail.Full)
	f.view(func(r store.Reader) {
		n, err := r.CountEntries(a, "card")
		f.ok(err)
		f.same("count after one that was not kept", n, 2)
	})
}

// modSeqOf is the account's ModSeq.
func modSeqOf(f *fixture, r store.Reader, a mail.AccountID) mail.ModSeq {
	return must(f, r.Box)(a).ModSeq
}

func entryConflicts(f *fixture) {
	a := mail.AccountID(f.newID())
	put := func(e store.Entry) error {
		return f.try(func(tx store.Tx) error { _, err := tx.PutEntry(e); return err })
	}
	one := f.card(store.Entry{Account: a, Key: "one"})
	two := f.card(store.Entry{Account: a, Key: "two"})
	f.card(store.Entry{Account: a, Kind: "book", Key: "one"})
	f.card(store.Entry{Account: mail.AccountID(f.newID()), Key: "one"})
	f.says(put(store.Entry{Account: a, Kind: "card", Key: "one"}), mail.Conflict, "key.taken")
	f.says(put(store.Entry{Account: a, Kind: "card", ID: two.ID, Key: "one"}), mail.Conflict, "key.taken")
	newer := f.card(one)
	f.says(put(one), mail.Conflict, "object.changed")
	f.ok(put(newer))
	f.says(put(store.Entry{Account: a, Kind: "card", ID: 4711, ModSeq: 1}), mail.Conflict, "object.changed")
	whatever := newer
	whatever.ModSeq = 0
	f.card(whatever)
	f.dropCard(two)
	f.says(put(two), mail.Conflict, "object.changed")
	f.ok(put(store.Entry{Account: a, Kind: "card", Key: "two"}))
	f.says(f.try(func(tx store.Tx) error { return tx.DeleteEntry(a, "card", two.ID) }), mail.NotFound, "entry.unknown")
	f.says(f.try(func(tx store.Tx) error { return tx.DeleteEntry(a+1, "card", one.ID) }), mail.NotFound, "entry.unknown")
	for _, e := range []store.Entry{
		{Kind: "card"}, {Account: a}, {Account: a, Kind: strings.Repeat("k", store.MaxEntryKind+1)},
		{Account: a, Kind: "card", Key: strings.Repeat("k", store.MaxEntryKey+1)}, {Account: a, Kind: "card", ID: -1},
	} {
		f.says(put(e), mail.Invalid, "entry.malformed")
	}
	f.says(put(store.Entry{Account: a, Kind: "card", Doc: make([]byte, store.MaxEntry+1)}), mail.Invalid, "entry.too_large")
}

func entryLists(f *fixture) {
	a := mail.AccountID(f.newID())
	var in [2][]mail.ObjectID
	var all []mail.ObjectID
	for n := range 7 {
		e := f.card(store.Entry{Account: a, Group: mail.ObjectID(70 + n%2), Key: fmt.Sprint(n)})
		in[n%2] = append(in[n%2], e.ID)
		all = append(all, e.ID)
	}
	f.card(store.Entry{Account: a, Kind: "book", Group: 70})
	f.card(store.Entry{Account: mail.AccountID(f.newID()), Group: 70})
	list := func(group mail.ObjectID, page store.Page) (ids []mail.ObjectID) {
		f.view(func(r store.Reader) {
			ids = nil
			entries, err := r.Entries(a, "card", group, page)
			f.ok(err)
			for _, e := range entries {
				ids = append(ids, e.ID)
			}
		})
		return ids
	}
	f.same("all", list(0, store.Page{}), all)
	f.same("of one group", list(70, store.Page{}), in[0])
	f.same("of another", list(71, store.Page{}), in[1])
	f.same("a page", list(0, store.Page{After: all[1], Limit: 3}), all[2:5])
	f.same("a page of a group", list(71, store.Page{After: in[1][0], Limit: 1}), in[1][1:2])
	f.update(func(tx store.Tx) { f.ok(tx.DeleteEntry(a, "card", all[2])) })
	f.same("behind one that went", list(70, store.Page{After: in[0][0], Limit: 1}), in[0][2:3])
}

func entriesSince(f *fixture) {
	a := mail.AccountID(f.newID())
	since := func(n mail.ModSeq, limit int) (list []store.Entry) {
		f.view(func(r store.Reader) {
			var err error
			list, err = r.EntriesSince(a, "card", n, limit)
			f.ok(err)
		})
		return list
	}
	one := f.card(store.Entry{Account: a, Group: 7, Key: "one", Doc: []byte("1")})
	two := f.card(store.Entry{Account: a, Doc: []byte("2")})
	f.mailboxOf(a, "INBOX")
	f.card(store.Entry{Account: a, Kind: "book"})
	three := f.card(store.Entry{Account: a, Doc: []byte("3")})
	f.same("all", since(0, 0), []store.Entry{one, two, three})
	f.same("the first", since(0, 1), []store.Entry{one})
	f.same("since the first", since(one.ModSeq, 0), []store.Entry{two, three})
	changed := f.card(two)
	f.same("after a change", since(one.ModSeq, 0), []store.Entry{three, changed})
	f.dropCard(one)
	gone := store.Entry{Account: a, Kind: "card", ID: one.ID, Group: 7, Key: "one", Born: one.Born, Gone: true, ModSeq: f.box(a).ModSeq}
	f.same("after a removal", since(three.ModSeq, 0), []store.Entry{changed, gone})
	f.same("since now", len(since(gone.ModSeq, 0)), 0)
	f.view(func(r store.Reader) {
		floor, err := r.EntriesFloor(a, "card")
		f.ok(err)
		f.same("floor", floor, mail.ModSeq(0))
	})
}

// entryComesBack: an entry made again under its id is a new one.
func entryComesBack(f *fixture) {
	a := mail.AccountID(f.newID())
	one := f.card(store.Entry{Account: a, ID: 1, Key: "one"})
	f.same("the id that was asked for", one.ID, mail.ObjectID(1))
	f.dropCard(one)
	again := f.card(store.Entry{Account: a, ID: 1, Key: "one", Doc: []byte("again")})
	f.same("born", again.Born, again.ModSeq)
	f.view(func(r store.Reader) {
		list, err := r.EntriesSince(a, "card", 0, 0)
		f.ok(err)
		f.same("changes", list, []store.Entry{again})
	})
}

func entryTracesAreBounded(f *fixture) {
	a := mail.AccountID(f.newID())
	const more = 10
	var ids []mail.ObjectID
	f.update(func(tx store.Tx) {
		ids = nil
		for range store.MaxGoneEntries + more {
			ids = append(ids, must(f, tx.PutEntry)(store.Entry{Account: a, Kind: "card"}).ID)
		}
	})
	stays := f.card(store.Entry{Account: a})
	f.update(func(tx store.Tx) {
		for _, id := range ids {
			f.ok(tx.DeleteEntry(a, "card", id))
		}
	})
	f.view(func(r store.Reader) {
		floor, err := r.EntriesFloor(a, "card")
		f.ok(err)
		f.same("floor", floor, f.box(a).ModSeq-store.MaxGoneEntries)
		var left []store.Entry
		for since := stays.ModSeq - 1; ; {
			list, err := r.EntriesSince(a, "card", since, 0)
			f.ok(err)
			if len(list) == 0 {
				break
			}
			left = append(left, list...)
			since = list[len(list)-1].ModSeq
		}
		f.same("one that stays", left[0], stays)
		f.same("traces", len(left)-1, store.MaxGoneEntries)
		f.same("the first trace", left[1].ID, ids[more])
		other, err := r.EntriesFloor(a, "book")
		f.ok(err)
		f.same("floor of another kind", other, mail.ModSeq(0))
	})
}

func entriesAreTold(f *fixture) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := f.mailbox()
	told := f.tenant.Watch(ctx, m.Account)
	epoch := f.tenant.Epoch()
	e := f.card(store.Entry{Account: m.Account})
	for n := range told {
		if n >= e.ModSeq {
			break
		}
	}
	f.dropCard(e)
	for n := range told {
		if n > e.ModSeq {
			break
		}
	}
	f.same("epoch", f.tenant.Epoch(), epoch)
	f.view(func(r store.Reader) {
		acts, err := r.Acts(0, 0)
		f.ok(err)
		f.same("lines of the operation log", len(acts), 0)
	})
}

func entriesGoWithTheAccount(f *fixture) {
	a, other := f.mailbox().Account, f.mailbox().Account
	var removed []mail.ObjectID
	for _, acc := range []mail.AccountID{a, other} {
		f.card(store.Entry{Account: acc, Key: "one"})
		e := f.card(store.Entry{Account: acc, Kind: "book"})
		f.dropCard(e)
		removed = append(removed, e.ID)
	}
	f.update(func(tx store.Tx) {
		f.ok(tx.PutMemo(a, "name", later()))
		f.ok(tx.DropBelongings(a))
	})
	f.same("memo", f.memo(a, "name").IsZero(), true)
	f.view(func(r store.Reader) {
		for n, acc := range []mail.AccountID{a, other} {
			cards, err := r.EntriesSince(acc, "card", 0, 0)
			f.ok(err)
			f.same("cards", len(cards), n)
			books, err := r.EntriesSince(acc, "book", 0, 0)
			f.ok(err)
			f.same("traces of books", len(books), n)
		}
		books, err := r.EntriesSince(other, "book", 0, 0)
		f.ok(err)
		f.same("the trace of another", books[0].ID, removed[1])
	})
}
