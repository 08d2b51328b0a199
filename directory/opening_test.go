package directory_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store/embedded"
	"tegami/store/faulty"
)

// gamma is a company to be opened.
func gamma() directory.Opening {
	return directory.Opening{
		Tenant: directory.TenantSpec{Name: "ガンマ工業株式会社"},
		Domain: directory.DomainSpec{Name: "gamma.example", Plan: directory.Plan3GB, IDs: 20, Options: []directory.Option{directory.OptionIMAPS}},
		Owner:  directory.AccountSpec{Address: mail.Address{Local: "tanaka"}, Name: "田中 花子"},
	}
}

// TestSV12OneStep opens a company with its domain and first owner, who is there at once.
func TestSV12OneStep(t *testing.T) {
	h := newHouse(t, directory.Config{})
	made, err := h.Open(h.ctx, h.ops, gamma())
	h.must(err)
	if made.Tenant.State != directory.TenantOpen || made.Domain.IDs != 20 || !made.Domain.Has(directory.OptionIMAPS) || !made.Owner.Has(directory.RoleOwner) {
		t.Errorf("made %+v", made)
	}
	if len(made.Password) < 12 || !made.Owner.MustChange {
		t.Errorf("the password %q must be changed: %v", made.Password, made.Owner.MustChange)
	}
	_, err = h.resolve("tanaka@gamma.example")
	h.must(err)

	again, err := h.Open(h.ctx, h.ops, gamma())
	h.must(err)
	if again.Tenant.ID != made.Tenant.ID || again.Owner.ID != made.Owner.ID || again.Password != "" {
		t.Errorf("the same again made %+v", again)
	}
	other := gamma()
	other.Tenant.Name = "Somebody else"
	_, err = h.Open(h.ctx, h.ops, other)
	h.says(err, mail.Conflict, "domain.taken")
	if all, _ := h.Tenants(h.ctx); len(all) != 1 {
		t.Errorf("%d companies", len(all))
	}
}

// TestSV12StartsOnItsDate opens a company whose service begins later: it is all there, and does nothing before (CP-2).
func TestSV12StartsOnItsDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, directory.Config{})
		want := gamma()
		want.Owner.Password = password
		want.Tenant.Start = time.Now().Add(240 * time.Hour)
		made, err := h.Open(h.ctx, h.ops, want)
		h.must(err)
		_, err = h.resolve("tanaka@gamma.example")
		h.says(err, mail.NotFound, "recipient.unknown")
		time.Sleep(240 * time.Hour)
		_, err = h.resolve("tanaka@gamma.example")
		h.must(err)
		if made.Password != password {
			t.Errorf("the password is %q", made.Password)
		}
	})
}

