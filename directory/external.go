package directory

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// kindExternal is the kind of the names that another system has for an account or a group (SCIM's externalId).
const kindExternal = "external"

// MaxExternal is the length of such a name in octets.
const MaxExternal = 255

// externalDoc is such a name as stored.
type externalDoc struct {
	Of   mail.ObjectID `json:"of"`
	Name string        `json:"name"`
}

func externalKey(of mail.ObjectID) store.Key {
	return store.Key{Name: kindExternal, Value: of.String()}
}
func externalName(name string) store.Key { return store.Key{Name: "external-name", Value: name} }

// setExternal notes inside Together what another system calls an account or a group; "" forgets it. Who may change what it is of is
// for the caller to have made sure. Invalid "external.malformed".
func (c *Company) setExternal(by mail.Actor, of mail.ObjectID, name string) error {
	const op = "directory.setExternal"
	if len(name) > MaxExternal || hasControls(name) {
		return mail.E(op, mail.Invalid, "external.malformed", MaxExternal)
	}
	if err := somewhere(c.together, by, op, RightAccounts); err != nil {
		return err
	}
	o, err := c.together.ObjectByKey(externalKey(of))
	switch none := mail.Is(err, mail.NotFound); {
	case none && name == "":
		return nil
	case none:
		o = store.Object{Kind: kindExternal, ID: mail.ObjectID(c.together.NextID()), Unique: []store.Key{externalKey(of)}}
	case err != nil:
		return err
	case name == "":
		return c.together.DeleteObject(kindExternal, o.ID, o.Version)
	default:
		var was externalDoc
		if err := read(o, &was); err != nil || was.Name == name {
			return err
		}
	}
	o.Marks = []store.Key{OfAccount(mail.AccountID(of)), externalName(name)}
	return put(c.together, o, externalDoc{of, name})
}

// dropExternal forgets what another system calls a group.
func dropExternal(tx store.Tx, of mail.ObjectID) error {
	o, err := tx.ObjectByKey(externalKey(of))
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.DeleteObject(kindExternal, o.ID, o.Version)
}

// Externals gives what another system calls some accounts or groups; those it has no name for are left out.
func (c *Company) Externals(ctx context.Context, of ...mail.ObjectID) (names map[mail.ObjectID]string, err error) {
	err = c.view(ctx, "directory.Externals", func(r store.Reader) error {
		names = make(map[mail.ObjectID]string, len(of))
		for _, id := range of {
			o, err := r.ObjectByKey(externalKey(id))
			if mail.Is(err, mail.NotFound) {
				continue
			}
			var doc externalDoc
			if err == nil {
				err = read(o, &doc)
			}
			if err != nil {
				return err
			}
			names[id] = doc.Name
		}
		return nil
	})
	return names, err
}

// ByExternal gives the accounts and groups that another system calls so, at most store.MaxPage.
func (c *Company) ByExternal(ctx context.Context, name string) (of []mail.ObjectID, err error) {
	err = c.view(ctx, "directory.ByExternal", func(r store.Reader) error {
		of = nil
		all, err := r.Marked(kindExternal, externalName(name), store.Page{})
		for _, o := range all {
			var doc externalDoc
			if err := read(o, &doc); err != nil {
				return err
			}
			of = append(of, doc.Of)
		}
		return err
	})
	return of, err
}

// AddKnown makes an account for another system, under the name it has there. Errors as AddAccount and SetForwarding; Full
// "ids.exhausted" (ML-1).
func (c *Company) AddKnown(ctx context.Context, by mail.Actor, l *AccountLine, name string) (a Account, err error) {
	const op = "directory.AddKnown"
	err = c.Together(ctx, by, op, RightAccounts, func(c *Company, tx store.Tx) error {
		id, err := c.AddLine(ctx, by, l)
		if err == nil {
			err = c.setExternal(by, mail.ObjectID(id), name)
		}
		if err == nil {
			a, err = c.readFull(tx, id)
		}
		return err
	})
	return a, err
}

