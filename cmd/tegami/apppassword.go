package main

import (
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

type appPasswordCommands struct {
	Add    appPasswordAdd    `cmd:"" help:"Make an app password and print it: it cannot be shown again."`
	List   appPasswordList   `cmd:"" help:"List an account's app passwords."`
	Revoke appPasswordRevoke `cmd:"" help:"Take app passwords back; sessions that signed in with them end."`
}

// appPasswordRow is an app password as it is printed.
type appPasswordRow struct {
	ID       mail.ObjectID     `json:"id"`
	Name     string            `json:"name"`
	Scopes   []directory.Scope `json:"scopes"` // empty: all
	Created  time.Time         `json:"created"`
	Used     time.Time         `json:"used,omitzero"`      // to the hour
	Password string            `json:"password,omitempty"` // only where it was made
}

var (
	appPasswordHeadings    = []string{"cli.id", "cli.name", "cli.scopes", "cli.created", "cli.used"}
	newAppPasswordHeadings = append(appPasswordHeadings[:len(appPasswordHeadings):len(appPasswordHeadings)], "cli.password")
)

func newAppPasswordRow(p directory.AppPassword) appPasswordRow {
	return appPasswordRow{ID: p.ID, Name: p.Name, Scopes: p.Scopes, Created: p.Created, Used: p.Used}
}

func (r appPasswordRow) columns() []string {
	scopes := make([]string, len(r.Scopes))
	for i, s := range r.Scopes {
		scopes[i] = string(s)
	}
	columns := []string{r.ID.String(), r.Name, strings.Join(scopes, " "), moment(r.Created), moment(r.Used)}
	if r.Password != "" {
		columns = append(columns, r.Password)
	}
	return columns
}

// moment prints a time to the second, and nothing for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateTime)
}

type appPasswordAdd struct {
	Address string   `arg:"" help:"One of the account's addresses."`
	Name    string   `arg:"" help:"What its owner knows it by, such as the device."`
	Scope   []string `help:"What it is for: imap, pop3, smtp or sieve; may be given several times. Default all." enum:"imap,pop3,smtp,sieve"`
}

func (c appPasswordAdd) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		spec := directory.AppPasswordSpec{Name: c.Name}
		for _, s := range c.Scope {
			spec.Scopes = append(spec.Scopes, directory.Scope(s))
		}
		made, secret, err := company.AddAppPassword(d.ctx, d.by, found.ID, spec)
		if err != nil {
			return err
		}
		row := newAppPasswordRow(made)
		row.Password = secret
		return printOne(sh, a.format, newAppPasswordHeadings, row)
	})
}

type appPasswordList struct {
	Address string `arg:"" help:"One of the account's addresses."`
}

func (c appPasswordList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		list, err := company.AppPasswords(d.ctx, found.ID)
		if err != nil {
			return err
		}
		rows := make([]appPasswordRow, len(list))
		for i, p := range list {
			rows[i] = newAppPasswordRow(p)
		}
		return printList(sh, a.format, appPasswordHeadings, rows)
	})
}

type appPasswordRevoke struct {
	Address string   `arg:"" help:"One of the account's addresses."`
	ID      []string `arg:"" optional:"" help:"Which ones, by their ids."`
	All     bool     `help:"All of them."`
}

func (c appPasswordRevoke) Run(sh *shell, a *adminCommand) error {
	const op = "tegami.appPasswordRevoke"
	if c.All != (len(c.ID) == 0) {
		return mail.E(op, mail.Invalid, "cli.which_app_passwords")
	}
	ids := make([]mail.ObjectID, len(c.ID))
	for i, text := range c.ID {
		if ids[i].UnmarshalText([]byte(text)) != nil {
			return mail.E(op, mail.NotFound, "app_password.unknown", text)
		}
	}
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		if c.All {
			list, err := company.AppPasswords(d.ctx, found.ID)
			if err != nil {
				return err
			}
			for _, p := range list {
				ids = append(ids, p.ID)
			}
		}
		for _, id := range ids {
			if err := company.RevokeAppPassword(d.ctx, d.by, found.ID, id); err != nil {
				return err
			}
		}
		return nil
	})
}
