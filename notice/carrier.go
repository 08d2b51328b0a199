package notice

import (
	"context"
	"io"
	"time"

	"tegami/deliver"
	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
)

// Destination names where a notification goes: all that a tenant's senders get is one.
func (s *Service) Destination(tenant mail.TenantID, _ *queue.Item) string {
	return queue.RouteNotice + " " + tenant.String()
}

// Carry makes delivery status notifications out of items on queue.RouteNotice. It ends with an error when they can't be
// posted at present.
func (s *Service) Carry(ctx context.Context, _ string, next func(context.Context) *queue.Job) error {
	for {
		job := next(ctx)
		if job == nil {
			return nil
		}
		if err := s.carry(ctx, job); err != nil {
			return err
		}
	}
}

// carry posts one notification in the transaction that settles its item.
func (s *Service) carry(ctx context.Context, job *queue.Job) error {
	const op = "notice.Carry"
	d := s.about(&job.Item)
	if silent(&job.Item.Doc) || d.sort() == 0 {
		return mail.Wrap(op, job.Settle(ctx, op, nil))
	}
	var err error
	if d.header, err = original(ctx, job); err != nil {
		return s.putOff(ctx, job, err)
	}
	set := s.settings(ctx, job.Tenant)
	all := s.words(&set, langsOf(set.NoticeLang))
	_, err = s.cfg.House.Post(ctx, s.toSender(job.Tenant, d, all), job.Within)
	switch mail.KindOf(err) {
	case mail.Invalid, mail.Denied, mail.NotFound, mail.Full: // will never work
		s.cfg.Log.Error("a notification can't be posted", "tenant", job.Tenant.String(), "item", job.Item.ID.String(), "err", err)
		return mail.Wrap(op, job.Settle(ctx, op, nil))
	}
	if err != nil {
		return s.putOff(ctx, job, err)
	}
	job.Committed()
	return nil
}

// about begins a notification about an item.
func (s *Service) about(it *queue.Item) *dsn {
	return &dsn{item: it, at: time.Now(), hostname: s.cfg.Hostname, service: s.cfg.Name, lifetime: s.cfg.Lifetime}
}

// toSender is a notification as a letter: from nobody, so that nothing answers it (RFC 3464 §2).
func (s *Service) toSender(tenant mail.TenantID, d *dsn, all []words) deliver.Letter {
	return deliver.Letter{
		Tenant: tenant, To: []mail.Recipient{{Address: d.item.From, Notify: mail.NotifyNever}},
		Octets: d.octets(all), Sign: s.cfg.Hostname, Service: true,
	}
}

// putOff gives a job back. The error it returns is the cause, which puts off all that is on the route.
func (s *Service) putOff(ctx context.Context, job *queue.Job, cause error) error {
	if err := job.Return(ctx, time.Time{}); err != nil {
		s.cfg.Log.Warn("a notification could not be put off", "tenant", job.Tenant.String(), "item", job.Item.ID.String(), "err", err)
	}
	return mail.Wrap("notice.Carry", cause)
}

// silent tells whether the sender of a message hears nothing of it: there is none (RFC 5321 §4.5.5), the platform wrote it
// (RFC 3834), it is spam, or its sender is forged, so that somebody else would hear of what he did not send.
func silent(d *queue.Doc) bool {
	return d.From.IsNull() || d.Auto || d.Spam || forged(d)
}

// forged tells whether a message from outside failed SPF and nothing else proves its author.
func forged(d *queue.Doc) bool {
	if !d.Sender.IsZero() || len(d.Facts) == 0 {
		return false
	}
	f, err := policy.ParseFacts(d.Facts)
	return err == nil && f.SPF != nil && f.SPF.Result == "fail" && !f.Proved()
}

// original reads the header of the message a job is about; nil where its octets are gone.
func original(ctx context.Context, job *queue.Job) ([]byte, error) {
	blob, err := job.Open(ctx)
	if mail.Is(err, mail.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return readHeader(blob)
}

// readHeader reads a message's header, at most MaxHeader octets.
func readHeader(blob store.Blob) ([]byte, error) {
	begin := make([]byte, min(blob.Size(), MaxHeader+2))
	n, err := blob.ReadAt(begin, 0)
	if err != nil && err != io.EOF {
		return nil, mail.Wrap("notice.readHeader", err)
	}
	return headerOf(begin[:n]), nil
}
