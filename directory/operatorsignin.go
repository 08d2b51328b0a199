package directory

import (
	"context"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// operatorPassword checks an operator's name and password, with the answers and the lock of SignIn.
func (d *Directory) operatorPassword(ctx context.Context, b Browser, name, password string) (*person, error) {
	const op = "directory.operatorPassword"
	l := &login{dir: d, origin: b.Origin, protocol: "web", name: strings.ToLower(name), agent: b.Agent}
	l.counter = d.lockCounter(b.Origin.Remote, l.name)
	if err := d.checkLock(ctx, l.counter); err != nil {
		return nil, err
	}
	found, err := d.findOperator(ctx, name)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return nil, err
	}
	var e *entry
	if err == nil {
		e = &entry{credential: found.credential}
		e.target.Account.ID = found.ID
		l.holder = holder{id: mail.ObjectID(found.ID)}
	}
	right, err := d.verify(ctx, e, password)
	if err != nil {
		return nil, err
	}
	if err := d.checkLock(ctx, l.counter); err != nil {
		return nil, err
	}
	if right == nil || e == nil {
		return nil, l.failed(ctx)
	}
	p, err := operatorPerson(op, found)
	if err != nil {
		return nil, err
	}
	return p, d.admitted(ctx, b.Origin, 0, DoorWeb, DoorPanel)
}

// setOperatorPassword is SetOperatorPassword for who signs in.
func (d *Directory) setOperatorPassword(ctx context.Context, p *person, o mail.Origin, password string) error {
	return d.SetOperatorPassword(ctx, p.actor(o), p.operator.ID, password)
}

// PlatformSecurity is the policy for operators.
func (d *Directory) PlatformSecurity(ctx context.Context) (s Security, err error) {
	err = d.platform.View(ctx, func(r store.Reader) error {
		doc, o, err := readSecurity(r)
		s = securityOf(doc, o, time.Now())
		return err
	})
	return s, mail.Wrap("directory.PlatformSecurity", err)
}

// SetPlatformSecurity replaces the policy for operators. Operators only. Errors as Company.SetSecurity; access rules that would keep the
// one out who sets them are Invalid "access.yourself": at the machine itself they can be set.
func (d *Directory) SetPlatformSecurity(ctx context.Context, by mail.Actor, s SecurityPolicy, version uint64) (made Security, err error) {
	const op = "directory.SetPlatformSecurity"
	if err := s.check(op, by); err != nil {
		return made, err
	}
	if o := by.Origin(); o.Remote.IsValid() && !s.Access.admits(DoorPanel, o) {
		return made, mail.E(op, mail.Invalid, "access.yourself", o.Remote.String())
	}
	err = d.operate(ctx, by, op, func(tx store.Tx) error {
		made, err = putSecurity(tx, by, op, s, version)
		return err
	})
	return made, err
}

// RemoveOperatorFactors takes all second factors of an operator away, who has lost his. Operators only. NotFound "factor.none",
// "operator.unknown".
func (d *Directory) RemoveOperatorFactors(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.RemoveOperatorFactors"
	return d.operate(ctx, by, op, func(tx store.Tx) error {
		if _, _, err := readOperator(tx, id); err != nil {
			return err
		}
		var f factorsDoc
		o, err := readHeld(tx, holder{id: mail.ObjectID(id)}, kindFactors, &f)
		if err != nil {
			return err
		}
		if !f.enrolled() {
			return mail.E(op, mail.NotFound, "factor.none")
		}
		return putHeld(tx, o, factorsDoc{}, false)
	})
}
