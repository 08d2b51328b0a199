package directory_test

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// A stranger is what the walk hands to a method: another tenant's actor, names and ids.
type stranger struct {
	by      mail.Actor
	account directory.Account
	list    directory.List
	domain  string
}

// about names the methods that say something about the whole company and nothing of anybody else:
// who manages the company may use them.
var about = map[string]bool{
	"SetSettings": true, "ReplaceSettings": true, "SetVirusSettings": true, "SetCompanySenders": true, "SetLogo": true, "AddGroup": true, "SetSecurity": true, "ConfirmAccess": true,
	"AddKey": true, "Together": true, "NoteView": true, "NoteExport": true, "ExportLog": true, "PreparePassword": true, "RenameDepartment": true,
}

// harmless names methods that take an actor and neither write nor show anything.
var harmless = map[string]bool{"CheckPassword": true, "ID": true, "FailedSignIns": true}

// parts names methods that are parts of Company.Together.
var parts = map[string]directory.Right{
	"AddLine": directory.RightAccounts, "SetLine": directory.RightAccounts, "DeleteLine": directory.RightAccounts,
	"PutMember": directory.RightLists, "TakeMember": directory.RightLists,
}

// argument makes a value for a parameter out of what is the stranger's.
func (s stranger) argument(t *testing.T, method string, typ reflect.Type) reflect.Value {
	t.Helper()
	if method == "GALChanges" && typ == reflect.TypeFor[string]() {
		return reflect.ValueOf("0") // its token
	}
	newcomer := directory.AccountSpec{Address: addr("newcomer@" + s.domain), Password: password}
	for _, v := range []any{
		s.by, s.account.ID, s.account.Address, s.domain, newcomer, []directory.AccountSpec{newcomer},
		directory.DomainSpec{Name: s.domain, Plan: directory.Plan3GB, IDs: 10}, directory.Plan10GB, 50,
		[]directory.Option{directory.OptionIMAPS}, directory.AccountPage{Domain: s.domain},
		directory.AccountSuspended, []directory.Role{directory.RoleOwner},
		s.list.ID, directory.ListSpec{Name: "x"}, directory.ListPage{Domain: s.domain},
		[]directory.Member{{Address: s.account.Address}}, []mail.Address{addr("member@" + s.domain)},
		directory.AccountChange{Lang: new("en")}, directory.RosterQuery{}, directory.AliasQuery{}, directory.ForwardQuery{}, directory.ListQuery{},
		directory.GALQuery{}, directory.GroupSpec{Name: "x"}, directory.ContactSpec{Address: addr("x@elsewhere.example"), Domain: s.account.Domain}, s.account.Domain,
		directory.ListChange{}, directory.SeatRead, uint64(0), []mail.AccountID{s.account.ID}, []directory.Grant(nil),
		directory.Forwarding{To: []mail.Address{addr("x@elsewhere.example")}}, directory.Settings{}, directory.AppPasswordSpec{Name: "telephone"},
		directory.KeySpec{Name: "x", Grants: directory.WholeGrants(directory.RoleReadOnly)}, mail.Op("test"), directory.LogQuery{}, directory.LogFile{},
		&directory.AccountLine{Address: s.account.Address}, &directory.MemberLine{List: s.list.Address, Member: addr("member@" + s.domain)},
		directory.RightLists, func(*directory.Company, store.Tx) error { return nil },
		directory.KnownGroup{GroupSpec: directory.GroupSpec{Name: "x"}, In: []mail.AccountID{s.account.ID}}, directory.Group{ID: s.list.ID},
		[]mail.ObjectID{mail.ObjectID(s.account.ID)}, &s.account,
		directory.DomainChange{IDs: 50}, directory.DefaultSecurity(), directory.DefaultFilter(), directory.FilterOverride{}, directory.VirusSettings{Down: directory.VirusMark},
		directory.SenderLists{}, directory.UserSenders{}, []string{"tegami-verification=x"}, []byte("GIF89a"), uint64(1),
	} {
		if reflect.TypeOf(v) == typ {
			return reflect.ValueOf(v)
		}
	}
	switch typ {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(context.Background())
	case reflect.TypeFor[func(directory.Card)]():
		return reflect.ValueOf(func(c directory.Card) {
			if strings.HasSuffix(c.Address.String(), "@beta.example") {
				t.Errorf("%s tells of %s", method, c.Address)
			}
		})
	case reflect.TypeFor[io.Writer]():
		return reflect.ValueOf(io.Discard)
	case reflect.TypeFor[io.Reader]():
		return reflect.ValueOf(strings.NewReader("list_address,action,member_address\n" + s.list.Address.String() + ",delete,member@" + s.domain + "\n"))
	}
	t.Fatalf("%s has a parameter of type %v: teach this test what a stranger's would be", method, typ)
	return reflect.Value{}
}

