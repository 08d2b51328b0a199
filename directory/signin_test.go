package directory_test

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/sasl"
)

func TestSignIn(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	sato := h.account(c, "sato@alpha.example")
	_, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr("nopassword@alpha.example")})
	h.must(err)
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), sato.ID))

	id := h.signIn("Sato@ALPHA.example")
	if id.Tenant() != sato.Tenant || id.Account().ID != sato.ID || id.Actor().Account() != sato.ID || id.Actor().Name() != "sato@alpha.example" {
		t.Errorf("the identity is %+v", id)
	}
	if !id.Owns(addr("sato@alpha.example")) || !id.Owns(addr("INFO@alpha.example")) || id.Owns(addr("boss@alpha.example")) {
		t.Error("the identity owns other addresses than its own")
	}
	for _, c := range []struct{ user, password string }{
		{"sato@alpha.example", "wrong"}, {"sato@alpha.example", ""}, {"sato@alpha.example", password + "\x00"},
		{"sato@alpha.example", "\xff"}, {"sato@alpha.example", string(make([]byte, 2000))},
		{"nobody@alpha.example", password}, {"sato@beta.example", password}, {"sato", password}, {"", ""},
		{"info@alpha.example", password}, // an alias does not sign in
		{"nopassword@alpha.example", ""}, {"nopassword@alpha.example", password},
	} {
		_, err := h.SignIn(h.ctx, from("127.0.0.1"), "smtps", c.user, c.password)
		if !mail.Is(err, mail.Denied) {
			t.Errorf("%q with %q: %v, want Denied", c.user, c.password, err)
		}
		h.says(err, mail.Denied, "auth.failed")
	}
}

// TestPasswordsAreNormalised lets a password typed on another keyboard in (RFC 4013).
func TestPasswordsAreNormalised(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	h.must(c.SetPassword(h.ctx, h.ops, a.ID, "ｐａｓｓｗｏｒｄがぎぐげご"))
	for _, p := range []string{"passwordがぎぐげご", "password\u304b\u3099\u304d\u3099\u304f\u3099\u3051\u3099\u3053\u3099"} {
		_, err := h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", p)
		h.must(err)
	}
}

// TestSecondSignInIsCheap signs in again while no hash can be computed.
func TestSecondSignInIsCheap(t *testing.T) {
	h := newHouse(t, directory.Config{Hashes: 1})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	h.signIn("sato@alpha.example")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		h.signIn("sato@alpha.example")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 10<<20 { // one hash takes 19 MiB
		t.Errorf("100 sign-ins took %d octets: they were hashed", used)
	}

	// What changed is not remembered.
	h.must(c.SetPassword(h.ctx, h.ops, a.ID, "another good password"))
	_, err := h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "auth.failed")
	h.must(c.SetPassword(h.ctx, h.ops, a.ID, password))
	h.signIn("sato@alpha.example")
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountSuspended))
	_, err = h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "account.suspended")
	_, err = h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", "wrong")
	h.says(err, mail.Denied, "auth.failed")
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountActive))
	h.signIn("sato@alpha.example")

	// An account made anew under the address does not inherit the old one's sign-in.
	h.destroy(c, a)
	_, err = c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr("sato@alpha.example"), Password: "another good password"})
	h.must(err)
	_, err = h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Denied, "auth.failed")
}

// TestManySignInsAtOnce hashes less often than it is asked.
func TestManySignInsAtOnce(t *testing.T) {
	h := newHouse(t, directory.Config{Hashes: 1})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := h.SignIn(h.ctx, from("192.0.2.1"), "imaps", "sato@alpha.example", password); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 5*19<<20 {
		t.Errorf("50 sign-ins with one password took %d octets: each was hashed", used)
	}
}

// TestSV7IMAPIsAnOption names the missing option to those who know the password, and to nobody else.
func TestSV7IMAPIsAnOption(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.Company(h.tenant(directory.TenantSpec{}).ID)
	h.domain(c, "alpha.example", 10)
	h.account(c, "sato@alpha.example")
	try := func(p directory.Protocol, password string) error {
		_, err := h.SignIn(h.ctx, from("127.0.0.1"), p, "sato@alpha.example", password)
		return err
	}
	h.says(try("imaps", password), mail.Denied, "option.imaps_not_contracted")
	h.says(try("imap", password), mail.Denied, "option.imaps_not_contracted")
	h.says(try("imaps", "wrong"), mail.Denied, "auth.failed")
	h.must(try("pop3s", password))
	h.must(try("smtps", password))
	_, err := c.SetDomainOptions(h.ctx, h.ops, "alpha.example", []directory.Option{directory.OptionIMAPS})
	h.must(err)
	h.must(try("imaps", password))
}

