package intake_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

const text = "From: Tanaka <tanaka@elsewhere.example>\r\nTo: user0@alpha.example\r\nSubject: =?ISO-2022-JP?B?GyRCJDMbKEI=?=\r\n" +
	"Message-ID: <1@elsewhere.example>\r\n\r\nHello.\r\n.dot\r\n"

// TestReceive takes a message from outside and looks at all that must be there before the 250.
func TestReceive(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	r := h.accepted(letter{outside, nil, "tanaka@elsewhere.example", []string{"User0@alpha.example"}, text})
	if r.Delivered != 1 || r.Item.IsZero() || !strings.HasPrefix(r.Trace, "k3f9x2ab-") {
		t.Errorf("the receipt is %+v", r)
	}
	list := h.inbox(user)
	if len(list) != 1 {
		t.Fatalf("%d messages in the inbox", len(list))
	}
	m := list[0]
	stamped, own := strings.CutSuffix(m.text, text)
	want := "Return-Path: <tanaka@elsewhere.example>\r\nReceived: from mail.example ([192.0.2.7])\r\n" +
		"\tby mx.tegami.example with ESMTP id " + r.Trace + "\r\n\tfor <User0@alpha.example>; "
	if !own || !strings.HasPrefix(stamped, want) || strings.Count(stamped, "\r\n") != 4 {
		t.Errorf("the message is\n%s\nand should begin with\n%s", m.text, want)
	}
	if parsed := mime.ParseBytes([]byte(m.text), mime.Limits{}).Encode(nil); string(parsed) != string(m.Index) {
		t.Error("the index is not that of the octets")
	}

	it, err := h.queue.Of(user.Tenant).Explain(h.ctx, r.Item)
	h.must(err)
	if it.State != store.ItemSettled || it.Route != queue.RouteLocal || it.Of != it.ID || it.Trace != r.Trace ||
		it.From != addr("tanaka@elsewhere.example") || it.HeaderFrom != "tanaka@elsewhere.example" || it.MessageID != "<1@elsewhere.example>" ||
		it.Origin.Remote != outside.Remote || !it.Sender.IsZero() || it.Blob.Size != int64(len(m.text)) {
		t.Errorf("the item is %+v", it)
	}
	if len(it.To) != 1 || it.To[0].Outcome != queue.Delivered || it.To[0].Account != user.ID || it.To[0].Email != m.ID || it.To[0].At.IsZero() {
		t.Errorf("the outcome is %+v", it.To)
	}
	h.check()
}

// TestNothingGoesThrough is why this is no open relay: from outside, no other host can be addressed.
func TestNothingGoesThrough(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	for _, from := range []string{"", "tanaka@elsewhere.example", "user0@alpha.example"} {
		for _, rcpt := range []string{"a@other.example", "a@[192.0.2.1]", "a%other.example@alpha.example", "a@sub.alpha.example", "a@alpha.example.other.example"} {
			_, err := h.send(letter{outside, nil, from, []string{rcpt}, text})
			if !mail.Is(err, mail.Denied) && !mail.Is(err, mail.NotFound) {
				t.Errorf("from %q to %q: %v", from, rcpt, err)
			}
		}
	}
	_, err := h.send(letter{outside, nil, "a@b.example", []string{"a@other.example"}, text})
	h.says(err, mail.Denied, "relay.denied")
	_, err = h.send(letter{outside, nil, "a@b.example", []string{"nobody@alpha.example"}, text})
	h.says(err, mail.NotFound, "recipient.unknown")
	_, err = h.send(letter{outside, nil, "a@b.example", nil, text})
	h.says(err, mail.Invalid, "recipients.none")
	if n := len(h.items(user.Tenant)); n != 0 {
		t.Errorf("%d items are in the queue", n)
	}
}

