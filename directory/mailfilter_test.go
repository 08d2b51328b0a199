package directory_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// senders makes n entries of a list, each another domain.
func senders(n int) (list []mail.SenderPattern) {
	for i := range n {
		list = append(list, mail.SenderPattern(fmt.Sprintf("@d%04d.example", i)))
	}
	return list
}

// holds gives what holds for an account's mail, as a delivery asks.
func (h *house) holds(a directory.Account) *directory.MailFilter {
	h.Helper()
	target, err := h.resolve(a.Address.String())
	h.must(err)
	f, err := h.MailFilter(h.ctx, &target.Account)
	h.must(err)
	return f
}

// TestSV8FilterNeedsNoSetup: a company that set nothing has [SPAM!!] at 90 %, 14 days of quarantine, digests, and viruses deferred while nobody can
// look.
func TestSV8FilterNeedsNoSetup(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	f := h.holds(h.account(c, "sato@alpha.example"))
	want := directory.MailFilter{
		FilterSettings: directory.FilterSettings{
			Action: "spam", Threshold: 90, QuarantineDays: 14, Digest: directory.Digest{On: true, Hours: []int{9}},
		},
		Virus: directory.VirusSettings{Down: "defer"},
	}
	if !reflect.DeepEqual(*f, want) {
		t.Errorf("%+v\nwant %+v", *f, want)
	}
	if got := f.Virus.Tell("alpha.example"); len(got) != 1 || got[0] != addr("postmaster@alpha.example") {
		t.Errorf("of viruses hear %v", got)
	}
}

// TestSF1FilterOfADomain: what its administrator sets holds for the accounts of the domain, at once, and for no others; an account can have its own.
func TestSF1FilterOfADomain(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.domain(c, "beta.example", 10)
	sato, ito := h.account(c, "sato@alpha.example"), h.account(c, "ito@beta.example")
	h.holds(sato)
	h.holds(ito)
	set := directory.FilterSettings{Action: directory.SpamQuarantine, Threshold: 55.555, QuarantineDays: 1, UserFirst: true, Digest: directory.Digest{On: true, Hours: []int{17, 8, 17}}}
	h.must(c.SetDomainFilter(h.ctx, h.ops, "alpha.example", 0, set))
	set.Threshold, set.Digest.Hours = 55.56, []int{8, 17}
	got, err := c.DomainFilter(h.ctx, "alpha.example")
	h.must(err)
	if !reflect.DeepEqual(got.FilterSettings, set) || got.Version != 1 || got.By != h.ops.Name() {
		t.Errorf("set is %+v", got)
	}
	if f := h.holds(sato); !reflect.DeepEqual(f.FilterSettings, set) {
		t.Errorf("for sato holds %+v", f)
	}
	if f := h.holds(ito); f.Action != directory.SpamTag {
		t.Errorf("another domain's settings hold for ito: %+v", f)
	}
	h.must(c.SetAccountFilter(h.ctx, h.ops, sato.ID, directory.FilterOverride{Action: directory.SpamMeiwaku}))
	if f := h.holds(sato); f.Action != directory.SpamMeiwaku || f.Threshold != 55.56 {
		t.Errorf("for sato holds %+v", f)
	}
	h.must(c.SetAccountFilter(h.ctx, h.ops, sato.ID, directory.FilterOverride{}))
	if f := h.holds(sato); f.Action != directory.SpamQuarantine {
		t.Errorf("what was decided for sato still holds: %+v", f)
	}
	h.says(c.SetDomainFilter(h.ctx, h.ops, "alpha.example", 7, set), mail.Conflict, "object.changed")
	h.says(c.SetDomainFilter(h.ctx, h.ops, "gamma.example", 0, set), mail.NotFound, "domain.unknown")
}

// TestSF4BoundsOfTheFilter: quarantine of 1 to 14 days, thresholds in percent, actions there are.
func TestSF4BoundsOfTheFilter(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	for name, wrong := range map[string]struct {
		key    string
		change func(*directory.FilterSettings)
	}{
		"0 days":     {"filter.days", func(s *directory.FilterSettings) { s.QuarantineDays = 0 }},
		"15 days":    {"filter.days", func(s *directory.FilterSettings) { s.QuarantineDays = 15 }},
		"0 %":        {"filter.threshold", func(s *directory.FilterSettings) { s.Threshold = 0 }},
		"100.01 %":   {"filter.threshold", func(s *directory.FilterSettings) { s.Threshold = 100.01 }},
		"no number":  {"filter.threshold", func(s *directory.FilterSettings) { s.Threshold = math.NaN() }},
		"no action":  {"filter.action", func(s *directory.FilterSettings) { s.Action = "burn" }},
		"24:00":      {"filter.hours", func(s *directory.FilterSettings) { s.Digest.Hours = []int{24} }},
		"never":      {"filter.hours", func(s *directory.FilterSettings) { s.Digest.Hours = nil }},
		"each hour":  {"filter.hours", func(s *directory.FilterSettings) { s.Digest.Hours = []int{1, 2, 3, 4, 5, 6, 7} }},
		"minus one":  {"filter.hours", func(s *directory.FilterSettings) { s.Digest.Hours = []int{-1} }},
		"minus days": {"filter.days", func(s *directory.FilterSettings) { s.QuarantineDays = -3 }},
	} {
		s := directory.DefaultFilter()
		wrong.change(&s)
		t.Run(name, func(*testing.T) {
			h.says(c.SetDomainFilter(h.ctx, h.ops, "alpha.example", 0, s), mail.Invalid, wrong.key)
		})
	}
	for _, days := range []int{1, 14} {
		s := directory.DefaultFilter()
		s.QuarantineDays, s.Threshold = days, 100
		h.must(c.SetDomainFilter(h.ctx, h.ops, "alpha.example", 0, s))
	}
	h.says(c.SetAccountFilter(h.ctx, h.ops, sato.ID, directory.FilterOverride{Action: "burn"}), mail.Invalid, "filter.action")
	h.says(c.SetAccountFilter(h.ctx, h.ops, sato.ID, directory.FilterOverride{Threshold: -1}), mail.Invalid, "filter.threshold")
}

