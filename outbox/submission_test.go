package outbox_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/outbox"
	"tegami/queue"
	"tegami/store"
)

// letter is a message of user0 with a blind copy.
const letter = "From: User <user0@alpha.example>\r\nTo: \"One\" <user1@alpha.example>, out@remote.example\r\nCc: user1@beta.example\r\nBcc: secret@other.example,\r\n" +
	" user2@alpha.example\r\nSubject: =?UTF-8?B?5pel5pys?=\r\nDate: Mon, 23 Nov 2026 10:00:00 +0900\r\nMessage-ID: <1@client>\r\n\r\nHello.\r\nBcc: not a field\r\n"

// TestSubmission sends to colleagues, another company and other hosts by the header alone; nobody sees who gets a blind copy.
func TestSubmission(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example", 3), h.company("beta.example", 2)
	h.run()
	b := h.at("user0@alpha.example")
	s, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: h.draft(alpha[0], "Drafts", letter)})
	h.must(err)
	var to []string
	for _, p := range s.Envelope.RcptTo {
		to = append(to, p.Email)
	}
	if s.Undo != outbox.Final || s.Envelope.MailFrom.Email != "user0@alpha.example" ||
		!slices.Equal(to, []string{"user1@alpha.example", "out@remote.example", "user1@beta.example", "secret@other.example", "user2@alpha.example"}) {
		t.Errorf("%+v", s)
	}
	for _, a := range []directory.Account{alpha[1], alpha[2], beta[1]} {
		h.until(a.Address.String(), func() bool { return len(h.texts(a, "INBOX")) == 1 })
		text := h.texts(a, "INBOX")[0]
		if strings.Contains(text, "secret@other") || strings.Contains(text, "user2@alpha") || !strings.HasSuffix(text, "\r\n\r\nHello.\r\nBcc: not a field\r\n") {
			t.Errorf("%s got\n%s", a.Address, text)
		}
		if !strings.HasPrefix(text, "Received: from webmail\r\n\tby mx.service.example with HTTP (TLS1.3 X) id k3f9x2ac-") {
			t.Errorf("%s got\n%s", a.Address, text)
		}
	}
	h.until("other hosts", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.left) == 2 })
	for _, it := range h.left {
		if it.Sign != "alpha.example" || it.From != addr("user0@alpha.example") || it.MessageID != "<1@client>" {
			t.Errorf("%+v", it.Doc)
		}
	}
	h.until("outcomes", func() bool {
		list, err := b.Submissions(h.ctx, []mail.ObjectID{s.ID})
		h.must(err)
		d, err := b.Deliveries(h.ctx, &list[0])
		h.must(err)
		return d["user1@alpha.example"].Delivered == "yes" && d["out@remote.example"].Reply == "250 2.0.0 taken" && d["user1@beta.example"].Delivered == "unknown"
	})
	if want := []string{"One user1@alpha.example", "out@remote.example", "user1@beta.example", "secret@other.example", "user2@alpha.example"}; !slices.Equal(h.noted, want) {
		t.Errorf("the address book hears of %q", h.noted)
	}
	h.check()
}

// TestUndo: what waits is nobody's, also in the house; taken back it never was, and what is not taken back comes.
func TestUndo(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 3)
	h.run()
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Drafts", letter)
	send := func(hold map[string]*string) outbox.Submission {
		s, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: id, Envelope: envelope("user0@alpha.example", hold, "user1@alpha.example", "out@remote.example")})
		h.must(err)
		return s
	}
	before, err := b.State(h.ctx)
	h.must(err)
	back, sent := send(hold(time.Hour)), send(hold(time.Second))
	if back.Undo != outbox.Pending || back.SendAt.Before(time.Now().Add(59*time.Minute)) {
		t.Errorf("%+v", back)
	}
	h.must(b.Cancel(h.ctx, back.ID))
	h.must(b.Cancel(h.ctx, back.ID)) // a second time changes nothing
	h.until("it is sent", func() bool { return len(h.texts(alpha[1], "INBOX")) == 1 })
	h.says(b.Cancel(h.ctx, sent.ID), mail.Conflict, "submission.too_late")
	h.says(b.Cancel(h.ctx, 4711), mail.NotFound, "submission.unknown")
	h.says(h.at("user1@alpha.example").Cancel(h.ctx, back.ID), mail.NotFound, "submission.unknown")
	list, err := b.Submissions(h.ctx, nil)
	h.must(err)
	if len(list) != 2 || list[0].Undo != outbox.Canceled || list[1].Undo != outbox.Final {
		t.Errorf("%+v", list)
	}
	item, err := h.queue.Of(alpha[0].Tenant).Explain(h.ctx, back.Items[0])
	h.must(err)
	if item.State != store.ItemSettled || item.To[1].Reason != "submission.canceled" {
		t.Errorf("%+v", item)
	}
	changes, err := b.Changes(h.ctx, outbox.Submissions, before, 10)
	h.must(err)
	if len(changes.Created) != 2 || changes.More {
		t.Errorf("%+v", changes)
	}
	h.must(b.Forget(h.ctx, back.ID))
	if changes, err = b.Changes(h.ctx, outbox.Submissions, changes.New, 10); err != nil || len(changes.Destroyed) != 1 {
		t.Errorf("%+v %v", changes, err)
	}
	if len(h.texts(alpha[1], "INBOX")) != 1 {
		t.Error("what was taken back came")
	}
	h.check()
}

