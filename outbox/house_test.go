package outbox_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/outbox"
	"tegami/queue"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/compose"
	"tegami/wire/mime"
)

// house is a platform with an outbox over a store in files, the carriers of the house, and one that takes everything for other hosts.
type house struct {
	testing.TB
	ctx    context.Context
	path   string
	store  store.Store
	dir    *directory.Directory
	boxes  *mailbox.Service
	queue  *queue.Queue
	runner *queue.Runner
	intake *intake.Intake
	out    *outbox.Service
	ops    mail.Actor
	limits intake.SendingLimits
	stop   func()

	mu    sync.Mutex
	noted []string
	left  []queue.Item // what other hosts took
}

const (
	password = "correct horse battery"
	hostname = "mx.service.example"
)

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, ctx: context.Background(), path: t.TempDir(), ops: directory.Operator("test", "")}
	h.open()
	t.Cleanup(h.close)
	return h
}

// open builds the house over the store in its folder; nothing is carried before run.
func (h *house) open() {
	h.Helper()
	st, err := embedded.Open(h.path, embedded.Options{})
	h.must(err)
	log := slog.New(slog.NewTextHandler(logTo{h.TB}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h.store, h.dir = st, directory.New(st, directory.Config{Provision: mailbox.Provision})
	h.boxes, h.queue = mailbox.New(st, h.dir, mailbox.Config{NoTextIndex: true}), queue.New(st)
	h.runner = queue.NewRunner(queue.Config{Queue: h.queue, Log: log, Limits: queue.Limits{Poll: 10 * time.Millisecond}})
	local := deliver.New(deliver.Config{
		Store: st, Directory: h.dir, Mailbox: h.boxes, Hostname: hostname, Log: log, Wake: h.runner.Wake, Released: outbox.Released,
	})
	for _, route := range []string{queue.RouteLocal, queue.RouteForward, queue.RouteFilter, "list "} {
		h.runner.Handle(route, local.Carrier(), queue.CarrierLimits{Concurrency: 2})
	}
	h.runner.Handle("remote ", (*world)(h), queue.CarrierLimits{Concurrency: 2})
	h.intake = intake.New(intake.Config{
		Store: st, Directory: h.dir, Mailbox: h.boxes, House: local, Runner: h.runner, Hostname: hostname, Limits: intake.Limits{Sending: h.limits}, Log: log,
	})
	h.out = outbox.New(outbox.Config{
		Store: st, Directory: h.dir, Mailbox: h.boxes, Intake: h.intake, Queue: h.queue, Log: log,
		NoteSent: func(_ context.Context, who *directory.Identity, to []compose.Mailbox) {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, m := range to {
				h.noted = append(h.noted, strings.TrimSpace(m.Name+" "+m.Address.String()))
			}
		},
	})
	h.stop = func() {}
}

// run begins to carry.
func (h *house) run() {
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan struct{})
	go func() { defer close(done); h.runner.Run(ctx) }()
	h.stop = func() { cancel(); <-done; h.stop = func() {} }
}

func (h *house) close() {
	h.stop()
	if err := h.store.Close(); err != nil {
		h.Error(err)
	}
}

// logTo writes log lines into the test's output.
type logTo struct{ testing.TB }

func (l logTo) Write(b []byte) (int, error) { l.Log(string(b)); return len(b), nil }

// world takes everything for other hosts.
type world house

func (w *world) Destination(_ mail.TenantID, it *queue.Item) string { return it.Route }

func (w *world) Carry(ctx context.Context, _ string, next func(context.Context) *queue.Job) error {
	for job := next(ctx); job != nil; job = next(ctx) {
		for i := range job.Item.To {
			r := &job.Item.To[i]
			r.Outcome, r.Host, r.Answer = queue.Relayed, "mx.example.org", "250 2.0.0 taken"
		}
		w.mu.Lock()
		w.left = append(w.left, job.Item)
		w.mu.Unlock()
		if err := job.Settle(ctx, "test.Carry", nil); err != nil {
			return err
		}
	}
	return nil
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

// until waits for something that happens elsewhere.
func (h *house) until(what string, ok func() bool) {
	h.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("%s: not within 20 s", what)
		}
	}
}

