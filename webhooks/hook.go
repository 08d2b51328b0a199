// Package webhooks tells companies' own programs what happened: an account was made, a list changed, a box is nearly full. Each
// event is an HTTPS request to a URL of the company's, signed as Standard Webhooks 1.0 says.
//
// Events are read from the operation log by a cursor, so none is lost, and none is told before it is committed. A
// delivery that fails is tried again for a day, in order; then the webhook is switched off, and its company is told. A receiver
// may hear an event twice, under the same webhook-id.
//
// # What is stored where
//
//	tenant  "webhook"         URL, events, and whether it is on; in the operation log
//	tenant  "webhook-secret"  what signs; secret, unique {"webhook-secret", webhook}
//	tenant  "webhook-state"   the cursor, the next try and the last deliveries; written quietly, unique {"webhook-state", webhook}
package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Limits of webhooks.
const (
	// MaxHooks is how many a company has.
	MaxHooks = 10
	// MaxURL is the length of a URL in octets.
	MaxURL = 500
	// MaxName is the length of a name in octets.
	MaxName = 200
	// MaxDeliveries is how many of the last deliveries are kept for looking.
	MaxDeliveries = 50
	// secretSize is the length of a secret in octets; Standard Webhooks asks for 24 to 64.
	secretSize = 32
)

// secretPrefix begins a secret as people hold it (Standard Webhooks).
const secretPrefix = "whsec_"

// Kinds of objects.
const (
	kindHook   = "webhook"
	kindSecret = "webhook-secret"
	kindState  = "webhook-state"
)

// Hook is a URL that hears of events.
type Hook struct {
	ID      mail.ObjectID
	Version uint64
	Name    string
	URL     string
	Events  []string // types; "*" = all
	Active  bool
	Off     string // why it was switched off by itself, as a key of the catalogue; "" = it was not
	Maker   string
	Created time.Time
}

// Spec asks for a webhook, or for a change of one.
type Spec struct {
	Name   string
	URL    string
	Events []string
	Active bool
}

// hookDoc is a webhook as stored.
type hookDoc struct {
	Name   string   `json:"name"`
	URL    string   `json:"url"`
	Events []string `json:"events"`
	Active bool     `json:"active"`
	Off    string   `json:"off,omitempty"`
	Maker  string   `json:"maker"`
}

// secretDoc is what signs.
type secretDoc struct {
	Key []byte `json:"key"`
}

// Delivery is one attempt to tell of an event.
type Delivery struct {
	At     time.Time     `json:"at"`
	ID     string        `json:"id"` // webhook-id
	Type   string        `json:"type"`
	Status int           `json:"status,omitempty"` // of the answer; 0 = there was none
	Took   time.Duration `json:"took"`
	Error  string        `json:"error,omitempty"` // a key of the catalogue
	Try    int           `json:"try"`             // from 1
}

// Good tells whether the receiver took it.
func (d Delivery) Good() bool { return d.Error == "" }

// stateDoc is how far a webhook has come.
type stateDoc struct {
	Seq   uint64     `json:"seq"` // the last line of the log that was told or passed over
	Tries int        `json:"tries,omitempty"`
	Since time.Time  `json:"since,omitzero"` // the first failure of the event that waits
	Next  time.Time  `json:"next,omitzero"`  // the next try
	Last  []Delivery `json:"last,omitempty"` // the newest first
}

func secretKey(id mail.ObjectID) store.Key {
	return store.Key{Name: kindSecret, Value: id.String()}
}

func stateKey(id mail.ObjectID) store.Key { return store.Key{Name: kindState, Value: id.String()} }

// hook is a webhook of its object.
func hook(o store.Object) (h Hook, err error) {
	var doc hookDoc
	if err := json.Unmarshal(o.Doc, &doc); err != nil {
		return h, mail.Because("webhooks.hook", mail.Other, "directory.document", err)
	}
	return Hook{o.ID, o.Version, doc.Name, doc.URL, doc.Events, doc.Active, doc.Off, doc.Maker, o.ID.Time()}, nil
}

func put(tx store.Tx, o store.Object, doc any) (uint64, error) {
	const op = "webhooks.put"
	var err error
	if o.Doc, err = json.Marshal(doc); err != nil {
		return 0, mail.Because(op, mail.Other, "directory.document", err)
	}
	version, err := tx.PutObject(o)
	return version, mail.Wrap(op, err)
}

