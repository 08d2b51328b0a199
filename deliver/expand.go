package deliver

import (
	"context"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
)

// batch is how many members are served in one transaction.
const batch = 250

// A post on its way to the members of a list is one or two items on the list's route. The first begins with
// the list's address as its one recipient and is the poster's: what goes wrong with the post as a whole is told to
// him. Its first step turns it into the list's (Auto, from list-bounces@): recipients are the members, one by one, and
// outcomes are written batch by batch. Members outside get an item of their own, as their copy has another
// header; see header.

// expansionJob is an item on a list's route while it is carried.
type expansionJob struct {
	*House
	job  *queue.Job
	it   *queue.Item
	list directory.List
	all  *expansion
}

// expandList carries an item on the route of a list.
func (h *House) expandList(ctx context.Context, job *queue.Job) error {
	if len(job.Item.To) == 0 {
		return job.Settle(ctx, "deliver.ExpandList", nil)
	}
	id, _ := queue.ListOf(job.Item.Route)
	e := &expansionJob{House: h, job: job, it: &job.Item}
	var err error
	e.list, err = h.cfg.Directory.Company(job.Tenant).List(ctx, id)
	if err == nil {
		e.all, err = h.expand(ctx, &e.list)
	}
	switch {
	case mail.Is(err, mail.NotFound):
		return e.giveUp(ctx, "list.unknown", "5.1.1")
	case mail.Is(err, mail.Full) && !e.it.Auto:
		return e.giveUp(ctx, "list.too_many", "5.5.3")
	case err != nil && !mail.Is(err, mail.Full):
		return err
	}
	if !e.it.Auto {
		if err := e.begin(ctx); err != nil {
			return err
		}
	}
	return e.serve(ctx)
}

// giveUp ends the item for all who wait.
func (e *expansionJob) giveUp(ctx context.Context, reason, status string) error {
	for i := range e.it.To {
		if r := &e.it.To[i]; r.Outcome == queue.Waiting {
			fail(r, reason, status)
		}
	}
	return e.job.Settle(ctx, "deliver.ExpandList", nil)
}

// copies are the octets for members here and outside; nil for whom there is nobody.
type copies struct {
	local, outside           store.Staged
	localIndex, outsideIndex []byte
}

func (c *copies) release() {
	for _, s := range []store.Staged{c.local, c.outside} {
		if s != nil {
			s.Release()
		}
	}
}

// begin turns the poster's item into the list's.
func (e *expansionJob) begin(ctx context.Context) error {
	m, err := openMessage(ctx, e.job)
	if err != nil {
		return err
	}
	defer m.Close()
	c, err := e.write(ctx, m)
	if err != nil {
		return err
	}
	defer c.release()
	posted := e.it.To[0]
	posted.Outcome, posted.Notify, posted.At, posted.Into = queue.Expanded, mail.NotifyNever, time.Now(), queue.IntoList
	err = e.job.Progress(ctx, "deliver.ExpandList", func(tx store.Tx, it *queue.Item) (err error) {
		it.From, it.Auto, it.Spam = e.list.BouncesAddress(), true, false
		outside := follow(it, it.Route, e.all.outside...)
		outside.Auto = true
		it.To = append([]queue.Recipient{posted}, e.all.local...)
		if c.outside != nil {
			if outside.Blob, err = tx.Keep(c.outside, c.outsideIndex); err != nil {
				return err
			}
			if err := queue.Put(tx, &outside); err != nil {
				return err
			}
		}
		if c.local != nil {
			it.Blob, err = tx.Keep(c.local, c.localIndex)
		}
		return err
	})
	if err == nil && c.outside != nil {
		e.wake()
	}
	return err
}

// write makes the copies.
func (e *expansionJob) write(ctx context.Context, m *message) (c *copies, err error) {
	c = &copies{}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	h, err := e.header(ctx, m)
	if err != nil {
		return nil, err
	}
	if len(e.all.local) > 0 {
		if c.local, c.localIndex, err = m.copyInto(ctx, e.job.Store().Blobs(), h.forHere(), h.posted); err != nil {
			return c, err
		}
	}
	if len(e.all.outside) > 0 {
		c.outside, c.outsideIndex, err = m.copyInto(ctx, e.job.Store().Blobs(), e.forOutside(ctx, m, h), h.posted)
	}
	return c, err
}

// serve delivers to who waits, batch by batch; the last one settles the item.
func (e *expansionJob) serve(ctx context.Context) error {
	for {
		waiting := e.waiting()
		var err error
		if len(waiting) == 0 {
			return e.job.Settle(ctx, "deliver.ExpandList", nil)
		}
		portion := waiting[:min(len(waiting), batch)]
		if err = e.serveSome(ctx, portion, len(portion) == len(waiting)); err != nil {
			return err
		}
		if len(portion) == len(waiting) {
			return nil
		}
	}
}

