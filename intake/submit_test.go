package intake_test

import (
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

func account(address string) directory.AccountSpec {
	return directory.AccountSpec{Address: addr(address), Password: password}
}

// own is a message of user0.
const own = "From: User <user0@alpha.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0900\r\nMessage-ID: <1@client>\r\n\r\nHello.\r\n"

// TestSubmit sends to colleagues, another company and other hosts at once.
func TestSubmit(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	who := h.signIn("user0@alpha.example")
	r := h.accepted(letter{secure, who, "user0@alpha.example", []string{
		"a@one.example", "user1@alpha.example", "b@two.example", "user1@beta.example", "c@one.example",
	}, own})
	if r.Delivered != 2 {
		t.Errorf("%d delivered", r.Delivered)
	}
	items := h.items(alpha[0].Tenant)
	routes := map[string]queue.Item{}
	for _, it := range items {
		routes[it.Route] = it
		if it.Sender != alpha[0].ID || it.Of != r.Item || it.Trace != r.Trace || it.From != addr("user0@alpha.example") {
			t.Errorf("the item is %+v", it)
		}
	}
	one, two, local := routes["remote one.example"], routes["remote two.example"], routes["local"]
	if len(items) != 3 || len(one.To) != 2 || len(two.To) != 1 || len(local.To) != 1 {
		t.Fatalf("the items are %+v", items)
	}
	if one.State != store.ItemWaiting || one.Due.IsZero() || one.To[1].Address != addr("c@one.example") || one.To[0].Outcome != queue.Waiting || local.State != store.ItemSettled {
		t.Errorf("the items are %+v", items)
	}
	outgoing := h.read(h.store.Tenant(alpha[0].Tenant), one.Blob)
	if !strings.HasPrefix(outgoing, "Received: from [192.0.2.8] ([192.0.2.8])\r\n\tby mx.tegami.example with ESMTPSA (TLS1.3 X) id ") || !strings.HasSuffix(outgoing, own) {
		t.Errorf("what goes to other hosts is\n%s", outgoing)
	}
	if got := h.inbox(beta[1]); len(got) != 1 || got[0].text != outgoing {
		t.Error("the other company has another text")
	}
	if others := h.items(beta[0].Tenant); len(others) != 1 || others[0].Route != queue.RouteLocal {
		t.Errorf("the other company's items are %+v", others)
	}
	h.check()
}

// TestRemoteOnly has nobody to deliver to here.
func TestRemoteOnly(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	r := h.accepted(letter{secure, h.signIn("user0@alpha.example"), "user0@alpha.example", []string{"a@one.example"}, own})
	items := h.items(user.Tenant)
	if len(items) != 1 || items[0].ID != r.Item || items[0].Of != r.Item || r.Delivered != 0 {
		t.Errorf("receipt %+v, items %+v", r, items)
	}
	text := h.read(h.store.Tenant(user.Tenant), items[0].Blob)
	if !strings.Contains(text, "\r\n\tfor <a@one.example>; ") {
		t.Errorf("the message is\n%s", text)
	}
}

// TestSendersAreTheirOwn lets nobody write under another name, in the envelope or in the header.
func TestSendersAreTheirOwn(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	who := h.signIn("user0@alpha.example")
	send := func(from, header string) error {
		_, err := h.send(letter{secure, who, from, []string{"user1@alpha.example"}, header + "\r\nx\r\n"})
		return err
	}
	ownHeader := "From: user0@alpha.example\r\n"
	h.must(send("user0@alpha.example", ownHeader))
	h.must(send("USER0@alpha.example", "From: \"User\" <User0@Alpha.EXAMPLE>\r\n"))
	h.must(send("", ownHeader)) // a receipt (RFC 8098 §3)
	h.says(send("user1@alpha.example", ownHeader), mail.Denied, "sender.not_owned")
	h.says(send("a@elsewhere.example", ownHeader), mail.Denied, "sender.not_owned")
	h.says(send("user0@alpha.example", "From: user1@alpha.example\r\n"), mail.Denied, "sender.not_owned")
	h.says(send("", "From: user1@alpha.example\r\n"), mail.Denied, "sender.not_owned")
	h.says(send("user0@alpha.example", ownHeader+"Sender: user1@alpha.example\r\n"), mail.Denied, "sender.not_owned")

	h.says(send("info@alpha.example", ownHeader), mail.Denied, "sender.not_owned")
	company := h.dir.Company(user.Tenant)
	h.must(company.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), user.ID))
	h.must(send("info@alpha.example", "From: info@alpha.example\r\n")) // in the same session
	h.must(company.SetAccountState(h.ctx, h.ops, user.ID, directory.AccountSuspended))
	h.says(send("user0@alpha.example", ownHeader), mail.Denied, "account.suspended")
}

// TestMissingFieldsAreAdded completes what a simple client sends (RFC 6409 §8), and leaves mail from outside alone.
func TestMissingFieldsAreAdded(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	h.accepted(letter{secure, h.signIn("user0@alpha.example"), "user0@alpha.example", []string{"user0@alpha.example"}, "Subject: x\r\n\r\ny\r\n"})
	h.accepted(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, "Subject: x\r\n\r\ny\r\n"})
	list := h.inbox(user)
	for _, field := range []string{"\r\nFrom: <user0@alpha.example>\r\n", "\r\nDate: ", "\r\nMessage-ID: <"} {
		if !strings.Contains(list[0].text, field) || strings.Contains(list[1].text, field) {
			t.Errorf("%q: the submission is\n%s\nand the mail from outside\n%s", field, list[0].text, list[1].text)
		}
	}
	if it := h.items(user.Tenant)[0]; it.MessageID == "" || it.HeaderFrom != "user0@alpha.example" {
		t.Errorf("the item is %+v", it)
	}
}

