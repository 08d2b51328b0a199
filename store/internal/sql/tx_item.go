package sql

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// mayWrite checks the fence a caller brings against the lease in the row. A worker whose lease was
// given to another, or whose item is gone, finds out here.
func (t *Tx) mayWrite(op mail.Op, id mail.ItemID, fence uint64) (exists bool, err error) {
	if id <= 0 {
		return false, mail.E(op, mail.Invalid, "item.id")
	}
	var last uint64
	var leased int64
	t.args.Reset().Int(int64(id))
	err = t.rows(op, qItemLease, func(row Row) bool {
		exists, last, leased = true, uint64(row.Int(0)), row.Int(1)
		return false
	})
	if err != nil {
		return false, err
	}
	held := leased > t.now.UnixMilli()
	ours := leased != 0 && last == fence
	if (held || fence != 0) && !ours {
		return exists, mail.E(op, mail.Conflict, "item.leased")
	}
	return exists, nil
}

// PutItem writes a queue item, which ends its lease.
func (t *Tx) PutItem(i store.Item) error {
	const op mail.Op = "store.PutItem"
	if i.State < store.ItemWaiting || i.State > store.ItemSettled {
		return mail.E(op, mail.Invalid, "item.state")
	}
	exists, err := t.mayWrite(op, i.ID, i.Fence)
	if err != nil {
		return err
	}
	if i.Blob.ID != 0 && i.State != store.ItemSettled {
		if _, err := t.blob(op, i.Blob.ID); err != nil {
			return err
		}
	}
	if i.State == store.ItemWaiting {
		t.wakes(i.Due)
	}
	due := msOf(i.Due)
	if exists {
		t.args.Reset().Int(int64(i.State)).Int(due).Int(due).Text(i.Route).Int(int64(i.Blob.ID)).Int(int64(i.Tries)).Blob(i.Doc).Int(int64(i.ID))
		return t.change(op, qUpdateItem)
	}
	t.args.Reset().Int(int64(i.ID)).Int(int64(i.State)).Int(due).Int(due).Text(i.Route).Int(int64(i.Blob.ID)).Int(int64(i.Tries)).Blob(i.Doc)
	return t.change(op, qInsertItem)
}

// wakes notes that a waiting item was written.
func (t *Tx) wakes(due time.Time) {
	if !t.changes.Items || due.Before(t.changes.Wake) {
		t.changes.Items, t.changes.Wake = true, due
	}
}

// DeleteItem removes an item.
func (t *Tx) DeleteItem(id mail.ItemID, fence uint64) error {
	const op mail.Op = "store.DeleteItem"
	exists, err := t.mayWrite(op, id, fence)
	if !exists && t.err == nil {
		err = mail.E(op, mail.NotFound, "item.unknown")
	}
	if err != nil {
		return err
	}
	t.args.Reset().Int(int64(id))
	return t.change(op, qDeleteItem)
}

// ClaimItems leases up to max of this tenant's due items to a worker.
func (t *Tx) ClaimItems(worker string, max int, lease time.Duration) (list []store.Item, err error) {
	const op mail.Op = "store.Claim"
	var due []mail.ItemID
	t.args.Reset().Int(t.now.UnixMilli()).Int(limit(max))
	err = t.rows(op, qDueItems, func(row Row) bool {
		due = append(due, mail.ItemID(row.Int(0)))
		return true
	})
	if err != nil {
		return nil, err
	}
	end := t.now.Add(lease)
	for _, id := range due {
		t.args.Reset().Int(end.UnixMilli()).Int(end.UnixMilli()).Text(worker).Int(int64(id))
		if err := t.change(op, qLeaseItem); err != nil {
			return nil, err
		}
		i, err := t.Item(id)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}
