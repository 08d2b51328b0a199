package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/directory/ldap"
	"tegami/jobs"
	"tegami/jobs/syncs"
	"tegami/mail"
)

// LDAPMap says from which attribute a part of an account comes.
type LDAPMap struct {
	Key         string `json:"key,omitempty" maxLength:"128" doc:"What never changes about an entry"`
	Address     string `json:"address,omitempty" maxLength:"128"`
	LastName    string `json:"lastName,omitempty" maxLength:"128"`
	FirstName   string `json:"firstName,omitempty" maxLength:"128"`
	LastKana    string `json:"lastKana,omitempty" maxLength:"128"`
	FirstKana   string `json:"firstKana,omitempty" maxLength:"128"`
	DisplayName string `json:"displayName,omitempty" maxLength:"128"`
	Company     string `json:"company,omitempty" maxLength:"128"`
	Department  string `json:"department,omitempty" maxLength:"128"`
	Title       string `json:"title,omitempty" maxLength:"128"`
	Phone       string `json:"phone,omitempty" maxLength:"128"`
	Mobile      string `json:"mobile,omitempty" maxLength:"128"`
	Disabled    string `json:"disabled,omitempty" maxLength:"128" doc:"TRUE, or with bit 2 set, for who may not sign in"`
}

// LDAPSpec is what is said about a directory of the company's own.
type LDAPSpec struct {
	Name    string  `json:"name" minLength:"1" maxLength:"255"`
	URL     string  `json:"url" maxLength:"1024" doc:"ldaps://host, or ldap://host, which is upgraded by STARTTLS"`
	CA      string  `json:"ca,omitempty" maxLength:"65536" doc:"PEM of the authority that signed its certificate; absent: those of the machine"`
	BindDN  string  `json:"bindDN,omitempty" maxLength:"1024" doc:"As whom to sign in; absent: nobody"`
	Base    string  `json:"base" maxLength:"1024" doc:"Below which entries are taken"`
	Filter  string  `json:"filter,omitempty" maxLength:"1024" doc:"Absent: that of the preset"`
	Preset  string  `json:"preset,omitempty" enum:"ad,inetOrgPerson" doc:"Which attributes are which"`
	Domain  string  `json:"domain,omitempty" maxLength:"255" doc:"Only addresses of this domain"`
	Map     LDAPMap `json:"map,omitzero" doc:"What differs from the preset; - for none"`
	Every   string  `json:"every,omitempty" enum:"hourly,daily" doc:"Absent: only by hand"`
	MaxGone int     `json:"maxGone,omitempty" minimum:"1" maximum:"100" doc:"Share of accounts in percent of which more may not vanish at once; absent: 10"`
}

// LDAPChange asks for a source.
type LDAPChange struct {
	LDAPSpec
	Password *string `json:"password,omitempty" maxLength:"1024" writeOnly:"true" doc:"Of bindDN; absent: as it was"`
}

// LDAPLast is how the last sync went.
type LDAPLast struct {
	Started time.Time   `json:"started"`
	Ended   time.Time   `json:"ended"`
	Linked  int         `json:"linked" doc:"Accounts that belong to entries"`
	Failure *JobFailure `json:"failure,omitempty"`
}

// LDAPSource is a directory of the company's own.
type LDAPSource struct {
	ID mail.ObjectID `json:"id"`
	LDAPSpec
	HasPassword bool      `json:"hasPassword"`
	Last        *LDAPLast `json:"last,omitempty"`
}

// OfSource is the path of a source.
type OfSource struct {
	InTenant
	Source Ref[mail.ObjectID] `path:"source" doc:"The source's id"`
}

// inLDAP is a source that is made.
type inLDAP struct {
	InTenant
	Body LDAPChange
}

// setLDAP is a source that is replaced.
type setLDAP struct {
	OfSource
	Matching
	Body LDAPChange
}

// LDAPTest is what a source would bring.
type LDAPTest struct {
	People int `json:"people" doc:"How many entries the filter finds"`
}

