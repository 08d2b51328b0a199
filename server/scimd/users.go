package scimd

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

// userView makes resources of accounts.
type userView struct {
	groups   map[mail.ObjectID]string // names
	external map[mail.ObjectID]string
}

// view reads what accounts are shown with.
func (r *request) view(ctx context.Context, accounts ...directory.Account) (*userView, error) {
	v := &userView{groups: map[mail.ObjectID]string{}}
	ids := make([]mail.ObjectID, len(accounts))
	named := false
	for i := range accounts {
		ids[i] = mail.ObjectID(accounts[i].ID)
		named = named || len(accounts[i].Groups) > 0
	}
	if named {
		all, err := r.company.Groups(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range all {
			v.groups[g.ID] = g.Name
		}
	}
	var err error
	v.external, err = r.company.Externals(ctx, ids...)
	return v, err
}

// userTag is the version of an account.
func userTag(a *directory.Account) string { return `W/"` + strconv.FormatUint(a.Version, 10) + `"` }

// user is an account as a resource.
func (v *userView) user(a *directory.Account) object {
	p := &a.Profile
	at := Prefix + "/Users/" + a.ID.String()
	o := object{
		"schemas": []any{userSchema, enterpriseSchema, ownSchema}, "id": a.ID.String(), "userName": a.Address.String(),
		"active": a.State == directory.AccountActive, "preferredLanguage": a.Lang,
		"name":    object{"formatted": p.Name(), "familyName": p.LastName, "givenName": p.FirstName},
		"meta":    object{"resourceType": "User", "created": a.ID.Time().UTC().Format("2006-01-02T15:04:05.000Z"), "location": at, "version": userTag(a)},
		ownSchema: object{"galVisible": !a.Hidden},
	}
	emails := []any{object{"value": a.Address.String(), "type": "work", "primary": true}}
	for _, alias := range a.Aliases {
		emails = append(emails, object{"value": alias.String(), "type": "other", "primary": false})
	}
	o["emails"] = emails
	own, enterprise := o[ownSchema].(object), object{}
	for _, part := range []struct {
		in         object
		name, text string
	}{
		{o, "displayName", p.DisplayName}, {o, "title", p.Title}, {o, "externalId", v.external[mail.ObjectID(a.ID)]},
		{enterprise, "department", p.Department}, {enterprise, "organization", p.Company},
		{own, "lastKana", p.LastKana}, {own, "firstKana", p.FirstKana},
	} {
		if part.text != "" {
			part.in[part.name] = part.text
		}
	}
	if len(enterprise) > 0 {
		o[enterpriseSchema] = enterprise
	}
	var phones, groups []any
	for _, phone := range []struct{ kind, number string }{{"work", p.Phone}, {"mobile", p.Mobile}} {
		if phone.number != "" {
			phones = append(phones, object{"value": phone.number, "type": phone.kind})
		}
	}
	for _, id := range a.Groups {
		groups = append(groups, object{"value": id.String(), "display": v.groups[id], "$ref": Prefix + "/Groups/" + id.String()})
	}
	if phones != nil {
		o["phoneNumbers"] = phones
	}
	if groups != nil {
		o["groups"] = groups
	}
	return o
}

// wish is what a resource wants an account to be.
type wish struct {
	address  mail.Address
	line     directory.AccountLine
	external string
	password string // "" = as it was
}

// userWish reads a resource. What it lacks is empty. Invalid "scim.user_name", "scim.value".
func userWish(o object) (w wish, err error) {
	const op = "scimd.userWish"
	name, _ := field(o, "userName").(string)
	if w.address, err = mail.ParseAddress(strings.TrimSpace(name)); err != nil {
		return w, mail.E(op, mail.Invalid, "scim.user_name", name)
	}
	w.address.Local = strings.ToLower(w.address.Local)
	own, enterprise, full := part(o, ownSchema), part(o, enterpriseSchema), part(o, "name")
	c := &w.line.Change
	p := &c.Profile
	c.Hidden = new(bool)
	for _, text := range []struct {
		in   object
		name string
		to   **string
	}{
		{o, "displayName", &p.DisplayName}, {o, "title", &p.Title}, {full, "familyName", &p.LastName}, {full, "givenName", &p.FirstName},
		{enterprise, "department", &p.Department}, {enterprise, "organization", &p.Company}, {own, "lastKana", &p.LastKana}, {own, "firstKana", &p.FirstKana},
	} {
		v, ok := field(text.in, text.name).(string)
		if !ok && field(text.in, text.name) != nil {
			return w, mail.E(op, mail.Invalid, "scim.value", text.name)
		}
		*text.to = &v
	}
	p.Phone, p.Mobile = phone(o, "work"), phone(o, "mobile")
	if visible, ok := truth(field(own, "galVisible")); ok {
		*c.Hidden = !visible
	}
	state := directory.AccountActive
	if active, ok := truth(field(o, "active")); ok && !active {
		state = directory.AccountSuspended
	}
	w.line.State = &state
	if tag, _ := field(o, "preferredLanguage").(string); tag != "" {
		if lang, ok := i18n.ParseLang(tag); ok {
			c.Lang = (*string)(&lang)
		}
	}
	w.external, _ = field(o, "externalId").(string)
	w.password, _ = field(o, "password").(string)
	return w, nil
}

// part is a complex value, empty where there is none.
func part(o object, name string) object {
	inner, _ := field(o, name).(object)
	return inner
}

// truth reads a boolean, which Entra ID sends as text too.
func truth(v any) (yes, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return strings.EqualFold(v, "true"), strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	}
	return false, false
}

