package mailbox

import (
	"bytes"
	"context"

	"tegami/mail"
	"tegami/store"
)

// Body are the octets of a message at rest: io.ReaderAt and io.Closer, with Size and WriteRange.
type Body = store.Blob

// MessageAt gives the message with a UID in a mailbox, with what is asked for. uidValidity is the mailbox's that the caller
// knows the UID of, 0 where that is not known. NotFound "mailbox.unknown", "message.unknown"; Denied "mailbox.no_right".
func (a *Account) MessageAt(ctx context.Context, path string, uidValidity uint32, uid mail.UID, with With) (Message, error) {
	const op = "mailbox.MessageAt"
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return Message{}, err
	}
	var found Message
	err = a.view(ctx, op, func(r store.Reader) error {
		found = Message{}
		m, _, err := a.resolve(r, op, &at, RightRead)
		if err != nil {
			return err
		}
		if uidValidity != 0 && uidValidity != m.UIDValidity {
			return mail.E(op, mail.NotFound, "message.unknown")
		}
		return r.Messages(m.ID, uid, uid, with, func(m *Message) bool {
			found = *m
			found.Index, found.Place.Octets = bytes.Clone(m.Index), bytes.Clone(m.Place.Octets)
			return false
		})
	})
	if err == nil && found.UID == 0 {
		err = mail.E(op, mail.NotFound, "message.unknown")
	}
	return found, err
}

// OpenBody gives the octets of a message of this account, or of a mailbox of another it may read. NotFound for any other. Close the Body. A message that Fetch gave with
// its octets needs no look-up.
func (a *Account) OpenBody(ctx context.Context, m *Message) (Body, error) {
	const op = "mailbox.OpenBody"
	if m == nil {
		return nil, mail.E(op, mail.NotFound, "message.unknown")
	}
	if m.Account != a.account.ID {
		if may, err := a.mayRead(ctx, op, m.Mailbox); err != nil || !may {
			return nil, mail.Because(op, mail.NotFound, "message.unknown", err)
		}
	}
	body, err := a.tenant.Blobs().OpenAt(ctx, m.Blob, m.Place)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return body, nil
}
