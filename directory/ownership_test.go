package directory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// TestSV2DomainsShowWhoseTheyAre adds a domain that nobody answers for: it can be set up, and no mail comes or goes until the
// DNS shows its token.
func TestSV2DomainsShowWhoseTheyAre(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	d, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "new.example", Plan: directory.Plan3GB, IDs: 10, Unverified: true})
	h.must(err)
	a := h.account(c, "sato@new.example", directory.RoleOwner)
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), a.ID))
	_, err = h.resolve("sato@new.example")
	h.says(err, mail.Denied, "relay.denied")
	_, err = h.resolve("info@alpha.example")
	h.must(err)
	h.says(h.MaySendAs(h.ctx, a.Tenant, "new.example"), mail.Denied, "domain.unverified")
	h.must(h.MaySendAs(h.ctx, a.Tenant, "alpha.example"))
	h.says(h.MaySendAs(h.ctx, a.Tenant, "elsewhere.example"), mail.Denied, "sender.not_owned")
	h.says(h.MaySendAs(h.ctx, a.Tenant+1, "alpha.example"), mail.Denied, "sender.not_owned")
	owner := h.signIn("sato@new.example").Actor() // to see what is wanted

	name, text := d.Challenge()
	if name != "_tegami-challenge.new.example" || len(text) < len(directory.ChallengePrefix)+26 {
		t.Errorf("the challenge is %q at %q", text, name)
	}
	_, err = c.VerifyDomain(h.ctx, owner, "new.example", []string{"v=spf1 -all", text + "x"})
	h.says(err, mail.Conflict, "domain.no_challenge")
	for range 2 { // again is no error
		d, err = c.VerifyDomain(h.ctx, owner, "new.example", []string{"v=spf1 -all", text})
		h.must(err)
	}
	if d.Owner.State != directory.OwnerVerified || d.Owner.Since.IsZero() || d.Owner.By != "sato@new.example" {
		t.Errorf("owned as %+v", d.Owner)
	}
	_, err = h.resolve("sato@new.example")
	h.must(err)
	h.must(h.MaySendAs(h.ctx, a.Tenant, "new.example"))
}

// TestSV2TokensAreOfOneTenant gives the same name to two companies in turn: what one of them once published shows nothing for the other.
func TestSV2TokensAreOfOneTenant(t *testing.T) {
	h := newHouse(t, directory.Config{})
	spec := directory.DomainSpec{Name: "new.example", Plan: directory.Plan3GB, IDs: 10, Unverified: true}
	a, b := h.company("alpha.example", 10), h.company("beta.example", 10)
	first, err := a.AddDomain(h.ctx, h.ops, spec)
	h.must(err)
	h.must(a.RemoveDomain(h.ctx, h.ops, "new.example"))
	_, err = b.AddDomain(h.ctx, h.ops, spec)
	h.must(err)
	_, text := first.Challenge()
	_, err = b.VerifyDomain(h.ctx, h.ops, "new.example", []string{text})
	h.says(err, mail.Conflict, "domain.no_challenge")
}

// TestSV2OperatorsVouch lets an operator answer for a domain, with a reason.
func TestSV2OperatorsVouch(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	_, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "new.example", Plan: directory.Plan3GB, IDs: 10, Unverified: true})
	h.must(err)
	h.account(c, "sato@new.example", directory.RoleOwner)
	owner := h.signIn("sato@new.example").Actor()
	_, err = c.VouchDomain(h.ctx, owner, "new.example", "it is ours")
	h.says(err, mail.Denied, "actor.denied")
	_, err = c.VouchDomain(h.ctx, h.ops.For(""), "new.example", " ")
	h.says(err, mail.Invalid, "reason.missing")
	d, err := c.VouchDomain(h.ctx, h.ops, "new.example", "登記簿で確認")
	h.must(err)
	if d.Owner.State != directory.OwnerVouched || d.Owner.Reason != "登記簿で確認" || d.Owner.By != "operator:test" {
		t.Errorf("owned as %+v", d.Owner)
	}
	_, err = h.resolve("sato@new.example")
	h.must(err)
}

