package directory

import (
	"context"
	"net/netip"
	"time"

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
	operator := s.Role == mail.Operator
	return operator == (by.Role() == mail.Operator) && s.Account == by.Account() && s.Key == by.Key() && s.Name == by.Name()
}

// CallerAgain is who began work in a company, with the rights he has now. Denied "actor.denied" for who has gone, was
// suspended, or has no role any more.
func (d *Directory) CallerAgain(ctx context.Context, tenant mail.TenantID, s Starter) (*Caller, error) {
	const op = "directory.CallerAgain"
	from := mail.Origin{Door: "platform", Remote: s.Remote}
	if s.Role == mail.Operator {
		return d.operatorAgain(ctx, s, from)
	}
	if s.Role != mail.Admin && s.Role != mail.User {
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	c := &Caller{tenant: tenant, lang: s.Lang}
	err := d.Company(tenant).view(ctx, op, func(r store.Reader) (err error) {
		if c.grants, err = grantsOf(r, s.actor(mail.User, tenant, from)); err != nil {
			return err
		}
		role := mail.User
		if owns(c.grants) {
			role = mail.Admin
		}
		c.actor = s.actor(role, tenant, from)
		return stillThere(r, c.actor, op)
	})
	return c, err
}

// actor is an account or a key of a company, in a role.
func (s Starter) actor(role mail.ActorRole, tenant mail.TenantID, from mail.Origin) mail.Actor {
	if !s.Key.IsZero() {
		return mail.MintKey(role, tenant, s.Key, s.Name, from).For(s.Reason)
	}
	return mail.MintActor(role, tenant, s.Account, s.Name, from).For(s.Reason)
}

// operatorAgain is an operator, or a key of the platform's, who may still change things. One whom the machine itself proved is
// taken at his word, as he was then.
func (d *Directory) operatorAgain(ctx context.Context, s Starter, from mail.Origin) (*Caller, error) {
	const op = "directory.operatorAgain"
	role := mail.Operator
	switch {
	case !s.Key.IsZero():
		err := d.platform.View(ctx, func(r store.Reader) error {
			doc, _, err := readKey(r, s.Key)
			if role = doc.Operator.actor(); mail.Is(err, mail.NotFound) || err == nil && doc.over(time.Now()) {
				err = mail.E(op, mail.Denied, "actor.denied")
			}
			return err
		})
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
	case !s.Account.IsZero():
		e, err := d.loadOperator(ctx, s.Account)
		if mail.Is(err, mail.NotFound) || err == nil && e.State != AccountActive {
			err = mail.E(op, mail.Denied, "actor.denied")
		}
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
		role = e.Role.actor()
	}
	if role != mail.Operator {
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	return &Caller{actor: s.actor(role, 0, from), lang: s.Lang}, nil
}
