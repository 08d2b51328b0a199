package directory

import (
	"context"
	"strings"

	"tegami/mail"
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
