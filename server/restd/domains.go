package restd

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
)

// Domain is a mail domain of a company.
type Domain struct {
	ID        mail.DomainID  `json:"id"`
	Name      string         `json:"name" doc:"Lower case, A-labels"`
	Plan      directory.Plan `json:"plan" enum:"100MB,3GB,10GB" doc:"Size of every box of the domain (SV-4)"`
	BoxOctets int64          `json:"boxOctets" doc:"The plan in octets; units are binary"`
	IDs       int            `json:"ids" doc:"How many accounts are ordered (ML-1)"`
	Accounts  int            `json:"accounts" doc:"How many there are"`
	Options   []DomainOption `json:"options"`
	Ownership Ownership      `json:"ownership"`
}

// DomainOption is a time in which a domain has an option.
type DomainOption struct {
	Option directory.Option `json:"option" doc:"imaps"`
	From   time.Time        `json:"from,omitzero" doc:"The first moment; absent: always until until"`
	Until  time.Time        `json:"until,omitzero" doc:"The first moment without; absent: no end"`
	Active bool             `json:"active,omitempty" readOnly:"true" doc:"Whether it is there now"`
}

// Ownership is what is known about whose a domain is.
type Ownership struct {
	State  directory.OwnerState `json:"state" enum:"unverified,vouched,verified" doc:"unverified: mail neither comes nor goes; vouched: an operator answers for it; verified: the DNS showed the record"`
	Since  time.Time            `json:"since,omitzero"`
	By     string               `json:"by,omitempty"`
	Reason string               `json:"reason,omitempty"`
	Name   string               `json:"recordName" doc:"Where the TXT record is looked for"`
	Value  string               `json:"recordValue" doc:"What it must say"`
}

func domainBody(d directory.Domain) Domain {
	name, value := d.Challenge()
	body := Domain{
		ID: d.ID, Name: d.Name, Plan: d.Plan, BoxOctets: int64(d.Plan), IDs: d.IDs, Accounts: d.Accounts, Options: []DomainOption{},
		Ownership: Ownership{State: d.Owner.State, Since: d.Owner.Since, By: d.Owner.By, Reason: d.Owner.Reason, Name: name, Value: value},
	}
	for _, t := range d.Terms {
		now := time.Now()
		active := !now.Before(t.From) && (t.Until.IsZero() || now.Before(t.Until))
		body.Options = append(body.Options, DomainOption{t.Option, t.From, t.Until, active})
	}
	return body
}

func termsOf(options []DomainOption) []directory.Term {
	terms := make([]directory.Term, 0, len(options))
	for _, o := range options {
		terms = append(terms, directory.Term{Option: o.Option, From: o.From, Until: o.Until})
	}
	return terms
}

// InDomain is the path of what belongs to a domain of a company.
type InDomain struct {
	InTenant
	Domain string `path:"domain" maxLength:"255" doc:"The domain's name, A-labels"`
}

func (s *Server) addDomains() {
	const all, one = "/tenants/{tenant}/domains", "/tenants/{tenant}/domains/{domain}"
	get, post := http.MethodGet, http.MethodPost
	order, tag := directory.RightOrder, "domains"
	add(s, operation{ID: "listDomains", Method: get, Path: all, Right: directory.RightOverview, Tag: tag, Summary: "List the domains of a company with plan, IDs, options and ownership."}, s.listDomains)
	add(s, operation{ID: "addDomain", Method: post, Path: all, Right: order, Tag: tag, Status: http.StatusCreated, Summary: "Add a domain to a company; a subdomain is a domain of its own."}, s.addDomain)
	add(s, operation{ID: "getDomain", Method: get, Path: one, Right: directory.RightOverview, Tag: tag, Summary: "Show a domain."}, s.getDomain)
	add(s, operation{ID: "changeDomain", Method: http.MethodPatch, Path: one, Right: order, Tag: tag, Summary: "Change a domain's plan, number of IDs or options."}, s.changeDomain)
	add(s, operation{ID: "removeDomain", Method: http.MethodDelete, Path: one, Right: order, Tag: tag, Summary: "Give a domain back that has no accounts and lists."}, s.removeDomain)
	add(s, operation{ID: "listBoxesOver", Method: get, Path: one + "/over", Right: directory.RightContractRead, Tag: tag, Summary: "List the boxes that hold more than a plan, before it is changed to that."}, s.listBoxesOver)
	add(s, operation{ID: "verifyDomain", Method: post, Path: one + "/verify", Right: directory.RightPolicy, Tag: tag, Summary: "Look up the TXT record that shows that the domain is the company's."}, s.verifyDomain)
	add(s, operation{ID: "vouchDomain", Method: post, Path: one + "/vouch", Right: order, Tag: tag, Summary: "Answer for an unverified domain as an operator, with a reason."}, s.vouchDomain)
	s.addDNS()
}

