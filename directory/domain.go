package directory

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// Plan is a domain's size of boxes in octets (SV-4). All accounts of the domain have
// it; there is no function to give one account another size.
type Plan int64

// The plans.
const (
	Plan100MB = Plan(mail.Plan100MB)
	Plan3GB   = Plan(mail.Plan3GB)
	Plan10GB  = Plan(mail.Plan10GB)
)

var planNames = map[Plan]string{Plan100MB: "100MB", Plan3GB: "3GB", Plan10GB: "10GB"}

// String is the plan's name: 100MB, 3GB, 10GB.
func (p Plan) String() string { return planNames[p] }

// ParsePlan reads a plan's name. Invalid "plan.unknown".
func ParsePlan(s string) (Plan, error) {
	for p, name := range planNames {
		if strings.EqualFold(s, name) {
			return p, nil
		}
	}
	return 0, mail.E("directory.ParsePlan", mail.Invalid, "plan.unknown", s)
}

// MarshalText writes the plan's name.
func (p Plan) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the plan's name.
func (p *Plan) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePlan(string(text))
	return err
}

// Option is something a domain has by contract only.
type Option string

// OptionIMAPS is reading by IMAP (SV-7).
const OptionIMAPS Option = "imaps"

// Options lists the options there are.
func Options() []Option { return []Option{OptionIMAPS} }

// Domain is a mail domain of a tenant.
type Domain struct {
	ID       mail.DomainID
	Name     string // lower case, A-labels
	Plan     Plan
	IDs      int // how many accounts are ordered (ML-1)
	Options  []Option
	Accounts int // how many there are
}

// Has tells whether an option is contracted.
func (d Domain) Has(o Option) bool { return slices.Contains(d.Options, o) }

// DomainSpec asks for a domain.
type DomainSpec struct {
	Name    string // U-labels are turned into A-labels
	Plan    Plan
	IDs     int // at least 10, in steps of 10 or 100 (ML-1)
	Options []Option
}

// domainDoc is a domain as stored in its tenant.
type domainDoc struct {
	Name    string   `json:"name"`
	Plan    Plan     `json:"plan"`
	IDs     int      `json:"ids"`
	Options []Option `json:"options,omitempty"`
}

func domainOf(o store.Object) (Domain, error) {
	var doc domainDoc
	err := read(o, &doc)
	return Domain{ID: mail.DomainID(o.ID), Name: doc.Name, Plan: doc.Plan, IDs: doc.IDs, Options: doc.Options}, err
}

func putDomain(tx store.Tx, d Domain, version uint64) error {
	o := store.Object{Kind: kindDomain, ID: mail.ObjectID(d.ID), Version: version, Unique: []store.Key{domainKey(d.Name)}}
	return taken(put(tx, o, domainDoc{d.Name, d.Plan, d.IDs, d.Options}), "domain.exists")
}

// domainNamed gives a domain with its version. NotFound "domain.unknown".
func domainNamed(r store.Reader, name string) (Domain, uint64, error) {
	o, err := r.ObjectByKey(domainKey(name))
	if mail.Is(err, mail.NotFound) {
		return Domain{}, 0, mail.E("directory.domainNamed", mail.NotFound, "domain.unknown", name)
	}
	if err != nil {
		return Domain{}, 0, err
	}
	d, err := domainOf(o)
	if err != nil {
		return Domain{}, 0, err
	}
	d.Accounts, err = r.CountMarked(kindAccount, inDomain(d.ID))
	return d, o.Version, err
}

// orderedIDs is how many IDs the tenant has in all domains.
func orderedIDs(r store.Reader) (total int, err error) {
	err = each(r, kindDomain, func(o store.Object) error {
		d, err := domainOf(o)
		total += d.IDs
		return err
	})
	return total, err
}

// checkDomain puts what was asked for into its canonical form.
func checkDomain(op mail.Op, spec DomainSpec) (Domain, error) {
	name, ok := mail.ParseDomain(strings.TrimSpace(spec.Name))
	if !ok || name[0] == '[' || !strings.Contains(name, ".") || strings.Contains(name, "_") {
		return Domain{}, mail.E(op, mail.Invalid, "domain.malformed", spec.Name)
	}
	if spec.Plan.String() == "" {
		return Domain{}, mail.E(op, mail.Invalid, "plan.unknown", int64(spec.Plan))
	}
	options, err := checkOptions(op, spec.Options)
	return Domain{Name: name, Plan: spec.Plan, IDs: spec.IDs, Options: options}, err
}

