package directory_test

import (
	"net/netip"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/store/faulty"
)

// TestSV12OpenedInOneStep opens a tenant, its domain and first administrator, who can act at once.
func TestSV12OpenedInOneStep(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example", directory.RoleOwner)
	admin := h.signIn("sato@alpha.example")
	if admin.Actor().Role() != mail.Admin {
		t.Errorf("the administrator's role is %v", admin.Actor().Role())
	}
	a, err := c.AddAccount(h.ctx, admin.Actor(), directory.AccountSpec{Address: addr("Suzuki@alpha.example"), Name: "鈴木", Password: password})
	h.must(err)
	if a.Address != addr("suzuki@alpha.example") || a.Quota != mail.Plan100MB || a.Lang != "ja" || a.State != directory.AccountActive {
		t.Errorf("the account is %+v", a)
	}
	if h.signIn("SUZUKI@Alpha.Example").Actor().Role() != mail.User {
		t.Error("a new account is more than a user")
	}
}

func TestTenantStates(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example", directory.RoleOwner)
	admin := h.signIn("sato@alpha.example").Actor()
	tenants, err := h.Tenants(h.ctx)
	h.must(err)
	id := tenants[0].ID
	set := func(s directory.TenantState) error { _, err := h.SetTenantState(h.ctx, h.ops, id, s); return err }
	newOne := directory.AccountSpec{Address: addr("suzuki@alpha.example")}

	h.must(set(directory.TenantSuspended))
	_, err = h.resolve("sato@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "tenant.suspended")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", "wrong password")
	h.says(err, mail.Denied, "auth.failed")
	_, err = c.AddAccount(h.ctx, admin, newOne)
	h.says(err, mail.Denied, "tenant.suspended")

	h.must(set(directory.TenantOpen))
	_, err = h.resolve("sato@alpha.example")
	h.must(err)
	h.says(set(directory.TenantOrdered), mail.Conflict, "tenant.state")

	h.must(set(directory.TenantClosed))
	_, err = c.AddAccount(h.ctx, h.ops, newOne)
	h.says(err, mail.Denied, "tenant.closed")
	h.says(set(directory.TenantOpen), mail.Conflict, "tenant.state")
	_, err = h.SetTenantState(h.ctx, admin, id, directory.TenantOpen)
	h.says(err, mail.Denied, "actor.denied")
	_, err = h.OpenTenant(h.ctx, admin, directory.TenantSpec{Name: "x"})
	h.says(err, mail.Denied, "actor.denied")
}

// TestCP2NothingBeforeTheStartDate lets operators set up, and nobody else do anything.
func TestCP2NothingBeforeTheStartDate(t *testing.T) {
	h := newHouse(t, directory.Config{})
	start := time.Date(2099, 4, 1, 0, 0, 0, 0, time.FixedZone("JST", 9*3600))
	tenant := h.tenant(directory.TenantSpec{Start: start})
	c := h.Company(tenant.ID)
	h.domain(c, "alpha.example", 10)
	a := h.account(c, "sato@alpha.example", directory.RoleOwner)
	admin := mail.MintActor(mail.Admin, tenant.ID, a.ID, "sato", mail.Origin{})

	for name, write := range map[string]func() error{
		"account": func() error {
			_, err := c.AddAccount(h.ctx, admin, directory.AccountSpec{Address: addr("suzuki@alpha.example")})
			return err
		},
		"alias":    func() error { return c.AddAlias(h.ctx, admin, addr("s@alpha.example"), a.ID) },
		"password": func() error { return c.SetPassword(h.ctx, admin, a.ID, password) },
		"roles":    func() error { return c.SetRoles(h.ctx, admin, a.ID, nil) },
		"state":    func() error { return c.SetAccountState(h.ctx, admin, a.ID, directory.AccountSuspended) },
		"delete":   func() error { return c.DeleteAccount(h.ctx, admin, a.ID) },
		"sign-in": func() error {
			_, err := h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", password)
			return err
		},
	} {
		err := write()
		h.says(err, mail.Denied, "tenant.not_started")
		if _, args := mail.TextOf(err); len(args) != 1 || args[0] != "2099-04-01" {
			t.Errorf("%s: the answer names %v, not the date", name, args)
		}
	}
	_, err := h.resolve("sato@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")

	_, err = h.SetTenantStart(h.ctx, h.ops, tenant.ID, time.Now().Add(-time.Hour))
	h.must(err)
	h.signIn("sato@alpha.example")
	h.must(c.AddAlias(h.ctx, admin, addr("s@alpha.example"), a.ID))
}

