package directory

import (
	"slices"

	"tegami/mail"
)

// Grant gives a role, for the whole company or a part of it (CP-6). With domains or groups it reaches the accounts
// and lists that are in one of them.
type Grant struct {
	Role    Role            `json:"role"`
	Domains []mail.DomainID `json:"domains,omitempty"`
	Groups  []mail.ObjectID `json:"groups,omitempty"`
}

// Whole tells whether the grant reaches the whole company.
func (g Grant) Whole() bool { return len(g.Domains) == 0 && len(g.Groups) == 0 }

// reaches tells whether the grant reaches what stands in a place.
func (g Grant) reaches(in Place) bool {
	return g.Whole() || slices.Contains(g.Domains, in.Domain) ||
		slices.ContainsFunc(in.Groups, func(id mail.ObjectID) bool { return slices.Contains(g.Groups, id) })
}

// Place is where an account or a list stands, for scoped roles. The zero Place is the company as a whole.
type Place struct {
	Domain mail.DomainID
	Groups []mail.ObjectID
}

// A Caller is who works with the panel, the API or the command line: an operator, a signed-in account, or an API
// key. Only this package makes one.
type Caller struct {
	actor    mail.Actor
	tenant   mail.TenantID // zero for operators
	identity *Identity     // nil for operators and keys
	grants   []Grant
	lang     string
	session  mail.ObjectID // of the pages; zero where there is none
}

// OperatorCaller is an operator whom the machine itself proved: at the command line or on the control socket. If he gives no
// reason, MachineReason stands in a company's log.
func OperatorCaller(name, remote string) *Caller { return &Caller{actor: Operator(name, remote)} }

// Actor is under what the caller writes.
func (c *Caller) Actor() mail.Actor { return c.actor }

// Operator tells whether the caller runs the platform, or only looks at how it runs.
func (c *Caller) Operator() bool {
	return c.actor.Role() == mail.Operator || c.actor.Role() == mail.Observer
}

// OperatorRole is what an operator may do; "" for all others.
func (c *Caller) OperatorRole() OperatorRole {
	switch c.actor.Role() {
	case mail.Operator:
		return OperatorFull
	case mail.Observer:
		return OperatorReadOnly
	}
	return ""
}

// Tenant is the caller's company; zero for operators.
func (c *Caller) Tenant() mail.TenantID { return c.tenant }

// Identity is the signed-in account; nil for operators and API keys.
func (c *Caller) Identity() *Identity { return c.identity }

// Lang is the caller's language, "" where none is known.
func (c *Caller) Lang() string { return c.lang }

// Grants are the roles of the caller.
func (c *Caller) Grants() []Grant { return c.grants }

// May tells whether the caller has a right somewhere.
func (c *Caller) May(right Right) bool {
	switch {
	case right == RightAny:
		return true
	case c.actor.Role() == mail.Operator: // never reads mail
		return right != RightSelf && right != RightAudit && right != RightArchive && right != RightQuarantine
	case c.actor.Role() == mail.Observer:
		return right == RightOrderRead || slices.Contains(reading, right)
	case right == RightSelf:
		return c.identity != nil
	}
	return slices.ContainsFunc(c.grants, func(g Grant) bool { return g.Role.Gives(right) })
}

// MayIn tells whether the caller has a right on what stands in a place.
func (c *Caller) MayIn(right Right, in Place) bool {
	if c.Operator() {
		return c.May(right)
	}
	return slices.ContainsFunc(c.grants, func(g Grant) bool { return g.Role.Gives(right) && g.reaches(in) })
}

// Whole tells whether the caller has a right in the whole company, not only in a part.
func (c *Caller) Whole(right Right) bool { return c.MayIn(right, Place{}) }

// InBrowser tells whether the caller is a person who signed in to the pages; a key and the machine itself are not.
func (c *Caller) InBrowser() bool { return !c.session.IsZero() }

// Rights lists what the caller may do somewhere.
func (c *Caller) Rights() []Right {
	return slices.DeleteFunc(Rights(), func(r Right) bool { return !c.May(r) })
}
