package directory_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// reach is how far a deed reaches: into domain A, to one group, or over the whole company.
type reach uint8

const (
	inDomain reach = iota
	onGroup
	onWhole
)

// A deed is a writing method of Company with who may do it (CP-6). do does it to something fresh in domain A.
type deed struct {
	need directory.Right
	on   reach
	do   func(m *matrix, by mail.Actor) error
	// refusedToo: the keys of errors that show that the actor was let in.
	passes string
	// account: it is done to an account, and nobody may do it to one that may do more than he.
	account bool
}

// A matrix is a company with two domains and somebody for every role.
type matrix struct {
	*house
	c      *directory.Company
	id     mail.TenantID
	a, b   directory.Domain
	group  directory.Group
	n      int
	grants []directory.Grant // of the accounts that deeds are done to
}

func newMatrix(t *testing.T) *matrix {
	h := newHouse(t, directory.Config{})
	tenant := h.tenant(directory.TenantSpec{})
	m := &matrix{house: h, c: h.Company(tenant.ID), id: tenant.ID}
	for _, name := range []string{"a.example", "b.example", "staff.example"} {
		h.domain(m.c, name, 9000, directory.OptionIMAPS)
	}
	m.a, m.b = m.domainNamed("a.example"), m.domainNamed("b.example")
	var err error
	m.group, err = m.c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "sales"})
	h.must(err)
	return m
}

func (m *matrix) domainNamed(name string) directory.Domain {
	m.Helper()
	d, err := m.c.Domain(m.ctx, name)
	m.must(err)
	return d
}

// name makes a name nothing else has.
func (m *matrix) name() string { m.n++; return fmt.Sprintf("n%d", m.n) }

func (m *matrix) address() mail.Address { return addr(m.name() + "@a.example") }

// target is a new account in domain A with the grants that deeds shall meet.
func (m *matrix) target() mail.AccountID {
	m.Helper()
	a, err := m.c.AddAccount(m.ctx, m.ops, directory.AccountSpec{Address: m.address()})
	m.must(err)
	if len(m.grants) > 0 {
		m.must(m.c.SetGrants(m.ctx, m.ops, a.ID, 0, m.grants))
	}
	return a.ID
}

func (m *matrix) list() directory.List {
	m.Helper()
	l, err := m.c.AddList(m.ctx, m.ops, m.address(), directory.ListSpec{Name: "list"})
	m.must(err)
	return l
}

// actor is somebody with grants, who belongs to neither domain.
func (m *matrix) actor(grants ...directory.Grant) mail.Actor {
	m.Helper()
	a, err := m.c.AddAccount(m.ctx, m.ops, directory.AccountSpec{Address: addr(m.name() + "@staff.example")})
	m.must(err)
	m.must(m.c.SetGrants(m.ctx, m.ops, a.ID, 0, grants))
	return mail.MintActor(mail.User, m.id, a.ID, a.Address.String(), mail.Origin{})
}

// Helpers that make a deed out of what it is done to.

func toAccount(need directory.Right, do func(m *matrix, by mail.Actor, id mail.AccountID) error) deed {
	return deed{need: need, account: true, do: func(m *matrix, by mail.Actor) error { m.Helper(); return do(m, by, m.target()) }}
}

func toList(do func(m *matrix, by mail.Actor, l directory.List) error) deed {
	return deed{need: directory.RightLists, do: func(m *matrix, by mail.Actor) error { m.Helper(); return do(m, by, m.list()) }}
}

func toWhole(need directory.Right, passes string, do func(m *matrix, by mail.Actor) error) deed {
	return deed{need: need, on: onWhole, passes: passes, do: do}
}

// toDomain is a deed of operators.
func toDomain(do func(m *matrix, by mail.Actor, name string) error) deed {
	return toWhole(directory.RightOrder, "", func(m *matrix, by mail.Actor) error {
		m.Helper()
		name := m.name() + ".example"
		_, err := m.c.AddDomain(m.ctx, m.ops, directory.DomainSpec{Name: name, Plan: directory.Plan100MB, IDs: 100})
		m.must(err)
		return do(m, by, name)
	})
}

var scopedHelp = func(m *matrix) []directory.Grant {
	return []directory.Grant{{Role: directory.RoleHelpDesk, Domains: []mail.DomainID{m.a.ID}}}
}

