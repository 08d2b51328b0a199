package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// MailFilter is what becomes of a domain's unwanted mail.
type MailFilter struct {
	Domain         string               `json:"domain,omitempty" readOnly:"true"`
	Action         directory.SpamAction `json:"action" enum:"pass,meiwaku,spam,quarantine" doc:"pass: delivered as it is; meiwaku, spam: with [MEIWAKU!!] or [SPAM!!] in the subject; quarantine: into the recipient's quarantine"`
	Threshold      float64              `json:"threshold" minimum:"1" maximum:"100" doc:"From how many percent on mail counts as unwanted; to two decimals"`
	QuarantineDays int                  `json:"quarantineDays" minimum:"1" maximum:"14" doc:"For how long mail is kept in quarantine"`
	UserAllow      bool                 `json:"userAllow,omitempty" doc:"Users' lists of allowed senders are heeded"`
	UserFirst      bool                 `json:"userFirst,omitempty" doc:"Users' lists are looked at before the company's"`
	AllowForged    bool                 `json:"allowForged,omitempty" doc:"Lists let in also what failed DMARC though its domain wants it rejected"`
	Digest         MailDigest           `json:"digest" doc:"Mail to users on what is new in their quarantine"`
	Changed        time.Time            `json:"changed,omitzero" readOnly:"true" doc:"When it was changed last; absent: never"`
	By             string               `json:"by,omitempty" readOnly:"true" doc:"Who changed it"`
}

// MailDigest says when users hear what is new in their quarantine.
type MailDigest struct {
	On    bool  `json:"on"`
	Hours []int `json:"hours" maxItems:"6" doc:"0 to 23 by the company's clock"`
}

func filterBody(f *directory.DomainFilter) MailFilter {
	return MailFilter{
		Domain: f.Domain.Name, Action: f.Action, Threshold: f.Threshold, QuarantineDays: f.QuarantineDays, UserAllow: f.UserAllow, UserFirst: f.UserFirst,
		AllowForged: f.AllowForged, Digest: MailDigest{f.Digest.On, orNone(f.Digest.Hours)}, Changed: f.Changed, By: f.By,
	}
}

// VirusSettings are what a company decides about the virus check.
type VirusSettings struct {
	Down        directory.EngineDown `json:"down" enum:"defer,mark" doc:"While no engine answers: defer takes no mail in, so that it comes again; mark takes it in with a note that nobody looked"`
	QuietAdmins bool                 `json:"quietAdmins,omitempty" doc:"Administrators are not told of viruses in mail that comes in"`
	Admins      []string             `json:"admins" maxItems:"10" doc:"Who is told; nobody: the postmaster of the domain"`
	Changed     time.Time            `json:"changed,omitzero" readOnly:"true" doc:"When it was changed last; absent: never"`
	By          string               `json:"by,omitempty" readOnly:"true" doc:"Who changed it"`
}

// AccountFilter is what is decided about one account's unwanted mail in place of its domain's settings.
type AccountFilter struct {
	Action    directory.SpamAction `json:"action,omitempty" enum:"pass,meiwaku,spam,quarantine" doc:"Absent: as the domain has it"`
	Threshold float64              `json:"threshold,omitempty" minimum:"0" maximum:"100" doc:"Absent or 0: as the domain has it"`
}

func (s *Server) addFilter() {
	const tag, path, one, ofAccount = "filter", "/tenants/{tenant}/filter", "/tenants/{tenant}/filter/{domain}", "/tenants/{tenant}/accounts/{account}/filter"
	read, write, get, put := directory.RightPolicyRead, directory.RightPolicy, http.MethodGet, http.MethodPut
	add(s, operation{ID: "getVirusSettings", Method: get, Path: path + "/virus", Right: read, Tag: tag, Summary: "Show what the company decided about the virus check."}, s.getVirus)
	add(s, operation{ID: "setVirusSettings", Method: put, Path: path + "/virus", Right: write, Tag: tag, Summary: "Replace what the company decided about the virus check."}, s.setVirus)
	add(s, operation{ID: "getFilter", Method: get, Path: one, Right: read, Tag: tag, Summary: "Show what becomes of a domain's unwanted mail."}, s.getFilter)
	add(s, operation{ID: "setFilter", Method: put, Path: one, Right: write, Tag: tag, Summary: "Replace what becomes of a domain's unwanted mail."}, s.setFilter)
	add(s, operation{ID: "getAccountFilter", Method: get, Path: ofAccount, Right: read, Tag: tag, Summary: "Show what is decided about one account's unwanted mail in place of its domain's settings."}, s.getAccountFilter)
	add(s, operation{ID: "setAccountFilter", Method: put, Path: ofAccount, Right: write, Tag: tag, Summary: "Decide about one account's unwanted mail in place of its domain's settings; nothing: as the domain has it."}, s.setAccountFilter)
	s.addSenderLists(path)
}

