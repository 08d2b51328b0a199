package notice

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// watched is the carrier, saying which items it ended.
type watched struct {
	*Service
	ended chan mail.ItemID
}

func (w *watched) Carry(ctx context.Context, destination string, next func(context.Context) *queue.Job) error {
	var last *queue.Job
	report := func() {
		if last != nil {
			w.ended <- last.Item.ID
		}
	}
	err := w.Service.Carry(ctx, destination, func(ctx context.Context) *queue.Job {
		report()
		last = next(ctx)
		return last
	})
	report()
	return err
}

// start runs the queue with a service as its carrier, until the test ends.
func (h *house) start(s *Service) (*queue.Runner, chan mail.ItemID) {
	h.Helper()
	runner := queue.NewRunner(queue.Config{Queue: queue.New(h.store), Schedule: queue.Schedule{First: time.Millisecond, Max: time.Millisecond}})
	w := &watched{s, make(chan mail.ItemID, 100)}
	runner.Handle(queue.RouteNotice, w, queue.CarrierLimits{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() { defer close(done); runner.Run(ctx) }()
	var once sync.Once
	h.Cleanup(func() { once.Do(func() { cancel(); <-done }) })
	return runner, w.ended
}

// put writes an item on queue.RouteNotice about a message that is kept.
func (h *house) put(tenant mail.TenantID, it *queue.Item) {
	h.Helper()
	it.ID, it.State, it.Due, it.Blob = 0, store.ItemWaiting, time.Now(), h.keep(tenant, []byte(letterHeader+"\r\nthe secret body\r\n"))
	h.must(h.store.Tenant(tenant).Update(h.ctx, h.ops, "test.put", func(tx store.Tx) error { return queue.Put(tx, it) }))
}

// items gives a tenant's items that are not the test's own.
func (h *house) items(tenant mail.TenantID) (list []queue.Item) {
	h.Helper()
	all, err := queue.New(h.store).Of(tenant).List(h.ctx, 0, 0, 0)
	h.must(err)
	for _, it := range all {
		if it.State != store.ItemHeld {
			list = append(list, it)
		}
	}
	return list
}

// TestCarry: a sender here gets the notification into the box, a sender elsewhere by the queue, and those who must not hear of
// it nothing. Every item is settled.
func TestCarry(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	failed := func(from string) *queue.Item {
		it := about(rcpt("nobody@other.example", queue.Failed, 0, "remote.refused", "5.1.1", "mx.other.example", "550 5.1.1 no such user"))
		if it.From = (mail.Address{}); from != "" {
			it.From = address(from)
		}
		return it
	}
	spam, auto, never := failed("user1@alpha.example"), failed("user1@alpha.example"), failed("user1@alpha.example")
	spam.Spam, auto.Auto, never.To[0].Notify = true, true, mail.NotifyNever
	late := failed("user1@alpha.example")
	late.To[0].Outcome, late.To[0].Reason = queue.Waiting, "remote.deferred"
	all := []*queue.Item{failed("user1@alpha.example"), failed("stranger@far.example"), failed(""), spam, auto, never, late}
	for _, it := range all {
		h.put(user.Tenant, it)
	}
	runner, ended := h.start(h.Service)
	runner.Wake()
	for range all {
		<-ended
	}
	told := 0
	for _, it := range h.items(user.Tenant) {
		if it.Route == queue.RouteNotice {
			if told++; it.State != store.ItemSettled {
				t.Errorf("item %s is %v", it.ID, it.State)
			}
		}
		if d, ok := queue.RemoteDomain(it.Route); ok {
			if d != "far.example" || !it.From.IsNull() || !it.Auto || it.Sign != "mx.tegami.example" || it.To[0].Notify != mail.NotifyNever {
				t.Errorf("%s: %+v", d, it.Doc)
			}
		}
	}
	if told != len(all) {
		t.Errorf("%d items, want %d", told, len(all))
	}
	const bounce, delay = "【配信エラー】メールを配信できませんでした / Undeliverable: your message", "【配信遅延】メールの配信が遅れています / Delayed: your message is not delivered yet"
	list := h.inbox(user)
	if len(list) != 2 {
		t.Fatalf("%d notifications came", len(list))
	}
	if list[0].subject == delay {
		list[0], list[1] = list[1], list[0]
	}
	if list[0].subject != bounce || list[1].subject != delay || !strings.Contains(list[0].text, "mx.other.example answered: 550 5.1.1 no such user") {
		t.Errorf("%q, %q:\n%s", list[0].subject, list[1].subject, list[0].text)
	}
	for _, l := range h.raw(user) {
		if bytes.Contains(l, []byte("secret body")) || !bytes.Contains(l, []byte("Message-ID: <1@alpha.example>\r\n")) {
			t.Errorf("the original in\n%s", l)
		}
		if p := mime.ParseBytes(l, mime.Limits{}).Root; len(p.Children) != 3 {
			t.Errorf("%d parts", len(p.Children))
		}
	}
}

// raw reads an account's notifications as octets.
func (h *house) raw(a directory.Account) (list [][]byte) {
	h.Helper()
	for _, ref := range h.blobs(a) {
		blob, err := h.store.Tenant(a.Tenant).Blobs().Open(h.ctx, ref)
		h.must(err)
		octets, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		h.must(err)
		h.must(blob.Close())
		list = append(list, octets)
	}
	return list
}

// TestSV5FullSender: who has a full box still hears that mail did not arrive.
func TestSV5FullSender(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	h.fill(user, 1<<20, 100)
	it := about(rcpt("full@alpha.example", queue.Failed, 0, "box.full", "", "", ""))
	it.From = user.Address
	h.put(user.Tenant, it)
	runner, ended := h.start(h.Service)
	runner.Wake()
	<-ended
	if list := h.inbox(user); len(list) != 1 || !strings.Contains(list[0].text, "The mailbox of <full@alpha.example> is full") {
		t.Errorf("%+v", list)
	}
	box, err := h.store.Tenant(user.Tenant).Usage(h.ctx, user.ID)
	if err != nil || box.Used > user.Quota+mailbox.ServiceRoom {
		t.Errorf("%d octets, %v", box.Used, err)
	}
}

// flaky is a house that cannot post at first, once without having written anything and once in the middle of the transaction.
type flaky struct {
	House
	fails int
}

func (f *flaky) Post(ctx context.Context, l deliver.Letter, with func(store.Tx) error) (mail.ItemID, error) {
	f.fails--
	switch f.fails {
	case 1:
		return 0, mail.E("test.Post", mail.Busy, "storage.busy")
	case 0:
		return f.House.Post(ctx, l, func(tx store.Tx) error {
			if err := with(tx); err != nil {
				return err
			}
			return mail.E("test.Post", mail.Unavailable, "storage.failed")
		})
	}
	return f.House.Post(ctx, l, with)
}

// TestPutOff: a notification that can't be posted now comes later, once.
func TestPutOff(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	s := h.another()
	s.cfg.House = &flaky{s.cfg.House, 2}
	it := about(rcpt("full@alpha.example", queue.Failed, 0, "box.full", "", "", ""))
	it.From = user.Address
	h.put(user.Tenant, it)
	came := h.store.Tenant(user.Tenant).Watch(h.ctx, user.ID)
	runner, ended := h.start(s)
	runner.Wake()
	<-came
	for range 3 {
		<-ended
	}
	if n := len(h.inbox(user)); n != 1 {
		t.Errorf("%d notifications came", n)
	}
	for _, it := range h.items(user.Tenant) {
		if it.State != store.ItemSettled {
			t.Errorf("%s is %v", it.Route, it.State)
		}
	}
}
