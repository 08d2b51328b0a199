package outbox

import (
	"context"
	"time"

	"tegami/intake"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// NewSubmission asks for a message of the account to be sent.
type NewSubmission struct {
	Identity mail.ObjectID
	Email    mail.EmailID
	Envelope *Envelope // nil: as the message's header says
}

// RecipientsError says which recipients of a submission can't be. Its cause says why for the first.
type RecipientsError struct {
	Addresses []string
	Err       error
}

func (e *RecipientsError) Error() string { return e.Err.Error() }

// Unwrap gives the first one's error.
func (e *RecipientsError) Unwrap() error { return e.Err }

// Submit gives a message of the account to be sent, now or at the time that the envelope's parameters say (RFC 4865). What is sent are the message's octets
// without Bcc. After nil it is on disk, for all recipients or for none.
//
// NotFound "identity.unknown", "message.unknown"; Invalid "recipients.none", "envelope.parameter", those of smtp.ParseMail and ParseRcpt, "message.hold"; Full "recipients.too_many_of" (ML-8),
// "message.too_big_of" (ML-9), "sender.box_full" (SV-5), "sending.too_much" (ML-10), "submission.too_many"; Denied "sender.not_owned",
// "account.sending_stopped"; a *RecipientsError.
func (b *Box) Submit(ctx context.Context, n NewSubmission) (Submission, error) {
	const op = "outbox.Submit"
	d, err := b.draft(ctx, &n)
	if err != nil {
		return Submission{}, mail.Wrap(op, err)
	}
	defer d.close()
	if err := b.send(ctx, d); err != nil {
		return Submission{}, mail.Wrap(op, err)
	}
	if b.cfg.NoteSent != nil {
		b.cfg.NoteSent(ctx, b.who, d.people)
	}
	return d.made, nil
}

// draft gathers what a submission is made of.
func (b *Box) draft(ctx context.Context, n *NewSubmission) (*draft, error) {
	const op = "outbox.draft"
	var m store.Message
	err := b.tenant.View(ctx, func(r store.Reader) (err error) {
		if _, _, err = b.identity(r, n.Identity); err != nil {
			return err
		}
		m, err = b.message(r, n.Email)
		return err
	})
	if err != nil {
		return nil, err
	}
	parsed, err := mime.Decode(m.Index)
	if err != nil {
		return nil, err
	}
	d := &draft{email: m, body: parsed.Root.BodyStart}
	if err := d.address(n.Envelope, parsed.Root.Envelope); err != nil {
		return nil, err
	}
	switch {
	case len(d.to) == 0:
		return nil, mail.E(op, mail.Invalid, "recipients.none")
	case len(d.to) > b.cfg.MaxRecipients:
		return nil, mail.E(op, mail.Full, "recipients.too_many_of", len(d.to), b.cfg.MaxRecipients)
	}
	if err := b.dotted(d.to); err != nil {
		return nil, err
	}
	if d.blob, err = b.tenant.Blobs().Open(ctx, m.Blob); err != nil {
		return nil, err
	}
	if err := d.look(); err != nil {
		d.close()
		return nil, err
	}
	if d.opts.Size > b.cfg.MaxMessage {
		d.close()
		return nil, mail.E(op, mail.Full, "message.too_big_of", megabytes(d.opts.Size), megabytes(b.cfg.MaxMessage))
	}
	d.made = Submission{Identity: n.Identity, Email: m.ID, Thread: m.Thread, Envelope: d.envelope, SendAt: now(), Undo: Final}
	if !d.opts.HoldUntil.IsZero() {
		d.made.SendAt, d.made.Undo = d.opts.HoldUntil.UTC().Truncate(time.Millisecond), Pending
	}
	return d, nil
}

// message gives a message of the account. NotFound "message.unknown".
func (b *Box) message(r store.Reader, id mail.EmailID) (store.Message, error) {
	m, err := r.Email(id)
	if mail.Is(err, mail.NotFound) || err == nil && m.Account != b.id {
		return m, mail.E("outbox.message", mail.NotFound, "message.unknown")
	}
	return m, err
}

// send has the intake take a draft.
func (b *Box) send(ctx context.Context, d *draft) error {
	tx, err := b.cfg.Intake.Begin(ctx, b.origin(), b.who, d.from, d.opts)
	if key, args := mail.TextOf(err); key == "sender.not_owned" && d.given {
		return mail.E("outbox.send", mail.Denied, "envelope.not_owned", args...)
	}
	if err != nil {
		return err
	}
	defer tx.Abort()
	tx.Whole(func(t store.Tx, it *queue.Item) error { return b.note(t, it, d) })
	if err := takeAll(ctx, tx, d.to); err != nil {
		return err
	}
	sink, err := tx.Data(ctx)
	if err != nil {
		return err
	}
	if err := d.copyTo(sink); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}

// note writes a submission behind its item, in the accepting commit.
func (b *Box) note(t store.Tx, it *queue.Item, d *draft) error {
	if err := b.makeRoom(t); err != nil {
		return err
	}
	s := d.made
	s.Items = []mail.ItemID{it.ID}
	if _, err := put(t, store.Entry{Kind: kindSubmission, Account: b.id, ID: it.Submission}, &s); err != nil {
		return err
	}
	s.ID = it.Submission
	d.made = s
	return nil
}

// takeAll gives a transaction its recipients, and gathers those that can't be.
func takeAll(ctx context.Context, tx *intake.Transaction, to []mail.Recipient) error {
	var bad *RecipientsError
	for _, r := range to {
		err := tx.Recipient(ctx, r)
		switch mail.KindOf(err) {
		case mail.NotFound, mail.Denied, mail.Full, mail.Invalid:
			if bad == nil {
				bad = &RecipientsError{Err: err}
			}
			bad.Addresses = append(bad.Addresses, r.Address.String())
			continue
		}
		if err != nil {
			return err
		}
	}
	if bad != nil {
		return bad
	}
	return nil
}

// origin is where what the account sends comes from.
func (b *Box) origin() mail.Origin {
	o := b.who.Actor().Origin()
	o.Door, o.Helo, o.Received = "jmap", "webmail", time.Now()
	return o
}

// megabytes are those of a size, rounded up to a tenth, as people read them.
func megabytes(n int64) float64 { return float64((n*10+1<<20-1)>>20) / 10 }