func checkOptions(op mail.Op, options []Option) ([]Option, error) {
	for _, o := range options {
		if !slices.Contains(Options(), o) {
			return nil, mail.E(op, mail.Invalid, "option.unknown", string(o))
		}
	}
	sorted := slices.Clone(options)
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// AddDomain makes a domain of the tenant. A subdomain is a domain of its own (SV-2).
// Operators only. Conflict "domain.taken" (another tenant's) or "domain.exists" (this
// one's), Invalid "ids.unit" or "ids.large_unit" (ML-1).
func (c *Company) AddDomain(ctx context.Context, by mail.Actor, spec DomainSpec) (Domain, error) {
	const op = "directory.AddDomain"
	d, err := checkDomain(op, spec)
	if err != nil {
		return Domain{}, err
	}
	if err := c.may(ctx, by, op, orders); err != nil {
		return Domain{}, err
	}
	if err := c.view(ctx, op, func(r store.Reader) error { return fits(r, d) }); err != nil {
		return Domain{}, err
	}
	if err := c.dir.claimDomain(ctx, by, d.Name, c.id); err != nil {
		return Domain{}, mail.Wrap(op, err)
	}
	err = c.update(ctx, by, op, orders, func(tx store.Tx) error {
		if err := fits(tx, d); err != nil {
			return err
		}
		d.ID = mail.DomainID(tx.NextID())
		return putDomain(tx, d, 0)
	})
	return d, err
}

// fits judges whether a new domain may be added: before it is claimed, and where it is made.
func fits(r store.Reader, d Domain) error {
	if _, _, err := domainNamed(r, d.Name); err == nil {
		return mail.E("directory.AddDomain", mail.Conflict, "domain.exists", d.Name)
	} else if !mail.Is(err, mail.NotFound) {
		return err
	}
	total, err := orderedIDs(r)
	if err != nil {
		return err
	}
	return checkUnits(total, 0, d.IDs)
}

// claimDomain makes a domain the tenant's own on the platform; again is no error.
func (d *Directory) claimDomain(ctx context.Context, by mail.Actor, name string, tenant mail.TenantID) error {
	const op = "directory.claimDomain"
	return d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		have, err := tx.ObjectByKey(domainKey(name))
		if mail.Is(err, mail.NotFound) {
			o := store.Object{Kind: kindDomain, ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{domainKey(name)}}
			return put(tx, o, claimDoc{name, tenant})
		}
		if err != nil {
			return err
		}
		var doc claimDoc
		if err := read(have, &doc); err != nil {
			return err
		}
		if doc.Tenant != tenant {
			return mail.E(op, mail.Conflict, "domain.taken", name)
		}
		return nil
	})
}

// Domains lists the tenant's domains in order of ID.
func (c *Company) Domains(ctx context.Context) ([]Domain, error) {
	var all []Domain
	err := c.view(ctx, "directory.Domains", func(r store.Reader) error {
		all = nil
		return each(r, kindDomain, func(o store.Object) error {
			d, err := domainOf(o)
			if err == nil {
				d.Accounts, err = r.CountMarked(kindAccount, inDomain(d.ID))
			}
			all = append(all, d)
			return err
		})
	})
	return all, err
}

// Domain gives one of the tenant's domains. NotFound "domain.unknown".
func (c *Company) Domain(ctx context.Context, name string) (d Domain, err error) {
	err = c.view(ctx, "directory.Domain", func(r store.Reader) error {
		d, _, err = domainNamed(r, name)
		return err
	})
	return d, err
}

// SetDomainIDs changes how many IDs a domain has (ML-1, ML-3). Operators only. Invalid
// "ids.unit" or "ids.large_unit"; Conflict "ids.in_use" when there are more accounts.
func (c *Company) SetDomainIDs(ctx context.Context, by mail.Actor, name string, ids int) (Domain, error) {
	const op = "directory.SetDomainIDs"
	return c.changeDomain(ctx, by, op, name, func(tx store.Tx, d *Domain) error {
		total, err := orderedIDs(tx)
		if err != nil {
			return err
		}
		if err := checkUnits(total, d.IDs, ids); err != nil {
			return err
		}
		if d.Accounts > ids {
			return mail.E(op, mail.Conflict, "ids.in_use", d.Accounts, ids)
		}
		d.IDs = ids
		return nil
	})
}

