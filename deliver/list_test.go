package deliver_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

const clickURL = "https://mail.service.example/unsubscribe?t="

// TestLI1Post brings a post to members here and outside, with a header of the list and untouched below.
func TestLI1Post(t *testing.T) {
	h := newHouse(t, deliver.Config{UnsubscribeURL: clickURL})
	c := h.company("alpha.example", "sato", "suzuki")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), h.account("sato@alpha.example").ID))
	l := h.list(c, "team@alpha.example", directory.ListSpec{Name: "営業チーム"},
		"sato@alpha.example", "suzuki@alpha.example", "info@alpha.example", "x@other.example", "Y@other.example")
	post := letter("abe@customer.example", "hello")
	h.accept(l.Tenant, from("abe@customer.example"), post, "team@alpha.example")
	h.drain()
	untouched := strings.TrimPrefix(post, "Return-Path: <abe@customer.example>\r\n")
	for _, a := range []string{"sato@alpha.example", "suzuki@alpha.example"} {
		got := h.inbox(a)
		if len(got) != 1 || !strings.HasSuffix(got[0], untouched) {
			t.Fatalf("%s got %q", a, got)
		}
		header := mime.Header(strings.TrimSuffix(got[0], untouched))
		for name, want := range map[string]string{
			"Return-Path": "<team-bounces@alpha.example>", "X-Loop": "team@alpha.example", "List-Id": "=?UTF-8?B?5Za25qWt44OB44O844Og?= <team.alpha.example>",
			"List-Post": "<mailto:team@alpha.example>", "List-Owner": "<mailto:team-owner@alpha.example>",
			"List-Unsubscribe": "<mailto:team-unsubscribe@alpha.example>", "Precedence": "list", "Subject": "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	out := h.remote()
	if len(out) != 2 {
		t.Fatalf("sent to %d", len(out))
	}
	it := out["x@other.example"]
	if !strings.HasPrefix(it.From.Local, "team-bounces+x=other.example=") || it.Sign != "alpha.example" || it.Auto {
		t.Errorf("the copy is %+v", it.Doc)
	}
	prefix := mime.Header(it.Prefix)
	if got := prefix.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		t.Errorf("prefix %q", it.Prefix)
	}
	octets := h.octets(h.store.Tenant(l.Tenant), it.Blob)
	if !strings.HasSuffix(octets, untouched) || strings.Contains(octets, "Return-Path") || mime.Header(octets).Get("List-Unsubscribe") != "" {
		t.Errorf("the copy that leaves is %q", octets)
	}

	// One click takes x off, a mail to the address takes y off (RFC 8058, RFC 2369).
	_, token, _ := strings.Cut(prefix.Get("List-Unsubscribe"), clickURL)
	h.must(h.dir.Unsubscribe(h.ctx, strings.TrimSuffix(token, ">")))
	_, to, _ := strings.Cut(mime.Header(out["Y@other.example"].Prefix).Get("List-Unsubscribe"), "<mailto:")
	to, _, _ = strings.Cut(to, ">")
	h.accept(l.Tenant, from("whoever@other.example"), letter("whoever@other.example", "leave"), to)
	h.drain()
	members, err := c.Members(h.ctx, l.ID)
	h.must(err)
	if len(members) != 3 {
		t.Errorf("members left: %+v", members)
	}
	// The address without proof works for who is proved.
	doc := from("suzuki@alpha.example")
	h.accept(l.Tenant, doc, letter("suzuki@alpha.example", "leave"), "team-unsubscribe@alpha.example")
	doc.From, doc.HeaderFrom, doc.Sender = addr("sato@alpha.example"), "sato@alpha.example", h.account("sato@alpha.example").ID
	h.accept(l.Tenant, doc, letter("sato@alpha.example", "leave"), "team-unsubscribe@alpha.example")
	h.drain()
	members, err = c.Members(h.ctx, l.ID)
	h.must(err)
	if len(members) != 2 || members[0].Address != addr("suzuki@alpha.example") {
		t.Errorf("members left: %+v", members)
	}
	h.want("notices", h.notices(), "") // who forges an address must not have us write to it
}

