package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
)

// tenantSettings shows and changes what a company decides about its mail.
type tenantSettings struct {
	Tenant        string   `arg:"" help:"Its id, or a domain it has."`
	UserForward   string   `help:"Whereto users' filters may forward: deny, internal, listed or any (ML-5). Forwards that exist obey as well." enum:",deny,internal,listed,any" default:""`
	AdminForward  string   `help:"The same for what administrators set up." enum:",deny,internal,listed,any" default:""`
	ForwardDomain []string `help:"A domain that listed means beside the company's own; none for none."`
	DMARC         string   `help:"What becomes of mail whose domain wants it rejected: reject or accept." enum:",reject,accept" default:"" name:"dmarc"`
	AccountRate   string   `help:"Recipients at other hosts of one account, HOUR/DAY, such as 500/2000; 0 is the platform's (ML-10)." placeholder:"HOUR/DAY"`
	DomainRate    string   `help:"The same for each domain." placeholder:"HOUR/DAY"`
	CompanyRate   string   `help:"The same for the company." placeholder:"HOUR/DAY"`
}

// Run changes what was named and shows all.
func (c tenantSettings) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, err := d.company(c.Tenant)
		if err != nil {
			return err
		}
		before, err := company.Settings(d.ctx)
		if err != nil {
			return err
		}
		after := before
		after.ForwardDomains = slices.Clone(before.ForwardDomains)
		if err := c.apply(&after); err != nil {
			return err
		}
		if fmt.Sprint(after) != fmt.Sprint(before) {
			if err := company.SetSettings(d.ctx, d.by, after); err != nil {
				return err
			}
			if after, err = company.Settings(d.ctx); err != nil {
				return err
			}
		}
		return printOne(sh, a.format, settingsHeadings, settingsRow{after})
	})
}

// apply changes the settings that were named.
func (c tenantSettings) apply(s *directory.Settings) error {
	if c.UserForward != "" {
		s.UserForward = directory.ForwardMode(c.UserForward)
	}
	if c.AdminForward != "" {
		s.AdminForward = directory.ForwardMode(c.AdminForward)
	}
	if c.DMARC != "" {
		s.DMARCOverride = c.DMARC
	}
	switch {
	case len(c.ForwardDomain) == 1 && c.ForwardDomain[0] == "none":
		s.ForwardDomains = nil
	case len(c.ForwardDomain) > 0:
		s.ForwardDomains = c.ForwardDomain
	}
	return cmp.Or(parseRate(c.AccountRate, &s.AccountRate), parseRate(c.DomainRate, &s.DomainRate), parseRate(c.CompanyRate, &s.TenantRate))
}

// parseRate reads HOUR/DAY; nothing changes nothing.
func parseRate(text string, r *directory.Rate) error {
	if text == "" {
		return nil
	}
	hour, day, ok := strings.Cut(text, "/")
	h, err := strconv.Atoi(hour)
	n, dayErr := strconv.Atoi(day)
	if !ok || err != nil || dayErr != nil {
		return mail.E("tegami.parseRate", mail.Invalid, "cli.rate", text)
	}
	*r = directory.Rate{Hour: h, Day: n}
	return nil
}

// settingsRow is a company's settings as they are printed.
type settingsRow struct{ directory.Settings }

var settingsHeadings = []string{"cli.user_forward", "cli.admin_forward", "cli.forward_domains", "cli.dmarc", "cli.account_rate", "cli.domain_rate", "cli.company_rate"}

func (r settingsRow) columns() []string {
	rate := func(r directory.Rate) string { return fmt.Sprintf("%d/%d", r.Hour, r.Day) }
	return []string{
		string(r.UserForward), string(r.AdminForward), strings.Join(r.ForwardDomains, " "), r.DMARCOverride,
		rate(r.AccountRate), rate(r.DomainRate), rate(r.TenantRate),
	}
}

// accountForward sets whereto an account's mail goes on (ML-5).
type accountForward struct {
	Address string   `arg:"" help:"One of the account's addresses."`
	To      []string `help:"Whereto; five at most. none ends forwarding." required:""`
	Keep    bool     `help:"The box gets the mail too."`
}

// Run changes the forwarding.
func (c accountForward) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		var f directory.Forwarding
		if len(c.To) != 1 || c.To[0] != "none" {
			if f.To, err = parseAddresses(c.To); err != nil {
				return err
			}
			f.Keep = c.Keep
		}
		return company.SetForwarding(d.ctx, d.by, found.ID, f)
	})
}

