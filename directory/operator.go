package directory

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// OperatorRole is what an operator may do.
type OperatorRole string

// Roles of operators.
const (
	OperatorFull     OperatorRole = "operator"           // runs the platform
	OperatorReadOnly OperatorRole = "operator-read-only" // sees what operators see, changes nothing
)

// OperatorRoles lists them.
func OperatorRoles() []OperatorRole { return []OperatorRole{OperatorFull, OperatorReadOnly} }

// actor is in what capacity who has the role acts.
func (r OperatorRole) actor() mail.ActorRole {
	if r == OperatorFull {
		return mail.Operator
	}
	return mail.Observer
}

// Gives tells whether operators of this role have a right.
func (r OperatorRole) Gives(right Right) bool {
	return (&Caller{actor: mail.MintActor(r.actor(), 0, 0, "", mail.Origin{})}).May(right)
}

// MaxOperatorName is the length of an operator's name.
const MaxOperatorName = 32

const kindOperator = "operator"

// OperatorAccount is somebody who runs the platform. He signs in with a name that is no address.
type OperatorAccount struct {
	ID      mail.AccountID // no company's account has it
	Version uint64
	Name    string
	Role    OperatorRole
	Lang    string
	State   AccountState
}

// OperatorSpec asks for an operator.
type OperatorSpec struct {
	Name     string // 1 to MaxOperatorName of a-z 0-9 . _ -
	Password string // "" = cannot sign in until one is set
	Role     OperatorRole
	Lang     string // "" = "ja"
}

// operatorDoc is an operator as stored on the platform. His credential stands beside it as that of an account does.
type operatorDoc struct {
	Name  string       `json:"name"`
	Role  OperatorRole `json:"role"`
	Lang  string       `json:"lang"`
	State AccountState `json:"state"`
}

func operatorKey(name string) store.Key { return store.Key{Name: "operator", Value: name} }

// operatorEntry is an operator with what his password is checked against.
type operatorEntry struct {
	OperatorAccount
	credential *credential // nil where he has none
}

func (d *operatorDoc) operator(o store.Object) OperatorAccount {
	return OperatorAccount{mail.AccountID(o.ID), o.Version, d.Name, d.Role, d.Lang, d.State}
}

// actor is the operator at work, from somewhere. What he writes in a company needs a reason (mail.Actor.For).
func (a *OperatorAccount) actor(o mail.Origin) mail.Actor {
	return mail.MintActor(a.Role.actor(), 0, a.ID, "operator:"+a.Name, o)
}

// caller is the operator with the panel or the API.
func (a *OperatorAccount) caller(o mail.Origin) *Caller {
	return &Caller{actor: a.actor(o), lang: a.Lang}
}

// findOperator gives an operator for sign-in. NotFound "operator.unknown".
func (d *Directory) findOperator(ctx context.Context, name string) (*operatorEntry, error) {
	return d.operatorEntry(ctx, func(r store.Reader) (store.Object, error) {
		return r.ObjectByKey(operatorKey(strings.ToLower(name)))
	})
}

// loadOperator gives an operator for a session of his. NotFound "operator.unknown".
func (d *Directory) loadOperator(ctx context.Context, id mail.AccountID) (*operatorEntry, error) {
	return d.operatorEntry(ctx, func(r store.Reader) (store.Object, error) { return r.Object(kindOperator, mail.ObjectID(id)) })
}

func (d *Directory) operatorEntry(ctx context.Context, find func(store.Reader) (store.Object, error)) (*operatorEntry, error) {
	const op = "directory.operatorEntry"
	e := &operatorEntry{}
	err := d.platform.View(ctx, func(r store.Reader) error {
		o, err := find(r)
		if mail.Is(err, mail.NotFound) {
			return mail.E(op, mail.NotFound, "operator.unknown")
		}
		var doc operatorDoc
		if err == nil {
			err = read(o, &doc)
		}
		if err != nil {
			return err
		}
		e.OperatorAccount = doc.operator(o)
		e.credential, err = readCredential(r, e.ID)
		return err
	})
	return e, mail.Wrap(op, err)
}

// Operators lists who runs the platform, by name.
func (d *Directory) Operators(ctx context.Context) (list []OperatorAccount, err error) {
	err = d.platform.View(ctx, func(r store.Reader) error {
		list = nil
		return each(r, kindOperator, func(o store.Object) error {
			var doc operatorDoc
			err := read(o, &doc)
			list = append(list, doc.operator(o))
			return err
		})
	})
	slices.SortFunc(list, func(a, b OperatorAccount) int { return strings.Compare(a.Name, b.Name) })
	return list, mail.Wrap("directory.Operators", err)
}

