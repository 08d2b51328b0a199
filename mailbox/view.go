package mailbox

import (
	"context"
	"iter"

	"tegami/mail"
	"tegami/store"
)

// View is one session's sight of a mailbox: which messages its client knows, and under which
// numbers. The numbers change by Poll and by Expunge only. Use from one goroutine.
//
// A sequence number is a place in the list, from 1 on. Messages that are gone but not yet told keep
// their numbers; reading and changing skips them (RFC 9051 §7.5.1, RFC 2180 §4.1).
type View struct {
	account *Account
	shared  *shared
	path    string
	access  access      // what the account may do here (RFC 4314)
	base    *snapshot   // what shown was made from
	shown   marks       // what the client knows
	ghosts  bool        // whether shown has messages that are gone
	told    mail.ModSeq // up to which the client was told everything
}

// Select gives a view of a mailbox as it is now. NotFound "mailbox.unknown", Denied "mailbox.no_right" without
// RightRead. Close it.
func (a *Account) Select(ctx context.Context, path string) (*View, error) {
	const op = "mailbox.Select"
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return nil, err
	}
	may := access{foreign: at.foreign}
	var box store.Mailbox
	err = a.view(ctx, op, func(r store.Reader) (err error) {
		box, may.rights, err = a.resolve(r, op, &at, RightRead)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := a.service.boxes.take(a.tenant, boxKey{a.id.Tenant(), box.ID})
	now := s.now.Load()
	if now == nil || now.box.ModSeq < box.ModSeq {
		if now, err = s.fresh(ctx); err != nil {
			a.service.boxes.give(s)
			return nil, mail.Wrap(op, err)
		}
	}
	return &View{account: a, shared: s, path: at.path, access: may, base: now, shown: now.marks, told: now.box.ModSeq}, nil
}

// Close ends the view.
func (v *View) Close() {
	if v.shared != nil {
		v.account.service.boxes.give(v.shared)
		v.shared = nil
	}
}

// Beside gives a sight of the same messages for another goroutine, to read with while the view itself does nothing but read. It is not closed.
func (v *View) Beside() *View {
	beside := *v
	return &beside
}

// Folder gives the mailbox as it was when the view was made or polled last, under the path by which it was selected.
func (v *View) Folder() Folder {
	return Folder{Mailbox: v.base.box, Path: v.path, Rights: v.access.rights, Foreign: v.access.foreign}
}

// Marks gives the messages the client knows, ascending; the n-th has sequence number n+1. It writes
// a slice as long as the mailbox: Len, Mark and All do without. Changes to the slice change nothing
// else.
func (v *View) Marks() []Mark { return v.shown.flat() }

// Len is how many messages the client knows (EXISTS).
func (v *View) Len() int { return v.shown.len() }

// Mark gives a message by its sequence number, 1 to Len.
func (v *View) Mark(seq uint32) (m Mark, ok bool) {
	if seq < 1 || int64(seq) > int64(v.shown.len()) {
		return Mark{}, false
	}
	return v.shown.at(int(seq - 1)), true
}

// All goes through the messages the client knows: sequence number and mark, ascending.
func (v *View) All() iter.Seq2[uint32, Mark] {
	return func(yield func(uint32, Mark) bool) {
		for i, m := range v.shown.all() {
			if !yield(uint32(i+1), m) {
				return
			}
		}
	}
}

// Seq gives the sequence number of a UID. Where the client knows no such message, ok is false and n
// is the number of the first message with a higher UID (Len+1 if there is none).
func (v *View) Seq(uid mail.UID) (n int, ok bool) {
	i, ok := v.shown.find(uid)
	return i + 1, ok
}

// UID gives the UID of a sequence number, 0 where there is none.
func (v *View) UID(seq uint32) mail.UID {
	m, _ := v.Mark(seq)
	return m.UID
}

// Told is the ModSeq up to which the client was told of every change. It lags behind Folder's while there are
// messages that are gone and not told yet: a client that comes back with a later one would never hear of
// them (RFC 7162 §3.2).
func (v *View) Told() mail.ModSeq { return v.told }

// Hiding tells whether there are messages that are gone and not told yet.
func (v *View) Hiding() bool { return v.ghosts }

// Poll moves the view to the newest state and gives what the client must be told, in the order in
// which to tell it. Without expunge, messages that are gone stay in the view with their numbers.
// NotFound "mailbox.deleted" when the mailbox is no more, or may not be read any more (RFC 4314 §5.1.1).
func (v *View) Poll(ctx context.Context, expunge bool) ([]Event, error) {
	const op = "mailbox.Poll"
	if err := v.allow(ctx, op, RightRead); mail.Is(err, mail.Denied) {
		return nil, mail.E(op, mail.NotFound, "mailbox.deleted") // for this account it is
	} else if err != nil {
		return nil, err
	}
	now, err := v.shared.fresh(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return v.moveTo(now, expunge), nil
}

// moveTo is Poll without reading.
func (v *View) moveTo(now *snapshot, expunge bool) []Event {
	if now == v.base && (!v.ghosts || !expunge) {
		return nil
	}
	events, shown := diff(v.shown, now.marks, expunge)
	v.base, v.shown, v.ghosts = now, shown, shown.len() != now.marks.len()
	if !v.ghosts {
		v.told = now.box.ModSeq
	}
	return events
}
