package notice

import (
	"bytes"
	"context"
	"io"
	"testing"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/mime"
)

// house is the platform as far up as this room, on an embedded store.
type house struct {
	testing.TB
	*Service
	folder string
	store  store.Store
	dir    *directory.Directory
	boxes  *mailbox.Service
	ops    mail.Actor
	ctx    context.Context
}

func newHouse(t testing.TB) *house { return houseIn(t, t.TempDir()) }

// houseIn opens what a folder holds.
func houseIn(t testing.TB, folder string) *house {
	st, err := embedded.Open(folder, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{TB: t, folder: folder, store: st, ops: directory.Operator("test", ""), ctx: t.Context()}
	t.Cleanup(func() { h.close() })
	h.dir = directory.New(st, directory.Config{Provision: mailbox.Provision})
	h.boxes = mailbox.New(st, h.dir, mailbox.Config{})
	h.Service = h.another()
	return h
}

// close checks the store and closes it. It may be called twice.
func (h *house) close() {
	if h.store == nil {
		return
	}
	h.must(h.store.Check(context.Background(), false, func(f store.Finding) {
		if !f.Garbage {
			h.Errorf("the store: %s", f.What)
		}
	}))
	h.must(h.store.Close())
	h.store = nil
}

// another makes a service beside the first, over the same store.
func (h *house) another() *Service {
	var s *Service
	post := deliver.New(deliver.Config{
		Store: h.store, Directory: h.dir, Mailbox: h.boxes, Hostname: "mx.tegami.example",
		Filled: func(t mail.TenantID, a directory.Account, used, quota int64) { s.Filled(t, a, used, quota) },
	})
	s = New(Config{
		House: post, Store: h.store, Directory: h.dir, Mailbox: h.boxes, Words: catalogue, Hostname: "mx.tegami.example", Name: "Tegami",
	})
	return s
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// company opens a tenant with boxes of 100 MB for user0, an administrator who reads Japanese, and user1, who reads English.
func (h *house) company(domain string) []directory.Account {
	h.Helper()
	tenant, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "ja"})
	h.must(err)
	c := h.dir.Company(tenant.ID)
	_, err = c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	made, err := c.AddAccounts(h.ctx, h.ops, []directory.AccountSpec{
		{Address: address("user0@" + domain), Name: "佐藤 太郎", Roles: []directory.Role{directory.RoleOwner}},
		{Address: address("user1@" + domain), Name: "Jane Doe", Lang: "en"},
	})
	h.must(err)
	return made
}

// letter is a message as its reader sees it.
type letter struct{ from, to, subject, text string }

// inbox reads an account's inbox, but for what fill put there.
func (h *house) inbox(a directory.Account) (list []letter) {
	h.Helper()
	for _, ref := range h.blobs(a) {
		list = append(list, h.read(h.store.Tenant(a.Tenant), ref))
	}
	return list
}

func (h *house) blobs(a directory.Account) (blobs []mail.BlobRef) {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	h.must(tenant.View(h.ctx, func(r store.Reader) error {
		boxes, err := r.Mailboxes(a.ID)
		for _, b := range boxes {
			if b.Name == "INBOX" {
				err = r.Messages(b.ID, 1, 1<<32-1, 0, func(m *store.Message) bool {
					if m.Blob.Size < filler {
						blobs = append(blobs, m.Blob)
					}
					return true
				})
			}
		}
		return err
	}))
	return blobs
}

func (h *house) read(tenant store.Tenant, ref mail.BlobRef) letter {
	h.Helper()
	blob, err := tenant.Blobs().Open(h.ctx, ref)
	h.must(err)
	defer blob.Close()
	octets, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	h.must(err)
	root := mime.ParseBytes(octets, mime.Limits{}).Root
	text := root
	if root.IsMultipart() {
		text = root.Children[0]
	}
	header := mime.Header(octets)
	return letter{
		mime.DecodeHeader(header.Get("From")), mime.DecodeHeader(header.Get("To")), root.Envelope.SubjectText(),
		string(bytes.ReplaceAll([]byte(part(octets, text)), []byte("\r\n"), []byte("\n"))),
	}
}

// filler is from what size on a message is one of fill's.
const filler = 1 << 19

// fill puts messages into a box that share their octets.
func (h *house) fill(a directory.Account, size, n int) {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	blob := h.keep(a.Tenant, make([]byte, size))
	h.must(tenant.Update(h.ctx, h.ops, "test.fill", func(tx store.Tx) (err error) {
		for i := 0; err == nil && i < n; i++ {
			_, err = mailbox.Deliver(tx, a, mailbox.NewMail{Blob: blob})
		}
		return err
	}))
}

// keep puts octets to rest, kept by an item that is held.
func (h *house) keep(id mail.TenantID, octets []byte) (blob mail.BlobRef) {
	h.Helper()
	tenant := h.store.Tenant(id)
	staged, err := tenant.Blobs().Stage(h.ctx, int64(len(octets)))
	h.must(err)
	defer staged.Release()
	_, err = staged.Write(octets)
	h.must(err)
	index := mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
	h.must(staged.Seal(h.ctx))
	h.must(tenant.Update(h.ctx, h.ops, "test.keep", func(tx store.Tx) error {
		if blob, err = tx.Keep(staged, index); err != nil {
			return err
		}
		return queue.Put(tx, &queue.Item{State: store.ItemHeld, Route: queue.RouteLocal, Blob: blob})
	}))
	return blob
}

// run works off what the hooks of a service were told.
func (h *house) run(s *Service) {
	h.Helper()
	for {
		select {
		case p := <-s.notices:
			h.must(s.Tell(h.ctx, p.tenant, p.notice))
		case b := <-s.boxes:
			s.tellFull(h.ctx, b)
		default:
			return
		}
	}
}

// wants compares the subjects in an inbox.
func (h *house) wants(a directory.Account, subjects ...string) (list []letter) {
	h.Helper()
	list = h.inbox(a)
	var got []string
	for _, l := range list {
		got = append(got, l.subject)
	}
	if len(got) != len(subjects) {
		h.Fatalf("%s has %q, want %q", a.Address, got, subjects)
	}
	for i := range got {
		if got[i] != subjects[i] {
			h.Errorf("%s has %q, want %q", a.Address, got[i], subjects[i])
		}
	}
	return list
}