// TestLI7Nested expands lists within lists once, and survives a circle that was made behind our back.
func TestLI7Nested(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki", "abe")
	a := h.list(c, "a@alpha.example", directory.ListSpec{}, "sato@alpha.example", "b@alpha.example", "x@other.example")
	b := h.list(c, "b@alpha.example", directory.ListSpec{}, "suzuki@alpha.example", "sato@alpha.example", "x@other.example", "d@alpha.example")
	h.list(c, "d@alpha.example", directory.ListSpec{}, "abe@alpha.example", "y@other.example")
	// The circle: the object is written as AddMembers would, which refuses it.
	h.must(h.store.Tenant(a.Tenant).Update(h.ctx, h.ops, "test.circle", func(tx store.Tx) error {
		_, err := tx.PutObject(store.Object{
			Kind: "member", ID: mail.ObjectID(tx.NextID()), Doc: fmt.Appendf(nil, `{"list":%q,"address":{"Local":"a","Domain":"alpha.example"}}`, b.ID),
			Marks: []store.Key{{Name: "list", Value: b.ID.String()}, {Name: "member", Value: "a@alpha.example"}},
		})
		return err
	}))
	h.accept(a.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "a@alpha.example", "d@alpha.example")
	h.drain()
	for user, want := range map[string]int{"sato": 1, "suzuki": 1, "abe": 2} { // d was addressed too
		h.want(user, h.count(user+"@alpha.example"), want)
	}
	seen := map[string]int{}
	for _, it := range h.items(store.ItemWaiting) {
		seen[it.To[0].Address.String()+" by "+it.From.Local[:1]]++
	}
	h.want("sent", seen, map[string]int{"x@other.example by a": 1, "y@other.example by d": 2})

	// A copy that comes back is refused.
	h.accept(a.Tenant, from("o@customer.example"), "X-Loop: A@alpha.example\r\n"+letter("o@customer.example", "x"), "a@alpha.example")
	h.drain()
	h.want("notices", h.notices(), "o@customer.example: a@alpha.example message.looping 5.4.6")
}

// TestLI7TooMany refuses a post to more than 10,000, in words.
func TestLI7TooMany(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example")
	var below []string
	for i := range 11 {
		var members []string
		for j := range directory.MaxMembers {
			members = append(members, fmt.Sprintf("u%d@h%d.example", j, i))
		}
		below = append(below, h.list(c, fmt.Sprintf("part%d@alpha.example", i), directory.ListSpec{}, members...).Address.String())
	}
	l := h.list(c, "all@alpha.example", directory.ListSpec{}, below...)
	h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "all@alpha.example")
	h.drain()
	h.want("sent", len(h.remote()), 0)
	h.want("notices", h.notices(), "o@customer.example: all@alpha.example list.too_many 5.5.3")
}

