package sql

import (
	"cmp"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Item gives a queue item, which nobody else changes until the transaction is over: who writes it back as it was read must not
// undo what another process did meanwhile.
func (t *Tx) Item(id mail.ItemID) (store.Item, error) { return t.item(qItemLock, id) }

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

// PutItem writes a queue item, which ends its lease or, with Until, keeps it or begins it.
func (t *Tx) PutItem(i store.Item) error {
	const op mail.Op = "store.PutItem"
	if i.State < store.ItemWaiting || i.State > store.ItemSettled {
		return mail.E(op, mail.Invalid, "item.state")
	}
	w := wakeOf(i)
	if i.Fence != 0 {
		if done, err := t.putLeased(op, i, w); done || err != nil {
			return err
		}
	}
	exists, err := t.mayWrite(op, i.ID, i.Fence)
	if err == nil && exists && i.Fence == 0 && w.leased != 0 {
		err = mail.E(op, mail.Conflict, "item.leased")
	}
	if err != nil {
		return err
	}
	if i.Blob.ID != 0 && i.State != store.ItemSettled {
		if _, err := t.blob(op, i.Blob.ID); err != nil {
			return err
		}
	}
	t.wakes(i, w)
	if exists {
		t.args.Reset().Int(int64(i.State)).Int(msOf(i.Due)).Int(w.at).Text(i.Route).Int(int64(i.Blob.ID)).Int(w.leased).
			Int(int64(i.Tries)).Blob(i.Doc).Int(int64(i.ID))
		return t.change(op, qUpdateItem)
	}
	fence, tries := int64(0), int64(i.Tries)
	if w.leased != 0 { // as if claimed
		fence, tries = 1, 1
	}
	t.args.Reset().Int(int64(i.ID)).Int(int64(i.State)).Int(msOf(i.Due)).Int(w.at).Text(i.Route).Int(int64(i.Blob.ID)).
		Int(fence).Int(w.leased).Int(tries).Blob(i.Doc)
	return t.change(op, qInsertItem)
}

// wake is when an item may be claimed, and when its lease ends (0: it has none), in milliseconds since 1970.
type wake struct{ at, leased int64 }

func wakeOf(i store.Item) wake {
	if i.State != store.ItemWaiting || i.Until.IsZero() {
		return wake{at: msOf(i.Due)}
	}
	end := i.Until.UnixMilli()
	return wake{at: end, leased: end}
}

// putLeased writes an item for the holder of its lease with one statement. Not done: something is out of the ordinary.
func (t *Tx) putLeased(op mail.Op, i store.Item, w wake) (done bool, err error) {
	t.args.Reset().Int(int64(i.State)).Int(msOf(i.Due)).Int(w.at).Text(i.Route).Int(w.leased).Int(int64(i.Tries)).Blob(i.Doc).
		Int(int64(i.ID)).Int(int64(i.Fence)).Int(int64(i.Blob.ID))
	err = t.rows(op, qUpdateLeased, func(Row) bool { done = true; return true })
	if done {
		t.wrote = true
		t.statement++
		t.wakes(i, w)
	}
	return done, err
}

// wakes notes that a waiting item was written.
func (t *Tx) wakes(i store.Item, w wake) {
	if i.State != store.ItemWaiting {
		return
	}
	if at := timeOf(w.at); !t.changes.Items || at.Before(t.changes.Wake) {
		t.changes.Items, t.changes.Wake = true, at
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

// PruneItems removes the oldest settled items.
func (t *Tx) PruneItems(before mail.ItemID, max int) (removed int, err error) {
	t.args.Reset().Int(int64(before)).Int(limit(max))
	err = t.rows("store.PruneItems", qPruneItems, func(Row) bool { removed++; return true })
	if removed > 0 {
		t.wrote = true
		t.statement += removed
	}
	return removed, err
}

// ClaimItems leases up to max of this tenant's due items to a worker, with one statement.
func (t *Tx) ClaimItems(worker string, max int, lease time.Duration) (list []store.Item, err error) {
	const op mail.Op = "store.Claim"
	end := t.now.Add(lease).UnixMilli()
	t.args.Reset().Int(t.now.UnixMilli()).Int(limit(max)).Int(end).Int(end).Text(worker)
	err = t.rows(op, qClaimItems, func(row Row) bool {
		list = append(list, t.scanItem(row))
		return true
	})
	if len(list) > 0 {
		t.wrote = true
		t.statement += len(list)
	}
	slices.SortFunc(list, func(a, b store.Item) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return list, err
}

// EndLeases ends all leases, whose holders are known to be gone.
func (t *Tx) EndLeases() error {
	t.args.Reset()
	return t.change("store.EndLeases", qEndLeases)
}
