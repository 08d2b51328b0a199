package quarantine_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/quarantine"
	"tegami/store"
)

// TestSF1Keep: what is kept is all there, once, and nothing of it counts to the box.
func TestSF1Keep(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	octets := letter("hello")
	id := h.keep(b.Account(), octets, func(e *quarantine.Entry) {
		e.Subject = strings.Repeat("あ", 1000)
		e.Reasons = make([]quarantine.Reason, 100)
		e.Facts = []byte(`{"v":1}`)
	})
	e, err := b.Get(h.ctx, id)
	h.must(err)
	if e.ID != id || e.Account != b.Account().ID || e.Percent != 97.35 || e.Rule != "score" || len(e.Reasons) != quarantine.MaxReasons ||
		len(e.Subject) > 500 || !strings.HasSuffix(e.Subject, "あ") || string(e.Facts) != `{"v":1}` || e.Blob.Size != int64(len(octets)) ||
		e.HeaderFrom != address("bob@spam.example") || e.Sender() != e.HeaderFrom {
		t.Errorf("kept %+v", e)
	}
	if want := e.Received.Add(14 * 24 * time.Hour); !e.Ends.Equal(want) {
		t.Errorf("ends %v, want %v", e.Ends, want)
	}
	box, err := h.store.Tenant(b.Account().Tenant).Usage(h.ctx, b.Account().ID)
	h.must(err)
	if box.Used != 0 {
		t.Errorf("the box counts %d octets", box.Used)
	}
	again := func(e *quarantine.Entry) { e.Item = 1 }
	if second := h.keep(b.Account(), octets, again); second != id {
		t.Errorf("the same item is kept as %v and %v", id, second)
	}
	alias := func(e *quarantine.Entry) { e.Item = 1; e.Recipient = address("info@alpha.example") }
	if other := h.keep(b.Account(), octets, alias); other == id {
		t.Error("two recipients have one entry")
	}
	_, err = b.Get(h.ctx, 12345)
	h.refused(err, mail.NotFound, "quarantine.unknown")
}

