package directory

import (
	"encoding/json"

	"tegami/mail"
	"tegami/store"
)

// Kinds of objects.
const (
	kindTenant     = "tenant"
	kindDomain     = "domain"
	kindAccount    = "account"
	kindCredential = "credential"
	kindList       = "list"
	kindMember     = "member"
	kindSettings   = "settings"
	kindSecrets    = "secrets"
	kindApp        = "app-password"
	kindSerial     = "serial"
	kindContract   = "contract"
	kindLogo       = "logo"
	kindFilter     = "mail-filter"
	kindSenders    = "senders"
)

// addressKey is under what an address is found, whoever holds it.
func addressKey(a mail.Address) store.Key { return store.Key{Name: "address", Value: a.Key()} }

// domainKey is under what a domain is found, on the platform and in its tenant.
func domainKey(name string) store.Key { return store.Key{Name: "domain", Value: name} }

// inDomain marks the accounts of a domain.
func inDomain(id mail.DomainID) store.Key { return store.Key{Name: "domain", Value: id.String()} }

// hasRole marks the accounts with a role.
func hasRole(r Role) store.Key { return store.Key{Name: "role", Value: string(r)} }

// credentialKey is under what an account's credential is found.
func credentialKey(id mail.AccountID) store.Key {
	return store.Key{Name: "credential", Value: id.String()}
}

// put writes an object with its document. One without an id is new, and gets one.
func put(tx store.Tx, o store.Object, doc any) error {
	const op = "directory.put"
	if o.ID.IsZero() {
		o.ID = mail.ObjectID(tx.NextID())
	}
	var err error
	if o.Doc, err = json.Marshal(doc); err != nil {
		return mail.Because(op, mail.Other, "directory.document", err)
	}
	_, err = tx.PutObject(o)
	return mail.Wrap(op, err)
}

// read takes an object's document apart.
func read(o store.Object, doc any) error {
	if err := json.Unmarshal(o.Doc, doc); err != nil {
		return mail.Because("directory.read", mail.Other, "directory.document", err)
	}
	return nil
}

// each calls fn for every object of a kind, in portions.
func each(r store.Reader, kind string, fn func(store.Object) error) error {
	return pages(func(p store.Page) ([]store.Object, error) { return r.Objects(kind, p) }, fn)
}

// eachMarked is each for the objects with a mark.
func eachMarked(r store.Reader, kind string, mark store.Key, fn func(store.Object) error) error {
	return pages(func(p store.Page) ([]store.Object, error) { return r.Marked(kind, mark, p) }, fn)
}

func pages(list func(store.Page) ([]store.Object, error), fn func(store.Object) error) error {
	var p store.Page
	for {
		objects, err := list(p)
		if err != nil {
			return mail.Wrap("directory.pages", err)
		}
		for _, o := range objects {
			if err := fn(o); err != nil {
				return err
			}
			p.After = o.ID
		}
		if len(objects) < store.MaxPage {
			return nil
		}
	}
}
