package restd

import (
	"context"
	"net/http"
	"slices"

	"tegami/directory"
	"tegami/mail"
)

// Group is a named set of accounts.
type Group struct {
	ID          mail.ObjectID `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Accounts    int           `json:"accounts" doc:"How many accounts are in it"`
}

func newGroup(g directory.Group) Group { return Group{g.ID, g.Name, g.Description, g.Accounts} }

func (s *Server) addGroups() {
	const tag, path = "groups", "/tenants/{tenant}/groups"
	read, write := directory.RightAccountsRead, directory.RightAccounts
	one := path + "/{group}"
	add(s, operation{ID: "listGroups", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List the groups of a company by name."}, s.listGroups)
	add(s, operation{ID: "createGroup", Method: http.MethodPost, Path: path, Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Make a group."}, s.createGroup)
	add(s, operation{ID: "getGroup", Method: http.MethodGet, Path: one, Right: read, Tag: tag, Summary: "Give a group; its accounts are listed by listAccounts."}, s.getGroup)
	add(s, operation{ID: "updateGroup", Method: http.MethodPatch, Path: one, Right: write, Tag: tag, Summary: "Change a group's name or description."}, s.updateGroup)
	add(s, operation{ID: "deleteGroup", Method: http.MethodDelete, Path: one, Right: write, Tag: tag, Summary: "Remove a group; its accounts stay."}, s.deleteGroup)
	add(s, operation{ID: "changeGroupMembers", Method: http.MethodPost, Path: one + "/members", Right: write, Tag: tag, Summary: "Put accounts into a group and take others out, all or none."}, s.changeGroupMembers)
}

// groupsIn is how groups are asked for.
type groupsIn struct{ InTenant }

func (s *Server) listGroups(ctx context.Context, c *Call, _ *groupsIn) (*List[Group], error) {
	all, err := c.Company.Groups(ctx)
	if err != nil {
		return nil, err
	}
	seen := slices.DeleteFunc(all, func(g directory.Group) bool { return !seesGroup(c, g.ID) })
	out := listed(make([]Group, len(seen)), "")
	out.Body.Total = len(seen)
	for i, g := range seen {
		out.Body.Items[i] = newGroup(g)
	}
	return out, nil
}

// seesGroup tells whether a caller may know of a group: who reads accounts of the whole company, or of that group.
func seesGroup(c *Call, id mail.ObjectID) bool {
	return c.MayIn(directory.RightAccountsRead, directory.Place{Groups: []mail.ObjectID{id}})
}

// OfGroup is the path of a group.
type OfGroup struct {
	InTenant
	Group Ref[mail.ObjectID] `path:"group" doc:"The group's id"`
}

// group reads a group that the caller may see. NotFound "group.unknown".
func group(ctx context.Context, c *Call, id mail.ObjectID) (directory.Group, error) {
	if !seesGroup(c, id) {
		return directory.Group{}, mail.E("restd.group", mail.NotFound, "group.unknown", id.String())
	}
	return c.Company.Group(ctx, id)
}

func (s *Server) getGroup(ctx context.Context, c *Call, in *OfGroup) (*Tagged[Group], error) {
	g, err := group(ctx, c, in.Group.ID)
	if err != nil {
		return nil, err
	}
	return tagged(g.Version, newGroup(g)), nil
}

// newGroupIn asks for a group.
type newGroupIn struct {
	InTenant
	Body struct {
		Name        string `json:"name" minLength:"1" maxLength:"255"`
		Description string `json:"description,omitempty" maxLength:"4096"`
	}
}

func (s *Server) createGroup(ctx context.Context, c *Call, in *newGroupIn) (*Tagged[Group], error) {
	g, err := c.Company.AddGroup(ctx, c.Actor(), directory.GroupSpec{Name: in.Body.Name, Description: in.Body.Description})
	if err != nil {
		return nil, err
	}
	return tagged(g.Version, newGroup(g)), nil
}

// changeGroupIn says what becomes of a group. What is absent stays.
type changeGroupIn struct {
	OfGroup
	Matching
	Body struct {
		Name        *string `json:"name,omitempty" minLength:"1" maxLength:"255"`
		Description *string `json:"description,omitempty" maxLength:"4096"`
	}
}

func (s *Server) updateGroup(ctx context.Context, c *Call, in *changeGroupIn) (*Tagged[Group], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	g, err := group(ctx, c, in.Group.ID)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		version = g.Version
	}
	spec := directory.GroupSpec{Name: g.Name, Description: g.Description}
	if in.Body.Name != nil {
		spec.Name = *in.Body.Name
	}
	if in.Body.Description != nil {
		spec.Description = *in.Body.Description
	}
	if g, err = c.Company.SetGroup(ctx, c.Actor(), in.Group.ID, version, spec); err != nil {
		return nil, err
	}
	return tagged(g.Version, newGroup(g)), nil
}

func (s *Server) deleteGroup(ctx context.Context, c *Call, in *OfGroup) (*struct{}, error) {
	if _, err := group(ctx, c, in.Group.ID); err != nil {
		return nil, err
	}
	return nil, c.Company.DeleteGroup(ctx, c.Actor(), in.Group.ID)
}

// groupMembersIn says who enters and leaves a group.
type groupMembersIn struct {
	OfGroup
	Body struct {
		Add    []mail.AccountID `json:"add,omitempty" maxItems:"1000" doc:"Accounts to put in"`
		Remove []mail.AccountID `json:"remove,omitempty" maxItems:"1000" doc:"Accounts to take out"`
	}
}

func (s *Server) changeGroupMembers(ctx context.Context, c *Call, in *groupMembersIn) (*Tagged[Group], error) {
	if _, err := group(ctx, c, in.Group.ID); err != nil {
		return nil, err
	}
	if err := c.Company.ChangeGroup(ctx, c.Actor(), in.Group.ID, in.Body.Add, in.Body.Remove); err != nil {
		return nil, err
	}
	return s.getGroup(ctx, c, &in.OfGroup)
}