// TestLI7Refused says no to who may not post, and nothing to programs.
func TestLI7Refused(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato")
	sato := h.account("sato@alpha.example")
	l := h.list(c, "team@alpha.example", directory.ListSpec{Posting: directory.PostDomain}, "sato@alpha.example")
	facts := policy.Facts{Author: "sato@alpha.example", DMARC: &policy.DMARC{Result: "pass", Domain: "alpha.example"}}
	proof, err := facts.Encode()
	h.must(err)
	for _, x := range []struct {
		name  string
		doc   queue.Doc
		extra string
		want  string // what the sender hears
		posts int64
	}{
		{"an outsider", from("o@customer.example"), "", "o@customer.example: team@alpha.example list.posting_denied 5.7.1", 0},
		{"who says he is ours", from("sato@alpha.example"), "", "sato@alpha.example: team@alpha.example list.posting_denied 5.7.1", 0},
		{"who proves it", queue.Doc{From: addr("sato+x@mailer.example"), HeaderFrom: "sato@alpha.example", Facts: proof}, "", "", 1},
		{"who is ours", queue.Doc{From: addr("sato@alpha.example"), Sender: sato.ID}, "", "", 1},
		{"a vacation", queue.Doc{From: addr("sato@alpha.example"), Sender: sato.ID}, "Auto-Submitted: auto-replied\r\n", "", 0},
		{"nobody", from(""), "", "", 0},
		{"a person", queue.Doc{From: addr("sato@alpha.example"), Sender: sato.ID}, "Auto-Submitted: no\r\n", "", 1},
	} {
		before := h.count("sato@alpha.example")
		old := h.notices()
		h.accept(l.Tenant, x.doc, x.extra+letter("sato@alpha.example", "x"), "team@alpha.example")
		h.drain()
		h.want(x.name+" posts", h.count("sato@alpha.example")-before, x.posts)
		if got := h.notices(); x.want == "" && got != old || !strings.Contains(got, x.want) {
			t.Errorf("%s hears %q, want %q", x.name, got, x.want)
		}
	}
}

// TestLI7Moderation holds posts for an owner, who lets one through, sends one back and throws one away.
func TestLI7Moderation(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "owner")
	h.company("beta.example", "schmidt")
	owner := h.account("owner@alpha.example")
	spec := directory.ListSpec{Moderated: true, Owners: addrs("owner@alpha.example", "boss@other.example")}
	l := h.list(c, "team@alpha.example", spec, "sato@alpha.example")
	for _, subject := range []string{"first", "second", "third"} {
		h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", subject), "team@alpha.example")
		h.drain()
	}
	h.want("said", h.heard(), "moderate team@alpha.example, moderate team@alpha.example, moderate team@alpha.example")
	h.want("delivered", h.count("sato@alpha.example"), 0)
	if len(h.held) != 3 || h.held[0].Hold != "list.moderated" || len(h.items(store.ItemHeld)) != 3 {
		t.Fatalf("held: %+v", h.held)
	}
	user := func(a directory.Account) mail.Actor {
		return mail.MintActor(mail.User, a.Tenant, a.ID, "", mail.Origin{})
	}
	for _, by := range []mail.Actor{user(h.account("sato@alpha.example")), user(h.account("schmidt@beta.example")), {}} {
		if err := h.Moderate(h.ctx, by, l.Tenant, h.held[0].ID, deliver.Accept); !mail.Is(err, mail.Denied) {
			t.Errorf("%+v: %v", by, err)
		}
	}
	h.must(h.Moderate(h.ctx, user(owner), l.Tenant, h.held[0].ID, deliver.Accept))
	if it := h.items(store.ItemWaiting)[0]; it.Opts.HoldUntil.Before(h.held[0].Origin.Received) {
		t.Errorf("its lifetime does not begin anew: %v", it.Opts.HoldUntil)
	}
	h.must(h.Moderate(h.ctx, user(owner), l.Tenant, h.held[1].ID, deliver.Refuse))
	h.must(h.Moderate(h.ctx, user(owner), l.Tenant, h.held[2].ID, deliver.Discard))
	if err := h.Moderate(h.ctx, user(owner), l.Tenant, h.held[0].ID, deliver.Accept); !mail.Is(err, mail.NotFound) {
		t.Errorf("twice: %v", err)
	}
	h.drain()
	if got := h.inbox("sato@alpha.example"); len(got) != 1 || !strings.Contains(got[0], "Subject: first") {
		t.Errorf("delivered %q", got)
	}
	h.want("notices", h.notices(), "o@customer.example: team@alpha.example list.refused 5.7.1")

	// An owner's own post waits for nobody, when it is his. Mail for the owners goes to them.
	h.accept(l.Tenant, queue.Doc{From: owner.Address, Sender: owner.ID}, letter("owner@alpha.example", "fourth"), "team@alpha.example")
	h.accept(l.Tenant, from("boss@other.example"), letter("boss@other.example", "forged"), "team@alpha.example")
	h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "question"), "team-owner@alpha.example")
	h.drain()
	h.want("delivered", h.count("sato@alpha.example"), 2)
	h.want("said", h.heard(), "moderate team@alpha.example")
	h.want("for the owner", h.count("owner@alpha.example"), 1)
	if out := h.remote()["boss@other.example"]; out.From != addr("team-bounces@alpha.example") {
		t.Errorf("for the owner outside: %+v", out.Doc)
	}
}

