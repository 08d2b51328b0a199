package outbox

import (
	"context"
	"encoding/json"

	"tegami/mail"
	"tegami/store"
)

// Kinds of entries.
const (
	kindIdentity   = "identity"
	kindSubmission = "submission"
	kindSnooze     = "snooze"
	kindMade       = "identities" // one entry: the addresses that had their identity made
)

// Kind is a kind of entry that clients follow.
type Kind string

// The kinds.
const (
	Identities  Kind = kindIdentity
	Submissions Kind = kindSubmission
	Snoozes     Kind = kindSnooze
)

// Changes tells what changed of a kind since a state, at most limit entries. Conflict "state.unknown" where that is forgotten.
func (b *Box) Changes(ctx context.Context, kind Kind, since mail.ModSeq, limit int) (c store.EntryChanges, err error) {
	err = b.tenant.View(ctx, func(r store.Reader) error {
		c, err = store.EntriesChanged(r, b.id, string(kind), since, limit)
		return err
	})
	return c, mail.Wrap("outbox.Changes", err)
}

// all gives the entries of a kind, decoded by read.
func all(r store.Reader, a mail.AccountID, kind string, read func(store.Entry) error) error {
	for page := (store.Page{}); ; {
		list, err := r.Entries(a, kind, 0, page)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := read(e); err != nil {
				return err
			}
			page.After = e.ID
		}
		if len(list) < store.MaxPage {
			return nil
		}
	}
}

// decode reads an entry's document. The error's kind is Other.
func decode(e store.Entry, into any) error {
	if err := json.Unmarshal(e.Doc, into); err != nil {
		return mail.Because("outbox.decode", mail.Other, "", err)
	}
	return nil
}

// put writes an entry with a document.
func put(tx store.Tx, e store.Entry, doc any) (store.Entry, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return e, mail.Because("outbox.put", mail.Other, "", err)
	}
	e.Doc = text
	written, err := tx.PutEntry(e)
	written.Doc = text
	return written, err
}
