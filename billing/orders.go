package billing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// maxOrders is how many orders a year can have: what fits their numbers.
const maxOrders = 9999

// Record writes an order into the book. received zero is today. The opening is promised by the calendar as it is now. Operators
// only. Errors as of Wanted's parts and Calendar.After; Invalid "order.future" for one received in the future.
func (s *Service) Record(ctx context.Context, by mail.Actor, received Date, want Wanted) (Order, error) {
	const op = "billing.Record"
	if by.Role() != mail.Operator {
		return Order{}, mail.E(op, mail.Denied, "actor.denied")
	}
	want, err := want.check(op)
	if err != nil {
		return Order{}, err
	}
	today := DateOf(time.Now())
	if received.IsZero() {
		received = today
	}
	if received.Compare(today) > 0 {
		return Order{}, mail.E(op, mail.Invalid, "order.future", received.String())
	}
	if !want.Tenant.IsZero() {
		if _, err := s.dir.Tenant(ctx, want.Tenant); err != nil {
			return Order{}, mail.Wrap(op, err)
		}
	}
	var o Order
	err = s.platform.Update(ctx, by, op, func(tx store.Tx) error {
		o = Order{State: Received, Received: received, Wanted: want, Tenant: want.Tenant, Recorder: by.Name()}
		if err := o.promise(tx); err != nil {
			return err
		}
		n, err := tx.CountMarked(kindOrder, receivedIn(received.Year))
		if err == nil && n >= maxOrders {
			err = mail.E(op, mail.Full, "order.too_many", maxOrders)
		}
		if err != nil {
			return err
		}
		o.ID, o.Number = mail.ObjectID(tx.NextID()), fmt.Sprintf("%d-%04d", received.Year, n+1)
		return putOrder(tx, by, &o)
	})
	return o, mail.Wrap(op, err)
}

// promise sets the day of the opening.
func (o *Order) promise(r store.Reader) error {
	c, set, err := readCalendar(r)
	if err == nil {
		o.Promised, err = c.After(o.Received, set.LeadDays)
	}
	return err
}

// Order gives one order. NotFound "order.unknown".
func (s *Service) Order(ctx context.Context, id mail.ObjectID) (o Order, err error) {
	err = s.platform.View(ctx, func(r store.Reader) error {
		o, err = readOrder(r, id)
		return err
	})
	return o, mail.Wrap("billing.Order", err)
}

func readOrder(r store.Reader, id mail.ObjectID) (Order, error) {
	o, err := r.Object(kindOrder, id)
	if mail.Is(err, mail.NotFound) {
		return Order{}, mail.E("billing.readOrder", mail.NotFound, "order.unknown", id.String())
	}
	if err != nil {
		return Order{}, err
	}
	return orderOf(o)
}

// OrderPage asks for a part of the order book.
type OrderPage struct {
	State State         // "" = all
	After mail.ObjectID // begin behind this one
	Limit int           // 1 to store.MaxPage; 0 = store.MaxPage
}

// Orders lists orders in the order they were recorded.
func (s *Service) Orders(ctx context.Context, p OrderPage) (all []Order, err error) {
	err = s.platform.View(ctx, func(r store.Reader) error {
		page := store.Page{After: p.After, Limit: p.Limit}
		list := func() ([]store.Object, error) { return r.Objects(kindOrder, page) }
		if p.State != "" {
			list = func() ([]store.Object, error) { return r.Marked(kindOrder, inState(p.State), page) }
		}
		objects, err := list()
		if err != nil {
			return err
		}
		all = make([]Order, 0, len(objects))
		for _, object := range objects {
			o, err := orderOf(object)
			if err != nil {
				return err
			}
			all = append(all, o)
		}
		return nil
	})
	return all, mail.Wrap("billing.Orders", err)
}

// change lets fn change an order that is in one of some states. Conflict "object.changed", "order.state".
func (s *Service) change(ctx context.Context, by mail.Actor, op mail.Op, at Order, from []State, fn func(store.Tx, *Order) error) (o Order, err error) {
	if by.Role() != mail.Operator {
		return o, mail.E(op, mail.Denied, "actor.denied")
	}
	err = s.platform.Update(ctx, by, op, func(tx store.Tx) error {
		if o, err = readOrder(tx, at.ID); err != nil {
			return err
		}
		switch {
		case at.Version != 0 && at.Version != o.Version:
			return mail.E(op, mail.Conflict, "object.changed")
		case !slices.Contains(from, o.State):
			return mail.E(op, mail.Conflict, "order.state", o.Number, string(o.State))
		}
		if err := fn(tx, &o); err != nil {
			return err
		}
		return putOrder(tx, by, &o)
	})
	return o, mail.Wrap(op, err)
}

// Amend replaces what is ordered, and the day of receipt where it is given, while nothing was begun. at names the order and, unless
// its Version is 0, what is meant to be changed. Operators only.
func (s *Service) Amend(ctx context.Context, by mail.Actor, at Order, received Date, want Wanted) (Order, error) {
	const op = "billing.Amend"
	want, err := want.check(op)
	if err != nil {
		return Order{}, err
	}
	return s.change(ctx, by, op, at, []State{Received, InProgress}, func(tx store.Tx, o *Order) error {
		if want.Kind != o.Kind || want.Tenant != o.Wanted.Tenant {
			return mail.E(op, mail.Invalid, "order.kind", string(want.Kind))
		}
		if !received.IsZero() && received.Year != o.Received.Year {
			return mail.E(op, mail.Invalid, "order.year", o.Number)
		}
		o.Wanted = want
		if received.IsZero() || received == o.Received {
			return nil
		}
		o.Received = received
		return o.promise(tx)
	})
}