// TestPostmaster is RFC 5321 §4.5.1 for our own host, which is no company's domain.
func TestPostmaster(t *testing.T) {
	h := newHouse(t)
	boss := h.company("alpha.example", 1)[0]
	who := h.signIn("user0@alpha.example")
	try := func(in *intake.Intake, who *directory.Identity, address string) error {
		h.Intake = in
		from := letter{outside, nil, "a@else.example", []string{address}, "Subject: x\r\n\r\nx\r\n"}
		if who != nil {
			from.origin, from.who, from.from, from.text = secure, who, "user0@alpha.example", own
		}
		_, err := h.send(from)
		return err
	}
	without := h.Intake
	with := func(postmaster string) *intake.Intake {
		return intake.New(intake.Config{Store: h.store, Directory: h.dir, Mailbox: mailbox.New(h.store, h.dir, mailbox.Config{}),
			Hostname: "MX.tegami.example", Postmaster: addr(postmaster)})
	}
	in := with("user0@alpha.example")
	h.must(try(in, nil, "Postmaster@mx.tegami.example"))
	h.must(try(in, who, "postmaster@mx.tegami.example"))
	if got := h.inbox(boss); len(got) != 2 {
		t.Errorf("the postmaster has %d messages", len(got))
	}
	for _, sender := range []*directory.Identity{nil, who} { // what is refused must not go to the queue for other hosts
		h.says(try(in, sender, "user0@mx.tegami.example"), mail.NotFound, "recipient.unknown")
		h.says(try(without, sender, "postmaster@mx.tegami.example"), mail.NotFound, "recipient.unknown")
		h.says(try(with("gone@alpha.example"), sender, "postmaster@mx.tegami.example"), mail.NotFound, "recipient.unknown")
		h.says(try(with("gone@else.example"), sender, "postmaster@mx.tegami.example"), mail.NotFound, "recipient.unknown")
	}
	h.check()
}

// TestML8RecipientLimit takes 1,000 different recipients, however often each is named, and not one more.
func TestML8RecipientLimit(t *testing.T) {
	h := newHouse(t)
	users := h.company("alpha.example", mail.MaxRecipients+1)
	tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{})
	h.must(err)
	defer tx.Abort()
	for i := range mail.MaxRecipients {
		h.must(tx.Recipient(h.ctx, to(fmt.Sprintf("user%d@alpha.example", i))))
		h.must(tx.Recipient(h.ctx, to(fmt.Sprintf("USER%d@alpha.example", i))))
	}
	err = tx.Recipient(h.ctx, to(fmt.Sprintf("user%d@alpha.example", mail.MaxRecipients)))
	h.says(err, mail.Full, "recipients.too_many")
	if _, args := mail.TextOf(err); len(args) != 1 || args[0] != 1000 {
		t.Errorf("the answer names %v, not the limit", args)
	}
	r, err := h.commit(tx, text)
	h.must(err)
	if r.Delivered != mail.MaxRecipients {
		t.Errorf("%d were delivered", r.Delivered)
	}
	first, last, beyond := h.inbox(users[0]), h.inbox(users[mail.MaxRecipients-1]), h.inbox(users[mail.MaxRecipients])
	if len(first) != 1 || len(last) != 1 || len(beyond) != 0 {
		t.Errorf("%d, %d and %d messages", len(first), len(last), len(beyond))
	}
	if strings.Contains(first[0].text, "\tfor <") {
		t.Error("one recipient is shown to the others")
	}
	if first[0].Blob != last[0].Blob {
		t.Error("the octets are kept more than once")
	}
	h.check()
}

// TestAliasesOfOneAccount delivers once, and says of both what became of them.
func TestAliasesOfOneAccount(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	h.must(h.dir.Company(user.Tenant).AddAlias(h.ctx, h.ops, addr("info@alpha.example"), user.ID))
	r := h.accepted(letter{outside, nil, "a@b.example", []string{"info@alpha.example", "user0@alpha.example"}, text})
	if n := len(h.inbox(user)); n != 1 || r.Delivered != 1 {
		t.Errorf("%d messages are in the box, the receipt says %d", n, r.Delivered)
	}
	it := h.items(user.Tenant)[0]
	if len(it.To) != 2 || it.To[0].Email != it.To[1].Email || it.To[1].Outcome != queue.Delivered {
		t.Errorf("the outcomes are %+v", it.To)
	}
}

