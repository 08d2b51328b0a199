package main

import "tegami/mail"

type aliasCommands struct {
	Add    aliasAdd    `cmd:"" help:"Give an account a further address."`
	List   aliasList   `cmd:"" help:"List aliases."`
	Delete aliasDelete `cmd:"" help:"Remove an alias."`
}

// aliasRow is an alias as it is printed.
type aliasRow struct {
	Alias   string         `json:"alias"`
	Address string         `json:"address"`
	Account mail.AccountID `json:"account"`
}

var aliasHeadings = []string{"cli.alias", "cli.address", "cli.id"}

func (r aliasRow) columns() []string { return []string{r.Alias, r.Address, r.Account.String()} }

type aliasAdd struct {
	Alias   string `arg:"" help:"The further address."`
	Address string `arg:"" help:"An address the account has."`
}

func (c aliasAdd) Run(sh *shell, a *adminCommand) error {
	alias, err := mail.ParseAddress(c.Alias)
	if err != nil {
		return err
	}
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		if err := company.AddAlias(d.ctx, d.by, alias, found.ID); err != nil {
			return err
		}
		return printOne(sh, a.format, aliasHeadings, aliasRow{alias.String(), found.Address.String(), found.ID})
	})
}

type aliasList struct {
	Tenant string `help:"Only of this company: its id, or a domain it has."`
}

func (c aliasList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		companies, err := d.companies(c.Tenant)
		if err != nil {
			return err
		}
		var rows []aliasRow
		for _, company := range companies {
			accounts, err := d.appendAccounts(nil, company, "")
			if err != nil {
				return err
			}
			for _, one := range accounts {
				for _, alias := range one.Aliases {
					rows = append(rows, aliasRow{alias, one.Address, one.ID})
				}
			}
		}
		return printList(sh, a.format, aliasHeadings, rows)
	})
}

type aliasDelete struct {
	Alias string `arg:"" help:"The alias."`
}

func (c aliasDelete) Run(sh *shell, a *adminCommand) error {
	alias, err := mail.ParseAddress(c.Alias)
	if err != nil {
		return err
	}
	return a.open(sh, func(d *desk) error {
		company, err := d.company(alias.Domain)
		if err != nil {
			return err
		}
		return company.RemoveAlias(d.ctx, d.by, alias)
	})
}
