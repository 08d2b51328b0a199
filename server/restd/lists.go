package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// MailingList is a mailing list.
type MailingList struct {
	ID        mail.ObjectID           `json:"id"`
	Address   string                  `json:"address"`
	Domain    mail.DomainID           `json:"domain"`
	Name      string                  `json:"name,omitempty"`
	Members   int                     `json:"members" doc:"How many; at most 1,000"`
	Posting   directory.PostingPolicy `json:"posting" enum:"anyone,tenant,domain,members,listed" doc:"Who may write to it"`
	Posters   []string                `json:"posters" doc:"Who may write to it where posting is listed"`
	Owners    []string                `json:"owners"`
	Moderated bool                    `json:"moderated" doc:"Posts of others than the owners wait for one of them"`
	Prefix    string                  `json:"subjectPrefix,omitempty" doc:"Put before the subject; it breaks the poster's DKIM signature"`
	Number    bool                    `json:"numberPosts" doc:"Posts are counted in the subject; it breaks the poster's DKIM signature"`
	Visible   bool                    `json:"galVisible" doc:"It stands in the address book of the domain"`
	Lang      string                  `json:"lang,omitempty" enum:"ja,en"`
}

func newMailingList(l *directory.List) MailingList {
	return MailingList{
		ID: l.ID, Address: l.Address.String(), Domain: l.Domain, Name: l.Name, Members: l.Members, Posting: l.Posting,
		Posters: addresses(l.Posters), Owners: addresses(l.Owners), Moderated: l.Moderated, Prefix: l.Prefix, Number: l.Number,
		Visible: !l.Hidden, Lang: l.Lang,
	}
}

// ListMember is an address on a mailing list.
type ListMember struct {
	Address string      `json:"address"`
	Name    string      `json:"name,omitempty"`
	CanPost bool        `json:"canPost" doc:"May write to the list where posting is members"`
	Off     bool        `json:"off" doc:"Gets nothing: too many hard bounces, or its account is deleted"`
	Bounces []time.Time `json:"bounces" doc:"Hard bounces of the last 7 days"`
}

