package directory

import (
	"context"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// AccountState is what an account may do.
type AccountState string

// States of an account.
const (
	AccountActive    AccountState = "active"
	AccountSuspended AccountState = "suspended" // no sign-in; mail still comes in
	// AccountDeleted: no sign-in, no mail; its addresses stay its own. It can be restored within Grace of Deleted, then it is destroyed.
	AccountDeleted AccountState = "deleted"
)

// Account is one ID: one mail address and one box. Its slices are shared: don't change them.
type Account struct {
	ID      mail.AccountID
	Version uint64 // grows with each change; 0 from where it isn't known
	Tenant  mail.TenantID
	Domain  mail.DomainID
	Address mail.Address
	Aliases []mail.Address
	Name    string // of Profile, for the reader
	Profile Profile
	Hidden  bool            // not in the address book of the domain (ML-6)
	Shared  bool            // a shared mailbox: nobody signs in to it, Seats say who works in it
	Seats   []Seat          // of a shared mailbox
	Groups  []mail.ObjectID // that it is in, ascending
	Switches
	State   AccountState
	Deleted time.Time  // when State became AccountDeleted
	Quota   int64      // octets, by the domain's plan (SV-4)
	Lang    string     // "ja" or "en"
	Grants  []Grant    // what it may do beside using its own mail (CP-6)
	Forward Forwarding // ML-5
	Filter  bool       // it has an active script, which says what becomes of its mail (ML-12)
	// Redirects are whereto that script sends mail on.
	Redirects Redirects
	// MustChange: its password was given out by an administrator, and must be changed before anything else is done with it.
	MustChange bool
	LastSignIn time.Time // to the day; zero = never
	// SendingStopped says why the account may not send, as a key of the catalogue; "" = it may.
	SendingStopped string
	// Spam is what is decided about its unwanted mail in place of the domain's settings.
	Spam FilterOverride
}

// Owns tells whether an address is the account's own or one of its aliases.
func (a *Account) Owns(addr mail.Address) bool {
	return sameAddress(a.Address, addr) ||
		slices.ContainsFunc(a.Aliases, func(alias mail.Address) bool { return sameAddress(alias, addr) })
}

func sameAddress(a, b mail.Address) bool {
	return a.Domain == b.Domain && strings.EqualFold(a.Local, b.Local)
}

// Has tells whether the account has a role, in the whole company or a part of it.
func (a *Account) Has(r Role) bool { return slices.Contains(a.Roles(), r) }

// Roles lists the account's roles, each once.
func (a *Account) Roles() []Role { return rolesOf(a.Grants) }

// May tells whether the account, while it is active, has a right on what stands in a place of its company.
func (a *Account) May(right Right, in Place) bool {
	return a.State == AccountActive && (&Caller{grants: a.Grants}).MayIn(right, in)
}

// AccountSpec asks for an account.
type AccountSpec struct {
	Address  mail.Address
	Name     string // of Profile, for who knows nothing else; "" = Profile's
	Password string // "" = nobody can sign in until one is set
	Lang     string // "" = the tenant's
	Roles    []Role // in the whole company
	Profile  Profile
	Aliases  []mail.Address // further addresses in domains of the tenant
	Groups   []mail.ObjectID
	Hidden   bool // not in the address book
	Shared   bool // a shared mailbox: no password and no roles
	// MustChange: Password is an initial one, to be changed at the first sign-in.
	MustChange bool
}

// Limits of accounts.
const (
	// MaxBulk is how many accounts one AddAccounts makes (CP-5).
	MaxBulk = 10_000
	// MaxAliases is how many aliases an account has.
	MaxAliases = 100
)

// accountDoc is an account as stored.
type accountDoc struct {
	Address mail.Address   `json:"address"`
	Aliases []mail.Address `json:"aliases,omitempty"`
	Domain  mail.DomainID  `json:"domain"`
	Profile Profile        `json:"profile,omitzero"`
	State   AccountState   `json:"state"`
	Lang    string         `json:"lang"`
	Grants  []Grant        `json:"grants,omitempty"`
	Forward Forwarding     `json:"forward,omitzero"`
	Filter  bool           `json:"filter,omitempty"`

	Hidden bool            `json:"hidden,omitempty"`
	Shared bool            `json:"shared,omitempty"`
	Seats  []Seat          `json:"seats,omitempty"`
	Groups []mail.ObjectID `json:"groups,omitempty"`
	Switches
	Deleted        time.Time      `json:"deleted,omitzero"`
	Was            AccountState   `json:"was,omitempty"` // State before AccountDeleted
	MustChange     bool           `json:"mustChange,omitempty"`
	LastSignIn     time.Time      `json:"lastSignIn,omitzero"`
	Redirects      Redirects      `json:"redirects,omitzero"`
	SendingStopped string         `json:"sendingStopped,omitempty"`
	Spam           FilterOverride `json:"spam,omitzero"`
}

// account joins the document with what its domain says.
func (d *accountDoc) account(id mail.AccountID, tenant mail.TenantID, plan Plan) Account {
	return Account{
		ID: id, Tenant: tenant, Domain: d.Domain, Address: d.Address, Aliases: d.Aliases,
		Name: d.Profile.Name(), Profile: d.Profile, Hidden: d.Hidden, Shared: d.Shared, Seats: d.Seats, Groups: d.Groups, Switches: d.Switches,
		State: d.State, Deleted: d.Deleted, Quota: int64(plan), Lang: d.Lang, Grants: d.Grants,
		Forward: d.Forward, Filter: d.Filter, Redirects: d.Redirects, MustChange: d.MustChange, LastSignIn: d.LastSignIn, SendingStopped: d.SendingStopped, Spam: d.Spam,
	}
}

// place is where the account stands, for scoped roles.
func (d *accountDoc) place() Place { return Place{Domain: d.Domain, Groups: d.Groups} }

// readAccount gives an account's document and version. NotFound "account.unknown".
func readAccount(r store.Reader, id mail.AccountID) (doc accountDoc, version uint64, err error) {
	o, err := r.Object(kindAccount, mail.ObjectID(id))
	if mail.Is(err, mail.NotFound) {
		return doc, 0, mail.E("directory.readAccount", mail.NotFound, "account.unknown", id.String())
	}
	if err != nil {
		return doc, 0, err
	}
	return doc, o.Version, read(o, &doc)
}

// putAccount writes an account under all its addresses. Conflict "address.taken".
func putAccount(tx store.Tx, id mail.AccountID, doc accountDoc, version uint64) error {
	o := store.Object{Kind: kindAccount, ID: mail.ObjectID(id), Version: version}
	o.Unique = append(o.Unique, addressKey(doc.Address))
	for _, a := range doc.Aliases {
		o.Unique = append(o.Unique, addressKey(a))
	}
	o.Marks = doc.marks()
	return taken(put(tx, o, doc), "address.taken")
}

// marks are by what an account is found. One that was deleted is found in the trash only: it counts as no ID (ML-1) and has no role.
func (d *accountDoc) marks() []store.Key {
	if d.State == AccountDeleted {
		return []store.Key{inTrash, trashOf(d.Domain)}
	}
	marks := []store.Key{inDomain(d.Domain)}
	for _, r := range rolesOf(d.Grants) {
		marks = append(marks, hasRole(r))
	}
	for _, g := range d.Groups {
		marks = append(marks, inGroup(g))
	}
	for _, s := range d.Seats {
		marks = append(marks, seatOf(s.Account))
	}
	if d.Profile.Department != "" {
		marks = append(marks, inDepartment(d.Profile.Department))
	}
	return marks
}

// domainID finds a domain without counting its accounts. NotFound "domain.unknown".
func domainID(r store.Reader, name string) (mail.DomainID, error) {
	o, err := r.ObjectByKey(domainKey(name))
	if mail.Is(err, mail.NotFound) || err == nil && o.Kind != kindDomain {
		return 0, mail.E("directory.domainID", mail.NotFound, "domain.unknown", name)
	}
	return mail.DomainID(o.ID), err
}

// planOf gives the plan of a domain.
func planOf(r store.Reader, id mail.DomainID) (Plan, error) {
	o, err := r.Object(kindDomain, mail.ObjectID(id))
	if err != nil {
		return 0, mail.Wrap("directory.planOf", err)
	}
	d, err := domainOf(o)
	return d.Plan, err
}

// Account gives one account. NotFound "account.unknown".
func (c *Company) Account(ctx context.Context, id mail.AccountID) (a Account, err error) {
	err = c.view(ctx, "directory.Account", func(r store.Reader) error {
		a, err = c.readFull(r, id)
		return err
	})
	return a, err
}

func (c *Company) readFull(r store.Reader, id mail.AccountID) (Account, error) {
	doc, version, err := readAccount(r, id)
	if err != nil {
		return Account{}, err
	}
	plan, err := planOf(r, doc.Domain)
	a := doc.account(id, c.id, plan)
	a.Version = version
	return a, err
}

// Find gives the account that has an address, as its own or as an alias. NotFound "account.unknown".
func (c *Company) Find(ctx context.Context, addr mail.Address) (a Account, err error) {
	err = c.view(ctx, "directory.Find", func(r store.Reader) error {
		o, err := r.ObjectByKey(addressKey(addr))
		if mail.Is(err, mail.NotFound) || err == nil && o.Kind != kindAccount {
			return mail.E("directory.Find", mail.NotFound, "account.unknown", addr.String())
		}
		if err != nil {
			return err
		}
		a, err = c.readFull(r, mail.AccountID(o.ID))
		return err
	})
	return a, err
}

// AccountPage asks for a part of the list of accounts.
type AccountPage struct {
	Domain string         // "" = all domains
	Role   Role           // "" = all; heeded where Domain is ""
	After  mail.AccountID // begin behind this one
	Limit  int            // 1 to store.MaxPage; 0 = store.MaxPage
}

// Accounts lists accounts in order of ID, without the deleted.
func (c *Company) Accounts(ctx context.Context, p AccountPage) ([]Account, error) {
	limit := p.Limit
	if limit <= 0 || limit > store.MaxPage {
		limit = store.MaxPage
	}
	var all []Account
	err := c.view(ctx, "directory.Accounts", func(r store.Reader) error {
		all = make([]Account, 0, limit)
		plans := make(map[mail.DomainID]Plan)
		for from := p; len(all) < limit; {
			from.Limit = limit
			objects, err := listAccounts(r, from)
			if err != nil {
				return err
			}
			for _, o := range objects[:min(len(objects), limit)] {
				a, err := c.accountOf(r, o, plans)
				if err != nil {
					return err
				}
				if from.After = a.ID; a.State != AccountDeleted && len(all) < limit {
					all = append(all, a)
				}
			}
			if len(objects) < limit {
				return nil
			}
		}
		return nil
	})
	return all, err
}

// accountOf takes an account's object apart. plans are those of domains, known already.
func (c *Company) accountOf(r store.Reader, o store.Object, plans map[mail.DomainID]Plan) (Account, error) {
	var doc accountDoc
	if err := read(o, &doc); err != nil {
		return Account{}, err
	}
	plan, ok := plans[doc.Domain]
	if !ok {
		var err error
		if plan, err = planOf(r, doc.Domain); err != nil {
			return Account{}, err
		}
		plans[doc.Domain] = plan
	}
	a := doc.account(mail.AccountID(o.ID), c.id, plan)
	a.Version = o.Version
	return a, nil
}

func listAccounts(r store.Reader, p AccountPage) ([]store.Object, error) {
	page := store.Page{After: mail.ObjectID(p.After), Limit: p.Limit}
	switch {
	case p.Domain == "" && p.Role != "":
		return r.Marked(kindAccount, hasRole(p.Role), page)
	case p.Domain == "":
		return r.Objects(kindAccount, page)
	}
	d, _, err := domainNamed(r, p.Domain)
	if err != nil {
		return nil, err
	}
	return r.Marked(kindAccount, inDomain(d.ID), page)
}

// SetAccountState suspends an account or takes it up again. Conflict "account.deleted" for one that was deleted.
func (c *Company) SetAccountState(ctx context.Context, by mail.Actor, id mail.AccountID, state AccountState) error {
	const op = "directory.SetAccountState"
	if state != AccountActive && state != AccountSuspended {
		return mail.E(op, mail.Invalid, "account.state", string(state))
	}
	return c.changeAccount(ctx, by, op, RightAccounts, id, func(_ store.Tx, doc *accountDoc) error {
		if doc.State == AccountDeleted {
			return mail.E(op, mail.Conflict, "account.deleted", doc.Address.String())
		}
		doc.State = state
		return nil
	})
}

// changeAccount lets fn change an account, if the actor has a right on it and it can't do more than the actor. The last owner
// stays one while administrators act; operators may leave a company without.
func (c *Company) changeAccount(ctx context.Context, by mail.Actor, op mail.Op, need Right, id mail.AccountID, fn func(store.Tx, *accountDoc) error) error {
	return c.change(ctx, by, op, need, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err == nil {
			err = c.permitAccount(tx, by, op, need, &doc)
		}
		if err != nil {
			return err
		}
		was := doc
		if err := fn(tx, &doc); err != nil {
			return err
		}
		if err := ownerLeft(tx, by, op, id, [2]*accountDoc{&was, &doc}); err != nil {
			return err
		}
		return putAccount(tx, id, doc, version)
	})
}

