package directory_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
)

// enrolling begins a sign-in that has to set up a second factor.
func (h *house) enrolling(b directory.Browser, name string) (*directory.WebStep, directory.Enrolment) {
	h.Helper()
	step, err := h.BeginWeb(h.ctx, b, name, password)
	h.must(err)
	if step.Step != directory.StepEnrol {
		h.Fatalf("at step %s", step.Step)
	}
	e, err := h.Enrolment(h.ctx, b, step.Token)
	h.must(err)
	return step, e
}

// TestCP9EnrolmentIsOneSignIns: who knows the password before there is a second factor neither learns the secret that its owner sets up, nor
// replaces it afterwards, nor changes the password.
func TestCP9EnrolmentIsOneSignIns(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "owner@alpha.example", directory.RoleOwner)
	thief, b := browserAt("198.51.100.7"), browserAt("192.0.2.1")
	early, known := h.enrolling(thief, "owner@alpha.example")
	step, e := h.enrolling(b, "owner@alpha.example")
	again, err := h.Enrolment(h.ctx, b, step.Token)
	h.must(err)
	if e.Secret == known.Secret {
		t.Error("two sign-ins were shown the same secret")
	}
	if e.Secret != again.Secret {
		t.Error("who comes back to the page finds another secret")
	}
	_, err = h.Enrol(h.ctx, thief, early.Token, directory.CodeNow(known.Secret))
	h.says(err, mail.Invalid, "auth.code_wrong")
	step, err = h.Enrol(h.ctx, b, step.Token, directory.CodeNow(e.Secret))
	h.must(err)
	if step.Step != directory.StepDone {
		t.Fatalf("at step %s", step.Step)
	}
	_, err = h.Enrolment(h.ctx, thief, early.Token)
	h.says(err, mail.Denied, "auth.step_over")
	_, err = h.Enrol(h.ctx, thief, early.Token, "000000")
	h.says(err, mail.Denied, "auth.step_over")
	late, err := h.PutOff(h.ctx, thief, early.Token)
	h.must(err)
	if late.Step != directory.StepFactor {
		t.Errorf("at step %s", late.Step)
	}
}

// TestCP9ChangeOfPasswordAfterFactor: a step to a new password that was begun before there was a second factor is over with it.
func TestCP9ChangeOfPasswordAfterFactor(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	b := browserAt("192.0.2.1")
	me := h.calling(b, h.enter(b, "sato@alpha.example"))
	s := directory.DefaultSecurity()
	s.Passwords.ExpiryDays = 1
	_, err := c.SetSecurity(h.ctx, h.ops, s, 0)
	h.must(err)
	h.aged(c, me)
	step, err := h.BeginWeb(h.ctx, browserAt("198.51.100.7"), "sato@alpha.example", password)
	h.must(err)
	if step.Step != directory.StepChange {
		t.Fatalf("at step %s", step.Step)
	}
	h.addApp(me)
	_, err = h.ChangeOld(h.ctx, browserAt("198.51.100.7"), step.Token, "another good password")
	h.says(err, mail.Denied, "auth.step_over")
}

// aged makes the password of who calls two days old.
func (h *house) aged(c *directory.Company, me *directory.Caller) {
	h.Helper()
	h.must(directory.Age(h.ctx, h.store.Tenant(c.ID()), me.Identity().Account().ID, 48*time.Hour))
}

// TestCP9CodesFromManyNetworks: a code of six digits is not guessed from one network after the other, nor by many guesses at once.
func TestCP9CodesFromManyNetworks(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	b := browserAt("192.0.2.1")
	h.addApp(h.calling(b, h.enter(b, "sato@alpha.example")))
	wrong := 0
	for i := range 40 {
		from := browserAt(fmt.Sprintf("10.0.%d.1", i))
		step, err := h.BeginWeb(h.ctx, from, "sato@alpha.example", password)
		h.must(err)
		_, err = h.ShowCode(h.ctx, from, step.Token, "000000", false)
		if mail.Is(err, mail.Denied) {
			wrong++
			continue
		}
		h.says(err, mail.Busy, "auth.locked")
	}
	if wrong != 30 {
		t.Errorf("%d codes were tried", wrong)
	}
}