// TestUndoRace: taken back while the carrier takes it, a message is either nobody's or everybody's, as the sender was told.
func TestUndoRace(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 3)
	h.run()
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Drafts", letter)
	identity := h.mine(b)
	const rounds = 40
	canceled := 0
	for round := range rounds {
		release := time.Now().Add(20 * time.Millisecond)
		until := release.UTC().Format(time.RFC3339Nano)
		s, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: identity, Email: id, Envelope: envelope("user0@alpha.example", map[string]*string{"HOLDUNTIL": &until}, "user1@alpha.example", "user2@alpha.example")})
		h.must(err)
		time.Sleep(time.Until(release.Add(time.Duration(round%10-2) * 1500 * time.Microsecond))) // spreads the tries over the time around the release
		var all sync.WaitGroup
		told := make([]error, 3)
		for i := range told {
			all.Go(func() {
				for told[i] = b.Cancel(h.ctx, s.ID); mail.Is(told[i], mail.Busy); told[i] = b.Cancel(h.ctx, s.ID) {
				}
			})
		}
		all.Wait()
		for _, err := range told {
			if err != nil && !mail.Is(err, mail.Conflict) || (err == nil) != (told[0] == nil) {
				t.Fatalf("round %d: %v", round, told)
			}
		}
		if told[0] == nil {
			canceled++
		}
	}
	want := rounds - canceled
	h.until("the others come", func() bool { return len(h.texts(alpha[1], "INBOX")) >= want && len(h.texts(alpha[2], "INBOX")) >= want })
	h.until("all is settled", func() bool {
		waiting, err := h.queue.Of(alpha[0].Tenant).List(h.ctx, store.ItemWaiting, 0, 0)
		h.must(err)
		return len(waiting) == 0
	})
	if n := len(h.texts(alpha[1], "INBOX")); n != want || len(h.texts(alpha[2], "INBOX")) != want {
		t.Errorf("%d came, %d of %d were taken back", n, canceled, rounds)
	}
	t.Logf("%d of %d were taken back", canceled, rounds)
	h.check()
}

// TestUndoOfWhatIsCarried: a carrier that has begun can't be stopped, and its lease keeps it so.
func TestUndoOfWhatIsCarried(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example") // nobody carries
	until := time.Now().Add(30 * time.Millisecond).UTC().Format(time.RFC3339Nano)
	s, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: h.draft(alpha[0], "Drafts", letter), Envelope: envelope("user0@alpha.example", map[string]*string{"HOLDUNTIL": &until}, "user1@alpha.example")})
	h.must(err)
	h.until("it is due", func() bool {
		claimed, err := h.store.Claim(h.ctx, "test", 10, time.Hour)
		h.must(err)
		return len(claimed) == 1
	})
	h.says(b.Cancel(h.ctx, s.ID), mail.Conflict, "submission.too_late")
}

// TestSendLater: what is to be sent later waits over a restart, and is undone after it.
func TestSendLater(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	h.run()
	b := h.at("user0@alpha.example")
	id, mine := h.draft(alpha[0], "Drafts", letter), h.mine(b)
	later := func(d time.Duration) (outbox.Submission, error) {
		return b.Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: id, Envelope: envelope("user0@alpha.example", hold(d), "user1@alpha.example")})
	}
	soon, err := later(2 * time.Second)
	h.must(err)
	much, err := later(24 * time.Hour)
	h.must(err)
	if _, err := later(mail.MaxHold + time.Hour); err == nil {
		t.Error("a message waits for longer than may be")
	} else {
		h.says(err, mail.Invalid, "message.hold")
	}
	h.close()
	h.open()
	h.run()
	b = h.at("user0@alpha.example")
	h.until("it comes", func() bool { return len(h.texts(alpha[1], "INBOX")) == 1 })
	if time.Now().Before(soon.SendAt) {
		t.Error("it came too early")
	}
	h.must(b.Cancel(h.ctx, much.ID))
}

