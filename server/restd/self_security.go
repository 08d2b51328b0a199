package restd

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

// Factors are somebody's second factors, without a secret.
type Factors struct {
	App             *time.Time       `json:"appSince,omitempty" doc:"When an authenticator app was set up; absent: there is none"`
	Passkeys        []Passkey        `json:"passkeys"`
	Recovery        int              `json:"recoveryCodesLeft"`
	Trusted         []TrustedBrowser `json:"trustedBrowsers"`
	Needed          bool             `json:"needed" doc:"The company asks for a second factor"`
	Grace           *time.Time       `json:"graceUntil,omitempty" doc:"Until when setting one up may be put off"`
	PasskeysOffered bool             `json:"passkeysOffered"`
}

// Passkey is a passkey.
type Passkey struct {
	ID      mail.ObjectID `json:"id"`
	Name    string        `json:"name"`
	Created time.Time     `json:"created"`
	Used    *time.Time    `json:"used,omitempty"`
}

// TrustedBrowser is a browser that need not show a second factor.
type TrustedBrowser struct {
	ID    mail.ObjectID `json:"id"`
	Agent string        `json:"agent"`
	Since time.Time     `json:"since"`
	Until time.Time     `json:"until"`
}

func newFactors(f directory.Factors) Factors {
	v := Factors{App: timeOrNil(f.App), Passkeys: []Passkey{}, Recovery: f.Recovery, Trusted: []TrustedBrowser{}, Needed: f.Needed, Grace: timeOrNil(f.Grace), PasskeysOffered: f.PasskeysOffered}
	for _, k := range f.Passkeys {
		v.Passkeys = append(v.Passkeys, Passkey{k.ID, k.Name, k.Created.UTC(), timeOrNil(k.Used)})
	}
	for _, t := range f.Trusted {
		v.Trusted = append(v.Trusted, TrustedBrowser{t.ID, t.Agent, t.Since.UTC(), t.Until.UTC()})
	}
	return v
}

// AppPassword is a password for one program, without the password.
type AppPassword struct {
	ID      mail.ObjectID     `json:"id"`
	Name    string            `json:"name"`
	Scopes  []directory.Scope `json:"scopes" doc:"What it opens; none: all mail software"`
	Created time.Time         `json:"created"`
	Used    *time.Time        `json:"used,omitempty" doc:"To the hour"`
}

func newApp(a directory.AppPassword) AppPassword {
	return AppPassword{a.ID, a.Name, orNone(a.Scopes), a.Created.UTC(), timeOrNil(a.Used)}
}

func appPasswordList(all []directory.AppPassword) *List[AppPassword] {
	items := make([]AppPassword, len(all))
	for i, a := range all {
		items[i] = newApp(a)
	}
	return listed(items, "")
}

// NewAppPassword is an app password as it is shown once.
type NewAppPassword struct {
	AppPassword
	Password string `json:"password" doc:"Shown this once and stored nowhere"`
}

// Codes are recovery codes, shown once.
type Codes struct {
	Codes []string `json:"recoveryCodes" doc:"Shown this once; none where there were some before"`
}

