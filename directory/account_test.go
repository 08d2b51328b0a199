package directory_test

import (
	"fmt"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

func TestAddressesAreUnique(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	suzuki := h.account(c, "suzuki@alpha.example")
	add := func(a string) error {
		_, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(a)})
		return err
	}
	alias := func(a string, id mail.AccountID) error { return c.AddAlias(h.ctx, h.ops, addr(a), id) }
	h.says(add("SATO@alpha.example"), mail.Conflict, "address.taken")
	h.must(alias("info@alpha.example", sato.ID))
	h.says(add("info@alpha.example"), mail.Conflict, "address.taken")
	h.says(alias("Info@alpha.example", suzuki.ID), mail.Conflict, "address.taken")
	h.says(alias("info@alpha.example", sato.ID), mail.Conflict, "address.taken")
	h.says(alias("suzuki@alpha.example", sato.ID), mail.Conflict, "address.taken")
	h.says(alias("info@beta.example", sato.ID), mail.NotFound, "domain.unknown")
	h.says(alias("a+b@alpha.example", sato.ID), mail.Invalid, "address.local_part")
	h.says(alias("x@alpha.example", 1), mail.NotFound, "account.unknown")
	h.says(add("x@beta.example"), mail.NotFound, "domain.unknown")
	h.says(add("postmaster@alpha.example"), mail.Invalid, "address.reserved")

	if a, err := c.Find(h.ctx, addr("info@alpha.example")); err != nil || a.ID != sato.ID || len(a.Aliases) != 1 {
		t.Errorf("the alias finds %+v, %v", a, err)
	}
	h.says(c.RemoveAlias(h.ctx, h.ops, addr("sato@alpha.example")), mail.NotFound, "alias.unknown")
	h.must(c.RemoveAlias(h.ctx, h.ops, addr("INFO@alpha.example")))
	h.says(c.RemoveAlias(h.ctx, h.ops, addr("info@alpha.example")), mail.NotFound, "alias.unknown")
	h.must(add("info@alpha.example"))
	h.destroy(c, sato)
	h.says(c.DeleteAccount(h.ctx, h.ops, sato.ID), mail.NotFound, "account.unknown")
	h.must(add("sato@alpha.example"))
}

func TestAliasesAreBounded(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	for i := range directory.MaxAliases {
		h.must(c.AddAlias(h.ctx, h.ops, addr(fmt.Sprintf("sato.%d@alpha.example", i)), a.ID))
	}
	h.says(c.AddAlias(h.ctx, h.ops, addr("one.more@alpha.example"), a.ID), mail.Full, "aliases.too_many")
	list, err := c.Aliases(h.ctx, 0)
	if err != nil || len(list) != directory.MaxAliases || list[7].Account != a.ID {
		t.Errorf("%d aliases, %v", len(list), err)
	}
}

// TestBulkIsAllOrNothing has a bad line in the middle of many good ones.
func TestBulkIsAllOrNothing(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 1000)
	specs := make([]directory.AccountSpec, 300)
	for i := range specs {
		specs[i] = directory.AccountSpec{Address: addr(fmt.Sprintf("user%d@alpha.example", i)), Password: password}
	}
	good := specs[150]
	specs[150].Address = specs[0].Address
	_, err := c.AddAccounts(h.ctx, h.ops, specs)
	h.says(err, mail.Conflict, "address.taken")
	if list, err := c.Accounts(h.ctx, directory.AccountPage{}); err != nil || len(list) != 0 {
		t.Errorf("%d accounts of a refused list were made, %v", len(list), err)
	}
	specs[150] = good
	made, err := c.AddAccounts(h.ctx, h.ops, specs)
	h.must(err)
	if len(made) != len(specs) {
		t.Fatalf("%d accounts were made of %d", len(made), len(specs))
	}
	h.signIn("user299@alpha.example")

	page := directory.AccountPage{Domain: "alpha.example", Limit: 100}
	for {
		list, err := c.Accounts(h.ctx, page)
		h.must(err)
		if len(list) == 0 {
			break
		}
		page.After = list[len(list)-1].ID
		made = made[len(list):]
	}
	if len(made) != 0 {
		t.Errorf("%d accounts are not in the list", len(made))
	}
}

