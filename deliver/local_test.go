package deliver_test

import (
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
)

// TestLocal delivers one message to an account by two addresses, to one whose box is too small and to
// one that has none; and says what became of each.
func TestLocal(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato", "small")
	sato, small := h.account("sato@alpha.example"), h.account("small@alpha.example")
	small.Quota = 5
	gone := directory.Account{ID: 3, Tenant: sato.Tenant, Quota: 1 << 20}
	to := []deliver.Addressee{
		{Recipient: recipient("sato"), Account: sato}, {Recipient: recipient("small"), Account: small},
		{Recipient: recipient("info"), Account: sato}, {Recipient: recipient("gone"), Account: gone},
		{Recipient: recipient("small2"), Account: small},
	}
	done := h.local(sato.Tenant, queue.Doc{}, to)
	for i, want := range []struct {
		outcome        queue.Outcome
		reason, status string
	}{
		{queue.Delivered, "", ""}, {queue.Failed, "box.full", "5.2.2"}, {queue.Delivered, "", ""},
		{queue.Failed, "recipient.unknown", "5.1.1"}, {queue.Failed, "box.full", "5.2.2"},
	} {
		got := done[i]
		if got.Outcome != want.outcome || got.Reason != want.reason || got.Status != want.status ||
			got.Local != to[i].Local || got.Account != to[i].Account.ID || got.At.IsZero() {
			t.Errorf("%s: %+v, want %+v", to[i].Local, got, want)
		}
	}
	if done[0].Email.IsZero() || done[0].Email != done[2].Email {
		t.Error("an account named twice has two messages")
	}
	h.want("messages", h.count("sato@alpha.example"), 1)
	h.want("messages", h.count("small@alpha.example"), 0)
}

// local delivers a letter in the commit that accepts it.
func (h *house) local(tenant mail.TenantID, doc queue.Doc, to []deliver.Addressee) (done []queue.Recipient) {
	h.Helper()
	staged, index := h.stage(tenant, letter(doc.From.String(), "x"))
	defer staged.Release()
	h.must(h.store.Tenant(tenant).Update(h.ctx, queue.Worker(), "test.Local", func(tx store.Tx) error {
		ref, err := tx.Keep(staged, index)
		if err != nil {
			return err
		}
		done, _, err = h.Local(tx, deliver.Mail{NewMail: mailbox.NewMail{Blob: ref, Received: time.Now()}, Doc: &doc}, to)
		return err
	}))
	h.Committed(h.ctx, to, done)
	return done
}

func recipient(local string) mail.Recipient {
	return mail.Recipient{Address: mail.Address{Local: local, Domain: "alpha.example"}}
}

// TestSV5Filled says when a box is nearly full, and when it was found full.
func TestSV5Filled(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	sato := h.account("sato@alpha.example")
	size := int64(len(letter("", "x")))
	for _, x := range []struct {
		quota int64
		want  string
	}{
		{size * 10, ""}, {size * 10, ""}, {size*3 + 20, "filled sato@alpha.example 94%"}, {size * 3, "filled sato@alpha.example 100%"},
	} {
		sato.Quota = x.quota
		h.local(sato.Tenant, queue.Doc{}, []deliver.Addressee{{Recipient: recipient("sato"), Account: sato}})
		h.want("said", h.heard(), x.want)
	}
}
