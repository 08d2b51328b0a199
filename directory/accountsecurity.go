package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// personIn is an account of the company, whether or not it may act.
func (c *Company) personIn(ctx context.Context, id mail.AccountID) (*person, error) {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return nil, err
	}
	a, err := c.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	have, err := c.credentialOf(ctx, "directory.personIn", id)
	if err != nil {
		return nil, err
	}
	e := &entry{credential: have}
	e.target.Account = a
	return personOf(t, e), nil
}

// AccountSessions lists the sessions of an account in the pages, the last used first.
func (c *Company) AccountSessions(ctx context.Context, id mail.AccountID) ([]WebSession, error) {
	const op = "directory.AccountSessions"
	p, err := c.personIn(ctx, id)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return c.dir.sessionsOf(ctx, op, p, 0)
}

// EndAccountSession ends one session of an account in the pages, or all of them for id zero. For who may RightPasswords there. NotFound
// "session.unknown"; Denied "actor.outranked".
func (c *Company) EndAccountSession(ctx context.Context, by mail.Actor, account mail.AccountID, id mail.ObjectID) error {
	const op = "directory.EndAccountSession"
	h := holder{c.id, mail.ObjectID(account)}
	return c.change(ctx, by, op, RightPasswords, func(tx store.Tx) error {
		if err := c.permitHeld(tx, by, op, account); err != nil {
			return err
		}
		var doc sessionsDoc
		o, err := readHeld(tx, h, kindSessions, &doc)
		if err != nil {
			return err
		}
		if !id.IsZero() {
			i := doc.find(id)
			if i < 0 {
				return mail.E(op, mail.NotFound, "session.unknown", id.String())
			}
			doc.List = append(doc.List[:i:i], doc.List[i+1:]...)
			return putHeld(tx, o, doc, false)
		}
		return putHeld(tx, o, sessionsDoc{}, false)
	})
}

// permitHeld refuses an actor without RightPasswords on an account.
func (c *Company) permitHeld(r store.Reader, by mail.Actor, op mail.Op, id mail.AccountID) error {
	doc, _, err := readAccount(r, id)
	if err != nil {
		return err
	}
	return c.permitAccount(r, by, op, RightPasswords, &doc)
}

// MayEndSessions judges whether an actor may end an account's sessions at the doors for mail software, as EndAccountSession does for the pages.
func (c *Company) MayEndSessions(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.MayEndSessions"
	if err := c.check(ctx, by, op, RightPasswords); err != nil {
		return mail.Wrap(op, err)
	}
	return c.view(ctx, op, func(r store.Reader) error { return c.permitHeld(r, by, op, id) })
}

// AccountFactors tells what second factors an account has.
func (c *Company) AccountFactors(ctx context.Context, id mail.AccountID) (Factors, error) {
	const op = "directory.AccountFactors"
	p, err := c.personIn(ctx, id)
	if err != nil {
		return Factors{}, mail.Wrap(op, err)
	}
	return c.dir.factorsOf(ctx, op, p)
}

// RemoveFactors takes all second factors, recovery codes and trusted browsers of an account away, whose owner has lost his: the next sign-in
// sets up new ones, in a new time of grace. For who may RightPasswords there. NotFound "factor.none"; Denied "actor.outranked".
func (c *Company) RemoveFactors(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.RemoveFactors"
	return c.dir.changeFactors(ctx, by, op, holder{c.id, mail.ObjectID(id)}, func(_ store.Tx, f *factorsDoc) error {
		if !f.enrolled() && f.Pending == nil {
			return mail.E(op, mail.NotFound, "factor.none")
		}
		*f = factorsDoc{}
		return nil
	})
}

// AccountSignIns is the sign-in log of an account, the newest first.
func (c *Company) AccountSignIns(ctx context.Context, id mail.AccountID) ([]SignInEvent, error) {
	const op = "directory.AccountSignIns"
	if _, err := c.Account(ctx, id); err != nil {
		return nil, mail.Wrap(op, err)
	}
	return c.dir.signInsOf(ctx, op, holder{c.id, mail.ObjectID(id)})
}
