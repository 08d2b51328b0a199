package billing_test

import (
	"testing"

	"tegami/billing"
	"tegami/directory"
	"tegami/mail"
	"tegami/store/embedded"
	"tegami/store/faulty"
)

// company orders a company.
func company() billing.Wanted {
	return billing.Wanted{
		Kind:    billing.ForTenant,
		Company: billing.Company{Name: "ガンマ工業株式会社", Owner: "tanaka", OwnerIs: "田中 花子"},
		Domain:  billing.Domain{Name: "Gamma.example", Plan: directory.Plan3GB, IDs: 20, Options: []directory.Option{directory.OptionIMAPS}, Vouch: "登記簿で確認"},
		Payer:   billing.Payer{Name: "ガンマ工業株式会社", Address: "東京都千代田区1-1", Email: "keiri@gamma.example", Registration: "Ｔ7-0000-1205-0002"},
	}
}

// TestSV12OrderIsCarriedOut takes an order from its receipt to a company that is there.
func TestSV12OrderIsCarriedOut(t *testing.T) {
	h := newHouse(t)
	o, err := h.Record(h.ctx, h.ops, date(t, "2026-09-11"), company())
	h.must(err)
	if o.Number != "2026-0001" || o.State != billing.Received || o.Promised.String() != "2026-10-01" || o.Recorder != "operator:test" {
		t.Errorf("recorded as %+v", o)
	}
	if o.Domain.Name != "gamma.example" || o.Payer.Registration != "T7000012050002" {
		t.Errorf("recorded for %q, invoices to %q", o.Domain.Name, o.Payer.Registration)
	}
	begun, err := h.Begin(h.ctx, h.ops, o)
	h.must(err)
	_, err = h.Begin(h.ctx, h.ops, billing.Order{ID: o.ID})
	h.says(err, mail.Conflict, "order.state")
	_, err = h.Complete(h.ctx, h.ops, o)
	h.says(err, mail.Conflict, "object.changed")
	done, err := h.Complete(h.ctx, h.ops, begun)
	h.must(err)
	if done.Order.State != billing.Done || done.Order.Opened.IsZero() || done.Password == "" || done.Owner.Address.String() != "tanaka@gamma.example" {
		t.Errorf("completed as %+v", done)
	}
	tenant, err := h.dir.Tenant(h.ctx, done.Order.Tenant)
	h.must(err)
	d, err := h.dir.Company(tenant.ID).Domain(h.ctx, "gamma.example")
	h.must(err)
	if tenant.State != directory.TenantOpen || d.Owner.Reason != "登記簿で確認" || !d.Has(directory.OptionIMAPS) {
		t.Errorf("opened %+v with %+v", tenant, d)
	}
	p, err := h.Payer(h.ctx, tenant.ID)
	h.must(err)
	if p.Name != "ガンマ工業株式会社" || p.By != "operator:test" || p.Doubtful() {
		t.Errorf("invoices go to %+v", p)
	}
	for _, again := range []func() error{
		func() error { _, err := h.Complete(h.ctx, h.ops, billing.Order{ID: o.ID}); return err },
		func() error { _, err := h.Cancel(h.ctx, h.ops, billing.Order{ID: o.ID}, "x"); return err },
		func() error {
			_, err := h.Amend(h.ctx, h.ops, billing.Order{ID: o.ID}, billing.Date{}, company())
			return err
		},
	} {
		h.says(again(), mail.Conflict, "order.state")
	}
}

