package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// ListQuery asks for a part of the mailing lists.
type ListQuery struct {
	Text   string        // as in RosterQuery, in the list's name and address
	Domain mail.DomainID // zero: all
	Within []Grant       // as in RosterQuery
	Cursor string
	Limit  int // 1 to MaxRosterPage; 0 = MaxRosterPage
}

// ListsPage is a part of the mailing lists, by address.
type ListsPage struct {
	Lists []List
	Total int
	Next  string
}

// SearchLists lists the company's mailing lists by address. Errors as Roster.
func (c *Company) SearchLists(ctx context.Context, q ListQuery) (page ListsPage, err error) {
	const op = "directory.SearchLists"
	words, err := wordsOf(op, q.Text)
	if err != nil {
		return page, err
	}
	top, err := newPager[mail.ObjectID](op, q.Cursor, q.Limit, false)
	if err != nil {
		return page, err
	}
	err = c.people(ctx, func(b *book) {
		for _, o := range b.others {
			in := q.Domain.IsZero() || o.Domain == q.Domain
			if o.Kind == CardList && in && reached(q.Within, Place{Domain: o.Domain}) && o.says(words) {
				top.offer(pageKey{Address: o.address}, o.ID)
			}
		}
	})
	if err != nil {
		return page, mail.Wrap(op, err)
	}
	ids := top.page()
	page.Total, page.Next = top.total, top.next()
	err = c.view(ctx, op, func(r store.Reader) error {
		page.Lists = make([]List, 0, len(ids))
		for _, id := range ids {
			l, _, err := c.readList(r, id)
			if mail.Is(err, mail.NotFound) {
				continue // deleted meanwhile
			}
			if err == nil {
				l.Members, err = r.CountMarked(kindMember, onList(id))
			}
			if err != nil {
				return err
			}
			page.Lists = append(page.Lists, l)
		}
		return nil
	})
	return page, err
}
