package main

import (
	"strconv"
	"strings"

	"tegami/directory"
	"tegami/mail"
)

type accountCommands struct {
	Add     accountAdd     `cmd:"" help:"Add an account; its password is read from standard input."`
	List    accountList    `cmd:"" help:"List accounts."`
	Show    accountShow    `cmd:"" help:"Show one account."`
	Set     accountSet     `cmd:"" help:"Change an account's state, roles or password."`
	Forward accountForward `cmd:"" help:"Forward an account's mail (ML-5)."`
	Sending accountSending `cmd:"" help:"Stop an account's sending, as after a theft of its password, or let it send again."`
	Delete  accountDelete  `cmd:"" help:"Delete an account; for 30 days it can be restored, then it is destroyed with all its mail."`

	AppPassword appPasswordCommands `cmd:"" name:"app-password" help:"Passwords for single programs and devices."`
	Sessions    accountSessions     `cmd:"" help:"List open sessions of mail software."`
}

// accountRow is an account as it is printed.
type accountRow struct {
	ID      mail.AccountID   `json:"id"`
	Address string           `json:"address"`
	Name    string           `json:"name"`
	State   string           `json:"state"`
	Quota   int64            `json:"quota"` // octets
	Lang    string           `json:"lang"`
	Roles   []directory.Role `json:"roles"`
	Aliases []string         `json:"aliases"`
}

var accountHeadings = []string{"cli.id", "cli.address", "cli.name", "cli.state", "cli.quota", "cli.language", "cli.roles", "cli.aliases"}

func newAccountRow(a directory.Account) accountRow {
	aliases := make([]string, len(a.Aliases))
	for i, alias := range a.Aliases {
		aliases[i] = alias.String()
	}
	return accountRow{a.ID, a.Address.String(), a.Name, string(a.State), a.Quota, a.Lang, a.Roles(), aliases}
}

func (r accountRow) columns() []string {
	roles := make([]string, len(r.Roles))
	for i, role := range r.Roles {
		roles[i] = string(role)
	}
	return []string{r.ID.String(), r.Address, r.Name, r.State, strconv.FormatInt(r.Quota, 10), r.Lang, strings.Join(roles, " "), strings.Join(r.Aliases, " ")}
}

type accountAdd struct {
	password
	Address string   `arg:"" help:"The mail address."`
	Name    string   `help:"The person's name."`
	Lang    string   `help:"Language: ja or en; default the company's." enum:",ja,en" default:""`
	Role    []string `help:"A role, such as admin (CP-4); may be given several times."`
}

func (c accountAdd) Run(sh *shell, a *adminCommand) error {
	addr, err := mail.ParseAddress(c.Address)
	if err != nil {
		return err
	}
	word, err := c.read(sh)
	if err != nil {
		return err
	}
	return a.open(sh, func(d *desk) error {
		company, err := d.company(addr.Domain)
		if err != nil {
			return err
		}
		made, err := company.AddAccount(d.ctx, d.by, directory.AccountSpec{Address: addr, Name: c.Name, Password: word, Lang: c.Lang, Roles: rolesOf(c.Role)})
		if err != nil {
			return err
		}
		return printOne(sh, a.format, accountHeadings, newAccountRow(made))
	})
}

// rolesOf turns the words of the command line into roles; "none" stands for no role at all.
func rolesOf(words []string) []directory.Role {
	roles := []directory.Role{}
	for _, w := range words {
		if w != "none" {
			roles = append(roles, directory.Role(w))
		}
	}
	return roles
}

type accountList struct {
	Domain string `help:"Only of this domain."`
	Tenant string `help:"Only of this company: its id, or a domain it has."`
}

func (c accountList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		ref := c.Tenant
		if ref == "" {
			ref = c.Domain
		}
		companies, err := d.companies(ref)
		if err != nil {
			return err
		}
		var rows []accountRow
		for _, company := range companies {
			if rows, err = d.appendAccounts(rows, company, c.Domain); err != nil {
				return err
			}
		}
		return printList(sh, a.format, accountHeadings, rows)
	})
}

// appendAccounts lists all accounts of a company, page by page.
func (d *desk) appendAccounts(rows []accountRow, company *directory.Company, domain string) ([]accountRow, error) {
	page := directory.AccountPage{Domain: domain}
	for {
		accounts, err := company.Accounts(d.ctx, page)
		if err != nil || len(accounts) == 0 {
			return rows, err
		}
		for _, one := range accounts {
			rows = append(rows, newAccountRow(one))
		}
		page.After = accounts[len(accounts)-1].ID
	}
}

type accountShow struct {
	Address string `arg:"" help:"One of its addresses."`
}

func (c accountShow) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		_, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		return printOne(sh, a.format, accountHeadings, newAccountRow(found))
	})
}

type accountSet struct {
	password
	Address     string   `arg:"" help:"One of its addresses."`
	State       string   `help:"active or suspended (no sign-in; mail still comes in)." enum:",active,suspended" default:""`
	Role        []string `help:"The roles from now on; none for no role."`
	SetPassword bool     `help:"Read a new password from --password-file."`
}

func (c accountSet) reads() (string, bool) { return c.PasswordFile, c.SetPassword }

func (c accountSet) Run(sh *shell, a *adminCommand) error {
	var word string
	if c.SetPassword {
		var err error
		if word, err = c.read(sh); err != nil {
			return err
		}
	}
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err == nil && c.State != "" {
			err = company.SetAccountState(d.ctx, d.by, found.ID, directory.AccountState(c.State))
		}
		if err == nil && len(c.Role) > 0 {
			err = company.SetRoles(d.ctx, d.by, found.ID, rolesOf(c.Role))
		}
		if err == nil && c.SetPassword {
			err = company.SetPassword(d.ctx, d.by, found.ID, word)
		}
		if err == nil {
			found, err = company.Account(d.ctx, found.ID)
		}
		if err != nil {
			return err
		}
		return printOne(sh, a.format, accountHeadings, newAccountRow(found))
	})
}

type accountDelete struct {
	Address string `arg:"" help:"The account's own address, not an alias."`
	Destroy bool   `help:"Destroy it with all its mail at once, instead of keeping it for 30 days."`
}

func (c accountDelete) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		if !strings.EqualFold(found.Address.String(), c.Address) {
			return mail.E("tegami.accountDelete", mail.Invalid, "cli.is_alias", c.Address, found.Address.String())
		}
		if err := company.DeleteAccount(d.ctx, d.by, found.ID); err != nil || !c.Destroy {
			return err
		}
		return company.DestroyAccount(d.ctx, d.by, found.ID, found.Address)
	})
}
