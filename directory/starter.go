package directory

import (
	"context"
	"net/netip"

	"tegami/mail"
	"tegami/store"
)

// Starter is who began work that goes on without him, as it is kept until that is done. It gives no rights by itself:
// CallerAgain looks up those he has by then.
type Starter struct {
	Role    mail.ActorRole `json:"role"`
	Account mail.AccountID `json:"account,omitempty"`
	Key     mail.ObjectID  `json:"key,omitempty"`
	Name    string         `json:"name"`
	Reason  string         `json:"reason,omitempty"` // why an operator acts inside the company
	Remote  netip.Addr     `json:"remote,omitzero"`
	Lang    string         `json:"lang,omitempty"`
}

// StarterOf is what is kept of a caller, with the reason his actor carries.
func StarterOf(c *Caller, by mail.Actor) Starter {
	return Starter{
		Role: by.Role(), Account: by.Account(), Key: by.Key(), Name: by.Name(), Reason: by.Reason(), Remote: by.Origin().Remote, Lang: c.lang,
	}
}

// Same tells whether the starter is who calls now.
func (s Starter) Same(by mail.Actor) bool {
	return s.Role == by.Role() && s.Account == by.Account() && s.Key == by.Key() && s.Name == by.Name()
}

// CallerAgain is who began work in a company, with the rights he has now. Denied "actor.denied" for who has gone, was
// suspended, or has no role any more.
func (d *Directory) CallerAgain(ctx context.Context, tenant mail.TenantID, s Starter) (*Caller, error) {
	const op = "directory.CallerAgain"
	from := mail.Origin{Door: "platform", Remote: s.Remote}
	switch {
	case s.Role == mail.Operator:
		return &Caller{actor: mail.MintActor(mail.Operator, 0, s.Account, s.Name, from).For(s.Reason), lang: s.Lang}, nil
	case s.Role != mail.Admin:
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	actor := mail.MintActor(mail.Admin, tenant, s.Account, s.Name, from)
	if !s.Key.IsZero() {
		actor = mail.MintKey(mail.Admin, tenant, s.Key, s.Name, from)
	}
	c := &Caller{actor: actor.For(s.Reason), tenant: tenant, lang: s.Lang}
	err := d.Company(tenant).view(ctx, op, func(r store.Reader) (err error) {
		if err := stillThere(r, actor, op); err != nil {
			return err
		}
		c.grants, err = grantsOf(r, actor)
		return err
	})
	return c, err
}
