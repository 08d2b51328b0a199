package intake

import (
	"context"
	"time"

	"tegami/deliver"
	"tegami/inspect"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/policy"
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
	receipt, err := tx.accept(ctx)
	if err != nil {
		tx.refusedMessage(err)
	}
	return receipt, mail.Wrap(op, err)
}

// accept is Commit until the transaction ends.
func (tx *Transaction) accept(ctx context.Context) (Receipt, error) {
	if tx.overflow != nil {
		return Receipt{}, tx.overflow
	}
	if tx.staged == nil {
		return Receipt{}, mail.E("intake.accept", mail.Invalid, "recipients.none")
	}
	m, err := tx.finish(ctx)
	if err != nil {
		return Receipt{}, err
	}
	if err := tx.limit(ctx, m); err != nil {
		return Receipt{}, err
	}
	if err := tx.grey(ctx, m); err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Trace: tx.trace}
	for i, s := range tx.shares() {
		item, delivered, err := tx.commit(ctx, m, s, i == 0)
		if err != nil {
			return Receipt{}, err
		}
		if i == 0 {
			receipt.Item = item
		}
		receipt.Delivered += delivered
	}
	tx.report(receipt)
	return receipt, nil
}

// limit holds a submission that is over a limit of sending, refuses one that is far over it (Full "sending.too_much"), and that of a
// hijacked account (ML-10). Only
// recipients at other hosts count: colleagues are no bulk mail, and what the platform writes is no submission.
func (tx *Transaction) limit(ctx context.Context, m *finished) error {
	if tx.submission == nil || len(tx.submission.remote) == 0 {
		return nil
	}
	if tx.hijacked(ctx) {
		return tx.stopSending(ctx)
	}
	over := tx.overrun(ctx)
	if over == nil {
		return nil
	}
	tx.tellOverrun(over)
	if over.Far {
		return mail.E("intake.limit", mail.Full, "sending.too_much", over.Limit)
	}
	m.hold = "sending.over_limit"
	return nil
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
	hold  string // why its recipients at other hosts wait for somebody; "" = they don't

	facts   *policy.Facts
	look    *inspect.Look // nil: nobody looked into it
	deleted bool          // for the virus in it
	scores  map[mail.TenantID]*policy.Spam
}

// finish gathers the facts, judges and stamps the message, and parses it as it will be kept.
func (tx *Transaction) finish(ctx context.Context) (*finished, error) {
	at := time.Now()
	chunks := tx.staged.Chunks()
	header := headerOf(chunks)
	seen := lookOver(header)
	facts := policy.Facts{Received: seen.received, Froms: seen.froms}
	var results []byte
	if tx.submission == nil && tx.in.cfg.Lookup != nil {
		results = tx.find(ctx, header, seen.author(), &facts)
	}
	disown(chunks, header, tx.in.cfg.Hostname) // after the signatures were verified, which may cover it
	for _, at := range seen.spamClaims {
		overwrite(chunks, at, foreignSpamField)
	}
	tx.staged.Prepend(tx.stamp(seen, results, at))
	parsed := mime.ParseChunks(tx.staged.Chunks(), tx.in.cfg.Limits.MIME)
	m := &finished{doc: tx.doc(parsed.Root.Envelope, seen.author()), at: at, facts: &facts}
	tx.known = &m.doc
	if err := tx.judge(ctx, m, parsed.Root.Envelope, &facts); err != nil {
		return nil, err
	}
	parsed, err := tx.inspect(ctx, m, parsed, &facts)
	if err != nil {
		return nil, err
	}
	m.index = parsed.Encode(nil)
	return m, nil
}

// find authenticates the message; it gives the header field that says what was found.
func (tx *Transaction) find(ctx context.Context, header []byte, from mail.Address, facts *policy.Facts) []byte {
	found, field := tx.authenticate(ctx, header, from)
	found.Into(facts)
	facts.Author = from.String()
	tx.found = found
	return field.Append(nil)
}

// doc is what the queue's items know of the message, but for the recipients.
func (tx *Transaction) doc(e *mime.Envelope, author mail.Address) queue.Doc {
	doc := queue.Doc{Trace: tx.trace, From: tx.from, Opts: tx.opts, Origin: tx.origin, MessageID: e.MessageID,
		Subject: subjectOf(e), Size: tx.staged.Size()}
	if list, _ := authors(e); len(list) > 0 {
		doc.HeaderFrom = list[0].String()
	}
	if !author.IsNull() { // whose authentication counts, whatever stands before it in the field
		doc.HeaderFrom = author.String()
	}
	if s := tx.submission; s != nil {
		doc.Sender, doc.Sign = s.sender, s.signer(author)
	}
	return doc
}

