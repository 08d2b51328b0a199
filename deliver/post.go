package deliver

import (
	"context"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// post judges a message to a list, and sends it on its way to the members, or to an owner first (LI-7).
func (a *arrival) post(ctx context.Context, r *queue.Recipient, l *directory.List) error {
	m, err := a.open(ctx)
	if err != nil {
		return err
	}
	switch {
	case a.it.From.IsNull() || a.it.Auto || m.automatic(): // would answer each other for ever (RFC 3834 §2)
		fail(r, "list.automatic", "5.7.1")
		r.Notify = mail.NotifyNever
		return nil
	case m.looping(func(at mail.Address) bool { return same(at, l.Address) }):
		fail(r, "message.looping", "5.4.6")
		return nil
	}
	trusted, err := a.mayPost(ctx, l)
	if mail.Is(err, mail.Denied) {
		fail(r, "list.posting_denied", "5.7.1")
		return nil
	}
	if err != nil {
		return err
	}
	to := waitingFor(r)
	to.Notify = onward(r.Notify)
	next := follow(a.it, queue.RouteList(l.ID), to)
	if l.Moderated && !trusted || a.it.Spam {
		if len(l.Owners) == 0 { // spam, and nobody who could say that it is none
			fail(r, "list.spam", "5.7.1")
			return nil
		}
		next.State, next.Hold = store.ItemHeld, "list.moderated"
		a.held = append(a.held, len(a.items))
		a.lists = append(a.lists, *l)
	}
	a.items = append(a.items, next)
	r.Outcome, r.Reason, r.Status, r.At, r.Into = queue.Expanded, "", "", time.Now(), queue.IntoList
	return nil
}

func same(a, b mail.Address) bool {
	return a.Domain == b.Domain && strings.EqualFold(a.Local, b.Local)
}

// mayPost judges whether the sender or the author may write to a list. trusted says that it is one of the owners,
// proved, whose posts wait for nobody.
func (a *arrival) mayPost(ctx context.Context, l *directory.List) (trusted bool, err error) {
	from, proved := author(&a.it.Doc)
	envelope, sent := sender(&a.it.Doc)
	trusted = proved && l.Owns(from) || sent && l.Owns(envelope)
	err = a.cfg.Directory.MayPost(ctx, l, envelope, sent)
	if mail.Is(err, mail.Denied) {
		err = a.cfg.Directory.MayPost(ctx, l, from, proved)
	}
	return trusted, err
}

// toOwners gives a message for list-owner@ to the owners. Spam does not leave the house, and what comes back from an owner
// who forwards to the list's owners does not go round again.
func (a *arrival) toOwners(ctx context.Context, r *queue.Recipient, l *directory.List) error {
	m, err := a.open(ctx)
	switch {
	case err != nil:
		return err
	case len(l.Owners) == 0:
		fail(r, "recipient.unknown", "5.1.1")
		return nil
	case m.looping(func(at mail.Address) bool { return same(at, l.OwnerAddress()) }):
		fail(r, "message.looping", "5.4.6")
		return nil
	}
	from := a.it.From
	if !from.IsNull() {
		from = l.BouncesAddress() // an owner whose address is wrong is no news for the sender
	}
	for _, owner := range l.Owners {
		to := queue.Recipient{Recipient: mail.Recipient{Address: owner, Notify: mail.NotifyNever}}
		target, err := a.resolve(ctx, owner)
		next := follow(a.it, queue.RouteLocal, to)
		switch {
		case mail.Is(err, mail.Denied) && a.it.Spam:
			continue
		case mail.Is(err, mail.Denied):
			next.Route, next.From = queue.RouteRemote(owner.Domain), from
			next.Prefix = field(nil, "X-Loop", l.OwnerAddress().String())
		case mail.Is(err, mail.NotFound), err == nil && target.Kind != directory.TargetList && !isOwn(&target):
			continue // nobody, or in a circle
		case err != nil:
			return err
		}
		a.items = append(a.items, next)
	}
	handedOn(r, queue.IntoOwners)
	return nil
}

// unsubscribe takes off a list who wrote to list-unsubscribe@: the member that the address names and proves, or the
// author where that is proved.
func (a *arrival) unsubscribe(r *queue.Recipient, l *directory.List, member mail.Address) {
	if member.IsNull() {
		from, proved := author(&a.it.Doc)
		if !proved || a.it.From.IsNull() || a.it.Auto {
			fail(r, "list.not_proved", "5.7.1")
			if _, sent := sender(&a.it.Doc); !sent {
				r.Notify = mail.NotifyNever // whoever forged the sender would have us write to him
			}
			return
		}
		member = from
	}
	a.writes = append(a.writes, func(tx store.Tx) error { return directory.Left(tx, l.ID, member) })
	arrived(r, queue.IntoReader)
}

// bounced counts a bounce of a member's copy (LI-7). What is no bounce, or not for good, changes nothing.
func (a *arrival) bounced(ctx context.Context, r *queue.Recipient, l *directory.List, member mail.Address) error {
	arrived(r, queue.IntoReader)
	if member.IsNull() {
		return nil
	}
	m, err := a.open(ctx)
	if err != nil {
		return err
	}
	if hard, err := m.hardBounce(); err != nil || !hard {
		return err
	}
	a.count(l, member)
	return nil
}

// count counts a hard bounce of a member when all is written, and says afterwards who was switched off by it.
func (a *arrival) count(l *directory.List, member mail.Address) {
	off := false
	a.writes = append(a.writes, func(tx store.Tx) (err error) {
		off, err = directory.Bounced(tx, l.ID, member, time.Now())
		return err
	})
	list := *l
	a.after = append(a.after, func() {
		if off {
			a.switchedOff(a.job.Tenant, &list, member)
		}
	})
}

// switchedOff says that a member gets no more of a list.
func (h *House) switchedOff(tenant mail.TenantID, l *directory.List, member mail.Address) {
	h.cfg.Log.Info("a member was switched off", "tenant", tenant.String(), "list", l.Address.String(), "member", member.String())
	if h.cfg.SwitchedOff != nil {
		h.cfg.SwitchedOff(tenant, *l, member)
	}
}
