package directory

import (
	"context"
	"slices"
	"strings"
	"time"

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

// Domain is a mail domain of a tenant. Its slices are shared: don't change them.
type Domain struct {
	ID       mail.DomainID
	Version  uint64 // grows with each change
	Name     string // lower case, A-labels
	Plan     Plan
	IDs      int    // how many accounts are ordered (ML-1)
	Terms    []Term // of options; one option's do not meet
	Owner    Ownership
	Accounts int // how many there are
}

// HasAt tells whether an option is contracted at a moment.
func (d Domain) HasAt(o Option, at time.Time) bool {
	return slices.ContainsFunc(d.Terms, func(t Term) bool { return t.Option == o && t.holds(at) })
}

// Has tells whether an option is contracted now. It is right whenever it is asked: a Domain may be kept.
func (d Domain) Has(o Option) bool { return d.HasAt(o, time.Now()) }

// Options lists the options contracted now.
func (d Domain) Options() []Option {
	return slices.DeleteFunc(AllOptions(), func(o Option) bool { return !d.Has(o) })
}

// DomainSpec asks for a domain.
type DomainSpec struct {
	Name    string // U-labels are turned into A-labels
	Plan    Plan
	IDs     int      // at least 10, in steps of 10 or 100 (ML-1)
	Options []Option // from now on, without end
	Terms   []Term   // those with dates; an option stands here or in Options
	// Unverified: the company must show in the DNS that the domain is its own before mail comes and goes. Otherwise the
	// operator who adds it answers for that, for Reason.
	Unverified bool
	Reason     string
}

// domainDoc is a domain as stored in its tenant.
type domainDoc struct {
	Name  string    `json:"name"`
	Plan  Plan      `json:"plan"`
	IDs   int       `json:"ids"`
	Terms []Term    `json:"terms,omitempty"`
	Owner Ownership `json:"owner"`
}

func domainOf(o store.Object) (Domain, error) {
	var doc domainDoc
	err := read(o, &doc)
	return Domain{ID: mail.DomainID(o.ID), Version: o.Version, Name: doc.Name, Plan: doc.Plan, IDs: doc.IDs, Terms: doc.Terms, Owner: doc.Owner}, err
}

// putDomain writes a domain and gives it its new version.
func putDomain(tx store.Tx, d *Domain) error {
	o := store.Object{Kind: kindDomain, ID: mail.ObjectID(d.ID), Version: d.Version, Unique: []store.Key{domainKey(d.Name)}}
	err := put(tx, o, domainDoc{d.Name, d.Plan, d.IDs, d.Terms, d.Owner})
	d.Version++
	return taken(err, "domain.exists")
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
	if len(spec.Reason) > mail.MaxReason {
		return Domain{}, mail.E(op, mail.Invalid, "reason.missing", mail.MaxReason)
	}
	terms, err := checkTerms(op, fromNow(spec.Terms, spec.Options, time.Now().Truncate(time.Second)))
	return Domain{Name: name, Plan: spec.Plan, IDs: spec.IDs, Terms: terms}, err
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
	d.Owner = spec.ownership(by)
	if err := c.dir.claimDomain(ctx, by, claimDoc{d.Name, c.id, spec.Unverified}); err != nil {
		return Domain{}, mail.Wrap(op, err)
	}
	err = c.update(ctx, by, op, orders, func(tx store.Tx) error {
		if err := fits(tx, d); err != nil {
			return err
		}
		d.ID, d.Version = mail.DomainID(tx.NextID()), 0
		return putDomain(tx, &d)
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
func (d *Directory) claimDomain(ctx context.Context, by mail.Actor, want claimDoc) error {
	const op = "directory.claimDomain"
	return d.platform.Update(ctx, by, op, func(tx store.Tx) error { return putClaim(tx, want) })
}

// putClaim is claimDomain within a transaction of the platform. Conflict "domain.taken".
func putClaim(tx store.Tx, want claimDoc) error {
	have, err := tx.ObjectByKey(domainKey(want.Name))
	switch {
	case mail.Is(err, mail.NotFound):
		have = store.Object{Kind: kindDomain, ID: mail.ObjectID(tx.NextID())}
	case err != nil:
		return err
	default:
		var doc claimDoc
		if err := read(have, &doc); err != nil || doc == want {
			return err
		}
		if doc.Tenant != want.Tenant {
			return mail.E("directory.putClaim", mail.Conflict, "domain.taken", want.Name)
		}
	}
	have.Unique, have.Marks = []store.Key{domainKey(want.Name)}, nil
	return put(tx, have, want)
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

// RemoveDomain gives a domain back, so that another tenant may have it. Operators
// only. Conflict "domain.not_empty" while it has accounts or lists, "domain.in_trash" while deleted accounts of it can be restored,
// "domain.has_aliases" while accounts of other domains have addresses in it. A claim without a domain, as a
// crash in AddDomain leaves it, is removed too.
func (c *Company) RemoveDomain(ctx context.Context, by mail.Actor, name string) error {
	const op = "directory.RemoveDomain"
	if err := c.may(ctx, by, op, orders); err != nil {
		return err
	}
	// Looked at outside the transaction that removes, as it reads all accounts. Nobody sends as an alias that slips through: MaySendAs.
	if err := c.view(ctx, op, func(r store.Reader) error { return noAliasesIn(r, op, name) }); err != nil {
		return err
	}
	err := c.update(ctx, by, op, orders, func(tx store.Tx) error {
		d, _, err := domainNamed(tx, name)
		if err != nil {
			return err
		}
		lists, err := tx.CountMarked(kindList, inDomain(d.ID))
		if err != nil {
			return err
		}
		trash, err := tx.CountMarked(kindAccount, trashOf(d.ID))
		switch n := d.Accounts + lists; {
		case err != nil:
			return err
		case n > 0:
			return mail.E(op, mail.Conflict, "domain.not_empty", n)
		case trash > 0:
			return mail.E(op, mail.Conflict, "domain.in_trash", trash)
		}
		if err := dropFilter(tx, d.ID); err != nil {
			return err
		}
		return tx.DeleteObject(kindDomain, mail.ObjectID(d.ID), d.Version)
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

// noAliasesIn refuses a domain in which accounts of other domains have addresses.
func noAliasesIn(r store.Reader, op mail.Op, name string) error {
	aliases := 0
	err := each(r, kindAccount, func(o store.Object) error {
		var doc accountDoc
		if err := read(o, &doc); err != nil || doc.Address.Domain == name {
			return err
		}
		for _, a := range doc.Aliases {
			if a.Domain == name {
				aliases++
			}
		}
		return nil
	})
	if err == nil && aliases > 0 {
		err = mail.E(op, mail.Conflict, "domain.has_aliases", aliases)
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
