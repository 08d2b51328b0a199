package outbox

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Undo is whether a submission can still be taken back (RFC 8621 §7 undoStatus).
type Undo string

// What can be.
const (
	Pending  Undo = "pending"
	Final    Undo = "final"
	Canceled Undo = "canceled"
)

// MaxSubmissions is how many submissions an account keeps: with one more the oldest that is no longer pending goes. Past it with pending ones alone it is Full
// "submission.too_many".
const MaxSubmissions = 1000

// Path is an address of an envelope with its parameters (RFC 8621 §7): names of RFC 5321's parameters, and values without xtext; nil for one
// without a value.
type Path struct {
	Email      string             `json:"email"`
	Parameters map[string]*string `json:"parameters"`
}

// Envelope is who a message goes from and to.
type Envelope struct {
	MailFrom Path   `json:"mailFrom"`
	RcptTo   []Path `json:"rcptTo"`
}

// Submission is a message that was given to be sent (RFC 8621 §7).
type Submission struct {
	ID       mail.ObjectID `json:"-"`
	Identity mail.ObjectID `json:"identity"`
	Email    mail.EmailID  `json:"email"`
	Thread   mail.ThreadID `json:"thread"`
	Envelope Envelope      `json:"envelope"`
	SendAt   time.Time     `json:"sendAt"`
	Undo     Undo          `json:"undo"`
	Items    []mail.ItemID `json:"items"` // of the queue, the first of all recipients
}

// Submissions gives those with the ids, in any order, without those that are not there; nil: all, ascending.
func (b *Box) Submissions(ctx context.Context, ids []mail.ObjectID) (list []Submission, err error) {
	read := func(e store.Entry) error {
		s := Submission{}
		if err := decode(e, &s); err != nil {
			return err
		}
		s.ID = e.ID
		list = append(list, s)
		return nil
	}
	err = b.tenant.View(ctx, func(r store.Reader) error {
		list = nil
		if ids == nil {
			return all(r, b.id, kindSubmission, read)
		}
		for _, id := range ids {
			e, err := r.Entry(b.id, kindSubmission, id)
			if err == nil {
				err = read(e)
			}
			if err != nil && !mail.Is(err, mail.NotFound) {
				return err
			}
		}
		return nil
	})
	return list, mail.Wrap("outbox.Submissions", err)
}

// submission gives one. NotFound "submission.unknown".
func submission(r store.Reader, account mail.AccountID, id mail.ObjectID) (e store.Entry, s Submission, err error) {
	e, err = r.Entry(account, kindSubmission, id)
	if mail.Is(err, mail.NotFound) {
		return e, s, mail.E("outbox.submission", mail.NotFound, "submission.unknown")
	}
	if err == nil {
		err = decode(e, &s)
	}
	s.ID = id
	return e, s, err
}

// Cancel takes a submission back: nobody gets anything of it. NotFound "submission.unknown"; Conflict "submission.too_late" when it is
// not pending any more. Once canceled it stays so: a second time changes nothing.
func (b *Box) Cancel(ctx context.Context, id mail.ObjectID) error {
	const op = "outbox.Cancel"
	return b.update(ctx, op, func(tx store.Tx) error {
		e, s, err := submission(tx, b.id, id)
		switch {
		case err != nil:
			return err
		case s.Undo == Canceled:
			return nil
		case s.Undo != Pending || len(s.Items) == 0:
			return mail.E(op, mail.Conflict, "submission.too_late")
		}
		if err := queue.Recall(tx, s.Items[0], b.id); err != nil {
			return err
		}
		s.Undo = Canceled
		_, err = put(tx, e, &s)
		return err
	})
}

// Forget removes a submission from the list; what it sends is sent all the same. NotFound "submission.unknown".
func (b *Box) Forget(ctx context.Context, id mail.ObjectID) error {
	const op = "outbox.Forget"
	return b.update(ctx, op, func(tx store.Tx) error {
		if _, _, err := submission(tx, b.id, id); err != nil {
			return err
		}
		return tx.DeleteEntry(b.id, kindSubmission, id)
	})
}

// Released is deliver.Config.Released: a carrier has a submission, and nobody takes it back any more. It notes the items that go on.
func Released(tx store.Tx, it *queue.Item, next []queue.Item) error {
	e, s, err := submission(tx, it.Sender, it.Submission)
	if mail.Is(err, mail.NotFound) {
		return nil // he doesn't want to know
	}
	if err != nil {
		return err
	}
	s.Undo = Final
	for i := range next {
		if len(s.Items) < store.MaxPage {
			s.Items = append(s.Items, next[i].ID)
		}
	}
	_, err = put(tx, e, &s)
	return err
}

// makeRoom removes the oldest submissions that are over, so that one more can be kept.
func (b *Box) makeRoom(tx store.Tx) error {
	n, err := tx.CountEntries(b.id, kindSubmission)
	if err != nil || n < MaxSubmissions {
		return err
	}
	var old []mail.ObjectID
	err = all(tx, b.id, kindSubmission, func(e store.Entry) error {
		var s Submission
		if err := decode(e, &s); err != nil {
			return err
		}
		if s.Undo != Pending && len(old) <= n-MaxSubmissions {
			old = append(old, e.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(old) == 0 {
		return mail.E("outbox.makeRoom", mail.Full, "submission.too_many", MaxSubmissions)
	}
	for _, id := range old {
		if err := tx.DeleteEntry(b.id, kindSubmission, id); err != nil {
			return err
		}
	}
	return nil
}
