package directory_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/sasl"
)

// app makes an app password for an account.
func (h *house) app(c *directory.Company, id mail.AccountID, scopes ...directory.Scope) (directory.AppPassword, string) {
	h.Helper()
	made, secret, err := c.AddAppPassword(h.ctx, h.ops, id, directory.AppPasswordSpec{Name: "telephone", Scopes: scopes})
	h.must(err)
	return made, secret
}

// tries signs in by a password over PLAIN and SCRAM and wants the same answer of both: "" for none.
func (h *house) tries(to directory.Protocol, user, password, key string) *directory.Identity {
	h.Helper()
	v := h.Verifier(from("127.0.0.1"), to)
	plain, scrammed := v.Password(h.ctx, user, password), scram(h, v, user, password)
	for name, err := range map[string]error{"PLAIN": plain, "SCRAM": scrammed} {
		if got, _ := mail.TextOf(err); got != key || (err == nil) != (key == "") {
			h.Errorf("%s to %s: %v, want %q", name, to, err, key)
		}
	}
	return v.Identity()
}

// TestAppPasswords opens the doors of its scopes beside the account's own password, until it is revoked.
func TestAppPasswords(t *testing.T) {
	const user = "sato@alpha.example"
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, user)
	anywhere, secret := h.app(c, a.ID)
	reading, readSecret := h.app(c, a.ID, directory.ScopeIMAP, directory.ScopePOP3)
	if len(strings.ReplaceAll(secret, "-", "")) != 26 || secret == readSecret {
		t.Fatalf("%q is no 128 bits of its own", secret)
	}

	for _, to := range []directory.Protocol{"imaps", "imap", "pop3", "pop3s", "smtp", "smtps", "submission", "sieve"} {
		h.tries(to, user, secret, "")
	}
	h.tries("web", user, secret, "auth.scope")
	h.tries("web", user, password, "")
	h.tries("imaps", user, readSecret, "")
	h.tries("smtps", user, readSecret, "auth.scope")
	h.tries("smtps", user, password, "")
	h.tries("smtps", user, secret+"x", "auth.failed")
	h.tries("smtps", user, strings.ReplaceAll(secret, "-", ""), "auth.failed")
	h.tries("smtps", "nobody@alpha.example", secret, "auth.failed")

	list, err := c.AppPasswords(h.ctx, a.ID)
	h.must(err)
	if len(list) != 2 || list[0].ID != anywhere.ID || list[1].Name != "telephone" || len(list[1].Scopes) != 2 ||
		time.Since(list[0].Created) > time.Minute || time.Since(list[0].Used) > 2*time.Hour || list[0].Used.IsZero() {
		t.Errorf("%+v", list)
	}

	byApp, byPassword := h.tries("imaps", user, readSecret, ""), h.tries("imaps", user, password, "")
	h.must(c.RevokeAppPassword(h.ctx, h.ops, a.ID, reading.ID))
	h.tries("imaps", user, readSecret, "auth.failed")
	h.says(h.StillValid(h.ctx, byApp), mail.Denied, "auth.changed")
	h.must(h.StillValid(h.ctx, byPassword))
	h.must(h.StillValid(h.ctx, h.tries("imaps", user, secret, "")))
	h.says(c.RevokeAppPassword(h.ctx, h.ops, a.ID, reading.ID), mail.NotFound, "app_password.unknown")
}

// TestAppPasswordsStay when the account's own password changes or was never set, and go with the account.
func TestAppPasswordsStay(t *testing.T) {
	const user = "sato@alpha.example"
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(user)})
	h.must(err)
	_, secret := h.app(c, a.ID)
	byApp := h.tries("imaps", user, secret, "")
	h.tries("imaps", user, "", "auth.failed")
	for _, password := range []string{"the first password", "the second password"} {
		h.must(c.SetPassword(h.ctx, h.ops, a.ID, password))
		h.tries("imaps", user, password, "")
		h.tries("imaps", user, secret, "")
	}
	h.tries("imaps", user, "the first password", "auth.failed")
	h.must(h.StillValid(h.ctx, byApp))

	h.destroy(c, a)
	h.says(h.StillValid(h.ctx, byApp), mail.Denied, "account.suspended")
	h.account(c, user)
	h.tries("imaps", user, secret, "auth.failed")
}

