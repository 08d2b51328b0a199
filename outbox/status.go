package outbox

import (
	"context"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Delivery is how far one recipient's delivery has come (RFC 8621 §7 deliveryStatus).
type Delivery struct {
	Reply     string // as SMTP would say it
	Delivered string // "queued", "yes", "no" or "unknown"
}

// Deliveries tells how far a submission has come, by recipient. Recipients whose item is not kept any more are "unknown".
func (b *Box) Deliveries(ctx context.Context, s *Submission) (map[string]Delivery, error) {
	out := make(map[string]Delivery, len(s.Envelope.RcptTo))
	if len(s.Items) == 0 {
		return out, nil
	}
	found := map[mail.ItemID]queue.Item{}
	err := b.tenant.View(ctx, func(r store.Reader) error {
		list, err := r.ItemsOf(s.Items[:min(len(s.Items), store.MaxPage)])
		if err != nil {
			return err
		}
		for _, one := range list {
			it, err := queue.Open(one)
			if err != nil {
				return err
			}
			if it.Sender == b.id {
				found[it.ID] = it
			}
		}
		return nil
	})
	if err != nil {
		return nil, mail.Wrap("outbox.Deliveries", err)
	}
	known := map[string]queue.Recipient{}
	for _, id := range s.Items { // the later ones say more of whom they took on
		for _, r := range found[id].To {
			known[r.Key()] = r
		}
	}
	for _, p := range s.Envelope.RcptTo {
		out[p.Email] = Delivery{Delivered: "unknown"}
		if a, err := mail.ParseAddress(p.Email); err == nil {
			if r, ok := known[a.Key()]; ok {
				out[p.Email] = delivery(&r)
			}
		}
	}
	return out, nil
}

// delivery puts an outcome into JMAP's words.
func delivery(r *queue.Recipient) Delivery {
	d := Delivery{Reply: r.Answer}
	code, words := "250 2.0.0", "OK"
	switch r.Outcome {
	case queue.Waiting:
		d.Delivered, words = "queued", "queued"
	case queue.Delivered:
		d.Delivered = "yes"
		if r.Host != "" { // which tells the sender itself
			d.Delivered = "unknown"
		}
	case queue.Failed:
		d.Delivered, code, words = "no", "550 "+status(r.Status), r.Reason
	default:
		d.Delivered = "unknown"
	}
	if d.Reply == "" {
		d.Reply = code + " " + words
	}
	return d
}

// status is an enhanced status of a failure.
func status(s string) string {
	if s == "" {
		return "5.0.0"
	}
	return s
}
