package mailbox

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"tegami/mail"
)

// Sharer is an account that shares mailboxes with another.
type Sharer struct {
	Account mail.AccountID
	Address mail.Address
	// ReadOnly tells that nothing can be changed in any of them.
	ReadOnly bool
}

// Sharers lists the accounts that share mailboxes with this one, ascending. It answers from memory where no object of the tenant changed.
func (a *Account) Sharers(ctx context.Context) ([]Sharer, error) {
	shares, err := a.shares(ctx, "mailbox.Sharers")
	if err != nil {
		return nil, err
	}
	var list []Sharer
	for _, s := range shares {
		i, known := slices.BinarySearchFunc(list, s.of, func(x Sharer, id mail.AccountID) int { return cmp.Compare(x.Account, id) })
		if !known {
			list = slices.Insert(list, i, Sharer{Account: s.of, Address: s.owner, ReadOnly: true})
		}
		if s.rights&^(RightLookup|RightRead|RightPost) != 0 {
			list[i].ReadOnly = false
		}
	}
	return list, nil
}

// OpenShared gives the mail of another account of the tenant, as far as it is shared with this one. NotFound "account.unknown" for an account
// that shares nothing with it.
func (a *Account) OpenShared(ctx context.Context, owner mail.AccountID) (*Post, error) {
	const op = "mailbox.OpenShared"
	unknown := mail.E(op, mail.NotFound, "account.unknown", owner.String())
	if owner == a.account.ID {
		return nil, unknown
	}
	shares, err := a.shares(ctx, op)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(shares, func(s share) bool { return s.of == owner }) {
		return nil, unknown
	}
	acc, err := a.service.dir.Company(a.id.Tenant()).Account(ctx, owner)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return &Post{account: a, of: acc, foreign: true}, nil
}

// seenHash is State.Seen of somebody who may look up mailboxes of another.
func seenHash(shares map[mail.MailboxID]share) uint32 {
	h := fnv.New32a()
	for _, id := range slices.Sorted(maps.Keys(shares)) {
		fmt.Fprintf(h, "%d/%s/%v;", id, shares[id].rights, shares[id].wanted)
	}
	return max(h.Sum32(), 1)
}
