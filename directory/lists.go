package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// readList gives a list with its version. NotFound "list.unknown".
func (c *Company) readList(r store.Reader, id mail.ObjectID) (List, uint64, error) {
	o, err := r.Object(kindList, id)
	if mail.Is(err, mail.NotFound) {
		return List{}, 0, mail.E("directory.readList", mail.NotFound, "list.unknown", id.String())
	}
	if err != nil {
		return List{}, 0, err
	}
	l, err := listOf(o, c.id)
	return l, o.Version, err
}

// AddList makes a list with an address in one of the tenant's domains (LI-1, LI-6). For
// administrators. Conflict "address.taken", NotFound "domain.unknown", Full "lists.too_many",
// Invalid "list.local_part", and what SetList says.
func (c *Company) AddList(ctx context.Context, by mail.Actor, addr mail.Address, spec ListSpec) (List, error) {
	const op = "directory.AddList"
	addr, err := accountAddress(addr)
	if err != nil {
		return List{}, mail.Wrap(op, err)
	}
	if len(addr.Local) > MaxListLocal {
		return List{}, mail.E(op, mail.Invalid, "list.local_part", MaxListLocal)
	}
	l := List{Tenant: c.id, Address: addr}
	if l.ListSpec, err = checkSpec(op, spec); err != nil {
		return List{}, err
	}
	err = c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		domain, err := domainID(tx, addr.Domain)
		if err == nil {
			err = c.permit(tx, by, op, RightLists, Place{Domain: domain})
		}
		if err != nil {
			return err
		}
		n, err := tx.CountMarked(kindList, inDomain(domain))
		if err == nil && n >= MaxLists {
			err = mail.E(op, mail.Full, "lists.too_many", MaxLists)
		}
		if err != nil {
			return err
		}
		l.ID, l.Domain, l.Version = mail.ObjectID(tx.NextID()), domain, 1
		return putList(tx, &l, 0)
	})
	return l, err
}

// SetList changes what is said about a list. For administrators. NotFound "list.unknown"; Full
// "list.owners_full", "list.posters_full"; Invalid "list.posting_unknown", "list.prefix",
// "list.moderator_missing", "name.malformed", "lang.unknown".
func (c *Company) SetList(ctx context.Context, by mail.Actor, id mail.ObjectID, spec ListSpec) (l List, err error) {
	const op = "directory.SetList"
	if spec, err = checkSpec(op, spec); err != nil {
		return List{}, err
	}
	err = c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		if l, err = c.listFor(tx, by, op, id); err != nil {
			return err
		}
		l.ListSpec = spec
		return l.write(tx)
	})
	return l, err
}

// ListChange says what becomes of a list; nil leaves a part as it is.
type ListChange struct {
	Version   uint64 // the one that was read; 0 = whatever stands
	Name      *string
	Posting   *PostingPolicy
	Posters   *[]mail.Address
	Owners    *[]mail.Address
	Moderated *bool
	Prefix    *string
	Number    *bool
	Hidden    *bool
	Lang      *string
}

// Spec is what the change makes of nothing.
func (ch *ListChange) Spec() (s ListSpec) {
	ch.apply(&s)
	return s
}

// apply changes a list's rules.
func (ch *ListChange) apply(s *ListSpec) {
	replace(&s.Name, ch.Name)
	replace(&s.Posting, ch.Posting)
	replace(&s.Posters, ch.Posters)
	replace(&s.Owners, ch.Owners)
	replace(&s.Moderated, ch.Moderated)
	replace(&s.Prefix, ch.Prefix)
	replace(&s.Number, ch.Number)
	replace(&s.Hidden, ch.Hidden)
	replace(&s.Lang, ch.Lang)
}

// replace puts a new value in place of an old one, where there is one.
func replace[T any](old, new *T) {
	if new != nil {
		*old = *new
	}
}

// ChangeList is SetList for some of what is said about a list. Conflict "object.changed" for another version.
func (c *Company) ChangeList(ctx context.Context, by mail.Actor, id mail.ObjectID, ch ListChange) (l List, err error) {
	const op = "directory.ChangeList"
	err = c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		if l, err = c.listFor(tx, by, op, id); err != nil {
			return err
		}
		if ch.Version != 0 && ch.Version != l.Version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		ch.apply(&l.ListSpec)
		if l.ListSpec, err = checkSpec(op, l.ListSpec); err != nil {
			return err
		}
		if l.Members, err = tx.CountMarked(kindMember, onList(id)); err != nil {
			return err
		}
		return l.write(tx)
	})
	return l, err
}

// write writes a list that was read.
func (l *List) write(tx store.Tx) error {
	err := putList(tx, l, l.Version)
	l.Version++
	return err
}

