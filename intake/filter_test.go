package intake_test

import (
	"context"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/intake"
	"tegami/lab/stores"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
)

// filtered is a house with a Runner, which asks the store for nothing by itself, and an account with a filter.
func filtered(t testing.TB) (h *house, account directory.Account) {
	t.Helper()
	st := stores.Open(t)
	runner := queue.NewRunner(queue.Config{Queue: queue.New(st), Limits: queue.Limits{Poll: time.Hour}})
	var boxes *mailbox.Service
	h = houseOn(t, st, func(c *intake.Config) {
		boxes = c.Mailbox
		c.Runner = runner
		c.House = deliver.New(deliver.Config{Store: st, Directory: c.Directory, Mailbox: c.Mailbox, Hostname: c.Hostname})
		runner.Handle(queue.RouteFilter, c.House.Carrier(), queue.CarrierLimits{})
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { runner.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	account = h.company("alpha.example", 10)[0]
	acc, err := boxes.Open(h.ctx, h.signIn(account.Address.String()))
	h.must(err)
	h.must(acc.PutScript(h.ctx, "main", []byte(`require ["fileinto", "imap4flags"]; if header :contains "from" "tanaka" { fileinto :flags "$Work" "Archive"; }`)))
	h.must(acc.ActivateScript(h.ctx, "main"))
	for _, free := runner.Reserve(1); !free; _, free = runner.Reserve(1) { // until it runs
		time.Sleep(time.Millisecond)
	}
	return h, account
}

// TestML12FilterIsHandedOver: what is accepted for an account with a filter goes to it at once, without asking the store for it.
func TestML12FilterIsHandedOver(t *testing.T) {
	h, account := filtered(t)
	ctx, cancel := context.WithTimeout(h.ctx, 30*time.Second)
	defer cancel()
	grown := h.store.Tenant(account.Tenant).Watch(ctx, account.ID)
	r := h.accepted(letter{origin: outside, from: "a@b.example", to: []string{"user0@alpha.example", "user1@alpha.example"}, text: text})
	if r.Delivered != 1 {
		t.Errorf("%d delivered with the commit", r.Delivered)
	}
	for {
		if _, ok := <-grown; !ok {
			t.Fatal("the message never came")
		}
		box, err := h.store.Tenant(account.Tenant).Usage(h.ctx, account.ID)
		h.must(err)
		if box.Messages == 1 {
			break
		}
	}
	var archived uint32
	h.must(h.store.Tenant(account.Tenant).View(h.ctx, func(rd store.Reader) error {
		boxes, err := rd.Mailboxes(account.ID)
		for _, b := range boxes {
			if b.Role == "archive" {
				archived = b.Messages
			}
		}
		return err
	}))
	if archived != 1 {
		t.Errorf("%d in the archive", archived)
	}
}

// BenchmarkFiltered is from the message's end to where its filter files it.
func BenchmarkFiltered(b *testing.B) {
	h, account := filtered(b)
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	grown := h.store.Tenant(account.Tenant).Watch(ctx, account.ID)
	l := letter{origin: outside, from: "a@b.example", to: []string{"user0@alpha.example"}, text: text}
	var waited time.Duration
	for b.Loop() {
		h.accepted(l)
		accepted := time.Now()
		<-grown
		waited += time.Since(accepted)
	}
	b.ReportMetric(float64(waited.Microseconds())/float64(b.N), "µs/behind-the-250")
}