func TestDomainsBelongToOneTenant(t *testing.T) {
	h := newHouse(t, directory.Config{})
	a, b := h.company("alpha.example", 10), h.Company(h.tenant(directory.TenantSpec{Name: "Beta"}).ID)
	spec := directory.DomainSpec{Name: "ALPHA.example.", Plan: directory.Plan3GB, IDs: 10}
	_, err := b.AddDomain(h.ctx, h.ops, spec)
	h.says(err, mail.Conflict, "domain.taken")
	_, err = a.AddDomain(h.ctx, h.ops, spec)
	h.says(err, mail.Conflict, "domain.exists")

	h.account(a, "sato@alpha.example")
	h.says(a.RemoveDomain(h.ctx, h.ops, "alpha.example"), mail.Conflict, "domain.not_empty")
	sato, err := a.Find(h.ctx, addr("sato@alpha.example"))
	h.must(err)
	h.must(a.DeleteAccount(h.ctx, h.ops, sato.ID))
	h.says(a.RemoveDomain(h.ctx, h.ops, "alpha.example"), mail.Conflict, "domain.in_trash")
	h.must(a.DestroyAccount(h.ctx, h.ops, sato.ID, sato.Address))
	h.domain(a, "second.example", 10)
	suzuki := h.account(a, "suzuki@second.example")
	h.must(a.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), suzuki.ID))
	h.says(a.RemoveDomain(h.ctx, h.ops, "alpha.example"), mail.Conflict, "domain.has_aliases")
	h.must(a.RemoveAlias(h.ctx, h.ops, addr("info@alpha.example")))
	h.must(a.RemoveDomain(h.ctx, h.ops, "alpha.example"))
	h.says(a.RemoveDomain(h.ctx, h.ops, "alpha.example"), mail.NotFound, "domain.unknown")
	_, err = h.resolve("sato@alpha.example")
	h.says(err, mail.Denied, "relay.denied")
	_, err = b.AddDomain(h.ctx, h.ops, spec)
	h.must(err)

	for _, name := range []string{"", "localhost", "[192.0.2.1]", "a_b.example", "-a.example", "a..example"} {
		spec.Name = name
		_, err := b.AddDomain(h.ctx, h.ops, spec)
		h.says(err, mail.Invalid, "domain.malformed")
	}
	d, err := b.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "日本語.jp", Plan: directory.Plan3GB, IDs: 10})
	h.must(err)
	if d.Name != "xn--wgv71a119e.jp" {
		t.Errorf("the domain's name is %q", d.Name)
	}
	_, err = b.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "x.example", Plan: 5 << 30, IDs: 10})
	h.says(err, mail.Invalid, "plan.unknown")
	_, err = b.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "x.example", Plan: directory.Plan3GB, IDs: 10, Options: []directory.Option{"www"}})
	h.says(err, mail.Invalid, "option.unknown")
}

// TestAClaimIsTakenOver leaves behind what a crash inside AddDomain leaves: the claim alone.
func TestAClaimIsTakenOver(t *testing.T) {
	h := newHouse(t, directory.Config{})
	a, b := h.company("alpha.example", 10), h.Company(h.tenant(directory.TenantSpec{Name: "Beta"}).ID)
	tenants, err := h.Tenants(h.ctx)
	h.must(err)
	h.must(h.store.Platform().Update(h.ctx, h.ops, "test.crash", func(tx store.Tx) error {
		_, err := tx.PutObject(store.Object{
			Kind: "domain", ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{{Name: "domain", Value: "second.example"}},
			Doc: []byte(`{"name":"second.example","tenant":"` + tenants[0].ID.String() + `"}`),
		})
		return err
	}))
	_, err = h.resolve("sato@second.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	spec := directory.DomainSpec{Name: "second.example", Plan: directory.Plan100MB, IDs: 10}
	_, err = b.AddDomain(h.ctx, h.ops, spec)
	h.says(err, mail.Conflict, "domain.taken")
	_, err = a.AddDomain(h.ctx, h.ops, spec)
	h.must(err)
	h.account(a, "sato@second.example")
	_, err = h.resolve("sato@second.example")
	h.must(err)
}

// TestSV2SubdomainsAreDomains keeps a domain and its subdomain apart in every respect.
func TestSV2SubdomainsAreDomains(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	_, err := h.resolve("sato@sub.alpha.example")
	h.says(err, mail.Denied, "relay.denied")
	_, err = c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "sub.alpha.example", Plan: directory.Plan10GB, IDs: 20})
	h.must(err)
	_, err = h.resolve("sato@sub.alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	if a := h.account(c, "sato@sub.alpha.example"); a.Quota != mail.Plan10GB {
		t.Errorf("the subdomain's quota is %d", a.Quota)
	}
	list, err := c.Domains(h.ctx)
	h.must(err)
	if len(list) != 2 || list[0].Accounts != 1 || list[1].Accounts != 1 || list[1].IDs != 20 {
		t.Errorf("the domains are %+v", list)
	}
}