// TestCP9TrustEndsWithThePolicy: browsers trusted before are trusted no longer than the policy says now.
func TestCP9TrustEndsWithThePolicy(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	b := browserAt("192.0.2.1")
	me := h.calling(b, h.enter(b, "sato@alpha.example"))
	h.addApp(me)
	codes, err := h.NewRecoveryCodes(h.ctx, me)
	h.must(err)
	step, err := h.BeginWeb(h.ctx, b, "sato@alpha.example", password)
	h.must(err)
	step, err = h.ShowCode(h.ctx, b, step.Token, codes[0], true)
	h.must(err)
	if b.Trusted = step.Trust; b.Trusted == "" {
		t.Fatal("the browser is not trusted")
	}
	h.enter(b, "sato@alpha.example")
	s := directory.DefaultSecurity()
	s.Factors.TrustDays = 0
	_, err = c.SetSecurity(h.ctx, h.ops, s, 0)
	h.must(err)
	step, err = h.BeginWeb(h.ctx, b, "sato@alpha.example", password)
	h.must(err)
	if step.Step != directory.StepFactor {
		t.Errorf("at step %s", step.Step)
	}
}

// TestCP9SessionBeforeRole: where a second factor can't be put off, a session that showed none ends when its holder is appointed.
func TestCP9SessionBeforeRole(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	s := directory.DefaultSecurity()
	s.Factors.GraceDays = 0
	_, err := c.SetSecurity(h.ctx, h.ops, s, 0)
	h.must(err)
	b := browserAt("192.0.2.1")
	token := h.enter(b, "sato@alpha.example")
	h.calling(b, token)
	h.must(c.SetRoles(h.ctx, h.ops, a.ID, []directory.Role{directory.RoleOwner}))
	h.over(b, token, "auth.expired")
}

// TestSV9OperatorsNetworks: the platform's rules of networks hold for sessions, steps and keys of operators, not for their passwords alone.
func TestSV9OperatorsNetworks(t *testing.T) {
	h := newHouse(t, directory.Config{})
	_, err := h.AddOperator(h.ctx, h.ops, directory.OperatorSpec{Name: "ops", Password: password, Role: directory.OperatorFull})
	h.must(err)
	_, key, err := h.AddOperatorKey(h.ctx, h.ops, directory.KeySpec{Name: "ci", Operator: directory.OperatorFull})
	h.must(err)
	home, away := browserAt("192.0.2.1"), browserAt("198.51.100.7")
	token := h.enter(home, "ops")
	begun, err := h.BeginWeb(h.ctx, away, "ops", password)
	h.must(err)
	s := directory.DefaultSecurity()
	office := directory.AccessRule{Mode: directory.AccessListed, Networks: prefixes("192.0.2.0/24")}
	s.Access.Rules = map[directory.Door]directory.AccessRule{directory.DoorPanel: office, directory.DoorWeb: office}
	_, err = h.SetPlatformSecurity(h.ctx, h.ops, s, 0)
	h.must(err)
	h.calling(home, token)
	h.over(away, token, "access.network")
	_, err = h.PutOff(h.ctx, away, begun.Token)
	h.says(err, mail.Denied, "access.network")
	_, err = h.CallerByKey(h.ctx, home.Origin, key)
	h.must(err)
	_, err = h.CallerByKey(h.ctx, away.Origin, key)
	h.says(err, mail.Denied, "access.network")
}

// TestCP9SignOutFromAnywhere: a session ends when its holder wants it, also from where he may do nothing else.
func TestCP9SignOutFromAnywhere(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example")
	home, away := browserAt("192.0.2.1"), browserAt("198.51.100.7")
	token := h.enter(home, "sato@alpha.example")
	s := directory.DefaultSecurity()
	s.Access.Rules = map[directory.Door]directory.AccessRule{directory.DoorPanel: {Mode: directory.AccessListed, Networks: prefixes("192.0.2.0/24")}}
	_, err := c.SetSecurity(h.ctx, h.ops, s, 0)
	h.must(err)
	h.must(h.EndSession(h.ctx, away.Origin, token))
	h.over(home, token, "auth.failed")
	h.must(h.EndSession(h.ctx, away.Origin, token))
}

// askedStore notes of which tenants the store was asked for.
type askedStore struct {
	store.Store
	mu    sync.Mutex
	asked map[mail.TenantID]bool
}

func (s *askedStore) Tenant(id mail.TenantID) store.Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[id] = true
	return s.Store.Tenant(id)
}

// TestCP9StrangersTokens: tokens that somebody made up name tenants there are not; the store, which remembers each it is asked for, never
// hears of them.
func TestCP9StrangersTokens(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	asked := &askedStore{Store: st, asked: map[mail.TenantID]bool{}}
	h := houseOn(t, asked, directory.Config{})
	h.company("alpha.example", 10)
	before := len(asked.asked)
	for i := range 10 {
		h.over(browserAt("192.0.2.1"), directory.MadeUpToken(mail.TenantID(1000+i), 7), "auth.failed")
	}
	if n := len(asked.asked); n != before {
		t.Errorf("the store was asked for %d tenants there are not", n-before)
	}
}

