package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
)

// heard is a delivery as its receiver got it.
type heard struct {
	header http.Header
	body   []byte
	event  Event
}

// A bench is a company with a service whose receiver is on this machine.
type bench struct {
	testing.TB
	*Service
	dir    *directory.Directory
	ops    mail.Actor
	ctx    context.Context
	tenant mail.TenantID
	url    string

	mu     sync.Mutex
	status int // what the receiver answers
	off    []string
	got    chan heard
}

func newBench(t testing.TB) *bench {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	b := &bench{TB: t, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), ops: directory.Operator("test", ""), ctx: context.Background(),
		status: http.StatusOK, got: make(chan heard, 100)}
	receiver := httptest.NewTLSServer(http.HandlerFunc(b.receive))
	t.Cleanup(receiver.Close)
	b.url = receiver.URL
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	b.Service = New(Config{Store: st, Directory: b.dir, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots, Pause: 5 * time.Millisecond,
		SwitchedOff: func(_ context.Context, _ mail.TenantID, h Hook) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.off = append(b.off, h.Off)
		}})
	made, err := b.dir.OpenTenant(b.ctx, b.ops, directory.TenantSpec{Name: "Alpha"})
	b.must(err)
	b.tenant = made.ID
	_, err = b.company().AddDomain(b.ctx, b.ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 50})
	b.must(err)
	return b
}

func (b *bench) company() *directory.Company { return b.dir.Company(b.tenant) }

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h := heard{header: r.Header, body: body}
	if err == nil {
		err = json.Unmarshal(body, &h.event)
	}
	if err != nil {
		b.Error(err)
	}
	b.mu.Lock()
	status := b.status
	b.mu.Unlock()
	if status == http.StatusFound {
		w.Header().Set("Location", b.url)
	}
	w.WriteHeader(status)
	b.got <- h
}

func (b *bench) answers(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

// works runs the worker until the test ends.
func (b *bench) works() {
	ctx, stop := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !mail.Is(err, mail.Busy) {
			b.Error(err)
		}
	})
}

// hears waits for a delivery.
func (b *bench) hears(kind string) heard {
	b.Helper()
	select {
	case h := <-b.got:
		if h.event.Type != kind {
			b.Errorf("%s %s, want %s", h.event.Type, h.body, kind)
		}
		return h
	case <-time.After(20 * time.Second):
		b.Fatalf("no %s", kind)
	}
	return heard{}
}

func (b *bench) add(events ...string) (Hook, string) {
	b.Helper()
	h, secret, err := b.Add(b.ctx, b.ops, b.tenant, Spec{Name: "crm", URL: b.url + "/hook", Events: events})
	b.must(err)
	return h, secret
}

func (b *bench) account(name string) directory.Account {
	b.Helper()
	a, err := b.company().AddAccount(b.ctx, b.ops, directory.AccountSpec{Address: mail.Address{Local: name, Domain: "alpha.example"}})
	b.must(err)
	return a
}

// settled waits until a webhook's state is so.
func (b *bench) settled(id mail.ObjectID, is func([]Delivery, time.Time) bool) {
	b.Helper()
	for range 2000 {
		list, next, err := b.Deliveries(b.ctx, b.tenant, id)
		b.must(err)
		if is(list, next) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatal("it does not come")
}

// TestCP10WebhookSigned: a delivery is signed as Standard Webhooks says, with the secret that was shown once, and says no more than what
// happened to what.
func TestCP10WebhookSigned(t *testing.T) {
	b := newBench(t)
	_, secret := b.add("account.created")
	b.works()
	made := b.account("sato")
	h := b.hears("account.created")
	d := h.event.Data
	if d.ID != mail.ObjectID(made.ID) || d.Name != "sato@alpha.example" || d.Tenant != b.tenant || d.Actor != "operator:test" || strings.Contains(string(h.body), "password") {
		t.Errorf("%s", h.body)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) != secretSize || !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("%q: %v", secret, err)
	}
	id, at := h.header.Get("webhook-id"), h.header.Get("webhook-timestamp")
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + at + "." + string(h.body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)); h.header.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", h.header.Get("webhook-signature"), want)
	}
	if seconds, err := strconv.ParseInt(at, 10, 64); err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute || !strings.HasPrefix(id, "msg_") {
		t.Errorf("%q at %q", id, at)
	}
}

