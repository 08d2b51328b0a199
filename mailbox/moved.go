package mailbox

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// Moved tells what kinds of things of an account changed, so that only those are told who hold them.
type Moved struct {
	ModSeq  mail.ModSeq // of the account: ask again since this
	Used    int64       // octets of its mail
	Mail    bool        // messages or mailboxes
	Arrived bool        // a message came into the account; moved ones did not
	Entries []string    // kinds of store.Entry, of those asked for
}

// Account is who works with the mail.
func (p *Post) Account() *Account { return p.account }

// maxArrivals is how many messages that changed in a mailbox are looked at for one that is new. Where so many changed, one is.
const maxArrivals = 100

// Moved tells what changed since a ModSeq. kinds are the kinds of entries that the caller follows; none are told of somebody else's account. It reads
// some rows of indexes, however large the account is.
func (p *Post) Moved(ctx context.Context, since mail.ModSeq, kinds ...string) (m Moved, err error) {
	if p.foreign {
		kinds = nil
	}
	err = p.account.view(ctx, "mailbox.Moved", func(r store.Reader) (err error) {
		m, err = MovedIn(r, p.of.ID, since, kinds...)
		return err
	})
	return m, err
}

// MovedIn is Post.Moved inside a View of somebody who tells accounts of their changes while nobody of them is here.
func MovedIn(r store.Reader, of mail.AccountID, since mail.ModSeq, kinds ...string) (Moved, error) {
	box, err := r.Box(of)
	m := Moved{ModSeq: box.ModSeq, Used: box.Used}
	if err != nil || box.ModSeq <= since {
		return m, err
	}
	if m.Mail, m.Arrived, err = mailMoved(r, of, since); err != nil {
		return m, err
	}
	for _, kind := range kinds {
		changed, err := r.EntriesSince(of, kind, since, 1)
		if err != nil {
			return m, err
		}
		if len(changed) > 0 {
			m.Entries = append(m.Entries, kind)
		}
	}
	return m, nil
}

// mailMoved tells whether messages or mailboxes changed, and whether a message came.
func mailMoved(r store.Reader, of mail.AccountID, since mail.ModSeq) (changed, arrived bool, err error) {
	all, err := r.Mailboxes(of)
	if err != nil {
		return false, false, err
	}
	for _, m := range all {
		if m.ModSeq <= since && m.Changed <= since {
			continue
		}
		changed = true
		if arrived {
			break
		}
		if arrived, err = arrivedIn(r, m.ID, since); err != nil {
			return false, false, err
		}
	}
	if changed {
		return true, arrived, nil
	}
	gone, _, err := r.GoneMailboxes(of, since)
	return len(gone) > 0, false, err
}

// arrivedIn tells whether a message that is new to the account came into a mailbox.
func arrivedIn(r store.Reader, m mail.MailboxID, since mail.ModSeq) (arrived bool, err error) {
	seen := 0
	err = r.MessagesSince(m, since, func(m *Message) bool {
		seen++
		arrived = m.Made > since || seen > maxArrivals
		return !arrived
	})
	return arrived, err
}