// TestLI7ModerationForged: a stranger who proves his own domain is no owner, whatever the envelope says and however the
// field From is written.
func TestLI7ModerationForged(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "owner")
	spec := directory.ListSpec{Moderated: true, Owners: addrs("owner@alpha.example")}
	l := h.list(c, "team@alpha.example", spec, "sato@alpha.example", "suzuki@other.example")
	proof, err := (&policy.Facts{Author: "x@evil.example", DMARC: &policy.DMARC{Result: "pass", Domain: "evil.example"}}).Encode()
	h.must(err)
	for _, shown := range []string{"not an address", "owner@alpha.example"} { // as a group, or what else others read otherwise
		doc := queue.Doc{From: addr("owner@alpha.example"), HeaderFrom: shown, Facts: proof}
		h.accept(l.Tenant, doc, letter("x@evil.example", "forged"), "team@alpha.example")
		doc.From, doc.HeaderFrom = addr("suzuki@other.example"), strings.Replace(shown, "owner@alpha", "suzuki@other", 1)
		h.accept(l.Tenant, doc, letter("x@evil.example", "leave"), "team-unsubscribe@alpha.example")
	}
	h.drain()
	h.want("delivered", h.count("sato@alpha.example"), 0)
	h.want("said", h.heard(), "moderate team@alpha.example, moderate team@alpha.example")
	if members, err := c.Members(h.ctx, l.ID); err != nil || len(members) != 2 {
		t.Errorf("members left: %+v, %v", members, err)
	}
}

// TestLI7CopiesAreSignedByUs: a poster of another tenant of the house brings a domain that the list's tenant has no keys of.
func TestLI7CopiesAreSignedByUs(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato")
	h.company("beta.example", "schmidt")
	l := h.list(c, "team@alpha.example", directory.ListSpec{}, "x@other.example")
	for _, poster := range []string{"sato@alpha.example", "schmidt@beta.example"} {
		a := h.account(poster)
		h.accept(l.Tenant, queue.Doc{From: a.Address, Sender: a.ID, Sign: a.Address.Domain}, letter(poster, "x"), "team@alpha.example")
	}
	h.drain()
	for _, it := range h.items(store.ItemWaiting) {
		h.want("signed by", it.Sign, "alpha.example")
	}
}

// TestLI7Owners: mail for the owners goes to those outside once, and not when it is spam.
func TestLI7Owners(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "owner")
	l := h.list(c, "team@alpha.example", directory.ListSpec{Owners: addrs("owner@alpha.example", "boss@other.example")})
	h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "question"), "team-owner@alpha.example")
	h.drain()
	it, ok := h.remote()["boss@other.example"]
	if !ok || !strings.Contains(string(it.Prefix), "X-Loop: team-owner@alpha.example\r\n") {
		t.Errorf("for the owner outside: %+v", it.Doc)
	}
	h.accept(l.Tenant, from("o@customer.example"), string(it.Prefix)+letter("o@customer.example", "question"), "team-owner@alpha.example")
	spam := from("o@customer.example")
	spam.Spam = true
	h.accept(l.Tenant, spam, letter("o@customer.example", "buy"), "team-owner@alpha.example")
	h.drain()
	h.want("sent", len(h.items(store.ItemWaiting)), 1+1) // and the notice of the circle
	h.want("for the owner here", h.count("owner@alpha.example"), 2)
	h.want("notices", h.notices(), "o@customer.example: team-owner@alpha.example message.looping 5.4.6")
}