// operate writes to the platform. Full operators only.
func (d *Directory) operate(ctx context.Context, by mail.Actor, op mail.Op, fn func(store.Tx) error) error {
	if by.Role() != mail.Operator {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	err := d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		if err := operatorStands(tx, by, op); err != nil {
			return err
		}
		return fn(tx)
	})
	return mail.Wrap(op, err)
}

// operatorStands refuses an operator who is one no more. The machine itself has neither account nor key.
func operatorStands(r store.Reader, by mail.Actor, op mail.Op) error {
	var err error
	gone := false
	switch {
	case !by.Key().IsZero():
		_, _, err = readKey(r, by.Key())
	case !by.Account().IsZero():
		var doc operatorDoc
		doc, _, err = readOperator(r, by.Account())
		gone = doc.State != AccountActive || doc.Role != OperatorFull
	}
	if mail.Is(err, mail.NotFound) || err == nil && gone {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return err
}

// readOperator gives an operator's document. NotFound "operator.unknown".
func readOperator(r store.Reader, id mail.AccountID) (doc operatorDoc, o store.Object, err error) {
	o, err = r.Object(kindOperator, mail.ObjectID(id))
	if mail.Is(err, mail.NotFound) {
		return doc, o, mail.E("directory.readOperator", mail.NotFound, "operator.unknown")
	}
	if err == nil {
		err = read(o, &doc)
	}
	return doc, o, err
}

// AddOperator makes an operator. Operators only. Conflict "operator.taken"; Invalid "operator.name", "role.unknown",
// "lang.unknown", and what a password is refused for.
func (d *Directory) AddOperator(ctx context.Context, by mail.Actor, spec OperatorSpec) (OperatorAccount, error) {
	const op = "directory.AddOperator"
	doc := operatorDoc{Name: strings.ToLower(spec.Name), Role: spec.Role, Lang: spec.Lang, State: AccountActive}
	if doc.Lang == "" {
		doc.Lang = "ja"
	}
	if err := doc.check(op); err != nil {
		return OperatorAccount{}, err
	}
	var secret *credentialDoc
	if spec.Password != "" {
		err := d.judgePassword(ctx, by, 0, spec.Password, nil, doc.Name)
		if err != nil {
			return OperatorAccount{}, mail.Wrap(op, err)
		}
		if secret, err = d.newCredential(ctx, by, spec.Password, true, credentialDoc{}); err != nil {
			return OperatorAccount{}, mail.Wrap(op, err)
		}
	}
	o := store.Object{Kind: kindOperator, Unique: []store.Key{operatorKey(doc.Name)}}
	err := d.operate(ctx, by, op, func(tx store.Tx) error {
		o.ID = mail.ObjectID(tx.NextID())
		if err := taken(put(tx, o, doc), "operator.taken"); err != nil || secret == nil {
			return err
		}
		return putCredential(tx, mail.AccountID(o.ID), nil, secret)
	})
	o.Version = 1
	return doc.operator(o), err
}

// check refuses what is no operator. The name has no @: that is what tells operators from accounts at sign-in.
func (d *operatorDoc) check(op mail.Op) error {
	bad := strings.ContainsFunc(d.Name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	})
	switch {
	case bad || d.Name == "" || len(d.Name) > MaxOperatorName:
		return mail.E(op, mail.Invalid, "operator.name", MaxOperatorName)
	case !slices.Contains(OperatorRoles(), d.Role):
		return mail.E(op, mail.Invalid, "role.unknown", string(d.Role))
	case d.State != AccountActive && d.State != AccountSuspended:
		return mail.E(op, mail.Invalid, "account.state", string(d.State))
	}
	return checkLang(op, d.Lang)
}

// OperatorChange is what becomes different about an operator; what is nil stays.
type OperatorChange struct {
	Version uint64 // that is meant; 0 = whichever stands there
	Role    *OperatorRole
	Lang    *string
	State   *AccountState
}

// ChangeOperator changes an operator. Operators only. Conflict "operator.last" where no active full operator would be left, unless
// by the machine itself; NotFound "operator.unknown"; Invalid as AddOperator.
func (d *Directory) ChangeOperator(ctx context.Context, by mail.Actor, id mail.AccountID, change OperatorChange) (made OperatorAccount, err error) {
	const op = "directory.ChangeOperator"
	err = d.operate(ctx, by, op, func(tx store.Tx) error {
		doc, o, err := readOperator(tx, id)
		if err != nil {
			return err
		}
		if change.Version != 0 {
			o.Version = change.Version
		}
		set(&doc.Role, change.Role)
		set(&doc.Lang, change.Lang)
		set(&doc.State, change.State)
		if err := doc.check(op); err != nil {
			return err
		}
		if doc.Role != OperatorFull || doc.State != AccountActive {
			if err := operatorLeft(tx, by, op, id); err != nil {
				return err
			}
		}
		if err := put(tx, o, doc); err != nil {
			return err
		}
		o.Version++
		made = doc.operator(o)
		return nil
	})
	return made, err
}

