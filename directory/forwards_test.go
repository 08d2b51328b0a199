package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// TestML5WhoForwards: administrators see every way out, whoever set it.
func TestML5WhoForwards(t *testing.T) {
	h, c, made := people(t)
	h.must(c.SetForwarding(h.ctx, h.ops, made["sato"].ID, directory.Forwarding{To: []mail.Address{addr("a@sub.alpha.example"), addr("b@elsewhere.example")}, Keep: true}))
	h.must(c.SetForwarding(h.ctx, h.ops, made["abe"].ID, directory.Forwarding{To: []mail.Address{addr("sato@alpha.example")}}))
	h.must(h.store.Tenant(c.ID()).Update(h.ctx, h.ops, "test", func(tx store.Tx) error {
		return directory.SetFilter(tx, made["sato"].ID, true, []mail.Address{addr("private@elsewhere.example")})
	}))
	see := func(q directory.ForwardQuery, want string) {
		t.Helper()
		var found []string
		q.Limit = 1
		for {
			page, err := c.Forwards(h.ctx, q)
			h.must(err)
			for _, f := range page.Forwards {
				if found = append(found, fmt.Sprint(f.Address.Local, " ", f.By, " ", len(f.To), len(f.Outside), f.Keep)); f.Since.IsZero() {
					t.Errorf("%s: since when?", f.Address)
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if got := strings.Join(found, ", "); got != want {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
	see(directory.ForwardQuery{}, "abe admin 1 0 false, sato admin 2 1 true, sato filter 1 1 false")
	see(directory.ForwardQuery{Outside: true}, "sato admin 2 1 true, sato filter 1 1 false")
	see(directory.ForwardQuery{By: directory.ForwardedByFilter}, "sato filter 1 1 false")
	see(directory.ForwardQuery{Text: "あべ"}, "abe admin 1 0 false")
	h.domain(c, "elsewhere.example", 10) // now it is not outside any more
	see(directory.ForwardQuery{Outside: true}, "")
	h.must(c.SetForwarding(h.ctx, h.ops, made["abe"].ID, directory.Forwarding{}))
	h.must(h.store.Tenant(c.ID()).Update(h.ctx, h.ops, "test", func(tx store.Tx) error {
		return directory.SetFilter(tx, made["sato"].ID, false, nil)
	}))
	see(directory.ForwardQuery{}, "sato admin 2 0 true")
	h.must(c.DeleteAccount(h.ctx, h.ops, made["sato"].ID))
	see(directory.ForwardQuery{}, "")
}

// TestCP1SharedMailboxIsNobodysAccount: no password, no roles, no sign-in; seats are those of accounts of the company.
func TestCP1SharedMailboxIsNobodysAccount(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	user := h.account(c, "sato@alpha.example")
	add := func(spec directory.AccountSpec) (directory.Account, error) {
		spec.Address, spec.Shared = addr("support@alpha.example"), true
		return c.AddAccount(h.ctx, h.ops, spec)
	}
	_, err := add(directory.AccountSpec{Password: password})
	h.says(err, mail.Conflict, "account.shared")
	_, err = add(directory.AccountSpec{Roles: []directory.Role{directory.RoleHelpDesk}})
	h.says(err, mail.Conflict, "account.shared")
	box, err := add(directory.AccountSpec{})
	h.must(err)
	_, err = c.ResetPassword(h.ctx, h.ops, box.ID, "")
	h.says(err, mail.Conflict, "account.shared")

	h.says(c.SetSeat(h.ctx, h.ops, user.ID, box.ID, directory.SeatRead), mail.Conflict, "account.not_shared")
	h.says(c.SetSeat(h.ctx, h.ops, box.ID, 99, directory.SeatRead), mail.NotFound, "account.unknown")
	h.says(c.SetSeat(h.ctx, h.ops, box.ID, user.ID, "sit"), mail.Invalid, "seat.right")
	h.says(c.SetSeat(h.ctx, h.ops, box.ID, user.ID, ""), mail.NotFound, "seat.unknown")
	sends := func(want bool) {
		t.Helper()
		as, err := h.SendsAs(h.ctx, user, box.Address)
		if (err == nil) != want || want && as.ID != box.ID {
			t.Errorf("sends as %s, %v; want it to: %v", as.Address, err, want)
		}
	}
	sends(false)
	h.must(c.SetSeat(h.ctx, h.ops, box.ID, user.ID, directory.SeatWrite))
	sends(false)
	h.must(c.SetSeat(h.ctx, h.ops, box.ID, user.ID, directory.SeatPost))
	sends(true)
	h.must(c.SetAccountState(h.ctx, h.ops, box.ID, directory.AccountSuspended))
	sends(false)
	h.must(c.SetAccountState(h.ctx, h.ops, box.ID, directory.AccountActive))
	h.destroy(c, user)
	if now, err := c.Account(h.ctx, box.ID); err != nil || len(now.Seats) != 0 {
		t.Errorf("seats %+v, %v", now.Seats, err)
	}
}
