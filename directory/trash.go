package directory

import (
	"cmp"
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Grace is how long a deleted account can be restored. Then Tend destroys it.
const Grace = 30 * 24 * time.Hour

// tendAtOnce is how many accounts Tend looks up at once.
const tendAtOnce = 1000

// inTrash marks the deleted accounts.
var inTrash = store.Key{Name: "trash", Value: "account"}

// trashOf marks the deleted accounts of a domain.
func trashOf(id mail.DomainID) store.Key {
	return store.Key{Name: "trash-of", Value: id.String()}
}

// DeleteAccount takes an account out of service: nobody signs in to it, it gets no mail, it counts as no ID (ML-1). All it has
// stays, and so do its addresses, until RestoreAccount within Grace, or its destruction. Conflict "account.last_admin",
// "account.deleted".
func (c *Company) DeleteAccount(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.DeleteAccount"
	return c.changeAccount(ctx, by, op, RightAccounts, id, func(tx store.Tx, doc *accountDoc) error {
		if doc.State == AccountDeleted {
			return mail.E(op, mail.Conflict, "account.deleted", doc.Address.String())
		}
		clear(c.rooms)
		doc.Was, doc.State, doc.Deleted = doc.State, AccountDeleted, time.Now().UTC().Truncate(time.Second)
		return setAway(tx, doc, true)
	})
}

// RestoreAccount takes a deleted account into service again, with all it had; one that was suspended is so again. Conflict "account.not_deleted"; Full
// "ids.exhausted" where its domain has no ID left (ML-1).
func (c *Company) RestoreAccount(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.RestoreAccount"
	return c.changeAccount(ctx, by, op, RightAccounts, id, func(tx store.Tx, doc *accountDoc) error {
		if doc.State != AccountDeleted {
			return mail.E(op, mail.Conflict, "account.not_deleted", doc.Address.String())
		}
		o, err := tx.Object(kindDomain, mail.ObjectID(doc.Domain))
		if err != nil {
			return err
		}
		d, err := domainOf(o)
		if err != nil {
			return err
		}
		if err := roomIn(tx, d, 1); err != nil {
			return err
		}
		clear(c.rooms)
		doc.State, doc.Was, doc.Deleted = cmp.Or(doc.Was, AccountActive), "", time.Time{}
		if doc.Groups, err = groupsLeft(tx, doc.Groups); err != nil {
			return err
		}
		return setAway(tx, doc, false)
	})
}

// groupsLeft leaves out the groups that were deleted while the account was.
func groupsLeft(r store.Reader, groups []mail.ObjectID) (left []mail.ObjectID, err error) {
	for _, id := range groups {
		_, err := readGroup(r, id)
		if err == nil {
			left = append(left, id)
		} else if !mail.Is(err, mail.NotFound) {
			return nil, err
		}
	}
	return left, nil
}

// roomIn refuses more accounts than a domain has IDs for. Full "ids.exhausted".
func roomIn(r store.Reader, d Domain, more int) error {
	n, err := r.CountMarked(kindAccount, inDomain(d.ID))
	if err == nil && n+more > d.IDs {
		err = mail.E("directory.roomIn", mail.Full, "ids.exhausted", d.Name, d.IDs)
	}
	return err
}

// DestroyAccount ends an account for good: its credential, its mailboxes, all mail in them, its scripts, its places on the
// company's lists. Its addresses are free again. For owners and operators. confirm is its address as the caller wrote it
// down, Invalid "account.confirm" where that is another. Conflict "account.not_deleted" for one that was not deleted before.
func (c *Company) DestroyAccount(ctx context.Context, by mail.Actor, id mail.AccountID, confirm mail.Address) error {
	const op = "directory.DestroyAccount"
	return c.change(ctx, by, op, RightRoles, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err != nil {
			return err
		}
		if err := c.permitAccount(tx, by, op, RightRoles, &doc); err != nil {
			return err
		}
		switch {
		case doc.State != AccountDeleted:
			return mail.E(op, mail.Conflict, "account.not_deleted", doc.Address.String())
		case !sameAddress(confirm, doc.Address):
			return mail.E(op, mail.Invalid, "account.confirm", doc.Address.String())
		}
		return destroy(tx, id, &doc, version)
	})
}