// together does something inside Company.Together.
func together(m *matrix, by mail.Actor, fn func(*directory.Company) error) error {
	return m.c.Together(m.ctx, by, "test.Together", directory.RightAccounts, func(c *directory.Company, _ store.Tx) error { return fn(c) })
}

// listsTogether is together for lists.
func listsTogether(m *matrix, by mail.Actor, fn func(*directory.Company) error) error {
	return m.c.Together(m.ctx, by, "test.Together", directory.RightLists, func(c *directory.Company, _ store.Tx) error { return fn(c) })
}

// deeds are all of them. A method of Company that takes an actor and has no row here fails the test.
var deeds = map[string]deed{
	"AddAccount": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddAccount(m.ctx, by, directory.AccountSpec{Address: m.address()})
		return err
	}},
	"AddAccounts": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddAccounts(m.ctx, by, []directory.AccountSpec{{Address: m.address()}, {Address: m.address()}})
		return err
	}},
	"AddLine": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		return together(m, by, func(c *directory.Company) error {
			_, err := c.AddLine(m.ctx, by, &directory.AccountLine{Address: m.address()})
			return err
		})
	}},
	"SetLine": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		a, err := m.c.Account(m.ctx, id)
		m.must(err)
		return together(m, by, func(c *directory.Company) error {
			_, _, err := c.SetLine(m.ctx, by, &directory.AccountLine{Address: a.Address, Change: directory.AccountChange{Hidden: new(true)}})
			return err
		})
	}),
	"DeleteLine": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		a, err := m.c.Account(m.ctx, id)
		m.must(err)
		return together(m, by, func(c *directory.Company) error { return c.DeleteLine(m.ctx, by, a.Address) })
	}),
	"Together": {need: directory.RightAccounts, on: onGroup, do: func(m *matrix, by mail.Actor) error {
		return together(m, by, func(c *directory.Company) error { return c.ChangeGroup(m.ctx, by, m.group.ID, nil, nil) })
	}},
	"AddAlias": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.AddAlias(m.ctx, by, m.address(), id)
	}),
	"RemoveAlias": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		alias := m.address()
		m.must(m.c.AddAlias(m.ctx, m.ops, alias, id))
		return m.c.RemoveAlias(m.ctx, by, alias)
	}),
	"ChangeAccount": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		to := m.address()
		_, err := m.c.ChangeAccount(m.ctx, by, id, directory.AccountChange{Address: &to})
		return err
	}),
	"SetAccountState": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.SetAccountState(m.ctx, by, id, directory.AccountSuspended)
	}),
	"DeleteAccount": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.DeleteAccount(m.ctx, by, id)
	}),
	"RestoreAccount": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		m.must(m.c.DeleteAccount(m.ctx, m.ops, id))
		return m.c.RestoreAccount(m.ctx, by, id)
	}),
	"DestroyAccount": toAccount(directory.RightRoles, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		a, err := m.c.Account(m.ctx, id)
		m.must(err)
		m.must(m.c.DeleteAccount(m.ctx, m.ops, id))
		return m.c.DestroyAccount(m.ctx, by, id, a.Address)
	}),
	"SetForwarding": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.SetForwarding(m.ctx, by, id, directory.Forwarding{To: []mail.Address{addr("x@b.example")}})
	}),
	"StopSending": toAccount(directory.RightPolicy, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.StopSending(m.ctx, by, id, "")
	}),
	"ResumeSending": toAccount(directory.RightPolicy, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		m.must(m.c.StopSending(m.ctx, m.ops, id, ""))
		return m.c.ResumeSending(m.ctx, by, id)
	}),
	"SetPassword": toAccount(directory.RightPasswords, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.SetPassword(m.ctx, by, id, password)
	}),
	"ResetPassword": toAccount(directory.RightPasswords, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		_, err := m.c.ResetPassword(m.ctx, by, id, "")
		return err
	}),
	"AddAppPassword": toAccount(directory.RightPasswords, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		_, _, err := m.c.AddAppPassword(m.ctx, by, id, directory.AppPasswordSpec{Name: "telephone"})
		return err
	}),
	"RevokeAppPassword": toAccount(directory.RightPasswords, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		app, _, err := m.c.AddAppPassword(m.ctx, m.ops, id, directory.AppPasswordSpec{Name: "telephone"})
		m.must(err)
		return m.c.RevokeAppPassword(m.ctx, by, id, app.ID)
	}),
	"EndAccountSession": toAccount(directory.RightPasswords, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.EndAccountSession(m.ctx, by, id, 0)
	}),
	"MayEndSessions": toAccount(directory.RightPasswords, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.MayEndSessions(m.ctx, by, id)
	}),
	"RemoveFactors": {need: directory.RightPasswords, account: true, passes: "factor.none", do: func(m *matrix, by mail.Actor) error {
		return m.c.RemoveFactors(m.ctx, by, m.target())
	}},
	"SetSeat": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		shared, err := m.c.AddAccount(m.ctx, m.ops, directory.AccountSpec{Address: m.address(), Shared: true})
		m.must(err)
		return m.c.SetSeat(m.ctx, by, shared.ID, m.target(), directory.SeatRead)
	}},
	"PreparePassword": {need: directory.RightAccounts, on: onGroup, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.PreparePassword(m.ctx, by, addr("prepared@a.example"), password)
		return err
	}},
	"AddContact": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddContact(m.ctx, by, m.contact())
		return err
	}},
	"SetContact": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		made, err := m.c.AddContact(m.ctx, m.ops, m.contact())
		m.must(err)
		_, err = m.c.SetContact(m.ctx, by, made.ID, 0, m.contact())
		return err
	}},
	"DeleteContact": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		made, err := m.c.AddContact(m.ctx, m.ops, m.contact())
		m.must(err)
		return m.c.DeleteContact(m.ctx, by, made.ID)
	}},
	"RenameDepartment": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		from := m.name()
		_, err := m.c.AddAccount(m.ctx, m.ops, directory.AccountSpec{Address: m.address(), Profile: directory.Profile{Department: from}})
		m.must(err)
		_, err = m.c.RenameDepartment(m.ctx, by, from, m.name())
		return err
	}},
	"AddGroup": toWhole(directory.RightAccounts, "", func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddGroup(m.ctx, by, directory.GroupSpec{Name: m.name()})
		return err
	}),
	"DeleteGroup": toWhole(directory.RightAccounts, "", func(m *matrix, by mail.Actor) error {
		g, err := m.c.AddGroup(m.ctx, m.ops, directory.GroupSpec{Name: m.name()})
		m.must(err)
		return m.c.DeleteGroup(m.ctx, by, g.ID)
	}),
	"SetGroup": {need: directory.RightAccounts, on: onGroup, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.SetGroup(m.ctx, by, m.group.ID, 0, directory.GroupSpec{Name: "sales"})
		return err
	}},
	"ChangeGroup": {need: directory.RightAccounts, on: onGroup, do: func(m *matrix, by mail.Actor) error {
		return m.c.ChangeGroup(m.ctx, by, m.group.ID, nil, nil)
	}},
	"AddList": {need: directory.RightLists, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddList(m.ctx, by, m.address(), directory.ListSpec{Name: "list"})
		return err
	}},
	"SetList": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		_, err := m.c.SetList(m.ctx, by, l.ID, directory.ListSpec{Name: "other"})
		return err
	}),
	"ChangeList": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		_, err := m.c.ChangeList(m.ctx, by, l.ID, directory.ListChange{})
		return err
	}),
	"DeleteList": toList(func(m *matrix, by mail.Actor, l directory.List) error { return m.c.DeleteList(m.ctx, by, l.ID) }),
	"AddMembers": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		return m.c.AddMembers(m.ctx, by, l.ID, []directory.Member{{Address: addr("x@elsewhere.example")}})
	}),
	"RemoveMembers": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		return m.c.RemoveMembers(m.ctx, by, l.ID, []mail.Address{m.member(l)})
	}),
	"ChangeMembers": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		return m.c.ChangeMembers(m.ctx, by, l.ID, nil, []mail.Address{m.member(l)})
	}),
	"ResumeMember": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		return m.c.ResumeMember(m.ctx, by, l.ID, m.member(l))
	}),
	"AddKnown": {need: directory.RightAccounts, do: func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddKnown(m.ctx, by, &directory.AccountLine{Address: m.address()}, "x")
		return err
	}},
	"SetKnown": toAccount(directory.RightAccounts, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		a, err := m.c.Account(m.ctx, id)
		m.must(err)
		_, err = m.c.SetKnown(m.ctx, by, &a, &directory.AccountLine{Address: a.Address, Change: directory.AccountChange{Hidden: new(true)}}, "x")
		return err
	}),
	"AddKnownGroup": toWhole(directory.RightAccounts, "", func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddKnownGroup(m.ctx, by, directory.KnownGroup{GroupSpec: directory.GroupSpec{Name: m.name()}})
		return err
	}),
	"SetKnownGroup": {need: directory.RightAccounts, on: onGroup, do: func(m *matrix, by mail.Actor) error {
		g, err := m.c.Group(m.ctx, m.group.ID)
		m.must(err)
		_, err = m.c.SetKnownGroup(m.ctx, by, g, directory.KnownGroup{GroupSpec: directory.GroupSpec{Name: m.name()}})
		return err
	}},
	"PutMember": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		return listsTogether(m, by, func(c *directory.Company) error {
			_, err := c.PutMember(by, &directory.MemberLine{List: l.Address, Member: m.contact().Address})
			return err
		})
	}),
	"TakeMember": toList(func(m *matrix, by mail.Actor, l directory.List) error {
		member := m.member(l)
		return listsTogether(m, by, func(c *directory.Company) error {
			return c.TakeMember(by, &directory.MemberLine{List: l.Address, Member: member})
		})
	}),
	"SetSettings": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error { return m.c.SetSettings(m.ctx, by, directory.Settings{}) }),
	"ReplaceSettings": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error {
		return m.c.ReplaceSettings(m.ctx, by, 0, directory.Settings{})
	}),
	"SetSecurity": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error {
		now, err := m.c.Security(m.ctx)
		m.must(err)
		_, err = m.c.SetSecurity(m.ctx, by, now.SecurityPolicy, 0)
		return err
	}),
	"ConfirmAccess": toWhole(directory.RightPolicy, "access.nothing_to_confirm", func(m *matrix, by mail.Actor) error { return m.c.ConfirmAccess(m.ctx, by) }),
	"SetDomainFilter": {need: directory.RightPolicy, do: func(m *matrix, by mail.Actor) error {
		return m.c.SetDomainFilter(m.ctx, by, m.a.Name, 0, directory.DefaultFilter())
	}},
	"SetAccountFilter": toAccount(directory.RightPolicy, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.SetAccountFilter(m.ctx, by, id, directory.FilterOverride{Action: directory.SpamQuarantine})
	}),
	"SetVirusSettings": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error {
		return m.c.SetVirusSettings(m.ctx, by, 0, directory.VirusSettings{Down: directory.VirusMark})
	}),
	"SetCompanySenders": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error {
		return m.c.SetCompanySenders(m.ctx, by, 0, directory.SenderLists{Deny: []mail.SenderPattern{"@bad.example"}})
	}),
	"SetSenders": toAccount(directory.RightPolicy, func(m *matrix, by mail.Actor, id mail.AccountID) error {
		return m.c.SetSenders(m.ctx, by, id, directory.UserSenders{SenderLists: directory.SenderLists{Deny: []mail.SenderPattern{"@bad.example"}}})
	}),
	"SetLogo": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error { return m.c.SetLogo(m.ctx, by, 0, smallGIF) }),
	"RemoveLogo": toWhole(directory.RightPolicy, "", func(m *matrix, by mail.Actor) error {
		m.must(m.c.SetLogo(m.ctx, m.ops, 0, smallGIF))
		return m.c.RemoveLogo(m.ctx, by, 0)
	}),
	"VerifyDomain": {need: directory.RightPolicy, do: func(m *matrix, by mail.Actor) error {
		_, text := m.a.Challenge()
		_, err := m.c.VerifyDomain(m.ctx, by, "a.example", []string{text})
		return err
	}},
	"VouchDomain": toDomain(func(m *matrix, by mail.Actor, name string) error {
		_, err := m.c.VouchDomain(m.ctx, by, name, "known")
		return err
	}),
	"AddDomain": toWhole(directory.RightOrder, "", func(m *matrix, by mail.Actor) error {
		_, err := m.c.AddDomain(m.ctx, by, directory.DomainSpec{Name: m.name() + ".example", Plan: directory.Plan100MB, IDs: 100})
		return err
	}),
	"RemoveDomain": toDomain(func(m *matrix, by mail.Actor, name string) error { return m.c.RemoveDomain(m.ctx, by, name) }),
	"ChangeDomain": toDomain(func(m *matrix, by mail.Actor, name string) error {
		_, err := m.c.ChangeDomain(m.ctx, by, name, directory.DomainChange{IDs: 200})
		return err
	}),
	"SetDomainIDs": toDomain(func(m *matrix, by mail.Actor, name string) error {
		_, err := m.c.SetDomainIDs(m.ctx, by, name, 200)
		return err
	}),
	"SetDomainPlan": toDomain(func(m *matrix, by mail.Actor, name string) error {
		_, err := m.c.SetDomainPlan(m.ctx, by, name, directory.Plan3GB)
		return err
	}),
	"SetDomainOptions": toDomain(func(m *matrix, by mail.Actor, name string) error {
		_, err := m.c.SetDomainOptions(m.ctx, by, name, []directory.Option{directory.OptionIMAPS})
		return err
	}),
	"SetGrants": {need: directory.RightRoles, account: true, do: func(m *matrix, by mail.Actor) error {
		return m.c.SetGrants(m.ctx, by, m.target(), 0, scopedHelp(m))
	}},
	"SetRoles": {need: directory.RightRoles, on: onWhole, account: true, do: func(m *matrix, by mail.Actor) error {
		return m.c.SetRoles(m.ctx, by, m.target(), []directory.Role{directory.RoleHelpDesk})
	}},
	"AddKey": {need: directory.RightRoles, do: func(m *matrix, by mail.Actor) error {
		k, _, err := m.c.AddKey(m.ctx, by, directory.KeySpec{Name: "k", Grants: scopedHelp(m)})
		if err == nil {
			m.must(m.c.RevokeKey(m.ctx, m.ops, k.ID))
		}
		return err
	}},
	"RevokeKey": {need: directory.RightRoles, do: func(m *matrix, by mail.Actor) error {
		k, _, err := m.c.AddKey(m.ctx, m.ops, directory.KeySpec{Name: "k", Grants: scopedHelp(m)})
		m.must(err)
		err = m.c.RevokeKey(m.ctx, by, k.ID)
		if err != nil {
			m.must(m.c.RevokeKey(m.ctx, m.ops, k.ID))
		}
		return err
	}},
}

