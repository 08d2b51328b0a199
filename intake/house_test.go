package intake_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/intake"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// A house is the intake with all it stands on, and the words its tests are written in.
type house struct {
	testing.TB
	*intake.Intake
	store store.Store
	dir   *directory.Directory
	queue *queue.Queue
	ops   mail.Actor
	ctx   context.Context
}

func newHouse(t testing.TB, with ...func(*intake.Config)) *house {
	t.Helper()
	st := stores.Open(t)
	return houseOn(t, st, with...)
}

// houseOn builds the house over a store; with may change its configuration.
func houseOn(t testing.TB, st store.Store, with ...func(*intake.Config)) *house {
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	cfg := intake.Config{
		Store: st, Directory: dir, Mailbox: mailbox.New(st, dir, mailbox.Config{}), Hostname: "mx.tegami.example",
	}
	for _, change := range with {
		change(&cfg)
	}
	in := intake.New(cfg)
	return &house{t, in, st, dir, queue.New(st), directory.Operator("test", ""), context.Background()}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// says wants an error of a kind with a catalogue key.
func (h *house) says(err error, kind mail.Kind, key string) {
	h.Helper()
	mailtest.Says(h, err, kind, key)
}

const password = "correct horse battery"

// company opens a tenant with a domain of 100 MB boxes and accounts user0, user1 and so on.
func (h *house) company(domain string, accounts int, networks ...string) []directory.Account {
	h.Helper()
	spec := directory.TenantSpec{Name: domain, Lang: "en"}
	for _, n := range networks {
		spec.Networks = append(spec.Networks, netip.MustParsePrefix(n))
	}
	t, err := h.dir.OpenTenant(h.ctx, h.ops, spec)
	h.must(err)
	c := h.dir.Company(t.ID)
	ids := (accounts + 9) / 10 * 10
	_, err = c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: ids})
	h.must(err)
	specs := make([]directory.AccountSpec, accounts)
	for i := range specs {
		specs[i] = directory.AccountSpec{Address: addr(fmt.Sprintf("user%d@%s", i, domain)), Password: password}
	}
	made, err := c.AddAccounts(h.ctx, h.ops, specs)
	h.must(err)
	return made
}

func addr(s string) mail.Address {
	if s == "" {
		return mail.Address{}
	}
	local, domain, _ := strings.Cut(s, "@")
	return mail.Address{Local: local, Domain: domain}
}

func to(s string) mail.Recipient { return mail.Recipient{Address: addr(s)} }

// Sessions: from the internet, of a user on SMTPS, and from a VPN.
var (
	outside = mail.Origin{Door: "smtp", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.7"), Helo: "mail.example", Session: "k3f9x2ab"}
	secure  = mail.Origin{Door: "smtps", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.8"), Helo: "[192.0.2.8]", TLS: "TLS1.3 X", Session: "k3f9x2ac"}
)

func vpn(ip string) mail.Origin {
	return mail.Origin{Door: "smtp", Zone: mail.ZoneVPN, Remote: netip.MustParseAddr(ip), Helo: "copier", Session: "k3f9x2ad"}
}

// signIn signs a user in.
func (h *house) signIn(user string) *directory.Identity {
	h.Helper()
	id, err := h.dir.SignIn(h.ctx, secure, "smtps", user, password)
	h.must(err)
	return id
}

// A letter is a message to be sent.
type letter struct {
	origin mail.Origin
	who    *directory.Identity
	from   string
	to     []string
	text   string
}

// send hands a letter in and gives the first error.
func (h *house) send(l letter) (intake.Receipt, error) {
	h.Helper()
	tx, err := h.Begin(h.ctx, l.origin, l.who, addr(l.from), mail.Options{})
	if err != nil {
		return intake.Receipt{}, err
	}
	defer tx.Abort()
	for _, r := range l.to {
		if err := tx.Recipient(h.ctx, to(r)); err != nil {
			return intake.Receipt{}, err
		}
	}
	return h.commit(tx, l.text)
}

// commit writes the text and commits.
func (h *house) commit(tx *intake.Transaction, text string) (intake.Receipt, error) {
	h.Helper()
	sink, err := tx.Data(h.ctx)
	if err != nil {
		return intake.Receipt{}, err
	}
	if _, err := io.WriteString(sink, text); err != nil {
		return intake.Receipt{}, err
	}
	return tx.Commit(h.ctx)
}

// accepted sends a letter where that must work.
func (h *house) accepted(l letter) intake.Receipt {
	h.Helper()
	r, err := h.send(l)
	h.must(err)
	return r
}

// A found message is one in a box.
type found struct {
	store.Message
	text string
}

// inbox reads an account's inbox.
func (h *house) inbox(a directory.Account) (list []found) {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	h.must(tenant.View(h.ctx, func(r store.Reader) error {
		boxes, err := r.Mailboxes(a.ID)
		if err != nil {
			return err
		}
		for _, b := range boxes {
			if b.Name == "INBOX" {
				return r.Messages(b.ID, 1, 1<<32-1, store.WithIndex, func(m *store.Message) bool {
					list = append(list, found{Message: *m})
					return true
				})
			}
		}
		return nil
	}))
	for i := range list {
		list[i].text = h.read(tenant, list[i].Blob)
	}
	return list
}

// read gives a blob's octets.
func (h *house) read(tenant store.Tenant, ref mail.BlobRef) string {
	h.Helper()
	blob, err := tenant.Blobs().Open(h.ctx, ref)
	h.must(err)
	defer blob.Close()
	text, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	h.must(err)
	return string(text)
}

// items gives all of a tenant's queue.
func (h *house) items(t mail.TenantID) []queue.Item {
	h.Helper()
	list, err := h.queue.Of(t).List(h.ctx, 0, 0, 0)
	h.must(err)
	return list
}

// check wants the store to be without a finding.
func (h *house) check() {
	h.Helper()
	h.must(h.store.Check(h.ctx, false, func(f store.Finding) {
		if !f.Garbage {
			h.Errorf("the store: %s", f.What)
		}
	}))
}

// fill puts messages of 1 MiB that share their octets into a box.
func (h *house) fill(a directory.Account, megabytes int) {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	staged, err := tenant.Blobs().Stage(h.ctx, 1<<20)
	h.must(err)
	defer staged.Release()
	_, err = staged.Write(make([]byte, 1<<20))
	h.must(err)
	h.must(staged.Seal(h.ctx))
	index := mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
	h.must(tenant.Update(h.ctx, h.ops, "test.fill", func(tx store.Tx) error {
		ref, err := tx.Keep(staged, index)
		for i := 0; err == nil && i < megabytes; i++ {
			_, err = mailbox.Deliver(tx, a, mailbox.NewMail{Blob: ref, Folder: "Archive"})
		}
		return err
	}))
}