func (s *Server) listDomains(ctx context.Context, c *Call, _ *InTenant) (*List[Domain], error) {
	found, err := c.Company.Domains(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Domain, 0, len(found))
	for _, d := range found {
		if c.sees(d) {
			list = append(list, domainBody(d))
		}
	}
	out := listed(list, "")
	out.Body.Total = len(list)
	return out, nil
}

// sees tells whether a domain is in the caller's scope.
func (c *Call) sees(d directory.Domain) bool {
	return c.MayIn(directory.RightOverview, directory.Place{Domain: d.ID})
}

// domain gives a domain that the caller may see. NotFound "domain.unknown".
func (c *Call) domain(ctx context.Context, name string) (directory.Domain, error) {
	d, err := c.Company.Domain(ctx, name)
	if err == nil && !c.sees(d) {
		err = mail.E("restd.domain", mail.NotFound, "domain.unknown", name)
	}
	return d, err
}

func (s *Server) getDomain(ctx context.Context, c *Call, in *InDomain) (*Tagged[Domain], error) {
	d, err := c.domain(ctx, in.Domain)
	if err != nil {
		return nil, err
	}
	return tagged(d.Version, domainBody(d)), nil
}

// NewDomain asks for a domain.
type NewDomain struct {
	Name    string         `json:"name" maxLength:"255" doc:"The domain's name; U-labels are turned into A-labels"`
	Plan    directory.Plan `json:"plan" enum:"100MB,3GB,10GB" doc:"Size of every box"`
	IDs     int            `json:"ids" minimum:"0" doc:"At least 10, in steps of 10, or of 100 from 10,000 on (ML-1)"`
	Options []DomainOption `json:"options,omitempty" maxItems:"100" doc:"Without from: from now on"`
	Vouch   bool           `json:"vouch,omitempty" doc:"The operator answers for it that the domain is the company's, for a reason: it works at once. Otherwise the company shows it in the DNS first."`
	Reason  string         `json:"reason,omitempty" maxLength:"500" doc:"Why the operator answers for it; absent: what Tegami-Reason says"`
}

// checkReason refuses to vouch without a reason: Invalid "reason.required".
func (n NewDomain) checkReason() error {
	if n.Vouch && strings.TrimSpace(n.Reason) == "" {
		return mail.E("restd.NewDomain", mail.Invalid, "reason.required")
	}
	return nil
}

// spec is the domain as the directory takes it.
func (n NewDomain) spec() directory.DomainSpec {
	spec := directory.DomainSpec{Name: n.Name, Plan: n.Plan, IDs: n.IDs, Unverified: !n.Vouch, Reason: n.Reason}
	for _, t := range termsOf(n.Options) {
		if t.From.IsZero() && t.Until.IsZero() {
			spec.Options = append(spec.Options, t.Option)
		} else {
			spec.Terms = append(spec.Terms, t)
		}
	}
	return spec
}

func (s *Server) addDomain(ctx context.Context, c *Call, in *struct {
	InTenant
	Body NewDomain
}) (*Tagged[Domain], error) {
	in.Body.Reason = cmp.Or(in.Body.Reason, c.Reason)
	if err := in.Body.checkReason(); err != nil {
		return nil, err
	}
	d, err := c.Company.AddDomain(ctx, c.Actor(), in.Body.spec())
	if err != nil {
		return nil, err
	}
	return tagged(d.Version, domainBody(d)), nil
}

