package intake

import (
	"context"
	"io"
	"strings"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/policy/probe"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mailauth/spf"
)

// A Transaction is one message on its way in. Use from one goroutine.
type Transaction struct {
	in     *Intake
	origin mail.Origin
	from   mail.Address
	opts   mail.Options
	trace  string

	seen       map[string]bool // recipients, by mail.Address.Key
	here       []share         // recipients in this house, by tenant
	submission *submission     // nil for mail from outside, which has no other recipients
	whole      *whole          // nil: who can get it at once gets it in the accepting commit

	sender   *spf.Result  // what SPF says of from; nil before somebody asked
	found    *probe.Found // who sent it, of mail from outside that was authenticated
	staged   store.Staged // nil before Data and after Abort
	overflow error        // why the octets are too many
	known    *queue.Doc   // what was found in the header; nil before
}

// share are one tenant's recipients.
type share struct {
	tenant mail.TenantID
	to     []deliver.Addressee // get it in the accepting commit
	wait   []mail.Recipient    // are resolved again by the queue: lists, return paths, all of a message that is held
}

// Recipient takes one recipient. A second time the same changes nothing.
//
// Full "recipients.too_many" past ML-8; NotFound "recipient.unknown"; Full "box.full"
// (SV-5); Denied "list.posting_denied" (LI-7); Denied "relay.denied" for somebody in another host's
// domain, unless this is a submission.
func (tx *Transaction) Recipient(ctx context.Context, r mail.Recipient) error {
	const op = "intake.Recipient"
	key := r.Key()
	if tx.seen[key] {
		return nil
	}
	if limit := tx.in.cfg.Limits.MaxRecipients; len(tx.seen) >= limit {
		return mail.E(op, mail.Full, "recipients.too_many", limit)
	}
	target, err := tx.in.resolve(ctx, r.Address)
	switch {
	case mail.Is(err, mail.Denied) && tx.submission != nil:
		tx.submission.add(r)
		err = nil
	case err == nil:
		err = tx.take(ctx, r, &target)
	}
	if err != nil {
		tx.refusedRecipient(ctx, r, err)
		return mail.Wrap(op, err)
	}
	if tx.seen == nil {
		tx.seen = make(map[string]bool)
	}
	tx.seen[key] = true
	tx.whole.add(r)
	return nil
}

// resolve is Directory.Resolve for addresses of our own host too, which belongs to no company: it has a
// postmaster (RFC 5321 §4.5.1) and nobody else, and is no other host to be sent to.
func (in *Intake) resolve(ctx context.Context, to mail.Address) (directory.Target, error) {
	const op = "intake.resolve"
	target, err := in.cfg.Directory.Resolve(ctx, to)
	if !mail.Is(err, mail.Denied) || !strings.EqualFold(to.Domain, in.cfg.Hostname) {
		return target, err
	}
	unknown := mail.E(op, mail.NotFound, "recipient.unknown", to.String())
	if in.cfg.Postmaster.IsNull() || !strings.EqualFold(to.Local, "postmaster") {
		return target, unknown
	}
	target, err = in.cfg.Directory.Resolve(ctx, in.cfg.Postmaster)
	if mail.Is(err, mail.Denied) || mail.Is(err, mail.NotFound) {
		in.cfg.Log.Error("the postmaster has no account here", "postmaster", in.cfg.Postmaster.String(), "err", err)
		return target, unknown
	}
	return target, err
}