// filterDomain gives a domain whose filter the caller may see. NotFound "domain.unknown".
func (c *Call) filterDomain(ctx context.Context, name string) (directory.DomainFilter, error) {
	f, err := c.Company.DomainFilter(ctx, name)
	if err == nil && !c.MayIn(directory.RightPolicyRead, directory.Place{Domain: f.Domain.ID}) {
		err = mail.E("restd.filterDomain", mail.NotFound, "domain.unknown", name)
	}
	return f, err
}

func (s *Server) getFilter(ctx context.Context, c *Call, in *InDomain) (*Tagged[MailFilter], error) {
	f, err := c.filterDomain(ctx, in.Domain)
	if err != nil {
		return nil, err
	}
	return tagged(f.Version, filterBody(&f)), nil
}

func (s *Server) setFilter(ctx context.Context, c *Call, in *struct {
	InDomain
	Matching
	Body MailFilter
}) (*Tagged[MailFilter], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if _, err := c.filterDomain(ctx, in.Domain); err != nil {
		return nil, err
	}
	b := &in.Body
	err = c.Company.SetDomainFilter(ctx, c.Actor(), in.Domain, version, directory.FilterSettings{
		Action: b.Action, Threshold: b.Threshold, QuarantineDays: b.QuarantineDays, UserAllow: b.UserAllow, UserFirst: b.UserFirst, AllowForged: b.AllowForged,
		Digest: directory.Digest(b.Digest),
	})
	if err != nil {
		return nil, err
	}
	return s.getFilter(ctx, c, &in.InDomain)
}

func (s *Server) getVirus(ctx context.Context, c *Call, _ *InTenant) (*Tagged[VirusSettings], error) {
	v, err := c.Company.VirusSettings(ctx)
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, VirusSettings{v.Down, v.QuietAdmins, addresses(v.Admins), v.Changed, v.By}), nil
}

func (s *Server) setVirus(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
	Body VirusSettings
}) (*Tagged[VirusSettings], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	admins, err := parseAddresses(in.Body.Admins)
	if err != nil {
		return nil, err
	}
	v := directory.VirusSettings{Down: in.Body.Down, QuietAdmins: in.Body.QuietAdmins, Admins: admins}
	if err := c.Company.SetVirusSettings(ctx, c.Actor(), version, v); err != nil {
		return nil, err
	}
	return s.getVirus(ctx, c, &in.InTenant)
}

// policyAccount gives an account whose filter the caller may see. NotFound "account.unknown".
func (c *Call) policyAccount(ctx context.Context, id mail.AccountID) (directory.Account, error) {
	a, err := c.Company.Account(ctx, id)
	if err == nil && !c.MayIn(directory.RightPolicyRead, directory.Place{Domain: a.Domain, Groups: a.Groups}) {
		err = mail.E("restd.policyAccount", mail.NotFound, "account.unknown", id.String())
	}
	return a, err
}

func (s *Server) getAccountFilter(ctx context.Context, c *Call, in *OfAccount) (*struct{ Body AccountFilter }, error) {
	a, err := c.policyAccount(ctx, in.Account.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body AccountFilter }{AccountFilter(a.Spam)}, nil
}

func (s *Server) setAccountFilter(ctx context.Context, c *Call, in *struct {
	OfAccount
	Body AccountFilter
}) (*struct{ Body AccountFilter }, error) {
	if _, err := c.policyAccount(ctx, in.Account.ID); err != nil {
		return nil, err
	}
	if err := c.Company.SetAccountFilter(ctx, c.Actor(), in.Account.ID, directory.FilterOverride(in.Body)); err != nil {
		return nil, err
	}
	return s.getAccountFilter(ctx, c, &in.OfAccount)
}
