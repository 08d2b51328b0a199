package sql

import (
	"bytes"
	"math"
	"time"

	"tegami/mail"
	"tegami/store"
)

// entryArgs begins the arguments of a query about an account's entries of a kind.
func (r *Reader) entryArgs(a mail.AccountID, kind string) *Args {
	return r.args.Reset().Int(int64(a)).Text(kind)
}

// entries runs a query for entries.
func (r *Reader) entries(op mail.Op, q Query) (list []store.Entry, err error) {
	err = r.rows(op, q, func(row Row) bool {
		e := store.Entry{
			Kind:    row.Text(0),
			Account: mail.AccountID(row.Int(1)),
			ID:      mail.ObjectID(row.Int(2)),
			Group:   mail.ObjectID(row.Int(3)),
			Key:     row.Text(4),
			ModSeq:  mail.ModSeq(row.Int(5)),
			Born:    mail.ModSeq(row.Int(6)),
			Gone:    row.Int(7) != 0,
		}
		if doc := row.Blob(8); len(doc) > 0 { // databases disagree whether an empty one is nil
			e.Doc = doc
		}
		if ends := row.Int(9); ends != 0 {
			e.Ends = time.Unix(ends, 0).UTC()
		}
		if e.Blob.ID = mail.BlobID(row.Int(10)); e.Blob.ID != 0 {
			e.Blob.Size = row.Int(11)
			row.Fill(12, e.Blob.Hash[:])
		}
		list = append(list, e)
		return true
	})
	return list, err
}

// oneEntry runs a query for one entry.
func (r *Reader) oneEntry(op mail.Op, q Query) (store.Entry, error) {
	list, err := r.entries(op, q)
	if err != nil {
		return store.Entry{}, err
	}
	if len(list) == 0 {
		return store.Entry{}, mail.E(op, mail.NotFound, "entry.unknown")
	}
	return list[0], nil
}

// Entry gives one entry.
func (r *Reader) Entry(a mail.AccountID, kind string, id mail.ObjectID) (store.Entry, error) {
	r.entryArgs(a, kind).Int(int64(id))
	return r.oneEntry("store.Entry", qEntry)
}

// EntryByKey gives the entry that has a key.
func (r *Reader) EntryByKey(a mail.AccountID, kind, key string) (store.Entry, error) {
	r.entryArgs(a, kind).Text(key)
	return r.oneEntry("store.EntryByKey", qEntryByKey)
}

// Entries lists the entries of a kind.
func (r *Reader) Entries(a mail.AccountID, kind string, group mail.ObjectID, page store.Page) ([]store.Entry, error) {
	q := qEntries
	args := r.entryArgs(a, kind)
	if group != 0 {
		q = qEntriesIn
		args.Int(int64(group))
	}
	args.Int(int64(page.After)).Int(limit(page.Limit))
	return r.entries("store.Entries", q)
}

// EntriesBack lists the entries of a kind, the newest first.
func (r *Reader) EntriesBack(a mail.AccountID, kind string, before mail.ObjectID, max int) ([]store.Entry, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	r.entryArgs(a, kind).Int(int64(before)).Int(limit(max))
	return r.entries("store.EntriesBack", qEntriesBack)
}

// EntriesEnded lists the entries of a kind that have ended.
func (r *Reader) EntriesEnded(kind string, at time.Time, max int) ([]store.Entry, error) {
	r.args.Reset().Text(kind).Int(at.Unix()).Int(limit(max))
	return r.entries("store.EntriesEnded", qEntriesEnded)
}

// EntrySums tells how many entries with an end the accounts have.
func (r *Reader) EntrySums(kind string, after mail.AccountID, max int) (list []store.EntrySum, err error) {
	r.args.Reset().Text(kind).Int(int64(after)).Int(limit(max))
	err = r.rows("store.EntrySums", qEntrySums, func(row Row) bool {
		list = append(list, store.EntrySum{
			Account: mail.AccountID(row.Int(0)), Entries: int(row.Int(1)), Octets: row.Int(2), Last: mail.ObjectID(row.Int(3)),
		})
		return true
	})
	return list, err
}