// TestRights tries what is only for others.
func TestRights(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	boss := h.account(c, "boss@alpha.example", directory.RoleOwner)
	sato := h.account(c, "sato@alpha.example")
	admin, user := h.signIn("boss@alpha.example").Actor(), h.signIn("sato@alpha.example").Actor()

	for name, err := range map[string]error{
		"a user changes another's password":   c.SetPassword(h.ctx, user, boss.ID, password),
		"a user adds an alias":                c.AddAlias(h.ctx, user, addr("x@alpha.example"), sato.ID),
		"a user makes itself administrator":   c.SetRoles(h.ctx, user, sato.ID, []directory.Role{directory.RoleOwner}),
		"nobody deletes an account":           c.DeleteAccount(h.ctx, mail.Actor{}, sato.ID),
		"the platform deletes an account":     c.DeleteAccount(h.ctx, mail.MintActor(mail.Platform, 0, 0, "p", mail.Origin{}), sato.ID),
		"an administrator removes the domain": c.RemoveDomain(h.ctx, admin, "alpha.example"),
	} {
		if !mail.Is(err, mail.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.SetDomainIDs(h.ctx, admin, "alpha.example", 100)
	h.says(err, mail.Denied, "actor.denied")
	_, err = c.SetDomainOptions(h.ctx, admin, "alpha.example", nil)
	h.says(err, mail.Denied, "actor.denied")

	h.must(c.SetPassword(h.ctx, user, sato.ID, "a new password of mine"))
	h.says(c.SetPassword(h.ctx, user, sato.ID, "short"), mail.Invalid, "password.too_short")
	h.says(c.SetPassword(h.ctx, user, sato.ID, string(make([]byte, 20))), mail.Invalid, "password.malformed")
	h.must(c.SetPassword(h.ctx, admin, sato.ID, password))
}

// TestCP3Administrators appoints a second one, and never loses the last.
func TestCP3Administrators(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	boss := h.account(c, "boss@alpha.example", directory.RoleOwner)
	sato := h.account(c, "sato@alpha.example")
	admin := h.signIn("boss@alpha.example").Actor()
	roles := []directory.Role{directory.RoleOwner}

	h.says(c.SetRoles(h.ctx, admin, boss.ID, nil), mail.Conflict, "account.last_admin")
	h.says(c.SetAccountState(h.ctx, admin, boss.ID, directory.AccountSuspended), mail.Conflict, "account.last_admin")
	h.says(c.DeleteAccount(h.ctx, admin, boss.ID), mail.Conflict, "account.last_admin")
	h.says(c.SetRoles(h.ctx, admin, sato.ID, []directory.Role{"emperor"}), mail.Invalid, "role.unknown")
	h.must(c.SetRoles(h.ctx, admin, sato.ID, roles))
	h.must(c.SetRoles(h.ctx, admin, boss.ID, nil))

	// The session of who was administrator a moment ago has lost its right.
	h.says(c.SetRoles(h.ctx, admin, boss.ID, roles), mail.Denied, "actor.denied")
	second := h.signIn("sato@alpha.example").Actor()
	h.says(c.DeleteAccount(h.ctx, second, sato.ID), mail.Conflict, "account.last_admin")
	h.must(c.DeleteAccount(h.ctx, second, boss.ID))
}

// TestDestroyedAccountsLeaveNothing looks into the store after the end of an account.
func TestDestroyedAccountsLeaveNothing(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	h.fill(a, 2<<20)
	h.destroy(c, a)
	box, err := h.store.Tenant(a.Tenant).Usage(h.ctx, a.ID)
	if err != nil || box.Used != 0 || box.Messages != 0 {
		t.Errorf("the box still holds %+v, %v", box, err)
	}
	_, err = h.resolve("sato@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "auth.failed")
}
