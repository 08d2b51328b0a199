package directory

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
)

// ForwardedBy says who had mail forwarded.
type ForwardedBy string

// Who can have mail forwarded (ML-5).
const (
	ForwardedByAdmin  ForwardedBy = "admin"  // Company.SetForwarding
	ForwardedByFilter ForwardedBy = "filter" // the account's own active script
)

// Redirects are the addresses to which an account's active script sends mail on, as far as they stand in it. Its slice is shared:
// don't change it.
type Redirects struct {
	To    []mail.Address `json:"to,omitempty"`
	Since time.Time      `json:"since,omitzero"` // when these were first in the active script
}

// Forward is one account's way out.
type Forward struct {
	Account mail.AccountID
	Address mail.Address
	Name    string
	By      ForwardedBy
	To      []mail.Address
	Keep    bool           // the box gets the mail too; of ForwardedByAdmin
	Since   time.Time      // zero = not known
	Outside []mail.Address // those of To that are outside the company
}

// ForwardQuery asks for a part of the forwards.
type ForwardQuery struct {
	Outside bool        // only those with somebody outside the company
	By      ForwardedBy // "" = both
	Text    string      // as in RosterQuery
	Within  []Grant     // as in RosterQuery
	Cursor  string
	Limit   int // 1 to MaxRosterPage; 0 = MaxRosterPage
}

// ForwardPage is a part of the forwards, by address.
type ForwardPage struct {
	Forwards []Forward
	Total    int
	Next     string
}

// Forwards tells who has mail forwarded, whereto and since when (ML-5). What is forwarded in fact is for Settings to say at
// that moment. Errors as Roster.
func (c *Company) Forwards(ctx context.Context, q ForwardQuery) (page ForwardPage, err error) {
	const op = "directory.Forwards"
	words, err := wordsOf(op, q.Text)
	if err != nil {
		return page, err
	}
	top, err := newPager[Forward](op, q.Cursor, q.Limit, false)
	if err != nil {
		return page, err
	}
	err = c.people(ctx, func(b *book) {
		for _, p := range b.people {
			if p.doc.State == AccountDeleted || !reached(q.Within, p.doc.place()) || !p.says(words) {
				continue
			}
			for _, f := range b.forwards(p) {
				if (q.By == "" || q.By == f.By) && (!q.Outside || len(f.Outside) > 0) {
					top.offer(pageKey{Address: p.address + " " + string(f.By)}, f)
				}
			}
		}
	})
	page.Forwards, page.Total, page.Next = top.page(), top.total, top.next()
	return page, mail.Wrap(op, err)
}

// forwards are an account's ways out.
func (b *book) forwards(p *colleague) (all []Forward) {
	d := &p.doc
	add := func(by ForwardedBy, to []mail.Address, keep bool, since time.Time) {
		if len(to) > 0 {
			all = append(all, Forward{p.id, d.Address, d.Profile.Name(), by, to, keep, since, b.foreign(to)})
		}
	}
	add(ForwardedByAdmin, d.Forward.To, d.Forward.Keep, d.Forward.Since)
	add(ForwardedByFilter, d.Redirects.To, false, d.Redirects.Since)
	return all
}

// foreign are those of some addresses that are outside the company.
func (b *book) foreign(to []mail.Address) (outside []mail.Address) {
	for _, a := range to {
		if !b.names[a.Domain] {
			outside = append(outside, a)
		}
	}
	return outside
}

// leaks tells whether an account has mail forwarded to somebody outside.
func (b *book) leaks(d *accountDoc) bool {
	foreign := func(a mail.Address) bool { return !b.names[a.Domain] }
	return slices.ContainsFunc(d.Forward.To, foreign) || slices.ContainsFunc(d.Redirects.To, foreign)
}
