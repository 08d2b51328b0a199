package directory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store/faulty"
)

// TestCP1DeletedAccountsCanBeRestored: for 30 days all is there, and the address is nobody else's.
func TestCP1DeletedAccountsCanBeRestored(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), a.ID))
	h.fill(a, 2<<20)
	session := h.signIn("sato@alpha.example")
	h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))

	for _, to := range []string{"sato@alpha.example", "info@alpha.example", "sato+detail@alpha.example"} {
		_, err := h.resolve(to)
		h.says(err, mail.NotFound, "recipient.unknown")
	}
	_, err := h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "auth.failed")
	h.says(h.StillValid(h.ctx, session), mail.Denied, "account.suspended")
	for _, taken := range []string{"sato@alpha.example", "info@alpha.example"} {
		_, err = c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(taken), Password: password})
		h.says(err, mail.Conflict, "address.taken")
	}
	h.says(c.DeleteAccount(h.ctx, h.ops, a.ID), mail.Conflict, "account.deleted")
	h.says(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountActive), mail.Conflict, "account.deleted")
	_, err = c.ResetPassword(h.ctx, h.ops, a.ID, "")
	h.says(err, mail.Conflict, "account.deleted")
	if all, err := c.Accounts(h.ctx, directory.AccountPage{}); err != nil || len(all) != 0 {
		t.Errorf("a deleted account is listed: %+v, %v", all, err)
	}

	h.must(c.RestoreAccount(h.ctx, h.ops, a.ID))
	h.says(c.RestoreAccount(h.ctx, h.ops, a.ID), mail.Conflict, "account.not_deleted")
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountSuspended))
	h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
	h.must(c.RestoreAccount(h.ctx, h.ops, a.ID))
	if now, err := c.Account(h.ctx, a.ID); err != nil || now.State != directory.AccountSuspended {
		t.Errorf("a suspended account was restored as %s, %v", now.State, err)
	}
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountActive))
	h.signIn("sato@alpha.example")
	if target, err := h.resolve("info@alpha.example"); err != nil || target.Account.ID != a.ID {
		t.Errorf("the alias leads to %+v, %v", target, err)
	}
	if octets, messages, err := c.Used(h.ctx, a.ID); err != nil || octets != 2<<20 || messages != 2 {
		t.Errorf("the box has %d octets in %d messages, %v", octets, messages, err)
	}
}

// TestML1DeletedAccountsCountAsNoID, and restoring one needs a free one.
func TestML1DeletedAccountsCountAsNoID(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	var made []directory.Account
	for i := range 10 {
		made = append(made, h.account(c, string(rune('a'+i))+"@alpha.example"))
	}
	add := func(a string) error {
		_, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(a)})
		return err
	}
	h.says(add("k@alpha.example"), mail.Full, "ids.exhausted")
	h.must(c.DeleteAccount(h.ctx, h.ops, made[0].ID))
	h.must(add("k@alpha.example"))
	h.says(c.RestoreAccount(h.ctx, h.ops, made[0].ID), mail.Full, "ids.exhausted")
	h.must(c.DeleteAccount(h.ctx, h.ops, made[1].ID))
	h.must(c.RestoreAccount(h.ctx, h.ops, made[0].ID))
}

// TestCP1DeletedAccountsAreDestroyed when their time is over, and not before.
func TestCP1DeletedAccountsAreDestroyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, directory.Config{})
		c := h.company("alpha.example", 30)
		var gone []directory.Account
		for i := range 20 {
			a := h.account(c, string(rune('a'+i))+"@alpha.example")
			h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
			gone = append(gone, a)
		}
		time.Sleep(directory.Grace - time.Hour)
		late := h.account(c, "late@alpha.example")
		h.must(c.DeleteAccount(h.ctx, h.ops, late.ID))
		h.tend(0)
		time.Sleep(2 * time.Hour)
		h.tend(len(gone))
		h.tend(0)
		for _, a := range gone {
			_, err := c.Account(h.ctx, a.ID)
			h.says(err, mail.NotFound, "account.unknown")
		}
		h.must(c.RestoreAccount(h.ctx, h.ops, late.ID))
		h.must(h.store.Close())
	})
}

// tend wants so many accounts destroyed.
func (h *house) tend(want int) {
	h.Helper()
	if n, err := h.Tend(h.ctx); err != nil || n != want {
		h.Fatalf("%d accounts were destroyed, %v; want %d", n, err, want)
	}
}

// TestCP6OnlyOwnersDestroy, who write down what they destroy.
func TestCP6OnlyOwnersDestroy(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "owner@alpha.example", directory.RoleOwner)
	h.account(c, "clerk@alpha.example", directory.RoleAccountAdmin)
	a := h.account(c, "sato@alpha.example")
	owner, clerk := h.signIn("owner@alpha.example").Actor(), h.signIn("clerk@alpha.example").Actor()

	h.says(c.DestroyAccount(h.ctx, owner, a.ID, a.Address), mail.Conflict, "account.not_deleted")
	h.must(c.DeleteAccount(h.ctx, clerk, a.ID))
	h.says(c.DestroyAccount(h.ctx, clerk, a.ID, a.Address), mail.Denied, "actor.denied")
	h.says(c.DestroyAccount(h.ctx, owner, a.ID, addr("saito@alpha.example")), mail.Invalid, "account.confirm")
	h.must(c.DestroyAccount(h.ctx, owner, a.ID, addr("SATO@alpha.example")))
	h.account(c, "sato@alpha.example")
}

// TestCP1RestoredAccountsHaveNoGroupsThatAreGone: a group may be deleted while the account is.
func TestCP1RestoredAccountsHaveNoGroupsThatAreGone(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	var groups []directory.Group
	for _, name := range []string{"goes", "stays"} {
		g, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: name})
		h.must(err)
		h.must(c.ChangeGroup(h.ctx, h.ops, g.ID, []mail.AccountID{a.ID}, nil))
		groups = append(groups, g)
	}
	h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
	h.must(c.DeleteGroup(h.ctx, h.ops, groups[0].ID))
	h.must(c.RestoreAccount(h.ctx, h.ops, a.ID))
	now, err := c.Account(h.ctx, a.ID)
	h.must(err)
	if len(now.Groups) != 1 || now.Groups[0] != groups[1].ID {
		t.Errorf("it is in %v, want %v", now.Groups, groups[1].ID)
	}
}

// TestCP1DeletedAgainIsNotDestroyed: an account that was restored and deleted again after Tend saw that its time was over has all of
// its time again.
func TestCP1DeletedAgainIsNotDestroyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, directory.Config{})
		c := h.company("alpha.example", 10)
		a := h.account(c, "sato@alpha.example")
		h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
		time.Sleep(directory.Grace + time.Hour)
		between := func() {
			h.must(c.RestoreAccount(h.ctx, h.ops, a.ID))
			h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
		}
		_, err := houseOn(t, faulty.Again(h.store, between), directory.Config{}).Tend(h.ctx)
		h.must(err)
		h.must(c.RestoreAccount(h.ctx, h.ops, a.ID))
		h.must(h.store.Close())
	})
}
