package directory_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store"
)

// A house is a directory over an embedded store, with the words its tests are written in.
type house struct {
	testing.TB
	*directory.Directory
	store store.Store
	ops   mail.Actor
	ctx   context.Context
}

func newHouse(t testing.TB, cfg directory.Config) *house {
	t.Helper()
	st := stores.Open(t)
	return houseOn(t, st, cfg)
}

// houseOn builds the house over a store.
func houseOn(t testing.TB, st store.Store, cfg directory.Config) *house {
	cfg.Provision = mailbox.Provision
	return &house{t, directory.New(st, cfg), st, directory.Operator("test", "192.0.2.250"), context.Background()}
}

// must ends the test for an error.
func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// says wants an error of a kind with a catalogue key.
func (h *house) says(err error, kind mail.Kind, key string) {
	h.Helper()
	mailtest.Says(h.TB, err, kind, key)
}

// tenant opens a tenant.
func (h *house) tenant(spec directory.TenantSpec) directory.Tenant {
	h.Helper()
	if spec.Name == "" {
		spec.Name = "アルファ商事"
	}
	t, err := h.OpenTenant(h.ctx, h.ops, spec)
	h.must(err)
	return t
}

// company opens a tenant with a domain of 100 MB boxes and the IMAPS option.
func (h *house) company(domain string, ids int) *directory.Company {
	h.Helper()
	c := h.Company(h.tenant(directory.TenantSpec{}).ID)
	h.domain(c, domain, ids, directory.OptionIMAPS)
	return c
}

func (h *house) domain(c *directory.Company, name string, ids int, options ...directory.Option) {
	h.Helper()
	_, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: name, Plan: directory.Plan100MB, IDs: ids, Options: options})
	h.must(err)
}

const password = "correct horse battery"

func (h *house) account(c *directory.Company, address string, roles ...directory.Role) directory.Account {
	h.Helper()
	a, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(address), Password: password, Roles: roles})
	h.must(err)
	return a
}

// destroy deletes an account and ends it for good.
func (h *house) destroy(c *directory.Company, a directory.Account) {
	h.Helper()
	h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
	h.must(c.DestroyAccount(h.ctx, h.ops, a.ID, a.Address))
}

// from is a session from an address.
func from(ip string) mail.Origin {
	return mail.Origin{Door: "smtps", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr(ip), Session: "test"}
}

// signIn signs in where that must work.
func (h *house) signIn(user string) *directory.Identity {
	h.Helper()
	id, err := h.SignIn(h.ctx, from("192.0.2.1"), "smtps", user, password)
	h.must(err)
	return id
}

// benchDirectory is a directory with a company of ten accounts that share a password.
func benchDirectory(b *testing.B) (*directory.Directory, string) {
	h := newHouse(b, directory.Config{})
	c := h.company("alpha.example", 10)
	for i := range 10 {
		h.account(c, fmt.Sprintf("user%d@alpha.example", i))
	}
	return h.Directory, password
}

func prefixes(text ...string) (list []netip.Prefix) {
	for _, s := range text {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func addr(s string) mail.Address {
	local, domain, _ := strings.Cut(s, "@")
	return mail.Address{Local: local, Domain: domain}
}

func (h *house) resolve(to string) (directory.Target, error) { return h.Resolve(h.ctx, addr(to)) }
