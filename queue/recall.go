package queue

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// recallable tells whether an item is a whole submission that no carrier has had.
func recallable(it *Item) bool {
	return !it.Submission.IsZero() && it.Route == RouteLocal && it.State != store.ItemSettled && it.Tries == 0 && it.Fence == 0
}

// Recall takes a submission back that no carrier has ever had: nobody gets it, nobody is told, and the item stays as the trace with
// "submission.canceled". That it is done in the caller's transaction makes it either taken back or sent, and never both: a carrier gets an item by
// a write. Conflict "submission.too_late" otherwise, and for an item that is not the sender's.
func Recall(tx store.Tx, id mail.ItemID, sender mail.AccountID) error {
	const op = "queue.Recall"
	late := mail.E(op, mail.Conflict, "submission.too_late")
	s, err := tx.Item(id)
	if mail.Is(err, mail.NotFound) {
		return late
	}
	if err != nil {
		return mail.Wrap(op, err)
	}
	it, err := Open(s)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if !recallable(&it) || it.Sender != sender {
		return late
	}
	now := time.Now()
	for i := range it.To {
		t := &it.To[i]
		t.Outcome, t.Reason, t.Status, t.At = Failed, "submission.canceled", "5.0.0", now
	}
	it.State, it.Due, it.Hold = store.ItemSettled, time.Time{}, ""
	return mail.Wrap(op, Put(tx, &it))
}
