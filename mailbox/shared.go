package mailbox

import (
	"context"
	"strings"
	"sync"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Others is the top level below which the mailboxes of others stand, by the owner's address:
// "Other Users/sato@example.jp/Plans" (RFC 2342 §4).
const Others = "Other Users"

// spot is a path as an account means it: whose mailbox, and where there.
type spot struct {
	path    string            // canonical, as this account writes it
	levels  []string          // from the owner's top down
	owner   directory.Account // whose it is
	foreign bool              // it is somebody else's
}

// locate tells what an account means by a path. Invalid as parsePath; NotFound "mailbox.unknown" for a
// mailbox of nobody, or of somebody elsewhere.
func (a *Account) locate(ctx context.Context, op mail.Op, path string) (spot, error) {
	address, below, foreign := cutOthers(path)
	levels, err := parsePath(op, below)
	if err != nil {
		return spot{}, err
	}
	at := spot{path: joinPath(levels), levels: levels, owner: a.account, foreign: foreign}
	if !foreign {
		if levels[0] == Others {
			return spot{}, mail.E(op, mail.NotFound, "mailbox.unknown", at.path)
		}
		return at, nil
	}
	if at.owner, err = a.colleague(ctx, op, address); mail.Is(err, mail.NotFound) {
		return spot{}, mail.E(op, mail.NotFound, "mailbox.unknown", Others+Delimiter+address+Delimiter+at.path)
	}
	at.path = othersPath(at.owner.Address, at.levels)
	return at, err
}

// cutOthers takes a path of somebody else's mailbox apart: the owner's address, and the path as the owner has it.
func cutOthers(path string) (address, below string, ok bool) {
	rest, ok := strings.CutPrefix(path, Others+Delimiter)
	if !ok {
		return "", path, false
	}
	if address, below, ok = strings.Cut(rest, Delimiter); !ok {
		return "", path, false
	}
	return address, below, true
}

// othersPath is the path under which others see a mailbox.
func othersPath(owner mail.Address, levels []string) string {
	return Others + Delimiter + owner.String() + Delimiter + joinPath(levels)
}

// colleague gives the other account of the tenant that has an address. NotFound for whoever is none.
func (a *Account) colleague(ctx context.Context, op mail.Op, address string) (directory.Account, error) {
	acc, err := a.member(ctx, op, address)
	if err == nil && acc.ID == a.account.ID {
		err = mail.E(op, mail.NotFound, "acl.identifier", address)
	}
	return acc, err
}

// member gives the account of the tenant that has an address. NotFound for whoever is none.
func (a *Account) member(ctx context.Context, op mail.Op, address string) (directory.Account, error) {
	unknown := mail.E(op, mail.NotFound, "acl.identifier", address)
	addr, err := mail.ParseAddress(address)
	if err != nil {
		return directory.Account{}, unknown
	}
	target, err := a.service.dir.Resolve(ctx, addr)
	switch {
	case mail.Is(err, mail.NotFound), mail.Is(err, mail.Denied):
		return directory.Account{}, unknown
	case err != nil:
		return directory.Account{}, mail.Wrap(op, err)
	case target.Tenant != a.id.Tenant(), target.Kind != directory.TargetAccount && target.Kind != directory.TargetAlias:
		return directory.Account{}, unknown
	}
	return target.Account, nil
}

// resolve gives the mailbox at a spot with what the account may do with it, which is need at least. NotFound
// "mailbox.unknown", also for a mailbox the account may not know of; Denied "mailbox.no_right".
func (a *Account) resolve(r store.Reader, op mail.Op, at *spot, need Rights) (store.Mailbox, Rights, error) {
	m, err := a.service.paths.find(r, a.id.Tenant(), at.owner.ID, at.levels)
	switch {
	case !at.foreign:
		return m, AllRights, mail.Wrap(op, err)
	case mail.Is(err, mail.NotFound):
		return m, 0, mail.E(op, mail.NotFound, "mailbox.unknown", at.path)
	case err != nil:
		return m, 0, mail.Wrap(op, err)
	}
	rights, err := a.rightsOn(r, m.ID)
	if err == nil && !rights.Has(need) {
		err = rights.deny(op, need, at.path)
	}
	if err != nil {
		return store.Mailbox{}, 0, mail.Wrap(op, err)
	}
	return m, rights, nil
}

// rightsOn gives what the account may do with a mailbox of somebody else.
func (a *Account) rightsOn(r store.Reader, box mail.MailboxID) (Rights, error) {
	mine, err := readGrant(r, box, a.account.ID)
	if err != nil {
		return NoRights, err
	}
	all, err := readGrant(r, box, 0)
	return acl{mine, all}.rights(a.account.ID), err
}

// maxKnownRights is how many mailboxes of others one session remembers its rights on.
const maxKnownRights = 1024

// knownRights are a session's rights on mailboxes of others, as of an epoch of its tenant's objects.
type knownRights struct {
	mu    sync.Mutex
	epoch uint64
	boxes map[mail.MailboxID]Rights
}

// get gives the rights on a mailbox, if they were learned in this epoch.
func (k *knownRights) get(epoch uint64, box mail.MailboxID) (Rights, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rights, ok := k.boxes[box]
	return rights, ok && k.epoch == epoch
}

// put notes rights read in an epoch. Those of another epoch are forgotten.
func (k *knownRights) put(epoch uint64, box mail.MailboxID, rights Rights) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch != epoch || k.boxes == nil || len(k.boxes) >= maxKnownRights {
		k.epoch, k.boxes = epoch, map[mail.MailboxID]Rights{}
	}
	k.boxes[box] = rights
}

