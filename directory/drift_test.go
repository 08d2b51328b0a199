package directory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// TestResolveFollowsEveryChange makes random changes through one directory and holds what it and another one over the same store
// answer from memory against one that has read nothing yet.
func TestResolveFollowsEveryChange(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 50)
	other := houseOn(t, h.store, directory.Config{})
	rnd := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "c", "d", "e", "f", "postmaster"}
	address := func() mail.Address { return addr(names[rnd.IntN(len(names))] + "@alpha.example") }
	done := make(map[string]int)
	do := func(what string, err error) {
		if err == nil {
			done[what]++
		} else if k := mail.KindOf(err); k == mail.Other || k == mail.Unavailable {
			t.Fatal(what, err)
		}
	}
	for i := range 600 {
		who, err := c.Find(h.ctx, address())
		if err != nil {
			_, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: address()})
			do("add", err)
			continue
		}
		switch rnd.IntN(11) {
		case 0:
			do("alias", c.AddAlias(h.ctx, h.ops, address(), who.ID))
		case 1:
			do("no alias", c.RemoveAlias(h.ctx, h.ops, address()))
		case 2:
			do("delete", c.DeleteAccount(h.ctx, h.ops, who.ID))
		case 3:
			do("restore", c.RestoreAccount(h.ctx, h.ops, who.ID))
		case 4:
			do("destroy", c.DestroyAccount(h.ctx, h.ops, who.ID, who.Address))
		case 5:
			_, err := c.ChangeAccount(h.ctx, h.ops, who.ID, directory.AccountChange{Address: new(address()), KeepAddress: i%2 == 0})
			do("move", err)
		case 6:
			do("state", c.SetAccountState(h.ctx, h.ops, who.ID, []directory.AccountState{directory.AccountActive, directory.AccountSuspended}[i%2]))
		case 7:
			_, err := c.AddList(h.ctx, h.ops, address(), directory.ListSpec{Name: fmt.Sprint(i)})
			do("list", err)
		case 8:
			if l, err := c.FindList(h.ctx, address()); err == nil {
				do("no list", c.DeleteList(h.ctx, h.ops, l.ID))
			}
		case 9:
			do("role", c.SetRoles(h.ctx, h.ops, who.ID, []directory.Role{directory.RoleOwner}[:i%2]))
		case 10:
			_, err := c.SetDomainPlan(h.ctx, h.ops, "alpha.example", []directory.Plan{directory.Plan100MB, directory.Plan3GB}[i%2])
			do("plan", err)
		}
		fresh := directory.New(h.store, directory.Config{})
		for _, n := range names {
			to := addr(n + "@alpha.example")
			want := said(fresh.Resolve(h.ctx, to))
			for _, d := range []*directory.Directory{h.Directory, other.Directory} {
				if got := said(d.Resolve(h.ctx, to)); got != want {
					t.Fatalf("after change %d %s leads to\n%s, not to\n%s", i, to, got, want)
				}
			}
		}
	}
	if len(done) < 11 {
		t.Errorf("not every change was made: %v", done)
	}
}

// said writes an answer down, with what it points to.
func said(target directory.Target, err error) string {
	text, _ := json.Marshal(target)
	return fmt.Sprint(string(text), err)
}

// TestSignInFollowsNewPasswords: also the first one of an account that is in memory without any.
func TestSignInFollowsNewPasswords(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr("sato@alpha.example")})
	h.must(err)
	other := houseOn(t, h.store, directory.Config{})
	for _, word := range []string{"", "the first password", "the second password"} {
		if word != "" {
			h.must(c.SetPassword(h.ctx, h.ops, a.ID, word))
		}
		for _, one := range []*house{h, other} {
			for _, try := range []string{"the first password", "the second password"} {
				_, err := one.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", try)
				if (err == nil) != (try == word) {
					t.Errorf("with %q set, %q: %v", word, try, err)
				}
			}
		}
	}
}

// slowStore is a store whose next View of a company begins late: before does something first.
type slowStore struct {
	store.Store
	before *func()
}

func (s slowStore) Tenant(id mail.TenantID) store.Tenant {
	return slowTenant{s.Store.Tenant(id), s.before}
}

type slowTenant struct {
	store.Tenant
	before *func()
}

func (s slowTenant) View(ctx context.Context, fn func(store.Reader) error) error {
	if before := *s.before; before != nil {
		*s.before = nil
		before()
	}
	return s.Tenant.View(ctx, fn)
}

// TestResolveWhileChangesAreRead: what is read into memory between two changes, while somebody else is about to read of both, does not
// stay.
func TestResolveWhileChangesAreRead(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a, b := h.account(c, "a@alpha.example"), h.account(c, "b@alpha.example")
	var before func()
	slow := houseOn(t, slowStore{h.store, &before}, directory.Config{})
	warm := func() { // b alone: a is read between the changes
		_, err := slow.resolve("b@alpha.example")
		h.must(err)
	}
	other := func(lang string) {
		_, err := c.ChangeAccount(h.ctx, h.ops, b.ID, directory.AccountChange{Lang: &lang})
		h.must(err)
	}
	warm()
	other("en")
	warm() // from here on it follows changes
	other("ja")
	before = func() {
		other("en")
		_, err := slow.resolve("a@alpha.example")
		h.must(err)
		h.must(c.DeleteAccount(h.ctx, h.ops, a.ID))
	}
	warm()
	_, err := slow.resolve("a@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
}
