package bulk

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/mime"
)

// Columns of the file of accounts (DOMAIN §16.1).
const (
	acAction = iota
	acAddress
	acPassword
	acLastName
	acFirstName
	acLastKana
	acFirstKana
	acDisplayName
	acDepartment
	acTitle
	acGAL
	acStatus
	acForward
	acKeep
	acUserForward
	acIMAP
	acLang
	acGroup
	acMemo
)

// accountTable is what files of accounts look like.
var accountTable = Table{Name: "accounts", Columns: []Column{
	acAction:      {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
	acAddress:     {Name: "address", Also: []string{"メールアドレス", "アドレス", "mail", "email"}, Needs: true},
	acPassword:    {Name: "password", Also: []string{"パスワード", "初期パスワード"}},
	acLastName:    {Name: "last_name", Also: []string{"姓", "lastname"}},
	acFirstName:   {Name: "first_name", Also: []string{"名", "firstname"}},
	acLastKana:    {Name: "last_kana", Also: []string{"姓ふりがな", "姓フリガナ", "姓かな", "姓カナ"}},
	acFirstKana:   {Name: "first_kana", Also: []string{"名ふりがな", "名フリガナ", "名かな", "名カナ"}},
	acDisplayName: {Name: "display_name", Also: []string{"表示名", "displayname"}},
	acDepartment:  {Name: "department", Also: []string{"部署", "所属"}},
	acTitle:       {Name: "title", Also: []string{"役職"}},
	acGAL:         {Name: "gal_visible", Also: []string{"アドレス帳表示", "アドレス帳公開", "GAL表示"}},
	acStatus:      {Name: "status", Also: []string{"状態", "利用状態"}},
	acForward:     {Name: "forward_to", Also: []string{"転送先", "転送先アドレス"}},
	acKeep:        {Name: "keep_copy", Also: []string{"コピーを残す", "転送元に残す"}},
	acUserForward: {Name: "user_forward_allowed", Also: []string{"利用者転送許可", "ユーザー転送許可"}},
	acIMAP:        {Name: "imap", Also: []string{"IMAP利用"}},
	acLang:        {Name: "lang", Also: []string{"言語"}},
	acGroup:       {Name: "group", Also: []string{"グループ"}},
	acMemo:        {Name: "memo", Also: []string{"備考", "メモ"}},
}}

// states are the words of the column status.
var states = map[string]directory.AccountState{
	"active": directory.AccountActive, "利用中": directory.AccountActive, "有効": directory.AccountActive, "利用": directory.AccountActive,
	"suspended": directory.AccountSuspended, "停止": directory.AccountSuspended, "停止中": directory.AccountSuspended, "無効": directory.AccountSuspended,
}

// langs are the words of the column lang.
var langs = map[string]string{"ja": "ja", "日本語": "ja", "japanese": "ja", "en": "en", "英語": "en", "english": "en"}

// accountChange is a line of the file of accounts.
type accountChange struct {
	directory.AccountLine
	password string    // as given; "" = none
	groups   *[]string // names
}

// parseAccount reads a line. Nothing is looked up.
func parseAccount(r *reading) (Action, accountChange) {
	var c accountChange
	action := r.action(acAction)
	c.Address = r.address(acAddress)
	if action == Delete {
		return action, c
	}
	c.password = r.row.Get(acPassword)
	p := &c.Change.Profile
	for column, to := range map[int]**string{
		acLastName: &p.LastName, acFirstName: &p.FirstName, acLastKana: &p.LastKana, acFirstKana: &p.FirstKana,
		acDisplayName: &p.DisplayName, acDepartment: &p.Department, acTitle: &p.Title, acMemo: &p.Memo,
	} {
		*to = r.text(column)
	}
	if visible := r.answer(acGAL); visible != nil {
		hidden := !*visible
		c.Change.Hidden = &hidden
	}
	c.State = word(r, acStatus, states, "import.status")
	c.ForwardTo, c.KeepCopy = r.addresses(acForward), r.answer(acKeep)
	c.UserForward, c.IMAP = r.answer(acUserForward), r.answer(acIMAP)
	c.Change.Lang = word(r, acLang, langs, "lang.unknown")
	if text := r.text(acGroup); text != nil {
		names := split(*text)
		c.groups = &names
	}
	return action, c
}

// word reads one of some words; nil where the field is empty.
func word[T any](r *reading, column int, words map[string]T, key string) *T {
	text := r.row.Get(column)
	if text == "" {
		return nil
	}
	w, ok := words[mime.NormalizeTight(text)]
	if !ok {
		r.bad(column, mail.E("bulk.word", mail.Invalid, key, text))
	}
	return &w
}

// accounts imports and exports accounts.
var accounts = &engine[accountChange]{
	Kind:  Kind{"accounts", directory.RightAccounts, directory.RightAccountsRead},
	table: accountTable, parse: parseAccount, apply: applyAccount, before: judgeAccounts, after: sayOver, prepare: preparePasswords, write: writeAccounts,
	blame: map[string]int{"address.": acAddress, "account.": acAddress, "domain.": acAddress, "ids.": acAddress, "forward.": acForward, "group": acGroup, "profile.memo": acMemo, "password.": acPassword},
}

// applyAccount does a line.
func applyAccount(ctx context.Context, c *directory.Company, by mail.Actor, l *line[accountChange]) (effect, error) {
	switch l.action {
	case Add:
		_, err := c.AddLine(ctx, by, &l.change.AccountLine)
		return added, err
	case Delete:
		return deleted, c.DeleteLine(ctx, by, l.change.Address)
	}
	_, changed, err := c.SetLine(ctx, by, &l.change.AccountLine)
	if err == nil && !changed && l.change.password == "" {
		return same, nil
	}
	return updated, err
}

// judgeAccounts finds what only shows over several lines: an address on two of them, and groups, which lines name and the directory
// numbers. Whether there are IDs enough (ML-1) shows when they are tried.
func judgeAccounts(ctx context.Context, in *Import, lines []line[accountChange], out *Outcome) ([]line[accountChange], error) {
	groups, err := groupsByName(ctx, in.Company)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]int, len(lines))
	left := make([]line[accountChange], 0, len(lines))
	for _, l := range lines {
		column, err := "address", error(nil)
		if first, twice := seen[l.change.Address.Key()]; twice {
			err = mail.E("bulk.judge", mail.Conflict, "import.twice", l.change.Address.String(), first)
		} else if seen[l.change.Address.Key()] = l.number; l.change.groups != nil {
			column = "group"
			l.change.Change.Groups, err = groupIDs(groups, *l.change.groups)
		}
		if err == nil && l.change.password != "" {
			column = "password"
			err = in.Company.CheckPassword(ctx, in.By, l.change.Address, l.change.password)
		}
		switch {
		case err == nil:
			left = append(left, l)
		case isFinding(err):
			out.Findings = append(out.Findings, Finding{Line: l.number, Column: column, Err: err})
		default:
			return nil, err
		}
	}
	return left, nil
}

