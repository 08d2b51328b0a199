package mailbox

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// Body are the octets of a message at rest: io.ReaderAt and io.Closer, with Size and WriteRange.
type Body = store.Blob

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