// AddAlias gives an account a further address, in any domain of the tenant. Reserved
// names are allowed. Conflict "address.taken"; Full "aliases.too_many".
func (c *Company) AddAlias(ctx context.Context, by mail.Actor, alias mail.Address, id mail.AccountID) error {
	const op = "directory.AddAlias"
	return c.changeAccount(ctx, by, op, RightAccounts, id, func(tx store.Tx, doc *accountDoc) error {
		if len(doc.Aliases) >= MaxAliases {
			return mail.E(op, mail.Full, "aliases.too_many", MaxAliases)
		}
		doc.Aliases = slices.Clone(doc.Aliases)
		return c.addAlias(tx, by, op, doc, alias)
	})
}

// addAlias puts a further address into the document, if the actor administers its domain too: who has a part of the company
// takes no addresses of another part.
func (c *Company) addAlias(r store.Reader, by mail.Actor, op mail.Op, d *accountDoc, alias mail.Address) error {
	alias, err := ownAddress(alias)
	if err != nil {
		return mail.Wrap(op, err)
	}
	domain, err := domainID(r, alias.Domain)
	if err == nil {
		err = c.permit(r, by, op, RightAccounts, Place{Domain: domain, Groups: d.Groups})
	}
	if err != nil {
		return err
	}
	if d.has(alias) {
		return mail.E(op, mail.Conflict, "address.taken", alias.String())
	}
	d.Aliases = append(d.Aliases, alias)
	return nil
}

