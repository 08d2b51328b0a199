package mailbox

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/sieve"
)

// Filter is a script of an account, ready to run. It is shared: don't change it.
type Filter struct {
	Name    string
	ID      mail.ObjectID
	Version uint64 // grows with each change of it
	Script  *sieve.Script
	Broken  *sieve.SyntaxError // why it does not compile, as after an update of the platform; then Script is nil
}

// maxKeptFilters is how many octets of scripts are kept compiled, by their source and what else they take; past it, keeping begins
// anew.
const maxKeptFilters = 8 << 20

// filterCache keeps what was compiled. An entry holds for an epoch of its tenant, and longer if the script is the
// same version then.
type filterCache struct {
	mu     sync.Mutex
	known  map[filterKey]filterEntry
	octets int
}

type filterKey struct {
	tenant mail.TenantID
	script store.Key
}

type filterEntry struct {
	filter *Filter // nil: there is no such script
	epoch  uint64
	size   int
}

func (c *filterCache) get(k filterKey) (filterEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.known[k]
	return e, ok
}

// entrySize is what an entry counts beside its script, in octets.
const entrySize = 512

func (c *filterCache) put(k filterKey, e filterEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.size += entrySize
	if old, ok := c.known[k]; ok {
		c.octets -= old.size
	}
	if c.octets += e.size; c.octets > maxKeptFilters || c.known == nil {
		c.known, c.octets = make(map[filterKey]filterEntry), e.size
	}
	c.known[k] = e
}

// ActiveFilter gives the script that filters an account's mail; nil where none is active.
func (s *Service) ActiveFilter(ctx context.Context, acc *directory.Account) (*Filter, error) {
	return s.filter(ctx, acc, activeKey(acc.ID))
}

// PersonalFilter gives a script of an account by its name, to be included by another (RFC 6609 §3.1); nil where there is
// none.
func (s *Service) PersonalFilter(ctx context.Context, acc *directory.Account, name string) (*Filter, error) {
	name, err := scriptName("mailbox.PersonalFilter", name)
	if err != nil {
		return nil, nil // nothing has such a name
	}
	return s.filter(ctx, acc, scriptKey(acc.ID, name))
}

// filter gives a compiled script, from memory where it did not change.
func (s *Service) filter(ctx context.Context, acc *directory.Account, at store.Key) (*Filter, error) {
	const op = "mailbox.filter"
	tenant := s.store.Tenant(acc.Tenant)
	epoch := tenant.Epoch() // before reading: what changes meanwhile makes the entry stale
	key := filterKey{acc.Tenant, at}
	have, known := s.filters.get(key)
	if known && have.epoch == epoch {
		return have.filter, nil
	}
	var k kept
	err := tenant.View(ctx, func(r store.Reader) (err error) {
		k, err = scriptAt(r, at, "")
		return err
	})
	entry := filterEntry{epoch: epoch}
	switch {
	case mail.Is(err, mail.NotFound):
	case err != nil:
		return nil, mail.Wrap(op, err)
	case known && have.filter != nil && have.filter.ID == k.object.ID && have.filter.Version == k.object.Version:
		entry.filter = have.filter
	default:
		if entry.filter, err = s.compile(&k); err != nil {
			return nil, mail.Wrap(op, err)
		}
	}
	entry.size = len(k.Text)
	if entry.filter != nil && entry.filter.Script != nil {
		entry.size += entry.filter.Script.Memory()
	}
	s.filters.put(key, entry)
	return entry.filter, nil
}

func (s *Service) compile(k *kept) (*Filter, error) {
	f := &Filter{Name: k.Name, ID: k.object.ID, Version: k.object.Version}
	var err error
	if f.Script, err = sieve.Compile([]byte(k.Text), s.cfg.Sieve); err == nil {
		return f, nil
	}
	f.Script = nil
	if !errors.As(err, &f.Broken) {
		return nil, err
	}
	return f, nil
}

// MaxRedirects is to how many addresses a filter may send one message on.
func (s *Service) MaxRedirects() int {
	if n := s.cfg.Sieve.Redirects; n > 0 {
		return n
	}
	return sieve.DefaultLimits().Redirects
}