// TestML1NumberOfIDs registers up to the number ordered, and learns it when there is no room.
func TestML1NumberOfIDs(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.Company(h.tenant(directory.TenantSpec{}).ID)
	_, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 15})
	h.says(err, mail.Invalid, "ids.unit")
	h.domain(c, "alpha.example", 10)

	specs := make([]directory.AccountSpec, 11)
	for i := range specs {
		specs[i].Address = mail.Address{Local: string(rune('a' + i)), Domain: "alpha.example"}
	}
	_, err = c.AddAccounts(h.ctx, h.ops, specs)
	h.says(err, mail.Full, "ids.exhausted")
	if _, args := mail.TextOf(err); len(args) != 2 || args[0] != "alpha.example" || args[1] != 10 {
		t.Errorf("the answer names %v, not the domain and its number", args)
	}
	if d, err := c.Domain(h.ctx, "alpha.example"); err != nil || d.Accounts != 0 {
		t.Errorf("%d accounts of a refused list were made, %v", d.Accounts, err)
	}
	made, err := c.AddAccounts(h.ctx, h.ops, specs[:10])
	h.must(err)
	_, err = c.AddAccount(h.ctx, h.ops, specs[10])
	h.says(err, mail.Full, "ids.exhausted")
	h.must(c.AddAlias(h.ctx, h.ops, addr("further@alpha.example"), made[0].ID)) // an alias is no ID

	_, err = c.SetDomainIDs(h.ctx, h.ops, "alpha.example", 25)
	h.says(err, mail.Invalid, "ids.unit")
	_, err = c.SetDomainIDs(h.ctx, h.ops, "alpha.example", 20)
	h.must(err)
	_, err = c.AddAccount(h.ctx, h.ops, specs[10])
	h.must(err)
	_, err = c.SetDomainIDs(h.ctx, h.ops, "alpha.example", 10)
	h.says(err, mail.Conflict, "ids.in_use")
	h.must(c.DeleteAccount(h.ctx, h.ops, made[9].ID))
	_, err = c.SetDomainIDs(h.ctx, h.ops, "alpha.example", 10)
	h.must(err)
}

// TestML1LargeCustomers counts the IDs of all domains together.
func TestML1LargeCustomers(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 9_980)
	h.domain(c, "sub.alpha.example", 10)
	_, err := c.SetDomainIDs(h.ctx, h.ops, "sub.alpha.example", 20)
	h.must(err) // reaches 10,000
	_, err = c.SetDomainIDs(h.ctx, h.ops, "sub.alpha.example", 30)
	h.says(err, mail.Invalid, "ids.large_unit")
	_, err = c.SetDomainIDs(h.ctx, h.ops, "sub.alpha.example", 120)
	h.must(err)
	_, err = c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "third.example", Plan: directory.Plan3GB, IDs: 50})
	h.says(err, mail.Invalid, "ids.large_unit")
	_, found, err := h.LocalDomain(h.ctx, "third.example")
	h.must(err)
	if found {
		t.Error("a refused order claimed its domain")
	}
}

// TestSV4PlansAreOfDomains changes the size of all boxes of a domain, but not below what one holds.
func TestSV4PlansAreOfDomains(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	plan := func(p directory.Plan) error {
		_, err := c.SetDomainPlan(h.ctx, h.ops, "alpha.example", p)
		return err
	}
	quota := func() int64 {
		target, err := h.resolve("sato@alpha.example")
		h.must(err)
		return target.Account.Quota
	}
	h.must(plan(directory.Plan3GB))
	if q := quota(); q != mail.Plan3GB {
		t.Errorf("the quota is %d", q)
	}
	h.fill(a, 101<<20)
	err := plan(directory.Plan100MB)
	h.says(err, mail.Conflict, "plan.boxes_larger")
	if _, args := mail.TextOf(err); len(args) != 2 || args[0] != 1 {
		t.Errorf("the answer says %v, not how many boxes", args)
	}
	h.must(plan(directory.Plan10GB))
	if q := quota(); q != mail.Plan10GB {
		t.Errorf("the quota is %d", q)
	}
}