// listFor reads a list that the actor manages.
func (c *Company) listFor(r store.Reader, by mail.Actor, op mail.Op, id mail.ObjectID) (List, error) {
	l, _, err := c.readList(r, id)
	if err == nil {
		err = c.permit(r, by, op, RightLists, Place{Domain: l.Domain})
	}
	return l, err
}

// DeleteList removes a list with its members, and from the lists on which it stands. Its address is free again. For administrators.
// NotFound "list.unknown".
func (c *Company) DeleteList(ctx context.Context, by mail.Actor, id mail.ObjectID) error {
	const op = "directory.DeleteList"
	return c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		l, err := c.listFor(tx, by, op, id)
		if err != nil {
			return err
		}
		if err := dropMemberships(tx, l.Address); err != nil {
			return err
		}
		members, err := membersOf(tx, id)
		if err != nil {
			return err
		}
		serial, err := tx.ObjectByKey(serialKey(id))
		if err == nil {
			members = append(members, serial)
		} else if !mail.Is(err, mail.NotFound) {
			return err
		}
		for _, o := range members {
			if err := tx.DeleteObject(o.Kind, o.ID, o.Version); err != nil {
				return err
			}
		}
		return tx.DeleteObject(kindList, id, l.Version)
	})
}

// List gives one list. NotFound "list.unknown".
func (c *Company) List(ctx context.Context, id mail.ObjectID) (l List, err error) {
	err = c.view(ctx, "directory.List", func(r store.Reader) error {
		if l, _, err = c.readList(r, id); err == nil {
			l.Members, err = r.CountMarked(kindMember, onList(id))
		}
		return err
	})
	return l, err
}

// FindList gives the list that has an address. NotFound "list.unknown".
func (c *Company) FindList(ctx context.Context, addr mail.Address) (l List, err error) {
	err = c.view(ctx, "directory.FindList", func(r store.Reader) error {
		if l, err = c.findList(r, addr); err == nil {
			l.Members, err = r.CountMarked(kindMember, onList(l.ID))
		}
		return err
	})
	return l, err
}

func (c *Company) findList(r store.Reader, addr mail.Address) (List, error) {
	o, err := r.ObjectByKey(addressKey(addr))
	if mail.Is(err, mail.NotFound) || err == nil && o.Kind != kindList {
		return List{}, mail.E("directory.findList", mail.NotFound, "list.unknown", addr.String())
	}
	if err != nil {
		return List{}, err
	}
	return listOf(o, c.id)
}

// ListPage asks for a part of the lists.
type ListPage struct {
	Domain string        // "" = all domains
	After  mail.ObjectID // begin behind this one
	Limit  int           // 1 to store.MaxPage; 0 = store.MaxPage
}

// Lists lists the tenant's lists in order of ID.
func (c *Company) Lists(ctx context.Context, p ListPage) ([]List, error) {
	var all []List
	err := c.view(ctx, "directory.Lists", func(r store.Reader) error {
		objects, err := c.listLists(r, p)
		if err != nil {
			return err
		}
		all = make([]List, 0, len(objects))
		for _, o := range objects {
			l, err := listOf(o, c.id)
			if err == nil {
				l.Members, err = r.CountMarked(kindMember, onList(l.ID))
			}
			if err != nil {
				return err
			}
			all = append(all, l)
		}
		return nil
	})
	return all, err
}

func (c *Company) listLists(r store.Reader, p ListPage) ([]store.Object, error) {
	page := store.Page{After: p.After, Limit: p.Limit}
	if p.Domain == "" {
		return r.Objects(kindList, page)
	}
	d, _, err := domainNamed(r, p.Domain)
	if err != nil {
		return nil, err
	}
	return r.Marked(kindList, inDomain(d.ID), page)
}

// serialKey is under what the number of a list's last post is found.
func serialKey(list mail.ObjectID) store.Key {
	return store.Key{Name: "serial", Value: list.String()}
}

// serialDoc is the number of a list's last post as stored.
type serialDoc struct {
	Last int `json:"last"`
}

// NextPost counts a post to a list that numbers its posts (LI-4) and gives its number, from 1 up.
func (d *Directory) NextPost(ctx context.Context, l *List) (int, error) {
	const op = "directory.NextPost"
	var doc serialDoc
	err := d.Company(l.Tenant).update(ctx, atWork(), op, keeps, func(tx store.Tx) error {
		doc = serialDoc{}
		o, err := tx.ObjectByKey(serialKey(l.ID))
		switch {
		case mail.Is(err, mail.NotFound):
			o = store.Object{Kind: kindSerial, ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{serialKey(l.ID)}}
		case err != nil:
			return err
		default:
			if err := read(o, &doc); err != nil {
				return err
			}
		}
		doc.Last++
		o.Quiet = true // mail makes no lines of the operation log
		return put(tx, o, doc)
	})
	return doc.Last, err
}
