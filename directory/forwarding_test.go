package directory_test

import (
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/mailauth/srs"
)

// TestML5ForwardingModes holds targets against each mode, when they are set up and later.
func TestML5ForwardingModes(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.domain(c, "second.example", 10)
	h.company("beta.example", 10)
	a := h.account(c, "sato@alpha.example")
	for _, x := range []struct {
		mode          directory.ForwardMode
		own, ext, lst bool
	}{
		{directory.ForwardDeny, false, false, false},
		{directory.ForwardInternal, true, false, false},
		{directory.ForwardListed, true, false, true},
		{directory.ForwardAny, true, true, true},
	} {
		h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{AdminForward: x.mode, UserForward: x.mode, ForwardDomains: []string{"Listed.example"}}))
		for to, want := range map[string]bool{"x@second.example": x.own, "x@beta.example": x.ext, "x@elsewhere.example": x.ext, "x@listed.example": x.lst} {
			err := h.MayForward(h.ctx, a.Tenant, addr(to), true)
			set := c.SetForwarding(h.ctx, h.ops, a.ID, directory.Forwarding{To: []mail.Address{addr(to)}})
			for _, err := range []error{err, set} {
				if want && err != nil || !want && !mail.Is(err, mail.Denied) {
					t.Errorf("%s to %s: %v, allowed is %v", x.mode, to, err, want)
				}
			}
		}
	}
	h.must(c.SetForwarding(h.ctx, h.ops, a.ID, directory.Forwarding{To: []mail.Address{addr("x@elsewhere.example")}, Keep: true}))
	if got, err := h.resolve("sato@alpha.example"); err != nil || !got.Account.Forward.Keep || got.Account.Forward.To[0] != addr("x@elsewhere.example") {
		t.Errorf("the account forwards to %+v, %v", got.Account.Forward, err)
	}
	for key, f := range map[string]directory.Forwarding{
		"forward.self":      {To: []mail.Address{addr("Sato@alpha.example")}},
		"forward.twice":     {To: []mail.Address{addr("a@b.example"), addr("A@b.example")}},
		"address.malformed": {To: []mail.Address{{}}},
	} {
		h.says(c.SetForwarding(h.ctx, h.ops, a.ID, f), mail.Invalid, key)
	}
	h.says(c.SetForwarding(h.ctx, h.ops, a.ID, directory.Forwarding{To: make([]mail.Address, 6)}), mail.Full, "forward.too_many")
	h.must(c.SetForwarding(h.ctx, h.ops, a.ID, directory.Forwarding{}))
	if got, _ := h.resolve("sato@alpha.example"); got.Account.Forward.On() {
		t.Error("forwarding did not end")
	}
}

func TestSettings(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "boss@alpha.example", directory.RoleOwner)
	s, err := c.Settings(h.ctx)
	h.must(err)
	if s.UserForward != directory.ForwardInternal || s.AdminForward != directory.ForwardAny || s.DMARCOverride != directory.DMARCReject {
		t.Errorf("defaults are %+v", s)
	}
	s.AccountRate, s.NoticeLang, s.DMARCOverride = directory.Rate{Hour: 100, Day: 500}, "ja", directory.DMARCAccept
	h.must(c.SetSettings(h.ctx, h.signIn("boss@alpha.example").Actor(), s))
	if got, err := c.Settings(h.ctx); err != nil || got.AccountRate.Day != 500 || got.NoticeLang != "ja" || got.DMARCOverride != directory.DMARCAccept {
		t.Errorf("settings are %+v, %v", got, err)
	}
	s.TenantRate.Day = directory.MaxRate // ML-10: what the platform allows is not for the tenant to say
	h.says(c.SetSettings(h.ctx, h.signIn("boss@alpha.example").Actor(), s), mail.Denied, "actor.denied")
	h.must(c.SetSettings(h.ctx, h.ops, s))
	s.NoticeLang = "en"
	h.must(c.SetSettings(h.ctx, h.signIn("boss@alpha.example").Actor(), s))
	for key, s := range map[string]directory.Settings{
		"settings.mode":     {UserForward: "some"},
		"settings.rate":     {TenantRate: directory.Rate{Day: -1}},
		"settings.override": {DMARCOverride: "maybe"},
		"settings.zone":     {Zone: "Asia/Atlantis"},
		"domain.malformed":  {ForwardDomains: []string{"a b"}},
		"lang.unknown":      {NoticeLang: "fr"},
	} {
		h.says(c.SetSettings(h.ctx, h.ops, s), mail.Invalid, key)
	}
	h.says(c.SetSettings(h.ctx, h.ops, directory.Settings{ForwardDomains: make([]string, 1001)}), mail.Full, "settings.domains_full")
}

// TestML10StopSending stops an account that can still sign in.
func TestML10StopSending(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	user := h.signIn("sato@alpha.example")
	platform := mail.MintActor(mail.Platform, 0, 0, "platform:test", mail.Origin{})
	h.says(c.StopSending(h.ctx, user.Actor(), a.ID, "sending.hijacked"), mail.Denied, "actor.denied")
	h.must(c.StopSending(h.ctx, platform, a.ID, "sending.hijacked"))
	if now, err := h.Current(h.ctx, user); err != nil || now.SendingStopped != "sending.hijacked" {
		t.Errorf("%+v, %v", now, err)
	}
	h.says(c.ResumeSending(h.ctx, platform, a.ID), mail.Denied, "actor.denied")
	h.must(c.ResumeSending(h.ctx, h.ops, a.ID))
	if now, err := h.Current(h.ctx, user); err != nil || now.SendingStopped != "" {
		t.Errorf("%+v, %v", now, err)
	}
}