// phone is the number of a type.
func phone(o object, kind string) *string {
	number := ""
	for _, v := range each(field(o, "phoneNumbers")) {
		inner, _ := v.(object)
		if t, _ := field(inner, "type").(string); strings.EqualFold(t, kind) {
			number, _ = field(inner, "value").(string)
		}
	}
	return &number
}

// account reads the account of the path, if the caller may see it. NotFound "account.unknown".
func (r *request) account(ctx context.Context) (a directory.Account, err error) {
	const op = "scimd.account"
	unknown := mail.E(op, mail.NotFound, "account.unknown", r.PathValue("id"))
	var id mail.AccountID
	if id.UnmarshalText([]byte(r.PathValue("id"))) != nil || id.IsZero() {
		return a, unknown
	}
	return r.seen(ctx, id, unknown)
}

// seen reads an account that is in service, if the caller may see it.
func (r *request) seen(ctx context.Context, id mail.AccountID, unknown error) (directory.Account, error) {
	a, err := r.company.Account(ctx, id)
	if mail.Is(err, mail.NotFound) || err == nil && (a.State == directory.AccountDeleted || !r.sees.Reaches(directory.Place{Domain: a.Domain, Groups: a.Groups})) {
		err = unknown
	}
	return a, err
}

// userReply answers with an account.
func (r *request) userReply(ctx context.Context, status int, a directory.Account) (*reply, error) {
	v, err := r.view(ctx, a)
	if err != nil {
		return nil, err
	}
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	out := &reply{status: status, body: q.cut(v.user(&a)), tag: userTag(&a)}
	if status == http.StatusCreated {
		out.location = Prefix + "/Users/" + a.ID.String()
	}
	return out, nil
}

func (s *Server) getUser(ctx context.Context, r *request) (*reply, error) {
	a, err := r.account(ctx)
	if err != nil {
		return nil, err
	}
	return r.userReply(ctx, http.StatusOK, a)
}

func (s *Server) createUser(ctx context.Context, r *request) (*reply, error) {
	var o object
	if err := r.read(&o); err != nil {
		return nil, err
	}
	w, err := userWish(o)
	if err != nil {
		return nil, err
	}
	by := r.caller.Actor()
	if w.password != "" {
		if w.line.Password, err = r.company.PreparePassword(ctx, by, w.address, w.password); err != nil {
			return nil, err
		}
	}
	w.line.Address = w.address
	a, err := r.company.AddKnown(ctx, by, &w.line, w.external)
	if err != nil {
		return nil, err
	}
	return r.userReply(ctx, http.StatusCreated, a)
}

func (s *Server) replaceUser(ctx context.Context, r *request) (*reply, error) {
	var o object
	if err := r.read(&o); err != nil {
		return nil, err
	}
	return r.changeUser(ctx, func(object) (object, error) { return o, nil })
}

func (s *Server) patchUser(ctx context.Context, r *request) (*reply, error) {
	ops, err := r.patchOps()
	if err != nil {
		return nil, err
	}
	return r.changeUser(ctx, func(was object) (object, error) { return was, patch(was, ops) })
}

// patchOps reads the body of a PATCH. Invalid "scim.syntax".
func (r *request) patchOps() ([]patchOp, error) {
	var body struct {
		Schemas    []string
		Operations []patchOp
	}
	if err := r.read(&body); err != nil {
		return nil, err
	}
	if len(body.Schemas) != 1 || !strings.EqualFold(body.Schemas[0], patchMessage) {
		return nil, mail.E("scimd.patchOps", mail.Invalid, "scim.syntax")
	}
	return body.Operations, nil
}

