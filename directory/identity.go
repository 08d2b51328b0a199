package directory

import (
	"context"
	"time"

	"tegami/mail"
)

// Protocol is what somebody signs in to: "smtp", "smtps", "imap", "imaps", "pop3",
// "pop3s", "web".
type Protocol string

// isIMAP tells whether the protocol needs the option of SV-7.
func (p Protocol) isIMAP() bool { return p == "imap" || p == "imaps" }

// An Identity is a signed-in account. Only this package makes one.
type Identity struct {
	actor   mail.Actor
	account Account
}

// Actor is under what the account writes.
func (i *Identity) Actor() mail.Actor { return i.actor }

// Tenant is the account's tenant.
func (i *Identity) Tenant() mail.TenantID { return i.account.Tenant }

// Account is the account as it was at sign-in; Current gives it as it is.
func (i *Identity) Account() Account { return i.account }

// Owns tells whether an address is the account's own or one of its aliases, as at sign-in.
func (i *Identity) Owns(a mail.Address) bool { return i.account.Owns(a) }

// newIdentity makes the identity of an account that has proved itself, unless it may
// not use the protocol. What it answers is only for those who knew the password.
func newIdentity(op mail.Op, o mail.Origin, p Protocol, c *contract, e *entry) (*Identity, error) {
	a := e.target.Account
	if err := c.Usable(op, time.Now()); err != nil {
		return nil, err
	}
	if a.State != AccountActive {
		return nil, mail.E(op, mail.Denied, "account.suspended")
	}
	if p.isIMAP() && !e.domain.Has(OptionIMAPS) {
		return nil, mail.E(op, mail.Denied, "option.imaps_not_contracted")
	}
	role := mail.User
	if a.Has(RoleAdmin) {
		role = mail.Admin
	}
	return &Identity{mail.MintActor(role, c.ID, a.ID, a.Address.String(), o), a}, nil
}

// Current gives an identity's account as it is now: sessions are long, and meanwhile
// aliases change and accounts are suspended. Denied when it may not act any more.
func (d *Directory) Current(ctx context.Context, i *Identity) (Account, error) {
	const op = "directory.Current"
	c, err := d.contract(ctx, i.account.Tenant)
	if err != nil {
		return Account{}, mail.Wrap(op, err)
	}
	if err := c.Usable(op, time.Now()); err != nil {
		return Account{}, err
	}
	e, err := d.entry(ctx, c, i.account.Address)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return Account{}, mail.Wrap(op, err)
	}
	if err != nil || e.target.Account.ID != i.account.ID || e.target.Account.State != AccountActive {
		return Account{}, mail.E(op, mail.Denied, "account.suspended")
	}
	return e.target.Account, nil
}

// StillValid is Current for who only asks whether: Denied when the identity may not act any more.
func (d *Directory) StillValid(ctx context.Context, i *Identity) error {
	_, err := d.Current(ctx, i)
	return err
}