// TestSF4Days: a message is kept as long as the administrator set, 1 to 14 days, and then goes.
func TestSF4Days(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for days, want := range map[int]int{0: 1, 1: 1, 7: 7, 14: 14, 15: 14, 1000: 14} {
		if got := quarantine.End(at, days); !got.Equal(at.AddDate(0, 0, want)) {
			t.Errorf("%d days: %v", days, got)
		}
	}
	h := newHouse(t)
	h.company("alpha.example", "sato", "suzuki")
	h.company("beta.example", "sato")
	ends := func(ago time.Duration) func(*quarantine.Entry) {
		return func(e *quarantine.Entry) { e.Ends = time.Now().Add(-ago) }
	}
	want := map[string]string{"sato@alpha.example": "stays", "suzuki@alpha.example": "", "sato@beta.example": "stays-too"}
	sato, suzuki, other := h.open("sato@alpha.example"), h.open("suzuki@alpha.example"), h.open("sato@beta.example")
	h.keep(sato.Account(), letter("over"), ends(time.Minute))
	h.keep(sato.Account(), letter("stays"), ends(-time.Minute))
	for range 3 {
		h.keep(suzuki.Account(), letter("over"), ends(time.Hour))
	}
	h.keep(other.Account(), letter("over"), ends(2*time.Second))
	h.keep(other.Account(), letter("stays-too"), ends(-24*time.Hour))
	n, err := h.Expire(h.ctx)
	h.must(err)
	if n != 5 {
		t.Errorf("%d ended", n)
	}
	for address, subjects := range want {
		if got := h.subjects(h.open(address), quarantine.Query{}); got != subjects {
			t.Errorf("%s has %q", address, got)
		}
	}
	if n, err := h.Expire(h.ctx); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// TestSF4Take: what is taken out lies in the inbox, and in quarantine no more.
func TestSF4Take(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	one, two, three := h.keep(b.Account(), letter("one")), h.keep(b.Account(), letter("two")), h.keep(b.Account(), letter("three"))
	before := h.inbox(b.Account())
	out, err := b.Take(h.ctx, []mail.ObjectID{one, 4711, one}, quarantine.Take{})
	h.must(err)
	if !slices.Equal(out.Done, []mail.ObjectID{one}) || len(out.Failed) != 1 {
		t.Errorf("outcome %+v", out)
	}
	h.refused(out.Failed[4711], mail.NotFound, "quarantine.unknown")
	out, err = b.Take(h.ctx, []mail.ObjectID{two}, quarantine.Take{Allow: true, Silent: true})
	h.must(err)
	if n := h.inbox(b.Account()); n != before+2 || len(out.Failed) != 0 {
		t.Errorf("%d messages, %+v", n, out)
	}
	if got := strings.Join(h.allowed, " "); got != "bob@spam.example" {
		t.Errorf("allowed %q", got)
	}
	if got := strings.Join(h.did(), ", "); got != "released ham one, released two" {
		t.Errorf("told of %s", got)
	}
	h.allowErr = mail.E("test", mail.Full, "senders.full")
	out, err = b.Take(h.ctx, []mail.ObjectID{three}, quarantine.Take{Allow: true})
	h.must(err)
	h.refused(out.Failed[three], mail.Full, "senders.full")
	if n := h.inbox(b.Account()); n != before+2 || h.subjects(b, quarantine.Query{}) != "three" {
		t.Errorf("half of it was done: %d messages, %s", n, h.subjects(b, quarantine.Query{}))
	}
	_, err = b.Take(h.ctx, make([]mail.ObjectID, quarantine.MaxAtOnce+1), quarantine.Take{})
	h.refused(err, mail.Invalid, "quarantine.too_many")
	bounce := h.keep(b.Account(), letter("bounce"), func(e *quarantine.Entry) { e.From, e.HeaderFrom = mail.Address{}, mail.Address{} })
	h.allowErr = nil
	out, err = b.Take(h.ctx, []mail.ObjectID{bounce}, quarantine.Take{Allow: true})
	h.must(err)
	h.refused(out.Failed[bounce], mail.Invalid, "quarantine.no_sender")
}

// TestSF4TakeIntoAFullBox: the message stays in quarantine.
func TestSF4TakeIntoAFullBox(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	big := strings.Repeat(strings.Repeat("x", 76)+"\r\n", 400_000)
	for range 3 {
		h.keep(b.Account(), letter("big")+big)
	}
	h.keep(b.Account(), letter("last")+big)
	p, err := b.List(h.ctx, quarantine.Query{})
	h.must(err)
	var ids []mail.ObjectID
	for _, e := range p.Entries {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	out, err := b.Take(h.ctx, ids, quarantine.Take{})
	h.must(err)
	h.refused(out.Failed[ids[3]], mail.Full, "box.full")
	if len(out.Done) != 3 || h.subjects(b, quarantine.Query{}) != "last" {
		t.Errorf("%d taken out, %s left", len(out.Done), h.subjects(b, quarantine.Query{}))
	}
}

func TestSF4DeleteAndNotSpam(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	one, two := h.keep(b.Account(), letter("one")), h.keep(b.Account(), letter("two"))
	state, err := b.State(h.ctx)
	h.must(err)
	out, err := b.NotSpam(h.ctx, []mail.ObjectID{one})
	h.must(err)
	again, err := b.NotSpam(h.ctx, []mail.ObjectID{one})
	h.must(err)
	if len(out.Done) != 1 || len(again.Done) != 1 {
		t.Errorf("%+v, %+v", out, again)
	}
	e, err := b.Get(h.ctx, one)
	h.must(err)
	if e.Said != "ham" || e.Blob.Size == 0 || e.Ends.IsZero() {
		t.Errorf("%+v", e)
	}
	_, err = b.Delete(h.ctx, []mail.ObjectID{two})
	h.must(err)
	three := h.keep(b.Account(), letter("three"))
	_, err = b.Take(h.ctx, []mail.ObjectID{one}, quarantine.Take{}) // it was learned from before
	h.must(err)
	if got := strings.Join(h.did(), ", "); got != "notSpam ham one, notSpam one, deleted two, released one" {
		t.Errorf("told of %s", got)
	}
	c, err := b.Changes(h.ctx, state, 100)
	h.must(err)
	slices.Sort(c.Destroyed)
	if !slices.Equal(c.Created, []mail.ObjectID{three}) || len(c.Updated) != 0 || !slices.Equal(c.Destroyed, []mail.ObjectID{one, two}) || c.More {
		t.Errorf("changes %+v", c)
	}
	_, err = b.Changes(h.ctx, c.New+1000, 100)
	h.refused(err, mail.Conflict, "state.unknown")
}

func TestSF4List(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	for i, s := range []string{"Delta", "請求書", "Ａlpha", "charlie", "bravo"} {
		h.keep(b.Account(), letter("x")+strings.Repeat("x", i%3), func(e *quarantine.Entry) {
			e.Subject, e.Percent = s, float64(90+(i*7)%10)
			e.Received = time.Date(2026, 11, 20+i, 0, 0, 0, 0, time.UTC)
			if i == 3 {
				e.HeaderFrom, e.From = address("anna@mail.other.example"), address("x@bounces.example")
			}
		})
	}
	for _, c := range []struct {
		q    quarantine.Query
		want string
	}{
		{quarantine.Query{}, "bravo charlie Ａlpha 請求書 Delta"},
		{quarantine.Query{Limit: 2}, "bravo charlie"},
		{quarantine.Query{Limit: 2, Offset: 2}, "Ａlpha 請求書"},
		{quarantine.Query{Offset: 100}, ""},
		{quarantine.Query{Ascending: true}, "Delta 請求書 Ａlpha charlie bravo"},
		{quarantine.Query{Sort: quarantine.BySubject, Ascending: true}, "Ａlpha bravo charlie Delta 請求書"},
		{quarantine.Query{Sort: quarantine.ByPercent}, "bravo 請求書 Ａlpha charlie Delta"},
		{quarantine.Query{Sort: quarantine.BySize, Limit: 2}, "Ａlpha bravo"},
		{quarantine.Query{Sort: quarantine.BySender, Ascending: true, Limit: 1}, "charlie"},
		{quarantine.Query{Text: "ALPHA"}, "bravo charlie Ａlpha 請求書 Delta"}, // the recipient's domain
		{quarantine.Query{Text: "請求"}, "請求書"},
		{quarantine.Query{Text: "ａlpha spam.example bob 当選"}, "bravo Ａlpha 請求書 Delta"},
		{quarantine.Query{Text: "nothing"}, ""},
		{quarantine.Query{From: "other.example"}, "charlie"},
		{quarantine.Query{From: "@other.example"}, "charlie"},
		{quarantine.Query{From: "X@bounces.example"}, "charlie"},
		{quarantine.Query{From: "ther.example"}, ""},
		{quarantine.Query{Since: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}, "Ａlpha 請求書"},
	} {
		if got := h.subjects(b, c.q); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	_, err := b.List(h.ctx, quarantine.Query{Sort: "colour"})
	h.refused(err, mail.Invalid, "quarantine.sort")
	p, err := b.List(h.ctx, quarantine.Query{Limit: 2})
	h.must(err)
	if p.Total != 5 || !p.More || p.Offset != 0 {
		t.Errorf("%+v", p)
	}
	var all []string
	for _, sort := range []quarantine.Sort{quarantine.ByReceived, quarantine.BySubject} {
		all = all[:0]
		for q := (quarantine.Query{Limit: 2, Sort: sort}); ; {
			p, err := b.List(h.ctx, q)
			h.must(err)
			for _, e := range p.Entries {
				all = append(all, e.Subject)
				q.Behind = e.ID
			}
			if !p.More {
				break
			}
		}
		if len(all) != 5 {
			t.Errorf("page after page by %s: %v", sort, all)
		}
	}
}

// TestSF4TooMany: the oldest go when a box has too many.
func TestSF4TooMany(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	first := h.keep(b.Account(), letter("first"))
	tenant := h.store.Tenant(b.Account().Tenant)
	const more = 20
	for range 10 {
		h.must(tenant.Update(h.ctx, directory.Housekeeper(), "test", func(tx store.Tx) error {
			for range (quarantine.MaxEntries + more) / 10 {
				if _, err := quarantine.Keep(tx, quarantine.Entry{Account: b.Account().ID, Subject: "flood"}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	_, err := h.Expire(h.ctx)
	h.must(err)
	p, err := b.List(h.ctx, quarantine.Query{Limit: 1})
	h.must(err)
	if p.Total != quarantine.MaxEntries {
		t.Errorf("%d are left", p.Total)
	}
	_, err = b.Get(h.ctx, first)
	h.refused(err, mail.NotFound, "quarantine.unknown")
	begun := time.Now()
	if got := h.subjects(b, quarantine.Query{Text: "first"}); got != "" {
		t.Errorf("found %q", got)
	}
	t.Logf("searching %d messages takes %v", p.Total, time.Since(begun))
}

// TestSF4Read: a message is shown as text and HTML that loads nothing.
func TestSF4Read(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	id := h.keep(b.Account(), strings.Replace(letter("hello"), "Content-Type: text/html", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html", 1)+
		"--b\r\nContent-Type: application/zip; name=\"../evil.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\nUEs=\r\n--b--\r\n")
	l, err := b.Read(h.ctx, id)
	h.must(err)
	if l.Subject != "hello" || len(l.From) != 1 || !strings.Contains(l.Text, "当選") || !strings.Contains(l.HTML, "当選") || l.Cut {
		t.Errorf("%+v", l)
	}
	for _, bad := range []string{"<script", "beacon", "alert"} {
		if strings.Contains(l.HTML, bad) {
			t.Errorf("%s is shown: %s", bad, l.HTML)
		}
	}
	if len(l.Links) != 1 || !l.Links[0].Mismatch {
		t.Errorf("links %+v", l.Links)
	}
	if len(l.Attachments) != 1 || strings.ContainsAny(l.Attachments[0].Name, "/\\") || l.Attachments[0].Type != "application/zip" {
		t.Errorf("attachments %+v", l.Attachments)
	}
	long := h.keep(b.Account(), letter("long")+strings.Repeat("<p>あいうえお</p>\r\n", 100_000))
	l, err = b.Read(h.ctx, long)
	h.must(err)
	if !l.Cut || len(l.Text) > quarantine.MaxShown {
		t.Errorf("cut %v, %d octets", l.Cut, len(l.Text))
	}
	_, err = b.Read(h.ctx, 4711)
	h.refused(err, mail.NotFound, "quarantine.unknown")
}

// admin gives somebody a role and his caller.
func (h *house) admin(c *directory.Company, address string, grant directory.Grant) *directory.Caller {
	h.Helper()
	id := h.signIn(address).Account().ID
	h.must(c.SetGrants(h.ctx, h.ops.For("test"), id, 0, []directory.Grant{grant}))
	return h.caller(address)
}

// caller is somebody as he works with the panel.
func (h *house) caller(address string) *directory.Caller {
	h.Helper()
	id := h.signIn(address)
	c, err := h.dir.CallerAgain(h.ctx, id.Tenant(), directory.Starter{Role: id.Actor().Role(), Name: address, Account: id.Account().ID})
	h.must(err)
	return c
}

// TestSF4Administrators: an administrator sees the boxes his role reaches; what he does there is in the operation log.
func TestSF4Administrators(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "boss", "sato")
	h.domain(c, "other.example", "suzuki")
	sato, suzuki := h.open("sato@alpha.example").Account(), h.open("suzuki@other.example").Account()
	one, two := h.keep(sato, letter("one")), h.keep(sato, letter("two"))
	h.keep(suzuki, letter("three"))
	tenant := sato.Tenant

	boss := h.admin(c, "boss@alpha.example", directory.Grant{Role: directory.RolePolicyAdmin, Domains: []mail.DomainID{sato.Domain}})
	desk, err := h.Desk(boss, boss.Actor(), tenant)
	h.must(err)
	list, more, err := desk.Boxes(h.ctx, 0, 0)
	h.must(err)
	if len(list) != 1 || list[0].Account.ID != sato.ID || list[0].Messages != 2 || list[0].Octets == 0 || list[0].Newest != two || more {
		t.Errorf("boxes %+v, more %v", list, more)
	}
	_, err = desk.Open(h.ctx, suzuki.ID)
	h.refused(err, mail.NotFound, "account.unknown")
	r, err := desk.Open(h.ctx, sato.ID)
	h.must(err)
	if got := h.subjects(r.Box, quarantine.Query{}); got != "two one" {
		t.Errorf("list %s", got)
	}
	_, err = r.Read(h.ctx, one)
	h.must(err)
	h.must(r.Forward(h.ctx, one, address("expert@outside.example")))
	_, err = r.Take(h.ctx, []mail.ObjectID{one}, quarantine.Take{})
	h.must(err)
	_, err = r.Delete(h.ctx, []mail.ObjectID{two})
	h.must(err)
	if got := strings.Join(h.sent, ","); got != "one to expert@outside.example" {
		t.Errorf("sent %s", got)
	}
	var log []string
	h.must(h.store.Tenant(tenant).View(h.ctx, func(r store.Reader) error {
		acts, err := r.ActsBack(store.ActQuery{Actor: "boss@alpha.example"})
		for _, a := range acts {
			log = append([]string{string(a.Why) + " " + string(a.After)}, log...)
		}
		return err
	}))
	for i, want := range []string{"quarantine.List", "quarantine.Read", `"did":"forwarded"`, `"did":"released"`, `"did":"deleted"`} {
		if i >= len(log) || !strings.Contains(log[i], want) {
			t.Fatalf("log %s", strings.Join(log, "\n"))
		}
	}
	if !strings.Contains(log[2], "expert@outside.example") || !strings.Contains(log[3], "sato@alpha.example") {
		t.Errorf("log %s", strings.Join(log, "\n"))
	}
}

// TestSF4NotEverybodyAdministrates: neither users, nor administrators of something else, nor operators, nor other companies open a box.
func TestSF4NotEverybodyAdministrates(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "help", "sato")
	h.company("beta.example", "boss")
	sato := h.open("sato@alpha.example").Account()
	h.keep(sato, letter("one"))
	ops := directory.OperatorCaller("root", "")
	for who, caller := range map[string]*directory.Caller{
		"a user":       h.caller("sato@alpha.example"),
		"a help desk":  h.admin(c, "help@alpha.example", directory.Grant{Role: directory.RoleHelpDesk}),
		"an operator":  ops,
		"nobody":       nil,
		"another boss": h.caller("boss@beta.example"),
	} {
		var by mail.Actor
		if caller != nil {
			by = caller.Actor()
		}
		desk, err := h.Desk(caller, by, sato.Tenant)
		if err == nil {
			_, err = desk.Open(h.ctx, sato.ID)
		}
		if !mail.Is(err, mail.Denied) && !mail.Is(err, mail.NotFound) {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// TestSF6Link: the box by a link of the digest, and that it ends with the account.
func TestSF6Link(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "sato", "boss")
	b := h.open("sato@alpha.example")
	one := h.keep(b.Account(), letter("one"))
	box, err := h.Link(h.ctx, b.Account().Tenant, b.Account().ID, netip.MustParseAddr("192.0.2.1"))
	h.must(err)
	_, err = box.Take(h.ctx, []mail.ObjectID{one}, quarantine.Take{})
	h.must(err)
	h.must(h.store.Tenant(b.Account().Tenant).View(h.ctx, func(r store.Reader) error {
		acts, err := r.ActsBack(store.ActQuery{Kind: quarantine.Kind})
		if err == nil && (len(acts) != 1 || !strings.Contains(acts[0].Reason, "192.0.2.1")) {
			t.Errorf("log %+v", acts)
		}
		return err
	}))
	h.must(c.SetAccountState(h.ctx, h.ops.For("test"), b.Account().ID, directory.AccountSuspended))
	_, err = box.Get(h.ctx, one)
	h.refused(err, mail.Denied, "account.suspended")
	_, err = b.List(h.ctx, quarantine.Query{})
	if !mail.Is(err, mail.Denied) {
		t.Errorf("a suspended account reads its quarantine: %v", err)
	}
	_, err = h.Link(h.ctx, b.Account().Tenant, 4711, netip.Addr{})
	if !mail.Is(err, mail.NotFound) {
		t.Error(err)
	}
}

// TestQuarantineGoesWithTheAccount: nothing is left of the mail in the quarantine of a destroyed account.
func TestQuarantineGoesWithTheAccount(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	h.keep(b.Account(), letter("one"))
	h.must(c.DeleteAccount(h.ctx, h.ops.For("test"), b.Account().ID))
	h.must(c.DestroyAccount(h.ctx, h.ops.For("test"), b.Account().ID, b.Account().Address))
	h.must(h.store.Tenant(b.Account().Tenant).View(h.ctx, func(r store.Reader) error {
		list, err := r.EntriesSince(b.Account().ID, quarantine.Kind, 0, 0)
		if len(list) != 0 {
			t.Errorf("left: %+v", list)
		}
		return err
	}))
}

// TestWatchTellsOfQuarantine: who watches the account hears of new mail in quarantine, and mailbox.Moved names it.
func TestWatchTellsOfQuarantine(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	b := h.open("sato@alpha.example")
	state, err := b.State(h.ctx)
	h.must(err)
	told := h.store.Tenant(b.Account().Tenant).Watch(t.Context(), b.Account().ID)
	h.keep(b.Account(), letter("one"))
	for n := range told {
		if n > state {
			break
		}
	}
	h.must(h.store.Tenant(b.Account().Tenant).View(h.ctx, func(r store.Reader) error {
		m, err := mailbox.MovedIn(r, b.Account().ID, state, "card", quarantine.Kind)
		if !slices.Equal(m.Entries, []string{quarantine.Kind}) || m.Mail {
			t.Errorf("moved %+v", m)
		}
		return err
	}))
}

// TestIsolation calls every method of a box with the ids of another company's message: nothing comes out, nothing changes.
func TestIsolation(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "sato")
	h.company("beta.example", "sato")
	victim, stranger := h.open("sato@alpha.example"), h.open("sato@beta.example")
	id := h.keep(victim.Account(), letter("TOP-SECRET"))
	h.keep(stranger.Account(), letter("mine"))
	state, err := victim.State(h.ctx)
	h.must(err)
	v := reflect.ValueOf(stranger)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		if method.Name == "Account" {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(h.ctx)}
		for p := 2; p < method.Type.NumIn(); p++ {
			var value any
			switch method.Type.In(p) {
			case reflect.TypeFor[mail.ObjectID]():
				value = id
			case reflect.TypeFor[[]mail.ObjectID]():
				value = []mail.ObjectID{id}
			case reflect.TypeFor[quarantine.Query]():
				value = quarantine.Query{Text: "", Behind: id}
			case reflect.TypeFor[quarantine.Take]():
				value = quarantine.Take{Allow: true}
			case reflect.TypeFor[mail.ModSeq]():
				value = mail.ModSeq(0)
			case reflect.TypeFor[int]():
				value = 100
			default:
				t.Fatalf("%s has a parameter of type %v: teach this test what to try", method.Name, method.Type.In(p))
			}
			args = append(args, reflect.ValueOf(value))
		}
		for _, out := range v.Method(i).Call(args) {
			if text := fmt.Sprintf("%+v", out.Interface()); strings.Contains(text, "TOP-SECRET") || strings.Contains(text, "alpha.example") {
				t.Errorf("%s tells %s", method.Name, text)
			}
		}
	}
	if after, err := victim.State(h.ctx); after != state || err != nil {
		t.Errorf("the victim's state is %d, was %d", after, state)
	}
	for _, name := range []string{"Open"} { // who is nobody opens nothing
		if _, err := h.Open(nil); !mail.Is(err, mail.Denied) {
			t.Errorf("%s without an identity: %v", name, err)
		}
	}
}
