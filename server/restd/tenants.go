package restd

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

// Tenant is a company's contract.
type Tenant struct {
	ID        mail.TenantID         `json:"id"`
	Name      string                `json:"name" doc:"The company's"`
	Lang      string                `json:"lang" enum:"ja,en" doc:"What new accounts and notices use"`
	State     directory.TenantState `json:"state" enum:"ordered,provisioned,open,suspended,closed"`
	Start     time.Time             `json:"start" doc:"Service start: before it the company's people change nothing (CP-2)"`
	StartDate string                `json:"startDate" format:"date" doc:"The date of that in the contract's time zone"`
	InService bool                  `json:"inService" doc:"Open, and the start has come"`
	Networks  []string              `json:"networks" doc:"Source networks in the VPN zone (SV-9)"`
	NoScram   bool                  `json:"noScram,omitempty" doc:"Passwords are kept as argon2id alone"`
}

func tenantBody(t directory.Tenant) Tenant {
	body := Tenant{t.ID, t.Name, t.Lang, t.State, t.Start.UTC(), t.StartDate(), t.InService(time.Now()), []string{}, t.NoScram}
	for _, n := range t.Networks {
		body.Networks = append(body.Networks, n.String())
	}
	return body
}

// networksOf reads networks. Invalid "network.malformed".
func networksOf(texts []string) ([]netip.Prefix, error) {
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		n, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, mail.E("restd.networksOf", mail.Invalid, "network.malformed", text)
		}
		list = append(list, n)
	}
	return list, nil
}

func (s *Server) addTenants() {
	const all, one = "/tenants", "/tenants/{tenant}"
	post, order, tag := http.MethodPost, directory.RightOrder, "tenants"
	add(s, operation{ID: "listTenants", Method: http.MethodGet, Path: all, Right: order, Tag: tag, Summary: "List the companies."}, s.listTenants)
	add(s, operation{ID: "openTenant", Method: post, Path: all, Right: order, Tag: tag, Status: http.StatusCreated, Summary: "Open a company with its domain and first owner in one step (SV-12); the same again completes what was broken off."}, s.openTenant)
	add(s, operation{ID: "getTenant", Method: http.MethodGet, Path: one, Right: directory.RightContractRead, Tag: tag, Summary: "Show a company's contract."}, s.getTenant)
	add(s, operation{ID: "changeTenant", Method: http.MethodPatch, Path: one, Right: order, Tag: tag, Summary: "Change a contract: name, language, service start, networks."}, s.changeTenant)
	for _, step := range []struct {
		id, path, summary string
		to                directory.TenantState
	}{
		{"provisionTenant", "/provision", "Make a company's store, before it is opened.", directory.TenantProvisioned},
		{"startTenant", "/open", "Open a company, or take a suspended one up again.", directory.TenantOpen},
		{"suspendTenant", "/suspend", "Suspend a company: it receives nothing, nobody signs in, nothing is deleted.", directory.TenantSuspended},
		{"closeTenant", "/close", "End a contract. There is no way back.", directory.TenantClosed},
	} {
		add(s, operation{ID: step.id, Method: post, Path: one + step.path, Right: order, Tag: tag, Summary: step.summary}, s.moveTenant(step.to))
	}
	add(s, operation{ID: "listOptions", Method: http.MethodGet, Path: "/options", Right: directory.RightAny, Tag: tag, Summary: "List the options of domains, also those that are not offered yet."}, s.listOptions)
}

// TenantQuery is how companies are searched.
type TenantQuery struct {
	Paging
	Query string `query:"q" maxLength:"255" doc:"A part of the name, an id, or one of its domains"`
	State string `query:"state" enum:"ordered,provisioned,open,suspended,closed"`
}

func (s *Server) listTenants(ctx context.Context, _ *Call, in *TenantQuery) (*List[Tenant], error) {
	var after mail.TenantID
	if err := afterID(in.Paging, "listTenants", &after); err != nil {
		return nil, err
	}
	all, err := s.dir.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	owner, _, err := s.dir.LocalDomain(ctx, strings.ToLower(strings.TrimSpace(in.Query)))
	if err != nil {
		return nil, err
	}
	var list []Tenant
	total, next := 0, ""
	for _, t := range all {
		if !in.fits(t, owner) {
			continue
		}
		total++
		switch {
		case t.ID <= after:
		case len(list) < in.Limit:
			list = append(list, tenantBody(t))
		default:
			next = cursorAt("listTenants", list[len(list)-1].ID.String())
		}
	}
	out := listed(list, next)
	out.Body.Total = total
	return out, nil
}

// fits tells whether a company is searched for. owner is whose domain the text is; zero where it is none.
func (q *TenantQuery) fits(t directory.Tenant, owner mail.TenantID) bool {
	text := strings.ToLower(strings.TrimSpace(q.Query))
	return (q.State == "" || q.State == string(t.State)) && (strings.Contains(strings.ToLower(t.Name), text) || t.ID.String() == text || t.ID == owner)
}

func (s *Server) getTenant(ctx context.Context, c *Call, _ *InTenant) (*Tagged[Tenant], error) {
	t, err := s.dir.Tenant(ctx, c.TenantID)
	if err != nil {
		return nil, err
	}
	return tagged(t.Version, tenantBody(t)), nil
}

