package embedded

import (
	"context"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// TestClaimLooksOn: after the start the first Claim finds what is due in the last of many tenants, and a second one nothing
// without opening them again.
func TestClaimLooksOn(t *testing.T) {
	const tenants = 2*probesPerClaim + 10
	s := openTest(t, Options{OpenTenants: 5})
	ctx := context.Background()
	for id := range tenants {
		if err := s.CreateTenant(ctx, mail.TenantID(id+1)); err != nil {
			t.Fatal(err)
		}
	}
	put := func(tx store.Tx) error {
		return tx.PutItem(store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemWaiting, Due: time.Now()})
	}
	if err := s.Tenant(tenants).Update(ctx, actor(), "test", put); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openDir(t, s.dir, Options{OpenTenants: 5})
	list, err := s.Claim(ctx, "test", 10, time.Hour)
	if err != nil || len(list) != 1 || list[0].Tenant != tenants {
		t.Fatalf("%v, %v", list, err)
	}
	if _, probes := s.dueTenants(time.Now()); probes != 0 {
		t.Errorf("%d tenants are still to be looked at", probes)
	}
}
