package main

import (
	"fmt"

	"tegami/directory"
	"tegami/mail"
)

// demoKey is the name of the API keys a demo makes at each start, in place of the last ones: a key's text is known only when it is made.
const demoKey = "demo"

// demoOperator is who runs the demo's platform; he signs in at the same page as everybody.
const demoOperator = "operator"

// demoKeys are API keys: one of the operator, one of the first company's owner.
type demoKeys struct{ operator, owner string }

// keys makes the demo's API keys anew.
func (s seeder) keys(owner *directory.Company) (made demoKeys, err error) {
	platform, err := s.dir.OperatorKeys(s.ctx)
	if err != nil {
		return made, err
	}
	for _, k := range platform {
		if k.Name == demoKey {
			if err := s.dir.RevokeOperatorKey(s.ctx, s.by, k.ID); err != nil {
				return made, err
			}
		}
	}
	company, err := owner.Keys(s.ctx)
	if err != nil {
		return made, err
	}
	for _, k := range company {
		if k.Name == demoKey {
			if err := owner.RevokeKey(s.ctx, s.by, k.ID); err != nil {
				return made, err
			}
		}
	}
	if _, made.operator, err = s.dir.AddOperatorKey(s.ctx, s.by, directory.KeySpec{Name: demoKey, Operator: directory.OperatorFull}); err != nil {
		return made, err
	}
	_, made.owner, err = owner.AddKey(s.ctx, s.by, directory.KeySpec{Name: demoKey, Grants: []directory.Grant{{Role: directory.RoleOwner}}})
	return made, err
}

// operator makes sure of the platform's operator.
func (s seeder) operator(password string) error {
	_, err := s.dir.AddOperator(s.ctx, s.by, directory.OperatorSpec{Name: demoOperator, Password: password, Role: directory.OperatorFull})
	if mail.Is(err, mail.Conflict) {
		return nil
	}
	return err
}

// furnish gives a company what one has beside accounts: groups and mailing lists. A company that has a group already is left as it is.
func (s seeder) furnish(company *directory.Company, want demoCompany) error {
	groups, err := company.Groups(s.ctx)
	if err != nil || len(groups) > 0 || want.accounts < smallCompany {
		return err
	}
	accounts, err := company.Accounts(s.ctx, directory.AccountPage{Limit: furnished})
	if err != nil {
		return err
	}
	for i, name := range departmentsIn(want.lang)[:3] {
		g, err := company.AddGroup(s.ctx, s.by, directory.GroupSpec{Name: name})
		if err != nil {
			return err
		}
		var in []mail.AccountID
		var members []directory.Member
		for j, a := range accounts {
			if j%3 == i {
				in = append(in, a.ID)
				members = append(members, directory.Member{Address: a.Address, Name: a.Name})
			}
		}
		if err := company.ChangeGroup(s.ctx, s.by, g.ID, in, nil); err != nil {
			return err
		}
		if err := s.list(company, mail.Address{Local: fmt.Sprintf("team%d", i+1), Domain: want.domain}, name, members); err != nil {
			return err
		}
	}
	return nil
}

// furnished is how many accounts of a company are in its groups and lists.
const furnished = 30

// list makes a mailing list with its members, unless there is one.
func (s seeder) list(company *directory.Company, at mail.Address, name string, members []directory.Member) error {
	l, err := company.AddList(s.ctx, s.by, at, directory.ListSpec{Name: name})
	if mail.Is(err, mail.Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	return company.AddMembers(s.ctx, s.by, l.ID, members)
}
