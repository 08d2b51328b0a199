package contacts

import "context"

// Addresses gives fn the addresses that the owner has to do with: those of his own cards, and those he wrote to, as they were written and
// some of them twice. fn is quick and asks nothing of the address books.
func (a *Account) Addresses(ctx context.Context, fn func(address string)) error {
	return a.with(ctx, "contacts.Addresses", func(s *shelf) {
		for _, r := range s.rows {
			for _, address := range r.emails {
				fn(address)
			}
		}
		for _, c := range s.recent.list {
			fn(c.Address)
		}
	})
}
