package ldap

import (
	"context"
	"encoding/json"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	Reach     Reach
}

// Service keeps the sources of all companies and reads them. Its methods may be called from many goroutines.
type Service struct {
	cfg Config
	now func() time.Time
}

// New makes the service.
func New(c Config) *Service { return &Service{c, time.Now} }

// Kinds of objects.
const (
	kindSource   = "ldap-source"
	kindPassword = "ldap-password"
	kindLinks    = "ldap-links"
	kindDue      = "ldap-due"
)

// sourceDoc is a source as stored.
type sourceDoc struct {
	Spec
	// Starter is who set it up: what the clock starts is done with the rights he has then.
	Starter directory.Starter `json:"starter"`
	Last    Last              `json:"last,omitzero"`
	Due     time.Time         `json:"due,omitzero"` // when the clock reads it next; zero = never
}

// passwordDoc is with what we sign in at a source.
type passwordDoc struct {
	Password string `json:"password"`
}

// link is an entry that became an account.
type link struct {
	Account   mail.AccountID `json:"account"`
	Suspended bool           `json:"suspended,omitempty"` // by us
}

// linksDoc are the links of a source, by the entries' keys.
type linksDoc struct {
	Links map[string]link `json:"links"`
}

func keyFor(kind string, source mail.ObjectID) store.Key {
	return store.Key{Name: kind, Value: source.String()}
}

func nameKey(name string) store.Key { return store.Key{Name: kindSource, Value: name} }

// put writes an object with its document.
func put(tx store.Tx, o store.Object, doc any) error {
	const op = "ldap.put"
	var err error
	if o.Doc, err = json.Marshal(doc); err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	_, err = tx.PutObject(o)
	if key, args := mail.TextOf(err); key == "key.taken" {
		return mail.E(op, mail.Conflict, "ldap.exists", args...)
	}
	return mail.Wrap(op, err)
}

// read gives the document of the object that holds a key, or leaves it as it is where there is none.
func read(r store.Reader, key store.Key, doc any) (o store.Object, err error) {
	o, err = r.ObjectByKey(key)
	if mail.Is(err, mail.NotFound) {
		return store.Object{Unique: []store.Key{key}}, nil
	}
	if err == nil {
		err = unmarshal(o, doc)
	}
	return o, err
}

func unmarshal(o store.Object, doc any) error {
	if err := json.Unmarshal(o.Doc, doc); err != nil {
		return mail.Because("ldap.read", mail.Other, "", err)
	}
	return nil
}

// readSource gives a source. NotFound "ldap.unknown".
func readSource(r store.Reader, id mail.ObjectID) (doc sourceDoc, o store.Object, err error) {
	o, err = r.Object(kindSource, id)
	if mail.Is(err, mail.NotFound) {
		return doc, o, mail.E("ldap.readSource", mail.NotFound, "ldap.unknown", id.String())
	}
	if err == nil {
		err = unmarshal(o, &doc)
	}
	return doc, o, err
}

func (d *sourceDoc) source(r store.Reader, o store.Object) (Source, error) {
	var p passwordDoc
	_, err := read(r, keyFor(kindPassword, o.ID), &p)
	return Source{ID: o.ID, Version: o.Version, Spec: d.Spec, HasPassword: p.Password != "", Last: d.Last}, err
}

// Sources lists a company's sources.
func (s *Service) Sources(ctx context.Context, tenant mail.TenantID) (all []Source, err error) {
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		all = nil
		objects, err := r.Objects(kindSource, store.Page{})
		for _, o := range objects {
			var doc sourceDoc
			if err := unmarshal(o, &doc); err != nil {
				return err
			}
			one, err := doc.source(r, o)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return err
	})
	return all, mail.Wrap("ldap.Sources", err)
}

// Source gives one. NotFound "ldap.unknown".
func (s *Service) Source(ctx context.Context, tenant mail.TenantID, id mail.ObjectID) (found Source, err error) {
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		doc, o, err := readSource(r, id)
		if err == nil {
			found, err = doc.source(r, o)
		}
		return err
	})
	return found, mail.Wrap("ldap.Source", err)
}

// Change is what becomes of a source.
type Change struct {
	Spec
	Version  uint64  // the one that was read; 0 = whatever stands
	Password *string // nil: as it was
}

// Add makes a source. For who may manage the accounts of the whole company. Conflict "ldap.exists"; Full "ldap.too_many_sources"; and
// what the parts of Spec must be.
func (s *Service) Add(ctx context.Context, caller *directory.Caller, by mail.Actor, tenant mail.TenantID, c Change) (Source, error) {
	return s.set(ctx, caller, by, tenant, 0, c)
}

// Set replaces what is said about a source. NotFound "ldap.unknown", Conflict "object.changed"; Invalid "ldap.password" where the password
// stays and the host, or who signs in, does not: nobody shall send a password elsewhere without knowing it. And the errors of Add.
func (s *Service) Set(ctx context.Context, caller *directory.Caller, by mail.Actor, tenant mail.TenantID, id mail.ObjectID, c Change) (Source, error) {
	if id.IsZero() {
		return Source{}, mail.E("ldap.Set", mail.NotFound, "ldap.unknown", "")
	}
	return s.set(ctx, caller, by, tenant, id, c)
}