// HasMailbox tells whether an account has a mailbox at a path.
func (s *Service) HasMailbox(ctx context.Context, acc *directory.Account, path string) (bool, error) {
	const op = "mailbox.HasMailbox"
	levels, err := parsePath(op, path)
	if err != nil {
		return false, nil // nothing has such a name
	}
	err = s.store.Tenant(acc.Tenant).View(ctx, func(r store.Reader) error {
		_, err := s.paths.find(r, acc.Tenant, acc.ID, levels)
		return err
	})
	if mail.Is(err, mail.NotFound) {
		return false, nil
	}
	return err == nil, mail.Wrap(op, err)
}

// HasMailboxID tells whether an account has a mailbox with an id.
func (s *Service) HasMailboxID(ctx context.Context, acc *directory.Account, id mail.MailboxID) (has bool, err error) {
	err = s.store.Tenant(acc.Tenant).View(ctx, func(r store.Reader) error {
		m, err := r.Mailbox(id)
		has = err == nil && m.Account == acc.ID
		if mail.Is(err, mail.NotFound) {
			err = nil
		}
		return err
	})
	return has, mail.Wrap("mailbox.HasMailboxID", err)
}

// MailboxOf gives the path of an account's mailbox with a role; "" where none has it.
func (s *Service) MailboxOf(ctx context.Context, acc *directory.Account, role string) (path string, err error) {
	err = s.store.Tenant(acc.Tenant).View(ctx, func(r store.Reader) error {
		all, err := r.Mailboxes(acc.ID)
		for _, f := range foldersOf(all) {
			if f.Role == role && role != "" {
				path = f.Path
			}
		}
		return err
	})
	return path, mail.Wrap("mailbox.MailboxOf", err)
}

// Annotation gives an entry of one of an account's own mailboxes, or of the server where path is empty, as the account sees
// it (RFC 5464); not ok where there is none.
func (s *Service) Annotation(ctx context.Context, acc *directory.Account, path, entry string) (value string, ok bool, err error) {
	const op = "mailbox.Annotation"
	name, err := entryName(op, entry)
	if err != nil {
		return "", false, nil // nothing has such a name
	}
	a := &Account{service: s, account: *acc}
	err = s.store.Tenant(acc.Tenant).View(ctx, func(r store.Reader) (err error) {
		var f Folder
		if path != "" {
			levels, err := parsePath(op, path)
			if err != nil {
				return err
			}
			if f.Mailbox, err = s.paths.find(r, acc.Tenant, acc.ID, levels); err != nil {
				return err
			}
		}
		all := annotations{}
		a.addFixed(all, &f)
		for _, of := range []annotated{a.sharedBy(&f.Mailbox), a.private(&f.Mailbox)} {
			set, _, _, err := of.read(r)
			if err != nil {
				return err
			}
			maps.Copy(all, set)
		}
		octets, has := all[name]
		value, ok = string(octets), has
		return nil
	})
	if mail.Is(err, mail.NotFound) || mail.Is(err, mail.Invalid) {
		return "", false, nil
	}
	return value, ok, mail.Wrap(op, err)
}

// Filing is a message to be put where a filter wants it.
type Filing struct {
	NewMail
	Role     string         // the mailbox with this role is preferred to Folder; "" = Folder
	ID       mail.MailboxID // the mailbox with this id is preferred to both; zero: none is
	Create   bool           // Folder is made, and subscribed, where it is missing (RFC 5490 §3.2)
	Keywords []string       // names of flags beside Flags; what cannot be one is left out
	// Have are the mailboxes that the message was put into already: none gets it twice (RFC 5228 §2.10.3).
	Have []mail.MailboxID
}

// errHave says that a mailbox has the message already.
var errHave = errors.New("mailbox: the message is there")

