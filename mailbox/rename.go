package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Rename gives a mailbox another path; those below it come along, and missing ones above the new
// path are made. Access control lists stay what they are (RFC 4314 §4). Renaming the inbox moves its messages into a
// new mailbox of that name and leaves the inbox and those below it (RFC 9051 §6.3.6). NotFound "mailbox.unknown",
// Conflict "mailbox.exists", Invalid "mailbox.below_itself", "mailbox.too_deep" or "mailbox.other_owner", Denied
// "mailbox.reserved" or "mailbox.no_right" (RightRemove, and RightCreate on the nearest mailbox above the new
// path), Full "mailbox.too_many".
func (a *Account) Rename(ctx context.Context, from, to string) error {
	const op = "mailbox.Rename"
	src, err := a.locate(ctx, op, from)
	if err != nil {
		return err
	}
	dst, err := a.locateNew(ctx, op, to)
	if err != nil {
		return err
	}
	if src.owner.ID != dst.owner.ID {
		return mail.E(op, mail.Invalid, "mailbox.other_owner")
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		m, _, err := a.resolve(tx, op, &src, RightRemove)
		if err != nil {
			return err
		}
		all, err := tx.Mailboxes(src.owner.ID)
		if err != nil {
			return err
		}
		if err := a.mayCreate(tx, op, all, &dst); err != nil {
			return err
		}
		switch {
		case isInbox(src.levels) && src.foreign:
			return mail.E(op, mail.Denied, "mailbox.inbox")
		case isInbox(src.levels):
			return a.emptyInbox(tx, all, m, &dst)
		}
		return a.rename(tx, all, m, &src, &dst)
	})
}

// rename puts a mailbox at another path.
func (a *Account) rename(tx store.Tx, all []store.Mailbox, m store.Mailbox, src, dst *spot) error {
	const op = "mailbox.Rename"
	last := len(dst.levels) - 1
	at, depth := descend(all, dst.levels)
	switch {
	case depth == len(dst.levels):
		return mail.E(op, mail.Conflict, "mailbox.exists", dst.path)
	case last >= len(src.levels) && slices.Equal(dst.levels[:len(src.levels)], src.levels):
		return mail.E(op, mail.Invalid, "mailbox.below_itself", dst.path)
	case len(dst.levels)+height(all, m.ID) > MaxDepth:
		return mail.E(op, mail.Invalid, "mailbox.too_deep", MaxDepth)
	}
	if depth < last {
		above := *dst
		above.levels = dst.levels[:last]
		var err error
		if at, err = a.makeLevels(tx, op, all, "", &above); err != nil {
			return err
		}
	}
	m.Parent, m.Name = at.ID, dst.levels[last]
	if err := tx.SetMailbox(m); err != nil {
		return err
	}
	return takeName(tx, &m, dst.levels)
}

// height is how many levels there are below a mailbox.
func height(all []store.Mailbox, id mail.MailboxID) int {
	below := map[mail.MailboxID][]mail.MailboxID{}
	for _, m := range all {
		below[m.Parent] = append(below[m.Parent], m.ID)
	}
	levels, n := below[id], 0
	for len(levels) > 0 && n <= MaxDepth {
		var next []mail.MailboxID
		for _, id := range levels {
			next = append(next, below[id]...)
		}
		levels, n = next, n+1
	}
	return n
}

// emptyInbox moves all messages of the inbox into a new mailbox (RFC 9051 §6.3.6).
func (a *Account) emptyInbox(tx store.Tx, all []store.Mailbox, inbox store.Mailbox, dst *spot) error {
	into, err := a.makeLevels(tx, "mailbox.Rename", all, "", dst)
	if err != nil {
		return err
	}
	old, err := readMarks(tx, inbox, 0)
	if err != nil {
		return err
	}
	for _, m := range old {
		if _, err := tx.MoveMessage(inbox.ID, m.UID, into.ID); err != nil {
			return err
		}
	}
	return nil
}
