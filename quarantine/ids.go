package quarantine

import (
	"cmp"
	"context"

	"tegami/mail"
	"tegami/store"
)

// IDs lists all messages that fulfil a query, in its order: at most MaxEntries. Offset, Behind and Limit are not heeded. Invalid "quarantine.sort".
func (b *Box) IDs(ctx context.Context, q Query) (ids []mail.ObjectID, at mail.ModSeq, err error) {
	const op mail.Op = "quarantine.IDs"
	if q.Sort = cmp.Or(q.Sort, ByReceived); orders[q.Sort] == nil {
		return nil, 0, mail.E(op, mail.Invalid, "quarantine.sort", string(q.Sort))
	}
	if err := b.noteView(ctx, op, 0); err != nil {
		return nil, 0, err
	}
	err = b.view(ctx, op, func(r store.Reader) error {
		box, err := r.Box(b.account.ID)
		if err != nil {
			return err
		}
		all, err := everything(r, b.account.ID)
		if err != nil {
			return err
		}
		q.sort(all)
		at, ids = box.ModSeq, nil
		wanted := q.matcher()
		for i := range all {
			if wanted(&all[i]) {
				ids = append(ids, all[i].ID)
			}
		}
		return nil
	})
	return ids, at, err
}