// TestSF5ThreeHundredEntries: a user has 300 entries on each list, and the 301st is refused and loses nothing.
func TestSF5ThreeHundredEntries(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	permit(h, c, true)
	by := h.signIn("sato@alpha.example").Actor()
	full := directory.SenderLists{Allow: senders(300), Deny: senders(300)}
	h.must(c.SetSenders(h.ctx, by, sato.ID, directory.UserSenders{SenderLists: full}))
	for _, more := range []directory.SenderLists{{Allow: senders(301), Deny: full.Deny}, {Allow: full.Allow, Deny: senders(301)}} {
		h.says(c.SetSenders(h.ctx, by, sato.ID, directory.UserSenders{SenderLists: more}), mail.Full, "filter.lists_full")
	}
	s, err := c.Senders(h.ctx, sato.ID)
	h.must(err)
	if len(s.Allow) != 300 || len(s.Deny) != 300 || s.Version != 1 || !s.AllowPermitted {
		t.Errorf("%d and %d entries at version %d, permitted %v", len(s.Allow), len(s.Deny), s.Version, s.AllowPermitted)
	}
	f := h.holds(sato)
	if f.User.Deny.Match(addr("x@d0299.example")) != "@d0299.example" || f.User.Deny.Match(addr("x@d0300.example")) != "" {
		t.Error("the lists are not heeded as they stand")
	}
	h.says(c.SetSenders(h.ctx, by, sato.ID, directory.UserSenders{Version: 7}), mail.Conflict, "object.changed")
	h.says(c.SetSenders(h.ctx, by, sato.ID, directory.UserSenders{SenderLists: directory.SenderLists{Deny: []mail.SenderPattern{"nobody"}}}), mail.Invalid, "filter.pattern")
	h.must(c.SetSenders(h.ctx, by, sato.ID, directory.UserSenders{SenderLists: directory.SenderLists{Deny: []mail.SenderPattern{"*@BAD.example", "@bad.example", "A@b.example"}}}))
	s, err = c.Senders(h.ctx, sato.ID)
	h.must(err)
	if want := []mail.SenderPattern{"@bad.example", "a@b.example"}; !reflect.DeepEqual(s.Deny, want) {
		t.Errorf("stored is %q, want %q", s.Deny, want)
	}
}

// permit has the company permit users' lists of whose mail is let in, or not.
func permit(h *house, c *directory.Company, on bool) {
	h.Helper()
	s := directory.DefaultFilter()
	s.UserAllow = on
	h.must(c.SetDomainFilter(h.ctx, h.ops, "alpha.example", 0, s))
}

// TestSF5AllowOnlyWherePermitted: without the administrator's permission nothing comes onto a user's list of whose mail is let in; what is there can
// be taken off it.
func TestSF5AllowOnlyWherePermitted(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	by := h.signIn("sato@alpha.example").Actor()
	set := func(allow ...mail.SenderPattern) error {
		return c.SetSenders(h.ctx, by, sato.ID, directory.UserSenders{SenderLists: directory.SenderLists{Allow: allow}, NoDigest: true})
	}
	h.says(set("a@b.example"), mail.Denied, "filter.allow_denied")
	h.must(set())
	permit(h, c, true)
	h.must(set("a@b.example", "c@b.example"))
	permit(h, c, false)
	h.says(set("a@b.example", "d@b.example"), mail.Denied, "filter.allow_denied")
	h.must(set("a@b.example"))
	if f := h.holds(sato); f.UserAllow || !f.NoDigest {
		t.Errorf("holds %+v", f)
	}
}

