package bulk

import (
	"context"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/mime"
)

// Columns of the file of aliases.
const (
	alAction = iota
	alAlias
	alAddress
)

// aliasChange is a line of the file of aliases.
type aliasChange struct{ alias, address mail.Address }

// aliases imports and exports further addresses of accounts.
var aliases = &engine[aliasChange]{
	Kind: Kind{"aliases", directory.RightAccounts, directory.RightAccountsRead},
	table: Table{Name: "aliases", Columns: []Column{
		alAction:  {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		alAlias:   {Name: "alias", Also: []string{"エイリアス", "別名アドレス"}, Needs: true},
		alAddress: {Name: "address", Also: []string{"メールアドレス", "アドレス"}, Needs: true},
	}},
	parse: func(r *reading) (Action, aliasChange) {
		c := aliasChange{alias: r.address(alAlias)}
		action := r.action(alAction)
		if action != Delete {
			c.address = r.address(alAddress)
		}
		return action, c
	},
	apply: applyAlias, write: writeAliases,
	blame: map[string]int{"alias": alAlias, "address.": alAlias, "account.": alAddress, "domain.": alAlias},
}

// applyAlias does a line. An update has the alias lead to another account.
func applyAlias(ctx context.Context, c *directory.Company, by mail.Actor, l *line[aliasChange]) (effect, error) {
	if l.action == Delete {
		return deleted, c.RemoveAlias(ctx, by, l.change.alias)
	}
	a, err := c.Find(ctx, l.change.address)
	if err != nil {
		return same, err
	}
	if l.action == Add {
		return added, c.AddAlias(ctx, by, l.change.alias, a.ID)
	}
	if slices.ContainsFunc(a.Aliases, func(have mail.Address) bool { return have.Key() == l.change.alias.Key() }) {
		return same, nil
	}
	if err := c.RemoveAlias(ctx, by, l.change.alias); err != nil {
		return same, err
	}
	return updated, c.AddAlias(ctx, by, l.change.alias, a.ID)
}

// eachAccount calls fn for every account in service that is exported.
func eachAccount(ctx context.Context, c *directory.Company, of directory.Selected, fn func(*directory.Account) error) error {
	for p := (directory.AccountPage{Domain: of.Domain}); ; {
		accounts, err := c.Accounts(ctx, p)
		if err != nil {
			return err
		}
		for i := range accounts {
			a := &accounts[i]
			p.After = a.ID
			if a.State == directory.AccountDeleted || !of.Reaches(directory.Place{Domain: a.Domain, Groups: a.Groups}) {
				continue
			}
			if err := fn(a); err != nil {
				return err
			}
		}
		if len(accounts) < accountsAtOnce {
			return nil
		}
	}
}

func writeAliases(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	return eachAccount(ctx, c, of, func(a *directory.Account) error {
		for _, alias := range a.Aliases {
			if err := w.Write(string(Update), alias.String(), a.Address.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Columns of the file of groups.
const (
	grAction = iota
	grName
	grNewName
	grDescription
)

// groupChange is a line of the file of groups.
type groupChange struct {
	name                 string
	newName, description *string
}

// groups imports and exports groups.
var groups = &engine[groupChange]{
	Kind: Kind{"groups", directory.RightAccounts, directory.RightAccountsRead},
	table: Table{Name: "groups", Columns: []Column{
		grAction:      {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		grName:        {Name: "group", Also: []string{"グループ", "グループ名", "name"}, Needs: true},
		grNewName:     {Name: "new_name", Also: []string{"新グループ名"}},
		grDescription: {Name: "description", Also: []string{"説明"}},
	}},
	parse: func(r *reading) (Action, groupChange) {
		return r.action(grAction), groupChange{r.row.Get(grName), r.text(grNewName), r.text(grDescription)}
	},
	apply: applyGroup, write: writeGroups,
	blame: map[string]int{"group": grName, "name.": grName, "profile.memo": grDescription},
}

// applyGroup does a line.
func applyGroup(ctx context.Context, c *directory.Company, by mail.Actor, l *line[groupChange]) (effect, error) {
	spec := directory.GroupSpec{Name: l.change.name}
	if l.action == Add {
		if l.change.description != nil {
			spec.Description = *l.change.description
		}
		_, err := c.AddGroup(ctx, by, spec)
		return added, err
	}
	g, err := c.FindGroup(ctx, l.change.name)
	if err != nil {
		return same, err
	}
	if l.action == Delete {
		return deleted, c.DeleteGroup(ctx, by, g.ID)
	}
	spec = directory.GroupSpec{Name: g.Name, Description: g.Description}
	if l.change.newName != nil {
		spec.Name = *l.change.newName
	}
	if l.change.description != nil {
		spec.Description = *l.change.description
	}
	if spec.Name == g.Name && spec.Description == g.Description {
		return same, nil
	}
	_, err = c.SetGroup(ctx, by, g.ID, 0, spec)
	return updated, err
}

func writeGroups(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	all, err := c.Groups(ctx)
	for _, g := range all {
		if of.Reaches(directory.Place{Groups: []mail.ObjectID{g.ID}}) && err == nil {
			err = w.Write(string(Update), g.Name, "", g.Description)
		}
	}
	return err
}

// Columns of the file of groups' members.
const (
	gmGroup = iota
	gmAction
	gmAddress
)

// groupMember is a line of the file of groups' members.
type groupMember struct {
	group   string
	address mail.Address
}

// groupMembers imports and exports who is in which group.
var groupMembers = &engine[groupMember]{
	Kind: Kind{"group-members", directory.RightAccounts, directory.RightAccountsRead},
	table: Table{Name: "group-members", Columns: []Column{
		gmGroup:   {Name: "group", Also: []string{"グループ", "グループ名"}, Needs: true},
		gmAction:  {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		gmAddress: {Name: "address", Also: []string{"メールアドレス", "アドレス"}, Needs: true},
	}},
	parse: func(r *reading) (Action, groupMember) {
		return r.action(gmAction), groupMember{r.row.Get(gmGroup), r.address(gmAddress)}
	},
	apply: applyGroupMember, write: writeGroupMembers,
	blame: map[string]int{"group": gmGroup, "account.": gmAddress},
}

// applyGroupMember does a line. Who is in the group already, or not any more, is no fault.
func applyGroupMember(ctx context.Context, c *directory.Company, by mail.Actor, l *line[groupMember]) (effect, error) {
	g, err := c.FindGroup(ctx, l.change.group)
	if err != nil {
		return same, err
	}
	a, err := c.Find(ctx, l.change.address)
	if err != nil {
		return same, err
	}
	is := slices.Contains(a.Groups, g.ID)
	switch {
	case is == (l.action != Delete):
		return same, nil
	case is:
		return deleted, c.ChangeGroup(ctx, by, g.ID, nil, []mail.AccountID{a.ID})
	}
	return added, c.ChangeGroup(ctx, by, g.ID, []mail.AccountID{a.ID}, nil)
}

func writeGroupMembers(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	names, err := groupNames(ctx, c)
	if err != nil {
		return err
	}
	return eachAccount(ctx, c, of, func(a *directory.Account) error {
		for _, id := range a.Groups {
			if err := w.Write(names[id], string(Add), a.Address.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Columns of the file of forwards.
const (
	fwAction = iota
	fwAddress
	fwTo
	fwKeep
)

// forwards imports and exports what administrators have forwarded (ML-5).
var forwards = &engine[directory.AccountLine]{
	Kind: Kind{"forwards", directory.RightAccounts, directory.RightAccountsRead},
	table: Table{Name: "forwards", Columns: []Column{
		fwAction:  {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		fwAddress: {Name: "address", Also: []string{"メールアドレス", "アドレス"}, Needs: true},
		fwTo:      {Name: "forward_to", Also: []string{"転送先", "転送先アドレス"}},
		fwKeep:    {Name: "keep_copy", Also: []string{"コピーを残す", "転送元に残す"}},
	}},
	parse: func(r *reading) (Action, directory.AccountLine) {
		l := directory.AccountLine{Address: r.address(fwAddress), ForwardTo: r.addresses(fwTo), KeepCopy: r.answer(fwKeep)}
		action := r.action(fwAction)
		switch {
		case action == Delete:
			l.ForwardTo, l.KeepCopy = &[]mail.Address{}, nil
		case action == Add && (l.ForwardTo == nil || len(*l.ForwardTo) == 0):
			r.bad(fwTo, mail.E("bulk.forwards", mail.Invalid, "address.malformed", ""))
		}
		return action, l
	},
	apply: func(ctx context.Context, c *directory.Company, by mail.Actor, l *line[directory.AccountLine]) (effect, error) {
		_, changed, err := c.SetLine(ctx, by, &l.change)
		switch {
		case err != nil || !changed:
			return same, err
		case l.action == Delete:
			return deleted, nil
		case l.action == Add:
			return added, nil
		}
		return updated, nil
	},
	write: func(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
		return eachAccount(ctx, c, of, func(a *directory.Account) error {
			if !a.Forward.On() {
				return nil
			}
			return w.Write(string(Update), a.Address.String(), join(a.Forward.To), yesNo(a.Forward.Keep))
		})
	},
	blame: map[string]int{"forward.": fwTo, "account.": fwAddress},
}

// Columns of the file of contacts.
const (
	coAction = iota
	coAddress
	coDomain
	coLastName
	coFirstName
	coLastKana
	coFirstKana
	coDisplayName
	coCompany
	coDepartment
	coTitle
	coPhone
	coExtension
	coMobile
	coMemo
)

// contactChange is a line of the file of contacts.
type contactChange struct {
	address mail.Address
	domain  string // "" = the whole company
	profile directory.ProfileChange
}

// contacts imports and exports people outside whom the address book shows (ML-6).
var contacts = &engine[contactChange]{
	Kind: Kind{"contacts", directory.RightAccounts, directory.RightAccountsRead},
	table: Table{Name: "contacts", Columns: []Column{
		coAction:      {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		coAddress:     {Name: "address", Also: []string{"メールアドレス", "アドレス"}, Needs: true},
		coDomain:      {Name: "domain", Also: []string{"ドメイン", "公開ドメイン"}},
		coLastName:    {Name: "last_name", Also: []string{"姓"}},
		coFirstName:   {Name: "first_name", Also: []string{"名"}},
		coLastKana:    {Name: "last_kana", Also: []string{"姓ふりがな", "姓フリガナ"}},
		coFirstKana:   {Name: "first_kana", Also: []string{"名ふりがな", "名フリガナ"}},
		coDisplayName: {Name: "display_name", Also: []string{"表示名"}},
		coCompany:     {Name: "company", Also: []string{"会社", "会社名"}},
		coDepartment:  {Name: "department", Also: []string{"部署", "所属"}},
		coTitle:       {Name: "title", Also: []string{"役職"}},
		coPhone:       {Name: "phone", Also: []string{"電話", "電話番号"}},
		coExtension:   {Name: "extension", Also: []string{"内線", "内線番号"}},
		coMobile:      {Name: "mobile", Also: []string{"携帯", "携帯電話"}},
		coMemo:        {Name: "memo", Also: []string{"備考", "メモ"}},
	}},
	parse: parseContact, apply: applyContact, write: writeContacts,
	blame: map[string]int{"address.": coAddress, "contact.": coAddress, "domain.": coDomain, "profile.memo": coMemo},
}

func parseContact(r *reading) (Action, contactChange) {
	c := contactChange{address: r.address(coAddress), domain: mime.NormalizeTight(r.row.Get(coDomain))}
	if c.domain == clears {
		c.domain = ""
	}
	p := &c.profile
	for i, to := range []**string{
		&p.LastName, &p.FirstName, &p.LastKana, &p.FirstKana, &p.DisplayName, &p.Company, &p.Department, &p.Title,
		&p.Phone, &p.Extension, &p.Mobile, &p.Memo,
	} {
		*to = r.text(coLastName + i)
	}
	return r.action(coAction), c
}

// applyContact does a line.
func applyContact(ctx context.Context, c *directory.Company, by mail.Actor, l *line[contactChange]) (effect, error) {
	spec := directory.ContactSpec{Address: l.change.address}
	if l.change.domain != "" {
		d, err := c.Domain(ctx, l.change.domain)
		if err != nil {
			return same, err
		}
		spec.Domain = d.ID
	}
	if l.action == Add {
		l.change.profile.Apply(&spec.Profile)
		_, err := c.AddContact(ctx, by, spec)
		return added, err
	}
	old, err := c.FindContact(ctx, spec.Domain, spec.Address)
	if err != nil {
		return same, err
	}
	if l.action == Delete {
		return deleted, c.DeleteContact(ctx, by, old.ID)
	}
	spec.Profile = old.Profile
	l.change.profile.Apply(&spec.Profile)
	if spec.Profile == old.Profile {
		return same, nil
	}
	_, err = c.SetContact(ctx, by, old.ID, old.Version, spec)
	return updated, err
}

func writeContacts(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	domains, err := c.Domains(ctx)
	if err != nil {
		return err
	}
	names := make(map[mail.DomainID]string, len(domains))
	for _, d := range domains {
		names[d.ID] = d.Name
	}
	for after := mail.ObjectID(0); ; {
		all, err := c.Contacts(ctx, after)
		if err != nil {
			return err
		}
		for i := range all {
			one := &all[i]
			after = one.ID
			if of.Domain != "" && names[one.Domain] != of.Domain || !of.Reaches(directory.Place{Domain: one.Domain}) {
				continue
			}
			p := &one.Profile
			err := w.Write(string(Update), one.Address.String(), names[one.Domain], p.LastName, p.FirstName, p.LastKana, p.FirstKana,
				p.DisplayName, p.Company, p.Department, p.Title, p.Phone, p.Extension, p.Mobile, p.Memo)
			if err != nil {
				return err
			}
		}
		if len(all) < accountsAtOnce {
			return nil
		}
	}
}
