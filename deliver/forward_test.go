package deliver_test

import (
	"strings"
	"testing"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// TestML5Forward sends mail on to another host under a sender of ours, and a bounce of it back to who
// sent it.
func TestML5Forward(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki", "tanaka")
	sato := h.forward("sato@alpha.example", true, "sato@home.example", "suzuki@alpha.example")
	h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "hello"), "sato@alpha.example")
	h.drain()
	h.want("kept", h.count("sato@alpha.example"), 1)
	if got := h.inbox("suzuki@alpha.example"); len(got) != 1 || !strings.HasPrefix(got[0], "Delivered-To: sato@alpha.example\r\nReceived:") {
		t.Errorf("suzuki got %q", got)
	}
	out, ok := h.remote()["sato@home.example"]
	if !ok || out.From.Domain != "alpha.example" || !strings.HasPrefix(out.From.Local, "SRS0=") || out.Sign != "" {
		t.Fatalf("forwarded as %+v", out)
	}
	h.want("prefix", string(out.Prefix), "Delivered-To: sato@alpha.example\r\n")
	h.want("notices", h.notices(), "")

	// The bounce comes back under the null sender, which stays.
	h.accept(sato.Tenant, from(""), letter("mailer@home.example", "failed"), out.From.String())
	h.drain()
	back := h.remote()["abe@customer.example"]
	if !back.From.IsNull() || back.Route != queue.RouteRemote("customer.example") {
		t.Errorf("the bounce goes back as %+v", back)
	}
	// No relay for others, who are not the null sender.
	h.accept(sato.Tenant, from("x@spam.example"), letter("x@spam.example", "buy"), out.From.String())
	h.drain()
	h.want("notices", h.notices(), "x@spam.example: "+out.From.String()+" recipient.unknown 5.1.1")

	// Null stays null; without a copy nothing stays here; the bounce of a colleague's mail comes home.
	h.must(c.SetForwarding(h.ctx, h.ops, sato.ID, directory.Forwarding{To: addrs("sato@home2.example")}))
	h.accept(sato.Tenant, from(""), letter("mailer@x.example", "failed"), "sato@alpha.example")
	h.accept(sato.Tenant, from("tanaka@alpha.example"), letter("tanaka@alpha.example", "hi"), "sato@alpha.example")
	h.drain()
	h.want("kept", h.count("sato@alpha.example"), 1)
	for _, it := range h.items(store.ItemWaiting) {
		if it.Route == queue.RouteRemote("home2.example") && !it.From.IsNull() && it.From != addr("tanaka@alpha.example") {
			t.Errorf("forwarded from %s", it.From)
		}
	}
}

// TestML5SpamStays puts what was judged to be spam into the box and sends it nowhere.
func TestML5SpamStays(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	sato := h.forward("sato@alpha.example", false, "sato@home.example")
	doc := from("x@spam.example")
	doc.Spam = true
	h.accept(sato.Tenant, doc, letter("x@spam.example", "buy"), "sato@alpha.example")
	h.drain()
	h.want("kept", h.count("sato@alpha.example"), 1)
	h.want("sent", len(h.remote()), 0)
}

// TestML5SwitchStopsForwarding keeps mail here that an existing forwarding may not send out any more.
func TestML5SwitchStopsForwarding(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki")
	sato := h.forward("sato@alpha.example", false, "sato@home.example", "suzuki@alpha.example")
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{AdminForward: directory.ForwardInternal}))
	h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "hello"), "sato@alpha.example")
	h.drain()
	h.want("sent", len(h.remote()), 0)
	h.want("kept", h.count("sato@alpha.example"), 1)
	h.want("inside", h.count("suzuki@alpha.example"), 1)
	h.want("notices", h.notices(), "")
}

// TestML5Loops ends circles of forwards: in the house, and such as come back from other hosts.
func TestML5Loops(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "a", "b")
	a := h.forward("a@alpha.example", false, "b@alpha.example")
	h.forward("b@alpha.example", false, "A@alpha.example")
	h.accept(a.Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), "a@alpha.example")
	h.drain()
	h.want("notices", h.notices(), "abe@customer.example: b@alpha.example message.looping 5.4.6")

	h.forward("b@alpha.example", true, "b@home.example")
	text := strings.Repeat("Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0900\r\n", mail.MaxReceived+1) + letter("o@customer.example", "x")
	h.accept(a.Tenant, from("o@customer.example"), text, "b@alpha.example")
	h.drain()
	h.want("sent", len(h.remote()), 0)
	if !strings.Contains(h.notices(), "o@customer.example: b@home.example message.looping 5.4.6") {
		t.Error(h.notices())
	}
}

