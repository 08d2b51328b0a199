package directory_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// TestCP3OnlyOwnersAppoint: owners give roles and take them away, nobody else does, and nobody gives more than he has.
func TestCP3OnlyOwnersAppoint(t *testing.T) {
	m := newMatrix(t)
	owner := m.actor(directory.Grant{Role: directory.RoleOwner})
	inA := []mail.DomainID{m.a.ID}
	partly := m.actor(directory.Grant{Role: directory.RoleOwner, Domains: inA})
	for _, c := range []struct {
		name   string
		by     mail.Actor
		grants []directory.Grant
		key    string
	}{
		{"an owner gives each role", owner, directory.WholeGrants(directory.Roles()...), ""},
		{"an owner gives a part", owner, []directory.Grant{{Role: directory.RoleHelpDesk, Domains: inA, Groups: []mail.ObjectID{m.group.ID}}}, ""},
		{"an owner takes all", owner, nil, ""},
		{"an owner of a domain gives a role there", partly, []directory.Grant{{Role: directory.RoleAudit, Domains: inA}}, ""},
		{"an owner of a domain gives one elsewhere", partly, []directory.Grant{{Role: directory.RoleAudit, Domains: []mail.DomainID{m.b.ID}}}, "role.beyond"},
		{"an owner of a domain gives one here and elsewhere", partly, []directory.Grant{{Role: directory.RoleAudit, Domains: []mail.DomainID{m.a.ID, m.b.ID}}}, "role.beyond"},
		{"an owner of a domain gives one in the whole company", partly, directory.WholeGrants(directory.RoleReadOnly), "role.beyond"},
		{"an account admin gives", m.actor(directory.Grant{Role: directory.RoleAccountAdmin}), directory.WholeGrants(directory.RoleHelpDesk), "actor.denied"},
		{"an unknown role", owner, directory.WholeGrants("king"), "role.unknown"},
		{"a role twice", owner, []directory.Grant{{Role: directory.RoleAudit, Domains: inA}, {Role: directory.RoleAudit}}, "role.twice"},
		{"an unknown domain", owner, []directory.Grant{{Role: directory.RoleAudit, Domains: []mail.DomainID{5}}}, "domain.unknown"},
		{"an unknown group", owner, []directory.Grant{{Role: directory.RoleAudit, Groups: []mail.ObjectID{mail.ObjectID(m.a.ID)}}}, "group.unknown"},
		{"too many", owner, slices.Repeat(directory.WholeGrants(directory.RoleAudit), directory.MaxGrants+1), "role.too_many"},
		{"too wide", owner, []directory.Grant{{Role: directory.RoleAudit, Domains: slices.Repeat(inA, directory.MaxScope+1)}}, "role.scope_full"},
	} {
		id := m.target()
		err := m.c.SetGrants(m.ctx, c.by, id, 0, c.grants)
		if key, _ := mail.TextOf(err); key != c.key || (err == nil) != (c.key == "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.key)
			continue
		}
		a, err := m.c.Account(m.ctx, id)
		m.must(err)
		if err == nil && c.key == "" && len(a.Grants) != len(c.grants) || c.key != "" && len(a.Grants) != 0 {
			t.Errorf("%s: the account has %v", c.name, a.Grants)
		}
	}
	id := m.target()
	a, err := m.c.Account(m.ctx, id)
	m.must(err)
	m.says(m.c.SetGrants(m.ctx, owner, id, a.Version+1, nil), mail.Conflict, "object.changed")
	m.must(m.c.SetGrants(m.ctx, owner, id, a.Version, directory.WholeGrants(directory.RoleAudit)))
	m.says(m.c.SetGrants(m.ctx, owner, 5, 0, nil), mail.NotFound, "account.unknown")
}

// TestCP3RolesComeWithNewAccountsFromOwnersOnly: who makes accounts does not make administrators.
func TestCP3RolesComeWithNewAccountsFromOwnersOnly(t *testing.T) {
	m := newMatrix(t)
	spec := func() directory.AccountSpec {
		return directory.AccountSpec{Address: m.address(), Roles: []directory.Role{directory.RoleHelpDesk}}
	}
	_, err := m.c.AddAccount(m.ctx, m.actor(directory.Grant{Role: directory.RoleAccountAdmin}), spec())
	m.says(err, mail.Denied, "actor.denied")
	a, err := m.c.AddAccount(m.ctx, m.actor(directory.Grant{Role: directory.RoleOwner}), spec())
	m.must(err)
	if !a.Has(directory.RoleHelpDesk) {
		t.Errorf("the account has %v", a.Grants)
	}
}