// TestML9MessageSize refuses early what is declared too big, and late what is.
func TestML9MessageSize(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	_, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{Size: mail.MaxMessageSize + 1})
	h.says(err, mail.Full, "message.too_big")
	if _, args := mail.TextOf(err); len(args) != 1 || args[0] != int64(15) {
		t.Errorf("the answer names %v, not 15 (MB)", args)
	}
	header := "From: a@b.example\r\n\r\n"
	whole := header + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", mail.MaxMessageSize/64+1)[:mail.MaxMessageSize-len(header)]

	tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{})
	h.must(err)
	defer tx.Abort()
	h.must(tx.Recipient(h.ctx, to("user0@alpha.example")))
	sink, err := tx.Data(h.ctx)
	h.must(err)
	_, err = sink.Write([]byte(whole))
	h.must(err)
	_, err = sink.Write([]byte("x"))
	h.says(err, mail.Full, "message.too_big")
	_, err = sink.Write([]byte("x"))
	h.says(err, mail.Full, "message.too_big")
	_, err = tx.Commit(h.ctx)
	h.says(err, mail.Full, "message.too_big")
	if n := len(h.inbox(user)); n != 0 {
		t.Errorf("%d messages of a refused one", n)
	}

	h.accepted(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, whole})
	if list := h.inbox(user); len(list) != 1 || !strings.HasSuffix(list[0].text, whole) {
		t.Error("the largest message did not come through whole")
	}
}

func TestLoops(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	hops := func(n int) string { return strings.Repeat("Received: from x by y; date\r\n", n) + text }
	_, err := h.send(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, hops(26)})
	h.says(err, mail.Invalid, "message.looping")
	h.accepted(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, hops(25)})
	if n := len(h.inbox(user)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// TestSV5FullBoxes lets a full box neither receive nor send, and nobody else suffer for it.
func TestSV5FullBoxes(t *testing.T) {
	h := newHouse(t)
	users := h.company("alpha.example", 10)
	who := h.signIn("user0@alpha.example")
	h.fill(users[0], 100)
	_, err := h.send(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, text})
	h.says(err, mail.Full, "box.full")
	_, err = h.send(letter{secure, who, "user0@alpha.example", []string{"user1@alpha.example"}, text})
	h.says(err, mail.Full, "sender.box_full")
	h.accepted(letter{outside, nil, "a@b.example", []string{"user1@alpha.example"}, text})

	h.fill(users[2], 99) // room for a small one only
	tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{Size: 2 << 20})
	h.must(err)
	defer tx.Abort()
	h.says(tx.Recipient(h.ctx, to("user2@alpha.example")), mail.Full, "box.full")
	h.must(tx.Recipient(h.ctx, to("user1@alpha.example")))
	h.accepted(letter{outside, nil, "a@b.example", []string{"user2@alpha.example"}, text})
}

