package quarantine

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// MaxAtOnce is of how many messages one call does something.
const MaxAtOnce = 500

// Outcome says which messages something was done with, and why not with the others.
type Outcome struct {
	Done   []mail.ObjectID
	Failed map[mail.ObjectID]error // *mail.Error: NotFound "quarantine.unknown", Full "box.full"; nil where none
}

// Take says how messages are taken out.
type Take struct {
	Allow bool // and mail of their senders is let in from now on (SF-5)
	// Silent: nothing is to be learned from it. Otherwise who takes a message out says with it that it is wanted.
	Silent bool
}

// Take puts messages into the inbox and out of quarantine, each in a transaction of its own. Invalid "quarantine.too_many" past MaxAtOnce.
func (b *Box) Take(ctx context.Context, ids []mail.ObjectID, how Take) (Outcome, error) {
	return b.each(ctx, "quarantine.Take", ids, Released, !how.Silent, func(tx store.Tx, e *Entry) error {
		if err := b.service.cfg.Release(tx, b.account, e); err != nil {
			return err
		}
		if how.Allow {
			if err := b.allow(tx, e.Sender()); err != nil {
				return err
			}
		}
		return tx.DeleteEntry(b.account.ID, Kind, e.ID)
	})
}

// allow has mail of a sender let in from now on. One without an address, such as of a bounce, can't be.
func (b *Box) allow(tx store.Tx, sender mail.Address) error {
	const op mail.Op = "quarantine.Take"
	switch {
	case b.service.cfg.Allow == nil:
		return mail.E(op, mail.Denied, "actor.denied")
	case sender.IsNull():
		return mail.E(op, mail.Invalid, "quarantine.no_sender")
	}
	return b.service.cfg.Allow(tx, b.by, b.account.ID, sender)
}

// Delete throws messages away. Invalid "quarantine.too_many" past MaxAtOnce.
func (b *Box) Delete(ctx context.Context, ids []mail.ObjectID) (Outcome, error) {
	return b.each(ctx, "quarantine.Delete", ids, Deleted, false, func(tx store.Tx, e *Entry) error {
		return tx.DeleteEntry(b.account.ID, Kind, e.ID)
	})
}

// ham is what Entry.Said has for a message that is said to be wanted.
const ham = "ham"

// NotSpam notes that messages are wanted and leaves them where they are. Of one of which that was said before nothing is told again. Invalid
// "quarantine.too_many" past MaxAtOnce.
func (b *Box) NotSpam(ctx context.Context, ids []mail.ObjectID) (Outcome, error) {
	return b.each(ctx, "quarantine.NotSpam", ids, NotSpam, true, func(tx store.Tx, e *Entry) error {
		if e.Said == ham {
			return nil
		}
		e.Said = ham
		doc, err := e.encode()
		if err != nil {
			return err
		}
		there, err := tx.Entry(b.account.ID, Kind, e.ID)
		if err != nil {
			return err
		}
		there.Doc, there.ModSeq = doc, 0
		_, err = tx.PutEntry(there)
		return err
	})
}

// each does something with each message, in a transaction of its own. An error is one that concerns all of them.
func (b *Box) each(ctx context.Context, op mail.Op, ids []mail.ObjectID, deed Deed, ham bool, do func(store.Tx, *Entry) error) (out Outcome, err error) {
	if len(ids) > MaxAtOnce {
		return out, mail.E(op, mail.Invalid, "quarantine.too_many", MaxAtOnce)
	}
	seen := make([]mail.ObjectID, 0, len(ids))
	for _, id := range ids {
		if slices.Contains(seen, id) {
			continue
		}
		seen = append(seen, id)
		act := Act{Tenant: b.account.Tenant, Account: b.account, Deed: deed, Ham: ham}
		var was string
		err := b.update(ctx, op, func(tx store.Tx) (err error) {
			if act.Entry, err = b.get(tx, id); err != nil {
				return err
			}
			was = act.Entry.Said
			if err := do(tx, &act.Entry); err != nil {
				return err
			}
			return b.note(tx, deed, &act.Entry)
		})
		switch {
		case err == nil:
			out.Done = append(out.Done, id)
			act.Ham = ham && was == ""
			b.service.cfg.Did(ctx, act)
		case mail.Is(err, mail.Unavailable), mail.Is(err, mail.Busy), ctx.Err() != nil:
			return out, err
		default:
			if out.Failed == nil {
				out.Failed = make(map[mail.ObjectID]error)
			}
			out.Failed[id] = err
		}
	}
	return out, nil
}

// noteDoc is what a line of the operation log says of what was done with a message in somebody else's box.
type noteDoc struct {
	Did       Deed   `json:"did"`
	Recipient string `json:"recipient"`
	From      string `json:"from"`
	MessageID string `json:"messageId,omitempty"`
	To        string `json:"to,omitempty"`
}

// note writes into the operation log what was done in somebody else's box (CP-7).
func (b *Box) note(tx store.Tx, deed Deed, e *Entry) error { return b.noteTo(tx, deed, e, "") }

func (b *Box) noteTo(tx store.Tx, deed Deed, e *Entry, to string) error {
	if !b.noted {
		return nil
	}
	doc, err := json.Marshal(noteDoc{deed, e.Recipient.String(), e.Sender().String(), e.MessageID, to})
	if err != nil {
		return mail.Because("quarantine.note", mail.Other, "", err)
	}
	return tx.Note(Kind, e.ID, doc)
}

// noteView writes into the operation log that somebody else looks: at one message, or at the list where id is zero. Who gets its error sees
// nothing.
func (b *Box) noteView(ctx context.Context, op mail.Op, id mail.ObjectID) error {
	if !b.noted {
		return nil
	}
	if id == 0 {
		id = mail.ObjectID(b.account.ID)
	}
	return b.service.cfg.Directory.Company(b.account.Tenant).NoteView(ctx, b.by, op, Kind, id)
}