func (s *Service) set(ctx context.Context, caller *directory.Caller, by mail.Actor, tenant mail.TenantID, id mail.ObjectID, c Change) (made Source, err error) {
	const op = "ldap.Set"
	spec, err := c.Spec.checked()
	if err != nil {
		return made, mail.Wrap(op, err)
	}
	doc := sourceDoc{Spec: spec, Starter: directory.StarterOf(caller, by)}
	doc.Due = doc.next(s.now())
	at := id
	err = s.update(ctx, by, tenant, op, func(tx store.Tx) error {
		o, err := s.place(tx, op, id, &doc, &c)
		if err != nil {
			return err
		}
		if err := put(tx, o, doc); err != nil {
			return err
		}
		at = o.ID
		if c.Password == nil {
			return nil
		}
		return putPassword(tx, o.ID, *c.Password)
	})
	if err != nil {
		return made, mail.Wrap(op, err)
	}
	if err := s.announce(ctx, by, tenant, at, spec.Every != Manual); err != nil {
		return made, mail.Wrap(op, err)
	}
	return s.Source(ctx, tenant, at)
}

// update writes for who may manage all accounts of the company.
func (s *Service) update(ctx context.Context, by mail.Actor, tenant mail.TenantID, op mail.Op, fn func(store.Tx) error) error {
	return s.cfg.Directory.Company(tenant).Together(ctx, by, op, directory.RightAccounts, func(_ *directory.Company, tx store.Tx) error {
		if err := directory.StillMay(tx, by, op, directory.RightAccounts); err != nil {
			return err
		}
		return fn(tx)
	})
}

// place is the object that a source is written to.
func (s *Service) place(tx store.Tx, op mail.Op, id mail.ObjectID, doc *sourceDoc, c *Change) (store.Object, error) {
	o := store.Object{Kind: kindSource, Unique: []store.Key{nameKey(doc.Name)}}
	if id.IsZero() {
		all, err := tx.Objects(kindSource, store.Page{})
		if err == nil && len(all) >= MaxSources {
			err = mail.E(op, mail.Full, "ldap.too_many_sources", MaxSources)
		}
		o.ID = mail.ObjectID(tx.NextID())
		return o, err
	}
	old, was, err := readSource(tx, id)
	switch {
	case err != nil:
		return o, err
	case c.Version != 0 && c.Version != was.Version:
		return o, mail.E(op, mail.Conflict, "object.changed")
	case c.Password == nil && (old.URL != doc.URL || old.BindDN != doc.BindDN || old.CA != doc.CA):
		return o, mail.E(op, mail.Invalid, "ldap.password")
	}
	doc.Last = old.Last
	o.ID, o.Version = id, was.Version
	return o, nil
}

// maxPassword is the length of a source's password in octets.
const maxPassword = 1024

func putPassword(tx store.Tx, source mail.ObjectID, password string) error {
	var was passwordDoc
	o, err := read(tx, keyFor(kindPassword, source), &was)
	if err == nil && len(password) > maxPassword {
		err = mail.E("ldap.putPassword", mail.Full, "password.too_long", maxPassword)
	}
	if err != nil {
		return err
	}
	if o.ID.IsZero() {
		o.ID = mail.ObjectID(tx.NextID())
	}
	o.Kind, o.Secret = kindPassword, true
	return put(tx, o, passwordDoc{password})
}

// Remove forgets a source. The accounts that came from it stay as they are. NotFound "ldap.unknown".
func (s *Service) Remove(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID) error {
	const op = "ldap.Remove"
	err := s.update(ctx, by, tenant, op, func(tx store.Tx) error {
		_, o, err := readSource(tx, id)
		if err != nil {
			return err
		}
		for _, kind := range []string{kindPassword, kindLinks} {
			with, err := tx.ObjectByKey(keyFor(kind, id))
			if err == nil {
				err = tx.DeleteObject(kind, with.ID, with.Version)
			}
			if err != nil && !mail.Is(err, mail.NotFound) {
				return err
			}
		}
		return tx.DeleteObject(kindSource, id, o.Version)
	})
	if err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, s.announce(ctx, by, tenant, id, false))
}

// Test connects to a source and tells how many people it would bring. Errors: Denied "ldap.unreachable", "ldap.bind"; Unavailable
// "ldap.no_answer", "ldap.tls", "ldap.search"; NotFound "ldap.no_base"; Full "ldap.too_many", "ldap.size_limit".
func (s *Service) Test(ctx context.Context, tenant mail.TenantID, id mail.ObjectID) (people int, err error) {
	const op = "ldap.Test"
	doc, password, _, err := s.load(ctx, tenant, id)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	all, err := s.cfg.Reach.fetch(ctx, &doc.Spec, password, func(int) {})
	return len(all), mail.Wrap(op, err)
}

// load reads all that is stored about a source.
func (s *Service) load(ctx context.Context, tenant mail.TenantID, id mail.ObjectID) (doc sourceDoc, password string, links map[string]link, err error) {
	var p passwordDoc
	var l linksDoc
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		if doc, _, err = readSource(r, id); err != nil {
			return err
		}
		if _, err := read(r, keyFor(kindPassword, id), &p); err != nil {
			return err
		}
		_, err = read(r, keyFor(kindLinks, id), &l)
		return err
	})
	return doc, p.Password, l.Links, err
}
