package directory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// person makes an account with a profile.
func (h *house) person(c *directory.Company, address string, p directory.Profile) directory.Account {
	h.Helper()
	a, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(address), Profile: p})
	h.must(err)
	return a
}

// roster gives the local parts of what a query finds, page after page of two.
func (h *house) roster(c *directory.Company, q directory.RosterQuery) string {
	h.Helper()
	var found []string
	q.Limit = 2
	for {
		page, err := c.Roster(h.ctx, q)
		h.must(err)
		for _, r := range page.Rows {
			found = append(found, r.Address.Local)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			if page.Total != len(found) {
				h.Errorf("%d rows, and the total is %d", len(found), page.Total)
			}
			return strings.Join(found, " ")
		}
		if len(found) > 100 {
			h.Fatal("the roster has no end")
		}
	}
}

// people makes a company with some people in two domains.
func people(t testing.TB) (*house, *directory.Company, map[string]directory.Account) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 20)
	h.domain(c, "sub.alpha.example", 10)
	made := make(map[string]directory.Account)
	for _, p := range []struct {
		address string
		directory.Profile
	}{
		{"sato@alpha.example", directory.Profile{LastName: "佐藤", FirstName: "花子", LastKana: "サトウ", FirstKana: "ハナコ", Department: "営業部", Title: "課長", Phone: "03-1234"}},
		{"abe@alpha.example", directory.Profile{LastName: "阿部", LastKana: "あべ", Department: "総務部"}},
		{"suzuki@alpha.example", directory.Profile{LastName: "鈴木", LastKana: "ｽｽﾞｷ", Department: "営業部"}},
		{"schmidt@sub.alpha.example", directory.Profile{DisplayName: "Jürgen ＳＣＨＭＩＤＴ"}},
	} {
		made[p.address[:strings.IndexByte(p.address, '@')]] = h.person(c, p.address, p.Profile)
	}
	return h, c, made
}

