package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Account is an account as the API shows it.
type Account struct {
	ID      mail.AccountID         `json:"id"`
	Address string                 `json:"address"`
	Aliases []string               `json:"aliases"`
	Name    string                 `json:"name" doc:"How the person is called: displayName, else the names there are"`
	Domain  mail.DomainID          `json:"domain"`
	State   directory.AccountState `json:"state" enum:"active,suspended,deleted"`
	Deleted *time.Time             `json:"deletedAt,omitempty" doc:"When it was deleted; it can be restored until destroyedAfter"`
	Destroy *time.Time             `json:"destroyedAfter,omitempty" doc:"When a deleted account is destroyed with all its mail"`
	directory.Profile
	GALVisible bool              `json:"galVisible" doc:"It stands in the address book of the domain"`
	Shared     bool              `json:"shared" doc:"A shared mailbox: nobody signs in to it"`
	Groups     []mail.ObjectID   `json:"groups"`
	Lang       string            `json:"lang" enum:"ja,en"`
	Grants     []directory.Grant `json:"grants" doc:"Its roles, with where they reach"`
	MustChange bool              `json:"mustChangePassword" doc:"Its password is an initial one"`
	LastSignIn *time.Time        `json:"lastSignIn,omitempty" doc:"To the day"`
	Created    time.Time         `json:"created"`
	Forward    *Forwarding       `json:"forward,omitempty" doc:"What administrators set"`
	Filters    bool              `json:"filters" doc:"It has an active filter"`
	Stopped    string            `json:"sendingStopped,omitempty" doc:"Why it may not send, as a key of the catalogue"`
	Size       int64             `json:"size" doc:"Octets its box may have: its domain's plan"`
	Used       int64             `json:"used" doc:"Octets in its box"`
	Messages   int64             `json:"messages" doc:"Messages in its box"`
}

// newAccount puts an account into the API's words.
func newAccount(a *directory.Account) Account {
	v := Account{
		ID: a.ID, Address: a.Address.String(), Aliases: addresses(a.Aliases), Name: a.Name, Domain: a.Domain, State: a.State,
		Profile: a.Profile, GALVisible: !a.Hidden, Shared: a.Shared, Groups: orNone(a.Groups), Lang: a.Lang, Grants: orNone(a.Grants),
		MustChange: a.MustChange, LastSignIn: timeOrNil(a.LastSignIn), Created: a.ID.Time().UTC(), Filters: a.Filter,
		Stopped: a.SendingStopped, Size: a.Quota, Forward: newForwarding(a.Forward),
	}
	if a.State == directory.AccountDeleted {
		end := a.Deleted.Add(directory.Grace)
		v.Deleted, v.Destroy = timeOrNil(a.Deleted), &end
	}
	return v
}

// addresses writes addresses.
func addresses(list []mail.Address) []string {
	text := make([]string, len(list))
	for i, a := range list {
		text[i] = a.String()
	}
	return text
}