// TestCP3LastOwnerStays: nobody of the company takes the last active owner away, in whatever way; an operator does.
func TestCP3LastOwnerStays(t *testing.T) {
	ways := map[string]func(m *matrix, by mail.Actor, id mail.AccountID) error{
		"demoted": func(m *matrix, by mail.Actor, id mail.AccountID) error { return m.c.SetRoles(m.ctx, by, id, nil) },
		"narrowed": func(m *matrix, by mail.Actor, id mail.AccountID) error {
			return m.c.SetGrants(m.ctx, by, id, 0, []directory.Grant{{Role: directory.RoleOwner, Domains: []mail.DomainID{m.a.ID}}})
		},
		"suspended": func(m *matrix, by mail.Actor, id mail.AccountID) error {
			return m.c.SetAccountState(m.ctx, by, id, directory.AccountSuspended)
		},
		"deleted": func(m *matrix, by mail.Actor, id mail.AccountID) error { return m.c.DeleteAccount(m.ctx, by, id) },
		"suspended by a file": func(m *matrix, by mail.Actor, id mail.AccountID) error {
			a, err := m.c.Account(m.ctx, id)
			m.must(err)
			return together(m, by, func(c *directory.Company) error {
				_, _, err := c.SetLine(m.ctx, by, &directory.AccountLine{Address: a.Address, State: new(directory.AccountSuspended)})
				return err
			})
		},
	}
	for name, way := range ways {
		m := newMatrix(t)
		last := m.actor(directory.Grant{Role: directory.RoleOwner})
		// None of these is an active owner of the whole company.
		m.actor(directory.Grant{Role: directory.RoleOwner, Domains: []mail.DomainID{m.a.ID}})
		asleep := m.actor(directory.Grant{Role: directory.RoleOwner})
		m.must(m.c.SetAccountState(m.ctx, m.ops, asleep.Account(), directory.AccountSuspended))
		m.says(way(m, last, last.Account()), mail.Conflict, "account.last_admin")
		m.must(m.c.SetAccountState(m.ctx, m.ops, asleep.Account(), directory.AccountActive))
		if err := way(m, asleep, last.Account()); err != nil {
			t.Errorf("%s, where there are two: %v", name, err)
		}
		m.says(way(m, asleep, asleep.Account()), mail.Conflict, "account.last_admin")
		if err := way(m, m.ops, asleep.Account()); err != nil {
			t.Errorf("%s by an operator: %v", name, err)
		}
	}
}

// TestCP3OwnersDoNotRaceEachOtherAway: of two owners who demote each other at once, one stays.
func TestCP3OwnersDoNotRaceEachOtherAway(t *testing.T) {
	m := newMatrix(t)
	for range 20 {
		a, b := m.actor(directory.Grant{Role: directory.RoleOwner}), m.actor(directory.Grant{Role: directory.RoleOwner})
		var wg sync.WaitGroup
		wg.Go(func() { _ = m.c.SetRoles(m.ctx, a, b.Account(), nil) }) // one of both fails
		wg.Go(func() { _ = m.c.SetRoles(m.ctx, b, a.Account(), nil) })
		wg.Wait()
		all, err := m.c.Administrators(m.ctx)
		m.must(err)
		if len(all) != 1 {
			t.Fatalf("%d owners are left", len(all))
		}
		m.must(m.c.SetRoles(m.ctx, m.ops, all[0].ID, nil))
	}
}