// fill puts messages of 1 MiB that share their octets into an account's inbox.
func (h *house) fill(a directory.Account, size int) {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	staged, err := tenant.Blobs().Stage(h.ctx, 1<<20)
	h.must(err)
	defer staged.Release()
	_, err = staged.Write(make([]byte, 1<<20))
	h.must(err)
	h.must(staged.Seal(h.ctx))
	h.must(tenant.Update(h.ctx, h.ops, "test.fill", func(tx store.Tx) error {
		ref, err := tx.Keep(staged, nil)
		if err != nil {
			return err
		}
		boxes, err := tx.Mailboxes(a.ID)
		for i := 0; err == nil && i < size>>20; i++ {
			_, err = tx.AddMessage(store.NewMessage{Mailbox: boxes[0].ID, Received: time.Now(), Blob: ref})
		}
		return err
	}))
}

// TestSV9NetworksBelongToTenants finds the tenant of a VPN peer by the longest prefix.
func TestSV9NetworksBelongToTenants(t *testing.T) {
	h := newHouse(t, directory.Config{})
	prefixes := func(list ...string) (p []netip.Prefix) {
		for _, s := range list {
			p = append(p, netip.MustParsePrefix(s))
		}
		return p
	}
	wide := h.tenant(directory.TenantSpec{Networks: prefixes("10.1.0.0/16", "2001:db8:1::/48")}).ID
	narrow := h.tenant(directory.TenantSpec{Networks: prefixes("10.1.2.99/24")}).ID // host bits are dropped
	for ip, want := range map[string]mail.TenantID{
		"10.1.0.1": wide, "10.1.2.3": narrow, "::ffff:10.1.2.3": narrow, "10.1.3.0": wide, "2001:db8:1::9": wide,
		"10.2.0.1": 0, "2001:db8:2::1": 0, "127.0.0.1": 0,
	} {
		got, ok, err := h.VPNTenant(h.ctx, netip.MustParseAddr(ip))
		if err != nil || got != want || ok != (want != 0) {
			t.Errorf("%s belongs to %v, %v, %v; want %v", ip, got, ok, err, want)
		}
	}
	_, err := h.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: "x", Networks: prefixes("10.1.2.0/24")})
	h.says(err, mail.Conflict, "network.taken")
	if _, ok, err := h.VPNTenant(h.ctx, netip.Addr{}); ok || err != nil {
		t.Errorf("no address belongs to somebody: %v", err)
	}
}

// TestOpeningIsCompleted fails while a tenant is opened: it stays ordered, and is opened later.
func TestOpeningIsCompleted(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var plan faulty.Plan
	h := houseOn(t, faulty.Wrap(st, &plan), directory.Config{})
	plan.Fail(faulty.Commit, 2, faulty.DiskFull)
	_, err = h.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: "アルファ商事"})
	h.says(err, mail.Unavailable, "storage.full")
	tenants, err := h.Tenants(h.ctx)
	h.must(err)
	if len(tenants) != 1 || tenants[0].State != directory.TenantOrdered {
		t.Fatalf("the tenants are %+v", tenants)
	}
	_, err = h.SetTenantState(h.ctx, h.ops, tenants[0].ID, directory.TenantOpen)
	h.must(err)
	c := h.Company(tenants[0].ID)

	// The same for a domain, between its claim and the domain itself.
	spec := directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10}
	plan.Fail(faulty.Commit, 2, faulty.DiskFull)
	_, err = c.AddDomain(h.ctx, h.ops, spec)
	h.says(err, mail.Unavailable, "storage.full")
	_, err = h.resolve("sato@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	_, err = c.AddDomain(h.ctx, h.ops, spec)
	h.must(err)

	// And for a list of accounts: none of them is there.
	plan.Fail(faulty.Commit, 1, faulty.DiskFull)
	_, err = c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr("sato@alpha.example"), Password: password})
	h.says(err, mail.Unavailable, "storage.full")
	_, err = h.resolve("sato@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	h.account(c, "sato@alpha.example")
	h.signIn("sato@alpha.example")
}

// TestABrokenStoreIsNoVerdict answers neither yes nor no while nothing can be read.
func TestABrokenStoreIsNoVerdict(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var plan faulty.Plan
	h := houseOn(t, faulty.Wrap(st, &plan), directory.Config{})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	plan.FailFrom(faulty.View, 1, faulty.DiskFailed)
	_, err = h.resolve("sato@alpha.example")
	h.says(err, mail.Unavailable, "storage.failed")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Unavailable, "storage.failed")
	plan.Heal()
	h.signIn("sato@alpha.example")
	plan.FailFrom(faulty.View, 1, faulty.DiskFailed)
	h.signIn("sato@alpha.example") // from memory
	_, err = h.resolve("nobody@alpha.example")
	h.says(err, mail.Unavailable, "storage.failed")
}