// SetDomainPlan changes the size of all boxes of a domain (SV-4). Operators only. Conflict
// "plan.boxes_larger" with the number of boxes that hold more than the new plan.
func (c *Company) SetDomainPlan(ctx context.Context, by mail.Actor, name string, plan Plan) (Domain, error) {
	const op = "directory.SetDomainPlan"
	if plan.String() == "" {
		return Domain{}, mail.E(op, mail.Invalid, "plan.unknown", int64(plan))
	}
	return c.changeDomain(ctx, by, op, name, func(tx store.Tx, d *Domain) error {
		larger, err := boxesLarger(tx, d.ID, int64(plan))
		if err != nil {
			return err
		}
		if larger > 0 && plan < d.Plan {
			return mail.E(op, mail.Conflict, "plan.boxes_larger", larger, plan.String())
		}
		d.Plan = plan
		return nil
	})
}

// boxesLarger counts the boxes of a domain that hold more than size octets.
func boxesLarger(r store.Reader, domain mail.DomainID, size int64) (n int, err error) {
	var ids []mail.AccountID
	err = eachMarked(r, kindAccount, inDomain(domain), func(o store.Object) error {
		ids = append(ids, mail.AccountID(o.ID))
		return nil
	})
	for _, id := range ids {
		box, e := r.Box(id)
		if e != nil {
			return 0, e
		}
		if box.Used > size {
			n++
		}
	}
	return n, err
}

// SetDomainOptions replaces the options of a domain. Operators only.
func (c *Company) SetDomainOptions(ctx context.Context, by mail.Actor, name string, options []Option) (Domain, error) {
	const op = "directory.SetDomainOptions"
	options, err := checkOptions(op, options)
	if err != nil {
		return Domain{}, err
	}
	return c.changeDomain(ctx, by, op, name, func(_ store.Tx, d *Domain) error {
		d.Options = options
		return nil
	})
}

// changeDomain lets fn change a domain.
func (c *Company) changeDomain(ctx context.Context, by mail.Actor, op mail.Op, name string, fn func(store.Tx, *Domain) error) (d Domain, err error) {
	err = c.update(ctx, by, op, orders, func(tx store.Tx) error {
		var version uint64
		if d, version, err = domainNamed(tx, name); err != nil {
			return err
		}
		if err := fn(tx, &d); err != nil {
			return err
		}
		return putDomain(tx, d, version)
	})
	return d, err
}

// RemoveDomain gives a domain back, so that another tenant may have it. Operators
// only. Conflict "domain.not_empty" while it has accounts or lists. A claim without a domain, as a
// crash in AddDomain leaves it, is removed too.
func (c *Company) RemoveDomain(ctx context.Context, by mail.Actor, name string) error {
	const op = "directory.RemoveDomain"
	err := c.update(ctx, by, op, orders, func(tx store.Tx) error {
		d, version, err := domainNamed(tx, name)
		if err != nil {
			return err
		}
		lists, err := tx.CountMarked(kindList, inDomain(d.ID))
		if err != nil {
			return err
		}
		if n := d.Accounts + lists; n > 0 {
			return mail.E(op, mail.Conflict, "domain.not_empty", n)
		}
		return tx.DeleteObject(kindDomain, mail.ObjectID(d.ID), version)
	})
	if err != nil && !mail.Is(err, mail.NotFound) {
		return err
	}
	released, releaseErr := c.dir.releaseDomain(ctx, by, name, c.id)
	if releaseErr != nil || released {
		return mail.Wrap(op, releaseErr)
	}
	return err
}

// releaseDomain removes the tenant's claim, and tells whether there was one.
func (d *Directory) releaseDomain(ctx context.Context, by mail.Actor, name string, tenant mail.TenantID) (released bool, err error) {
	err = d.platform.Update(ctx, by, "directory.releaseDomain", func(tx store.Tx) error {
		released = false
		o, err := tx.ObjectByKey(domainKey(name))
		if mail.Is(err, mail.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		var doc claimDoc
		if err := read(o, &doc); err != nil || doc.Tenant != tenant {
			return err
		}
		released = true
		return tx.DeleteObject(kindDomain, o.ID, o.Version)
	})
	return released, err
}
