package contacts_test

import (
	"context"
	"testing"
	"time"

	"tegami/contacts"
	"tegami/directory"
	"tegami/i18n"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/store"
	"tegami/wire/vcard"
)

// house is a platform with a store in files, as far up as this room.
type house struct {
	testing.TB
	store    store.Store
	dir      *directory.Directory
	books    *contacts.Service
	operator mail.Actor
	ctx      context.Context
}

const password = "correct horse battery"

func newHouse(t testing.TB, change ...func(*contacts.Config)) *house {
	t.Helper()
	st := stores.Open(t)
	dir := directory.New(st, directory.Config{})
	cfg := contacts.Config{Words: i18n.New()}
	for _, f := range change {
		f(&cfg)
	}
	return &house{t, st, dir, contacts.New(st, dir, cfg), directory.Operator("test", ""), context.Background()}
}

// company opens a tenant with domains, the first with accounts of these names.
func (h *house) company(domain, lang string, users ...string) *directory.Company {
	h.Helper()
	tenant, err := h.dir.OpenTenant(h.ctx, h.operator, directory.TenantSpec{Name: domain, Lang: lang, Start: time.Now().Add(-time.Hour)})
	h.must(err)
	c := h.dir.Company(tenant.ID)
	h.domain(c, domain, users...)
	return c
}

func (h *house) domain(c *directory.Company, domain string, users ...string) {
	h.Helper()
	_, err := c.AddDomain(h.ctx, h.operator, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 20})
	h.must(err)
	for _, user := range users {
		h.account(c, directory.AccountSpec{Address: mail.Address{Local: user, Domain: domain}, Name: user})
	}
}

func (h *house) account(c *directory.Company, spec directory.AccountSpec) {
	h.Helper()
	spec.Password = password
	_, err := c.AddAccounts(h.ctx, h.operator, []directory.AccountSpec{spec})
	h.must(err)
}

// signIn signs in at the door of address books.
func (h *house) signIn(address string) *directory.Identity {
	h.Helper()
	id, err := h.dir.SignIn(h.ctx, mail.Origin{Door: "dav"}, "dav", address, password)
	h.must(err)
	return id
}

func (h *house) open(address string) *contacts.Account {
	h.Helper()
	a, err := h.books.Open(h.ctx, h.signIn(address))
	h.must(err)
	return a
}

// one is a house with one company of one account, opened.
func one(t testing.TB, change ...func(*contacts.Config)) (*house, *contacts.Account) {
	t.Helper()
	h := newHouse(t, change...)
	h.company("alpha.example", "ja", "sato")
	return h, h.open("sato@alpha.example")
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refused tells that an error is of a kind with a text.
func (h *house) refused(err error, kind mail.Kind, text string) {
	h.Helper()
	mailtest.Says(h, err, kind, text)
}

// person is a card.
func person(surname, given, surnameKana, givenKana string, addresses ...string) vcard.Card {
	part := func(kind, value, kana string) map[string]any {
		o := map[string]any{"kind": kind, "value": value}
		if kana != "" {
			o["phonetic"] = kana
		}
		return o
	}
	emails := map[string]any{}
	for i, a := range addresses {
		emails[string(rune('1'+i))] = map[string]any{"address": a}
	}
	return vcard.Card{"@type": "Card", "version": "1.0", "name": map[string]any{"components": []any{part("surname", surname, surnameKana), part("given", given, givenKana)}}, "emails": emails}
}

// add makes a card in the default book.
func (h *house) add(a *contacts.Account, js vcard.Card) contacts.Card {
	h.Helper()
	c, err := a.AddCard(h.ctx, 0, js)
	h.must(err)
	return c
}

// names lists what cards are called, in the order of their ids in the list.
func (h *house) names(a *contacts.Account, ids []mail.ObjectID) (names []string) {
	h.Helper()
	h.must(a.Cards(h.ctx, ids, func(c *contacts.Card) error {
		js, err := c.JSContact()
		names = append(names, js.Name())
		return err
	}))
	return names
}
