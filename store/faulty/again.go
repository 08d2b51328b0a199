package faulty

import (
	"context"
	"errors"

	"tegami/mail"
	"tegami/store"
)

// Again gives a store that runs the function of every Update that would succeed twice, as a backend may: what the first run
// wrote is taken back. between runs after that, with the Updates it makes itself left alone; nil: nothing happens between.
func Again(s store.Store, between func()) store.Store {
	if between == nil {
		between = func() {}
	}
	return againStore{s, between}
}

type againStore struct {
	store.Store
	between func()
}

func (s againStore) Tenant(id mail.TenantID) store.Tenant {
	return againTenant{s.Store.Tenant(id), s.between}
}

func (s againStore) Platform() store.Tenant { return againTenant{s.Store.Platform(), s.between} }

type againTenant struct {
	store.Tenant
	between func()
}

// errAgain takes the first run back.
var errAgain = errors.New("once more")

func (t againTenant) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	err := t.Tenant.Update(ctx, by, why, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errAgain
	})
	if !errors.Is(err, errAgain) {
		return err
	}
	t.between()
	return t.Tenant.Update(ctx, by, why, fn)
}