// TestSV12OrderBrokenOff fails at each commit of a completion: the order stays in progress, and the next call completes it.
func TestSV12OrderBrokenOff(t *testing.T) {
	for failing := 1; ; failing++ {
		st, err := embedded.Open(t.TempDir(), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var plan faulty.Plan
		h := houseOn(t, faulty.Wrap(st, &plan))
		o, err := h.Record(h.ctx, h.ops, date(t, "2026-09-11"), company())
		h.must(err)
		plan.Fail(faulty.Commit, failing, faulty.DiskFull)
		_, err = h.Complete(h.ctx, h.ops, o)
		if err == nil {
			if failing < 5 {
				t.Errorf("only %d commits were made", failing-1)
			}
			h.must(st.Close())
			return
		}
		h.says(err, mail.Unavailable, "storage.full")
		plan.Heal()
		done, err := h.Complete(h.ctx, h.ops, billing.Order{ID: o.ID})
		h.must(err)
		tenants, err := h.dir.Tenants(h.ctx)
		h.must(err)
		if done.Order.State != billing.Done || len(tenants) != 1 || tenants[0].State != directory.TenantOpen {
			t.Errorf("after commit %d failed: %+v, %+v", failing, done.Order, tenants)
		}
		h.must(st.Close())
	}
}

// TestSV12OrdersOfACompany makes a further domain and changes it, each by an order.
func TestSV12OrdersOfACompany(t *testing.T) {
	h := newHouse(t)
	first, err := h.Record(h.ctx, h.ops, date(t, "2026-09-11"), company())
	h.must(err)
	done, err := h.Complete(h.ctx, h.ops, first)
	h.must(err)
	tenant := done.Order.Tenant
	carry := func(w billing.Wanted) error {
		w.Tenant = tenant
		o, err := h.Record(h.ctx, h.ops, date(t, "2026-09-14"), w)
		if err == nil {
			_, err = h.Complete(h.ctx, h.ops, o)
		}
		return err
	}
	sub := billing.Domain{Name: "sub.gamma.example", Plan: directory.Plan10GB, IDs: 10}
	h.must(carry(billing.Wanted{Kind: billing.ForDomain, Domain: sub}))
	h.says(carry(billing.Wanted{Kind: billing.ForDomain, Domain: billing.Domain{Name: "gamma.example", Plan: directory.Plan100MB, IDs: 10}}), mail.Conflict, "domain.exists")
	h.must(carry(billing.Wanted{Kind: billing.ForChange, Domain: billing.Domain{Name: "gamma.example", IDs: 50, NoMore: true}}))
	c := h.dir.Company(tenant)
	d, err := c.Domain(h.ctx, "gamma.example")
	h.must(err)
	if d.IDs != 50 || d.Plan != directory.Plan3GB || len(d.Options()) != 0 {
		t.Errorf("changed to %+v", d)
	}
	d, err = c.Domain(h.ctx, "sub.gamma.example")
	h.must(err)
	if d.Owner.State != directory.OwnerUnverified || d.Plan != directory.Plan10GB {
		t.Errorf("made %+v", d)
	}
	all, err := h.Orders(h.ctx, billing.OrderPage{})
	h.must(err)
	open, err := h.Orders(h.ctx, billing.OrderPage{State: billing.InProgress})
	h.must(err)
	if len(all) != 4 || len(open) != 1 || all[3].Number != "2026-0004" {
		t.Errorf("%d orders, %d in progress", len(all), len(open))
	}
	_, err = h.Cancel(h.ctx, h.ops, open[0], "  ")
	h.says(err, mail.Invalid, "reason.missing")
	gone, err := h.Cancel(h.ctx, h.ops, open[0], "誤って登録")
	h.must(err)
	if gone.State != billing.Cancelled || gone.Reason != "誤って登録" {
		t.Errorf("cancelled as %+v", gone)
	}
}

// TestSV12OrdersRefused refuses orders nobody could carry out.
func TestSV12OrdersRefused(t *testing.T) {
	h := newHouse(t)
	received := date(t, "2026-09-11")
	for key, change := range map[string]func(*billing.Wanted){
		"order.kind":               func(w *billing.Wanted) { w.Kind = "magic" },
		"order.incomplete":         func(w *billing.Wanted) { w.Company.Owner = " " },
		"domain.malformed":         func(w *billing.Wanted) { w.Domain.Name = "a b" },
		"plan.unknown":             func(w *billing.Wanted) { w.Domain.Plan = 5 << 30 },
		"ids.unit":                 func(w *billing.Wanted) { w.Domain.IDs = 15 },
		"option.unknown":           func(w *billing.Wanted) { w.Domain.Options = []directory.Option{"www"} },
		"payer.name":               func(w *billing.Wanted) { w.Payer = billing.Payer{} },
		"payer.text":               func(w *billing.Wanted) { w.Payer.Address = "a\nb" },
		"registration.malformed":   func(w *billing.Wanted) { w.Payer.Registration = "T123" },
		"registration.check_digit": func(w *billing.Wanted) { w.Payer.Registration = "T6000012050002" },
	} {
		w := company()
		change(&w)
		_, err := h.Record(h.ctx, h.ops, received, w)
		h.says(err, mail.Invalid, key)
	}
	w := company()
	w.Domain.Options = []directory.Option{directory.OptionSandbox}
	_, err := h.Record(h.ctx, h.ops, received, w)
	h.says(err, mail.Denied, "option.not_offered")
	_, err = h.Record(h.ctx, h.ops, date(t, "2099-01-01"), company())
	h.says(err, mail.Invalid, "order.future")
	_, err = h.Record(h.ctx, h.ops, date(t, "2025-12-25"), company())
	h.says(err, mail.Conflict, "calendar.exhausted")
	_, err = h.Record(h.ctx, mail.Actor{}, received, company())
	h.says(err, mail.Denied, "actor.denied")
	_, err = h.Record(h.ctx, h.ops, received, billing.Wanted{Kind: billing.ForDomain, Tenant: 12345, Domain: company().Domain})
	h.says(err, mail.NotFound, "tenant.unknown")
	_, err = h.Order(h.ctx, 12345)
	h.says(err, mail.NotFound, "order.unknown")
	if all, _ := h.Orders(h.ctx, billing.OrderPage{}); len(all) != 0 {
		t.Errorf("%d orders were recorded", len(all))
	}
}

// TestSV12PromiseFollowsReceipt promises anew when the day of receipt is corrected, and by the settings of the day.
func TestSV12PromiseFollowsReceipt(t *testing.T) {
	h := newHouse(t)
	o, err := h.Record(h.ctx, h.ops, date(t, "2026-09-11"), company())
	h.must(err)
	o, err = h.Amend(h.ctx, h.ops, o, date(t, "2026-09-14"), company())
	h.must(err)
	if o.Promised.String() != "2026-10-02" {
		t.Errorf("promised for %s", o.Promised)
	}
	_, err = h.Amend(h.ctx, h.ops, o, date(t, "2027-01-05"), company())
	h.says(err, mail.Invalid, "order.year")
	set, version, err := h.Settings(h.ctx)
	h.must(err)
	if set != (billing.Settings{LeadDays: 11, YearEnd: true}) || version != 0 {
		t.Errorf("the settings are %+v, %d", set, version)
	}
	h.must(h.SetSettings(h.ctx, h.ops, 0, billing.Settings{LeadDays: 1}))
	h.says(h.SetSettings(h.ctx, h.ops, 7, billing.Settings{}), mail.Conflict, "object.changed")
	h.says(h.SetSettings(h.ctx, h.ops, 0, billing.Settings{LeadDays: -1}), mail.Invalid, "calendar.days")
	quick, err := h.Record(h.ctx, h.ops, date(t, "2026-09-11"), company())
	h.must(err)
	if quick.Promised.String() != "2026-09-14" {
		t.Errorf("promised for %s", quick.Promised)
	}
}

// TestBL1RegistrationNumbers checks the digit that corporations' numbers have.
func TestBL1RegistrationNumbers(t *testing.T) {
	for text, want := range map[string]struct {
		number string
		fits   bool
	}{
		"T7000012050002":    {"T7000012050002", true}, // the National Tax Agency
		"t7000012050002":    {"T7000012050002", true},
		"T7-0000-1205-0002": {"T7000012050002", true},
		"Ｔ７００００１２０５０００２":      {"T7000012050002", true},
		" T 7000012050002 ":   {"T7000012050002", true},
		"T7000012050003":      {"T7000012050003", false},
		"T8000012050002":      {"T8000012050002", false},
		"T0000012050002":      {},
		"7000012050002":       {},
		"T700001205000":       {},
		"T70000120500022":     {},
		"T7000012O50002":      {},
		"":                    {},
		"T7000012050002; --x": {},
	} {
		number, fits, err := billing.ParseRegistration(text)
		if number != want.number || fits != want.fits || (err == nil) != (want.number != "") {
			t.Errorf("%q is %q, %v, %v", text, number, fits, err)
		}
	}
}

// TestBL1SoleProprietorsAreDoubted takes a sole proprietor's number whose digit does not fit, and says so.
func TestBL1SoleProprietorsAreDoubted(t *testing.T) {
	h := newHouse(t)
	tenant, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: "佐藤商店"})
	h.must(err)
	p := billing.Payer{Name: "佐藤 一郎", Registration: "T8000012050002"}
	h.says(h.SetPayer(h.ctx, h.ops, tenant.ID, 0, p), mail.Invalid, "registration.check_digit")
	p.Sole = true
	h.must(h.SetPayer(h.ctx, h.ops, tenant.ID, 0, p))
	got, err := h.Payer(h.ctx, tenant.ID)
	h.must(err)
	if !got.Doubtful() || got.Version == 0 {
		t.Errorf("invoices go to %+v", got)
	}
	h.says(h.SetPayer(h.ctx, h.ops, tenant.ID, got.Version+1, p), mail.Conflict, "object.changed")
	_, err = h.Payer(h.ctx, 12345)
	h.says(err, mail.NotFound, "tenant.unknown")
	h.says(h.SetPayer(h.ctx, mail.MintActor(mail.Admin, tenant.ID, 1, "x", mail.Origin{}), tenant.ID, 0, p), mail.Denied, "actor.denied")
}