// waiting gives the places of those who wait.
func (e *expansionJob) waiting() (places []int) {
	for i := range e.it.To {
		if e.it.To[i].Outcome == queue.Waiting {
			places = append(places, i)
		}
	}
	return places
}

// portion is what one transaction does.
type portion struct {
	boxes  []Addressee
	at     []int        // places of boxes in the item
	items  []queue.Item // for members outside
	sent   []int        // their places
	failed []int        // places of those who are unknown here
	off    []place      // who was switched off
	done   []queue.Recipient
	tagged *Tagged
}

// serveSome serves some members in one transaction.
func (e *expansionJob) serveSome(ctx context.Context, places []int, last bool) error {
	p := &portion{}
	tokens, err := e.cfg.Directory.Tokens(ctx)
	if err != nil {
		return err
	}
	signer, err := e.signer(ctx)
	if err != nil {
		return err
	}
	for _, i := range places {
		r := &e.it.To[i]
		target, err := e.resolve(ctx, r.Address)
		switch {
		case mail.Is(err, mail.NotFound):
			p.failed = append(p.failed, i)
		case err == nil && target.Tenant == e.job.Tenant && isOwn(&target):
			p.boxes, p.at = append(p.boxes, Addressee{Recipient: r.Recipient, Account: target.Account}), append(p.at, i)
		case err == nil, mail.Is(err, mail.Denied):
			p.items, p.sent = append(p.items, e.memberCopy(tokens, signer, r.Address, err != nil)), append(p.sent, i)
		default:
			return err
		}
	}
	if p.tagged, err = e.tagged(ctx, e.job, p.boxes); err != nil {
		return err
	}
	defer p.tagged.Release()
	write := e.job.Progress
	if last {
		write = e.job.Settle
	}
	err = write(ctx, "deliver.ExpandList", func(tx store.Tx, it *queue.Item) error { return e.commit(tx, it, p) })
	if err == nil {
		e.tell(ctx, p)
	}
	return err
}

// commit writes a portion.
func (e *expansionJob) commit(tx store.Tx, it *queue.Item, p *portion) (err error) {
	p.off = nil
	now := time.Now()
	m := Mail{NewMail: mailbox.NewMail{Blob: it.Blob, Received: now}, Doc: &it.Doc}
	if m.Tagged, err = p.tagged.Keep(tx); err != nil {
		return err
	}
	if p.done, _, err = e.Local(tx, m, p.boxes); err != nil {
		return err
	}
	for k, i := range p.at {
		it.To[i] = p.done[k]
		if p.done[k].Reason == "recipient.unknown" {
			p.failed = append(slices.Clip(p.failed), i)
		}
	}
	for _, i := range p.sent {
		handedOn(&it.To[i], queue.IntoRemote)
	}
	for _, i := range p.failed {
		fail(&it.To[i], "recipient.unknown", "5.1.1")
		if err := e.countFailure(tx, it.To[i].Address, p, now); err != nil {
			return err
		}
	}
	return putAll(tx, p.items)
}

// countFailure counts that a member's address is nobody's here.
func (e *expansionJob) countFailure(tx store.Tx, addr mail.Address, p *portion, now time.Time) error {
	at, ok := e.all.places[addr.Key()]
	if !ok {
		return nil // left meanwhile
	}
	off, err := directory.Bounced(tx, at.list.ID, addr, now)
	if off {
		p.off = append(p.off, at)
	}
	return err
}

// tell does what follows the commit of a portion.
func (e *expansionJob) tell(ctx context.Context, p *portion) {
	e.cfg.Metrics.Delivered(len(p.done))
	e.Committed(ctx, p.boxes, p.done)
	for _, at := range p.off {
		e.switchedOff(e.job.Tenant, at.list, at.member.Address)
	}
	if len(p.items) > 0 {
		e.wake()
	}
}

// signer is the domain that signs copies: the poster's where it is the tenant's, else the list's. A poster of another tenant of
// the house comes with a domain that this one has no keys of.
func (e *expansionJob) signer(ctx context.Context) (string, error) {
	owner, ours, err := e.cfg.Directory.LocalDomain(ctx, e.it.Sign)
	if err != nil || ours && owner == e.job.Tenant {
		return e.it.Sign, err
	}
	return e.list.Address.Domain, nil
}

// memberCopy is the item of a member outside: with a return path and a link to leave of its own.
func (e *expansionJob) memberCopy(t *directory.Tokens, signer string, addr mail.Address, remote bool) queue.Item {
	next := follow(e.it, queue.RouteLocal, queue.Recipient{Recipient: mail.Recipient{Address: addr}})
	next.Auto = false // its bounce comes back, and counts
	at, ok := e.all.places[addr.Key()]
	if ok {
		next.From = t.Bounce(at.list, &at.member)
	}
	if remote {
		next.Route = queue.RouteRemote(addr.Domain)
		next.Sign = signer
		if ok {
			next.Prefix = e.leaving(t, at)
		}
	}
	return next
}