// TestML8Recipients: 1,000 recipients go, 1,001 don't, and the error has the numbers.
func TestML8Recipients(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 1)
	b := h.at("user0@alpha.example")
	id, mine := h.draft(alpha[0], "Drafts", letter), h.mine(b)
	to := make([]string, mail.MaxRecipients+1)
	for i := range to {
		to[i] = fmt.Sprintf("r%d@remote.example", i)
	}
	_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: id, Envelope: envelope("user0@alpha.example", nil, to...)})
	h.says(err, mail.Full, "recipients.too_many_of")
	if _, args := mail.TextOf(err); !slices.Equal(args, []any{1001, 1000}) {
		t.Errorf("%v", args)
	}
	s, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: id, Envelope: envelope("user0@alpha.example", hold(time.Hour), append(to[1:], to[1])...)})
	h.must(err)
	item, err := h.queue.Of(alpha[0].Tenant).Explain(h.ctx, s.Items[0])
	h.must(err)
	if len(item.To) != 1000 {
		t.Errorf("%d recipients", len(item.To))
	}
}

// TestML9Size: 15 MB as sent, Bcc not counted.
func TestML9Size(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example")
	mine := h.mine(b)
	header := "From: user0@alpha.example\r\nTo: user1@alpha.example\r\n"
	line := strings.Repeat("x", 998) + "\r\n"
	for over, ok := range map[int]bool{0: true, 1: false} {
		body := strings.Repeat(line, (mail.MaxMessageSize-len(header)-2)/len(line))
		body += strings.Repeat("y", mail.MaxMessageSize+over-len(header)-2-len(body)-2) + "\r\n"
		id := h.draft(alpha[0], "Drafts", header+"Bcc: user1@alpha.example\r\n\r\n"+body)
		_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: id})
		if ok {
			h.must(err)
			continue
		}
		h.says(err, mail.Full, "message.too_big_of")
		if _, args := mail.TextOf(err); !slices.Equal(args, []any{15.1, 15.0}) {
			t.Errorf("%v", args)
		}
	}
}

// TestSV5FullBoxCannotSend: whose box is full can't send.
func TestSV5FullBoxCannotSend(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 3)
	h.company("beta.example", 2)
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Drafts", letter)
	big := "Subject: x\r\n\r\n" + strings.Repeat("x", 15<<20)
	for range 6 {
		h.draft(alpha[0], "Archive", big)
	}
	h.draft(alpha[0], "Archive", "Subject: y\r\n\r\n"+strings.Repeat("x", 10<<20-4096))
	_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: id})
	h.must(err) // there is still room
	usage, err := h.store.Tenant(alpha[0].Tenant).Usage(h.ctx, alpha[0].ID)
	h.must(err)
	const head = "Subject: z\r\n\r\n"
	h.draft(alpha[0], "Archive", head+strings.Repeat("x", int(int64(directory.Plan100MB)-usage.Used)-len(head)))
	_, err = b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: id})
	h.says(err, mail.Full, "sender.box_full")
}

// TestSenders: nobody sends as somebody else, by envelope or by header.
func TestSenders(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example")
	mine := h.mine(b)
	submit := func(e *outbox.Envelope, text string) error {
		_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: h.draft(alpha[0], "Drafts", text), Envelope: e})
		return err
	}
	h.says(submit(envelope("user1@alpha.example", nil, "user1@alpha.example"), letter), mail.Denied, "envelope.not_owned")
	h.says(submit(nil, strings.Replace(letter, "user0", "user1", 1)), mail.Denied, "sender.not_owned")
	h.says(submit(envelope("user0@alpha.example", nil, "user1@alpha.example"), strings.Replace(letter, "user0", "user1", 1)), mail.Denied, "sender.not_owned")
	h.says(submit(envelope("", nil, "user1@alpha.example"), letter), mail.Denied, "sender.not_owned")
	h.says(submit(nil, "From: user0@alpha.example\r\n\r\n"), mail.Invalid, "recipients.none")
	odd := "SIZE=1\r\nRCPT"
	h.says(submit(envelope("user0@alpha.example", map[string]*string{odd: nil}, "user1@alpha.example"), letter), mail.Invalid, "envelope.parameter")
	other, err := h.at("user1@alpha.example").Submissions(h.ctx, nil)
	if err != nil || len(other) != 0 {
		t.Errorf("%+v, %v", other, err)
	}
	_, err = h.at("user1@alpha.example").Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: 1})
	h.says(err, mail.NotFound, "identity.unknown")
	_, err = b.Submit(h.ctx, outbox.NewSubmission{Identity: mine, Email: h.draft(alpha[1], "Drafts", letter)})
	h.says(err, mail.NotFound, "message.unknown")
}