// TestCP1RosterSearch finds people however their names are written.
func TestCP1RosterSearch(t *testing.T) {
	h, c, made := people(t)
	h.must(c.AddAlias(h.ctx, h.ops, addr("Info@alpha.example"), made["abe"].ID))
	for text, want := range map[string]string{
		"":              "abe sato schmidt suzuki",
		"佐藤":            "sato",
		"佐藤花子":          "sato",
		"佐藤 花子":         "sato",
		"さとう":           "sato",
		"ｻﾄｳ":           "sato",
		"サトウハナコ":        "sato",
		"スズキ":           "suzuki",
		"すずき":           "suzuki",
		"営業 課長":         "sato",
		"営業":            "sato suzuki",
		"schmidt":       "schmidt",
		"JÜRGEN":        "schmidt",
		"info@":         "abe",
		"sub.alpha":     "schmidt",
		"sato suzuki":   "",
		"sato%":         "",
		"alpha.example": "abe sato schmidt suzuki",
	} {
		if got := h.roster(c, directory.RosterQuery{Text: text}); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	_, err := c.Roster(h.ctx, directory.RosterQuery{Text: strings.Repeat("x", directory.MaxRosterText+1)})
	h.says(err, mail.Full, "roster.text")
	_, err = c.Roster(h.ctx, directory.RosterQuery{Sort: "shoe size"})
	h.says(err, mail.Invalid, "roster.sort")
	_, err = c.Roster(h.ctx, directory.RosterQuery{Cursor: "x"})
	h.says(err, mail.Invalid, "cursor.malformed")
}

// TestCP1RosterFilters: each filter alone, and orders in both directions.
func TestCP1RosterFilters(t *testing.T) {
	h, c, made := people(t)
	g, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "課長会"})
	h.must(err)
	h.must(c.ChangeGroup(h.ctx, h.ops, g.ID, []mail.AccountID{made["sato"].ID, made["abe"].ID}, nil))
	h.must(c.SetRoles(h.ctx, h.ops, made["abe"].ID, []directory.Role{directory.RoleHelpDesk}))
	h.must(c.SetAccountState(h.ctx, h.ops, made["suzuki"].ID, directory.AccountSuspended))
	h.must(c.SetForwarding(h.ctx, h.ops, made["sato"].ID, directory.Forwarding{To: []mail.Address{addr("x@elsewhere.example")}}))
	h.must(c.SetForwarding(h.ctx, h.ops, made["abe"].ID, directory.Forwarding{To: []mail.Address{addr("suzuki@alpha.example")}}))
	_, err = c.ResetPassword(h.ctx, h.ops, made["schmidt"].ID, "")
	h.must(err)
	h.fill(made["sato"], 60<<20)
	gone := h.person(c, "gone@alpha.example", directory.Profile{})
	h.must(c.DeleteAccount(h.ctx, h.ops, gone.ID))
	yes, no := true, false
	for name, test := range map[string]struct {
		q    directory.RosterQuery
		want string
	}{
		"domain":           {directory.RosterQuery{Domain: made["schmidt"].Domain}, "schmidt"},
		"suspended":        {directory.RosterQuery{State: directory.AccountSuspended}, "suzuki"},
		"deleted":          {directory.RosterQuery{State: directory.AccountDeleted}, "gone"},
		"group":            {directory.RosterQuery{Group: g.ID}, "abe sato"},
		"department":       {directory.RosterQuery{Department: "営業部"}, "sato suzuki"},
		"role":             {directory.RosterQuery{Role: directory.RoleHelpDesk}, "abe"},
		"outside":          {directory.RosterQuery{Outside: true}, "sato"},
		"must change":      {directory.RosterQuery{MustChange: &yes}, "schmidt"},
		"not shared":       {directory.RosterQuery{Shared: &no, Group: g.ID}, "abe sato"},
		"full boxes":       {directory.RosterQuery{OverPercent: 50}, "sato"},
		"idle":             {directory.RosterQuery{IdleSince: time.Now()}, "abe sato schmidt suzuki"},
		"within":           {directory.RosterQuery{Within: []directory.Grant{{Role: directory.RoleHelpDesk, Groups: []mail.ObjectID{g.ID}}}}, "abe sato"},
		"nowhere":          {directory.RosterQuery{Within: []directory.Grant{}}, ""},
		"by name":          {directory.RosterQuery{Sort: directory.SortName}, "schmidt abe sato suzuki"},
		"by age":           {directory.RosterQuery{Sort: directory.SortCreated, Descending: true}, "schmidt suzuki abe sato"},
		"by use":           {directory.RosterQuery{Sort: directory.SortUsed, Descending: true}, "sato suzuki schmidt abe"},
		"backwards":        {directory.RosterQuery{Descending: true}, "suzuki schmidt sato abe"},
		"by state":         {directory.RosterQuery{Sort: directory.SortState}, "abe sato schmidt suzuki"},
		"department order": {directory.RosterQuery{Sort: directory.SortDepartment}, "schmidt sato suzuki abe"},
	} {
		if got := h.roster(c, test.q); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestCP1RosterIsKeptUp with every change, also one that another process makes.
func TestCP1RosterIsKeptUp(t *testing.T) {
	h, c, made := people(t)
	other := houseOn(t, h.store, directory.Config{})
	oc := other.Company(made["sato"].Tenant)
	see := func(want string) {
		t.Helper()
		for who, one := range map[string]*directory.Company{"the one who changes": c, "another": oc} {
			if got := h.roster(one, directory.RosterQuery{}); got != want {
				t.Errorf("%s sees %q, want %q", who, got, want)
			}
		}
	}
	see("abe sato schmidt suzuki")
	h.person(c, "mori@alpha.example", directory.Profile{LastName: "森"})
	see("abe mori sato schmidt suzuki")
	_, err := c.ChangeAccount(h.ctx, h.ops, made["abe"].ID, directory.AccountChange{Address: new(addr("zabe@alpha.example"))})
	h.must(err)
	see("mori sato schmidt suzuki zabe")
	h.destroy(c, made["sato"])
	see("mori schmidt suzuki zabe")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), made["suzuki"].ID))
	if got := h.roster(oc, directory.RosterQuery{Text: "info"}); got != "suzuki" {
		t.Errorf("the new alias finds %q", got)
	}
	_, err = c.SetDomainPlan(h.ctx, h.ops, "alpha.example", directory.Plan3GB)
	h.must(err)
	page, err := oc.Roster(h.ctx, directory.RosterQuery{Text: "suzuki"})
	h.must(err)
	if page.Rows[0].Quota != int64(directory.Plan3GB) {
		t.Errorf("the size of a box is %d", page.Rows[0].Quota)
	}
}

