package domains

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/dns"
)

// Tend looks after the keys of all domains: those published long enough begin to sign when the DNS shows their records,
// retired ones go when their time has passed, keys of the age Config.RotateAfter get successors, and those of domains that were given
// back are removed. To be called every hour or so; in two processes at once it does no harm. What fails for one
// domain is logged and tried again at the next call.
func (s *Service) Tend(ctx context.Context, l dns.Lookup) error {
	const op = "domains.Tend"
	tenants, err := s.dir.Tenants(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	ids := []mail.TenantID{0}
	for _, t := range tenants {
		ids = append(ids, t.ID)
	}
	for _, id := range ids {
		if err := s.tendTenant(ctx, l, id, time.Now()); err != nil && ctx.Err() == nil {
			s.log.Error("keys of a tenant could not be looked after", "tenant", id.String(), "err", err)
		}
	}
	return mail.Wrap(op, ctx.Err())
}

// tendTenant looks after the keys of a tenant's domains, in portions.
func (s *Service) tendTenant(ctx context.Context, l dns.Lookup, tenant mail.TenantID, now time.Time) error {
	var page store.Page
	for {
		var objects []store.Object
		err := s.handle(tenant).View(ctx, func(r store.Reader) (err error) {
			objects, err = r.Objects(kindKeys, page)
			return err
		})
		if err != nil {
			return mail.Wrap("domains.tendTenant", err)
		}
		for _, o := range objects {
			page.After = o.ID
			var doc keysDoc
			err := decode(o, &doc)
			if err == nil {
				err = s.tendKeys(ctx, l, place{tenant, doc.Domain}, &doc, now)
			}
			if err != nil {
				s.log.Error("keys of a domain could not be looked after", "domain", doc.Domain, "err", err)
			}
		}
		if len(objects) < store.MaxPage {
			return nil
		}
	}
}

// tendKeys does for the keys of one domain what is due. doc is how they were found.
func (s *Service) tendKeys(ctx context.Context, l dns.Lookup, at place, doc *keysDoc, now time.Time) error {
	const op = "domains.Tend"
	if _, err := s.place(ctx, op, at.tenant, at.domain); mail.Is(err, mail.NotFound) {
		return s.removeKeys(ctx, op, at)
	} else if err != nil {
		return err
	}
	plan, err := s.plan(ctx, l, at, doc, now)
	if err != nil || plan == nil {
		return err
	}
	err = s.handle(at.tenant).Update(ctx, s.cfg.By, op, func(tx store.Tx) error {
		var current keysDoc
		_, found, err := find(tx, kindKeys, at.domain, &current)
		if err != nil || !found || !plan(&current) {
			return err
		}
		_, err = putKeys(tx, &current)
		return err
	})
	return mail.Wrap(op, err)
}

// plan gives what is to be done to the keys of a domain; nil for nothing. It tells whether it changed anything: meanwhile
// somebody may have done the same.
func (s *Service) plan(ctx context.Context, l dns.Lookup, at place, doc *keysDoc, now time.Time) (func(*keysDoc) bool, error) {
	next, active := doc.in(KeyNext), doc.in(KeyActive)
	switch {
	case next != nil && s.published(ctx, l, doc, next.Number):
		return func(d *keysDoc) bool {
			g := d.in(KeyNext)
			return g != nil && g.Number == next.Number && d.activate(now) == nil
		}, nil
	case next == nil && active != nil && s.cfg.RotateAfter > 0 && now.Sub(active.Since) >= s.cfg.RotateAfter:
		g, err := newGeneration(at, doc.newest()+1, KeyNext, now)
		return func(d *keysDoc) bool { return d.add(g) == nil }, err
	}
	probe := keysDoc{Generations: append([]generation(nil), doc.Generations...)}
	if probe.forget(now) {
		return func(d *keysDoc) bool { return d.forget(now) }, nil
	}
	return nil, nil
}

// published tells whether the DNS shows the records of all keys of a generation.
func (s *Service) published(ctx context.Context, l dns.Lookup, doc *keysDoc, number int) bool {
	wanted := keysDoc{Domain: doc.Domain}
	for _, g := range doc.Generations {
		if g.Number == number {
			wanted.Generations = append(wanted.Generations, g)
		}
	}
	records, err := keyRecords(&wanted)
	if err != nil || len(records) == 0 {
		return false
	}
	for _, f := range s.check(ctx, l, records) {
		if f.State != RecordPass {
			return false
		}
	}
	return true
}

// removeKeys removes the keys of a domain that is not the tenant's any more.
func (s *Service) removeKeys(ctx context.Context, op mail.Op, at place) error {
	err := s.handle(at.tenant).Update(ctx, s.cfg.By, op, func(tx store.Tx) error {
		_, err := drop(tx, kindKeys, at.domain)
		return err
	})
	return mail.Wrap(op, err)
}