// take takes a recipient in this house.
func (tx *Transaction) take(ctx context.Context, r mail.Recipient, target *directory.Target) error {
	const op = "intake.take"
	switch target.Kind {
	case directory.TargetAccount, directory.TargetAlias:
		if err := tx.in.cfg.Mailbox.Deliverable(ctx, target.Account, tx.opts.Size); err != nil {
			if mail.Is(err, mail.Full) {
				tx.in.foundFull(target.Account)
			}
			return err
		}
		if s := tx.shareOf(target.Tenant); tx.opts.HoldUntil.IsZero() {
			s.to = append(s.to, deliver.Addressee{Recipient: r, Account: target.Account})
			return nil
		}
	case directory.TargetList:
		if tx.from.IsNull() { // a bounce or receipt is nobody's post
			return mail.E(op, mail.Denied, "list.posting_denied", r.String())
		}
		if err := tx.in.cfg.Directory.MayPost(ctx, target.List, tx.from, tx.proved(ctx)); err != nil {
			return err
		}
	case directory.TargetListOwner:
		if len(target.List.Owners) == 0 { // said at the door, and not by a bounce to whoever the sender is
			return mail.E(op, mail.NotFound, "recipient.unknown", r.String())
		}
	case directory.TargetReturn:
		if !tx.from.IsNull() { // bounces only: else whoever saw such an address could write through us
			return mail.E(op, mail.NotFound, "recipient.unknown", r.String())
		}
	}
	s := tx.shareOf(target.Tenant)
	s.wait = append(s.wait, r)
	return nil
}

// proved tells whether from is who sends: it signed in, or SPF says so.
func (tx *Transaction) proved(ctx context.Context) bool {
	if tx.submission != nil {
		return true
	}
	if tx.in.cfg.Lookup == nil {
		return false
	}
	if tx.sender == nil {
		found := probe.Sender(ctx, tx.in.cfg.Lookup, tx.origin, tx.from)
		tx.sender = &found
	}
	return tx.sender.Status == spf.Pass
}

// shareOf gives a tenant's share, made if need be.
func (tx *Transaction) shareOf(tenant mail.TenantID) *share {
	for i := range tx.here {
		if tx.here[i].tenant == tenant {
			return &tx.here[i]
		}
	}
	tx.here = append(tx.here, share{tenant: tenant})
	return &tx.here[len(tx.here)-1]
}

// shares gives what each tenant has to commit: the sender's first, whose queue takes
// what goes to other hosts.
func (tx *Transaction) shares() []share {
	s := tx.submission
	if tx.whole != nil {
		return tx.whole.shares(s.tenant)
	}
	if s == nil || len(s.remote) == 0 {
		return tx.here
	}
	list := []share{{tenant: s.tenant}}
	for _, h := range tx.here {
		if h.tenant == s.tenant {
			list[0] = h
		} else {
			list = append(list, h)
		}
	}
	return list
}

// actor is under whom a tenant's share is written: the sender in the own tenant, the
// platform in all others.
func (tx *Transaction) actor(tenant mail.TenantID) mail.Actor {
	if tx.submission != nil && tx.submission.tenant == tenant {
		return tx.submission.by
	}
	return queue.Worker()
}

// A Sink takes a message's octets as they were sent, with CRLF line ends and without
// dot-stuffing. Full "message.too_big" past ML-9; Commit then answers the same.
type Sink interface{ io.Writer }

// Data begins to take the octets. Invalid "recipients.none" without a recipient; Busy
// "storage.busy" when too many octets are in flight.
func (tx *Transaction) Data(ctx context.Context) (Sink, error) {
	const op = "intake.Data"
	shares := tx.shares()
	if len(shares) == 0 || tx.staged != nil {
		return nil, mail.E(op, mail.Invalid, "recipients.none")
	}
	var err error
	tx.staged, err = tx.in.cfg.Store.Tenant(shares[0].tenant).Blobs().Stage(ctx, tx.opts.Size)
	if err != nil {
		tx.staged = nil
		return nil, mail.Wrap(op, err)
	}
	return (*sink)(tx), nil
}

// sink is a Transaction as its Sink.
type sink Transaction

func (s *sink) Write(b []byte) (int, error) {
	switch {
	case s.overflow != nil:
	case s.staged == nil:
		return 0, mail.E("intake.Write", mail.Invalid, "recipients.none")
	case s.staged.Size()+int64(len(b)) > s.in.cfg.Limits.MaxMessage:
		s.overflow = s.in.tooBig("intake.Write")
	default:
		n, err := s.staged.Write(b)
		if err != nil {
			s.overflow = mail.Wrap("intake.Write", err)
		}
		return n, s.overflow
	}
	return 0, s.overflow
}

// Abort gives everything back. After Commit, and a second time, it does nothing.
func (tx *Transaction) Abort() {
	if tx.staged != nil {
		tx.staged.Release()
		tx.staged = nil
	}
}