// TestLI4Subject numbers posts where the list is made to.
func TestLI4Subject(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato")
	l := h.list(c, "team@alpha.example", directory.ListSpec{Prefix: "[team]", Number: true}, "sato@alpha.example")
	for _, subject := range []string{"hello", "Re: [team 1] hello"} {
		h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", subject), "team@alpha.example")
		h.drain()
	}
	got := h.inbox("sato@alpha.example")
	if len(got) != 2 || !strings.Contains(got[0], "\r\nSubject: [team 1] hello\r\n") || !strings.Contains(got[1], "\r\nSubject: [team 2] Re: hello\r\n") {
		t.Errorf("%q", got)
	}
}

// dsn is a notification of a failure.
func dsn(action, status string) string {
	return "From: mailer@other.example\r\nSubject: failed\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; other.example\r\n\r\n" +
		"Final-Recipient: rfc822; x@other.example\r\nAction: " + action + "\r\nStatus: " + status + "\r\n\r\n--b--\r\n"
}

// TestLI7Bounces switches a member off after five hard bounces, from other hosts and here, and tells about it.
func TestLI7Bounces(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato")
	l := h.list(c, "team@alpha.example", directory.ListSpec{}, "x@other.example", "sato@alpha.example", "gone@alpha.example")
	for i := range 5 {
		h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "team@alpha.example")
		h.drain()
		var back mail.Address
		for _, it := range h.items(store.ItemWaiting) {
			back = it.From
		}
		for _, soft := range []string{dsn("delayed", "4.4.1"), dsn("failed", "5.2.2"), dsn("failed", "4.4.7"), letter("x@other.example", "I am away")} {
			h.accept(l.Tenant, from(""), soft, back.String())
		}
		h.drain()
		h.want(fmt.Sprint("said after ", i, " bounces"), h.heard(), map[bool]string{true: "off team@alpha.example gone@alpha.example"}[i == 4])
		h.accept(l.Tenant, from(""), dsn("failed (for good)", "5.1.1 (no such user)"), back.String())
		h.accept(l.Tenant, from(""), dsn("failed", "5.1.1"), "team-bounces@alpha.example")
		h.drain()
	}
	h.want("said", h.heard(), "off team@alpha.example x@other.example")
	h.want("notices", h.notices(), "")
	h.want("delivered", h.count("sato@alpha.example"), 5)
	before := len(h.items(store.ItemWaiting))
	h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "team@alpha.example")
	h.drain()
	h.want("sent more", len(h.items(store.ItemWaiting))-before, 0)
}

// crew are a company's accounts and as many members of a list, with bad addresses among them.
func (h *house) crew(n, bad int) (directory.List, []string) {
	h.Helper()
	users := make([]string, n-bad)
	var members []string
	for i := range users {
		users[i] = fmt.Sprintf("user%d", i)
		members = append(members, users[i]+"@alpha.example")
	}
	for i := range bad {
		members = append(members, fmt.Sprintf("gone%d@alpha.example", i))
	}
	c := h.company("alpha.example", users...)
	return h.list(c, "all@alpha.example", directory.ListSpec{}, members...), users
}

// TestLI3ThousandMembers posts to a full list with 20 bad addresses in it: everybody else gets it once, the bad ones are
// counted, and the poster hears nothing.
func TestLI3ThousandMembers(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	l, users := h.crew(1000, 20)
	h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "all@alpha.example")
	h.drain()
	for _, u := range users {
		if n := h.count(u + "@alpha.example"); n != 1 {
			t.Errorf("%s has %d", u, n)
		}
	}
	h.want("notices", h.notices(), "")
	members, err := h.dir.Company(l.Tenant).Members(h.ctx, l.ID)
	h.must(err)
	bounced := 0
	for _, m := range members {
		bounced += len(m.Bounces)
	}
	h.want("bounces", bounced, 20)
}

