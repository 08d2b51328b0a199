package relay

import (
	"context"
	"log/slog"

	"tegami/mail"
	"tegami/queue"
)

// Carry serves a destination over one connection at a time. What concerns one message only is written into
// that message's item; the error says that none of the destination's hosts can be reached now.
func (r *Relay) Carry(ctx context.Context, destination string, next func(context.Context) *queue.Job) error {
	t := &trip{relay: r}
	defer t.end()
	for job := next(ctx); job != nil; job = next(ctx) {
		if ctx.Err() != nil {
			return r.giveBack(ctx, job)
		}
		before := len(pending(&job.Item))
		down := t.serve(ctx, &parcel{job.Tenant, &job.Item, job.Open})
		if down != nil && ctx.Err() != nil && len(pending(&job.Item)) == before { // we were told to stop: that says nothing about the destination
			return r.giveBack(ctx, job)
		}
		r.note(job.Tenant, &job.Item)
		if err := job.Settle(ctx, "relay.Carry", nil); err != nil {
			r.log.Error("what became of a message was not written: it may go out again", "item", job.Item.ID.String(), "error", err)
			if !mail.Is(err, mail.Conflict) { // with a store that can't write each further message would go out twice
				return mail.Wrap("relay.Carry", err)
			}
		}
		if down != nil {
			return down
		}
	}
	return nil
}

// giveBack returns a job untried.
func (r *Relay) giveBack(ctx context.Context, job *queue.Job) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer stop()
	return mail.Wrap("relay.Carry", job.Return(ctx, job.Item.Due))
}

// note logs what became of a message.
func (r *Relay) note(tenant mail.TenantID, it *queue.Item) {
	if !r.log.Enabled(context.Background(), slog.LevelInfo) || len(it.To) == 0 {
		return
	}
	var count [queue.Expanded + 1]int
	last := &it.To[0]
	for i := range it.To {
		if to := &it.To[i]; to.Outcome <= queue.Expanded {
			count[to.Outcome]++
			if to.Reason != "" {
				last = to
			}
		}
	}
	r.log.Info("relayed", "tenant", tenant.String(), "item", it.ID.String(), "trace", it.Trace, "route", it.Route,
		"taken", count[queue.Delivered]+count[queue.Relayed], "failed", count[queue.Failed], "waiting", count[queue.Waiting],
		"host", last.Host, "status", last.Status, "reason", last.Reason, "answer", last.Answer)
}

// A trip is one call of Carry.
type trip struct {
	relay *Relay
	way   *way
	s     *session // in hand; nil: none
	tour  *tour    // where the next session comes from; nil: from the start
	fresh bool     // the message in hand met a connection that was of no more use: others that were kept may be so too
	doom  *verdict // what fails everything on this way for good
	buf   []byte   // for the beginning of messages
}

// end keeps the session in hand for whoever comes next.
func (t *trip) end() {
	if t.s == nil {
		return
	}
	if t.s.sent < t.relay.cfg.Limits.Messages {
		t.relay.parked.put(t.way.name(), t.s)
	} else {
		t.s.leave()
	}
	t.s = nil
}

// drop ends the session in hand.
func (t *trip) drop() {
	if t.s != nil {
		t.s.leave()
		t.s = nil
	}
}

// serve brings one message to those of its recipients who wait, and writes what became of them. The error says that the
// destination can't be reached.
func (t *trip) serve(ctx context.Context, p *parcel) error {
	which := pending(p.item)
	if len(which) == 0 {
		return nil
	}
	if err := t.turn(ctx, p); err != nil {
		t.relay.log.Error("where a message goes is not known", "item", p.item.ID.String(), "error", err)
		v := waiting("remote.settings", "4.3.5")
		v.apply(p.item, which)
		return v.down()
	}
	if t.doom != nil {
		t.doom.apply(p.item, which)
		return nil
	}
	o, err := t.relay.open(ctx, p, t.buf)
	if err != nil { // ours, and not the destination's
		t.relay.log.Error("a message can't be read or signed", "item", p.item.ID.String(), "error", err)
		waiting("remote.storage", "4.3.0").apply(p.item, which)
		return nil
	}
	defer o.close()
	t.buf = o.first[:0]
	return t.send(ctx, p.item, o, which)
}

// turn takes the way of a message, and gives up what belongs to another.
func (t *trip) turn(ctx context.Context, p *parcel) error {
	w, err := t.relay.way(ctx, p.tenant, p.item)
	if err != nil {
		return err
	}
	if t.way == nil || !t.way.same(w) {
		t.drop()
		t.way, t.tour, t.doom = w, nil, nil
	}
	return nil
}

// send tries sessions until all recipients have an answer, or there is nobody left to ask.
func (t *trip) send(ctx context.Context, it *queue.Item, o *octets, which []int) error {
	need := it.Opts.RequireTLS
	t.fresh = false
	for range maxSessions {
		s, v := t.session(ctx, need)
		if v != nil {
			v.apply(it, which)
			t.tour = nil
			switch {
			case v.outcome == queue.Waiting:
				return v.down()
			case !need:
				t.doom = v
			}
			return nil
		}
		left, lost := s.send(ctx, it, o, which)
		if lost == nil {
			return nil
		}
		t.drop()
		if o.failed != nil { // ours, and not the host's
			t.relay.log.Error("a message can't be read", "item", it.ID.String(), "error", o.failed)
			lost = waiting("remote.storage", "4.3.0")
		}
		lost.apply(it, left) // stands when no other host takes them
		if len(left) == 0 || o.failed != nil {
			return nil
		}
		t.fresh = true
		if s.sent > 1 { // it worked before: begin again with the best host
			t.tour = nil
		} else {
			t.tour.note(lost)
		}
		which = left
	}
	return nil
}

// session gives one that can take a message: that in hand, one that was kept, or a new one.
func (t *trip) session(ctx context.Context, need bool) (*session, *verdict) {
	if t.s != nil && t.s.fits(t.way, need) {
		return t.s, nil
	}
	if t.s != nil { // it did its work, and the next begins with the best host again
		t.drop()
		t.tour = nil
	}
	if !t.fresh {
		if s := t.relay.parked.take(t.way, need); s != nil {
			t.s, t.tour = s, nil
			return s, nil
		}
	}
	if t.tour == nil || t.tour.need != need {
		t.tour = t.relay.begin(ctx, t.way, need)
	}
	s, v := t.tour.session(ctx)
	t.s = s
	return s, v
}

// pending are the recipients that wait.
func pending(it *queue.Item) []int {
	which := make([]int, 0, len(it.To))
	for i := range it.To {
		if it.To[i].Outcome == queue.Waiting {
			which = append(which, i)
		}
	}
	return which
}
