package intake

import (
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// whole are all recipients of a message that waits as one item.
type whole struct {
	with func(store.Tx, *queue.Item) error
	to   []mail.Recipient
}

// Whole makes a submission one item of the sender's company: colleagues, accounts of other companies and other hosts are in it together and get
// nothing before it is carried, at HoldUntil of Begin's options or at once. So it can be taken back as a whole until then (queue.Recall). with writes in the
// accepting commit, behind the item, whose ID and Submission are new ones, and may run more than once. To be
// called before the first Recipient, in a transaction that was begun with somebody who signed in.
func (tx *Transaction) Whole(with func(store.Tx, *queue.Item) error) {
	if tx.submission != nil && len(tx.seen) == 0 {
		tx.whole = &whole{with: with}
	}
}

// add takes a recipient that could be taken.
func (w *whole) add(r mail.Recipient) {
	if w != nil {
		w.to = append(w.to, r)
	}
}

// shares gives all recipients to the sender's company.
func (w *whole) shares(tenant mail.TenantID) []share {
	if len(w.to) == 0 {
		return nil
	}
	return []share{{tenant: tenant, wait: w.to}}
}

// write is called in the accepting commit, behind the item.
func (w *whole) write(t store.Tx, it *queue.Item) error {
	if w == nil {
		return nil
	}
	return w.with(t, it)
}
