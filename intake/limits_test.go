package intake_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// strangers gives n recipients at other hosts.
func strangers(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("r%d@other.example", i))
	}
	return list
}

// TestML10SendingLimits holds what is over a limit, and tells; colleagues don't count, and another
// account goes on.
func TestML10SendingLimits(t *testing.T) {
	var told []intake.Overrun
	h := newHouse(t, func(c *intake.Config) {
		c.OverLimit = func(_ mail.TenantID, _ mail.AccountID, o intake.Overrun) { told = append(told, o) }
	})
	alpha := h.company("alpha.example", 10)
	h.must(h.dir.Company(alpha[0].Tenant).SetSettings(h.ctx, h.ops, directory.Settings{AccountRate: directory.Rate{Hour: 10}, DomainRate: directory.Rate{Day: 25}}))
	send := func(user, n int) queue.Item {
		t.Helper()
		address := fmt.Sprintf("user%d@alpha.example", user)
		r := h.accepted(letter{secure, h.signIn(address), address, append(strangers(n), "user5@alpha.example"), "Subject: x\r\n\r\nx\r\n"})
		for _, it := range h.items(alpha[0].Tenant) {
			if it.Of == r.Item && it.Route != queue.RouteLocal {
				return it
			}
		}
		return queue.Item{}
	}
	for i, c := range []struct {
		user, n int
		held    bool
	}{{0, 4, false}, {0, 6, false}, {0, 1, true}, {0, 1, true}, {1, 10, false}, {2, 9, true}} { // 21 + 9 are more than the domain's 25 a day
		it := send(c.user, c.n)
		if held := it.State == store.ItemHeld; held != c.held || held && it.Hold != "sending.over_limit" {
			t.Errorf("step %d: %d %q", i, it.State, it.Hold)
		}
	}
	if want := []intake.Overrun{{Whose: "account", Window: time.Hour, Limit: 10}, {Whose: "account", Window: time.Hour, Limit: 10}, {Whose: "domain", Window: 24 * time.Hour, Limit: 25}}; fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", told, want)
	}
	_, err := h.send(letter{secure, h.signIn("user0@alpha.example"), "user0@alpha.example", strangers(30), "Subject: x\r\n\r\nx\r\n"})
	h.says(err, mail.Full, "sending.too_much") // 42 are more than three times 10
	told = told[:3]
	if got := h.inbox(alpha[5]); len(got) != 6 {
		t.Errorf("the colleague got %d of 6", len(got))
	}
}

// TestML10Hijacked stops an account that writes to many from networks it was never seen in, and nobody else.
func TestML10Hijacked(t *testing.T) {
	var told []directory.Account
	h := newHouse(t, func(c *intake.Config) {
		c.Hijacked = func(_ mail.TenantID, a directory.Account) { told = append(told, a) }
		c.Limits.Sending.HijackRecipients = 50
	})
	h.company("alpha.example", 10)
	thief := h.signIn("user0@alpha.example")
	send := func(network, n int) error {
		o := secure
		o.Remote = netip.AddrFrom4([4]byte{198, 51, byte(network), 9})
		_, err := h.send(letter{o, thief, "user0@alpha.example", strangers(n), "Subject: x\r\n\r\nx\r\n"})
		return err
	}
	for network := range 5 {
		h.must(send(network, 10))
	}
	if len(told) > 0 {
		t.Fatal("stopped at 50 recipients")
	}
	h.says(send(0, 1), mail.Denied, "account.sending_stopped")
	_, err := h.Begin(h.ctx, secure, thief, addr("user0@alpha.example"), mail.Options{})
	h.says(err, mail.Denied, "account.sending_stopped")
	if len(told) != 1 || told[0].Address != addr("user0@alpha.example") {
		t.Errorf("told of %v", told)
	}
	busy := h.signIn("user1@alpha.example") // as many recipients from two networks
	for i := range 12 {
		o := secure
		o.Remote = netip.AddrFrom4([4]byte{198, 51, byte(i % 2), 9})
		h.accepted(letter{o, busy, "user1@alpha.example", strangers(10), "Subject: x\r\n\r\nx\r\n"})
	}
}

// TestHoldAndStop keeps a message until its time, and refuses one whose time is too far.
func TestHoldAndStop(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	who := h.signIn("user0@alpha.example")
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	tx, err := h.Begin(h.ctx, secure, who, user.Address, mail.Options{HoldUntil: until})
	h.must(err)
	h.must(tx.Recipient(h.ctx, to("user1@alpha.example")))
	h.must(tx.Recipient(h.ctx, to("a@other.example")))
	r, err := h.commit(tx, own)
	h.must(err)
	items := h.items(user.Tenant)
	if len(items) != 2 || r.Delivered != 0 {
		t.Fatalf("%d items, %d delivered", len(items), r.Delivered)
	}
	for _, it := range items {
		if it.State != store.ItemWaiting || !it.Due.Equal(until) {
			t.Errorf("the item on %s is due at %v, want %v", it.Route, it.Due, until)
		}
	}
	_, err = h.Begin(h.ctx, secure, who, user.Address, mail.Options{HoldUntil: time.Now().Add(mail.MaxHold + time.Hour)})
	h.says(err, mail.Invalid, "message.hold")

	c := h.dir.Company(user.Tenant)
	h.must(c.StopSending(h.ctx, h.ops, user.ID, "sending.hijacked"))
	_, err = h.Begin(h.ctx, secure, who, user.Address, mail.Options{})
	h.says(err, mail.Denied, "account.sending_stopped")
	h.must(c.ResumeSending(h.ctx, h.ops, user.ID))
	h.accepted(letter{secure, who, "user0@alpha.example", []string{"user1@alpha.example"}, own})
}