// changeUser has an account become what a resource wants.
func (r *request) changeUser(ctx context.Context, change func(object) (object, error)) (*reply, error) {
	a, err := r.account(ctx)
	if err == nil {
		err = r.meant(userTag(&a))
	}
	if err != nil {
		return nil, err
	}
	v, err := r.view(ctx, a)
	if err != nil {
		return nil, err
	}
	o, err := change(v.user(&a))
	if err != nil {
		return nil, err
	}
	w, err := userWish(o)
	if err != nil {
		return nil, err
	}
	by := r.caller.Actor()
	if w.password != "" {
		if w.line.Password, err = r.company.PreparePassword(ctx, by, a.Address, w.password); err != nil {
			return nil, err
		}
	}
	w.line.Address = w.address
	if a, err = r.company.SetKnown(ctx, by, &a, &w.line, w.external); err != nil {
		return nil, err
	}
	return r.userReply(ctx, http.StatusOK, a)
}

func (s *Server) deleteUser(ctx context.Context, r *request) (*reply, error) {
	a, err := r.account(ctx)
	if err == nil {
		err = r.meant(userTag(&a))
	}
	if err == nil {
		err = r.company.DeleteAccount(ctx, r.caller.Actor(), a.ID)
	}
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusNoContent}, nil
}

// accountsAtOnce is how many accounts a list reads at once.
const accountsAtOnce = 1000

func (s *Server) listUsers(ctx context.Context, r *request) (*reply, error) {
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	p := &page{query: q}
	accounts, keyed, err := r.keyed(ctx, q.filter)
	if err != nil {
		return nil, err
	}
	if keyed {
		err = r.offer(ctx, p, accounts)
		return p.reply(), err
	}
	for at := (directory.AccountPage{Limit: accountsAtOnce}); ; {
		accounts, err := r.company.Accounts(ctx, at)
		if err != nil {
			return nil, err
		}
		if err := r.offer(ctx, p, accounts); err != nil {
			return nil, err
		}
		if len(accounts) < accountsAtOnce {
			return p.reply(), nil
		}
		at.After = accounts[len(accounts)-1].ID
	}
}

// offer offers accounts to a page. Without a filter those that are not on it are only counted.
func (r *request) offer(ctx context.Context, p *page, accounts []directory.Account) error {
	seen := accounts[:0:0]
	for _, a := range accounts {
		switch {
		case !r.sees.Reaches(directory.Place{Domain: a.Domain, Groups: a.Groups}):
		case p.filter == nil && (p.total+1 < p.start || len(p.found)+len(seen) >= p.count):
			p.total++
		default:
			seen = append(seen, a)
			if p.filter == nil {
				p.total++
			}
		}
	}
	v, err := r.view(ctx, seen...)
	if err != nil {
		return err
	}
	for i := range seen {
		if o := v.user(&seen[i]); p.filter == nil {
			p.found = append(p.found, p.cut(o))
		} else {
			p.offer(o)
		}
	}
	return nil
}

// keyed gives the accounts that a filter by userName, externalId or id can mean.
func (r *request) keyed(ctx context.Context, f filter) (list []directory.Account, ok bool, err error) {
	var ids []mail.AccountID
	if text, is := key(f, "username"); is {
		address, err := mail.ParseAddress(text)
		if err != nil {
			return nil, true, nil // nobody has such a name
		}
		a, err := r.company.Find(ctx, address)
		if err == nil && a.State != directory.AccountDeleted {
			list = append(list, a)
		}
		if mail.Is(err, mail.NotFound) {
			err = nil
		}
		return list, true, err
	} else if text, is := key(f, "externalid"); is {
		of, err := r.company.ByExternal(ctx, text)
		if err != nil {
			return nil, true, err
		}
		for _, id := range of {
			ids = append(ids, mail.AccountID(id))
		}
	} else if text, is := key(f, "id"); is {
		var id mail.AccountID
		if id.UnmarshalText([]byte(text)) == nil && !id.IsZero() {
			ids = append(ids, id)
		}
	} else {
		return nil, false, nil
	}
	for _, id := range ids {
		a, err := r.seen(ctx, id, mail.E("scimd.keyed", mail.NotFound, "account.unknown", id.String()))
		if err == nil {
			list = append(list, a)
		} else if !mail.Is(err, mail.NotFound) {
			return nil, true, err
		}
	}
	return list, true, nil
}