// addSelfSecurity adds what everybody does about the own sign-in. Keys have nothing of their own and are refused below; operators are holders like
// accounts, so the right is any.
func (s *Server) addSelfSecurity() {
	const tag = "self"
	right := directory.RightAny
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	add(s, operation{ID: "confirmSelf", Method: post, Path: "/self/confirm", Right: right, Tag: tag, Summary: "Show the password again, for 15 minutes of changes to one's own sign-in and of those that a browser left open must not make."}, s.confirmSelf)
	add(s, operation{ID: "beginConfirm", Method: post, Path: "/self/confirm/passkey/begin", Right: right, Tag: tag, Unkept: true, Summary: "Begin to show a passkey instead of the password."}, s.beginConfirm)
	add(s, operation{ID: "confirmByPasskey", Method: post, Path: "/self/confirm/passkey", Right: right, Tag: tag, Summary: "Show a passkey, for 15 minutes of changes to one's own sign-in and of those that a browser left open must not make."}, s.confirmByPasskey)
	add(s, operation{ID: "changeOwnPassword", Method: post, Path: "/self/password", Right: right, Tag: tag, Summary: "Change the own password; all other sessions end."}, s.changeOwnPassword)
	add(s, operation{ID: "listOwnSessions", Method: get, Path: "/self/sessions", Right: right, Tag: tag, Summary: "List where one is signed in."}, s.listOwnSessions)
	add(s, operation{ID: "endOwnSession", Method: del, Path: "/self/sessions/{session}", Right: right, Tag: tag, Summary: "End an own session."}, s.endOwnSession)
	add(s, operation{ID: "endOtherSessions", Method: del, Path: "/self/sessions", Right: right, Tag: tag, Summary: "End all own sessions but this one, and forget trusted browsers."}, s.endOtherSessions)
	add(s, operation{ID: "listOwnSignIns", Method: get, Path: "/self/sign-ins", Right: right, Tag: tag, Summary: "List when and from where one signed in, and somebody failed to."}, s.listOwnSignIns)
	add(s, operation{ID: "getOwnFactors", Method: get, Path: "/self/factors", Right: right, Tag: tag, Summary: "Tell what second factors one has."}, s.getOwnFactors)
	add(s, operation{ID: "beginOwnApp", Method: post, Path: "/self/factors/app/begin", Right: right, Tag: tag, Summary: "Begin to set up an authenticator app."}, s.beginOwnApp)
	add(s, operation{ID: "addOwnApp", Method: post, Path: "/self/factors/app", Right: right, Tag: tag, Summary: "Set up the authenticator app that shows a code."}, s.addOwnApp)
	add(s, operation{ID: "removeOwnApp", Method: del, Path: "/self/factors/app", Right: right, Tag: tag, Summary: "Take the own authenticator app away."}, s.removeOwnApp)
	add(s, operation{ID: "makeRecoveryCodes", Method: post, Path: "/self/factors/recovery", Right: right, Tag: tag, Summary: "Make new recovery codes; those before are worth nothing any more."}, s.makeRecoveryCodes)
	add(s, operation{ID: "beginPasskey", Method: post, Path: "/self/factors/passkeys/begin", Right: right, Tag: tag, Summary: "Begin to set up a passkey."}, s.beginPasskey)
	add(s, operation{ID: "addPasskey", Method: post, Path: "/self/factors/passkeys", Right: right, Tag: tag, Summary: "Set up a passkey with what the browser answered."}, s.addPasskey)
	add(s, operation{ID: "removePasskey", Method: del, Path: "/self/factors/passkeys/{passkey}", Right: right, Tag: tag, Summary: "Take an own passkey away."}, s.removePasskey)
	add(s, operation{ID: "forgetBrowser", Method: del, Path: "/self/trusted/{browser}", Right: right, Tag: tag, Summary: "Trust a browser no more."}, s.forgetBrowser)
	add(s, operation{ID: "listOwnAppPasswords", Method: get, Path: "/self/app-passwords", Right: directory.RightSelf, Tag: tag, Summary: "List the own app passwords."}, s.listOwnAppPasswords)
	add(s, operation{ID: "createOwnAppPassword", Method: post, Path: "/self/app-passwords", Right: directory.RightSelf, Tag: tag, Status: http.StatusCreated, Summary: "Make an app password for mail software; it is shown this once."}, s.createOwnAppPassword)
	add(s, operation{ID: "revokeOwnAppPassword", Method: del, Path: "/self/app-passwords/{app}", Right: directory.RightSelf, Tag: tag, Summary: "Take an own app password back."}, s.revokeOwnAppPassword)
}

// langFor is the language of a call for the catalogue.
func langFor(c *Call) i18n.Lang { return i18n.Lang(c.Lang) }

// offset opens a cursor that is a place in a list made anew for each request. Invalid "cursor.malformed".
func (p Paging) offset(list string, most int) (int, error) {
	at, err := p.after(list)
	if err != nil || at == nil {
		return 0, err
	}
	n, err := strconv.Atoi(at[0])
	if err != nil || n < 0 {
		return 0, mail.E("restd.offset", mail.Invalid, "cursor.malformed")
	}
	return min(n, most), nil
}

func offsetCursor(list string, at int) string { return cursorAt(list, strconv.Itoa(at)) }

