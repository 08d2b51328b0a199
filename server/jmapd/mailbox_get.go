package jmapd

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// folder is a Mailbox of JMAP (RFC 8621 §2).
type folder struct {
	ID            jmap.Id      `json:"id"`
	Name          string       `json:"name"`
	ParentID      *jmap.Id     `json:"parentId"`
	Role          *string      `json:"role"`
	SortOrder     uint32       `json:"sortOrder"`
	TotalEmails   int          `json:"totalEmails"`
	UnreadEmails  int          `json:"unreadEmails"`
	TotalThreads  int          `json:"totalThreads"`
	UnreadThreads int          `json:"unreadThreads"`
	MyRights      folderRights `json:"myRights"`
	IsSubscribed  bool         `json:"isSubscribed"`
}

// folderProperties are those of a mailbox.
var folderProperties = []string{
	"id", "name", "parentId", "role", "sortOrder", "totalEmails", "unreadEmails", "totalThreads", "unreadThreads", "myRights", "isSubscribed",
}

// folderRights are MailboxRights (RFC 8621 §2).
type folderRights struct {
	MayReadItems   bool `json:"mayReadItems"`
	MayAddItems    bool `json:"mayAddItems"`
	MayRemoveItems bool `json:"mayRemoveItems"`
	MaySetSeen     bool `json:"maySetSeen"`
	MaySetKeywords bool `json:"maySetKeywords"`
	MayCreateChild bool `json:"mayCreateChild"`
	MayRename      bool `json:"mayRename"`
	MayDelete      bool `json:"mayDelete"`
	MaySubmit      bool `json:"maySubmit"`
}

// rightsOf tells rights of RFC 4314 as JMAP has them (RFC 8621 §2). The inbox is never deleted, nor renamed, whoever asks.
func rightsOf(r mailbox.Rights, inbox bool) folderRights {
	return folderRights{
		MayReadItems:   r.Has(mailbox.RightLookup | mailbox.RightRead),
		MayAddItems:    r.Has(mailbox.RightInsert),
		MayRemoveItems: r.Has(mailbox.RightDeleted | mailbox.RightExpunge),
		MaySetSeen:     r.Has(mailbox.RightSeen),
		MaySetKeywords: r.Has(mailbox.RightWrite),
		MayCreateChild: r.Has(mailbox.RightCreate),
		MayRename:      r.Has(mailbox.RightRemove) && !inbox,
		MayDelete:      r.Has(mailbox.RightRemove) && !inbox,
		MaySubmit:      r.Has(mailbox.RightPost),
	}
}

// inboxName is what JMAP calls the inbox, whose name is fixed.
const inboxName = "Inbox"

// inboxRole is the role of the inbox, which it has by its place.
const inboxRole = "inbox"

// isInbox tells whether a mailbox is the account's inbox.
func isInbox(b *mailbox.Box) bool { return b.Parent.IsZero() && b.Name == mailbox.Inbox }

// folderOf tells a mailbox as JMAP has it. Where the one above may not be seen, it stands at the top.
func folderOf(reg *mailbox.Register, b *mailbox.Box) folder {
	f := folder{ID: mailboxRef(b.ID), Name: b.Name, SortOrder: b.Place, TotalEmails: b.Emails, UnreadEmails: b.Unread, TotalThreads: b.Threads,
		UnreadThreads: b.UnreadThreads, MyRights: rightsOf(b.Rights, isInbox(b)), IsSubscribed: b.Subscribed}
	if _, seen := reg.Mailbox(b.Parent); seen {
		above := mailboxRef(b.Parent)
		f.ParentID = &above
	}
	if role := b.Role; isInbox(b) {
		f.Name, role = inboxName, inboxRole
		f.Role = &role
	} else if role != "" {
		f.Role = &role
	}
	return f
}

// folders gives all mailboxes as JMAP has them.
func folders(reg *mailbox.Register) []folder {
	boxes := reg.Mailboxes()
	all := make([]folder, len(boxes))
	for i := range boxes {
		all[i] = folderOf(reg, &boxes[i])
	}
	return all
}

// getMailboxes is Mailbox/get (RFC 8621 §2.1).
func getMailboxes(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[folder]{
		properties: folderProperties,
		id:         func(f *folder) jmap.Id { return f.ID },
		state:      func(context.Context) (string, error) { return reg.State().String(), nil },
		fetch: func(_ context.Context, ids []jmap.Id) ([]folder, error) {
			if ids == nil {
				return folders(reg), nil
			}
			found := make([]folder, 0, len(ids))
			for _, ref := range ids {
				id, _ := parseMailbox(ref)
				if b, ok := reg.Mailbox(id); ok {
					found = append(found, folderOf(reg, &b))
				}
			}
			return found, nil
		},
	})
}

// folderCondition is a FilterCondition of mailboxes (RFC 8621 §2.3).
type folderCondition struct {
	ParentID     nullable[jmap.Id] `json:"parentId"`
	Name         *string           `json:"name"`
	Role         nullable[string]  `json:"role"`
	HasAnyRole   *bool             `json:"hasAnyRole"`
	IsSubscribed *bool             `json:"isSubscribed"`
}

