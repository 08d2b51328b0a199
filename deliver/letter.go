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
	// Unfiltered goes into the inbox past its owner's filter, as what he must not miss.
	Unfiltered bool
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

	staged store.Staged
	index  []byte
	header int64  // octets of it
	id     string // its Message-ID

	blob   mail.BlobRef // what writing gave
	first  mail.ItemID
	done   []queue.Recipient
	onward []queue.Item
}

// Post accepts a letter: it is in the boxes of those here and in the queue for all others when Post
// returns. with, which may be nil, writes in the same transaction, and may run more than once. The item is
// marked Auto: nobody gets a notice about it, and lists don't take it. What a box's owner forwards is
// forwarded. The id is that of the first item.
func (h *House) Post(ctx context.Context, l Letter, with func(store.Tx) error) (mail.ItemID, error) {
	const op = "deliver.Post"
	p, err := h.prepare(ctx, l)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	defer p.release()
	err = h.cfg.Store.Tenant(l.Tenant).Update(ctx, queue.Worker(), op, func(tx store.Tx) error {
		if with != nil {
			if err := with(tx); err != nil {
				return err
			}
		}
		return p.write(tx)
	})
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	p.committed(ctx)
	return p.first, nil
}

// prepare does for a letter what needs no transaction. Release it.
func (h *House) prepare(ctx context.Context, l Letter) (*posting, error) {
	if len(l.To) == 0 || len(l.To) > mail.MaxRecipients {
		return nil, mail.E("deliver.prepare", mail.Invalid, "recipients.none")
	}
	p := &posting{House: h, letter: l, at: time.Now(), wait: make(map[string][]queue.Recipient)}
	for _, r := range l.To {
		if err := p.add(ctx, r); err != nil {
			return nil, err
		}
	}
	p.finish()
	return p, p.stage(ctx)
}

// stage puts the octets to rest.
func (p *posting) stage(ctx context.Context) (err error) {
	octets := p.letter.Octets
	if p.staged, err = p.cfg.Store.Tenant(p.letter.Tenant).Blobs().Stage(ctx, int64(len(octets))); err != nil {
		return err
	}
	if _, err = p.staged.Write(octets); err == nil {
		parsed := mime.ParseChunks(p.staged.Chunks(), mime.Limits{})
		p.header, p.id = parsed.Root.BodyStart, parsed.Root.Envelope.MessageID
		p.index = parsed.Encode(nil)
		err = p.staged.Seal(ctx)
	}
	if err != nil {
		p.release()
	}
	return err
}

func (p *posting) release() { p.staged.Release() }

// committed is called after the commit of what write wrote.
func (p *posting) committed(ctx context.Context) {
	p.Committed(ctx, p.boxes, p.done)
	if len(p.routes)+len(p.onward) > 0 {
		p.wake()
	}
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
		p.boxes = append(p.boxes, Addressee{Recipient: r, Account: target.Account})
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

// write puts the letter into boxes and writes its items. It may run more than once.
func (p *posting) write(tx store.Tx) (err error) {
	l := &p.letter
	p.first, p.done, p.onward = 0, nil, nil
	if p.blob, err = tx.Keep(p.staged, p.index); err != nil {
		return err
	}
	doc := queue.Doc{
		Trace: "platform-" + mail.ItemID(tx.NextID()).String(), From: l.From, Opts: l.options(p.header), Sign: l.Sign, Auto: true, Service: l.Service,
		MessageID: p.id, Origin: mail.Origin{Door: "platform", Received: p.at},
	}
	if len(p.boxes)+len(p.gone) > 0 {
		m := Mail{NewMail: mailbox.NewMail{Blob: p.blob, Received: p.at, Service: l.Service}, Doc: &doc, Unfiltered: l.Unfiltered}
		if p.done, p.onward, err = p.Local(tx, m, p.boxes); err != nil {
			return err
		}
		to := append(p.done[:len(p.done):len(p.done)], p.gone...)
		if err := p.put(tx, queue.Item{State: store.ItemSettled, Route: queue.RouteLocal, Doc: withRecipients(doc, to)}); err != nil {
			return err
		}
	}
	for _, route := range p.routes {
		it := queue.Item{State: store.ItemWaiting, Route: route, Doc: withRecipients(doc, p.wait[route])}
		if err := p.put(tx, it); err != nil {
			return err
		}
	}
	return nil
}

// put writes one item of the letter.
func (p *posting) put(tx store.Tx, it queue.Item) error {
	it.Blob, it.Of, it.Due = p.blob, p.first, p.at
	err := queue.Put(tx, &it)
	if p.first.IsZero() {
		p.first = it.ID
	}
	return err
}