// TestSF2CompanyLists: up to 1,000 entries each, heeded at once in all its domains.
func TestSF2CompanyLists(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	h.holds(sato)
	h.must(c.SetCompanySenders(h.ctx, h.ops, 0, directory.SenderLists{Allow: senders(1000), Deny: senders(1000)}))
	h.says(c.SetCompanySenders(h.ctx, h.ops, 0, directory.SenderLists{Deny: senders(1001)}), mail.Full, "filter.lists_full")
	h.says(c.SetCompanySenders(h.ctx, h.ops, 9, directory.SenderLists{}), mail.Conflict, "object.changed")
	if f := h.holds(sato); f.Company.Deny.Match(addr("x@d0999.example")) == "" || f.Company.Allow.Match(addr("x@d0000.example")) == "" {
		t.Error("the company's lists are not heeded")
	}
	h.must(c.SetCompanySenders(h.ctx, h.ops, 1, directory.SenderLists{}))
	if f := h.holds(sato); f.Company.Deny != nil {
		t.Error("lists that were emptied are heeded")
	}
}

// TestVC4VirusSettings: whom the company names hears of viruses, and what it chose holds while no engine answers.
func TestVC4VirusSettings(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	h.holds(sato)
	it := addr("it@elsewhere.example")
	h.must(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: directory.VirusMark, QuietAdmins: true, Admins: []mail.Address{it}}))
	f := h.holds(sato)
	if f.Virus.Down != directory.VirusMark || !f.Virus.QuietAdmins || f.Virus.Tell("alpha.example")[0] != it {
		t.Errorf("holds %+v", f.Virus)
	}
	d, err := h.DomainMailFilter(h.ctx, sato.Tenant, sato.Domain)
	h.must(err)
	if !reflect.DeepEqual(d.Virus, f.Virus) {
		t.Errorf("for the domain holds %+v", d.Virus)
	}
	h.says(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: "pass"}), mail.Invalid, "virus.down")
	h.says(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: "mark", Admins: []mail.Address{it, it}}), mail.Invalid, "forward.twice")
	h.says(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: "mark", Admins: make([]mail.Address, 11)}), mail.Full, "virus.admins_full")
}

// TestMailFilterFollowsEveryChange: two directories over one store answer from memory what one that read nothing yet answers.
func TestMailFilterFollowsEveryChange(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	other := houseOn(t, h.store, directory.Config{})
	var people []directory.Account
	for i := range 4 {
		people = append(people, h.account(c, fmt.Sprintf("user%d@alpha.example", i)))
	}
	for i := range 200 {
		who := people[i%len(people)]
		switch i % 7 {
		case 0:
			h.must(c.SetSenders(h.ctx, h.ops, who.ID, directory.UserSenders{SenderLists: directory.SenderLists{Deny: senders(i % 5)}, NoDigest: i%2 == 0}))
		case 1:
			h.must(c.SetCompanySenders(h.ctx, h.ops, 0, directory.SenderLists{Deny: senders(i % 3)}))
		case 2:
			permit(h, c, i%2 == 0)
		case 3:
			h.must(c.SetAccountFilter(h.ctx, h.ops, who.ID, directory.FilterOverride{Threshold: float64(i%50 + 1)}))
		case 4:
			h.must(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: []directory.EngineDown{directory.VirusMark, directory.VirusDefer}[i%2]}))
		case 5:
			h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{GALWide: i%2 == 0}))
		}
		fresh := houseOn(t, h.store, directory.Config{})
		for _, p := range people {
			want := fresh.holds(p)
			for name, warm := range map[string]*house{"the one that wrote": h, "another": other} {
				if got := warm.holds(p); !reflect.DeepEqual(got, want) {
					t.Fatalf("change %d, %s: %+v\nwant %+v", i, name, got, want)
				}
			}
		}
	}
}

// TestFilterGoesWithItsOwner: lists go with their account, settings with their domain.
func TestFilterGoesWithItsOwner(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.domain(c, "beta.example", 10)
	ito := h.account(c, "ito@beta.example")
	h.must(c.SetSenders(h.ctx, h.ops, ito.ID, directory.UserSenders{SenderLists: directory.SenderLists{Deny: senders(1)}}))
	set := directory.DefaultFilter()
	set.Action = directory.SpamPass
	h.must(c.SetDomainFilter(h.ctx, h.ops, "beta.example", 0, set))
	h.destroy(c, ito)
	h.must(c.RemoveDomain(h.ctx, h.ops, "beta.example"))
	for _, kind := range []string{"senders", "mail-filter"} {
		h.must(h.store.Tenant(ito.Tenant).View(h.ctx, func(r store.Reader) error {
			left, err := r.Objects(kind, store.Page{})
			if len(left) != 0 {
				t.Errorf("of %s is left %v", kind, left)
			}
			return err
		}))
	}
}

func BenchmarkMailFilter(b *testing.B) {
	h := newHouse(b, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	h.must(c.SetSenders(h.ctx, h.ops, sato.ID, directory.UserSenders{SenderLists: directory.SenderLists{Deny: senders(300)}}))
	h.holds(sato)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.MailFilter(h.ctx, &sato); err != nil {
			b.Fatal(err)
		}
	}
}
