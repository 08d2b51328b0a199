package deliver

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
)

// arrival is a waiting item on queue.RouteLocal while it is carried: each recipient is resolved again, and
// what follows is gathered to be written in one transaction.
type arrival struct {
	*House
	job     *queue.Job
	it      *queue.Item
	message *message // open when somebody needed it; nil before

	boxes  []Addressee // get it in their boxes here
	place  []int       // their places in it.To
	items  []queue.Item
	remote map[string]int          // the place in items of what goes to another host's domain
	other  map[mail.TenantID][]int // places of recipients in other tenants of the house
	writes []func(store.Tx) error
	after  []func()         // once all is written
	held   []int            // places in items of posts that wait for an owner
	lists  []directory.List // theirs
}

// arrive carries an item on queue.RouteLocal.
func (h *House) arrive(ctx context.Context, job *queue.Job) error {
	a := &arrival{House: h, job: job, it: &job.Item, other: make(map[mail.TenantID][]int)}
	defer a.close()
	for i := range a.it.To {
		r := &a.it.To[i]
		if r.Outcome != queue.Waiting {
			continue
		}
		if err := a.lead(ctx, i, r.Address); err != nil {
			return err
		}
	}
	for tenant, places := range a.other {
		if err := a.handOver(ctx, tenant, places); err != nil {
			return err
		}
	}
	return a.settle(ctx)
}

func (a *arrival) close() {
	if a.message != nil {
		a.message.Close()
	}
}

// open gives the octets; they are opened once.
func (a *arrival) open(ctx context.Context) (m *message, err error) {
	if a.message == nil {
		a.message, err = openMessage(ctx, a.job)
	}
	return a.message, err
}

// lead decides what follows for the recipient at a place of the item.
func (a *arrival) lead(ctx context.Context, i int, addr mail.Address) error {
	r := &a.it.To[i]
	target, err := a.resolve(ctx, addr)
	switch {
	case mail.Is(err, mail.Denied):
		a.toHost(r)
	case mail.Is(err, mail.NotFound):
		fail(r, "recipient.unknown", "5.1.1")
	case err != nil:
		return err
	case target.Tenant != a.job.Tenant:
		a.other[target.Tenant] = append(a.other[target.Tenant], i)
	case isOwn(&target):
		a.boxes = append(a.boxes, Addressee{Recipient: r.Recipient, Account: target.Account})
		a.place = append(a.place, i)
	case target.Kind == directory.TargetList:
		return a.post(ctx, r, target.List)
	case target.Kind == directory.TargetReturn:
		a.sendBack(ctx, r, target.Original)
	case target.Kind == directory.TargetListBounce:
		return a.bounced(ctx, r, target.List, target.Member)
	case target.Kind == directory.TargetListOwner:
		return a.toOwners(ctx, r, target.List)
	case target.Kind == directory.TargetListUnsubscribe:
		a.unsubscribe(r, target.List, target.Member)
	case target.Kind == directory.TargetReport:
		return a.report(ctx, r)
	default:
		fail(r, "recipient.unknown", "5.1.1")
	}
	return nil
}

// toHost sends a recipient on to another host: one item for each domain. What was kept for being over a limit of sending (ML-10) is held here, as colleagues
// get it all the same.
func (a *arrival) toHost(r *queue.Recipient) {
	next := waitingFor(r)
	i, have := a.remote[r.Domain]
	if !have {
		it := follow(a.it, queue.RouteRemote(r.Domain))
		it.Submission = a.it.Submission
		if a.it.Hold != "" && !a.it.Submission.IsZero() {
			it.State, it.Hold = store.ItemHeld, a.it.Hold
		}
		if a.remote == nil {
			a.remote = make(map[string]int)
		}
		i = len(a.items)
		a.remote[r.Domain] = i
		a.items = append(a.items, it)
	}
	a.items[i].To = append(a.items[i].To, next)
	handedOn(r, queue.IntoRemote)
}

// arrived marks a recipient for whom all is done.
func arrived(r *queue.Recipient, into queue.Into) {
	r.Outcome, r.Reason, r.Status, r.At, r.Into = queue.Delivered, "", "", time.Now(), into
}

// settle writes all that follows, with the item, in one transaction.
func (a *arrival) settle(ctx context.Context) error {
	var done []queue.Recipient
	received := a.it.Origin.Received
	if received.IsZero() {
		received = time.Now()
	}
	if a.it.Opts.HoldUntil.After(received) { // it comes now
		received = a.it.Opts.HoldUntil
	}
	tagged, err := a.tagged(ctx, a.job, a.boxes)
	if err != nil {
		return err
	}
	defer tagged.Release()
	err = a.job.Settle(ctx, "deliver.Arrive", func(tx store.Tx, it *queue.Item) (err error) {
		m := Mail{NewMail: mailbox.NewMail{Blob: it.Blob, Received: received, Service: it.Service}, Doc: &it.Doc}
		if m.Tagged, err = tagged.Keep(tx); err != nil {
			return err
		}
		var onward []queue.Item
		if done, onward, err = a.Local(tx, m, a.boxes); err != nil {
			return err
		}
		for k, i := range a.place {
			it.To[i] = done[k]
		}
		for _, write := range a.writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		if err := putAll(tx, a.items); err != nil || it.Submission.IsZero() || a.cfg.Released == nil {
			return err
		}
		return a.cfg.Released(tx, it, slices.Concat(onward, a.items))
	})
	if err != nil {
		return err
	}
	a.cfg.Metrics.Delivered(len(done))
	a.Committed(ctx, a.boxes, done)
	if len(a.items) > 0 {
		a.wake()
	}
	for n, k := range a.held {
		a.tellModerators(a.job.Tenant, a.lists[n], a.items[k])
	}
	for _, fn := range a.after {
		fn()
	}
	return nil
}

