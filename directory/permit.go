package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// change writes to the tenant when the actor has a right somewhere in the company. Where the right must reach is judged by
// permit, inside fn, once it is known what is changed.
func (c *Company) change(ctx context.Context, by mail.Actor, op mail.Op, need Right, fn func(store.Tx) error) error {
	if need == RightOrder {
		return c.update(ctx, by, op, orders, fn)
	}
	return c.update(ctx, by, op, manages, func(tx store.Tx) error {
		grants, err := grantsOf(tx, by)
		if err != nil {
			return err
		}
		if !(&Caller{actor: by, grants: grants}).May(need) {
			return mail.E(op, mail.Denied, "actor.denied")
		}
		return fn(tx)
	})
}

// permit refuses an actor who lacks a right on what stands in a place. What the actor may not even see is NotFound for
// the API; that is the caller's affair.
func (c *Company) permit(r store.Reader, by mail.Actor, op mail.Op, need Right, in Place) error {
	grants, err := grantsOf(r, by)
	if err != nil {
		return err
	}
	if !(&Caller{actor: by, grants: grants}).MayIn(need, in) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return nil
}

// grantsOf gives an actor's grants as they are now.
func grantsOf(r store.Reader, by mail.Actor) ([]Grant, error) {
	if by.Role() == mail.Operator || by.Account().IsZero() {
		return nil, nil
	}
	doc, _, err := readAccount(r, by.Account())
	if err != nil {
		return nil, err
	}
	grants := make([]Grant, 0, len(doc.Roles))
	for _, role := range doc.Roles {
		grants = append(grants, Grant{Role: role})
	}
	return grants, nil
}
