package mailbox

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Mailbox is a folder as the store keeps it, with its counters.
type Mailbox = store.Mailbox

// Folder is a mailbox with its place in the account.
type Folder struct {
	Mailbox
	// Path is the canonical path: UTF-8 in NFC, "/" between levels, "INBOX" for the inbox.
	Path string
	// HasChildren tells whether there are mailboxes below. Only Folders fills it in.
	HasChildren bool
	// Rights are what the account may do with it.
	Rights Rights
	// Foreign tells that it is somebody else's.
	Foreign bool
	// Missing tells that there is no such mailbox: it is a name that was subscribed, or a level above mailboxes of others.
	// Only List gives such.
	Missing bool
}

// Folders lists the account's mailboxes with their counters: the inbox first, then by path, each before those below it.
func (a *Account) Folders(ctx context.Context) ([]Folder, error) {
	var all []store.Mailbox
	err := a.view(ctx, "mailbox.Folders", func(r store.Reader) (err error) {
		all, err = r.Mailboxes(a.account.ID)
		return err
	})
	return foldersOf(all), err
}

// foldersOf gives mailboxes their paths and puts them in order.
func foldersOf(all []store.Mailbox) []Folder {
	byID := make(map[mail.MailboxID]*store.Mailbox, len(all))
	parents := make(map[mail.MailboxID]bool, len(all))
	for i := range all {
		byID[all[i].ID] = &all[i]
		parents[all[i].Parent] = true
	}
	folders := make([]Folder, len(all))
	for i := range all {
		folders[i] = Folder{Mailbox: all[i], Path: joinPath(levelsOf(byID, &all[i])), HasChildren: parents[all[i].ID], Rights: AllRights}
	}
	slices.SortFunc(folders, byPath)
	return folders
}

// levelsOf gives the names from the top down to a mailbox.
func levelsOf(byID map[mail.MailboxID]*store.Mailbox, m *store.Mailbox) []string {
	var levels []string
	for m != nil && len(levels) <= MaxDepth {
		levels = append(levels, m.Name)
		m = byID[m.Parent]
	}
	slices.Reverse(levels)
	return levels
}

// byPath orders the inbox and what is below it before all others, and parents before their children.
func byPath(a, b Folder) int {
	la, lb := strings.Split(a.Path, Delimiter), strings.Split(b.Path, Delimiter)
	if inA, inB := la[0] == Inbox, lb[0] == Inbox; inA != inB {
		return cmp.Compare(boolRank(inA), boolRank(inB))
	}
	return slices.Compare(la, lb)
}

// boolRank puts true first.
func boolRank(b bool) int {
	if b {
		return 0
	}
	return 1
}

// Folder gives the mailbox at a path, with its counters, if the account may read it. NotFound "mailbox.unknown",
// Denied "mailbox.no_right".
func (a *Account) Folder(ctx context.Context, path string) (Folder, error) {
	return a.FolderFor(ctx, path, RightRead)
}

// FolderFor is Folder for something that needs other rights.
func (a *Account) FolderFor(ctx context.Context, path string, need Rights) (Folder, error) {
	const op = "mailbox.Folder"
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return Folder{}, err
	}
	f := Folder{Path: at.path, Foreign: at.foreign}
	err = a.view(ctx, op, func(r store.Reader) (err error) {
		f.Mailbox, f.Rights, err = a.resolve(r, op, &at, need)
		return err
	})
	return f, err
}

// Create makes a mailbox and the missing ones above it, each with the access control list of the one above it
// (RFC 4314 §4). role is "" or a role of RFC 8621 §2. A delimiter at the end of path says that there will be
// mailboxes below and is dropped (RFC 9051 §6.3.4). The mailbox is not subscribed. Conflict "mailbox.exists" or
// "mailbox.role_taken", Invalid "mailbox.role", Denied "mailbox.reserved" or "mailbox.no_right" (RightCreate on the
// nearest mailbox above), Full "mailbox.too_many".
func (a *Account) Create(ctx context.Context, path, role string) (Folder, error) {
	const op = "mailbox.Create"
	at, err := a.locateNew(ctx, op, strings.TrimSuffix(path, Delimiter))
	if err != nil {
		return Folder{}, err
	}
	if role != "" && (at.foreign || UseOf(role) == "") {
		return Folder{}, mail.E(op, mail.Invalid, "mailbox.role", role)
	}
	f := Folder{Path: at.path, Rights: AllRights, Foreign: at.foreign}
	err = a.update(ctx, op, func(tx store.Tx) (err error) {
		f.Mailbox, err = a.create(tx, op, &at, role)
		if err == nil && at.foreign {
			f.Rights, err = a.rightsOn(tx, f.ID)
		}
		return err
	})
	return f, err
}