// TestML7SubmissionNeedsSignIn refuses the doors for users to others.
func TestML7SubmissionNeedsSignIn(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", 10)
	for _, door := range []string{"smtps", "submission"} {
		o := outside
		o.Door = door
		_, err := h.Begin(h.ctx, o, nil, addr("a@b.example"), mail.Options{})
		h.says(err, mail.Denied, "auth.required")
	}
}

// TestSV9VPNSubmission lets a tenant's machines send without signing in, as the tenant's domains only.
func TestSV9VPNSubmission(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 10, "10.1.0.0/16")
	h.company("beta.example", 10, "10.2.0.0/16")
	machine := vpn("10.1.2.3")
	h.must(h.Connect(h.ctx, machine))
	h.must(h.Connect(h.ctx, outside))
	h.says(h.Connect(h.ctx, vpn("10.9.0.1")), mail.Denied, "zone.unknown_network")

	send := func(o mail.Origin, from, to, header string) error {
		_, err := h.send(letter{o, nil, from, []string{to}, header + "\r\nx\r\n"})
		return err
	}
	h.must(send(machine, "copier@alpha.example", "user0@alpha.example", "From: copier@alpha.example\r\n"))
	h.must(send(machine, "copier@alpha.example", "a@elsewhere.example", ""))
	h.must(send(machine, "", "user0@alpha.example", "From: x@elsewhere.example\r\n"))
	h.says(send(machine, "", "a@elsewhere.example", ""), mail.Denied, "relay.denied")
	h.says(send(machine, "copier@beta.example", "user0@alpha.example", ""), mail.Denied, "sender.not_owned")
	h.says(send(machine, "a@elsewhere.example", "user0@alpha.example", ""), mail.Denied, "sender.not_owned")
	h.says(send(machine, "copier@alpha.example", "user0@alpha.example", "From: boss@beta.example\r\n"), mail.Denied, "sender.not_owned")
	h.says(send(vpn("10.9.0.1"), "copier@alpha.example", "user0@alpha.example", ""), mail.Denied, "zone.unknown_network")

	remote := 0
	for _, it := range h.items(alpha[0].Tenant) {
		if _, ok := queue.RemoteDomain(it.Route); ok {
			remote++
			if !it.Sender.IsZero() || !strings.Contains(h.read(h.store.Tenant(alpha[0].Tenant), it.Blob), " with ESMTP id ") {
				t.Errorf("the machine is taken for a signed-in user: %+v", it)
			}
		}
	}
	if remote != 1 {
		t.Errorf("%d items go to other hosts", remote)
	}
	h.fill(alpha[5], 100)
	h.says(send(machine, "user5@alpha.example", "user0@alpha.example", ""), mail.Full, "sender.box_full")
	_, err := h.dir.SetTenantState(h.ctx, h.ops, alpha[0].Tenant, directory.TenantSuspended)
	h.must(err)
	h.says(send(machine, "copier@alpha.example", "a@elsewhere.example", ""), mail.Denied, "tenant.suspended")
}

// TestQueueRights removes an item as those may who may.
func TestQueueRights(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	who := h.signIn("user0@alpha.example")
	r := h.accepted(letter{secure, who, "user0@alpha.example", []string{"a@one.example"}, own})
	ours, others := h.queue.Of(alpha[0].Tenant), h.queue.Of(beta[0].Tenant)
	h.says(ours.Remove(h.ctx, who.Actor(), r.Item, false), mail.Denied, "actor.denied")
	h.says(others.Remove(h.ctx, h.ops, r.Item, false), mail.NotFound, "item.unknown")
	_, err := others.Explain(h.ctx, r.Item)
	h.says(err, mail.NotFound, "item.unknown")
	stranger := mail.MintActor(mail.Admin, beta[0].Tenant, beta[0].ID, "x", mail.Origin{})
	h.says(ours.Remove(h.ctx, stranger, r.Item, false), mail.Denied, "actor.denied")
	h.must(ours.Remove(h.ctx, h.ops, r.Item, false))
	h.must(ours.Remove(h.ctx, h.ops, r.Item, false)) // its trace
	h.says(ours.Remove(h.ctx, h.ops, r.Item, false), mail.NotFound, "item.unknown")
	if n := len(h.items(alpha[0].Tenant)); n != 0 {
		t.Errorf("%d items are left", n)
	}
}

// TestSharedMailboxesAreWrittenAs by who has a seat for that, and by nobody else.
func TestSharedMailboxesAreWrittenAs(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	company := h.dir.Company(user.Tenant)
	h.must(company.DeleteAccount(h.ctx, h.ops, mustFind(h, company, "user9@alpha.example")))
	box, err := company.AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr("support@alpha.example"), Shared: true})
	h.must(err)
	who := h.signIn("user0@alpha.example")
	send := func(from, header string) error {
		_, err := h.send(letter{secure, who, from, []string{"user1@alpha.example"}, header + "\r\nx\r\n"})
		return err
	}
	as := "From: support@alpha.example\r\n"
	h.must(company.SetSeat(h.ctx, h.ops, box.ID, user.ID, directory.SeatWrite))
	h.says(send("support@alpha.example", as), mail.Denied, "sender.not_owned")
	h.must(company.SetSeat(h.ctx, h.ops, box.ID, user.ID, directory.SeatPost))
	h.must(send("support@alpha.example", as))
	h.says(send("support@alpha.example", "From: user1@alpha.example\r\n"), mail.Denied, "sender.not_owned")
	h.must(send("user0@alpha.example", "From: user0@alpha.example\r\n"))
}

func mustFind(h *house, c *directory.Company, address string) mail.AccountID {
	h.Helper()
	a, err := c.Find(h.ctx, addr(address))
	h.must(err)
	return a.ID
}
