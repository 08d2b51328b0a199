package quarantine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/quarantine"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/mime"
)

const password = "correct horse battery"

// house is a platform as far up as this room, with companies of accounts.
type house struct {
	testing.TB
	ctx   context.Context
	store store.Store
	dir   *directory.Directory
	*quarantine.Service
	ops mail.Actor
	n   int64

	mu   sync.Mutex
	acts []quarantine.Act
	// allowed and sent are what the hooks were asked for.
	allowed, sent []string
	allowErr      error
}

func newHouse(t testing.TB) *house {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{TB: t, ctx: context.Background(), store: st, ops: directory.Operator("test", "")}
	h.dir = directory.New(st, directory.Config{Provision: mailbox.Provision})
	h.Service = quarantine.New(quarantine.Config{
		Store: st, Directory: h.dir,
		Release: func(tx store.Tx, to directory.Account, e *quarantine.Entry) error {
			_, err := mailbox.Deliver(tx, to, mailbox.NewMail{Blob: e.Blob, Received: e.Received})
			return err
		},
		Allow: func(_ store.Tx, _ mail.Actor, of mail.AccountID, sender mail.Address) error {
			if h.allowErr == nil {
				h.allowed = append(h.allowed, sender.String())
			}
			return h.allowErr
		},
		Forward: func(_ store.Tx, _ directory.Account, e *quarantine.Entry, to mail.Address) error {
			h.sent = append(h.sent, e.Subject+" to "+to.String())
			return nil
		},
		Did: func(_ context.Context, a quarantine.Act) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.acts = append(h.acts, a)
		},
	})
	t.Cleanup(func() {
		h.must(st.Check(h.ctx, false, func(f store.Finding) {
			if !f.Garbage {
				t.Errorf("Check: %s", f.What)
			}
		}))
		h.must(st.Close())
	})
	return h
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

// company opens a tenant with a domain and accounts.
func (h *house) company(domain string, users ...string) *directory.Company {
	h.Helper()
	tenant, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "ja", Start: time.Now().Add(-time.Hour)})
	h.must(err)
	c := h.dir.Company(tenant.ID)
	h.domain(c, domain, users...)
	return c
}

func (h *house) domain(c *directory.Company, domain string, users ...string) {
	h.Helper()
	_, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 20})
	h.must(err)
	for _, user := range users {
		_, err := c.AddAccounts(h.ctx, h.ops, []directory.AccountSpec{{Address: mail.Address{Local: user, Domain: domain}, Name: user, Password: password}})
		h.must(err)
	}
}

func (h *house) signIn(address string) *directory.Identity {
	h.Helper()
	id, err := h.dir.SignIn(h.ctx, mail.Origin{Door: "smtp"}, "smtp", address, password)
	h.must(err)
	return id
}

func (h *house) open(address string) *quarantine.Box {
	h.Helper()
	b, err := h.Open(h.signIn(address))
	h.must(err)
	return b
}

func address(text string) mail.Address {
	a, err := mail.ParseAddress(text)
	if err != nil {
		panic(err)
	}
	return a
}

// letter is an unwanted message.
func letter(subject string) string {
	return "From: =?UTF-8?B?5b2T6YG4?= <bob@spam.example>\r\nTo: sato@alpha.example\r\nSubject: " + subject + "\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/html; charset=utf-8\r\n\r\n" +
		"<p>当選 <a href=\"https://evil.example/\">https://bank.example/</a><img src=\"https://evil.example/beacon\"><script>alert(1)</script></p>\r\n"
}

// keep puts a message into somebody's quarantine as deliver does, in the commit that keeps its octets.
func (h *house) keep(to directory.Account, octets string, change ...func(*quarantine.Entry)) (id mail.ObjectID) {
	h.Helper()
	tenant := h.store.Tenant(to.Tenant)
	s, err := tenant.Blobs().Stage(h.ctx, int64(len(octets)))
	h.must(err)
	defer s.Release()
	_, err = s.Write([]byte(octets))
	h.must(err)
	parsed := mime.ParseChunks(s.Chunks(), mime.Limits{})
	h.must(s.Seal(h.ctx))
	h.n++
	e := quarantine.Entry{
		Account: to.ID, Recipient: to.Address, From: address("bounce@spam.example"), HeaderFrom: address("bob@spam.example"), Author: "当選",
		Subject: parsed.Root.Envelope.SubjectText(), MessageID: fmt.Sprintf("<%d@spam.example>", h.n), Percent: 97.35, Rule: "score",
		Reasons: []quarantine.Reason{{Key: "spam.reason.words", Weight: 3.2, Args: []string{"当選"}}}, Received: time.Now().UTC().Truncate(time.Second),
		Item: mail.ItemID(h.n),
	}
	for _, fn := range change {
		fn(&e)
	}
	err = tenant.Update(h.ctx, directory.Housekeeper(), "test", func(tx store.Tx) (err error) {
		if e.Blob, err = tx.Keep(s, parsed.Encode(nil)); err != nil {
			return err
		}
		id, err = quarantine.Keep(tx, e)
		return err
	})
	h.must(err)
	return id
}

// subjects lists what a query finds.
func (h *house) subjects(b *quarantine.Box, q quarantine.Query) string {
	h.Helper()
	p, err := b.List(h.ctx, q)
	h.must(err)
	var list []string
	for _, e := range p.Entries {
		list = append(list, e.Subject)
	}
	return strings.Join(list, " ")
}

// inbox is what lies in somebody's inbox, as subjects.
func (h *house) inbox(a directory.Account) (n int) {
	h.Helper()
	box, err := h.store.Tenant(a.Tenant).Usage(h.ctx, a.ID)
	h.must(err)
	return int(box.Messages)
}

// did takes the deeds that were told of.
func (h *house) did() (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.acts {
		what := string(a.Deed)
		if a.Ham {
			what += " ham"
		}
		list = append(list, what+" "+a.Entry.Subject)
	}
	h.acts = nil
	return list
}
