package mailbox_test

import (
	"slices"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
)

// TestSeatsGiveRights: who has a seat at a shared mailbox sees its folders, and may do what the seat says.
func TestSeatsGiveRights(t *testing.T) {
	h, own, other, _ := two(t) // own stands in for the shared mailbox
	ctx := t.Context()
	seat := func(right directory.SeatRight) {
		t.Helper()
		h.must(h.store.Tenant(own.Identity().Tenant()).Update(ctx, h.operator, "test", func(tx store.Tx) error {
			return mailbox.Share(tx, own.Identity().Account().ID, other.Identity().Account().ID, right)
		}))
	}
	h.equal("before", h.listed(other), "[]")
	seat(directory.SeatRead)
	for _, folder := range []string{"INBOX", "Sent", "Archive"} {
		if got := h.listed(other); !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, "~/"+folder+" ") }) {
			t.Errorf("%s is not listed in %s", folder, got)
		}
	}
	_, err := other.Create(ctx, shared+"Archive/2026", "")
	h.refused(err, mail.Denied, "mailbox.no_right")
	seat(directory.SeatWrite)
	_, err = other.Create(ctx, shared+"Archive/2026", "")
	h.must(err)
	rights, err := other.MyRights(ctx, shared+"Archive/2026")
	h.must(err)
	h.equal("inherited", rights.String(), "lrswikte")
	h.refused(other.SetACL(ctx, shared+"INBOX", owner, mailbox.Set, mailbox.AllRights), mail.Denied, "mailbox.no_right")
	seat("")
	h.equal("after", h.listed(other), "[]")
}
