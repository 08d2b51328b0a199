package push

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Limits of subscriptions.
const (
	// MaxSubscriptions is how many an account has.
	MaxSubscriptions = 20
	// MaxLife is how long one lasts that is not made longer (RFC 8620 §7.2).
	MaxLife = 30 * 24 * time.Hour
	maxURL  = 2048
	maxText = 255 // octets of a device's id, and of a code
	maxList = 64  // types
)

// Subscription is a program or browser that is told of changes of an account (RFC 8620 §7.2).
type Subscription struct {
	ID       mail.ObjectID
	Device   string // the client's own name for itself
	URL      string // never told to anybody
	Keys     *Keys  // nil: what is pushed is not encrypted
	Code     string // that the client showed; "" = none yet
	Verified bool
	Expires  time.Time // to the second
	Types    []string  // nil: all
}

// doc is a subscription as stored.
type doc struct {
	Account    mail.AccountID       `json:"account"`
	Device     string               `json:"device"`
	URL        string               `json:"url"`
	Keys       *Keys                `json:"keys,omitempty"`
	Code       string               `json:"code"` // that was pushed
	Shown      string               `json:"shown,omitempty"`
	Expires    time.Time            `json:"expires"`
	Types      []string             `json:"types,omitempty"`
	All        bool                 `json:"all,omitempty"` // every type
	Credential directory.Credential `json:"credential"`
	Failures   int                  `json:"failures,omitempty"` // one after the other
}

func (d *doc) verified() bool { return d.Shown == d.Code }

func (d *doc) subscription(id mail.ObjectID) Subscription {
	s := Subscription{ID: id, Device: d.Device, URL: d.URL, Keys: d.Keys, Code: d.Shown, Verified: d.verified(), Expires: d.Expires, Types: d.Types}
	if d.All {
		s.Types = nil
	} else if s.Types == nil {
		s.Types = []string{}
	}
	return s
}

// wants tells whether a type is one the subscriber hears of.
func (d *doc) wants(name string) bool { return d.All || slices.Contains(d.Types, name) }

// decode reads a stored subscription.
func decode(o store.Object) (d doc, err error) {
	if err := json.Unmarshal(o.Doc, &d); err != nil {
		return d, mail.Because("push.decode", mail.Other, "storage.damaged", err)
	}
	return d, nil
}

// put writes a subscription, quietly.
func put(tx store.Tx, o store.Object, d doc) error {
	text, err := json.Marshal(d)
	if err != nil {
		return mail.Because("push.put", mail.Other, "", err)
	}
	o.Kind, o.Marks, o.Secret, o.Quiet, o.Doc = directory.KindPush, []store.Key{directory.OfAccount(d.Account)}, true, true, text
	_, err = tx.PutObject(o)
	return err
}

// List gives the subscriptions that somebody made who signed in as this identity did (RFC 8620 §7.2): those of his other programs are not
// his to see.
func (s *Service) List(ctx context.Context, who *directory.Identity) (list []Subscription, err error) {
	err = s.cfg.Store.Tenant(who.Tenant()).View(ctx, func(r store.Reader) error {
		list = nil
		return each(r, who, func(o store.Object, d doc) error {
			list = append(list, d.subscription(o.ID))
			return nil
		})
	})
	return list, mail.Wrap("push.List", err)
}

// each calls fn for the subscriptions of an identity that are not over.
func each(r store.Reader, who *directory.Identity, fn func(store.Object, doc) error) error {
	all, err := r.Marked(directory.KindPush, directory.OfAccount(who.Account().ID), store.Page{})
	if err != nil {
		return err
	}
	for _, o := range all {
		d, err := decode(o)
		if err != nil {
			return err
		}
		if !d.Credential.Same(who.Credential()) || time.Now().After(d.Expires) {
			continue
		}
		if err := fn(o, d); err != nil {
			return err
		}
	}
	return nil
}

