package jmapd

import (
	"context"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// target is an account that a method names: the caller's own, or that of a colleague who shares mailboxes with him.
type target struct {
	id       jmap.Id
	account  mail.AccountID
	name     string
	personal bool
	readOnly bool
	opened   *mailbox.Account
}

// ownID is the JMAP id of an account.
func ownID(who *directory.Identity) jmap.Id { return jmap.Of(jmap.LetterAccount, who.Account().ID) }

// enter finds the accounts that a method's arguments name, and refuses those that the caller doesn't reach: for the isolation of accounts this is
// the only door.
func (c *call) enter(ctx context.Context, in any) error {
	if of, ok := in.(interface{ Account() jmap.Id }); ok {
		at, err := c.target(ctx, of.Account())
		if err != nil {
			return err
		}
		if err := c.mayUse(at); err != nil {
			return err
		}
		c.at = at
	} else if c.entry.Access != free {
		return &jmap.MethodError{Type: jmap.ServerFail} // the table is wrong; a test keeps it from happening
	}
	if of, ok := in.(interface{ FromAccount() jmap.Id }); ok {
		from, err := c.target(ctx, of.FromAccount())
		if err != nil {
			return fromAccount(err)
		}
		c.from = from
	}
	return nil
}

// mayUse holds a method's access against an account.
func (c *call) mayUse(at *target) error {
	switch {
	case at.personal:
		return nil
	case c.entry.Access == own || !sharable(c.entry.Capability):
		return &jmap.MethodError{Type: jmap.AccountNotSupported}
	case c.entry.Access == writes && at.readOnly:
		return &jmap.MethodError{Type: jmap.AccountReadOnly}
	}
	return nil
}

// fromAccount is what to say of the account that is copied from.
func fromAccount(err error) error {
	if m, ok := err.(*jmap.MethodError); ok && m.Type == jmap.AccountNotFound {
		return &jmap.MethodError{Type: jmap.FromAccountNotFound}
	}
	return err
}

// target gives an account by its JMAP id. accountNotFound for one that there isn't, or that shares nothing with the caller: he can't tell which.
func (c *call) target(ctx context.Context, id jmap.Id) (*target, error) {
	if id == "" {
		return nil, jmap.Bad("accountId")
	}
	if t, ok := c.boxes[id]; ok {
		return t, nil
	}
	if id != ownID(c.who) {
		return c.shared(ctx, id)
	}
	a := c.who.Account()
	t := &target{id: id, account: a.ID, name: a.Address.String(), personal: true}
	c.boxes[id] = t
	return t, nil
}

// shared gives the account of a colleague who shares mailboxes with the caller.
func (c *call) shared(ctx context.Context, id jmap.Id) (*target, error) {
	unknown := &jmap.MethodError{Type: jmap.AccountNotFound}
	t := &target{id: id}
	if !jmap.Read(jmap.LetterAccount, id, &t.account) {
		return nil, unknown
	}
	box, err := t.open(ctx, c)
	if err != nil {
		return nil, err
	}
	sharers, err := box.Sharers(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(sharers, func(s mailbox.Sharer) bool { return s.Account == t.account })
	if i < 0 {
		return nil, unknown
	}
	t.name, t.readOnly = sharers[i].Address.String(), sharers[i].ReadOnly
	c.boxes[id] = t
	return t, nil
}

// open opens the mailbox of who calls: what a colleague shares is reached through it.
func (t *target) open(ctx context.Context, c *call) (*mailbox.Account, error) {
	if t.opened != nil {
		return t.opened, nil
	}
	var err error
	t.opened, err = c.server.config.Mailboxes.Open(ctx, c.who)
	return t.opened, err
}
