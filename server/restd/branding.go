package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/directory/logo"
)

// LogoInfo is what there is to know about a company's logo beside the picture.
type LogoInfo struct {
	Width  int    `json:"width" doc:"Pixels; it is shown at half of that"`
	Height int    `json:"height"`
	Octets int    `json:"octets"`
	By     string `json:"by" doc:"Who set it"`
}

// Picture is a picture as the body of an answer.
type Picture struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Disposition  string `header:"Content-Disposition"`
	ETag         string `header:"ETag"`
	Body         []byte
}

func (s *Server) addBranding() {
	const path, tag = "/tenants/{tenant}/branding/logo", "branding"
	add(s, operation{ID: "getLogo", Method: http.MethodGet, Path: path, Right: directory.RightAny, Tag: tag, Summary: "The company's logo as PNG, shown after signing in (SV-10); 404 where the service's is shown."}, s.getLogo)
	add(s, operation{ID: "setLogo", Method: http.MethodPut, Path: path, Right: directory.RightPolicy, Tag: tag, MaxBody: 2 * logo.MaxOctets, Summary: "Set the logo: a PNG, JPEG or GIF file of up to 200 KB, which is drawn anew."}, s.setLogo)
	add(s, operation{ID: "removeLogo", Method: http.MethodDelete, Path: path, Right: directory.RightPolicy, Tag: tag, Summary: "Show the service's logo again."}, s.removeLogo)
}

func (s *Server) getLogo(ctx context.Context, c *Call, _ *struct {
	InTenant
	Version string `query:"v" maxLength:"40" doc:"Anything: another address for another logo, so that a browser asks anew"`
}) (*Picture, error) {
	l, err := c.Company.Logo(ctx)
	if err != nil {
		return nil, err
	}
	return &Picture{"image/png", "private, max-age=300", `inline; filename="logo.png"`, tagOf(l.Version), l.PNG}, nil
}

func (s *Server) setLogo(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
	RawBody []byte `contentType:"application/octet-stream"`
}) (*Tagged[LogoInfo], error) {
	version, err := in.version()
	if err == nil {
		err = c.Company.SetLogo(ctx, c.Actor(), version, in.RawBody)
	}
	if err != nil {
		return nil, err
	}
	l, err := c.Company.Logo(ctx)
	return tagged(l.Version, LogoInfo{l.Width, l.Height, len(l.PNG), l.By}), err
}

func (s *Server) removeLogo(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
}) (*struct{}, error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	return nil, c.Company.RemoveLogo(ctx, c.Actor(), version)
}