// checked judges a Spec. Invalid "webhook.url", "webhook.name", "webhook.events".
func checked(op mail.Op, s Spec) (Spec, error) {
	s.Name = strings.TrimSpace(s.Name)
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(s.URL) > MaxURL:
		return s, mail.E(op, mail.Invalid, "webhook.url", MaxURL)
	case len(s.Name) > MaxName || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return s, mail.E(op, mail.Invalid, "webhook.name", MaxName)
	case len(s.Events) == 0 || len(s.Events) > len(Types())+1:
		return s, mail.E(op, mail.Invalid, "webhook.events", "")
	}
	for _, e := range s.Events {
		if e != "*" && !slices.Contains(Types(), e) {
			return s, mail.E(op, mail.Invalid, "webhook.events", e)
		}
	}
	s.Events = slices.Compact(slices.Sorted(slices.Values(s.Events)))
	return s, nil
}

// Add makes a webhook and gives its secret, which is never shown again. It hears of what happens from now on. For who may appoint
// (directory.RightRoles). Invalid as said at checked; Full "webhook.too_many".
func (s *Service) Add(ctx context.Context, by mail.Actor, tenant mail.TenantID, spec Spec) (h Hook, secret string, err error) {
	const op = "webhooks.Add"
	if spec, err = checked(op, spec); err != nil {
		return h, "", err
	}
	key := newKey()
	err = s.dir.Company(tenant).Together(ctx, by, op, directory.RightRoles, func(_ *directory.Company, tx store.Tx) error {
		have, err := tx.Objects(kindHook, store.Page{})
		if err == nil && len(have) >= MaxHooks {
			err = mail.E(op, mail.Full, "webhook.too_many", MaxHooks)
		}
		if err != nil {
			return err
		}
		last, err := lastSeq(tx)
		if err != nil {
			return err
		}
		o := store.Object{Kind: kindHook, ID: mail.ObjectID(tx.NextID())}
		doc := hookDoc{Name: spec.Name, URL: spec.URL, Events: spec.Events, Active: true, Maker: by.Name()}
		if o.Version, err = put(tx, o, doc); err != nil {
			return err
		}
		if _, err = put(tx, store.Object{Kind: kindSecret, ID: mail.ObjectID(tx.NextID()), Secret: true, Unique: []store.Key{secretKey(o.ID)}}, secretDoc{key}); err != nil {
			return err
		}
		h = Hook{o.ID, o.Version, doc.Name, doc.URL, doc.Events, true, "", doc.Maker, o.ID.Time()}
		state := store.Object{Kind: kindState, ID: mail.ObjectID(tx.NextID()), Quiet: true, Unique: []store.Key{stateKey(o.ID)}}
		_, err = put(tx, state, stateDoc{Seq: last})
		return err
	})
	return h, secretText(key), mail.Wrap(op, err)
}

func newKey() []byte {
	key := make([]byte, secretSize)
	rand.Read(key)
	return key
}

