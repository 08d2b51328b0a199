package restd

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Session is somebody signed in: a browser, or mail software.
type Session struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind" enum:"web,mail"`
	Protocol string     `json:"protocol" doc:"web, imaps, pop3s …"`
	Started  time.Time  `json:"started"`
	Used     time.Time  `json:"used" doc:"When it did something last, to some minutes"`
	Until    *time.Time `json:"until,omitempty" doc:"When it ends at the latest"`
	Remote   netip.Addr `json:"remote"`
	Agent    string     `json:"agent,omitempty" doc:"The name that the browser gives itself"`
	Method   string     `json:"method" doc:"By what it signed in: password, totp, passkey, recovery, trusted, or a mechanism of mail software"`
	TLS      string     `json:"tls,omitempty"`
	Current  bool       `json:"current" doc:"The one that asks"`
}

// SignIn is a line of the sign-in log.
type SignIn struct {
	First    time.Time  `json:"first"`
	Last     time.Time  `json:"last"`
	Count    int        `json:"count" doc:"So many times that day; repeats within an hour are counted late"`
	Protocol string     `json:"protocol"`
	Remote   netip.Addr `json:"remote"`
	Agent    string     `json:"agent,omitempty"`
	OK       bool       `json:"ok"`
	Method   string     `json:"method,omitempty" doc:"The last factor that was shown, in the pages"`
	Reason   string     `json:"reason,omitempty" doc:"Why it failed, as a key of the catalogue"`
	Text     string     `json:"text,omitempty" doc:"Why it failed, in words"`
}

// ofSession is the path of a session of an account.
type ofSession struct {
	OfAccount
	Session string `path:"session" maxLength:"64" doc:"The session's id"`
}

func (s *Server) addSessions() {
	const tag, one = "security", "/tenants/{tenant}/accounts/{account}"
	read, write := directory.RightAccountsRead, directory.RightPasswords
	add(s, operation{ID: "listAccountSessions", Method: http.MethodGet, Path: one + "/sessions", Right: read, Tag: tag, View: true, Summary: "List where an account is signed in: browsers and mail software."}, s.listAccountSessions)
	add(s, operation{ID: "endAccountSession", Method: http.MethodDelete, Path: one + "/sessions/{session}", Right: write, Tag: tag, Summary: "End a session of an account."}, s.endAccountSession)
	add(s, operation{ID: "endAccountSessions", Method: http.MethodDelete, Path: one + "/sessions", Right: write, Tag: tag, Summary: "End all sessions of an account."}, s.endAccountSessions)
	add(s, operation{ID: "listAccountSignIns", Method: http.MethodGet, Path: one + "/sign-ins", Right: read, Tag: tag, View: true, Summary: "List when and from where an account signed in, and failed to."}, s.listAccountSignIns)
	add(s, operation{ID: "getAccountFactors", Method: http.MethodGet, Path: one + "/factors", Right: read, Tag: tag, Summary: "Tell what second factors an account has; never a secret."}, s.getAccountFactors)
	add(s, operation{ID: "removeAccountFactors", Method: http.MethodDelete, Path: one + "/factors", Right: write, Tag: tag, Summary: "Take all second factors of an account away, whose owner has lost them."}, s.removeAccountFactors)
	add(s, operation{ID: "listAccountAppPasswords", Method: http.MethodGet, Path: one + "/app-passwords", Right: read, Tag: tag, Summary: "List the app passwords of an account."}, s.listAccountAppPasswords)
	add(s, operation{ID: "revokeAccountAppPassword", Method: http.MethodDelete, Path: one + "/app-passwords/{app}", Right: write, Tag: tag, Summary: "Take an app password of an account back."}, s.revokeAccountAppPassword)
	add(s, operation{ID: "removeOperatorFactors", Fresh: true, Method: http.MethodDelete, Path: "/operators/{operator}/factors", Right: directory.RightOrder, Tag: tag, Summary: "Take all second factors of an operator away, who has lost them."}, s.removeOperatorFactors)
}

// notOwn has who changes by administrators' means what he signs in with himself show first that it is him, as everybody must: a browser that
// was left open does not give an account away. Denied "auth.confirm_needed". Keys, and the machine itself, are nobody's own.
func (s *Server) notOwn(ctx context.Context, c *Call, id mail.AccountID) error {
	if c.Caller.Actor().Account() != id || id.IsZero() {
		return nil
	}
	return s.dir.Confirmed(ctx, c.Caller)
}

