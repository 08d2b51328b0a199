package directory

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// onList marks the members of a list.
func onList(id mail.ObjectID) store.Key { return store.Key{Name: "list", Value: id.String()} }

// memberAddress marks the memberships of an address, over all lists.
func memberAddress(a mail.Address) store.Key { return store.Key{Name: "member", Value: a.Key()} }

// membership is under what an address is found on a list.
func membership(list mail.ObjectID, a mail.Address) store.Key {
	return store.Key{Name: "membership", Value: list.String() + " " + a.Key()}
}

// membersOf gives the members' objects of a list, in order of ID.
func membersOf(r store.Reader, list mail.ObjectID) ([]store.Object, error) {
	all := make([]store.Object, 0, 64)
	err := eachMarked(r, kindMember, onList(list), func(o store.Object) error {
		all = append(all, o)
		return nil
	})
	return all, err
}

func putMember(tx store.Tx, id mail.ObjectID, doc memberDoc, version uint64) error {
	o := store.Object{
		Kind: kindMember, ID: id, Version: version,
		Unique: []store.Key{membership(doc.List, doc.Address)},
		Marks:  []store.Key{onList(doc.List), memberAddress(doc.Address)},
	}
	return put(tx, o, doc)
}

// readMember finds an address on a list. NotFound "list.no_member".
func readMember(r store.Reader, list mail.ObjectID, addr mail.Address) (doc memberDoc, o store.Object, err error) {
	o, err = r.ObjectByKey(membership(list, addr))
	if mail.Is(err, mail.NotFound) {
		return doc, o, mail.E("directory.readMember", mail.NotFound, "list.no_member", addr.String())
	}
	if err != nil {
		return doc, o, err
	}
	return doc, o, read(o, &doc)
}

// Members lists the members of a list in the order they were added. NotFound "list.unknown".
func (c *Company) Members(ctx context.Context, list mail.ObjectID) ([]Member, error) {
	var all []Member
	err := c.view(ctx, "directory.Members", func(r store.Reader) error {
		if _, _, err := c.readList(r, list); err != nil {
			return err
		}
		objects, err := membersOf(r, list)
		if err != nil {
			return err
		}
		all = make([]Member, 0, len(objects))
		for _, o := range objects {
			var doc memberDoc
			if err := read(o, &doc); err != nil {
				return err
			}
			all = append(all, doc.member(o.ID))
		}
		return nil
	})
	return all, err
}

// AddMembers puts addresses on a list, all or none (LI-5); CanPost and Name are taken over from
// those that are on it already. Full "list.members_full" past 1,000 (LI-3),
// Conflict "list.cycle" for a list on which this one stands, Invalid "address.malformed", NotFound
// "list.unknown".
func (c *Company) AddMembers(ctx context.Context, by mail.Actor, list mail.ObjectID, members []Member) error {
	return c.changeMembers(ctx, by, "directory.AddMembers", list, members, nil)
}

// RemoveMembers takes addresses off a list, all or none. NotFound "list.no_member", "list.unknown".
func (c *Company) RemoveMembers(ctx context.Context, by mail.Actor, list mail.ObjectID, addrs []mail.Address) error {
	return c.changeMembers(ctx, by, "directory.RemoveMembers", list, nil, addrs)
}

// ChangeMembers takes addresses off a list and puts others on it, all or none, with the errors of AddMembers and RemoveMembers.
func (c *Company) ChangeMembers(ctx context.Context, by mail.Actor, list mail.ObjectID, members []Member, gone []mail.Address) error {
	return c.changeMembers(ctx, by, "directory.ChangeMembers", list, members, gone)
}

func (c *Company) changeMembers(ctx context.Context, by mail.Actor, op mail.Op, list mail.ObjectID, members []Member, gone []mail.Address) error {
	if max(len(members), len(gone)) > MaxMembers {
		return mail.E(op, mail.Full, "list.members_full", MaxMembers)
	}
	return c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		l, err := c.listFor(tx, by, op, list)
		if err != nil {
			return err
		}
		for _, a := range gone {
			if err := removeMember(tx, list, a); err != nil {
				return err
			}
		}
		e, err := c.edit(tx, &l)
		if err != nil {
			return err
		}
		for _, m := range members {
			if err := e.add(m); err != nil {
				return err
			}
		}
		return nil
	})
}

func removeMember(tx store.Tx, list mail.ObjectID, addr mail.Address) error {
	_, o, err := readMember(tx, list, addr)
	if err != nil {
		return err
	}
	return tx.DeleteObject(kindMember, o.ID, o.Version)
}

