package deliver_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

// house is a platform over a store in files, with the carriers of this room and nobody who carries further.
type house struct {
	testing.TB
	*deliver.House
	ctx   context.Context
	path  string
	store store.Store
	wrap  func(store.Store) store.Store // what the house sees; nil = the store
	dir   *directory.Directory
	boxes *mailbox.Service
	queue *queue.Queue
	ops   mail.Actor
	cfg   deliver.Config

	limits mailbox.Config
	blind  bool // the mailboxes cannot be read

	mu   sync.Mutex
	said []string // by hooks
	held []queue.Item
}

const hostname = "mx.service.example"

func newHouse(t testing.TB, cfg deliver.Config) *house {
	t.Helper()
	h := &house{TB: t, ctx: context.Background(), path: t.TempDir(), ops: directory.Operator("test", ""), cfg: cfg}
	h.open()
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// open builds the house over the store in its folder.
func (h *house) open() {
	h.Helper()
	st, err := embedded.Open(h.path, embedded.Options{})
	h.must(err)
	h.store = st
	seen := h.store
	if h.wrap != nil {
		seen = h.wrap(st)
	}
	h.dir = directory.New(seen, directory.Config{Provision: mailbox.Provision})
	under := seen
	if h.blind {
		under = blind{seen}
	}
	h.boxes = mailbox.New(under, h.dir, h.limits)
	h.queue = queue.New(seen)
	cfg := h.cfg
	cfg.Store, cfg.Directory, cfg.Mailbox, cfg.Hostname = seen, h.dir, h.boxes, hostname
	cfg.Moderate = func(_ mail.TenantID, l directory.List, it queue.Item) {
		h.say("moderate " + l.Address.String())
		h.mu.Lock()
		h.held = append(h.held, it)
		h.mu.Unlock()
	}
	cfg.SwitchedOff = func(_ mail.TenantID, l directory.List, member mail.Address) {
		h.say("off " + l.Address.String() + " " + member.String())
	}
	cfg.Filled = func(_ mail.TenantID, a directory.Account, used, quota int64) {
		h.say(fmt.Sprintf("filled %s %d%%", a.Address, used*100/quota))
	}
	cfg.ForwardRefused = func(_ mail.TenantID, a directory.Account, to mail.Address) {
		h.say("refused " + a.Address.String() + " " + to.String())
	}
	cfg.FilterFailed = func(_ mail.TenantID, a directory.Account, script string, fault sieve.Fault) {
		h.say(fmt.Sprintf("failed %s %s %d %s", a.Address, script, fault.Line, fault.Key))
	}
	cfg.Log = slog.New(slog.NewTextHandler(logTo{h.TB}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h.House = deliver.New(cfg)
}

// blind is a store of which nothing can be read.
type blind struct{ store.Store }

func (b blind) Tenant(id mail.TenantID) store.Tenant { return blindTenant{b.Store.Tenant(id)} }

type blindTenant struct{ store.Tenant }

func (blindTenant) View(context.Context, func(store.Reader) error) error {
	return mail.E("test.blind", mail.Unavailable, "")
}

// logTo writes log lines into the test's output.
type logTo struct{ testing.TB }

func (l logTo) Write(b []byte) (int, error) { l.Log(string(b)); return len(b), nil }

func (h *house) say(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, s)
}

// heard gives what hooks said, sorted, and forgets it.
func (h *house) heard() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.said)
	all := strings.Join(h.said, ", ")
	h.said = nil
	return all
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func addr(s string) mail.Address {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return mail.Address{}
	}
	return mail.Address{Local: s[:i], Domain: s[i+1:]}
}

func addrs(list ...string) []mail.Address {
	all := make([]mail.Address, len(list))
	for i, s := range list {
		all[i] = addr(s)
	}
	return all
}

// company opens a tenant with a domain of 100 MB boxes and accounts.
func (h *house) company(domain string, users ...string) *directory.Company {
	h.Helper()
	t, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain, Lang: "en"})
	h.must(err)
	c := h.dir.Company(t.ID)
	_, err = c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: max(10, (len(users)+9)/10*10)})
	h.must(err)
	specs := make([]directory.AccountSpec, len(users))
	for i, u := range users {
		specs[i] = directory.AccountSpec{Address: mail.Address{Local: u, Domain: domain}}
	}
	_, err = c.AddAccounts(h.ctx, h.ops, specs)
	h.must(err)
	return c
}

