package ldap_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"tegami/directory"
	"tegami/directory/ldap"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store/embedded"
	"tegami/store/faulty"
)

// office is a company that has a directory of its own.
type office struct {
	*testing.T
	dir     *directory.Directory
	company *directory.Company
	service *ldap.Service
	tenant  mail.TenantID
	caller  *directory.Caller
	by      mail.Actor
	ctx     context.Context
}

func newOffice(t *testing.T, ids, port int) *office {
	t.Helper()
	disk, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disk.Close() })
	st := faulty.Again(disk, nil)
	o := &office{T: t, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), caller: directory.OperatorCaller("test", ""), ctx: t.Context()}
	o.by = o.caller.Actor().For("test")
	tenant, err := o.dir.OpenTenant(o.ctx, o.by, directory.TenantSpec{Name: "アルファ商事"})
	o.must(err)
	o.tenant, o.company = tenant.ID, o.dir.Company(tenant.ID)
	_, err = o.company.AddDomain(o.ctx, o.by, directory.DomainSpec{Name: "corp.example", Plan: directory.Plan100MB, IDs: ids})
	o.must(err)
	o.service = ldap.New(ldap.Config{Store: st, Directory: o.dir, Reach: ldap.Reach{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Ports: []uint16{uint16(port), uint16(port + 1)},
	}})
	return o
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) says(err error, kind mail.Kind, key string) {
	o.Helper()
	mailtest.Says(o, err, kind, key)
}

// spec is a source that reads a server's people.
func (s *slapd) spec() ldap.Spec {
	return ldap.Spec{
		Name: "corp", URL: s.plain, CA: s.ca, BindDN: "cn=admin,dc=corp,dc=example", Base: "ou=people,dc=corp,dc=example",
		Map: ldap.Map{Disabled: "employeeType"},
	}
}

func (o *office) source(spec ldap.Spec) ldap.Source {
	o.Helper()
	password := rootPassword
	made, err := o.service.Add(o.ctx, o.caller, o.by, o.tenant, ldap.Change{Spec: spec, Password: &password})
	o.must(err)
	return made
}

// unwatched watches nothing.
type unwatched struct{}

func (unwatched) Phase(string, int) {}
func (unwatched) Step(int)          {}

func (o *office) run(source ldap.Source, dry bool) (*ldap.Diff, error) {
	return o.service.Run(o.ctx, &ldap.Sync{By: o.by, Tenant: o.tenant, Source: source.ID, DryRun: dry, Watch: unwatched{}})
}

// does runs a sync twice, dry and in earnest, which must say the same.
func (o *office) does(source ldap.Source, want ...string) {
	o.Helper()
	for _, dry := range []bool{true, false} {
		d, err := o.run(source, dry)
		o.must(err)
		var got []string
		for _, n := range d.Notes {
			what, _ := mail.TextOf(n.Err)
			if n.Err == nil {
				what = n.What
			}
			got = append(got, strings.TrimPrefix(what, "ldap.")+" "+n.Address)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			o.Errorf("dry %v: got %q, want %q", dry, got, want)
		}
	}
}

func (o *office) find(address string) directory.Account {
	o.Helper()
	a, err := mail.ParseAddress(address)
	o.must(err)
	found, err := o.company.Find(o.ctx, a)
	o.must(err)
	return found
}