// groupsByName gives the company's groups.
func groupsByName(ctx context.Context, c *directory.Company) (map[string]mail.ObjectID, error) {
	all, err := c.Groups(ctx)
	byName := make(map[string]mail.ObjectID, len(all))
	for _, g := range all {
		byName[mime.Normalize(g.Name)] = g.ID
	}
	return byName, err
}

// groupIDs looks names of groups up.
func groupIDs(groups map[string]mail.ObjectID, names []string) (*[]mail.ObjectID, error) {
	ids := []mail.ObjectID{}
	for _, name := range names {
		id, ok := groups[mime.Normalize(name)]
		if !ok {
			return nil, mail.E("bulk.groupIDs", mail.NotFound, "group.unknown", strings.TrimSpace(name))
		}
		ids = append(ids, id)
	}
	return &ids, nil
}

// sayOver says of each domain how many lines found no ID left in it (ML-1).
func sayOver(out *Outcome) {
	type domain struct{ name, ids any }
	over := make(map[domain]int)
	var order []domain
	for _, f := range out.Findings {
		key, args := mail.TextOf(f.Err)
		if key != "ids.exhausted" || len(args) != 2 {
			continue
		}
		d := domain{args[0], args[1]}
		if over[d]++; over[d] == 1 {
			order = append(order, d)
		}
	}
	for _, d := range order {
		out.Findings = append(out.Findings, Finding{Err: mail.E("bulk.sayOver", mail.Full, "import.ids_over", d.name, d.ids, over[d]), Remark: true})
	}
}

