package directory

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// Department is a department with how many accounts name it in their profile. It is nothing but that text.
type Department struct {
	Name     string
	Accounts int
}

// inDepartment marks the accounts of a department, however it is written.
func inDepartment(name string) store.Key {
	return store.Key{Name: "department", Value: Folded(name)}
}

// Departments lists the departments among accounts that grants reach (nil: all), by name.
func (c *Company) Departments(ctx context.Context, within []Grant) ([]Department, error) {
	counts := make(map[string]*Department)
	err := c.people(ctx, func(b *book) {
		for _, p := range b.people {
			key := p.department
			if key == "" || p.doc.State == AccountDeleted || !reached(within, p.doc.place()) {
				continue
			}
			if counts[key] == nil {
				counts[key] = &Department{Name: p.doc.Profile.Department}
			}
			counts[key].Accounts++
		}
	})
	if err != nil {
		return nil, err
	}
	all := make([]Department, 0, len(counts))
	for _, d := range counts {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b Department) int { return strings.Compare(Folded(a.Name), Folded(b.Name)) })
	return all, nil
}

// RenameDepartment writes another name into all profiles that name a department, in one act; "" clears it. It reaches the accounts the
// actor manages, but for those of who may do more than he, and tells how many those were. Denied "actor.denied" where it manages none of them, Invalid "name.malformed".
func (c *Company) RenameDepartment(ctx context.Context, by mail.Actor, from, to string) (renamed int, err error) {
	const op = "directory.RenameDepartment"
	p, err := Profile{Department: to}.checked(op)
	if err != nil {
		return 0, err
	}
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		var in []store.Object
		err := eachMarked(tx, kindAccount, inDepartment(from), func(o store.Object) error {
			in = append(in, o)
			return nil
		})
		if err != nil {
			return err
		}
		renamed, err = c.renameIn(tx, by, in, p.Department)
		if err == nil && renamed == 0 && len(in) > 0 {
			err = mail.E(op, mail.Denied, "actor.denied")
		}
		return err
	})
	return renamed, err
}

// renameIn does it for the accounts among some that the actor manages.
func (c *Company) renameIn(tx store.Tx, by mail.Actor, in []store.Object, to string) (renamed int, err error) {
	grants, err := grantsOf(tx, by)
	if err != nil {
		return 0, err
	}
	who := Caller{actor: by, grants: grants}
	for _, o := range in {
		var doc accountDoc
		if err := read(o, &doc); err != nil {
			return 0, err
		}
		if !who.MayIn(RightAccounts, doc.place()) || !who.covers(doc.Grants) {
			continue
		}
		doc.Profile.Department = to
		if err := putAccount(tx, mail.AccountID(o.ID), doc, o.Version); err != nil {
			return 0, err
		}
		renamed++
	}
	return renamed, nil
}