// TestAppPasswordRules: how many there may be, what they are called, whose they are.
func TestAppPasswordRules(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a, b := h.account(c, "sato@alpha.example"), h.account(c, "suzuki@alpha.example")
	add := func(by mail.Actor, id mail.AccountID, spec directory.AppPasswordSpec) error {
		_, _, err := c.AddAppPassword(h.ctx, by, id, spec)
		return err
	}
	good := directory.AppPasswordSpec{Name: "telephone"}
	sato := h.signIn("sato@alpha.example").Actor()
	h.must(add(sato, a.ID, good))
	h.says(add(sato, b.ID, good), mail.Denied, "actor.denied")
	theirs, _ := h.app(c, b.ID)
	h.says(c.RevokeAppPassword(h.ctx, sato, b.ID, theirs.ID), mail.Denied, "actor.denied")
	h.says(c.RevokeAppPassword(h.ctx, sato, a.ID, theirs.ID), mail.NotFound, "app_password.unknown")
	h.says(add(h.ops, 12345, good), mail.NotFound, "account.unknown")
	for _, name := range []string{"", " ", "\xff", strings.Repeat("長", directory.MaxAppPasswordName+1)} {
		h.says(add(h.ops, a.ID, directory.AppPasswordSpec{Name: name}), mail.Invalid, "app_password.name")
	}
	h.says(add(h.ops, a.ID, directory.AppPasswordSpec{Name: "x", Scopes: []directory.Scope{"web"}}), mail.Invalid, "app_password.scope")
	for range directory.MaxAppPasswords - 1 {
		h.must(add(h.ops, a.ID, good))
	}
	h.says(add(h.ops, a.ID, good), mail.Full, "app_password.too_many")
}

// TestAppPasswordsOfOthers: another company reaches none, whatever ids it knows.
func TestAppPasswordsOfOthers(t *testing.T) {
	h := newHouse(t, directory.Config{})
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	h.account(alpha, "sato@alpha.example", directory.RoleOwner)
	theirs := h.account(beta, "schmidt@beta.example")
	made, secret := h.app(beta, theirs.ID)
	admin := h.signIn("sato@alpha.example").Actor()
	for _, by := range []mail.Actor{admin, h.ops} {
		h.says(alpha.RevokeAppPassword(h.ctx, by, theirs.ID, made.ID), mail.NotFound, "account.unknown")
		_, err := alpha.AppPasswords(h.ctx, theirs.ID)
		h.says(err, mail.NotFound, "account.unknown")
	}
	h.says(beta.RevokeAppPassword(h.ctx, admin, theirs.ID, made.ID), mail.Denied, "actor.denied")
	h.tries("imaps", "schmidt@beta.example", secret, "")
	h.tries("imaps", "sato@alpha.example", secret, "auth.failed")
}

// TestAppPasswordsAreLogged by name, and without what they are.
func TestAppPasswordsAreLogged(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	made, secret := h.app(c, a.ID)
	h.tries("imaps", "sato@alpha.example", secret, "")
	h.must(c.RevokeAppPassword(h.ctx, h.ops, a.ID, made.ID))
	named := map[mail.Op]bool{}
	h.must(h.store.Tenant(a.Tenant).View(h.ctx, func(r store.Reader) error {
		acts, err := r.Acts(0, 0)
		for _, act := range acts {
			for _, doc := range [][]byte{act.Before, act.After} {
				if bytes.Contains(doc, []byte(secret)) || bytes.Contains(doc, []byte("storedKey")) {
					t.Errorf("a secret is in %s: %s", act.Why, doc)
				}
				named[act.Why] = named[act.Why] || bytes.Contains(doc, []byte("telephone"))
			}
		}
		return err
	}))
	if !named["directory.AddAppPassword"] || !named["directory.RevokeAppPassword"] {
		t.Errorf("%v", named)
	}
}

