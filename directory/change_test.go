package directory_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/store/faulty"
)

// TestCP1ChangeOfAddress: to a free one, to an own alias, and not to somebody else's; the old one may stay as an alias.
func TestCP1ChangeOfAddress(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a, other := h.account(c, "sato@alpha.example"), h.account(c, "abe@alpha.example")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), a.ID))
	session := h.signIn("sato@alpha.example")
	move := func(to string, keep bool) error {
		var err error
		a, err = c.ChangeAccount(h.ctx, h.ops, a.ID, directory.AccountChange{Address: new(addr(to)), KeepAddress: keep})
		return err
	}
	before := a
	h.says(move("abe@alpha.example", false), mail.Conflict, "address.taken")
	a = before
	h.says(move("abuse@alpha.example", false), mail.Invalid, "address.reserved")
	a = before
	h.says(move("x@beta.example", false), mail.NotFound, "domain.unknown")
	a = before
	h.must(move("Info@alpha.example", true))
	if got := fmt.Sprint(a.Address, a.Aliases); got != "info@alpha.example [sato@alpha.example]" {
		t.Errorf("swapped with the alias: %s", got)
	}
	h.must(h.StillValid(h.ctx, session)) // the name it signed in with is an alias now
	h.signIn("info@alpha.example")
	h.must(move("sato2@alpha.example", false))
	if got := fmt.Sprint(a.Address, a.Aliases); got != "sato2@alpha.example [sato@alpha.example]" {
		t.Errorf("moved: %s", got)
	}
	_, err := h.resolve("info@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), other.ID))
}

// TestML1ChangeOfDomain takes an ID of the new domain, and its size of boxes (SV-4).
func TestML1ChangeOfDomain(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	_, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "small.example", Plan: directory.Plan3GB, IDs: 10})
	h.must(err)
	a := h.account(c, "sato@alpha.example")
	for i := range 9 {
		_, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(fmt.Sprintf("user%d@small.example", i))})
		h.must(err)
	}
	to := directory.AccountChange{Address: new(addr("sato@small.example"))}
	moved, err := c.ChangeAccount(h.ctx, h.ops, a.ID, to)
	if h.must(err); moved.Quota != int64(directory.Plan3GB) {
		t.Errorf("the box has %d octets", moved.Quota)
	}
	_, err = c.ChangeAccount(h.ctx, h.ops, h.account(c, "abe@alpha.example").ID, directory.AccountChange{Address: new(addr("abe@small.example"))})
	h.says(err, mail.Full, "ids.exhausted")
}

// TestCP1Profile: bounds of its parts, what a change leaves alone, and versions.
func TestCP1Profile(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.person(c, "sato@alpha.example", directory.Profile{LastName: " 佐藤 ", FirstName: "花子", Memo: "line 1\nline 2", Phone: "0312345678"})
	if a.Name != "佐藤 花子" || a.Profile.LastName != "佐藤" {
		t.Errorf("made %+v", a.Profile)
	}
	set := func(p directory.ProfileChange) (err error) {
		a, err = c.ChangeAccount(h.ctx, h.ops, a.ID, directory.AccountChange{Profile: p})
		return err
	}
	h.must(set(directory.ProfileChange{DisplayName: new("佐藤さん"), FirstName: new("")}))
	if a.Name != "佐藤さん" || a.Profile.FirstName != "" || a.Profile.Phone != "0312345678" || a.Profile.Memo != "line 1\nline 2" {
		t.Errorf("changed to %+v", a.Profile)
	}
	good := a
	h.says(set(directory.ProfileChange{Title: new(strings.Repeat("x", directory.MaxName+1))}), mail.Invalid, "name.malformed")
	a = good
	h.says(set(directory.ProfileChange{Title: new("x\r\nBcc: y")}), mail.Invalid, "name.malformed")
	a = good
	h.says(set(directory.ProfileChange{Memo: new(strings.Repeat("x", directory.MaxMemo+1))}), mail.Invalid, "profile.memo")
	_, err := c.ChangeAccount(h.ctx, h.ops, good.ID, directory.AccountChange{Version: good.Version - 1, Lang: new("en")})
	h.says(err, mail.Conflict, "object.changed")
	_, err = c.ChangeAccount(h.ctx, h.ops, good.ID, directory.AccountChange{Version: good.Version, Lang: new("en")})
	h.must(err)
	_, err = c.ChangeAccount(h.ctx, h.ops, good.ID, directory.AccountChange{Lang: new("xx")})
	h.says(err, mail.Invalid, "lang.unknown")
	_, err = c.ChangeAccount(h.ctx, h.ops, good.ID, directory.AccountChange{Groups: &[]mail.ObjectID{77}})
	h.says(err, mail.NotFound, "group.unknown")
}

// TestInitialPasswords can be read aloud, are good passwords, and no two are the same.
func TestInitialPasswords(t *testing.T) {
	form := regexp.MustCompile(`^([a-km-np-z2-9]{4}-){4}[a-km-np-z2-9]{4}$`)
	seen := make(map[string]bool)
	for range 1000 {
		word := directory.NewInitialPassword()
		if !form.MatchString(word) || seen[word] {
			t.Fatalf("%q, seen before: %v", word, seen[word])
		}
		seen[word] = true
	}
}

// TestCP1ResetPasswordSignsOut: with the new one alone it goes on, and it must be changed.
func TestCP1ResetPasswordSignsOut(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	session := h.signIn("sato@alpha.example")
	_, secret := h.app(c, a.ID, directory.ScopeSMTP)
	word, err := c.ResetPassword(h.ctx, h.ops, a.ID, "")
	h.must(err)
	h.says(h.StillValid(h.ctx, session), mail.Denied, "auth.changed")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "auth.failed")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", secret)
	h.says(err, mail.Denied, "auth.failed") // the app password went with it
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "sato@alpha.example", word)
	h.says(err, mail.Denied, "auth.must_change")
	if now, err := c.Account(h.ctx, a.ID); err != nil || !now.MustChange {
		t.Errorf("it need not be changed: %v", err)
	}
}

// TestChangesOfWhateverStands: who names no version changes what stands, also where somebody else changed it while the store ran the
// change a first time.
func TestChangesOfWhateverStands(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	g, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "sales"})
	h.must(err)
	spec := directory.ContactSpec{Address: addr("x@beta.example")}
	one, err := c.AddContact(h.ctx, h.ops, spec)
	h.must(err)
	between := func() {
		_, err := c.SetGroup(h.ctx, h.ops, g.ID, 0, directory.GroupSpec{Name: "somebody else's"})
		h.must(err)
		_, err = c.SetContact(h.ctx, h.ops, one.ID, 0, spec)
		h.must(err)
	}
	again := houseOn(t, faulty.Again(h.store, between), directory.Config{}).Company(c.ID())
	set, err := again.SetGroup(h.ctx, h.ops, g.ID, 0, directory.GroupSpec{Name: "marketing"})
	h.must(err)
	if now, err := c.Group(h.ctx, g.ID); err != nil || now.Name != "marketing" || now.Version != set.Version {
		t.Errorf("%+v, %v; want version %d", now, err, set.Version)
	}
	put, err := again.SetContact(h.ctx, h.ops, one.ID, 0, spec)
	h.must(err)
	if now, err := c.Contact(h.ctx, one.ID); err != nil || now.Version != put.Version {
		t.Errorf("%+v, %v; want version %d", now, err, put.Version)
	}
}
