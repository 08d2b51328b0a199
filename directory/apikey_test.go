package directory_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// keyed is a company with an owner who makes keys.
func keyed(t *testing.T, cfg directory.Config) (*house, *directory.Company, mail.Actor) {
	h := newHouse(t, cfg)
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example", directory.RoleOwner)
	return h, c, h.signIn("sato@alpha.example").Actor()
}

func (h *house) key(c *directory.Company, by mail.Actor, spec directory.KeySpec) (directory.Key, string) {
	h.Helper()
	if spec.Name == "" {
		spec.Name = "payroll"
	}
	k, text, err := c.AddKey(h.ctx, by, spec)
	h.must(err)
	return k, text
}

// web is a request from an address.
func web(ip string) mail.Origin {
	return mail.Origin{Door: "web", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr(ip), Session: "r-1"}
}

// TestCP6KeyActs: a key acts with its roles, within its networks, under its own name, until it is revoked.
func TestCP6KeyActs(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	k, text := h.key(c, owner, directory.KeySpec{
		Grants: directory.WholeGrants(directory.RoleListAdmin), Networks: prefixes("192.0.2.0/24", "2001:db8::/32"),
	})
	if !regexp.MustCompile(`^tgm_[0-9a-hjkmnp-tv-z]{84}$`).MatchString(text) {
		t.Errorf("a key is %q", text)
	}
	caller, err := h.CallerByKey(h.ctx, web("192.0.2.7"), text)
	h.must(err)
	if caller.Tenant() != owner.Tenant() || caller.Identity() != nil || caller.Operator() || caller.Actor().Name() != "key:payroll" || caller.Actor().Key() != k.ID {
		t.Errorf("the caller is %+v", caller)
	}
	if !caller.May(directory.RightLists) || caller.May(directory.RightAccounts) || caller.May(directory.RightSelf) {
		t.Errorf("the key may %v", caller.Rights())
	}
	_, err = c.AddList(h.ctx, caller.Actor(), addr("team@alpha.example"), directory.ListSpec{Name: "x"})
	h.must(err)
	_, err = c.AddAccount(h.ctx, caller.Actor(), directory.AccountSpec{Address: addr("x@alpha.example")})
	h.says(err, mail.Denied, "actor.denied")
	_, err = h.CallerByKey(h.ctx, web("198.51.100.7"), text)
	h.says(err, mail.Denied, "key.network")
	_, err = h.CallerByKey(h.ctx, web("::ffff:192.0.2.9"), text)
	h.must(err)

	h.must(c.RevokeKey(h.ctx, owner, k.ID))
	_, err = h.CallerByKey(h.ctx, web("192.0.2.7"), text)
	h.says(err, mail.Denied, "auth.failed")
	_, err = c.AddList(h.ctx, caller.Actor(), addr("other@alpha.example"), directory.ListSpec{Name: "x"})
	h.says(err, mail.Denied, "actor.denied")
	h.says(c.RevokeKey(h.ctx, owner, k.ID), mail.NotFound, "key.unknown")
}

// TestCP6KeysAreBounded: what a key may be asked for, and that it can do no more than who makes it.
func TestCP6KeysAreBounded(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	domain, err := c.Domain(h.ctx, "alpha.example")
	h.must(err)
	here := []mail.DomainID{domain.ID}
	partly := h.account(c, "abe@alpha.example")
	h.must(c.SetGrants(h.ctx, owner, partly.ID, 0, []directory.Grant{{Role: directory.RoleOwner, Domains: here}}))
	abe := h.signIn("abe@alpha.example").Actor()
	whole := directory.WholeGrants(directory.RoleReadOnly)
	for _, bad := range []struct {
		by   mail.Actor
		spec directory.KeySpec
		key  string
	}{
		{owner, directory.KeySpec{Name: " ", Grants: whole}, "key.name"},
		{owner, directory.KeySpec{Name: strings.Repeat("鍵", 101), Grants: whole}, "key.name"},
		{owner, directory.KeySpec{Name: "a\x00b", Grants: whole}, "key.name"},
		{owner, directory.KeySpec{Name: "x"}, "key.grants"},
		{owner, directory.KeySpec{Name: "x", Grants: whole, Expires: time.Now()}, "key.expires"},
		{owner, directory.KeySpec{Name: "x", Grants: whole, Networks: make([]netip.Prefix, 1)}, "network.malformed"},
		{owner, directory.KeySpec{Name: "x", Grants: whole, Networks: slices.Repeat(prefixes("192.0.2.0/24"), 33)}, "networks.too_many"},
		{owner, directory.KeySpec{Name: "x", Grants: directory.WholeGrants("king")}, "role.unknown"},
		{owner, directory.KeySpec{Name: "x", Grants: append(whole, whole...)}, "role.twice"},
		{owner, directory.KeySpec{Name: "x", Grants: []directory.Grant{{Role: directory.RoleReadOnly, Domains: []mail.DomainID{5}}}}, "domain.unknown"},
		{owner, directory.KeySpec{Name: "x", Grants: []directory.Grant{{Role: directory.RoleReadOnly, Groups: []mail.ObjectID{5}}}}, "group.unknown"},
		{abe, directory.KeySpec{Name: "x", Grants: whole}, "role.beyond"},
	} {
		_, _, err := c.AddKey(h.ctx, bad.by, bad.spec)
		if key, _ := mail.TextOf(err); key != bad.key {
			t.Errorf("%+v: %v, want %s", bad.spec, err, bad.key)
		}
	}
	h.key(c, abe, directory.KeySpec{Grants: []directory.Grant{{Role: directory.RoleHelpDesk, Domains: here}}})
	for range directory.MaxKeys - 1 {
		h.key(c, owner, directory.KeySpec{Grants: whole})
	}
	_, _, err = c.AddKey(h.ctx, owner, directory.KeySpec{Name: "x", Grants: whole})
	h.says(err, mail.Full, "key.too_many")
}

