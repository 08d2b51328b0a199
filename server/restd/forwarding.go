package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Forwarding is whereto an account's mail goes on, as administrators set it.
type Forwarding struct {
	To    []string   `json:"to"`
	Keep  bool       `json:"keepCopy" doc:"The account's box gets the mail too"`
	Since *time.Time `json:"since,omitempty"`
}

// newForwarding is nil where nothing is forwarded.
func newForwarding(f directory.Forwarding) *Forwarding {
	if !f.On() {
		return nil
	}
	return &Forwarding{addresses(f.To), f.Keep, timeOrNil(f.Since)}
}

// Forward is one account's way out in the overview.
type Forward struct {
	Account mail.AccountID        `json:"account"`
	Address string                `json:"address"`
	Name    string                `json:"name"`
	By      directory.ForwardedBy `json:"by" enum:"admin,filter" doc:"Who set it: an administrator, or the account's own filter"`
	To      []string              `json:"to"`
	Outside []string              `json:"outside" doc:"Those of to that are outside the company"`
	Keep    bool                  `json:"keepCopy"`
	Since   *time.Time            `json:"since,omitempty"`
}

func (s *Server) addForwarding() {
	const tag, one = "forwarding", "/tenants/{tenant}/accounts/{account}/forwarding"
	add(s, operation{ID: "listForwards", Method: http.MethodGet, Path: "/tenants/{tenant}/forwarding", Right: directory.RightAccountsRead, Tag: tag, Summary: "Tell who has mail forwarded, whereto and since when, by administrators and by filters."}, s.listForwards)
	add(s, operation{ID: "setForwarding", Method: http.MethodPut, Path: one, Right: directory.RightAccounts, Tag: tag, Summary: "Have an account's mail forwarded to up to 5 addresses."}, s.setForwarding)
	add(s, operation{ID: "clearForwarding", Method: http.MethodDelete, Path: one, Right: directory.RightAccounts, Tag: tag, Summary: "End the forwarding that administrators set."}, s.clearForwarding)
}

// forwardsIn is how forwards are asked for.
type forwardsIn struct {
	InTenant
	Paging
	Text    string `query:"text" maxLength:"512" doc:"Words of the account that forwards"`
	Outside bool   `query:"outside" doc:"Only those to somebody outside the company"`
	By      string `query:"by" enum:"admin,filter"`
}

func (s *Server) listForwards(ctx context.Context, c *Call, in *forwardsIn) (*List[Forward], error) {
	page, err := c.Company.Forwards(ctx, directory.ForwardQuery{
		Outside: in.Outside, By: directory.ForwardedBy(in.By), Text: in.Text, Within: c.Reach(directory.RightAccountsRead), Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := listed(make([]Forward, len(page.Forwards)), page.Next)
	out.Body.Total = page.Total
	for i, f := range page.Forwards {
		out.Body.Items[i] = Forward{f.Account, f.Address.String(), f.Name, f.By, addresses(f.To), addresses(f.Outside), f.Keep, timeOrNil(f.Since)}
	}
	return out, nil
}

// setForwardingIn asks for a forwarding.
type setForwardingIn struct {
	OfAccount
	Body struct {
		To   []string `json:"to" minItems:"1" maxItems:"5"`
		Keep bool     `json:"keepCopy,omitempty" doc:"The account's box gets the mail too"`
	}
}

func (s *Server) setForwarding(ctx context.Context, c *Call, in *setForwardingIn) (*Tagged[Account], error) {
	to, err := parseAddresses(in.Body.To)
	if err != nil {
		return nil, err
	}
	return s.forward(ctx, c, in.Account.ID, directory.Forwarding{To: to, Keep: in.Body.Keep})
}

func (s *Server) clearForwarding(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.forward(ctx, c, in.Account.ID, directory.Forwarding{})
}

func (s *Server) forward(ctx context.Context, c *Call, id mail.AccountID, f directory.Forwarding) (*Tagged[Account], error) {
	return s.change(ctx, c, id, func() error { return c.Company.SetForwarding(ctx, c.Actor(), id, f) })
}
