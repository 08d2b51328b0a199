package mailbox

import (
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// NewMail is a message to be put away for a recipient.
type NewMail struct {
	Blob     mail.BlobRef // from Tx.Keep in the same Update
	Received time.Time
	Flags    mail.Flags
	Folder   string // path; "" = the inbox
	Service  bool   // the platform's own word to the owner: may go ServiceRoom over the quota
}

// Delivered is a message that was put away, with how full the box is now.
type Delivered struct {
	Message
	Fill Fill
}

// Deliver puts a message into an account's box inside the accepting commit. Full "box.full" if the
// box would then hold more than its quota (SV-5), NotFound "mailbox.unknown" for a folder that
// isn't there.
//
// The box is counted in the same transaction, so deliveries at the same time cannot overrun
// the quota together.
//
// Which thread the message belongs to is found later, behind the delivery (thread.go).
func Deliver(tx store.Tx, acc directory.Account, n NewMail) (Delivered, error) {
	return deliver(tx, acc, n, findMailbox)
}

// Deliver is the function Deliver with the service's memory of where the inbox is: it reads one row
// where the function reads all the account's mailboxes.
func (s *Service) Deliver(tx store.Tx, acc directory.Account, n NewMail) (Delivered, error) {
	s.texts.active.Add(1)
	s.texts.grew(textAccount{acc.Tenant, acc.ID}, 1)
	return deliver(tx, acc, n, func(r store.Reader, id mail.AccountID, levels []string) (store.Mailbox, error) {
		return s.paths.find(r, acc.Tenant, id, levels)
	})
}

// finder finds the mailbox at a path of an account.
type finder func(store.Reader, mail.AccountID, []string) (store.Mailbox, error)

func deliver(tx store.Tx, acc directory.Account, n NewMail, find finder) (Delivered, error) {
	const op = "mailbox.Deliver"
	levels := []string{Inbox}
	if n.Folder != "" {
		var err error
		if levels, err = parsePath(op, n.Folder); err != nil {
			return Delivered{}, err
		}
	}
	box, err := tx.Box(acc.ID)
	if err != nil {
		return Delivered{}, mail.Wrap(op, err)
	}
	if err := room(op, box, n.Blob.Size, n.allowed(acc.Quota)); err != nil {
		return Delivered{}, err
	}
	into, err := find(tx, acc.ID, levels)
	if err != nil {
		return Delivered{}, mail.Wrap(op, err)
	}
	m, err := tx.AddMessage(store.NewMessage{
		Mailbox: into.ID, Flags: n.Flags, Received: n.Received, Blob: n.Blob,
	})
	return Delivered{m, Fill{box.Used + n.Blob.Size, acc.Quota}}, mail.Wrap(op, err)
}

// allowed is what the box may hold with this message in it.
func (n *NewMail) allowed(quota int64) int64 {
	if n.Service {
		return quota + ServiceRoom
	}
	return quota
}
