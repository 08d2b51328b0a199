package deliver_test

import (
	"context"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/mime"
)

// TestLocal delivers one message to an account by two addresses, to one whose box is too small and to
// one that has none; and says what became of each.
func TestLocal(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const id mail.TenantID = 7
	ctx := context.Background()
	if err := st.CreateTenant(ctx, id); err != nil {
		t.Fatal(err)
	}
	tenant := st.Tenant(id)
	staged, err := tenant.Blobs().Stage(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer staged.Release()
	if _, err := staged.Write([]byte("Subject: x\r\n\r\ny\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := staged.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	index := mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
	to := []deliver.Addressee{
		{Recipient: recipient("sato"), Account: directory.Account{ID: 1, Tenant: id, Quota: 1 << 20}},
		{Recipient: recipient("small"), Account: directory.Account{ID: 2, Tenant: id, Quota: 5}},
		{Recipient: recipient("info"), Account: directory.Account{ID: 1, Tenant: id, Quota: 1 << 20}},
		{Recipient: recipient("gone"), Account: directory.Account{ID: 3, Tenant: id, Quota: 1 << 20}},
		{Recipient: recipient("small2"), Account: directory.Account{ID: 2, Tenant: id, Quota: 5}},
	}
	boxes := mailbox.New(st, nil, mailbox.Config{})
	var done []queue.Recipient
	err = tenant.Update(ctx, queue.Worker(), "test.Local", func(tx store.Tx) error {
		for _, account := range []mail.AccountID{1, 2} {
			if err := mailbox.Provision(tx, account, "en"); err != nil {
				return err
			}
		}
		ref, err := tx.Keep(staged, index)
		if err != nil {
			return err
		}
		done, err = deliver.Local(tx, boxes, mailbox.NewMail{Blob: ref, Received: time.Now()}, to)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		outcome queue.Outcome
		reason  string
	}{
		{queue.Delivered, ""}, {queue.Failed, "box.full"}, {queue.Delivered, ""}, {queue.Failed, "recipient.unknown"}, {queue.Failed, "box.full"},
	} {
		got := done[i]
		if got.Outcome != want.outcome || got.Reason != want.reason || got.Local != to[i].Local || got.Account != to[i].Account.ID || got.At.IsZero() {
			t.Errorf("%s: %+v, want %+v", to[i].Local, got, want)
		}
	}
	if done[0].Email.IsZero() || done[0].Email != done[2].Email {
		t.Error("an account named twice has two messages")
	}
	for account, want := range map[mail.AccountID]int64{1: 1, 2: 0, 3: 0} {
		if box, err := tenant.Usage(ctx, account); err != nil || box.Messages != want {
			t.Errorf("account %d holds %d messages, %v; want %d", account, box.Messages, err, want)
		}
	}
}

func recipient(local string) mail.Recipient {
	return mail.Recipient{Address: mail.Address{Local: local, Domain: "alpha.example"}}
}
