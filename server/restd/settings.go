package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
)

// MailSettings are what a company decides about its mail.
type MailSettings struct {
	directory.Settings
	Changed time.Time `json:"changed,omitzero" readOnly:"true" doc:"When it was changed last; absent: never"`
	By      string    `json:"by,omitempty" readOnly:"true" doc:"Who changed it"`
}

func (s *Server) addSettings() {
	const path, tag = "/tenants/{tenant}/settings", "settings"
	add(s, operation{ID: "getSettings", Method: http.MethodGet, Path: path, Right: directory.RightPolicyRead, Tag: tag, Summary: "Show what a company decided about its mail, and who changed it last."}, s.getSettings)
	add(s, operation{ID: "setSettings", Method: http.MethodPut, Path: path, Right: directory.RightPolicy, Tag: tag, Summary: "Replace what a company decided about its mail."}, s.setSettings)
}

func (s *Server) getSettings(ctx context.Context, c *Call, _ *InTenant) (*Tagged[MailSettings], error) {
	state, err := c.Company.SettingsState(ctx)
	if err != nil {
		return nil, err
	}
	return tagged(state.Version, MailSettings{state.Settings, state.Changed, state.By}), nil
}

func (s *Server) setSettings(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
	Body MailSettings
}) (*Tagged[MailSettings], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := c.Company.ReplaceSettings(ctx, c.Actor(), version, in.Body.Settings); err != nil {
		return nil, err
	}
	return s.getSettings(ctx, c, &in.InTenant)
}
