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
}

// Company gives the handle of a tenant. It does not fail: a tenant that doesn't exist
// answers NotFound "tenant.unknown" to everything.
func (d *Directory) Company(id mail.TenantID) *Company { return &Company{d, id} }

// duty is who may do something.
type duty uint8

const (
	orders  duty = iota // operators: what the contract says
	manages             // operators and the tenant's administrators
	own                 // they, and the tenant's users for their own account
	keeps               // operators, administrators, and the platform at work
)

// may tells whether an actor may do such a thing at all. Operators may at any time
// until the contract is closed; administrators while the tenant is in service (CP-2).
func (c *Company) may(ctx context.Context, by mail.Actor, op mail.Op, need duty) error {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return err
	}
	switch {
	case by.Role() == mail.Operator && t.State == TenantClosed:
		return mail.E(op, mail.Denied, "tenant.closed")
	case by.Role() == mail.Operator, by.Role() == mail.Platform && need == keeps:
		return nil
	case need == orders || by.Tenant() != c.id:
		return mail.E(op, mail.Denied, "actor.denied")
	case by.Role() != mail.Admin && !(need == own && by.Role() == mail.User):
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return t.Usable(op, time.Now())
}

// update writes to the tenant when the actor may. That an administrator still is one
// is looked up in the same transaction: sessions are long.
func (c *Company) update(ctx context.Context, by mail.Actor, op mail.Op, need duty, fn func(store.Tx) error) error {
	if err := c.may(ctx, by, op, need); err != nil {
		return err
	}
	err := c.dir.store.Tenant(c.id).Update(ctx, by, op, func(tx store.Tx) error {
		if err := stillThere(tx, by, op); err != nil {
			return err
		}
		return fn(tx)
	})
	return mail.Wrap(op, err)
}

// stillThere refuses an actor whose account has gone, was suspended or lost its role.
func stillThere(r store.Reader, by mail.Actor, op mail.Op) error {
	if by.Role() == mail.Operator || by.Role() == mail.Platform {
		return nil
	}
	doc, _, err := readAccount(r, by.Account())
	if mail.Is(err, mail.NotFound) || err == nil && (doc.State != AccountActive || by.Role() == mail.Admin && !doc.is(RoleOwner)) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return err
}

// view reads the tenant.
func (c *Company) view(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, t.store.View(ctx, fn))
}
