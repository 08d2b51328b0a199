package bulk

import (
	"context"
	"io"
	"slices"

	"tegami/directory"
	"tegami/mail"
)

// Columns of the file of lists.
const (
	liAction = iota
	liAddress
	liName
	liPosting
	liPosters
	liOwners
	liModerated
	liPrefix
	liNumber
	liGAL
	liLang
)

// postings are the words of the column posting (LI-7).
var postings = map[string]directory.PostingPolicy{
	"anyone": directory.PostAnyone, "誰でも": directory.PostAnyone, "tenant": directory.PostTenant, "社内": directory.PostTenant, "契約内": directory.PostTenant,
	"domain": directory.PostDomain, "ドメイン内": directory.PostDomain, "members": directory.PostMembers, "メンバー": directory.PostMembers,
	"listed": directory.PostListed, "許可した投稿者": directory.PostListed, "指定": directory.PostListed,
}

// listChange is a line of the file of lists.
type listChange struct {
	address           mail.Address
	name, prefix      *string
	posting           *directory.PostingPolicy
	posters, owners   *[]mail.Address
	moderated, number *bool
	visible           *bool
	lang              *string
}

// lists imports and exports mailing lists, without their members.
var lists = &engine[listChange]{
	Kind: Kind{"lists", directory.RightLists, directory.RightListsRead},
	table: Table{Name: "lists", Columns: []Column{
		liAction:    {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		liAddress:   {Name: "list_address", Also: []string{"リストアドレス", "メーリングリスト"}, Needs: true},
		liName:      {Name: "name", Also: []string{"リスト名", "名称"}},
		liPosting:   {Name: "posting", Also: []string{"投稿できる人", "投稿権限"}},
		liPosters:   {Name: "posters", Also: []string{"許可投稿者"}},
		liOwners:    {Name: "owners", Also: []string{"管理者", "オーナー"}},
		liModerated: {Name: "moderated", Also: []string{"承認制"}},
		liPrefix:    {Name: "prefix", Also: []string{"件名の接頭辞"}},
		liNumber:    {Name: "number", Also: []string{"連番"}},
		liGAL:       {Name: "gal_visible", Also: []string{"アドレス帳表示", "アドレス帳公開"}},
		liLang:      {Name: "lang", Also: []string{"言語"}},
	}},
	parse: parseList, apply: applyList, write: writeLists,
	blame: map[string]int{
		"address.": liAddress, "list.local_part": liAddress, "list.unknown": liAddress, "domain.": liAddress, "name.": liName,
		"list.posters": liPosters, "list.owners": liOwners, "list.moderator": liModerated, "list.prefix": liPrefix, "lang.": liLang,
	},
}

func parseList(r *reading) (Action, listChange) {
	c := listChange{address: r.address(liAddress)}
	action := r.action(liAction)
	if action == Delete {
		return action, c
	}
	c.name, c.prefix = r.text(liName), r.text(liPrefix)
	c.posting = word(r, liPosting, postings, "list.posting_unknown")
	c.posters, c.owners = r.addresses(liPosters), r.addresses(liOwners)
	c.moderated, c.number, c.visible = r.answer(liModerated), r.answer(liNumber), r.answer(liGAL)
	c.lang = word(r, liLang, langs, "lang.unknown")
	return action, c
}

// spec brings a line into what is said about a list.
func (c *listChange) spec(s directory.ListSpec) directory.ListSpec {
	set(&s.Name, c.name)
	set(&s.Prefix, c.prefix)
	set(&s.Posting, c.posting)
	set(&s.Posters, c.posters)
	set(&s.Owners, c.owners)
	set(&s.Moderated, c.moderated)
	set(&s.Number, c.number)
	set(&s.Lang, c.lang)
	if c.visible != nil {
		s.Hidden = !*c.visible
	}
	return s
}

// set puts what a line says in its place, where it says anything.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// applyList does a line.
func applyList(ctx context.Context, c *directory.Company, by mail.Actor, l *line[listChange]) (effect, error) {
	if l.action == Add {
		_, err := c.AddList(ctx, by, l.change.address, l.change.spec(directory.ListSpec{}))
		return added, err
	}
	old, err := c.FindList(ctx, l.change.address)
	if err != nil {
		return same, err
	}
	if l.action == Delete {
		return deleted, c.DeleteList(ctx, by, old.ID)
	}
	spec := l.change.spec(old.ListSpec)
	if sameList(&spec, &old.ListSpec) {
		return same, nil
	}
	_, err = c.SetList(ctx, by, old.ID, spec)
	return updated, err
}

// sameList tells whether two specs say the same.
func sameList(a, b *directory.ListSpec) bool {
	return a.Name == b.Name && a.Posting == b.Posting && slices.Equal(a.Posters, b.Posters) && slices.Equal(a.Owners, b.Owners) &&
		a.Moderated == b.Moderated && a.Prefix == b.Prefix && a.Number == b.Number && a.Hidden == b.Hidden && a.Lang == b.Lang
}

// eachList calls fn for every list that is exported.
func eachList(ctx context.Context, c *directory.Company, of directory.Selected, fn func(*directory.List) error) error {
	for p := (directory.ListPage{Domain: of.Domain}); ; {
		all, err := c.Lists(ctx, p)
		if err != nil {
			return err
		}
		for i := range all {
			p.After = all[i].ID
			if !of.Reaches(directory.Place{Domain: all[i].Domain}) {
				continue
			}
			if err := fn(&all[i]); err != nil {
				return err
			}
		}
		if len(all) < accountsAtOnce {
			return nil
		}
	}
}

func writeLists(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	return eachList(ctx, c, of, func(l *directory.List) error {
		return w.Write(string(Update), l.Address.String(), l.Name, string(l.Posting), join(l.Posters), join(l.Owners),
			yesNo(l.Moderated), l.Prefix, yesNo(l.Number), yesNo(!l.Hidden), l.Lang)
	})
}

// Columns of the file of lists' members (DOMAIN §7).
const (
	lmList = iota
	lmAction
	lmMember
	lmName
	lmPost
)

// listMembers imports and exports who is on which list (LI-5).
var listMembers = &engine[directory.MemberLine]{
	Kind: Kind{"list-members", directory.RightLists, directory.RightListsRead},
	table: Table{Name: "list-members", Columns: []Column{
		lmList:   {Name: "list_address", Also: []string{"リストアドレス", "メーリングリスト"}, Needs: true},
		lmAction: {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
		lmMember: {Name: "member_address", Also: []string{"メンバーアドレス"}, Needs: true},
		lmName:   {Name: "member_name", Also: []string{"メンバー名"}},
		lmPost:   {Name: "can_post", Also: []string{"投稿許可"}},
	}},
	parse: func(r *reading) (Action, directory.MemberLine) {
		l := directory.MemberLine{List: r.address(lmList)}
		action := r.action(lmAction)
		l.Member, l.Name, l.CanPost = r.address(lmMember), r.text(lmName), r.answer(lmPost)
		return action, l
	},
	apply: applyListMember, write: writeListMembers,
	blame: map[string]int{"list.unknown": lmList, "list.no_member": lmMember, "list.cycle": lmMember, "address.": lmMember, "name.": lmName},
}

// applyListMember does a line. Adding who is on the list already changes what stands about it.
func applyListMember(_ context.Context, c *directory.Company, by mail.Actor, l *line[directory.MemberLine]) (effect, error) {
	if l.action == Delete {
		return deleted, c.TakeMember(by, &l.change)
	}
	fresh, err := c.PutMember(by, &l.change)
	if fresh {
		return added, err
	}
	return updated, err
}

func writeListMembers(ctx context.Context, c *directory.Company, of directory.Selected, w *Writer) error {
	return eachList(ctx, c, of, func(l *directory.List) error { return writeMembers(ctx, c, l, w) })
}

func writeMembers(ctx context.Context, c *directory.Company, l *directory.List, w *Writer) error {
	members, err := c.Members(ctx, l.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := w.Write(l.Address.String(), string(Add), m.Address.String(), m.Name, yesNo(m.CanPost)); err != nil {
			return err
		}
	}
	return nil
}

// ExportMembers writes the members of one list as the import reads them. NotFound "list.unknown".
func ExportMembers(ctx context.Context, c *directory.Company, list mail.ObjectID, w *Writer) error {
	l, err := c.List(ctx, list)
	if err == nil {
		err = writeMembers(ctx, c, &l, w)
	}
	return mail.Wrap("bulk.ExportMembers", err)
}

// MemberWriter begins a file of lists' members. Invalid "export.charset".
func MemberWriter(w io.Writer, form Form) (*Writer, error) {
	return NewWriter(w, &listMembers.table, form)
}
