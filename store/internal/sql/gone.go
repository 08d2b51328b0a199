package sql

import (
	"tegami/mail"
	"tegami/store"
)

// GoneMailboxes gives the mailboxes of an account that were deleted after since.
func (r *Reader) GoneMailboxes(a mail.AccountID, since mail.ModSeq) (list []store.GoneMailbox, floor mail.ModSeq, err error) {
	const op mail.Op = "store.GoneMailboxes"
	r.args.Reset().Int(int64(a))
	n, _, err := r.number(op, qMailboxesFloor)
	if err != nil {
		return nil, 0, err
	}
	r.args.Reset().Int(int64(a)).Int(int64(since))
	err = r.rows(op, qGoneMailboxes, func(row Row) bool {
		list = append(list, store.GoneMailbox{ID: mail.MailboxID(row.Int(0)), ModSeq: mail.ModSeq(row.Int(1)), Made: mail.ModSeq(row.Int(2))})
		return true
	})
	return list, mail.ModSeq(n), err
}

// buryMailbox leaves the trace of a mailbox and of the messages in it, which are to be deleted. Of a very large one no trace is left, but
// that something went.
func (t *Tx) buryMailbox(op mail.Op, m *mailboxRow, modseq mail.ModSeq) error {
	if m.Messages > store.MaxGoneWith {
		t.args.Reset().Int(int64(m.ID))
		if err := t.change(op, qDeleteGone); err != nil {
			return err
		}
		return t.raiseFloor(op, m.Account, modseq)
	}
	if m.Messages > 0 {
		t.args.Reset().Int(int64(modseq)).Int(int64(m.ID))
		if err := t.change(op, qBuryMessages); err != nil {
			return err
		}
	}
	t.args.Reset().Int(int64(m.Account)).Int(int64(m.ID)).Int(int64(modseq)).Int(int64(m.Made))
	if err := t.change(op, qBuryMailbox); err != nil {
		return err
	}
	return t.forgetMailbox(op, m.Account)
}

// raiseFloor notes up to which ModSeq not all is known of what went.
func (t *Tx) raiseFloor(op mail.Op, a mail.AccountID, floor mail.ModSeq) error {
	t.args.Reset().Int(int64(a)).Int(int64(floor))
	return t.change(op, qPutMailboxesFloor)
}

// forgetMailbox removes the trace of the oldest deleted mailbox, where there are more than MaxGoneMailboxes.
func (t *Tx) forgetMailbox(op mail.Op, a mail.AccountID) error {
	var oldest, modseq int64
	t.args.Reset().Int(int64(a)).Int(store.MaxGoneMailboxes)
	err := t.rows(op, qMailboxTooMany, func(row Row) bool {
		oldest, modseq = row.Int(0), row.Int(1)
		return false
	})
	if err != nil || oldest == 0 {
		return err
	}
	t.args.Reset().Int(oldest)
	if err := t.change(op, qDeleteGone); err != nil {
		return err
	}
	t.args.Reset().Int(int64(a)).Int(oldest)
	if err := t.change(op, qDropGoneMailbox); err != nil {
		return err
	}
	_, floor, err := t.GoneMailboxes(a, mail.ModSeq(modseq))
	if err != nil {
		return err
	}
	return t.raiseFloor(op, a, max(floor, mail.ModSeq(modseq)))
}