// parseAddresses reads addresses. Invalid "address.malformed".
func parseAddresses(text []string) ([]mail.Address, error) {
	list := make([]mail.Address, len(text))
	for i, t := range text {
		var err error
		if list[i], err = mail.ParseAddress(t); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// orNone is a list that is never null.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// OfAccount is the path of an account.
type OfAccount struct {
	InTenant
	Account Ref[mail.AccountID] `path:"account" doc:"The account's id"`
}

func (s *Server) addAccounts() {
	const tag, path = "accounts", "/tenants/{tenant}/accounts"
	read, write := directory.RightAccountsRead, directory.RightAccounts
	one := path + "/{account}"
	add(s, operation{ID: "listAccounts", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List, search, filter and sort the accounts of a company."}, s.listAccounts)
	add(s, operation{ID: "createAccount", Method: http.MethodPost, Path: path, Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Make an account."}, s.createAccount)
	add(s, operation{ID: "getAccount", Method: http.MethodGet, Path: one, Right: read, Tag: tag, View: true, Summary: "Give an account."}, s.getAccount)
	add(s, operation{ID: "updateAccount", Method: http.MethodPatch, Path: one, Right: write, Tag: tag, Summary: "Change an account's address, profile, groups or language."}, s.updateAccount)
	add(s, operation{ID: "suspendAccount", Method: http.MethodPost, Path: one + "/suspend", Right: write, Tag: tag, Summary: "Keep an account from signing in; its mail still comes in."}, s.suspendAccount)
	add(s, operation{ID: "resumeAccount", Method: http.MethodPost, Path: one + "/resume", Right: write, Tag: tag, Summary: "Let a suspended account sign in again."}, s.resumeAccount)
	add(s, operation{ID: "deleteAccount", Method: http.MethodDelete, Path: one, Right: write, Tag: tag, Summary: "Delete an account; it can be restored for 30 days."}, s.deleteAccount)
	add(s, operation{ID: "restoreAccount", Method: http.MethodPost, Path: one + "/restore", Right: write, Tag: tag, Summary: "Restore a deleted account with all it had."}, s.restoreAccount)
	add(s, operation{ID: "destroyAccount", Method: http.MethodPost, Path: one + "/destroy", Right: directory.RightRoles, Tag: tag, Summary: "Destroy a deleted account with all its mail, at once and for good."}, s.destroyAccount)
	add(s, operation{ID: "resetPassword", Method: http.MethodPost, Path: one + "/password", Right: directory.RightPasswords, Tag: tag, Summary: "Give an account an initial password, which it must change when it signs in next."}, s.resetPassword)
	add(s, operation{ID: "stopSending", Method: http.MethodPost, Path: one + "/sending/stop", Right: directory.RightPolicy, Tag: tag, Summary: "Stop an account's sending, as after its password was stolen."}, s.stopSending)
	add(s, operation{ID: "resumeSending", Method: http.MethodPost, Path: one + "/sending/resume", Right: directory.RightPolicy, Tag: tag, Summary: "Let an account send again."}, s.resumeSending)
	add(s, operation{ID: "listDepartments", Method: http.MethodGet, Path: "/tenants/{tenant}/departments", Right: read, Tag: tag, Summary: "List the departments that accounts name, with how many do."}, s.listDepartments)
	add(s, operation{ID: "renameDepartment", Method: http.MethodPost, Path: "/tenants/{tenant}/departments/rename", Right: write, Tag: tag, Summary: "Write another name into all profiles that name a department."}, s.renameDepartment)
	s.addSeats(one)
}

// rosterIn is how accounts are asked for.
type rosterIn struct {
	InTenant
	Paging
	Text        string    `query:"text" maxLength:"512" doc:"Words that stand in the name, its reading, an address, the department or the title; kana of any width"`
	Domain      string    `query:"domain" maxLength:"255" doc:"A domain's name"`
	State       string    `query:"state" enum:"active,suspended,deleted" doc:"Absent: all but the deleted"`
	Group       string    `query:"group" maxLength:"13" doc:"A group's id"`
	Department  string    `query:"department" maxLength:"255"`
	Role        string    `query:"role" maxLength:"32"`
	Outside     bool      `query:"forwardsOutside" doc:"Only those whose mail is forwarded to somebody outside the company"`
	Shared      string    `query:"shared" enum:"true,false"`
	GALVisible  string    `query:"galVisible" enum:"true,false"`
	MustChange  string    `query:"mustChangePassword" enum:"true,false"`
	OverPercent int       `query:"overPercent" minimum:"0" maximum:"100" doc:"Only boxes fuller than so many percent"`
	IdleSince   time.Time `query:"idleSince" doc:"Only accounts nobody signed in to since"`
	Sort        string    `query:"sort" enum:"address,name,department,state,created,lastSignIn,used" default:"address"`
	Descending  bool      `query:"descending"`
}

func (s *Server) listAccounts(ctx context.Context, c *Call, in *rosterIn) (*List[Account], error) {
	q := directory.RosterQuery{
		Text: in.Text, State: directory.AccountState(in.State), Department: in.Department, Role: directory.Role(in.Role), Outside: in.Outside,
		Shared: answered(in.Shared, true), Hidden: answered(in.GALVisible, false), MustChange: answered(in.MustChange, true),
		OverPercent: in.OverPercent, IdleSince: in.IdleSince, Within: c.Reach(directory.RightAccountsRead),
		Sort: directory.RosterSort(in.Sort), Descending: in.Descending, Cursor: in.Cursor, Limit: in.Limit,
	}
	var err error
	if q.Domain, err = domainOf(ctx, c, in.Domain); err != nil {
		return nil, err
	}
	if err := q.Group.UnmarshalText([]byte(in.Group)); err != nil {
		return nil, err
	}
	page, err := c.Company.Roster(ctx, q)
	if err != nil {
		return nil, err
	}
	out := listed(make([]Account, len(page.Rows)), page.Next)
	out.Body.Total = page.Total
	for i := range page.Rows {
		row := &page.Rows[i]
		out.Body.Items[i] = newAccount(&row.Account)
		out.Body.Items[i].Used, out.Body.Items[i].Messages = row.Used, row.Messages
	}
	return out, nil
}

// answered is a yes or no that may be absent, compared with what yes means below.
func answered(text string, yes bool) *bool {
	if text == "" {
		return nil
	}
	is := (text == "true") == yes
	return &is
}

// domainOf finds a domain by its name; zero for none.
func domainOf(ctx context.Context, c *Call, name string) (mail.DomainID, error) {
	if name == "" {
		return 0, nil
	}
	canonical, ok := mail.ParseDomain(name)
	if !ok {
		return 0, mail.E("restd.domainOf", mail.Invalid, "domain.malformed", name)
	}
	return c.Company.DomainID(ctx, canonical)
}

// account reads an account that the caller may see; of others nobody learns that they exist. NotFound "account.unknown".
func account(ctx context.Context, c *Call, id mail.AccountID) (directory.Account, error) {
	a, err := c.Company.Account(ctx, id)
	if err == nil && !c.MayIn(directory.RightAccountsRead, directory.Place{Domain: a.Domain, Groups: a.Groups}) {
		err = mail.E("restd.account", mail.NotFound, "account.unknown", id.String())
	}
	return a, err
}

// answerAccount answers with an account as it is now.
func answerAccount(ctx context.Context, c *Call, id mail.AccountID) (*Tagged[Account], error) {
	a, err := account(ctx, c, id)
	if err != nil {
		return nil, err
	}
	v := newAccount(&a)
	v.Used, v.Messages, err = c.Company.Used(ctx, id)
	if err != nil {
		return nil, err
	}
	return tagged(a.Version, v), nil
}

func (s *Server) getAccount(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return answerAccount(ctx, c, in.Account.ID)
}

// newAccountIn asks for an account.
type newAccountIn struct {
	InTenant
	Body struct {
		Address string `json:"address" maxLength:"320" doc:"Its mail address, in a domain of the company"`
		directory.ProfileChange
		Aliases    []string        `json:"aliases,omitempty" maxItems:"100"`
		Groups     []mail.ObjectID `json:"groups,omitempty" maxItems:"50"`
		Lang       string          `json:"lang,omitempty" enum:"ja,en" doc:"Absent: the company's"`
		GALVisible *bool           `json:"galVisible,omitempty" doc:"Absent: it stands in the address book"`
		Shared     bool            `json:"shared,omitempty" doc:"A shared mailbox: no password"`
		Password   string          `json:"password,omitempty" maxLength:"256" doc:"An initial password"`
		Generate   bool            `json:"generatePassword,omitempty" doc:"Make an initial password; the answer has it, and nothing else ever"`
		MustChange *bool           `json:"mustChangePassword,omitempty" doc:"Absent: the initial password must be changed at the first sign-in"`
		Size       *int64          `json:"size,omitempty" doc:"Refused: the size of a box is its domain's plan"`
	}
}

// MadeAccount is a new account, with the password that was made for it.
type MadeAccount struct {
	Account
	InitialPassword string `json:"initialPassword,omitempty" doc:"Shown once; it is stored nowhere"`
}

func (s *Server) createAccount(ctx context.Context, c *Call, in *newAccountIn) (*Tagged[MadeAccount], error) {
	b := &in.Body
	if b.Size != nil {
		return nil, oneSize()
	}
	addr, err := mail.ParseAddress(b.Address)
	if err != nil {
		return nil, err
	}
	aliases, err := parseAddresses(b.Aliases)
	if err != nil {
		return nil, err
	}
	made := MadeAccount{}
	if b.Generate && b.Password == "" {
		made.InitialPassword = directory.NewInitialPassword()
		b.Password = made.InitialPassword
	}
	a, err := c.Company.AddAccount(ctx, c.Actor(), directory.AccountSpec{
		Address: addr, Password: b.Password, Lang: b.Lang, Profile: b.Profile(), Aliases: aliases, Groups: b.Groups,
		Hidden: b.GALVisible != nil && !*b.GALVisible, Shared: b.Shared, MustChange: b.MustChange == nil || *b.MustChange,
	})
	if err != nil {
		return nil, err
	}
	made.Account = newAccount(&a)
	return tagged(a.Version, made), nil
}

// oneSize says why no account has a size of its own (ML-2, SV-4).
func oneSize() error { return mail.E("restd.oneSize", mail.Denied, "account.size") }

// changeAccountIn says what becomes of an account. What is absent stays.
type changeAccountIn struct {
	OfAccount
	Matching
	Body struct {
		Address     *string `json:"address,omitempty" maxLength:"320" doc:"Its new address, in a domain of the company"`
		KeepAddress bool    `json:"keepAddress,omitempty" doc:"The old address becomes an alias"`
		directory.ProfileChange
		GALVisible *bool            `json:"galVisible,omitempty"`
		Groups     *[]mail.ObjectID `json:"groups,omitempty"`
		Lang       *string          `json:"lang,omitempty" enum:"ja,en"`
		Size       *int64           `json:"size,omitempty" doc:"Refused: the size of a box is its domain's plan"`
	}
}

func (s *Server) updateAccount(ctx context.Context, c *Call, in *changeAccountIn) (*Tagged[Account], error) {
	b := &in.Body
	if b.Size != nil {
		return nil, oneSize()
	}
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	ch := directory.AccountChange{Version: version, KeepAddress: b.KeepAddress, Profile: b.ProfileChange, Groups: b.Groups, Lang: b.Lang}
	if b.GALVisible != nil {
		hidden := !*b.GALVisible
		ch.Hidden = &hidden
	}
	if b.Address != nil {
		addr, err := mail.ParseAddress(*b.Address)
		if err != nil {
			return nil, err
		}
		ch.Address = &addr
	}
	return s.change(ctx, c, in.Account.ID, func() error {
		_, err := c.Company.ChangeAccount(ctx, c.Actor(), in.Account.ID, ch)
		return err
	})
}

// change changes an account that the caller may see, and answers with it as it is then.
func (s *Server) change(ctx context.Context, c *Call, id mail.AccountID, do func() error) (*Tagged[Account], error) {
	if _, err := account(ctx, c, id); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	return answerAccount(ctx, c, id)
}

func (s *Server) suspendAccount(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.change(ctx, c, in.Account.ID, func() error {
		return c.Company.SetAccountState(ctx, c.Actor(), in.Account.ID, directory.AccountSuspended)
	})
}

func (s *Server) resumeAccount(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.change(ctx, c, in.Account.ID, func() error {
		return c.Company.SetAccountState(ctx, c.Actor(), in.Account.ID, directory.AccountActive)
	})
}

func (s *Server) deleteAccount(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.change(ctx, c, in.Account.ID, func() error { return c.Company.DeleteAccount(ctx, c.Actor(), in.Account.ID) })
}

func (s *Server) restoreAccount(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.change(ctx, c, in.Account.ID, func() error { return c.Company.RestoreAccount(ctx, c.Actor(), in.Account.ID) })
}

// destroyIn asks for the end of an account.
type destroyIn struct {
	OfAccount
	Body struct {
		Confirm string `json:"confirm" maxLength:"320" doc:"The account's address, written down by who wants it destroyed"`
	}
}

func (s *Server) destroyAccount(ctx context.Context, c *Call, in *destroyIn) (*struct{}, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	confirm, err := mail.ParseAddress(in.Body.Confirm)
	if err != nil {
		return nil, err
	}
	return nil, c.Company.DestroyAccount(ctx, c.Actor(), in.Account.ID, confirm)
}

// passwordIn asks for an initial password.
type passwordIn struct {
	OfAccount
	Body struct {
		Password string `json:"password,omitempty" maxLength:"256" doc:"Absent: one is made"`
	}
}

// InitialPassword is a password to be given out.
type InitialPassword struct {
	Password string `json:"password" doc:"Shown once; it is stored nowhere"`
}

func (s *Server) resetPassword(ctx context.Context, c *Call, in *passwordIn) (*struct{ Body InitialPassword }, error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	if err := s.notOwn(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	word, err := c.Company.ResetPassword(ctx, c.Actor(), in.Account.ID, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return &struct{ Body InitialPassword }{InitialPassword{word}}, nil
}

func (s *Server) stopSending(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.change(ctx, c, in.Account.ID, func() error { return c.Company.StopSending(ctx, c.Actor(), in.Account.ID, "") })
}

func (s *Server) resumeSending(ctx context.Context, c *Call, in *OfAccount) (*Tagged[Account], error) {
	return s.change(ctx, c, in.Account.ID, func() error { return c.Company.ResumeSending(ctx, c.Actor(), in.Account.ID) })
}

// Department is a department that accounts name.
type Department struct {
	Name     string `json:"name"`
	Accounts int    `json:"accounts"`
}

func (s *Server) listDepartments(ctx context.Context, c *Call, _ *InTenant) (*List[Department], error) {
	all, err := c.Company.Departments(ctx, c.Reach(directory.RightAccountsRead))
	if err != nil {
		return nil, err
	}
	out := listed(make([]Department, len(all)), "")
	out.Body.Total = len(all)
	for i, d := range all {
		out.Body.Items[i] = Department(d)
	}
	return out, nil
}

// renameIn asks for another name of a department.
type renameIn struct {
	InTenant
	Body struct {
		From string `json:"from" minLength:"1" maxLength:"255"`
		To   string `json:"to" maxLength:"255" doc:"Empty: the profiles name no department any more"`
	}
}

// Renamed says how many profiles were changed.
type Renamed struct {
	Accounts int `json:"accounts"`
}

func (s *Server) renameDepartment(ctx context.Context, c *Call, in *renameIn) (*struct{ Body Renamed }, error) {
	n, err := c.Company.RenameDepartment(ctx, c.Actor(), in.Body.From, in.Body.To)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Renamed }{Renamed{n}}, nil
}
