package digest_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/digest"
	"tegami/directory"
	"tegami/i18n"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/notice"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

const hostname = "mx.tegami.example"

// house is a platform as far up as this room, with one company.
type house struct {
	testing.TB
	*digest.Service
	ctx     context.Context
	store   store.Store
	dir     *directory.Directory
	box     *quarantine.Service
	letters digest.Letters
	rules   digest.Rules
	company *directory.Company
	sato    directory.Account
	ops     mail.Actor
	n       int64
	allowed []string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	st := stores.Open(t)
	h := &house{TB: t, ctx: context.Background(), store: st, ops: directory.Operator("test", ""), rules: digest.Rules{On: true, Hours: []int{9, 17}, Days: 14, Allow: true}}
	h.dir = directory.New(st, directory.Config{Provision: mailbox.Provision})
	boxes := mailbox.New(st, h.dir, mailbox.Config{NoTextIndex: true})
	h.box = quarantine.New(quarantine.Config{
		Store: st, Directory: h.dir,
		Release: func(tx store.Tx, to directory.Account, e *quarantine.Entry) error {
			_, err := mailbox.Deliver(tx, to, mailbox.NewMail{Blob: e.Blob, Received: e.Received})
			return err
		},
		Allow: func(_ store.Tx, _ mail.Actor, _ mail.AccountID, sender mail.Address) error {
			h.allowed = append(h.allowed, sender.String())
			return nil
		},
	})
	post := deliver.New(deliver.Config{Store: st, Directory: h.dir, Mailbox: boxes, Hostname: hostname})
	h.letters = notice.New(notice.Config{House: post, Store: st, Directory: h.dir, Mailbox: boxes, Words: i18n.New(), Hostname: hostname})
	h.Service = h.another(h.letters)
	tenant, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: "alpha.example", Lang: "ja", Start: time.Now().Add(-time.Hour)})
	h.must(err)
	h.company = h.dir.Company(tenant.ID)
	_, err = h.company.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 20})
	h.must(err)
	made, err := h.company.AddAccounts(h.ctx, h.ops, []directory.AccountSpec{{Address: mail.Address{Local: "sato", Domain: "alpha.example"}, Name: "佐藤"}})
	h.must(err)
	h.sato = made[0]
	return h
}

