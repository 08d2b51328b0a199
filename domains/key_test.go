package domains_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/dns/dnstest"
	"tegami/wire/mailauth/dkim"
)

// life is the state of each generation: "1 retired, 2 active".
func life(keys []domains.Key) string {
	var b []string
	for i, k := range keys {
		if i%2 == 0 {
			b = append(b, fmt.Sprintf("%d %s", k.Generation, k.State))
		} else if before := keys[i-1]; before.Generation != k.Generation || before.State != k.State {
			b = append(b, "torn")
		}
	}
	return strings.Join(b, ", ")
}

func TestKeysAreMadeWhenFirstAskedFor(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	signers, err := h.Signers(h.ctx, alpha, "Alpha.Example.")
	h.must(err)
	if len(signers) != 2 || signers[0].Selector != "tg1r" || signers[1].Selector != "tg1e" || signers[0].Domain != "alpha.example" {
		t.Fatalf("%+v", signers)
	}
	if k, ok := signers[0].Signer.(*rsa.PrivateKey); !ok || k.N.BitLen() != 2048 {
		t.Errorf("the first is a %T", signers[0].Signer)
	}
	if _, ok := signers[1].Signer.(ed25519.PrivateKey); !ok {
		t.Errorf("the second is a %T", signers[1].Signer)
	}
	again, err := h.other().Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	if !again[0].Signer.(*rsa.PrivateKey).Equal(signers[0].Signer) {
		t.Error("another process has other keys")
	}
	own, err := h.Signers(h.ctx, 0, "mail.example")
	h.must(err)
	if own[0].Selector != "tgp1r" || own[0].Domain != "mail.example" {
		t.Errorf("the platform's own: %+v", own[0])
	}
}

// TestKeysAreMadeOnce asks from many goroutines in several processes.
func TestKeysAreMadeOnce(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		s := h.other()
		for range 4 {
			all.Go(func() {
				signers, err := s.Signers(h.ctx, alpha, "alpha.example")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[dkim.FormatRecord(signers[0].Signer.Public())]++
				mu.Unlock()
			})
		}
	}
	all.Wait()
	if len(seen) != 1 {
		t.Errorf("%d different keys", len(seen))
	}
	acts := h.acts(alpha, "dkim")
	if len(acts) != 1 || string(acts[0].After) != store.Masked || acts[0].Actor != worker.Name() {
		t.Errorf("the operation log has %d entries: %+v", len(acts), acts)
	}
}

// acts lists what the operation log says about objects of a kind.
func (h *house) acts(tenant mail.TenantID, kind string) (list []store.Act) {
	h.Helper()
	h.must(h.store.Tenant(tenant).View(h.ctx, func(r store.Reader) error {
		all, err := r.Acts(0, 0)
		for _, a := range all {
			if a.Kind == kind {
				list = append(list, a)
			}
		}
		return err
	}))
	return list
}

func TestKeysRotate(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	admin := h.admin(alpha, "sato@alpha.example")
	c := h.Company(alpha)
	first, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	_, err = c.Activate(h.ctx, admin, "alpha.example")
	h.says(err, mail.Conflict, "dkim.no_next")

	keys, err := c.Rotate(h.ctx, admin, "alpha.example")
	h.must(err)
	if life(keys) != "1 active, 2 next" {
		t.Error(life(keys))
	}
	if now, _ := h.Signers(h.ctx, alpha, "alpha.example"); now[0].Selector != first[0].Selector {
		t.Error("the next keys sign already")
	}
	_, err = c.Rotate(h.ctx, admin, "alpha.example")
	h.says(err, mail.Conflict, "dkim.next_waits")

	keys, err = c.Activate(h.ctx, admin, "alpha.example")
	h.must(err)
	if life(keys) != "1 retired, 2 active" {
		t.Error(life(keys))
	}
	now, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	if len(now) != 2 || now[0].Selector != "tg2r" {
		t.Errorf("%+v", now)
	}
	h.noPrivateHalf(alpha, 1)
	for range domains.MaxGenerations - 2 {
		_, err = c.Rotate(h.ctx, admin, "alpha.example")
		h.must(err)
		_, err = c.Activate(h.ctx, admin, "alpha.example")
		h.must(err)
	}
	_, err = c.Rotate(h.ctx, admin, "alpha.example")
	h.says(err, mail.Full, "dkim.too_many")
	for _, a := range h.acts(alpha, "dkim")[1:] {
		if a.Actor != "sato@alpha.example" || string(a.Before) != store.Masked || string(a.After) != store.Masked {
			t.Errorf("the operation log: %+v", a)
		}
	}
}

// noPrivateHalf looks into the store: a retired generation can't sign any more.
func (h *house) noPrivateHalf(tenant mail.TenantID, number int) {
	h.Helper()
	h.must(h.store.Tenant(tenant).View(h.ctx, func(r store.Reader) error {
		o, err := r.ObjectByKey(store.Key{Name: "dkim", Value: "alpha.example"})
		if !o.Secret || strings.Count(string(o.Doc), `"private"`) != 2 {
			h.Errorf("secret %v, %d private halves", o.Secret, strings.Count(string(o.Doc), `"private"`))
		}
		return err
	}))
}