// Subscribe makes a subscription and pushes its code to the URL, which the client shows by Change (RFC 8620 §7.2.2). Invalid "push.url",
// "push.keys", "push.malformed"; Full "push.too_many" past MaxSubscriptions.
func (s *Service) Subscribe(ctx context.Context, who *directory.Identity, n Subscription) (Subscription, error) {
	const op = "push.Subscribe"
	if err := n.check(); err != nil {
		return n, err
	}
	d := doc{
		Account: who.Account().ID, Device: n.Device, URL: n.URL, Keys: n.Keys, Code: rand.Text(), Expires: lasting(n.Expires), Types: n.Types, All: n.Types == nil,
		Credential: who.Credential(),
	}
	err := s.cfg.Store.Tenant(who.Tenant()).Update(ctx, who.Actor(), op, func(tx store.Tx) error {
		have, err := tx.Marked(directory.KindPush, directory.OfAccount(d.Account), store.Page{})
		if err != nil {
			return err
		}
		if left, err := dropOver(tx, have); err != nil || left >= MaxSubscriptions {
			return orTooMany(err)
		}
		n.ID = mail.ObjectID(tx.NextID())
		return put(tx, store.Object{ID: n.ID}, d)
	})
	if err != nil {
		return n, mail.Wrap(op, err)
	}
	s.verify(subscriber{who.Tenant(), n.ID, d})
	return d.subscription(n.ID), nil
}

func orTooMany(err error) error {
	if err != nil {
		return err
	}
	return mail.E("push.Subscribe", mail.Full, "push.too_many", MaxSubscriptions)
}

// dropOver removes subscriptions that are over, and tells how many are left.
func dropOver(tx store.Tx, have []store.Object) (left int, err error) {
	for _, o := range have {
		d, err := decode(o)
		if err != nil {
			return 0, err
		}
		if time.Now().Before(d.Expires) {
			left++
			continue
		}
		if err := tx.DeleteObject(o.Kind, o.ID, o.Version); err != nil {
			return 0, err
		}
	}
	return left, nil
}

// check refuses what can't be subscribed.
func (n *Subscription) check() error {
	const op = "push.Subscribe"
	at, err := url.Parse(n.URL)
	if err != nil || len(n.URL) > maxURL || at.Scheme != "https" || at.Host == "" || at.User != nil || at.Fragment != "" {
		return mail.E(op, mail.Invalid, "push.url")
	}
	if n.Device == "" || len(n.Device) > maxText || len(n.Types) > maxList {
		return mail.E(op, mail.Invalid, "push.malformed")
	}
	if n.Keys != nil {
		return n.Keys.check()
	}
	return nil
}

// lasting is when a subscription ends, whatever its client wants.
func lasting(wanted time.Time) time.Time {
	latest := time.Now().Add(MaxLife)
	if wanted.IsZero() || wanted.After(latest) {
		wanted = latest
	}
	return wanted.UTC().Truncate(time.Second)
}

// Change is what a client changes of a subscription; nil stays.
type Change struct {
	Code    *string
	Expires *time.Time
	Types   *[]string // of nil: all
}

// Change changes a subscription, and gives it as it stands then. NotFound "push.unknown"; Invalid "push.code" for another code than was pushed,
// "push.malformed".
func (s *Service) Change(ctx context.Context, who *directory.Identity, id mail.ObjectID, c Change) (out Subscription, err error) {
	const op = "push.Change"
	err = s.change(ctx, op, who, id, func(tx store.Tx, o store.Object, d doc) error {
		if c.Code != nil {
			if len(*c.Code) > maxText || *c.Code != d.Code {
				return mail.E(op, mail.Invalid, "push.code")
			}
			d.Shown = *c.Code
		}
		if c.Expires != nil {
			d.Expires = lasting(*c.Expires)
		}
		if c.Types != nil {
			if len(*c.Types) > maxList {
				return mail.E(op, mail.Invalid, "push.malformed")
			}
			d.Types, d.All = *c.Types, *c.Types == nil
		}
		out = d.subscription(id)
		return put(tx, o, d)
	})
	s.nudge()
	return out, mail.Wrap(op, err)
}

// Unsubscribe removes a subscription. NotFound "push.unknown".
func (s *Service) Unsubscribe(ctx context.Context, who *directory.Identity, id mail.ObjectID) error {
	const op = "push.Unsubscribe"
	return mail.Wrap(op, s.change(ctx, op, who, id, func(tx store.Tx, o store.Object, _ doc) error {
		return tx.DeleteObject(o.Kind, o.ID, o.Version)
	}))
}

// change lets fn change a subscription of an identity.
func (s *Service) change(ctx context.Context, op mail.Op, who *directory.Identity, id mail.ObjectID, fn func(store.Tx, store.Object, doc) error) error {
	return s.cfg.Store.Tenant(who.Tenant()).Update(ctx, who.Actor(), op, func(tx store.Tx) error {
		err := mail.E(op, mail.NotFound, "push.unknown")
		found := false
		walked := each(tx, who, func(o store.Object, d doc) error {
			if o.ID != id {
				return nil
			}
			found = true
			return fn(tx, o, d)
		})
		if walked != nil || found {
			return walked
		}
		return err
	})
}
