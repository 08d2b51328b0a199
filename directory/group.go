package directory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// Group is a named set of accounts: roles are limited to it (CP-6), and rules. It has no address; that is a list.
type Group struct {
	ID          mail.ObjectID
	Version     uint64
	Name        string // unique in the company, without regard to case and width
	Description string
	Accounts    int // how many are in it
}

// Limits of groups.
const (
	// MaxGroups is how many a company has.
	MaxGroups = 1000
	// MaxGroupsOf is how many one account is in.
	MaxGroupsOf = 50
	// MaxGroupChange is how many accounts one call puts into a group or takes out.
	MaxGroupChange = 1000
)

// kindGroup is the kind of groups.
const kindGroup = "group"

// inGroup marks the accounts of a group.
func inGroup(id mail.ObjectID) store.Key { return store.Key{Name: "group", Value: id.String()} }

// allGroups marks every group, to count them.
var allGroups = store.Key{Name: "groups", Value: "all"}

// groupKey is under what a group's name is found.
func groupKey(name string) store.Key { return store.Key{Name: "group", Value: Folded(name)} }

// groupDoc is a group as stored.
type groupDoc struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// GroupSpec is what can be said about a group.
type GroupSpec struct {
	Name        string
	Description string
}

func (s GroupSpec) checked(op mail.Op) (groupDoc, error) {
	d := groupDoc{strings.TrimSpace(s.Name), strings.TrimSpace(s.Description)}
	if d.Name == "" || len(d.Name) > MaxName || hasControls(d.Name) {
		return d, mail.E(op, mail.Invalid, "name.malformed", MaxName)
	}
	if len(d.Description) > MaxMemo {
		return d, mail.E(op, mail.Invalid, "profile.memo", MaxMemo)
	}
	return d, nil
}

func putGroup(tx store.Tx, id mail.ObjectID, doc groupDoc, version uint64) error {
	o := store.Object{Kind: kindGroup, ID: id, Version: version, Unique: []store.Key{groupKey(doc.Name)}, Marks: []store.Key{allGroups}}
	err := put(tx, o, doc)
	if key, _ := mail.TextOf(err); key == "key.taken" {
		return mail.E("directory.putGroup", mail.Conflict, "group.exists", doc.Name)
	}
	return err
}

// readGroup gives a group, without its count. NotFound "group.unknown".
func readGroup(r store.Reader, id mail.ObjectID) (Group, error) {
	o, err := r.Object(kindGroup, id)
	if mail.Is(err, mail.NotFound) {
		return Group{}, mail.E("directory.readGroup", mail.NotFound, "group.unknown", id.String())
	}
	if err != nil {
		return Group{}, err
	}
	return groupOf(o)
}

func groupOf(o store.Object) (Group, error) {
	var doc groupDoc
	err := read(o, &doc)
	return Group{ID: o.ID, Version: o.Version, Name: doc.Name, Description: doc.Description}, err
}

// AddGroup makes a group. For who may manage the accounts of the whole company. Conflict "group.exists", Full "groups.too_many",
// Invalid "name.malformed".
func (c *Company) AddGroup(ctx context.Context, by mail.Actor, spec GroupSpec) (g Group, err error) {
	const op = "directory.AddGroup"
	doc, err := spec.checked(op)
	if err != nil {
		return g, err
	}
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightAccounts, Place{}); err != nil {
			return err
		}
		n, err := tx.CountMarked(kindGroup, allGroups)
		if err == nil && n >= MaxGroups {
			err = mail.E(op, mail.Full, "groups.too_many", MaxGroups)
		}
		if err != nil {
			return err
		}
		g = Group{ID: mail.ObjectID(tx.NextID()), Version: 1, Name: doc.Name, Description: doc.Description}
		return putGroup(tx, g.ID, doc, 0)
	})
	return g, err
}

// SetGroup changes what is said about a group. version is the one that was read, 0 = whatever stands. NotFound "group.unknown",
// Conflict "group.exists", "object.changed".
func (c *Company) SetGroup(ctx context.Context, by mail.Actor, id mail.ObjectID, version uint64, spec GroupSpec) (g Group, err error) {
	const op = "directory.SetGroup"
	doc, err := spec.checked(op)
	if err != nil {
		return g, err
	}
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		if g, err = c.groupFor(tx, by, op, id); err != nil {
			return err
		}
		if err := putGroup(tx, id, doc, cmp.Or(version, g.Version)); err != nil {
			return err
		}
		g.Name, g.Description, g.Version = doc.Name, doc.Description, g.Version+1
		g.Accounts, err = tx.CountMarked(kindAccount, inGroup(id))
		return err
	})
	return g, err
}