func (m *matrix) contact() directory.ContactSpec {
	return directory.ContactSpec{Domain: m.a.ID, Address: addr(m.name() + "@elsewhere.example")}
}

// member puts a member on a list.
func (m *matrix) member(l directory.List) mail.Address {
	m.Helper()
	a := addr(m.name() + "@elsewhere.example")
	m.must(m.c.AddMembers(m.ctx, m.ops, l.ID, []directory.Member{{Address: a}}))
	return a
}

// noDeeds are methods that take an actor and need no right, with the reason.
var noDeeds = map[string]string{
	"NoteView":      "writes a line of the log about what restd let somebody see",
	"NoteExport":    "the same",
	"ExportLog":     "the same: restd judges who reads",
	"CheckPassword": "writes nothing and shows nothing",
}

// scopes are those of the roles that try a deed.
func (m *matrix) scopes() map[string]directory.Grant {
	return map[string]directory.Grant{
		"in the whole company": {},
		"in domain A":          {Domains: []mail.DomainID{m.a.ID}},
		"in domain B":          {Domains: []mail.DomainID{m.b.ID}},
		"in the group":         {Groups: []mail.ObjectID{m.group.ID}},
	}
}

// reaches tells whether a scope reaches what a deed is done to.
func reaches(on reach, scope string) bool {
	switch scope {
	case "in the whole company":
		return true
	case "in domain A":
		return on == inDomain
	case "in the group":
		return on == onGroup
	}
	return false
}