// rightsNow gives what the account may do with a mailbox of somebody else, from memory where no object of the
// tenant changed since: a right that is taken away is gone at once, in other processes a second late at most.
func (a *Account) rightsNow(ctx context.Context, op mail.Op, box mail.MailboxID) (rights Rights, err error) {
	epoch := a.tenant.Epoch() // before reading: what changes meanwhile is read again
	if rights, ok := a.known.get(epoch, box); ok {
		return rights, nil
	}
	err = a.view(ctx, op, func(r store.Reader) (err error) {
		rights, err = a.rightsOn(r, box)
		return err
	})
	if err == nil {
		a.known.put(epoch, box, rights)
	}
	return rights, err
}

// mayRead tells whether the account may read a mailbox of somebody else now.
func (a *Account) mayRead(ctx context.Context, op mail.Op, box mail.MailboxID) (bool, error) {
	rights, err := a.rightsNow(ctx, op, box)
	return rights.Has(RightRead), err
}

// access is what an account may do with a selected mailbox.
type access struct {
	foreign bool   // it is somebody else's
	rights  Rights // as known last
}

// Rights are what the account may do with the mailbox, as at the last command that asked.
func (v *View) Rights() Rights { return v.access.rights }

// Foreign tells whether the mailbox is somebody else's.
func (v *View) Foreign() bool { return v.access.foreign }

// allow tells whether the account may do now what needs these rights. Denied "mailbox.no_right"; NotFound
// "mailbox.deleted" for who may not know of the mailbox any more.
func (v *View) allow(ctx context.Context, op mail.Op, need Rights) error {
	if !v.access.foreign {
		return nil
	}
	rights, err := v.account.rightsNow(ctx, op, v.shared.key.box)
	if err != nil {
		return err
	}
	v.access.rights = rights
	switch {
	case rights.Has(need):
		return nil
	case rights&(RightLookup|RightRead) == 0:
		return mail.E(op, mail.NotFound, "mailbox.deleted")
	}
	return mail.E(op, mail.Denied, "mailbox.no_right", (need &^ rights).String())
}

// Watch is Account.Watch for the account the mailbox belongs to.
func (v *View) Watch(ctx context.Context) <-chan mail.ModSeq {
	return v.account.tenant.Watch(ctx, v.base.box.Account)
}

// Keywords lists the keywords of the account the mailbox belongs to; the n-th is flag mail.Keyword(n).
func (v *View) Keywords(ctx context.Context) ([]string, error) {
	return v.account.keywordsOf(ctx, "mailbox.Keywords", v.base.box.Account)
}

// FlagsOf is Account.FlagsOf for the account the mailbox belongs to. Who may not make a keyword known there
// (RightWrite) sets those that are, and is refused only where nothing is left: Denied "mailbox.no_right".
func (v *View) FlagsOf(ctx context.Context, names []string) (mail.Flags, error) {
	const op = "mailbox.FlagsOf"
	if err := v.allow(ctx, op, NoRights); err != nil {
		return 0, err
	}
	if v.access.rights.Has(RightWrite) {
		return v.account.flagsOf(ctx, op, v.base.box.Account, names)
	}
	flags, words, err := splitFlags(op, names)
	if err == nil && len(words) > 0 && flags == 0 {
		err = mail.E(op, mail.Denied, "mailbox.no_right", RightWrite.String())
	}
	return flags, err
}
