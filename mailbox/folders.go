package mailbox

import (
	"cmp"
	"context"
	"slices"
	"strings"

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
}

// roles are those a user may give to a new mailbox (RFC 8621 §2; RFC 6154 §2 without \All and
// \Flagged, which are views and no mailboxes here).
var roles = []string{"archive", "drafts", "junk", "sent", "trash"}

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
		folders[i] = Folder{Mailbox: all[i], Path: joinPath(levelsOf(byID, &all[i])), HasChildren: parents[all[i].ID]}
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

// Folder gives the mailbox at a path, with its counters. NotFound "mailbox.unknown".
func (a *Account) Folder(ctx context.Context, path string) (Folder, error) {
	const op = "mailbox.Folder"
	levels, err := parsePath(op, path)
	if err != nil {
		return Folder{}, err
	}
	f := Folder{Path: joinPath(levels)}
	err = a.view(ctx, op, func(r store.Reader) (err error) {
		f.Mailbox, err = a.resolve(r, levels)
		return err
	})
	return f, err
}

// Create makes a mailbox and the missing ones above it. role is "" or a role of RFC 8621 §2. A
// delimiter at the end of path says that there will be mailboxes below and is dropped
// (RFC 9051 §6.3.4). The mailbox is not subscribed. Conflict "mailbox.exists" or
// "mailbox.role_taken", Invalid "mailbox.role", Full "mailbox.too_many".
func (a *Account) Create(ctx context.Context, path, role string) (Folder, error) {
	const op = "mailbox.Create"
	levels, err := parsePath(op, strings.TrimSuffix(path, Delimiter))
	if err != nil {
		return Folder{}, err
	}
	if role != "" && !slices.Contains(roles, role) {
		return Folder{}, mail.E(op, mail.Invalid, "mailbox.role", role)
	}
	f := Folder{Path: joinPath(levels)}
	err = a.update(ctx, op, func(tx store.Tx) (err error) {
		f.Mailbox, err = a.create(tx, op, levels, role)
		return err
	})
	return f, err
}

// create makes a mailbox and the missing ones above it.
func (a *Account) create(tx store.Tx, op mail.Op, levels []string, role string) (store.Mailbox, error) {
	all, err := tx.Mailboxes(a.account.ID)
	if err != nil {
		return store.Mailbox{}, err
	}
	if slices.ContainsFunc(all, func(m store.Mailbox) bool { return role != "" && m.Role == role }) {
		return store.Mailbox{}, mail.E(op, mail.Conflict, "mailbox.role_taken", role)
	}
	return a.makeLevels(tx, op, all, role, levels)
}

// makeLevels makes the mailbox at a path with a role, and those missing above it. all are the account's mailboxes.
func (a *Account) makeLevels(tx store.Tx, op mail.Op, all []store.Mailbox, role string, levels []string) (store.Mailbox, error) {
	at, depth := descend(all, levels)
	switch {
	case depth == len(levels):
		return at, mail.E(op, mail.Conflict, "mailbox.exists", joinPath(levels))
	case len(all)+len(levels)-depth > a.service.cfg.MaxMailboxes:
		return at, mail.E(op, mail.Full, "mailbox.too_many", a.service.cfg.MaxMailboxes)
	}
	for ; depth < len(levels); depth++ {
		m := store.Mailbox{Account: a.account.ID, Parent: at.ID, Name: levels[depth]}
		if depth == len(levels)-1 {
			m.Role = role
		}
		var err error
		if at, err = tx.CreateMailbox(m); err != nil {
			return at, err
		}
	}
	return at, nil
}

// Subscribe sets whether a mailbox is among those the user wants to see (RFC 9051 §6.3.7). NotFound "mailbox.unknown".
func (a *Account) Subscribe(ctx context.Context, path string, on bool) error {
	const op = "mailbox.Subscribe"
	levels, err := parsePath(op, path)
	if err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		m, err := a.resolve(tx, levels)
		if err != nil || m.Subscribed == on {
			return err
		}
		m.Subscribed = on
		return tx.SetMailbox(m)
	})
}

// Delete removes a mailbox and the messages in it. Denied "mailbox.inbox" for the inbox, Conflict
// "mailbox.has_children" while there are mailboxes below: of what RFC 9051 §6.3.5 allows, this is
// the way that leaves no names without a mailbox.
func (a *Account) Delete(ctx context.Context, path string) error {
	const op = "mailbox.Delete"
	levels, err := parsePath(op, path)
	switch {
	case err != nil:
		return err
	case isInbox(levels):
		return mail.E(op, mail.Denied, "mailbox.inbox")
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		m, err := a.resolve(tx, levels)
		if err != nil {
			return err
		}
		return tx.DeleteMailbox(m.ID)
	})
}
