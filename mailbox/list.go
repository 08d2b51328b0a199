package mailbox

import (
	"context"
	"maps"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// List lists all that the account may know of: its own mailboxes, names it subscribed to whose mailbox is gone, and the
// mailboxes of others it may look up (RFC 4314 §4), with the levels above them. Order is that of Folders.
//
// Who shares nothing pays two look-ups for it, once in a session as long as no object of the tenant changes.
func (a *Account) List(ctx context.Context) ([]Folder, error) {
	const op = "mailbox.List"
	shares, err := a.shares(ctx, op)
	if err != nil {
		return nil, err
	}
	var folders []Folder
	err = a.view(ctx, op, func(r store.Reader) error {
		own, err := r.Mailboxes(a.account.ID)
		if err != nil {
			return err
		}
		names, _, err := readSubscriptions(r, a.account.ID)
		if err != nil {
			return err
		}
		folders = foldersOf(own)
		if len(shares) == 0 && len(names.Names) == 0 {
			return nil
		}
		others, err := foldersOfOthers(r, shares)
		folders = names.addTo(append(folders, others...))
		return err
	})
	if err != nil || !slices.ContainsFunc(folders, func(f Folder) bool { return f.Foreign }) {
		return folders, err
	}
	folders = append(folders, levelsAbove(folders)...)
	slices.SortFunc(folders, byPath)
	markParents(folders)
	return folders, nil
}

// share is a mailbox of somebody else's that the account has rights on.
type share struct {
	box    mail.MailboxID
	owner  mail.Address
	of     mail.AccountID
	rights Rights
	wanted bool // the account is subscribed to it
}

// knownShares are the shares a session knows, as of an epoch.
type knownShares struct {
	epoch  uint64
	shares []share
}

// shares gives the mailboxes of others that the account may look up, from memory where no object of the tenant changed.
func (a *Account) shares(ctx context.Context, op mail.Op) ([]share, error) {
	epoch := a.tenant.Epoch() // before reading: what changes meanwhile is read again
	if known := a.listed.Load(); known != nil && known.epoch == epoch {
		return known.shares, nil
	}
	boxes := map[mail.MailboxID]*sharedBox{}
	var names subscriptions
	err := a.view(ctx, op, func(r store.Reader) (err error) {
		clear(boxes)
		for _, who := range []mail.AccountID{a.account.ID, 0} {
			if err := a.gatherGrants(r, who, boxes); err != nil {
				return err
			}
		}
		if len(boxes) > 0 {
			names, _, err = readSubscriptions(r, a.account.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	known := &knownShares{epoch: epoch}
	if known.shares, err = a.withOwners(ctx, op, boxes); err == nil {
		for i := range known.shares {
			known.shares[i].wanted = names.at(known.shares[i].box, "") >= 0
		}
		a.listed.Store(known)
	}
	return known.shares, err
}

// sharedBox is what the grants say of one mailbox.
type sharedBox struct {
	owner  mail.AccountID
	grants acl
}

// gatherGrants reads all grants for the account, or for anyone, on mailboxes of others.
func (a *Account) gatherGrants(r store.Reader, who mail.AccountID, boxes map[mail.MailboxID]*sharedBox) error {
	for page := (store.Page{}); ; {
		objects, err := r.Marked(directory.KindGrant, sharedTo(who), page)
		if err != nil {
			return err
		}
		for _, o := range objects {
			g, box, err := parseGrant(o)
			if err != nil {
				return err
			}
			if page.After = o.ID; g.owner == a.account.ID {
				continue
			}
			if boxes[box] == nil {
				boxes[box] = &sharedBox{owner: g.owner}
			}
			boxes[box].grants = append(boxes[box].grants, g)
		}
		if len(objects) < store.MaxPage {
			return nil
		}
	}
}

// withOwners gives those of the mailboxes that the account may look up, with their owners' addresses.
func (a *Account) withOwners(ctx context.Context, op mail.Op, boxes map[mail.MailboxID]*sharedBox) ([]share, error) {
	company := a.service.dir.Company(a.id.Tenant())
	owners := map[mail.AccountID]mail.Address{}
	var shares []share
	for _, box := range slices.Sorted(maps.Keys(boxes)) {
		b := boxes[box]
		rights := b.grants.rights(a.account.ID)
		if !rights.Has(RightLookup) {
			continue
		}
		if _, ok := owners[b.owner]; !ok {
			acc, err := company.Account(ctx, b.owner)
			if err != nil && !mail.Is(err, mail.NotFound) { // the account went away meanwhile, and its mailboxes
				return nil, mail.Wrap(op, err)
			}
			if acc.State == directory.AccountDeleted { // nobody opens its mailboxes, so nobody lists them
				acc.Address = mail.Address{}
			}
			owners[b.owner] = acc.Address
		}
		if address := owners[b.owner]; !address.IsNull() {
			shares = append(shares, share{box: box, owner: address, of: b.owner, rights: rights})
		}
	}
	return shares, nil
}

// foldersOfOthers reads the mailboxes of shares. One that is gone meanwhile is left out.
func foldersOfOthers(r store.Reader, shares []share) ([]Folder, error) {
	folders := make([]Folder, 0, len(shares))
	for _, s := range shares {
		m, err := r.Mailbox(s.box)
		if mail.Is(err, mail.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		levels, err := climb(r, m)
		if err != nil {
			return nil, err
		}
		m.Subscribed, m.Role = false, "" // they are the owner's
		folders = append(folders, Folder{Mailbox: m, Path: othersPath(s.owner, levels), Rights: s.rights, Foreign: true})
	}
	return folders, nil
}

// climb gives the names from the top down to a mailbox, reading a row for each level.
func climb(r store.Reader, m Mailbox) (levels []string, err error) {
	for levels = []string{m.Name}; m.Parent != 0 && len(levels) <= MaxDepth; levels = append(levels, m.Name) {
		if m, err = r.Mailbox(m.Parent); err != nil {
			return nil, err
		}
	}
	slices.Reverse(levels)
	return levels, nil
}

// levelsAbove gives the levels above foreign mailboxes that are no mailboxes the account may know of.
func levelsAbove(folders []Folder) (levels []Folder) {
	there := make(map[string]bool, len(folders))
	for i := range folders {
		there[folders[i].Path] = true
	}
	for i := range folders {
		if !folders[i].Foreign {
			continue
		}
		for path := folders[i].Path; ; {
			cut := strings.LastIndex(path, Delimiter)
			if cut < 0 || there[path[:cut]] {
				break
			}
			path = path[:cut]
			there[path] = true
			levels = append(levels, Folder{Path: path, Foreign: true, Missing: true})
		}
	}
	return levels
}

// markParents notes which of the foreign folders have mailboxes below; parents stand before their children.
func markParents(folders []Folder) {
	index := make(map[string]int, len(folders))
	for i := range folders {
		index[folders[i].Path] = i
	}
	for i := len(folders) - 1; i >= 0; i-- {
		f := &folders[i]
		cut := strings.LastIndex(f.Path, Delimiter)
		if !f.Foreign || cut < 0 || f.Missing && !f.HasChildren {
			continue
		}
		folders[index[f.Path[:cut]]].HasChildren = true
	}
}
