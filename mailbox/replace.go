package mailbox

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// Replace puts a message into a mailbox in the place of one of the view's, in one commit (RFC 8508 §3): it is never there twice,
// and never not at all. In the same account the new one may take the room of the old one. It gives the message and the UIDVALIDITY
// of its mailbox; the next Poll that may expunge tells that the old one left. Errors are those of Append, and NotFound
// "message.unknown" for a message that is gone.
func (v *View) Replace(ctx context.Context, uid mail.UID, toPath string, in Appended) (made Message, uidValidity uint32, err error) {
	const op = "mailbox.Replace"
	if err := v.allow(ctx, op, RightDeleted|RightExpunge); err != nil { // RFC 8508 §3.5: as STORE and EXPUNGE
		return Message{}, 0, err
	}
	p, err := v.account.prepare(ctx, op, toPath, []Appended{in})
	if err != nil {
		return Message{}, 0, err
	}
	err = v.account.update(ctx, op, func(tx store.Tx) error {
		old, err := v.find(tx, op, uid)
		if err != nil {
			return err
		}
		quota := p.quota
		if old.Account == p.at.owner.ID {
			quota += old.Blob.Size
		}
		out, g, err := v.account.appendAll(tx, quota, &p.at, p.ready)
		if err != nil {
			return err
		}
		made, uidValidity = out[0], g.after.UIDValidity
		return tx.Expunge(old.Mailbox, uid)
	})
	return made, uidValidity, err
}

// find gives a message of the mailbox as it is in the store.
func (v *View) find(r store.Reader, op mail.Op, uid mail.UID) (found Message, err error) {
	err = r.Messages(v.shared.key.box, uid, uid, 0, func(m *Message) bool {
		found = *m
		return false
	})
	if err == nil && found.UID == 0 {
		err = mail.E(op, mail.NotFound, "message.unknown")
	}
	found.Index, found.Place.Octets = nil, nil
	return found, err
}
