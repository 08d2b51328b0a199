package sql

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// Memo tells until when an account remembers a name.
func (r *Reader) Memo(a mail.AccountID, name string) (time.Time, error) {
	const op mail.Op = "store.Memo"
	r.args.Reset().Int(int64(a)).Text(name)
	until, _, err := r.number(op, qMemo)
	if err != nil || until <= r.now.UnixMilli() {
		return time.Time{}, err
	}
	return timeOf(until), nil
}

// Memo tells it in a transaction, and holds the account's counters: of two that ask first and remember then, one sees what the other
// remembered.
func (t *Tx) Memo(a mail.AccountID, name string) (time.Time, error) {
	if _, err := t.holdBox("store.Memo", a); err != nil {
		return time.Time{}, err
	}
	return t.Reader.Memo(a, name)
}

// PutMemo has an account remember a name until a time.
func (t *Tx) PutMemo(a mail.AccountID, name string, until time.Time) error {
	const op mail.Op = "store.PutMemo"
	if a == 0 || name == "" || len(name) > store.MaxMemoName {
		return mail.E(op, mail.Invalid, "memo.name")
	}
	t.args.Reset().Int(int64(a)).Int(t.now.UnixMilli())
	if err := t.change(op, qDropMemos); err != nil {
		return err
	}
	if !until.After(t.now) {
		t.args.Reset().Int(int64(a)).Text(name)
		return t.change(op, qDropMemo)
	}
	t.args.Reset().Int(int64(a)).Text(name)
	n, _, err := t.number(op, qCountMemos)
	if err != nil {
		return err
	}
	if n >= store.MaxMemos {
		t.args.Reset().Int(int64(a)).Int(int64(a))
		if err := t.change(op, qDropFirstMemo); err != nil {
			return err
		}
	}
	t.args.Reset().Int(int64(a)).Text(name).Int(until.UnixMilli())
	return t.change(op, qPutMemo)
}

// DropMemos has an account forget everything.
func (t *Tx) DropMemos(a mail.AccountID) error {
	t.args.Reset().Int(int64(a)).Int(endOfTime)
	return t.change("store.DropMemos", qDropMemos)
}

// endOfTime is later than any time, in milliseconds since 1970.
const endOfTime = 1<<63 - 1
