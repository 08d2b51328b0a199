package directory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// DomainChange is an order that changes a domain. What is zero stays as it is.
type DomainChange struct {
	Version uint64   // what is meant to be changed; 0 = whatever stands there
	IDs     int      // ML-1, ML-3
	Plan    Plan     // of all its boxes (SV-4)
	Over    bool     // accept that boxes hold more than the new plan: they take no mail until they are emptied (SV-5)
	Options []Option // exactly these from now on, without end; empty, not nil: none
	Terms   []Term   // in place of all terms; at most one of Options and Terms
}

// ChangeDomain changes a domain as ordered, in one commit. Operators only. Errors as of SetDomainIDs, SetDomainPlan,
// SetDomainOptions; Conflict "object.changed" when another version stands there.
func (c *Company) ChangeDomain(ctx context.Context, by mail.Actor, name string, change DomainChange) (d Domain, err error) {
	const op = "directory.ChangeDomain"
	if change.Plan != 0 && change.Plan.String() == "" {
		return Domain{}, mail.E(op, mail.Invalid, "plan.unknown", int64(change.Plan))
	}
	err = c.change(ctx, by, op, RightOrder, func(tx store.Tx) error {
		if d, _, err = domainNamed(tx, name); err != nil {
			return err
		}
		if change.Version != 0 && change.Version != d.Version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		if err := change.apply(tx, op, &d); err != nil {
			return err
		}
		return putDomain(tx, &d)
	})
	return d, err
}

// apply does what is ordered.
func (change DomainChange) apply(tx store.Tx, op mail.Op, d *Domain) (err error) {
	if change.IDs != 0 {
		if err := setIDs(tx, op, d, change.IDs); err != nil {
			return err
		}
	}
	if change.Plan != 0 {
		if err := setPlan(tx, op, d, change.Plan, change.Over); err != nil {
			return err
		}
	}
	switch {
	case change.Terms != nil:
		d.Terms, err = checkTerms(op, change.Terms)
	case change.Options != nil:
		d.Terms, err = checkTerms(op, fromNow(d.Terms, change.Options, time.Now().Truncate(time.Second)))
	}
	return err
}

// setIDs changes how many IDs a domain has.
func setIDs(tx store.Tx, op mail.Op, d *Domain, ids int) error {
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
}

// setPlan changes the size of a domain's boxes. Smaller than what is in them it must be accepted.
func setPlan(tx store.Tx, op mail.Op, d *Domain, plan Plan, over bool) error {
	if plan < d.Plan && !over {
		larger, err := boxesLarger(tx, d.ID, int64(plan))
		if err != nil {
			return err
		}
		if n := len(larger); n > 0 {
			return mail.E(op, mail.Conflict, "plan.boxes_larger", n, plan.String())
		}
	}
	d.Plan = plan
	return nil
}

// SetDomainIDs changes how many IDs a domain has (ML-1, ML-3). Operators only. Invalid
// "ids.unit" or "ids.large_unit"; Conflict "ids.in_use" when there are more accounts.
func (c *Company) SetDomainIDs(ctx context.Context, by mail.Actor, name string, ids int) (Domain, error) {
	if ids == 0 {
		return Domain{}, checkUnits(0, 0, 0)
	}
	return c.ChangeDomain(ctx, by, name, DomainChange{IDs: ids})
}

// SetDomainPlan changes the size of all boxes of a domain (SV-4). Operators only. Conflict
// "plan.boxes_larger" with the number of boxes that hold more than the new plan; BoxesOver lists them, and DomainChange.Over accepts
// them.
func (c *Company) SetDomainPlan(ctx context.Context, by mail.Actor, name string, plan Plan) (Domain, error) {
	if plan == 0 {
		return Domain{}, mail.E("directory.SetDomainPlan", mail.Invalid, "plan.unknown", int64(plan))
	}
	return c.ChangeDomain(ctx, by, name, DomainChange{Plan: plan})
}

// SetDomainOptions gives a domain exactly these options from now on, without end. Operators only. Invalid "option.unknown",
// Denied "option.not_offered".
func (c *Company) SetDomainOptions(ctx context.Context, by mail.Actor, name string, options []Option) (Domain, error) {
	return c.ChangeDomain(ctx, by, name, DomainChange{Options: append([]Option{}, options...)})
}

// BoxOver is a box that holds more than a plan.
type BoxOver struct {
	Account mail.AccountID
	Address mail.Address
	Used    int64 // octets
}

// BoxesOver lists the boxes of a domain that hold more than a plan, the largest first. NotFound "domain.unknown".
func (c *Company) BoxesOver(ctx context.Context, name string, plan Plan) (over []BoxOver, err error) {
	const op = "directory.BoxesOver"
	if plan.String() == "" {
		return nil, mail.E(op, mail.Invalid, "plan.unknown", int64(plan))
	}
	err = c.view(ctx, op, func(r store.Reader) error {
		d, _, err := domainNamed(r, name)
		if err == nil {
			over, err = boxesLarger(r, d.ID, int64(plan))
		}
		return err
	})
	slices.SortStableFunc(over, func(a, b BoxOver) int { return cmp.Compare(b.Used, a.Used) })
	return over, err
}

// boxesLarger gives the boxes of a domain that hold more than size octets.
func boxesLarger(r store.Reader, domain mail.DomainID, size int64) (over []BoxOver, err error) {
	var all []store.Object
	err = eachMarked(r, kindAccount, inDomain(domain), func(o store.Object) error {
		all = append(all, o)
		return nil
	})
	for _, o := range all {
		box, e := r.Box(mail.AccountID(o.ID))
		if e != nil {
			return nil, e
		}
		if box.Used <= size {
			continue
		}
		var doc accountDoc
		if e := read(o, &doc); e != nil {
			return nil, e
		}
		over = append(over, BoxOver{mail.AccountID(o.ID), doc.Address, box.Used})
	}
	return over, err
}