// anywhere are deeds that need a right somewhere in the company only, as what they do themselves is judged one by one.
var anywhere = []string{"PreparePassword"}

// let tells whether an error shows that the actor was let in; ok is false for one that shows neither.
func (d *deed) let(err error) (in, ok bool) {
	key, _ := mail.TextOf(err)
	switch {
	case err == nil, d.passes != "" && key == d.passes:
		return true, true
	case mail.Is(err, mail.Denied), mail.Is(err, mail.NotFound):
		return false, true
	}
	return false, false
}

// TestCP6EveryDeedHasARow: no method of Company writes without standing in the matrix.
func TestCP6EveryDeedHasARow(t *testing.T) {
	company := reflect.TypeFor[*directory.Company]()
	found := 0
	for i := range company.NumMethod() {
		m := company.Method(i)
		for j := 1; j < m.Type.NumIn(); j++ {
			if m.Type.In(j) != reflect.TypeFor[mail.Actor]() {
				continue
			}
			found++
			if _, ok := deeds[m.Name]; !ok && noDeeds[m.Name] == "" {
				t.Errorf("Company.%s has no row in the matrix: say who may do it, and show it", m.Name)
			}
		}
	}
	for name := range deeds {
		if _, ok := company.MethodByName(name); !ok {
			t.Errorf("the matrix has a row for %s, which Company does not have", name)
		}
	}
	if found < 40 {
		t.Fatalf("only %d methods were found: the walk is broken", found)
	}
}

