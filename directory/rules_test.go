package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
	"tegami/store/embedded"
)

func TestML1Units(t *testing.T) {
	for _, c := range []struct {
		name            string
		total, old, ids int
		text            string // "" = allowed
	}{
		{"the least", 0, 0, 10, ""},
		{"none", 0, 0, 0, "ids.unit"},
		{"fewer than a unit", 0, 0, 9, "ids.unit"},
		{"negative", 0, 0, -10, "ids.unit"},
		{"no whole units", 0, 0, 15, "ids.unit"},
		{"one more unit", 500, 500, 510, ""},
		{"one unit less", 500, 500, 490, ""},
		{"reaching 10,000 by ten", 9990, 9990, 10000, ""},
		{"past 10,000 at once, by ten", 9990, 9990, 10010, "ids.large_unit"},
		{"past 10,000 at once, by a hundred", 9990, 9990, 10100, ""},
		{"far past 10,000 at once", 20, 20, 12020, "ids.large_unit"},
		{"a large customer gives back", 10100, 10100, 10000, ""},
		{"a large customer gives back ten", 10000, 10000, 9990, "ids.large_unit"},
		{"at 10,000 by ten", 10000, 10000, 10010, "ids.large_unit"},
		{"at 10,000 by a hundred", 10000, 10000, 10100, ""},
		{"a small domain of a large customer", 10000, 50, 60, "ids.large_unit"},
		{"a small domain of a large customer, by a hundred", 10000, 50, 150, ""},
		{"a new domain of a large customer", 12000, 0, 10, "ids.large_unit"},
		{"a new domain of a large customer, by a hundred", 12000, 0, 100, ""},
		{"past the bound", 0, 0, MaxIDs + 10, "ids.too_many"},
	} {
		err := checkUnits(c.total, c.old, c.ids)
		if text, _ := mail.TextOf(err); text != c.text {
			t.Errorf("%s: total %d, %d to %d: %v, want %q", c.name, c.total, c.old, c.ids, err, c.text)
		}
	}
}

func TestOwnLocalParts(t *testing.T) {
	for in, want := range map[string]string{
		"sato": "sato", "Taro.SATO": "taro.sato", "a_b-c.d!e=f~g9": "a_b-c.d!e=f~g9", strings.Repeat("a", 64): strings.Repeat("a", 64),
		"": "", ".a": "", "a.": "", "a..b": "", strings.Repeat("a", 65): "", "佐藤": "", "a b": "",
		"a#b": "", "a%b": "", "a'b": "", "a*b": "", "a+b": "", "a/b": "", "a?b": "", "a^b": "", "a`b": "", "a{b": "", "a|b": "", "a$b": "", "a}b": "", "a&b": "", "a@b": "", "a\"b": "",
	} {
		got, err := ownLocal(in)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("ownLocal(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, name := range []string{"postmaster", "ABUSE", "hostmaster", "webmaster", "mailer-daemon", "root", "NoReply"} {
		a := mail.Address{Local: name, Domain: "alpha.example"}
		if _, err := accountAddress(a); !mail.Is(err, mail.Invalid) {
			t.Errorf("an account may be %s: %v", a, err)
		}
		if _, err := ownAddress(a); err != nil {
			t.Errorf("an alias may not be %s: %v", a, err)
		}
	}
}

func TestSV4Plans(t *testing.T) {
	for name, size := range map[string]int64{"100MB": 104857600, "3GB": 3221225472, "10gb": 10737418240} {
		p, err := ParsePlan(name)
		if err != nil || int64(p) != size || !strings.EqualFold(p.String(), name) {
			t.Errorf("ParsePlan(%q) = %d %s, %v", name, p, p, err)
		}
	}
	for _, name := range []string{"", "5GB", "3 GB", "104857600"} {
		if _, err := ParsePlan(name); !mail.Is(err, mail.Invalid) {
			t.Errorf("ParsePlan(%q): %v, want Invalid", name, err)
		}
	}
}

func TestGenerationsForgetWhatIsNotAskedFor(t *testing.T) {
	g := newGenerations[int, string](100)
	for i := range 10_000 {
		g.put(i, fmt.Sprint(i))
		g.get(0)
	}
	if n := len(g.young) + len(g.old); n > 101 {
		t.Errorf("%d entries are kept, want about 100", n)
	}
	if v, ok := g.get(0); !ok || v != "0" {
		t.Error("an entry that is asked for all the time was forgotten")
	}
	if _, ok := g.get(5000); ok {
		t.Error("an old entry was kept")
	}
}

func TestHashesSayWhatTheyAreOf(t *testing.T) {
	h := hashPassword("correct horse")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash doesn't carry its parameters: %s", h)
	}
	if h == hashPassword("correct horse") {
		t.Error("two hashes of a password share a salt")
	}
	// Made by the reference implementation (libargon2).
	if !matches("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password") {
		t.Error("the reference implementation's hash doesn't fit")
	}
	if !matches(h, "correct horse") || matches(h, "correct horsf") || matches(h, "") {
		t.Error("the hash fits the wrong password, or not the right one")
	}
	for _, bad := range []string{
		"", "x", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		strings.Replace(h, "m=19456", "m=99999999", 1), strings.Replace(h, "t=2", "t=0", 1), strings.Replace(h, "p=1", "p=0", 1),
		strings.Replace(h, "v=19", "v=18", 1), h[:len(h)-40],
	} {
		if _, ok := parsePHC(bad); ok {
			t.Errorf("parsePHC(%q) is taken", bad)
		}
		if bad == "" && matches(bad, "") {
			t.Error("no password fits no password")
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := parsePHC(s)
		if ok && (h.memory > maxArgonMemory || h.time == 0 || h.time > maxArgonTime || h.threads == 0 || len(h.key) < 16) {
			t.Errorf("parsePHC(%q) = %+v", s, h)
		}
	})
}