// TestLockOut fails ten times: the name is locked for that network, and only for that.
func TestLockOut(t *testing.T) {
	var told []string
	h := newHouse(t, directory.Config{Locked: func(_ context.Context, a directory.Account) { told = append(told, a.Address.String()) }})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	h.account(c, "suzuki@alpha.example")
	try := func(ip, user, password string) error {
		_, err := h.SignIn(h.ctx, from(ip), "smtps", user, password)
		return err
	}
	for range 10 {
		h.says(try("192.0.2.7", "sato@alpha.example", "wrong"), mail.Denied, "auth.failed")
		h.says(try("2001:db8::7", "nobody@alpha.example", "wrong"), mail.Denied, "auth.failed")
		h.says(try("127.0.0.1", "sato@alpha.example", "wrong"), mail.Denied, "auth.failed")
	}
	h.says(try("192.0.2.7", "sato@alpha.example", password), mail.Busy, "auth.locked")
	if len(told) != 1 || told[0] != "sato@alpha.example" {
		t.Errorf("told of %v", told)
	}
	h.says(try("::ffff:192.0.2.200", "SATO@alpha.example", password), mail.Busy, "auth.locked") // the same network and name
	h.says(try("2001:db8::8", "nobody@alpha.example", "x"), mail.Busy, "auth.locked")           // unknown names look the same
	v := h.Verifier(from("192.0.2.7"), "smtps")
	_, err := v.SCRAM(h.ctx, "sato@alpha.example")
	h.says(err, mail.Busy, "auth.locked")

	h.must(try("192.0.2.7", "suzuki@alpha.example", password))
	h.must(try("198.51.100.1", "sato@alpha.example", password))
	h.must(try("127.0.0.1", "sato@alpha.example", password)) // not counted, as configured
}

// TestLockOutOfSpellings: whoever writes the name in another way each time has no more guesses than others.
func TestLockOutOfSpellings(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	for _, name := range []string{`"sato"@alpha.example`, `"s\ato"@alpha.example`, "sato@alpha.example.", "sato@ALPHA.example", "Sato@ａｌｐｈａ.example"} {
		for range 2 {
			_, err := h.SignIn(h.ctx, from("192.0.2.7"), "smtps", name, "wrong")
			h.says(err, mail.Denied, "auth.failed")
		}
	}
	_, err := h.SignIn(h.ctx, from("192.0.2.7"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Busy, "auth.locked")
}

// TestLockOutOfGuessesAtOnce: guesses that were all begun before the tenth failure get no more than ten answers.
func TestLockOutOfGuessesAtOnce(t *testing.T) {
	h := newHouse(t, directory.Config{})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	begun := make([]sasl.ScramSecret, 12)
	for i := range begun {
		var err error
		begun[i], err = h.Verifier(from("192.0.2.7"), "smtps").SCRAM(h.ctx, "sato@alpha.example")
		h.must(err)
	}
	for _, guess := range begun[:10] {
		h.says(guess.Proved(-1), mail.Denied, "auth.failed")
	}
	h.says(begun[10].Proved(-1), mail.Busy, "auth.locked")
	h.says(begun[11].Proved(0), mail.Busy, "auth.locked")
}

func TestLockOutOfLoopback(t *testing.T) {
	h := newHouse(t, directory.Config{LockLoopback: true})
	h.account(h.company("alpha.example", 10), "sato@alpha.example")
	for range 10 {
		_, err := h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", "wrong")
		h.says(err, mail.Denied, "auth.failed")
	}
	_, err := h.SignIn(h.ctx, from("127.0.0.1"), "smtps", "sato@alpha.example", password)
	h.says(err, mail.Busy, "auth.locked")
}

// scram runs a whole exchange between the directory's verifier and our client.
func scram(h *house, v *directory.Verifier, user, password string) error {
	h.Helper()
	server, err := sasl.Start(sasl.Scram, v, sasl.Channel{})
	h.must(err)
	client := sasl.NewScramClient(user, password, sasl.Channel{}, false)
	var challenge []byte
	for {
		response, err := client.Next(challenge)
		if err != nil {
			return err
		}
		var done bool
		if challenge, done, err = server.Next(context.Background(), response); err != nil || done {
			return err
		}
	}
}

func TestScram(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	v := h.Verifier(from("127.0.0.1"), "smtps")
	h.must(scram(h, v, "sato@alpha.example", password))
	if v.Identity() == nil || v.Identity().Account().ID != a.ID {
		t.Errorf("the identity after the exchange is %+v", v.Identity())
	}
	h.says(scram(h, v, "sato@alpha.example", "wrong"), mail.Denied, "auth.failed")
	if v.Identity() != nil {
		t.Error("a failed exchange left an identity")
	}
	h.says(scram(h, v, "nobody@alpha.example", password), mail.Denied, "auth.failed")

	one, err := v.SCRAM(h.ctx, "nobody@alpha.example")
	h.must(err)
	two, err := v.SCRAM(h.ctx, "nobody@alpha.example")
	h.must(err)
	other, err := v.SCRAM(h.ctx, "nobody2@alpha.example")
	h.must(err)
	real, err := v.SCRAM(h.ctx, "sato@alpha.example")
	h.must(err)
	if !bytes.Equal(one.Salt, two.Salt) || bytes.Equal(one.Salt, other.Salt) || len(one.Salt) != len(real.Salt) || one.Iterations != real.Iterations {
		t.Error("an unknown name can be told from a known one")
	}
	if real.Iterations < sasl.MinIterations {
		t.Errorf("%d iterations", real.Iterations)
	}

	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountSuspended))
	h.says(scram(h, v, "sato@alpha.example", password), mail.Denied, "account.suspended")
}

