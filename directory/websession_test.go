package directory_test

import (
	"net/netip"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// browserAt is a browser at an address.
func browserAt(ip string) directory.Browser {
	return directory.Browser{Origin: mail.Origin{Door: "web", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr(ip)}, Agent: "Firefox"}
}

// enter signs somebody in to the pages, putting a second factor off, and gives the session's token.
func (h *house) enter(b directory.Browser, name string) string {
	h.Helper()
	step, err := h.BeginWeb(h.ctx, b, name, password)
	h.must(err)
	if step.Step == directory.StepEnrol {
		step, err = h.PutOff(h.ctx, b, step.Token)
		h.must(err)
	}
	if step.Step != directory.StepDone {
		h.Fatalf("at step %s", step.Step)
	}
	return step.Token
}

func (h *house) calling(b directory.Browser, token string) *directory.Caller {
	h.Helper()
	c, err := h.CallerBySession(h.ctx, b.Origin, token)
	h.must(err)
	return c
}

// over wants a session that is none any more, for a reason.
func (h *house) over(b directory.Browser, token, key string) {
	h.Helper()
	_, err := h.CallerBySession(h.ctx, b.Origin, token)
	h.says(err, mail.Denied, key)
}

// TestCP9SessionsEnd: by their holder, by an administrator in whose scope he is, and with what they stand on.
func TestCP9SessionsEnd(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "owner@alpha.example", directory.RoleOwner)
	a := h.account(c, "sato@alpha.example")
	b := browserAt("192.0.2.1")
	first, second := h.enter(b, "sato@alpha.example"), h.enter(browserAt("192.0.2.2"), "sato@alpha.example")
	me := h.calling(b, first)
	list, err := h.OwnSessions(h.ctx, me)
	h.must(err)
	if len(list) != 2 || list[0].Agent != "Firefox" || list[0].Current == list[1].Current || list[0].Method != directory.FactorPassword {
		t.Fatalf("%+v", list)
	}
	h.must(h.EndOtherSessions(h.ctx, me))
	h.over(b, second, "auth.failed")
	h.calling(b, first)

	owner := h.calling(b, h.enter(b, "owner@alpha.example"))
	seen, err := c.AccountSessions(h.ctx, a.ID)
	h.must(err)
	if len(seen) != 1 {
		t.Fatalf("%+v", seen)
	}
	h.says(c.EndAccountSession(h.ctx, me.Actor(), owner.Identity().Account().ID, 0), mail.Denied, "actor.denied")
	h.must(c.EndAccountSession(h.ctx, owner.Actor(), a.ID, seen[0].ID))
	h.over(b, first, "auth.failed")

	third := h.enter(b, "sato@alpha.example")
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountSuspended))
	h.over(b, third, "account.suspended")
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountActive))
	h.calling(b, third)
	h.must(c.SetPassword(h.ctx, h.ops, a.ID, "another good password"))
	h.over(b, third, "auth.changed")
	for _, none := range []string{"", "x", third[:63], third + "A"} {
		h.over(b, none, "auth.failed")
	}
}

// TestCP9OwnPasswordKeepsOneSession: who changes it stays signed in, everybody else is out.
func TestCP9OwnPasswordKeepsOneSession(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	b := browserAt("192.0.2.1")
	mine, other := h.enter(b, "sato@alpha.example"), h.enter(b, "sato@alpha.example")
	me := h.calling(b, mine)
	h.says(h.ChangeOwnPassword(h.ctx, me, "wrong", "another good password"), mail.Invalid, "password.wrong")
	h.says(h.ChangeOwnPassword(h.ctx, me, password, password), mail.Invalid, "password.used")
	h.says(h.ChangeOwnPassword(h.ctx, me, password, "sato-2026-sato"), mail.Invalid, "password.guessable")
	h.must(h.ChangeOwnPassword(h.ctx, me, password, "another good password"))
	h.calling(b, mine)
	h.over(b, other, "auth.failed")
}

// TestCP9LostRole takes effect at the next request.
func TestCP9LostRole(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "owner@alpha.example", directory.RoleOwner)
	a := h.account(c, "desk@alpha.example", directory.RoleHelpDesk)
	b := browserAt("192.0.2.1")
	token := h.enter(b, "desk@alpha.example")
	if !h.calling(b, token).May(directory.RightPasswords) {
		t.Fatal("the help desk may not")
	}
	h.must(c.SetRoles(h.ctx, h.ops, a.ID, nil))
	if h.calling(b, token).May(directory.RightPasswords) {
		t.Error("who lost the role still may")
	}
}

// TestCP9MailNeedsAppPasswords: who has a second factor signs in to mail software with an app password, unless the company wants it otherwise.
func TestCP9MailNeedsAppPasswords(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	b := browserAt("192.0.2.1")
	me := h.calling(b, h.enter(b, "sato@alpha.example"))
	h.addApp(me)
	_, err := h.SignIn(h.ctx, from("192.0.2.1"), "imaps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "auth.app_password_needed")
	_, app, err := h.AddOwnAppPassword(h.ctx, me, directory.AppPasswordSpec{Name: "phone"})
	h.must(err)
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "imaps", "sato@alpha.example", app)
	h.must(err)

	s, err := c.Security(h.ctx)
	h.must(err)
	s.Factors.MailPasswords = true
	_, err = c.SetSecurity(h.ctx, h.ops, s.SecurityPolicy, s.Version)
	h.must(err)
	h.signIn("sato@alpha.example")

	// Taken away, with what stood in for it. The owner of the account must set up a new one, if anybody asks.
	h.must(c.RemoveFactors(h.ctx, h.ops, a.ID))
	f, err := c.AccountFactors(h.ctx, a.ID)
	h.must(err)
	if !f.App.IsZero() || f.Recovery != 0 {
		t.Errorf("%+v", f)
	}
	h.says(c.RemoveFactors(h.ctx, h.ops, a.ID), mail.NotFound, "factor.none")
	h.enter(b, "sato@alpha.example")
}

