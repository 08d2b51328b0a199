package deliver

import (
	"context"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
)

// Addressee is a recipient in this house with the account that gets the mail.
type Addressee struct {
	mail.Recipient
	Account directory.Account
	Treat   policy.Treatment // by House.Treat; zero: it is delivered as it is
	Days    int              // how long it is in quarantine, where it goes there
	Spam    *policy.Spam     // what Treat went by; nil: nobody judged
}

// Mail is a message as it is put away: octets and what its item says.
type Mail struct {
	mailbox.NewMail
	Doc *queue.Doc // envelope and origin, for what goes on; To is not read
	// Unfiltered mail goes into the inbox past all filters: what the platform has to say cannot be thrown away unseen.
	Unfiltered bool
	// Offer leases what goes on from birth; nil leases nothing.
	Offer *queue.Offer
	// Tagged are the copies that those get whose treatment names a tag; by the tag.
	Tagged map[string]mail.BlobRef
}

// Local puts a message into the box of each addressee and says what became of it, in
// the same order. An account that was named by several of its addresses gets the message once. A full
// box (SV-5) and an account that went meanwhile are outcomes; an error means that the
// store failed, and the transaction must not commit.
//
// For an account that forwards (ML-5) it writes an item on queue.RouteForward in the same transaction,
// unless the message is spam. Who keeps no copy is Expanded. What accounts with a filter keep goes there by an item on
// queue.RouteFilter, one for all of them that get the same octets; they are Expanded too, and that item tells the sender.
//
// Where the company's filter wants it (Treat), a message goes to the addressee's quarantine box instead, or nowhere (SF-1, SF-2).
// onward is what it wrote. Committed is called after the commit.
func (h *House) Local(tx store.Tx, m Mail, to []Addressee) (done []queue.Recipient, onward []queue.Item, err error) {
	l := localMail{House: h, tx: tx, m: m}
	done = make([]queue.Recipient, len(to))
	first := make(map[mail.AccountID]int, len(to)) // the addressee for whom the account got it
	at := time.Now()
	for i := range to {
		done[i] = queue.Recipient{Recipient: to[i].Recipient, Account: to[i].Account.ID, At: at}
		if j, again := first[to[i].Account.ID]; again {
			alike(&done[i], &done[j])
			continue
		}
		first[to[i].Account.ID] = i
		if err := l.putAway(&to[i], &done[i]); err != nil {
			return nil, nil, mail.Wrap("deliver.Local", err)
		}
	}
	return done, l.onward, mail.Wrap("deliver.Local", l.putFiltered())
}

// alike gives a recipient the outcome that its account had under another address.
func alike(r, first *queue.Recipient) {
	r.Outcome, r.Reason, r.Status, r.Email, r.Into = first.Outcome, first.Reason, first.Status, first.Email, first.Into
	if first.Outcome == queue.Expanded && first.Notify == mail.NotifyNever {
		r.Notify = mail.NotifyNever
	}
}

// localMail is a message while Local puts it away.
type localMail struct {
	*House
	tx       store.Tx
	m        Mail
	filtered []forFilter
	onward   []queue.Item
}

// forFilter are accounts with a filter that get the same octets.
type forFilter struct {
	blob mail.BlobRef
	to   []queue.Recipient
}

// putAway delivers to one account: into its box or its filter, onward, or both; or does what the company's filter wants instead.
func (l *localMail) putAway(to *Addressee, done *queue.Recipient) error {
	if treated, err := l.treated(to, done); treated || err != nil {
		return err
	}
	forward := to.Account.Forward.On() && l.m.Doc != nil && !l.m.Doc.Spam && to.Treat.Tag == ""
	switch {
	case forward && !to.Account.Forward.Keep:
		done.Outcome, done.Into = queue.Expanded, queue.IntoForward
	case to.Account.Filter && l.m.Doc != nil && !l.m.Unfiltered:
		if err := l.putToFilter(to, done); err != nil {
			return err
		}
	default:
		m := l.m.NewMail
		m.Blob = l.blobOf(to)
		if err := l.put(l.tx, m, &to.Account, done); err != nil {
			return err
		}
	}
	if !forward {
		return nil
	}
	it := forwardItem(&l.m, to)
	return l.putOnward(&it)
}