// another is a service beside the first, as in another process.
func (h *house) another(letters digest.Letters) *digest.Service {
	return digest.New(digest.Config{
		Store: h.store, Directory: h.dir, Quarantine: h.box, Letters: letters, URL: "https://mail.tegami.example/digest/",
		Rules: func(context.Context, directory.Account) (digest.Rules, error) { return h.rules, nil },
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refused tells that an error is of a kind with a text.
func (h *house) refused(err error, kind mail.Kind, text string) {
	h.Helper()
	mailtest.Says(h, err, kind, text)
}

// keep puts a message into sato's quarantine.
func (h *house) keep(subject string) (id mail.ObjectID) {
	h.Helper()
	tenant := h.store.Tenant(h.sato.Tenant)
	s, err := tenant.Blobs().Stage(h.ctx, 0)
	h.must(err)
	defer s.Release()
	fmt.Fprintf(s, "From: bob@spam.example\r\nSubject: %s\r\n\r\nbuy\r\n", subject)
	h.must(s.Seal(h.ctx))
	h.n++
	h.must(tenant.Update(h.ctx, queue.Worker(), "test", func(tx store.Tx) error {
		blob, err := tx.Keep(s, nil)
		if err != nil {
			return err
		}
		id, err = quarantine.Keep(tx, quarantine.Entry{
			Account: h.sato.ID, Recipient: h.sato.Address, From: mail.Address{Local: "bob", Domain: "spam.example"}, Subject: subject, Percent: 99, Blob: blob,
			Received: time.Now(), Item: mail.ItemID(h.n),
		})
		return err
	}))
	return id
}

// inbox is sato's mail, its text parts.
func (h *house) inbox() (list []string) {
	h.Helper()
	tenant := h.store.Tenant(h.sato.Tenant)
	var blobs []mail.BlobRef
	h.must(tenant.View(h.ctx, func(r store.Reader) error {
		all, err := r.Mailboxes(h.sato.ID)
		for _, m := range all {
			err = errors.Join(err, r.Messages(m.ID, 1, 1<<32-1, 0, func(m *store.Message) bool { blobs = append(blobs, m.Blob); return true }))
		}
		return err
	}))
	for _, ref := range blobs {
		b, err := tenant.Blobs().Open(h.ctx, ref)
		h.must(err)
		octets := make([]byte, b.Size())
		_, err = b.ReadAt(octets, 0)
		h.must(err)
		h.must(b.Close())
		m := mime.ParseBytes(octets, mime.Limits{})
		part := m.Bodies().Text[0]
		list = append(list, m.Root.Envelope.SubjectText()+"\n"+string(mime.AppendDecoded(nil, part, octets[part.BodyStart:part.BodyEnd])))
	}
	return list
}

// at is a time of a day in Japan.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 12, day, hour, minute, 0, 0, time.FixedZone("JST", 9*60*60)).UTC()
}

// TestSF6DigestHours: at the hours that were chosen, in the company's zone, only when something is new, and once.
func TestSF6DigestHours(t *testing.T) {
	h := newHouse(t)
	sent := func(now time.Time, want int) {
		t.Helper()
		h.must(h.Send(h.ctx, h.sato.Tenant, now))
		if n := len(h.inbox()); n != want {
			t.Fatalf("at %v: %d digests, want %d", now, n, want)
		}
	}
	sent(at(1, 9, 0), 0) // nothing is there
	h.keep("one")
	sent(at(1, 8, 59), 0)
	sent(at(1, 9, 0), 1)
	sent(at(1, 9, 1), 1)
	h.keep("two")
	sent(at(1, 9, 30), 1) // has waited for its hour
	sent(at(1, 16, 59), 1)
	sent(at(1, 17, 40), 2) // the platform could not sooner
	sent(at(2, 9, 0), 2)   // nothing is new
	h.keep("three")
	h.keep("four")
	sent(at(2, 20, 1), 2) // too late for 17 o'clock
	h.rules.On = false
	sent(at(3, 9, 0), 2)
	h.rules.On, h.rules.Hours = true, nil
	sent(at(3, 9, 0), 2)
	h.rules.Hours = []int{23}
	sent(at(4, 0, 10), 3) // of the evening before
	var subjects []string
	for _, l := range h.inbox() {
		subjects = append(subjects, regexp.MustCompile(`件名: (\w+)`).FindAllString(l, -1)...)
	}
	if got := strings.Join(subjects, ", "); got != "件名: one, 件名: two, 件名: four, 件名: three" {
		t.Errorf("told of %s", got)
	}
}

// TestSF6DigestZone: the hours are those of the company.
func TestSF6DigestZone(t *testing.T) {
	h := newHouse(t)
	set, err := h.company.Settings(h.ctx)
	h.must(err)
	set.Zone = "Europe/Berlin"
	h.must(h.company.SetSettings(h.ctx, h.ops.For("test"), set))
	h.keep("one")
	h.must(h.Send(h.ctx, h.sato.Tenant, at(1, 9, 0)))
	if n := len(h.inbox()); n != 0 {
		t.Errorf("%d digests by Japan's time", n)
	}
	h.must(h.Send(h.ctx, h.sato.Tenant, at(1, 17, 0))) // 9 o'clock in Berlin
	if list := h.inbox(); len(list) != 1 {
		t.Errorf("digests %q", list)
	}
}

// TestSF6DigestOnce: of several processes at the same time one sends it, and one that fails has sent nothing and tries again.
func TestSF6DigestOnce(t *testing.T) {
	h := newHouse(t)
	h.keep("one")
	var wait sync.WaitGroup
	for range 8 {
		s := h.another(h.letters)
		wait.Go(func() { h.must(s.Send(h.ctx, h.sato.Tenant, at(1, 9, 0))) })
	}
	wait.Wait()
	if n := len(h.inbox()); n != 1 {
		t.Errorf("%d digests", n)
	}
	h.keep("two")
	broken := h.another(brokenLetters{h.letters})
	if err := broken.Send(h.ctx, h.sato.Tenant, at(2, 9, 0)); err == nil {
		t.Error("it did not fail")
	}
	h.must(h.Send(h.ctx, h.sato.Tenant, at(2, 9, 0)))
	if n := len(h.inbox()); n != 2 {
		t.Errorf("%d digests after a failure", n)
	}
	h.must(h.company.SetAccountState(h.ctx, h.ops.For("test"), h.sato.ID, directory.AccountSuspended))
	h.keep("three")
	h.must(h.Send(h.ctx, h.sato.Tenant, at(3, 9, 0)))
	if n := len(h.inbox()); n != 2 {
		t.Errorf("%d digests of a suspended account", n)
	}
}

// brokenLetters fail when all was written.
type brokenLetters struct{ digest.Letters }

func (b brokenLetters) PostDigest(ctx context.Context, d *notice.Digest, with func(store.Tx) error) error {
	return b.Letters.PostDigest(ctx, d, func(tx store.Tx) error {
		if err := with(tx); err != nil {
			return err
		}
		return mail.E("test", mail.Unavailable, "storage.failed")
	})
}

// tokens are those of the links in sato's last digest, in their order, each message's once.
func (h *house) tokens() (list []string) {
	h.Helper()
	all := h.inbox()
	for _, m := range regexp.MustCompile(`https://mail\.tegami\.example/digest/([a-z0-9]+)\?do=\w+`).FindAllStringSubmatch(all[len(all)-1], -1) {
		if !slices.Contains(list, m[1]) {
			list = append(list, m[1])
		}
	}
	return list
}

var reader = netip.MustParseAddr("192.0.2.1")

// TestSF6DigestLinks: a link shows its message and does nothing; what is asked for is done once.
func TestSF6DigestLinks(t *testing.T) {
	h := newHouse(t)
	for _, s := range []string{"one", "two", "three"} {
		h.keep(s)
	}
	h.must(h.Send(h.ctx, h.sato.Tenant, at(1, 9, 0)))
	tokens := h.tokens() // three, two, one
	if len(tokens) != 3 {
		t.Fatalf("links %q", tokens)
	}
	before := len(h.inbox())
	for range 3 {
		l, err := h.Open(h.ctx, tokens[0], reader)
		h.must(err)
		if l.Entry.Subject != "three" || l.Owner.ID != h.sato.ID || !l.Allow {
			t.Errorf("%+v", l)
		}
	}
	if len(h.inbox()) != before {
		t.Error("looking did something")
	}
	_, err := h.Do(h.ctx, tokens[0], digest.Receive, reader)
	h.must(err)
	_, err = h.Do(h.ctx, tokens[0], digest.Receive, reader)
	h.refused(err, mail.NotFound, "digest.link_used")
	_, err = h.Open(h.ctx, tokens[0], reader)
	h.refused(err, mail.NotFound, "digest.link_used")
	_, err = h.Do(h.ctx, tokens[1], digest.Allow, reader)
	h.must(err)
	_, err = h.Do(h.ctx, tokens[2], "explode", reader)
	h.refused(err, mail.Denied, "actor.denied")
	h.rules.Allow = false
	_, err = h.Do(h.ctx, tokens[2], digest.Allow, reader)
	h.refused(err, mail.Denied, "actor.denied")
	_, err = h.Do(h.ctx, tokens[2], digest.Delete, reader)
	h.must(err)
	if n := len(h.inbox()); n != before+2 || strings.Join(h.allowed, " ") != "bob@spam.example" {
		t.Errorf("%d messages, allowed %q", n, h.allowed)
	}
}

// TestSF6DigestLinkEnds: with the message's time.
func TestSF6DigestLinkEnds(t *testing.T) {
	h := newHouse(t)
	id := h.keep("one")
	h.must(h.Send(h.ctx, h.sato.Tenant, at(1, 9, 0)))
	token := h.tokens()[0]
	h.must(h.store.Tenant(h.sato.Tenant).Update(h.ctx, queue.Worker(), "test", func(tx store.Tx) error {
		e, err := tx.Entry(h.sato.ID, quarantine.Kind, id)
		if err != nil {
			return err
		}
		e.Ends = time.Now().Add(-time.Second)
		_, err = tx.PutEntry(e)
		return err
	}))
	_, err := h.box.Expire(h.ctx)
	h.must(err)
	_, err = h.Do(h.ctx, token, digest.Receive, reader)
	h.refused(err, mail.NotFound, "digest.link_used")
}

// TestSF6DigestForged: whoever changes an octet of a token has none.
func TestSF6DigestForged(t *testing.T) {
	h := newHouse(t)
	h.keep("one")
	h.must(h.Send(h.ctx, h.sato.Tenant, at(1, 9, 0)))
	token := h.tokens()[0]
	for i := range token {
		for _, c := range "0z" {
			forged := token[:i] + string(c) + token[i+1:]
			if forged == token {
				continue
			}
			_, err := h.Open(h.ctx, forged, reader)
			h.refused(err, mail.NotFound, "digest.link_invalid")
		}
	}
	for _, bad := range []string{"", "x", token[1:], token + "0", strings.ToUpper(token), strings.Repeat("0", 1000)} {
		_, err := h.Do(h.ctx, bad, digest.Delete, reader)
		h.refused(err, mail.NotFound, "digest.link_invalid")
	}
	h.must(h.dir.RotateTokens(h.ctx, h.ops)) // links of before stay good
	_, err := h.Open(h.ctx, token, reader)
	h.must(err)
}

// FuzzLink: no token but those we made names anything.
func FuzzLink(f *testing.F) {
	h := newHouse(f)
	id := h.keep("one")
	tokens, err := h.dir.Tokens(h.ctx)
	h.must(err)
	good := tokens.Digest(directory.DigestLink{Tenant: h.sato.Tenant, Account: h.sato.ID, Entry: id})
	f.Add(good)
	f.Add(good[:39])
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		l, err := h.Open(h.ctx, token, reader)
		if err == nil && token != good {
			t.Errorf("%q opens %+v", token, l)
		}
		if err != nil && !mail.Is(err, mail.NotFound) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