// TestReturnPaths resolves what tokens make, and nothing that they did not make.
func TestReturnPaths(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	long := strings.Repeat("long", 9) + "@a.rather.long.domain.example"
	l := h.list(c, "team@alpha.example", "x@elsewhere.example", long, "a..b@docomo.ne.jp")
	other := h.list(c, "other@alpha.example", "x@elsewhere.example")
	tokens, err := h.Tokens(h.ctx)
	h.must(err)
	want := func(to string, kind directory.TargetKind) directory.Target {
		t.Helper()
		got, err := h.resolve(to)
		if err != nil || got.Kind != kind {
			t.Errorf("%s leads to %+v, %v", to, got, err)
		}
		return got
	}
	nobody := func(to string) {
		t.Helper()
		_, err := h.resolve(to)
		h.says(err, mail.NotFound, "recipient.unknown")
	}

	sender := addr("tanaka@customer.example")
	back := tokens.Return(sender, "alpha.example", time.Now())
	if got := want(back.String(), directory.TargetReturn); got.Original != sender {
		t.Errorf("the original of %s is %s", back, got.Original)
	}
	nobody(strings.Replace(back.String(), "tanaka", "suzuki", 1))
	far := tokens.Return(addr(long), "alpha.example", time.Now()) // longer than an address of ours may be
	if parsed, err := mail.ParseAddress(far.String()); err != nil || len(far.Local) <= mail.MaxLocalPart || want(parsed.String(), directory.TargetReturn).Original != addr(long) {
		t.Errorf("%s is read as %s, %v", far, parsed, err)
	}
	nobody(tokens.Return(sender, "alpha.example", time.Now().Add(-30*24*time.Hour)).String())
	if !srs.IsSRS(back.Local) || tokens.Return(mail.Address{}, "alpha.example", time.Now()) != (mail.Address{}) {
		t.Errorf("%s is no address of SRS, or the null sender changed", back)
	}

	members, err := c.Members(h.ctx, l.ID)
	h.must(err)
	for _, m := range members {
		to := tokens.Bounce(&l, &m)
		if len(to.Local) > mail.MaxLocalPart {
			t.Errorf("%s is too long", to)
		}
		if got := want(to.String(), directory.TargetListBounce); got.Member != m.Address || got.List.ID != l.ID {
			t.Errorf("%s bounces for %s", to, got.Member)
		}
		want(strings.ToUpper(to.Local)+"@"+to.Domain, directory.TargetListBounce)
		nobody(strings.Replace(to.String(), "team", "other", 1))
		nobody(to.Local[:len(to.Local)-1] + "!@" + to.Domain)

		leave, token := tokens.Unsubscribe(&l, &m)
		if got := want(leave.String(), directory.TargetListUnsubscribe); got.Member != m.Address || len(leave.Local) > mail.MaxLocalPart {
			t.Errorf("%s is for %s", leave, got.Member)
		}
		nobody(strings.Replace(leave.String(), "team", "other", 1))
		h.says(h.Unsubscribe(h.ctx, token[:len(token)-1]+"!"), mail.NotFound, "list.token_invalid")
		for range 2 { // the second time changes nothing
			if from, err := h.Subscription(h.ctx, token); err != nil || from != l.Address.String() {
				t.Errorf("the link is for %s, %v", from, err)
			}
			h.must(h.Unsubscribe(h.ctx, token))
		}
	}
	if h.members(c, l) != "" || h.members(c, other) != "x@elsewhere.example" {
		t.Errorf("left behind: %q, %q", h.members(c, l), h.members(c, other))
	}

	want("team-bounces@alpha.example", directory.TargetListBounce)
	want("Team-Owner@alpha.example", directory.TargetListOwner)
	want("team-request@alpha.example", directory.TargetListOwner)
	want("team-unsubscribe@alpha.example", directory.TargetListUnsubscribe)
	want("dmarc-reports@alpha.example", directory.TargetReport)
	nobody("team-bounces+x@alpha.example")
	nobody("team-owner+x@alpha.example")
	nobody("nolist-owner@alpha.example")
	nobody("-owner@alpha.example")
	h.account(c, "team-owner@alpha.example")
	want("team-owner@alpha.example", directory.TargetAccount)
}

// TestTokensRotate keeps what older secrets proved, as long as they are kept.
func TestTokensRotate(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.company("alpha.example", 10)
	tokens, err := h.Tokens(h.ctx)
	h.must(err)
	back := tokens.Return(addr("tanaka@customer.example"), "alpha.example", time.Now())
	for range directory.MaxSecrets - 1 {
		h.must(h.RotateTokens(h.ctx, h.ops))
		if _, err := h.resolve(back.String()); err != nil {
			t.Errorf("after a rotation: %v", err)
		}
	}
	now, err := h.Tokens(h.ctx)
	h.must(err)
	if now.Return(addr("tanaka@customer.example"), "alpha.example", time.Now()) == back {
		t.Error("the secret did not change")
	}
	h.must(h.RotateTokens(h.ctx, h.ops))
	_, err = h.resolve(back.String())
	h.says(err, mail.NotFound, "recipient.unknown")
	h.says(h.RotateTokens(h.ctx, mail.Actor{}), mail.Denied, "actor.denied")
}

// TestZoneOfACompany: a company that says nothing, or nothing known, lives in Japan's time.
func TestZoneOfACompany(t *testing.T) {
	summer := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for zone, want := range map[string]int{"": 9, "No/Where": 9, "Asia/Tokyo": 9, "Europe/Berlin": 2, "UTC": 0} {
		s := directory.Settings{Zone: zone}
		if _, seconds := summer.In(s.Location()).Zone(); seconds != want*3600 {
			t.Errorf("%q: %d seconds east", zone, seconds)
		}
	}
}