// NewTenant asks for a company.
type NewTenant struct {
	Name     string    `json:"name" maxLength:"255" doc:"The company's"`
	Lang     string    `json:"lang,omitempty" enum:"ja,en" doc:"Absent: ja"`
	Start    time.Time `json:"start,omitzero" doc:"Service start; absent: now"`
	Networks []string  `json:"networks,omitempty" maxItems:"128" doc:"Source networks in the VPN zone"`
	NoScram  bool      `json:"noScram,omitempty" doc:"Keep passwords as argon2id alone"`
	Hold     bool      `json:"hold,omitempty" doc:"Leave it provisioned, to be opened later"`
	Domain   NewDomain `json:"domain"`
	Owner    NewOwner  `json:"owner" doc:"The first administrator"`
}

// NewOwner asks for a company's first administrator.
type NewOwner struct {
	Address  string `json:"address" maxLength:"320" doc:"In the domain; its local part is enough"`
	Name     string `json:"name,omitempty" maxLength:"255"`
	Lang     string `json:"lang,omitempty" enum:"ja,en" doc:"Absent: the company's"`
	Password string `json:"password,omitempty" maxLength:"1024" doc:"An initial one; absent: one is made"`
}

// opening is the order as the directory takes it.
func (n NewTenant) opening() (want directory.Opening, err error) {
	networks, err := networksOf(n.Networks)
	if err != nil {
		return want, err
	}
	local, domain, _ := strings.Cut(n.Owner.Address, "@")
	return directory.Opening{
		Tenant: directory.TenantSpec{Name: n.Name, Lang: n.Lang, Start: n.Start, Networks: networks, NoScram: n.NoScram},
		Domain: n.Domain.spec(),
		Owner: directory.AccountSpec{
			Address: mail.Address{Local: local, Domain: strings.ToLower(domain)}, Name: n.Owner.Name, Lang: n.Owner.Lang, Password: n.Owner.Password,
		},
		Hold: n.Hold,
	}, nil
}

// Opened is what opening a company made.
type Opened struct {
	Tenant   Tenant         `json:"tenant"`
	Domain   Domain         `json:"domain"`
	Owner    string         `json:"owner" doc:"The first administrator's address"`
	Account  mail.AccountID `json:"account" doc:"The first administrator's account"`
	Password string         `json:"password,omitempty" doc:"The initial password, to be changed at the first sign-in; it is told once. Absent where all had been made before"`
}

func openedBody(o directory.Opened) Opened {
	return Opened{tenantBody(o.Tenant), domainBody(o.Domain), o.Owner.Address.String(), o.Owner.ID, o.Password}
}

func (s *Server) openTenant(ctx context.Context, c *Call, in *struct{ Body NewTenant }) (*Tagged[Opened], error) {
	want, err := in.Body.opening()
	if err != nil {
		return nil, err
	}
	if err := in.Body.Domain.checkReason(); err != nil {
		return nil, err
	}
	made, err := s.dir.Open(ctx, c.Actor(), want)
	if err != nil {
		return nil, err
	}
	return tagged(made.Tenant.Version, openedBody(made)), nil
}

// TenantChange changes a contract. What is absent stays as it is.
type TenantChange struct {
	Name     string    `json:"name,omitempty" maxLength:"255"`
	Lang     string    `json:"lang,omitempty" enum:"ja,en"`
	Start    time.Time `json:"start,omitzero" doc:"Service start (CP-2)"`
	Networks *[]string `json:"networks,omitempty" maxItems:"128" doc:"In place of all networks"`
}

func (s *Server) changeTenant(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
	Body TenantChange
}) (*Tagged[Tenant], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	change := directory.TenantChange{Version: version, Name: in.Body.Name, Lang: in.Body.Lang, Start: in.Body.Start}
	if in.Body.Networks != nil {
		if change.Networks, err = networksOf(*in.Body.Networks); err != nil {
			return nil, err
		}
	}
	t, err := s.dir.ChangeTenant(ctx, c.Actor(), c.TenantID, change)
	if err != nil {
		return nil, err
	}
	return tagged(t.Version, tenantBody(t)), nil
}

// moveTenant makes the operation that moves a contract to a state.
func (s *Server) moveTenant(to directory.TenantState) func(context.Context, *Call, *InTenant) (*Tagged[Tenant], error) {
	return func(ctx context.Context, c *Call, _ *InTenant) (*Tagged[Tenant], error) {
		t, err := s.dir.SetTenantState(ctx, c.Actor(), c.TenantID, to)
		if err != nil {
			return nil, err
		}
		return tagged(t.Version, tenantBody(t)), nil
	}
}

// OptionInfo is an option that domains can have.
type OptionInfo struct {
	Option  directory.Option `json:"option" doc:"imaps"`
	Offered bool             `json:"offered" doc:"Whether it can be ordered; if not, ordering it answers option.not_offered"`
	Name    string           `json:"name" doc:"In the request's language"`
	Does    string           `json:"does" doc:"What it does, in the request's language"`
}

// optionWords are the texts of options.
var optionWords = map[directory.Option][2]string{
	directory.OptionIMAPS:   {"option.imaps.name", "option.imaps.does"},
	directory.OptionAudit:   {"option.audit.name", "option.audit.does"},
	directory.OptionArchive: {"option.archive.name", "option.archive.does"},
	directory.OptionSandbox: {"option.sandbox.name", "option.sandbox.does"},
	directory.OptionDNS:     {"option.dns.name", "option.dns.does"},
	directory.OptionSSO:     {"option.sso.name", "option.sso.does"},
}

func (s *Server) listOptions(_ context.Context, c *Call, _ *struct{}) (*List[OptionInfo], error) {
	var list []OptionInfo
	for _, o := range directory.AllOptions() {
		lang, words := i18n.Lang(c.Lang), optionWords[o]
		list = append(list, OptionInfo{o, o.Offered(), s.words.Text(lang, words[0]), s.words.Text(lang, words[1])})
	}
	return listed(list, ""), nil
}