// dropMemberships takes addresses off all lists of the tenant.
func dropMemberships(tx store.Tx, addrs ...mail.Address) error {
	for _, a := range addrs {
		on, err := membershipsOf(tx, a)
		if err != nil {
			return err
		}
		for _, o := range on {
			if err := tx.DeleteObject(kindMember, o.ID, o.Version); err != nil {
				return err
			}
		}
	}
	return nil
}

// membershipsOf gives an address's places on lists.
func membershipsOf(r store.Reader, a mail.Address) (on []store.Object, err error) {
	err = eachMarked(r, kindMember, memberAddress(a), func(o store.Object) error {
		on = append(on, o)
		return nil
	})
	return on, err
}

// ResumeMember lets a member that bounces switched off get the list's mail again. For administrators.
// NotFound "list.no_member", "list.unknown".
func (c *Company) ResumeMember(ctx context.Context, by mail.Actor, list mail.ObjectID, addr mail.Address) error {
	const op = "directory.ResumeMember"
	return c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		if _, err := c.listFor(tx, by, op, list); err != nil {
			return err
		}
		doc, o, err := readMember(tx, list, addr)
		if err != nil {
			return err
		}
		doc.Off, doc.Bounces = false, nil
		return putMember(tx, o.ID, doc, o.Version)
	})
}

// Bounced counts a hard bounce of a member inside the transaction that learned of it, and tells
// whether that switched the member off: the owner must hear of it (LI-7). Nothing happens for who is no
// member any more, or off already.
func Bounced(tx store.Tx, list mail.ObjectID, addr mail.Address, at time.Time) (off bool, err error) {
	const op = "directory.Bounced"
	doc, o, err := readMember(tx, list, addr)
	if mail.Is(err, mail.NotFound) || err == nil && (doc.Off || doc.Away) {
		return false, nil
	}
	if err != nil {
		return false, mail.Wrap(op, err)
	}
	doc.Bounces = append(sinceBounce(doc.Bounces, at), at.UTC().Truncate(time.Second))
	doc.Off = len(doc.Bounces) >= MaxBounces
	return doc.Off, mail.Wrap(op, putMember(tx, o.ID, doc, o.Version))
}

// listEdit adds to a list and keeps its rules.
type listEdit struct {
	tx    store.Tx
	list  *List
	count int
	above map[string]bool // lists on which this one stands, by the key of their address; with its own
}

// edit begins to change the members of a list.
func (c *Company) edit(tx store.Tx, l *List) (*listEdit, error) {
	n, err := tx.CountMarked(kindMember, onList(l.ID))
	if err != nil {
		return nil, err
	}
	e := &listEdit{tx: tx, list: l, count: n}
	e.above, err = c.listsAbove(tx, l)
	return e, err
}

// add puts an address on the list, or changes what stands about it.
func (e *listEdit) add(m Member) error {
	const op = "directory.AddMembers"
	m.Name = strings.TrimSpace(m.Name)
	switch {
	case m.Address.Local == "" || m.Address.Domain == "":
		return mail.E(op, mail.Invalid, "address.malformed", m.Address.String())
	case len(m.Name) > MaxName || hasControls(m.Name):
		return mail.E(op, mail.Invalid, "name.malformed", MaxName)
	case e.above[m.Address.Key()]:
		return mail.E(op, mail.Conflict, "list.cycle", m.Address.String(), e.list.Address.String())
	}
	doc, o, err := readMember(e.tx, e.list.ID, m.Address)
	switch {
	case mail.Is(err, mail.NotFound) && e.count >= MaxMembers:
		return mail.E(op, mail.Full, "list.members_full", MaxMembers)
	case mail.Is(err, mail.NotFound):
		doc = memberDoc{List: e.list.ID, Address: m.Address}
		o.ID = mail.ObjectID(e.tx.NextID())
		e.count++
	case err != nil:
		return err
	}
	doc.Name, doc.Mute = m.Name, !m.CanPost
	return putMember(e.tx, o.ID, doc, o.Version)
}

// listsAbove gives the list and those of the tenant on which it stands, directly or through others.
func (c *Company) listsAbove(r store.Reader, l *List) (map[string]bool, error) {
	above := map[string]bool{l.Address.Key(): true}
	for todo := []mail.Address{l.Address}; len(todo) > 0; todo = todo[1:] {
		err := eachMarked(r, kindMember, memberAddress(todo[0]), func(o store.Object) error {
			var doc memberDoc
			if err := read(o, &doc); err != nil {
				return err
			}
			parent, err := r.Object(kindList, doc.List)
			if err != nil {
				return err
			}
			p, err := listOf(parent, c.id)
			if err == nil && !above[p.Address.Key()] {
				above[p.Address.Key()] = true
				todo = append(todo, p.Address)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return above, nil
}

// sinceBounce leaves the bounces that still count.
func sinceBounce(all []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(all), func(t time.Time) bool { return now.Sub(t) >= BounceWindow })
}