func TestWhoMayRotate(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example"), h.company("beta.example")
	admin := h.admin(alpha, "sato@alpha.example")
	demoted, err := h.dir.Company(alpha).Find(h.ctx, mail.Address{Local: "sato", Domain: "alpha.example"})
	h.must(err)
	for name, by := range map[string]mail.Actor{
		"a user": h.user(alpha, "suzuki@alpha.example"), "another's administrator": h.admin(beta, "smith@beta.example"),
		"the platform": worker, "nobody": {},
	} {
		_, err := h.Company(alpha).Rotate(h.ctx, by, "alpha.example")
		if !mail.Is(err, mail.Denied) {
			t.Errorf("%s: %v", name, err)
		}
		_, err = h.Company(0).Rotate(h.ctx, by, "mail.example")
		if !mail.Is(err, mail.Denied) {
			t.Errorf("%s, the platform's keys: %v", name, err)
		}
	}
	_, err = h.Company(0).Rotate(h.ctx, h.ops, "mail.example")
	h.must(err)
	_, err = h.Company(0).Rotate(h.ctx, admin, "mail.example")
	h.says(err, mail.Denied, "actor.denied")
	h.must(h.dir.Company(alpha).SetRoles(h.ctx, h.ops, demoted.ID, nil))
	_, err = h.Company(alpha).Rotate(h.ctx, admin, "alpha.example")
	h.says(err, mail.Denied, "actor.denied")
}

// TestTendLetsKeysGrowOld takes a domain through a rotation by what the DNS shows and by time.
func TestTendLetsKeysGrowOld(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	c, names := h.Company(alpha), dnstest.Zone("")
	tend := func(want string) {
		t.Helper()
		h.must(h.Tend(h.ctx, names))
		keys, err := c.Keys(h.ctx, "alpha.example")
		h.must(err)
		if life(keys) != want {
			t.Errorf("%s, want %s", life(keys), want)
		}
	}
	tend("1 active")
	_, err := c.Rotate(h.ctx, h.ops, "alpha.example")
	h.must(err)
	tend("1 active, 2 next") // nothing is published
	records, err := c.Records(h.ctx, "alpha.example")
	h.must(err)
	for _, r := range records {
		if strings.HasPrefix(r.Name, "tg2r.") {
			names.Add(r.Zone())
		}
	}
	tend("1 active, 2 next") // half of it is
	for _, r := range records {
		if strings.HasPrefix(r.Name, "tg2e.") {
			names.Add(r.Zone())
			names.Fail(r.Name)
		}
	}
	tend("1 active, 2 next") // an outage says nothing
	names.Heal("tg2e._domainkey.alpha.example")
	tend("1 retired, 2 active")
	h.must(domains.TendAt(h.Service, names, time.Now().Add(domains.RetiredFor-time.Hour)))
	tend("1 retired, 2 active")
	h.must(domains.TendAt(h.Service, names, time.Now().Add(domains.RetiredFor+time.Hour)))
	tend("2 active")
	h.must(domains.TendAt(h.Service, names, time.Now().AddDate(1, 0, 1)))
	tend("2 active, 3 next")
}

// TestTendRemovesKeysOfDomainsGivenBack: the domain's next tenant makes its own.
func TestTendRemovesKeysOfDomainsGivenBack(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example"), h.company("beta.example")
	before, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	h.must(h.dir.Company(alpha).RemoveDomain(h.ctx, h.ops, "alpha.example"))
	_, err = h.Signers(h.ctx, alpha, "alpha.example")
	h.says(err, mail.NotFound, "domain.unknown")
	h.domain(beta, "alpha.example")
	after, err := h.Signers(h.ctx, beta, "alpha.example")
	h.must(err)
	if before[0].Signer.(*rsa.PrivateKey).Equal(after[0].Signer) {
		t.Error("the keys moved to another tenant")
	}
	h.must(h.Tend(h.ctx, dnstest.Zone("")))
	h.must(h.store.Tenant(alpha).View(h.ctx, func(r store.Reader) error {
		left, err := r.Objects("dkim", store.Page{})
		if len(left) != 0 {
			t.Errorf("%d sets of keys are left", len(left))
		}
		return err
	}))
	if keys, err := h.Company(beta).Keys(h.ctx, "alpha.example"); err != nil || life(keys) != "1 active" {
		t.Errorf("the new tenant's: %s, %v", life(keys), err)
	}
}

// TestKeysInMemoryFollowTheStore: another process rotates.
func TestKeysInMemoryFollowTheStore(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	_, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	far := h.other().Company(alpha)
	_, err = far.Rotate(h.ctx, h.ops, "alpha.example")
	h.must(err)
	_, err = far.Activate(h.ctx, h.ops, "alpha.example")
	h.must(err)
	now, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	if now[0].Selector != "tg2r" {
		t.Errorf("still signs with %s", now[0].Selector)
	}
}

// TestClosedTenantsKeysStay: nothing of a closed contract is rotated.
func TestClosedTenantsKeysStay(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	_, err := h.dir.SetTenantState(h.ctx, h.ops, alpha, directory.TenantClosed)
	h.must(err)
	_, err = h.Company(alpha).Rotate(h.ctx, h.ops, "alpha.example")
	h.says(err, mail.Denied, "tenant.closed")
}
