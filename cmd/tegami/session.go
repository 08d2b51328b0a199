package main

import (
	"time"

	"tegami/server/door"
)

// accountSessions lists who is at the doors for mail software. It asks the running server: without one, nobody is.
type accountSessions struct {
	Address string `arg:"" optional:"" help:"One of an account's addresses; without one, all sessions of all companies, also those that have not signed in."`
}

// sessionRow is an open session as it is printed.
type sessionRow struct {
	ID        string    `json:"id"`
	Protocol  string    `json:"protocol"`
	Address   string    `json:"address,omitempty"` // of the account; none before sign-in
	Remote    string    `json:"remote"`
	Zone      string    `json:"zone"`
	TLS       string    `json:"tls,omitempty"`
	Mechanism string    `json:"mechanism,omitempty"`
	Since     time.Time `json:"since"`
	Command   string    `json:"command,omitempty"`
	CommandAt time.Time `json:"commandAt,omitzero"`
}

var sessionHeadings = []string{"cli.id", "cli.protocol", "cli.address", "cli.from", "cli.since", "cli.mechanism", "cli.last_command", "cli.at"}

func newSessionRow(i door.Info) sessionRow {
	r := sessionRow{ID: i.ID, Protocol: i.Protocol, Remote: i.Remote.String(), Zone: string(i.Zone), TLS: i.TLS,
		Mechanism: i.Mechanism, Since: i.Since, Command: i.Command, CommandAt: i.CommandAt}
	if !i.Account.IsZero() {
		r.Address = i.Address.String()
	}
	return r
}

func (r sessionRow) columns() []string {
	return []string{r.ID, r.Protocol, r.Address, r.Remote, moment(r.Since), r.Mechanism, r.Command, moment(r.CommandAt)}
}

func (c accountSessions) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		list := d.platform.Sessions().All()
		if c.Address != "" {
			_, found, err := d.account(c.Address)
			if err != nil {
				return err
			}
			list = d.platform.Sessions().Of(found.Tenant, found.ID)
		}
		rows := make([]sessionRow, len(list))
		for i, one := range list {
			rows[i] = newSessionRow(one)
		}
		return printList(sh, a.format, sessionHeadings, rows)
	})
}
