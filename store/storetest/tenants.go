package storetest

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

var tenantPromises = []promise{
	{"TenantsAreListed", tenantsAreListed},
	{"TenantUnknown", tenantUnknown},
	{"TenantHandlesAreOne", tenantHandlesAreOne},
}

func tenantsAreListed(f *fixture) {
	ctx := context.Background()
	want := []mail.TenantID{f.id}
	for range 3 {
		want = append(want, f.newTenant())
	}
	f.ok(f.store.CreateTenant(ctx, f.id-500))
	want = append([]mail.TenantID{f.id - 500}, want...)
	f.is(f.store.CreateTenant(ctx, f.id), mail.Conflict)
	got, err := f.store.Tenants(ctx)
	f.ok(err)
	f.same("tenants", got, want)
}

func tenantUnknown(f *fixture) {
	ctx := context.Background()
	for _, id := range []mail.TenantID{f.id + 999, 0, -1} {
		t := f.store.Tenant(id)
		f.is(t.View(ctx, func(store.Reader) error { return nil }), mail.NotFound)
		f.is(t.Update(ctx, Actor(), "storetest", func(store.Tx) error { return nil }), mail.NotFound)
	}
	late := f.store.Tenant(f.id + 999)
	f.ok(f.store.CreateTenant(ctx, f.id+999))
	f.ok(late.View(ctx, func(store.Reader) error { return nil })) // the handle was waiting for it
	for _, id := range []mail.TenantID{0, -1} {
		f.is(f.store.CreateTenant(ctx, id), mail.Invalid)
	}
}

func tenantHandlesAreOne(f *fixture) {
	m := f.mailbox()
	again := f.on(f.id)
	again.deliver(m.ID, "x", 0)
	f.same("messages", f.read(m.ID).Messages, uint32(1))
}