// breaking is a store that fails some updates.
type breaking struct {
	store.Store
	fails func(why mail.Op) bool
}

func (b breaking) Tenant(id mail.TenantID) store.Tenant { return breakingTenant{b.Store.Tenant(id), b} }

type breakingTenant struct {
	store.Tenant
	of breaking
}

func (t breakingTenant) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	if t.of.fails(why) {
		return mail.E("test.broken", mail.Other, "") // Unavailable would be tried again
	}
	return t.Tenant.Update(ctx, by, why, fn)
}

// TestLI7ExpansionSurvivesCrashes ends the process after each step of an expansion. Afterwards everybody has the post
// once.
func TestLI7ExpansionSurvivesCrashes(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	l, users := h.crew(600, 5)
	var outside []directory.Member
	for i := range 300 {
		outside = append(outside, directory.Member{Address: addr(fmt.Sprintf("x%d@other.example", i))})
	}
	h.must(h.dir.Company(l.Tenant).AddMembers(h.ctx, h.ops, l.ID, outside))
	h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"), "all@alpha.example")
	h.crashing(2, 30)
	for _, u := range users {
		if n := h.count(u + "@alpha.example"); n != 1 {
			t.Errorf("%s has %d", u, n)
		}
	}
	h.want("sent", len(h.remote()), 300)
	members, err := h.dir.Company(l.Tenant).Members(h.ctx, l.ID)
	h.must(err)
	for _, m := range members {
		if strings.HasPrefix(m.Address.Local, "gone") && len(m.Bounces) != 1 {
			t.Errorf("%s has %d bounces", m.Address, len(m.Bounces))
		}
	}
}

// atRest tells whether nothing waits for this room. It looks twice: companies are read one after another, and what goes from one that is still to
// be read to one that was read already is seen in neither.
func (h *house) atRest() bool {
	for range 2 {
		for _, it := range h.items(store.ItemWaiting) {
			if inHouse(it.Route) {
				return false
			}
		}
	}
	return true
}

// TestNothingIsLostWithAnError carries an item again of which a part could not be done: those of whom it was decided already
// still get the message, once.
func TestNothingIsLostWithAnError(t *testing.T) {
	for _, failing := range []mail.Op{"deliver.HandOver", "deliver.Forward", "deliver.Arrive"} {
		var failures atomic.Int64
		h := &house{TB: t, ctx: context.Background(), path: t.TempDir(), ops: directory.Operator("test", "")}
		h.wrap = func(st store.Store) store.Store {
			return breaking{st, func(why mail.Op) bool { return why == failing && failures.Add(1) == 1 }}
		}
		h.open()
		h.company("beta.example", "schmidt")
		c := h.company("alpha.example", "sato")
		l := h.list(c, "team@alpha.example", directory.ListSpec{}, "y@other.example")
		h.forward("sato@alpha.example", true, "z@other.example", "schmidt@beta.example")
		h.accept(l.Tenant, from("o@customer.example"), letter("o@customer.example", "x"),
			"x@other.example", "sato@alpha.example", "team@alpha.example", "schmidt@beta.example")
		if failing != "deliver.HandOver" { // whose job is lost with its lease, until the folder is opened again
			h.run(func() bool { return failures.Load() > 0 })
			h.must(h.store.Close())
			h.open()
		}
		h.drain()
		if failures.Load() == 0 {
			t.Errorf("%s did not fail: the test is broken", failing)
		}
		h.want(string(failing)+": kept", h.count("sato@alpha.example"), 1)
		h.want(string(failing)+": in the other tenant", h.count("schmidt@beta.example"), 2)
		out := h.remote()
		h.want(string(failing)+": sent", len(out), 3)
		h.must(h.store.Close())
	}
}