// TestCP6Matrix lets every role, in the whole company and in parts of it, try every deed.
func TestCP6Matrix(t *testing.T) {
	m := newMatrix(t)
	for scope, part := range m.scopes() {
		for _, role := range directory.Roles() {
			by := m.actor(directory.Grant{Role: role, Domains: part.Domains, Groups: part.Groups})
			for name, d := range deeds {
				want := role.Gives(d.need) && (reaches(d.on, scope) || slices.Contains(anywhere, name))
				err := d.do(m, by)
				if in, ok := d.let(err); !ok || in != want {
					t.Errorf("%s by a %s %s: %v, want it to be let in: %v", name, role, scope, err, want)
				}
			}
		}
	}
}

// TestCP6Others: users without a role are let into nothing, operators into everything if they say why, and those who only look into nothing.
func TestCP6Others(t *testing.T) {
	m := newMatrix(t)
	root := mail.MintActor(mail.Operator, 0, 0, "operator:root", mail.Origin{})
	for name, d := range deeds {
		for who, try := range map[string]struct {
			by  mail.Actor
			in  bool
			key string
		}{
			"a user":                       {m.actor(), false, ""},
			"an operator with a reason":    {root.For("call 4711"), true, ""},
			"an operator without one":      {root, false, "reason.required"},
			"an operator who only looks":   {mail.MintActor(mail.Observer, 0, 0, "operator:guest", mail.Origin{}).For("x"), false, "actor.denied"},
			"an account of another tenant": {mail.MintActor(mail.Admin, m.id+1, 5, "x@y.example", mail.Origin{}), false, "actor.denied"},
		} {
			err := d.do(m, try.by)
			key, _ := mail.TextOf(err)
			in, ok := d.let(err)
			if try.key != "" && key != try.key || try.key == "" && (!ok || in != try.in) {
				t.Errorf("%s by %s: %v", name, who, err)
			}
		}
	}
}