// putToFilter leaves a message to the filter of an account. What finds no room now is refused now, while the sender's
// side can still be told.
func (l *localMail) putToFilter(to *Addressee, done *queue.Recipient) error {
	err := mailbox.Room(l.tx, &to.Account, &l.m.NewMail)
	if key, _ := mail.TextOf(err); key == "box.full" {
		fail(done, "box.full", "5.2.2")
		return nil
	}
	if err != nil {
		return err
	}
	blob := l.blobOf(to)
	i := slices.IndexFunc(l.filtered, func(f forFilter) bool { return f.blob == blob })
	if i < 0 {
		i, l.filtered = len(l.filtered), append(l.filtered, forFilter{blob: blob})
	}
	l.filtered[i].to = append(l.filtered[i].to, queue.Recipient{Recipient: to.Recipient, Account: to.Account.ID})
	handedOn(done, queue.IntoFilter)
	return nil
}

// putFiltered writes the items for all accounts with a filter.
func (l *localMail) putFiltered() error {
	for _, f := range l.filtered {
		it := queue.Item{State: store.ItemWaiting, Due: time.Now(), Route: queue.RouteFilter, Blob: f.blob, Doc: withRecipients(fresh(l.m.Doc), f.to)}
		it.Service = l.m.Service
		if err := l.putOnward(&it); err != nil {
			return err
		}
	}
	return nil
}

// putOnward writes what goes on.
func (l *localMail) putOnward(it *queue.Item) error {
	l.m.Offer.Lease(it)
	err := queue.Put(l.tx, it)
	l.onward = append(l.onward, *it)
	return err
}

// Onward is how many items Local writes for addressees at most.
func Onward(to []Addressee) (n int) {
	var filters []string
	for i := range to {
		if to[i].Account.Forward.On() {
			n++
		}
		if tag := to[i].Treat.Tag; to[i].Account.Filter && !slices.Contains(filters, tag) {
			filters = append(filters, tag)
		}
	}
	return n + len(filters)
}

// put delivers to one box.
func (h *House) put(tx store.Tx, m mailbox.NewMail, to *directory.Account, done *queue.Recipient) error {
	message, err := h.cfg.Mailbox.Deliver(tx, *to, m)
	if err == nil {
		done.Outcome, done.Email, done.Into = queue.Delivered, message.ID, queue.IntoInbox
		return nil
	}
	switch key, _ := mail.TextOf(err); key { // not the kind: a full disk is no full box
	case "box.full":
		fail(done, "box.full", "5.2.2")
	case "mailbox.unknown":
		fail(done, "recipient.unknown", "5.1.1")
	default:
		return err
	}
	return nil
}

// fail marks a recipient as failed for good.
func fail(r *queue.Recipient, reason, status string) {
	r.Outcome, r.Reason, r.Status = queue.Failed, reason, status
	r.At = time.Now()
}

// forwardItem is the item that forwards a message for an account.
func forwardItem(m *Mail, to *Addressee) queue.Item {
	it := queue.Item{State: store.ItemWaiting, Due: time.Now(), Route: queue.RouteForward, Blob: m.Blob}
	it.Doc = fresh(m.Doc)
	orcpt := to.Orcpt
	if orcpt == "" {
		orcpt = "rfc822;" + to.Address.String()
	}
	it.To = make([]queue.Recipient, len(to.Account.Forward.To))
	for i, target := range to.Account.Forward.To {
		it.To[i].Recipient = mail.Recipient{Address: target, Orcpt: orcpt, Notify: onward(to.Notify)}
		it.To[i].Account = to.Account.ID
	}
	return it
}

// onward is what a sender asked to hear, for what goes on from here: that it came this far is told here.
func onward(n mail.Notify) mail.Notify {
	if n == 0 || n == mail.NotifyNever {
		return n
	}
	if n &^= mail.NotifySuccess; n == 0 {
		return mail.NotifyNever
	}
	return n
}

// Committed is called after the commit of what Local did, with what Local was given and gave. It says which boxes are
// nearly full.
func (h *House) Committed(ctx context.Context, to []Addressee, done []queue.Recipient) {
	for i := range to {
		a := &to[i].Account
		if h.cfg.Filled == nil || done[i].Outcome == queue.Expanded {
			continue
		}
		fill, err := h.cfg.Mailbox.Fill(ctx, *a)
		if err != nil {
			continue // the next message asks again
		}
		if done[i].Reason == "box.full" { // with this message it would be
			fill.Used = max(fill.Used, fill.Quota)
		}
		if fill.Near() {
			h.cfg.Filled(a.Tenant, *a, fill.Used, fill.Quota)
		}
	}
}

// wake says that something due was written.
func (h *House) wake() {
	if h.cfg.Wake != nil {
		h.cfg.Wake()
	}
}