// TestSV12NothingHalfDone fails at each commit of an opening: nobody outside sees anything until all is there, and the same call
// completes it.
func TestSV12NothingHalfDone(t *testing.T) {
	for failing := 1; ; failing++ {
		st, err := embedded.Open(t.TempDir(), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var plan faulty.Plan
		h := houseOn(t, faulty.Wrap(st, &plan), directory.Config{})
		plan.Fail(faulty.Commit, failing, faulty.DiskFull)
		_, err = h.Open(h.ctx, h.ops, gamma())
		if err == nil {
			if failing < 4 {
				t.Errorf("only %d commits were made", failing-1)
			}
			h.must(st.Close())
			return
		}
		h.says(err, mail.Unavailable, "storage.full")
		all, err := h.Tenants(h.ctx)
		h.must(err)
		if _, err := h.resolve("tanaka@gamma.example"); err == nil && (len(all) != 1 || all[0].State != directory.TenantOpen) {
			t.Errorf("after commit %d failed there is mail for %+v", failing, all)
		}
		plan.Heal()
		made, err := h.Open(h.ctx, h.ops, gamma())
		h.must(err)
		if made.Tenant.State != directory.TenantOpen || !made.Owner.Has(directory.RoleOwner) {
			t.Errorf("after commit %d failed, completed as %+v", failing, made)
		}
		if made.Password != "" {
			// It is the right one, whatever else stands before a sign-in.
			_, err = h.SignIn(h.ctx, from("192.0.2.1"), "web", "tanaka@gamma.example", made.Password)
			if key, _ := mail.TextOf(err); key == "auth.failed" {
				t.Errorf("after commit %d failed, the password told is not the owner's", failing)
			}
		}
		_, err = h.resolve("tanaka@gamma.example")
		h.must(err)
		if all, _ = h.Tenants(h.ctx); len(all) != 1 {
			t.Errorf("after commit %d failed there are %d companies", failing, len(all))
		}
		h.must(st.Close())
	}
}

// TestSV12Refused refuses what cannot be before anything is written.
func TestSV12Refused(t *testing.T) {
	h := newHouse(t, directory.Config{})
	for key, change := range map[string]func(*directory.Opening){
		"name.malformed":     func(o *directory.Opening) { o.Tenant.Name = " " },
		"domain.malformed":   func(o *directory.Opening) { o.Domain.Name = "nowhere" },
		"plan.unknown":       func(o *directory.Opening) { o.Domain.Plan = 5 << 30 },
		"ids.unit":           func(o *directory.Opening) { o.Domain.IDs = 15 },
		"option.unknown":     func(o *directory.Opening) { o.Domain.Options = []directory.Option{"www"} },
		"address.reserved":   func(o *directory.Opening) { o.Owner.Address.Local = "postmaster" },
		"domain.unknown":     func(o *directory.Opening) { o.Owner.Address = addr("tanaka@elsewhere.example") },
		"password.malformed": func(o *directory.Opening) { o.Owner.Password = "a\x00b" },
		"lang.unknown":       func(o *directory.Opening) { o.Tenant.Lang = "tlh" },
	} {
		want := gamma()
		change(&want)
		_, err := h.Open(h.ctx, h.ops, want)
		h.says(err, mail.Invalid, key)
	}
	want := gamma()
	want.Domain.Options = []directory.Option{directory.OptionAudit}
	_, err := h.Open(h.ctx, h.ops, want)
	h.says(err, mail.Denied, "option.not_offered")
	_, err = h.Open(h.ctx, mail.Actor{}, gamma())
	h.says(err, mail.Denied, "actor.denied")
	if all, _ := h.Tenants(h.ctx); len(all) != 0 {
		t.Errorf("%d companies were recorded", len(all))
	}
}

// TestCP2ProvisionedIsNotOpen holds a company back: operators set it up, its people do nothing, though its date has passed.
func TestCP2ProvisionedIsNotOpen(t *testing.T) {
	h := newHouse(t, directory.Config{})
	want := gamma()
	want.Hold = true
	made, err := h.Open(h.ctx, h.ops, want)
	h.must(err)
	if made.Tenant.State != directory.TenantProvisioned {
		t.Fatalf("the state is %s", made.Tenant.State)
	}
	c := h.Company(made.Tenant.ID)
	admin := mail.MintActor(mail.Admin, made.Tenant.ID, made.Owner.ID, "tanaka", mail.Origin{})
	h.says(c.AddAlias(h.ctx, admin, addr("info@gamma.example"), made.Owner.ID), mail.Denied, "tenant.not_open")
	_, err = h.resolve("tanaka@gamma.example")
	h.says(err, mail.NotFound, "recipient.unknown")
	_, err = h.SetTenantState(h.ctx, h.ops, made.Tenant.ID, directory.TenantOpen)
	h.must(err)
	h.must(c.AddAlias(h.ctx, admin, addr("info@gamma.example"), made.Owner.ID))
}

// TestCP2DatesAreThoseOfTheContract names the day as the contract has it, whatever zone it was written in.
func TestCP2DatesAreThoseOfTheContract(t *testing.T) {
	start := time.Date(2099, 3, 31, 15, 0, 0, 0, time.UTC) // midnight in Tokyo
	if got := (directory.Tenant{Start: start}).StartDate(); got != "2099-04-01" {
		t.Errorf("the start is %s", got)
	}
}

// TestTenantsChangeByVersion changes contracts only as they were read.
func TestTenantsChangeByVersion(t *testing.T) {
	h := newHouse(t, directory.Config{})
	first := h.tenant(directory.TenantSpec{Networks: prefixes("10.1.0.0/16")})
	now, err := h.ChangeTenant(h.ctx, h.ops, first.ID, directory.TenantChange{Version: first.Version, Name: "改名株式会社", Networks: []netip.Prefix{}})
	h.must(err)
	if now.Name != "改名株式会社" || len(now.Networks) != 0 || now.Version <= first.Version {
		t.Errorf("changed to %+v", now)
	}
	_, err = h.ChangeTenant(h.ctx, h.ops, first.ID, directory.TenantChange{Version: first.Version, Lang: "en"})
	h.says(err, mail.Conflict, "object.changed")
	same, err := h.ChangeTenant(h.ctx, h.ops, first.ID, directory.TenantChange{})
	h.must(err)
	read, err := h.Tenant(h.ctx, first.ID)
	h.must(err)
	if same.Version != now.Version || read.Version != now.Version {
		t.Errorf("versions %d, %d, want %d", same.Version, read.Version, now.Version)
	}
}