// maxRawSubject is how much of a subject's field is decoded for the trace.
const maxRawSubject = 2 << 10

// subjectOf is the subject as the trace keeps it.
func subjectOf(e *mime.Envelope) string {
	raw := mime.Envelope{Subject: e.Subject[:min(len(e.Subject), maxRawSubject)]}
	return raw.SubjectText()
}

// judge says whether the message may come in, by what is known of it.
func (tx *Transaction) judge(ctx context.Context, m *finished, e *mime.Envelope, facts *policy.Facts) error {
	if s := tx.submission; s != nil {
		list, nameless := authors(e)
		facts.NotOwned = notOwned(list, nameless, s.owns)
	}
	rules, err := tx.rules(ctx, facts)
	if err != nil {
		return err
	}
	verdict := policy.Judge(rules, facts)
	if tx.found != nil && tx.in.cfg.Authenticated != nil {
		tx.in.cfg.Authenticated(tx.origin, tx.from, tx.found, verdict.Refuse != nil)
	}
	if tx.found != nil {
		if m.doc.Facts, err = facts.Encode(); err != nil {
			return err
		}
	}
	m.doc.Spam = verdict.Suspicious
	return verdict.Refuse
}

// stamp writes what comes before the message's own header.
func (tx *Transaction) stamp(h headerFacts, results []byte, at time.Time) []byte {
	s := stamp{host: tx.in.cfg.Hostname, trace: tx.trace, at: at, returnPath: true, results: results}
	if sub := tx.submission; sub != nil {
		s.returnPath = len(sub.remote) == 0 && tx.whole == nil
		s.authenticated = !sub.sender.IsZero()
	}
	s.judged = tx.in.cfg.Inspect != nil && s.returnPath
	if len(tx.seen) == 1 {
		s.to = tx.onlyRecipient().String()
	}
	b := s.append(make([]byte, 0, 512+len(results)), tx.from, &tx.origin, tx.opts.UTF8)
	if tx.submission != nil {
		b = s.complete(b, h, tx.submission.address)
	}
	return b
}

