package deliver

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Carrier carries what stays in the house: give it to the Runner for queue.RouteLocal, queue.RouteForward,
// queue.RouteFilter and the routes of queue.RouteList.
func (h *House) Carrier() queue.Carrier { return carrier{h} }

type carrier struct{ house *House }

// Destination names what an item waits for: all local work of a tenant, all its forwarding, one list.
func (carrier) Destination(tenant mail.TenantID, it *queue.Item) string {
	kind, rest, _ := strings.Cut(it.Route, " ")
	if rest == "" {
		rest = tenant.String()
	}
	return kind + " " + rest
}

// Carry serves a destination. It ends with an error when the store does not take what became of a job.
func (c carrier) Carry(ctx context.Context, _ string, next func(context.Context) *queue.Job) error {
	for {
		job := next(ctx)
		if job == nil {
			return nil
		}
		if err := c.house.carry(ctx, job); err != nil {
			return mail.Wrap("deliver.Carry", err)
		}
	}
}

// carry ends one job. What can't be done now is noted with those who wait for it, and tried again: what was decided
// about the others meanwhile is forgotten with it, as nothing of that is written.
func (h *House) carry(ctx context.Context, job *queue.Job) error {
	var err error
	before := slices.Clone(job.Item.To)
	switch _, list := queue.ListOf(job.Item.Route); {
	case list:
		err = h.expandList(ctx, job)
	case job.Item.Route == queue.RouteForward:
		err = h.forward(ctx, job)
	case job.Item.Route == queue.RouteFilter:
		err = h.filter(ctx, job)
	default:
		err = h.arrive(ctx, job)
	}
	if err == nil {
		return nil
	}
	h.cfg.Log.Error("an item could not be carried", "tenant", job.Tenant.String(), "item", job.Item.ID.String(),
		"route", job.Item.Route, "err", err)
	if _, list := queue.ListOf(job.Item.Route); !list && job.Item.Route != queue.RouteFilter { // which decide in their transactions only
		job.Item.To = before
	}
	for i := range job.Item.To {
		if r := &job.Item.To[i]; r.Outcome == queue.Waiting {
			later(r)
		}
	}
	return job.Settle(ctx, "deliver.Later", nil)
}

// later notes that a recipient waits because of us.
func later(r *queue.Recipient) { r.Reason, r.Status, r.At = "delivery.later", "4.3.0", time.Now() }

// resolve is Directory.Resolve for addresses of our own host too, which has a postmaster and nobody else.
func (h *House) resolve(ctx context.Context, to mail.Address) (directory.Target, error) {
	target, err := h.cfg.Directory.Resolve(ctx, to)
	if !mail.Is(err, mail.Denied) || !strings.EqualFold(to.Domain, h.cfg.Hostname) {
		return target, err
	}
	if !h.cfg.Postmaster.IsNull() && strings.EqualFold(to.Local, "postmaster") {
		return h.cfg.Directory.Resolve(ctx, h.cfg.Postmaster)
	}
	return target, mail.E("deliver.resolve", mail.NotFound, "recipient.unknown", to.String())
}

// fresh is what a new item knows of the same message.
func fresh(d *queue.Doc) queue.Doc {
	n := *d
	n.To, n.Prefix, n.Hold, n.Attempts, n.Warned, n.Filtered, n.Service, n.Deferrals = nil, nil, "", 0, false, false, false, nil
	n.Submission = 0
	return n
}

// follow makes an item that takes some recipients on from another.
func follow(of *queue.Item, route string, to ...queue.Recipient) queue.Item {
	return queue.Item{State: store.ItemWaiting, Due: time.Now(), Route: route, Blob: of.Blob, Doc: withRecipients(fresh(&of.Doc), to)}
}

func withRecipients(d queue.Doc, to []queue.Recipient) queue.Doc {
	d.To = to
	return d
}

// handedOn marks a recipient whose delivery another item takes over: that one tells the sender.
func handedOn(r *queue.Recipient, into queue.Into) {
	r.Outcome, r.Reason, r.Status, r.At, r.Notify, r.Into = queue.Expanded, "", "", time.Now(), mail.NotifyNever, into
}

// waitingFor is a recipient as a following item begins with it.
func waitingFor(r *queue.Recipient) queue.Recipient { return queue.Recipient{Recipient: r.Recipient} }

// putAll writes new items, and gives them their ids.
func putAll(tx store.Tx, items []queue.Item) error {
	for i := range items {
		if err := queue.Put(tx, &items[i]); err != nil {
			return err
		}
	}
	return nil
}

// isOwn tells whether a target is a box.
func isOwn(t *directory.Target) bool {
	return t.Kind == directory.TargetAccount || t.Kind == directory.TargetAlias
}
