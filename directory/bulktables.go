package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// MemberLine is a member of a list as a line of a file has it. What is nil stays as it is, or has its default.
type MemberLine struct {
	List    mail.Address
	Member  mail.Address
	Name    *string
	CanPost *bool
}

// PutMember puts an address on a list inside Together, or changes what stands about it; fresh tells that it was not there. Errors as
// AddMembers.
func (c *Company) PutMember(by mail.Actor, l *MemberLine) (fresh bool, err error) {
	const op = "directory.PutMember"
	e, err := c.editOf(by, op, l.List)
	if err != nil {
		return false, err
	}
	m := Member{Address: l.Member, CanPost: true}
	doc, _, err := readMember(c.together, e.list.ID, l.Member)
	switch fresh = mail.Is(err, mail.NotFound); {
	case err == nil:
		m.Name, m.CanPost = doc.Name, !doc.Mute
	case !fresh:
		return false, err
	}
	if l.Name != nil {
		m.Name = *l.Name
	}
	if l.CanPost != nil {
		m.CanPost = *l.CanPost
	}
	return fresh, e.add(m)
}

// TakeMember takes an address off a list inside Together. NotFound "list.no_member", "list.unknown".
func (c *Company) TakeMember(by mail.Actor, l *MemberLine) error {
	e, err := c.editOf(by, "directory.TakeMember", l.List)
	if err != nil {
		return err
	}
	if err := removeMember(c.together, e.list.ID, l.Member); err != nil {
		return err
	}
	e.count--
	return nil
}

// editOf begins to change a list's members, once for all lines.
func (c *Company) editOf(by mail.Actor, op mail.Op, list mail.Address) (*listEdit, error) {
	if e := c.edits[list.Key()]; e != nil {
		return e, nil
	}
	l, err := c.findList(c.together, list)
	if err == nil {
		l, err = c.listFor(c.together, by, op, l.ID)
	}
	if err != nil {
		return nil, err
	}
	e, err := c.edit(c.together, &l)
	if err == nil {
		c.edits[list.Key()] = e
	}
	return e, err
}

// FindContact gives the contact with an address in the book of a domain, zero for that of the whole company. NotFound
// "contact.unknown".
func (c *Company) FindContact(ctx context.Context, domain mail.DomainID, address mail.Address) (found Contact, err error) {
	const op = "directory.FindContact"
	err = c.view(ctx, op, func(r store.Reader) error {
		o, err := r.ObjectByKey(contactKey(&ContactSpec{Domain: domain, Address: address}))
		if mail.Is(err, mail.NotFound) {
			return mail.E(op, mail.NotFound, "contact.unknown", address.String())
		}
		if err == nil {
			found, err = readContact(r, o.ID)
		}
		return err
	})
	return found, err
}

// Contacts lists the contacts behind one, in order of ID, at most store.MaxPage.
func (c *Company) Contacts(ctx context.Context, after mail.ObjectID) (all []Contact, err error) {
	err = c.view(ctx, "directory.Contacts", func(r store.Reader) error {
		objects, err := r.Objects(kindContact, store.Page{After: after})
		if err != nil {
			return err
		}
		all = make([]Contact, 0, len(objects))
		for _, o := range objects {
			found, err := readContact(r, o.ID)
			if err != nil {
				return err
			}
			all = append(all, found)
		}
		return nil
	})
	return all, err
}

// FindGroup gives the group of a name, without regard to case and width, and without its count. NotFound "group.unknown".
func (c *Company) FindGroup(ctx context.Context, name string) (g Group, err error) {
	const op = "directory.FindGroup"
	err = c.view(ctx, op, func(r store.Reader) error {
		o, err := r.ObjectByKey(groupKey(name))
		if mail.Is(err, mail.NotFound) {
			return mail.E(op, mail.NotFound, "group.unknown", name)
		}
		if err == nil {
			g, err = groupOf(o)
		}
		return err
	})
	return g, err
}
