package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// MayManage gives nil where an actor may do what a tenant's administrators do, by the rules of
// Company: operators, and administrators of that tenant while it is in service. It is for services that keep objects
// of a tenant beside the directory's. Denied "actor.denied", NotFound "tenant.unknown", or why the tenant can't be used.
func (d *Directory) MayManage(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op) error {
	return d.Company(tenant).may(ctx, by, op, manages)
}

// MayOrder is MayManage for what only operators do.
func (d *Directory) MayOrder(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op) error {
	return d.Company(tenant).may(ctx, by, op, orders)
}

// StillThere refuses an actor whose account has gone, was suspended or lost its role: Denied "actor.denied". To be
// called in the transaction that writes, since sessions are long.
func StillThere(r store.Reader, by mail.Actor, op mail.Op) error { return stillThere(r, by, op) }