// TestStandardWebhooksVector is the example of the specification's own libraries.
func TestStandardWebhooksVector(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestCP10WebhookEvents: each change is the event it should be, in its order, and only those that are wanted come.
func TestCP10WebhookEvents(t *testing.T) {
	b := newBench(t)
	b.account("before")
	b.add("*")
	c := b.company()
	a := b.account("sato")
	b.must(c.SetAccountState(b.ctx, b.ops, a.ID, directory.AccountSuspended))
	b.must(c.SetAccountState(b.ctx, b.ops, a.ID, directory.AccountActive))
	b.must(c.AddAlias(b.ctx, b.ops, mail.Address{Local: "info", Domain: "alpha.example"}, a.ID))
	b.must(c.DeleteAccount(b.ctx, b.ops, a.ID))
	l, err := c.AddList(b.ctx, b.ops, mail.Address{Local: "all", Domain: "alpha.example"}, directory.ListSpec{})
	b.must(err)
	b.must(c.AddMembers(b.ctx, b.ops, l.ID, []directory.Member{{Address: mail.Address{Local: "guest", Domain: "elsewhere.example"}}}))
	b.must(b.Tell(b.ctx, b.tenant, QuotaWarned, a.ID, "sato@alpha.example"))
	b.works()
	for _, kind := range []string{"account.created", "account.suspended", "account.resumed", "account.changed", "account.deleted", "list.created", "list.members", QuotaWarned} {
		h := b.hears(kind)
		switch kind {
		case "account.changed":
			if !slices.Contains(h.event.Data.Changed, "aliases") {
				t.Errorf("%s", h.body)
			}
		case "list.members":
			if h.event.Data.ID != l.ID {
				t.Errorf("%s", h.body)
			}
		}
	}
	if len(b.got) != 0 {
		t.Errorf("more: %s", (<-b.got).body)
	}
}

// TestCP10WebhookRetries: what fails is tried again under the same id, and what comes after waits for it.
func TestCP10WebhookRetries(t *testing.T) {
	b := newBench(t)
	hook, _ := b.add("account.created")
	b.answers(http.StatusServiceUnavailable)
	b.works()
	b.account("a")
	b.account("b")
	first := b.hears("account.created")
	b.settled(hook.ID, func(list []Delivery, next time.Time) bool {
		return len(list) == 1 && list[0].Status == 503 && list[0].Error == "webhook.refused" && list[0].Try == 1 && time.Until(next) > time.Second
	})
	b.answers(http.StatusNoContent)
	b.must(b.note(b.ctx, b.tenant, hook.ID, func(doc *stateDoc) { doc.Next = time.Time{} })) // its time has come
	again, second := b.hears("account.created"), b.hears("account.created")
	if first.header.Get("webhook-id") != again.header.Get("webhook-id") || again.header.Get("webhook-id") == second.header.Get("webhook-id") ||
		again.event.Data.Name != "a@alpha.example" || second.event.Data.Name != "b@alpha.example" {
		t.Errorf("%v %v %v", first.header, again.header, second.header)
	}
	b.settled(hook.ID, func(list []Delivery, next time.Time) bool {
		return len(list) == 3 && list[0].Good() && list[1].Try == 2 && next.IsZero()
	})
}

// TestCP10WebhookSwitchedOff: who does not listen for a day, or says that he won't any more, is switched off, and somebody is told; taken
// up again it goes on.
func TestCP10WebhookSwitchedOff(t *testing.T) {
	for _, c := range []struct {
		status int
		since  time.Duration
		off    string
	}{{http.StatusInternalServerError, tryFor, "webhook.refused"}, {http.StatusGone, 0, "webhook.gone"}} {
		b := newBench(t)
		hook, _ := b.add("account.created")
		b.answers(c.status)
		if c.since > 0 {
			b.must(b.note(b.ctx, b.tenant, hook.ID, func(doc *stateDoc) { doc.Since, doc.Tries = time.Now().Add(-c.since), 20 }))
		}
		b.account("a")
		b.works()
		b.hears("account.created")
		for range 2000 {
			h, err := b.Get(b.ctx, b.tenant, hook.ID)
			b.must(err)
			if !h.Active {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		h, err := b.Get(b.ctx, b.tenant, hook.ID)
		b.must(err)
		b.mu.Lock()
		told := slices.Clone(b.off)
		b.mu.Unlock()
		if h.Active || h.Off != c.off || len(told) != 1 && h.Off == "" {
			t.Fatalf("%+v, told %q", h, told)
		}
		b.answers(http.StatusOK)
		_, err = b.Change(b.ctx, b.ops, b.tenant, hook.ID, 0, Spec{Name: "crm", URL: h.URL, Events: h.Events, Active: true})
		b.must(err)
		if got := b.hears("account.created"); got.event.Data.Name != "a@alpha.example" {
			t.Errorf("%s", got.body)
		}
	}
}

// TestCP10WebhookReachesNobodyInside: no address of a closed network is dialled, whatever its name; no redirect is followed.
func TestCP10WebhookReachesNobodyInside(t *testing.T) {
	b := newBench(t)
	hook, _ := b.add("account.created")
	b.answers(http.StatusFound)
	d, err := b.Test(b.ctx, b.ops, b.tenant, hook.ID)
	if b.hears(TypeTest); err != nil || d.Error != "webhook.redirected" || d.Status != 302 || len(b.got) != 0 {
		t.Errorf("%+v %v", d, err)
	}
	inside := New(Config{Store: b.store, Directory: b.dir, Roots: b.cfg.Roots})
	d, err = inside.Test(b.ctx, b.ops, b.tenant, hook.ID)
	if err != nil || d.Error != "webhook.closed_network" || d.Status != 0 || len(b.got) != 0 {
		t.Errorf("%+v %v", d, err)
	}
	stranger := New(Config{Store: b.store, Directory: b.dir, Allow: b.cfg.Allow})
	if d, err = stranger.Test(b.ctx, b.ops, b.tenant, hook.ID); err != nil || d.Error != "webhook.certificate" {
		t.Errorf("%+v %v", d, err)
	}
	list, _, err := b.Deliveries(b.ctx, b.tenant, hook.ID)
	if err != nil || len(list) != 3 || list[0].Error != "webhook.certificate" || list[2].Type != TypeTest {
		t.Errorf("%+v %v", list, err)
	}
}

// TestCP10WebhookRules: what a webhook may be, who may make one, and that the secret stays one.
func TestCP10WebhookRules(t *testing.T) {
	b := newBench(t)
	for url, key := range map[string]string{
		"http://hook.example/": "webhook.url", "hook.example": "webhook.url", "https://": "webhook.url", "https://a:b@hook.example/": "webhook.url",
		"https://hook.example/#x": "webhook.url", "https://hook.example/" + strings.Repeat("x", MaxURL): "webhook.url",
	} {
		_, _, err := b.Add(b.ctx, b.ops, b.tenant, Spec{URL: url, Events: []string{"*"}})
		if got, _ := mail.TextOf(err); got != key {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, events := range [][]string{nil, {"account.eaten"}, {""}} {
		_, _, err := b.Add(b.ctx, b.ops, b.tenant, Spec{URL: b.url, Events: events})
		if got, _ := mail.TextOf(err); got != "webhook.events" {
			t.Errorf("%q: %v", events, err)
		}
	}
	h, secret := b.add("list.created")
	if _, _, err := b.Add(b.ctx, mail.Actor{}, b.tenant, Spec{URL: b.url, Events: []string{"*"}}); !mail.Is(err, mail.Denied) {
		t.Errorf("nobody made one: %v", err)
	}
	renewed, err := b.Renew(b.ctx, b.ops, b.tenant, h.ID)
	if err != nil || renewed == secret || renewed == "" {
		t.Errorf("%q %v", renewed, err)
	}
	if _, err := b.Change(b.ctx, b.ops, b.tenant, h.ID, h.Version+7, Spec{URL: b.url, Events: []string{"*"}}); !mail.Is(err, mail.Conflict) {
		t.Errorf("another version: %v", err)
	}
	for range MaxHooks - 1 {
		b.add("*")
	}
	if _, _, err := b.Add(b.ctx, b.ops, b.tenant, Spec{URL: b.url, Events: []string{"*"}}); !mail.Is(err, mail.Full) {
		t.Errorf("one too many: %v", err)
	}
	b.must(b.Remove(b.ctx, b.ops, b.tenant, h.ID, 0))
	if _, err := b.Get(b.ctx, b.tenant, h.ID); !mail.Is(err, mail.NotFound) {
		t.Errorf("it is still there: %v", err)
	}
	b.must(b.Service.store.Tenant(b.tenant).View(b.ctx, func(r store.Reader) error {
		acts, err := r.Acts(0, 0)
		for _, a := range acts {
			if strings.Contains(string(a.After), "whsec_") || a.Kind == kindSecret && strings.Contains(string(a.After), "key") || a.Kind == kindState && a.After != nil {
				t.Errorf("the log has %s %s", a.Kind, a.After)
			}
		}
		return err
	}))
}

// TestTypes: the list of types is sorted and each is there once.
func TestTypes(t *testing.T) {
	types := Types()
	if !slices.IsSorted(types) || len(slices.Compact(slices.Clone(types))) != len(types) || !slices.Contains(types, "account.created") {
		t.Error(types)
	}
}

// FuzzEventOf: no document of the log makes an event fail.
func FuzzEventOf(f *testing.F) {
	f.Add("account", []byte(`{"address":{"Local":"a","Domain":"b"},"state":"active"}`), []byte(`{"state":"deleted"}`))
	f.Add("event", []byte(nil), []byte(`{"type":"quota.warned"}`))
	f.Add("member", []byte(`{"list":"x"}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, kind string, before, after []byte) {
		e, ok := eventOf(1, store.Act{Kind: kind, Before: before, After: after, Seq: 7})
		if ok && e.Type == "" {
			t.Error("an event without a type")
		}
	})
}