// Structure gives what was kept with octets as their index.
func (r *Reader) Structure(id mail.BlobID) (index []byte, err error) {
	const op mail.Op = "store.Structure"
	found := false
	r.args.Reset().Int(int64(id))
	err = r.rows(op, qStructure, func(row Row) bool {
		index, found = row.Blob(0), true
		return false
	})
	if err == nil && !found {
		err = mail.E(op, mail.NotFound, "blob.unknown")
	}
	return index, err
}

// EntriesSince lists the entries of a kind that changed after since.
func (r *Reader) EntriesSince(a mail.AccountID, kind string, since mail.ModSeq, max int) ([]store.Entry, error) {
	r.entryArgs(a, kind).Int(int64(since)).Int(limit(max))
	return r.entries("store.EntriesSince", qEntriesSince)
}

// EntriesFloor is the ModSeq from which on EntriesSince knows of every entry that was removed.
func (r *Reader) EntriesFloor(a mail.AccountID, kind string) (mail.ModSeq, error) {
	r.entryArgs(a, kind)
	n, _, err := r.number("store.EntriesFloor", qEntryFloor)
	return mail.ModSeq(n), err
}

// CountEntries tells how many entries of a kind there are.
func (r *Reader) CountEntries(a mail.AccountID, kind string) (int, error) {
	r.entryArgs(a, kind)
	n, _, err := r.number("store.CountEntries", qCountEntries)
	return int(n), err
}

// checkEntry tells whether an entry can be written.
func checkEntry(op mail.Op, e *store.Entry) error {
	switch {
	case e.Account <= 0, e.ID < 0, e.Kind == "", len(e.Kind) > store.MaxEntryKind, len(e.Key) > store.MaxEntryKey:
		return mail.E(op, mail.Invalid, "entry.malformed")
	case len(e.Doc) > store.MaxEntry:
		return mail.E(op, mail.Invalid, "entry.too_large", store.MaxEntry>>10)
	}
	return nil
}

// PutEntry writes an entry.
func (t *Tx) PutEntry(e store.Entry) (store.Entry, error) {
	const op mail.Op = "store.PutEntry"
	if err := checkEntry(op, &e); err != nil {
		return store.Entry{}, err
	}
	box, err := t.openBox(op, e.Account)
	if err != nil {
		return store.Entry{}, err
	}
	there, err := t.entryState(op, &e)
	if err != nil {
		return store.Entry{}, err
	}
	if e.ModSeq != 0 && (there.Gone || e.ModSeq != there.ModSeq) {
		return store.Entry{}, mail.E(op, mail.Conflict, "object.changed")
	}
	if err := t.entryKeyFree(op, &e); err != nil {
		return store.Entry{}, err
	}
	if err := t.entryOctets(op, &e); err != nil {
		return store.Entry{}, err
	}
	if e.ID == 0 {
		e.ID = mail.ObjectID(t.ids.Next())
	}
	e.ModSeq, e.Born, e.Gone = t.next(box), there.Born, false
	if there.Gone || there.Born == 0 {
		e.Born = e.ModSeq
	}
	doc := e.Doc
	if doc == nil {
		doc = []byte{}
	}
	t.args.Reset().Text(e.Kind).Int(int64(e.Account)).Int(int64(e.ID)).Int(int64(e.Group)).Text(e.Key).
		Int(int64(e.ModSeq)).Int(int64(e.Born)).Blob(doc)
	e.Doc = nil
	if e.Ends.IsZero() {
		t.args.Int(0)
	} else {
		e.Ends = e.Ends.UTC().Truncate(time.Second)
		t.args.Int(e.Ends.Unix())
	}
	t.args.Int(int64(e.Blob.ID)).Int(e.Blob.Size)
	if e.Blob.ID == 0 {
		t.args.Blob(nil)
	} else {
		t.args.Blob(bytes.Clone(e.Blob.Hash[:]))
	}
	return e, t.change(op, qPutEntry)
}