// set replaces a value where another one is given.
func set[T any](at *T, with *T) {
	if with != nil {
		*at = *with
	}
}

// operatorLeft refuses to take the last active full operator but id away, unless by the machine itself.
func operatorLeft(r store.Reader, by mail.Actor, op mail.Op, id mail.AccountID) error {
	if by.Account().IsZero() && by.Key().IsZero() {
		return nil
	}
	others := false
	err := each(r, kindOperator, func(o store.Object) error {
		var doc operatorDoc
		err := read(o, &doc)
		others = others || mail.AccountID(o.ID) != id && doc.Role == OperatorFull && doc.State == AccountActive
		return err
	})
	if err == nil && !others {
		err = mail.E(op, mail.Conflict, "operator.last")
	}
	return err
}

// RemoveOperator removes an operator with his credential. Operators only. Conflict "operator.last"; NotFound "operator.unknown".
func (d *Directory) RemoveOperator(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.RemoveOperator"
	return d.operate(ctx, by, op, func(tx store.Tx) error {
		_, o, err := readOperator(tx, id)
		if err == nil {
			err = operatorLeft(tx, by, op, id)
		}
		if err == nil {
			err = dropCredential(tx, id)
		}
		if err == nil {
			err = tx.DropMemos(id)
		}
		if err != nil {
			return err
		}
		return tx.DeleteObject(kindOperator, o.ID, o.Version)
	})
}

// SetOperatorPassword sets an operator's password, which ends sessions that were signed in with the one before. Operators
// only, and operators who only look for themselves. Invalid "password.too_short", "password.malformed"; Full "password.too_long".
func (d *Directory) SetOperatorPassword(ctx context.Context, by mail.Actor, id mail.AccountID, password string) error {
	const op = "directory.SetOperatorPassword"
	if by.Role() != mail.Operator && !(by.Role() == mail.Observer && by.Account() == id) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	e, err := d.loadOperator(ctx, id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	have := e.credential.docOrNone()
	if err := d.judgePassword(ctx, by, 0, password, &have, e.Name); err != nil {
		return mail.Wrap(op, err)
	}
	doc, err := d.newCredential(ctx, by, password, true, e.credential.docOrNone())
	if err != nil {
		return mail.Wrap(op, err)
	}
	err = d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		if by.Account() != id {
			if err := operatorStands(tx, by, op); err != nil {
				return err
			}
		}
		if _, _, err := readOperator(tx, id); err != nil {
			return err
		}
		return putCredential(tx, id, e.credential, doc)
	})
	return mail.Wrap(op, err)
}

// AddOperatorKey makes an API key of the platform. Operators only. The text is given once and kept nowhere. Errors as Company.AddKey.
func (d *Directory) AddOperatorKey(ctx context.Context, by mail.Actor, spec KeySpec) (Key, string, error) {
	const op = "directory.AddOperatorKey"
	doc, secret, err := newKey(op, by, spec)
	if err == nil && !slices.Contains(OperatorRoles(), spec.Operator) {
		err = mail.E(op, mail.Invalid, "role.unknown", string(spec.Operator))
	}
	if err != nil {
		return Key{}, "", err
	}
	doc.Operator = spec.Operator
	var o store.Object
	err = d.operate(ctx, by, op, func(tx store.Tx) error {
		o, err = addKey(tx, op, doc)
		return err
	})
	if err != nil {
		return Key{}, "", err
	}
	return doc.key(o), keyText(0, o.ID, secret), nil
}

// OperatorKeys lists the API keys of the platform, the oldest first.
func (d *Directory) OperatorKeys(ctx context.Context) (list []Key, err error) {
	err = d.platform.View(ctx, func(r store.Reader) error {
		list, err = keysIn(r)
		return err
	})
	return list, mail.Wrap("directory.OperatorKeys", err)
}

// RevokeOperatorKey takes an API key of the platform back. Operators only. NotFound "key.unknown".
func (d *Directory) RevokeOperatorKey(ctx context.Context, by mail.Actor, id mail.ObjectID) error {
	return d.operate(ctx, by, "directory.RevokeOperatorKey", func(tx store.Tx) error {
		_, o, err := readKey(tx, id)
		if err != nil {
			return err
		}
		return dropKey(tx, o)
	})
}