// handOver gives recipients in another tenant of the house to that tenant's queue: an item with the
// same id, so that doing it again after a crash finds it there.
func (a *arrival) handOver(ctx context.Context, tenant mail.TenantID, places []int) error {
	const op = "deliver.HandOver"
	m, err := a.open(ctx)
	if err != nil {
		return err
	}
	into := a.cfg.Store.Tenant(tenant)
	staged, index, err := m.copyInto(ctx, into.Blobs(), nil, m.header)
	if err != nil {
		return err
	}
	defer staged.Release()
	err = into.Update(ctx, queue.Worker(), op, func(tx store.Tx) error {
		next := follow(a.it, queue.RouteLocal)
		next.ID = a.it.ID
		have, err := hasThere(tx, next.ID)
		if err != nil {
			return err
		}
		if have != nil {
			next.ID = 0
		}
		for _, i := range places {
			if r := &a.it.To[i]; !have[r.Key()] {
				next.To = append(next.To, waitingFor(r))
			}
		}
		if len(next.To) == 0 {
			return nil
		}
		if next.Blob, err = tx.Keep(staged, index); err != nil {
			return err
		}
		return queue.Put(tx, &next)
	})
	if err != nil {
		return mail.Wrap(op, err)
	}
	for _, i := range places {
		handedOn(&a.it.To[i], queue.IntoCompany)
	}
	a.wake()
	return nil
}

// hasThere gives the recipients of an item in another tenant, by their keys; nil where there is none.
func hasThere(r store.Reader, id mail.ItemID) (map[string]bool, error) {
	s, err := r.Item(id)
	if mail.Is(err, mail.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	it, err := queue.Open(s)
	have := make(map[string]bool, len(it.To))
	for i := range it.To {
		have[it.To[i].Key()] = true
	}
	return have, err
}

// sendBack gives a bounce of forwarded mail to who sent that (SRS). Only bounces go this way: else
// whoever saw such an address could write to others through us.
func (a *arrival) sendBack(ctx context.Context, r *queue.Recipient, original mail.Address) {
	if !a.it.From.IsNull() {
		fail(r, "recipient.unknown", "5.1.1")
		return
	}
	route := queue.RouteLocal
	if _, err := a.resolve(ctx, original); mail.Is(err, mail.Denied) {
		route = queue.RouteRemote(original.Domain)
	}
	to := queue.Recipient{Recipient: mail.Recipient{Address: original, Notify: mail.NotifyNever}}
	a.items = append(a.items, follow(a.it, route, to))
	handedOn(r, queue.IntoReturn)
}

// report gives an aggregate report to who reads them.
func (a *arrival) report(ctx context.Context, r *queue.Recipient) error {
	if a.cfg.Report == nil {
		arrived(r, queue.IntoReader)
		return nil
	}
	m, err := a.open(ctx)
	if err != nil {
		return err
	}
	err = a.cfg.Report(ctx, a.job.Tenant, r.Address, a.it, m.blob)
	switch {
	case mail.Is(err, mail.Busy), mail.Is(err, mail.Unavailable):
		later(r)
		return nil
	case err != nil:
		a.cfg.Log.Warn("a report was dropped", "tenant", a.job.Tenant.String(), "item", a.it.ID.String(), "to", r.Address.String(), "err", err)
	}
	arrived(r, queue.IntoReader)
	return nil
}

// author is the address in the header's From; proved says that it is the author indeed. Of mail from outside it is the one
// that was authenticated: among groups and what is no address others may read another.
func author(d *queue.Doc) (from mail.Address, proved bool) {
	from, err := mail.ParseAddress(d.HeaderFrom)
	if err != nil {
		from = d.From
	}
	if submitted(d) {
		return from, true
	}
	f, err := policy.ParseFacts(d.Facts)
	if err != nil {
		return from, false
	}
	checked, err := mail.ParseAddress(f.Author)
	if err != nil {
		return from, false
	}
	return checked, f.Proved()
}

// sender is the envelope's sender; proved says that it is the sender indeed.
func sender(d *queue.Doc) (from mail.Address, proved bool) {
	if submitted(d) {
		return d.From, true
	}
	f, err := policy.ParseFacts(d.Facts)
	return d.From, err == nil && f.SPF != nil && !f.SPF.Helo && f.SPF.Result == "pass" && strings.EqualFold(f.SPF.Domain, d.From.Domain)
}

// submitted tells whether somebody of ours sent the message: an account, or a machine in a company's VPN.
func submitted(d *queue.Doc) bool { return !d.Sender.IsZero() || d.Sign != "" }