// TestSV5FilledMeanwhile has boxes that were not full yet when their recipients were taken.
func TestSV5FilledMeanwhile(t *testing.T) {
	h := newHouse(t)
	users := h.company("alpha.example", 10)
	lane := h.queue.Of(users[0].Tenant)
	take := func(from string, notify mail.Notify, names ...string) *takenLetter {
		tx, err := h.Begin(h.ctx, outside, nil, addr(from), mail.Options{})
		h.must(err)
		for _, n := range names {
			h.must(tx.Recipient(h.ctx, mail.Recipient{Address: addr(n), Notify: notify}))
		}
		return &takenLetter{h, func() (mail.ItemID, int, error) { r, err := h.commit(tx, text); return r.Item, r.Delivered, err }}
	}
	alone := take("a@b.example", 0, "user0@alpha.example")
	both := take("a@b.example", 0, "user0@alpha.example", "user1@alpha.example")
	null := take("", 0, "user0@alpha.example", "user1@alpha.example")
	never := take("a@b.example", mail.NotifyNever, "user0@alpha.example", "user1@alpha.example")
	h.fill(users[0], 100)

	_, _, err := alone.commit()
	h.says(err, mail.Full, "box.full")
	if n := len(h.items(users[0].Tenant)); n != 0 {
		t.Errorf("%d items of a refused message", n)
	}
	for name, c := range map[string]struct {
		letter *takenLetter
		state  store.ItemState
		route  string
	}{
		"its sender is told":             {both, store.ItemWaiting, queue.RouteNotice},
		"a null sender is not":           {null, store.ItemSettled, queue.RouteLocal},
		"a sender who wants none is not": {never, store.ItemSettled, queue.RouteLocal},
	} {
		id, delivered, err := c.letter.commit()
		h.must(err)
		it, err := lane.Explain(h.ctx, id)
		h.must(err)
		if delivered != 1 || it.State != c.state || it.Route != c.route {
			t.Errorf("%s: %d delivered, item %+v", name, delivered, it)
		}
		if it.To[0].Outcome != queue.Failed || it.To[0].Reason != "box.full" || it.To[1].Outcome != queue.Delivered {
			t.Errorf("%s: outcomes %+v", name, it.To)
		}
	}
	if n := len(h.inbox(users[1])); n != 3 {
		t.Errorf("the other recipient has %d messages", n)
	}
	h.check()
}

// takenLetter is a letter whose recipients were taken.
type takenLetter struct {
	*house
	commit func() (mail.ItemID, int, error)
}

// TestDeletedMeanwhile deletes the account between RCPT and the end of DATA.
func TestDeletedMeanwhile(t *testing.T) {
	h := newHouse(t)
	users := h.company("alpha.example", 10)
	for _, names := range [][]string{{"user0@alpha.example"}, {"user0@alpha.example", "user1@alpha.example"}} {
		tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{})
		h.must(err)
		for _, n := range names {
			h.must(tx.Recipient(h.ctx, to(n)))
		}
		a, err := h.dir.Company(users[0].Tenant).Find(h.ctx, addr("user0@alpha.example"))
		h.must(err)
		h.must(h.dir.Company(users[0].Tenant).DeleteAccount(h.ctx, h.ops, a.ID))
		h.must(h.dir.Company(users[0].Tenant).DestroyAccount(h.ctx, h.ops, a.ID, a.Address))
		_, err = h.commit(tx, text)
		if len(names) == 1 {
			h.says(err, mail.NotFound, "recipient.unknown")
			_, err = h.dir.Company(users[0].Tenant).AddAccount(h.ctx, h.ops, account("user0@alpha.example"))
		}
		h.must(err)
	}
	it := h.items(users[0].Tenant)[0]
	if it.Route != queue.RouteNotice || it.To[0].Reason != "recipient.unknown" || it.To[1].Outcome != queue.Delivered {
		t.Errorf("the item is %+v", it)
	}
}

// TestSeveralTenants delivers one message to two companies: each has its own octets and item.
func TestSeveralTenants(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	r := h.accepted(letter{outside, nil, "a@b.example", []string{"user0@alpha.example", "user0@beta.example", "user1@beta.example"}, text})
	if r.Delivered != 3 {
		t.Errorf("%d delivered", r.Delivered)
	}
	one, two := h.inbox(alpha[0]), h.inbox(beta[0])
	if len(one) != 1 || len(two) != 1 || one[0].text != two[0].text || one[0].Blob.Hash == two[0].Blob.Hash {
		t.Error("the companies have different texts, or share a hash")
	}
	a, b := h.items(alpha[0].Tenant), h.items(beta[0].Tenant)
	if len(a) != 1 || len(b) != 1 || a[0].Trace != b[0].Trace || len(a[0].To) != 1 || len(b[0].To) != 2 {
		t.Errorf("the items are %+v and %+v", a, b)
	}
	h.check()
}