// File puts a message where a filter wants it, and into the inbox where there is no such mailbox, inside the
// transaction of a carrier. Without id where the mailbox has it already. Full "box.full" (SV-5); NotFound "mailbox.unknown" for an account that has gone.
func (s *Service) File(tx store.Tx, acc *directory.Account, f Filing) (Delivered, error) {
	flags, err := filingFlags(tx, acc.ID, f.Keywords)
	if err != nil {
		return Delivered{}, mail.Wrap("mailbox.File", err)
	}
	f.Flags |= flags
	n := f.NewMail
	n.Folder = ""
	done, err := deliver(tx, *acc, n, func(r store.Reader, id mail.AccountID, inbox []string) (store.Mailbox, error) {
		m, err := s.filed(tx, acc, &f)
		switch mail.KindOf(err) {
		case mail.NotFound, mail.Invalid, mail.Conflict, mail.Full: // not what the script thought: nothing is lost
			m, err = s.paths.find(r, acc.Tenant, id, inbox)
		}
		if err == nil && slices.Contains(f.Have, m.ID) {
			err = errHave
		}
		return m, err
	})
	if errors.Is(err, errHave) {
		return Delivered{}, nil
	}
	s.texts.grew(textAccount{acc.Tenant, acc.ID}, 1)
	return done, err
}

// filed finds or makes the mailbox that a filter wants.
func (s *Service) filed(tx store.Tx, acc *directory.Account, f *Filing) (store.Mailbox, error) {
	const op = "mailbox.File"
	if !f.ID.IsZero() {
		m, err := tx.Mailbox(f.ID)
		if err == nil && m.Account == acc.ID {
			return m, nil
		}
		if err != nil && !mail.Is(err, mail.NotFound) {
			return m, err
		}
	}
	if f.Role == "" && f.Folder == "" {
		return s.paths.find(tx, acc.Tenant, acc.ID, []string{Inbox})
	}
	if f.Role != "" {
		all, err := tx.Mailboxes(acc.ID)
		if i := slices.IndexFunc(all, func(m store.Mailbox) bool { return m.Role == f.Role }); i >= 0 || err != nil {
			return at(all, i), err
		}
	}
	levels, err := parsePath(op, f.Folder)
	if err != nil {
		return store.Mailbox{}, err
	}
	if levels[0] == Others { // a filter files into the account's own mailboxes
		return store.Mailbox{}, mail.E(op, mail.NotFound, "mailbox.unknown", f.Folder)
	}
	m, err := s.paths.find(tx, acc.Tenant, acc.ID, levels)
	if !f.Create || !mail.Is(err, mail.NotFound) {
		return m, err
	}
	all, err := tx.Mailboxes(acc.ID)
	if err != nil {
		return m, err
	}
	if m, err = (&Account{service: s, account: *acc}).makeLevels(tx, op, all, "", &spot{path: f.Folder, levels: levels, owner: *acc}); err != nil {
		return m, err
	}
	m.Subscribed = true
	return m, tx.SetMailbox(m)
}

// at gives the mailbox at an index, none for an index below 0.
func at(all []store.Mailbox, i int) store.Mailbox {
	if i < 0 {
		return store.Mailbox{}
	}
	return all[i]
}

// filingFlags gives the flags of names, making keywords known. A name that cannot be a flag, and a keyword too many, are left
// out: that is no reason to lose sight of the message.
func filingFlags(tx store.Tx, id mail.AccountID, names []string) (flags mail.Flags, err error) {
	for _, name := range names {
		bit, system := systemFlags[strings.ToLower(name)]
		if !system {
			if !keyword(name) {
				continue
			}
			bit, err = tx.AddKeyword(id, name)
			if mail.Is(err, mail.Full) {
				continue
			}
			if err != nil {
				return 0, err
			}
		}
		flags |= bit
	}
	return flags, nil
}

// Room tells inside a transaction whether a message of size octets may go into a box (SV-5): Full "box.full". It is for mail
// that a filter will put there.
func Room(r store.Reader, acc *directory.Account, n *NewMail) error {
	const op = "mailbox.Room"
	box, err := r.Box(acc.ID)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return room(op, box, n.Blob.Size, n.allowed(acc.Quota))
}