// account gives an account by its address.
func (h *house) account(address string) directory.Account {
	h.Helper()
	t, err := h.dir.Resolve(h.ctx, addr(address))
	h.must(err)
	return t.Account
}

// list makes a list.
func (h *house) list(c *directory.Company, address string, spec directory.ListSpec, members ...string) directory.List {
	h.Helper()
	if spec.Posting == "" {
		spec.Posting = directory.PostAnyone
	}
	l, err := c.AddList(h.ctx, h.ops, addr(address), spec)
	h.must(err)
	all := make([]directory.Member, len(members))
	for i, m := range members {
		all[i] = directory.Member{Address: addr(m), CanPost: true}
	}
	h.must(c.AddMembers(h.ctx, h.ops, l.ID, all))
	return l
}

// forward sets an account's forwarding.
func (h *house) forward(address string, keep bool, to ...string) directory.Account {
	h.Helper()
	a := h.account(address)
	h.must(h.dir.Company(a.Tenant).SetForwarding(h.ctx, h.ops, a.ID, directory.Forwarding{To: addrs(to...), Keep: keep}))
	return a
}

// letter is a message from outside.
func letter(from, subject string) string {
	return "Return-Path: <" + from + ">\r\nReceived: from a by b; Mon, 2 Mar 2026 10:00:00 +0900\r\nFrom: " + from +
		"\r\nTo: list@alpha.example\r\nSubject: " + subject + "\r\n\r\nHello.\r\n"
}

// accept puts a message into a tenant's queue on queue.RouteLocal, as the intake does with what waits.
func (h *house) accept(tenant mail.TenantID, doc queue.Doc, text string, to ...string) mail.ItemID {
	h.Helper()
	staged, index := h.stage(tenant, text)
	defer staged.Release()
	it := queue.Item{State: store.ItemWaiting, Due: time.Now(), Route: queue.RouteLocal, Doc: doc}
	if it.HeaderFrom == "" {
		it.HeaderFrom = doc.From.String()
	}
	it.Origin.Received = time.Now()
	for _, a := range to {
		it.To = append(it.To, queue.Recipient{Recipient: mail.Recipient{Address: addr(a)}})
	}
	h.must(h.store.Tenant(tenant).Update(h.ctx, queue.Worker(), "test.accept", func(tx store.Tx) (err error) {
		if it.Blob, err = tx.Keep(staged, index); err != nil {
			return err
		}
		return queue.Put(tx, &it)
	}))
	return it.ID
}

// stage seals a message for a tenant.
func (h *house) stage(tenant mail.TenantID, text string) (store.Staged, []byte) {
	h.Helper()
	staged, err := h.store.Tenant(tenant).Blobs().Stage(h.ctx, 0)
	h.must(err)
	_, err = io.WriteString(staged, text)
	h.must(err)
	index := mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
	h.must(staged.Seal(h.ctx))
	return staged, index
}

// from is a document of a sender.
func from(sender string) queue.Doc { return queue.Doc{Trace: "test-1", From: addr(sender)} }

// inHouse tells whether this room carries a route.
func inHouse(route string) bool {
	_, list := queue.ListOf(route)
	return list || route == queue.RouteLocal || route == queue.RouteForward || route == queue.RouteFilter
}

// drain runs the carriers until nothing waits for them.
func (h *house) drain() {
	h.Helper()
	if !h.run(h.atRest) {
		for _, it := range h.items(store.ItemWaiting) {
			h.Logf("waits: %s %+v", it.Route, it.To)
		}
		h.Fatal("the queue does not come to rest")
	}
}

// run runs the carriers until something is true; not ok when it never is.
func (h *house) run(until func() bool) (ok bool) {
	// patience is longer than a lease of the Runner: what was claimed when it stopped waits for its end.
	const patience = 3 * time.Minute
	ctx, cancel := context.WithCancel(h.ctx)
	r := queue.NewRunner(queue.Config{
		Queue: h.queue, Limits: queue.Limits{Poll: 5 * time.Millisecond}, Schedule: queue.Schedule{First: time.Millisecond, Max: 10 * time.Millisecond},
	})
	for _, route := range []string{queue.RouteLocal, queue.RouteForward, queue.RouteFilter, "list "} {
		r.Handle(route, h.Carrier(), queue.CarrierLimits{})
	}
	var done sync.WaitGroup
	done.Go(func() { r.Run(ctx) })
	for end := time.Now().Add(patience); !ok && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		ok = until()
	}
	cancel()
	done.Wait()
	return ok
}

