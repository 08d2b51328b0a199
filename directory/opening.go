package directory

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// Opening asks for everything a company needs to begin (SV-12): the contract, its first domain, and its first owner.
type Opening struct {
	Tenant TenantSpec
	Domain DomainSpec
	Owner  AccountSpec // Address may be a local part alone; without a Password one is made; Roles are the owner's
	// Hold leaves the contract provisioned: it is opened by SetTenantState.
	Hold bool
}

// Opened is what an Opening made.
type Opened struct {
	Tenant   Tenant
	Domain   Domain
	Owner    Account
	Password string // the owner's initial one, to be changed at the first sign-in; "" where it had been opened before
}

// Open opens a company in one step, usable at once from its service start date (SV-12). Operators only.
//
// The contract and its claim of the domain are one commit; until the last one the contract is ordered, which nobody
// can see but operators. After a crash the same call, by the company's name and the domain's, completes what was begun. When all is
// done already it changes nothing and gives what there is, without a password.
//
// Errors as of OpenTenant, AddDomain and AddAccount; Conflict "domain.taken" where the domain is another company's.
func (d *Directory) Open(ctx context.Context, by mail.Actor, want Opening) (Opened, error) {
	const op = "directory.Open"
	by = opens(by)
	want, domain, err := d.checkOpening(op, by, want)
	if err != nil {
		return Opened{}, err
	}
	t, err := d.record(ctx, by, op, want, domain.Name)
	if err != nil {
		return Opened{}, mail.Wrap(op, err)
	}
	out := Opened{Tenant: t}
	if t.State != TenantOrdered {
		return out, mail.Wrap(op, d.opened(ctx, want, domain.Name, &out))
	}
	if err := d.store.CreateTenant(ctx, t.ID); err != nil && !mail.Is(err, mail.Conflict) {
		return Opened{}, mail.Wrap(op, err)
	}
	if err := d.furnish(ctx, by, want, &out); err != nil {
		return Opened{}, mail.Wrap(op, err)
	}
	state := TenantOpen
	if want.Hold {
		state = TenantProvisioned
	}
	out.Tenant, err = d.SetTenantState(ctx, by, t.ID, state)
	return out, mail.Wrap(op, err)
}

// checkOpening judges everything that can be judged before anything is written.
func (d *Directory) checkOpening(op mail.Op, by mail.Actor, want Opening) (Opening, Domain, error) {
	t, err := newTenant(op, by, want.Tenant)
	if err != nil {
		return want, Domain{}, err
	}
	domain, err := checkDomain(op, want.Domain)
	if err == nil {
		err = checkUnits(0, 0, domain.IDs)
	}
	if err != nil {
		return want, Domain{}, err
	}
	want.Tenant.Name = t.Name
	if want.Owner.Address.Domain == "" {
		want.Owner.Address.Domain = domain.Name
	}
	if want.Owner.Address, err = accountAddress(want.Owner.Address); err != nil {
		return want, Domain{}, mail.Wrap(op, err)
	}
	if want.Owner.Address.Domain != domain.Name {
		return want, Domain{}, mail.E(op, mail.Invalid, "domain.unknown", want.Owner.Address.Domain)
	}
	want.Owner.Roles, want.Owner.MustChange = []Role{RoleOwner}, true
	if want.Owner.Password == "" {
		want.Owner.Password = NewInitialPassword()
	}
	_, err = checkPassword(by, want.Owner.Password)
	return want, domain, mail.Wrap(op, err)
}

// record writes the contract as ordered, with its claim of the domain; or finds the one that was begun.
func (d *Directory) record(ctx context.Context, by mail.Actor, op mail.Op, want Opening, domain string) (t Tenant, err error) {
	err = d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		if t, err = begun(tx, want.Tenant.Name, domain); !mail.Is(err, mail.NotFound) {
			return err
		}
		if t, err = newTenant(op, by, want.Tenant); err != nil {
			return err
		}
		t.ID = mail.TenantID(tx.NextID())
		if err := putTenant(tx, &t); err != nil {
			return err
		}
		return putClaim(tx, claimDoc{domain, t.ID, want.Domain.Unverified})
	})
	return t, err
}

// begun finds the contract that claims a domain under a company's name. NotFound where nobody claims it, Conflict
// "domain.taken" where another company does.
func begun(r store.Reader, name, domain string) (Tenant, error) {
	o, err := r.ObjectByKey(domainKey(domain))
	if err != nil {
		return Tenant{}, err
	}
	var doc claimDoc
	if err := read(o, &doc); err != nil {
		return Tenant{}, err
	}
	if o, err = r.Object(kindTenant, mail.ObjectID(doc.Tenant)); err != nil {
		return Tenant{}, mail.Because("directory.begun", mail.Other, "directory.document", err)
	}
	t, err := tenantOf(o)
	if err == nil && !strings.EqualFold(t.Name, name) {
		err = mail.E("directory.begun", mail.Conflict, "domain.taken", domain)
	}
	return t, err
}

// furnish makes the domain and the owner, or what of them is missing.
func (d *Directory) furnish(ctx context.Context, by mail.Actor, want Opening, out *Opened) (err error) {
	c := d.Company(out.Tenant.ID)
	out.Domain, err = c.AddDomain(ctx, by, want.Domain)
	if key, _ := mail.TextOf(err); key == "domain.exists" {
		out.Domain, err = c.Domain(ctx, want.Domain.Name)
	}
	if err != nil {
		return err
	}
	out.Password = want.Owner.Password
	out.Owner, err = c.AddAccount(ctx, by, want.Owner)
	if key, _ := mail.TextOf(err); key != "address.taken" {
		return err
	}
	// It was made before a crash, with a password that nobody was told.
	if out.Owner, err = c.Find(ctx, want.Owner.Address); err == nil {
		out.Password, err = c.ResetPassword(ctx, by, out.Owner.ID, want.Owner.Password)
	}
	return err
}

// opened reads what an earlier call made.
func (d *Directory) opened(ctx context.Context, want Opening, domain string, out *Opened) (err error) {
	c := d.Company(out.Tenant.ID)
	if out.Domain, err = c.Domain(ctx, domain); err == nil {
		out.Owner, err = c.Find(ctx, want.Owner.Address)
	}
	return err
}
