package intake

import (
	"context"
	"time"

	"tegami/deliver"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// Receipt says what became of an accepted message.
type Receipt struct {
	Item      mail.ItemID // the first of the queue's items
	Trace     string      // the id in our Received field
	Delivered int         // boxes it is in
}

// Commit takes the responsibility: after nil the message is on disk, in the boxes of
// all recipients here that have room, and in the queue for the rest. After an error the sender
// still has it. It ends the transaction.
//
// Denied "sender.not_owned" (header of a submission), Invalid "message.looping", Full
// "message.too_big"; Full "box.full" and NotFound "recipient.unknown" when that came true for all
// recipients since they were taken; Unavailable, Busy and Full of the store.
func (tx *Transaction) Commit(ctx context.Context) (Receipt, error) {
	const op = "intake.Commit"
	defer tx.Abort()
	if tx.overflow != nil {
		return Receipt{}, tx.overflow
	}
	if tx.staged == nil {
		return Receipt{}, mail.E(op, mail.Invalid, "recipients.none")
	}
	m, err := tx.finish()
	if err != nil {
		return Receipt{}, mail.Wrap(op, err)
	}
	receipt := Receipt{Trace: tx.trace}
	for i, s := range tx.shares() {
		item, delivered, err := tx.commit(ctx, m, s, i == 0)
		if err != nil {
			return Receipt{}, mail.Wrap(op, err)
		}
		if i == 0 {
			receipt.Item = item
		}
		receipt.Delivered += delivered
	}
	tx.report(receipt)
	return receipt, nil
}

func (tx *Transaction) report(r Receipt) {
	tx.in.cfg.Metrics.Accepted(tx.origin.Door)
	tx.in.cfg.Metrics.Delivered(r.Delivered)
	tx.in.cfg.Log.Info("accepted", "session", tx.origin.Session, "trace", r.Trace, "item", r.Item.String(),
		"from", tx.from.String(), "recipients", len(tx.seen), "delivered", r.Delivered, "size", tx.staged.Size())
}

// finished is a message with everything before its own header, judged and parsed.
type finished struct {
	index []byte // its structure
	doc   queue.Doc
	at    time.Time
}

// finish stamps, parses and judges the message. The parse comes after the stamp, as
// offsets count from the first octet that is kept.
func (tx *Transaction) finish() (*finished, error) {
	at := time.Now()
	header := lookOver(headerOf(tx.staged.Chunks()))
	tx.staged.Prepend(tx.stamp(header, at))
	parsed := mime.ParseChunks(tx.staged.Chunks(), tx.in.cfg.Limits.MIME)
	envelope := parsed.Root.Envelope
	f := gather(header, envelope)
	var owns func(mail.Address) bool
	if tx.submission != nil {
		owns = tx.submission.owns
	}
	if err := judge(f, owns, tx.in.cfg.Limits.MaxReceived); err != nil {
		return nil, err
	}
	doc := queue.Doc{Trace: tx.trace, From: tx.from, Opts: tx.opts, Origin: tx.origin, MessageID: envelope.MessageID}
	if len(f.authors) > 0 {
		doc.HeaderFrom = f.authors[0].String()
	}
	if tx.submission != nil {
		doc.Sender = tx.submission.sender
	}
	return &finished{parsed.Encode(nil), doc, at}, nil
}

// stamp writes what comes before the message's own header.
func (tx *Transaction) stamp(h headerFacts, at time.Time) []byte {
	s := stamp{host: tx.in.cfg.Hostname, trace: tx.trace, at: at, returnPath: true}
	if sub := tx.submission; sub != nil {
		s.returnPath = len(sub.remote) == 0
		s.authenticated = !sub.sender.IsZero()
	}
	if len(tx.seen) == 1 {
		s.to = tx.onlyRecipient().String()
	}
	b := s.append(make([]byte, 0, 512), tx.from, &tx.origin, tx.opts.UTF8)
	if tx.submission != nil {
		b = s.complete(b, h, tx.submission.address)
	}
	return b
}

// onlyRecipient is the recipient of a transaction that has one.
func (tx *Transaction) onlyRecipient() mail.Address {
	if len(tx.here) > 0 {
		return tx.here[0].to[0].Address
	}
	return tx.submission.remote[0].to[0].Address
}

// commit makes one tenant's share durable. The first share has the octets staged and the
// routes to other hosts; another tenant gets a copy of the octets.
func (tx *Transaction) commit(ctx context.Context, m *finished, s share, first bool) (item mail.ItemID, delivered int, err error) {
	staged := tx.staged
	tenant := tx.in.cfg.Store.Tenant(s.tenant)
	if !first {
		if staged, err = copyOf(ctx, tx.staged, tenant.Blobs()); err != nil {
			return 0, 0, err
		}
		defer staged.Release()
	}
	if err := staged.Seal(ctx); err != nil {
		return 0, 0, err
	}
	e := entry{tx: tx, m: m, to: s.to, staged: staged, alone: first && len(tx.here) == 1}
	if first && tx.submission != nil {
		e.remote = tx.submission.remote
	}
	err = tenant.Update(ctx, tx.actor(s.tenant), "intake.Commit", func(t store.Tx) error {
		item, delivered, err = e.write(t)
		return err
	})
	return item, delivered, err
}

// copyOf stages the same octets for another tenant.
func copyOf(ctx context.Context, from store.Staged, into store.Blobs) (store.Staged, error) {
	staged, err := into.Stage(ctx, from.Size())
	if err != nil {
		return nil, err
	}
	for _, chunk := range from.Chunks() {
		if _, err := staged.Write(chunk); err != nil {
			staged.Release()
			return nil, err
		}
	}
	return staged, nil
}

// entry is a message as one tenant's store takes it in.
type entry struct {
	tx     *Transaction
	m      *finished
	to     []deliver.Addressee
	remote []route
	staged store.Staged
	alone  bool // nobody elsewhere in the house gets it
}

// write does all of it in one transaction: octets, boxes, items. It may run more than once.
func (e *entry) write(t store.Tx) (first mail.ItemID, delivered int, err error) {
	blob, err := t.Keep(e.staged, e.m.index)
	if err != nil {
		return 0, 0, err
	}
	if len(e.to) > 0 {
		if first, delivered, err = e.writeLocal(t, blob); err != nil {
			return 0, 0, err
		}
	}
	for _, r := range e.remote {
		it := queue.Item{State: store.ItemWaiting, Due: e.m.at, Route: queue.RouteRemote(r.domain), Blob: blob, Doc: e.m.doc}
		it.Of = first
		it.To = make([]queue.Recipient, len(r.to))
		for i, to := range r.to {
			it.To[i].Recipient = to
		}
		if err := queue.Put(t, &it); err != nil {
			return 0, 0, err
		}
		first = it.Of
	}
	return first, delivered, nil
}

// writeLocal puts the message into boxes and writes the trace. When nobody at all can
// get it, the message is refused, so that the sender's side tells the sender.
func (e *entry) writeLocal(t store.Tx, blob mail.BlobRef) (mail.ItemID, int, error) {
	it := queue.Item{State: store.ItemSettled, Due: e.m.at, Route: queue.RouteLocal, Blob: blob, Doc: e.m.doc}
	var err error
	it.To, err = deliver.Local(t, e.tx.in.cfg.Mailbox, mailbox.NewMail{Blob: blob, Received: e.m.at}, e.to)
	if err != nil {
		return 0, 0, err
	}
	delivered := boxes(it.To)
	if delivered == 0 && e.alone && len(e.remote) == 0 {
		return 0, 0, refusal(it.To)
	}
	if wantsNotice(&it.Doc) {
		it.State, it.Route = store.ItemWaiting, queue.RouteNotice
	}
	if err := queue.Put(t, &it); err != nil {
		return 0, 0, err
	}
	return it.ID, delivered, nil
}

// boxes counts the different boxes a message was put into.
func boxes(to []queue.Recipient) int {
	in := make(map[mail.EmailID]bool, len(to))
	for _, r := range to {
		if r.Outcome == queue.Delivered {
			in[r.Email] = true
		}
	}
	return len(in)
}

// refusal is the error for a message nobody could get: that of the first recipient.
func refusal(to []queue.Recipient) error {
	kind := mail.NotFound
	if to[0].Reason == "box.full" {
		kind = mail.Full
	}
	return mail.E("intake.Commit", kind, to[0].Reason, to[0].Address.String())
}

// wantsNotice tells whether the sender must hear of an outcome (RFC 3461 §4.1). The
// null reverse-path hears nothing (RFC 5321 §4.5.5).
func wantsNotice(d *queue.Doc) bool {
	if d.From.IsNull() {
		return false
	}
	for _, r := range d.To {
		switch {
		case r.Outcome == queue.Failed && (r.Notify == 0 || r.Notify&mail.NotifyFailure != 0):
			return true
		case r.Outcome == queue.Delivered && r.Notify&mail.NotifySuccess != 0:
			return true
		}
	}
	return false
}