// DomainChange changes a domain. What is absent stays as it is.
type DomainChange struct {
	Plan            *directory.Plan `json:"plan,omitempty" enum:"100MB,3GB,10GB" doc:"For all boxes of the domain"`
	AcceptOverQuota bool            `json:"acceptOverQuota,omitempty" doc:"Change to a smaller plan although boxes hold more: they take no mail until they are emptied"`
	IDs             *int            `json:"ids,omitempty" minimum:"0" doc:"In steps of 10, or of 100 from 10,000 on (ML-1, ML-3)"`
	Options         *[]DomainOption `json:"options,omitempty" maxItems:"100" doc:"In place of all options, past ones included"`
}

func (s *Server) changeDomain(ctx context.Context, c *Call, in *struct {
	InDomain
	Matching
	Body DomainChange
}) (*Tagged[Domain], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	change := directory.DomainChange{Version: version, Over: in.Body.AcceptOverQuota}
	if in.Body.Plan != nil {
		change.Plan = *in.Body.Plan
	}
	if in.Body.IDs != nil {
		if change.IDs = *in.Body.IDs; change.IDs == 0 {
			return nil, mail.E("restd.changeDomain", mail.Invalid, "ids.unit", directory.UnitIDs, directory.UnitIDs)
		}
	}
	if in.Body.Options != nil {
		change.Terms = termsOf(*in.Body.Options)
	}
	d, err := c.Company.ChangeDomain(ctx, c.Actor(), in.Domain, change)
	if err != nil {
		return nil, err
	}
	return tagged(d.Version, domainBody(d)), nil
}

func (s *Server) removeDomain(ctx context.Context, c *Call, in *InDomain) (*struct{}, error) {
	return nil, c.Company.RemoveDomain(ctx, c.Actor(), in.Domain)
}

// BoxOver is a box that holds more than a plan.
type BoxOver struct {
	Account mail.AccountID `json:"account"`
	Address string         `json:"address"`
	Octets  int64          `json:"usedOctets"`
}

func (s *Server) listBoxesOver(ctx context.Context, c *Call, in *struct {
	InDomain
	Plan string `query:"plan" required:"true" enum:"100MB,3GB,10GB" doc:"The plan that is thought of"`
}) (*List[BoxOver], error) {
	plan, err := directory.ParsePlan(in.Plan)
	if err != nil {
		return nil, err
	}
	if _, err := c.domain(ctx, in.Domain); err != nil {
		return nil, err
	}
	over, err := c.Company.BoxesOver(ctx, in.Domain, plan)
	if err != nil {
		return nil, err
	}
	list := make([]BoxOver, 0, min(len(over), MaxPage))
	for _, b := range over[:min(len(over), MaxPage)] {
		list = append(list, BoxOver{b.Account, b.Address.String(), b.Used})
	}
	out := listed(list, "")
	out.Body.Total = len(over)
	return out, nil
}

func (s *Server) verifyDomain(ctx context.Context, c *Call, in *InDomain) (*Tagged[Domain], error) {
	service, err := s.domainService()
	if err != nil {
		return nil, err
	}
	if _, err := c.domain(ctx, in.Domain); err != nil {
		return nil, err
	}
	d, err := service.Company(c.TenantID).Verify(ctx, c.Actor(), s.config.Lookup, in.Domain)
	if err != nil {
		return nil, err
	}
	return tagged(d.Version, domainBody(d)), nil
}

func (s *Server) vouchDomain(ctx context.Context, c *Call, in *InDomain) (*Tagged[Domain], error) {
	d, err := c.Company.VouchDomain(ctx, c.Actor(), in.Domain, c.Reason)
	if err != nil {
		return nil, err
	}
	return tagged(d.Version, domainBody(d)), nil
}

// domainService is what looks after keys and records. Unavailable "request.unavailable" where this process has none.
func (s *Server) domainService() (*domains.Service, error) {
	if s.config.Domains == nil || s.config.Lookup == nil {
		return nil, mail.E("restd.domainService", mail.Unavailable, "request.unavailable")
	}
	return s.config.Domains, nil
}
