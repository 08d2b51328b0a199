package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Rename gives a mailbox another path; those below it come along, and missing ones above the new
// path are made. Renaming the inbox moves its messages into a new mailbox of that name and leaves
// the inbox and those below it (RFC 9051 §6.3.6). NotFound "mailbox.unknown", Conflict
// "mailbox.exists", Invalid "mailbox.below_itself" or "mailbox.too_deep", Full "mailbox.too_many".
func (a *Account) Rename(ctx context.Context, from, to string) error {
	const op = "mailbox.Rename"
	src, err := parsePath(op, from)
	if err != nil {
		return err
	}
	dst, err := parsePath(op, to)
	if err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		all, err := tx.Mailboxes(a.account.ID)
		if err != nil {
			return err
		}
		m, depth := descend(all, src)
		switch {
		case depth < len(src):
			return mail.E(op, mail.NotFound, "mailbox.unknown", joinPath(src))
		case isInbox(src):
			return a.emptyInbox(tx, all, m, dst)
		}
		return a.rename(tx, all, m, src, dst)
	})
}

// rename puts a mailbox at another path.
func (a *Account) rename(tx store.Tx, all []store.Mailbox, m store.Mailbox, src, dst []string) error {
	const op = "mailbox.Rename"
	at, depth := descend(all, dst)
	switch {
	case depth == len(dst):
		return mail.E(op, mail.Conflict, "mailbox.exists", joinPath(dst))
	case len(dst) > len(src) && slices.Equal(dst[:len(src)], src):
		return mail.E(op, mail.Invalid, "mailbox.below_itself", joinPath(dst))
	case len(dst)+height(all, m.ID) > MaxDepth:
		return mail.E(op, mail.Invalid, "mailbox.too_deep", MaxDepth)
	}
	if above := dst[:len(dst)-1]; depth < len(above) {
		var err error
		if at, err = a.makeLevels(tx, op, all, "", above); err != nil {
			return err
		}
	}
	m.Parent, m.Name = at.ID, dst[len(dst)-1]
	return tx.SetMailbox(m)
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
func (a *Account) emptyInbox(tx store.Tx, all []store.Mailbox, inbox store.Mailbox, dst []string) error {
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
