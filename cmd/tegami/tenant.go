package main

import (
	"net/netip"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

type tenantCommands struct {
	Add      tenantAdd      `cmd:"" help:"Open a company (SV-12)."`
	List     tenantList     `cmd:"" help:"List the companies."`
	Show     tenantShow     `cmd:"" help:"Show one company."`
	Set      tenantSet      `cmd:"" help:"Change a company's state or service start date."`
	Settings tenantSettings `cmd:"" help:"Show and change what a company decides about its mail: forwarding, sending limits, DMARC."`
}

// tenantRow is a company as it is printed.
type tenantRow struct {
	ID       mail.TenantID  `json:"id"`
	Name     string         `json:"name"`
	State    string         `json:"state"`
	Start    time.Time      `json:"start"`
	Lang     string         `json:"lang"`
	Networks []netip.Prefix `json:"networks"`
}

var tenantHeadings = []string{"cli.id", "cli.name", "cli.state", "cli.start", "cli.language", "cli.networks"}

func newTenantRow(t directory.Tenant) tenantRow {
	return tenantRow{t.ID, t.Name, string(t.State), t.Start, t.Lang, t.Networks}
}

func (r tenantRow) columns() []string {
	networks := make([]string, len(r.Networks))
	for i, n := range r.Networks {
		networks[i] = n.String()
	}
	return []string{r.ID.String(), r.Name, r.State, r.Start.Format(time.DateOnly), r.Lang, strings.Join(networks, " ")}
}

type tenantAdd struct {
	Name    string    `arg:"" help:"The company's name."`
	Lang    string    `help:"Language of new accounts and notices." enum:"ja,en" default:"ja"`
	Start   time.Time `help:"Service start date, such as 2026-04-01; default today (CP-2)." format:"2006-01-02"`
	Network []string  `help:"A source network in the VPN zone, such as 198.51.100.0/24 (SV-9); may be given several times."`
	NoScram bool      `help:"Keep passwords as argon2id alone: SCRAM cannot be used."`
}

func (t tenantAdd) Run(sh *shell, a *adminCommand) error {
	spec := directory.TenantSpec{Name: t.Name, Lang: t.Lang, Start: t.Start, NoScram: t.NoScram}
	for _, text := range t.Network {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return mail.E("tegami.tenantAdd", mail.Invalid, "network.malformed", text)
		}
		spec.Networks = append(spec.Networks, n)
	}
	return a.open(sh, func(d *desk) error {
		made, err := d.dir.OpenTenant(d.ctx, d.by, spec)
		if err != nil {
			return err
		}
		return printOne(sh, a.format, tenantHeadings, newTenantRow(made))
	})
}

type tenantList struct{}

func (tenantList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		all, err := d.dir.Tenants(d.ctx)
		if err != nil {
			return err
		}
		rows := make([]tenantRow, len(all))
		for i, t := range all {
			rows[i] = newTenantRow(t)
		}
		return printList(sh, a.format, tenantHeadings, rows)
	})
}

// tenantRef names a company.
type tenantRef struct {
	Tenant mail.TenantID `arg:"" help:"The company's id."`
}

type tenantShow struct{ tenantRef }

func (t tenantShow) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		found, err := d.dir.Tenant(d.ctx, t.Tenant)
		if err != nil {
			return err
		}
		return printOne(sh, a.format, tenantHeadings, newTenantRow(found))
	})
}

type tenantSet struct {
	tenantRef
	State string    `help:"The new state." enum:",open,suspended,closed" default:""`
	Start time.Time `help:"The new service start date (CP-2)." format:"2006-01-02"`
}

func (t tenantSet) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		now, err := d.dir.Tenant(d.ctx, t.Tenant)
		if err == nil && !t.Start.IsZero() {
			now, err = d.dir.SetTenantStart(d.ctx, d.by, t.Tenant, t.Start)
		}
		if err == nil && t.State != "" {
			now, err = d.dir.SetTenantState(d.ctx, d.by, t.Tenant, directory.TenantState(t.State))
		}
		if err != nil {
			return err
		}
		return printOne(sh, a.format, tenantHeadings, newTenantRow(now))
	})
}
