package deliver

import (
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
)

// Addressee is a recipient in this house with the account that gets the mail.
type Addressee struct {
	mail.Recipient
	Account directory.Account
}

// Local puts a message into the box of each addressee and says what became of it, in
// the same order. An account that was named by several of its addresses gets the message once. A full
// box (SV-5) and an account that went meanwhile are outcomes; an error means that the
// store failed, and the transaction must not commit.
func Local(tx store.Tx, boxes *mailbox.Service, m mailbox.NewMail, to []Addressee) ([]queue.Recipient, error) {
	done := make([]queue.Recipient, len(to))
	first := make(map[mail.AccountID]int, len(to)) // the addressee for whom the account got it
	at := time.Now()
	for i := range to {
		done[i] = queue.Recipient{Recipient: to[i].Recipient, Account: to[i].Account.ID, At: at}
		if j, again := first[to[i].Account.ID]; again {
			done[i].Outcome, done[i].Reason, done[i].Email = done[j].Outcome, done[j].Reason, done[j].Email
			continue
		}
		first[to[i].Account.ID] = i
		if err := put(tx, boxes, m, &to[i].Account, &done[i]); err != nil {
			return nil, mail.Wrap("deliver.Local", err)
		}
	}
	return done, nil
}

// put delivers to one account.
func put(tx store.Tx, boxes *mailbox.Service, m mailbox.NewMail, to *directory.Account, done *queue.Recipient) error {
	message, err := boxes.Deliver(tx, *to, m)
	if err == nil {
		done.Outcome, done.Email = queue.Delivered, message.ID
		return nil
	}
	switch key, _ := mail.TextOf(err); key { // not the kind: a full disk is no full box
	case "box.full":
		done.Outcome, done.Reason = queue.Failed, "box.full"
	case "mailbox.unknown":
		done.Outcome, done.Reason = queue.Failed, "recipient.unknown"
	default:
		return err
	}
	return nil
}
