package directory_test

import (
	"context"
	"fmt"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

func TestResolve(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.domain(c, "second.example", 10)
	a := h.account(c, "sato@alpha.example")
	want := func(to string, kind directory.TargetKind, id mail.AccountID) {
		t.Helper()
		got, err := h.resolve(to)
		if err != nil || got.Kind != kind || got.Account.ID != id || got.Tenant != a.Tenant || got.Account.Quota != mail.Plan100MB {
			t.Errorf("%s leads to %+v, %v", to, got, err)
		}
	}
	for range 2 { // from the store, then from memory
		want("sato@alpha.example", directory.TargetAccount, a.ID)
		want("SATO@alpha.example", directory.TargetAccount, a.ID)
		_, err := h.resolve("nobody@alpha.example")
		h.says(err, mail.NotFound, "recipient.unknown")
		_, err = h.resolve("sato@second.example")
		h.says(err, mail.NotFound, "recipient.unknown")
		_, err = h.resolve("佐藤@alpha.example")
		h.says(err, mail.NotFound, "recipient.unknown")
		_, err = h.resolve("sato@elsewhere.example")
		h.says(err, mail.Denied, "relay.denied")
		_, err = h.resolve("sato@[192.0.2.1]")
		h.says(err, mail.Denied, "relay.denied")
	}
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@second.example"), a.ID))
	want("info@second.example", directory.TargetAlias, a.ID)
	h.must(c.RemoveAlias(h.ctx, h.ops, addr("info@second.example")))
	_, err := h.resolve("info@second.example")
	h.says(err, mail.NotFound, "recipient.unknown")

	// Mail for a suspended account still comes in.
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountSuspended))
	want("sato@alpha.example", directory.TargetAccount, a.ID)
}

// TestResolveDetail leads user+detail@ to the user (RFC 5233 §4). No account or list can have a plus sign in its own address.
func TestResolveDetail(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), sato.ID))
	if _, err := c.AddList(h.ctx, h.ops, addr("all@alpha.example"), directory.ListSpec{}); err != nil {
		t.Fatal(err)
	}
	for to, id := range map[string]mail.AccountID{
		"sato+x@alpha.example": sato.ID, "SATO+a+b@alpha.example": sato.ID, "info+x@alpha.example": sato.ID,
		"sato+@alpha.example": sato.ID,
	} {
		if got, err := h.resolve(to); err != nil || got.Account.ID != id {
			t.Errorf("%s leads to %+v, %v", to, got, err)
		}
	}
	for _, to := range []string{"+sato@alpha.example", "nobody+x@alpha.example", "all+x@alpha.example"} {
		_, err := h.resolve(to)
		h.says(err, mail.NotFound, "recipient.unknown")
	}
}

// TestPostmasterIsSomebody sends the postmaster's mail to the first administrator, until somebody is named (RFC 5321 §4.5.1).
func TestPostmasterIsSomebody(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	_, err := h.resolve("postmaster@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	boss := h.account(c, "boss@alpha.example", directory.RoleOwner)
	if got, err := h.resolve("Postmaster@alpha.example"); err != nil || got.Account.ID != boss.ID {
		t.Errorf("the postmaster is %+v, %v", got, err)
	}
	h.must(c.AddAlias(h.ctx, h.ops, addr("postmaster@alpha.example"), sato.ID))
	if got, err := h.resolve("postmaster@alpha.example"); err != nil || got.Account.ID != sato.ID {
		t.Errorf("the postmaster is %+v, %v", got, err)
	}
	_, err = h.resolve("abuse@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
}

// TestResolveAllocatesNothing holds for what is in memory.
func TestResolveAllocatesNothing(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	to := mail.Address{Local: "Sato", Domain: "alpha.example"}
	n := testing.AllocsPerRun(1000, func() {
		if _, err := h.Resolve(h.ctx, to); err != nil {
			t.Error(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestResolveForgets asks for more addresses than are kept.
func TestResolveForgets(t *testing.T) {
	h := newHouse(t, directory.Config{CachedAddresses: 4})
	c := h.company("alpha.example", 100)
	ids := map[string]mail.AccountID{}
	for i := range 20 {
		name := fmt.Sprintf("user%d@alpha.example", i)
		a, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(name)})
		h.must(err)
		ids[name] = a.ID
	}
	for range 3 {
		for name, id := range ids {
			if got, err := h.resolve(name); err != nil || got.Account.ID != id {
				t.Errorf("%s leads to %v, %v", name, got.Account.ID, err)
			}
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	d, _ := benchDirectory(b)
	to := mail.Address{Local: "user7", Domain: "alpha.example"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Resolve(context.Background(), to); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignInAgain(b *testing.B) {
	d, password := benchDirectory(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.SignIn(context.Background(), from("192.0.2.1"), "imaps", "user7@alpha.example", password); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStillValid is what each open session costs every two seconds.
func BenchmarkStillValid(b *testing.B) {
	d, password := benchDirectory(b)
	id, err := d.SignIn(b.Context(), from("192.0.2.1"), "imaps", "user0@alpha.example", password)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.StillValid(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSignInByApp is a sign-in by an app password, which needs no hash that takes long.
func BenchmarkSignInByApp(b *testing.B) {
	h := newHouse(b, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	_, secret := h.app(c, a.ID)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.SignIn(h.ctx, from("192.0.2.1"), "imaps", "sato@alpha.example", secret); err != nil {
			b.Fatal(err)
		}
	}
}