// TestForwardAcrossTenants delivers to another tenant once, also when the work is done again after a crash.
func TestForwardAcrossTenants(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.company("beta.example", "schmidt")
	sato := h.forward("sato@alpha.example", true, "schmidt@beta.example", "nobody@beta.example")
	h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), "sato@alpha.example")
	h.drain()
	h.want("at home", h.count("sato@alpha.example"), 1)
	h.want("there", h.count("schmidt@beta.example"), 1)
	h.want("notices", h.notices(), "abe@customer.example: nobody@beta.example recipient.unknown 5.1.1")

	// As if the crash fell between the commit there and that here: the item here is as it was before.
	id := h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "y"), "schmidt@beta.example")
	before, err := h.queue.Of(sato.Tenant).Explain(h.ctx, id)
	h.must(err)
	h.drain()
	h.want("there", h.count("schmidt@beta.example"), 2)
	staged, index := h.stage(sato.Tenant, letter("abe@customer.example", "y"))
	defer staged.Release()
	h.must(h.store.Tenant(sato.Tenant).Update(h.ctx, queue.Worker(), "test.again", func(tx store.Tx) (err error) {
		if before.Blob, err = tx.Keep(staged, index); err != nil {
			return err
		}
		return queue.Put(tx, &before)
	}))
	h.drain()
	h.want("there", h.count("schmidt@beta.example"), 2)
}

// TestSV5FullBoxLater fails for a box that became full meanwhile, with a notice (SV-5).
func TestSV5FullBoxLater(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	sato := h.account("sato@alpha.example")
	big := letter("a@x.example", "big") + strings.Repeat(strings.Repeat("x", 78)+"\r\n", 12<<20/80)
	for range 8 {
		h.accept(sato.Tenant, from("a@x.example"), big, "sato@alpha.example")
	}
	h.accept(sato.Tenant, from("b@x.example"), big, "sato@alpha.example")
	h.drain()
	h.want("messages", h.count("sato@alpha.example"), 8)
	if !strings.Contains(h.notices(), "sato@alpha.example box.full 5.2.2") || strings.Count(h.notices(), "\n") != 0 {
		t.Errorf("notices: %s", h.notices())
	}
	if said := h.heard(); !strings.Contains(said, "filled sato@alpha.example 9") {
		t.Errorf("said %q", said)
	}

	// Mail of the service goes in still, up to a point.
	for _, x := range []struct {
		mebioctets int64
		service    bool
		want       int64
	}{{9, false, 8}, {9, true, 9}, {9, true, 9}} {
		size := x.mebioctets << 19 // half of it: 4.5 MiB
		_, err := h.Post(h.ctx, deliver.Letter{
			Tenant: sato.Tenant, To: []mail.Recipient{{Address: sato.Address}}, Service: x.service,
			Octets: []byte(letter("noreply@service.example", "full") + strings.Repeat("x\r\n", int(size/3))),
		}, nil)
		h.must(err)
		h.want("messages", h.count("sato@alpha.example"), x.want)
	}
}

// TestPost writes a letter to somebody here, to another tenant, to another host and to nobody, with what the caller writes
// in the same transaction.
func TestPost(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.company("beta.example", "schmidt")
	sato := h.account("sato@alpha.example")
	wrote := false
	id, err := h.Post(h.ctx, deliver.Letter{
		Tenant: sato.Tenant, Sign: "service.example", Octets: []byte(letter("noreply@service.example", "notice")),
		To: []mail.Recipient{
			{Address: addr("sato@alpha.example")}, {Address: addr("schmidt@beta.example")},
			{Address: addr("x@other.example")}, {Address: addr("nobody@alpha.example")},
		},
	}, func(store.Tx) error { wrote = true; return nil })
	h.must(err)
	h.want("at once", h.count("sato@alpha.example"), 1)
	it, err := h.queue.Of(sato.Tenant).Explain(h.ctx, id)
	h.must(err)
	if !wrote || it.State != store.ItemSettled || !it.Auto || !it.From.IsNull() || it.To[1].Reason != "recipient.unknown" {
		t.Errorf("the item is %+v", it)
	}
	h.drain()
	h.want("in the other tenant", h.count("schmidt@beta.example"), 1)
	if out := h.remote()["x@other.example"]; out.Sign != "service.example" || out.Of != id {
		t.Errorf("sent %+v", out)
	}
	h.want("notices", h.notices(), "")
	_, err = h.Post(h.ctx, deliver.Letter{Tenant: sato.Tenant}, nil)
	if !mail.Is(err, mail.Invalid) {
		t.Error(err)
	}
}
