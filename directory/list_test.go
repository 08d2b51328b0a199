package directory_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// list makes a list with members.
func (h *house) list(c *directory.Company, address string, members ...string) directory.List {
	h.Helper()
	l, err := c.AddList(h.ctx, h.ops, addr(address), directory.ListSpec{})
	h.must(err)
	h.must(c.AddMembers(h.ctx, h.ops, l.ID, membersOf(members...)))
	return l
}

func membersOf(addresses ...string) []directory.Member {
	all := make([]directory.Member, len(addresses))
	for i, a := range addresses {
		all[i] = directory.Member{Address: addr(a), CanPost: true}
	}
	return all
}

// members writes the addresses on a list as a line, with "-" before who is off.
func (h *house) members(c *directory.Company, l directory.List) string {
	h.Helper()
	all, err := c.Members(h.ctx, l.ID)
	h.must(err)
	var b strings.Builder
	for _, m := range all {
		if m.Off {
			b.WriteByte('-')
		}
		b.WriteString(m.Address.String() + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestLI1Lists(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	l := h.list(c, "Team@alpha.example", "sato@alpha.example", "x@elsewhere.example")
	if got, err := h.resolve("TEAM@alpha.example"); err != nil || got.Kind != directory.TargetList || got.List.ID != l.ID || got.List.Posting != directory.PostDomain {
		t.Errorf("the list's address leads to %+v, %v", got, err)
	}
	_, err := c.AddList(h.ctx, h.ops, addr("sato@alpha.example"), directory.ListSpec{})
	h.says(err, mail.Conflict, "address.taken")
	_, err = c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr("team@alpha.example")})
	h.says(err, mail.Conflict, "address.taken")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "team@alpha.example", password)
	h.says(err, mail.Denied, "auth.failed")

	l, err = c.SetList(h.ctx, h.ops, l.ID, directory.ListSpec{Posting: directory.PostAnyone, Prefix: "[team]"})
	h.must(err)
	if got, err := h.resolve("team@alpha.example"); err != nil || !got.List.Rewrites() {
		t.Errorf("after the change: %+v, %v", got.List, err)
	}
	for want, spec := range map[string]directory.ListSpec{
		"list.posting_unknown":   {Posting: "everybody"},
		"list.moderator_missing": {Moderated: true},
		"list.prefix":            {Prefix: "a\r\nb"},
		"name.malformed":         {Name: strings.Repeat("x", 300)},
		"lang.unknown":           {Lang: "fr"},
	} {
		_, err := c.SetList(h.ctx, h.ops, l.ID, spec)
		h.says(err, mail.Invalid, want)
	}
	_, err = c.SetList(h.ctx, h.ops, l.ID, directory.ListSpec{Owners: make([]mail.Address, 11)})
	h.says(err, mail.Full, "list.owners_full")
	_, err = c.SetList(h.ctx, h.ops, l.ID, directory.ListSpec{Posters: make([]mail.Address, 101)})
	h.says(err, mail.Full, "list.posters_full")
	_, err = c.AddList(h.ctx, h.ops, addr(strings.Repeat("x", 32)+"@alpha.example"), directory.ListSpec{})
	h.says(err, mail.Invalid, "list.local_part")

	if got := h.members(c, l); got != "sato@alpha.example x@elsewhere.example" {
		t.Errorf("members: %s", got)
	}
	h.says(c.RemoveDomain(h.ctx, h.ops, "alpha.example"), mail.Conflict, "domain.not_empty")
	h.must(c.DeleteList(h.ctx, h.ops, l.ID))
	_, err = h.resolve("team@alpha.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	_, err = c.Members(h.ctx, l.ID)
	h.says(err, mail.NotFound, "list.unknown")
}

// TestLI3Members fills a list to the last place.
func TestLI3Members(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	l := h.list(c, "all@alpha.example")
	var names []string
	for i := range directory.MaxMembers {
		names = append(names, fmt.Sprintf("user%d@elsewhere.example", i))
	}
	h.says(c.AddMembers(h.ctx, h.ops, l.ID, membersOf(append(names, "one@more.example")...)), mail.Full, "list.members_full")
	if h.members(c, l) != "" {
		t.Error("a part was added")
	}
	h.must(c.AddMembers(h.ctx, h.ops, l.ID, membersOf(names...)))
	h.says(c.AddMembers(h.ctx, h.ops, l.ID, membersOf("one@more.example")), mail.Full, "list.members_full")
	h.must(c.AddMembers(h.ctx, h.ops, l.ID, membersOf(names[:10]...))) // are on it already
	h.says(c.RemoveMembers(h.ctx, h.ops, l.ID, []mail.Address{addr(names[0]), addr("one@more.example")}), mail.NotFound, "list.no_member")
	h.must(c.RemoveMembers(h.ctx, h.ops, l.ID, []mail.Address{addr(names[0])}))
	h.must(c.AddMembers(h.ctx, h.ops, l.ID, membersOf("one@more.example")))
	if all, err := c.Members(h.ctx, l.ID); err != nil || len(all) != directory.MaxMembers {
		t.Errorf("%d members, %v", len(all), err)
	}
}

// TestLI7Cycles refuses a list below itself, directly and through others.
func TestLI7Cycles(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a, b, d := h.list(c, "a@alpha.example"), h.list(c, "b@alpha.example"), h.list(c, "d@alpha.example")
	add := func(l directory.List, member string) error {
		return c.AddMembers(h.ctx, h.ops, l.ID, membersOf(member))
	}
	h.must(add(a, "b@alpha.example"))
	h.must(add(b, "D@alpha.example"))
	h.says(add(d, "a@alpha.example"), mail.Conflict, "list.cycle")
	h.says(add(d, "B@alpha.example"), mail.Conflict, "list.cycle")
	h.says(add(d, "d@alpha.example"), mail.Conflict, "list.cycle")
	h.must(add(a, "d@alpha.example")) // twice below, but no cycle
	h.must(c.DeleteList(h.ctx, h.ops, b.ID))
	if got := h.members(c, a); got != "d@alpha.example" {
		t.Errorf("a list that is gone is still a member: %s", got)
	}
}

// TestAccountLeavesItsLists when it is destroyed; while it is deleted only, its places wait for it.
func TestAccountLeavesItsLists(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), sato.ID))
	l := h.list(c, "team@alpha.example", "info@alpha.example", "x@elsewhere.example", "sato@alpha.example")
	h.must(c.DeleteAccount(h.ctx, h.ops, sato.ID))
	if got := h.members(c, l); got != "-info@alpha.example x@elsewhere.example -sato@alpha.example" {
		t.Errorf("members while it is deleted: %s", got)
	}
	h.must(c.RestoreAccount(h.ctx, h.ops, sato.ID))
	if got := h.members(c, l); got != "info@alpha.example x@elsewhere.example sato@alpha.example" {
		t.Errorf("members after it was restored: %s", got)
	}
	h.destroy(c, sato)
	if got := h.members(c, l); got != "x@elsewhere.example" {
		t.Errorf("members: %s", got)
	}
}

