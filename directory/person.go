package directory

import (
	"context"
	"strings"
	"time"

	"tegami/mail"
)

// A person is a holder as it is now: an account that may act, or an operator.
type person struct {
	holder
	contract *contract // nil for operators
	account  Account   // zero for operators
	name     string    // the account's address, or the operator's name
	lang     string
	serial   uint64 // of the password
	must     bool   // the password must be changed
	cred     credentialDoc
	// credential is what cred was read from; nil where there is none.
	credential *credential
	operator   *operatorEntry // nil for accounts
}

// person finds a holder by the name it signed in with. Denied when it may not act any more, with the answers of Current.
func (d *Directory) person(ctx context.Context, h holder, name string) (*person, error) {
	const op = "directory.person"
	if h.tenant.IsZero() {
		e, err := d.loadOperator(ctx, mail.AccountID(h.id))
		if mail.Is(err, mail.NotFound) {
			return nil, noSession(op)
		}
		if err != nil {
			return nil, err
		}
		return operatorPerson(op, e)
	}
	c, err := d.contract(ctx, h.tenant)
	if mail.Is(err, mail.NotFound) {
		return nil, noSession(op)
	}
	if err != nil {
		return nil, err
	}
	addr, err := mail.ParseAddress(name)
	if err != nil {
		return nil, noSession(op)
	}
	e, err := d.entry(ctx, c, addr)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return nil, err
	}
	if err != nil || mail.ObjectID(e.target.Account.ID) != h.id {
		return nil, noSession(op)
	}
	p := personOf(c, e)
	if err := c.Usable(op, time.Now()); err != nil {
		return nil, err
	}
	if p.account.State != AccountActive {
		return nil, mail.E(op, mail.Denied, "account.suspended")
	}
	return p, nil
}

// personOf is the person of an account.
func personOf(c *contract, e *entry) *person {
	a := e.target.Account
	cred := e.credential.docOrNone()
	return &person{
		holder: holder{c.ID, mail.ObjectID(a.ID)}, contract: c, account: a, name: a.Address.String(), lang: a.Lang,
		serial: cred.Serial, must: a.MustChange, cred: cred, credential: e.credential,
	}
}

// operatorPerson is the person of an operator. Denied "account.suspended".
func operatorPerson(op mail.Op, e *operatorEntry) (*person, error) {
	if e.State != AccountActive {
		return nil, mail.E(op, mail.Denied, "account.suspended")
	}
	cred := e.credential.docOrNone()
	return &person{holder: holder{id: mail.ObjectID(e.ID)}, name: e.Name, lang: e.Lang, serial: cred.Serial, cred: cred, credential: e.credential, operator: e}, nil
}

// administers tells whether the person has a role.
func (p *person) administers() bool { return p.operator != nil || len(p.account.Grants) > 0 }

// actor is under what the person writes.
func (p *person) actor(o mail.Origin) mail.Actor {
	if p.operator != nil {
		return p.operator.actor(o)
	}
	return actorOf(&p.account, o)
}

// actorOf is under what an account writes: as an administrator where it owns the company.
func actorOf(a *Account, o mail.Origin) mail.Actor {
	role := mail.User
	if owns(a.Grants) {
		role = mail.Admin
	}
	return mail.MintActor(role, a.Tenant, a.ID, a.Address.String(), o)
}

// caller is the person at the control API.
func (p *person) caller(o mail.Origin, session mail.ObjectID) *Caller {
	if p.operator != nil {
		c := p.operator.caller(o)
		c.session = session
		return c
	}
	who := &Identity{p.actor(o), p.account, proof{serial: p.serial}}
	return &Caller{actor: who.actor, tenant: p.tenant, identity: who, grants: p.account.Grants, lang: p.lang, session: session}
}

// validUTF8 replaces what is no UTF-8.
func validUTF8(text string) string { return strings.ToValidUTF8(text, "�") }
