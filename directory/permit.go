package directory

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// change writes to the tenant when the actor has a right somewhere in the company. Where the right must reach is judged by
// permit, inside fn, once it is known what is changed.
func (c *Company) change(ctx context.Context, by mail.Actor, op mail.Op, need Right, fn func(store.Tx) error) error {
	duty := within
	if need == RightOrder {
		duty = orders
	}
	err := c.update(ctx, by, op, duty, func(tx store.Tx) error {
		if err := somewhere(tx, by, op, need); err != nil {
			return err
		}
		return fn(tx)
	})
	if c.together == nil {
		c.noteRefused(ctx, by, op, err)
	}
	return err
}

// check tells before costly work whether change would let the actor.
func (c *Company) check(ctx context.Context, by mail.Actor, op mail.Op, need Right) error {
	duty := within
	if need == RightOrder {
		duty = orders
	}
	if err := c.may(ctx, by, op, duty); err != nil {
		return err
	}
	return c.view(ctx, op, func(r store.Reader) error {
		if err := stillThere(r, by, op); err != nil {
			return err
		}
		return somewhere(r, by, op, need)
	})
}

// somewhere refuses an actor who has a right nowhere in the company.
func somewhere(r store.Reader, by mail.Actor, op mail.Op, need Right) error {
	grants, err := grantsOf(r, by)
	if err != nil {
		return err
	}
	if !(&Caller{actor: by, grants: grants}).May(need) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return nil
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

// permitAccount is permit for a change of an account, which must not be able to do more than the actor: who could
// set its password, take its mail or move its address would have what it may do. Denied "actor.denied", "actor.outranked".
func (c *Company) permitAccount(r store.Reader, by mail.Actor, op mail.Op, need Right, doc *accountDoc) error {
	grants, err := grantsOf(r, by)
	if err != nil {
		return err
	}
	caller := &Caller{actor: by, grants: grants}
	switch {
	case !caller.MayIn(need, doc.place()):
		return mail.E(op, mail.Denied, "actor.denied")
	case !caller.covers(doc.Grants):
		return mail.E(op, mail.Denied, "actor.outranked", doc.Address.String())
	}
	return nil
}

// permitOwn is permitAccount for what users do for themselves too.
func (c *Company) permitOwn(r store.Reader, by mail.Actor, op mail.Op, need Right, id mail.AccountID) error {
	if ownOr(by, id) == own {
		return nil
	}
	doc, _, err := readAccount(r, id)
	if err != nil {
		return err
	}
	return c.permitAccount(r, by, op, need, &doc)
}

// ownOr is what it takes to change what belongs to an account: to be its owner, or to have a right on it.
func ownOr(by mail.Actor, id mail.AccountID) duty {
	if by.Account() == id && !id.IsZero() {
		return own
	}
	return within
}

// grantsOf gives an actor's grants as they are now: none for who is gone, suspended or revoked. Operators need none.
func grantsOf(r store.Reader, by mail.Actor) ([]Grant, error) {
	switch {
	case by.Role() == mail.Operator || by.Role() == mail.Observer || by.Role() == mail.Platform:
		return nil, nil
	case !by.Key().IsZero():
		doc, _, err := readKey(r, by.Key())
		if mail.Is(err, mail.NotFound) || err == nil && doc.over(time.Now()) {
			return nil, nil
		}
		return doc.Grants, err
	case by.Account().IsZero():
		return nil, nil
	}
	doc, _, err := readAccount(r, by.Account())
	if mail.Is(err, mail.NotFound) || err == nil && doc.State != AccountActive {
		return nil, nil
	}
	return doc.Grants, err
}

// covers tells whether the caller may do all that grants let do, wherever they do: an owner covers every role, since
// owners appoint.
func (c *Caller) covers(grants []Grant) bool {
	if c.actor.Role() == mail.Operator {
		return true
	}
	return !slices.ContainsFunc(grants, func(g Grant) bool { return !c.coversOne(g) })
}

func (c *Caller) coversOne(g Grant) bool {
	over := slices.DeleteFunc(slices.Clone(c.grants), func(mine Grant) bool { return !mine.includes(g) })
	if slices.ContainsFunc(over, func(mine Grant) bool { return mine.Role == RoleOwner }) {
		return true
	}
	return !slices.ContainsFunc(rightsOf[g.Role], func(right Right) bool {
		return !slices.ContainsFunc(over, func(mine Grant) bool { return mine.Role.Gives(right) })
	})
}

// includes tells whether a grant reaches all that another one reaches.
func (g Grant) includes(other Grant) bool {
	if g.Whole() {
		return true
	}
	return !other.Whole() &&
		!slices.ContainsFunc(other.Domains, func(id mail.DomainID) bool { return !slices.Contains(g.Domains, id) }) &&
		!slices.ContainsFunc(other.Groups, func(id mail.ObjectID) bool { return !slices.Contains(g.Groups, id) })
}
