package mailbox

import (
	"context"
	"slices"

	"tegami/directory"
	"tegami/mail"
)

// spotOf gives the place of a mailbox, as it stands in its owner's account.
func (w *writing) spotOf(m Mailbox) (spot, error) {
	levels, err := climb(w, m)
	if err != nil {
		return spot{}, err
	}
	return w.spot(levels), nil
}

func (w *writing) spot(levels []string) spot {
	p := w.post
	at := spot{levels: levels, owner: p.of, foreign: p.foreign, path: joinPath(levels)}
	if p.foreign {
		at.path = othersPath(p.of.Address, levels)
	}
	return at
}

// spotBelow gives the place of a mailbox of a name below another, or at the top. Invalid as parsePath; Denied "mailbox.reserved".
func (w *writing) spotBelow(parent mail.MailboxID, name string) (spot, error) {
	levels, err := parsePath(w.op, name)
	if err == nil && len(levels) != 1 {
		err = mail.E(w.op, mail.Invalid, "mailbox.name", name)
	}
	if err != nil {
		return spot{}, err
	}
	if parent != 0 {
		above, err := w.box(parent, RightLookup)
		if err != nil {
			return spot{}, err
		}
		up, err := climb(w, above)
		if err != nil {
			return spot{}, err
		}
		levels = append(up, name)
		if levels, err = parsePath(w.op, joinPath(levels)); err != nil {
			return spot{}, err
		}
	}
	if levels[0] == Others {
		return spot{}, mail.E(w.op, mail.Denied, "mailbox.reserved", Others)
	}
	return w.spot(levels), nil
}

// CreateMailbox makes a mailbox. NotFound "mailbox.unknown" for the parent; other errors are those of Create.
func (p *Post) CreateMailbox(ctx context.Context, n NewMailbox) (Mailbox, Written, error) {
	const op = "mailbox.CreateMailbox"
	var made Mailbox
	written, err := p.write(ctx, op, func(w *writing) error {
		at, err := w.spotBelow(n.Parent, n.Name)
		if err != nil {
			return err
		}
		if n.Role != "" && (p.foreign || UseOf(n.Role) == "") {
			return mail.E(op, mail.Invalid, "mailbox.role", n.Role)
		}
		if made, err = p.account.create(w, op, &at, n.Role); err != nil {
			return err
		}
		subscribed := n.Subscribed && !p.foreign
		if subscribed != made.Subscribed || n.Order != made.Place {
			made.Subscribed, made.Place = made.Subscribed || subscribed, n.Order
			if err = w.SetMailbox(made); err == nil {
				made, err = w.Mailbox(made.ID)
			}
		}
		if err == nil && p.foreign && n.Subscribed {
			err = p.account.subscribeName(w, op, subscription{made.ID, at.path}, true)
		}
		return err
	})
	return made, written, err
}

// ChangeMailbox changes a mailbox. Denied "mailbox.inbox" for another name, place or role of the inbox, "mailbox.no_right"; Invalid "mailbox.role";
// Conflict "mailbox.role_taken"; other errors are those of Rename.
func (p *Post) ChangeMailbox(ctx context.Context, id mail.MailboxID, c MailboxChange) (Written, error) {
	const op = "mailbox.ChangeMailbox"
	return p.write(ctx, op, func(w *writing) error {
		m, err := w.box(id, RightLookup)
		if err != nil {
			return err
		}
		if err := w.place(m, c); err != nil {
			return err
		}
		if m, err = w.Mailbox(id); err != nil {
			return err
		}
		return w.set(m, c)
	})
}

// place gives a mailbox another name or parent.
func (w *writing) place(m Mailbox, c MailboxChange) error {
	name, parent := m.Name, m.Parent
	if c.Name != nil {
		name = *c.Name
	}
	if c.Parent != nil {
		parent = *c.Parent
	}
	if name == m.Name && parent == m.Parent {
		return nil
	}
	src, err := w.spotOf(m)
	if err != nil {
		return err
	}
	if isInbox(src.levels) {
		return mail.E(w.op, mail.Denied, "mailbox.inbox")
	}
	if _, err := w.box(m.ID, RightRemove); err != nil {
		return err
	}
	dst, err := w.spotBelow(parent, name)
	if err != nil || slices.Equal(src.levels, dst.levels) {
		return err
	}
	all, err := w.Mailboxes(w.post.of.ID)
	if err != nil {
		return err
	}
	if err := w.post.account.mayCreate(w, w.op, all, &dst); err != nil {
		return err
	}
	return w.post.account.rename(w, all, m, &src, &dst)
}

// set changes what else there is of a mailbox.
func (w *writing) set(m Mailbox, c MailboxChange) error {
	next := m
	if c.Order != nil {
		next.Place = *c.Order
	}
	if c.Role != nil && *c.Role != m.Role {
		if err := w.mayHaveRole(m, *c.Role); err != nil {
			return err
		}
		next.Role = *c.Role
	}
	switch {
	case c.Subscribed == nil:
	case !w.post.foreign:
		next.Subscribed = *c.Subscribed
	default:
		at, err := w.spotOf(m)
		if err != nil {
			return err
		}
		if err := w.post.account.subscribeName(w, w.op, subscription{m.ID, at.path}, *c.Subscribed); err != nil {
			return err
		}
	}
	if next == m {
		return nil
	}
	if w.post.foreign {
		if _, err := w.box(m.ID, RightAdmin); err != nil {
			return err
		}
	}
	return w.SetMailbox(next)
}

// mayHaveRole tells whether a mailbox can get a role.
func (w *writing) mayHaveRole(m Mailbox, role string) error {
	switch {
	case m.Role == "inbox":
		return mail.E(w.op, mail.Denied, "mailbox.inbox")
	case w.post.foreign, role != "" && UseOf(role) == "":
		return mail.E(w.op, mail.Invalid, "mailbox.role", role)
	case role == "":
		return nil
	}
	all, err := w.Mailboxes(w.post.of.ID)
	if err == nil && slices.ContainsFunc(all, func(o Mailbox) bool { return o.Role == role }) {
		err = mail.E(w.op, mail.Conflict, "mailbox.role_taken", role)
	}
	return err
}

// DestroyMailbox removes a mailbox; withMail with the messages in it, else Conflict "mailbox.has_messages" where there are any. Other errors are
// those of Delete.
func (p *Post) DestroyMailbox(ctx context.Context, id mail.MailboxID, withMail bool) (Written, error) {
	const op = "mailbox.DestroyMailbox"
	return p.write(ctx, op, func(w *writing) error {
		m, err := w.box(id, RightRemove)
		if err != nil {
			return err
		}
		at, err := w.spotOf(m)
		switch {
		case err != nil:
			return err
		case isInbox(at.levels):
			return mail.E(op, mail.Denied, "mailbox.inbox")
		case m.Messages > m.Deleted && !withMail:
			return mail.E(op, mail.Conflict, "mailbox.has_messages")
		}
		if err := w.DeleteMailbox(id); err != nil {
			return err
		}
		if err := keepName(w, &m, at.levels); err != nil {
			return err
		}
		if err := dropOf(w, directory.KindGrant, id); err != nil {
			return err
		}
		return dropOf(w, directory.KindAnnotation, id)
	})
}