// groupFor reads a group that the actor manages.
func (c *Company) groupFor(tx store.Tx, by mail.Actor, op mail.Op, id mail.ObjectID) (Group, error) {
	g, err := readGroup(tx, id)
	if err == nil {
		err = c.permit(tx, by, op, RightAccounts, Place{Groups: []mail.ObjectID{id}})
	}
	return g, err
}

// DeleteGroup removes a group. Its accounts stay; roles that were limited to it reach nobody there any more. For who may manage
// the accounts of the whole company. NotFound "group.unknown".
func (c *Company) DeleteGroup(ctx context.Context, by mail.Actor, id mail.ObjectID) error {
	const op = "directory.DeleteGroup"
	for more := true; more; {
		err := c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
			g, err := readGroup(tx, id)
			if err == nil {
				err = c.permit(tx, by, op, RightAccounts, Place{})
			}
			if err != nil {
				return err
			}
			members, err := tx.Marked(kindAccount, inGroup(id), store.Page{})
			if err != nil {
				return err
			}
			if more = len(members) == store.MaxPage; more {
				return takeOut(tx, id, members)
			}
			if err := takeOut(tx, id, members); err != nil {
				return err
			}
			if err := dropExternal(tx, id); err != nil {
				return err
			}
			return tx.DeleteObject(kindGroup, id, g.Version)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeOut takes accounts out of a group.
func takeOut(tx store.Tx, id mail.ObjectID, members []store.Object) error {
	for _, o := range members {
		var doc accountDoc
		if err := read(o, &doc); err != nil {
			return err
		}
		doc.Groups = slices.DeleteFunc(doc.Groups, func(g mail.ObjectID) bool { return g == id })
		if err := putAccount(tx, mail.AccountID(o.ID), doc, o.Version); err != nil {
			return err
		}
	}
	return nil
}

// Group gives one group. NotFound "group.unknown".
func (c *Company) Group(ctx context.Context, id mail.ObjectID) (g Group, err error) {
	err = c.view(ctx, "directory.Group", func(r store.Reader) error {
		if g, err = readGroup(r, id); err == nil {
			g.Accounts, err = r.CountMarked(kindAccount, inGroup(id))
		}
		return err
	})
	return g, err
}

// Groups lists the company's groups by name; there are at most MaxGroups.
func (c *Company) Groups(ctx context.Context) (all []Group, err error) {
	err = c.view(ctx, "directory.Groups", func(r store.Reader) error {
		all = nil
		return each(r, kindGroup, func(o store.Object) error {
			g, err := groupOf(o)
			if err == nil {
				g.Accounts, err = r.CountMarked(kindAccount, inGroup(g.ID))
			}
			all = append(all, g)
			return err
		})
	})
	slices.SortFunc(all, func(a, b Group) int { return strings.Compare(Folded(a.Name), Folded(b.Name)) })
	return all, err
}

// ChangeGroup puts accounts into a group and takes others out, all or none; who is in it already, or not, is no error. The actor
// must manage both the accounts and the group. NotFound "group.unknown", "account.unknown"; Full "group.change", "groups.of_account".
func (c *Company) ChangeGroup(ctx context.Context, by mail.Actor, id mail.ObjectID, in, out []mail.AccountID) error {
	const op = "directory.ChangeGroup"
	if len(in)+len(out) > MaxGroupChange {
		return mail.E(op, mail.Full, "group.change", MaxGroupChange)
	}
	return c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		if _, err := c.groupFor(tx, by, op, id); err != nil {
			return err
		}
		for i, who := range slices.Concat(in, out) {
			if err := c.setInGroup(tx, by, who, id, i < len(in)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Company) setInGroup(tx store.Tx, by mail.Actor, who mail.AccountID, id mail.ObjectID, in bool) error {
	const op = "directory.ChangeGroup"
	doc, version, err := readAccount(tx, who)
	if err != nil {
		return err
	}
	if err := c.permitAccount(tx, by, op, RightAccounts, &doc); err != nil {
		return err
	}
	at, is := slices.BinarySearch(doc.Groups, id)
	switch {
	case is == in:
		return nil
	case in && len(doc.Groups) >= MaxGroupsOf:
		return mail.E(op, mail.Full, "groups.of_account", MaxGroupsOf)
	case in:
		doc.Groups = slices.Insert(doc.Groups, at, id)
	default:
		doc.Groups = slices.Delete(doc.Groups, at, at+1)
	}
	return putAccount(tx, who, doc, version)
}

// checkGroups puts the groups of an account into their stored form. NotFound "group.unknown", Full "groups.of_account".
func checkGroups(r store.Reader, op mail.Op, groups []mail.ObjectID) ([]mail.ObjectID, error) {
	groups = slices.Clone(groups)
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) > MaxGroupsOf {
		return nil, mail.E(op, mail.Full, "groups.of_account", MaxGroupsOf)
	}
	for _, id := range groups {
		if _, err := readGroup(r, id); err != nil {
			return nil, err
		}
	}
	return groups, nil
}
