package inspect

import (
	"context"

	"tegami/learning"
	"tegami/mail"
	"tegami/policy/spam"
)

// memory is what a company learned, as the spam filter asks for it.
type memory struct{ *learning.Memory }

// Tokens implements spam.Memory.
func (m memory) Tokens(ctx context.Context, tokens []uint64) ([]spam.Count, spam.Count, error) {
	found, all, err := m.Memory.Tokens(ctx, tokens)
	if found == nil {
		return nil, spam.Count(all), err
	}
	list := make([]spam.Count, len(found))
	for i, c := range found {
		list[i] = spam.Count(c)
	}
	return list, spam.Count(all), err
}

// Reputation implements spam.Memory.
func (m memory) Reputation(ctx context.Context, keys []string) ([]spam.Rep, error) {
	found, err := m.Memory.Reputation(ctx, keys)
	list := make([]spam.Rep, len(found))
	for i, r := range found {
		list[i] = spam.Rep(r)
	}
	return list, err
}

// FirstContact implements spam.Memory.
func (m memory) FirstContact(ctx context.Context, from mail.Address) (bool, error) {
	return m.Memory.FirstContact(ctx, from)
}

// Near implements spam.Memory.
func (m memory) Near(ctx context.Context, digest spam.Simhash) (seen, unwanted int, err error) {
	return m.Memory.Near(ctx, uint64(digest))
}