// TestCP6NobodyTouchesWhoMayMore: who has a right on an account can do nothing to one that may do more than he: he could take
// its password, its mail or its second factor, and be it.
func TestCP6NobodyTouchesWhoMayMore(t *testing.T) {
	m := newMatrix(t)
	m.grants = directory.WholeGrants(directory.RoleOwner)
	owner := m.actor(directory.Grant{Role: directory.RoleOwner})
	partly := m.actor(directory.Grant{Role: directory.RoleOwner, Domains: []mail.DomainID{m.a.ID}})
	for name, d := range deeds {
		if !d.account {
			continue
		}
		for _, role := range directory.Roles() {
			if role == directory.RoleOwner {
				continue
			}
			by := m.actor(directory.Grant{Role: role})
			err := d.do(m, by)
			if key, _ := mail.TextOf(err); role.Gives(d.need) && key != "actor.outranked" && key != "role.beyond" || err == nil {
				t.Errorf("%s to an owner by a %s: %v", name, role, err)
			}
		}
		if in, _ := d.let(d.do(m, partly)); in {
			t.Errorf("%s to an owner of the company by an owner of a domain: done", name)
		}
		if in, ok := d.let(d.do(m, owner)); !in || !ok {
			t.Errorf("%s to an owner by an owner: %v", name, d.do(m, owner))
		}
	}
	for _, c := range []struct {
		actor, target directory.Role
		in            bool
	}{
		{directory.RoleHelpDesk, directory.RoleHelpDesk, true},
		{directory.RoleHelpDesk, directory.RoleReadOnly, false}, // may read the log
		{directory.RoleHelpDesk, directory.RoleAccountAdmin, false},
		{directory.RoleHelpDesk, directory.RoleAudit, false},
		{directory.RoleAccountAdmin, directory.RoleHelpDesk, true},
		{directory.RoleAccountAdmin, directory.RoleListAdmin, false},
		{directory.RoleAccountAdmin, directory.RoleArchive, false},
		{directory.RoleOwner, directory.RoleAudit, true}, // whom he appoints
	} {
		m.grants = directory.WholeGrants(c.target)
		d := deeds["ResetPassword"]
		if in, _ := d.let(d.do(m, m.actor(directory.Grant{Role: c.actor}))); in != c.in {
			t.Errorf("a %s resets the password of a %s: %v, want %v", c.actor, c.target, in, c.in)
		}
	}
}