// SetKnown changes an account for another system: its address, all that the line says, and the name it has there. Another address
// keeps the old one as an alias, so that no mail is lost. was is the account as it was read: Conflict "object.changed" for another version.
// And errors as ChangeAccount.
func (c *Company) SetKnown(ctx context.Context, by mail.Actor, was *Account, l *AccountLine, name string) (a Account, err error) {
	const op = "directory.SetKnown"
	err = c.Together(ctx, by, op, RightAccounts, func(c *Company, tx store.Tx) error {
		if _, version, err := readAccount(tx, was.ID); err != nil || version != was.Version {
			return orChanged(op, err)
		}
		if !sameAddress(l.Address, was.Address) {
			if _, err := c.ChangeAccount(ctx, by, was.ID, AccountChange{Address: &l.Address, KeepAddress: true}); err != nil {
				return err
			}
		}
		_, _, err := c.SetLine(ctx, by, l)
		if err == nil {
			err = c.setExternal(by, mail.ObjectID(was.ID), name)
		}
		if err == nil {
			a, err = c.readFull(tx, was.ID)
		}
		return err
	})
	return a, err
}

// orChanged is err, or that the object has changed.
func orChanged(op mail.Op, err error) error {
	if err != nil {
		return err
	}
	return mail.E(op, mail.Conflict, "object.changed")
}

// KnownGroup is a group as another system has it.
type KnownGroup struct {
	GroupSpec
	In, Out []mail.AccountID // who comes in, and who goes
	Name    string           // what the other system calls it; "" = nothing
}

// MaxKnownChange is how many accounts one KnownGroup puts in and takes out.
const MaxKnownChange = 20_000

// AddKnownGroup makes a group for another system. Errors as AddGroup and ChangeGroup.
func (c *Company) AddKnownGroup(ctx context.Context, by mail.Actor, k KnownGroup) (g Group, err error) {
	err = c.Together(ctx, by, "directory.AddKnownGroup", RightAccounts, func(c *Company, _ store.Tx) error {
		if g, err = c.AddGroup(ctx, by, k.GroupSpec); err != nil {
			return err
		}
		g, err = c.fill(ctx, by, g.ID, k)
		return err
	})
	return g, err
}

// SetKnownGroup changes a group for another system. was is the group as it was read: Conflict "object.changed" for another version. And
// errors as SetGroup and ChangeGroup.
func (c *Company) SetKnownGroup(ctx context.Context, by mail.Actor, was Group, k KnownGroup) (g Group, err error) {
	const op = "directory.SetKnownGroup"
	err = c.Together(ctx, by, op, RightAccounts, func(c *Company, tx store.Tx) error {
		if now, err := readGroup(tx, was.ID); err != nil || now.Version != was.Version {
			return orChanged(op, err)
		}
		if was.Name != k.GroupSpec.Name || was.Description != k.Description {
			if _, err := c.SetGroup(ctx, by, was.ID, was.Version, k.GroupSpec); err != nil {
				return err
			}
		}
		g, err = c.fill(ctx, by, was.ID, k)
		return err
	})
	return g, err
}

// fill puts people into a group and takes others out, in portions, and notes its other name.
func (c *Company) fill(ctx context.Context, by mail.Actor, id mail.ObjectID, k KnownGroup) (Group, error) {
	const op = "directory.fill"
	if len(k.In)+len(k.Out) > MaxKnownChange {
		return Group{}, mail.E(op, mail.Full, "group.change", MaxKnownChange)
	}
	for in := range slices.Chunk(k.In, MaxGroupChange) {
		if err := c.ChangeGroup(ctx, by, id, in, nil); err != nil {
			return Group{}, err
		}
	}
	for out := range slices.Chunk(k.Out, MaxGroupChange) {
		if err := c.ChangeGroup(ctx, by, id, nil, out); err != nil {
			return Group{}, err
		}
	}
	if err := c.setExternal(by, id, k.Name); err != nil {
		return Group{}, err
	}
	return c.Group(ctx, id)
}
