package directory

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// AccountState is what an account may do.
type AccountState string

// States of an account.
const (
	AccountActive    AccountState = "active"
	AccountSuspended AccountState = "suspended" // no sign-in; mail still comes in
)

// Account is one ID: one mail address and one box. Its slices are shared: don't change them.
type Account struct {
	ID      mail.AccountID
	Tenant  mail.TenantID
	Domain  mail.DomainID
	Address mail.Address
	Aliases []mail.Address
	Name    string // the person's, for the reader
	State   AccountState
	Quota   int64  // octets, by the domain's plan (SV-4)
	Lang    string // "ja" or "en"
	Roles   []Role
	Forward Forwarding // ML-5
	Filter  bool       // it has an active script, which says what becomes of its mail (ML-12)
	// SendingStopped says why the account may not send, as a key of the catalogue; "" = it may.
	SendingStopped string
}

// Owns tells whether an address is the account's own or one of its aliases.
func (a *Account) Owns(addr mail.Address) bool {
	return sameAddress(a.Address, addr) ||
		slices.ContainsFunc(a.Aliases, func(alias mail.Address) bool { return sameAddress(alias, addr) })
}

func sameAddress(a, b mail.Address) bool {
	return a.Domain == b.Domain && strings.EqualFold(a.Local, b.Local)
}

// Has tells whether the account has a role.
func (a *Account) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// AccountSpec asks for an account.
type AccountSpec struct {
	Address  mail.Address
	Name     string
	Password string // "" = nobody can sign in until one is set
	Lang     string // "" = the tenant's
	Roles    []Role
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
	Name    string         `json:"name,omitempty"`
	State   AccountState   `json:"state"`
	Lang    string         `json:"lang"`
	Roles   []Role         `json:"roles,omitempty"`
	Forward Forwarding     `json:"forward,omitzero"`
	Filter  bool           `json:"filter,omitempty"`

	SendingStopped string `json:"sendingStopped,omitempty"`
}

func (d *accountDoc) is(r Role) bool { return slices.Contains(d.Roles, r) }

// account joins the document with what its domain says.
func (d *accountDoc) account(id mail.AccountID, tenant mail.TenantID, plan Plan) Account {
	return Account{
		ID: id, Tenant: tenant, Domain: d.Domain, Address: d.Address, Aliases: d.Aliases,
		Name: d.Name, State: d.State, Quota: int64(plan), Lang: d.Lang, Roles: d.Roles,
		Forward: d.Forward, Filter: d.Filter, SendingStopped: d.SendingStopped,
	}
}

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
	o.Marks = append(o.Marks, inDomain(doc.Domain))
	for _, r := range doc.Roles {
		o.Marks = append(o.Marks, hasRole(r))
	}
	return taken(put(tx, o, doc), "address.taken")
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
	doc, _, err := readAccount(r, id)
	if err != nil {
		return Account{}, err
	}
	plan, err := planOf(r, doc.Domain)
	return doc.account(id, c.id, plan), err
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

// Accounts lists accounts in order of ID.
func (c *Company) Accounts(ctx context.Context, p AccountPage) ([]Account, error) {
	var all []Account
	err := c.view(ctx, "directory.Accounts", func(r store.Reader) error {
		objects, err := listAccounts(r, p)
		if err != nil {
			return err
		}
		all = make([]Account, 0, len(objects))
		plans := make(map[mail.DomainID]Plan)
		for _, o := range objects {
			var doc accountDoc
			if err := read(o, &doc); err != nil {
				return err
			}
			plan, ok := plans[doc.Domain]
			if !ok {
				if plan, err = planOf(r, doc.Domain); err != nil {
					return err
				}
				plans[doc.Domain] = plan
			}
			all = append(all, doc.account(mail.AccountID(o.ID), c.id, plan))
		}
		return nil
	})
	return all, err
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

// SetAccountState suspends an account or takes it up again.
func (c *Company) SetAccountState(ctx context.Context, by mail.Actor, id mail.AccountID, state AccountState) error {
	const op = "directory.SetAccountState"
	if state != AccountActive && state != AccountSuspended {
		return mail.E(op, mail.Invalid, "account.state", string(state))
	}
	return c.changeAccount(ctx, by, op, id, func(_ store.Tx, doc *accountDoc) error {
		doc.State = state
		return nil
	})
}

// SetRoles replaces an account's roles (CP-3). Conflict "account.last_admin".
func (c *Company) SetRoles(ctx context.Context, by mail.Actor, id mail.AccountID, roles []Role) error {
	const op = "directory.SetRoles"
	if err := checkRoles(op, roles); err != nil {
		return err
	}
	return c.changeAccount(ctx, by, op, id, func(_ store.Tx, doc *accountDoc) error {
		doc.Roles = slices.Clone(roles)
		return nil
	})
}

func checkRoles(op mail.Op, roles []Role) error {
	if i := slices.IndexFunc(roles, func(r Role) bool { return r != RoleOwner }); i >= 0 {
		return mail.E(op, mail.Invalid, "role.unknown", string(roles[i]))
	}
	if len(roles) > 1 {
		return mail.E(op, mail.Invalid, "role.twice", string(RoleOwner))
	}
	return nil
}

// changeAccount lets fn change an account. The last administrator stays one while
// administrators act; operators may leave a tenant without.
func (c *Company) changeAccount(ctx context.Context, by mail.Actor, op mail.Op, id mail.AccountID, fn func(store.Tx, *accountDoc) error) error {
	return c.update(ctx, by, op, manages, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err != nil {
			return err
		}
		was := doc.is(RoleOwner) && doc.State == AccountActive
		if err := fn(tx, &doc); err != nil {
			return err
		}
		if was && !(doc.is(RoleOwner) && doc.State == AccountActive) {
			if err := notLastAdmin(tx, by, op, id); err != nil {
				return err
			}
		}
		return putAccount(tx, id, doc, version)
	})
}