// TestIsolation calls everything a Company can do with what belongs to another tenant:
// under the other tenant's administrator, under the own one, and under an operator who
// mixes tenants up. It finds nothing and changes nothing.
func TestIsolation(t *testing.T) {
	h := newHouse(t, directory.Config{})
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	ours, theirs := h.account(alpha, "sato@alpha.example", directory.RoleOwner), h.account(beta, "schmidt@beta.example", directory.RoleOwner)
	h.must(beta.AddAlias(h.ctx, h.ops, addr("info@beta.example"), theirs.ID))
	list := h.list(beta, "team@beta.example", "member@beta.example")
	theirOwner, ourOwner := h.signIn("schmidt@beta.example").Actor(), h.signIn("sato@alpha.example").Actor()
	before := dump(h, alpha) + dump(h, beta)

	for name, by := range map[string]mail.Actor{
		"the stranger's administrator": theirOwner,
		"the own administrator":        ourOwner,
		"an operator":                  h.ops,
		"nobody":                       {},
		"a stranger with the id of the own administrator": mail.MintActor(mail.Admin, theirs.Tenant, ours.ID, "x", mail.Origin{}),
	} {
		s := stranger{by, theirs, list, "beta.example"}
		if by.Account() == ours.ID && by.Tenant() != ours.Tenant {
			s.account, s.domain = ours, "alpha.example" // even for what is there
		}
		walked := 0
		for i := range reflect.TypeOf(alpha).NumMethod() {
			m := reflect.TypeOf(alpha).Method(i)
			manages := by.Role() == mail.Operator || by.Role() == mail.Admin && by.Tenant() == ours.Tenant
			if !manages || !about[m.Name] {
				s.try(t, name, alpha, m)
			}
			walked++
		}
		if walked < 15 {
			t.Fatalf("only %d methods were found: the walk is broken", walked)
		}
	}
	if after := dump(h, alpha) + dump(h, beta); after != before {
		t.Errorf("something changed:\n%s\nwas\n%s", after, before)
	}
	h.signIn("sato@alpha.example")
	h.signIn("schmidt@beta.example")
	if ours.Tenant == theirs.Tenant {
		t.Fatal("there is one tenant only: the test is broken")
	}
}

// try calls one method and holds what comes back against what a stranger may see.
func (s stranger) try(t *testing.T, who string, c *directory.Company, m reflect.Method) {
	t.Helper()
	args := []reflect.Value{reflect.ValueOf(c)}
	writes := false
	for i := 1; i < m.Type.NumIn(); i++ {
		args = append(args, s.argument(t, m.Name, m.Type.In(i)))
		writes = writes || m.Type.In(i) == reflect.TypeFor[mail.Actor]()
	}
	results := call(c, s.by, m, args)
	err, _ := results[len(results)-1].Interface().(error)
	key, _ := mail.TextOf(err)
	switch {
	case harmless[m.Name]:
	case mail.Is(err, mail.Denied), mail.Is(err, mail.NotFound), key == "domain.taken":
	case err != nil:
		t.Errorf("%s, %s: %v; want Denied or NotFound", m.Name, who, err)
	case writes:
		t.Errorf("%s, %s: the write was done", m.Name, who)
	default:
		for _, r := range results[:len(results)-1] {
			if seen := fmt.Sprintf("%+v", r.Interface()); strings.Contains(seen, "beta") || strings.Contains(seen, "schmidt") {
				t.Errorf("%s, %s: shows %s", m.Name, who, seen)
			}
		}
	}
}

// call calls a method with its receiver and arguments, inside Company.Together where it is a part of that.
func call(c *directory.Company, by mail.Actor, m reflect.Method, args []reflect.Value) (results []reflect.Value) {
	invoke := m.Func.Call
	if m.Type.IsVariadic() {
		invoke = m.Func.CallSlice
	}
	need, part := parts[m.Name]
	if !part {
		return invoke(args)
	}
	err := c.Together(context.Background(), by, "test.Together", need, func(c *directory.Company, _ store.Tx) error {
		args[0] = reflect.ValueOf(c)
		results = invoke(args)
		err, _ := results[len(results)-1].Interface().(error)
		return err
	})
	return append(results[:max(0, len(results)-1):max(0, len(results)-1)], reflect.ValueOf(&err).Elem())
}

// dump writes down all of a company.
func dump(h *house, c *directory.Company) string {
	h.Helper()
	domains, err := c.Domains(h.ctx)
	h.must(err)
	accounts, err := c.Accounts(h.ctx, directory.AccountPage{})
	h.must(err)
	lists, err := c.Lists(h.ctx, directory.ListPage{})
	h.must(err)
	settings, err := c.Settings(h.ctx)
	h.must(err)
	all := fmt.Sprintf("%+v\n%+v\n%+v\n%+v\n", domains, accounts, lists, settings)
	for _, l := range lists {
		members, err := c.Members(h.ctx, l.ID)
		h.must(err)
		all += fmt.Sprintf("%+v\n", members)
	}
	return all
}

// TestIsolationOfTenantsUnknown asks a tenant that was never opened.
func TestIsolationOfTenantsUnknown(t *testing.T) {
	h := newHouse(t, directory.Config{})
	theirs := h.account(h.company("beta.example", 10), "schmidt@beta.example", directory.RoleOwner)
	s := stranger{h.ops, theirs, directory.List{}, "beta.example"}
	nobody := h.Company(12345)
	for i := range reflect.TypeOf(nobody).NumMethod() {
		m := reflect.TypeOf(nobody).Method(i)
		args := []reflect.Value{reflect.ValueOf(nobody)}
		for j := 1; j < m.Type.NumIn(); j++ {
			args = append(args, s.argument(t, m.Name, m.Type.In(j)))
		}
		results := call(nobody, s.by, m, args)
		err, _ := results[len(results)-1].Interface().(error)
		if harmless[m.Name] {
			continue
		}
		if t.Run(m.Name, func(*testing.T) { h.says(err, mail.NotFound, "tenant.unknown") }); err == nil {
			t.Logf("%s says nothing", m.Name)
		}
	}
}