func (s *Server) addLists() {
	const tag, path = "lists", "/tenants/{tenant}/lists"
	read, write := directory.RightListsRead, directory.RightLists
	one := path + "/{list}"
	add(s, operation{ID: "listLists", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List the mailing lists of a company by address."}, s.listLists)
	add(s, operation{ID: "createList", Method: http.MethodPost, Path: path, Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Make a mailing list."}, s.createList)
	add(s, operation{ID: "getList", Method: http.MethodGet, Path: one, Right: read, Tag: tag, Summary: "Give a mailing list."}, s.getList)
	add(s, operation{ID: "updateList", Method: http.MethodPatch, Path: one, Right: write, Tag: tag, Summary: "Change the rules of a mailing list."}, s.updateList)
	add(s, operation{ID: "deleteList", Method: http.MethodDelete, Path: one, Right: write, Tag: tag, Summary: "Remove a mailing list; its address is free again."}, s.deleteList)
	add(s, operation{ID: "listMembers", Method: http.MethodGet, Path: one + "/members", Right: read, Tag: tag, Summary: "List the members of a mailing list."}, s.listMembers)
	add(s, operation{ID: "changeMembers", Method: http.MethodPost, Path: one + "/members", Right: write, Tag: tag, Summary: "Put addresses on a mailing list and take others off, all or none."}, s.changeMembers)
	add(s, operation{ID: "resumeMember", Method: http.MethodPost, Path: one + "/members/{address}/resume", Right: write, Tag: tag, Summary: "Let a member that bounces switched off get mail again."}, s.resumeMember)
}

// listsIn is how mailing lists are asked for.
type listsIn struct {
	InTenant
	Paging
	Text   string `query:"text" maxLength:"512" doc:"Words that stand in the name or the address"`
	Domain string `query:"domain" maxLength:"255" doc:"A domain's name"`
}

func (s *Server) listLists(ctx context.Context, c *Call, in *listsIn) (*List[MailingList], error) {
	domain, err := domainOf(ctx, c, in.Domain)
	if err != nil {
		return nil, err
	}
	page, err := c.Company.SearchLists(ctx, directory.ListQuery{Text: in.Text, Domain: domain, Within: c.Reach(directory.RightListsRead), Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := listed(make([]MailingList, len(page.Lists)), page.Next)
	out.Body.Total = page.Total
	for i := range page.Lists {
		out.Body.Items[i] = newMailingList(&page.Lists[i])
	}
	return out, nil
}

// OfList is the path of a mailing list.
type OfList struct {
	InTenant
	List Ref[mail.ObjectID] `path:"list" doc:"The mailing list's id"`
}

// list reads a mailing list that the caller may see. NotFound "list.unknown".
func list(ctx context.Context, c *Call, id mail.ObjectID) (directory.List, error) {
	l, err := c.Company.List(ctx, id)
	if err == nil && !c.MayIn(directory.RightListsRead, directory.Place{Domain: l.Domain}) {
		err = mail.E("restd.list", mail.NotFound, "list.unknown", id.String())
	}
	return l, err
}

func (s *Server) getList(ctx context.Context, c *Call, in *OfList) (*Tagged[MailingList], error) {
	l, err := list(ctx, c, in.List.ID)
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, newMailingList(&l)), nil
}

// ListRules are the rules of a mailing list. What is absent stays, or is as usual for a new one.
type ListRules struct {
	Name      *string                  `json:"name,omitempty" maxLength:"255"`
	Posting   *directory.PostingPolicy `json:"posting,omitempty" enum:"anyone,tenant,domain,members,listed" doc:"Who may write to it; usually domain"`
	Posters   *[]string                `json:"posters,omitempty" maxItems:"100"`
	Owners    *[]string                `json:"owners,omitempty" maxItems:"10"`
	Moderated *bool                    `json:"moderated,omitempty"`
	Prefix    *string                  `json:"subjectPrefix,omitempty" maxLength:"64" doc:"It breaks the poster's DKIM signature"`
	Number    *bool                    `json:"numberPosts,omitempty" doc:"It breaks the poster's DKIM signature"`
	Visible   *bool                    `json:"galVisible,omitempty"`
	Lang      *string                  `json:"lang,omitempty" enum:"ja,en"`
}

// change is what the rules change.
func (r *ListRules) change() (ch directory.ListChange, err error) {
	ch = directory.ListChange{Name: r.Name, Posting: r.Posting, Moderated: r.Moderated, Prefix: r.Prefix, Number: r.Number, Lang: r.Lang}
	if r.Visible != nil {
		hidden := !*r.Visible
		ch.Hidden = &hidden
	}
	if ch.Posters, err = parsePart(r.Posters); err == nil {
		ch.Owners, err = parsePart(r.Owners)
	}
	return ch, err
}

// parsePart reads addresses that may be absent.
func parsePart(text *[]string) (*[]mail.Address, error) {
	if text == nil {
		return nil, nil
	}
	list, err := parseAddresses(*text)
	return &list, err
}

// newListIn asks for a mailing list.
type newListIn struct {
	InTenant
	Body struct {
		Address string `json:"address" maxLength:"320" doc:"In a domain of the company"`
		ListRules
	}
}

func (s *Server) createList(ctx context.Context, c *Call, in *newListIn) (*Tagged[MailingList], error) {
	addr, err := mail.ParseAddress(in.Body.Address)
	if err != nil {
		return nil, err
	}
	ch, err := in.Body.change()
	if err != nil {
		return nil, err
	}
	l, err := c.Company.AddList(ctx, c.Actor(), addr, ch.Spec())
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, newMailingList(&l)), nil
}

// changeListIn says what becomes of a mailing list.
type changeListIn struct {
	OfList
	Matching
	Body ListRules
}

func (s *Server) updateList(ctx context.Context, c *Call, in *changeListIn) (*Tagged[MailingList], error) {
	ch, err := in.Body.change()
	if err != nil {
		return nil, err
	}
	if ch.Version, err = in.version(); err != nil {
		return nil, err
	}
	if _, err := list(ctx, c, in.List.ID); err != nil {
		return nil, err
	}
	l, err := c.Company.ChangeList(ctx, c.Actor(), in.List.ID, ch)
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, newMailingList(&l)), nil
}

func (s *Server) deleteList(ctx context.Context, c *Call, in *OfList) (*struct{}, error) {
	if _, err := list(ctx, c, in.List.ID); err != nil {
		return nil, err
	}
	return nil, c.Company.DeleteList(ctx, c.Actor(), in.List.ID)
}

// membersOut are all members of a mailing list; there are at most 1,000.
func membersOut(ctx context.Context, c *Call, id mail.ObjectID) (*List[ListMember], error) {
	all, err := c.Company.Members(ctx, id)
	if err != nil {
		return nil, err
	}
	out := listed(make([]ListMember, len(all)), "")
	out.Body.Total = len(all)
	for i, m := range all {
		out.Body.Items[i] = ListMember{m.Address.String(), m.Name, m.CanPost, m.Off, orNone(m.Bounces)}
	}
	return out, nil
}

func (s *Server) listMembers(ctx context.Context, c *Call, in *OfList) (*List[ListMember], error) {
	if _, err := list(ctx, c, in.List.ID); err != nil {
		return nil, err
	}
	return membersOut(ctx, c, in.List.ID)
}

// membersIn says who comes on a mailing list and who leaves it.
type membersIn struct {
	OfList
	Body struct {
		Add    []newMember `json:"add,omitempty" maxItems:"1000"`
		Remove []string    `json:"remove,omitempty" maxItems:"1000"`
	}
}

// newMember is an address for a mailing list.
type newMember struct {
	Address string `json:"address" maxLength:"320"`
	Name    string `json:"name,omitempty" maxLength:"255"`
	CanPost *bool  `json:"canPost,omitempty" doc:"Absent: yes"`
}

func (s *Server) changeMembers(ctx context.Context, c *Call, in *membersIn) (*List[ListMember], error) {
	if _, err := list(ctx, c, in.List.ID); err != nil {
		return nil, err
	}
	gone, err := parseAddresses(in.Body.Remove)
	if err != nil {
		return nil, err
	}
	members := make([]directory.Member, len(in.Body.Add))
	for i, m := range in.Body.Add {
		members[i] = directory.Member{Name: m.Name, CanPost: m.CanPost == nil || *m.CanPost}
		if members[i].Address, err = mail.ParseAddress(m.Address); err != nil {
			return nil, err
		}
	}
	if err := c.Company.ChangeMembers(ctx, c.Actor(), in.List.ID, members, gone); err != nil {
		return nil, err
	}
	return membersOut(ctx, c, in.List.ID)
}

// ofMember is the path of a member.
type ofMember struct {
	OfList
	Address string `path:"address" maxLength:"320" doc:"The member's address"`
}

func (s *Server) resumeMember(ctx context.Context, c *Call, in *ofMember) (*struct{}, error) {
	if _, err := list(ctx, c, in.List.ID); err != nil {
		return nil, err
	}
	addr, err := mail.ParseAddress(in.Address)
	if err != nil {
		return nil, err
	}
	return nil, c.Company.ResumeMember(ctx, c.Actor(), in.List.ID, addr)
}