// destroy removes an account with all that is its own.
func destroy(tx store.Tx, id mail.AccountID, doc *accountDoc, version uint64) error {
	for _, drop := range []func(store.Tx, mail.AccountID) error{dropCredential, dropMailboxes, dropBelongings, dropSeats} {
		if err := drop(tx, id); err != nil {
			return err
		}
	}
	if err := dropMemberships(tx, doc.addresses()...); err != nil {
		return err
	}
	return tx.DeleteObject(kindAccount, mail.ObjectID(id), version)
}

// addresses are all the account has.
func (d *accountDoc) addresses() []mail.Address {
	return append([]mail.Address{d.Address}, d.Aliases...)
}

// setAway notes in the account's places on lists whether there is somebody to get the mail.
func setAway(tx store.Tx, doc *accountDoc, away bool) error {
	for _, a := range doc.addresses() {
		on, err := membershipsOf(tx, a)
		if err != nil {
			return err
		}
		for _, o := range on {
			var m memberDoc
			if err := read(o, &m); err != nil {
				return err
			}
			m.Away = away
			if err := putMember(tx, o.ID, m, o.Version); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropMailboxes deletes an account's mailboxes, those below before those above.
func dropMailboxes(tx store.Tx, id mail.AccountID) error {
	boxes, err := tx.Mailboxes(id)
	if err != nil {
		return err
	}
	children := make(map[mail.MailboxID][]mail.MailboxID)
	for _, b := range boxes {
		children[b.Parent] = append(children[b.Parent], b.ID)
	}
	var drop func(parent mail.MailboxID) error
	drop = func(parent mail.MailboxID) error {
		for _, b := range children[parent] {
			if err := drop(b); err != nil {
				return err
			}
			if err := tx.DeleteMailbox(b); err != nil {
				return err
			}
		}
		return nil
	}
	return drop(0)
}

// Tend destroys the accounts of all companies that were deleted longer than Grace ago, and tells how many. It may be called at any
// time; the platform does every hour, in one process.
func (d *Directory) Tend(ctx context.Context) (destroyed int, err error) {
	const op = "directory.Tend"
	all, err := d.known(ctx)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	for _, c := range all.tenants {
		if c.State == TenantOrdered {
			continue // it has no store yet
		}
		n, err := d.tend(ctx, c)
		destroyed += n
		if err != nil && !mail.Is(err, mail.NotFound) {
			return destroyed, mail.Wrap(op, err)
		}
	}
	return destroyed, nil
}

// tend does it for one company, each account in a commit of its own: its mail may be much to delete, and others wait meanwhile.
func (d *Directory) tend(ctx context.Context, c *contract) (destroyed int, err error) {
	for {
		before := time.Now().Add(-Grace)
		due, err := dueIn(ctx, c, before)
		if err != nil || len(due) == 0 {
			return destroyed, err
		}
		for _, id := range due {
			if err := destroyDue(ctx, c, id, before); err != nil {
				return destroyed, err
			}
			destroyed++
		}
	}
}

// destroyDue destroys an account, if it is still one that was deleted before a time: it may have been restored meanwhile, and deleted again.
func destroyDue(ctx context.Context, c *contract, id mail.AccountID, before time.Time) error {
	return c.store.Update(ctx, atWork(), "directory.Tend", func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if mail.Is(err, mail.NotFound) || err == nil && (doc.State != AccountDeleted || !doc.Deleted.Before(before)) {
			return nil
		}
		if err != nil {
			return err
		}
		return destroy(tx, id, &doc, version)
	})
}

// dueIn lists accounts that were deleted before a time, at most tendAtOnce.
func dueIn(ctx context.Context, c *contract, before time.Time) (due []mail.AccountID, err error) {
	err = c.store.View(ctx, func(r store.Reader) error {
		due = due[:0]
		return eachMarked(r, kindAccount, inTrash, func(o store.Object) error {
			var doc accountDoc
			err := read(o, &doc)
			if err == nil && doc.Deleted.Before(before) && len(due) < tendAtOnce {
				due = append(due, mail.AccountID(o.ID))
			}
			return err
		})
	})
	return due, err
}