// TestWithoutScram keeps argon2id alone: SCRAM then fails like a wrong password.
func TestWithoutScram(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.Company(h.tenant(directory.TenantSpec{NoScram: true}).ID)
	h.domain(c, "alpha.example", 10)
	h.account(c, "sato@alpha.example")
	v := h.Verifier(from("127.0.0.1"), "smtps")
	h.says(scram(h, v, "sato@alpha.example", password), mail.Denied, "auth.failed")
	h.must(v.Password(h.ctx, "sato@alpha.example", password))
	if v.Identity() == nil {
		t.Error("no identity after the password")
	}
	err := h.store.Tenant(v.Identity().Tenant()).View(h.ctx, func(r store.Reader) error {
		o, err := r.ObjectByKey(store.Key{Name: "credential", Value: v.Identity().Account().ID.String()})
		if bytes.Contains(o.Doc, []byte("storedKey")) {
			t.Errorf("a SCRAM secret is stored: %s", o.Doc)
		}
		return err
	})
	h.must(err)
}

// TestNoPasswordIsStored looks for the password in all that is written.
func TestNoPasswordIsStored(t *testing.T) {
	h := newHouse(t, directory.Config{})
	a := h.account(h.company("alpha.example", 10), "sato@alpha.example")
	h.must(h.store.Tenant(a.Tenant).View(h.ctx, func(r store.Reader) error {
		acts, err := r.Acts(0, 0)
		if len(acts) == 0 {
			t.Error("nothing is in the operation log")
		}
		for _, act := range acts {
			if bytes.Contains(act.After, []byte(password)) {
				t.Errorf("the password is in the %s", act.Kind)
			}
		}
		return err
	}))
}

// TestCurrent follows an account that changes during a session.
func TestCurrent(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	id := h.signIn("sato@alpha.example")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), a.ID))
	now, err := h.Current(h.ctx, id)
	h.must(err)
	if !now.Owns(addr("info@alpha.example")) {
		t.Error("a new alias is not the account's")
	}
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountSuspended))
	_, err = h.Current(h.ctx, id)
	h.says(err, mail.Denied, "account.suspended")
	h.must(c.SetAccountState(h.ctx, h.ops, a.ID, directory.AccountActive))
	_, err = h.SetTenantStart(h.ctx, h.ops, a.Tenant, time.Now().Add(time.Hour))
	h.must(err)
	_, err = h.Current(h.ctx, id)
	h.says(err, mail.Denied, "tenant.not_started")
	_, err = h.SetTenantStart(h.ctx, h.ops, a.Tenant, time.Now().Add(-time.Hour))
	h.must(err)
	h.destroy(c, a)
	h.account(c, "sato@alpha.example")
	_, err = h.Current(h.ctx, id)
	h.says(err, mail.Denied, "account.suspended")
}
