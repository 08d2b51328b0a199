package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// May gives nil where an actor has a right in the whole of a company, by the rules of Company: operators who say why, and
// the company's people and keys while it is in service. It is for services that keep objects of a tenant beside the
// directory's. Denied "actor.denied", NotFound "tenant.unknown", Invalid "reason.required", or why the tenant can't be used.
func (d *Directory) May(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op, need Right) error {
	c := d.Company(tenant)
	if err := c.check(ctx, by, op, need); err != nil {
		return err
	}
	return c.view(ctx, op, func(r store.Reader) error { return c.permit(r, by, op, need, Place{}) })
}

// MayManage is May for the settings of a company's mail.
func (d *Directory) MayManage(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op) error {
	return d.May(ctx, by, tenant, op, RightPolicy)
}

// MayOrder is May for what only operators do.
func (d *Directory) MayOrder(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op) error {
	return d.Company(tenant).may(ctx, by, op, orders)
}

// StillThere refuses an actor whose account has gone, was suspended or lost its role: Denied "actor.denied". To be
// called in the transaction that writes, since sessions are long.
func StillThere(r store.Reader, by mail.Actor, op mail.Op) error { return stillThere(r, by, op) }

// StillMay is StillThere for who needs a right in the whole company.
func StillMay(r store.Reader, by mail.Actor, op mail.Op, need Right) error {
	if err := stillThere(r, by, op); err != nil {
		return err
	}
	return (&Company{}).permit(r, by, op, need, Place{})
}