// Begin notes that an order is being worked on. Operators only.
func (s *Service) Begin(ctx context.Context, by mail.Actor, at Order) (Order, error) {
	return s.change(ctx, by, "billing.Begin", at, []State{Received}, func(_ store.Tx, o *Order) error {
		o.State = InProgress
		return nil
	})
}

// Cancel ends an order that was not opened. Operators only. Invalid "reason.required".
func (s *Service) Cancel(ctx context.Context, by mail.Actor, at Order, reason string) (Order, error) {
	const op = "billing.Cancel"
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > mail.MaxReason {
		return Order{}, mail.E(op, mail.Invalid, "reason.missing", mail.MaxReason)
	}
	return s.change(ctx, by, op, at, []State{Received, InProgress}, func(_ store.Tx, o *Order) error {
		o.State, o.Reason = Cancelled, reason
		return nil
	})
}

// Completed is an order that was carried out.
type Completed struct {
	Order    Order
	Owner    directory.Account // of ForTenant
	Password string            // the owner's initial one; see directory.Opened
}

// Complete carries an order out: it opens the company (SV-12), or makes or changes the domain, and says to whom invoices go. An
// order that was broken off is completed by the next call. Operators only. Errors as of the directory's functions; Conflict
// "order.state".
func (s *Service) Complete(ctx context.Context, by mail.Actor, at Order) (Completed, error) {
	const op = "billing.Complete"
	o, err := s.change(ctx, by, op, at, []State{Received, InProgress}, func(_ store.Tx, o *Order) error {
		o.State = InProgress
		return nil
	})
	if err != nil {
		return Completed{}, err
	}
	if by.Reason() == "" {
		by = by.For("order " + o.Number)
	}
	done := Completed{Order: o}
	if err := s.carryOut(ctx, by, &done); err != nil {
		return Completed{}, mail.Wrap(op, err)
	}
	if o.Payer.Name != "" {
		if err := s.SetPayer(ctx, by, done.Order.Tenant, 0, o.Payer); err != nil {
			return Completed{}, mail.Wrap(op, err)
		}
	}
	tenant := done.Order.Tenant
	done.Order, err = s.change(ctx, by, op, o, []State{InProgress}, func(_ store.Tx, o *Order) error {
		o.State, o.Tenant, o.Opened = Done, tenant, time.Now().Truncate(time.Second)
		return nil
	})
	return done, err
}

// carryOut does what is ordered. Each kind may be done again: what is there already stays.
func (s *Service) carryOut(ctx context.Context, by mail.Actor, done *Completed) error {
	o := &done.Order
	switch o.Kind {
	case ForTenant:
		made, err := s.dir.Open(ctx, by, o.opening())
		done.Owner, done.Password, o.Tenant = made.Owner, made.Password, made.Tenant.ID
		return err
	case ForDomain:
		c := s.dir.Company(o.Tenant)
		_, err := c.AddDomain(ctx, by, o.Domain.spec())
		if key, _ := mail.TextOf(err); key != "domain.exists" {
			return err
		}
		have, broken := c.Domain(ctx, o.Domain.Name)
		if broken != nil || have.ID.Time().Before(o.ID.Time()) {
			return err // it was there before the order: nobody ordered this one
		}
		return s.becomes(ctx, by, o)
	}
	return s.becomes(ctx, by, o)
}

// becomes makes a domain what is ordered.
func (s *Service) becomes(ctx context.Context, by mail.Actor, o *Order) error {
	change := directory.DomainChange{IDs: o.Domain.IDs, Plan: o.Domain.Plan, Over: o.Domain.Over}
	if len(o.Domain.Options) > 0 || o.Domain.NoMore {
		change.Options = append([]directory.Option{}, o.Domain.Options...)
	}
	_, err := s.dir.Company(o.Tenant).ChangeDomain(ctx, by, o.Domain.Name, change)
	return err
}

// opening is the order of a company as the directory takes it.
func (o *Order) opening() directory.Opening {
	local, domain, _ := strings.Cut(o.Company.Owner, "@")
	want := directory.Opening{
		Tenant: directory.TenantSpec{Name: o.Company.Name, Lang: o.Company.Lang, Networks: o.Company.Networks, NoScram: o.Company.NoScram},
		Domain: o.Domain.spec(),
		Owner:  directory.AccountSpec{Address: mail.Address{Local: local, Domain: strings.ToLower(domain)}, Name: o.Company.OwnerIs},
	}
	if !o.Company.Start.IsZero() {
		want.Tenant.Start = o.Company.Start.Time()
	}
	return want
}

// spec is the domain of an order as the directory takes it.
func (d Domain) spec() directory.DomainSpec {
	return directory.DomainSpec{Name: d.Name, Plan: d.Plan, IDs: d.IDs, Options: d.Options, Unverified: d.Vouch == "", Reason: d.Vouch}
}
