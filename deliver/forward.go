package deliver

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
)

// forwarding is an item on queue.RouteForward while it is carried (ML-5).
type forwarding struct {
	*House
	job     *queue.Job
	it      *queue.Item
	message *message
	account directory.Account // that forwards
	trace   []byte            // the fields that go before the message

	items  []queue.Item // to other hosts
	local  *queue.Item  // to those in the house; nil when there is nobody
	denied bool         // a target is not allowed now
}

// forward carries an item on queue.RouteForward: each target gets the message under a sender of ours, so that
// SPF looks at our domain and bounces come back through us.
func (h *House) forward(ctx context.Context, job *queue.Job) error {
	f := &forwarding{House: h, job: job, it: &job.Item}
	gone, err := f.who(ctx)
	if err != nil {
		return err
	}
	if gone {
		f.failAll("recipient.unknown", "5.1.1")
		return job.Settle(ctx, "deliver.Forward", nil)
	}
	if f.message, err = openMessage(ctx, job); err != nil {
		return err
	}
	defer f.message.Close()
	if f.it.Spam || f.message.looping(f.account.Owns) {
		f.failAll("message.looping", "5.4.6")
		return job.Settle(ctx, "deliver.Forward", nil)
	}
	f.trace = field(nil, "Delivered-To", f.account.Address.String())
	if err := f.targets(ctx); err != nil {
		return err
	}
	return f.settle(ctx)
}

// who finds the account that forwards.
func (f *forwarding) who(ctx context.Context) (gone bool, err error) {
	if len(f.it.To) == 0 {
		return true, nil
	}
	f.account, err = f.cfg.Directory.Company(f.job.Tenant).Account(ctx, f.it.To[0].Account)
	if mail.Is(err, mail.NotFound) {
		return true, nil
	}
	return false, err
}

func (f *forwarding) failAll(reason, status string) {
	for i := range f.it.To {
		if f.it.To[i].Outcome == queue.Waiting {
			fail(&f.it.To[i], reason, status)
		}
	}
}

// mayForward judges a target by what the company allows users' filters, or administrators.
func (f *forwarding) mayForward(ctx context.Context, to mail.Address) error {
	if f.it.Filtered {
		return f.cfg.Directory.UserMayForward(ctx, &f.account, to)
	}
	return f.cfg.Directory.MayForward(ctx, f.job.Tenant, to, false)
}

// targets decides what follows for each target.
func (f *forwarding) targets(ctx context.Context) error {
	tokens, err := f.cfg.Directory.Tokens(ctx)
	if err != nil {
		return err
	}
	back := tokens.Return(f.it.From, f.account.Address.Domain, time.Now())
	var prefix []byte
	for i := range f.it.To {
		r := &f.it.To[i]
		if r.Outcome != queue.Waiting {
			continue
		}
		err := f.mayForward(ctx, r.Address)
		if mail.Is(err, mail.Denied) {
			fail(r, "forward.denied", "5.7.1")
			f.denied = true
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.resolve(ctx, r.Address)
		switch {
		case mail.Is(err, mail.Denied):
			if prefix == nil {
				prefix = f.sealed(ctx, f.job.Tenant, f.account.Address.Domain, f.message, f.trace)
			}
			next := follow(f.it, queue.RouteRemote(r.Domain), waitingFor(r))
			next.From, next.Prefix, next.Sign = back, prefix, ""
			f.items = append(f.items, next)
		case mail.Is(err, mail.NotFound):
			fail(r, "recipient.unknown", "5.1.1")
			continue
		case err != nil:
			return err
		default:
			f.toHouse(r)
		}
		handedOn(r, queue.IntoForward)
	}
	return nil
}

// toHouse adds a target in the house: it gets octets with our trace in them, so that a circle ends.
func (f *forwarding) toHouse(r *queue.Recipient) {
	if f.local == nil {
		next := follow(f.it, queue.RouteLocal)
		f.local = &next
	}
	f.local.To = append(f.local.To, waitingFor(r))
}

// settle writes what follows. Mail that was to leave and may not any more stays in the account's box.
func (f *forwarding) settle(ctx context.Context) error {
	var staged store.Staged
	var index []byte
	if f.local != nil {
		var err error
		if staged, index, err = f.message.copyInto(ctx, f.job.Store().Blobs(), f.trace, f.message.header); err != nil {
			return err
		}
		defer staged.Release()
	}
	err := f.job.Settle(ctx, "deliver.Forward", func(tx store.Tx, it *queue.Item) (err error) {
		if f.denied {
			if err := f.keep(tx, it); err != nil {
				return err
			}
		}
		if f.local != nil {
			if f.local.Blob, err = tx.Keep(staged, index); err != nil {
				return err
			}
			if err := queue.Put(tx, f.local); err != nil {
				return err
			}
		}
		return putAll(tx, f.items)
	})
	if err != nil {
		return err
	}
	f.wake()
	for i := range f.it.To {
		if r := &f.it.To[i]; f.denied && f.it.Filtered && r.Reason == "forward.denied" && f.cfg.ForwardRefused != nil {
			f.cfg.ForwardRefused(f.job.Tenant, f.account, r.Address)
		}
	}
	return nil
}

// keep says nothing of what the company's settings stopped to the sender, and puts the message into the account's box
// unless that has it already. What its filter sent on it gets in any case, past the filter.
func (f *forwarding) keep(tx store.Tx, it *queue.Item) error {
	for i := range it.To {
		if it.To[i].Reason == "forward.denied" {
			it.To[i].Notify = mail.NotifyNever
		}
	}
	if f.account.Forward.Keep && !it.Filtered {
		return nil
	}
	to := Addressee{Recipient: mail.Recipient{Address: f.account.Address, Notify: mail.NotifyNever}, Account: f.account}
	to.Account.Forward = directory.Forwarding{}
	m := Mail{NewMail: mailbox.NewMail{Blob: it.Blob, Received: it.Origin.Received}, Doc: &it.Doc, Unfiltered: it.Filtered}
	done, _, err := f.Local(tx, m, []Addressee{to})
	if err == nil {
		it.To = append(it.To, done...)
	}
	return err
}