// items gives the items of all tenants in a state, the oldest first.
func (h *house) items(state store.ItemState) []queue.Item {
	h.Helper()
	tenants, err := h.store.Tenants(h.ctx)
	h.must(err)
	var all []queue.Item
	for _, t := range tenants {
		var after mail.ItemID
		for {
			some, err := h.queue.Of(t).List(h.ctx, state, after, 0)
			h.must(err)
			all = append(all, some...)
			if len(some) < store.MaxPage {
				break
			}
			after = some[len(some)-1].ID
		}
	}
	return all
}

// remote gives what waits for other hosts, by recipient.
func (h *house) remote() map[string]queue.Item {
	h.Helper()
	out := map[string]queue.Item{}
	for _, it := range h.items(store.ItemWaiting) {
		if _, ok := queue.RemoteDomain(it.Route); !ok {
			continue
		}
		for _, r := range it.To {
			if _, twice := out[r.Address.String()]; twice {
				h.Errorf("%s gets it twice", r.Address)
			}
			out[r.Address.String()] = it
		}
	}
	return out
}

// notices gives what senders hear, as "from: recipient reason" lines, sorted.
func (h *house) notices() string {
	h.Helper()
	var all []string
	for _, it := range h.items(store.ItemWaiting) {
		if it.Route == queue.RouteNotice {
			for _, r := range it.To {
				all = append(all, fmt.Sprintf("%s: %s %s %s", it.From, r.Address, r.Reason, r.Status))
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// count is how many messages are in a box.
func (h *house) count(address string) int64 {
	h.Helper()
	a := h.account(address)
	box, err := h.store.Tenant(a.Tenant).Usage(h.ctx, a.ID)
	h.must(err)
	return box.Messages
}

// inbox gives the octets of the messages in an inbox.
func (h *house) inbox(address string) []string {
	h.Helper()
	a := h.account(address)
	var refs []mail.BlobRef
	tenant := h.store.Tenant(a.Tenant)
	h.must(tenant.View(h.ctx, func(r store.Reader) error {
		boxes, err := r.Mailboxes(a.ID)
		if err != nil {
			return err
		}
		for _, b := range boxes {
			err := r.Messages(b.ID, 1, 1<<32-1, 0, func(m *store.Message) bool {
				refs = append(refs, m.Blob)
				return true
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	all := make([]string, len(refs))
	for i, ref := range refs {
		all[i] = h.octets(tenant, ref)
	}
	return all
}

// octets reads a blob.
func (h *house) octets(tenant store.Tenant, ref mail.BlobRef) string {
	h.Helper()
	blob, err := tenant.Blobs().Open(h.ctx, ref)
	h.must(err)
	defer blob.Close()
	var b strings.Builder
	_, err = blob.WriteRange(&b, 0, blob.Size())
	h.must(err)
	return b.String()
}

// crashing runs the platform until all is at rest, and lets it die again and again: each time at one of its next commits, up to the
// given one. More deaths than most, or hardly any, fail the test.
func (h *house) crashing(commits int64, most int) {
	h.Helper()
	crashes := 0
	for steps := int64(0); ; steps++ {
		dead := make(chan struct{})
		left := new(atomic.Int64)
		left.Store(steps % commits)
		h.must(h.store.Close())
		h.wrap = func(st store.Store) store.Store {
			return breaking{st, func(why mail.Op) bool {
				if !strings.HasPrefix(string(why), "deliver.") || why == "deliver.Arrive" {
					return false
				}
				now := left.Add(-1)
				if now == -1 {
					close(dead)
				}
				return now < 0
			}}
		}
		h.open()
		if !h.run(func() bool {
			select {
			case <-dead:
				return true
			default:
				return h.atRest()
			}
		}) {
			h.Fatal("neither dead nor done")
		}
		if h.atRest() {
			break
		}
		if crashes++; crashes > most {
			h.Fatal("it never ends")
		}
	}
	if crashes < 4 {
		h.Errorf("only %d crashes: the test is broken", crashes)
	}
}

// want compares.
func (h *house) want(what string, got, want any) {
	h.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("%s: %v, want %v", what, got, want)
	}
}