// TestRecipients: all that can't be are told at once, and nobody gets anything.
func TestRecipients(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Drafts", letter)
	submit := func(to ...string) error {
		_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: id, Envelope: envelope("user0@alpha.example", hold(time.Hour), to...)})
		return err
	}
	for _, c := range []struct {
		to, bad []string
		kind    mail.Kind
		key     string
	}{
		{[]string{"nobody@alpha.example", "user1@alpha.example", "none@alpha.example"}, []string{"nobody@alpha.example", "none@alpha.example"}, mail.NotFound, "recipient.unknown"},
		{[]string{"no address"}, []string{"no address"}, mail.Invalid, "address.malformed"},
		{[]string{"a..b@remote.example", ".a@remote.example"}, []string{`"a..b"@remote.example`, `".a"@remote.example`}, mail.Invalid, "recipient.dots"},
	} {
		err := submit(c.to...)
		h.says(err, c.kind, c.key)
		var bad *outbox.RecipientsError
		if !errors.As(err, &bad) || !slices.Equal(bad.Addresses, c.bad) {
			t.Errorf("%v: %+v", c.to, err)
		}
	}
	h.must(submit("a..b@docomo.ne.jp")) // §15
	if items, err := h.queue.Of(alpha[0].Tenant).List(h.ctx, 0, 0, 0); err != nil || len(items) != 1 {
		t.Errorf("%+v, %v", items, err)
	}
}

// TestML10OverLimit: over a limit of sending, colleagues get it and other hosts wait for an administrator; it can still be taken back before.
func TestML10OverLimit(t *testing.T) {
	h := newHouse(t)
	h.stop()
	h.must(h.store.Close())
	h.limits.Account = directory.Rate{Hour: 2, Day: 2}
	h.open()
	alpha := h.company("alpha.example", 2)
	h.run()
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Drafts", letter)
	_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: id, Envelope: envelope("user0@alpha.example", nil, "a@r.example", "b@r.example", "c@r.example", "user1@alpha.example")})
	h.must(err)
	h.until("the colleague has it", func() bool { return len(h.texts(alpha[1], "INBOX")) == 1 })
	held, err := h.queue.Of(alpha[0].Tenant).List(h.ctx, store.ItemHeld, 0, 0)
	h.must(err)
	if len(held) != 1 || held[0].Hold != "sending.over_limit" || len(held[0].To) != 3 || held[0].Route != queue.RouteRemote("r.example") {
		t.Errorf("%+v", held)
	}
}

// TestHoldFromHoldsWhatIsToBeUndone: when an account's sending is stopped, what it has not sent yet stays.
func TestHoldFromHoldsWhatIsToBeUndone(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example")
	_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: h.draft(alpha[0], "Drafts", letter), Envelope: envelope("user0@alpha.example", hold(time.Hour), "user1@alpha.example")})
	h.must(err)
	n, err := h.queue.Of(alpha[0].Tenant).HoldFrom(h.ctx, h.ops, alpha[0].ID)
	if err != nil || n != 1 {
		t.Errorf("%d held, %v", n, err)
	}
}

// TestOddOctets: mail that was brought in from elsewhere is made fit for SMTP.
func TestOddOctets(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	h.run()
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Drafts", "From: user0@alpha.example\nTo: user1@alpha.example\nBcc: x@y.example\nReturn-Path: <z@y.example>\n\n日\rb\n.\r.\nend")
	_, err := b.Submit(h.ctx, outbox.NewSubmission{Identity: h.mine(b), Email: id, Envelope: envelope("user0@alpha.example", nil, "user1@alpha.example", "out@remote.example")})
	h.must(err)
	h.until("it comes", func() bool { return len(h.texts(alpha[1], "INBOX")) == 1 })
	text := h.texts(alpha[1], "INBOX")[0]
	if !strings.HasSuffix(text, "From: user0@alpha.example\r\nTo: user1@alpha.example\r\n\r\n日\r\nb\r\n.\r\n.\r\nend\r\n") {
		t.Errorf("%q", text)
	}
	h.until("it leaves", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.left) == 1 })
	if o := h.left[0].Opts; o.Body != mail.Body8BitMIME || o.UTF8 {
		t.Errorf("%+v", o)
	}
}