// preparePasswords makes and hashes the passwords of the lines, on all cores.
func preparePasswords(ctx context.Context, in *Import, lines []line[accountChange], out *Outcome) error {
	made := make([]Password, len(lines))
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(lines) {
					return
				}
				var err error
				if made[i], err = preparePassword(ctx, in, &lines[i]); err != nil {
					failed.Store(&err)
				}
				in.Watch.Step(1)
			}
		})
	}
	work.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	for _, p := range made {
		if p.Password != "" {
			out.Passwords = append(out.Passwords, p)
		}
	}
	return nil
}

// preparePassword makes the password of one line: a random one for a new account without.
func preparePassword(ctx context.Context, in *Import, l *line[accountChange]) (made Password, err error) {
	if err := ctx.Err(); err != nil {
		return made, mail.Wrap("bulk.preparePassword", err)
	}
	c := &l.change
	switch {
	case c.password != "" && l.action != Delete:
		c.Password, err = in.Company.PreparePassword(ctx, in.By, c.Address, c.password)
	case l.action == Add:
		made = Password{Line: l.number, Address: c.Address, Name: nameOf(&c.Change.Profile)}
		made.Password, c.Password = directory.PrepareInitial()
	}
	return made, err
}

// nameOf is how a person on a line is called.
func nameOf(c *directory.ProfileChange) string {
	var p directory.Profile
	c.Apply(&p)
	return p.Name()
}

// groupNames are the names of a company's groups.
func groupNames(ctx context.Context, c *directory.Company) (map[mail.ObjectID]string, error) {
	all, err := c.Groups(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[mail.ObjectID]string, len(all))
	for _, g := range all {
		names[g.ID] = g.Name
	}
	return names, nil
}

// writeAccounts writes the accounts that are in service. Passwords are never written.
func writeAccounts(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	names, err := groupNames(ctx, c)
	if err != nil {
		return err
	}
	return eachAccount(ctx, c, of, func(a *directory.Account) error { return w.Write(accountCells(a, names)...) })
}

// accountsAtOnce is how many accounts are read at once for an export.
const accountsAtOnce = 1000

// accountCells is an account as a line.
func accountCells(a *directory.Account, names map[mail.ObjectID]string) []string {
	groups := make([]string, len(a.Groups))
	for i, id := range a.Groups {
		groups[i] = names[id]
	}
	p := &a.Profile
	keep := ""
	if a.Forward.On() {
		keep = yesNo(a.Forward.Keep)
	}
	return []string{
		acAction: string(Update), acAddress: a.Address.String(), acPassword: "",
		acLastName: p.LastName, acFirstName: p.FirstName, acLastKana: p.LastKana, acFirstKana: p.FirstKana,
		acDisplayName: p.DisplayName, acDepartment: p.Department, acTitle: p.Title, acGAL: yesNo(!a.Hidden), acStatus: string(a.State),
		acForward: join(a.Forward.To), acKeep: keep, acUserForward: yesNo(!a.NoUserForward), acIMAP: yesNo(!a.NoIMAP),
		acLang: a.Lang, acGroup: strings.Join(groups, ";"), acMemo: p.Memo,
	}
}