// TestCP6OwnThings: a user without a role does for himself what it takes no role for.
func TestCP6OwnThings(t *testing.T) {
	m := newMatrix(t)
	by := m.actor()
	m.must(m.c.SetPassword(m.ctx, by, by.Account(), "my own new password"))
	app, _, err := m.c.AddAppPassword(m.ctx, by, by.Account(), directory.AppPasswordSpec{Name: "telephone"})
	m.must(err)
	m.must(m.c.RevokeAppPassword(m.ctx, by, by.Account(), app.ID))
	m.must(m.c.SetSenders(m.ctx, by, by.Account(), directory.UserSenders{SenderLists: directory.SenderLists{Deny: []mail.SenderPattern{"@bad.example"}}}))
	m.says(m.c.SetSenders(m.ctx, by, m.target(), directory.UserSenders{}), mail.Denied, "actor.denied")
	m.says(m.c.SetAccountFilter(m.ctx, by, by.Account(), directory.FilterOverride{}), mail.Denied, "actor.denied")
	m.says(m.c.SetForwarding(m.ctx, by, by.Account(), directory.Forwarding{}), mail.Denied, "actor.denied")
	m.says(m.c.SetRoles(m.ctx, by, by.Account(), []directory.Role{directory.RoleOwner}), mail.Denied, "actor.denied")
}

// TestCP6RightsAreThoseOfNow: who lost a role, was suspended or deleted is let into nothing at the next write, whatever he signed in as.
func TestCP6RightsAreThoseOfNow(t *testing.T) {
	m := newMatrix(t)
	m.actor(directory.Grant{Role: directory.RoleOwner}) // who stays
	for name, lose := range map[string]func(id mail.AccountID) error{
		"demoted": func(id mail.AccountID) error { return m.c.SetRoles(m.ctx, m.ops, id, nil) },
		"suspended": func(id mail.AccountID) error {
			return m.c.SetAccountState(m.ctx, m.ops, id, directory.AccountSuspended)
		},
		"deleted": func(id mail.AccountID) error { return m.c.DeleteAccount(m.ctx, m.ops, id) },
	} {
		for _, capacity := range []mail.ActorRole{mail.Admin, mail.User} {
			was := m.actor(directory.Grant{Role: directory.RoleOwner})
			by := mail.MintActor(capacity, m.id, was.Account(), was.Name(), mail.Origin{})
			m.must(m.c.SetSettings(m.ctx, by, directory.Settings{}))
			m.must(lose(by.Account()))
			if err := m.c.SetSettings(m.ctx, by, directory.Settings{}); !mail.Is(err, mail.Denied) {
				t.Errorf("%s, %v: %v", name, capacity, err)
			}
		}
	}
}

// TestCP6RolesHaveRights: every right but those that everybody has belongs to some role, and every role has one.
func TestCP6RolesHaveRights(t *testing.T) {
	for _, right := range directory.Rights() {
		whose := slices.ContainsFunc(directory.Roles(), func(r directory.Role) bool { return r.Gives(right) })
		everybody := []directory.Right{directory.RightAny, directory.RightSelf, directory.RightOrder, directory.RightOrderRead}
		if whose == slices.Contains(everybody, right) {
			t.Errorf("right %s: some role has it is %v", right, whose)
		}
		if directory.OperatorReadOnly.Gives(right) && right != directory.RightAny && !strings.HasSuffix(string(right), "read") {
			t.Errorf("operators who only look have the right %s", right)
		}
	}
	for _, r := range directory.Roles() {
		if !slices.ContainsFunc(directory.Rights(), r.Gives) {
			t.Errorf("%s has no right", r)
		}
		if r != directory.RoleOwner && r.Gives(directory.RightRoles) {
			t.Errorf("%s appoints (CP-3)", r)
		}
	}
	if directory.OperatorFull.Gives(directory.RightAudit) || directory.OperatorFull.Gives(directory.RightArchive) {
		t.Error("operators read mail")
	}
}

// smallGIF is one transparent pixel.
var smallGIF = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")