// accountSending stops an account's sending, and lets it send again.
type accountSending struct {
	Address string `arg:"" help:"One of the account's addresses."`
	Stop    bool   `help:"It cannot send any more." xor:"what" required:""`
	Resume  bool   `help:"It can send again." xor:"what" required:""`
}

// Run stops or resumes.
func (c accountSending) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, found, err := d.account(c.Address)
		if err != nil {
			return err
		}
		if c.Stop {
			if err := company.StopSending(d.ctx, d.by, found.ID, ""); err != nil {
				return err
			}
			held, err := d.platform.Queue().Of(found.Tenant).HoldFrom(d.ctx, d.by, found.ID)
			if err == nil {
				fmt.Fprintln(sh.out, sh.text("cli.held", held))
			}
			return err
		}
		return company.ResumeSending(d.ctx, d.by, found.ID)
	})
}

// domainDNS shows what a domain should have in the DNS, and what is there.
type domainDNS struct {
	Name  string `arg:"" help:"The domain, or the name of this server, which signs its notices."`
	Zone  bool   `help:"As lines of a zone file, to be copied."`
	Check bool   `help:"Ask the DNS what is there."`
}

// recordRow is a wanted record as it is printed.
type recordRow struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Value string   `json:"value"`
	For   string   `json:"for"`
	Need  string   `json:"need"`
	State string   `json:"state,omitempty"`
	Found []string `json:"found,omitempty"`
}

func (r recordRow) columns() []string {
	return []string{r.State, r.Need, r.For, r.Name, r.Type, r.Value}
}

// signer finds whose a domain is. The server's own name signs what it writes itself, and belongs to no company: tenant 0, which knows no
// other name.
func (d *desk) signer(name string) (mail.TenantID, error) {
	id, err := d.tenant(name)
	if mail.Is(err, mail.NotFound) {
		return 0, nil
	}
	return id, err
}

// Run prints the records.
func (c domainDNS) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenant, err := d.signer(c.Name)
		if err != nil {
			return err
		}
		company := d.platform.Domains().Company(tenant)
		var findings []domains.Finding
		if c.Check {
			findings, err = company.Check(d.ctx, d.platform.Lookup(), c.Name)
		} else {
			var records []domains.Record
			records, err = company.Records(d.ctx, c.Name)
			for _, r := range records {
				findings = append(findings, domains.Finding{Record: r})
			}
		}
		if err != nil {
			return err
		}
		var rows []recordRow
		for _, f := range findings {
			if c.Zone {
				fmt.Fprintln(sh.out, f.Zone())
				continue
			}
			rows = append(rows, recordRow{f.Name, f.Type, f.Value, sh.text(string(f.Purpose)), string(f.Need), string(f.State), f.Found})
		}
		if c.Zone {
			return nil
		}
		return printList(sh, a.format, []string{"cli.state", "cli.need", "cli.purpose", "cli.name", "cli.type", "cli.value"}, rows)
	})
}

// domainDKIM shows and rotates a domain's keys.
type domainDKIM struct {
	Name     string `arg:"" help:"The domain, or the name of this server, which signs its notices."`
	Rotate   bool   `help:"Make the next keys. They sign once the DNS shows their records." xor:"what"`
	Activate bool   `help:"Let the next keys sign now, whatever the DNS shows." xor:"what"`
}

// keyRow is a key as it is printed.
type keyRow struct {
	Selector  string `json:"selector"`
	Algorithm string `json:"algorithm"`
	State     string `json:"state"`
	Since     string `json:"since"`
	Record    string `json:"record"`
}

func (r keyRow) columns() []string {
	return []string{r.Selector, r.Algorithm, r.State, r.Since, r.Record}
}

// Run shows the keys as they are afterwards.
func (c domainDKIM) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenant, err := d.signer(c.Name)
		if err != nil {
			return err
		}
		company := d.platform.Domains().Company(tenant)
		var keys []domains.Key
		switch {
		case c.Rotate:
			keys, err = company.Rotate(d.ctx, d.by, c.Name)
		case c.Activate:
			keys, err = company.Activate(d.ctx, d.by, c.Name)
		default:
			keys, err = company.Keys(d.ctx, c.Name)
		}
		if err != nil {
			return err
		}
		rows := make([]keyRow, len(keys))
		for i, k := range keys {
			rows[i] = keyRow{k.Selector, string(k.Algorithm), string(k.State), k.Since.Format("2006-01-02"), k.Record}
		}
		return printList(sh, a.format, []string{"cli.selector", "cli.algorithm", "cli.state", "cli.since", "cli.value"}, rows)
	})
}

