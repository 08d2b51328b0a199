package deliver

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// Letter is mail that the platform writes itself.
type Letter struct {
	Tenant mail.TenantID    // whose store and queue it goes through
	From   mail.Address     // null for notices
	To     []mail.Recipient // at least one, at most mail.MaxRecipients
	Octets []byte           // the whole message, with CRLF
	Sign   string           // the domain that signs it when it leaves; "" = none
	// Service mail goes into a full box too, up to mailbox.ServiceRoom over its quota (SV-5).
	Service bool
}

// posting is a letter on its way into the store.
type posting struct {
	*House
	letter Letter
	at     time.Time
	boxes  []Addressee
	routes []string // of what waits
	wait   map[string][]queue.Recipient
	gone   []queue.Recipient // nobody has these addresses
}

// Post accepts a letter: it is in the boxes of those here and in the queue for all others when Post
// returns. with, which may be nil, writes in the same transaction, and may run more than once. The item is
// marked Auto: nobody gets a notice about it, and lists don't take it. What a box's owner forwards is
// forwarded. The id is that of the first item.
func (h *House) Post(ctx context.Context, l Letter, with func(store.Tx) error) (mail.ItemID, error) {
	const op = "deliver.Post"
	if len(l.To) == 0 || len(l.To) > mail.MaxRecipients {
		return 0, mail.E(op, mail.Invalid, "recipients.none")
	}
	p := &posting{House: h, letter: l, at: time.Now(), wait: make(map[string][]queue.Recipient)}
	for _, r := range l.To {
		if err := p.add(ctx, r); err != nil {
			return 0, mail.Wrap(op, err)
		}
	}
	p.finish()
	l = p.letter
	tenant := h.cfg.Store.Tenant(l.Tenant)
	staged, err := tenant.Blobs().Stage(ctx, int64(len(l.Octets)))
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	defer staged.Release()
	if _, err := staged.Write(l.Octets); err != nil {
		return 0, mail.Wrap(op, err)
	}
	parsed := mime.ParseChunks(staged.Chunks(), mime.Limits{})
	if err := staged.Seal(ctx); err != nil {
		return 0, mail.Wrap(op, err)
	}
	index := parsed.Encode(nil)
	var first mail.ItemID
	var done []queue.Recipient
	err = tenant.Update(ctx, queue.Worker(), op, func(tx store.Tx) error {
		blob, err := tx.Keep(staged, index)
		if err != nil {
			return err
		}
		if with != nil {
			if err := with(tx); err != nil {
				return err
			}
		}
		first, done, err = p.write(tx, blob, parsed.Root)
		return err
	})
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	h.Committed(ctx, p.boxes, done)
	if len(p.routes) > 0 {
		h.wake()
	}
	return first, nil
}

// add decides what becomes of a recipient.
func (p *posting) add(ctx context.Context, r mail.Recipient) error {
	target, err := p.resolve(ctx, r.Address)
	route := queue.RouteLocal
	switch {
	case mail.Is(err, mail.NotFound):
		gone := queue.Recipient{Recipient: r}
		fail(&gone, "recipient.unknown", "5.1.1")
		p.gone = append(p.gone, gone)
		return nil
	case mail.Is(err, mail.Denied):
		route = queue.RouteRemote(r.Domain)
	case err != nil:
		return err
	case target.Tenant == p.letter.Tenant && isOwn(&target):
		p.boxes = append(p.boxes, Addressee{r, target.Account})
		return nil
	}
	if _, have := p.wait[route]; !have {
		p.routes = append(p.routes, route)
	}
	p.wait[route] = append(p.wait[route], queue.Recipient{Recipient: r})
	return nil
}

// finish puts Return-Path first where all are in boxes here (RFC 5321 §4.4): octets that go on must not have it.
func (p *posting) finish() {
	if len(p.routes) == 0 {
		p.letter.Octets = append(field(nil, "Return-Path", "<", p.letter.From.String(), ">"), p.letter.Octets...)
	}
}

// options are those of a letter: what a host it goes to has to be able to take.
func (l *Letter) options(header int64) (o mail.Options) {
	if !isASCII(l.Octets) {
		o.Body = mail.Body8BitMIME
	}
	o.UTF8 = !isASCII(l.Octets[:header]) || !isASCII([]byte(l.From.Local))
	for i := range l.To {
		o.UTF8 = o.UTF8 || !isASCII([]byte(l.To[i].Local))
	}
	return o
}

func isASCII(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
}

// write puts the letter into boxes and writes its items.
func (p *posting) write(tx store.Tx, blob mail.BlobRef, root *mime.Part) (first mail.ItemID, done []queue.Recipient, err error) {
	l := &p.letter
	doc := queue.Doc{
		Trace: "platform-" + mail.ItemID(tx.NextID()).String(), From: l.From, Opts: l.options(root.BodyStart), Sign: l.Sign, Auto: true, MessageID: root.Envelope.MessageID,
		Origin: mail.Origin{Door: "platform", Received: p.at},
	}
	put := func(it queue.Item) error {
		it.Blob, it.Of, it.Due = blob, first, p.at
		err := queue.Put(tx, &it)
		if first.IsZero() {
			first = it.ID
		}
		return err
	}
	if len(p.boxes)+len(p.gone) > 0 {
		if done, err = p.Local(tx, Mail{mailbox.NewMail{Blob: blob, Received: p.at, Service: l.Service}, &doc}, p.boxes); err != nil {
			return 0, nil, err
		}
		to := append(done[:len(done):len(done)], p.gone...)
		if err := put(queue.Item{State: store.ItemSettled, Route: queue.RouteLocal, Doc: withRecipients(doc, to)}); err != nil {
			return 0, nil, err
		}
	}
	for _, route := range p.routes {
		it := queue.Item{State: store.ItemWaiting, Route: route, Doc: withRecipients(doc, p.wait[route])}
		if err := put(it); err != nil {
			return 0, nil, err
		}
	}
	return first, done, nil
}