// TestSuccessIsToldWhenAskedFor keeps an item for the notice (RFC 3461 §4.1).
func TestSuccessIsToldWhenAskedFor(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{EnvID: "env", Ret: mail.RetHeaders})
	h.must(err)
	defer tx.Abort()
	h.must(tx.Recipient(h.ctx, mail.Recipient{Address: addr("user0@alpha.example"), Notify: mail.NotifySuccess, Orcpt: "rfc822;x@y"}))
	_, err = h.commit(tx, text)
	h.must(err)
	it := h.items(user.Tenant)[0]
	if it.State != store.ItemWaiting || it.Route != queue.RouteNotice || it.Opts.EnvID != "env" || it.To[0].Orcpt != "rfc822;x@y" {
		t.Errorf("the item is %+v", it)
	}
}

// TestHeadersFromHell are no reason to refuse.
func TestHeadersFromHell(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	for i, text := range []string{
		"", "\r\n", "no header at all\r\n", "\r\n\r\nbody", "From:\r\n\r\n", strings.Repeat("X-Long: "+strings.Repeat("a", 900)+"\r\n", 1500) + "\r\nbody\r\n",
		"Subject: \xff\xfe\r\n\r\n\x00", "From: a@b.example\r\n folded\r\n\t\r\n\r\nx",
	} {
		h.accepted(letter{outside, nil, "", []string{"user0@alpha.example"}, text})
		list := h.inbox(user)
		if len(list) != i+1 || !strings.HasSuffix(list[i].text, text) {
			t.Fatalf("message %d did not come through", i)
		}
	}
}

// TestAbort leaves nothing, whenever it comes.
func TestAbort(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	for step := range 3 {
		tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{})
		h.must(err)
		if step > 0 {
			h.must(tx.Recipient(h.ctx, to("user0@alpha.example")))
		}
		if step > 1 {
			sink, err := tx.Data(h.ctx)
			h.must(err)
			_, err = sink.Write([]byte(text))
			h.must(err)
		}
		tx.Abort()
		tx.Abort()
		_, err = tx.Commit(h.ctx)
		h.says(err, mail.Invalid, "recipients.none")
	}
	if n := len(h.inbox(user)); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// TestManyAtOnce accepts from many sessions at the same time: each message is there once.
func TestManyAtOnce(t *testing.T) {
	h := newHouse(t)
	users := h.company("alpha.example", 10)
	const sessions, each = 20, 10
	var all sync.WaitGroup
	for s := range sessions {
		all.Go(func() {
			for i := range each {
				own := fmt.Sprintf("Message-ID: <%d.%d@x>\r\n%s", s, i, text)
				if _, err := h.send(letter{outside, nil, "a@b.example", []string{"user0@alpha.example", "user1@alpha.example"}, own}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, m := range h.inbox(users[0]) {
		id, _, _ := strings.Cut(m.text[strings.Index(m.text, "Message-ID: "):], "\r\n")
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
	}
	if len(seen) != sessions*each || len(h.inbox(users[1])) != sessions*each || len(h.items(users[0].Tenant)) != sessions*each {
		t.Errorf("%d messages, want %d", len(seen), sessions*each)
	}
	h.check()
}

// TestSV5NeverOver sends to a nearly full box from many sessions at once: it never holds more than its size.
func TestSV5NeverOver(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	h.fill(user, 99)
	large := text + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", 200<<10/64)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := h.send(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, large})
			if err == nil {
				accepted.Add(1)
			} else if key, _ := mail.TextOf(err); key != "box.full" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	box, err := h.store.Tenant(user.Tenant).Usage(h.ctx, user.ID)
	h.must(err)
	if box.Used > user.Quota || accepted.Load() != 5 || len(h.inbox(user)) != 5 {
		t.Errorf("%d accepted, %d in the box, %d of %d octets", accepted.Load(), len(h.inbox(user)), box.Used, user.Quota)
	}
}
