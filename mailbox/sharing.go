package mailbox

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// MaxGrants is how many identifiers one mailbox may be shared with. It is below store.MaxPage.
const MaxGrants = 500

// Grant is an entry of an access control list as people see it. The Identifier is an address of the tenant, or "anyone";
// behind "-", the rights are taken (RFC 4314 §2).
type Grant struct {
	Identifier string
	Rights     Rights
}

// negative begins an identifier whose rights are taken.
const negative = "-"

// subject is whom an identifier means.
type subject struct {
	who  mail.AccountID // zero: anyone
	take bool
}

// subjectOf tells whom an identifier means. Invalid "acl.identifier" for nobody of this tenant.
func (a *Account) subjectOf(ctx context.Context, op mail.Op, identifier string) (s subject, err error) {
	name, take := strings.CutPrefix(identifier, negative)
	s.take = take
	if strings.EqualFold(name, anyone) {
		return s, nil
	}
	acc, err := a.member(ctx, op, name)
	if mail.Is(err, mail.NotFound) {
		return s, mail.E(op, mail.Invalid, "acl.identifier", name)
	}
	s.who = acc.ID
	return s, err
}

// ACL gives the access control list of a mailbox, its owner first (RFC 4314 §3.3). NotFound "mailbox.unknown", Denied
// "mailbox.no_right" without RightAdmin.
func (a *Account) ACL(ctx context.Context, path string) ([]Grant, error) {
	const op = "mailbox.ACL"
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return nil, err
	}
	var l acl
	err = a.view(ctx, op, func(r store.Reader) error {
		m, _, err := a.resolve(r, op, &at, RightAdmin)
		if err != nil {
			return err
		}
		l, err = readACL(r, m.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := []Grant{{at.owner.Address.String(), AllRights}}
	for _, g := range l {
		name, err := a.identifier(ctx, g.who)
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
		if g.give != 0 {
			list = append(list, Grant{name, g.give})
		}
		if g.take != 0 {
			list = append(list, Grant{negative + name, g.take})
		}
	}
	return list, nil
}

// identifier writes whom a grant is for.
func (a *Account) identifier(ctx context.Context, who mail.AccountID) (string, error) {
	if who == 0 {
		return anyone, nil
	}
	acc, err := a.service.dir.Company(a.id.Tenant()).Account(ctx, who)
	return acc.Address.String(), err
}

// SetACL changes what an identifier may do with a mailbox (RFC 4314 §3.1): Set gives it these rights and no others, Add and
// Remove change those it has. NotFound "mailbox.unknown", Denied "mailbox.no_right" without RightAdmin, Invalid
// "acl.identifier" for nobody of the tenant and "acl.owner" for the owner, who has all rights, Full "acl.too_many".
func (a *Account) SetACL(ctx context.Context, path, identifier string, how FlagOp, rights Rights) error {
	return a.changeACL(ctx, "mailbox.SetACL", path, identifier, func(old Rights) Rights {
		switch how {
		case Add:
			return old | rights
		case Remove:
			return old &^ rights
		}
		return rights
	})
}

// DeleteACL takes an identifier out of the access control list of a mailbox (RFC 4314 §3.2). Errors are those of SetACL.
func (a *Account) DeleteACL(ctx context.Context, path, identifier string) error {
	return a.changeACL(ctx, "mailbox.DeleteACL", path, identifier, func(Rights) Rights { return NoRights })
}

func (a *Account) changeACL(ctx context.Context, op mail.Op, path, identifier string, change func(Rights) Rights) error {
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return err
	}
	whom, err := a.subjectOf(ctx, op, identifier)
	if err != nil {
		return a.firstAdmin(ctx, op, &at, err)
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		m, _, err := a.resolve(tx, op, &at, RightAdmin)
		if err != nil {
			return err
		}
		if whom.who == m.Account {
			return ownerKeeps(op, whom, change)
		}
		g, err := readGrant(tx, m.ID, whom.who)
		if err != nil {
			return err
		}
		if err := roomForGrant(tx, op, m.ID, g); err != nil {
			return err
		}
		if whom.take {
			g.take = change(g.take)
		} else {
			g.give = change(g.give)
		}
		if err := putGrant(tx, &m, g); err != nil || g.who == 0 {
			return err
		}
		return rouse(tx, g.who)
	})
}

// firstAdmin gives an error about an identifier to who may administer the mailbox, and to others that they may not: who
// cannot see a mailbox learns nothing by it.
func (a *Account) firstAdmin(ctx context.Context, op mail.Op, at *spot, about error) error {
	err := a.view(ctx, op, func(r store.Reader) error {
		_, _, err := a.resolve(r, op, at, RightAdmin)
		return err
	})
	if err != nil {
		return err
	}
	return about
}

// ownerKeeps allows for the owner what changes nothing.
func ownerKeeps(op mail.Op, whom subject, change func(Rights) Rights) error {
	if whom.take && change(NoRights) == NoRights || !whom.take && change(AllRights) == AllRights {
		return nil
	}
	return mail.E(op, mail.Invalid, "acl.owner")
}

// roomForGrant tells whether a mailbox may be shared with one more. Full "acl.too_many".
func roomForGrant(r store.Reader, op mail.Op, box mail.MailboxID, g grant) error {
	if g.version != 0 {
		return nil
	}
	l, err := readACL(r, box)
	if err == nil && len(l) >= MaxGrants {
		err = mail.E(op, mail.Full, "acl.too_many", MaxGrants)
	}
	return err
}

// RightsFor gives which rights an identifier has always on a mailbox, and which it can be given (RFC 4314 §3.4). Errors are
// those of SetACL.
func (a *Account) RightsFor(ctx context.Context, path, identifier string) (always, optional Rights, err error) {
	const op = "mailbox.RightsFor"
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return 0, 0, err
	}
	whom, wrong := a.subjectOf(ctx, op, identifier)
	if err := a.firstAdmin(ctx, op, &at, wrong); err != nil {
		return 0, 0, err
	}
	switch {
	case whom.who != at.owner.ID:
		return NoRights, AllRights, nil
	case whom.take:
		return NoRights, NoRights, nil
	}
	return AllRights, NoRights, nil
}

// anyRight are the rights of which one lets an account know of a mailbox (RFC 4314 §4, "Any").
var anyRight = []Rights{RightLookup, RightRead, RightInsert, RightCreate, RightRemove, RightAdmin}

// MyRights gives what the account may do with a mailbox (RFC 4314 §3.5). NotFound "mailbox.unknown".
func (a *Account) MyRights(ctx context.Context, path string) (Rights, error) {
	const op = "mailbox.MyRights"
	f, err := a.FolderFor(ctx, path, NoRights)
	if err == nil && !slices.ContainsFunc(anyRight, f.Rights.Has) {
		err = mail.E(op, mail.NotFound, "mailbox.unknown", f.Path)
	}
	return f.Rights, err
}
