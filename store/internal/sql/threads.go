package sql

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// refsAtOnce is how many references one query looks up: the places of qThreadRefs.
const refsAtOnce = 12

// secondsADay is the length of a day.
const secondsADay = 24 * 3600

// Threads gives the threads that references lead to.
func (r *Reader) Threads(a mail.AccountID, refs []store.ThreadRef) (map[store.ThreadRef]mail.ThreadID, error) {
	found := make(map[store.ThreadRef]mail.ThreadID)
	refs = refs[:min(len(refs), store.MaxThreadRefs)]
	for len(refs) > 0 {
		n := min(refsAtOnce, len(refs))
		r.args.Reset().Int(int64(a))
		for i := range refsAtOnce {
			r.args.Int(int64(refs[min(i, n-1)]))
		}
		err := r.rows("store.Threads", qThreadRefs, func(row Row) bool {
			found[store.ThreadRef(row.Int(0))] = mail.ThreadID(row.Int(1))
			return true
		})
		if err != nil {
			return nil, err
		}
		refs = refs[n:]
	}
	return found, nil
}

// Threads gives them in a transaction, and holds the account's counters: of two that put messages into threads, one sees what the other did.
func (t *Tx) Threads(a mail.AccountID, refs []store.ThreadRef) (map[store.ThreadRef]mail.ThreadID, error) {
	if _, err := t.holdBox("store.Threads", a); err != nil {
		return nil, err
	}
	return t.Reader.Threads(a, refs)
}

// PutThreadRefs has references lead to a thread.
func (t *Tx) PutThreadRefs(a mail.AccountID, refs []store.ThreadRef, thread mail.ThreadID) error {
	const op mail.Op = "store.PutThreadRefs"
	if _, err := t.openBox(op, a); err != nil {
		return err
	}
	for _, ref := range refs[:min(len(refs), store.MaxThreadRefs)] {
		t.args.Reset().Int(int64(a)).Int(int64(ref)).Int(int64(thread)).Int(t.now.Unix() / secondsADay)
		if err := t.change(op, qPutThreadRef); err != nil {
			return err
		}
	}
	return nil
}

// PruneThreadRefs removes references that were used last before a time.
func (t *Tx) PruneThreadRefs(a mail.AccountID, before time.Time) error {
	const op mail.Op = "store.PruneThreadRefs"
	day := before.Unix() / secondsADay
	t.args.Reset().Int(int64(a)).Int(day)
	if _, found, err := t.number(op, qOldThreadRef); err != nil || !found { // mostly: nothing is written
		return err
	}
	t.args.Reset().Int(int64(a)).Int(day)
	return t.change(op, qPruneThreadRefs)
}

// SetThread puts a message into a thread, if it is in none.
func (t *Tx) SetThread(id mail.EmailID, thread mail.ThreadID) (mail.ThreadID, error) {
	const op mail.Op = "store.SetThread"
	account, have, err := t.threadOf(op, id)
	if err == nil && account != 0 {
		if _, err = t.holdBox(op, account); err == nil {
			account, have, err = t.threadOf(op, id) // another may have done it before the counters were held
		}
	}
	switch {
	case err != nil:
		return 0, err
	case account == 0:
		return 0, mail.E(op, mail.NotFound, "message.unknown")
	case have != 0:
		return have, nil
	}
	t.args.Reset().Int(int64(thread)).Int(int64(id))
	return thread, t.change(op, qSetThread)
}

// threadOf gives the account and the thread of a message; zero where there is none.
func (t *Tx) threadOf(op mail.Op, id mail.EmailID) (account mail.AccountID, thread mail.ThreadID, err error) {
	t.args.Reset().Int(int64(id))
	err = t.rows(op, qThreadOf, func(row Row) bool {
		account, thread = mail.AccountID(row.Int(0)), mail.ThreadID(row.Int(1))
		return false
	})
	return account, thread, err
}
