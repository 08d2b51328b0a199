package directory

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

// A Company is the handle of one tenant's directory. It reaches that tenant and nothing else.
type Company struct {
	dir *Directory
	id  mail.TenantID
	// together is the transaction of which everything is a part (Company.Together); nil: everything has its own.
	together store.Tx
	edits    map[string]*listEdit // of members, in together; by the list's address
	// rooms are how many IDs domains have left in together, so that accounts made one by one are not counted each time; what makes them
	// otherwise forgets it.
	rooms map[mail.DomainID]int
}

// Company gives the handle of a tenant. It does not fail: a tenant that doesn't exist
// answers NotFound "tenant.unknown" to everything.
func (d *Directory) Company(id mail.TenantID) *Company { return &Company{dir: d, id: id} }

// duty is who may knock at all. What a tenant's people may do in it is judged by their grants, in the transaction (permit.go).
type duty uint8

const (
	orders duty = iota // operators: what the contract says
	within             // they, and the tenant's people and keys
	own                // they, and the tenant's users for their own account
	keeps              // all of them, and the platform at work
)

// may tells whether an actor may do such a thing at all. Operators may at any time
// until the contract is closed, if they say why (CP-6); the tenant's people while the tenant is in service (CP-2).
func (c *Company) may(ctx context.Context, by mail.Actor, op mail.Op, need duty) error {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return err
	}
	switch {
	case by.Role() == mail.Operator && t.State == TenantClosed:
		return mail.E(op, mail.Denied, "tenant.closed")
	case by.Role() == mail.Operator:
		return reasoned(op, by)
	case by.Role() == mail.Platform && need == keeps:
		return nil
	case need == orders || by.Tenant() != c.id:
		return mail.E(op, mail.Denied, "actor.denied")
	case by.Role() != mail.Admin && by.Role() != mail.User:
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return t.Usable(op, time.Now())
}

// reasoned refuses an operator who does not say why he acts: who works in a company's directory stands in its log with
// a reason (CP-6). Invalid "reason.required".
func reasoned(op mail.Op, by mail.Actor) error {
	if by.Role() == mail.Operator && by.Reason() == "" {
		return mail.E(op, mail.Invalid, "reason.required")
	}
	return nil
}

// opens gives an operator who opens a contract that as his reason, if he says none.
func opens(by mail.Actor) mail.Actor {
	if by.Reason() == "" {
		return by.For("opening of the contract")
	}
	return by
}

// update writes to the tenant when the actor may. That he still is what he was when he signed in
// is looked up in the same transaction: sessions are long.
func (c *Company) update(ctx context.Context, by mail.Actor, op mail.Op, need duty, fn func(store.Tx) error) error {
	if err := c.may(ctx, by, op, need); err != nil {
		return err
	}
	if c.together != nil {
		return mail.Wrap(op, fn(c.together))
	}
	err := c.dir.store.Tenant(c.id).Update(ctx, by, op, func(tx store.Tx) error {
		if err := stillThere(tx, by, op); err != nil {
			return err
		}
		return fn(tx)
	})
	return mail.Wrap(op, err)
}

// stillThere refuses an actor whose account has gone, was suspended or is an owner's no more, and a key that was revoked
// or is over.
func stillThere(r store.Reader, by mail.Actor, op mail.Op) error {
	if by.Role() == mail.Operator || by.Role() == mail.Platform {
		return nil
	}
	gone := false
	var err error
	var grants []Grant
	if by.Key().IsZero() {
		var doc accountDoc
		doc, _, err = readAccount(r, by.Account())
		gone, grants = doc.State != AccountActive, doc.Grants
	} else {
		var doc keyDoc
		doc, _, err = readKey(r, by.Key())
		gone, grants = doc.over(time.Now()), doc.Grants
	}
	if mail.Is(err, mail.NotFound) || err == nil && (gone || by.Role() == mail.Admin && !owns(grants)) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return err
}

// view reads the tenant.
func (c *Company) view(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
	if c.together != nil {
		return mail.Wrap(op, fn(c.together))
	}
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, t.store.View(ctx, fn))
}
