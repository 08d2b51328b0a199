package restd

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Key is an API key without its secret.
type Key struct {
	ID       mail.ObjectID          `json:"id"`
	Name     string                 `json:"name"`
	Grants   []directory.Grant      `json:"grants,omitempty" doc:"What a company's key may do"`
	Operator directory.OperatorRole `json:"operator,omitempty" enum:"operator,operator-read-only" doc:"What a key of the platform may do"`
	Networks []netip.Prefix         `json:"networks,omitempty" doc:"From where it may be used; absent: from everywhere"`
	Expires  time.Time              `json:"expires,omitzero" doc:"Absent: never"`
	Maker    string                 `json:"maker" doc:"Who made it"`
	Created  time.Time              `json:"created"`
	Used     time.Time              `json:"used,omitzero" doc:"When it was used last, to the hour"`
}

// NewKey is an API key as it is given once.
type NewKey struct {
	Key
	Secret string `json:"secret" doc:"The key itself: tgm_ and 84 characters. It is shown this once and stored nowhere"`
}

// KeySpec asks for a company's API key.
type KeySpec struct {
	Name     string            `json:"name" minLength:"1" maxLength:"100"`
	Grants   []directory.Grant `json:"grants" minItems:"1" maxItems:"20" doc:"What it may do: nothing that its maker may not"`
	Networks []netip.Prefix    `json:"networks,omitempty" maxItems:"32" doc:"From where it may be used; absent: from everywhere"`
	Expires  time.Time         `json:"expires,omitzero" doc:"Absent: never"`
}

// OperatorKeySpec asks for an API key of the platform.
type OperatorKeySpec struct {
	Name     string                 `json:"name" minLength:"1" maxLength:"100"`
	Operator directory.OperatorRole `json:"operator" enum:"operator,operator-read-only"`
	Networks []netip.Prefix         `json:"networks,omitempty" maxItems:"32" doc:"From where it may be used; absent: from everywhere"`
	Expires  time.Time              `json:"expires,omitzero" doc:"Absent: never"`
}

func newKey(k directory.Key) Key {
	return Key{k.ID, k.Name, k.Grants, k.Operator, k.Networks, k.Expires, k.Maker, k.Created, k.Used}
}

func (s *Server) addKeys() {
	const tag, path, platform = "keys", "/tenants/{tenant}/keys", "/operator-keys"
	read, write, order := directory.RightRolesRead, directory.RightRoles, directory.RightOrder
	add(s, operation{ID: "listKeys", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List the API keys of a company."}, s.listKeys)
	add(s, operation{ID: "createKey", Fresh: true, Method: http.MethodPost, Path: path, Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Make an API key of a company; its secret is shown this once."}, s.createKey)
	add(s, operation{ID: "revokeKey", Method: http.MethodDelete, Path: path + "/{key}", Right: write, Tag: tag, Summary: "Take an API key back; from the next request on it opens nothing."}, s.revokeKey)
	add(s, operation{ID: "listOperatorKeys", Method: http.MethodGet, Path: platform, Right: order, Tag: tag, Summary: "List the API keys of the platform."}, s.listOperatorKeys)
	add(s, operation{ID: "createOperatorKey", Fresh: true, Method: http.MethodPost, Path: platform, Right: order, Tag: tag, Status: http.StatusCreated, Summary: "Make an API key of the platform; its secret is shown this once."}, s.createOperatorKey)
	add(s, operation{ID: "revokeOperatorKey", Method: http.MethodDelete, Path: platform + "/{key}", Right: order, Tag: tag, Summary: "Take an API key of the platform back."}, s.revokeOperatorKey)
}

func keyList(all []directory.Key) *List[Key] {
	items := make([]Key, len(all))
	for i, k := range all {
		items[i] = newKey(k)
	}
	out := listed(items, "")
	out.Body.Total = len(items)
	return out
}

func (s *Server) listKeys(ctx context.Context, c *Call, _ *InTenant) (*List[Key], error) {
	if !c.Whole(directory.RightRolesRead) { // a key belongs to no part of the company
		return listed([]Key{}, ""), nil
	}
	all, err := c.Company.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return keyList(all), nil
}

func (s *Server) createKey(ctx context.Context, c *Call, in *struct {
	InTenant
	Body KeySpec
}) (*struct{ Body NewKey }, error) {
	k, secret, err := c.Company.AddKey(ctx, c.Actor(), directory.KeySpec{
		Name: in.Body.Name, Grants: in.Body.Grants, Networks: in.Body.Networks, Expires: in.Body.Expires,
	})
	if err != nil {
		return nil, err
	}
	return &struct{ Body NewKey }{NewKey{newKey(k), secret}}, nil
}

func (s *Server) revokeKey(ctx context.Context, c *Call, in *struct {
	InTenant
	Key Ref[mail.ObjectID] `path:"key" doc:"The key's id"`
}) (*struct{}, error) {
	return nil, c.Company.RevokeKey(ctx, c.Actor(), in.Key.ID)
}

func (s *Server) listOperatorKeys(ctx context.Context, _ *Call, _ *struct{}) (*List[Key], error) {
	all, err := s.dir.OperatorKeys(ctx)
	if err != nil {
		return nil, err
	}
	return keyList(all), nil
}

func (s *Server) createOperatorKey(ctx context.Context, c *Call, in *struct{ Body OperatorKeySpec }) (*struct{ Body NewKey }, error) {
	k, secret, err := s.dir.AddOperatorKey(ctx, c.Actor(), directory.KeySpec{
		Name: in.Body.Name, Operator: in.Body.Operator, Networks: in.Body.Networks, Expires: in.Body.Expires,
	})
	if err != nil {
		return nil, err
	}
	return &struct{ Body NewKey }{NewKey{newKey(k), secret}}, nil
}

func (s *Server) revokeOperatorKey(ctx context.Context, c *Call, in *struct {
	Key Ref[mail.ObjectID] `path:"key" doc:"The key's id"`
}) (*struct{}, error) {
	return nil, s.dir.RevokeOperatorKey(ctx, c.Actor(), in.Key.ID)
}
