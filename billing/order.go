package billing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Kind is what an order is for.
type Kind string

// Kinds of orders.
const (
	ForTenant Kind = "tenant" // a new company with its domain and first owner
	ForDomain Kind = "domain" // a further domain of a company
	ForChange Kind = "change" // another plan, number of IDs or options of a domain
)

// State is where an order stands.
type State string

// States of an order, in their order. Opened and cancelled are the end.
const (
	Received   State = "received"
	InProgress State = "in-progress"
	Done       State = "opened"
	Cancelled  State = "cancelled"
)

// Company is the company that an order opens.
type Company struct {
	Name     string         `json:"name"`
	Lang     string         `json:"lang,omitempty"`
	Start    Date           `json:"start,omitzero"` // service start date; zero = the day the order is completed
	Networks []netip.Prefix `json:"networks,omitempty"`
	NoScram  bool           `json:"noScram,omitempty"`
	Owner    string         `json:"owner"` // the first administrator's address in the domain, or its local part
	OwnerIs  string         `json:"ownerName,omitempty"`
}

// Domain is the domain that an order makes or changes. What is zero in a change stays as it is.
type Domain struct {
	Name    string             `json:"name"`
	Plan    directory.Plan     `json:"plan,omitempty"`
	IDs     int                `json:"ids,omitempty"`
	Options []directory.Option `json:"options,omitempty"` // from the opening on; in a change: in place of all others
	NoMore  bool               `json:"noOptions,omitempty"`
	Vouch   string             `json:"vouch,omitempty"` // why the operator answers for the domain; "" = it is shown in the DNS
	Over    bool               `json:"over,omitempty"`  // accept a smaller plan although boxes hold more
}

// Wanted is what is ordered.
type Wanted struct {
	Kind    Kind          `json:"kind"`
	Tenant  mail.TenantID `json:"tenant,omitzero"` // of ForDomain and ForChange
	Company Company       `json:"company,omitzero"`
	Domain  Domain        `json:"domain"`
	Payer   Payer         `json:"payer,omitzero"` // needed for ForTenant; otherwise replaces the company's where it has a name
	Note    string        `json:"note,omitempty"`
}

// MaxNote is the length of a note in octets.
const MaxNote = 4000

// Order is an entry of the order book.
type Order struct {
	ID       mail.ObjectID
	Version  uint64 // grows with each change
	Number   string // such as "2026-0042": the 42nd recorded of those received in 2026
	State    State
	Received Date
	Promised Date // of the opening: business days after receipt (SV-12)
	Wanted
	Tenant   mail.TenantID // whose it is; of ForTenant zero until it is opened
	Opened   time.Time
	Reason   string // of the cancellation
	Changed  time.Time
	By       string // who wrote it last
	Recorder string // who recorded it
}

// orderDoc is an order as stored.
type orderDoc struct {
	Number   string        `json:"number"`
	State    State         `json:"state"`
	Received Date          `json:"received"`
	Promised Date          `json:"promised"`
	Wanted   Wanted        `json:"wanted"`
	Tenant   mail.TenantID `json:"tenant,omitzero"`
	Opened   time.Time     `json:"opened,omitzero"`
	Reason   string        `json:"reason,omitempty"`
	By       string        `json:"by"`
	Recorder string        `json:"recorder"`
}

func orderOf(o store.Object) (Order, error) {
	var d orderDoc
	err := read(o, &d)
	return Order{
		ID: o.ID, Version: o.Version, Number: d.Number, State: d.State, Received: d.Received, Promised: d.Promised, Wanted: d.Wanted,
		Tenant: d.Tenant, Opened: d.Opened, Reason: d.Reason, Changed: o.Changed, By: d.By, Recorder: d.Recorder,
	}, err
}

// receivedIn marks the orders of a year, inState those of a state.
func receivedIn(year int) store.Key { return store.Key{Name: "received", Value: fmt.Sprint(year)} }
func inState(s State) store.Key     { return store.Key{Name: "order-state", Value: string(s)} }

func putOrder(tx store.Tx, by mail.Actor, o *Order) error {
	object := store.Object{
		Kind: kindOrder, ID: o.ID, Version: o.Version,
		Unique: []store.Key{{Name: "order", Value: o.Number}},
		Marks:  []store.Key{receivedIn(o.Received.Year), inState(o.State)},
	}
	o.By = by.Name()
	err := put(tx, object, orderDoc{o.Number, o.State, o.Received, o.Promised, o.Wanted, o.Tenant, o.Opened, o.Reason, o.By, o.Recorder})
	o.Version++
	return err
}

// check judges what is ordered as far as it can be before it is done, and puts it into its canonical form. Invalid "order.kind",
// "order.incomplete" with what is missing, and the errors of the directory.
func (w Wanted) check(op mail.Op) (Wanted, error) {
	w.Note, w.Company.Name, w.Company.Owner = strings.TrimSpace(w.Note), strings.TrimSpace(w.Company.Name), strings.TrimSpace(w.Company.Owner)
	name, ok := mail.ParseDomain(strings.TrimSpace(w.Domain.Name))
	if !ok {
		return w, mail.E(op, mail.Invalid, "domain.malformed", w.Domain.Name)
	}
	w.Domain.Name = name
	switch {
	case !slices.Contains([]Kind{ForTenant, ForDomain, ForChange}, w.Kind):
		return w, mail.E(op, mail.Invalid, "order.kind", string(w.Kind))
	case len(w.Note) > MaxNote:
		return w, mail.E(op, mail.Invalid, "order.note", MaxNote)
	}
	if missing := w.missing(); missing != "" {
		return w, mail.E(op, mail.Invalid, "order.incomplete", missing)
	}
	if err := w.checkDomain(op); err != nil {
		return w, err
	}
	if w.Kind != ForTenant && w.Payer == (Payer{}) {
		return w, nil
	}
	var err error
	w.Payer, err = w.Payer.check(op)
	return w, err
}

// missing names the first thing that an order of its kind must say and does not.
func (w Wanted) missing() string {
	changes := w.Domain.Plan != 0 || w.Domain.IDs != 0 || len(w.Domain.Options) > 0 || w.Domain.NoMore
	switch {
	case w.Kind == ForTenant && w.Company.Name == "":
		return "company.name"
	case w.Kind == ForTenant && w.Company.Owner == "":
		return "company.owner"
	case w.Kind != ForTenant && w.Tenant.IsZero():
		return "tenant"
	case w.Kind != ForChange && w.Domain.Plan == 0, w.Kind == ForChange && !changes:
		return "domain.plan"
	case w.Kind != ForChange && w.Domain.IDs == 0:
		return "domain.ids"
	}
	return ""
}

// checkDomain judges plan, units and options before anybody promises anything.
func (w Wanted) checkDomain(op mail.Op) error {
	if w.Domain.Plan != 0 && w.Domain.Plan.String() == "" {
		return mail.E(op, mail.Invalid, "plan.unknown", int64(w.Domain.Plan))
	}
	if w.Domain.IDs != 0 {
		if err := directory.CheckIDs(w.Domain.IDs); err != nil {
			return mail.Wrap(op, err)
		}
	}
	for _, o := range w.Domain.Options {
		if err := o.Check(); err != nil {
			return mail.Wrap(op, err)
		}
	}
	return nil
}
