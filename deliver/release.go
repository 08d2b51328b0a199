package deliver

import (
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/store"
	"tegami/trace"
)

// Release puts a message from quarantine into its account's inbox, inside the transaction that takes it out of there: past the company's filter and
// the account's own, as somebody wants to read it (SF-4). An item says so to the trace. Full "box.full".
func (h *House) Release(tx store.Tx, to directory.Account, e *quarantine.Entry) error {
	const op mail.Op = "deliver.Release"
	now := time.Now()
	m, err := h.cfg.Mailbox.Deliver(tx, to, mailbox.NewMail{Blob: e.Blob, Received: e.Received})
	if err != nil {
		return mail.Wrap(op, err)
	}
	it := queue.Item{State: store.ItemSettled, Due: now, Route: queue.RouteLocal, Blob: e.Blob, Doc: queue.Doc{
		Of: e.Item, Trace: "quarantine-" + e.ID.String(), From: e.From, HeaderFrom: e.HeaderFrom.String(), MessageID: e.MessageID, Subject: e.Subject, Size: e.Blob.Size,
		Origin: mail.Origin{Door: trace.DoorQuarantine, Received: now}, Facts: e.Facts,
		To: []queue.Recipient{{
			Recipient: mail.Recipient{Address: e.Recipient, Notify: mail.NotifyNever}, Outcome: queue.Delivered, At: now, Account: to.ID, Email: m.ID, Into: queue.IntoInbox,
		}},
	}}
	return mail.Wrap(op, queue.Put(tx, &it))
}

// Redirect queues a copy of a message from quarantine for another address, inside the transaction that notes who wanted it. What comes back of it
// concerns nobody.
func (h *House) Redirect(tx store.Tx, of directory.Account, e *quarantine.Entry, to mail.Address) error {
	now := time.Now()
	doc := queue.Doc{
		Trace: "quarantine-" + mail.ItemID(tx.NextID()).String(), MessageID: e.MessageID, Subject: e.Subject, Size: e.Blob.Size, Auto: true,
		HeaderFrom: e.HeaderFrom.String(), Origin: mail.Origin{Door: "platform", Received: now},
		To: []queue.Recipient{{Recipient: mail.Recipient{Address: to, Notify: mail.NotifyNever}}},
	}
	it := queue.Item{State: store.ItemWaiting, Due: now, Route: queue.RouteLocal, Blob: e.Blob, Doc: doc}
	return mail.Wrap("deliver.Redirect", queue.Put(tx, &it))
}