// TestCP4AnyAddressCanBeAppointed: accounts of every domain, with whatever name, and no address that is nobody's.
func TestCP4AnyAddressCanBeAppointed(t *testing.T) {
	m := newMatrix(t)
	owner := m.actor(directory.Grant{Role: directory.RoleOwner})
	for i, address := range []string{"sato@a.example", "abe@b.example", "a!b=c~d@staff.example"} {
		a, err := m.c.AddAccount(m.ctx, owner, directory.AccountSpec{Address: addr(address)})
		m.must(err)
		role := directory.Roles()[i]
		m.must(m.c.SetRoles(m.ctx, owner, a.ID, []directory.Role{role}))
		if again, err := m.c.Account(m.ctx, a.ID); err != nil || !again.Has(role) {
			t.Errorf("%s has %v, %v", address, again.Grants, err)
		}
	}
	all, err := m.c.Administrators(m.ctx)
	m.must(err)
	var seen []string
	for _, a := range all {
		seen = append(seen, fmt.Sprint(a.Address, a.Grants[0].Role))
	}
	want := []string{"a!b=c~d@staff.example" + string(directory.Roles()[2]), "abe@b.example" + string(directory.Roles()[1]), "n1@staff.exampleowner", "sato@a.exampleowner"}
	if !slices.Equal(seen, want) {
		t.Errorf("the administrators are %q, want %q", seen, want)
	}
	m.says(m.c.SetRoles(m.ctx, owner, 77, []directory.Role{directory.RoleOwner}), mail.NotFound, "account.unknown")
	id := m.target()
	m.must(m.c.SetAccountState(m.ctx, owner, id, directory.AccountSuspended))
	m.says(m.c.SetRoles(m.ctx, owner, id, []directory.Role{directory.RoleAudit}), mail.Conflict, "role.inactive")
}

// TestCP6ScopeOfDomainThatWent: a role for a domain that is no more does not become one for the whole company.
func TestCP6ScopeOfDomainThatWent(t *testing.T) {
	m := newMatrix(t)
	_, err := m.c.AddDomain(m.ctx, m.ops, directory.DomainSpec{Name: "gone.example", Plan: directory.Plan100MB, IDs: 100})
	m.must(err)
	d := m.domainNamed("gone.example")
	by := m.actor(directory.Grant{Role: directory.RoleAccountAdmin, Domains: []mail.DomainID{d.ID}})
	_, err = m.c.AddAccount(m.ctx, by, directory.AccountSpec{Address: m.address()})
	m.says(err, mail.Denied, "actor.denied")
	m.must(m.c.RemoveDomain(m.ctx, m.ops, "gone.example"))
	_, err = m.c.AddAccount(m.ctx, by, directory.AccountSpec{Address: m.address()})
	m.says(err, mail.Denied, "actor.denied")
}

// TestCP6AliasesStayInTheScope: who administers a domain takes no addresses of another one, for a new account or an old one.
func TestCP6AliasesStayInTheScope(t *testing.T) {
	m := newMatrix(t)
	by := m.actor(directory.Grant{Role: directory.RoleAccountAdmin, Domains: []mail.DomainID{m.a.ID}})
	id := m.target()
	m.must(m.c.AddAlias(m.ctx, by, addr("sales@a.example"), id))
	m.says(m.c.AddAlias(m.ctx, by, addr("sales@b.example"), id), mail.Denied, "actor.denied")
	_, err := m.c.AddAccount(m.ctx, by, directory.AccountSpec{Address: m.address(), Aliases: []mail.Address{addr("sales@b.example")}})
	m.says(err, mail.Denied, "actor.denied")
	to := addr("moved@b.example")
	_, err = m.c.ChangeAccount(m.ctx, by, id, directory.AccountChange{Address: &to})
	m.says(err, mail.Denied, "actor.denied")
}

// TestCP6GroupScope: who administers a group reaches those in it, also after they joined, and not after they left.
func TestCP6GroupScope(t *testing.T) {
	m := newMatrix(t)
	by := m.actor(directory.Grant{Role: directory.RoleHelpDesk, Groups: []mail.ObjectID{m.group.ID}})
	id := m.target()
	reset := func() error { _, err := m.c.ResetPassword(m.ctx, by, id, ""); return err }
	m.says(reset(), mail.Denied, "actor.denied")
	m.must(m.c.ChangeGroup(m.ctx, m.ops, m.group.ID, []mail.AccountID{id}, nil))
	m.must(reset())
	m.must(m.c.ChangeGroup(m.ctx, m.ops, m.group.ID, nil, []mail.AccountID{id}))
	m.says(reset(), mail.Denied, "actor.denied")
	// An administrator of the group's accounts can't reach further by pulling others in.
	puller := m.actor(directory.Grant{Role: directory.RoleAccountAdmin, Groups: []mail.ObjectID{m.group.ID}})
	m.says(m.c.ChangeGroup(m.ctx, puller, m.group.ID, []mail.AccountID{id}, nil), mail.Denied, "actor.denied")
}
