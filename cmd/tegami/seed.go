package main

import (
	"context"
	"fmt"
	"net/netip"

	"tegami/app"
	"tegami/directory"
	"tegami/mail"
)

// demoCompany is a made-up company of the demo.
type demoCompany struct {
	name, domain, lang string
	accounts           int
	networks           []netip.Prefix // in the VPN (SV-9)
}

// spareIDs is how many accounts one can add to a company of the demo.
const spareIDs = 10

// smallCompany is how many accounts the demo's second company has.
const smallCompany = 5

// seeder makes the demo's companies. What an earlier run made is left as it is, so a run that was cut short is completed by the next.
type seeder struct {
	ctx      context.Context
	dir      *directory.Directory
	by       mail.Actor
	password string
}

// demoPlan is what a demo shall have.
type demoPlan struct {
	accounts           int    // of the first company
	more               int    // companies of one account besides, c0.example and on
	password, operator string // of all accounts, and of the operator
}

// seed makes sure both companies are there and gives their accounts, the first company's first, and the API keys of this start.
func seed(ctx context.Context, p *app.Platform, plan demoPlan) (all []demoAccount, keys demoKeys, err error) {
	s := seeder{ctx, p.Directory(), directory.Operator("demo", ""), plan.password}
	if err := s.operator(plan.operator); err != nil {
		return nil, keys, err
	}
	companies := []demoCompany{
		{"アルファ商事株式会社", "alpha.example", "ja", plan.accounts, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		{"Beta Trading Ltd", "beta.example", "en", smallCompany, nil},
	}
	for i := range plan.more {
		companies = append(companies, demoCompany{fmt.Sprintf("Company %d", i), fmt.Sprintf("c%d.example", i), "en", 1, nil})
	}
	for i, c := range companies {
		company, err := s.open(c)
		if err != nil {
			return nil, keys, err
		}
		made, err := s.company(company, c)
		if err != nil {
			return nil, keys, err
		}
		all = append(all, made...)
		if i == 0 {
			if keys, err = s.keys(company); err != nil {
				return nil, keys, err
			}
		}
	}
	return all, keys, nil
}

// company makes sure of the accounts of one company, and of what it has beside them.
func (s seeder) company(company *directory.Company, want demoCompany) ([]demoAccount, error) {
	have := map[string]bool{}
	for page := (directory.AccountPage{}); ; {
		list, err := company.Accounts(s.ctx, page)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		for _, a := range list {
			have[a.Address.Local] = true
		}
		page.After = list[len(list)-1].ID
	}
	all, err := s.accounts(company, want, have)
	if err != nil {
		return nil, err
	}
	return all, s.furnish(company, want)
}

// open makes sure of a company's contract and domain.
func (s seeder) open(want demoCompany) (*directory.Company, error) {
	id, known, err := s.dir.LocalDomain(s.ctx, want.domain)
	if err != nil {
		return nil, err
	}
	if !known {
		t, err := s.dir.OpenTenant(s.ctx, s.by, directory.TenantSpec{Name: want.name, Lang: want.lang, Networks: want.networks})
		if err != nil {
			return nil, err
		}
		id = t.ID
	}
	company := s.dir.Company(id)
	_, err = company.Domain(s.ctx, want.domain)
	if mail.Is(err, mail.NotFound) {
		_, err = company.AddDomain(s.ctx, s.by, directory.DomainSpec{
			Name: want.domain, Plan: directory.Plan10GB, IDs: units(want.accounts + spareIDs), Options: directory.Options(),
		})
	}
	return company, err
}

// units is the number of IDs to order for so many accounts (ML-1).
func units(accounts int) int {
	step := directory.UnitIDs
	if accounts >= directory.LargeCustomerIDs {
		step = directory.LargeUnitIDs
	}
	return max(1, (accounts+step-1)/step) * step
}

// accounts adds those that are missing; the first of a company is its administrator.
func (s seeder) accounts(company *directory.Company, want demoCompany, have map[string]bool) ([]demoAccount, error) {
	all := make([]demoAccount, 0, want.accounts)
	var missing []directory.AccountSpec
	for i := range want.accounts {
		spec := directory.AccountSpec{
			Address: mail.Address{Local: fmt.Sprintf("user%d", i), Domain: want.domain}, Profile: profileOf(i, want), Password: s.password,
		}
		account := demoAccount{spec.Address.String(), s.password, []string{}}
		if i == 0 {
			spec.Roles = []directory.Role{directory.RoleOwner}
			account.Roles = []string{string(directory.RoleOwner)}
		}
		all = append(all, account)
		if !have[spec.Address.Local] {
			missing = append(missing, spec)
		}
	}
	for len(missing) > 0 {
		n := min(len(missing), directory.MaxBulk)
		if _, err := company.AddAccounts(s.ctx, s.by, missing[:n]); err != nil {
			return nil, err
		}
		missing = missing[n:]
	}
	return all, nil
}
