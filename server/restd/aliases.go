package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// Alias is a further address of an account.
type Alias struct {
	Address string         `json:"address"`
	Account mail.AccountID `json:"account"`
	Target  string         `json:"target" doc:"The account's own address"`
	Name    string         `json:"name"`
}

func (s *Server) addAliases() {
	const tag, one = "aliases", "/tenants/{tenant}/accounts/{account}/aliases"
	add(s, operation{ID: "listAliases", Method: http.MethodGet, Path: "/tenants/{tenant}/aliases", Right: directory.RightAccountsRead, Tag: tag, Summary: "List the aliases of a company by address."}, s.listAliases)
	add(s, operation{ID: "addAlias", Method: http.MethodPost, Path: one, Right: directory.RightAccounts, Tag: tag, Status: http.StatusCreated, Summary: "Give an account a further address."}, s.addAlias)
	add(s, operation{ID: "removeAlias", Method: http.MethodDelete, Path: one + "/{address}", Right: directory.RightAccounts, Tag: tag, Summary: "Take a further address away."}, s.removeAlias)
}

// aliasesIn is how aliases are asked for.
type aliasesIn struct {
	InTenant
	Paging
	Text string `query:"text" maxLength:"512" doc:"Part of the alias, or words of the account it leads to"`
}

func (s *Server) listAliases(ctx context.Context, c *Call, in *aliasesIn) (*List[Alias], error) {
	page, err := c.Company.SearchAliases(ctx, directory.AliasQuery{Text: in.Text, Within: c.Reach(directory.RightAccountsRead), Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := listed(make([]Alias, len(page.Aliases)), page.Next)
	out.Body.Total = page.Total
	for i, a := range page.Aliases {
		out.Body.Items[i] = Alias{a.Address.String(), a.Account, a.Target.String(), a.Name}
	}
	return out, nil
}

// aliasIn asks for an alias.
type aliasIn struct {
	OfAccount
	Body struct {
		Address string `json:"address" maxLength:"320" doc:"In any domain of the company; names such as postmaster are allowed"`
	}
}

func (s *Server) addAlias(ctx context.Context, c *Call, in *aliasIn) (*Tagged[Account], error) {
	alias, err := mail.ParseAddress(in.Body.Address)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, c, in.Account.ID, func() error { return c.Company.AddAlias(ctx, c.Actor(), alias, in.Account.ID) })
}

// ofAlias is the path of an alias.
type ofAlias struct {
	OfAccount
	Address string `path:"address" maxLength:"320" doc:"The alias"`
}

func (s *Server) removeAlias(ctx context.Context, c *Call, in *ofAlias) (*Tagged[Account], error) {
	alias, err := mail.ParseAddress(in.Address)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, c, in.Account.ID, func() error {
		whose, err := c.Company.Find(ctx, alias)
		if err != nil && !mail.Is(err, mail.NotFound) {
			return err
		}
		if err != nil || whose.ID != in.Account.ID {
			return mail.E("restd.removeAlias", mail.NotFound, "alias.unknown", in.Address)
		}
		return c.Company.RemoveAlias(ctx, c.Actor(), alias)
	})
}
