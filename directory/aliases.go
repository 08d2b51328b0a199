package directory

import (
	"context"
	"strings"

	"tegami/mail"
)

// AliasQuery asks for a part of the aliases.
type AliasQuery struct {
	Text   string  // part of the alias, or as in RosterQuery for the account it leads to
	Within []Grant // as in RosterQuery
	Cursor string
	Limit  int // 1 to MaxRosterPage; 0 = MaxRosterPage
}

// FoundAlias is an alias with whose it is.
type FoundAlias struct {
	Alias
	Target mail.Address
	Name   string
}

// AliasPage is a part of the aliases, by address.
type AliasPage struct {
	Aliases []FoundAlias
	Total   int
	Next    string
}

// SearchAliases lists the aliases of the company's accounts by address. Errors as Roster.
func (c *Company) SearchAliases(ctx context.Context, q AliasQuery) (page AliasPage, err error) {
	const op = "directory.SearchAliases"
	words, err := wordsOf(op, q.Text)
	if err != nil {
		return page, err
	}
	top, err := newPager[FoundAlias](op, q.Cursor, q.Limit, false)
	if err != nil {
		return page, err
	}
	part := strings.ToLower(strings.TrimSpace(q.Text))
	err = c.people(ctx, func(b *book) {
		for _, p := range b.people {
			if len(p.doc.Aliases) == 0 || p.doc.State == AccountDeleted || !reached(q.Within, p.doc.place()) {
				continue
			}
			all := p.says(words)
			for _, a := range p.doc.Aliases {
				if key := a.Key(); all || strings.Contains(key, part) {
					top.offer(pageKey{Address: key}, FoundAlias{Alias{a, p.id}, p.doc.Address, p.doc.Profile.Name()})
				}
			}
		}
	})
	page.Aliases, page.Total, page.Next = top.page(), top.total, top.next()
	return page, mail.Wrap(op, err)
}