// fits tells whether a mailbox fits a condition. Names are compared as mime.Searchable has them.
func (f *folderCondition) fits(m *folder) bool {
	return f.ParentID.is(m.ParentID) && f.Role.is(m.Role) &&
		(f.Name == nil || strings.Contains(mime.Searchable(m.Name), mime.Searchable(*f.Name))) &&
		(f.HasAnyRole == nil || *f.HasAnyRole == (m.Role != nil)) &&
		(f.IsSubscribed == nil || *f.IsSubscribed == m.IsSubscribed)
}

// folderSorts are what mailboxes can be sorted by (RFC 8621 §2.3).
var folderSorts = map[string]func(a, b *folder) int{
	"sortOrder": func(a, b *folder) int { return cmp.Compare(a.SortOrder, b.SortOrder) },
	"name":      func(a, b *folder) int { return cmp.Compare(mime.Searchable(a.Name), mime.Searchable(b.Name)) },
	"parentId":  func(a, b *folder) int { return cmp.Compare(parentOf(a), parentOf(b)) },
}

func parentOf(f *folder) jmap.Id {
	if f.ParentID == nil {
		return ""
	}
	return *f.ParentID
}

// queryMailboxesIn are the arguments of Mailbox/query (RFC 8621 §2.3).
type queryMailboxesIn struct {
	jmap.QueryIn[folderCondition]
	SortAsTree   bool `json:"sortAsTree"`
	FilterAsTree bool `json:"filterAsTree"`
}

// queryMailboxes is Mailbox/query (RFC 8621 §2.3).
func queryMailboxes(ctx context.Context, c *call, in *queryMailboxesIn) (*jmap.QueryOut, error) {
	order, err := folderOrder(in.Sort)
	if err != nil {
		return nil, err
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	all := folders(reg)
	slices.SortStableFunc(all, func(a, b folder) int { return order(&a, &b) })
	tree := treeOf(all)
	if in.SortAsTree {
		all = tree.flat()
	}
	found := []jmap.Id{}
	for i := range all {
		if fits(in.Filter, &all[i], (*folderCondition).fits) && (!in.FilterAsTree || tree.above(&all[i], func(f *folder) bool {
			return fits(in.Filter, f, (*folderCondition).fits)
		})) {
			found = append(found, all[i].ID)
		}
	}
	out, err := window(&in.QueryIn, found, c.server.limits.Objects)
	if err != nil {
		return nil, err
	}
	out.QueryState = reg.State().String()
	return out, nil
}

// folderOrder makes a comparison; mailboxes that are alike stay in the order of their ids.
func folderOrder(sort []jmap.Comparator) (func(a, b *folder) int, error) {
	for _, by := range sort {
		if folderSorts[by.Property] == nil || !known(collations, by.Collation) {
			return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
		}
	}
	return func(a, b *folder) int {
		for _, by := range sort {
			n := folderSorts[by.Property](a, b)
			if !by.Ascending() {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	}, nil
}

// folderTree are mailboxes by the one above them.
type folderTree struct {
	byID  map[jmap.Id]*folder
	below map[jmap.Id][]*folder
}

func treeOf(all []folder) folderTree {
	t := folderTree{map[jmap.Id]*folder{}, map[jmap.Id][]*folder{}}
	for i := range all {
		f := &all[i]
		t.byID[f.ID] = f
		t.below[parentOf(f)] = append(t.below[parentOf(f)], f)
	}
	return t
}

// flat lists the tree, those below a mailbox behind it.
func (t folderTree) flat() (list []folder) {
	var walk func(of jmap.Id)
	walk = func(of jmap.Id) {
		for _, f := range t.below[of] {
			list = append(list, *f)
			walk(f.ID)
		}
	}
	walk("")
	return list
}

// above tells whether something holds of all mailboxes above one.
func (t folderTree) above(f *folder, holds func(*folder) bool) bool {
	for range mailbox.MaxDepth {
		if f.ParentID == nil {
			return true
		}
		if f = t.byID[*f.ParentID]; !holds(f) {
			return false
		}
	}
	return true
}

// mailCapability is what an account says of its mail (RFC 8621 §1.3.1).
type mailCapability struct {
	MaxMailboxesPerEmail       int      `json:"maxMailboxesPerEmail"`
	MaxMailboxDepth            int      `json:"maxMailboxDepth"`
	MaxSizeMailboxName         int      `json:"maxSizeMailboxName"`
	MaxSizeAttachmentsPerEmail int64    `json:"maxSizeAttachmentsPerEmail"`
	EmailQuerySortOptions      []string `json:"emailQuerySortOptions"`
	MayCreateTopLevelMailbox   bool     `json:"mayCreateTopLevelMailbox"`
}

// accountMail is what the caller's own account says of its mail.
func accountMail(*Server) any {
	options := make([]string, 0, len(sorts))
	for name := range sorts {
		options = append(options, name)
	}
	slices.Sort(options)
	return mailCapability{
		MaxMailboxesPerEmail: 1, MaxMailboxDepth: mailbox.MaxDepth, MaxSizeMailboxName: mailbox.MaxName,
		MaxSizeAttachmentsPerEmail: mail.MaxMessageSize / 78 * 57, // as they are, before base64 in lines makes 78 octets of 57
		EmailQuerySortOptions:      options, MayCreateTopLevelMailbox: true,
	}
}