// TestLockOutCountsAppPasswords: guesses at them count as guesses at any password.
func TestLockOutCountsAppPasswords(t *testing.T) {
	h := newHouse(t, directory.Config{LockLoopback: true})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	_, secret := h.app(c, a.ID)
	for range 5 {
		h.tries("imaps", "sato@alpha.example", "aaaaaa-aaaaaa-aaaaaa-aaaaaa-aa", "auth.failed")
	}
	h.tries("imaps", "sato@alpha.example", secret, "auth.locked")
}

// TestRevocation: whoever changes what, the sessions that lost their right know it at once.
func TestRevocation(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "admin@alpha.example", directory.RoleOwner)
	admin := h.signIn("admin@alpha.example").Actor()
	for i, change := range []struct {
		what string
		do   func(id *directory.Identity) error
		key  string // "" when the session goes on
	}{
		{"own password", func(id *directory.Identity) error {
			return c.SetPassword(h.ctx, id.Actor(), id.Account().ID, "another good password")
		}, "auth.changed"},
		{"the same password anew", func(id *directory.Identity) error { return c.SetPassword(h.ctx, admin, id.Account().ID, password) }, "auth.changed"},
		{"suspended", func(id *directory.Identity) error {
			return c.SetAccountState(h.ctx, admin, id.Account().ID, directory.AccountSuspended)
		}, "account.suspended"},
		{"deleted", func(id *directory.Identity) error { return c.DeleteAccount(h.ctx, admin, id.Account().ID) }, "account.suspended"},
		{"another alias", func(id *directory.Identity) error {
			return c.AddAlias(h.ctx, admin, addr("info@alpha.example"), id.Account().ID)
		}, ""},
		{"an app password more", func(id *directory.Identity) error { h.app(c, id.Account().ID); return nil }, ""},
	} {
		user := "user" + string(rune('a'+i)) + "@alpha.example"
		h.account(c, user)
		id := h.signIn(user)
		h.must(h.StillValid(h.ctx, id))
		h.must(change.do(id))
		err := h.StillValid(h.ctx, id)
		if key, _ := mail.TextOf(err); key != change.key || change.key != "" && !mail.Is(err, mail.Denied) {
			t.Errorf("%s: %v, want %q", change.what, err, change.key)
		}
	}
}

// TestFalseSaltsAreTheInstallations: two processes give an unknown name the same salt, in whatever spelling, also after
// the secrets of tokens were changed.
func TestFalseSaltsAreTheInstallations(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	salt := func(d *directory.Directory, user string) string {
		s, err := d.Verifier(from("127.0.0.1"), "imaps").SCRAM(h.ctx, user)
		h.must(err)
		return string(s.Salt)
	}
	first := salt(h.Directory, "nobody@alpha.example")
	for range directory.MaxSecrets + 1 {
		h.must(h.RotateTokens(h.ctx, h.ops))
	}
	other := houseOn(t, h.store, directory.Config{})
	for _, d := range []*directory.Directory{h.Directory, other.Directory} {
		for _, spelling := range []string{"nobody@alpha.example", "Nobody@ALPHA.example"} {
			if salt(d, spelling) != first {
				t.Errorf("%s has another salt", spelling)
			}
		}
		if salt(d, "somebody@alpha.example") == first {
			t.Error("all have the same salt")
		}
	}
}

// provider is an identity provider with tokens of its own making: "good:" and a name.
type provider struct{ until time.Time }

func (provider) TokenHelp() sasl.TokenHelp { return sasl.TokenHelp{Scope: "mail"} }

func (p provider) VerifyBearer(_ context.Context, token string) (directory.Bearer, error) {
	user, ok := strings.CutPrefix(token, "good:")
	switch {
	case token == "down":
		return directory.Bearer{}, mail.E("provider", mail.Unavailable, "auth.busy")
	case !ok:
		return directory.Bearer{}, mail.E("provider", mail.Denied, "auth.failed")
	}
	return directory.Bearer{User: user, Until: p.until}, nil
}