// entryOctets makes sure that the octets an entry is to have are there, and says all of them.
func (t *Tx) entryOctets(op mail.Op, e *store.Entry) error {
	if e.Blob.ID == 0 {
		e.Blob = mail.BlobRef{}
		return nil
	}
	b, err := t.blob(op, e.Blob.ID)
	if err == nil {
		e.Blob.Size = b.size
		copy(e.Blob.Hash[:], b.hash)
	}
	return err
}

// entryState gives ModSeq, Born and Gone of the entry that stands, or stood, where e is to be written; zero where none did.
func (t *Tx) entryState(op mail.Op, e *store.Entry) (there store.Entry, err error) {
	if e.ID == 0 {
		return there, nil
	}
	t.entryArgs(e.Account, e.Kind).Int(int64(e.ID))
	err = t.rows(op, qEntryState, func(row Row) bool {
		there = store.Entry{ModSeq: mail.ModSeq(row.Int(0)), Born: mail.ModSeq(row.Int(1)), Gone: row.Int(2) != 0}
		return false
	})
	return there, err
}

// entryKeyFree tells whether no other entry of the kind has the key.
func (t *Tx) entryKeyFree(op mail.Op, e *store.Entry) error {
	if e.Key == "" {
		return nil
	}
	t.entryArgs(e.Account, e.Kind).Text(e.Key)
	owner, taken, err := t.number(op, qEntryOwner)
	if err == nil && taken && mail.ObjectID(owner) != e.ID {
		err = mail.E(op, mail.Conflict, "key.taken", e.Key)
	}
	return err
}

// DeleteEntry removes an entry and leaves its trace.
func (t *Tx) DeleteEntry(a mail.AccountID, kind string, id mail.ObjectID) error {
	const op mail.Op = "store.DeleteEntry"
	box, err := t.holdBox(op, a)
	if err != nil {
		return err
	}
	there, err := t.entryState(op, &store.Entry{Account: a, Kind: kind, ID: id})
	if err != nil {
		return err
	}
	if there.ModSeq == 0 || there.Gone {
		return mail.E(op, mail.NotFound, "entry.unknown")
	}
	modseq := t.next(box)
	t.args.Reset().Int(int64(modseq)).Int(int64(a)).Text(kind).Int(int64(id))
	if err := t.change(op, qBuryEntry); err != nil {
		return err
	}
	return t.forgetGone(op, a, kind)
}

// forgetGone removes the traces of an account's entries past the newest MaxGoneEntries.
func (t *Tx) forgetGone(op mail.Op, a mail.AccountID, kind string) error {
	t.entryArgs(a, kind).Int(store.MaxGoneEntries)
	floor, found, err := t.number(op, qEntryTooMany)
	if err != nil || !found {
		return err
	}
	t.entryArgs(a, kind).Int(floor)
	if err := t.change(op, qForgetEntries); err != nil {
		return err
	}
	t.entryArgs(a, kind).Int(floor)
	return t.change(op, qPutEntryFloor)
}

// DropBelongings removes all that an account has beside its mailboxes.
func (t *Tx) DropBelongings(a mail.AccountID) error {
	const op mail.Op = "store.DropBelongings"
	if _, err := t.holdBox(op, a); err != nil {
		return err
	}
	for _, q := range []Query{qDropEntries, qDropEntryFloors, qDropThreadRefs, qDropGoneOfAccount, qDropGoneMailboxes} {
		t.args.Reset().Int(int64(a))
		if err := t.change(op, q); err != nil {
			return err
		}
	}
	return t.DropMemos(a)
}
