package directory_test

import (
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// TestCP6GroupsAreSets: names are unique however they are written, accounts are in or out, and a group that goes leaves
// its accounts.
func TestCP6GroupsAreSets(t *testing.T) {
	h, c, made := people(t)
	add := func(name string) (directory.Group, error) {
		return c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: name})
	}
	g, err := add("Ｓａｌｅｓ")
	h.must(err)
	_, err = add(" sales ")
	h.says(err, mail.Conflict, "group.exists")
	_, err = add(" ")
	h.says(err, mail.Invalid, "name.malformed")

	in := func(who ...string) (ids []mail.AccountID) {
		for _, name := range who {
			ids = append(ids, made[name].ID)
		}
		return ids
	}
	see := func(want string, n int) {
		t.Helper()
		got, err := c.Group(h.ctx, g.ID)
		if h.must(err); got.Accounts != n {
			t.Errorf("%d accounts are in it", got.Accounts)
		}
		if got := h.roster(c, directory.RosterQuery{Group: g.ID}); got != want {
			t.Errorf("%q are in it, want %q", got, want)
		}
	}
	h.must(c.ChangeGroup(h.ctx, h.ops, g.ID, in("sato", "abe"), nil))
	h.must(c.ChangeGroup(h.ctx, h.ops, g.ID, in("abe", "suzuki"), in("schmidt")))
	see("abe sato suzuki", 3)
	h.says(c.ChangeGroup(h.ctx, h.ops, g.ID, append(in("schmidt"), 99), nil), mail.NotFound, "account.unknown")
	see("abe sato suzuki", 3)
	h.must(c.ChangeGroup(h.ctx, h.ops, g.ID, nil, in("sato")))
	see("abe suzuki", 2)
	h.must(c.DeleteAccount(h.ctx, h.ops, made["abe"].ID)) // counts no more, and is in it again when it is restored
	see("suzuki", 1)
	h.must(c.RestoreAccount(h.ctx, h.ops, made["abe"].ID))
	see("abe suzuki", 2)

	set, err := c.SetGroup(h.ctx, h.ops, g.ID, g.Version, directory.GroupSpec{Name: "営業"})
	h.must(err)
	_, err = c.SetGroup(h.ctx, h.ops, g.ID, g.Version, directory.GroupSpec{Name: "x"})
	h.says(err, mail.Conflict, "object.changed")
	if all, err := c.Groups(h.ctx); err != nil || len(all) != 1 || all[0] != set || set.Accounts != 2 {
		t.Errorf("groups %+v, %v; want %+v", all, err, set)
	}
	h.must(c.DeleteGroup(h.ctx, h.ops, g.ID))
	h.says(c.DeleteGroup(h.ctx, h.ops, g.ID), mail.NotFound, "group.unknown")
	if a, err := c.Account(h.ctx, made["abe"].ID); err != nil || len(a.Groups) != 0 {
		t.Errorf("the account is still in %v, %v", a.Groups, err)
	}
}

// TestLargeGroupsGo in portions.
func TestLargeGroupsGo(t *testing.T) {
	h, c := crowd(t, 2100)
	g, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "all"})
	h.must(err)
	page := directory.AccountPage{Limit: directory.MaxGroupChange}
	for {
		accounts, err := c.Accounts(h.ctx, page)
		if h.must(err); len(accounts) == 0 {
			break
		}
		var ids []mail.AccountID
		for _, a := range accounts {
			ids, page.After = append(ids, a.ID), a.ID
		}
		h.must(c.ChangeGroup(h.ctx, h.ops, g.ID, ids, nil))
	}
	if got, err := c.Group(h.ctx, g.ID); err != nil || got.Accounts != 2100 {
		t.Fatalf("%+v, %v", got, err)
	}
	h.must(c.DeleteGroup(h.ctx, h.ops, g.ID))
	if left, err := c.Roster(h.ctx, directory.RosterQuery{Group: g.ID}); err != nil || left.Total != 0 {
		t.Errorf("%d are left, %v", left.Total, err)
	}
}

// TestCP6NobodyEntersForeignGroups: who manages a group can't take others' accounts into it, nor put his own into others'.
func TestCP6NobodyEntersForeignGroups(t *testing.T) {
	h, c, made := people(t)
	ours, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "ours"})
	h.must(err)
	theirs, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "theirs"})
	h.must(err)
	h.must(c.ChangeGroup(h.ctx, h.ops, ours.ID, []mail.AccountID{made["abe"].ID}, nil))
	h.must(c.SetPassword(h.ctx, h.ops, made["sato"].ID, password))
	h.must(c.SetGrants(h.ctx, h.ops, made["sato"].ID, 0, []directory.Grant{{Role: directory.RoleAccountAdmin, Groups: []mail.ObjectID{ours.ID}}}))
	by := h.signIn("sato@alpha.example").Actor()

	h.says(c.ChangeGroup(h.ctx, by, ours.ID, []mail.AccountID{made["suzuki"].ID}, nil), mail.Denied, "actor.denied")
	h.says(c.ChangeGroup(h.ctx, by, theirs.ID, []mail.AccountID{made["abe"].ID}, nil), mail.Denied, "actor.denied")
	_, err = c.ChangeAccount(h.ctx, by, made["abe"].ID, directory.AccountChange{Groups: &[]mail.ObjectID{ours.ID, theirs.ID}})
	h.says(err, mail.Denied, "actor.denied")
	_, err = c.AddAccount(h.ctx, by, directory.AccountSpec{Address: addr("x@alpha.example"), Groups: []mail.ObjectID{theirs.ID}})
	h.says(err, mail.Denied, "actor.denied")
	_, err = c.AddGroup(h.ctx, by, directory.GroupSpec{Name: "more"})
	h.says(err, mail.Denied, "actor.denied")
	_, err = c.AddAccount(h.ctx, by, directory.AccountSpec{Address: addr("x@alpha.example"), Groups: []mail.ObjectID{ours.ID}})
	h.must(err)
}
