package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// Role is a role with what it may do.
type Role struct {
	Role   string            `json:"role"`
	Name   string            `json:"name" doc:"In the request's language"`
	Rights []directory.Right `json:"rights"`
}

// Administrator is an account that has a role.
type Administrator struct {
	Account mail.AccountID         `json:"account"`
	Address mail.Address           `json:"address"`
	Name    string                 `json:"name,omitempty"`
	State   directory.AccountState `json:"state"`
	Grants  []directory.Grant      `json:"grants"`
}

// Grants are the roles of an account.
type Grants struct {
	Grants []directory.Grant `json:"grants" maxItems:"20" doc:"Roles; without domains and groups for the whole company"`
}

func (s *Server) addRoles() {
	const tag = "roles"
	read, write := directory.RightRolesRead, directory.RightRoles
	of := "/tenants/{tenant}/accounts/{account}/grants"
	add(s, operation{ID: "listRoles", Method: http.MethodGet, Path: "/roles", Right: directory.RightAny, Tag: tag, Summary: "List the roles there are with their rights."}, s.listRoles)
	add(s, operation{ID: "listAdministrators", Method: http.MethodGet, Path: "/tenants/{tenant}/administrators", Right: read, Tag: tag, Summary: "List the accounts of a company that have a role."}, s.listAdministrators)
	add(s, operation{ID: "getGrants", Method: http.MethodGet, Path: of, Right: read, Tag: tag, Summary: "Give the roles of an account."}, s.getGrants)
	add(s, operation{ID: "setGrants", Fresh: true, Method: http.MethodPut, Path: of, Right: write, Tag: tag, Summary: "Replace the roles of an account; only owners appoint, and nobody gives more than he has."}, s.setGrants)
}

// roleNames are the catalogue keys of roles' names.
var roleNames = map[string]string{
	string(directory.RoleOwner): "role.owner", string(directory.RoleAccountAdmin): "role.account_admin",
	string(directory.RolePolicyAdmin): "role.policy_admin", string(directory.RoleListAdmin): "role.list_admin",
	string(directory.RoleAudit): "role.audit_officer", string(directory.RoleArchive): "role.archive_officer",
	string(directory.RoleHelpDesk): "role.help_desk", string(directory.RoleReadOnly): "role.read_only",
	string(directory.OperatorFull): "role.operator", string(directory.OperatorReadOnly): "role.operator_read_only",
}

func (s *Server) listRoles(_ context.Context, c *Call, _ *struct{}) (*List[Role], error) {
	var all []Role
	add := func(name string, gives func(directory.Right) bool) {
		r := Role{Role: name, Name: s.say(c, roleNames[name]), Rights: []directory.Right{}}
		for _, right := range directory.Rights() {
			if gives(right) {
				r.Rights = append(r.Rights, right)
			}
		}
		all = append(all, r)
	}
	for _, r := range directory.Roles() {
		add(string(r), r.Gives)
	}
	if c.Operator() {
		for _, r := range directory.OperatorRoles() {
			add(string(r), r.Gives)
		}
	}
	return listed(all, ""), nil
}

func (s *Server) listAdministrators(ctx context.Context, c *Call, _ *InTenant) (*List[Administrator], error) {
	all, err := c.Company.Administrators(ctx)
	if err != nil {
		return nil, err
	}
	var seen []Administrator
	for _, a := range all {
		if c.MayIn(directory.RightRolesRead, a.Place) {
			seen = append(seen, Administrator{a.ID, a.Address, a.Name, a.State, a.Grants})
		}
	}
	out := listed(seen, "")
	out.Body.Total = len(seen)
	return out, nil
}

// GrantsOf is the path of an account's roles.
type GrantsOf struct {
	InTenant
	Account Ref[mail.AccountID] `path:"account" doc:"The account's id"`
}

func (s *Server) getGrants(ctx context.Context, c *Call, in *GrantsOf) (*Tagged[Grants], error) {
	a, err := c.Company.Account(ctx, in.Account.ID)
	if err != nil {
		return nil, err
	}
	if !c.MayIn(directory.RightRolesRead, directory.Place{Domain: a.Domain, Groups: a.Groups}) {
		return nil, mail.E("restd.getGrants", mail.NotFound, "account.unknown", in.Account.ID.String())
	}
	if a.Grants == nil {
		a.Grants = []directory.Grant{}
	}
	return tagged(a.Version, Grants{a.Grants}), nil
}

func (s *Server) setGrants(ctx context.Context, c *Call, in *struct {
	GrantsOf
	Matching
	Body Grants
}) (*Tagged[Grants], error) {
	meant, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := c.Company.SetGrants(ctx, c.Actor(), in.Account.ID, meant, in.Body.Grants); err != nil {
		return nil, err
	}
	return s.getGrants(ctx, c, &in.GrantsOf)
}
