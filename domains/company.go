package domains

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/dns"
)

// A Company is the handle of one tenant's domains. It reaches that tenant and nothing else.
type Company struct {
	s  *Service
	id mail.TenantID
}

// Company gives the handle of a tenant; of the platform itself for 0. It does not fail: a tenant that doesn't exist
// answers NotFound "tenant.unknown" to everything.
func (s *Service) Company(id mail.TenantID) *Company { return &Company{s, id} }

// duty is who may do something.
type duty uint8

const (
	orders  duty = iota // operators
	manages             // they, and the tenant's administrators
)

// may tells whether an actor may do such a thing at all. What is the platform's own is for operators.
func (c *Company) may(ctx context.Context, by mail.Actor, op mail.Op, need duty) error {
	switch {
	case c.id.IsZero() && by.Role() != mail.Operator:
		return mail.E(op, mail.Denied, "actor.denied")
	case c.id.IsZero():
		return nil
	case need == orders:
		return c.s.dir.MayOrder(ctx, by, c.id, op)
	}
	return c.s.dir.MayManage(ctx, by, c.id, op)
}

// update writes to the tenant when the actor may.
func (c *Company) update(ctx context.Context, by mail.Actor, op mail.Op, need duty, fn func(store.Tx) error) error {
	if err := c.may(ctx, by, op, need); err != nil {
		return err
	}
	err := c.s.handle(c.id).Update(ctx, by, op, func(tx store.Tx) error {
		err := directory.StillThere(tx, by, op)
		if need == manages && !c.id.IsZero() {
			err = directory.StillMay(tx, by, op, directory.RightPolicy)
		}
		if err != nil {
			return err
		}
		return fn(tx)
	})
	return mail.Wrap(op, err)
}

// view reads the tenant.
func (c *Company) view(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
	if !c.id.IsZero() {
		if _, err := c.s.dir.Tenant(ctx, c.id); err != nil {
			return mail.Wrap(op, err)
		}
	}
	return mail.Wrap(op, c.s.handle(c.id).View(ctx, fn))
}

// Keys lists the keys of a domain, public halves only, the oldest generation first. A domain without keys gets its first. NotFound
// "domain.unknown".
func (c *Company) Keys(ctx context.Context, domain string) ([]Key, error) {
	r, err := c.s.ring(ctx, "domains.Keys", c.id, domain)
	if err != nil {
		return nil, err
	}
	return r.doc.public()
}

// Rotate makes the next generation of a domain's keys. It signs nothing until its records were seen
// in the DNS or Activate is called. Administrators and operators. Conflict "dkim.next_waits" while there is one
// already, Full "dkim.too_many".
func (c *Company) Rotate(ctx context.Context, by mail.Actor, domain string) ([]Key, error) {
	const op = "domains.Rotate"
	if err := c.may(ctx, by, op, manages); err != nil {
		return nil, err
	}
	r, err := c.s.ring(ctx, op, c.id, domain)
	if err != nil {
		return nil, err
	}
	next, err := newGeneration(place{c.id, r.doc.Domain}, r.doc.newest()+1, KeyNext, time.Now())
	if err != nil {
		return nil, err
	}
	return c.changeKeys(ctx, by, op, r.doc.Domain, func(d *keysDoc) error { return d.add(next) })
}

// Activate lets the next generation of a domain's keys sign, whatever the DNS shows, and retires the one
// that did. Administrators and operators. Conflict "dkim.no_next".
func (c *Company) Activate(ctx context.Context, by mail.Actor, domain string) ([]Key, error) {
	const op = "domains.Activate"
	if err := c.may(ctx, by, op, manages); err != nil {
		return nil, err
	}
	r, err := c.s.ring(ctx, op, c.id, domain)
	if err != nil {
		return nil, err
	}
	return c.changeKeys(ctx, by, op, r.doc.Domain, func(d *keysDoc) error { return d.activate(time.Now()) })
}

// changeKeys lets fn change the keys of a domain, and lists them.
func (c *Company) changeKeys(ctx context.Context, by mail.Actor, op mail.Op, domain string, fn func(*keysDoc) error) ([]Key, error) {
	var doc *keysDoc
	err := c.update(ctx, by, op, manages, func(tx store.Tx) error {
		doc = &keysDoc{}
		if _, found, err := find(tx, kindKeys, domain, doc); err != nil || !found {
			return notYet(op, domain, err)
		}
		if err := fn(doc); err != nil {
			return err
		}
		_, err := putKeys(tx, doc)
		return err
	})
	if err != nil {
		return nil, err
	}
	return doc.public()
}

// notYet is the error for keys that were there a moment ago.
func notYet(op mail.Op, domain string, err error) error {
	if err != nil {
		return err
	}
	return mail.E(op, mail.NotFound, "domain.unknown", domain)
}

// Records lists what a domain should have in the DNS for its mail to work and to be believed. NotFound "domain.unknown".
func (c *Company) Records(ctx context.Context, domain string) ([]Record, error) {
	return c.s.Records(ctx, c.id, domain)
}

// Check holds the records of a domain against what the DNS says. NotFound "domain.unknown".
func (c *Company) Check(ctx context.Context, l dns.Lookup, domain string) ([]Finding, error) {
	return c.s.Check(ctx, l, c.id, domain)
}