// company opens a tenant with a domain of 100 MB boxes and accounts user0, user1 and so on.
func (h *house) company(domain string, accounts int) []directory.Account {
	h.Helper()
	t, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "en"})
	h.must(err)
	c := h.dir.Company(t.ID)
	_, err = c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	specs := make([]directory.AccountSpec, accounts)
	for i := range specs {
		specs[i] = directory.AccountSpec{Address: addr(fmt.Sprintf("user%d@%s", i, domain)), Name: fmt.Sprintf("User %d", i), Password: password}
	}
	made, err := c.AddAccounts(h.ctx, h.ops, specs)
	h.must(err)
	return made
}

func addr(s string) mail.Address {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return mail.Address{Local: s}
	}
	return a
}

// at is a user at the webmail.
func (h *house) at(user string) *outbox.Box {
	h.Helper()
	o := mail.Origin{Door: "smtps", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.8"), TLS: "TLS1.3 X", Session: "k3f9x2ac"}
	id, err := h.dir.SignIn(h.ctx, o, "smtps", user, password)
	h.must(err)
	b, err := h.out.Open(id)
	h.must(err)
	return b
}

// draft puts a message into a folder of an account.
func (h *house) draft(a directory.Account, folder, text string) mail.EmailID {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	staged, err := tenant.Blobs().Stage(h.ctx, 0)
	h.must(err)
	defer staged.Release()
	_, err = io.WriteString(staged, text)
	h.must(err)
	h.must(staged.Seal(h.ctx))
	index := mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
	var id mail.EmailID
	h.must(tenant.Update(h.ctx, h.ops, "test.draft", func(tx store.Tx) error {
		ref, err := tx.Keep(staged, index)
		if err != nil {
			return err
		}
		m, err := mailbox.Deliver(tx, a, mailbox.NewMail{Blob: ref, Folder: folder})
		id = m.ID
		return err
	}))
	return id
}

// texts gives the octets of all messages in a folder.
func (h *house) texts(a directory.Account, folder string) (list []string) {
	h.Helper()
	tenant := h.store.Tenant(a.Tenant)
	var refs []mail.BlobRef
	h.must(tenant.View(h.ctx, func(r store.Reader) error {
		boxes, err := r.Mailboxes(a.ID)
		if err != nil {
			return err
		}
		for _, b := range boxes {
			if b.Name == folder {
				return r.Messages(b.ID, 1, 1<<32-1, 0, func(m *store.Message) bool {
					refs = append(refs, m.Blob)
					return true
				})
			}
		}
		return nil
	}))
	for _, ref := range refs {
		blob, err := tenant.Blobs().Open(h.ctx, ref)
		h.must(err)
		text, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		h.must(err)
		h.must(blob.Close())
		list = append(list, string(text))
	}
	return list
}

// mine is the identity of a user's own address.
func (h *house) mine(b *outbox.Box) mail.ObjectID {
	h.Helper()
	list, err := b.Identities(h.ctx)
	h.must(err)
	return list[0].ID
}

// hold are an envelope's parameters for a hold.
func hold(d time.Duration) map[string]*string {
	seconds := fmt.Sprint(int(d.Seconds()))
	return map[string]*string{"HOLDFOR": &seconds}
}

// envelope is one that a client writes.
func envelope(from string, parameters map[string]*string, to ...string) *outbox.Envelope {
	e := &outbox.Envelope{MailFrom: outbox.Path{Email: from, Parameters: parameters}}
	for _, r := range to {
		e.RcptTo = append(e.RcptTo, outbox.Path{Email: r})
	}
	return e
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
