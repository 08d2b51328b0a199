package directory

import "tegami/mail"

// Units in which IDs are ordered, per domain (ML-1, ML-3).
const (
	// UnitIDs is the least number of IDs of a domain and the step.
	UnitIDs = 10
	// LargeUnitIDs is the step for customers with LargeCustomerIDs or more in all their domains.
	LargeUnitIDs = 100
	// LargeCustomerIDs is from how many IDs on a customer orders in large steps.
	LargeCustomerIDs = 10_000
	// MaxIDs bounds one domain.
	MaxIDs = 1_000_000
)

// checkUnits judges an order that changes a domain's number of IDs from old (0 for a
// new domain) to ids, for a customer who has total in all domains before it. Up to 10,000 in all it may be in steps of 10; what
// is above that, or taken away from there, is in steps of 100 (ML-1).
func checkUnits(total, old, ids int) error {
	const op = "directory.checkUnits"
	large := 0 // how many of the change are to be ordered in large steps
	switch change := ids - old; {
	case total >= LargeCustomerIDs:
		large = change
	case total+change > LargeCustomerIDs:
		large = total + change - LargeCustomerIDs
	}
	switch {
	case ids < UnitIDs || ids%UnitIDs != 0:
		return mail.E(op, mail.Invalid, "ids.unit", UnitIDs, UnitIDs)
	case ids > MaxIDs:
		return mail.E(op, mail.Full, "ids.too_many", MaxIDs)
	case large%LargeUnitIDs != 0:
		return mail.E(op, mail.Invalid, "ids.large_unit", LargeCustomerIDs, LargeUnitIDs)
	}
	return nil
}

// CheckIDs judges a number of IDs as far as that can be done without knowing the customer: Invalid "ids.unit", Full "ids.too_many".
func CheckIDs(ids int) error { return checkUnits(0, ids, ids) }
