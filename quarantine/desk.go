package quarantine

import (
	"context"
	"net/netip"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Desk is where an administrator finds the quarantine boxes of his company's accounts: those his role reaches.
type Desk struct {
	service *Service
	caller  *directory.Caller
	by      mail.Actor
	company *directory.Company
	tenant  store.Tenant
}

// Desk gives a caller the desk of a company. by is the caller's actor, with a reason where he gives one. It reads nothing; who may do what
// is judged by each method: to see which boxes have something takes directory.RightPolicyRead, to open one directory.RightQuarantine.
func (s *Service) Desk(caller *directory.Caller, by mail.Actor, company mail.TenantID) (*Desk, error) {
	if caller == nil || !by.Valid() || !caller.Operator() && caller.Tenant() != company {
		return nil, mail.E("quarantine.Desk", mail.Denied, "actor.denied")
	}
	return &Desk{s, caller, by, s.cfg.Directory.Company(company), s.cfg.Store.Tenant(company)}, nil
}

// Holding is an account with mail in quarantine.
type Holding struct {
	Account  directory.Account
	Messages int
	Octets   int64
	Newest   mail.ObjectID // the message that came last; its Time is when
}

// Boxes lists the accounts that have mail in quarantine and that the caller's role reaches, in order of id behind one, at most limit (0 or more
// than MaxPageSize: MaxPageSize). more tells that there are further ones.
func (d *Desk) Boxes(ctx context.Context, after mail.AccountID, limit int) (list []Holding, more bool, err error) {
	const op mail.Op = "quarantine.Boxes"
	if limit <= 0 || limit > MaxPageSize {
		limit = MaxPageSize
	}
	for {
		var sums []store.EntrySum
		err := d.tenant.View(ctx, func(r store.Reader) (err error) {
			sums, err = r.EntrySums(Kind, after, limit+1)
			return err
		})
		if err != nil || len(sums) == 0 {
			return list, false, mail.Wrap(op, err)
		}
		for _, sum := range sums {
			after = sum.Account
			acc, err := d.account(ctx, op, sum.Account, directory.RightPolicyRead)
			if mail.Is(err, mail.NotFound) || mail.Is(err, mail.Denied) {
				continue
			}
			if err != nil {
				return nil, false, err
			}
			if len(list) == limit {
				return list, true, nil
			}
			list = append(list, Holding{acc, sum.Entries, sum.Octets, sum.Last})
		}
		if len(sums) <= limit {
			return list, false, nil
		}
	}
}

// account gives an account that the caller has a right on. NotFound "account.unknown" for one that he may not see.
func (d *Desk) account(ctx context.Context, op mail.Op, id mail.AccountID, right directory.Right) (directory.Account, error) {
	acc, err := d.company.Account(ctx, id)
	if err == nil && !d.caller.MayIn(right, directory.Place{Domain: acc.Domain, Groups: acc.Groups}) {
		err = mail.E(op, mail.NotFound, "account.unknown")
	}
	return acc, mail.Wrap(op, err)
}

// Review is somebody else's box, opened by an administrator. Whatever he does in it is a line of the operation log.
type Review struct {
	*Box
	desk *Desk
}

// Open opens the box of an account. NotFound "account.unknown" for one that the caller may not see; Denied for who may not open boxes:
// operators never read mail.
func (d *Desk) Open(ctx context.Context, id mail.AccountID) (*Review, error) {
	const op mail.Op = "quarantine.OpenBox"
	if !d.caller.May(directory.RightQuarantine) {
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	acc, err := d.account(ctx, op, id, directory.RightQuarantine)
	if err != nil {
		return nil, err
	}
	b := &Box{service: d.service, tenant: d.tenant, account: acc, by: d.by, noted: true}
	b.may = func(ctx context.Context) error {
		return d.tenant.View(ctx, func(r store.Reader) error { return directory.StillThere(r, d.by, op) })
	}
	return &Review{b, d}, nil
}

// Forward sends a copy of a message to an address; it stays in quarantine. Only administrators may.
func (r *Review) Forward(ctx context.Context, id mail.ObjectID, to mail.Address) error {
	const op mail.Op = "quarantine.Forward"
	send := r.service.cfg.Forward
	if send == nil {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	act := Act{Tenant: r.account.Tenant, Account: r.account, Deed: Sent}
	err := r.update(ctx, op, func(tx store.Tx) (err error) {
		if act.Entry, err = r.get(tx, id); err != nil {
			return err
		}
		if err := send(tx, r.account, &act.Entry, to); err != nil {
			return err
		}
		return r.noteTo(tx, Sent, &act.Entry, to.String())
	})
	if err == nil {
		r.service.cfg.Did(ctx, act)
	}
	return err
}

// Link gives the box of an account to who holds a signed link of the digest, which proves that he reads the account's mail. What is done is a
// line of the operation log, with the address the link was used from. NotFound for an account that is gone, Denied for one that may not
// act.
func (s *Service) Link(ctx context.Context, tenant mail.TenantID, id mail.AccountID, from netip.Addr) (*Box, error) {
	const op mail.Op = "quarantine.Link"
	acc, err := s.cfg.Directory.Company(tenant).Account(ctx, id)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	by := directory.Housekeeper().For("quarantine digest of " + acc.Address.String() + ", from " + from.String())
	b := &Box{service: s, tenant: s.cfg.Store.Tenant(tenant), account: acc, by: by, noted: true}
	b.may = func(ctx context.Context) error {
		now, err := s.cfg.Directory.Company(tenant).Account(ctx, id)
		if err == nil && now.State != directory.AccountActive {
			err = mail.E(op, mail.Denied, "account.suspended")
		}
		return err
	}
	return b, b.may(ctx)
}