// TestOptionsBeginAndEnd has an option for a time only, and no restart and no write is needed for it to begin and end (SV-7).
func TestOptionsBeginAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, directory.Config{})
		c := h.company("alpha.example", 10)
		h.account(c, "sato@alpha.example")
		day := 24 * time.Hour
		now := time.Now()
		_, err := c.ChangeDomain(h.ctx, h.ops, "alpha.example", directory.DomainChange{Terms: []directory.Term{
			{Option: directory.OptionIMAPS, From: now.Add(10 * day), Until: now.Add(20 * day)},
			{Option: directory.OptionIMAPS, From: now.Add(30 * day)},
		}})
		h.must(err)
		for i, has := range []bool{false, true, false, true} {
			time.Sleep(day)
			_, err := h.SignIn(h.ctx, from("192.0.2.1"), "imaps", "sato@alpha.example", password)
			if has {
				h.must(err)
			} else {
				h.says(err, mail.Denied, "option.imaps_not_contracted")
			}
			d, err := c.Domain(h.ctx, "alpha.example")
			h.must(err)
			if d.Has(directory.OptionIMAPS) != has || len(d.Options()) == 1 != has {
				t.Errorf("in the %d. time the options are %v", i, d.Options())
			}
			time.Sleep(9 * day)
		}
	})
}

// TestOptionsAreReplacedFromNowOn keeps what was.
func TestOptionsAreReplacedFromNowOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, directory.Config{})
		c := h.company("alpha.example", 10)
		begun := time.Now()
		time.Sleep(time.Hour)
		d, err := c.SetDomainOptions(h.ctx, h.ops, "alpha.example", nil)
		h.must(err)
		if d.Has(directory.OptionIMAPS) || !d.HasAt(directory.OptionIMAPS, begun.Add(time.Minute)) {
			t.Errorf("the terms are %+v", d.Terms)
		}
		time.Sleep(time.Hour)
		for range 2 {
			d, err = c.SetDomainOptions(h.ctx, h.ops, "alpha.example", []directory.Option{directory.OptionIMAPS})
			h.must(err)
		}
		if !d.Has(directory.OptionIMAPS) || len(d.Terms) != 2 || d.HasAt(directory.OptionIMAPS, begun.Add(90*time.Minute)) {
			t.Errorf("the terms are %+v", d.Terms)
		}
	})
}

// TestOptionsRefused refuses terms that cannot be.
func TestOptionsRefused(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	now := time.Now()
	for _, bad := range []struct {
		kind  mail.Kind
		key   string
		terms []directory.Term
	}{
		{mail.Invalid, "option.unknown", []directory.Term{{Option: "www"}}},
		{mail.Denied, "option.not_offered", []directory.Term{{Option: directory.OptionArchive}}},
		{mail.Denied, "option.not_offered", []directory.Term{{Option: directory.OptionSSO}}},
		{mail.Invalid, "option.term", []directory.Term{{Option: directory.OptionIMAPS, From: now, Until: now}}},
		{mail.Invalid, "option.twice", []directory.Term{{Option: directory.OptionIMAPS}, {Option: directory.OptionIMAPS, From: now}}},
		{mail.Full, "option.too_many", make([]directory.Term, directory.MaxTerms+1)},
	} {
		_, err := c.ChangeDomain(h.ctx, h.ops, "alpha.example", directory.DomainChange{Terms: bad.terms})
		h.says(err, bad.kind, bad.key)
	}
}

// TestSV4SmallerPlanIsAccepted changes a plan down although a box holds more: those are listed, and only who accepts it may.
func TestSV4SmallerPlanIsAccepted(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	large, small := h.account(c, "sato@alpha.example"), h.account(c, "suzuki@alpha.example")
	_, err := c.SetDomainPlan(h.ctx, h.ops, "alpha.example", directory.Plan3GB)
	h.must(err)
	h.fill(large, 102<<20)
	h.fill(small, 1<<20)
	over, err := c.BoxesOver(h.ctx, "alpha.example", directory.Plan100MB)
	h.must(err)
	if len(over) != 1 || over[0].Address.String() != "sato@alpha.example" || over[0].Used < 102<<20 {
		t.Errorf("over are %+v", over)
	}
	_, err = c.ChangeDomain(h.ctx, h.ops, "alpha.example", directory.DomainChange{Plan: directory.Plan100MB, IDs: 20})
	h.says(err, mail.Conflict, "plan.boxes_larger")
	if d, _ := c.Domain(h.ctx, "alpha.example"); d.IDs != 10 {
		t.Error("half of a refused change was made")
	}
	d, err := c.ChangeDomain(h.ctx, h.ops, "alpha.example", directory.DomainChange{Plan: directory.Plan100MB, Over: true})
	h.must(err)
	_, err = c.ChangeDomain(h.ctx, h.ops, "alpha.example", directory.DomainChange{Version: d.Version - 1, IDs: 20})
	h.says(err, mail.Conflict, "object.changed")
}
