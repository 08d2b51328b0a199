package directory

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// A holder is somebody who signs in to the pages: an account of a tenant, or an operator, whose tenant is zero and whose
// belongings are the platform's.
type holder struct {
	tenant mail.TenantID
	id     mail.ObjectID
}

// Kinds of what a holder has one of. Accounts take theirs along when they go.
const (
	kindSessions = "web-sessions"
	kindFactors  = "factors"
	kindSignIns  = "sign-ins"
)

// holderKey is under what something of a holder's is found.
func holderKey(kind string, h holder) store.Key { return store.Key{Name: kind, Value: h.id.String()} }

// storeOf is where a holder's belongings are.
func (d *Directory) storeOf(h holder) store.Tenant {
	if h.tenant.IsZero() {
		return d.platform
	}
	return d.store.Tenant(h.tenant)
}

// readHeld reads what a holder has of a kind into doc, and leaves doc alone where there is nothing. The object is ready to be put.
func readHeld(r store.Reader, h holder, kind string, doc any) (store.Object, error) {
	return readKept(r, h, kind, holderKey(kind, h), doc)
}

func readKept(r store.Reader, h holder, kind string, key store.Key, doc any) (o store.Object, err error) {
	o, err = r.ObjectByKey(key)
	switch {
	case mail.Is(err, mail.NotFound):
		o, err = store.Object{Kind: kind, Unique: []store.Key{key}, Secret: true}, nil
		if !h.tenant.IsZero() {
			o.Marks = []store.Key{OfAccount(mail.AccountID(h.id))}
		}
	case err == nil:
		err = read(o, doc)
	}
	return o, err
}

// putHeld writes what readHeld read, quietly where nobody decided anything.
func putHeld(tx store.Tx, o store.Object, doc any, quiet bool) error {
	o.Quiet = quiet
	return put(tx, o, doc)
}

// viewHeld reads something of a holder's.
func (d *Directory) viewHeld(ctx context.Context, op mail.Op, h holder, kind string, doc any) error {
	err := d.storeOf(h).View(ctx, func(r store.Reader) error {
		_, err := readHeld(r, h, kind, doc)
		return err
	})
	return mail.Wrap(op, err)
}
