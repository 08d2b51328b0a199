package queue

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// HoldFrom holds what an account has submitted to other hosts and what no carrier has begun, such as when its password was stolen (ML-10), and
// with that what is still to be undone, whoever it is for. It
// gives the number of messages it held. For operators and administrators of the tenant, and the platform.
func (l *Lane) HoldFrom(ctx context.Context, by mail.Actor, sender mail.AccountID) (held int, err error) {
	const op = "queue.HoldFrom"
	for after := mail.ItemID(0); ; {
		items, err := l.List(ctx, store.ItemWaiting, after, 0)
		if err != nil {
			return held, mail.Wrap(op, err)
		}
		for i := range items {
			it := &items[i]
			after = it.ID
			if _, remote := RemoteDomain(it.Route); !remote && !recallable(it) || it.Sender != sender {
				continue
			}
			err := l.Hold(ctx, by, it.ID)
			switch {
			case err == nil:
				held++
			case mail.Is(err, mail.Conflict), mail.Is(err, mail.NotFound): // a carrier has it, or it is through
			default:
				return held, mail.Wrap(op, err)
			}
		}
		if len(items) < store.MaxPage {
			return held, nil
		}
	}
}
