package billing

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// A Service keeps the order book and the calendar of an installation. Its methods may be called from many goroutines.
type Service struct {
	store    store.Store
	platform store.Tenant
	dir      *directory.Directory
}

// New makes the service over a store and its directory.
func New(st store.Store, dir *directory.Directory) *Service {
	return &Service{st, st.Platform(), dir}
}

// Kinds of objects.
const (
	kindOrder    = "order"
	kindHolidays = "holidays"
	kindSettings = "order-settings"
	kindPayer    = "payer"
)

// put writes an object with its document.
func put(tx store.Tx, o store.Object, doc any) error {
	var err error
	if o.Doc, err = json.Marshal(doc); err != nil {
		return mail.Because("billing.put", mail.Other, "directory.document", err)
	}
	_, err = tx.PutObject(o)
	return mail.Wrap("billing.put", err)
}

// read takes an object's document apart.
func read(o store.Object, doc any) error {
	if err := json.Unmarshal(o.Doc, doc); err != nil {
		return mail.Because("billing.read", mail.Other, "directory.document", err)
	}
	return nil
}

// single reads an object of which there is one, or makes an empty one.
func single(r store.Reader, kind string, doc any) (store.Object, error) {
	key := store.Key{Name: "calendar", Value: kind}
	o, err := r.ObjectByKey(key)
	if mail.Is(err, mail.NotFound) {
		return store.Object{Kind: kind, Unique: []store.Key{key}}, nil
	}
	if err == nil {
		err = read(o, doc)
	}
	o.Unique = []store.Key{key}
	return o, err
}

// Settings are how dates are promised.
type Settings struct {
	LeadDays int  `json:"leadDays"` // business days from receipt to opening
	YearEnd  bool `json:"yearEnd"`  // offices are closed from 29 December to 3 January
}

// Loaded says which holidays are known.
type Loaded struct {
	Holidays    []Holiday // in order
	From, Until int       // years
	At          time.Time // zero: those the program came with
	By          string
}

// holidaysDoc are holidays as stored.
type holidaysDoc struct {
	Holidays []Holiday `json:"holidays"`
	By       string    `json:"by"`
}

// settingsDoc are Settings as stored.
type settingsDoc struct {
	Settings
	By string `json:"by"`
}

// Settings gives how dates are promised, with the version.
func (s *Service) Settings(ctx context.Context) (set Settings, version uint64, err error) {
	err = s.platform.View(ctx, func(r store.Reader) error {
		set, version, err = readSettings(r)
		return err
	})
	return set, version, mail.Wrap("billing.Settings", err)
}

func readSettings(r store.Reader) (Settings, uint64, error) {
	doc := settingsDoc{Settings: Settings{LeadDays, true}}
	o, err := single(r, kindSettings, &doc)
	return doc.Settings, o.Version, err
}

// SetSettings changes how dates of later orders are promised. version is what is meant to be replaced, 0 = whatever stands
// there. Operators only. Invalid "calendar.days", Conflict "object.changed".
func (s *Service) SetSettings(ctx context.Context, by mail.Actor, version uint64, set Settings) error {
	const op = "billing.SetSettings"
	switch {
	case by.Role() != mail.Operator:
		return mail.E(op, mail.Denied, "actor.denied")
	case set.LeadDays < 0 || set.LeadDays > MaxLead:
		return mail.E(op, mail.Invalid, "calendar.days", MaxLead)
	}
	err := s.platform.Update(ctx, by, op, func(tx store.Tx) error {
		var doc settingsDoc
		o, err := single(tx, kindSettings, &doc)
		if err == nil && version != 0 && version != o.Version {
			err = mail.E(op, mail.Conflict, "object.changed")
		}
		if err != nil {
			return err
		}
		o.ID = cmp.Or(o.ID, mail.ObjectID(tx.NextID()))
		return put(tx, o, settingsDoc{set, by.Name()})
	})
	return mail.Wrap(op, err)
}

// Holidays gives the public holidays that are known.
func (s *Service) Holidays(ctx context.Context) (l Loaded, err error) {
	err = s.platform.View(ctx, func(r store.Reader) error {
		l, _, err = readHolidays(r)
		return err
	})
	return l, mail.Wrap("billing.Holidays", err)
}

func readHolidays(r store.Reader) (l Loaded, o store.Object, err error) {
	var doc holidaysDoc
	if o, err = single(r, kindHolidays, &doc); err != nil {
		return l, o, err
	}
	if o.Version == 0 {
		if doc.Holidays, err = ParseHolidays(initial); err != nil {
			return l, o, err
		}
	}
	l = Loaded{Holidays: doc.Holidays, At: o.Changed, By: doc.By}
	l.From, l.Until = Years(l.Holidays)
	return l, o, nil
}

// LoadHolidays takes the Cabinet Office's file of holidays in place of what is known for its years. Operators only. Errors as of
// ParseHolidays; Conflict "holidays.older", "holidays.gap".
func (s *Service) LoadHolidays(ctx context.Context, by mail.Actor, file []byte) (l Loaded, err error) {
	const op = "billing.LoadHolidays"
	if by.Role() != mail.Operator {
		return l, mail.E(op, mail.Denied, "actor.denied")
	}
	list, err := ParseHolidays(file)
	if err != nil {
		return l, mail.Wrap(op, err)
	}
	err = s.platform.Update(ctx, by, op, func(tx store.Tx) error {
		known, o, err := readHolidays(tx)
		if err != nil {
			return err
		}
		joined, err := join(known.Holidays, list)
		if err != nil {
			return err
		}
		o.ID = cmp.Or(o.ID, mail.ObjectID(tx.NextID()))
		return put(tx, o, holidaysDoc{joined, by.Name()})
	})
	if err != nil {
		return l, mail.Wrap(op, err)
	}
	return s.Holidays(ctx)
}

// Calendar gives the business days as they are known now.
func (s *Service) Calendar(ctx context.Context) (c *Calendar, set Settings, err error) {
	err = s.platform.View(ctx, func(r store.Reader) error {
		c, set, err = readCalendar(r)
		return err
	})
	return c, set, mail.Wrap("billing.Calendar", err)
}

func readCalendar(r store.Reader) (*Calendar, Settings, error) {
	set, _, err := readSettings(r)
	if err != nil {
		return nil, set, err
	}
	l, _, err := readHolidays(r)
	return NewCalendar(l.Holidays, l.From, l.Until, set.YearEnd), set, err
}

// Promise gives the day on which an order received on a day is promised to be opened (SV-12). Errors as of Calendar.After.
func (s *Service) Promise(ctx context.Context, received Date) (Date, error) {
	c, set, err := s.Calendar(ctx)
	if err != nil {
		return Date{}, err
	}
	return c.After(received, set.LeadDays)
}