// notLastAdmin refuses to take the last active administrator but id away (CP-3).
func notLastAdmin(r store.Reader, by mail.Actor, op mail.Op, id mail.AccountID) error {
	if by.Role() == mail.Operator {
		return nil
	}
	others := false
	err := eachMarked(r, kindAccount, hasRole(RoleOwner), func(o store.Object) error {
		var doc accountDoc
		err := read(o, &doc)
		others = others || mail.AccountID(o.ID) != id && doc.State == AccountActive
		return err
	})
	if err == nil && !others {
		err = mail.E(op, mail.Conflict, "account.last_admin")
	}
	return err
}

// DeleteAccount removes an account with its credential, its mailboxes, all mail in
// them, its scripts, and its places on the tenant's lists. Its address is free again. Conflict "account.last_admin".
func (c *Company) DeleteAccount(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	const op = "directory.DeleteAccount"
	return c.update(ctx, by, op, manages, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err != nil {
			return err
		}
		if doc.is(RoleOwner) {
			if err := notLastAdmin(tx, by, op, id); err != nil {
				return err
			}
		}
		if err := dropCredential(tx, id); err != nil {
			return err
		}
		if err := dropMailboxes(tx, id); err != nil {
			return err
		}
		if err := dropBelongings(tx, id); err != nil {
			return err
		}
		if err := dropMemberships(tx, append(slices.Clone(doc.Aliases), doc.Address)...); err != nil {
			return err
		}
		return tx.DeleteObject(kindAccount, mail.ObjectID(id), version)
	})
}

// dropMailboxes deletes an account's mailboxes, those below before those above.
func dropMailboxes(tx store.Tx, id mail.AccountID) error {
	boxes, err := tx.Mailboxes(id)
	if err != nil {
		return err
	}
	children := make(map[mail.MailboxID][]mail.MailboxID)
	for _, b := range boxes {
		children[b.Parent] = append(children[b.Parent], b.ID)
	}
	var drop func(parent mail.MailboxID) error
	drop = func(parent mail.MailboxID) error {
		for _, b := range children[parent] {
			if err := drop(b); err != nil {
				return err
			}
			if err := tx.DeleteMailbox(b); err != nil {
				return err
			}
		}
		return nil
	}
	return drop(0)
}

// AddAlias gives an account a further address, in any domain of the tenant. Reserved
// names are allowed. Conflict "address.taken"; Full "aliases.too_many".
func (c *Company) AddAlias(ctx context.Context, by mail.Actor, alias mail.Address, id mail.AccountID) error {
	const op = "directory.AddAlias"
	alias, err := ownAddress(alias)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return c.changeAccount(ctx, by, op, id, func(tx store.Tx, doc *accountDoc) error {
		if _, _, err := domainNamed(tx, alias.Domain); err != nil {
			return err
		}
		if len(doc.Aliases) >= MaxAliases {
			return mail.E(op, mail.Full, "aliases.too_many", MaxAliases)
		}
		have, err := tx.ObjectByKey(addressKey(alias))
		if err == nil && mail.AccountID(have.ID) == id {
			return mail.E(op, mail.Conflict, "address.taken", alias.String())
		}
		doc.Aliases = append(doc.Aliases, alias)
		return nil
	})
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
	return c.update(ctx, by, op, manages, func(tx store.Tx) error {
		o, err := tx.ObjectByKey(addressKey(alias))
		if err != nil && !mail.Is(err, mail.NotFound) {
			return err
		}
		var doc accountDoc
		if err == nil && o.Kind == kindAccount {
			if err := read(o, &doc); err != nil {
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