// TestCP6KeyForgeries: no changed character of a key opens anything, and neither does a key of another company.
func TestCP6KeyForgeries(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	_, text := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleOwner)})
	for i := range text {
		forged := []byte(text)
		if forged[i]++; forged[i] == 'i' || forged[i] == 'l' || forged[i] == 'o' || forged[i] == 'u' {
			forged[i]++
		}
		if _, err := h.CallerByKey(h.ctx, web("127.0.0.1"), string(forged)); err == nil && i != len(text)-1 { // the last one has two bits that say nothing
			t.Errorf("with another character at %d it is a key", i)
		}
	}
	for _, bad := range []string{"", "tgm_", text + "0", text[:len(text)-1], strings.ToUpper(text), "ghp_" + text[4:]} {
		_, err := h.CallerByKey(h.ctx, web("127.0.0.1"), bad)
		h.says(err, mail.Denied, "auth.failed")
	}
	forged := func(tenant mail.TenantID) string { return directory.ForgeKey(text, tenant) }
	for _, tenant := range []mail.TenantID{0, 5, owner.Tenant() + 1} {
		_, err := h.CallerByKey(h.ctx, web("127.0.0.1"), forged(tenant))
		h.says(err, mail.Denied, "auth.failed")
	}
	_, err := h.CallerByKey(h.ctx, web("127.0.0.1"), forged(owner.Tenant()))
	h.must(err)
}

// TestCP6KeysAreLockedOut: whoever guesses is kept out after ten failures, from that network and for that key only.
func TestCP6KeysAreLockedOut(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	_, text := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleReadOnly)})
	_, other := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleReadOnly)})
	wrong := directory.ForgeSecret(text)
	for range 10 {
		_, err := h.CallerByKey(h.ctx, web("192.0.2.1"), wrong)
		h.says(err, mail.Denied, "auth.failed")
	}
	_, err := h.CallerByKey(h.ctx, web("192.0.2.2"), text)
	h.says(err, mail.Busy, "auth.locked")
	for _, free := range []struct{ ip, key string }{{"198.51.100.1", text}, {"192.0.2.1", other}} {
		_, err := h.CallerByKey(h.ctx, web(free.ip), free.key)
		h.must(err)
	}
}

// age makes a key one whose time is over, as if hours had passed.
func (h *house) age(tenant mail.TenantID, id mail.ObjectID, expires time.Time) {
	h.Helper()
	h.must(h.store.Tenant(tenant).Update(h.ctx, h.ops, "test.age", func(tx store.Tx) error {
		o, err := tx.Object("key", id)
		if err != nil {
			return err
		}
		was, is := expires.UTC().Format(time.RFC3339), expires.Add(-2*time.Hour).UTC().Format(time.RFC3339)
		o.Doc = []byte(strings.Replace(string(o.Doc), was, is, 1))
		_, err = tx.PutObject(o)
		return err
	}))
}

// TestCP6KeysEnd: a key ends at its time, in a transaction too.
func TestCP6KeysEnd(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	k, text := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleListAdmin), Expires: time.Now().Add(time.Hour)})
	caller, err := h.CallerByKey(h.ctx, web("192.0.2.1"), text)
	h.must(err)
	if list, err := c.Keys(h.ctx); err != nil || len(list) != 1 || list[0].ID != k.ID || !list[0].Expires.Equal(k.Expires) || list[0].Maker != "sato@alpha.example" || list[0].Used.IsZero() {
		t.Errorf("the keys are %+v, %v", list, err)
	}
	h.age(owner.Tenant(), k.ID, k.Expires)
	_, err = h.CallerByKey(h.ctx, web("192.0.2.1"), text)
	h.says(err, mail.Denied, "auth.expired")
	_, err = c.AddList(h.ctx, caller.Actor(), addr("team@alpha.example"), directory.ListSpec{Name: "x"})
	h.says(err, mail.Denied, "actor.denied")
}