// sessionList joins browsers and mail software, the last used first.
func (s *Server) sessionList(web []directory.WebSession, tenant mail.TenantID, account mail.AccountID) *List[Session] {
	var all []Session
	for _, w := range web {
		all = append(all, Session{
			ID: w.ID.String(), Kind: "web", Protocol: "web", Started: w.Started.UTC(), Used: w.Used.UTC(), Until: timeOrNil(w.Until),
			Remote: w.Remote, Agent: w.Agent, Method: string(w.Method), Current: w.Current,
		})
	}
	if !tenant.IsZero() {
		for _, m := range s.config.Sessions.Of(tenant, account) {
			used := m.CommandAt
			if used.IsZero() {
				used = m.Since
			}
			all = append(all, Session{
				ID: m.ID, Kind: "mail", Protocol: m.Protocol, Started: m.Since.UTC(), Used: used.UTC(), Remote: m.Remote,
				Method: strings.ToLower(m.Mechanism), TLS: m.TLS,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b Session) int { return b.Used.Compare(a.Used) })
	out := listed(all, "")
	out.Body.Total = len(all)
	return out
}

func (s *Server) listAccountSessions(ctx context.Context, c *Call, in *OfAccount) (*List[Session], error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	web, err := c.Company.AccountSessions(ctx, in.Account.ID)
	if err != nil {
		return nil, err
	}
	return s.sessionList(web, c.TenantID, in.Account.ID), nil
}

func (s *Server) endAccountSession(ctx context.Context, c *Call, in *ofSession) (*struct{}, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	var id mail.ObjectID
	if id.UnmarshalText([]byte(in.Session)) == nil && !id.IsZero() {
		err := c.Company.EndAccountSession(ctx, c.Actor(), in.Account.ID, id)
		if !mail.Is(err, mail.NotFound) {
			return nil, err
		}
	}
	if err := c.Company.MayEndSessions(ctx, c.Actor(), in.Account.ID); err != nil {
		return nil, err
	}
	return nil, s.endMail(c.TenantID, in.Account.ID, in.Session)
}

// endMail ends a session of mail software, if it is the account's.
func (s *Server) endMail(tenant mail.TenantID, account mail.AccountID, id string) error {
	for _, m := range s.config.Sessions.Of(tenant, account) {
		if m.ID == id && s.config.Sessions.End(id) {
			return nil
		}
	}
	return mail.E("restd.endMail", mail.NotFound, "session.unknown", id)
}

func (s *Server) endAccountSessions(ctx context.Context, c *Call, in *OfAccount) (*struct{}, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	if err := c.Company.EndAccountSession(ctx, c.Actor(), in.Account.ID, 0); err != nil {
		return nil, err
	}
	for _, m := range s.config.Sessions.Of(c.TenantID, in.Account.ID) {
		s.config.Sessions.End(m.ID)
	}
	return nil, nil
}

// signInList puts lines of the sign-in log into words.
func (s *Server) signInList(c *Call, all []directory.SignInEvent, p Paging) (*List[SignIn], error) {
	from, err := p.offset("sign-ins", len(all))
	if err != nil {
		return nil, err
	}
	to := min(from+p.Limit, len(all))
	items := make([]SignIn, 0, to-from)
	for _, e := range all[from:to] {
		line := SignIn{e.First.UTC(), e.Last.UTC(), e.Count, e.Protocol, e.Remote, e.Agent, e.OK, string(e.Method), e.Reason, ""}
		if e.Reason != "" {
			line.Text = s.words.Text(langFor(c), e.Reason, e.Remote)
		}
		items = append(items, line)
	}
	next := ""
	if to < len(all) {
		next = offsetCursor("sign-ins", to)
	}
	out := listed(items, next)
	out.Body.Total = len(all)
	return out, nil
}

// signInsIn asks for a part of an account's sign-in log.
type signInsIn struct {
	OfAccount
	Paging
}

func (s *Server) listAccountSignIns(ctx context.Context, c *Call, in *signInsIn) (*List[SignIn], error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	all, err := c.Company.AccountSignIns(ctx, in.Account.ID)
	if err != nil {
		return nil, err
	}
	return s.signInList(c, all, in.Paging)
}

func (s *Server) getAccountFactors(ctx context.Context, c *Call, in *OfAccount) (*struct{ Body Factors }, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	f, err := c.Company.AccountFactors(ctx, in.Account.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Factors }{newFactors(f)}, nil
}

func (s *Server) removeAccountFactors(ctx context.Context, c *Call, in *OfAccount) (*struct{}, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	if err := s.notOwn(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	return nil, c.Company.RemoveFactors(ctx, c.Actor(), in.Account.ID)
}

func (s *Server) listAccountAppPasswords(ctx context.Context, c *Call, in *OfAccount) (*List[AppPassword], error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	all, err := c.Company.AppPasswords(ctx, in.Account.ID)
	if err != nil {
		return nil, err
	}
	return appPasswordList(all), nil
}

// ofAppPassword is the path of an app password of an account.
type ofAppPassword struct {
	OfAccount
	App Ref[mail.ObjectID] `path:"app" doc:"The app password's id"`
}

func (s *Server) revokeAccountAppPassword(ctx context.Context, c *Call, in *ofAppPassword) (*struct{}, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	return nil, c.Company.RevokeAppPassword(ctx, c.Actor(), in.Account.ID, in.App.ID)
}

func (s *Server) removeOperatorFactors(ctx context.Context, c *Call, in *struct {
	Operator Ref[mail.AccountID] `path:"operator" doc:"The operator's id"`
}) (*struct{}, error) {
	if err := s.notOwn(ctx, c, in.Operator.ID); err != nil {
		return nil, err
	}
	return nil, s.dir.RemoveOperatorFactors(ctx, c.Actor(), in.Operator.ID)
}