// TestHasherIsBounded fills the slots and the queue, and sees the rest turned away.
func TestHasherIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(1)
		free := make(chan struct{})
		results := make(chan error, 3*maxHashWaiters)
		for range cap(results) {
			go func() {
				results <- h.do(context.Background(), func() error { <-free; return nil })
			}()
		}
		synctest.Wait()
		if n := len(results); n != cap(results)-maxHashWaiters {
			t.Errorf("%d were turned away at once, want all but %d", n, maxHashWaiters)
		}
		time.Sleep(maxHashWait)
		synctest.Wait()
		if n := len(results); n != cap(results)-1 {
			t.Errorf("%d were turned away after %v, want all but the one being hashed", n, maxHashWait)
		}
		close(free)
		synctest.Wait()
		for range cap(results) - 1 {
			if err := <-results; !mail.Is(err, mail.Busy) {
				t.Errorf("turned away with %v, want Busy", err)
			}
		}
		if err := <-results; err != nil {
			t.Errorf("the one that was hashed: %v", err)
		}
		if n := h.waiting.Load(); n != 0 {
			t.Errorf("%d are still counted as waiting", n)
		}
	})
}

func TestHasherHeedsTheContext(t *testing.T) {
	h := newHasher(1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.do(ctx, func() error { return errors.New("ran") }); !mail.Is(err, mail.Busy) {
		t.Errorf("do = %v, want Busy", err)
	}
}

func TestRememberedProofsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Directory{verified: newGenerations[proofKey, expiry](10)}
		e := &entry{tenant: 1, credential: &credential{id: 2, credentialDoc: credentialDoc{Serial: 3}}}
		key := d.proofKey(e, "secret")
		d.verified.put(key, expiry(time.Now().Add(rememberFor)))
		if !d.remembered(key) {
			t.Error("a proof isn't remembered")
		}
		changed := *e.credential
		changed.Serial++
		if d.remembered(d.proofKey(&entry{tenant: 1, credential: &changed}, "secret")) || d.remembered(d.proofKey(e, "Secret")) {
			t.Error("another credential or password is remembered too")
		}
		time.Sleep(rememberFor)
		if d.remembered(key) {
			t.Error("a proof is remembered for ever")
		}
	})
}

// TestSecondSignInNeedsNoHash signs in again while no hash can be computed.
func TestSecondSignInNeedsNoHash(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	d, ctx, ops := New(st, Config{Hashes: 1}), context.Background(), Operator("test", "")
	tenant, err := d.OpenTenant(ctx, ops, TenantSpec{Name: "Alpha"})
	if err != nil {
		t.Fatal(err)
	}
	c := d.Company(tenant.ID)
	if _, err := c.AddDomain(ctx, ops, DomainSpec{Name: "alpha.example", Plan: Plan3GB, IDs: 10}); err != nil {
		t.Fatal(err)
	}
	sato := mail.Address{Local: "sato", Domain: "alpha.example"}
	if _, err := c.AddAccount(ctx, ops, AccountSpec{Address: sato, Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	signIn := func(password string) error {
		late, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := d.SignIn(late, mail.Origin{}, "smtps", "sato@alpha.example", password)
		return err
	}
	if err := signIn("correct horse"); err != nil {
		t.Fatal(err)
	}
	d.hashing.slots <- struct{}{}
	d.hashing.waiting.Store(maxHashWaiters)
	if err := signIn("correct horse"); err != nil {
		t.Errorf("a remembered sign-in waited for a hash: %v", err)
	}
	if err := signIn("wrong"); !mail.Is(err, mail.Busy) {
		t.Errorf("a wrong password: %v, want Busy", err)
	}
}