// TestCP6KeysOfCompaniesOutOfService: a key opens what the company's people may open.
func TestCP6KeysOfCompaniesOutOfService(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	_, text := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleReadOnly)})
	_, err := h.SetTenantState(h.ctx, h.ops, owner.Tenant(), directory.TenantSuspended)
	h.must(err)
	_, err = h.CallerByKey(h.ctx, web("192.0.2.1"), text)
	h.says(err, mail.Denied, "tenant.suspended")
}

// TestCP6KeysAreNotInTheLog: neither the secret nor its hash is shown by the log.
func TestCP6KeysAreNotInTheLog(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	_, text := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleReadOnly)})
	page, err := c.Log(h.ctx, directory.LogQuery{Kind: "key"})
	h.must(err)
	if len(page.Lines) != 1 {
		t.Fatalf("%d lines", len(page.Lines))
	}
	masked := false
	for _, change := range page.Lines[0].Changes {
		masked = masked || change.Path == "hash" && change.After == directory.Mask
		if strings.Contains(text, change.After) && len(change.After) > 8 {
			t.Errorf("the log shows %+v", change)
		}
	}
	if !masked {
		t.Errorf("the hash is not masked: %+v", page.Lines[0].Changes)
	}
}

// TestCP6OperatorKeys: a key of the platform acts as an operator, or as one who only looks.
func TestCP6OperatorKeys(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	_, _, err := h.AddOperatorKey(h.ctx, owner, directory.KeySpec{Name: "x", Operator: directory.OperatorFull})
	h.says(err, mail.Denied, "actor.denied")
	_, _, err = h.AddOperatorKey(h.ctx, h.ops, directory.KeySpec{Name: "x"})
	h.says(err, mail.Invalid, "role.unknown")
	full, text, err := h.AddOperatorKey(h.ctx, h.ops, directory.KeySpec{Name: "deploy", Operator: directory.OperatorFull})
	h.must(err)
	_, looks, err := h.AddOperatorKey(h.ctx, h.ops, directory.KeySpec{Name: "monitor", Operator: directory.OperatorReadOnly})
	h.must(err)

	caller, err := h.CallerByKey(h.ctx, web("192.0.2.1"), text)
	h.must(err)
	if !caller.Operator() || caller.OperatorRole() != directory.OperatorFull || !caller.Tenant().IsZero() || !caller.May(directory.RightOrder) {
		t.Errorf("the caller is %+v", caller)
	}
	_, err = c.AddAccount(h.ctx, caller.Actor(), directory.AccountSpec{Address: addr("x@alpha.example")})
	h.says(err, mail.Invalid, "reason.required")
	_, err = c.AddAccount(h.ctx, caller.Actor().For("call 4711"), directory.AccountSpec{Address: addr("x@alpha.example")})
	h.must(err)

	observer, err := h.CallerByKey(h.ctx, web("192.0.2.1"), looks)
	h.must(err)
	if !observer.Operator() || observer.May(directory.RightOrder) || !observer.May(directory.RightOrderRead) || observer.May(directory.RightAccounts) || !observer.May(directory.RightAccountsRead) {
		t.Errorf("who only looks may %v", observer.Rights())
	}
	_, err = h.AddOperator(h.ctx, observer.Actor(), directory.OperatorSpec{Name: "x", Role: directory.OperatorFull})
	h.says(err, mail.Denied, "actor.denied")

	h.must(h.RevokeOperatorKey(h.ctx, h.ops, full.ID))
	_, err = h.CallerByKey(h.ctx, web("192.0.2.1"), text)
	h.says(err, mail.Denied, "auth.failed")
	_, err = h.AddOperator(h.ctx, caller.Actor(), directory.OperatorSpec{Name: "x", Role: directory.OperatorFull})
	h.says(err, mail.Denied, "actor.denied")
	if list, err := h.OperatorKeys(h.ctx); err != nil || len(list) != 1 || list[0].Name != "monitor" {
		t.Errorf("the keys are %+v, %v", list, err)
	}
}

// TestCP6KeysInParallel: many requests with a key, while it is revoked: none gets in after that.
func TestCP6KeysInParallel(t *testing.T) {
	h, c, owner := keyed(t, directory.Config{})
	k, text := h.key(c, owner, directory.KeySpec{Grants: directory.WholeGrants(directory.RoleReadOnly)})
	var wg sync.WaitGroup
	revoked := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for range 200 {
				over := false
				select {
				case <-revoked:
					over = true
				default:
				}
				if _, err := h.CallerByKey(h.ctx, web("127.0.0.1"), text); err == nil && over {
					t.Error("a key was taken after it was revoked")
					return
				}
			}
		})
	}
	h.must(c.RevokeKey(h.ctx, owner, k.ID))
	close(revoked)
	wg.Wait()
}