// Alias is a further address of an account.
type Alias struct {
	Address mail.Address
	Account mail.AccountID
}

// Aliases lists the aliases of an account, or of all accounts of the tenant when id is zero.
func (c *Company) Aliases(ctx context.Context, id mail.AccountID) ([]Alias, error) {
	var all []Alias
	add := func(id mail.AccountID, doc accountDoc) {
		for _, a := range doc.Aliases {
			all = append(all, Alias{a, id})
		}
	}
	err := c.view(ctx, "directory.Aliases", func(r store.Reader) error {
		all = nil
		if !id.IsZero() {
			doc, _, err := readAccount(r, id)
			add(id, doc)
			return err
		}
		return each(r, kindAccount, func(o store.Object) error {
			var doc accountDoc
			err := read(o, &doc)
			add(mail.AccountID(o.ID), doc)
			return err
		})
	})
	return all, err
}

// RemoveAlias takes an alias away from its account. NotFound "alias.unknown".
func (c *Company) RemoveAlias(ctx context.Context, by mail.Actor, alias mail.Address) error {
	const op = "directory.RemoveAlias"
	return c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		o, err := tx.ObjectByKey(addressKey(alias))
		if err != nil && !mail.Is(err, mail.NotFound) {
			return err
		}
		var doc accountDoc
		if err == nil && o.Kind == kindAccount {
			if err := read(o, &doc); err != nil {
				return err
			}
			if err := c.permitAccount(tx, by, op, RightAccounts, &doc); err != nil {
				return err
			}
		}
		left := slices.DeleteFunc(slices.Clone(doc.Aliases), func(a mail.Address) bool { return sameAddress(a, alias) })
		if len(left) == len(doc.Aliases) {
			return mail.E(op, mail.NotFound, "alias.unknown", alias.String())
		}
		doc.Aliases = left
		return putAccount(tx, mail.AccountID(o.ID), doc, o.Version)
	})
}