// addApp sets up an authenticator app.
func (h *house) addApp(me *directory.Caller) {
	h.Helper()
	e, err := h.BeginOwnApp(h.ctx, me)
	h.must(err)
	_, err = h.AddOwnApp(h.ctx, me, "000000x")
	h.says(err, mail.Invalid, "auth.code_wrong")
	_, err = h.AddOwnApp(h.ctx, me, directory.CodeNow(e.Secret))
	h.must(err)
}

// TestSV9AccessRules: a company closes its doors to the outside, for sign-in and for who is in, and its owner can't lock himself out.
func TestSV9AccessRules(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "owner@alpha.example", directory.RoleOwner)
	b := browserAt("192.0.2.1")
	owner := h.calling(b, h.enter(b, "owner@alpha.example"))
	mailer := h.signIn("owner@alpha.example")
	away := h.enter(browserAt("198.51.100.7"), "owner@alpha.example")
	office := directory.AccessRule{Mode: directory.AccessListed, Networks: prefixes("192.0.2.0/25")}
	s := directory.DefaultSecurity()
	s.Access.Rules = map[directory.Door]directory.AccessRule{directory.DoorPanel: office, directory.DoorWeb: office, directory.DoorSMTP: {Mode: directory.AccessNone}}
	made, err := c.SetSecurity(h.ctx, owner.Actor(), s, 0)
	h.must(err)
	if !made.RevertAt.IsZero() || made.ChangedBy != "owner@alpha.example" {
		t.Errorf("%+v", made)
	}
	h.over(browserAt("198.51.100.7"), away, "access.network")
	_, err = h.BeginWeb(h.ctx, browserAt("198.51.100.7"), "owner@alpha.example", password)
	h.says(err, mail.Denied, "access.network")
	_, err = h.SignIn(h.ctx, from("192.0.2.1"), "smtps", "owner@alpha.example", password)
	h.says(err, mail.Denied, "access.network")
	h.says(h.StillValid(h.ctx, mailer), mail.Denied, "access.network")
	_, err = h.SignIn(h.ctx, from("198.51.100.7"), "pop3s", "owner@alpha.example", password)
	h.must(err)

	office.Networks = prefixes("203.0.113.0/24")
	s.Access.Rules[directory.DoorPanel] = office
	made, err = c.SetSecurity(h.ctx, owner.Actor(), s, made.Version)
	h.must(err)
	if made.RevertAt.IsZero() {
		t.Fatal("he locked himself out for good")
	}
	h.says(c.ConfirmAccess(h.ctx, owner.Actor()), mail.Denied, "access.network")
	h.must(c.ConfirmAccess(h.ctx, h.ops))
	h.says(c.ConfirmAccess(h.ctx, h.ops), mail.Conflict, "access.nothing_to_confirm")

	for i := range 200 {
		office.Networks = append(office.Networks, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24))
	}
	s.Access.Rules[directory.DoorPanel] = office
	_, err = c.SetSecurity(h.ctx, h.ops, s, 0)
	h.says(err, mail.Full, "access.too_many")
}

// TestCP9SignInLog: what opened and what did not, joined where it is alike.
func TestCP9SignInLog(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	for range 5 {
		h.signIn("sato@alpha.example")
	}
	_, err := h.SignIn(h.ctx, from("198.51.100.7"), "imaps", "sato@alpha.example", "wrong")
	h.says(err, mail.Denied, "auth.failed")
	b := browserAt("192.0.2.1")
	me := h.calling(b, h.enter(b, "sato@alpha.example"))
	list, err := h.OwnSignIns(h.ctx, me)
	h.must(err)
	if len(list) != 3 || list[0].Protocol != "web" || list[0].Agent != "Firefox" || !list[0].OK ||
		list[1].OK || list[1].Reason != "auth.failed" || list[1].Remote != netip.MustParseAddr("198.51.100.7") || list[2].Protocol != "smtps" {
		t.Errorf("%+v", list)
	}
	now, err := c.Account(h.ctx, a.ID)
	h.must(err)
	if now.LastSignIn.IsZero() {
		t.Error("the account does not know")
	}
}

// TestCP9PasswordPolicy: length, history and age, as the company wants them, within what operators allow.
func TestCP9PasswordPolicy(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "owner@alpha.example", directory.RoleOwner)
	b := browserAt("192.0.2.1")
	owner := h.calling(b, h.enter(b, "owner@alpha.example"))
	s := directory.DefaultSecurity()
	s.Passwords.MinLength = 8
	_, err := c.SetSecurity(h.ctx, owner.Actor(), s, 0)
	h.says(err, mail.Invalid, "security.bounds")
	s.Passwords.History = 2
	_, err = c.SetSecurity(h.ctx, h.ops, s, 0)
	h.must(err)
	id := owner.Identity().Account().ID
	for _, step := range []struct{ password, refusal string }{
		{"8 green", "password.too_short"}, {"green tea 8", ""}, {"black tea 9", ""}, {"green tea 8", "password.used"},
		{"white tea 0", ""}, {"green tea 8", ""},
	} {
		err := c.SetPassword(h.ctx, owner.Actor(), id, step.password)
		if key, _ := mail.TextOf(err); key != step.refusal {
			t.Errorf("%q: %v", step.password, err)
		}
	}
}