// secretIn is a password or a code.
type secretIn struct {
	Body struct {
		Password string `json:"password" maxLength:"1024" doc:"The password there is"`
	}
}

func (s *Server) confirmSelf(ctx context.Context, c *Call, in *secretIn) (*struct{}, error) {
	return nil, s.dir.Confirm(ctx, c.Caller, in.Body.Password)
}

func (s *Server) beginConfirm(ctx context.Context, c *Call, _ *struct{}) (*struct{ Body Ceremony }, error) {
	asked, err := s.dir.AskToConfirm(ctx, c.Caller, c.answer.request.Host)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Ceremony }{Ceremony{asked.Options, asked.Token}}, nil
}

func (s *Server) confirmByPasskey(ctx context.Context, c *Call, in *struct {
	Body struct {
		Ceremony   string          `json:"ceremony" maxLength:"4096"`
		Credential json.RawMessage `json:"credential" doc:"What the browser answered, as PublicKeyCredential.toJSON gives it"`
	}
}) (*struct{}, error) {
	return nil, s.dir.ConfirmByPasskey(ctx, c.Caller, in.Body.Ceremony, in.Body.Credential)
}

func (s *Server) changeOwnPassword(ctx context.Context, c *Call, in *struct {
	Body struct {
		Old string `json:"old" maxLength:"1024" doc:"The password there is"`
		New string `json:"new" maxLength:"256"`
	}
}) (*struct{}, error) {
	return nil, s.dir.ChangeOwnPassword(ctx, c.Caller, in.Body.Old, in.Body.New)
}