// onlyRecipient is the recipient of a transaction that has one.
func (tx *Transaction) onlyRecipient() mail.Address {
	switch {
	case tx.whole != nil:
		return tx.whole.to[0].Address
	case len(tx.here) == 0:
		return tx.submission.remote[0].to[0].Address
	case len(tx.here[0].to) > 0:
		return tx.here[0].to[0].Address
	}
	return tx.here[0].wait[0].Address
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
	if m, err = tx.forShare(ctx, m, &s, staged); err != nil {
		return 0, 0, err
	}
	if err := staged.Seal(ctx); err != nil {
		return 0, 0, err
	}
	e := entry{tx: tx, m: m, share: s, staged: staged, alone: first && len(tx.here) == 1}
	defer func() { e.tagged.Release() }()
	if err := e.tag(ctx, tenant.Blobs()); err != nil {
		return 0, 0, err
	}
	if first && tx.submission != nil && tx.whole == nil {
		e.remote = tx.submission.remote
	}
	e.offer, _ = tx.in.cfg.Runner.Reserve(e.waiting())
	defer e.offer.Drop()
	err = tenant.Update(ctx, tx.actor(s.tenant), "intake.Commit", func(t store.Tx) error {
		item, delivered, err = e.write(t)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	e.handOver(ctx)
	e.saw()
	e.tellInfected()
	if tx.in.cfg.Accepted != nil {
		tx.in.cfg.Accepted(s.tenant)
	}
	return item, delivered, nil
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
	share
	tx     *Transaction
	m      *finished
	remote []route
	staged store.Staged
	alone  bool         // nobody elsewhere in the house gets it
	offer  *queue.Offer // room in the Runner's memory; nil = none
	tagged *deliver.Tagged

	first mail.ItemID       // of what write wrote
	done  []queue.Recipient // what became of those in to
	put   []queue.Item      // what waits
}

// waiting is how many items are going to wait for a carrier now.
func (e *entry) waiting() int {
	n := deliver.Onward(e.to)
	if !e.m.doc.Opts.HoldUntil.IsZero() {
		return n
	}
	if len(e.wait) > 0 {
		n++
	}
	if e.m.hold == "" {
		n += len(e.remote)
	}
	return n
}

// write does all of it in one transaction: octets, boxes, items. It may run more than once.
func (e *entry) write(t store.Tx) (first mail.ItemID, delivered int, err error) {
	e.first, e.done, e.put = 0, nil, nil
	blob, err := t.Keep(e.staged, e.m.index)
	if err != nil {
		return 0, 0, err
	}
	if e.m.deleted {
		err := e.writeDeleted(t, blob)
		return e.first, 0, err
	}
	if len(e.to) > 0 {
		if delivered, err = e.writeLocal(t, blob); err != nil {
			return 0, 0, err
		}
	}
	if len(e.wait) > 0 {
		if err := e.writeWaiting(t, blob, queue.RouteLocal, e.wait); err != nil {
			return 0, 0, err
		}
	}
	for _, r := range e.remote {
		if err := e.writeWaiting(t, blob, queue.RouteRemote(r.domain), r.to); err != nil {
			return 0, 0, err
		}
	}
	return e.first, delivered, nil
}

// writeWaiting puts an item into the queue for a carrier to take.
func (e *entry) writeWaiting(t store.Tx, blob mail.BlobRef, route string, to []mail.Recipient) error {
	it := queue.Item{State: store.ItemWaiting, Due: e.m.at, Route: route, Blob: blob, Doc: e.m.doc}
	it.Of = e.first
	it.To = make([]queue.Recipient, len(to))
	for i := range to {
		it.To[i].Recipient = to[i]
	}
	if e.tx.whole != nil {
		it.Submission, it.Hold = mail.ObjectID(t.NextID()), e.m.hold
	}
	switch _, remote := queue.RemoteDomain(route); {
	case remote && e.m.hold != "":
		it.State, it.Hold = store.ItemHeld, e.m.hold
	case !it.Opts.HoldUntil.IsZero():
		it.Due = it.Opts.HoldUntil // RFC 4865
	default:
		e.offer.Lease(&it)
	}
	if err := queue.Put(t, &it); err != nil {
		return err
	}
	if e.first.IsZero() {
		e.first = it.ID
	}
	e.put = append(e.put, it)
	return e.tx.whole.write(t, &it)
}

// writeLocal puts the message into boxes and writes the trace. When nobody at all can
// get it, the message is refused, so that the sender's side tells the sender.
func (e *entry) writeLocal(t store.Tx, blob mail.BlobRef) (delivered int, err error) {
	it := queue.Item{State: store.ItemSettled, Due: e.m.at, Route: queue.RouteLocal, Blob: blob, Doc: e.m.doc}
	m := deliver.Mail{NewMail: mailbox.NewMail{Blob: blob, Received: e.m.at}, Doc: &e.m.doc, Offer: e.offer}
	if m.Tagged, err = e.tagged.Keep(t); err != nil {
		return 0, err
	}
	it.To, e.put, err = e.tx.in.cfg.House.Local(t, m, e.to)
	if err != nil {
		return 0, err
	}
	delivered = boxes(it.To)
	if e.alone && len(e.remote) == 0 && len(e.wait) == 0 && nobody(it.To) {
		return 0, refusal(it.To)
	}
	if queue.Tells(&it) { // RFC 3461 §4.1
		it.State, it.Route = store.ItemWaiting, queue.RouteNotice
	}
	if err := queue.Put(t, &it); err != nil {
		return 0, err
	}
	e.first, e.done = it.ID, it.To
	return delivered, nil
}

// nobody tells whether the message got nowhere.
func nobody(to []queue.Recipient) bool {
	for _, r := range to {
		if r.Outcome != queue.Failed {
			return false
		}
	}
	return true
}

// handOver gives what waits to the Runner, after the commit.
func (e *entry) handOver(ctx context.Context) {
	if e.m.deleted {
		return // nobody got anything
	}
	for _, it := range e.put {
		e.offer.Hand(e.tenant, it)
	}
	if e.offer == nil && len(e.put) > 0 {
		e.tx.in.cfg.Runner.Wake()
	}
	e.tx.in.cfg.House.Committed(ctx, e.to, e.done)
}

// boxes counts the different boxes a message was put into.
func boxes(to []queue.Recipient) int {
	in := make(map[mail.EmailID]bool, len(to))
	for _, r := range to {
		if r.Outcome == queue.Delivered && !r.Email.IsZero() {
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
