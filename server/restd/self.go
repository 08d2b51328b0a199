package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// Self is who calls.
type Self struct {
	Operator bool              `json:"operator"`
	Tenant   mail.TenantID     `json:"tenant,omitempty" doc:"The caller's company"`
	Name     string            `json:"name" doc:"An address, the name of an operator or of an API key"`
	Lang     string            `json:"lang,omitempty"`
	Grants   []directory.Grant `json:"grants"`
	Rights   []directory.Right `json:"rights" doc:"What the caller may do somewhere"`
}

func (s *Server) addSelf() {
	add(s, operation{ID: "getSelf", Method: http.MethodGet, Path: "/self", Right: directory.RightAny, Tag: "self", Summary: "Tell who calls and what he may do."}, s.self)
}

func (s *Server) self(_ context.Context, c *Call, _ *struct{}) (*struct{ Body Self }, error) {
	me := Self{Operator: c.Operator(), Tenant: c.Tenant(), Name: c.Actor().Name(), Lang: c.Caller.Lang(), Grants: c.Grants(), Rights: c.Rights()}
	return &struct{ Body Self }{me}, nil
}