// TestTokens signs in with the access tokens of an identity provider (SS-4).
func TestTokens(t *testing.T) {
	const user = "sato@alpha.example"
	h := newHouse(t, directory.Config{Bearer: provider{}, LockLoopback: true})
	c := h.company("alpha.example", 10)
	a := h.account(c, user)
	for _, try := range []struct{ user, token, key string }{
		{user, "good:" + user, ""}, {"", "good:" + user, ""}, {"SATO@alpha.example", "good:" + user, ""},
		{user, "bad", "auth.failed"}, {user, "down", "auth.busy"}, {user, "good:suzuki@alpha.example", "auth.failed"},
		{"", "bad", "auth.failed"}, {"", "good:nobody@alpha.example", "auth.failed"},
	} {
		v := h.Verifier(from("127.0.0.1"), "imaps")
		_, err := v.Token(h.ctx, try.user, try.token)
		if key, _ := mail.TextOf(err); key != try.key || (v.Identity() != nil) != (try.key == "") {
			t.Errorf("%s with %s: %v, want %q", try.user, try.token, err, try.key)
		}
		if try.key == "" && v.Identity().Account().ID != a.ID {
			t.Errorf("%s is %v", try.token, v.Identity().Account())
		}
	}
	for range 8 {
		_, err := h.Verifier(from("127.0.0.1"), "imaps").Token(h.ctx, user, "bad")
		h.says(err, mail.Denied, "auth.failed")
	}
	_, err := h.Verifier(from("127.0.0.1"), "imaps").Token(h.ctx, user, "good:"+user)
	h.says(err, mail.Busy, "auth.locked")

	late := houseOn(t, h.store, directory.Config{Bearer: provider{time.Now().Add(-time.Second)}})
	v := late.Verifier(from("127.0.0.1"), "imaps")
	_, err = v.Token(h.ctx, user, "good:"+user)
	h.must(err)
	h.says(late.StillValid(h.ctx, v.Identity()), mail.Denied, "auth.expired")
	h.must(c.SetPassword(h.ctx, h.ops, a.ID, "another good password"))
	_, offered := houseOn(t, h.store, directory.Config{}).Verifier(from("127.0.0.1"), "imaps").TokenHelp()
	if offered {
		t.Error("tokens are offered where nobody knows them")
	}
}

// TestSV9OwnNetwork: in the VPN zone people sign in from their own company's networks alone.
func TestSV9OwnNetwork(t *testing.T) {
	h := newHouse(t, directory.Config{})
	alpha := h.Company(h.tenant(directory.TenantSpec{Networks: prefixes("192.0.2.0/24")}).ID)
	h.domain(alpha, "alpha.example", 10)
	beta := h.Company(h.tenant(directory.TenantSpec{Networks: prefixes("198.51.100.0/24")}).ID)
	h.domain(beta, "beta.example", 10)
	h.account(alpha, "sato@alpha.example")
	h.account(beta, "schmidt@beta.example")
	for _, try := range []struct {
		zone      mail.Zone
		ip, user  string
		key, door string // what signing in, and connecting, says
	}{
		{mail.ZoneVPN, "192.0.2.9", "sato@alpha.example", "", ""},
		{mail.ZoneVPN, "192.0.2.9", "schmidt@beta.example", "zone.other_network", ""},
		{mail.ZoneVPN, "198.51.100.9", "sato@alpha.example", "zone.other_network", ""},
		{mail.ZoneVPN, "203.0.113.9", "sato@alpha.example", "zone.other_network", "zone.unknown_network"},
		{mail.ZoneInternet, "203.0.113.9", "sato@alpha.example", "", ""},
	} {
		o := from(try.ip)
		o.Zone = try.zone
		_, err := h.SignIn(h.ctx, o, "pop3", try.user, password)
		if key, _ := mail.TextOf(err); key != try.key || err != nil && !mail.Is(err, mail.Denied) {
			t.Errorf("%+v: %v", try, err)
		}
		err = h.Reachable(h.ctx, o)
		if key, _ := mail.TextOf(err); key != try.door || err != nil && !mail.Is(err, mail.Denied) {
			t.Errorf("%+v: %v", try, err)
		}
	}
}
