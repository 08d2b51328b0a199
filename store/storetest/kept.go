package storetest

import (
	"fmt"
	"time"

	"tegami/mail"
	"tegami/store"
)

// keptPromises are those of entries that have octets and an end (SF-4).
var keptPromises = []promise{
	{"EntryHasOctets", entryHasOctets},
	{"EntryWithoutOctets", entryWithoutOctets},
	{"EntryKeepsOctets", entryKeepsOctets},
	{"EntriesBack", entriesBack},
	{"EntriesEnd", entriesEnd},
	{"EntrySums", entrySums},
}

// kept writes an entry of kind "kept" with octets in the commit that keeps these.
func (f *fixture) kept(a mail.AccountID, text string, ends time.Time) (e store.Entry) {
	s := f.sealed(text)
	defer s.Release()
	f.update(func(tx store.Tx) {
		e = must(f, tx.PutEntry)(store.Entry{Account: a, Kind: "kept", Blob: mail.BlobRef{ID: f.keep(tx, s).ID}, Ends: ends})
	})
	return e
}

func entryHasOctets(f *fixture) {
	a := mail.AccountID(f.newID())
	ends := received.Add(time.Hour + 1500*time.Millisecond)
	made := f.kept(a, "suspicious", ends)
	f.same("size", made.Blob.Size, int64(10))
	f.same("end", made.Ends, ends.Truncate(time.Second))
	there, err := f.entry(made)
	f.ok(err)
	f.same("entry", there, made)
	f.same("octets", f.text(there.Blob), "suspicious")
	f.same("what the box counts", f.box(a).Used, int64(0))
	f.view(func(r store.Reader) {
		index, err := r.Structure(there.Blob.ID)
		f.ok(err)
		f.same("structure", string(index), "index of 10 octets")
		_, err = r.Structure(there.Blob.ID + 1)
		f.says(err, mail.NotFound, "blob.unknown")
	})
	m := f.mailboxOf(a, "INBOX")
	f.update(func(tx store.Tx) { // released: a message with the same octets, and the entry goes
		msg := must(f, tx.AddMessage)(store.NewMessage{Mailbox: m.ID, Received: received, Blob: there.Blob})
		f.same("blob of the message", msg.Blob, there.Blob)
		f.ok(tx.DeleteEntry(a, "kept", there.ID))
	})
	f.view(func(r store.Reader) {
		list, err := r.EntriesSince(a, "kept", 0, 0)
		f.ok(err)
		f.same("trace", list, []store.Entry{{Kind: "kept", Account: a, ID: made.ID, ModSeq: list[0].ModSeq, Born: made.Born, Gone: true}})
	})
}

// entryWithoutOctets: octets that are not there can't be had, and an entry can give up its octets and its end.
func entryWithoutOctets(f *fixture) {
	a := mail.AccountID(f.newID())
	err := f.try(func(tx store.Tx) error {
		_, err := tx.PutEntry(store.Entry{Account: a, Kind: "kept", Blob: mail.BlobRef{ID: 4711, Size: 1}})
		return err
	})
	f.says(err, mail.NotFound, "blob.unknown")
	e := f.kept(a, "given up", received)
	e.Blob, e.Ends = mail.BlobRef{}, time.Time{}
	bare := f.card(e)
	there, err := f.entry(e)
	f.ok(err)
	f.same("bare entry", there, bare)
	f.same("octets", there.Blob, mail.BlobRef{})
	f.same("end", there.Ends.IsZero(), true)
	f.view(func(r store.Reader) {
		list, err := r.EntriesEnded("kept", later(), 0)
		f.ok(err)
		f.same("ended", len(list), 0)
	})
}

// entryKeepsOctets: octets that only an entry has are no garbage for a check, and become such with its end.
func entryKeepsOctets(f *fixture) {
	a := mail.AccountID(f.newID())
	e := f.kept(a, "only here", received)
	f.same("garbage beside an entry", f.garbage(), 0)
	f.dropCard(e)
	f.same("garbage behind it", f.garbage(), 1)
	f.kept(a, "with the account", received)
	f.update(func(tx store.Tx) { f.ok(tx.DropBelongings(a)) })
	f.same("findings behind the account", f.garbage(), 1)
	f.view(func(r store.Reader) {
		n, err := r.CountEntries(a, "kept")
		f.ok(err)
		f.same("entries", n, 0)
	})
}

// garbage is how many findings of Check are garbage.
func (f *fixture) garbage() (n int) {
	f.ok(f.store.Check(f.Context(), false, func(found store.Finding) {
		if !found.Garbage {
			f.Errorf("Check: %s", found.What)
		}
		n++
	}))
	return n
}

func entriesBack(f *fixture) {
	a := mail.AccountID(f.newID())
	var all []store.Entry
	for i := range 5 {
		all = append([]store.Entry{f.card(store.Entry{Account: a, Doc: fmt.Append(nil, i)})}, all...)
	}
	f.card(store.Entry{Account: a, Kind: "book"})
	f.card(store.Entry{Account: mail.AccountID(f.newID())})
	f.dropCard(all[1])
	all = append(all[:1], all[2:]...)
	f.view(func(r store.Reader) {
		list, err := r.EntriesBack(a, "card", 0, 0)
		f.ok(err)
		f.same("all", list, all)
		list, err = r.EntriesBack(a, "card", all[0].ID, 2)
		f.ok(err)
		f.same("the next two", list, all[1:3])
		list, err = r.EntriesBack(a, "card", all[3].ID, 2)
		f.ok(err)
		f.same("none behind the last", len(list), 0)
	})
}

func entriesEnd(f *fixture) {
	a, b := mail.AccountID(f.newID()), mail.AccountID(f.newID())
	second := f.kept(a, "second", received.Add(2*time.Second))
	first := f.kept(b, "first", received.Add(time.Second))
	f.kept(a, "third", received.Add(time.Minute))
	f.card(store.Entry{Account: a, Kind: "kept", Doc: []byte("for ever")})
	f.card(store.Entry{Account: a, Ends: received})
	f.view(func(r store.Reader) {
		for _, c := range []struct {
			at    time.Time
			limit int
			want  []store.Entry
		}{
			{received, 0, nil},
			{received.Add(time.Second), 0, []store.Entry{first}},
			{received.Add(10 * time.Second), 0, []store.Entry{first, second}},
			{received.Add(10 * time.Second), 1, []store.Entry{first}},
		} {
			list, err := r.EntriesEnded("kept", c.at, c.limit)
			f.ok(err)
			f.same(fmt.Sprint("ended at ", c.at), list, c.want)
		}
	})
}

func entrySums(f *fixture) {
	a, b := mail.AccountID(f.newID()), mail.AccountID(f.newID())
	f.kept(a, "12345", received)
	last := f.kept(a, "1234567", received)
	other := f.kept(b, "1", received)
	f.card(store.Entry{Account: a, Kind: "kept"})
	f.dropCard(f.kept(a, "gone", received))
	f.view(func(r store.Reader) {
		want := []store.EntrySum{{Account: a, Entries: 2, Octets: 12, Last: last.ID}, {Account: b, Entries: 1, Octets: 1, Last: other.ID}}
		list, err := r.EntrySums("kept", 0, 0)
		f.ok(err)
		f.same("sums", list, want)
		list, err = r.EntrySums("kept", 0, 1)
		f.ok(err)
		f.same("the first", list, want[:1])
		list, err = r.EntrySums("kept", a, 0)
		f.ok(err)
		f.same("behind the first", list, want[1:])
	})
}
