package restd

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"tegami/directory"
)

// Security is a policy of signing in as the API shows it.
type Security struct {
	directory.SecurityPolicy
	ChangedBy string     `json:"changedBy,omitempty" doc:"Who changed it last; absent: it is the default"`
	ChangedAt *time.Time `json:"changedAt,omitempty"`
	RevertAt  *time.Time `json:"revertAt,omitempty" doc:"The access rules go back then, unless they are confirmed before"`
	Address   netip.Addr `json:"address" doc:"From where this request came, as access rules see it"`
}

func (s *Server) addSecurity() {
	const tag, path, platform = "security", "/tenants/{tenant}/security", "/security"
	read, write, order := directory.RightPolicyRead, directory.RightPolicy, directory.RightOrder
	add(s, operation{ID: "getSecurity", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "Give a company's rules of passwords, second factors, sessions and networks."}, s.getSecurity)
	add(s, operation{ID: "setSecurity", Fresh: true, Method: http.MethodPut, Path: path, Right: write, Tag: tag, Summary: "Replace a company's rules of signing in; access rules that lock their author out go back after 5 minutes."}, s.setSecurity)
	add(s, operation{ID: "confirmAccess", Method: http.MethodPost, Path: path + "/access/confirm", Right: write, Tag: tag, Summary: "Keep access rules that would go back by themselves."}, s.confirmAccess)
	add(s, operation{ID: "getPlatformSecurity", Method: http.MethodGet, Path: platform, Right: order, Tag: tag, Summary: "Give the rules of signing in for operators."}, s.getPlatformSecurity)
	add(s, operation{ID: "setPlatformSecurity", Fresh: true, Method: http.MethodPut, Path: platform, Right: order, Tag: tag, Summary: "Replace the rules of signing in for operators."}, s.setPlatformSecurity)
}

func newSecurity(c *Call, p directory.Security) *Tagged[Security] {
	return tagged(p.Version, Security{p.SecurityPolicy, p.ChangedBy, timeOrNil(p.ChangedAt), timeOrNil(p.RevertAt), c.Caller.Actor().Origin().Remote})
}

// securityIn asks for another policy.
type securityIn struct {
	InTenant
	Matching
	Body directory.SecurityPolicy
}

func (s *Server) getSecurity(ctx context.Context, c *Call, _ *InTenant) (*Tagged[Security], error) {
	p, err := c.Company.Security(ctx)
	if err != nil {
		return nil, err
	}
	return newSecurity(c, p), nil
}

func (s *Server) setSecurity(ctx context.Context, c *Call, in *securityIn) (*Tagged[Security], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	p, err := c.Company.SetSecurity(ctx, c.Actor(), in.Body, version)
	if err != nil {
		return nil, err
	}
	return newSecurity(c, p), nil
}

func (s *Server) confirmAccess(ctx context.Context, c *Call, _ *InTenant) (*struct{}, error) {
	return nil, c.Company.ConfirmAccess(ctx, c.Actor())
}

func (s *Server) getPlatformSecurity(ctx context.Context, c *Call, _ *struct{}) (*Tagged[Security], error) {
	p, err := s.dir.PlatformSecurity(ctx)
	if err != nil {
		return nil, err
	}
	return newSecurity(c, p), nil
}

// platformSecurityIn asks for another policy of the platform.
type platformSecurityIn struct {
	Matching
	Body directory.SecurityPolicy
}

func (s *Server) setPlatformSecurity(ctx context.Context, c *Call, in *platformSecurityIn) (*Tagged[Security], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	p, err := s.dir.SetPlatformSecurity(ctx, c.Actor(), in.Body, version)
	if err != nil {
		return nil, err
	}
	return newSecurity(c, p), nil
}
