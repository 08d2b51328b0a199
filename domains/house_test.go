package domains_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/domains"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store"
)

// A house is a service over a directory and an embedded store.
type house struct {
	testing.TB
	*domains.Service
	dir   *directory.Directory
	store store.Store
	ops   mail.Actor
	ctx   context.Context
}

// worker is the platform at work, as queue.Worker makes it.
var worker = mail.MintActor(mail.Platform, 0, 0, "platform:queue", mail.Origin{Door: "platform"})

func newHouse(t testing.TB) *house { return newHouseWith(t, domains.Config{}) }

func newHouseWith(t testing.TB, cfg domains.Config) *house {
	t.Helper()
	st := stores.Open(t)
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	h := &house{TB: t, dir: dir, store: st, ops: directory.Operator("test", ""), ctx: context.Background()}
	h.Service = domains.New(st, dir, configured(cfg))
	return h
}

func configured(cfg domains.Config) domains.Config {
	cfg.Hostname, cfg.By = "Mail.Example", worker
	return cfg
}

// other is another process over the same store.
func (h *house) other() *domains.Service {
	return domains.New(h.store, directory.New(h.store, directory.Config{}), configured(domains.Config{}))
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// says wants an error of a kind with a catalogue key.
func (h *house) says(err error, kind mail.Kind, key string) {
	h.Helper()
	mailtest.Says(h, err, kind, key)
}

// company opens a tenant with a domain.
func (h *house) company(domain string, options ...directory.Option) mail.TenantID {
	h.Helper()
	t, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "en"})
	h.must(err)
	h.domain(t.ID, domain, options...)
	return t.ID
}

func (h *house) domain(tenant mail.TenantID, name string, options ...directory.Option) {
	h.Helper()
	_, err := h.dir.Company(tenant).AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: name, Plan: directory.Plan100MB, IDs: 10, Options: options})
	h.must(err)
}

const password = "correct horse battery"

// admin makes an administrator and signs in.
func (h *house) admin(tenant mail.TenantID, address string) mail.Actor {
	h.Helper()
	return h.user(tenant, address, directory.RoleOwner)
}

func (h *house) user(tenant mail.TenantID, address string, roles ...directory.Role) mail.Actor {
	h.Helper()
	a, err := mail.ParseAddress(address)
	h.must(err)
	_, err = h.dir.Company(tenant).AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: a, Password: password, Roles: roles})
	h.must(err)
	id, err := h.dir.SignIn(h.ctx, mail.Origin{Door: "web"}, "web", address, password)
	h.must(err)
	return id.Actor()
}

// zone writes records as a zone file.
func zone(records []domains.Record) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(r.Zone() + "\n")
	}
	return b.String()
}

// blob is the name of some octets.
func blob(id mail.BlobID, text string) mail.BlobRef {
	return mail.BlobRef{ID: id, Size: int64(len(text)), Hash: sha256.Sum256([]byte(text))}
}
