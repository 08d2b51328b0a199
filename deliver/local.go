package deliver

import (
	"context"
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

// Mail is a message as it is put away: octets and what its item says.
type Mail struct {
	mailbox.NewMail
	Doc *queue.Doc // envelope and origin, for what goes on; To is not read
}

// Local puts a message into the box of each addressee and says what became of it, in
// the same order. An account that was named by several of its addresses gets the message once. A full
// box (SV-5) and an account that went meanwhile are outcomes; an error means that the
// store failed, and the transaction must not commit.
//
// For an account that forwards (ML-5) it writes an item on queue.RouteForward in the same transaction,
// unless the message is spam. Who keeps no copy is Expanded. Committed is called after the commit.
func (h *House) Local(tx store.Tx, m Mail, to []Addressee) ([]queue.Recipient, error) {
	done := make([]queue.Recipient, len(to))
	first := make(map[mail.AccountID]int, len(to)) // the addressee for whom the account got it
	at := time.Now()
	for i := range to {
		done[i] = queue.Recipient{Recipient: to[i].Recipient, Account: to[i].Account.ID, At: at}
		if j, again := first[to[i].Account.ID]; again {
			d := &done[j]
			done[i].Outcome, done[i].Reason, done[i].Status, done[i].Email = d.Outcome, d.Reason, d.Status, d.Email
			continue
		}
		first[to[i].Account.ID] = i
		if err := h.putAway(tx, m, &to[i], &done[i]); err != nil {
			return nil, mail.Wrap("deliver.Local", err)
		}
	}
	return done, nil
}

// putAway delivers to one account: into its box, onward, or both.
func (h *House) putAway(tx store.Tx, m Mail, to *Addressee, done *queue.Recipient) error {
	forward := to.Account.Forward.On() && m.Doc != nil && !m.Doc.Spam
	if forward && !to.Account.Forward.Keep {
		done.Outcome = queue.Expanded
	} else if err := h.put(tx, m.NewMail, &to.Account, done); err != nil {
		return err
	}
	if !forward {
		return nil
	}
	return putForward(tx, m, to)
}

// put delivers to one box.
func (h *House) put(tx store.Tx, m mailbox.NewMail, to *directory.Account, done *queue.Recipient) error {
	message, err := h.cfg.Mailbox.Deliver(tx, *to, m)
	if err == nil {
		done.Outcome, done.Email = queue.Delivered, message.ID
		return nil
	}
	switch key, _ := mail.TextOf(err); key { // not the kind: a full disk is no full box
	case "box.full":
		fail(done, "box.full", "5.2.2")
	case "mailbox.unknown":
		fail(done, "recipient.unknown", "5.1.1")
	default:
		return err
	}
	return nil
}

// fail marks a recipient as failed for good.
func fail(r *queue.Recipient, reason, status string) {
	r.Outcome, r.Reason, r.Status = queue.Failed, reason, status
	r.At = time.Now()
}

// putForward writes the item that forwards a message for an account.
func putForward(tx store.Tx, m Mail, to *Addressee) error {
	it := queue.Item{State: store.ItemWaiting, Due: time.Now(), Route: queue.RouteForward, Blob: m.Blob}
	it.Doc = fresh(m.Doc)
	orcpt := to.Orcpt
	if orcpt == "" {
		orcpt = "rfc822;" + to.Address.String()
	}
	it.To = make([]queue.Recipient, len(to.Account.Forward.To))
	for i, target := range to.Account.Forward.To {
		it.To[i].Recipient = mail.Recipient{Address: target, Orcpt: orcpt, Notify: onward(to.Notify)}
		it.To[i].Account = to.Account.ID
	}
	return queue.Put(tx, &it)
}

// onward is what a sender asked to hear, for what goes on from here: that it came this far is told here.
func onward(n mail.Notify) mail.Notify {
	if n == 0 || n == mail.NotifyNever {
		return n
	}
	if n &^= mail.NotifySuccess; n == 0 {
		return mail.NotifyNever
	}
	return n
}

// Committed is called after the commit of what Local did, with what Local was given and gave. It wakes the
// queue for what goes on, and says which boxes are nearly full.
func (h *House) Committed(ctx context.Context, to []Addressee, done []queue.Recipient) {
	wake := false
	for i := range to {
		a := &to[i].Account
		wake = wake || a.Forward.On()
		if h.cfg.Filled == nil || done[i].Outcome == queue.Expanded {
			continue
		}
		fill, err := h.cfg.Mailbox.Fill(ctx, *a)
		if err != nil {
			continue // the next message asks again
		}
		if done[i].Reason == "box.full" { // with this message it would be
			fill.Used = max(fill.Used, fill.Quota)
		}
		if fill.Near() {
			h.cfg.Filled(a.Tenant, *a, fill.Used, fill.Quota)
		}
	}
	if wake {
		h.wake()
	}
}

// wake says that something due was written.
func (h *House) wake() {
	if h.cfg.Wake != nil {
		h.cfg.Wake()
	}
}