// TestCP5LDAPSync follows people through a real directory: they come, change, are disabled, go, and come back.
func TestCP5LDAPSync(t *testing.T) {
	s := startSlapd(t)
	o := newOffice(t, 10, s.port)
	_, err := o.company.AddAccount(o.ctx, o.by, directory.AccountSpec{Address: mail.Address{Local: "b", Domain: "corp.example"}, Password: "correct horse battery 7"})
	o.must(err)
	s.add(person("a", "A@corp.example", "佐藤", "花子"), person("b", "b@corp.example", "鈴木", "一郎"),
		person("x", "x@other.example", "外", "人"), person("y", "postmaster@corp.example", "郵", "便"))
	source := o.source(s.spec())
	if !source.HasPassword || source.Filter == "" {
		t.Errorf("%+v", source)
	}
	if n, err := o.service.Test(o.ctx, o.tenant, source.ID); err != nil || n != 4 {
		t.Fatalf("%d people, %v", n, err)
	}
	o.does(source, "added a@corp.example", "linked b@corp.example", "updated b@corp.example", "domain.unknown x@other.example", "address.reserved postmaster@corp.example")
	if a := o.find("a@corp.example"); a.Profile.LastName != "佐藤" || a.Profile.Phone != "03-1234-5678" || a.State != directory.AccountActive {
		t.Errorf("%+v", a)
	}
	s.remove("x", "y")
	o.does(source)

	s.change("a", "mail", "hanako@corp.example")
	s.change("b", "givenName", "二郎")
	o.does(source, "updated hanako@corp.example", "updated b@corp.example")
	if a := o.find("a@corp.example"); a.Address.Local != "hanako" || o.find("b@corp.example").Profile.FirstName != "二郎" {
		t.Errorf("%+v", a)
	}

	s.change("a", "employeeType", "TRUE")
	o.does(source, "suspended hanako@corp.example")
	s.remove("b")
	o.does(source, "suspended b@corp.example")
	if o.find("b@corp.example").State != directory.AccountSuspended || o.find("hanako@corp.example").State != directory.AccountSuspended {
		t.Error("they are not suspended")
	}
	s.change("a", "employeeType")
	o.does(source, "resumed hanako@corp.example")
	s.add(person("b", "b@corp.example", "鈴木", "二郎")) // another entry: an administrator decides about the account
	o.does(source, "linked b@corp.example")
	if o.find("b@corp.example").State != directory.AccountSuspended {
		t.Error("somebody else's entry took the account up again")
	}
	last, err := o.service.Source(o.ctx, o.tenant, source.ID)
	o.must(err)
	if last.Last.Ended.IsZero() || last.Last.Failure != "" || last.Last.Linked == 0 {
		t.Errorf("%+v", last.Last)
	}
}

// TestCP5LDAPGuardAndPages: more people than one page come, more than there are IDs are told about, and when the filter loses too many
// nothing is done.
func TestCP5LDAPGuardAndPages(t *testing.T) {
	s := startSlapd(t)
	o := newOffice(t, 1200, s.port)
	people := make([]*goldap.AddRequest, 1203)
	for i := range people {
		people[i] = person(fmt.Sprintf("u%04d", i), fmt.Sprintf("u%04d@corp.example", i), "佐藤", fmt.Sprint(i))
	}
	s.add(people...)
	spec := s.spec()
	spec.URL = s.secure
	source := o.source(spec)
	d, err := o.run(source, false)
	o.must(err)
	if d.People != 1203 || d.Counts[ldap.Added] != 1200 || d.Bad != 3 {
		t.Fatalf("%+v", d.Counts)
	}
	for _, n := range d.Notes[1200:] {
		o.says(n.Err, mail.Full, "ldap.no_id")
	}
	spec.Filter = "(uid=u0*)"
	source, err = o.service.Set(o.ctx, o.caller, o.by, o.tenant, source.ID, ldap.Change{Spec: spec})
	o.must(err)
	_, err = o.run(source, false)
	o.says(err, mail.Conflict, "ldap.too_many_gone")
	if last, err := o.service.Source(o.ctx, o.tenant, source.ID); err != nil || last.Last.Failure != "ldap.too_many_gone" {
		t.Errorf("%+v %v", last.Last, err)
	}
	spec.MaxGone = 20
	source, err = o.service.Set(o.ctx, o.caller, o.by, o.tenant, source.ID, ldap.Change{Spec: spec})
	o.must(err)
	d, err = o.run(source, false)
	o.must(err)
	if d.Counts[ldap.Suspended] != 200 || o.find("u1100@corp.example").State != directory.AccountSuspended {
		t.Errorf("%+v", d.Counts)
	}
}