func secretText(key []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// lastSeq is the number of the newest line of the operation log; 0 before the first.
func lastSeq(r store.Reader) (uint64, error) {
	acts, err := r.ActsBack(store.ActQuery{Limit: 1})
	if err != nil || len(acts) == 0 {
		return 0, err
	}
	return acts[0].Seq, nil
}

// read gives a webhook's object. NotFound "webhook.unknown".
func read(r store.Reader, op mail.Op, id mail.ObjectID) (h Hook, o store.Object, err error) {
	o, err = r.Object(kindHook, id)
	if mail.Is(err, mail.NotFound) {
		return h, o, mail.E(op, mail.NotFound, "webhook.unknown", id.String())
	}
	if err == nil {
		h, err = hook(o)
	}
	return h, o, err
}

// Change replaces what a webhook is. Taken up again, it hears of what happened meanwhile as far as the log reaches back a day, and of what
// comes. meant is the version that was read, 0 = any. Conflict "object.changed".
func (s *Service) Change(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID, meant uint64, spec Spec) (h Hook, err error) {
	const op = "webhooks.Change"
	if spec, err = checked(op, spec); err != nil {
		return h, err
	}
	err = s.dir.Company(tenant).Together(ctx, by, op, directory.RightRoles, func(_ *directory.Company, tx store.Tx) error {
		was, o, err := read(tx, op, id)
		if err == nil && meant != 0 && meant != o.Version {
			err = mail.E(op, mail.Conflict, "object.changed")
		}
		if err != nil {
			return err
		}
		doc := hookDoc{Name: spec.Name, URL: spec.URL, Events: spec.Events, Active: spec.Active, Maker: was.Maker}
		if !doc.Active {
			doc.Off = was.Off
		}
		version, err := put(tx, o, doc)
		h = Hook{id, version, doc.Name, doc.URL, doc.Events, doc.Active, doc.Off, doc.Maker, was.Created}
		if err != nil || was.Active || !spec.Active {
			return err
		}
		return takeUp(tx, id)
	})
	return h, mail.Wrap(op, err)
}

// takeUp has a webhook begin anew: what is older than the time it is tried for is passed over.
func takeUp(tx store.Tx, id mail.ObjectID) error {
	o, doc, err := readState(tx, id)
	if err != nil {
		return err
	}
	old, err := tx.ActsBack(store.ActQuery{Until: time.Now().Add(-tryFor), Limit: 1})
	if err != nil {
		return err
	}
	if len(old) > 0 {
		doc.Seq = max(doc.Seq, old[0].Seq)
	}
	doc.Tries, doc.Since, doc.Next = 0, time.Time{}, time.Time{}
	_, err = put(tx, o, doc)
	return err
}

// readState gives how far a webhook has come.
func readState(r store.Reader, id mail.ObjectID) (o store.Object, doc stateDoc, err error) {
	const op = "webhooks.readState"
	o, err = r.ObjectByKey(stateKey(id))
	if err == nil {
		err = json.Unmarshal(o.Doc, &doc)
	}
	o.Quiet = true
	return o, doc, mail.Wrap(op, err)
}

// Renew gives a webhook a new secret. The old one is worth nothing at once.
func (s *Service) Renew(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID) (secret string, err error) {
	const op = "webhooks.Renew"
	key := newKey()
	err = s.dir.Company(tenant).Together(ctx, by, op, directory.RightRoles, func(_ *directory.Company, tx store.Tx) error {
		if _, _, err := read(tx, op, id); err != nil {
			return err
		}
		o, err := tx.ObjectByKey(secretKey(id))
		if err != nil {
			return err
		}
		o.Secret = true
		_, err = put(tx, o, secretDoc{key})
		return err
	})
	return secretText(key), mail.Wrap(op, err)
}

// Remove takes a webhook away. NotFound "webhook.unknown"; Conflict "object.changed".
func (s *Service) Remove(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID, meant uint64) error {
	const op = "webhooks.Remove"
	return s.dir.Company(tenant).Together(ctx, by, op, directory.RightRoles, func(_ *directory.Company, tx store.Tx) error {
		_, o, err := read(tx, op, id)
		if err == nil && meant != 0 && meant != o.Version {
			err = mail.E(op, mail.Conflict, "object.changed")
		}
		if err != nil {
			return err
		}
		for _, key := range []store.Key{secretKey(id), stateKey(id)} {
			one, err := tx.ObjectByKey(key)
			if err == nil {
				err = tx.DeleteObject(one.Kind, one.ID, one.Version)
			}
			if err != nil {
				return err
			}
		}
		return tx.DeleteObject(kindHook, id, o.Version)
	})
}

// List gives a company's webhooks, the oldest first.
func (s *Service) List(ctx context.Context, tenant mail.TenantID) (list []Hook, err error) {
	err = s.store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		objects, err := r.Objects(kindHook, store.Page{})
		list = nil
		for _, o := range objects {
			h, err := hook(o)
			if err != nil {
				return err
			}
			list = append(list, h)
		}
		return err
	})
	return list, mail.Wrap("webhooks.List", err)
}

// Get gives one. NotFound "webhook.unknown".
func (s *Service) Get(ctx context.Context, tenant mail.TenantID, id mail.ObjectID) (h Hook, err error) {
	const op = "webhooks.Get"
	err = s.store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		h, _, err = read(r, op, id)
		return err
	})
	return h, mail.Wrap(op, err)
}

// Deliveries lists the last attempts of a webhook, the newest first, and when it is tried next; zero = nothing waits.
func (s *Service) Deliveries(ctx context.Context, tenant mail.TenantID, id mail.ObjectID) (list []Delivery, next time.Time, err error) {
	const op = "webhooks.Deliveries"
	err = s.store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		if _, _, err := read(r, op, id); err != nil {
			return err
		}
		_, doc, err := readState(r, id)
		list, next = doc.Last, doc.Next
		return err
	})
	return list, next, mail.Wrap(op, err)
}