func (s *Server) addLDAP() {
	const tag, path, one = "ldap", "/tenants/{tenant}/ldap", "/tenants/{tenant}/ldap/{source}"
	read, write := directory.RightAccountsRead, directory.RightAccounts
	add(s, operation{ID: "listLDAPSources", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List the directories of its own that a company takes its people from."}, s.listLDAP)
	add(s, operation{ID: "createLDAPSource", Method: http.MethodPost, Path: path, Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Add a directory."}, s.createLDAP)
	add(s, operation{ID: "getLDAPSource", Method: http.MethodGet, Path: one, Right: read, Tag: tag, Summary: "Give a directory's settings."}, s.getLDAP)
	add(s, operation{ID: "replaceLDAPSource", Method: http.MethodPut, Path: one, Right: write, Tag: tag, Summary: "Replace a directory's settings."}, s.replaceLDAP)
	add(s, operation{ID: "deleteLDAPSource", Method: http.MethodDelete, Path: one, Right: write, Tag: tag, Summary: "Forget a directory; the accounts stay."}, s.deleteLDAP)
	add(s, operation{ID: "testLDAPSource", Method: http.MethodPost, Path: one + "/test", Right: write, Tag: tag, Status: http.StatusOK, Deadline: uploadTime,
		Summary: "Connect to a directory and count its people."}, s.testLDAP)
	add(s, operation{ID: "syncLDAPSource", Method: http.MethodPost, Path: one + "/sync", Right: write, Tag: tag, Status: http.StatusAccepted,
		Summary: "Bring the accounts into agreement with a directory, as a job."}, s.syncLDAP)
}

// wholly refuses who may do something in a part of the company only.
func (c *Call) wholly(right directory.Right) error {
	if !c.Whole(right) {
		return mail.E("restd.wholly", mail.Denied, "actor.denied")
	}
	return nil
}

// ldapSource is a source as it is shown.
func (s *Server) ldapSource(c *Call, l *ldap.Source) LDAPSource {
	out := LDAPSource{ID: l.ID, HasPassword: l.HasPassword, LDAPSpec: LDAPSpec{
		Name: l.Name, URL: l.URL, CA: l.CA, BindDN: l.BindDN, Base: l.Base, Filter: l.Filter, Preset: l.Preset, Domain: l.Domain,
		Map: LDAPMap(l.Map), Every: l.Every, MaxGone: l.MaxGone,
	}}
	if !l.Last.Ended.IsZero() {
		out.Last = &LDAPLast{Started: l.Last.Started, Ended: l.Last.Ended, Linked: l.Last.Linked}
		if l.Last.Failure != "" {
			line := jobs.Line{Key: l.Last.Failure, Args: l.Last.Args}
			out.Last.Failure = &JobFailure{line.Key, s.lineText(c, &line)}
		}
	}
	return out
}

// change is what is asked for.
func (b *LDAPChange) change(version uint64) ldap.Change {
	return ldap.Change{Version: version, Password: b.Password, Spec: ldap.Spec{
		Name: b.Name, URL: b.URL, CA: b.CA, BindDN: b.BindDN, Base: b.Base, Filter: b.Filter, Preset: b.Preset, Domain: b.Domain,
		Map: ldap.Map(b.Map), Every: b.Every, MaxGone: b.MaxGone,
	}}
}

func (s *Server) listLDAP(ctx context.Context, c *Call, _ *InTenant) (*List[LDAPSource], error) {
	if err := c.wholly(directory.RightAccountsRead); err != nil {
		return nil, err
	}
	all, err := s.config.LDAP.Sources(ctx, c.TenantID)
	out := listed(make([]LDAPSource, len(all)), "")
	out.Body.Total = len(all)
	for i := range all {
		out.Body.Items[i] = s.ldapSource(c, &all[i])
	}
	return out, err
}

func (s *Server) createLDAP(ctx context.Context, c *Call, in *inLDAP) (*Tagged[LDAPSource], error) {
	l, err := s.config.LDAP.Add(ctx, c.Caller, c.Actor(), c.TenantID, in.Body.change(0))
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, s.ldapSource(c, &l)), nil
}

func (s *Server) getLDAP(ctx context.Context, c *Call, in *OfSource) (*Tagged[LDAPSource], error) {
	if err := c.wholly(directory.RightAccountsRead); err != nil {
		return nil, err
	}
	l, err := s.config.LDAP.Source(ctx, c.TenantID, in.Source.ID)
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, s.ldapSource(c, &l)), nil
}

func (s *Server) replaceLDAP(ctx context.Context, c *Call, in *setLDAP) (*Tagged[LDAPSource], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	l, err := s.config.LDAP.Set(ctx, c.Caller, c.Actor(), c.TenantID, in.Source.ID, in.Body.change(version))
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, s.ldapSource(c, &l)), nil
}

func (s *Server) deleteLDAP(ctx context.Context, c *Call, in *OfSource) (*struct{}, error) {
	return nil, s.config.LDAP.Remove(ctx, c.Actor(), c.TenantID, in.Source.ID)
}

func (s *Server) testLDAP(ctx context.Context, c *Call, in *OfSource) (*struct{ Body LDAPTest }, error) {
	if err := c.wholly(directory.RightAccounts); err != nil {
		return nil, err
	}
	n, err := s.config.LDAP.Test(ctx, c.TenantID, in.Source.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body LDAPTest }{LDAPTest{n}}, nil
}

func (s *Server) syncLDAP(ctx context.Context, c *Call, in *struct {
	OfSource
	DryRun bool `query:"dryRun" doc:"Only tell what would be done"`
}) (*started, error) {
	l, err := s.config.LDAP.Source(ctx, c.TenantID, in.Source.ID)
	if err != nil {
		return nil, err
	}
	j, err := s.config.Jobs.Start(ctx, c.Caller, c.Actor(), c.TenantID, jobs.Order{
		Kind: syncs.Sync, Title: l.Name, Params: syncs.Params{Source: l.ID, DryRun: in.DryRun},
	})
	if err != nil {
		return nil, err
	}
	return &started{Prefix + "/tenants/" + c.TenantID.String() + "/jobs/" + j.ID.String(), s.job(c, &j)}, nil
}