// TestCP5LDAPConnections: who can't be proved, won't let us in or must not be reached is told apart.
func TestCP5LDAPConnections(t *testing.T) {
	s := startSlapd(t)
	o := newOffice(t, 10, s.port)
	source := o.source(s.spec())
	wrong := "wrong"
	for name, c := range map[string]struct {
		change   func(*ldap.Spec)
		password *string
		kind     mail.Kind
		key      string
	}{
		"no authority":   {func(s *ldap.Spec) { s.CA = "" }, nil, mail.Unavailable, "ldap.tls"},
		"TLS":            {func(p *ldap.Spec) { p.CA, p.URL = "", s.secure }, nil, mail.Unavailable, "ldap.tls"},
		"wrong password": {func(*ldap.Spec) {}, &wrong, mail.Denied, "ldap.bind"},
		"no base":        {func(s *ldap.Spec) { s.Base = "ou=nowhere,dc=corp,dc=example" }, nil, mail.NotFound, "ldap.no_base"},
		"another host":   {func(p *ldap.Spec) { p.URL = strings.Replace(s.plain, "127.0.0.1", "127.0.0.2", 1) }, nil, mail.Denied, "ldap.unreachable"},
		"another port":   {func(p *ldap.Spec) { p.URL = "ldap://127.0.0.1:25" }, nil, mail.Denied, "ldap.unreachable"},
	} {
		spec := s.spec()
		c.change(&spec)
		password := rootPassword
		if c.password == nil {
			c.password = &password
		}
		_, err := o.service.Set(o.ctx, o.caller, o.by, o.tenant, source.ID, ldap.Change{Spec: spec, Password: c.password})
		o.must(err)
		_, err = o.service.Test(o.ctx, o.tenant, source.ID)
		if got, _ := mail.TextOf(err); !mail.Is(err, c.kind) || got != c.key {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCP5LDAPPasswordStaysWhereItWasMeantFor: who changes where a source is must know its password.
func TestCP5LDAPPasswordStaysWhereItWasMeantFor(t *testing.T) {
	o := newOffice(t, 10, 1)
	spec := ldap.Spec{Name: "corp", URL: "ldaps://ldap.corp.example", BindDN: "cn=reader,dc=corp,dc=example", Base: "dc=corp,dc=example", Every: ldap.Hourly}
	source := o.source(spec)
	spec.URL = "ldaps://thief.example"
	_, err := o.service.Set(o.ctx, o.caller, o.by, o.tenant, source.ID, ldap.Change{Spec: spec})
	o.says(err, mail.Invalid, "ldap.password")
	spec.URL, spec.Name = "ldaps://ldap.corp.example", "other"
	_, err = o.service.Set(o.ctx, o.caller, o.by, o.tenant, source.ID, ldap.Change{Spec: spec, Version: source.Version})
	o.must(err)
	_, err = o.service.Set(o.ctx, o.caller, o.by, o.tenant, source.ID, ldap.Change{Spec: spec, Version: source.Version})
	o.says(err, mail.Conflict, "object.changed")
	_, err = o.service.Add(o.ctx, o.caller, o.by, o.tenant, ldap.Change{Spec: spec})
	o.says(err, mail.Conflict, "ldap.exists")
	o.must(o.service.Remove(o.ctx, o.by, o.tenant, source.ID))
	_, err = o.service.Source(o.ctx, o.tenant, source.ID)
	o.says(err, mail.NotFound, "ldap.unknown")
	if due, err := o.service.Take(o.ctx, queueWorker()); err != nil || len(due) != 0 {
		t.Errorf("%v %v", due, err)
	}
}

// TestCP5LDAPSpecs: what can't work is refused when it is set.
func TestCP5LDAPSpecs(t *testing.T) {
	o := newOffice(t, 10, 1)
	for key, change := range map[string]func(*ldap.Spec){
		"ldap.url":         func(s *ldap.Spec) { s.URL = "http://corp.example" },
		"name.malformed":   func(s *ldap.Spec) { s.Name = "" },
		"ldap.preset":      func(s *ldap.Spec) { s.Preset = "nds" },
		"ldap.every":       func(s *ldap.Spec) { s.Every = "always" },
		"ldap.max_gone":    func(s *ldap.Spec) { s.MaxGone = 101 },
		"ldap.filter":      func(s *ldap.Spec) { s.Filter = "(uid=*" },
		"ldap.ca":          func(s *ldap.Spec) { s.CA = "no PEM" },
		"ldap.dn":          func(s *ldap.Spec) { s.Base = "nonsense" },
		"ldap.map":         func(s *ldap.Spec) { s.Map.Address = "-" },
		"domain.malformed": func(s *ldap.Spec) { s.Domain = "a..b" },
	} {
		spec := ldap.Spec{Name: "corp", URL: "ldaps://ldap.corp.example", BindDN: "reader@corp.example", Base: "dc=corp,dc=example"}
		_, err := o.service.Add(o.ctx, o.caller, o.by, o.tenant, ldap.Change{Spec: spec})
		o.must(err)
		all, err := o.service.Sources(o.ctx, o.tenant)
		o.must(err)
		o.must(o.service.Remove(o.ctx, o.by, o.tenant, all[0].ID))
		change(&spec)
		_, err = o.service.Add(o.ctx, o.caller, o.by, o.tenant, ldap.Change{Spec: spec})
		o.says(err, mail.Invalid, key)
	}
}

// TestCP5LDAPReach: where connections may go, and where not, whatever the address is dressed as.
func TestCP5LDAPReach(t *testing.T) {
	reach := ldap.Reach{Own: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
	for to, ok := range map[string]bool{
		"198.51.100.7:389": true, "198.51.100.7:636": true, "198.51.100.7:3269": true, "10.1.2.3:636": true, "[2001:db8::1]:636": true,
		"198.51.100.7:25": false, "198.51.100.7:80": false, "127.0.0.1:389": false, "127.8.8.8:389": false, "[::1]:636": false, "0.0.0.0:389": false,
		"[::]:389": false, "169.254.169.254:389": false, "[fe80::1]:389": false, "224.0.0.1:389": false, "[::ffff:127.0.0.1]:389": false,
		"[64:ff9b::7f00:1]:389": false, "[2002:7f00:1::]:389": false, "[::127.0.0.1]:389": false, "203.0.113.9:636": false, "[::ffff:203.0.113.9]:636": false,
		"255.255.255.255:389": false, "0.1.2.3:389": false,
	} {
		if err := reach.May(netip.MustParseAddrPort(to)); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
	reach = ldap.Reach{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Ports: []uint16{10389}}
	if reach.May(netip.MustParseAddrPort("127.0.0.1:10389")) != nil || reach.May(netip.MustParseAddrPort("127.0.0.1:389")) == nil {
		t.Error("what the operator allows is not what may be reached")
	}
}

// TestCP5LDAPClock: a source's time comes once an hour or a day, and each time is given once.
func TestCP5LDAPClock(t *testing.T) {
	o := newOffice(t, 10, 1)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	o.service.SetClock(func() time.Time { return now })
	for _, every := range []string{ldap.Hourly, ldap.Daily, ldap.Manual} {
		o.source(ldap.Spec{Name: "s" + every, URL: "ldaps://ldap.corp.example", BindDN: "", Base: "dc=corp,dc=example", Every: every})
	}
	counts := map[string]int{}
	for range 48 * 60 {
		now = now.Add(time.Minute)
		due, err := o.service.Take(o.ctx, queueWorker())
		o.must(err)
		for _, d := range due {
			counts[d.Name]++
			if d.Tenant != o.tenant || d.Starter.Name != "operator:test" {
				t.Errorf("%+v", d)
			}
			if at := now.Add(9 * time.Hour).Hour(); d.Name == "sdaily" && at != 1 {
				t.Errorf("a daily sync at %d o'clock in Japan", at)
			}
		}
	}
	if counts["shourly"] != 48 || counts["sdaily"] != 2 || counts["s"] != 0 {
		t.Errorf("%v", counts)
	}
}

func queueWorker() mail.Actor {
	return mail.MintActor(mail.Platform, 0, 0, "platform:test", mail.Origin{})
}