func (s *Server) listOwnSessions(ctx context.Context, c *Call, _ *struct{}) (*List[Session], error) {
	web, err := s.dir.OwnSessions(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return s.sessionList(web, c.Tenant(), c.Caller.Actor().Account()), nil
}

func (s *Server) endOwnSession(ctx context.Context, c *Call, in *struct {
	Session string `path:"session" maxLength:"64" doc:"The session's id"`
}) (*struct{}, error) {
	var id mail.ObjectID
	if id.UnmarshalText([]byte(in.Session)) == nil && !id.IsZero() {
		err := s.dir.EndOwnSession(ctx, c.Caller, id)
		if !mail.Is(err, mail.NotFound) {
			return nil, err
		}
	}
	if c.Identity() == nil {
		return nil, mail.E("restd.endOwnSession", mail.NotFound, "session.unknown", in.Session)
	}
	return nil, s.endMail(c.Tenant(), c.Identity().Account().ID, in.Session)
}

func (s *Server) endOtherSessions(ctx context.Context, c *Call, _ *struct{}) (*struct{}, error) {
	if err := s.dir.EndOtherSessions(ctx, c.Caller); err != nil {
		return nil, err
	}
	if c.Identity() != nil {
		for _, m := range s.config.Sessions.Of(c.Tenant(), c.Identity().Account().ID) {
			s.config.Sessions.End(m.ID)
		}
	}
	return nil, nil
}

func (s *Server) listOwnSignIns(ctx context.Context, c *Call, in *Paging) (*List[SignIn], error) {
	all, err := s.dir.OwnSignIns(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return s.signInList(c, all, *in)
}

func (s *Server) getOwnFactors(ctx context.Context, c *Call, _ *struct{}) (*struct{ Body Factors }, error) {
	f, err := s.dir.OwnFactors(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Factors }{newFactors(f)}, nil
}

// Enrolment sets up an authenticator app.
type Enrolment struct {
	Secret string `json:"secret" doc:"In base32, to be typed"`
	URI    string `json:"uri" doc:"otpauth://, as a QR code holds it"`
	QR     string `json:"qr" doc:"The QR code as a data: URL of an SVG"`
}

func (s *Server) beginOwnApp(ctx context.Context, c *Call, _ *struct{}) (*struct{ Body Enrolment }, error) {
	e, err := s.dir.BeginOwnApp(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Enrolment }{Enrolment{e.Secret, e.URI, e.QR()}}, nil
}

func (s *Server) addOwnApp(ctx context.Context, c *Call, in *struct {
	Body struct {
		Code string `json:"code" maxLength:"20" doc:"What the app shows"`
	}
}) (*struct{ Body Codes }, error) {
	codes, err := s.dir.AddOwnApp(ctx, c.Caller, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Codes }{Codes{orNone(codes)}}, nil
}

func (s *Server) removeOwnApp(ctx context.Context, c *Call, _ *struct{}) (*struct{}, error) {
	return nil, s.dir.RemoveOwnApp(ctx, c.Caller)
}

func (s *Server) makeRecoveryCodes(ctx context.Context, c *Call, _ *struct{}) (*struct{ Body Codes }, error) {
	codes, err := s.dir.NewRecoveryCodes(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Codes }{Codes{codes}}, nil
}

// Ceremony waits for the browser's answer.
type Ceremony struct {
	Options  json.RawMessage `json:"options" doc:"For navigator.credentials.create or get, octets as base64url"`
	Ceremony string          `json:"ceremony" doc:"To be given back with the answer"`
}

func (s *Server) beginPasskey(ctx context.Context, c *Call, _ *struct{}) (*struct{ Body Ceremony }, error) {
	made, err := s.dir.RegisterPasskey(ctx, c.Caller, c.answer.request.Host)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Ceremony }{Ceremony{made.Options, made.Token}}, nil
}

func (s *Server) addPasskey(ctx context.Context, c *Call, in *struct {
	Body struct {
		Name       string          `json:"name" minLength:"1" maxLength:"100" doc:"For its owner, to know it by"`
		Ceremony   string          `json:"ceremony" maxLength:"4096"`
		Credential json.RawMessage `json:"credential" doc:"What the browser answered, as PublicKeyCredential.toJSON gives it"`
	}
}) (*struct{ Body Codes }, error) {
	codes, err := s.dir.AddPasskey(ctx, c.Caller, in.Body.Name, in.Body.Ceremony, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Codes }{Codes{orNone(codes)}}, nil
}

func (s *Server) removePasskey(ctx context.Context, c *Call, in *struct {
	Passkey Ref[mail.ObjectID] `path:"passkey" doc:"The passkey's id"`
}) (*struct{}, error) {
	return nil, s.dir.RemovePasskey(ctx, c.Caller, in.Passkey.ID)
}

func (s *Server) forgetBrowser(ctx context.Context, c *Call, in *struct {
	Browser Ref[mail.ObjectID] `path:"browser" doc:"The trusted browser's id"`
}) (*struct{}, error) {
	return nil, s.dir.ForgetBrowser(ctx, c.Caller, in.Browser.ID)
}

// ownAccount is the caller's company and account, for those who have one.
func (s *Server) ownAccount(c *Call) (*directory.Company, mail.AccountID) {
	return s.dir.Company(c.Tenant()), c.Identity().Account().ID
}

func (s *Server) listOwnAppPasswords(ctx context.Context, c *Call, _ *struct{}) (*List[AppPassword], error) {
	company, id := s.ownAccount(c)
	all, err := company.AppPasswords(ctx, id)
	if err != nil {
		return nil, err
	}
	return appPasswordList(all), nil
}

func (s *Server) createOwnAppPassword(ctx context.Context, c *Call, in *struct {
	Body struct {
		Name   string            `json:"name" minLength:"1" maxLength:"100" doc:"For its owner, to know it by"`
		Scopes []directory.Scope `json:"scopes,omitempty" maxItems:"6" enum:"imap,pop3,smtp,sieve,jmap,dav" doc:"What it opens; absent: all mail software"`
	}
}) (*struct{ Body NewAppPassword }, error) {
	made, password, err := s.dir.AddOwnAppPassword(ctx, c.Caller, directory.AppPasswordSpec{Name: in.Body.Name, Scopes: in.Body.Scopes})
	if err != nil {
		return nil, err
	}
	return &struct{ Body NewAppPassword }{NewAppPassword{newApp(made), password}}, nil
}

func (s *Server) revokeOwnAppPassword(ctx context.Context, c *Call, in *struct {
	App Ref[mail.ObjectID] `path:"app" doc:"The app password's id"`
}) (*struct{}, error) {
	company, id := s.ownAccount(c)
	return nil, company.RevokeAppPassword(ctx, c.Actor(), id, in.App.ID)
}