func TestLI7MayPost(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.domain(c, "second.example", 10)
	h.company("beta.example", 10)
	l := h.list(c, "team@alpha.example", "sato@alpha.example", "x@elsewhere.example")
	h.must(c.AddMembers(h.ctx, h.ops, l.ID, []directory.Member{{Address: addr("quiet@elsewhere.example")}}))
	for _, x := range []struct {
		policy directory.PostingPolicy
		from   string
		proved bool
		may    bool
	}{
		{directory.PostAnyone, "a@nowhere.example", false, true},
		{directory.PostAnyone, "sato@alpha.example", false, true},
		{directory.PostTenant, "any@alpha.example", true, true},
		{directory.PostTenant, "any@second.example", true, true},
		{directory.PostTenant, "any@alpha.example", false, false},
		{directory.PostTenant, "any@beta.example", true, false},
		{directory.PostTenant, "a@nowhere.example", true, false},
		{directory.PostTenant, "boss@nowhere.example", false, true},
		{directory.PostDomain, "any@alpha.example", true, true},
		{directory.PostDomain, "any@second.example", true, false},
		{directory.PostMembers, "X@elsewhere.example", false, true},
		{directory.PostMembers, "sato@alpha.example", true, true},
		{directory.PostMembers, "sato@alpha.example", false, false},
		{directory.PostMembers, "quiet@elsewhere.example", true, false},
		{directory.PostMembers, "y@elsewhere.example", true, false},
		{directory.PostListed, "poster@elsewhere.example", false, true},
		{directory.PostListed, "x@elsewhere.example", true, false},
		{directory.PostAnyone, "@", true, false},
	} {
		l, err := c.SetList(h.ctx, h.ops, l.ID, directory.ListSpec{Posting: x.policy,
			Owners: []mail.Address{addr("boss@nowhere.example")}, Posters: []mail.Address{addr("poster@elsewhere.example")}})
		h.must(err)
		switch err := h.MayPost(h.ctx, &l, addr(x.from), x.proved); {
		case x.may:
			if err != nil {
				t.Errorf("%+v: %v", x, err)
			}
		default:
			h.says(err, mail.Denied, "list.posting_denied")
		}
	}
}

// bounce counts a hard bounce.
func (h *house) bounce(l directory.List, member string, at time.Time) (off bool) {
	h.Helper()
	h.must(h.store.Tenant(l.Tenant).Update(h.ctx, h.ops, "test.bounce", func(tx store.Tx) (err error) {
		off, err = directory.Bounced(tx, l.ID, addr(member), at)
		return err
	}))
	return off
}

// TestLI7Bounces switches a member off with the fifth hard bounce in seven days, and not before.
func TestLI7Bounces(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	l := h.list(c, "team@alpha.example", "x@elsewhere.example")
	now := time.Now()
	day := 24 * time.Hour
	for i, at := range []time.Duration{-9 * day, -8 * day, -3 * day, -2 * day, -1 * day, -day} {
		if h.bounce(l, "x@elsewhere.example", now.Add(at)) {
			t.Fatalf("off after bounce %d", i+1)
		}
	}
	if !h.bounce(l, "X@elsewhere.example", now) {
		t.Error("not off after the fifth bounce in a week")
	}
	if h.bounce(l, "x@elsewhere.example", now) || h.bounce(l, "y@elsewhere.example", now) {
		t.Error("switched off again, or who is no member")
	}
	if got := h.members(c, l); got != "-x@elsewhere.example" {
		t.Errorf("members: %s", got)
	}
	h.must(c.ResumeMember(h.ctx, h.ops, l.ID, addr("x@elsewhere.example")))
	if h.bounce(l, "x@elsewhere.example", now) || h.members(c, l) != "x@elsewhere.example" {
		t.Error("old bounces count after the member was taken up again")
	}
	h.says(c.ResumeMember(h.ctx, h.ops, l.ID, addr("y@elsewhere.example")), mail.NotFound, "list.no_member")
}
