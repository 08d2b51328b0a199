package main

import (
	"strconv"
	"strings"

	"tegami/directory"
	"tegami/mail"
)

type domainCommands struct {
	Add    domainAdd    `cmd:"" help:"Add a domain to a company."`
	List   domainList   `cmd:"" help:"List domains."`
	Show   domainShow   `cmd:"" help:"Show one domain."`
	Set    domainSet    `cmd:"" help:"Change a domain's plan, number of IDs or options."`
	DNS    domainDNS    `cmd:"" name:"dns" help:"Show the records a domain should have in the DNS, and check them."`
	DKIM   domainDKIM   `cmd:"" name:"dkim" help:"Show the keys that sign a domain's mail, and rotate them."`
	STS    domainSTS    `cmd:"" name:"mta-sts" help:"Show and set the MTA-STS policy of a domain."`
	Delete domainDelete `cmd:"" help:"Remove a domain that has no accounts."`
}

// domainRow is a domain as it is printed.
type domainRow struct {
	ID       mail.DomainID      `json:"id"`
	Name     string             `json:"name"`
	Plan     string             `json:"plan"`
	IDs      int                `json:"ids"`
	Accounts int                `json:"accounts"`
	Options  []directory.Option `json:"options"`
}

var domainHeadings = []string{"cli.id", "cli.domain", "cli.plan", "cli.ids", "cli.accounts", "cli.options"}

func newDomainRow(d directory.Domain) domainRow {
	return domainRow{d.ID, d.Name, d.Plan.String(), d.IDs, d.Accounts, d.Options()}
}

func (r domainRow) columns() []string {
	options := make([]string, len(r.Options))
	for i, o := range r.Options {
		options[i] = string(o)
	}
	return []string{r.ID.String(), r.Name, r.Plan, strconv.Itoa(r.IDs), strconv.Itoa(r.Accounts), strings.Join(options, " ")}
}

// optionsOf turns the words of the command line into options; "none" stands for no option at all.
func optionsOf(words []string) []directory.Option {
	options := []directory.Option{}
	for _, w := range words {
		if w != "none" {
			options = append(options, directory.Option(w))
		}
	}
	return options
}

type domainAdd struct {
	Name   string   `arg:"" help:"The domain, such as example.jp."`
	Tenant string   `help:"The company: its id, or a domain it has." required:""`
	Plan   string   `help:"Size of each box: 100MB, 3GB or 10GB (SV-4)." default:"3GB"`
	IDs    int      `help:"Number of accounts that may be made, in steps of 10 (ML-1)." name:"ids" default:"10"`
	Option []string `help:"An option of the contract, such as imaps (SV-7); may be given several times."`
}

func (c domainAdd) Run(sh *shell, a *adminCommand) error {
	plan, err := directory.ParsePlan(c.Plan)
	if err != nil {
		return err
	}
	return a.open(sh, func(d *desk) error {
		company, err := d.company(c.Tenant)
		if err != nil {
			return err
		}
		made, err := company.AddDomain(d.ctx, d.by, directory.DomainSpec{Name: c.Name, Plan: plan, IDs: c.IDs, Options: optionsOf(c.Option)})
		if err != nil {
			return err
		}
		return printOne(sh, a.format, domainHeadings, newDomainRow(made))
	})
}

type domainList struct {
	Tenant string `help:"Only of this company: its id, or a domain it has."`
}

func (c domainList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		companies, err := d.companies(c.Tenant)
		if err != nil {
			return err
		}
		var rows []domainRow
		for _, company := range companies {
			domains, err := company.Domains(d.ctx)
			if err != nil {
				return err
			}
			for _, one := range domains {
				rows = append(rows, newDomainRow(one))
			}
		}
		return printList(sh, a.format, domainHeadings, rows)
	})
}

type domainShow struct {
	Name string `arg:"" help:"The domain."`
}

func (c domainShow) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, err := d.company(c.Name)
		if err != nil {
			return err
		}
		found, err := company.Domain(d.ctx, c.Name)
		if err != nil {
			return err
		}
		return printOne(sh, a.format, domainHeadings, newDomainRow(found))
	})
}

type domainSet struct {
	Name   string   `arg:"" help:"The domain."`
	Plan   string   `help:"The new plan: 100MB, 3GB or 10GB."`
	IDs    int      `help:"The new number of IDs." name:"ids"`
	Option []string `help:"The options from now on; none for no option."`
}

func (c domainSet) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, err := d.company(c.Name)
		if err != nil {
			return err
		}
		now, err := company.Domain(d.ctx, c.Name)
		if err == nil && c.Plan != "" {
			var plan directory.Plan
			if plan, err = directory.ParsePlan(c.Plan); err == nil {
				now, err = company.SetDomainPlan(d.ctx, d.by, c.Name, plan)
			}
		}
		if err == nil && c.IDs != 0 {
			now, err = company.SetDomainIDs(d.ctx, d.by, c.Name, c.IDs)
		}
		if err == nil && len(c.Option) > 0 {
			now, err = company.SetDomainOptions(d.ctx, d.by, c.Name, optionsOf(c.Option))
		}
		if err != nil {
			return err
		}
		return printOne(sh, a.format, domainHeadings, newDomainRow(now))
	})
}

type domainDelete struct {
	Name string `arg:"" help:"The domain."`
}

func (c domainDelete) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, err := d.company(c.Name)
		if err != nil {
			return err
		}
		return company.RemoveDomain(d.ctx, d.by, c.Name)
	})
}
