package domains

import (
	"encoding/json"

	"tegami/mail"
	"tegami/store"
)

// Kinds of objects. Each is found by a unique key of its own name.
const (
	kindKeys     = "dkim"
	kindSTS      = "sts"
	kindHost     = "smarthost"
	kindPassword = "smarthost-password"
)

// find reads the object of a kind that belongs to a domain into doc, and gives its id and version; zero and false where there is none.
func find(r store.Reader, kind, domain string, doc any) (o store.Object, found bool, err error) {
	o, err = r.ObjectByKey(store.Key{Name: kind, Value: domain})
	if mail.Is(err, mail.NotFound) {
		return store.Object{}, false, nil
	}
	if err != nil {
		return store.Object{}, false, err
	}
	return o, true, decode(o, doc)
}

// decode takes an object's document apart.
func decode(o store.Object, doc any) error {
	if err := json.Unmarshal(o.Doc, doc); err != nil {
		return mail.Because("domains.decode", mail.Other, "directory.document", err)
	}
	return nil
}

// save writes the object of a kind that belongs to a domain, in place of the one there may be. It gives the new version.
func save(tx store.Tx, kind, domain string, secret bool, doc any) (uint64, error) {
	const op = "domains.save"
	key := store.Key{Name: kind, Value: domain}
	have, err := tx.ObjectByKey(key)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return 0, err
	}
	o := store.Object{Kind: kind, ID: have.ID, Version: have.Version, Unique: []store.Key{key}, Secret: secret}
	if o.Version == 0 {
		o.ID = mail.ObjectID(tx.NextID())
	}
	if o.Doc, err = json.Marshal(doc); err != nil {
		return 0, mail.Because(op, mail.Other, "directory.document", err)
	}
	version, err := tx.PutObject(o)
	return version, mail.Wrap(op, err)
}

// drop removes the object of a kind that belongs to a domain, and tells whether there was one.
func drop(tx store.Tx, kind, domain string) (bool, error) {
	o, err := tx.ObjectByKey(store.Key{Name: kind, Value: domain})
	if mail.Is(err, mail.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, tx.DeleteObject(kind, o.ID, o.Version)
}