// TestCP9SignInLogKeepsSuccess: who fails often, from everywhere, does not push what opened out of the log.
func TestCP9SignInLogKeepsSuccess(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	a := h.account(c, "sato@alpha.example")
	h.signIn("sato@alpha.example")
	h.must(directory.NoteFailures(h.ctx, h.Directory, c.ID(), a.ID, 600))
	list, err := c.AccountSignIns(h.ctx, a.ID)
	h.must(err)
	opened := 0
	for _, e := range list {
		if e.OK {
			opened++
		}
	}
	if opened != 1 || len(list) != 500 {
		t.Errorf("%d of %d lines say that it opened", opened, len(list))
	}
}

// TestSV9SessionsStayOnOwnNetwork: a session that was taken elsewhere opens nothing from another company's network.
func TestSV9SessionsStayOnOwnNetwork(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.Company(h.tenant(directory.TenantSpec{Networks: prefixes("192.0.2.0/24")}).ID)
	h.domain(c, "alpha.example", 10)
	h.tenant(directory.TenantSpec{Networks: prefixes("198.51.100.0/24")})
	h.account(c, "sato@alpha.example")
	home, away := browserAt("192.0.2.9"), browserAt("198.51.100.9")
	home.Origin.Zone, away.Origin.Zone = mail.ZoneVPN, mail.ZoneVPN
	token := h.enter(home, "sato@alpha.example")
	h.calling(home, token)
	h.over(away, token, "zone.other_network")
}

// TestCP10PrintTellsNothing: what is kept of a request is no hash that a password in it could be guessed by.
func TestCP10PrintTellsNothing(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	ask := directory.Ask{Key: "3f1c8a44", Print: sha256.Sum256([]byte(password))}
	owner := h.account(c, "owner@alpha.example", directory.RoleOwner)
	b := browserAt("192.0.2.1")
	by := h.calling(b, h.enter(b, owner.Address.String())).Actor()
	first, err := h.BeginAsk(h.ctx, by, ask)
	h.must(err)
	if first != nil {
		t.Fatal("it was answered before")
	}
	h.must(h.EndAsk(h.ctx, by, ask, &directory.Answer{Status: 201, Body: []byte("{}")}))
	h.must(h.store.Tenant(c.ID()).View(h.ctx, func(r store.Reader) error {
		all, err := r.Objects("answer", store.Page{})
		for _, o := range all {
			if bytes.Contains(o.Doc, []byte(base64.StdEncoding.EncodeToString(ask.Print[:]))) {
				t.Error("the hash of the request lies open")
			}
		}
		return err
	}))
	again, err := h.BeginAsk(h.ctx, by, ask)
	h.must(err)
	if again == nil || again.Status != 201 {
		t.Fatalf("%+v", again)
	}
	h.must(h.RotateTokens(h.ctx, h.ops))
	if again, err = h.BeginAsk(h.ctx, by, ask); err != nil || again == nil {
		t.Errorf("after a new secret: %v, %v", again, err)
	}
	ask.Print[0]++
	_, err = h.BeginAsk(h.ctx, by, ask)
	h.says(err, mail.Invalid, "idempotency.other_request")
}

// TestCP6DepartmentsOfOwners: who may not change an owner's account does not by way of his department.
func TestCP6DepartmentsOfOwners(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	for _, who := range []struct {
		local string
		roles []directory.Role
	}{{"owner", []directory.Role{directory.RoleOwner}}, {"sato", nil}} {
		_, err := c.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr(who.local + "@alpha.example"), Roles: who.roles, Profile: directory.Profile{Department: "Sales"}})
		h.must(err)
	}
	h.account(c, "admin@alpha.example", directory.RoleAccountAdmin)
	b := browserAt("192.0.2.1")
	admin := h.calling(b, h.enter(b, "admin@alpha.example"))
	n, err := c.RenameDepartment(h.ctx, admin.Actor(), "Sales", "Nobody")
	h.must(err)
	owner, err := c.Find(h.ctx, addr("owner@alpha.example"))
	h.must(err)
	if n != 1 || owner.Profile.Department != "Sales" {
		t.Errorf("%d renamed, the owner is in %q", n, owner.Profile.Department)
	}
}