// locateNew is locate for a mailbox that is to be made. Denied "mailbox.reserved" where nobody can have one.
func (a *Account) locateNew(ctx context.Context, op mail.Op, path string) (spot, error) {
	at, err := a.locate(ctx, op, path)
	if mail.Is(err, mail.NotFound) {
		err = mail.E(op, mail.Denied, "mailbox.reserved", Others)
	}
	return at, err
}

// create makes a mailbox and the missing ones above it.
func (a *Account) create(tx store.Tx, op mail.Op, at *spot, role string) (store.Mailbox, error) {
	all, err := tx.Mailboxes(at.owner.ID)
	if err != nil {
		return store.Mailbox{}, err
	}
	if slices.ContainsFunc(all, func(m store.Mailbox) bool { return role != "" && m.Role == role }) {
		return store.Mailbox{}, mail.E(op, mail.Conflict, "mailbox.role_taken", role)
	}
	if err := a.mayCreate(tx, op, all, at); err != nil {
		return store.Mailbox{}, err
	}
	return a.makeLevels(tx, op, all, role, at)
}

// mayCreate tells whether the account may make a mailbox at a spot: it needs RightCreate on the nearest above it.
func (a *Account) mayCreate(r store.Reader, op mail.Op, all []store.Mailbox, at *spot) error {
	if !at.foreign {
		return nil
	}
	above, depth := descend(all, at.levels[:len(at.levels)-1])
	rights := NoRights
	if depth > 0 {
		var err error
		if rights, err = a.rightsOn(r, above.ID); err != nil {
			return err
		}
	}
	if !rights.Has(RightCreate) {
		return rights.deny(op, RightCreate, at.path)
	}
	return nil
}

// makeLevels makes the mailbox at a spot with a role, and those missing above it. all are the owner's mailboxes.
func (a *Account) makeLevels(tx store.Tx, op mail.Op, all []store.Mailbox, role string, at *spot) (store.Mailbox, error) {
	m, depth := descend(all, at.levels)
	switch {
	case depth == len(at.levels):
		return m, mail.E(op, mail.Conflict, "mailbox.exists", at.path)
	case len(all)+len(at.levels)-depth > a.service.cfg.MaxMailboxes:
		return m, mail.E(op, mail.Full, "mailbox.too_many", a.service.cfg.MaxMailboxes)
	}
	var inherited acl
	if depth > 0 {
		var err error
		if inherited, err = readACL(tx, m.ID); err != nil {
			return m, err
		}
	}
	for ; depth < len(at.levels); depth++ {
		next := store.Mailbox{Account: at.owner.ID, Parent: m.ID, Name: at.levels[depth]}
		if depth == len(at.levels)-1 {
			next.Role = role
		}
		var err error
		if m, err = tx.CreateMailbox(next); err != nil {
			return m, err
		}
		if err := inherited.inherit(tx, &m); err != nil {
			return m, err
		}
		if err := takeName(tx, &m, at.levels[:depth+1]); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Delete removes a mailbox and the messages in it, with its access control list and annotations. Denied "mailbox.inbox" for the
// inbox, Denied "mailbox.no_right" without RightRemove, Conflict "mailbox.has_children" while there are mailboxes
// below: of what RFC 9051 §6.3.5 allows, this is the way that leaves no names without a mailbox.
func (a *Account) Delete(ctx context.Context, path string) error {
	const op = "mailbox.Delete"
	at, err := a.locate(ctx, op, path)
	switch {
	case err != nil:
		return err
	case isInbox(at.levels) && !at.foreign:
		return mail.E(op, mail.Denied, "mailbox.inbox")
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		m, _, err := a.resolve(tx, op, &at, RightRemove)
		switch {
		case err != nil:
			return err
		case isInbox(at.levels):
			return mail.E(op, mail.Denied, "mailbox.inbox")
		}
		if err := tx.DeleteMailbox(m.ID); err != nil {
			return err
		}
		if err := keepName(tx, &m, at.levels); err != nil {
			return err
		}
		if err := dropOf(tx, directory.KindGrant, m.ID); err != nil {
			return err
		}
		return dropOf(tx, directory.KindAnnotation, m.ID)
	})
}
