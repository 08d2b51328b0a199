package directory

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
)

// Protocol is what somebody signs in to: "smtp", "smtps", "submission", "imap", "imaps", "pop3",
// "pop3s", "sieve", "web".
type Protocol string

// isIMAP tells whether the protocol needs the option of SV-7.
func (p Protocol) isIMAP() bool { return p == "imap" || p == "imaps" }

// An Identity is a signed-in account. Only this package makes one.
type Identity struct {
	actor   mail.Actor
	account Account
	proof   proof
}

// proof is by what somebody signed in. The zero app is the account's own password.
type proof struct {
	serial uint64     // of the password
	app    *appSecret // an app password
	token  bool       // an access token
	until  time.Time  // of a token; zero = it says no end
}

// holds tells whether a proof would still be one.
func (p *proof) holds(op mail.Op, c *credential, now time.Time) error {
	switch {
	case p.token && !p.until.IsZero() && now.After(p.until):
		return mail.E(op, mail.Denied, "auth.expired")
	case p.token:
		return nil
	case c == nil, p.app == nil && c.Serial != p.serial, p.app != nil && c.appByID(p.app.ID) == nil:
		return mail.E(op, mail.Denied, "auth.changed")
	}
	return nil
}

// Actor is under what the account writes.
func (i *Identity) Actor() mail.Actor { return i.actor }

// Tenant is the account's tenant.
func (i *Identity) Tenant() mail.TenantID { return i.account.Tenant }

// Account is the account as it was at sign-in; Current gives it as it is.
func (i *Identity) Account() Account { return i.account }

// Owns tells whether an address is the account's own or one of its aliases, as at sign-in.
func (i *Identity) Owns(a mail.Address) bool { return i.account.Owns(a) }

// identity makes the identity of an account that has proved itself, unless it may
// not use the protocol. What it answers is only for those who knew the password.
func (l *login) identity(ctx context.Context, p *proof) (*Identity, error) {
	const op = "directory.SignIn"
	a := l.entry.target.Account
	if err := l.contract.Usable(op, time.Now()); err != nil {
		return nil, err
	}
	switch {
	case a.State != AccountActive:
		return nil, mail.E(op, mail.Denied, "account.suspended")
	case a.Shared:
		return nil, mail.E(op, mail.Denied, "account.shared", a.Address.String())
	case l.protocol.isIMAP() && !l.entry.domain.Has(OptionIMAPS):
		return nil, mail.E(op, mail.Denied, "option.imaps_not_contracted")
	case l.protocol.isIMAP() && a.NoIMAP:
		return nil, mail.E(op, mail.Denied, "account.no_imap")
	case p.app != nil && !p.app.isFor(l.protocol):
		return nil, mail.E(op, mail.Denied, "auth.scope")
	}
	if err := l.dir.onOwnNetwork(ctx, l.origin, l.contract); err != nil {
		return nil, err
	}
	if err := l.secure(ctx, p); err != nil {
		return nil, err
	}
	if p.app != nil {
		l.dir.noteUse(ctx, l.contract.store, a.ID, p.app.ID)
	}
	return &Identity{actorOf(&a, l.origin), a, *p}, nil
}

// secure refuses what the company's policy does (CP-9): Denied "access.network" from where it lets nobody in; of the account's own
// password in mail software "auth.must_change" while it is an initial one or too old, "auth.app_password_needed" beside a second factor.
func (l *login) secure(ctx context.Context, p *proof) error {
	const op = "directory.SignIn"
	s, err := l.dir.security(ctx, l.contract.ID)
	if err != nil {
		return err
	}
	doors := []Door{l.protocol.door()}
	if l.protocol == "web" {
		doors = []Door{DoorWeb, DoorPanel} // one page for both
	}
	if !slices.ContainsFunc(doors, func(d Door) bool { return s.Access.admits(d, l.origin) }) {
		return mail.E(op, mail.Denied, "access.network", l.origin.Remote.String())
	}
	if _, mailSoftware := scopes[l.protocol]; !mailSoftware || p.app != nil || p.token {
		return nil
	}
	who := personOf(l.contract, l.entry)
	switch {
	case !s.Passwords.InitialForMail && who.mustChange(s.Passwords, time.Now()):
		return mail.E(op, mail.Denied, "auth.must_change")
	case !s.Factors.MailPasswords && who.cred.Factors:
		return mail.E(op, mail.Denied, "auth.app_password_needed")
	}
	return nil
}

// Current gives an identity's account as it is now: sessions are long, and meanwhile
// aliases change and accounts are suspended. Denied when it may not act any more: besides the reasons of the tenant
// "account.suspended", also of one that was deleted; "auth.changed" when the password or app password it signed in with was
// changed or revoked; "auth.expired" when its access token's time is over; "access.network" when the company lets nobody in any more from
// where it is.
func (d *Directory) Current(ctx context.Context, i *Identity) (Account, error) {
	e, err := d.standing(ctx, &i.account)
	if err != nil {
		return Account{}, err
	}
	o := i.actor.Origin()
	if err := d.admitted(ctx, o, i.account.Tenant, Protocol(o.Door).door()); err != nil {
		return Account{}, err
	}
	return e.target.Account, i.proof.holds("directory.Current", e.credential, time.Now())
}

// standing gives an account's entry as it is now, if it may act: Denied with the answers of Current.
func (d *Directory) standing(ctx context.Context, a *Account) (*entry, error) {
	const op = "directory.Current"
	c, err := d.contract(ctx, a.Tenant)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if err := c.Usable(op, time.Now()); err != nil {
		return nil, err
	}
	e, err := d.entry(ctx, c, a.Address)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return nil, mail.Wrap(op, err)
	}
	if err != nil || e.target.Account.ID != a.ID || e.target.Account.State != AccountActive {
		return nil, mail.E(op, mail.Denied, "account.suspended")
	}
	return e, nil
}

// StillValid is Current for who only asks whether: Denied when the identity may not act any more.
func (d *Directory) StillValid(ctx context.Context, i *Identity) error {
	_, err := d.Current(ctx, i)
	return err
}
