package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Expunge removes the messages that have the Deleted flag: all, or those of uids if it is not nil
// (RFC 9051 §6.4.3, §6.4.9). It always works, however full the box is (SV-5). The events are those
// of Poll with expunge. An error leaves removed what was; the next Poll tells it. Denied "mailbox.no_right".
func (v *View) Expunge(ctx context.Context, uids []mail.UID) ([]Event, error) {
	const op = "mailbox.Expunge"
	if err := v.allow(ctx, op, RightExpunge); err != nil {
		return nil, err
	}
	now, err := v.shared.fresh(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	doomed := deleted(now.marks, uids)
	if len(doomed) == 0 {
		return v.moveTo(now, true), nil
	}
	for part := range slices.Chunk(doomed, maxChanges) {
		var found *snapshot
		err := v.account.update(ctx, op, func(tx store.Tx) (err error) {
			if found, err = catchUp(tx, v.shared.key.box, now); err != nil {
				return err
			}
			return expunge(tx, found, part)
		})
		if err != nil {
			return nil, err
		}
		now = found
	}
	return v.Poll(ctx, true)
}

// deleted gives the UIDs of the messages with the Deleted flag, all or those in only, ascending.
func deleted(ms marks, only []mail.UID) (uids []mail.UID) {
	if only == nil {
		for _, m := range ms.all() {
			if m.Flags.Has(mail.Deleted) {
				uids = append(uids, m.UID)
			}
		}
		return uids
	}
	for _, uid := range only {
		if i, ok := ms.find(uid); ok && ms.at(i).Flags.Has(mail.Deleted) {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

// expunge removes those of uids that are still there and still Deleted.
func expunge(tx store.Tx, now *snapshot, uids []mail.UID) error {
	for _, uid := range deleted(now.marks, uids) {
		if err := tx.Expunge(now.box.ID, uid); err != nil {
			return err
		}
	}
	return nil
}