// TestCP1Departments are counted, however they are written, and renamed in one act.
func TestCP1Departments(t *testing.T) {
	h, c, made := people(t)
	see := func(want string) {
		t.Helper()
		all, err := c.Departments(h.ctx, nil)
		h.must(err)
		if got := fmt.Sprint(all); got != want {
			t.Errorf("departments %s, want %s", got, want)
		}
	}
	see("[{営業部 2} {総務部 1}]")
	n, err := c.RenameDepartment(h.ctx, h.ops, "営業部", "第一営業部")
	if h.must(err); n != 2 {
		t.Errorf("%d accounts were renamed", n)
	}
	see("[{第一営業部 2} {総務部 1}]")
	if n, err = c.RenameDepartment(h.ctx, h.ops, "営業部", "x"); err != nil || n != 0 {
		t.Errorf("%d accounts of no department were renamed, %v", n, err)
	}
	_, err = c.RenameDepartment(h.ctx, h.ops, "総務部", "x\ny")
	h.says(err, mail.Invalid, "name.malformed")

	h.must(c.SetPassword(h.ctx, h.ops, made["abe"].ID, password))
	h.must(c.SetGrants(h.ctx, h.ops, made["abe"].ID, 0, []directory.Grant{{Role: directory.RoleAccountAdmin, Domains: []mail.DomainID{made["schmidt"].Domain}}}))
	_, err = c.RenameDepartment(h.ctx, h.signIn("abe@alpha.example").Actor(), "第一営業部", "x")
	h.says(err, mail.Denied, "actor.denied") // none of its accounts is his
	see("[{第一営業部 2} {総務部 1}]")
}

// TestCP1RosterOfAnother company is another one: nothing of it is in memory for this one.
func TestCP1RosterOfAnother(t *testing.T) {
	h, c, _ := people(t)
	beta := h.company("beta.example", 10)
	h.person(beta, "beta@beta.example", directory.Profile{})
	if got := h.roster(beta, directory.RosterQuery{}); got != "beta" {
		t.Errorf("beta sees %q", got)
	}
	if got := h.roster(c, directory.RosterQuery{Text: "beta"}); got != "" {
		t.Errorf("alpha sees %q", got)
	}
	_, err := h.Company(12345).Roster(h.ctx, directory.RosterQuery{})
	h.says(err, mail.NotFound, "tenant.unknown")
}

// crowd makes a company of n people, cheaply: without passwords and mailboxes.
func crowd(tb testing.TB, n int) (*house, *directory.Company) {
	tb.Helper()
	h := newHouse(tb, directory.Config{})
	h.Directory = directory.New(h.store, directory.Config{})
	c := h.Company(h.tenant(directory.TenantSpec{}).ID)
	h.domain(c, "alpha.example", (n+99)/100*100)
	surnames := []string{"佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤"}
	kana := []string{"さとう", "すずき", "たかはし", "たなか", "いとう", "わたなべ", "やまもと", "なかむら", "こばやし", "かとう"}
	for from := 0; from < n; from += directory.MaxBulk {
		specs := make([]directory.AccountSpec, min(n-from, directory.MaxBulk))
		for i := range specs {
			k := from + i
			specs[i] = directory.AccountSpec{Address: addr(fmt.Sprintf("user%05d@alpha.example", k)), Profile: directory.Profile{
				LastName: surnames[k%10], FirstName: fmt.Sprintf("太郎%d", k), LastKana: kana[k%10], FirstKana: "たろう",
				Department: fmt.Sprintf("第%d部", k%200), Title: "主任", Extension: fmt.Sprint(k),
			}}
		}
		_, err := c.AddAccounts(context.Background(), h.ops, specs)
		h.must(err)
	}
	return h, c
}

// BenchmarkRoster lists, searches and sorts a company of 50,000.
func BenchmarkRoster(b *testing.B) {
	h, c := crowd(b, 50_000)
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			fresh := directory.New(h.store, directory.Config{}).Company(c.ID())
			if _, err := fresh.Roster(h.ctx, directory.RosterQuery{Limit: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, q := range map[string]directory.RosterQuery{
		"first page": {}, "search": {Text: "ﾜﾀﾅﾍﾞ 主任"}, "search one": {Text: "user49999"}, "by name": {Sort: directory.SortName},
		"by use": {Sort: directory.SortUsed, Descending: true}, "nothing": {Text: "nobody at all"},
	} {
		q.Limit = 100
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Roster(h.ctx, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestCP1RosterKnowsLastSignIns, also those made while it is in memory.
func TestCP1RosterKnowsLastSignIns(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	h.account(c, "abe@alpha.example")
	h.signIn("abe@alpha.example")
	idle := directory.RosterQuery{IdleSince: time.Now().Add(-time.Hour)}
	if got := h.roster(c, idle); got != "sato" {
		t.Errorf("idle: %q", got)
	}
	h.signIn("sato@alpha.example")
	if got := h.roster(c, idle); got != "" {
		t.Errorf("idle: %q", got)
	}
}