// domainSTS sets a domain's MTA-STS policy.
type domainSTS struct {
	Name string `arg:"" help:"The domain."`
	Mode string `help:"testing, enforce or none." enum:",testing,enforce,none" default:""`
}

// Run prints the policy as it is afterwards.
func (c domainSTS) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenant, err := d.tenant(c.Name)
		if err != nil {
			return err
		}
		company := d.platform.Domains().Company(tenant)
		policy, err := company.STS(d.ctx, c.Name)
		if c.Mode != "" {
			policy, err = company.SetSTS(d.ctx, d.by, c.Name, domains.STSMode(c.Mode))
		}
		if err != nil {
			return err
		}
		if a.JSON {
			return printJSON(sh.out, policy)
		}
		if policy.Mode == domains.STSEnforce && d.platform.SelfMade() {
			fmt.Fprintln(sh.err, sh.text("cli.sts_self_made"))
		}
		_, err = fmt.Fprintf(sh.out, "_mta-sts.%s. TXT \"v=STSv1; id=%s\"\n\n%s", policy.Domain, policy.ID, policy.Text)
		return err
	})
}

type smarthostCommands struct {
	List   smarthostList   `cmd:"" help:"List a company's smart hosts."`
	Set    smarthostSet    `cmd:"" help:"Let mail of a domain, or of all the company's domains, leave by a host; its password is read from standard input."`
	Delete smarthostDelete `cmd:"" help:"Send to the recipients' own hosts again."`
}

// smarthostRow is a smart host as it is printed, without its password.
type smarthostRow struct {
	Domain string `json:"domain"`
	Host   string `json:"host"`
	Port   uint16 `json:"port"`
	TLS    string `json:"tls"`
	User   string `json:"user,omitempty"`
}

func (r smarthostRow) columns() []string {
	return []string{r.Domain, r.Host, strconv.Itoa(int(r.Port)), r.TLS, r.User}
}

type smarthostList struct {
	Tenant string `arg:"" help:"The company: its id, or a domain it has."`
}

// Run lists them.
func (c smarthostList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenant, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		hosts, err := d.platform.Domains().Company(tenant).SmartHosts(d.ctx)
		if err != nil {
			return err
		}
		rows := make([]smarthostRow, len(hosts))
		for i, h := range hosts {
			rows[i] = smarthostRow{h.Domain, h.Host, h.Port, string(h.TLS), h.User}
		}
		return printList(sh, a.format, []string{"cli.domain", "cli.host", "cli.port", "cli.tls", "cli.user"}, rows)
	})
}

type smarthostSet struct {
	password
	Tenant string `arg:"" help:"The company: its id, or a domain it has."`
	Host   string `arg:"" help:"The host's name or address."`
	Domain string `help:"Only for mail of this domain."`
	Port   uint16 `help:"Its port." default:"465"`
	TLS    string `help:"tls (from the first octet), starttls, or off: for a host in a closed network, without a password." enum:"tls,starttls,off" default:"tls" name:"tls"`
	User   string `help:"The user to sign in as; none without."`
}

func (c smarthostSet) reads() (string, bool) { return c.PasswordFile, c.User != "" }

// Run sets the host.
func (c smarthostSet) Run(sh *shell, a *adminCommand) error {
	h := domains.SmartHost{Domain: c.Domain, Host: c.Host, Port: c.Port, TLS: domains.TLSMode(c.TLS), User: c.User}
	if c.User != "" {
		word, err := c.read(sh)
		if err != nil {
			return err
		}
		h.Password = domains.Secret(word)
	}
	return a.open(sh, func(d *desk) error {
		tenant, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		return d.platform.Domains().Company(tenant).SetSmartHost(d.ctx, d.by, h)
	})
}

type smarthostDelete struct {
	Tenant string `arg:"" help:"The company: its id, or a domain it has."`
	Domain string `help:"The smart host of this domain; without, the one for all."`
}

// Run removes the host.
func (c smarthostDelete) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenant, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		return d.platform.Domains().Company(tenant).RemoveSmartHost(d.ctx, d.by, c.Domain)
	})
}
