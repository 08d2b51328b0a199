package directory

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// Limits of grants.
const (
	// MaxGrants is how many roles an account or a key has.
	MaxGrants = 20
	// MaxScope is how many domains and groups one grant names.
	MaxScope = 500
)

// WholeGrants gives roles for the whole company.
func WholeGrants(roles ...Role) []Grant {
	var grants []Grant
	for _, r := range roles {
		grants = append(grants, Grant{Role: r})
	}
	return grants
}

// rolesOf lists the roles of grants, each once.
func rolesOf(grants []Grant) []Role {
	var roles []Role
	for _, g := range grants {
		if !slices.Contains(roles, g.Role) {
			roles = append(roles, g.Role)
		}
	}
	return roles
}

// owns tells whether grants make an owner of the whole company.
func owns(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return g.Role == RoleOwner && g.Whole() })
}

// checkGrants refuses roles there are not, and those given twice. Invalid "role.unknown", "role.twice", "role.scope"; Full
// "role.too_many".
func checkGrants(op mail.Op, grants []Grant) error {
	if len(grants) > MaxGrants {
		return mail.E(op, mail.Full, "role.too_many", MaxGrants)
	}
	for i, g := range grants {
		switch {
		case !slices.Contains(Roles(), g.Role):
			return mail.E(op, mail.Invalid, "role.unknown", string(g.Role))
		case slices.ContainsFunc(grants[:i], func(b Grant) bool { return b.Role == g.Role }):
			return mail.E(op, mail.Invalid, "role.twice", string(g.Role))
		case len(g.Domains)+len(g.Groups) > MaxScope:
			return mail.E(op, mail.Full, "role.scope_full", MaxScope)
		}
	}
	return nil
}

// scopesExist refuses grants for domains and groups that the company doesn't have. NotFound "domain.unknown", "group.unknown".
func scopesExist(r store.Reader, op mail.Op, grants []Grant) error {
	for _, g := range grants {
		for _, id := range g.Domains {
			if err := exists(r, kindDomain, mail.ObjectID(id), mail.E(op, mail.NotFound, "domain.unknown", id.String())); err != nil {
				return err
			}
		}
		for _, id := range g.Groups {
			if err := exists(r, kindGroup, id, mail.E(op, mail.NotFound, "group.unknown", id.String())); err != nil {
				return err
			}
		}
	}
	return nil
}

// exists gives an error where there is no object of this kind and id.
func exists(r store.Reader, kind string, id mail.ObjectID, unknown error) error {
	_, err := r.Object(kind, id)
	if mail.Is(err, mail.NotFound) {
		return unknown
	}
	return err
}

// mayGive refuses an actor who gives or takes roles without being an owner there (CP-3). Nobody gives more than he has.
// Denied "actor.denied", "role.beyond".
func (c *Company) mayGive(r store.Reader, by mail.Actor, op mail.Op, grants []Grant) error {
	mine, err := grantsOf(r, by)
	if err != nil || len(grants) == 0 {
		return err
	}
	caller := &Caller{actor: by, grants: mine}
	if !caller.May(RightRoles) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	for _, g := range grants {
		if !caller.covers([]Grant{g}) {
			return mail.E(op, mail.Denied, "role.beyond", string(g.Role))
		}
	}
	return nil
}

// SetGrants replaces what an account may do beside using its own mail (CP-6). Any active account of the company can be given
// any role (CP-4), by owners only (CP-3); nobody gives more than he has. Denied "role.beyond"; Conflict "account.last_admin"
// where no active owner of the whole company would be left, unless by an operator; Conflict "role.inactive" for an account that
// is not active; Conflict "object.changed" for another version of the account than meant, 0 = whichever stands there; Invalid
// "role.unknown", "role.twice"; NotFound "account.unknown", "domain.unknown", "group.unknown".
func (c *Company) SetGrants(ctx context.Context, by mail.Actor, id mail.AccountID, meant uint64, grants []Grant) error {
	const op = "directory.SetGrants"
	if err := checkGrants(op, grants); err != nil {
		return err
	}
	return c.change(ctx, by, op, RightRoles, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err != nil {
			return err
		}
		if err := c.mayGive(tx, by, op, slices.Concat(doc.Grants, grants)); err != nil {
			return err
		}
		if meant != 0 && meant != version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		if len(grants) > 0 && doc.State != AccountActive {
			return mail.E(op, mail.Conflict, "role.inactive", doc.Address.String())
		}
		if err := scopesExist(tx, op, grants); err != nil {
			return err
		}
		was := doc
		doc.Grants = slices.Clone(grants)
		if err := ownerLeft(tx, by, op, id, [2]*accountDoc{&was, &doc}); err != nil {
			return err
		}
		return putAccount(tx, id, doc, version)
	})
}

// SetRoles is SetGrants for roles in the whole company.
func (c *Company) SetRoles(ctx context.Context, by mail.Actor, id mail.AccountID, roles []Role) error {
	return c.SetGrants(ctx, by, id, 0, WholeGrants(roles...))
}

// active tells whether the account is an active owner of the whole company.
func (d *accountDoc) activeOwner() bool { return d.State == AccountActive && owns(d.Grants) }

// ownerLeft refuses a change, from one document to another, that takes the last active owner away (CP-3); nil is one that is
// removed. Operators may leave a company without, as they can appoint one.
func ownerLeft(r store.Reader, by mail.Actor, op mail.Op, id mail.AccountID, change [2]*accountDoc) error {
	if by.Role() == mail.Operator || by.Role() == mail.Platform || !change[0].activeOwner() || change[1] != nil && change[1].activeOwner() {
		return nil
	}
	others := false
	err := eachMarked(r, kindAccount, hasRole(RoleOwner), func(o store.Object) error {
		var doc accountDoc
		err := read(o, &doc)
		others = others || mail.AccountID(o.ID) != id && doc.activeOwner()
		return err
	})
	if err == nil && !others {
		err = mail.E(op, mail.Conflict, "account.last_admin")
	}
	return err
}

// Administrator is an account that has a role.
type Administrator struct {
	ID      mail.AccountID
	Address mail.Address
	Name    string
	State   AccountState
	Place   Place
	Grants  []Grant
}

// Administrators lists who has a role, by address.
func (c *Company) Administrators(ctx context.Context) (list []Administrator, err error) {
	err = c.view(ctx, "directory.Administrators", func(r store.Reader) error {
		found := make(map[mail.ObjectID]Administrator)
		for _, role := range Roles() {
			err := eachMarked(r, kindAccount, hasRole(role), func(o store.Object) error {
				var doc accountDoc
				err := read(o, &doc)
				found[o.ID] = Administrator{mail.AccountID(o.ID), doc.Address, doc.Profile.Name(), doc.State, doc.place(), doc.Grants}
				return err
			})
			if err != nil {
				return err
			}
		}
		list = make([]Administrator, 0, len(found))
		for _, a := range found {
			list = append(list, a)
		}
		slices.SortFunc(list, byAddress)
		return nil
	})
	return list, err
}

func byAddress(a, b Administrator) int { return strings.Compare(a.Address.Key(), b.Address.Key()) }
