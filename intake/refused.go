package intake

import (
	"context"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
)

// refusals are what Config.Refused is told, by the kind of error: what passes, such as a store in trouble, is not.
var refusals = map[mail.Kind]string{
	mail.Invalid: "5.6.0", mail.Denied: "5.7.1", mail.NotFound: "5.1.1", mail.Full: "5.3.0",
}

// refusalStatus is the enhanced status (RFC 3463) of a refusal where its kind says too little.
var refusalStatus = map[string]string{
	"box.full": "5.2.2", "sender.box_full": "5.2.2", "message.too_big": "5.3.4", "recipients.too_many": "4.5.3", "message.looping": "5.4.6",
}

// tellRefusal tells of a refusal, for the trace of a company.
func (in *Intake) tellRefusal(tenant mail.TenantID, doc *queue.Doc, to []mail.Recipient, err error) {
	status, known := refusals[mail.KindOf(err)]
	if in.cfg.Refused == nil || tenant.IsZero() || !known {
		return
	}
	reason, _ := mail.TextOf(err)
	if s, ok := refusalStatus[reason]; ok {
		status = s
	}
	in.cfg.Refused(tenant, doc, to, reason, status)
}

// envelope is what is known of a message before its octets came.
func (tx *Transaction) envelope() *queue.Doc {
	doc := &queue.Doc{Trace: tx.trace, From: tx.from, Opts: tx.opts, Origin: tx.origin}
	if s := tx.submission; s != nil {
		doc.Sender, doc.Sign = s.sender, s.address.Domain
	}
	if tx.staged != nil {
		doc.Size = tx.staged.Size()
	}
	return doc
}

// refusedRecipient tells of a recipient that was not taken: the company whose domain it is in, and the one that wanted to send.
func (tx *Transaction) refusedRecipient(ctx context.Context, r mail.Recipient, err error) {
	if tx.in.cfg.Refused == nil {
		return
	}
	owner, ours, lookup := tx.in.cfg.Directory.LocalDomain(ctx, r.Domain)
	if lookup == nil && ours {
		tx.in.tellRefusal(owner, tx.envelope(), []mail.Recipient{r}, err)
	}
	if s := tx.submission; s != nil && s.tenant != owner {
		tx.in.tellRefusal(s.tenant, tx.envelope(), []mail.Recipient{r}, err)
	}
}

// refusedMessage tells of a message that was not taken, each company with its recipients.
func (tx *Transaction) refusedMessage(err error) {
	if tx.in.cfg.Refused == nil {
		return
	}
	doc := tx.envelope()
	if tx.known != nil {
		doc.MessageID, doc.Subject, doc.HeaderFrom, doc.Facts = tx.known.MessageID, tx.known.Subject, tx.known.HeaderFrom, tx.known.Facts
	}
	for _, s := range tx.shares() {
		var to []mail.Recipient
		for i := range s.to {
			to = append(to, s.to[i].Recipient)
		}
		to = append(to, s.wait...)
		if sub := tx.submission; sub != nil && sub.tenant == s.tenant {
			for _, r := range sub.remote {
				to = append(to, r.to...)
			}
		}
		tx.in.tellRefusal(s.tenant, doc, to, err)
	}
}

// refusedSender tells of somebody who signed in and may not send.
func (in *Intake) refusedSender(o mail.Origin, who *directory.Identity, from mail.Address, err error) {
	if in.cfg.Refused == nil || who == nil {
		return
	}
	doc := &queue.Doc{Trace: o.Session, From: from, Origin: o, Sender: who.Account().ID, Sign: from.Domain}
	in.tellRefusal(who.Tenant(), doc, nil, err)
}
